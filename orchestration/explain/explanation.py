"""The explanation of one creator in one period (§11): steps, ledger columns, reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from orchestration.explain.amounts import explain_amounts
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
from orchestration.terms.model import Program


@dataclass(frozen=True, slots=True)
class Explanation:
    """`ledger` has the id of the step of each column by currency, `statuses` (status, reason) by currency."""

    program: str
    period: str
    creator_id: str
    state: str
    steps: Sequence[Step]
    ledger: Mapping[str, Mapping[str, str]]
    not_eligible: Sequence[NotEligible]
    creator_reasons: Sequence[CreatorReason]
    statuses: Mapping[str, tuple[str, str | None]]

    def to_json(self) -> dict[str, object]:
        """The object of §11."""
        return {
            "program": self.program,
            "period": self.period,
            "creator_id": self.creator_id,
            "state": self.state,
            "steps": [step.to_json() for step in self.steps],
            "ledger": self.ledger,
            "not_eligible": [asdict(post) for post in self.not_eligible],
            "creator_reasons": [asdict(reason) for reason in self.creator_reasons],
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
    )
