"""What an operator launches."""

from __future__ import annotations

import dagster as dg

from orchestration.partitions import PERIODS

PERIOD_JOB = "period"


def build_period_job() -> dg.UnresolvedAssetJobDefinition:
    """All stages of one period, with their gates, in one process."""
    return dg.define_asset_job(
        PERIOD_JOB,
        selection=dg.AssetSelection.all(),
        partitions_def=PERIODS,
        executor_def=dg.in_process_executor,
        description="Runs a bonus period through all stages and gates, and publishes it.",
    )
