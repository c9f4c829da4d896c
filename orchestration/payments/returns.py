"""The fate of a period's payouts, by the bank's answers, and the rows of it that a person delivers (§14, §7)."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby, islice
from pathlib import Path
from typing import Final

from orchestration.foundations.files import folder_held, replace_files
from orchestration.foundations.texts import shown
from orchestration.payments.answers import Answer, Outcome, Scope
from orchestration.payments.payouts import Due, Payout, demand_own
from orchestration.terms.currencies import amount_text, minor_unit_decimals

COLUMNS: Final = (
    "program", "return_id", "creator_id", "period", "currency", "status", "reason", "updated_at",
)  # fmt: skip
"""§2: those of `payment_returns`."""
_NEARER: Final[tuple[Scope, ...]] = ("message", "payment", "transaction")
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Answered:
    """The fate of each payout of a period.

    `outcomes` has all of them. `returns` are the answers by which one did not arrive, the earliest
    first. `unknown` are ids that are none of the period's, as the messages have them. `remarks` say
    where answers contradict each other or the ledger.
    """

    outcomes: Mapping[Payout, Outcome]
    returns: Mapping[Payout, list[Answer]]
    unknown: list[str]
    remarks: list[str]


def judged(due: Due, answers: Iterable[Answer]) -> Answered:
    """The fate of the payouts, by all that the bank has answered, in whatever order it was read.

    In one message what stands nearer to a payout counts. A payout did not arrive if any message says
    so. That it was paid after that, or was rejected and paid at once, is a contradiction, which is said.
    """
    concerned = _concerned(due)
    found: dict[Payout, list[Answer]] = {
        payout: [] for payouts in due.payouts.values() for payout in payouts
    }
    unknown: dict[str, None] = {}
    remarks: list[str] = []
    answers = sorted(answers, key=lambda one: (*_message(one), _NEARER.index(one.scope)))
    for _, message in groupby(answers, key=_message):
        nearest: dict[Payout, list[Answer]] = {}
        for answer in message:
            payouts = concerned.get((answer.scope, answer.its_id), [])
            if not payouts:
                unknown[answer.its_id] = None
                continue
            remarks += _other_amount(payouts, answer)
            for payout in payouts:
                before = nearest.setdefault(payout, [answer])
                if before[0].scope != answer.scope:
                    nearest[payout] = [answer]
                elif answer not in before:
                    before.append(answer)
        for payout, its in nearest.items():
            found[payout] += its
    for payout, its in found.items():
        remarks += _contradiction(payout, its)
    returns = {
        payout: [one for one in its if one.outcome == "returned"] for payout, its in found.items()
    }
    return Answered(
        {payout: _outcome(its) for payout, its in found.items()},
        {payout: its for payout, its in returns.items() if its},
        list(unknown),
        list(dict.fromkeys(remarks)),
    )


def _message(answer: Answer) -> tuple[datetime, str, str]:
    """What tells a message from others; those of two files are two, whatever ids they have."""
    return answer.at, answer.message_id, answer.file


def _concerned(due: Due) -> dict[tuple[Scope, str], list[Payout]]:
    """The payouts of which an answer speaks, by its scope and the id that it names."""
    found: dict[tuple[Scope, str], list[Payout]] = {}
    for currency, payouts in due.payouts.items():
        found["message", due.id_of("message", currency)] = payouts
        found["payment", due.id_of("payment", currency)] = payouts
        for payout in payouts:
            found["transaction", due.id_of("transaction", currency, payout.creator_id)] = [payout]
    return found


def _outcome(answers: Sequence[Answer]) -> Outcome:
    outcomes = {answer.outcome for answer in answers}
    return "returned" if "returned" in outcomes else "paid" if "paid" in outcomes else "open"


def _contradiction(payout: Payout, answers: Sequence[Answer]) -> list[str]:
    """The first answer by which a payout was paid although an earlier one, or one of that instant, says no.

    Only a booking may stand beside a payment of the same instant: it was paid, and came back. `answers` are
    sorted by instant.
    """
    returned = [answer for answer in answers if answer.outcome == "returned"]
    rejected = [answer.at for answer in returned if not answer.is_booking]
    contradicting = (
        one
        for one in answers
        if returned
        and one.outcome == "paid"
        and (one.at > returned[0].at or one.at in rejected[:1])
    )
    return [
        f"{_name(payout)}: did not arrive by the message of {returned[0].at:%Y-%m-%d}, and was paid by message"
        f" '{shown(one.message_id, _SHOWN)}' of {one.at:%Y-%m-%d}; ask the bank"
        for one in islice(contradicting, 1)
    ]


def _other_amount(payouts: Sequence[Payout], answer: Answer) -> list[str]:
    """The amount that was booked, where it is not that of the payouts."""
    currency, minor = payouts[0].currency, sum(payout.minor for payout in payouts)
    amount = Decimal(minor).scaleb(-minor_unit_decimals(currency))
    if answer.amount in (None, (currency, amount)):
        return []
    assert answer.amount is not None
    what = _name(payouts[0]) if answer.scope == "transaction" else f"all of {currency}"
    found_currency, found = answer.amount
    return [
        f"{what}: message '{shown(answer.message_id, _SHOWN)}' has {shown(found_currency, 3)} {found},"
        f" and the ledger {currency} {amount}"
    ]


def _name(payout: Payout) -> str:
    return f"'{shown(payout.creator_id, _SHOWN)}' {payout.currency}"


def return_rows(due: Due, answered: Answered) -> list[tuple[str, ...]]:
    """Rows of `payment_returns`, sorted: one for each payout and message by which it did not arrive.

    The return_id hangs on the ids of the bank's message and of the payout, the instant is that of the
    message: a message that is read twice gives the same rows.
    """
    import rfc8785

    rows = set()
    for payout, answers in answered.returns.items():
        its_id = due.id_of("transaction", payout.currency, payout.creator_id)
        for answer in answers:
            text = rfc8785.dumps([answer.message_id, its_id])
            return_id = "R" + hashlib.sha256(text).hexdigest()[:32]
            at = answer.at.isoformat().replace("+00:00", "Z")
            whose = (payout.creator_id, due.period, payout.currency)
            rows.add((due.program, return_id, *whose, "returned", answer.reason, at))
    return sorted(rows)


def write_returns(
    due: Due, rows: Sequence[tuple[str, ...]], out: Path, *, outside: Sequence[Path] = ()
) -> Path | None:
    """Writes `<out>/<period>-returns.csv` in the form of §2; None, and no file, where there is no row.

    Refused where one with other rows lies there, which somebody may have to deliver yet; OSError where
    it cannot be written, or `out` lies in one of `outside`.
    """
    if not rows:
        return None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    path = out / f"{due.period}-returns.csv"
    with folder_held(out, outside=outside, mode=0o700) as held:
        there = held / path.name
        demand_own([path] if there.is_file() and not _has_none_but(there, rows) else [])
        replace_files({there: text.getvalue().encode()}, mode=0o600)
    return path


def _has_none_but(path: Path, rows: Sequence[tuple[str, ...]]) -> bool:
    """True for a file of `write_returns` without any other row."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        header, *there = [*csv.reader(file)] or [[]]
    return tuple(header) == COLUMNS and {tuple(row) for row in there} <= set(rows)


@dataclass(frozen=True, slots=True)
class Sums:
    """Of a currency, in minor units: what the books have put into `clearing:payout`, and what became of it.

    `posted` is that part of `returned` which later periods have posted already.
    """

    payouts_minor: int
    paid_minor: int
    returned_minor: int
    posted_minor: int
    unanswered_minor: int

    def text(self, currency: str) -> str:
        """In words."""
        payouts, paid, returned, posted, unanswered = (
            amount_text(currency, minor)
            for minor in (
                self.payouts_minor,
                self.paid_minor,
                self.returned_minor,
                self.posted_minor,
                self.unanswered_minor,
            )
        )
        return (
            f"{currency}: {payouts} to be paid: {paid} paid, {returned} returned ({posted} of it posted),"
            f" {unanswered} unanswered"
        )
