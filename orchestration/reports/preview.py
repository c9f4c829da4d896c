"""The preview for a second person before a close: what it would fix, and what stands against it.

From what is published, and from what lies in the landing directory now. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from orchestration.ingest.landing_place import Landing
from orchestration.pipeline.changed_inputs import NOTHING, Changed, changes_of_published
from orchestration.pipeline.closing import prospect
from orchestration.pipeline.home import Home
from orchestration.records import Totals, Worker
from orchestration.reports import text
from orchestration.reports.figures import PeriodFigures, SettlementRow, period_figures
from orchestration.reports.money_sections import change_section
from orchestration.reports.page import Table
from orchestration.reports.parts import columns
from orchestration.reports.remarks import remarks_in
from orchestration.reports.run_sections import gates_section
from orchestration.terms.load import LoadedProgram
from orchestration.terms.reasons import STATUS_REASONS

_SHOWN = ("held", "carried")


@dataclass(frozen=True, slots=True)
class Preview:
    """The period as it would be closed. Amounts are in minor units; `before` is the period before.

    `against` are the reasons why it cannot be closed now; `is_next` says that all before it are.
    """

    program: str
    period: str
    revision: int  # what a close by this preview is to fix
    closes_on: date
    is_next: bool
    against: Sequence[str]
    run_id: str
    by: str
    published_at: str
    workers: Sequence[Worker]
    changed: Changed
    remarks: Sequence[str]
    warnings: Sequence[str]
    not_paid: Sequence[SettlementRow]  # of status held and carried
    totals: Totals
    before: str | None
    totals_before: Totals | None
    tables: Sequence[Table]
    figures: PeriodFigures

    @property
    def people(self) -> list[str]:
        """Everyone whose work is in the period: none of them may close it."""
        return sorted({worker.by for worker in self.workers} | {self.by})

    @property
    def change_said(self) -> str:
        """The changes since the run, as a sentence; that they are not known, where they are not."""
        if self.changed.landing is None:
            return "The landing directory cannot be looked at, so whether it changed is not known."
        said = self.changed.said
        return f"{said[:1].upper()}{said[1:]} this run." if said else ""

    def to_json(self) -> dict[str, Any]:
        """The preview for a machine: all figures, no sentence of the tables."""
        return {
            "program": self.program,
            "period": self.period,
            "revision": self.revision,
            "can_be_closed": not self.against,
            "against": list(self.against),
            "is_next": self.is_next,
            "closes_on": self.closes_on.isoformat(),
            "run_id": self.run_id,
            "by": self.by,
            "published_at": self.published_at,
            "workers": [worker.to_json() for worker in self.workers],
            "changed": self.changed.to_json(),
            "remarks": list(self.remarks),
            "warnings": list(self.warnings),
            "not_paid": [asdict(row) for row in self.not_paid],
            "totals": self.totals.to_json(),
            "before": self.before,
            "totals_before": self.totals_before and self.totals_before.to_json(),
        }


def close_preview(
    home: Home,
    loaded: LoadedProgram,
    period: str,
    by: str | None = None,
    landing: Landing | None = None,
    today: date | None = None,
) -> Preview | None:
    """The preview of a close by `by`, or by anyone; None if the period is not published.

    `landing` is where to look for what changed, if not where the home knows it; `today` is in UTC.
    """
    store = home.store(loaded.program.program)
    published = store.published()
    if period not in published:
        return None
    figures = period_figures(published, store.restated(), period)
    seen = prospect(home, loaded, period, by, today)
    order = [entry.key for entry in loaded.program.periods]
    still_open = [key for key in order if key not in seen.closed]
    not_paid = [row for row in figures.settlement if row.status in _SHOWN]
    record, before = figures.record, figures.before
    return Preview(
        program=loaded.program.program,
        period=period,
        revision=published[period].revision,
        closes_on=figures.period.closes_on,
        is_next=still_open[:1] == [period],
        against=seen.against,
        run_id=record.run_id,
        by=record.by,
        published_at=record.published_at,
        workers=seen.workers,
        changed=changes_of_published(home, loaded, landing).get(period, NOTHING),
        remarks=[*map(_of_waiting, seen.waiting), *remarks_in(figures)],
        warnings=gates_section(record.gates).paragraphs,
        not_paid=not_paid,
        totals=record.totals,
        before=before.period if before else None,
        totals_before=before.record().totals if before else None,
        tables=[*(change_section(figures).tables or [_amounts(figures)]), *_not_paid(not_paid)],
        figures=figures,
    )


def _of_waiting(later_run: str) -> str:
    return f"{later_run[:1].upper()}{later_run[1:]}. What it would post is not in this period."


def _amounts(figures: PeriodFigures) -> Table:
    """The amounts of the first period, which has nothing to be compared with."""
    totals, currency = figures.totals, figures.program.currency
    return Table(
        f"{figures.period.key}; no earlier period is published",
        columns("Figure", f"{figures.period.key} #"),
        [
            ["Creators", text.count(totals.creators)],
            ["Creators eligible", text.count(totals.eligible_creators)],
            ["Posts", text.count(totals.posts)],
            ["Posts eligible", text.count(totals.eligible_posts)],
            [f"Earned in {currency}", text.amount(totals.program_amount_minor, currency)],
            *(
                [f"Paid out in {name}", text.amount(amounts["payout_minor"], name)]
                for name, amounts in sorted(totals.currencies.items())
            ),
        ],
    )


def _not_paid(rows: Sequence[SettlementRow]) -> list[Table]:
    if not rows:
        return []
    return [
        Table(
            "Held and carried: open at the end of the period",
            columns("Status", "Reason", "Rows #", "Amount #"),
            [
                [
                    row.status,
                    STATUS_REASONS[row.reason].text if row.reason else "",
                    text.count(row.rows),
                    text.money(row.closing_minor, row.currency),
                ]
                for row in sorted(
                    rows, key=lambda row: (row.status != "held", row.reason or "", row.currency)
                )
            ],
        )
    ]
