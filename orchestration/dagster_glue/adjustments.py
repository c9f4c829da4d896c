"""Adjustments by hand, for the jobs of the UI: what the next run makes of one becomes metadata of the period."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import dagster as dg

from orchestration.adjusting.proposals import NotOne, Row
from orchestration.adjusting.step import take
from orchestration.dagster_glue.assets.ledger import PUBLISHED
from orchestration.dagster_glue.report_files import adjustments_page_of
from orchestration.dagster_glue.resources import demand_landing
from orchestration.ingest.landing_place import Landing
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.terms.load import LoadedProgram


def adjust(
    context: dg.OpExecutionContext,
    home: Home,
    loaded: LoadedProgram,
    landing: Landing | None,
    made: Callable[[Sequence[Row]], Row],
    *,
    is_written: bool = True,
) -> None:
    """Takes a step, and tells the ledger before and after in the run's log.

    Refused where `bonus adjust` ends with status 2 or 4, with the same words.
    """
    landing = demand_landing(landing)
    try:
        step = take(home, loaded, landing, made, is_written=is_written)
    except NotOne as error:
        raise Refused(str(error)) from None
    except OSError as error:
        raise Refused(
            f"cannot write to {landing}: {error.strerror}; check its permissions"
        ) from None
    context.log.info(step.text)
    if step.path is None:
        context.log.info("nothing is written yet; to approve it launch this job again with yes")
    program, period = loaded.program.program, step.row.period
    told = {
        "ledger before and after": dg.MetadataValue.text(step.text),
        "adjustments_page": dg.MetadataValue.url(adjustments_page_of(program, period)),
    }
    if step.path:
        told["file"] = dg.MetadataValue.path(step.path)
    context.log_event(
        dg.AssetObservation(
            PUBLISHED,
            partition=context.partition_key,
            description=step.row.text,
            metadata=told,
        )
    )
