"""Tables on their way between the work file and Spark, as folders of Parquet files.

Landing files of snapshots that Spark reads as DuckDB does are not copied: Spark reads them where they lie.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from orchestration.foundations.cursors import sql_text
from orchestration.foundations.file_patterns import exact_pattern
from orchestration.ingest.datasets import DATASETS, Dataset, Kind

if TYPE_CHECKING:
    import duckdb

# DuckDB writes HUGEINT to Parquet as DOUBLE, without a word.
_WRITTEN_AS: Final = {"HUGEINT": "DECIMAL(38,0)"}
_SPARK_TYPES: Final = {"VARCHAR": "string", "INTEGER": "int"}
# Spark's own 200 cost minutes where there is little to do, and are too few for billions of rows.
_FEWEST_PARTITIONS: Final = 2
_ROWS_A_PARTITION: Final = 2_000_000
_DATASETS: Final = {dataset.table: dataset for dataset in DATASETS}


class Sender(Protocol):
    """What takes statements for Spark: the session of this process, or one of a Thrift server."""

    def sql(self, text: str, /) -> object:
        """Has a statement done."""


@dataclass(frozen=True)
class SparkFolder:
    """The folder of a run's tables for Spark: `tables/<name>/`, and `building/<database>/` for a stage at work."""

    path: Path
    database: str = "main"

    @property
    def building(self) -> Path:
        return self.path / "building" / self.database

    def table(self, name: str) -> Path:
        return self.path / "tables" / name

    def take_built(self, names: Iterable[str]) -> None:
        """Moves the tables of a stage to where later ones find them."""
        for name in names:
            shutil.rmtree(self.table(name), ignore_errors=True)
            os.rename(self.building / name, self.table(name))


def hand_over(
    connection: duckdb.DuckDBPyConnection,
    session: Sender,
    folder: SparkFolder,
    names: Sequence[str],
) -> None:
    """Makes the tables of the work file known to Spark as `<database>.<name>`, and nothing else.

    What Spark has not got yet is written into the folder.
    """
    session.sql(f"set spark.sql.shuffle.partitions = {shuffle_partitions(connection)}")
    shutil.rmtree(folder.building.parent, ignore_errors=True)
    session.sql(f"drop database if exists {folder.database} cascade")
    session.sql(f"create database {folder.database} location {_location(folder.building)}")
    for name in names:
        dataset = _DATASETS.get(name)
        if dataset is not None and dataset.is_read_in_place:
            _hand_over_in_place(connection, session, folder, dataset)
            continue
        columns = _columns(connection, name)
        if not folder.table(name).exists():
            _write(connection, f'select * from "{name}"', columns, folder.table(name))
        _create_table(session, folder, name, columns)


def shuffle_partitions(connection: duckdb.DuckDBPyConnection) -> int:
    """The number of partitions that Spark shuffles the rows of a work file into."""
    ((landed,),) = connection.execute("select sum(rows_loaded) from ingest_datasets").fetchall()
    return max(_FEWEST_PARTITIONS, int(landed or 0) // _ROWS_A_PARTITION)


def take_back(
    connection: duckdb.DuckDBPyConnection,
    folder: SparkFolder,
    models: Mapping[str, Mapping[str, str]],
) -> None:
    """Makes the tables that Spark built anew in the work file, with the types that models declare."""
    for name, columns in models.items():
        files = sorted(folder.table(name).glob("*.parquet"))
        listed = ", ".join(sql_text(exact_pattern(file)) for file in files)
        values = ", ".join(
            f'cast("{column}" as {kind}) as "{column}"' for column, kind in columns.items()
        )
        connection.execute(
            f'create or replace table "{name}" as select {values}'
            f" from read_parquet([{listed}], hive_partitioning = false)"
        )


def _columns(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, str]:
    """The columns of a table of the work file, with their types in Parquet."""
    found = connection.execute(f'describe "{name}"').fetchall()
    return {column: _WRITTEN_AS.get(kind, kind) for column, kind, *_ in found}


def _write(
    connection: duckdb.DuckDBPyConnection, select: str, columns: Mapping[str, str], folder: Path
) -> None:
    """Writes rows as Parquet into a folder that is there only once it is whole."""
    fresh = folder.with_name(f"new-{folder.name}")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    values = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, kind in columns.items())
    connection.execute(
        f"copy (select {values} from ({select})) to {sql_text(str(fresh / 'part-0.parquet'))}"
        " (format parquet)"
    )
    os.rename(fresh, folder)


def _create_table(
    session: Sender, folder: SparkFolder, name: str, columns: Mapping[str, str]
) -> None:
    defined = ", ".join(
        f"`{column}` {_SPARK_TYPES.get(kind, kind)}" for column, kind in columns.items()
    )
    session.sql(
        f"create table {folder.database}.`{name}` ({defined}) using parquet"
        # Spark would take the path for a pattern: a home may be called `home {2}`.
        f" options ('__globPaths__' 'false') location {_location(folder.table(name))}"
    )


