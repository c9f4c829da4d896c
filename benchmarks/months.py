"""`python -m benchmarks.months [MONTHS] [THOUSANDS]`: what a period costs in a program that has run for long.

Landing data of MONTHS months (24), a file of post_metrics for each with THOUSANDS thousand snapshots (960); each
month has posts of its own. CPU seconds of one `bonus run` of the newest period, each over the first:
its own month alone in a fresh home; all months in a fresh home; the same again, with nothing new;
the same with one more delivery of a day. Last, all periods in one `bonus run` over all months, over as many
times the first period with its own month alone. Reads BENCH_FOLDER (default: a temporary folder).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from datetime import date
from pathlib import Path

import duckdb

from benchmarks.data import DAYS, POSTS, PROGRAM, write_landing
from benchmarks.measure import Measured, bonus_run, measure

_FIRST_YEAR = 2024


def write_months(folder: Path, months: int, snapshots: int) -> list[str]:
    """Writes program.yaml and landing/ of so many months, each with about `snapshots` rows; gives the periods.

    Each month is the one of `benchmarks.data`, moved in time, with ids of its own for its posts.
    """
    one = folder / "one"
    write_landing(one, snapshots)
    landing = folder / "landing"
    shutil.copytree(
        one / "landing", landing, ignore=shutil.ignore_patterns("posts", "post_metrics")
    )
    rates = landing / "fx_rates" / "all.parquet"
    keys = []
    lines = []
    for month in range(months):
        first = _month(month + 3)
        after = _month(month + 4)
        last, closes = date.fromordinal(after.toordinal() - 1), after.replace(day=3)
        keys.append(f"{first:%Y-%m}")
        lines.append(
            f"  - {{key: {keys[-1]}, starts_on: {first}, ends_on: {last}, closes_on: {closes},"
            f" fx_on: {closes}, pays_on: {after.replace(day=21)}}}"
        )
        days = (first - date(2024, 4, 1)).days
        for name, moments in (
            ("posts", ["published_at", "updated_at"]),
            ("post_metrics", ["observed_at", "delivered_at"]),
        ):
            (landing / name).mkdir(exist_ok=True)
            moved = ", ".join(f"{moment} + interval {days} day as {moment}" for moment in moments)
            duckdb.execute(
                f"copy (select * replace (post_id || '-{month}' as post_id, {moved})"
                f" from read_parquet('{one}/landing/{name}/*.parquet'))"
                f" to '{landing}/{name}/{keys[-1]}.parquet' (format parquet)"
            )
    duckdb.execute(
        f"copy (select cast(day as date) as rate_date, rates.* exclude (rate_date) from '{rates}' as rates,"
        f" generate_series(date '2024-04-01', date '{_month(months + 5)}', interval 1 day) as of(day))"
        f" to '{rates}.new' (format parquet)"
    )
    Path(f"{rates}.new").rename(rates)
    for name in ("deals", "audience"):
        moment = "ends_at" if name == "deals" else "observed_on"
        file = landing / name / "all.parquet"
        new = "timestamp '2099-01-01'" if name == "deals" else "date '2024-04-01'"
        duckdb.execute(
            f"copy (select * replace ({new} as {moment}) from '{file}') to '{file}.new' (format parquet)"
        )
        Path(f"{file}.new").rename(file)
    head, rest = PROGRAM.split("periods:\n")
    terms = rest[rest.index("terms:") :]
    (folder / "program.yaml").write_text(
        head + "periods:\n" + "\n".join(lines) + "\n" + terms, encoding="utf-8"
    )
    return keys


def run(program: Path, landing: Path, home: Path, *periods: str) -> Measured:
    """One `bonus run` in a process of its own."""
    return measure(bonus_run(program, landing, home, *periods))


def _month(number: int) -> date:
    return date(_FIRST_YEAR + number // 12, number % 12 + 1, 1)


def _one_month(folder: Path, key: str) -> Path:
    """The landing folder with one month of posts and snapshots."""
    alone = folder / f"alone-{key}"
    shutil.copytree(folder / "landing", alone)
    for name in ("posts", "post_metrics"):
        for file in (alone / name).iterdir():
            if file.stem != key:
                file.unlink()
    return alone


def _deliver_a_day(landing: Path, key: str) -> None:
    """Later counts of a thirtieth of the newest month's posts."""
    metrics = landing / "post_metrics"
    duckdb.execute(
        f"copy (select * replace (views + 1 as views, delivered_at + interval 1 hour as delivered_at)"
        f" from '{metrics / key}.parquet' where hash(post_id, observed_at) % {DAYS} = 0)"
        f" to '{metrics}/day.parquet' (format parquet)"
    )


def main() -> None:
    months, thousands = (*map(int, sys.argv[1:]), *(24, 960)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(os.environ.get("BENCH_FOLDER", temporary))
        keys = write_months(folder, months, thousands * 1000)
        newest, program, landing = keys[-1], folder / "program.yaml", folder / "landing"
        alone = run(program, _one_month(folder, newest), folder / "home-alone", newest)
        print(f"{months} months of {thousands * 1000 // (POSTS * DAYS) * POSTS * DAYS:,} snapshots")
        print("| newest period | wall s | CPU s | peak GiB | x its own month alone (CPU) |")
        print("| --- | --- | --- | --- | --- |")

        def tell(what: str, done: Measured, beside: float = alone.cpu_seconds) -> None:
            print(
                f"| {what} | {done.wall_seconds:.1f} | {done.cpu_seconds:.1f} | {done.peak_gib:.1f}"
                f" | {done.cpu_seconds / beside:.2f} |",
                flush=True,
            )

        tell("its own month alone, fresh home", alone)
        tell("all months, fresh home", run(program, landing, folder / "home", newest))
        tell("the same again, nothing new", run(program, landing, folder / "home", newest))
        _deliver_a_day(landing, newest)
        tell("with one more delivery of a day", run(program, landing, folder / "home", newest))
        first = run(program, _one_month(folder, keys[0]), folder / "home-first", keys[0])
        tell("the first period, its own month alone", first)
        every = run(program, landing, folder / "home-every", *keys)
        tell(
            f"all {months} periods in one run, over {months} times the first",
            every,
            months * first.cpu_seconds,
        )


if __name__ == "__main__":
    main()
