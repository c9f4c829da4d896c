"""The explanation of one creator in one period (§11): steps, ledger columns, reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from orchestration.explain.amounts import explain_amounts
from orchestration.explain.earns_nothing import EarnsNothing, posts_without_earnings
from orchestration.explain.not_counted import (
    CreatorReason,
    NotEligible,
    creator_reasons,
    posts_not_eligible,
)
from orchestration.explain.points import explain_points
from orchestration.explain.rows import CreatorRows
from orchestration.explain.settled import explain_ledger
from orchestration.explain.steps import Step, Steps
from orchestration.explain.would_count import WouldCount, creator_change, post_changes
from orchestration.terms.model import Program


@dataclass(frozen=True, slots=True)
class Explanation:
    """`ledger` has the id of the step of each column by currency, `statuses` (status, reason) by currency.

    `post_changes` are by post_id, of the posts that are not eligible; `one_more_point` and the posts that
    earn nothing are of a creator that is.
    """

    program: str
    period: str
    creator_id: str
    state: str
    steps: Sequence[Step]
    ledger: Mapping[str, Mapping[str, str]]
    not_eligible: Sequence[NotEligible]
    creator_reasons: Sequence[CreatorReason]
    statuses: Mapping[str, tuple[str, str | None]]
    creator_change: WouldCount | None = None
    post_changes: Mapping[str, WouldCount] = field(default_factory=dict)
    one_more_point: Step | None = None
    earns_nothing: Sequence[EarnsNothing] = ()

    def to_json(self) -> dict[str, object]:
        """The object of §11, and beside it what would have changed what was left out or paid."""
        return {
            "program": self.program,
            "period": self.period,
            "creator_id": self.creator_id,
            "state": self.state,
            "steps": [step.to_json() for step in self.steps],
            "ledger": self.ledger,
            "not_eligible": [asdict(post) for post in self.not_eligible],
            "creator_reasons": [asdict(reason) for reason in self.creator_reasons],
            "would_count": {
                "creator": self.creator_change and self.creator_change.to_json(),
                "posts": {post: change.to_json() for post, change in self.post_changes.items()},
            },
            "earns_nothing": [post.to_json() for post in self.earns_nothing],
            "one_more_point": self.one_more_point and self.one_more_point.to_json(),
        }


def explain(program: Program, period: str, state: str, rows: CreatorRows) -> Explanation:
    """Explains a creator that has a row in the ledger, by the program file of the version.

    Contradiction where a table has a number that does not follow from what it is made of.
    """
    steps = Steps()
    points = explain_points(steps, program, rows)
    earned = explain_amounts(steps, program, period, rows, points)
    ledger = explain_ledger(steps, program, rows, earned)
    return Explanation(
        program=program.program,
        period=period,
        creator_id=rows.creator_id,
        state=state,
        steps=list(steps.by_id.values()),
        ledger=ledger,
        not_eligible=posts_not_eligible(program, period, rows),
        creator_reasons=creator_reasons(rows),
        statuses={
            row.text("payout_currency"): (row.text("status"), row.cells["status_reason"])
            for row in rows.ledger
        },
        creator_change=creator_change(program, period, rows),
        post_changes=post_changes(program, period, rows),
        one_more_point=earned.one_more if earned else None,
        earns_nothing=posts_without_earnings(program, period, rows),
    )
