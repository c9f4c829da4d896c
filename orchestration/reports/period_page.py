"""The page of one period: what its figures are called, and in which order they are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orchestration.reports import text
from orchestration.reports.figures import PeriodFigures
from orchestration.reports.money_sections import (
    caps_section,
    change_section,
    distribution_section,
    money_section,
    restatements_section,
    settlement_section,
)
from orchestration.reports.notices import NOTHING, Notices
from orchestration.reports.page import Card, Link, Page, cell
from orchestration.reports.parts import not_held
from orchestration.reports.remarks import remarks_in
from orchestration.reports.run_sections import (
    data_section,
    eligibility_section,
    gates_section,
    inputs_section,
    terms_section,
)

SHOWN_CARDS: Final = 8


def period_page(
    figures: PeriodFigures, links: Sequence[Link] = (), notices: Notices = NOTHING
) -> Page:
    """The page of a period; `links` lead to pages that lie beside it."""
    return Page(
        title=figures.period.key,
        program=figures.program.program,
        state="closed" if figures.closed else "estimated",
        lead=_lead(figures, notices),
        cards=_cards(figures),
        sections=[
            money_section(figures),
            settlement_section(figures),
            distribution_section(figures),
            caps_section(figures),
            eligibility_section(figures),
            change_section(figures),
            restatements_section(figures),
            gates_section(figures.record.gates),
            data_section(figures.record.data),
            terms_section(figures),
            inputs_section(figures),
        ],
        links=links,
    )


def _lead(figures: PeriodFigures, notices: Notices) -> list[str]:
    record, closed, period = figures.record, figures.closed, figures.period
    published = (
        f"Run by {cell(record.by)}, published {text.instant(record.published_at)},"
        f" revision {figures.revision}."
    )
    days = f"{period.starts_on} to {period.ends_on}, paid on {period.pays_on}."
    if closed:
        state = (
            f"Closed by {cell(closed.approved_by)} on {text.instant(closed.closed_at)}:"
            " what was published is fixed."
        )
    elif figures.period.key in notices.later_runs:
        state = "Estimated: it may still change. It cannot be closed before it is run again."
    else:
        is_first = figures.program.periods[0].key == period.key
        state = (
            f"Estimated: it may still change. It can be closed from {period.closes_on} on,"
            f"{'' if is_first else ' after the periods before it,'} by someone other than"
            f" {cell(record.by)}."
        )
    told = [*notices.of(figures.period.key), *remarks_in(figures)]
    return [*told, days, f"{state} {published}"]


def _cards(figures: PeriodFigures) -> list[Card]:
    totals, currency = figures.totals, figures.program.currency
    warnings = sum(len(not_held(gate)) for gate in figures.record.gates.values())
    cards = [
        Card(
            f"Earned in {currency}",
            text.amount(totals.program_amount_minor, currency),
            f"{text.points(figures.points)} points",
        ),
        Card(
            "Creators eligible",
            text.count(totals.eligible_creators),
            f"of {text.count(totals.creators)}"
            f" ({text.percent(totals.eligible_creators, totals.creators)})",
        ),
        Card(
            "Posts eligible",
            text.count(totals.eligible_posts),
            f"of {text.count(totals.posts)} ({text.percent(totals.eligible_posts, totals.posts)})",
        ),
        Card(
            "Gates",
            "all held",
            text.counted(warnings, "warning"),
        ),
    ]
    if figures.paid_in_all_minor is not None:
        paid = text.amount(figures.paid_in_all_minor, currency)
        note = f"in {currency}, at the period's rates"
        cards.insert(1, Card("Paid out in all currencies", paid, note))
    cards += [
        Card(
            f"Paid out in {name}",
            text.amount(amounts["payout_minor"], name),
            f"to {text.counted(amounts['paid_rows'], 'creator')}",
        )
        for name, amounts in list(totals.currencies.items())[:SHOWN_CARDS]
    ]
    return cards
