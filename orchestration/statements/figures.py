"""The content of a creator's page, out of its rows and their explanation (§12). Pure.

Every number is a published one or a step of its explanation: nothing is computed here a second time,
but sums by content type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import groupby
from typing import Any, Final

from orchestration.explain.earns_nothing import EarnsNothing
from orchestration.explain.explanation import Explanation
from orchestration.explain.not_counted import NotEligible
from orchestration.explain.rows import CreatorRows, Row
from orchestration.explain.steps import Step
from orchestration.explain.would_count import WouldCount
from orchestration.ledger.journal import EXPENSE
from orchestration.statements.wording import LEDGER
from orchestration.terms.model import Period, Program, TermsVersion, WithholdingRule

_DIGITS: Final = 80
_SHARED: Final = ("points", "performance_minor", "milestone_minor", "program_amount_minor")
"""Columns that tell of the earnings in the program currency, told once for all accounts."""


_CHANGING: Final = (
    "earnings_minor",
    "adjustments_minor",
    "returns_minor",
    "withheld_minor",
    "payout_minor",
    "closing_balance_minor",
)


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
    """A post that counts: its scores, its amount, the step of its points, and why it earns nothing, if so."""

    scores: Row
    amount_minor: str
    step: Step
    earns_nothing: EarnsNothing | None


@dataclass(frozen=True, slots=True)
class ContentType:
    """The posts of a content type that count, and their sums as plain decimals."""

    name: str
    posts: Sequence[Post]
    points: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A post that does not count, with all its reasons, and what would have changed it."""

    post: Row
    reasons: Sequence[NotEligible]
    change: WouldCount


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount posted beside earnings and payouts; `reason` is text from outside, "" where none is known."""

    kind: str
    origin_period: str
    amount_minor: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """A column of a ledger row, as it was in the period before and as it is."""

    column: str
    currency: str
    before: int
    now: int


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms that hold for the creator: `versions` of its points, `last` of its amounts (§6)."""

    versions: Sequence[TermsVersion]
    last: TermsVersion
    withholding: WithholdingRule | None
    minimum_minor: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Reasons:
    """The reasons of adjustments by id, and of returned payments by period and currency."""

    adjustments: dict[str, str]
    returns: dict[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Statement:
    """The content of the page; `proof` is that of §12."""

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
    creator_change: WouldCount | None
    one_more_point: Step | None
    postings: Sequence[Posting]
    period_before: str | None
    changes: Sequence[Change]
    terms: Terms
    cap_minor: str | None
    proof: Mapping[str, Any]
    leaf: str


def statement_of(
    program: Program,
    rows: CreatorRows,
    explanation: Explanation,
    reasons: Reasons,
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
        accounts=[_account(row, program.currency, explanation, steps) for row in rows.ledger],
        earned=_earned(explanation, steps),
        segments=rows.segments,
        types=_types(rows, steps, {post.post_id: post for post in explanation.earns_nothing}),
        left_out=_left_out(rows, explanation),
        creator_reasons=[reason.text for reason in explanation.creator_reasons],
        creator_change=explanation.creator_change,
        one_more_point=explanation.one_more_point,
        postings=_postings(rows, reasons),
        period_before=rows.before[0].period if rows.before else None,
        changes=_changes(rows),
        cap_minor=rows.earnings.cells["cap_minor"] if rows.earnings else None,
        terms=_terms(program, explanation.period, rows),
        proof=proof,
        leaf=leaf,
    )


def _account(
    row: Row, currency: str, explanation: Explanation, steps: Mapping[str, Step]
) -> Account:
    columns = explanation.ledger[row.text("payout_currency")]
    told = [name for name in LEDGER if name in columns and name not in _SHARED]
    if row.key["payout_currency"] == currency:
        told = [name for name in told if name != "fx_rate"]  # of a currency to itself
    lines = [Line(steps[columns[name]], name) for name in told]
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


def _types(
    rows: CreatorRows, steps: Mapping[str, Step], nothing: Mapping[str, EarnsNothing]
) -> list[ContentType]:
    amounts = {row.key["post_id"]: row.text("amount_minor") for row in rows.post_earnings}
    found = sorted(rows.post_scores, key=lambda row: row.text("content_type"))
    types = []
    for name, group in groupby(found, lambda row: row.text("content_type")):
        posts = [
            Post(row, amounts[post_id], steps[f"points:{post_id}"], nothing.get(post_id))
            for row in group
            for post_id in (str(row.key["post_id"]),)
        ]
        with localcontext(prec=_DIGITS):
            points = sum((Decimal(post.scores.text("points")) for post in posts), Decimal(0))
        amount = sum(int(post.amount_minor) for post in posts)
        types.append(ContentType(name, posts, format(points, "f"), amount))
    return types


def _left_out(rows: CreatorRows, explanation: Explanation) -> list[LeftOut]:
    posts = {row.key["post_id"]: row for row in rows.posts}
    return [
        LeftOut(posts[post_id], list(reasons), explanation.post_changes[post_id])
        for post_id, reasons in groupby(explanation.not_eligible, lambda found: found.post_id)
    ]


def _postings(rows: CreatorRows, reasons: Reasons) -> list[Posting]:
    """The entries that `adjustments_minor` and `returns_minor` of the ledger are the sums of."""
    found = []
    for entry in rows.journal:
        kind, origin, currency = (
            entry.text(name) for name in ("kind", "origin_period", "currency")
        )
        amount, account = int(entry.text("amount_minor")), entry.text("account")
        if kind in ("manual", "adjustment") and account == EXPENSE:
            reason = reasons.adjustments.get(entry.cells["adjustment_id"] or "", "")
            found.append(Posting(kind, origin, amount, currency, reason))
        elif kind == "return" and account == f"payable:{rows.creator_id}":
            reason = reasons.returns.get((origin, currency), "")
            found.append(Posting(kind, origin, -amount, currency, reason))
    return found


def _changes(rows: CreatorRows) -> list[Change]:
    """The differences from the period before, currency by currency, of amounts only."""
    before = {row.text("payout_currency"): row for row in rows.before}
    now = {row.text("payout_currency"): row for row in rows.ledger}
    return [
        Change(column, currency, was, amount)
        for currency in sorted(before | now)
        for column in _CHANGING
        for was, amount in [(_amount(before, currency, column), _amount(now, currency, column))]
        if rows.before and was != amount
    ]


def _amount(rows: Mapping[str, Row], currency: str, column: str) -> int:
    return int(rows[currency].text(column)) if currency in rows else 0


def _terms(program: Program, period_key: str, rows: CreatorRows) -> Terms:
    period = program.period(period_key)
    last = program.version_in_force(max(period.starts_on, program.last_day(period)))
    numbers = {int(row.text("terms_version")) for row in rows.segments} or {last.version}
    residence = rows.party.cells["tax_residence"] if rows.party else None
    rule = None
    if rows.party is not None and residence is not None:
        rule = program.withholding_rule(residence, rows.party.cells["tax_form"] or "none")
    currencies = [row.text("payout_currency") for row in rows.ledger]
    return Terms(
        versions=[version for version in program.terms if version.version in numbers],
        last=last,
        withholding=rule,
        minimum_minor={
            currency: minimum
            for currency in currencies
            if (minimum := program.minimum_payout_minor(currency, period))
        },
    )
