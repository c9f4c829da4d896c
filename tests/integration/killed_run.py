"""A run that dies of SIGKILL at a given point: `python killed_run.py POINT SAMPLE HOME PERIOD`.

It keeps whatever it can of the landing files, so that it may die while it does.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from orchestration.ingest import verdicts
from orchestration.ingest.file_cache import FileCache
from orchestration.pipeline import earning, engines, versions
from orchestration.pipeline.flow import run_all
from orchestration.pipeline.home import Home
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.run_state import RunState
from orchestration.pipeline.work_file import WorkFile
from orchestration.publishing.store import Store
from orchestration.terms.load import load_program
from tests.keeping import everything_is_kept

# Where the run dies: (owner, name of what it is about to do, or has done where `after`, which call).
POINTS: dict[str, tuple[Any, str, bool, int]] = {
    "ingest, while what is known of a file is kept": (verdicts, "write_parts", True, 1),
    "ingest, after some files are kept": (FileCache, "put", True, 3),
    "ingest, before the work file is replaced": (WorkFile, "replace_with", False, 1),
    "ingest, after the work file is replaced": (WorkFile, "replace_with", True, 1),
    "staging, before its models": (engines.DuckDBEngine, "build", False, 1),
    "staging, before its verdict": (RunState, "record", False, 2),
    "eligibility, after its models": (engines.DuckDBEngine, "build", True, 2),
    "scoring, after its models": (engines.DuckDBEngine, "build", True, 3),
    "ledger, after the earnings": (earning, "write_earnings", True, 1),
    "publish, after a table is written": (versions, "write_table", True, 3),
    "publish, before the switch": (Store, "switch", False, 1),
    "publish, after the switch": (Store, "switch", True, 1),
}


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(point: str, sample: Path, home: Home, period: str) -> None:
    owner, name, after, which = POINTS[point]
    real = getattr(owner, name)
    calls = 0

    def deadly(*arguments: Any, **keywords: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == which and not after:
            _die()
        result = real(*arguments, **keywords)
        if calls == which:
            _die()
        return result

    setattr(owner, name, deadly)
    program = load_program(sample / "program.yaml").program
    with everything_is_kept():
        run_all(
            PeriodRun(home, program.program, period, "run-killed", "ada"),
            sample / "program.yaml",
            sample / "landing",
        )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Home(Path(sys.argv[3])), sys.argv[4])
