"""The page of a whole program: its periods side by side, from their runs' records alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from orchestration.publishing.store import Publication
from orchestration.records import RunRecord
from orchestration.reports import text
from orchestration.reports.beside import program_of
from orchestration.reports.notices import NOTHING, Notices
from orchestration.reports.page import Bar, Card, Chart, Link, Page, Section, Table, cell
from orchestration.terms.model import Program

CHARTED_PERIODS: Final = 12


def overview_page(
    published: Mapping[str, Publication],
    restated: Mapping[str, Publication],
    page_of: Callable[[str], str],
    notices: Notices = NOTHING,
) -> Page:
    """All periods of the program file that was published last; `page_of` gives a period's page.

    Needs one published period at least.
    """
    program = program_of(max(published.values(), key=lambda entry: entry.revision))
    records = {key: publication.record() for key, publication in published.items()}
    entries = {key: publication.closed for key, publication in published.items()}
    closed = {key: entry.approved_by for key, entry in entries.items() if entry}
    order = [period.key for period in program.periods if period.key in published]
    return Page(
        title="All periods",
        program=program.program,
        state="",
        lead=[
            f"{text.count(len(order))} of {text.count(len(program.periods))} periods are published,"
            f" {text.count(len(closed))} of them closed.",
            *notices.all(),
        ],
        cards=_cards(program, records),
        sections=[
            Section(
                "periods",
                "Periods",
                charts=[_chart(program, records, order)],
                tables=[
                    _periods(program, records, closed, restated, page_of),
                    _money(
                        "Paid out, in payout currency", ["payout_minor"], records, order, page_of
                    ),
                    _money(
                        "Carried or held at the end, in payout currency",
                        ["carried_minor", "held_minor"],
                        records,
                        order,
                        page_of,
                    ),
                ],
            )
        ],
    )


def _cards(program: Program, records: Mapping[str, RunRecord]) -> list[Card]:
    total = sum(record.totals.program_amount_minor for record in records.values())
    paid: dict[str, int] = {}
    for record in records.values():
        for currency, amounts in record.totals.currencies.items():
            paid[currency] = paid.get(currency, 0) + amounts["payout_minor"]
    return [
        Card(f"Earned in {program.currency}", text.amount(total, program.currency)),
        *(
            Card(f"Paid out in {currency}", text.amount(minor, currency))
            for currency, minor in sorted(paid.items())[:8]
        ),
    ]


def _chart(program: Program, records: Mapping[str, RunRecord], order: list[str]) -> Chart:
    shown = order[-CHARTED_PERIODS:]
    amounts = [records[key].totals.program_amount_minor for key in shown]
    caption = f"Earned by period, in whole {program.currency}"
    bars = [
        Bar(key, [minor], text.amount(minor, program.currency).split(".")[0])
        for key, minor in zip(shown, amounts, strict=True)
    ]
    return Chart(bars, caption)


def _periods(
    program: Program,
    records: Mapping[str, RunRecord],
    closed: Mapping[str, str],
    restated: Mapping[str, Publication],
    page_of: Callable[[str], str],
) -> Table:
    rows: list[list[str | Link]] = []
    for period in program.periods:
        days = f"{period.starts_on} to {period.ends_on}"
        record = records.get(period.key)
        if record is None:
            rows.append([period.key, days, "not published", "", "", "", "", ""])
            continue
        totals = record.totals
        state = f"closed by {cell(closed[period.key])}" if period.key in closed else "estimated"
        warnings = sum(
            row.state != "held" for gate in record.gates.values() for row in gate.results
        )
        rows.append(
            [
                Link(period.key, page_of(period.key)),
                days,
                f"{state}, restated" if period.key in restated else state,
                cell(record.by),
                f"{text.count(totals.eligible_creators)} of {text.count(totals.creators)}",
                f"{text.count(totals.eligible_posts)} of {text.count(totals.posts)}",
                text.amount(totals.program_amount_minor, program.currency),
                text.count(warnings),
            ]
        )
    return Table(
        f"States and figures; earned in {program.currency}",
        [
            ("Period", False),
            ("Days", False),
            ("State", False),
            ("Run by", False),
            ("Creators eligible", True),
            ("Posts eligible", True),
            ("Earned", True),
            ("Warnings", True),
        ],
        rows,
    )


def _money(
    caption: str,
    names: Sequence[str],
    records: Mapping[str, RunRecord],
    order: list[str],
    page_of: Callable[[str], str],
) -> Table:
    """The sum of the amounts `names`, by period and payout currency."""
    totals = {key: records[key].totals.currencies for key in order}
    currencies = sorted({currency for amounts in totals.values() for currency in amounts})
    return Table(
        caption,
        [("Period", False), *((currency, True) for currency in currencies)],
        [
            [
                Link(key, page_of(key)),
                *(
                    text.amount(sum(totals[key][currency][name] for name in names), currency)
                    if currency in totals[key]
                    else "–"
                    for currency in currencies
                ),
            ]
            for key in order
        ],
    )
