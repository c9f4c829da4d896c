"""Ingest: landing files and program file into the period's work file (contract §1, §2)."""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.dagster_glue.assets.asset_metadata import spec, table_metadata
from orchestration.dagster_glue.assets.quarantined import quarantine_metadata
from orchestration.dagster_glue.failures import as_failures
from orchestration.dagster_glue.gates import build_gate
from orchestration.dagster_glue.partitions import PERIODS
from orchestration.dagster_glue.resources import HomeResource
from orchestration.ingest.bucket import NoBucket
from orchestration.ingest.landing_place import Landing, landing_at
from orchestration.pipeline.ingesting import ingest as read
from orchestration.pipeline.period_run import PeriodRun
from orchestration.records import Inputs

INPUT_FILES = "input_files"
TERMS = "terms"
DESCRIPTIONS = {
    "raw_creators": "Grain: a landed row. Creators as delivered: account type, market, birth date.",
    "raw_payees": "Grain: a landed row. Payees as delivered: payout currency, tax residence and form,"
    " and whether the creator can be paid.",
    "raw_deals": "Grain: a landed row. Deals as delivered: who was invited, accepted, until when, up"
    " to which cap. Deals of other programs are among them.",
    "raw_posts": "Grain: a landed row. Posts as delivered, with the platform's flags.",
    "raw_post_metrics": "Grain: a delivery of a snapshot. Lifetime counts of a post at an instant,"
    " as the platform reported them; a count that was not reported is null.",
    "raw_audience": "Grain: a landed row. How many accounts of a country a creator reached by a day.",
    "raw_policy_events": "Grain: a landed row. Violations of policies by creators and posts, and"
    " their clearances.",
    "raw_fx_rates": "Grain: a landed row. Exchange rates of a day.",
    "raw_adjustments": "Grain: a landed row. Amounts that a person decided on, and who approved them.",
    "raw_payment_returns": "Grain: a landed row. Payouts that did not arrive.",
    TERMS: "Grain: one set of tables a period. The program file as tables to join: the period's days"
    " as instants in each market, and each terms version with its eligibility rules and weights.",
}
TABLES = tuple(DESCRIPTIONS)
DELIVERIES_ARE_LATE = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(hours=48), fail_window=timedelta(days=35)
)
"""How long ago files were last delivered or read, in any period of the home: Dagster knows none for a period.

48 hours is where the staging gate begins to miss snapshots (contract §8). 35 days are more than any month.
"""


class IngestConfig(dg.Config):
    """The files to read; left out, they are those of the program's last run."""

    program_file: str | None = None
    landing: str | None = None
    rehash: bool = False  # hash and read all landing files, also those that look as they did


@dg.multi_asset(
    name="ingest",
    specs=[
        spec(
            INPUT_FILES,
            "ingest",
            {"file"},
            "Grain: a period. Which files lie in the landing directory, and the program file: a run says what"
            " it reads, and the sensor input_changes what changed since.",
            freshness_policy=DELIVERIES_ARE_LATE,
        ),
        *(
            spec(table, "ingest", {"python", "duckdb"}, text, [INPUT_FILES])
            for table, text in DESCRIPTIONS.items()
        ),
    ],
    partitions_def=PERIODS,
    can_subset=False,
)
def ingest(
    context: dg.AssetExecutionContext, config: IngestConfig, home: HomeResource
) -> Iterable[dg.MaterializeResult[None]]:
    run = replace(home.period_run(context), rehash=config.rehash)
    registration = home.registration(run.program)
    landing = _place(config.landing) if config.landing else registration.landing
    if landing is None:
        raise dg.Failure(
            f"where the files of {run.program} land is not known in this home. Start the run once by"
            " bonus run, or bonus ui with --program and --landing"
        )
    started = time.monotonic()
    with as_failures():
        inputs = read(
            run,
            Path(config.program_file) if config.program_file else registration.program_file,
            landing,
        )
    seconds = round(time.monotonic() - started, 2)
    shared: dict[str, Any] = {
        "seconds": seconds,
        "fingerprint": inputs.fingerprint,
        "landing": dg.MetadataValue.path(inputs.landing),
        "program_file": dg.MetadataValue.path(inputs.program_file),
    }
    yield dg.MaterializeResult(
        asset_key=INPUT_FILES,
        data_version=dg.DataVersion(input_version(inputs.landing_sha256, inputs.program_sha256)),
        metadata=shared,
    )
    with run.work.connect() as connection:
        loaded = {
            f"raw_{dataset}": counts
            for dataset, *counts in connection.execute(
                "select dataset, rows_loaded, files, rows_quarantined, rows_deleted, files_quarantined"
                " from ingest_datasets"
            ).fetchall()
        }
        for table in TABLES:
            of_table = _terms(run, inputs) if table == TERMS else _loaded(*loaded[table])
            if table != TERMS:
                of_table |= table_metadata(connection, table)
                of_table |= quarantine_metadata(connection, table.removeprefix("raw_"))
            yield dg.MaterializeResult(asset_key=table, metadata=of_table | shared)


def _place(text: str) -> Landing:
    try:
        return landing_at(text)
    except NoBucket as error:
        raise dg.Failure(str(error)) from None


def input_version(landing_sha256: str, program_sha256: str) -> str:
    """The version by which Dagster knows the files: a period whose tables come from another one is stale."""
    return hashlib.sha256(f"{landing_sha256} {program_sha256}".encode()).hexdigest()


def _loaded(
    rows: int, files: int, quarantined_rows: int, deleted_rows: int, quarantined_files: int
) -> dict[str, Any]:
    deleted = f" Their source has deleted {deleted_rows:,} rows." if deleted_rows else ""
    return {
        "files": files,
        "quarantined_rows": quarantined_rows,
        "deleted_rows": deleted_rows,
        "quarantined_files": quarantined_files,
        "what_happened": dg.MetadataValue.md(
            f"{rows:,} rows came from {files:,} files. "
            f"{quarantined_rows:,} rows and {quarantined_files:,} files were quarantined.{deleted}"
        ),
    }


def _terms(run: PeriodRun, inputs: Inputs) -> dict[str, Any]:
    return {
        "program_sha256": inputs.program_sha256,
        "what_happened": dg.MetadataValue.md(
            f"The terms of `{run.program}` were read for `{run.period}`. "
            "What the period is judged by is kept with it, whatever becomes of the file."
        ),
    }


GATE = build_gate("ingest", TABLES)
