"""Adjustments by hand and returned payments in drawn programs: the reference's own books add up (contract §7).

Of the reference alone: what it posts sums to what is due, recounted here from the rows as they were
drawn; balances follow from the journal; what is closed stays. Whether the product's are the same,
`test_equal.py` says.
"""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.proof.campaign import SEED, Verdict, is_long, over
from tests.proof.cases import Case, Landing, instant, write_landing
from tests.proof.decisions import NO_APPROVERS, replay
from tests.proof.programs import cases
from tests.reference.book import Book
from tests.reference.exact import unit
from tests.reference.landing import read_landing
from tests.reference.program import Period, program_of

PROGRAMS, PROGRAMS_IF_LONG = 40, 400

OFTEN = {
    "manual in its own period",
    "manual in a later period",
    "manual taken back",
    "manual of a creator without a deal",
    "manual without decimals",
    "return",
    "return of what was withheld",
    "return given twice",
    "kept though a later run does not have it",
    "CURRENCY_CHANGED",
    "NEGATIVE_BALANCE",
}
REACHED = OFTEN | {
    "manual corrected",
    "manual posted before its closes_on",
    "manual makes nothing payable",
    "return taken back",
    "return of a return",
    "return in another currency than the creator's",
}


def test_what_is_posted_is_what_is_due() -> None:
    verdict, seen = Verdict(), Counter[str]()

    def check(case: Case) -> None:
        verdict.demand(case, list(_mistakes(case, seen)))

    strategy = st.integers(0, 3).flatmap(
        lambda drawn: cases(with_closes=drawn < 3, with_decisions=True)
    )
    programs = PROGRAMS_IF_LONG if is_long() else PROGRAMS
    over(strategy, programs, check, name=f"{SEED} decisions of the reference")
    assert not (REACHED if is_long() else OFTEN) - seen.keys()


def _mistakes(case: Case, seen: Counter[str]) -> Iterator[str]:
    program = program_of(YAML(typ="base").load(case.program))
    with tempfile.TemporaryDirectory(prefix="decided-") as folder:
        read = [
            read_landing(write_landing(landing, Path(folder) / str(number)))
            for number, landing in enumerate(case.landings)
        ]
    landing_of: dict[
        str, int
    ] = {}  # published period -> the landing that its own last run has read
    sealed: dict[str, Any] = {}
    for step, book in zip(case.steps, replay(program, read, case.steps), strict=True):
        if step.action == "close":
            sealed[step.period] = book.tables(step.period)
        elif step.period not in sealed:
            landing_of[step.period] = step.landing
        where = f"after {step.action} {step.period}"
        yield from (f"{where}: {key} changed" for key in sealed if book.tables(key) != sealed[key])
        yield from (f"{where}: {line}" for line in _unbalanced(book))
        published = [period for period in program.periods if period.key in book.runs]
        for number, period in enumerate(published, start=1):
            if period.key not in sealed:
                landings = [case.landings[landing_of[p.key]] for p in published[:number]]
                count = _Recount(book, period, published[:number], landings)
                yield from (f"{where}: {period.key}: {line}" for line in count.mistakes(seen))
    _reach(book, seen)


def _unbalanced(book: Book) -> Iterator[str]:
    """Transactions sum to 0, and closing balances are what the journal leaves payable."""
    payable: Counter[tuple[str, str]] = Counter()
    for key in [period.key for period in book.program.periods if period.key in book.runs]:
        sums: Counter[str] = Counter()
        by_kind: Counter[tuple[str, str, str]] = Counter()
        for entry in book.journals[key]:
            sums[entry["txn_id"]] += entry["amount_minor"]
            if entry["account"] == f"payable:{entry['creator_id']}":
                name = (entry["creator_id"], entry["currency"])
                payable[name] -= entry["amount_minor"]
                by_kind[*name, entry["kind"]] -= entry["amount_minor"]
        yield from (f"{key}: {txn_id} sums to {total}" for txn_id, total in sums.items() if total)
        left = {name: amount for name, amount in payable.items() if amount}
        for row in book.ledgers[key]:
            name = (row["creator_id"], row["payout_currency"])
            if left.pop(name, 0) != row["closing_balance_minor"]:
                yield f"{key}: the closing balance of {name} is not what its journal leaves"
            if row["adjustments_minor"] != by_kind[*name, "adjustment"] + by_kind[*name, "manual"]:
                yield f"{key}: the adjustments of {name} are not those of its journal"
            if row["returns_minor"] != by_kind[*name, "return"]:
                yield f"{key}: the returns of {name} are not those of its journal"
        yield from (f"{key}: {name} has no row" for name in left)


