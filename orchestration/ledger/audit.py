"""Checks of published books (§7, §9), period by period and over periods.

Each check yields every difference it finds, in words that name the period and the row. Rows are
those of the published tables, amounts in minor units; nothing here reads files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from orchestration.ledger.decisions import (
    Adjustment,
    ManualPosting,
    Past,
    PayoutKey,
    Return,
    ReturnPosting,
    decide,
)
from orchestration.ledger.money import Account


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of journal, as far as the checks look at it."""

    entry_id: str
    txn_id: str
    kind: str
    origin_period: str
    adjustment_id: str | None
    creator_id: str
    account: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Balance:
    """A row of payout_ledger, as far as the checks look at it."""

    creator_id: str
    payout_currency: str
    status: str
    earnings_minor: int
    opening_balance_minor: int
    adjustments_minor: int
    returns_minor: int
    payable_minor: int
    withheld_minor: int
    payout_minor: int
    closing_balance_minor: int

    @property
    def account(self) -> Account:
        return (self.creator_id, self.payout_currency)


@dataclass(frozen=True, slots=True)
class PeriodBooks:
    """The ledger and journal of one published period, and the decisions that its own run has read.

    `closes_at` is its closes_on at 00:00 UTC, naive, and `order` are the periods of the program, as
    that run found them.
    """

    period: str
    closes_at: datetime
    order: Sequence[str]
    ledger: Sequence[Balance]
    journal: Sequence[Entry]
    adjustments: Sequence[Adjustment] = ()
    returns: Sequence[Return] = ()


def book_faults(periods: Sequence[PeriodBooks], closed: Collection[str]) -> list[str]:
    """Every difference in the books of a program; `periods` are all published ones, in order.

    `closed` are those that are closed.
    """
    faults = [
        fault
        for books in periods
        for check in (_transactions_balance, _rows_add_up, _journal_tells_the_ledger)
        for fault in check(books)
    ]
    return [
        *faults,
        *_balances_roll_forward(periods),
        *_accounts_match_balances(periods),
        *_decisions_are_posted(periods, closed),
    ]


def _transactions_balance(books: PeriodBooks) -> Iterator[str]:
    """§7: "a transaction sums to 0 in its currency"; "No entry has amount 0"."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for entry in books.journal:
        sums[entry.txn_id, entry.currency] += entry.amount_minor
        if entry.amount_minor == 0:
            yield f"{books.period}: journal entry {entry.entry_id} has amount 0"
    for (txn_id, currency), total in sums.items():
        if total:
            yield f"{books.period}: transaction {txn_id} sums to {total} {currency}, expected 0"


def _rows_add_up(books: PeriodBooks) -> Iterator[str]:
    """§7: payable = opening + earnings + adjustments + returns; closing is what was not paid or withheld."""
    for row in books.ledger:
        where = f"{books.period}: payout_ledger {row.creator_id} {row.payout_currency}"
        payable = (
            row.opening_balance_minor
            + row.earnings_minor
            + row.adjustments_minor
            + row.returns_minor
        )
        if row.payable_minor != payable:
            yield f"{where}: payable is {row.payable_minor}, expected {payable}"
        closing = row.payable_minor - row.payout_minor - row.withheld_minor
        if row.closing_balance_minor != closing:
            yield f"{where}: closing balance is {row.closing_balance_minor}, expected {closing}"
        if row.status != "paid" and (row.payout_minor or row.withheld_minor):
            yield f"{where}: is {row.status}, yet {row.payout_minor} was paid out"


def _journal_tells_the_ledger(books: PeriodBooks) -> Iterator[str]:
    """§7 "Journal": earnings, adjustments, returns and payouts are posted as the ledger has them."""
    expected: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in books.ledger:
        expected[*row.account, "earning"] += row.earnings_minor
        expected[*row.account, "adjustment"] += row.adjustments_minor
        expected[*row.account, "return"] += row.returns_minor
        expected[*row.account, "payout"] -= row.payout_minor + row.withheld_minor
    found: dict[tuple[str, str, str], int] = defaultdict(int)
    for entry in books.journal:
        if entry.account == f"payable:{entry.creator_id}":
            kind = "adjustment" if entry.kind == "manual" else entry.kind
            found[entry.creator_id, entry.currency, kind] -= entry.amount_minor
    for key in sorted(expected.keys() | found.keys()):
        if expected[key] != found[key]:
            creator_id, currency, kind = key
            yield (
                f"{books.period}: journal posts {found[key]} {currency} as {kind} of "
                f"{creator_id}, expected {expected[key]}"
            )


def _balances_roll_forward(periods: Sequence[PeriodBooks]) -> Iterator[str]:
    """§7: an opening balance is the closing balance of the latest earlier published period."""
    closing: Mapping[Account, int] = {}
    for books in periods:
        opening = {row.account: row.opening_balance_minor for row in books.ledger}
        for account in sorted(closing.keys() | opening.keys()):
            if opening.get(account, 0) != closing.get(account, 0):
                yield (
                    f"{books.period}: payout_ledger {account[0]} {account[1]}: opening balance is "
                    f"{opening.get(account, 0)}, expected {closing.get(account, 0)}, "
                    "the closing balance before"
                )
        closing = {row.account: row.closing_balance_minor for row in books.ledger}


def _accounts_match_balances(periods: Sequence[PeriodBooks]) -> Iterator[str]:
    """Each payee's account over all periods so far is its closing balance."""
    account_sums: dict[Account, int] = defaultdict(int)
    for books in periods:
        for entry in books.journal:
            if entry.account == f"payable:{entry.creator_id}":
                account_sums[entry.creator_id, entry.currency] -= entry.amount_minor
        closing = {row.account: row.closing_balance_minor for row in books.ledger}
        for account in sorted(closing.keys() | account_sums.keys()):
            if account_sums.get(account, 0) != closing.get(account, 0):
                yield (
                    f"{books.period}: account payable:{account[0]} stands at "
                    f"{account_sums.get(account, 0)} {account[1]} over all periods, "
                    f"but its closing balance is {closing.get(account, 0)}"
                )


