"""Decisions of people (§7 "Adjustments by hand", "Returned payments"): which of them a period posts.

Belongs here: which row of a decision is in force (§2), what is due by it, and what is left to post
once earlier periods have posted. Does not: where rows and postings come from (`pipeline/deciding.py`)
and how they stand in the journal (`journal.py`).

A period posts what is due in it less what the published periods before it have posted. So whatever
is corrected, withdrawn or moved, the postings of all periods sum to what is due in the last of them.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from orchestration.ledger.money import Account
from orchestration.terms.people import same_person


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A row of `adjustments` (§2); the amount in minor units of its currency."""

    adjustment_id: str
    creator_id: str
    period: str
    currency: str
    amount_minor: int
    requested_by: str
    approved_by: str | None
    updated_at: datetime

    @property
    def decision_id(self) -> str:
        """The key of a row within its program."""
        return self.adjustment_id

    @property
    def counts(self) -> bool:
        """§7: "it has an approved_by, which is not its requested_by"."""
        return self.approved_by is not None and not same_person(self.approved_by, self.requested_by)

    @property
    def posted_as(self) -> Hashable:
        """The key by which an earlier posting is found: its id (§2)."""
        return self.adjustment_id

    @property
    def says(self) -> Hashable:
        """The values that decide about money; rows of one version must agree in them."""
        approved = self.amount_minor if self.counts else None
        return (self.creator_id, self.period, self.currency, approved)


PayoutKey = tuple[str, str, str]
"""(period, creator_id, currency) of a payout."""


@dataclass(frozen=True, slots=True)
class Return:
    """A row of `payment_returns` (§2)."""

    return_id: str
    creator_id: str
    period: str
    currency: str
    status: str
    updated_at: datetime

    @property
    def decision_id(self) -> str:
        """The key of a row within its program."""
        return self.return_id

    @property
    def payout(self) -> PayoutKey:
        """The payout that it speaks of."""
        return (self.period, self.creator_id, self.currency)

    @property
    def posted_as(self) -> Hashable:
        """The key by which an earlier posting is found: its period, creator and currency (§2)."""
        return self.payout

    @property
    def says(self) -> Hashable:
        """The values that decide about money; rows of one version must agree in them."""
        return (*self.payout, self.status)


@dataclass(frozen=True, slots=True)
class ManualPosting:
    """The posting of an adjustment by hand, in minor units of the currency."""

    adjustment_id: str
    creator_id: str
    currency: str
    origin_period: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ReturnPosting:
    """The posting of a payout of `origin_period` that is returned, or no more returned.

    `legs` are amounts by account, debits positive; they sum to 0.
    """

    origin_period: str
    creator_id: str
    currency: str
    legs: Mapping[str, int]

    @property
    def payout(self) -> PayoutKey:
        """The payout that it turns."""
        return (self.origin_period, self.creator_id, self.currency)

    @property
    def payable_minor(self) -> int:
        """The amount owed again: "what was payable" in the payout, below 0 where it is taken back."""
        return -self.legs.get(f"payable:{self.creator_id}", 0)


class Fault(StrEnum):
    """A finding of the ledger gate about a decision (§8); the last three are warnings."""

    ROWS_DIFFER = "ROWS_DIFFER"
    RETURN_NOT_EARLIER = "RETURN_NOT_EARLIER"
    RETURN_NOT_PAID = "RETURN_NOT_PAID"
    POSTED_WITHOUT_ROW = "POSTED_WITHOUT_ROW"
    WAITS_FOR_APPROVAL = "WAITS_FOR_APPROVAL"
    RETURN_NOT_CLOSED = "RETURN_NOT_CLOSED"
    CREATOR_UNKNOWN = "CREATOR_UNKNOWN"


@dataclass(frozen=True, slots=True)
class DecisionNote:
    """Something that the gate says of a decision; the amount is null for a return."""

    fault: Fault
    decision_id: str
    creator_id: str
    period: str
    currency: str
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """The past that a period finds: the program's periods, and the postings of those before it.

    `order` are the program's periods. `closed` are those before it that are closed, `payouts` the
    legs of the payouts of those. `manual` and `returns` are the postings of the published periods
    before it, the earliest period first.
    """

    order: Sequence[str]
    closed: Collection[str] = ()
    payouts: Mapping[PayoutKey, Mapping[str, int]] = field(default_factory=dict)
    manual: Sequence[ManualPosting] = ()
    returns: Sequence[ReturnPosting] = ()

    @property
    def posted(self) -> set[Hashable]:
        """Whatever was posted before, each by its `posted_as`: ids of adjustments, and payouts."""
        return {
            *(posting.adjustment_id for posting in self.manual),
            *(posting.payout for posting in self.returns),
        }

    def is_by(self, period: str, other: str) -> bool:
        """True if `period` is `other` or an earlier one of the program."""
        return period in self.order and self.order.index(period) <= self.order.index(other)


