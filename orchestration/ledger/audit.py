"""What must hold of published books (§7, §9), period by period and over periods: small checks.

Each check yields every difference it finds, in words that name the period and the row. Rows are
those of the published tables, amounts in minor units; nothing here reads files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestration.ledger.restatement import Account


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of journal, as far as the checks look at it."""

    entry_id: str
    txn_id: str
    kind: str
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
    """The ledger and journal of one published period."""

    period: str
    ledger: Sequence[Balance]
    journal: Sequence[Entry]


def book_faults(periods: Sequence[PeriodBooks]) -> list[str]:
    """Every difference in the books of a program; `periods` are all published ones, in order."""
    faults = [
        fault
        for books in periods
        for check in (_transactions_balance, _rows_add_up, _journal_tells_the_ledger)
        for fault in check(books)
    ]
    return [*faults, *_balances_roll_forward(periods), *_accounts_match_balances(periods)]


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
    """§7 "Journal": earnings, adjustments and payouts are posted just as the ledger has them."""
    expected: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in books.ledger:
        expected[*row.account, "earning"] += row.earnings_minor
        expected[*row.account, "adjustment"] += row.adjustments_minor
        expected[*row.account, "payout"] -= row.payout_minor + row.withheld_minor
    found: dict[tuple[str, str, str], int] = defaultdict(int)
    for entry in books.journal:
        if entry.account == f"payable:{entry.creator_id}":
            found[entry.creator_id, entry.currency, entry.kind] -= entry.amount_minor
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