_Posted = tuple[str, str, str | None, str, str, str]
"""Kind, origin, adjustment, creator, currency and account of a posting."""


def _decisions_are_posted(periods: Sequence[PeriodBooks], closed: Collection[str]) -> Iterator[str]:
    """§7: each period posts what is due of decisions in it less what those before it have posted."""
    adjustments: dict[Adjustment, None] = {}
    returns: dict[Return, None] = {}
    manual: list[ManualPosting] = []
    returned: list[ReturnPosting] = []
    payouts: dict[PayoutKey, dict[str, int]] = {}
    before: list[str] = []
    for books in periods:
        adjustments |= dict.fromkeys(books.adjustments)
        returns |= dict.fromkeys(books.returns)
        past = Past(books.order, before, payouts, manual, returned)
        decided = decide(books.period, books.closes_at, adjustments, returns, past)
        yield from _posting_faults(
            books, _expected_postings(decided.manual, decided.returns), _postings(books)
        )
        manual += decided.manual
        returned += decided.returns
        if books.period in closed:
            before.append(books.period)
            for entry in books.journal:
                if entry.kind == "payout":
                    key = (books.period, entry.creator_id, entry.currency)
                    payouts.setdefault(key, {})[entry.account] = entry.amount_minor


def _expected_postings(
    manual: Sequence[ManualPosting], returns: Sequence[ReturnPosting]
) -> dict[_Posted, int]:
    found: dict[_Posted, int] = {}
    for posting in manual:
        whose = (posting.creator_id, posting.currency, f"payable:{posting.creator_id}")
        of = ("manual", posting.origin_period, posting.adjustment_id)
        found[*of, *whose] = -posting.amount_minor
    for returned in returns:
        for account, amount in returned.legs.items():
            whose = (returned.creator_id, returned.currency, account)
            found["return", returned.origin_period, None, *whose] = amount
    return found


def _postings(books: PeriodBooks) -> dict[_Posted, int]:
    found: dict[_Posted, int] = defaultdict(int)
    for entry in books.journal:
        is_other_leg = entry.kind == "manual" and entry.account == "expense:bonus"
        if entry.kind in ("manual", "return") and not is_other_leg:
            key = (entry.kind, entry.origin_period, entry.adjustment_id)
            found[*key, entry.creator_id, entry.currency, entry.account] += entry.amount_minor
    return found


def _posting_faults(
    books: PeriodBooks, expected: Mapping[_Posted, int], found: Mapping[_Posted, int]
) -> Iterator[str]:
    for key in sorted(expected.keys() | found.keys(), key=repr):
        if expected.get(key, 0) != found.get(key, 0):
            kind, origin, adjustment_id, creator_id, currency, account = key
            of = "" if adjustment_id is None else f" of adjustment {adjustment_id}"
            yield (
                f"{books.period}: journal posts {found.get(key, 0)} {currency} to {account} as "
                f"{kind} {origin}{of} of {creator_id}, expected {expected.get(key, 0)}"
            )
