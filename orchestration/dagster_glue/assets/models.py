"""Staging, eligibility and scoring: dbt models (contract §3 to §5), a stage at a time."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import dagster as dg

from orchestration.dagster_glue.assets.asset_metadata import spec, table_metadata
from orchestration.dagster_glue.failures import as_failures
from orchestration.dagster_glue.gates import build_gate
from orchestration.dagster_glue.partitions import PERIODS
from orchestration.dagster_glue.resources import HomeResource
from orchestration.pipeline.building import build
from orchestration.pipeline.dbt_runner import manifest_path
from orchestration.pipeline.flow import MODEL_STAGES


@cache
def _manifest() -> Mapping[str, Any]:
    """The manifest of dbt's project, read from its artifact: dbt itself takes a second to import."""
    manifest: Mapping[str, Any] = json.loads(manifest_path().read_text(encoding="utf-8"))
    return manifest


def _models(stage: str) -> list[Mapping[str, Any]]:
    """The models of a stage, by the tag that their folder gives them, in the order of their names."""
    nodes = _manifest()["nodes"].values()
    models = [node for node in nodes if node["resource_type"] == "model" and stage in node["tags"]]
    return sorted(models, key=lambda node: str(node["name"]))


def tables_of(stage: str) -> list[str]:
    """The tables that the models of a stage make."""
    return [model["name"] for model in _models(stage)]


def _asset_of(unique_id: str) -> str:
    """The asset that a model or a source is; all tables of the terms are one."""
    resource = _manifest()["nodes"].get(unique_id) or _manifest()["sources"][unique_id]
    named = resource["config"].get("meta", {}).get("dagster", {}).get("asset_key")
    return str(named[0] if named else resource["name"])


def _model_spec(model: Mapping[str, Any], stage: str) -> dg.AssetSpec:
    columns = [
        dg.TableColumn(column["name"], column["data_type"], column["description"])
        for column in model["columns"].values()
    ]
    return spec(
        model["name"],
        stage,
        {"dbt", "duckdb"},
        model["description"],
        sorted({_asset_of(unique_id) for unique_id in model["depends_on"]["nodes"]}),
        skippable=True,
    ).merge_attributes(metadata={"dagster/column_schema": dg.TableSchema(columns)})


def build_stage(stage: str) -> dg.AssetsDefinition:
    """The assets of a stage: its models, built in one invocation of dbt."""

    @dg.multi_asset(
        name=stage,
        specs=[_model_spec(model, stage) for model in _models(stage)],
        partitions_def=PERIODS,
        can_subset=True,
    )
    def models(
        context: dg.AssetExecutionContext, home: HomeResource
    ) -> Iterable[dg.MaterializeResult[None]]:
        run = home.period_run(context)
        with as_failures():
            seconds = build(run, stage)
        with run.work.connect() as connection:
            # dbt's order is that of the dependencies, which Dagster wants kept.
            for name, spent in seconds.items():
                if dg.AssetKey(name) in context.selected_asset_keys:
                    yield dg.MaterializeResult(
                        asset_key=name,
                        metadata={**table_metadata(connection, name), "seconds": round(spent, 3)},
                    )

    return models


STAGE_ASSETS = [build_stage(stage) for stage in MODEL_STAGES]
GATES = [build_gate(stage, tables_of(stage)) for stage in MODEL_STAGES]
