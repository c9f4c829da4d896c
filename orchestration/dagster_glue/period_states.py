"""The content of `bonus status`: the state, last run, gates and totals of each period, and what is left due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import dagster as dg

from orchestration.dagster_glue.dead_runs import UNENDED
from orchestration.dagster_glue.instance import open_instance
from orchestration.dagster_glue.jobs import PERIOD_JOB
from orchestration.dagster_glue.partitions import partition_key
from orchestration.dagster_glue.resources import CLOSE_JOB, WITHDRAW_JOB
from orchestration.ingest.landing_place import Landing
from orchestration.pipeline.changed_inputs import changes_of_published
from orchestration.pipeline.deciding import decisions_left_due
from orchestration.pipeline.home import Home
from orchestration.pipeline.later_runs import later_run
from orchestration.records import RunRecord
from orchestration.terms.load import LoadedProgram
from orchestration.terms.model import Program

LOOKED_AT = 1000
"""How many of the latest runs are searched for each period's last one."""

WRITING_JOBS = frozenset({PERIOD_JOB, CLOSE_JOB, WITHDRAW_JOB})
"""The jobs that change what is published; others only look, and say nothing of a period's state."""

_UNENDED = UNENDED | {dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED}
_JOB_SAID = {PERIOD_JOB: "run", CLOSE_JOB: "close", WITHDRAW_JOB: "withdrawal"}


def period_states(
    home: Home, loaded: LoadedProgram, landing: Landing | None = None
) -> list[dict[str, Any]]:
    """One entry a period, in the program's order, from the home and Dagster's instance.

    What changed after a run is told of the run whose rows are published; of a closed period, of its
    restatement, if there is one. `landing` is where to look, if it is not where the home knows it.
    """
    program = loaded.program
    store = home.store(program.program)
    published, restated = store.published(), store.restated()
    last_runs = _last_runs(open_instance(home))
    changes = changes_of_published(home, loaded, landing)
    states = []
    for period in program.periods:
        publication = published.get(period.key)
        record = publication.record() if publication else None
        closed = publication.closed if publication else None
        run = last_runs.get(partition_key(program.program, period.key))
        states.append(
            {
                "period": period.key,
                "state": "closed" if closed else "estimated" if record else "not published",
                "closed_by": closed and closed.approved_by,
                "closed_at": closed and closed.closed_at,
                "restatement": restated[period.key].record().totals.to_json()
                if period.key in restated
                else None,
                "starts_on": period.starts_on.isoformat(),
                "ends_on": period.ends_on.isoformat(),
                "closes_on": period.closes_on.isoformat(),
                "pays_on": period.pays_on.isoformat(),
                "last_run": run,
                "later_run": later_run(home, program.program, period.key, record),
                "changed": changes[period.key].to_json() if period.key in changes else None,
                "published_run": record and record.run_id,
                "published_at": record and record.published_at,
                "by": record and record.by,
                "gates": record and _gates(record),
                "left_out": record and _left_out(record),
                "totals": record and record.totals.to_json(),
            }
        )
    return states


def left_due(home: Home, program: Program) -> list[dict[str, Any]] | None:
    """§7: what is due and has no open period that could post it; None where tables cannot be read."""
    import duckdb

    store = home.store(program.program)
    try:
        found = decisions_left_due(program, store.published(), store.restated())
    except (duckdb.Error, OSError):
        return None
    return [asdict(one) for one in found]


def _gates(record: RunRecord) -> dict[str, dict[str, Any]]:
    return {
        stage: {"held": result.held, "warnings": len(result.warnings)}
        for stage, result in record.gates.items()
    }


def _left_out(record: RunRecord) -> dict[str, int] | None:
    """The number of landing rows that do not count, by reason; None where the run did not keep that yet."""
    datasets = record.data.get("datasets")
    return datasets and {
        reason: sum(dataset.get(f"rows_{reason}", 0) for dataset in datasets)
        for reason in ("quarantined", "deleted")
    }


def _last_runs(instance: dg.DagsterInstance) -> dict[str, dict[str, Any]]:
    """The latest run of each partition that was to change it, wherever it was started."""
    runs: dict[str, dict[str, Any]] = {}
    for run in instance.get_runs(limit=LOOKED_AT):  # newest first
        key = run.tags.get("dagster/partition")
        if key is not None and key not in runs and run.job_name in WRITING_JOBS:
            runs[key] = _told(run)
    return runs


def _told(run: dg.DagsterRun) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "job": run.job_name,
        "status": run.status.value,
        "by": run.tags.get("by"),
    }


def unended_run(home: Home, program: str, period: str) -> dict[str, Any] | None:
    """The latest run that is to change a period and has not ended, as `last_run` has it; None without one."""
    if not (home.dagster / "dagster.yaml").exists():  # nothing was ever launched here
        return None
    asked = dg.RunsFilter(
        tags={"dagster/partition": partition_key(program, period)}, statuses=list(_UNENDED)
    )
    dead = home.dead_holder(program, period)
    for run in open_instance(home).get_runs(asked):
        if run.job_name in WRITING_JOBS and run.run_id != dead:
            return _told(run)
    return None


def said_of_unended(run: Mapping[str, Any]) -> str | None:
    """In words that a run has not ended; None of one that has."""
    status = dg.DagsterRunStatus(run["status"])
    if status not in _UNENDED:
        return None
    what = f"a {_JOB_SAID[run['job']]} of {run['by'] or 'somebody'}"
    return f"{what} is {status.value.lower().replace('_', ' ')}; look again when it has ended"
