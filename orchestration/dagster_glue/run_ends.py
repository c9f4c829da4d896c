"""The end of a run's log: a link to its period, or the gate that blocks it, and the checks that nobody asked.

Dagster shows each check behind a failed step as failed itself, and cannot be told otherwise by a step
that is not executed.
"""

from __future__ import annotations

import dagster as dg
from dagster._core.events import DagsterEvent, EngineEventData

from expectations.suite import GateResult
from orchestration.dagster_glue.report_files import gates_of, page_of
from orchestration.pipeline.refusals import summarize

_PLANNED = dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
_BEGUN = dg.DagsterEventType.STEP_START


def say_not_asked(instance: dg.DagsterInstance, run: dg.DagsterRun, why: str) -> None:
    """Gives each check of a step that has not begun a warning for its result, with the reason."""
    logged = instance.all_logs(run.run_id, of_type={_PLANNED, _BEGUN})
    events = [entry.get_dagster_event() for entry in logged]
    begun = {event.step_key for event in events if event.event_type == _BEGUN}
    for event in events:
        if event.event_type == _PLANNED and event.step_key not in begun:
            instance.report_dagster_event(_not_asked(run, event, why), run.run_id)


def _not_asked(run: dg.DagsterRun, planned: DagsterEvent, why: str) -> DagsterEvent:
    key = planned.asset_check_planned_data.asset_check_key
    return DagsterEvent(
        dg.DagsterEventType.ASSET_CHECK_EVALUATION.value,
        run.job_name,
        step_key=planned.step_key,
        event_specific_data=dg.AssetCheckEvaluation(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"not asked: {why}",
            blocking=True,
            partition=run.tags.get("dagster/partition"),
        ),
    )


def say_what_blocks(
    instance: dg.DagsterInstance,
    run: dg.DagsterRun,
    log: dg.DagsterLogManager,
    place: tuple[str, str],
    stage: str,
    verdict: GateResult,
    options: str,
) -> None:
    """Ends a run's log with its gate, and with a link, since the text of a line cannot be clicked.

    `place` is program and period, `options` what a command takes to work on them.
    """
    page = gates_of(*place)
    log.error(
        f"{summarize(stage, verdict)}\n  see the rows: {page} of bonus ui, or"
        f" bonus gates {place[1]}{options}"
    )
    _lead(instance, run, f"the rows that the {stage} gate names", "rows", page)


def say_where(instance: dg.DagsterInstance, run: dg.DagsterRun, program: str, period: str) -> None:
    """Ends a run's log with a link to our own page of its period: Dagster's pages have no way there."""
    _lead(instance, run, f"{period}, as it is now", "period_page", page_of(program, period))


def _lead(
    instance: dg.DagsterInstance, run: dg.DagsterRun, said: str, name: str, page: str
) -> None:
    instance.report_engine_event(said, run, EngineEventData({name: dg.MetadataValue.url(page)}))
