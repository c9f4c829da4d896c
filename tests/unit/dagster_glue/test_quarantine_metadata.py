"""What Dagster shows of quarantine: tables, with nothing in them that could be run."""

from __future__ import annotations

import dagster as dg
import duckdb

from orchestration.dagster_glue.assets.quarantined import SHOWN_ROWS, quarantine_metadata


def test_tables_of_one_dataset() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create table quarantine_rows as select 'posts' as dataset, 'posts/a.csv' as file,"
            " i as row_no, null::varchar as column_name, 'RAGGED' as reason,"
            " '<script>\x1b[31m' || i as raw_text, 1 as line_count,"
            " '<b>' as found, null::varchar as expected from range(1, 31) as r(i)"
        )
        connection.execute(
            "create table quarantine_files as"
            " select 'creators' as dataset, 'creators/b.csv' as file, 'UNREADABLE' as reason, 'x' as detail"
        )
        connection.execute(
            "create table ingest_files as select * from (values ('deals', 'deals/a.csv', 3),"
            " ('deals', 'deals/b.csv', 0), ('posts', 'posts/a.csv', 0)) as f(dataset, file, rows_deleted)"
        )
        posts = quarantine_metadata(connection, "posts")
        creators = quarantine_metadata(connection, "creators")
        deals = quarantine_metadata(connection, "deals")
    assert set(posts) == {"quarantine_by_reason", "quarantined_first_rows"}
    counts, rows = posts["quarantine_by_reason"], posts["quarantined_first_rows"]
    assert isinstance(counts, dg.TableMetadataValue) and isinstance(rows, dg.TableMetadataValue)
    assert [record.data for record in counts.records] == [
        {"reason": "RAGGED", "rows": 30, "files": 0}
    ]
    assert len(rows.records) == SHOWN_ROWS
    assert rows.records[0].data == {
        "file": "posts/a.csv",
        "line": 1,
        "column": "",
        "reason": "RAGGED",
        "found": "<b>",
        "expected": "",
        "raw_text": "<script>\\u001b[31m1",
    }
    assert set(creators) == {"quarantine_by_reason", "quarantined_first_files"}
    (deleted,) = deals.values()
    assert isinstance(deleted, dg.TableMetadataValue)
    assert [record.data for record in deleted.records] == [{"file": "deals/a.csv", "rows": 3}]
