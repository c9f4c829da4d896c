"""`python -m benchmarks.operator`: what an operator waits for, whatever the size; a table as Markdown.

The UI's first answer; 24 periods of a sample in one `bonus run`, beside 24 of one period each; a
backfill from the UI, beside runs launched there one by one. Each once, in homes of their own.
Reads BENCH_PERIODS and BENCH_BACKFILL, the numbers of periods (24 each).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from orchestration.dagster_glue.partitions import partition_key
from orchestration.sample import write_sample
from orchestration.terms.load import load_program
from tests.conftest import Bonus
from tests.served_ui import ServedUI, serve_ui, wait_for

_PATIENCE_SECONDS = 3600


def main() -> None:
    periods, backfilled = (
        int(os.environ.get(name, default))
        for name, default in (("BENCH_PERIODS", "24"), ("BENCH_BACKFILL", "24"))
    )
    with tempfile.TemporaryDirectory(prefix="bench-operator-") as scratch:
        folder = Path(scratch)
        write_sample(folder, periods=max(periods, backfilled))
        program = load_program(folder / "program.yaml").program
        keys = [period.key for period in program.periods]
        partitions = [partition_key(program.program, key) for key in keys[:backfilled]]

        def home(name: str) -> Bonus:
            return Bonus(folder / "program.yaml", folder / "landing", folder / name)

        print("| what | wall s | ratio |\n| --- | --- | --- |", flush=True)
        single = sum(_seconds(_run, home("single"), [key]) for key in keys[:periods])
        _say(f"`bonus run`, {periods} times one period", single)
        at_once = _seconds(_run, home("at-once"), keys[:periods])
        _say(f"`bonus run`, {periods} periods at once", at_once, single)
        for name, launch in (("one by one", _one_by_one), ("a backfill", _backfill)):
            log = folder / f"{name}.log"
            started = time.monotonic()
            with serve_ui(home(name), log) as ui:
                _say("`bonus ui` up to its first answer", time.monotonic() - started)
                seconds = _seconds(launch, ui, partitions, log)
            if name == "one by one":
                single = seconds
            _say(f"UI, {backfilled} periods, {name}", seconds, single)


def _seconds(work: Callable[..., None], *arguments: Any) -> float:
    started = time.monotonic()
    work(*arguments)
    return time.monotonic() - started


def _say(what: str, seconds: float, beside: float | None = None) -> None:
    ratio = f"{seconds / beside:.2f}" if beside else ""
    print(f"| {what} | {seconds:.1f} | {ratio} |", flush=True)


def _run(bonus: Bonus, keys: Sequence[str]) -> None:
    done = bonus("run", *keys, "--by", "bench", timeout=_PATIENCE_SECONDS)
    if done.returncode:
        raise RuntimeError(done.stderr)


def _one_by_one(ui: ServedUI, partitions: Sequence[str], log: Path) -> None:
    for partition in partitions:
        run = ui.launch_run(partition, by="bench")
        status = wait_for("the run ends", partial(ui.run_ended, run), _PATIENCE_SECONDS, log)
        assert status == "SUCCESS", status


def _backfill(ui: ServedUI, partitions: Sequence[str], log: Path) -> None:
    backfill = ui.launch_backfill(partitions, by="bench")
    wait_for("its runs end", lambda: len(_succeeded(ui)) == len(partitions), _PATIENCE_SECONDS, log)
    assert ui.backfill_ended(backfill) in (None, "COMPLETED_SUCCESS")


def _succeeded(ui: ServedUI) -> list[Any]:
    runs = ui.runs()
    assert not [run for run in runs if run["status"] in {"FAILURE", "CANCELED"}], runs
    return [run for run in runs if run["status"] == "SUCCESS"]


if __name__ == "__main__":
    main()
