"""Ids that a tool has taken for numbers (contract §8, ingest): two of them may have become one.

Belongs here: how such an id looks, and finding them. Does not: what the gate makes of it.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

from orchestration.ingest.datasets import DATASET_NAMES, DATASETS, Kind

if TYPE_CHECKING:
    import duckdb

# By form: what all such ids are like, which is cheap to ask, and what they are as a whole.
_FORMS: Final = {
    "scientific": ("%E+%", r"[0-9](\.[0-9]+)?E\+[0-9]{2,}"),
    "point zero": ("%.0", r"[0-9]+\.0"),
}
_FIRST_PLACE: Final = "min({'file_no': file_no, 'row_no': row_no})"
_NO_PLACE: Final = "{'file_no': null::integer, 'row_no': null::bigint}"


def find_spreadsheet_ids(
    connection: "duckdb.DuckDBPyConnection", with_rows: Collection[str] = DATASET_NAMES
) -> None:
    """Fill spreadsheet_ids: each such id once a column, in how many rows it is, and the first of them.

    Only the datasets named may have rows. Of snapshots only the ids of unknown posts are looked at:
    the others are the ids of posts, too.
    """
    for dataset in DATASETS:
        if dataset.name not in with_rows:
            continue
        ids = [column.name for column in dataset.columns if column.kind is Kind.IDENTIFIER]
        keys = [name for name in ids if name in dataset.key]
        found: dict[str, list[str]] = {}
        if dataset.is_read_in_place:
            rows = ("unknown_posts", "sum(snapshots)", _NO_PLACE)
        else:
            rows = (dataset.table, "count(*)", _FIRST_PLACE)
        for names, source in (
            (ids, rows),
            (keys, (dataset.deletions_table, "count(*)", _NO_PLACE)),
        ):
            for name in _with_any(connection, source[0], names):
                found.setdefault(name, []).append(_found(name, *source))
        for name, parts in found.items():
            connection.execute(
                "insert into spreadsheet_ids"
                f" select '{dataset.name}', '{name}', id, form, sum(row_count),"
                " any_value(file), min(place.row_no)"
                f" from ({' union all '.join(parts)}) as found"
                " left join ingest_files on found.place.file_no = ingest_files.file_no"
                " group by id, form"
            )


def _with_any(
    connection: "duckdb.DuckDBPyConnection", table: str, columns: Sequence[str]
) -> list[str]:
    """The columns of a table in which an id may be of a form: in one scan, since mostly none is."""
    if not columns:
        return []
    likes = [like for like, _ in _FORMS.values()]
    asked = ", ".join(
        f"bool_or({' or '.join(f'{column} like {like!r}' for like in likes)})" for column in columns
    )
    answers = connection.execute(f"select {asked} from {table}").fetchone()
    assert answers is not None
    return [column for column, answer in zip(columns, answers, strict=True) if answer]


def _found(column: str, table: str, row_count: str, place: str) -> str:
    return " union all ".join(
        f"select {column} as id, '{form}' as form, {row_count} as row_count, {place} as place"
        f" from {table} where {column} like '{like}' and regexp_full_match({column}, '{whole}')"
        f" group by {column}"
        for form, (like, whole) in _FORMS.items()
    )