class _Recount:
    """What is due in an open period, from the rows as they were drawn, and what was posted of it."""

    def __init__(
        self, book: Book, period: Period, published: list[Period], landings: list[Landing]
    ) -> None:
        self.book, self.period, self.published = book, period, published
        self.closes = datetime.combine(period.closes_on, time(), UTC)
        self.own, self.landings = landings[-1], landings
        self.entries = [entry for p in published for entry in book.journals[p.key]]
        self.before = [entry for p in published[:-1] for entry in book.journals[p.key]]

    def mistakes(self, seen: Counter[str]) -> Iterator[str]:
        manual, due = self._posted("manual"), self._manual_due()
        for name in manual.keys() | due.keys():
            if manual[name] != due[name]:
                yield f"of {name} {manual[name]} is posted, {due[name]} is due"
        returns, owed = self._posted("return"), self._returns_due(seen)
        for name in returns.keys() | owed.keys():
            if returns[name] != owed[name]:
                yield f"of the payout {name} {returns[name]} is given back, {owed[name]} is due"
        ids = {row["adjustment_id"] for row in self.own["adjustments"]}
        if any(amount and name[0] not in ids for name, amount in manual.items()):
            seen["kept though a later run does not have it"] += 1

    def _posted(self, kind: str) -> Counter[tuple[str, str, str]]:
        found: Counter[tuple[str, str, str]] = Counter()
        for entry in self.entries:
            if entry["kind"] == kind and entry["account"] == f"payable:{entry['creator_id']}":
                first = entry["adjustment_id"] if kind == "manual" else entry["origin_period"]
                found[first, entry["creator_id"], entry["currency"]] -= entry["amount_minor"]
        return found

    def _in_force(self, dataset: str, key: str, was_posted: Any) -> Iterator[dict[str, Any]]:
        versions = defaultdict(list)
        for landing in self.landings:
            for row in landing[dataset]:
                if row["program"] == self.book.program.name:
                    versions[row[key]].append((instant(row["updated_at"]), row))
        for rows in versions.values():
            rows.sort(key=lambda version: version[0])
            by_then = [row for at, row in rows if at <= self.closes]
            if by_then or was_posted(rows[0][1]):
                yield by_then[-1] if by_then else rows[0][1]

    def _manual_due(self) -> Counter[tuple[str, str, str]]:
        posted = {entry["adjustment_id"] for entry in self.before if entry["kind"] == "manual"}
        due: Counter[tuple[str, str, str]] = Counter()
        order = [period.key for period in self.book.program.periods]
        for row in self._in_force(
            "adjustments", "adjustment_id", lambda row: row["adjustment_id"] in posted
        ):
            is_late = order.index(row["period"]) > order.index(self.period.key)
            if row.get("approved_by") not in NO_APPROVERS and not is_late:
                amount = Decimal(row["amount"]) * unit(row["currency"])
                assert amount == int(amount)
                due[row["adjustment_id"], row["creator_id"], row["currency"]] = int(amount)
        return due

    def _returns_due(self, seen: Counter[str]) -> Counter[tuple[str, str, str]]:
        given_back = {
            (entry["origin_period"], entry["creator_id"], entry["currency"])
            for entry in self.before
            if entry["kind"] == "return"
        }
        due: Counter[tuple[str, str, str]] = Counter()
        order = [period.key for period in self.book.program.periods]
        for row in self._in_force(
            "payment_returns",
            "return_id",
            lambda row: (row["period"], row["creator_id"], row["currency"]) in given_back,
        ):
            if row["status"] == "returned":
                name = (row["period"], row["creator_id"], row["currency"])
                # §8 blocks a returned payout of this or a later period, or of a closed one that is not paid.
                assert order.index(row["period"]) < order.index(self.period.key)
                if row["period"] in self.book.closed:
                    (paid,) = [
                        line
                        for line in self.book.ledgers[row["period"]]
                        if (line["creator_id"], line["payout_currency"]) == name[1:]
                    ]
                    assert paid["status"] == "paid"
                    if due[name]:
                        seen["return given twice"] += 1
                    due[name] = paid["payable_minor"]
        return due


def _reach(book: Book, seen: Counter[str]) -> None:
    """Counts what the published periods show of the rules."""
    posted: dict[Any, Any] = {}
    given: set[Any] = set()
    for period in [p for p in book.program.periods if p.key in book.runs]:
        rows = {
            (row["creator_id"], row["payout_currency"]): row for row in book.ledgers[period.key]
        }
        for row in rows.values():
            if row["adjustments_minor"] and row["status_reason"] in REACHED:
                seen[row["status_reason"]] += 1
        for posting in book.postings[period.key]:
            name = (posting.creator_id, posting.currency)
            row, key = rows[name], (posting.adjustment_id, *name)
            if posting.kind == "manual":
                is_own = posting.origin_period == period.key
                seen[f"manual in {'its own' if is_own else 'a later'} period"] += 1
                if key in posted:
                    is_back = posted[key] + posting.amount_minor == 0
                    seen["manual taken back" if is_back else "manual corrected"] += 1
                posted[key] = posted.get(key, 0) + posting.amount_minor
                seen["manual of a creator without a deal"] += (
                    posting.creator_id not in book.runs[period.key].creators
                )
                seen["manual makes nothing payable"] += row["status"] == "none"
                seen["manual without decimals"] += unit(posting.currency) == 1
                closes = datetime.combine(period.closes_on, time(), UTC)
                versions = [
                    version["updated_at"]
                    for p in book.program.up_to(period)
                    if p.key in book.runs
                    for version in book.runs[p.key].decisions["adjustments"]
                    if version["adjustment_id"] == posting.adjustment_id
                ]
                seen["manual posted before its closes_on"] += min(versions) > closes
            elif posting.kind == "return":
                seen["return" if posting.amount_minor > 0 else "return taken back"] += 1
                seen["return of what was withheld"] += len(posting.lines) > 2
                seen["return in another currency than the creator's"] += row["fx_rate"] is None
                seen["return of a return"] += (posting.origin_period, *name) in given
                given.add((period.key, *name))
    for name in [name for name, count in seen.items() if not count]:
        del seen[name]
