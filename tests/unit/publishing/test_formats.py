"""§14: what a workbook and a Parquet export hold of hostile ids and long numbers, read by other libraries."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from python_calamine import CalamineWorkbook

from orchestration.foundations.cursors import scratch_database
from orchestration.publishing import export
from orchestration.publishing.export import ROWS_OF_A_SHEET, TooManyRows, demand_sheets_hold
from orchestration.publishing.parquet import write_table
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import CONTRACT_TABLES, POINTS

IDS = sorted(
    {
        "=1+1", "+1", "-1", "@sum(a1)", '=HYPERLINK("http://x","y")', "http://example.com", "mailto:a@b",
        "<r><t>bold</t></r>", "<r>&</r>", "{=1}", "'a", "007", "1e5", "true", " a ", "名前", "a\u2028b",
    }
)  # fmt: skip


def version(folder: Path) -> Publication:
    """A version with a row of creator_scores for each hostile id; the other tables have none."""
    with scratch_database() as connection:
        for table in CONTRACT_TABLES.values():
            columns = ", ".join(f"null::{kind} as {name}" for name, kind in table.columns.items())
            connection.execute(f"create table {table.name} as select {columns} limit 0")
        connection.executemany(
            f"insert into creator_scores (creator_id, points) values ($1, '0.5'::{POINTS})",
            [[one] for one in IDS],
        )
        for table in CONTRACT_TABLES.values():
            write_table(connection, table, table.name, folder)
    return Publication("2024-01", folder)


def test_text_of_a_workbook_is_text_whatever_it_says(tmp_path: Path) -> None:
    path = export._export_workbook(version(tmp_path / "1"), tmp_path)
    book = CalamineWorkbook.from_path(path)
    assert book.sheet_names == list(CONTRACT_TABLES)
    header, *rows = book.get_sheet_by_name("creator_scores").to_python(skip_empty_area=False)
    assert header == list(CONTRACT_TABLES["creator_scores"].columns)
    assert sorted(row[0] for row in rows) == IDS
    assert {row[4] for row in rows} == {0.5}
    again = (tmp_path / "again").resolve()
    again.mkdir()
    same = export._export_workbook(Publication("2024-01", tmp_path / "1"), again)
    assert same.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("number", "found"),
    [
        ("123456789012345", 123456789012345.0),
        ("1234567890123456", "1234567890123456"),
        ("-12345678901.2345", -12345678901.2345),
        ("123456789012.3456", "123456789012.3456"),
        ("0.0001", 0.0001),
        ("0", 0.0),
    ],
)
def test_a_number_of_up_to_15_digits_is_a_number(
    number: str, found: float | str, tmp_path: Path
) -> None:
    from orchestration.publishing.workbook import write_workbook

    table = CONTRACT_TABLES["creator_scores"]
    path = tmp_path / "a.xlsx"
    write_workbook(path, [(table, [("ann", None, None, None, number)])])
    ((_, row),) = [CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()]
    assert row[4] == found and type(row[4]) is type(found)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.xlsx"]


def test_a_character_that_xml_cannot_have_breaks_no_workbook(tmp_path: Path) -> None:
    from orchestration.publishing.workbook import write_workbook

    path = tmp_path / "a.xlsx"
    rows = [("a\ufffeb\uffff", None, None, None, "1")]
    write_workbook(path, [(CONTRACT_TABLES["creator_scores"], rows)])
    assert CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()[1][4] == 1.0


def test_a_table_with_more_rows_than_a_sheet_holds_is_refused() -> None:
    demand_sheets_hold({"post_scores": ROWS_OF_A_SHEET})
    with pytest.raises(TooManyRows, match="post_scores has 1,048,576 rows, and a sheet holds"):
        demand_sheets_hold({"post_scores": ROWS_OF_A_SHEET + 1, "journal": 1})


def test_parquet_has_the_published_types(tmp_path: Path) -> None:
    files = export._export_parquet(version(tmp_path / "1"), tmp_path)
    assert [path.stem for path in files] == list(CONTRACT_TABLES)
    for path in files:
        found = duckdb.sql(f"describe from '{path}'").fetchall()
        assert {name: kind for name, kind, *_ in found} == CONTRACT_TABLES[path.stem].columns
    ids = duckdb.sql(f"select creator_id from '{tmp_path / 'creator_scores.parquet'}'").fetchall()
    assert sorted(one for (one,) in ids) == IDS
