"""Simulations as files, for the job of the UI: what it wrote becomes metadata of the published period."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from orchestration.dagster_glue.assets.ledger import PUBLISHED
from orchestration.dagster_glue.resources import demand_landing
from orchestration.ingest.landing_place import Landing
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.terms.load import LoadedProgram, load_program

_MASK = 0o077  # what people earn is for the owner of the home alone


def simulation_of(
    context: dg.OpExecutionContext,
    home: Home,
    loaded: LoadedProgram,
    landing: Landing | None,
    periods: Sequence[str],
    out: Path,
    others: Sequence[str],
    settings: Sequence[str],
) -> None:
    """Simulates the periods by other program files, or with other values, into the folder `out`.

    Refused for a folder, file, setting or period that cannot be, with what `bonus simulate` says.
    """
    from orchestration.simulation.run import simulate_periods
    from orchestration.simulation.simulate import NotSimulable
    from orchestration.terms.settings import SettingError, with_settings

    if not others and not settings:
        raise Refused("which other terms? Give a file in with_files or PATH=VALUE in settings")
    landing = demand_landing(landing)
    try:
        programs = [load_program(path) for path in others] or [loaded]
        simulate_periods(
            home,
            loaded,
            [with_settings(program, settings) for program in programs],
            settings,
            periods,
            landing,
            out,
            _MASK,
            context.log.info,
        )
    except (NotSimulable, SettingError) as error:
        raise Refused(str(error)) from None
    context.log_event(
        dg.AssetObservation(
            PUBLISHED,
            partition=context.partition_key,
            description=f"Simulated: {', '.join(periods)}",
            metadata={"page": dg.MetadataValue.path(out / "index.html")},
        )
    )
