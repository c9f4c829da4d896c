"""Rows of the ledger's dataclasses into DuckDB, typed by the names of their columns.

`*_minor`, `*_unit` and `*_creators` are BIGINT, `points_e4` becomes the decimal `points`, `fx_rate_e10`
the decimal `fx_rate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from orchestration.ledger.money import bigint

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# Scaled whole numbers travel as text, since Arrow has no type for 128 bits.
_E4: Final = (
    "cast(cast({0}_e4 as decimal(34, 0)) * cast(0.0001 as decimal(4, 4)) as decimal(38, 4)) as {0}"
)
_SCALED: Final = {
    "points_e4": _E4.format("points"),
    "shared_points_e4": _E4.format("shared_points"),
    "fx_rate_e10": "cast(cast(fx_rate_e10 as decimal(28, 0))"
    " * cast(0.0000000001 as decimal(10, 10)) as decimal(38, 10)) as fx_rate",
}

_WHOLE: Final = ("_minor", "_unit", "_creators")


def field_names(kind: type[Any]) -> list[str]:
    """The columns of a dataclass whose instances are rows."""
    return [field.name for field in fields(kind)]


def write_rows(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[object], names: Sequence[str]
) -> None:
    """Makes `table` anew from the attributes `names` of the rows.

    AmountTooLarge, naming table and column, for an amount beyond 64 bits.
    """
    import pyarrow as pa

    columns = {
        name: _column(f"{table}.{name}", name, [getattr(row, name) for row in rows])
        for name in names
    }
    connection.register("rows_to_write", pa.table(columns))
    selected = ", ".join(_SCALED.get(name, name) for name in names)
    connection.execute(f'create or replace table "{table}" as select {selected} from rows_to_write')
    connection.unregister("rows_to_write")


def _column(where: str, name: str, values: list[Any]) -> pa.Array:
    import pyarrow as pa

    if name in _SCALED:
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    if name.endswith(_WHOLE):
        return pa.array(
            [None if value is None else bigint(value, where) for value in values], pa.int64()
        )
    kinds = {"capped": pa.bool_(), "posted_on": pa.date32()}
    return pa.array(values, kinds.get(name, pa.string()))
