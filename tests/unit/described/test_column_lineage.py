"""Column lineage: complete, leading to columns that exist, and right where the contract says what is what."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from orchestration.dagster_glue.assets.asset_metadata import lineage_metadata
from orchestration.dagster_glue.definitions import build_definitions
from orchestration.dagster_glue.resources import HomeResource
from orchestration.described.column_lineage import DECLARED, column_lineage, sources_in
from orchestration.described.table_docs import OTHER_PERIODS, main, tables_doc
from orchestration.pipeline import earning
from orchestration.publishing.tables import PUBLISHED_TABLES
from orchestration.terms.model import Period, Program, TermsVersion
from orchestration.terms.tables import COLUMNS as TERMS_COLUMNS
from tests.conftest import ROOT
from tests.contract import COUNTS, SCORED_COUNTS

SPECS = {
    spec.key.to_user_string(): spec
    for spec in build_definitions(HomeResource(path="home")).resolve_all_asset_specs()
}
WITHOUT_LINEAGE = {"input_files", "terms", "published_period"}  # each stands for several tables
BESIDE = {  # published beside, and no assets
    "settlement_parties",
    "settlement_rates",
    "settlement_adjustments",
    "settlement_returns",
}


def _described(table: str) -> set[str]:
    """The columns that Dagster shows of an asset; of `terms`, tables' columns and fields of the model."""
    if table == "terms":
        fields = {*Program.model_fields, *Period.model_fields, *TermsVersion.model_fields}
        return fields.union(
            f"{name}.{column}" for name, columns in TERMS_COLUMNS.items() for column in columns
        )
    schema = SPECS[table].metadata["dagster/column_schema"]
    if isinstance(schema, dg.TableSchemaMetadataValue):
        schema = schema.schema
    assert isinstance(schema, dg.TableSchema)
    return {column.name for column in schema.columns}


def test_every_column_that_is_made_has_its_lineage() -> None:
    made = {
        table: _described(table)
        for table in SPECS
        if table not in WITHOUT_LINEAGE and not table.startswith("raw_")
    }
    beside = {table: set(PUBLISHED_TABLES[table].columns) for table in BESIDE}
    assert {table: set(columns) for table, columns in column_lineage().items()} == made | beside


@pytest.mark.parametrize("table", sorted(column_lineage()))
def test_every_source_is_a_column(table: str) -> None:
    for source in _sources(table):
        asset, _, column = source.partition(".")
        assert column in _described(asset), source


@pytest.mark.parametrize("table", sorted(column_lineage().keys() - BESIDE))
def test_sources_are_in_tables_that_the_asset_depends_on(table: str) -> None:
    dependencies = {dep.asset_key.to_user_string() for dep in SPECS[table].deps}
    tables = {source.partition(".")[0] for source in _sources(table)}
    assert tables <= dependencies | (OTHER_PERIODS if table in OTHER_PERIODS else set())
    if table in DECLARED:  # of a model, some tables only join or filter
        assert dependencies <= tables


def _sources(table: str) -> set[str]:
    return {source for sources in column_lineage()[table].values() for source in sources}


@pytest.mark.parametrize("table", ["post_earnings", "settlement_parties", "settlement_rates"])
def test_what_is_declared_of_the_ledgers_sql_is_what_it_says(table: str) -> None:
    query = getattr(earning, table.upper()).partition(" as\n")[2]
    columns = list(PUBLISHED_TABLES[table].columns)
    lineage = column_lineage()
    schema = {source: dict.fromkeys(lineage[source], "text")
              for source in ("stg_creators", "stg_payees", "int_fx_rates", "int_post_points",
                             "creator_eligibility", "creator_earnings", "settlement_parties")}  # fmt: skip
    schema |= {terms: dict.fromkeys(TERMS_COLUMNS[terms], "text")
               for terms in ("period", "market_currencies")}  # fmt: skip
    found = {
        column: {
            f"terms.{each}" if each.partition(".")[0] in TERMS_COLUMNS else each for each in sources
        }
        for column, sources in sources_in(query, columns, schema).items()
    }
    assert found == {column: set(sources) for column, sources in DECLARED[table].items()}


@pytest.mark.parametrize(
    ("table", "column", "sources"),
    [
        # §2: a source row in force is taken as it stands.
        ("stg_payees", "tax_form", {"raw_payees.tax_form"}),
        # §3 "Qualified views = views - ineligible_views".
        ("stg_post_metrics", "qualified_views",
         {"int_suspect_deliveries.views", "int_suspect_deliveries.ineligible_views"}),
        # §5 "audience value x sum over (views, likes, comments, shares) of weight x increment".
        ("int_post_points", "points_e4",
         {"int_audience_value.audience_value_e6"}
         | {f"int_increments.{count}" for count in SCORED_COUNTS}
         | {f"terms.terms_weights.{count}_e4" for count in COUNTS}),
        # §5 "the mean of the countries' values weighted by accounts, clamped to [floor, ceiling]".
        ("int_audience_value", "audience_value_e6",
         {"stg_audience.accounts", "terms.terms_countries.value_e6",
          "terms.terms_versions.other_value_e6", "terms.terms_versions.floor_e6",
          "terms.terms_versions.ceiling_e6"}),
        ("post_scores", "points", {"int_post_points.points_e4"}),
        # A count of rows is made of no column.
        ("creator_scores", "eligible_posts", set()),
    ],
)  # fmt: skip
def test_lineage_is_what_the_contract_says(table: str, column: str, sources: set[str]) -> None:
    assert set(column_lineage()[table][column]) == sources


def test_dagster_is_told() -> None:
    value = lineage_metadata("int_post_points")["dagster/column_lineage"].value
    assert isinstance(value, dg.TableColumnLineage)
    assert dg.TableColumnDep(dg.AssetKey("terms"), "terms_weights.likes_e4") in value.deps_by_column["points_e4"]  # fmt: skip
    assert lineage_metadata("raw_posts") == {}


def test_the_page_of_tables_is_up_to_date(tmp_path: Path) -> None:
    """After a change of tables, models or doc blocks: make docs."""
    assert (ROOT / "docs" / "tables.md").read_text("utf-8") == tables_doc()
    main(tmp_path / "tables.md")
    assert (tmp_path / "tables.md").read_text("utf-8") == tables_doc()
