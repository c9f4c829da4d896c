"""The gate after ingest (contract §8), each expectation on both sides of its edge.

Landing files are read as a run would read them; the suite's queries are asked of DuckDB itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pytest

from expectations.ingest import SUITE
from tests.unit.ingest.conftest import Landing

DATASETS_THAT_MAY_BE_ABSENT = ("adjustments", "payment_returns")

WHOLE: Mapping[str, tuple[str, ...]] = {
    "creators": ("creator_id,account_type,market,updated_at", "c1,creator,US,2024-01-01T00:00:00Z"),
    "payees": (
        "creator_id,payout_currency,tax_residence,status,updated_at",
        "c1,USD,US,ready,2024-01-01T00:00:00Z",
    ),
    "deals": (
        "deal_id,program,creator_id,invited_at,activated_at,ends_at,updated_at",
        "d1,ours,c1,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z,2025-01-01T00:00:00Z,2024-01-02T00:00:00Z",
    ),
    "posts": (
        "post_id,creator_id,content_type,published_at,is_branded_content,is_collab,has_watermark,"
        "is_original,updated_at",
        "p1,c1,reel,2024-04-10T00:00:00Z,false,false,false,true,2024-04-10T00:00:00Z",
    ),
    "post_metrics": ("post_id,observed_at,views", "p1,2024-04-20T00:00:00Z,10"),
    "audience": (),
    "policy_events": (),
    "fx_rates": (),
}
"""The least that the gate lets pass: header and rows by dataset; nothing: an empty folder."""


class Gate:
    """A landing directory, and what the gate says of it."""

    def __init__(self, landing: Landing) -> None:
        self._landing = landing
        for dataset, lines in WHOLE.items():
            (landing.path / dataset).mkdir()
            if lines:
                landing.write(f"{dataset}/a.csv", "\n".join(lines))

    @property
    def path(self) -> Path:
        return self._landing.path

    def add(self, name: str, *rows: str) -> None:
        """A file of further rows, by default with the header of its dataset."""
        self._landing.write(name, "\n".join((WHOLE[name.partition("/")[0]][0], *rows)))

    def replace(self, dataset: str, *rows: str) -> None:
        """Other rows for the dataset."""
        self.add(f"{dataset}/a.csv", *rows)

    def write(self, name: str, text: str) -> None:
        self._landing.write(name, text)

    def found(self) -> dict[str, list[dict[str, object]]]:
        """The rows of each expectation that does not hold, as they are shown."""
        connection = self._landing.ingest().connection
        connection.execute("create table period as select 'USD' as currency")
        failing = {}
        for expectation in SUITE:
            query = expectation.arguments["unexpected_rows_query"]
            rows = connection.execute(query.format(batch=expectation.table)).fetchall()
            names = [column[0] for column in connection.description or ()]
            if rows:
                failing[expectation.name] = [dict(zip(names, row, strict=True)) for row in rows]
        return failing


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    landing = Landing(tmp_path)
    yield Gate(landing)
    for connection in landing.connections:
        connection.close()


def severity(name: str) -> str:
    return next(row.severity for row in SUITE if row.name == name)


def test_what_is_whole_passes(gate: Gate) -> None:
    assert gate.found() == {}


@pytest.mark.parametrize("dataset", WHOLE)
def test_each_dataset_must_have_a_folder(gate: Gate, dataset: str) -> None:
    for path in (gate.path / dataset).iterdir():
        path.unlink()
    (gate.path / dataset).rmdir()
    found = gate.found()
    assert severity("every_dataset_has_a_folder") == "error"
    assert found["every_dataset_has_a_folder"] == [{"dataset": dataset}]


@pytest.mark.parametrize("dataset", WHOLE)
def test_only_some_datasets_may_have_no_rows(gate: Gate, dataset: str) -> None:
    for path in (gate.path / dataset).iterdir():
        path.unlink()
    found = [row["dataset"] for row in gate.found().get("datasets_have_rows", [])]
    may_have_none = ("audience", "policy_events", "fx_rates")
    assert found == ([] if dataset in may_have_none else [dataset])


@pytest.mark.parametrize(("currency", "blocks"), [("USD", False), ("JPY", True)])
def test_rates_must_be_there_where_there_are_two_currencies(
    gate: Gate, currency: str, blocks: bool
) -> None:
    gate.replace("payees", f"c1,{currency},JP,ready,2024-01-01T00:00:00Z")
    assert ("datasets_have_rows" in gate.found()) is blocks


@pytest.mark.parametrize("dataset", DATASETS_THAT_MAY_BE_ABSENT)
def test_the_folders_of_what_is_decided_by_hand_may_be_absent_or_empty(dataset: str) -> None:
    """Asked of the table that counts datasets: with a folder and without, none has rows."""
    for has_folder in (True, False):
        with duckdb.connect() as connection:
            connection.execute(
                "create table ingest_datasets as select $1 as dataset, $2 as has_folder, 0 as files,"
                " 0 as rows_read, 0 as rows_loaded",
                [dataset, has_folder],
            )
            connection.execute("create table raw_payees (payout_currency varchar)")
            connection.execute("create table period as select 'USD' as currency")
            for name in ("every_dataset_has_a_folder", "datasets_have_rows"):
                query = next(row for row in SUITE if row.name == name).arguments
                sql = query["unexpected_rows_query"].format(batch="ingest_datasets")
                assert connection.execute(sql).fetchall() == []


def test_a_misspelt_column_is_a_quarantined_file_that_is_named(gate: Gate) -> None:
    gate.write("post_metrics/b.csv", "post_id,observed_at,views,Ineligible_views\n")
    assert severity("no_file_is_quarantined") == "error"
    (row,) = gate.found()["no_file_is_quarantined"]
    assert (row["file"], row["reason"]) == ("post_metrics/b.csv", "MISSPELT_COLUMN")
    assert row["detail"] == 'found "Ineligible_views", expected "ineligible_views"'
