"""A case: one program file, the states of its landing data, and what is done with them in order.

A case is plain JSON, so that what failed can be printed whole, kept in `regressions/` and run again.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from backports import zstd

from orchestration.ingest.datasets import DATASETS, Column, Dataset, Kind

# The datasets that the product does not read yet (contract §2); of one that it does its own entry is taken.
AWAITED = (
    Dataset(
        "adjustments",
        tuple(
            Column(name, kind)
            for name, kind in (
                ("program", Kind.IDENTIFIER),
                ("adjustment_id", Kind.IDENTIFIER),
                ("creator_id", Kind.IDENTIFIER),
                ("period", Kind.IDENTIFIER),
                ("currency", Kind.CURRENCY),
                ("amount", Kind.CAP),
                ("reason", Kind.IDENTIFIER),
                ("requested_by", Kind.IDENTIFIER),
                ("approved_by", Kind.IDENTIFIER),
                ("updated_at", Kind.TIMESTAMP),
            )
        ),
        key=("program", "adjustment_id"),
    ),
    Dataset(
        "payment_returns",
        tuple(
            Column(name, kind)
            for name, kind in (
                ("program", Kind.IDENTIFIER),
                ("return_id", Kind.IDENTIFIER),
                ("creator_id", Kind.IDENTIFIER),
                ("period", Kind.IDENTIFIER),
                ("currency", Kind.CURRENCY),
                ("status", Kind.IDENTIFIER),
                ("reason", Kind.IDENTIFIER),
                ("updated_at", Kind.TIMESTAMP),
            )
        ),
        key=("program", "return_id"),
    ),
)
MAY_BE_ABSENT = {dataset.name for dataset in AWAITED}
ALL_DATASETS = (
    *DATASETS,
    *(d for d in AWAITED if d.name not in {known.name for known in DATASETS}),
)

Row = Mapping[str, Any]
"""Column -> text, whole number or flag; a column that is not there is null."""

Landing = Mapping[str, Sequence[Row]]
"""Dataset -> rows."""

FORMATS = ("jsonl", "csv", "parquet", "jsonl.gz", "csv.zst", "csv.gz", "jsonl.zst")


@dataclass(frozen=True)
class Step:
    """`run` of a period on a landing (its place in the case), or `close` of a period."""

    action: str
    period: str
    landing: int = 0


@dataclass(frozen=True, repr=False)
class Case:
    """A program file as text, landings, and the steps."""

    program: str
    landings: tuple[Landing, ...]
    steps: tuple[Step, ...]

    @property
    def periods(self) -> list[str]:
        """The periods that are run, each once, in the order of their first run."""
        return list(dict.fromkeys(step.period for step in self.steps))

    def with_landing(self, change: Any) -> Case:
        """The same case with `change` done to each landing."""
        return replace(self, landings=tuple(change(landing) for landing in self.landings))

    def __repr__(self) -> str:
        return f"Case.from_json({self.to_json()})"

    def to_json(self) -> str:
        """As kept in `regressions/`: the program line by line, a row a line."""
        parts = [
            f'"program": {json.dumps(self.program.splitlines(), ensure_ascii=False, indent=1)}'
        ]
        landings = []
        for landing in self.landings:
            datasets = [
                f'"{name}": [\n  '
                + ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in rows)
                + "]"
                for name, rows in landing.items()
                if rows
            ]
            landings.append("{" + ",\n ".join(datasets) + "}")
        parts.append('"landings": [\n' + ",\n".join(landings) + "\n]")
        steps = [[step.action, step.period, step.landing] for step in self.steps]
        parts.append(f'"steps": {json.dumps(steps)}')
        return "{\n" + ",\n".join(parts) + "\n}\n"

    @staticmethod
    def from_json(text: str) -> Case:
        """What `to_json` wrote."""
        raw = json.loads(text)
        return Case(
            program="\n".join(raw["program"]) + "\n",
            landings=tuple(
                {dataset.name: landing.get(dataset.name, []) for dataset in ALL_DATASETS}
                for landing in raw["landings"]
            ),
            steps=tuple(Step(*step) for step in raw["steps"]),
        )


def as_yaml(program: Mapping[str, Any]) -> str:
    """A program as YAML: a key of the top level, and an entry of its list, a line."""
    lines = []
    for key, value in program.items():
        if isinstance(value, list):
            lines.append(f"{key}:")
            lines += [f"  - {_flow(entry)}" for entry in value]
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_flow(key)}: {_flow(entry)}" for key, entry in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        is_plain = value.isascii() and value.isidentifier() and value.lower() not in _WORDS
        return value if is_plain else json.dumps(value, ensure_ascii=False)
    if value is None:
        return "null"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


_WORDS = {"null", "true", "false", "nan", "inf"}


def instant(text: str) -> datetime:
    """An instant of a row."""
    return datetime.fromisoformat(text)


def text_of(at: datetime) -> str:
    """An instant as rows hold it, in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


