"""A run that this process starts is found where Dagster looks for those of the UI."""

from __future__ import annotations

import dagster as dg

from orchestration.dagster_glue.origin import LOCATION, REPOSITORY, write_as_launched


@dg.op
def step() -> None:
    pass


@dg.job(name="period")
def job() -> None:
    step()


def test_a_run_is_found_with_its_job_and_its_location() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        before = job.execute_in_process(instance=instance).run_id
        write_as_launched(instance)
        run_id = job.execute_in_process(instance=instance, tags={"by": "ada"}).run_id
        of_the_job = dg.RunsFilter(
            job_name="period", tags={".dagster/repository": f"{REPOSITORY}@{LOCATION}"}
        )
        (found,) = instance.get_runs(of_the_job)
    assert (found.run_id, found.tags["by"]) == (run_id, "ada") != (before, "ada")
    assert found.remote_job_origin is not None
    assert found.remote_job_origin.location_name == LOCATION
    assert found.remote_job_origin.job_name == "period"
