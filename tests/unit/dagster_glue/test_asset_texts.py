"""What an operator reads in Dagster: every asset says its grain and what its columns mean."""

from __future__ import annotations

import dagster as dg
import pytest

from orchestration.dagster_glue.assets.asset_metadata import GROUPS, OWNERS, group_name
from orchestration.dagster_glue.definitions import build_definitions
from orchestration.dagster_glue.resources import HomeResource
from orchestration.described.column_texts import column_text

SPECS = sorted(
    build_definitions(HomeResource(path="home")).resolve_all_asset_specs(),
    key=lambda spec: spec.key.to_user_string(),
)
WITHOUT_COLUMNS = {"input_files", "terms", "published_period"}  # each stands for several tables


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.key.to_user_string())
def test_an_asset_says_what_it_is(spec: dg.AssetSpec) -> None:
    assert spec.description
    assert spec.description.startswith("Grain: ")
    assert "\n" not in spec.description
    # Beyond the grain, what it means: a second sentence.
    assert spec.description.count(". ") >= 1
    assert spec.group_name in {group_name(stage) for stage in GROUPS}
    assert list(spec.owners) == list(OWNERS)
    assert spec.kinds
    assert spec.tags["stage"] == str(spec.group_name).partition("_")[2]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.key.to_user_string())
def test_every_column_has_a_type_and_a_meaning(spec: dg.AssetSpec) -> None:
    schema = spec.metadata.get("dagster/column_schema")
    if spec.key.to_user_string() in WITHOUT_COLUMNS:
        assert schema is None
        return
    if isinstance(schema, dg.TableSchemaMetadataValue):
        schema = schema.schema
    assert isinstance(schema, dg.TableSchema)
    assert schema.columns
    for column in schema.columns:
        assert column.type not in {"", "?", "string"}, column.name
        assert column.description, column.name


def test_a_column_may_mean_something_of_its_own_in_one_table() -> None:
    assert column_text("payout_ledger", "status") == "none, paid, carried or held."
    assert column_text("raw_payees", "status") == "ready, incomplete or blocked."
    assert column_text("stg_payees", "status") == column_text("raw_payees", "status")
