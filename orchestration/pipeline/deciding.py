"""The decisions of people as a period finds them (§7): rows read, postings before, payouts of closed periods.

The rules are in `ledger/decisions.py`; here is how their inputs come out of tables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from orchestration.foundations.cursors import scratch_database
from orchestration.ledger.decisions import (
    Adjustment,
    Decided,
    DecisionNote,
    ManualPosting,
    Past,
    PayoutKey,
    Return,
    ReturnPosting,
    decide,
    deciding_rows,
    left_due,
    notes_of_unknown,
)
from orchestration.ledger.money import Account
from orchestration.pipeline.rows import field_names, write_rows
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import CONTRACT_TABLES, DECISION_TABLES
from orchestration.terms.currencies import minor_units
from orchestration.terms.model import Period, Program

if TYPE_CHECKING:
    import duckdb

NOTE_COLUMNS: Final = tuple(field_names(DecisionNote))

_ADJUSTMENTS: Final = (
    "adjustment_id, creator_id, period, currency, amount, requested_by, approved_by, updated_at"
)
_RETURNS: Final = "return_id, creator_id, period, currency, status, updated_at"
_POSTINGS: Final = """
    select kind, origin_period, adjustment_id, creator_id, currency, account, amount_minor
    from {journal}
    where kind = 'return' or (kind = 'manual' and account = 'expense:bonus')
    order by entry_id
"""
_PAYOUTS: Final = """
    select origin_period, creator_id, currency, account, amount_minor from {journal}
    where kind = 'payout' and list_contains($creators, creator_id)
    order by entry_id
"""


@dataclass(frozen=True, slots=True)
class History:
    """The base of a period's settlement: `published` are the periods published before it, in order.

    `order` are the program's periods, `closed` those of them that are closed.
    """

    order: Sequence[str]
    published: Sequence[Publication]
    closed: Collection[str]

    @property
    def before(self) -> Publication | None:
        """§7: "the latest earlier period of the program that is published"; None if there is none."""
        return self.published[-1] if self.published else None


def order_as_read(
    program: Program, period: str, before: Iterable[str], order: Sequence[str]
) -> list[str]:
    """The periods of a program in their order, as a published `period` is settled by them.

    Which periods that are not published stand before it is said by `program`, which its own run has
    read, whatever file is at hand now: their adjustments are posted as ever, and none of another
    period before its time. `before` are those published before it, `order` those of the file at hand.
    """
    keys = [one.key for one in program.periods]
    return list(dict.fromkeys([*keys[: keys.index(period)], *before, period, *order]))


@dataclass(frozen=True, slots=True)
class Decisions:
    """The rows of both datasets."""

    adjustments: Sequence[Adjustment]
    returns: Sequence[Return]


def decide_period(
    connection: duckdb.DuckDBPyConnection, period: Period, history: History
) -> Decided:
    """§7: what an open period posts of adjustments by hand and of returned payments.

    `connection` holds the rows that the period's own run has read, and its creator_eligibility.
    Makes decision_notes, for the gate.
    """
    decisions = rows_used(connection, history.published, is_own_there=True)
    closes_at = datetime.combine(period.closes_on, time())  # 00:00 UTC (§1)
    past = past_of(connection, history, decisions.returns)
    decided = decide(period.key, closes_at, decisions.adjustments, decisions.returns, past)
    known = _known_creators(connection, history.published, decided.manual)
    notes = [*decided.notes, *notes_of_unknown(decided.manual, known)]
    write_rows(connection, "decision_notes", notes, NOTE_COLUMNS)
    return decided


def rows_used(
    connection: duckdb.DuckDBPyConnection,
    published: Iterable[Publication],
    *,
    is_own_there: bool = False,
) -> Decisions:
    """§7: "the rows that its own last run has read, together with those that the runs whose rows are
    published of the periods before it have read"; each row once.

    `is_own_there`: the connection holds those of a run as tables.
    """
    return Decisions(
        [
            Adjustment(decision, creator, period, currency, minor_units(amount, currency), *rest)
            for decision, creator, period, currency, amount, *rest in _rows(
                connection, "settlement_adjustments", _ADJUSTMENTS, published, is_own_there
            )
        ],
        [
            Return(*row)
            for row in _rows(connection, "settlement_returns", _RETURNS, published, is_own_there)
        ],
    )


def brought_by(publication: Publication, closes_on: date, history: History) -> list[Publication]:
    """The earlier published periods whose runs have read a row that decides what a period posts, and
    its own run has not: the period was settled anew upon it. `closes_on` is the period's."""
    with scratch_database() as connection:
        manual, returned = _postings(connection, publication)
        if not manual and not returned:
            return []
        used = rows_used(connection, [*history.published, publication])
        past = past_of(connection, history, used.returns)
        decisive = deciding_rows(
            Decided(manual, returned),
            datetime.combine(closes_on, time()),
            used.adjustments,
            used.returns,
            past,
        )
        decisive -= _read_by(connection, publication)
        return [
            earlier for earlier in history.published if decisive & _read_by(connection, earlier)
        ]


