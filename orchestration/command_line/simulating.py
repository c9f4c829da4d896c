"""The work of `bonus simulate`: a simulation with the engine and gates of a run, and its files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from orchestration.pipeline.engine_limits import EngineLimits
from orchestration.pipeline.engines import DuckDBEngine
from orchestration.pipeline.gate_worker import WORKER, run_gate
from orchestration.pipeline.home import Home
from orchestration.pipeline.period_run import PeriodRun
from orchestration.simulation.simulate import NotSimulable, simulated
from orchestration.simulation.write import write_simulation
from orchestration.terms.load import LoadedProgram


def simulate_periods(
    home: Home,
    loaded: LoadedProgram,
    other: LoadedProgram,
    periods: Sequence[str],
    landing: Path,
    out: Path,
    umask: int,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Simulates and writes into `out`, whose files are made under `umask`; gives the summary.

    Raises as `simulated` does; NotSimulable also if `out` cannot be written, as far as that can be
    known before anything is computed, or lies in the home.
    """
    _demand_outside(out, home)
    _make_folder(out, umask)
    limits = EngineLimits.of(os.environ)
    make_run = partial(
        PeriodRun,
        gate=partial(run_gate, limits=limits),
        engine=DuckDBEngine(limits),
        progress=progress,
    )
    WORKER.start()
    try:
        with simulated(home, loaded, other, periods, landing, make_run) as pairs:
            os.umask(umask)
            try:
                return write_simulation(loaded.program, pairs, out)
            except OSError as error:
                raise _unwritable(out, error) from None
    finally:
        WORKER.close()


def _demand_outside(out: Path, home: Home) -> None:
    if out.resolve().is_relative_to(home.path.resolve()):
        raise NotSimulable(
            f"{out} lies in the home {home.path}, where nothing of a simulation stays; "
            "name another folder with --out"
        )


def _make_folder(out: Path, umask: int) -> None:
    own = os.umask(umask)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(out, error) from None
    finally:
        os.umask(own)
    if not os.access(out, os.W_OK | os.X_OK):
        raise _unwritable(out, PermissionError(0, "Permission denied"))


def _unwritable(out: Path, error: OSError) -> NotSimulable:
    return NotSimulable(f"cannot write to {out}: {error.strerror}; name another folder with --out")
