"""The double-entry journal (§7): entries out of ledger rows, their ids, and what must hold of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from orchestration.ledger.settlement import LedgerRow

EXPENSE = "expense:bonus"
CLEARING = "clearing:payout"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A row of journal (§9): minor units of `currency`, debits positive."""

    entry_id: str
    txn_id: str
    kind: str
    origin_period: str
    adjustment_id: str | None
    posted_on: date
    creator_id: str
    account: str
    currency: str
    amount_minor: int


def journal_entries(
    program: str, period: str, posted_on: date, rows: Iterable[LedgerRow]
) -> list[JournalEntry]:
    """§7 "Journal": the entries of a period's ledger rows, sorted by entry_id; none has amount 0."""
    entries = [entry for row in rows for entry in _row_entries(program, period, posted_on, row)]
    entries.sort(key=lambda entry: entry.entry_id)
    return entries


def _row_entries(
    program: str, period: str, posted_on: date, row: LedgerRow
) -> Iterator[JournalEntry]:
    payable = f"payable:{row.creator_id}"

    def transaction(
        kind: str, origin: str, *legs: tuple[str, int], adjustment_id: str | None = None
    ) -> Iterator[JournalEntry]:
        whose = (row.creator_id, row.payout_currency)
        txn_id = transaction_id(program, period, kind, origin, *whose, adjustment_id)
        for number, (account, amount) in enumerate(legs, start=1):
            if amount:
                yield JournalEntry(
                    f"{txn_id}-{number}",
                    txn_id,
                    kind,
                    origin,
                    adjustment_id,
                    posted_on,
                    row.creator_id,
                    account,
                    row.payout_currency,
                    amount,
                )

    yield from transaction(
        "earning", period, (EXPENSE, row.earnings_minor), (payable, -row.earnings_minor)
    )
    for origin, amount in row.adjustments_by_origin.items():
        yield from transaction("adjustment", origin, (EXPENSE, amount), (payable, -amount))
    for posting in row.manual:
        yield from transaction(
            "manual",
            posting.origin_period,
            (EXPENSE, posting.amount_minor),
            (payable, -posting.amount_minor),
            adjustment_id=posting.adjustment_id,
        )
    for returned in row.returns:
        first = (payable, CLEARING)  # as in the payout that it turns
        legs = sorted(returned.legs.items(), key=lambda leg: (leg[0] not in first, leg))
        yield from transaction("return", returned.origin_period, *legs)
    if row.status == "paid":
        yield from transaction(
            "payout",
            period,
            (payable, row.payable_minor),
            (CLEARING, -row.payout_minor),
            (f"withheld:{row.tax_residence}", -row.withheld_minor),
        )


def transaction_id(
    program: str,
    period: str,
    kind: str,
    origin: str,
    creator_id: str,
    currency: str,
    adjustment_id: str | None = None,
) -> str:
    """A deterministic id (§7): the same transaction has the same id in every run."""
    parts = [program, period, kind, origin, creator_id, currency]
    if adjustment_id is not None:
        parts.append(adjustment_id)
    # JSON keeps the parts apart whatever characters an id holds.
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()[:32]
