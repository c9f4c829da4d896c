"""Landing data (contract §2) as lists of typed rows. Rows are taken to be valid and without conflicts."""

import csv
import gzip
import io
import json
import os
from collections.abc import Iterable
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from backports import zstd

COUNTS = {
    "views": "qualified_views",
    "likes": "likes",
    "comments": "comments",
    "shares": "shares",
}  # -> as scored (§3)


def text(raw) -> str:
    """§2: "Text is UTF-8 and taken as it stands: nothing is trimmed"; "In Parquet an id may be a whole number or a UUID:
    its digits, or its text in lower case"."""
    return raw.decode() if isinstance(raw, bytes) else str(raw)


def count(raw) -> int:
    """§2: "Counts are whole, from 0 to 10^15: ASCII digits, then at most a point with one zero or more (`80.0`, as
    tools write a column that has nulls)"; "Parquet columns may have any type that holds the value exactly"."""
    return int(Fraction(raw))


def number(raw) -> Fraction:
    """§2: "Exchange rates are plain decimals above 0 with at most 10 decimals; caps from 0"; "An amount is a plain
    decimal, with `+`, `-` or no sign"."""
    return Fraction(raw)


def flag(raw) -> bool:
    """§2: "Flags are `true` or `false`, in any mix of upper and lower case (in JSON and Parquet: booleans)"."""
    return str(raw).lower() == "true"


def day(raw) -> date:
    """§2: "Days are `YYYY-MM-DD`"."""
    if isinstance(raw, datetime):
        return raw.date()
    return raw if isinstance(raw, date) else date.fromisoformat(raw)


def instant(raw) -> datetime:
    """§2: "`YYYY-MM-DDTHH:MM:SS` (or one blank for the `T`), then up to 6 decimals of the second if any, then `Z`,
    ` UTC`, `±HH:MM`, `±HHMM` or `±HH` (in Parquet: a timestamp; without a zone it is UTC)"."""
    value = raw if isinstance(raw, datetime) else datetime.fromisoformat(raw.replace(" UTC", "Z"))
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


COLUMNS = {
    "creators": {
        "creator_id": text,
        "account_type": text,
        "market": text,
        "birth_date": day,
        "updated_at": instant,
    },
    "payees": {
        "creator_id": text,
        "payout_currency": text,
        "tax_residence": text,
        "tax_form": text,
        "status": text,
        "updated_at": instant,
    },
    "deals": {
        "deal_id": text,
        "program": text,
        "creator_id": text,
        "invited_at": instant,
        "activated_at": instant,
        "ends_at": instant,
        "cap": number,
        "updated_at": instant,
    },
    "posts": {
        "post_id": text,
        "creator_id": text,
        "content_type": text,
        "published_at": instant,
        "is_branded_content": flag,
        "is_collab": flag,
        "has_watermark": flag,
        "is_original": flag,
        "removed_at": instant,
        "updated_at": instant,
    },
    "post_metrics": {
        "post_id": text,
        "observed_at": instant,
        "ineligible_views": count,
        **dict.fromkeys(COUNTS, count),
        "delivered_at": instant,
    },
    "audience": {
        "creator_id": text,
        "observed_on": day,
        "country": text,
        "accounts": count,
        "delivered_at": instant,
    },
    "policy_events": {
        "event_id": text,
        "subject_type": text,
        "subject_id": text,
        "policy": text,
        "status": text,
        "effective_at": instant,
    },
    "fx_rates": {"rate_date": day, "base_currency": text, "quote_currency": text, "rate": number},
    "adjustments": {
        "program": text,
        "adjustment_id": text,
        "creator_id": text,
        "period": text,
        "currency": text,
        "amount": number,
        "reason": text,
        "requested_by": text,
        "approved_by": text,
        "updated_at": instant,
    },
    "payment_returns": {
        "program": text,
        "return_id": text,
        "creator_id": text,
        "period": text,
        "currency": text,
        "status": text,
        "reason": text,
        "updated_at": instant,
    },
}
KEYS = {
    "creators": ("creator_id",),
    "payees": ("creator_id",),
    "deals": ("deal_id",),
    "posts": ("post_id",),
    "post_metrics": ("post_id", "observed_at"),
    "audience": ("creator_id", "observed_on", "country"),
    "policy_events": ("event_id",),
    "fx_rates": ("rate_date", "base_currency", "quote_currency"),
    "adjustments": ("program", "adjustment_id"),
    "payment_returns": ("program", "return_id"),
}
DELETED = {  # columns of the source's own that say a row was deleted
    "_fivetran_deleted": flag,
    "__deleted": flag,
    "_ab_cdc_deleted_at": lambda raw: True,
}


def read_landing(folder: Path) -> dict:
    """§2: "`<landing>/<dataset>/` holds any number of files at any depth"; "Two rows with one key": of snapshots and
    audience rows one a key is kept; of the other datasets all versions are, since "in force" depends on an instant."""
    landing = {dataset: read_dataset(Path(folder) / dataset, dataset) for dataset in COLUMNS}
    for dataset in ("post_metrics", "audience"):
        landing[dataset] = last_delivered(landing[dataset], KEYS[dataset])
    return landing