def _hand_over_in_place(
    connection: duckdb.DuckDBPyConnection,
    session: Sender,
    folder: SparkFolder,
    dataset: Dataset,
) -> None:
    """Snapshots: landing files where they lie, as far as Spark reads them as DuckDB does; others copied."""
    kinds = _columns(connection, dataset.table)
    names = dataset.column_names
    readable = _read_alike(connection, dataset)
    numbers = [number for group in readable.values() for number in group]
    copied = {name: kinds[name] for name in names}
    name = f"{dataset.table}_copied"
    if not folder.table(name).exists():
        others = f" where file_no not in ({', '.join(map(str, numbers))})" if numbers else ""
        _write(connection, f"select * from {dataset.table}{others}", copied, folder.table(name))
    _create_table(session, folder, name, copied)
    selects = [f"select {', '.join(names)} from {folder.database}.{name}"]
    for place, (columns, links) in enumerate(readable.items()):
        name = f"{dataset.table}_{place}"
        _link(folder.table(name), links)
        _create_table(session, folder, name, dict(columns))
        table = f"{folder.database}.{name}"
        selects.append(_select_in_place(dataset, kinds, dict(columns), table))
    session.sql(f"create view {folder.database}.{dataset.table} as {' union all '.join(selects)}")


def _select_in_place(
    dataset: Dataset, kinds: Mapping[str, str], columns: Mapping[str, str], table: str
) -> str:
    """SQL of the rows of landing files, with the defaults that ingest would put in."""
    values = []
    for column in dataset.columns:
        value = column.name if column.name in columns else "null"
        default = column.default_column or column.default
        if default is not None:
            value = f"coalesce({value}, {default})"
        kind = _SPARK_TYPES.get(kinds[column.name], kinds[column.name])
        values.append(f"cast({value} as {kind}) as {column.name}")
    return f"select {', '.join(values)} from {table}"


def _link(folder: Path, links: Mapping[int, str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, link in links.items():
        (folder / f"{number}.parquet").symlink_to(os.path.realpath(link))


def _read_alike(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset
) -> dict[tuple[tuple[str, str], ...], dict[int, str]]:
    """Files that Spark reads as DuckDB does, by the columns they have: number of the file -> its path.

    None where a row was deleted by its source; otherwise those of which every row is good, and every
    column is of the very type of its values.
    """
    ((deleted,),) = connection.execute(f"select count(*) from {dataset.deletions_table}").fetchall()
    groups: dict[tuple[tuple[str, str], ...], dict[int, str]] = {}
    if deleted:
        return groups
    for number, link in connection.execute(
        "select file_no, link from files_in_place join ingest_files using (file)"
        " where dataset = $1 and rows_quarantined = 0 and rows_deleted = 0 order by file_no",
        [dataset.name],
    ).fetchall():
        columns = _columns_read_alike(dataset, link)
        if columns is not None:
            groups.setdefault(columns, {})[number] = link
    return groups


def _columns_read_alike(dataset: Dataset, link: str) -> tuple[tuple[str, str], ...] | None:
    """The dataset's columns in a file with Spark's types for them; None where Spark may read it otherwise."""
    from pyarrow import parquet

    with parquet.ParquetFile(link) as file:
        schema = file.schema
        found = [schema.column(position) for position in range(len(schema))]
    names = [column.path for column in found]
    # Spark takes names without regard to case.
    if len({name.lower() for name in names}) < len(names):
        return None
    known = {column.name: column.kind for column in dataset.columns}
    by_lower = {name.lower() for name in known}
    columns = []
    for column in found:
        if column.path not in known:
            if column.path.lower() in by_lower:
                return None
            continue
        kind = _spark_type(known[column.path], column)
        if kind is None:
            return None
        columns.append((column.path, kind))
    return tuple(columns)


def _spark_type(kind: Kind, column: Any) -> str | None:
    """The type by which Spark reads a column as it is; None if there is none."""
    logical = column.logical_type.type
    if column.max_repetition_level:
        return None
    if kind is Kind.IDENTIFIER:
        return "string" if logical == "STRING" else None
    if kind is Kind.COUNT:
        plain = logical == "NONE" and column.physical_type in ("INT32", "INT64")
        return {"INT32": "int", "INT64": "bigint"}[column.physical_type] if plain else None
    if kind is Kind.TIMESTAMP:
        unit = column.logical_type.to_json() if logical == "TIMESTAMP" else ""
        is_read = column.physical_type == "INT64" and "nanoseconds" not in unit
        return "timestamp" if unit and is_read else None
    return None


def _location(folder: Path) -> str:
    """A folder as SQL of Spark: a backslash escapes there, and a percent sign does not."""
    path = str(folder.resolve()).replace("\\", "\\\\").replace("'", "\\'")
    return f"'file://{path}'"
