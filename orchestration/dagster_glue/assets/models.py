"""Staging, eligibility and scoring: dbt models (contract §3 to §5), a stage at a time."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

from orchestration.dagster_glue.assets.asset_metadata import OWNERS, group_name, table_metadata
from orchestration.dagster_glue.failures import as_failures
from orchestration.dagster_glue.gates import build_gate
from orchestration.dagster_glue.partitions import PERIODS
from orchestration.dagster_glue.resources import HomeResource
from orchestration.pipeline.building import build
from orchestration.pipeline.dbt_runner import manifest_path
from orchestration.pipeline.flow import MODEL_STAGES


class Translator(DagsterDbtTranslator):
    """Asset keys are table names; groups are stages."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        meta = dbt_resource_props.get("meta") or dbt_resource_props.get("config", {}).get(
            "meta", {}
        )
        key = meta.get("dagster", {}).get("asset_key") if meta else None
        return dg.AssetKey(key or [dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        stage = _stage(dbt_resource_props)
        return group_name(stage) if stage else None

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        # The default puts the SQL below the text; the UI shows it anyway, from the metadata.
        return str(dbt_resource_props.get("description", ""))

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        stage = _stage(dbt_resource_props)
        return {"stage": stage} if stage else {}

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        return OWNERS


def _stage(dbt_resource_props: Mapping[str, Any]) -> str | None:
    tags = dbt_resource_props.get("tags", [])
    return next((stage for stage in MODEL_STAGES if stage in tags), None)


def tables_of(stage: str) -> list[str]:
    """The models of a stage, by the tag that their folder gives them."""
    nodes = json.loads(manifest_path().read_text(encoding="utf-8"))["nodes"].values()
    return sorted(
        node["name"] for node in nodes if node["resource_type"] == "model" and stage in node["tags"]
    )


def build_stage(stage: str) -> dg.AssetsDefinition:
    """The assets of a stage: its models, built in one invocation of dbt."""

    @dbt_assets(
        manifest=manifest_path(),
        select=f"tag:{stage}",
        name=stage,
        partitions_def=PERIODS,
        dagster_dbt_translator=Translator(),
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
