"""Every row of every published table (contract §9), as the product and the reference have them."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from orchestration.publishing.store import Publication
from tests.reference.export import COLUMNS

KEYS = {
    "creator_eligibility": ("creator_id",),
    "post_eligibility": ("post_id",),
    "post_scores": ("post_id",),
    "creator_segments": ("creator_id", "segment_no"),
    "post_increments": ("post_id", "segment_no"),
    "creator_scores": ("creator_id",),
    "market_totals": ("market",),
    "creator_earnings": ("creator_id",),
    "post_earnings": ("post_id",),
    "settlement_parties": ("creator_id",),
    "settlement_rates": ("payout_currency",),
    "payout_ledger": ("creator_id", "payout_currency"),
}

# §9 asks for "at least the creators of the ledger": of more rows nothing is said here.
MAY_HOLD_MORE = {"settlement_parties", "settlement_rates"}

Rows = list[dict[str, Any]]


def published_rows(publication: Publication) -> dict[str, Rows]:
    """The contract's tables of a published period, row by row in the order of the file."""
    return {table: pq.read_table(publication.table(table)).to_pylist() for table in COLUMNS}


def differences(
    period: str, product: Mapping[str, Rows], reference: Mapping[str, Rows]
) -> list[str]:
    """What differs in a period, a line each; nothing if both are the same."""
    found = []
    for table, key in KEYS.items():
        columns = COLUMNS[table].split()
        ours = [_plain(row, columns) for row in product[table]]
        theirs = [_plain(row, columns) for row in reference[table]]
        if [list(row) for row in product[table]] != [columns] * len(ours):
            found.append(f"{period} {table}: columns are not {columns}")
        order = (*(["creator_id"] if "creator_id" in columns else []), *key)
        if ours != sorted(ours, key=lambda row: [_in_order(row[column]) for column in order]):
            found.append(f"{period} {table}: rows are not in the order of creator and key")
        ours = _asked_for(table, ours, theirs)
        found += [f"{period} {table}: {line}" for line in _row_differences(key, ours, theirs)]
    journals = product["journal"], reference["journal"]
    return found + journal_differences(period, *journals, order=("creator_id", "entry_id"))


def file_differences(period: str, product: Path, reference: Path) -> list[str]:
    """The same of two folders of exported CSV files: byte for byte, the journal by content."""
    found = []
    for table in KEYS:
        paths = [folder / f"{table}.csv" for folder in (product, reference)]
        if table in MAY_HOLD_MORE:
            ours, theirs = (_csv_rows(path) for path in paths)
            lines = _row_differences(KEYS[table], _asked_for(table, ours, theirs), theirs)
            found += [f"{period} {table}.csv: {line}" for line in lines]
        else:
            own, other = (path.read_text(encoding="utf-8") for path in paths)
            if own != other:
                found += [f"{period} {table}.csv of the product:", own, "of the reference:", other]
    journals = (_csv_rows(folder / "journal.csv") for folder in (product, reference))
    return found + journal_differences(period, *journals, order=("entry_id",))


def _csv_rows(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _asked_for(table: str, ours: Rows, theirs: Rows) -> Rows:
    """The product's rows, without those that the contract allows beside the ones it asks for."""
    if table not in MAY_HOLD_MORE:
        return ours
    (key,) = KEYS[table]
    asked = {row[key] for row in theirs}
    return [row for row in ours if row[key] in asked]


def _in_order(cell: str | int) -> bytes | int:
    """§9: "rows sorted by key, numbers in numeric order, text bytewise"."""
    return cell.encode() if isinstance(cell, str) else cell


def _row_differences(key: tuple[str, ...], ours: Rows, theirs: Rows) -> Iterable[str]:
    own = {tuple(row[column] for column in key): row for row in ours}
    other = {tuple(row[column] for column in key): row for row in theirs}
    if len(own) != len(ours):
        yield "a key comes twice"
    for name in sorted(own.keys() | other.keys()):
        if name not in own or name not in other:
            side, row = ("product", own[name]) if name in own else ("reference", other[name])
            yield f"only the {side} has {row}"
        elif own[name] != other[name]:
            for column in own[name]:
                if own[name][column] != other[name][column]:
                    yield (
                        f"{name!r}: {column} is {own[name][column]!s} in the product,"
                        f" {other[name][column]!s} in the reference"
                    )


def journal_differences(period: str, ours: Rows, theirs: Rows, order: tuple[str, ...]) -> list[str]:
    """By content: a transaction is its entries, whatever its id; our rows stand in this order.

    §9: an export is sorted by key, while in a published file the rows of a creator stand together.
    """
    columns = [name for name in COLUMNS["journal"].split() if name not in ("entry_id", "txn_id")]
    found = []
    if ours != sorted(ours, key=lambda row: [row[column].encode() for column in order]):
        found.append(f"{period} journal: rows are not in the order of {' and '.join(order)}")
    if len({row["entry_id"] for row in ours}) != len(ours):
        found.append(f"{period} journal: an entry_id comes twice")
    own, other = _transactions(ours, columns), _transactions(theirs, columns)
    found += [f"{period} journal: only the product has {txn}" for txn in (own - other)]
    found += [f"{period} journal: only the reference has {txn}" for txn in (other - own)]
    return found


def _transactions(rows: Rows, columns: list[str]) -> Counter[tuple[tuple[Any, ...], ...]]:
    entries: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        entries[row["txn_id"]].append(tuple(row[column] for column in columns))
    return Counter(tuple(sorted(transaction)) for transaction in entries.values())


def _plain(row: Mapping[str, Any], columns: list[str]) -> dict[str, Any]:
    return {column: _value(row[column]) for column in columns}


def _value(value: Any) -> Any:
    """One form for what the two sides write in two."""
    if isinstance(value, list):
        return "|".join(value)
    if isinstance(value, Decimal):
        return Fraction(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value