# Writing a landing directory.


@dataclass(frozen=True)
class Layout:
    """How a landing becomes files; the same rows, however it is."""

    formats: tuple[str, ...] = ("jsonl",)
    rows_a_file: int = 10**6
    seed: int | None = None  # shuffles rows and columns
    times: int = 1  # how often every delivery comes


def write_landing(landing: Landing, folder: Path, layout: Layout = Layout()) -> Path:
    """Writes `<folder>/<dataset>/...`; a dataset without rows gets an empty folder (§2).

    The two whose folders may be absent have none.
    """
    order = random.Random(layout.seed)
    for dataset in ALL_DATASETS:
        target = folder / dataset.name
        rows = list(landing.get(dataset.name, [])) * layout.times
        if not rows and dataset.name in MAY_BE_ABSENT:
            continue
        target.mkdir(parents=True)
        columns = [column.name for column in dataset.columns]
        if layout.seed is not None:
            order.shuffle(rows)
            order.shuffle(columns)
        for number, start in enumerate(range(0, len(rows), layout.rows_a_file)):
            part = rows[start : start + layout.rows_a_file]
            form = layout.formats[(number + len(dataset.name)) % len(layout.formats)]
            _write_file(dataset, columns, part, target / f"part-{number}.{form}")
    return folder


def _write_file(dataset: Dataset, columns: list[str], rows: list[Row], path: Path) -> None:
    form, _, compression = path.name.partition(".")[2].partition(".")
    if form == "parquet":
        pq.write_table(_arrow(dataset, columns, rows), path)
        return
    if form == "csv":
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_csv_cell(row.get(column)) for column in columns] for row in rows)
        content = buffer.getvalue()
    else:
        content = "".join(
            json.dumps({c: row[c] for c in columns if c in row}, ensure_ascii=False) + "\n"
            for row in rows
        )
    pack = {"gz": gzip.compress, "zst": zstd.compress, "": bytes}[compression]
    path.write_bytes(pack(content.encode()))


def _csv_cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


_ARROW = {
    Kind.TIMESTAMP: pa.timestamp("us", "UTC"),
    Kind.DAY: pa.date32(),
    Kind.FLAG: pa.bool_(),
    Kind.COUNT: pa.int64(),
    Kind.RATE: pa.decimal128(38, 10),
    Kind.CAP: pa.decimal128(38, 4),
    Kind.AMOUNT: pa.decimal128(38, 4),
}
_PARSE = {
    Kind.TIMESTAMP: instant,
    Kind.DAY: date.fromisoformat,
    Kind.RATE: Decimal,
    Kind.CAP: Decimal,
    Kind.AMOUNT: Decimal,
}


def _arrow(dataset: Dataset, columns: list[str], rows: list[Row]) -> pa.Table:
    kinds = {column.name: column.kind for column in dataset.columns}
    arrays = {}
    for name in columns:
        parse = _PARSE.get(kinds[name], lambda value: value)
        values = [None if row.get(name) is None else parse(row[name]) for row in rows]
        arrays[name] = pa.array(values, _ARROW.get(kinds[name], pa.string()))
    return pa.table(arrays)


MICROSECOND = timedelta(microseconds=1)
