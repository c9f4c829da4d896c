"""What does not fit in memory is spilled to the home's work folder, and the run goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.data import PERIOD, write_landing
from expectations.suite import GateResult
from orchestration.pipeline.building import build
from orchestration.pipeline.engine_limits import EngineLimits
from orchestration.pipeline.engines import DuckDBEngine
from orchestration.pipeline.gating import check
from orchestration.pipeline.home import Home
from orchestration.pipeline.ingesting import ingest
from orchestration.pipeline.period_run import PeriodRun

LIMITS = ("90MiB", "75MiB", "65MiB", "60MiB")
"""From plenty to hardly enough; at one of them a million snapshots do not fit any more."""


@contextmanager
def _watched(folder: Path) -> Iterator[threading.Event]:
    """Set as soon as the folder is there: DuckDB makes it when it spills, and takes it away later."""
    seen, done = threading.Event(), threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            if folder.exists():
                seen.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def test_a_stage_goes_on_after_it_has_spilled(tmp_path: Path) -> None:
    write_landing(tmp_path, 1_000_000)
    home = Home(tmp_path / "home")
    home.prepare()
    run = PeriodRun(
        home, "benchmark", PERIOD, "run", "ada", gate=lambda suite, _: GateResult(suite)
    )
    ingest(run, tmp_path / "program.yaml", tmp_path / "landing")
    check(run, "ingest")
    for limit in LIMITS:
        limited = replace(run, engine=DuckDBEngine(EngineLimits("2", limit)))
        with _watched(run.work.spill) as spilled:
            build(limited, "staging")
        if spilled.is_set():
            return
    pytest.fail("it never spilled: lower the limits")
