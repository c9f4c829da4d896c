"""The quarantine of a dataset, and the rows that its source has deleted, as tables in Dagster.

Tables only: the UI shows their cells as text, so nothing that was delivered is run as Markdown or HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import dagster as dg

from orchestration.foundations.texts import shown

if TYPE_CHECKING:
    import duckdb

SHOWN_ROWS: Final = 20

_COUNTS: Final = """
    select reason, sum(rows)::bigint as rows, sum(files)::bigint as files from (
        select reason, 1 as rows, 0 as files from quarantine_rows where dataset = $dataset
        union all
        select reason, 0, 1 from quarantine_files where dataset = $dataset
    ) group by reason order by reason
"""
_ROWS: Final = f"""
    select file, row_no as line, column_name as "column", reason, found, expected, raw_text
    from quarantine_rows where dataset = $dataset order by all limit {SHOWN_ROWS}
"""
_FILES: Final = f"""
    select file, reason, detail
    from quarantine_files where dataset = $dataset order by all limit {SHOWN_ROWS}
"""
_DELETED: Final = f"""
    select file, rows_deleted as rows
    from ingest_files where dataset = $dataset and rows_deleted > 0 order by all limit {SHOWN_ROWS}
"""


def quarantine_metadata(
    connection: duckdb.DuckDBPyConnection, dataset: str
) -> dict[str, dg.MetadataValue]:
    """Tables of what was refused or left out of a dataset in the work file; none where nothing was."""
    tables = {
        "quarantine_by_reason": _COUNTS,
        "quarantined_first_rows": _ROWS,
        "quarantined_first_files": _FILES,
        "deleted_rows_by_first_files": _DELETED,
    }
    found: dict[str, dg.MetadataValue] = {}
    for name, query in tables.items():
        answer = connection.execute(query, {"dataset": dataset})
        columns = [column[0] for column in answer.description or ()]
        if rows := answer.fetchall():
            found[name] = _table(columns, rows)
    return found


def _table(columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        records=[
            dg.TableRecord(
                {
                    name: value if isinstance(value, int) else shown(str(value or ""))
                    for name, value in zip(columns, row, strict=True)
                }
            )
            for row in rows
        ],
        schema=dg.TableSchema([dg.TableColumn(name) for name in columns]),
    )
