"""Rows of `adjustments` (§2), written into the landing folder one at a time, each in a file of its own.

Nothing else than a row is written, so whatever delivers rows otherwise stands beside it on equal
terms. A row is read by ingest before it is written: its grammar is the only one.
"""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from orchestration.foundations.texts import shown
from orchestration.ingest.datasets import BY_NAME
from orchestration.ingest.landing_place import Landing, deliver, files_at
from orchestration.ledger.decisions import Adjustment
from orchestration.pipeline.ingesting import put_terms, read_files
from orchestration.pipeline.refusals import Refused
from orchestration.terms.currencies import amount_text, minor_units
from orchestration.terms.load import LoadedProgram
from orchestration.terms.people import look_same

DATASET: Final = BY_NAME["adjustments"]
_COLUMNS: Final = tuple(column.name for column in DATASET.columns)


class NotOne(ValueError):
    """No such adjustment, or a row that cannot be one; says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of `adjustments` of the program; `updated_at` is naive, in UTC."""

    adjustment_id: str
    creator_id: str
    period: str
    currency: str
    amount: Decimal
    reason: str
    requested_by: str
    approved_by: str | None
    updated_at: datetime

    @property
    def text(self) -> str:
        """The row as a line for people."""
        money = amount_text(self.currency, minor_units(self.amount, self.currency))
        state = f"approved by {self.approved_by}" if self.decides.counts else "waits for approval"
        return (
            f"{self.adjustment_id}: {money} {self.currency} to {self.creator_id} for {self.period}"
            f" ({self.reason}), asked for by {self.requested_by}, {state}"
        )

    @property
    def seen(self) -> str:
        """A hash over all cells of the row, which tells it from any other that counts meanwhile."""
        return hashlib.sha256("\0".join(_cells(self).values()).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Its cells as a file of the dataset has them, None where a cell is empty."""
        return {name: cell or None for name, cell in _cells(self).items()}

    @property
    def decides(self) -> Adjustment:
        """The row as the ledger's rules see it."""
        return Adjustment(
            self.adjustment_id,
            self.creator_id,
            self.period,
            self.currency,
            minor_units(self.amount, self.currency),
            self.requested_by,
            self.approved_by,
            self.updated_at,
        )


def landed(loaded: LoadedProgram, landing: Landing) -> list[Row]:
    """All rows of the program that lie in the landing folder, sorted.

    NotOne, with each of them, if files or rows of the dataset cannot be used.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="bonus-adjust-") as folder:
        scratch = Path(folder) / "scratch"
        scratch.mkdir()
        with closing(duckdb.connect(Path(folder) / "read.duckdb")) as connection:
            connection.execute("set TimeZone = 'UTC'")
            inventory = files_at(landing, Path(folder) / "objects", {DATASET.name})
            period = loaded.program.periods[-1].key
            put_terms(connection, loaded.program, period)
            read_files(
                connection,
                loaded,
                period,
                inventory,
                scratch,
                Path(folder) / "links",
            )
            bad = connection.execute(
                "select file, null, null, detail from quarantine_files union all"
                " select file, column_name, found, expected from quarantine_rows order by all"
            ).fetchall()
            if bad:
                raise NotOne("\n".join(_fault(*row) for row in bad))
            rows = connection.execute(
                f"select distinct {', '.join(_COLUMNS[1:])} from raw_{DATASET.name}"
                " where program = $1 order by all",
                [loaded.program.program],
            ).fetchall()
    return [Row(*row) for row in rows]


def _fault(file: str, column: str | None, found: str | None, expected: str | None) -> str:
    if column is None:
        return f"{shown(file)}: {expected or 'it cannot be used'}"
    parts = column.split("|"), (found or "").split(" | "), (expected or "").split(" | ")
    if len({len(part) for part in parts}) > 1:  # what was found has such a mark in it
        return f"{column}: found {found}, expected {expected}"
    return "\n".join(
        f"{one}: found {what}, expected {meant}" for one, what, meant in zip(*parts, strict=True)
    )


def in_force(rows: Iterable[Row]) -> dict[str, Row]:
    """By id the row that counts now: the one with the greatest updated_at."""
    return {row.adjustment_id: row for row in sorted(rows, key=lambda row: row.updated_at)}


def of_period(rows: Iterable[Row], period: str) -> list[Row]:
    """The rows of the adjustments that are of the period now: a later row may move one to another."""
    ids = {row.adjustment_id for row in in_force(rows).values() if row.period == period}
    return [row for row in rows if row.adjustment_id in ids]


def proposed(
    loaded: LoadedProgram, rows: Iterable[Row], cells: Mapping[str, str], by: str, now: datetime
) -> Row:
    """The row by which `by` asks for an adjustment; NotOne, with what is wrong, if it cannot be.

    `cells` are creator_id, period, currency, amount and reason as typed, and adjustment_id, which may
    be empty: then it is made of the others and the instant.
    """
    periods = [period.key for period in loaded.program.periods]
    if cells["period"] not in periods:
        raise NotOne(
            f"{loaded.program.program} has no period {cells['period'][:80]!r}; its periods: {', '.join(periods)}"
        )
    at = _text(now)
    digest = hashlib.sha256("\0".join([*cells.values(), by, at]).encode()).hexdigest()
    made = {**cells, "adjustment_id": cells["adjustment_id"] or f"hand-{digest[:12]}"}
    row = _read_back(loaded, {**made, "requested_by": by, "approved_by": "", "updated_at": at})
    if not row.amount:
        raise NotOne("amount: found 0, expected an amount that is owed, or below 0 owed back")
    if row.adjustment_id in in_force(rows):
        raise NotOne(f"{shown(row.adjustment_id, 80)} is there already; give another id, or none")
    return row


def approved(
    rows: Iterable[Row],
    adjustment_id: str,
    by: str,
    now: datetime,
    seen: str = "",
    looked_at: Mapping[str, str] = MappingProxyType({}),
) -> Row:
    """The row by which `by` approves what another has asked for.

    NotOne for an unknown id. Refused (§7) for who has asked for it, and where it is approved already
    or another row counts than the one that `by` has `seen` (`Row.seen`), or has `looked_at`: cells by
    name, of which an empty one says nothing.
    """
    row = _known(rows, adjustment_id)
    others = [_other(row, name, cell) for name, cell in looked_at.items() if cell]
    if found := [said for said in others if said]:
        raise Refused("\n".join(found))
    if seen and seen != row.seen:
        raise Refused(f"{shown(adjustment_id, 80)} has changed since you looked at it; look again")
    if row.decides.counts:
        raise Refused(f"{shown(adjustment_id, 80)} is approved already, by {row.approved_by}")
    if look_same(by, row.requested_by):
        raise Refused(
            f"{row.requested_by} asked for {shown(adjustment_id, 80)}; someone else has to approve it"
        )
    return if_approved(row, by, now)


def _other(row: Row, name: str, cell: str) -> str | None:
    """In words: how a cell of a row is another one than somebody has looked at; None if it is that one."""
    now = _cells(row)[name]
    with suppress(InvalidOperation):
        if cell == now or (name == "amount" and Decimal(cell) == row.amount):
            return None
    return f"{shown(row.adjustment_id, 80)}: {name} is {shown(now, 80)}, not {shown(cell, 80)}; look at it again"


def if_approved(row: Row, by: str, now: datetime) -> Row:
    """The row as an approval makes it."""
    return replace(row, approved_by=by, updated_at=_later(row, now))


def withdrawn(rows: Iterable[Row], adjustment_id: str, now: datetime) -> Row:
    """The row by which an approval is taken back; NotOne for an unknown id, Refused if there is none."""
    row = _known(rows, adjustment_id)
    if not row.decides.counts:
        raise Refused(f"{shown(adjustment_id, 80)} is not approved, so nothing of it is posted")
    return replace(row, approved_by=None, updated_at=_later(row, now))


def _known(rows: Iterable[Row], adjustment_id: str) -> Row:
    there = in_force(rows)
    if adjustment_id not in there:
        raise NotOne(f"there is no adjustment {shown(adjustment_id, 80)}; see bonus adjust list")
    return there[adjustment_id]


def _later(row: Row, now: datetime) -> datetime:
    """The instant, or just after the row's: a clock may be behind the one that wrote it."""
    at = now.astimezone(UTC).replace(tzinfo=None)
    return max(at, row.updated_at + timedelta(microseconds=1))


def write_row(loaded: LoadedProgram, landing: Landing, row: Row) -> Path | str:
    """Puts the row into the landing folder in one step, in a file that only it has; gives where it is."""
    content = _csv(loaded, _cells(row))
    digest = hashlib.sha256(content).hexdigest()[:12]
    name = f"{DATASET.name}/by-hand-{row.updated_at:%Y%m%dT%H%M%S}-{digest}.csv"
    return deliver(landing, name, content)


def _cells(row: Row) -> dict[str, str]:
    cells = {name: getattr(row, name) for name in _COLUMNS[1:]}
    return {
        name: _text(value.replace(tzinfo=UTC))
        if isinstance(value, datetime)
        else "" if value is None else _plain(value) if isinstance(value, Decimal) else value
        for name, value in cells.items()
    }  # fmt: skip


def _csv(loaded: LoadedProgram, cells: Mapping[str, str]) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerow({"program": loaded.program.program, **cells})
    return file.getvalue().encode("utf-8", "surrogateescape")


def _read_back(loaded: LoadedProgram, cells: Mapping[str, str]) -> Row:
    """The row as ingest reads it; NotOne where it would be refused."""
    with tempfile.TemporaryDirectory(prefix="bonus-adjust-") as folder:
        path = Path(folder) / DATASET.name
        path.mkdir()
        (path / "row.csv").write_bytes(_csv(loaded, cells))
        (row,) = landed(loaded, Path(folder))
    return row


def _plain(amount: Decimal) -> str:
    """Without zeros that say nothing: ingest gives four decimals to every currency."""
    return f"{amount.normalize():f}"


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
