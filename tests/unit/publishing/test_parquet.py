"""Published files: in which order their rows stand, and which columns they have."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.foundations.cursors import scratch_database
from orchestration.publishing.parquet import read_published, write_table
from orchestration.publishing.tables import CONTRACT_TABLES


def test_rows_of_a_creator_stand_together_and_others_by_key(tmp_path: Path) -> None:
    table = CONTRACT_TABLES["post_earnings"]
    with scratch_database() as connection:
        rows = "(values ('p1', 'bo', 1, 0), ('p2', 'ana', 2, 0), ('p3', 'bo', 3, 0), ('p0', 'bo', 4, 0))"
        given = f"(select * from {rows} as t (post_id, creator_id, amount_minor, rounding_unit))"
        path = write_table(connection, table, given, tmp_path)
        found = connection.execute(f"select post_id from {read_published(table, path)}").fetchall()
    assert [post for (post,) in found] == ["p2", "p0", "p1", "p3"]


def test_a_column_that_is_missing_stands_as_it_is_said(tmp_path: Path) -> None:
    table = CONTRACT_TABLES["post_earnings"]
    later = table.with_later(rounding_unit="7")
    with scratch_database() as connection:
        path = tmp_path / "part[0].parquet"
        connection.execute(
            f"copy (select 'p' as post_id, 'c' as creator_id, 1 as amount_minor) to '{path}'"
        )
        found = connection.execute(f"select * from {read_published(later, path)}").fetchall()
    assert found == [("p", "c", 1, 7)]


def test_what_is_no_parquet_file_is_an_os_error(tmp_path: Path) -> None:
    path = tmp_path / "part-0.parquet"
    table = CONTRACT_TABLES["post_earnings"]
    with pytest.raises(FileNotFoundError):
        read_published(table, path)
    path.write_bytes(b"no such file")
    with pytest.raises(OSError, match="is no Parquet file"):
        read_published(table, path)
