"""`read_quarantine`: all is counted, the first rows are shown, as they came."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.ingest.quarantine import ReasonCount, read_quarantine, write_quarantine


def quarantined(folder: Path) -> Path:
    """Three bad posts, one bad creator and a file that could not be read, as ingest leaves them."""
    with duckdb.connect() as connection:
        connection.execute(
            "create table quarantine_rows (dataset varchar, file varchar, row_no bigint,"
            " column_name varchar, reason varchar, raw_text varchar, line_count integer,"
            " found varchar, expected varchar)"
        )
        connection.execute(
            "create table quarantine_files (dataset varchar, file varchar, reason varchar, detail varchar)"
        )
        connection.execute(
            "create table ingest_files as select * from (values ('posts', 'posts/b.csv', 4),"
            " ('posts', 'posts/a.csv', 0)) as f(dataset, file, rows_deleted)"
        )
        connection.execute(
            "insert into quarantine_rows values"
            " ('posts', 'posts/b.csv', 7, null, 'RAGGED', 'p-7,\x1b[31m', 1, '2 cells', '9'),"
            " ('posts', 'posts/a.csv', 3, 'is_collab', 'UNKNOWN_VALUE', 'p-3,maybe', 1, 'maybe', 'true or false'),"
            " ('posts', 'posts/a.csv', 12, null, 'RAGGED', 'p-12', 2, '1 cell', '9'),"
            " ('creators', 'creators/a.csv', 2, 'market', 'NULL', 'c-2,', 1, 'nothing', 'an id')"
        )
        connection.execute(
            "insert into quarantine_files values ('posts', 'posts/c.csv', 'UNREADABLE', 'denied')"
        )
        write_quarantine(connection, folder)
    return folder


def test_counts_and_first_rows(tmp_path: Path) -> None:
    # A name that the engine would take for a pattern.
    view = read_quarantine(quarantined(tmp_path / "period=[a]*"), limit=2)
    assert view.counts == [
        ReasonCount("creators", "NULL", rows=1, files=0),
        ReasonCount("posts", "RAGGED", rows=2, files=0),
        ReasonCount("posts", "UNKNOWN_VALUE", rows=1, files=0),
        ReasonCount("posts", "UNREADABLE", rows=0, files=1),
    ]
    assert [(row["file"], row["row_no"]) for row in view.rows] == [
        ("creators/a.csv", 2),
        ("posts/a.csv", 3),
    ]
    assert (view.rows[1]["found"], view.rows[1]["expected"]) == ("maybe", "true or false")
    assert [file["file"] for file in view.files] == ["posts/c.csv"]
    assert view.deleted == [{"dataset": "posts", "file": "posts/b.csv", "rows": 4}]


def test_what_an_earlier_version_has_left(tmp_path: Path) -> None:
    folder = quarantined(tmp_path / "quarantine")
    (folder / "deleted.parquet").unlink()
    assert read_quarantine(folder, limit=2).deleted == []


def test_raw_text_stays_as_it_came(tmp_path: Path) -> None:
    view = read_quarantine(quarantined(tmp_path / "quarantine"), limit=20)
    assert view.rows[-1]["raw_text"] == "p-7,\x1b[31m"
    assert len(view.rows) == 4


def test_nothing_ingested(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_quarantine(tmp_path / "absent", limit=20)
