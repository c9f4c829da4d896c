"""Files that are known from an earlier run leave what they leave where they are read."""

import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from orchestration.ingest import opening, verdicts
from tests.unit.ingest.test_extracts import GROWING, World, rows_of, world  # noqa: F401

# Ways of a file beside its rows: what its verdict has to say again.
CREATORS = (
    "creator_id,account_type,market,updated_at,colour\n"
    "c1,creator,US,2024-01-01T00:00:00Z,red\n"
    "c2,astronaut,,2024-01-01T00:00:00Z,\n"
    "c3,creator\n"
)
AUDIENCE = [
    {"creator_id": "c1", "observed_on": "2024-04-01", "country": "US", "accounts": 5},
    {"creator_id": "c1", "observed_on": "2024-04-01", "country": "KR", "accounts": -5},
    {"creator_id": "1.5E+17", "observed_on": "2024-04-01", "country": "JP", "accounts": 7},
]
DEALS = "deal_id,program,creator_id,invited_at,ends_at,cap,updated_at\n" + "".join(
    f"d{number},{program},c1,2024-01-01T00:00:00Z,2025-01-01T00:00:00Z,10.123,2024-01-01T00:00:00Z\n"
    for number, program in enumerate(("ours", "theirs"))
)
NOT_COMPARED = ("files_in_place", "extracted_posts", "extracted_post_metrics", "known_posts")


def tables(world: World, **how: Any) -> dict[str, list[Any]]:  # noqa: F811
    """All rows of all tables that a run leaves, but for the ways in which snapshots are read."""
    connection = world.ingest(**how)
    names = [
        name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()
    ]
    found = {
        name: connection.execute(f"from {name} order by all").fetchall()
        for name in names
        if name not in NOT_COMPARED
    }
    found["raw_post_metrics"] = sorted(map(str, rows_of(connection)))
    return found


@pytest.fixture
def landed(world: World) -> World:  # noqa: F811
    for name in ("creators", "deals", "audience"):
        (world.landing / name).mkdir()
    (world.landing / "creators" / "a.csv").write_text(CREATORS)
    (world.landing / "deals" / "a.csv").write_text(DEALS)
    (world.landing / "creators" / "broken.parquet").write_bytes(b"PAR1")
    (world.landing / "creators" / "empty.csv").write_bytes(b"")
    for number, flags in enumerate(({}, {"__deleted": "true"}, {"is_deleted": "true"})):
        table = pa.Table.from_pylist([row | flags for row in AUDIENCE[number:]])
        pa.csv.write_csv(table, world.landing / "audience" / f"{number}.csv")
        pa.parquet.write_table(table, world.landing / "audience" / f"{number}.parquet")
    bad = GROWING[0] | {"post_id": "q", "views": -1}
    inside = [row | {"observed_at": row["observed_at"].replace(month=4)} for row in GROWING]
    world.land("post_metrics/a.parquet", [*inside, bad])
    world.land("post_metrics/a.csv", [row | {"post_id": "r"} for row in [*inside, bad]])
    return world


def test_a_known_file_leaves_what_it_leaves_where_it_is_read(landed: World) -> None:
    read = tables(landed, keeps=False)
    assert {len(read[name]) > 0 for name in (
        "quarantine_rows", "quarantine_files", "ingest_notes", "deletion_flags", "absent_columns",
        "spreadsheet_ids", "deleted_audience", "raw_audience", "copied_post_metrics",
    )} == {True}  # fmt: skip
    assert tables(landed) == read
    with patch.object(verdicts.Verdicts, "keep"):  # so that all that is used is what was kept
        assert tables(landed) == read
    assert landed.told == []


def test_a_verdict_on_deals_is_that_of_one_program(landed: World) -> None:
    """§2: a cap of the program that is run has no more decimals than its currency."""
    ours = tables(landed)
    theirs = tables(landed, program="theirs")
    assert [len(each["raw_deals"]) for each in (ours, theirs)] == [1, 1]
    assert ours["raw_deals"] != theirs["raw_deals"]
    assert theirs == tables(landed, program="theirs", keeps=False)


def test_a_file_that_changes_after_it_was_hashed_is_no_known_one(landed: World) -> None:
    tables(landed)
    path = landed.landing / "audience" / "0.parquet"
    real = opening.check_unchanged

    def changes(file: Any) -> None:
        os.utime(path, ns=(1, 1))
        real(file)

    with patch.object(verdicts, "check_unchanged", changes):
        refused = tables(landed)["quarantine_files"]
    assert ("audience", "audience/0.parquet", "CHANGED_WHILE_READ") in [row[:3] for row in refused]


def test_folders_of_any_name(landed: World, tmp_path: Path) -> None:
    """Names reach SQL as texts."""
    moved = tmp_path / "it's [1]"
    os.rename(landed.landing, moved)
    landed.landing = moved
    assert tables(landed) == tables(landed, keeps=False)