@dataclass(frozen=True, slots=True)
class Decided:
    """The postings of a period, and the findings of the gate about them."""

    manual: Sequence[ManualPosting] = ()
    returns: Sequence[ReturnPosting] = ()
    notes: Sequence[DecisionNote] = ()

    def manual_of(self) -> dict[Account, list[ManualPosting]]:
        """The adjustments by hand by creator and currency."""
        return _by_account(self.manual)

    def returns_of(self) -> dict[Account, list[ReturnPosting]]:
        """The returns by creator and currency."""
        return _by_account(self.returns)


def decide(
    period: str,
    closes_at: datetime,
    adjustments: Iterable[Adjustment],
    returns: Iterable[Return],
    past: Past,
) -> Decided:
    """§7: what `period`, which is not closed, posts of all rows that it uses.

    `closes_at` is its closes_on at 00:00 UTC, naive. Postings are sorted by id, or by origin, then
    by creator and currency (bytewise).
    """
    adjustments, returns = list(adjustments), list(returns)
    decided, differing = in_force(adjustments, closes_at, past.posted)
    returned, differing_returns = in_force(returns, closes_at, past.posted)
    return Decided(
        manual_postings(period, decided, past),
        return_postings(returned, past),
        [
            *(_note(Fault.ROWS_DIFFER, row) for row in differing),
            *(_note(Fault.ROWS_DIFFER, row) for row in differing_returns),
            *_return_notes(period, returned, past),
            *_without_row(adjustments, returns, past),
            *(
                _note(Fault.WAITS_FOR_APPROVAL, row)
                for row in decided
                if not row.counts and past.is_by(row.period, period)
            ),
        ],
    )


def deciding_rows(
    posted: Decided,
    closes_at: datetime,
    adjustments: Iterable[Adjustment],
    returns: Iterable[Return],
    past: Past,
) -> set[Adjustment | Return]:
    """§7: the rows upon which a period posts what it has posted; whoever read one has work in it.

    The rows in force of the adjustments and returns of its postings. To these belongs a return
    that some row says is of a posted payout, though its row in force speaks of another payout.
    Arguments are those of `decide`, and what came of it.
    """
    returns = list(returns)
    manual, _ = in_force(adjustments, closes_at, past.posted)
    returned, _ = in_force(returns, closes_at, past.posted)
    adjustment_ids = {posting.adjustment_id for posting in posted.manual}
    payouts = {posting.payout for posting in posted.returns}
    return_ids = {row.return_id for row in returns if row.payout in payouts}
    return {
        *(row for row in manual if row.adjustment_id in adjustment_ids),
        *(row for row in returned if row.return_id in return_ids),
    }


AFTER_ALL: Final = "\0"
"""A period after all of a program; no period has this key."""


def left_due(
    adjustments: Iterable[Adjustment],
    returns: Iterable[Return],
    past: Past,
    still_open: Mapping[str, datetime],
) -> Decided:
    """§7: "what is due and has no open period that could post it", as postings, without notes.

    That is what a period after all others would still post, once the open ones have posted what they
    can. `past` is what the closed periods have left; `still_open` are the open periods of the
    program, in its order, published or not, with their closes_on at 00:00 UTC, naive.
    """
    adjustments, returns = list(adjustments), list(returns)
    past = replace(past, order=[*past.order, AFTER_ALL])
    for period, closes_at in still_open.items():
        posted = decide(period, closes_at, adjustments, returns, past)
        past = replace(
            past,
            manual=[*past.manual, *posted.manual],
            returns=[*past.returns, *posted.returns],
        )
    left = decide(AFTER_ALL, datetime.max, adjustments, returns, past)
    return replace(left, notes=())


class _Versioned(Protocol):
    @property
    def updated_at(self) -> datetime: ...
    @property
    def decision_id(self) -> str: ...
    @property
    def posted_as(self) -> Hashable: ...
    @property
    def says(self) -> Hashable: ...


Row = TypeVar("Row", bound=_Versioned)


def in_force(
    rows: Iterable[Row], closes_at: datetime, posted: Collection[Hashable]
) -> tuple[list[Row], list[Row]]:
    """§2: the row of each decision that is in force at closes_on, and those that contradict one.

    A decision "none of whose rows has updated_at <= closes_on does not exist yet, unless an earlier
    published period has posted it ...: then the row with the least updated_at counts". The second
    list has rows of the same version as one in force that say something else about money: what was
    delivered has been changed without a later updated_at.
    """
    versions: dict[str, list[Row]] = {}
    for row in rows:
        versions.setdefault(row.decision_id, []).append(row)
    found, differing = [], []
    for decision_id in sorted(versions, key=str.encode):
        of_key = versions[decision_id]
        there = [row for row in of_key if row.updated_at <= closes_at]
        instants = [row.updated_at for row in there or of_key]
        instant = max(instants) if there else min(instants)
        first, *others = sorted(
            (row for row in of_key if row.updated_at == instant), key=lambda row: repr(row.says)
        )
        if there or any(row.posted_as in posted for row in (first, *others)):
            found.append(first)
            differing += [row for row in others if row.says != first.says]
    return found, differing


