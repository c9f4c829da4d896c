"""The one assembly that command line, UI and tests share."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from orchestration.dagster_glue.assets import ingest, ledger, models
from orchestration.dagster_glue.jobs import (
    approve_adjustment_job,
    build_period_job,
    close_job,
    explain_job,
    propose_adjustment_job,
    simulate_job,
    statements_job,
    withdraw_job,
)
from orchestration.dagster_glue.resources import HomeResource
from orchestration.dagster_glue.sensors import alerts, closing_days, deliveries, input_changes


def build_definitions(home: HomeResource) -> dg.Definitions:
    """All assets, gates, jobs and what watches, over a home."""
    return dg.Definitions(
        assets=[ingest.ingest, *models.STAGE_ASSETS, ledger.earnings, ledger.publication],
        asset_checks=[ingest.GATE, *models.GATES],
        jobs=[
            build_period_job(),
            close_job,
            withdraw_job,
            explain_job,
            statements_job,
            simulate_job,
            propose_adjustment_job,
            approve_adjustment_job,
        ],
        sensors=[deliveries, input_changes, alerts],
        schedules=[closing_days],
        resources={"home": _without_a_form(home)},
        executor=dg.in_process_executor,
    )


def _without_a_form(home: HomeResource) -> dg.ResourceDefinition:
    """The home as a resource that asks for nothing: else each launchpad shows its path, to be changed."""

    @dg.resource(description="The home folder, and the engine that its periods are run by.")
    def provided(context: dg.InitResourceContext) -> Iterator[HomeResource]:
        with home.yield_for_execution(context) as ready:
            yield ready

    return provided
