"""Arrow tables of a dataset, out of numpy columns or out of rows written by hand."""

from __future__ import annotations

from typing import Any

from orchestration.sample.files import arrow_schema

NEVER = -(2**62)  # stands for null in columns of whole numbers


def table_of(name: str, **columns: Any) -> Any:
    """A table of the dataset. Instants are whole seconds, days whole days since 1970."""
    import numpy as np
    import pyarrow as pa

    arrays = []
    for column in arrow_schema(name):
        values = columns.pop(column.name)
        if isinstance(values, np.ndarray) and values.dtype == np.int64:
            whole = pa.array(values, mask=values == NEVER)
            if pa.types.is_date32(column.type):
                whole = whole.cast(pa.int32())
            values = whole.cast(column.type)
        elif not isinstance(values, pa.Array):
            values = pa.array(values, type=column.type)
        arrays.append(values)
    assert not columns, f"{name} has no {list(columns)}"
    return pa.table(arrays, schema=arrow_schema(name))


def rows_of(name: str, rows: list[dict[str, Any]]) -> Any:
    """A table of rows written by hand."""
    import pyarrow as pa

    return pa.Table.from_pylist(rows, schema=arrow_schema(name))


def together(*tables: Any) -> Any:
    """All rows of tables of one dataset, in one piece."""
    import pyarrow as pa

    return pa.concat_tables(tables).combine_chunks()


def numbered(prefix: str, numbers: Any, width: int = 6) -> Any:
    """Ids such as `c000017`, as an Arrow column."""
    import pyarrow as pa
    import pyarrow.compute as pc

    digits = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")
