"""Runs whose process died: Dagster keeps them as started, so whoever comes next marks them failed."""

from __future__ import annotations

from contextlib import suppress

import dagster as dg

from orchestration.dagster_glue.alerts import alert_of
from orchestration.pipeline.home import Home

UNENDED = frozenset(
    {
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.CANCELING,
    }
)


def fail_dead_run(
    instance: dg.DagsterInstance, home: Home, program: str, period: str
) -> str | None:
    """Reports the run that last held a period as failed, if its process is gone; its id, or None.

    What it published before it died stands, whole; the rest of it is made by running again.
    """
    run_id = home.dead_holder(program, period)
    run = instance.get_run_by_id(run_id) if run_id else None
    if run is None or run.status not in UNENDED:
        return None
    instance.report_run_failed(
        run, "The process of this run has died. Run the period again: nothing is lost."
    )
    alert_of(instance, run.run_id)
    from orchestration.reports.write import write_reports

    with suppress(Exception):  # the pages can be made again at any time
        write_reports(home, program, [period])
    return run.run_id
