"""Withdrawing an estimate (§7 "Periods stay"): an open period is published no more."""

from __future__ import annotations

from collections.abc import Callable

from orchestration.pipeline.books import Books, demand_untouched, open_books, order_as_published
from orchestration.pipeline.draft import Draft, open_periods
from orchestration.pipeline.gate_worker import Gate, run_gate
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.records import Totals
from orchestration.terms.model import Program


def withdraw_period(
    home: Home,
    program: Program,
    period: str,
    *,
    gate: Gate = run_gate,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Totals]:
    """Takes an open period out of what is published and settles later ones anew; their new totals.

    Also one that is not in the program file any more. Refused if it is not published, or closed.
    GateFailed where a later period does not pass the ledger gate then; nothing has changed. The
    caller holds the period's lock.
    """
    with home.program_lock(program.program):
        books = _demand(home, program, period)
        order = order_as_published(home, program, books.published.values())
        demand_untouched(
            books,
            program.program,
            whole=list(open_periods(books, order, period)),
            replaced=period,
        )
        draft = Draft(
            program=program.program,
            store=home.store(program.program),
            order=order,
            books=books,
            gate=gate,
            scratch=home.work_folder(program.program, period),
            tell=tell,
        )
        draft.withdraw(period)
        anew = draft.settle_later(period)
        draft.switch()
        return anew


def demand_withdrawable(home: Home, program: Program, period: str) -> None:
    """Refused if a period is not published, or closed; changes nothing."""
    with home.program_lock(program.program):
        _demand(home, program, period)


def _demand(home: Home, program: Program, period: str) -> Books:
    books = open_books(home, program.program)
    if period in books.closed:
        raise Refused(f"{period} is closed; what was closed never changes")
    if period not in books.published:
        raise Refused(f"{period} is not published; there is nothing to withdraw")
    return books
