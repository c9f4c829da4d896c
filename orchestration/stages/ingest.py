"""Ingest: landing files and program file into the period's work file (contract §1, §2)."""

from collections.abc import Iterable
from pathlib import Path

import dagster as dg

from orchestration.failures import as_failures
from orchestration.gates import build_gate
from orchestration.partitions import PERIODS
from orchestration.resources import HomeResource

TABLES = (
    "raw_creators",
    "raw_payees",
    "raw_deals",
    "raw_posts",
    "raw_post_metrics",
    "raw_audience",
    "raw_policy_events",
    "raw_fx_rates",
    "terms",
)


class IngestConfig(dg.Config):
    """Where to read from; left out, it is where the program's files were when last run."""

    program_file: str | None = None
    landing: str | None = None


@dg.multi_asset(
    name="ingest",
    specs=[dg.AssetSpec(table, group_name="ingest", kinds={"duckdb"}) for table in TABLES],
    partitions_def=PERIODS,
    can_subset=False,
)
def ingest(
    context: dg.AssetExecutionContext, config: IngestConfig, home: HomeResource
) -> Iterable[dg.MaterializeResult]:
    run = home.period_run(context)
    registration = home.registration(run.program)
    with as_failures():
        meta = run.ingest(
            Path(config.program_file) if config.program_file else registration.program_file,
            Path(config.landing) if config.landing else registration.landing,
        )
    with run.work.connect() as connection:
        counts = {
            f"raw_{dataset}": (loaded, quarantined)
            for dataset, loaded, quarantined in connection.execute(
                "select dataset, rows_loaded, rows_quarantined from ingest_datasets"
            ).fetchall()
        }
    for table in TABLES:
        metadata = {"fingerprint": meta["fingerprint"]}
        if table in counts:
            metadata |= {"rows": counts[table][0], "quarantined_rows": counts[table][1]}
        yield dg.MaterializeResult(asset_key=table, metadata=metadata)


GATE = build_gate("ingest", TABLES)
