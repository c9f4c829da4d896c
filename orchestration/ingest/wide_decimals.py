"""Parquet files with decimals of more than 38 digits, copied with those as text.

DuckDB reads such a column (BigQuery's BIGNUMERIC is one) as doubles, without a word; Arrow reads it
exactly. Belongs here: the copy. Does not: which columns it is made for, and what their values mean.
"""

from collections.abc import Generator, Iterable
from contextlib import closing
from typing import TYPE_CHECKING, Any

from orchestration.ingest.opening import unreadable

if TYPE_CHECKING:
    import pyarrow as pa


def copy_with_text(source: str, target: str, positions: Iterable[int]) -> None:
    """Copy a Parquet file row by row, with the columns at `positions` as text of the same value.

    The text is a plain decimal without needless zeros (`5`, `0.0000001`). FileFault if the file
    cannot be read.
    """
    import pyarrow as pa
    from pyarrow import parquet

    texts = set(positions)
    with closing(_reading(source)) as batches:
        schema = pa.schema(
            pa.field(field.name, pa.string()) if position in texts else field
            for position, field in enumerate(next(batches))
        )
        with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
            for batch in batches:
                columns = [
                    _plain_text(column) if position in texts else column
                    for position, column in enumerate(batch)
                ]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _reading(source: str) -> "Generator[Any]":
    """The schema of the file, then its batches. What goes wrong while it is read is the file's fault."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        # 64 bits of nanoseconds would not cover the years that the old 96-bit form can hold.
        with parquet.ParquetFile(source, coerce_int96_timestamp_unit="us") as file:
            yield file.schema_arrow
            yield from file.iter_batches()
    except (pa.ArrowException, OSError) as error:
        raise unreadable(str(error)) from error


def _plain_text(decimals: "pa.Array[Any]") -> "pa.Array[Any]":
    import pyarrow as pa
    from pyarrow import compute

    text = decimals.cast(pa.string())
    # Arrow writes what is near 0 with an exponent, and no kernel of its writes it without.
    if compute.any(compute.match_substring(text, "E")).as_py():
        values = decimals.to_pylist()
        text = pa.array([None if value is None else f"{value:f}" for value in values], pa.string())
    without_zeros = compute.replace_substring_regex(text, r"(\.\d*?)0+$", r"\1")
    return compute.replace_substring_regex(without_zeros, r"\.$", "")
