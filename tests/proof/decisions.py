"""Adjustments by hand and returned payments of a case, dense in corrections, and valid: no gate blocks them.

What is adjusted and returned is found by the reference: it runs the steps, and payouts that closed periods
made are returned, one period after the other, since what is returned may be paid, and returned, again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.proof.cases import Landing, Row, Step, text_of
from tests.proof.choices import CURRENCIES, Draw, around
from tests.reference.book import Book, Run, compute, decisions_of
from tests.reference.days import begin_utc
from tests.reference.exact import unit
from tests.reference.landing import COLUMNS, typed
from tests.reference.program import Program

DATASETS = ("adjustments", "payment_returns")

# Nobody here has the name of one who asked (§8 blocks that). The last four count as none: nothing
# is left of the name, or its scripts do not mix.
ASKERS = ("ana", "José ", "é", "山田タロウ", "x\u200by")
APPROVERS = ("chief", " ÉVE", "Bo-山田タロウ", "김 Lee", "x-y")
NO_APPROVERS = (None, None, "...", "\u200b", "pаul", "Ωmega")
REASONS = ("missed reel", "=1+1", "理由 " * 20, "x" * 500)
NOBODY = "nobody-in-any-dataset"

Read = Mapping[str, list[dict[str, Any]]]
"""A landing as the reference reads it."""


@dataclass
class History:
    """The rows of one id, oldest first, and how many of them each landing has."""

    dataset: str
    rows: list[Row]
    shown: list[int]


def draw_decisions(
    draw: Draw,
    program: Program,
    creators: Sequence[str],
    landings: Sequence[Landing],
    read: Sequence[Read],
    steps: Sequence[Step],
) -> list[Landing]:
    """The landings with rows of both datasets in them; `read` are those as the reference reads them."""
    runs = {
        (step.period, step.landing): compute(
            program, program.period(step.period), dict(read[step.landing])
        )
        for step in steps
        if step.action == "run"
    }
    book = _after(program, runs, steps, [])
    histories = _adjustments(draw, program, creators, book, len(read))
    for key in [step.period for step in steps if step.action == "close"]:
        book = _after(program, runs, steps, histories)
        histories += _returns(draw, program, book, key, len(read))
    return [{**landing, **_rows_of(histories, number)} for number, landing in enumerate(landings)]


def replay(program: Program, read: Sequence[Read], steps: Sequence[Step]) -> Iterator[Book]:
    """The reference's book after each step; the same book, further on."""
    book = Book(program)
    for step in steps:
        if step.action == "close":
            book.close(step.period)
        else:
            book.run(step.period, read[step.landing])
        yield book


def _after(
    program: Program,
    runs: Mapping[tuple[str, int], Run],
    steps: Sequence[Step],
    histories: Sequence[History],
) -> Book:
    """The book at the end, with the rows that are drawn so far; the runs find the same whatever they are."""
    book = Book(program)
    for step in steps:
        if step.action == "close":
            book.close(step.period)
        else:
            run, decided = runs[step.period, step.landing], _rows_of(histories, step.landing)
            rows = {
                dataset: [typed(dataset, row, COLUMNS[dataset]) for row in decided[dataset]]
                for dataset in DATASETS
            }
            book.publish(step.period, replace(run, decisions=decisions_of(program, rows)))
    return book


def _rows_of(histories: Sequence[History], landing: int) -> dict[str, list[Row]]:
    return {
        dataset: [
            row
            for history in histories
            if history.dataset == dataset
            for row in history.rows[: history.shown[landing]]
        ]
        for dataset in DATASETS
    }


def _shown(draw: Draw, rows: int, landings: int) -> list[int]:
    """Mostly more and more of them; now and then fewer, which undoes nothing (§7: "together with ...")."""
    shown = [draw.of((rows, rows, draw.upto(rows))) for _ in range(landings)]
    return shown if draw.rarely(4) else [*sorted(shown)[:-1], rows]


def _instants(draw: Draw, options: Sequence[datetime]) -> list[datetime]:
    """A few of them, in order."""
    return sorted({draw.of(options) for _ in range(draw.of((2, 3, 1, 4)))})


def _closings(program: Program) -> list[datetime]:
    return around(begin_utc(period.closes_on) for period in program.periods)


# Adjustments by hand.


def _adjustments(
    draw: Draw, program: Program, creators: Sequence[str], book: Book, landings: int
) -> list[History]:
    histories = []
    for adjustment_id in draw.ids(draw.of((3, 4, 5, 6, 2, 1, 0)), "a"):
        rows = _versions(draw, program, adjustment_id, creators, book)
        histories.append(History("adjustments", rows, _shown(draw, len(rows), landings)))
    for key, run in book.runs.items():
        ready = [row for row in run.payees.values() if row["status"] == "ready"]
        if ready and draw.mostly(4):
            row = _paid(draw, program, key, draw.of(ready))
            histories.append(History("adjustments", [row], [1] * landings))
    return histories