def read_dataset(folder: Path, dataset: str) -> list:
    """§2: "A row that its source has deleted ... is left out, and with it every row of its key that has no greater
    updated_at or delivered_at (every row, where there is no version)"."""
    rows, deleted = [], {}
    for raw in read_folder(folder, [*COLUMNS[dataset], *DELETED]):
        if any(raw.get(name) is not None and says(raw[name]) for name, says in DELETED.items()):
            row = typed(dataset, raw, [*KEYS[dataset], "updated_at", "delivered_at"])
            deleted.setdefault(key_of(dataset, row), []).append(version_of(row))
        else:
            rows.append(typed(dataset, raw, COLUMNS[dataset]))
    return [
        row
        for row in rows
        if all(
            version is not None and version_of(row) > version
            for version in deleted.get(key_of(dataset, row), [])
        )
    ]


def typed(dataset: str, raw: dict, names: Iterable) -> dict:
    """§2: "a missing or null one (in CSV: empty) takes the default given"; of a deleted row only "its key and its
    version are read", so `names` says which columns."""
    kinds = {name: kind for name, kind in COLUMNS[dataset].items() if name in names}
    row = {name: None if raw.get(name) is None else kind(raw[name]) for name, kind in kinds.items()}
    if "tax_form" in row and row["tax_form"] is None:
        row["tax_form"] = "none"
    if "ineligible_views" in row and row["ineligible_views"] is None:
        row["ineligible_views"] = 0
    if "delivered_at" in row and row["delivered_at"] is None:
        row["delivered_at"] = row.get("observed_at") or instant(f"{row['observed_on']}T00:00:00Z")
    return row


def key_of(dataset: str, row: dict) -> tuple:
    """§2: the key of a row, by the table of datasets."""
    return tuple(row[column] for column in KEYS[dataset])


def version_of(row: dict) -> datetime | None:
    """§2: "updated_at or delivered_at"; "`policy_events` and `fx_rates` have none"."""
    return row.get("updated_at") or row.get("delivered_at")


def read_folder(folder: Path, columns: list) -> list:
    """§2: "Files and folders whose names begin with `.` or `_` are skipped"; "Columns go by name in any order; unknown
    columns are ignored"."""
    rows = []
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if name[0] not in "._")
        for name in sorted(name for name in files if name[0] not in "._"):
            rows += read_file(Path(parent) / name, columns)
    return rows


def read_file(path: Path, columns: list) -> list:
    """§2: "`.parquet`, `.csv`, `.csv.gz`, `.csv.zst`, `.jsonl`, `.jsonl.gz`, `.jsonl.zst`"; "a BOM is tolerated";
    "Blank lines are skipped"."""
    if path.name.endswith(".parquet"):
        file = pq.ParquetFile(path)
        return parquet_rows(file.read(columns=[c for c in columns if c in file.schema_arrow.names]))
    opener = {".gz": gzip.open, ".zst": zstd.open}.get(path.suffix, open)
    with opener(path, "rb") as file:
        content = file.read().decode("utf-8-sig")
    if path.name.removesuffix(".gz").removesuffix(".zst").endswith(".jsonl"):
        lines = [line for line in content.split("\n") if line.strip()]
        return [json.loads(line, parse_int=str, parse_float=str) for line in lines]
    lines = [line for line in csv.reader(io.StringIO(content, newline="")) if line]
    return [
        {column: cell or None for column, cell in zip(lines[0], line, strict=True)}
        for line in lines[1:]
    ]


def parquet_rows(table: pa.Table) -> list:
    """§2: "Parquet columns may have any type that holds the value exactly": nanoseconds become microseconds."""
    for at, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            table = table.set_column(
                at, field.name, table.column(at).cast(pa.timestamp("us", field.type.tz))
            )
    return table.to_pylist()


def last_delivered(rows: list, key: tuple) -> list:
    """§2: "the row with the greatest delivered_at wins, with all its values, nulls too"."""
    winners = {}
    for row in rows:
        name = tuple(row[column] for column in key)
        if name not in winners or row["delivered_at"] > winners[name]["delivered_at"]:
            winners[name] = row
    return list(winners.values())


def in_force(rows: list, key: str, at: datetime) -> dict:
    """§2: "of the rows with one key, the one with the greatest updated_at <= T; if there is none, the one with the
    least updated_at"."""
    versions = group(rows, key)
    chosen = {}
    for name, candidates in versions.items():
        by_then = [row for row in candidates if row["updated_at"] <= at]
        if by_then:
            chosen[name] = max(by_then, key=lambda row: row["updated_at"])
        else:
            chosen[name] = min(candidates, key=lambda row: row["updated_at"])
    return chosen


def group(rows: list, key: str) -> dict:
    """§2: "Two rows with one key": the rows of each key, in the order they came."""
    groups = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups
