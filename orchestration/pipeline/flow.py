"""The flow of a period, told once: its stages in order, each with the gate behind it.

The command line and Dagster walk it as assets and checks (`dagster_glue/`), proofs and tests as a
plain call.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.ingest.landing_place import Landing
from orchestration.pipeline import earning
from orchestration.pipeline.building import build
from orchestration.pipeline.gating import demand_held
from orchestration.pipeline.ingesting import Reader, ingest
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.publishing import Published, publish
from orchestration.pipeline.run_state import STAGES

MODEL_STAGES = STAGES[1:-1]
"""The stages that consist of dbt models."""


def run_all(
    run: PeriodRun, program_file: Path, landing: Landing, reader: Reader | None = None
) -> Published:
    """All stages with their gates. Raises GateFailed or Refused; what is published then stays."""
    compute(run, program_file, landing, reader)
    return publish(run)


def compute(
    run: PeriodRun, program_file: Path, landing: Landing, reader: Reader | None = None
) -> None:
    """All stages but the last half of the last: up to earnings, with nothing settled or published."""
    ingest(run, program_file, landing, reader)
    demand_held(run, "ingest")
    for stage in MODEL_STAGES:
        build(run, stage)
        demand_held(run, stage)
    earning.earn(run)
