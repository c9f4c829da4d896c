"""What `bonus status` shows: of each period its state, last run, gates and totals."""

from __future__ import annotations

from typing import Any

import dagster as dg

from orchestration.partitions import partition_key
from orchestration.pipeline.home import Home
from orchestration.terms.model import Program

LOOKED_AT = 1000
"""How many of the latest runs are searched for each period's last one."""


def period_states(home: Home, program: Program) -> list[dict[str, Any]]:
    """One entry a period, in the program's order, from the home and Dagster's instance."""
    published = home.store(program.program).published()
    last_runs = _last_runs()
    states = []
    for period in program.periods:
        publication = published.get(period.key)
        record = publication.run if publication else None
        run = last_runs.get(partition_key(program.program, period.key))
        states.append(
            {
                "period": period.key,
                "state": "estimated" if record else "not published",
                "starts_on": period.starts_on.isoformat(),
                "ends_on": period.ends_on.isoformat(),
                "closes_on": period.closes_on.isoformat(),
                "pays_on": period.pays_on.isoformat(),
                "last_run": run,
                "published_run": record and record["run_id"],
                "published_at": record and record["published_at"],
                "by": record and record["by"],
                "gates": record
                and {
                    stage: {
                        "held": not any(
                            row["severity"] == "error" and row["state"] != "held"
                            for row in result["results"]
                        ),
                        "warnings": sum(
                            row["severity"] == "warn" and row["state"] != "held"
                            for row in result["results"]
                        ),
                    }
                    for stage, result in record["gates"].items()
                },
                "totals": record and record["totals"],
            }
        )
    return states


def _last_runs() -> dict[str, dict[str, Any]]:
    """The latest run of each partition, wherever it was started."""
    runs: dict[str, dict[str, Any]] = {}
    for run in dg.DagsterInstance.get().get_runs(limit=LOOKED_AT):  # newest first
        key = run.tags.get("dagster/partition")
        if key is not None and key not in runs:
            runs[key] = {"run_id": run.run_id, "status": run.status.value, "by": run.tags.get("by")}
    return runs
