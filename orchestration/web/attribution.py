"""Whose a run is: by who has logged in, whatever its launch says; else by what he has said he is called.

All ways to launch (GraphQL has a dozen) end at one place, where a run or a backfill is written into
Dagster's storage. There, in the webserver's process, the name is put in: into the tag `by`, and into
the configuration of the jobs that ask for a name (`NAMED_IN`). Runs of the command line, of sensors
and of schedules are written by other processes, and keep what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from dagster import DagsterInstance, DagsterRun
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.storage.tags import (
    PARENT_BACKFILL_ID_TAG,
    RUN_KEY_TAG,
    SCHEDULE_NAME_TAG,
    SENSOR_NAME_TAG,
)
from dagster._record import copy
from dagster_graphql.implementation.utils import UserFacingGraphQLError
from dagster_graphql.schema.errors import GraphenePythonError
from dagster_shared.error import SerializableErrorInfo

from orchestration.dagster_glue.alerts import ALERTED_TAG
from orchestration.dagster_glue.jobs import NAMED_IN
from orchestration.dagster_glue.resources import BY_TAG
from orchestration.terms.people import MOST_OF_A_NAME, is_person, what_is_wrong
from orchestration.web.door import OWN_PAGES

NOT_SAID: Final = frozenset({RUN_KEY_TAG, SCHEDULE_NAME_TAG, SENSOR_NAME_TAG, ALERTED_TAG})
"""Tags by which sensors, the schedule and alerts know what they have done. A launch that had them would
keep them from it: a run that a sensor has requested once is never requested again."""


class Unnamed(UserFacingGraphQLError):
    """A job that asks for a name was to be launched without one; nothing is.

    Dagster's pages show the sentence, without the stack that they show of any other error.
    """

    def __init__(self, text: str) -> None:
        told = SerializableErrorInfo(text, [], cls_name=None)
        super().__init__(GraphenePythonError(told))  # type: ignore[no-untyped-call]


def attribute(instance: DagsterInstance, user: Callable[[], str | None]) -> None:
    """From now on, what this instance writes is by `user()`; RuntimeError where that is nobody."""

    def known() -> str:
        name = user()
        if name is None:
            raise RuntimeError("a run was to be launched by nobody; it is not")
        return name

    _write_as(
        instance,
        lambda run: run_by(run, known()),
        lambda backfill: backfill_by(backfill, known()),
    )


def fill_in(instance: DagsterInstance, said: Callable[[], str | None]) -> None:
    """From now on, what names nobody is by `said()`, if that is somebody.

    A re-execution that names whom its parent did has only copied it, so it names nobody. A job that
    asks for a name is not launched without one: writing its run raises Unnamed.
    """

    def run_of(run: DagsterRun) -> DagsterRun:
        name = said()
        parent = instance.get_run_by_id(run.parent_run_id) if run.parent_run_id else None
        is_copied = parent is not None and _named_in(run) == _named_in(parent)
        if name and (is_copied or not _named_in(run)):
            return run_by(run, name)
        _demand_name(run)
        return run

    def backfill_of(backfill: PartitionBackfill) -> PartitionBackfill:
        name = said()
        before = backfill.tags.get(PARENT_BACKFILL_ID_TAG)
        parent = instance.get_backfill(before) if before else None
        by = backfill.tags.get(BY_TAG, "").strip()
        is_copied = parent is not None and by == parent.tags.get(BY_TAG, "").strip()
        return backfill_by(backfill, name) if name and (is_copied or not by) else backfill

    _write_as(instance, run_of, backfill_of)


def _write_as(
    instance: DagsterInstance,
    run_of: Callable[[DagsterRun], DagsterRun],
    backfill_of: Callable[[PartitionBackfill], PartitionBackfill],
) -> None:
    """Has each new run and each backfill that begins written in another form."""
    storage: Any = instance.run_storage
    add_run, add_backfill = storage.add_run, storage.add_backfill
    update_backfill = storage.update_backfill

    def update(backfill: PartitionBackfill) -> None:
        # Who resumes it launches what is left of it; who cancels it launches nothing.
        is_resumed = backfill.status == BulkActionStatus.REQUESTED
        update_backfill(backfill_of(backfill) if is_resumed else backfill)

    def add_launched(run: DagsterRun) -> DagsterRun:
        added: DagsterRun = add_run(run_of(copy(run, tags=_sayable(run.tags))))
        return added

    def add_launched_backfill(backfill: PartitionBackfill) -> None:
        add_backfill(backfill_of(backfill._replace(tags=_sayable(backfill.tags))))

    storage.add_run = add_launched
    storage.add_backfill = add_launched_backfill
    storage.update_backfill = update


def _sayable(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags of a launch but for those that only daemons give."""
    return {name: value for name, value in tags.items() if name not in NOT_SAID}


def run_by(run: DagsterRun, name: str) -> DagsterRun:
    """The run as one of that person's; where its configuration asks for a name, it is that one."""
    config = run.run_config
    if run.job_name in NAMED_IN:
        config = _with_name(config, *NAMED_IN[run.job_name], name)
    by: DagsterRun = copy(run, tags={**run.tags, BY_TAG: name}, run_config=config)
    return by


def backfill_by(backfill: PartitionBackfill, name: str) -> PartitionBackfill:
    """The backfill as one of that person's: its runs have its tags.

    One of closes is refused by each of its runs, whose approver is the job's own: nobody.
    """
    return backfill._replace(tags={**backfill.tags, BY_TAG: name})


def _demand_name(run: DagsterRun) -> None:
    """Refuses at once what the job would refuse later: Dagster takes any text for a name."""
    if run.job_name not in NAMED_IN or is_person(name := _named_in(run)):
        return
    wrong = f"{name[:MOST_OF_A_NAME]!r} is no name: {what_is_wrong(name)}" if name else "no name"
    raise Unnamed(
        f"Nothing was launched: {wrong}. Fill in {NAMED_IN[run.job_name][1]} in the launchpad, or say"
        f" once on {OWN_PAGES} who you are"
    )


def _named_in(run: DagsterRun) -> str:
    """Whom a launch names, in its configuration where the job asks for a name; "" if nobody."""
    if run.job_name in NAMED_IN:
        op, key = NAMED_IN[run.job_name]
        config: Any = run.run_config
        step = config.get("ops", {}).get(op, {})
        return str(step.get("config", {}).get(key, "")).strip()
    return run.tags.get(BY_TAG, "").strip()


def _with_name(config: Mapping[str, Any], op: str, key: str, name: str) -> dict[str, Any]:
    ops = dict(config.get("ops", {}))
    step = dict(ops.get(op, {}))
    step["config"] = {**step.get("config", {}), key: name}
    return {**config, "ops": {**ops, op: step}}
