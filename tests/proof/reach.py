"""What the drawn programs reach: each reason, status and rule, or a proof would say nothing of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.contract import CREATOR_REASONS, POST_REASONS
from tests.reference.book import Book

REASONS = [
    *(f"creator:{reason}" for reason in sorted(CREATOR_REASONS)),
    *(f"post:{reason}" for reason in sorted(POST_REASONS)),
    "creator:eligible",
    "post:eligible",
    "none:None",
    "held:CURRENCY_CHANGED",
    "carried:NEGATIVE_BALANCE",
    "held:PAYEE_INCOMPLETE",
    "held:PAYEE_BLOCKED",
    "carried:BELOW_MINIMUM",
    "paid:None",
]
RULES = [
    "pool",
    "rate",
    "capped",
    "milestone",
    "budget-cut",
    "budget-met",
    "withheld",
    "opening",
    "adjustment",
    "manual",
    "return",
    "converted",
    "segments",
    "negative-increment",
    "restated",
]
ALL = frozenset([*REASONS, *RULES])


def reached(book: Book) -> Counter[str]:
    """Which of them a book's published periods show; each counts once for a program."""
    return Counter({name for period in book.runs for name in _of_period(book, period)})


def _of_period(book: Book, key: str) -> Iterator[str]:
    tables, run = book.tables(key), book.runs[key]
    period = book.program.period(key)
    for kind in ("creator", "post"):
        for row in tables[f"{kind}_eligibility"]:
            yield from (f"{kind}:{reason}" for reason in row["reasons"] or ["eligible"])
    for row in tables["payout_ledger"]:
        yield f"{row['status']}:{row['status_reason']}"
        yield from _of_row(row)
    earning = [row for row in run.earnings.values() if row["program_amount_minor"]]
    if earning:
        yield "pool" if book.program.terms_on(book.program.last_day(period)).is_pool else "rate"
    total = sum(row["program_amount_minor"] for row in earning)
    if period.budget_minor == total > 0:
        yield "budget-met"
        before = sum(row["points"] for row in run.creator_scores.values())
        if before and len(earning) > 1:
            yield "budget-cut"
    if any(len(creator["segments"]) > 1 for creator in run.creators.values()):
        yield "segments"
    if any(
        grown < 0
        for post in run.post_scores.values()
        for grown in (post["likes"], post["comments"])
    ):
        yield "negative-increment"
    yield from {entry["kind"] for entry in tables["journal"]} & {"manual", "return"}
    if book.restated:
        yield "restated"


def _of_row(row: dict[str, Any]) -> Iterator[str]:
    for name, column in (
        ("capped", "capped"),
        ("milestone", "milestone_minor"),
        ("withheld", "withheld_minor"),
        ("opening", "opening_balance_minor"),
        ("adjustment", "adjustments_minor"),
    ):
        if row[column]:
            yield name
    if row["earnings_minor"] and row["fx_rate"] != 1:
        yield "converted"
