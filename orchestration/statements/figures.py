"""What the page of one creator tells, out of its rows and their explanation (§12). Pure.

Every number is a published one or a step of its explanation: nothing is computed here a second time,
but sums by content type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import groupby
from typing import Any, Final

from orchestration.explain.explanation import Explanation
from orchestration.explain.not_counted import NotEligible
from orchestration.explain.rows import CreatorRows, Row
from orchestration.explain.steps import Step
from orchestration.statements.wording import LEDGER
from orchestration.terms.model import Period, Program

_DIGITS: Final = 80
_SHARED: Final = ("points", "performance_minor", "milestone_minor", "program_amount_minor")
"""Columns that tell of the earnings in the program currency, told once for all accounts."""


@dataclass(frozen=True, slots=True)
class Line:
    """A number with its step: `column` is that of the ledger which the proof covers, "" if none is."""

    step: Step
    column: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """A ledger row, with its lines in the ledger's order."""

    cells: Mapping[str, str | None]
    lines: Sequence[Line]

    @property
    def currency(self) -> str:
        """The payout currency of the row."""
        return str(self.cells["payout_currency"])


@dataclass(frozen=True, slots=True)
class Post:
    """A post that counts: its scores, its amount, and the step of its points."""

    scores: Row
    amount_minor: str
    step: Step


@dataclass(frozen=True, slots=True)
class ContentType:
    """The posts of a content type that count, and their sums as plain decimals."""

    name: str
    posts: Sequence[Post]
    points: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A post that does not count, with all its reasons."""

    post: Row
    reasons: Sequence[NotEligible]


@dataclass(frozen=True, slots=True)
class Statement:
    """What the page tells; `proof` is that of §12."""

    program: Program
    period: Period
    creator_id: str
    state: str
    market: str | None
    zone: str
    accounts: Sequence[Account]
    earned: Sequence[Line]
    segments: Sequence[Row]
    types: Sequence[ContentType]
    left_out: Sequence[LeftOut]
    creator_reasons: Sequence[str]
    proof: Mapping[str, Any]
    leaf: str


def statement_of(
    program: Program,
    rows: CreatorRows,
    explanation: Explanation,
    proof: Mapping[str, Any],
    leaf: str,
) -> Statement:
    """The statement of a creator; `program` is that of the version, `leaf` its hash in hexadecimal."""
    market = rows.ledger[0].cells["market"]
    known = program.markets.get(market or "")
    steps = {step.id: step for step in explanation.steps}
    return Statement(
        program=program,
        period=program.period(explanation.period),
        creator_id=rows.creator_id,
        state=explanation.state,
        market=market,
        zone=known.timezone if known else "UTC",
        accounts=[_account(row, explanation, steps) for row in rows.ledger],
        earned=_earned(explanation, steps),
        segments=rows.segments,
        types=_types(rows, steps),
        left_out=_left_out(rows, explanation),
        creator_reasons=[reason.text for reason in explanation.creator_reasons],
        proof=proof,
        leaf=leaf,
    )


def _account(row: Row, explanation: Explanation, steps: Mapping[str, Step]) -> Account:
    columns = explanation.ledger[row.text("payout_currency")]
    lines = [
        Line(steps[columns[name]], name)
        for name in LEDGER
        if name in columns and name not in _SHARED
    ]
    return Account(row.cells, lines)


def _earned(explanation: Explanation, steps: Mapping[str, Step]) -> list[Line]:
    """The lines from points to the amount in the program currency; none where nothing was earned."""
    of_ledger = {
        step: column for columns in explanation.ledger.values() for column, step in columns.items()
    }
    order = ("points", "performance", "milestones", "rounded", "program_amount")
    parts = ("milestone_part", "performance_part")
    return [
        Line(steps[name], of_ledger.get(name, "")) for name in (*order, *parts) if name in steps
    ]


def _types(rows: CreatorRows, steps: Mapping[str, Step]) -> list[ContentType]:
    amounts = {row.key["post_id"]: row.text("amount_minor") for row in rows.post_earnings}
    found = sorted(rows.post_scores, key=lambda row: row.text("content_type"))
    types = []
    for name, group in groupby(found, lambda row: row.text("content_type")):
        posts = [
            Post(row, amounts[row.key["post_id"]], steps[f"points:{row.key['post_id']}"])
            for row in group
        ]
        with localcontext(prec=_DIGITS):
            points = sum((Decimal(post.scores.text("points")) for post in posts), Decimal(0))
        amount = sum(int(post.amount_minor) for post in posts)
        types.append(ContentType(name, posts, format(points, "f"), amount))
    return types


def _left_out(rows: CreatorRows, explanation: Explanation) -> list[LeftOut]:
    posts = {row.key["post_id"]: row for row in rows.posts}
    return [
        LeftOut(posts[post_id], list(reasons))
        for post_id, reasons in groupby(explanation.not_eligible, lambda found: found.post_id)
    ]
