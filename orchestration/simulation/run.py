"""A simulation with the engine and gates of a run, and its files: for the command line and the UI."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from orchestration.foundations.files import files_placed, folder_held
from orchestration.ingest.landing_place import Landing
from orchestration.pipeline.engine_limits import EngineLimits
from orchestration.pipeline.engines import DuckDBEngine
from orchestration.pipeline.gate_worker import run_gate
from orchestration.pipeline.home import Home
from orchestration.pipeline.period_run import PeriodRun
from orchestration.simulation.simulate import NotSimulable, named_periods, simulated
from orchestration.simulation.write import write_simulation, write_variants
from orchestration.terms.load import LoadedProgram


def simulate_periods(
    home: Home,
    loaded: LoadedProgram,
    others: Sequence[LoadedProgram],
    settings: Sequence[str],
    periods: Sequence[str],
    landing: Landing,
    out: Path,
    umask: int,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Simulates and writes into `out`, whose files are made under `umask`; gives the summary.

    `settings` are what was set in all of `others`.

    Several other files are variants: each goes to a folder of its own below `out`, and a page has
    them side by side. Raises as `simulated` does; NotSimulable also if `out` cannot be written, as
    far as that can be known before anything is computed, or lies in the home.
    """
    published = home.store(loaded.program.program).published()
    for other in others:
        named_periods(loaded, other, periods, published)
    with _writing(out, umask), folder_held(out, outside=home.apart()) as held:
        if not os.access(held, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    limits = EngineLimits.of(os.environ)
    make_run = partial(
        PeriodRun,
        gate=partial(run_gate, limits=limits),
        engine=DuckDBEngine(limits),
        progress=progress,
    )

    def simulate(other: LoadedProgram, below: str) -> dict[str, Any]:
        with (
            simulated(home, loaded, other, periods, landing, make_run) as pairs,
            _writing(out, umask),
            files_placed(out, outside=home.apart()) as fresh,
        ):
            return write_simulation(other, settings, pairs, fresh / below)

    if len(others) == 1:
        return simulate(others[0], ".")
    variants = []
    for number, other in enumerate(others, start=1):
        name = f"variant-{number}"
        variants.append({**simulate(other, name), "variant": name})
    with _writing(out, umask), files_placed(out, outside=home.apart()) as fresh:
        return write_variants(variants, fresh)


@contextmanager
def _writing(out: Path, umask: int) -> Iterator[None]:
    """Files are made under the mask of whoever calls; NotSimulable if that fails."""
    own = os.umask(umask)
    try:
        yield
    except OSError as error:
        raise NotSimulable(
            f"cannot write to {out}: {error.strerror}; name another folder as out"
        ) from None
    finally:
        os.umask(own)