def _read_by(
    connection: duckdb.DuckDBPyConnection, publication: Publication
) -> set[Adjustment | Return]:
    """The rows of both datasets that a period's own run has read."""
    decisions = rows_used(connection, [publication])
    return {*decisions.adjustments, *decisions.returns}


def _rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: str,
    published: Iterable[Publication],
    is_own_there: bool,
) -> list[tuple[Any, ...]]:
    relations = [publication.relation(DECISION_TABLES[table]) for publication in published]
    if is_own_there:
        relations.append(table)
    selects = [f"select {columns} from {relation}" for relation in relations]
    return connection.execute(" union ".join(selects)).fetchall() if selects else []


def past_of(
    connection: duckdb.DuckDBPyConnection, history: History, returns: Iterable[Return]
) -> Past:
    """The past of a period: the postings of earlier ones, and the payouts that `returns` are about."""
    manual: list[ManualPosting] = []
    returned: list[ReturnPosting] = []
    for publication in history.published:
        of_manual, of_returns = _postings(connection, publication)
        manual += of_manual
        returned += of_returns
    creators = {row.creator_id for row in returns} | {row.creator_id for row in returned}
    closed = [entry for entry in history.published if entry.period in history.closed]
    return Past(
        history.order,
        [publication.period for publication in closed],
        _payouts(connection, closed, creators),
        manual,
        returned,
    )


def _postings(
    connection: duckdb.DuckDBPyConnection, publication: Publication
) -> tuple[list[ManualPosting], list[ReturnPosting]]:
    """The postings of decisions in a period's journal."""
    journal = publication.relation(CONTRACT_TABLES["journal"])
    manual: list[ManualPosting] = []
    returned: dict[PayoutKey, dict[str, int]] = {}
    rows = connection.execute(_POSTINGS.format(journal=journal)).fetchall()
    for kind, origin, adjustment_id, creator, currency, account, amount in rows:
        if kind == "manual":
            manual.append(ManualPosting(adjustment_id, creator, currency, origin, amount))
        else:
            returned.setdefault((origin, creator, currency), {})[account] = amount
    return manual, [ReturnPosting(*payout, legs) for payout, legs in returned.items()]


def _payouts(
    connection: duckdb.DuckDBPyConnection,
    closed: Iterable[Publication],
    creators: Collection[str],
) -> Mapping[PayoutKey, Mapping[str, int]]:
    """The legs of the payouts of closed periods to these creators, as posted."""
    if not creators:
        return {}
    found: dict[PayoutKey, dict[str, int]] = {}
    for publication in closed:
        journal = publication.relation(CONTRACT_TABLES["journal"])
        for *payout, account, amount in connection.execute(
            _PAYOUTS.format(journal=journal), {"creators": sorted(creators)}
        ).fetchall():
            period, creator, currency = payout
            found.setdefault((period, creator, currency), {})[account] = amount
    return found


def _known_creators(
    connection: duckdb.DuckDBPyConnection,
    published: Iterable[Publication],
    manual: Iterable[ManualPosting],
) -> set[str]:
    """Of the creators of postings those with a row in creator_eligibility or an earlier ledger."""
    creators = sorted({posting.creator_id for posting in manual})
    if not creators:
        return set()
    ledger = CONTRACT_TABLES["payout_ledger"]
    relations = ["creator_eligibility", *(entry.relation(ledger) for entry in published)]
    selects = [
        f"select creator_id from {relation} where list_contains($creators, creator_id)"
        for relation in relations
    ]
    rows = connection.execute(" union ".join(selects), {"creators": creators}).fetchall()
    return {creator for (creator,) in rows}


@dataclass(frozen=True, slots=True)
class LeftDue:
    """An amount that is owed (below 0: owed back) and that no period posts: minor units of the currency.

    `kind` is that of the journal; `origin_period` the period that it is about.
    """

    kind: str
    origin_period: str
    adjustment_id: str | None
    creator_id: str
    currency: str
    amount_minor: int


def decisions_left_due(
    program: Program,
    published: Mapping[str, Publication],
    restated: Mapping[str, Publication],
) -> list[LeftDue]:
    """§7: "`bonus status` shows what is due and has no open period that could post it".

    By all rows that any run has read, that of a closed period, too.
    """
    order = [period.key for period in program.periods]
    closed = [key for key in order if key in published and published[key].state == "closed"]
    with scratch_database() as connection:
        rows = rows_used(connection, [*published.values(), *restated.values()])
        history = History(order, [published[key] for key in closed], closed)
        past = past_of(connection, history, rows.returns)
    still_open = {
        period.key: datetime.combine(period.closes_on, time())
        for period in program.periods
        if period.key not in closed
    }
    left = left_due(rows.adjustments, rows.returns, past, still_open)
    manual = [
        LeftDue("manual", one.origin_period, one.adjustment_id, *_whose(one), one.amount_minor)
        for one in left.manual
    ]
    returned = [
        LeftDue("return", one.origin_period, None, *_whose(one), one.payable_minor)
        for one in left.returns
    ]
    return [*manual, *returned]


def _whose(posting: ManualPosting | ReturnPosting) -> Account:
    return posting.creator_id, posting.currency