def _paid(draw: Draw, program: Program, key: str, payee: Row) -> Row:
    """An adjustment that the period pays, if nothing else stands against it; it can be returned then."""
    currency = payee["payout_currency"]
    minor = program.minimum_payout_minor.get(currency, 0) + draw.of((1000, 0, 1, 35_000, -1))
    return {
        "program": program.name,
        "adjustment_id": f"paid in {key}",
        "creator_id": payee["creator_id"],
        "period": key,
        "currency": currency,
        "amount": _amount(draw, minor, currency),
        "reason": draw.of(REASONS),
        "requested_by": draw.of(ASKERS),
        "approved_by": draw.of(APPROVERS),
        "updated_at": text_of(_closings(program)[0] - timedelta(days=1)),
    }


def _versions(
    draw: Draw,
    program: Program,
    adjustment_id: str,
    creators: Sequence[str],
    book: Book,
) -> list[Row]:
    """The rows of one adjustment: first as it was asked for, then corrected or withdrawn."""
    keys = [period.key for period in program.periods]
    closings = _closings(program)
    instants = _instants(draw, [closings[0] - timedelta(days=1), *closings])
    creator, currency, minor = _target(draw, program, creators, book)
    name, period = program.name if draw.mostly(8) else "another", draw.of((keys[0], *keys))
    is_approved, rows = draw.mostly(4), []
    for number, updated_at in enumerate(instants):
        if number:
            change = draw.upto(6)
            if change == 0:
                minor = draw.of((minor + 1, -minor, minor * 2, 0, minor))
            elif change == 1:
                creator, currency, minor = _target(draw, program, creators, book)
            elif change == 2:
                creator = draw.of([*creators, NOBODY])
            elif change == 3:
                currency = draw.of((program.currency, *CURRENCIES))
            elif change == 4:
                period = draw.of(keys)
            if change == 5 or not is_approved:
                is_approved = not is_approved
        approver = draw.of(APPROVERS if is_approved else NO_APPROVERS)
        row = {
            "program": name,
            "adjustment_id": adjustment_id,
            "creator_id": creator,
            "period": period,
            "currency": currency,
            "amount": _amount(draw, minor, currency),
            "reason": draw.of(REASONS),
            "requested_by": draw.of(ASKERS),
            "approved_by": approver,
            "updated_at": text_of(updated_at),
        }
        rows.append({column: cell for column, cell in row.items() if cell is not None})
    return rows


def _target(
    draw: Draw, program: Program, creators: Sequence[str], book: Book
) -> tuple[str, str, int]:
    """Whom to adjust, in which currency, by how many minor units: often what is payable, to the unit."""
    ledger = [row for key in book.runs for row in book.ledgers[key]]
    if ledger and draw.mostly(3):
        row = draw.of(ledger)
        payable, currency = row["payable_minor"], row["payout_currency"]
        gap = program.minimum_payout_minor.get(currency, 0) - payable
        most = 10**12 * unit(currency)
        minor = draw.of((1000, -payable, gap, 1 - payable, -1 - payable, gap - 1, -1000, 1))
        return row["creator_id"], currency, max(-most, min(most, minor))
    creator, currency = draw.of([*creators, NOBODY]), draw.of((program.currency, *CURRENCIES))
    return creator, currency, draw.of((1000, 1, -1, -1000, 35_000))


def _amount(draw: Draw, minor: int, currency: str) -> str:
    """In units of the currency; "with `+`, `-` or no sign", "by value" (§2)."""
    amount = Decimal(minor) / unit(currency)
    text = f"{amount:f}" if draw.mostly(4) else f"{amount:.4f}"
    return f"+{text}" if minor > 0 and draw.rarely(4) else text


# Returned payments.


def _returns(draw: Draw, program: Program, book: Book, key: str, landings: int) -> list[History]:
    """Rows that say payouts of the closed period did not arrive, some of them twice, or not any more.

    None says so at the closes_on of that period or of one before it: §8 blocks that.
    """
    paid = [row for row in book.ledgers[key] if row["status"] == "paid"]
    bound = max(begin_utc(period.closes_on) for period in program.up_to(program.period(key)))
    # One of them three times as often: of the rows at hand, some shall be in force in each later period.
    soon = bound + timedelta(microseconds=1)
    instants = [soon] * 3 + [at for at in _closings(program) if at > soon]
    targets = draw.shuffled(paid)
    if paid and draw.upto(1):
        targets.append(draw.of(paid))  # said twice
    histories = []
    for number, target in enumerate(targets):
        rows, status = [], "withdrawn" if draw.rarely(6) else "returned"
        for updated_at in _instants(draw, instants):
            row = {
                "program": program.name if draw.mostly(10) else "another",
                "return_id": f"r{number}:{key}",
                "creator_id": target["creator_id"],
                "period": key,
                "currency": target["payout_currency"],
                "status": status,
                "reason": draw.of((None, "account closed", "=1+1")),
                "updated_at": text_of(updated_at),
            }
            rows.append({column: cell for column, cell in row.items() if cell is not None})
            if draw.mostly(6):
                status = "returned" if status == "withdrawn" else "withdrawn"
            else:
                target = draw.of(paid)
        histories.append(History("payment_returns", rows, _shown(draw, len(rows), landings)))
    return histories
