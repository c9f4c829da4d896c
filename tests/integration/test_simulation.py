"""`bonus simulate` (§13) over a small program: april is closed and restated, may and june are open."""

from __future__ import annotations

import csv
import html
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.dagster_glue.definitions import build_definitions
from orchestration.dagster_glue.resources import SIMULATE_JOB, HomeResource
from orchestration.ledger.money import AmountTooLarge
from orchestration.pipeline.gate_worker import WORKER
from orchestration.pipeline.home import Home
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.refusals import GateFailed
from orchestration.publishing.export import export_tables
from orchestration.publishing.store import Publication
from orchestration.simulation.changes import differences
from orchestration.simulation.simulate import NotSimulable, simulated
from orchestration.terms.load import LoadedProgram, load_program
from tests.conftest import BonusHere
from tests.integration.test_decisions import PROGRAM, Small
from tests.proof.product import fast_run

ALL = ["april", "may", "june"]
DOUBLE = PROGRAM.replace("rate: 10", "rate: 20")
WITHOUT_APRIL = "".join(
    line for line in PROGRAM.splitlines(keepends=True) if "key: april" not in line
)
"""The adjustment is of april, so the staging gate does not hold."""
RETURN = "r1,ada,april,USD,returned,account closed,2024-05-25T00:00:00Z"
ADJUSTMENT = "a1,ada,april,USD,2.50,a lost reel,bo,cy,2024-05-01T00:00:00Z"


def restate_april(small: Small, views: int) -> None:
    """The post of eve has another number of views in april, and april is run again."""
    metrics = small.landing / "post_metrics" / "rows.csv"
    row = "p2,2024-04-28T00:00:00Z,"
    lines = [
        f"{row}{views}" if line.startswith(row) else line
        for line in metrics.read_text("utf-8").splitlines()
    ]
    metrics.write_text("\n".join(lines) + "\n", "utf-8")
    small.run("april")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """april is paid and closed, its payout comes back, and eve's post is counted anew."""
    small = Small(tmp_path_factory.mktemp("simulation"))
    small.run(*ALL)
    small.books.close("april")
    small.give_back(RETURN)
    small.adjust(ADJUSTMENT)  # delivered late: may posts it
    restate_april(small, 1_500)
    small.run("may", "june")
    return small


def other(small: Small, text: str) -> LoadedProgram:
    path = small.landing.with_name("other.yaml")
    path.write_text(text, "utf-8")
    return load_program(path)


def ledger(publication: Publication, creator: str) -> dict[str, str]:
    """The creator's row of the ledger, as exported."""
    paths = export_tables(publication, publication.folder.parent / "exported")
    path = next(path for path in paths if path.stem == "payout_ledger")
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = (row for row in csv.DictReader(file) if row["creator_id"] == creator)
    return row


def changed(small: Small, text: str, *periods: str) -> list[tuple[str, str]]:
    """Period and creator of each ledger row that differs."""
    with simulated(
        small.books.home, small.books.loaded, other(small, text), periods, small.landing, fast_run
    ) as pairs:
        return [
            (period, creator)
            for period, pair in pairs.items()
            for creator in differences(period, pair)["creator_id"]
        ]


def exported(publication: Publication, out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in export_tables(publication, out)}


def test_all_periods_equal_a_fresh_home(small: Small, tmp_path: Path) -> None:
    fresh = Small(tmp_path / "fresh")
    fresh.books.loaded.path.write_text(DOUBLE, "utf-8")
    fresh.landing = small.landing
    for period in ALL:
        fresh.run(period)
        fresh.books.close(period)
    with simulated(
        small.books.home,
        small.books.loaded,
        other(small, DOUBLE),
        ALL[::-1],
        small.landing,
        fast_run,
    ) as pairs:
        assert list(pairs) == ALL
        for period in ALL:
            expected = exported(fresh.books.published[period], tmp_path / "expected")
            assert exported(pairs[period].after, tmp_path / "found") == expected
        april, may = (ledger(pairs[period].after, "ada") for period in ("april", "may"))
    # 1,000 views at 20 a thousand; 2.50 by hand, which april posts, and not may that has read it first
    assert [april["earnings_minor"], april["adjustments_minor"]] == ["2000", "250"]
    # for returns april counts as closed
    assert [may["returns_minor"], may["adjustments_minor"]] == ["2250", "0"]


