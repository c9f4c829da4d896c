"""The stages of models: staging, eligibility and scoring (§3 to §5)."""

from __future__ import annotations

from orchestration.ingest.opening import files_changed_since
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.refusals import Refused


def build(run: PeriodRun, stage: str) -> dict[str, float]:
    """Builds the models of a stage in the run's work file; seconds by model.

    Where nothing was new to ingest, the tables of the run before are there already: 0 seconds each.

    Refused if a gate before it has not held, or if landing files changed after ingest.
    """
    record = run.state.begin_stage(stage)
    if record.taken_from is not None:
        return dict.fromkeys(record.models[stage], 0.0)
    _demand_unchanged(run, stage)
    run.tell(stage, "models")
    seconds = run.engine.build(run.work, stage)
    _demand_unchanged(run, stage)
    run.state.record_models(stage, seconds)
    return seconds


def _demand_unchanged(run: PeriodRun, stage: str) -> None:
    """Files that are read in place must be those that ingest has read: before and after."""
    if stage != "staging":
        return
    with run.work.connect() as connection:
        changed = files_changed_since(connection)
    if changed:
        raise Refused(
            f"{run.program} {run.period}: changed after ingest: {', '.join(changed[:20])};"
            " nothing was published. Run the period again from ingest on"
        )
