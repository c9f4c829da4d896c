"""`python -m tests.integration.reexecute RUN_ID`: the UI's "Re-execute from failure", in this process.

Over BONUS_HOME; says as JSON whether the run succeeded, and what its failed steps say.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import dagster as dg

from orchestration.dagster_glue.jobs import PERIOD_JOB
from orchestration.dagster_glue.served import defs
from orchestration.pipeline.home import Home


def period_job() -> dg.JobDefinition:
    return defs.resolve_job_def(PERIOD_JOB)


def main() -> None:
    os.environ["DAGSTER_HOME"] = str(Home(Path(os.environ["BONUS_HOME"])).dagster)
    with dg.DagsterInstance.get() as instance:
        failed = instance.get_run_by_id(sys.argv[1])
        assert failed is not None
        result = dg.execute_job(
            dg.reconstructable(period_job),
            instance,
            run_config=failed.run_config,
            tags=failed.tags,  # the partition is one of them
            reexecution_options=dg.ReexecutionOptions.from_failure(failed.run_id, instance),
        )
        said = []
        for event in result.all_events:
            if event.is_step_failure:
                data = event.step_failure_data
                own = data.user_failure_data
                said.append(str(own.description if own else data.error and data.error.message))
        steps = [event.step_key for event in result.all_events if event.is_step_success]
        print(json.dumps({"success": result.success, "said": said, "steps": steps}))


if __name__ == "__main__":
    main()