def test_a_period_alone_opens_with_what_is_published(small: Small) -> None:
    assert changed(small, PROGRAM, "june") == []
    with simulated(
        small.books.home, small.books.loaded, other(small, DOUBLE), ["may"], small.landing, fast_run
    ) as pairs:  # in the middle: april and june stay as they are
        before, after = (ledger(getattr(pairs["may"], side), "eve") for side in ("before", "after"))
    assert before["opening_balance_minor"] == after["opening_balance_minor"] == "1000"
    assert (before["closing_balance_minor"], after["closing_balance_minor"]) == ("2000", "2500")
    with simulated(
        small.books.home,
        small.books.loaded,
        other(small, DOUBLE),
        ["june"],
        small.landing,
        fast_run,
    ) as pairs:
        before, after = (
            ledger(getattr(pairs["june"], side), "eve") for side in ("before", "after")
        )
    assert before["opening_balance_minor"] == after["opening_balance_minor"] == "2000"
    assert (before["closing_balance_minor"], after["closing_balance_minor"]) == ("3000", "4000")


def test_differences_of_restated_periods_are_posted_as_ever(small: Small) -> None:
    """may has posted that of april, and posts it again; april itself is computed anew."""
    assert changed(small, PROGRAM, "may", "june") == []
    assert changed(small, PROGRAM, "april") == [("april", "ada"), ("april", "eve")]


@pytest.mark.long
def test_a_closed_period_posts_the_differences_that_it_has_posted(tmp_path: Path) -> None:
    """june posts what april came to once may was closed."""
    late = Small(tmp_path)
    late.run(*ALL)
    late.books.close("april")
    restate_april(late, 1_500)
    late.run("may", "june")
    late.books.close("may")
    restate_april(late, 1_600)
    late.run("may", "june")  # the post's growth in may is another one, too
    assert changed(late, PROGRAM, "june") == []
    with simulated(
        late.books.home,
        late.books.loaded,
        other(late, PROGRAM),
        ["may", "june"],
        late.landing,
        fast_run,
    ) as pairs:
        posted = [ledger(pair.after, "eve")["adjustments_minor"] for pair in pairs.values()]
    assert posted == ["500", "100"]


def test_the_home_is_as_before(small: Small) -> None:
    def files() -> dict[str, Any]:
        return {
            str(path): (path.lstat().st_mode, path.read_bytes() if path.is_file() else None)
            for path in sorted(small.books.home.path.rglob("*"))
        }

    before = files()
    left = small.books.home.path / "simulation=spring.crashed"
    left.mkdir()
    (left / "held.lock").touch()
    assert changed(small, DOUBLE, "may") != []
    assert files() == before
    with pytest.raises(GateFailed):  # also where a gate does not hold
        changed(small, WITHOUT_APRIL, "may")
    assert files() == before


