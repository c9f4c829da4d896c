"""Rows of the ledger's dataclasses into DuckDB, typed by the names of their columns.

`*_minor` is a BIGINT, `points_e4` becomes the decimal `points`, `fx_rate_e10` the decimal `fx_rate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from orchestration.ledger.money import bigint

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# Scaled whole numbers travel as text, since Arrow has no type for 128 bits.
_SCALED: Final = {
    "points_e4": "cast(cast(points_e4 as decimal(34, 0)) * cast(0.0001 as decimal(4, 4))"
    " as decimal(38, 4)) as points",
    "fx_rate_e10": "cast(cast(fx_rate_e10 as decimal(28, 0))"
    " * cast(0.0000000001 as decimal(10, 10)) as decimal(38, 10)) as fx_rate",
}


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
    if name.endswith("_minor"):
        amounts = [None if value is None else bigint(value, where) for value in values]
        return pa.array(amounts, pa.int64())
    kinds = {"capped": pa.bool_(), "posted_on": pa.date32()}
    return pa.array(values, kinds.get(name, pa.string()))
