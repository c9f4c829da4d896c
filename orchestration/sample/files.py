"""Landing files of the sample: the same rows as Parquet, CSV or JSONL, always the same bytes.

Everything is rendered column by column in Arrow, so no row passes through Python.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

from orchestration.ingest.datasets import BY_NAME, NUMBERS, Dataset, Kind

_UNQUOTED_IN_JSON = frozenset({Kind.FLAG, *NUMBERS})


def arrow_schema(name: str) -> Any:
    """The Arrow schema of a dataset. Rates and caps are text, so they keep their decimals."""
    import pyarrow as pa

    types = {
        Kind.TIMESTAMP: pa.timestamp("s", "UTC"),
        Kind.DAY: pa.date32(),
        Kind.FLAG: pa.bool_(),
        Kind.COUNT: pa.int64(),
    }
    return pa.schema([(c.name, types.get(c.kind, pa.string())) for c in BY_NAME[name].columns])


def write_table(table: Any, name: str, path: Path) -> None:
    """Writes rows of a dataset in the format that the path's suffixes say."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        _write_parquet(table, path)
        return
    dataset = BY_NAME[name]
    content = _jsonl(table, dataset) if ".jsonl" in path.suffixes else _csv(table, dataset)
    if path.suffix == ".gz":
        # mtime=0: gzip would write down the time of day, and no two runs were the same.
        content = gzip.compress(content, compresslevel=6, mtime=0)
    path.write_bytes(content)


def _write_parquet(table: Any, path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    # Parquet has no seconds: microseconds are what the contract's timestamps go to.
    micro = pa.timestamp("us", "UTC")
    fields = [f.with_type(micro) if pa.types.is_timestamp(f.type) else f for f in table.schema]
    decimals = {"rate": pa.decimal128(20, 10), "cap": pa.decimal128(20, 2)}
    fields = [f.with_type(decimals[f.name]) if f.name in decimals else f for f in fields]
    parquet.write_table(table.cast(pa.schema(fields)), path, compression="zstd")


def _text(column: Any, kind: Kind) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind is Kind.TIMESTAMP:
        # A format would go through the locale: a cast of an instant without zone does not.
        plain = pc.cast(pc.cast(column, pa.timestamp("s")), pa.string())
        return pc.binary_join_element_wise(pc.replace_substring(plain, " ", "T"), "Z", "")
    return pc.cast(column, pa.string())


def _csv(table: Any, dataset: Dataset) -> bytes:
    import pyarrow.compute as pc

    columns = [
        pc.fill_null(_text(table[c.name].combine_chunks(), c.kind), "") for c in dataset.columns
    ]
    lines = pc.binary_join_element_wise(*columns, ",")
    return _joined([",".join(dataset.column_names), *lines.to_pylist()])


def _jsonl(table: Any, dataset: Dataset) -> bytes:
    import pyarrow.compute as pc

    parts = []
    for column in dataset.columns:
        value = _text(table[column.name].combine_chunks(), column.kind)
        if column.kind not in _UNQUOTED_IN_JSON:
            value = pc.binary_join_element_wise('"', value, '"', "")
        value = pc.fill_null(value, "null")
        parts.append(pc.binary_join_element_wise(f'"{column.name}": ', value, ""))
    inner = pc.binary_join_element_wise(*parts, ", ")
    return _joined(pc.binary_join_element_wise("{", inner, "}", "").to_pylist())


def _joined(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()