REFUSED = {
    "another name": (PROGRAM.replace("program: spring", "program: autumn"), ["may"], "is the file of autumn"),
    "another currency": (PROGRAM.replace("currency: USD", "currency: EUR"), ["may"], "has the currency EUR"),
    "a period that the file lacks": (PROGRAM.replace("key: june", "key: july"), ["june"], "has no period june"),
    "a gap": (PROGRAM, ["april", "june"], "may lies between"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "periods", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_go_together_is_refused(
    small: Small, text: str, periods: list[str], said: str
) -> None:
    with pytest.raises(NotSimulable, match=said):
        changed(small, text, *periods)


@pytest.fixture
def bonus(small: Small, monkeypatch: pytest.MonkeyPatch) -> BonusHere:
    """The command line, with the engine and gates of these tests."""

    def run(*arguments: Any, progress: Any, **_: Any) -> PeriodRun:
        return fast_run(*arguments)

    monkeypatch.setattr("orchestration.simulation.run.PeriodRun", run)
    monkeypatch.setattr(WORKER, "start", lambda: None)
    return BonusHere(small.books.loaded.path, small.landing, small.books.home.path)


def test_the_command_writes_all_files(bonus: BonusHere, small: Small, tmp_path: Path) -> None:
    path, out = other(small, DOUBLE).path, tmp_path / "new" / "out"
    told = bonus.json("simulate", "june", "--with", str(path), "--out", str(out))
    assert told == json.loads((out / "summary.json").read_bytes())
    assert (out / "june" / "journal.csv").exists()
    assert (out / "differences.csv").read_text("utf-8") == (
        "period,creator_id,payout_currency,program_amount_minor_before,program_amount_minor_after,"
        "earnings_minor_before,earnings_minor_after,payout_minor_before,payout_minor_after,"
        "closing_balance_minor_before,closing_balance_minor_after\n"
        "june,ada,USD,1000,2000,1000,2000,760,1520,0,0\n"
        "june,eve,USD,1000,2000,1000,2000,0,0,3000,4000\n"
    )
    (june,) = told["periods"]
    assert june["program_amount_minor"] == {"before": 2_000, "after": 4_000, "change": 2_000}
    assert june["gini"] == {"before": "0.000000", "after": "0.000000"}
    assert june["largest_losses"] == []
    assert [row["creator_id"] for row in june["largest_gains"]] == ["ada", "eve"]
    groups = [row["group"] for row in june["classes"] if row["by"] == "decile"]
    assert [repr(group) for group in groups] == ["1"] * 5 + ["6"] * 5  # two earners; no floats
    page = (out / "index.html").read_text("utf-8")
    assert "gains over 5 %" in page and "+20.00" in page


def test_single_values_are_set_by_their_paths(
    bonus: BonusHere, small: Small, tmp_path: Path
) -> None:
    rate = "terms[0].payout.rates.US[0].rate"
    arguments = ("simulate", "june", "--out", str(tmp_path))
    (june,) = bonus.json(*arguments, "--set", f"{rate}=20")["periods"]
    assert june["program_amount_minor"]["after"] == 4_000
    assert f"after is what {small.books.loaded.path} with {rate}=20 gives" in html.unescape(
        (tmp_path / "index.html").read_text("utf-8")
    )
    with_double = (
        "--with",
        str(other(small, DOUBLE).path),
        "--set",
        "withholding[0].brackets[0].rate=0",
    )
    (june,) = bonus.json(*arguments, *with_double)["periods"]
    assert june["program_amount_minor"]["after"] == 4_000
    assert june["markets"][0]["payout_minor"] == {"before": 760, "after": 2_000, "change": 1_240}
    for wrong, said in (
        ((), "Give --with FILE or --set PATH=VALUE"),
        (("--set", f"{rate}s=20"), "has no key 'rates'; perhaps rate"),
        (("--set", f"{rate}=-1"), f"{rate}: found -1"),
        (("--set", "program=autumn"), "is the file of autumn"),
    ):
        done = bonus(*arguments, *wrong)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_variants_stand_side_by_side(bonus: BonusHere, small: Small, tmp_path: Path) -> None:
    double, treble = tmp_path / "double.yaml", tmp_path / "treble.yaml"
    double.write_text(DOUBLE, "utf-8")
    treble.write_text(PROGRAM.replace("rate: 10", "rate: 30"), "utf-8")
    out = tmp_path / "out"
    told = bonus.json(
        "simulate", "june", "--with", str(double), "--with", str(treble), "--out", str(out)
    )
    assert told == json.loads((out / "summary.json").read_bytes())
    after = {
        each["variant"]: each["periods"][0]["program_amount_minor"]["after"]
        for each in told["variants"]
    }
    assert after == {"variant-1": 4_000, "variant-2": 6_000}
    assert (out / "variant-2" / "simulated-program.yaml").read_bytes() == treble.read_bytes()
    for name in ("index.html", "differences.csv", "classes.csv", "june/payout_ledger.csv"):
        assert (out / "variant-1" / name).exists()
    page = (out / "index.html").read_text("utf-8")
    assert 'href="variant-2/index.html"' in page
    rows = [
        " ".join(row.split())
        for row in re.sub("<[^>]*>", " ", page).split("Gini")[0].split("Earned")
    ]
    assert rows[1].startswith("20.00 40.00 60.00")
    autumn = tmp_path / "autumn.yaml"
    autumn.write_text(PROGRAM.replace("program: spring", "program: autumn"), "utf-8")
    done = bonus(
        "simulate",
        "june",
        "--with",
        str(double),
        "--with",
        str(autumn),
        "--out",
        str(tmp_path / "none"),
    )
    assert (done.returncode, "autumn.yaml is the file of autumn" in done.stderr) == (2, True)
    assert not (tmp_path / "none").exists()  # refused before anything is computed


def test_statuses_of_the_command(bonus: BonusHere, small: Small, tmp_path: Path) -> None:
    def status(
        periods: list[str], text: str = PROGRAM, out: str = "out", **environment: str
    ) -> tuple[int, str]:
        path = tmp_path / "other.yaml"
        path.write_text(text, "utf-8")
        done = bonus(
            "simulate", *periods, "--with", str(path), "--out", str(tmp_path / out), **environment
        )
        assert not done.stdout
        return done.returncode, done.stderr

    (tmp_path / "a file").touch()
    inside = str(small.books.home.path / "published" / "program=spring" / "period=june")
    without_june = tmp_path / "program.yaml"
    without_june.write_text(PROGRAM.replace("key: june", "key: july"), "utf-8")
    (tmp_path / "a folder").mkdir()
    os.mkfifo(tmp_path / "a pipe")
    for hostile in ("absent", "a folder", "a pipe", "a file"):
        done = bonus("simulate", "june", "--with", str(tmp_path / hostile), "--out", str(tmp_path))
        assert (done.returncode, "expected" in done.stderr) == (2, True), done.stderr
    refused = [
        (2, "lies between", status(["june", "april"])),
        (2, "has no period 'july'", status(["july"])),
        (2, "expected", status(["june"], PROGRAM.replace("rate: 10", "rate: -1"))),
        (2, "a file: File exists; name another folder as out", status(["june"], out="a file")),
        (2, "it lies in", status(["june"], out=inside)),
        (2, "is not published", status(["june"], BONUS_HOME=str(tmp_path / "fresh"))),
        (3, "may: the staging gate has not held", status(["may"], WITHOUT_APRIL)),
        (4, "june published, but not in the program file", status(["may"], BONUS_PROGRAM=str(without_june))),
    ]  # fmt: skip
    for expected, said, (found, message) in refused:
        assert (found, said in message) == (expected, True), message
        assert "Traceback" not in message


def test_no_link_in_the_folder_is_followed(bonus: BonusHere, small: Small, tmp_path: Path) -> None:
    """Whoever may write in `--out` cannot have the owner of the home write over its files."""
    path, precious = other(small, DOUBLE).path, tmp_path / "program.yaml"
    precious.write_text("the program", "utf-8")
    out, version = tmp_path / "out", small.books.published["june"].folder.resolve()
    out.mkdir()
    arguments = ("simulate", "june", "--with", str(path), "--out", str(out))
    for name in ("simulated-program.yaml", "summary.json", "index.html", "differences.csv"):
        (out / name).symlink_to(precious)
    assert bonus(*arguments).returncode == 0
    assert precious.read_text("utf-8") == "the program"
    before = sorted(version.iterdir())
    shutil.rmtree(out / "june")
    (out / "june").symlink_to(version)
    done = bonus(*arguments)
    assert done.returncode == 2
    assert "it lies in" in done.stderr
    assert sorted(version.iterdir()) == before
    (out / "june").unlink()
    (tmp_path / "elsewhere").mkdir()
    (out / "june").symlink_to(tmp_path / "elsewhere")
    done = bonus(*arguments)
    assert done.returncode == 2
    assert "june there is a link or a file, where a folder is to be" in " ".join(
        done.stderr.split()
    )
    assert not any((tmp_path / "elsewhere").iterdir())


def test_an_amount_that_is_too_large_is_told_in_one_message(
    bonus: BonusHere, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*_: Any) -> None:
        raise AmountTooLarge("a sum is 9223372036854775808, which does not fit 64 bits")

    monkeypatch.setattr("orchestration.pipeline.earning.write_earnings", too_large)
    path = other(small, DOUBLE).path
    done = bonus("simulate", "june", "--with", str(path), "--out", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "a sum is 9223372036854775808" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(small.books.home.path.glob("simulation=*"))


def test_the_job_of_the_ui_simulates_and_says_where(
    bonus: BonusHere, small: Small, tmp_path: Path
) -> None:
    assert bonus  # has put in the engine of these tests
    home = Home(tmp_path / "home")
    shutil.copytree(small.books.home.path, home.path, symlinks=True)
    home.register("spring", small.books.loaded.path, small.landing)

    def launched(**config: Any) -> dg.ExecuteInProcessResult:
        with dg.DagsterInstance.ephemeral() as instance:
            instance.add_dynamic_partitions("bonus_period", ["spring:june"])
            definitions = build_definitions(HomeResource(path=str(home.path)))
            return definitions.resolve_job_def(SIMULATE_JOB).execute_in_process(
                run_config={"ops": {"simulate_periods": {"config": config}}},
                partition_key="spring:june",
                instance=instance,
                raise_on_error=False,
            )

    out = tmp_path / "out"
    rate = "terms[0].payout.rates.US[0].rate"
    result = launched(out=str(out), settings=[f"{rate}=20"], periods=["may"])
    assert result.success
    (observed,) = (
        event.asset_observation_data.asset_observation
        for event in result.all_events
        if event.event_type_value == "ASSET_OBSERVATION"
    )
    assert observed.metadata["page"].value == str(out / "index.html")
    told = json.loads((out / "summary.json").read_bytes())
    assert [entry["period"] for entry in told["periods"]] == ["may", "june"]
    for config, said in (
        ({"out": "here", "settings": [f"{rate}=20"]}, "give the whole path of a folder"),
        ({"out": str(out)}, "which other terms?"),
        ({"out": str(out), "settings": ["rate=20"]}, "has no key 'rate'"),
        ({"out": str(out), "settings": [f"{rate}=20"], "periods": ["april"]}, "may lies between"),
        ({"out": str(home.path), "settings": [f"{rate}=20"]}, "it lies in"),
        ({"out": str(out), "with_files": [str(tmp_path / "absent")]}, "absent"),
    ):
        (failure,) = (each for each in launched(**config).all_events if each.is_step_failure)
        assert said in str(failure.event_specific_data), config
