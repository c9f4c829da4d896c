"""Rows that their source has deleted, and what they take with them (contract §2, Deleted rows).

Belongs here: the columns that say so, and leaving rows out by their keys. Does not: how a row is read
(`raw_tables.py`, the loaders).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from orchestration.ingest.cells import parquet_text
from orchestration.ingest.datasets import DELETION_FLAGS, DELETION_INSTANT, Dataset, Kind
from orchestration.ingest.outcomes import FileOutcome

if TYPE_CHECKING:
    import duckdb

TEXT: Final = "VARCHAR"


def is_deleted(sources: Mapping[str, tuple[str, str]]) -> str:
    """SQL of whether a row is deleted, by the SQL and the type of each column that is there.

    What is not there says nothing; "false" where nothing could.
    """
    conditions = [is_true(*sources[name]) for name in DELETION_FLAGS if name in sources]
    if DELETION_INSTANT in sources:
        conditions.append(f"{sources[DELETION_INSTANT][0]} IS NOT NULL")
    return " OR ".join(conditions) or "false"


def is_true(source: str, type_name: str) -> str:
    """SQL of whether a value of any type says that it is true: as a boolean, or as the word.

    Debezium writes the word, also where there are booleans.
    """
    if type_name == "BOOLEAN":
        return f"coalesce({source}, false)"
    text = parquet_text(Kind.IDENTIFIER, source, type_name)
    return "false" if text is None else f"coalesce(lower({text}) = 'true', false)"


def leave_out(
    connection: "duckdb.DuckDBPyConnection",
    dataset: Dataset,
    outcomes: Iterable[FileOutcome],
    in_place: Sequence[str],
) -> Sequence[str]:
    """Leave out the rows whose key was deleted, and count all that is left out for its file.

    `in_place` is SQL of rows that lie in no table, one for each scan; what is returned is the same
    without those rows. The deletions table has each key once from then on.
    """
    of_file = {outcome.file_no: outcome for outcome in outcomes}
    gone = dataset.deletions_table
    deleted = connection.execute(
        f"select file_no, count(*) from {gone} group by file_no"
    ).fetchall()
    if not deleted:
        return in_place
    key = ", ".join(dataset.key)
    version = f", max({dataset.version}) as {dataset.version}" if dataset.version else ""
    connection.execute(
        f"create or replace table {gone} as select {key}{version} from {gone} group by {key}"
    )
    condition = " and ".join(f"landed.{name} = gone.{name}" for name in dataset.key)
    if dataset.version:
        condition += f" and landed.{dataset.version} <= gone.{dataset.version}"
    for rows in (dataset.rows_table, *(f"({part})" for part in in_place)):
        deleted += connection.execute(
            f"select file_no, count(*) from {rows} as landed"
            f" semi join {gone} as gone on {condition} group by file_no"
        ).fetchall()
    connection.execute(
        f"delete from {dataset.rows_table} where rowid in (select landed.rowid from"
        f" {dataset.rows_table} as landed semi join {gone} as gone on {condition})"
    )
    for file_no, rows in deleted:
        of_file[file_no].rows_deleted += rows
    return [
        f"select landed.* from ({part}) as landed anti join {gone} as gone on {condition}"
        for part in in_place
    ]