def manual_postings(period: str, decided: Iterable[Adjustment], past: Past) -> list[ManualPosting]:
    """§7 "Adjustments by hand": what is due in `period` less what was posted before, if not 0.

    `decided` are the rows in force.
    """
    due = {
        _key(row): row
        for row in decided
        if row.counts and row.amount_minor and past.is_by(row.period, period)
    }
    posted: dict[tuple[str, str, str], int] = {}
    latest: dict[tuple[str, str, str], str] = {}
    for posting in past.manual:
        key = _key(posting)
        posted[key] = posted.get(key, 0) + posting.amount_minor
        latest[key] = posting.origin_period
    found = []
    for key in sorted(due.keys() | posted.keys(), key=_bytewise):
        left = (due[key].amount_minor if key in due else 0) - posted.get(key, 0)
        if left:
            origin = due[key].period if key in due else latest[key]
            found.append(ManualPosting(*key, origin, left))
    return found


def return_postings(returned: Iterable[Return], past: Past) -> list[ReturnPosting]:
    """§7 "Returned payments": the payouts that are due again less what was posted as their returns.

    `returned` are the rows in force. "A payout is returned or not, however many rows say so".
    """
    said = {row.payout for row in returned if row.status == "returned"}
    posted: dict[PayoutKey, dict[str, int]] = {}
    for posting in past.returns:
        legs = posted.setdefault(posting.payout, {})
        for account, amount in posting.legs.items():
            legs[account] = legs.get(account, 0) + amount
    found = []
    for key in sorted((said & past.payouts.keys()) | posted.keys(), key=_bytewise):
        before = posted.get(key, {})
        due = past.payouts.get(key, {}) if key in said else {}
        left = {
            account: -due.get(account, 0) - before.get(account, 0)
            for account in sorted(due.keys() | before.keys(), key=str.encode)
        }
        if legs := {account: amount for account, amount in left.items() if amount}:
            found.append(ReturnPosting(*key, legs))
    return found


def _return_notes(period: str, returned: Iterable[Return], past: Past) -> Iterable[DecisionNote]:
    for row in returned:
        if row.status != "returned":
            continue
        if row.period == period or not past.is_by(row.period, period):
            yield _note(Fault.RETURN_NOT_EARLIER, row)
        elif row.period not in past.closed:
            yield _note(Fault.RETURN_NOT_CLOSED, row)
        elif row.payout not in past.payouts:
            yield _note(Fault.RETURN_NOT_PAID, row)


def _without_row(
    adjustments: Iterable[Adjustment], returns: Iterable[Return], past: Past
) -> Iterable[DecisionNote]:
    """§8: postings of earlier periods "for which there is no row at all any more"."""
    ids = {row.adjustment_id for row in adjustments}
    payouts = {row.payout for row in returns}
    for posting in past.manual:
        if posting.adjustment_id not in ids:
            yield DecisionNote(
                Fault.POSTED_WITHOUT_ROW,
                posting.adjustment_id,
                posting.creator_id,
                posting.origin_period,
                posting.currency,
                posting.amount_minor,
            )
    for returned in past.returns:
        if returned.payout not in payouts:
            yield DecisionNote(
                Fault.POSTED_WITHOUT_ROW,
                "",
                returned.creator_id,
                returned.origin_period,
                returned.currency,
                returned.payable_minor,
            )


def notes_of_unknown(
    postings: Iterable[ManualPosting], known: Collection[str]
) -> list[DecisionNote]:
    """§8: "a manual posting to a creator that has neither a row in creator_eligibility nor one in
    the ledger of an earlier published period"; `known` are those that have."""
    return [
        DecisionNote(
            Fault.CREATOR_UNKNOWN,
            posting.adjustment_id,
            posting.creator_id,
            posting.origin_period,
            posting.currency,
            posting.amount_minor,
        )
        for posting in postings
        if posting.creator_id not in known
    ]


def _note(fault: Fault, row: Adjustment | Return) -> DecisionNote:
    amount = row.amount_minor if isinstance(row, Adjustment) else None
    return DecisionNote(fault, row.decision_id, row.creator_id, row.period, row.currency, amount)


Posting = TypeVar("Posting", ManualPosting, ReturnPosting)


def _by_account(postings: Iterable[Posting]) -> dict[Account, list[Posting]]:
    found: dict[Account, list[Posting]] = {}
    for posting in postings:
        found.setdefault((posting.creator_id, posting.currency), []).append(posting)
    return found


def _key(one: Adjustment | ManualPosting) -> tuple[str, str, str]:
    """§7: "an (adjustment_id, creator_id, currency)"."""
    return (one.adjustment_id, one.creator_id, one.currency)


def _bytewise(key: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(part.encode() for part in key)
