"""Where a proxy has a login: every run is by who has logged in, whatever its launch says.

All ways to launch (GraphQL has a dozen) end at one place, where a run or a backfill is written into
Dagster's storage. There, in the webserver's process, the name is put in: into the tag `by`, and into
the configuration of a close. Runs of the command line, of sensors and of schedules are written by
other processes, and keep what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dagster import DagsterInstance, DagsterRun
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._record import copy

from orchestration.dagster_glue.jobs import CLOSE_OP
from orchestration.dagster_glue.resources import BY_TAG, CLOSE_JOB


def attribute(instance: DagsterInstance, user: Callable[[], str | None]) -> None:
    """From now on, what this instance writes is by `user()`; RuntimeError where that is nobody."""
    storage: Any = instance.run_storage
    add_run, add_backfill = storage.add_run, storage.add_backfill
    update_backfill = storage.update_backfill

    def known() -> str:
        name = user()
        if name is None:
            raise RuntimeError("a run was to be launched by nobody; it is not")
        return name

    def update(backfill: PartitionBackfill) -> None:
        # Who resumes it launches what is left of it; who cancels it launches nothing.
        is_resumed = backfill.status == BulkActionStatus.REQUESTED
        update_backfill(backfill_by(backfill, known()) if is_resumed else backfill)

    storage.add_run = lambda run: add_run(run_by(run, known()))
    storage.add_backfill = lambda backfill: add_backfill(backfill_by(backfill, known()))
    storage.update_backfill = update


def run_by(run: DagsterRun, name: str) -> DagsterRun:
    """The run as one of that person's; a close has him for its approver."""
    config = run.run_config
    if run.job_name == CLOSE_JOB:
        config = _approved_by(config, name)
    by: DagsterRun = copy(run, tags={**run.tags, BY_TAG: name}, run_config=config)
    return by


def backfill_by(backfill: PartitionBackfill, name: str) -> PartitionBackfill:
    """The backfill as one of that person's: its runs have its tags.

    One of closes is refused by each of its runs, whose approver is the job's own: nobody.
    """
    return backfill._replace(tags={**backfill.tags, BY_TAG: name})


def _approved_by(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    ops = dict(config.get("ops", {}))
    step = dict(ops.get(CLOSE_OP, {}))
    step["config"] = {**step.get("config", {}), "approver": name}
    return {**config, "ops": {**ops, CLOSE_OP: step}}
