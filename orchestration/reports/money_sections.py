"""The sections of a period's page that are about money: §6 and §7 as the published tables have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from orchestration.reports import text
from orchestration.reports.beside import program_of
from orchestration.reports.figures import PeriodFigures, SettlementRow
from orchestration.reports.page import Bar, Chart, Link, Section, Table, cell
from orchestration.reports.parts import columns, named
from orchestration.terms.currencies import minor_units
from orchestration.terms.reasons import STATUS_REASONS

STATUSES: Final = ("paid", "carried", "held", "none")
SHOWN_BARS: Final = 12


def money_section(figures: PeriodFigures) -> Section:
    """By market and by content type, in the program currency."""
    currency = figures.program.currency
    markets = Table(
        f"By market, in {currency}",
        columns("Market", "Creators #", "Eligible #", "Points #", "Earned #", "Share #"),
        [
            [
                named(row.market),
                text.count(row.creators),
                text.count(row.eligible),
                text.points(row.points),
                text.amount(row.amount_minor, currency),
                text.percent(row.amount_minor, figures.totals.program_amount_minor),
            ]
            for row in figures.markets
        ],
        [
            "All",
            text.count(figures.totals.creators),
            text.count(figures.totals.eligible_creators),
            text.points(figures.points),
            text.amount(figures.totals.program_amount_minor, currency),
            "",
        ],
    )
    return Section(
        "money",
        "Money by market and content type",
        [
            "What creators earned in the program currency, after caps and budget. A post's part is "
            "its share of its creator's amount; milestones belong to no single post."
        ],
        _money_charts(figures),
        [markets, _contents(figures)],
    )


def _contents(figures: PeriodFigures) -> Table:
    currency, total = figures.program.currency, figures.totals.program_amount_minor
    rows = [
        [
            named(row.content_type),
            text.count(row.posts),
            text.count(row.eligible),
            text.count(row.qualified_views),
            text.points(row.points),
            text.amount(row.amount_minor, currency),
            text.percent(row.amount_minor, total),
        ]
        for row in figures.contents
    ]
    milestones = text.amount(figures.milestones_minor, currency)
    share = text.percent(figures.milestones_minor, total)
    return Table(
        f"By content type, in {currency}",
        columns(
            "Content type", "Posts #", "Eligible #", "Views of eligible #", "Points #", "Earned #",
            "Share #",
        ),
        [*rows, ["Milestones", "", "", "", "", milestones, share]],
        [
            "All",
            text.count(figures.totals.posts),
            text.count(figures.totals.eligible_posts),
            text.count(sum(row.qualified_views for row in figures.contents)),
            text.points(figures.points),
            text.amount(total, currency),
            "",
        ],
    )  # fmt: skip


def _money_charts(figures: PeriodFigures) -> list[Chart]:
    currency = figures.program.currency
    markets = [(row.market, row.amount_minor) for row in figures.markets if row.amount_minor]
    contents = [(row.content_type, row.amount_minor) for row in figures.contents]
    contents = [row for row in contents if row[1]]
    if figures.milestones_minor:
        contents.append(("milestones", figures.milestones_minor))
    return [
        Chart(
            [
                Bar(named(name), [minor], text.amount(minor, currency))
                for name, minor in amounts[:SHOWN_BARS]
            ],
            f"Earned by {what}, in {currency}",
        )
        for what, amounts in (("market", markets), ("content type", contents))
        if amounts
    ]


def settlement_section(figures: PeriodFigures) -> Section:
    """The ledger by currency and status."""
    currencies = list(dict.fromkeys(row.currency for row in figures.settlement))
    charts = []
    if currencies:
        bars = [_status_bar(figures.settlement, currency) for currency in currencies[:SHOWN_BARS]]
        caption = "Share of ledger rows by status; “none”: nothing is owed"
        charts.append(Chart(bars, caption, STATUSES))
    return Section(
        "settlement",
        "Paid, carried and held",
        [
            "What is payable is the opening balance, what was earned, adjustments, and returned payouts. Paid rows "
            "end with a balance of 0; what is carried or held is the next period's opening balance.",
            f"How the numbers of one creator came about: bonus explain {figures.period.key} CREATOR, or the"
            " period's page in the UI.",
        ],
        charts,
        [_settlement_table(figures.settlement, currency) for currency in currencies],
    )


def _status_bar(settlement: Sequence[SettlementRow], currency: str) -> Bar:
    own = [row for row in settlement if row.currency == currency]
    rows = [sum(row.rows for row in own if row.status == status) for status in STATUSES]
    return Bar(currency, rows, f"{text.count(sum(rows))} rows")


def _settlement_table(settlement: Sequence[SettlementRow], currency: str) -> Table:
    own = [row for row in settlement if row.currency == currency]
    names = (
        "opening_minor", "earnings_minor", "adjustments_minor", "returns_minor", "payable_minor",
        "withheld_minor", "payout_minor", "closing_minor",
    )  # fmt: skip

    def amounts(rows: Sequence[SettlementRow]) -> list[str]:
        return [text.amount(sum(getattr(row, name) for row in rows), currency) for name in names]

    return Table(
        f"Ledger rows in {currency}",
        columns(
            "Status", "Rows #", "Opening #", "Earned #", "Adjusted #", "Returned #", "Payable #",
            "Withheld #", "Paid out #", "Closing #",
        ),
        [[_status(row), text.count(row.rows), *amounts([row])] for row in own],
        ["All", text.count(sum(row.rows for row in own)), *amounts(own)],
    )  # fmt: skip


def _status(row: SettlementRow) -> str:
    if row.status == "none":
        return "nothing payable"
    if row.reason is None:
        return row.status
    return f"{row.status}: {STATUS_REASONS[row.reason].text}"


def distribution_section(figures: PeriodFigures) -> Section:
    """The distribution of earnings and payouts."""
    currency = figures.program.currency
    charts = []
    if any(entry.to_minor for entry in figures.bins):
        bars = [
            Bar(
                "0" if not entry.to_minor else text.compact(entry.from_minor, currency),
                [entry.creators],
                text.count(entry.creators),
            )
            for entry in figures.bins
        ]
        caption = (
            f"Eligible creators by what they earned: each bar counts those from its {currency} "
            "amount up to the next bar's"
        )
        charts.append(Chart(bars, caption))
    spreads = Table(
        "Payouts by currency",
        columns(
            "Currency", "Payouts #", "Least #", "Median #", "90th percentile #", "Greatest #",
            "Sum #", "Gini #",
        ),
        [
            [
                row.currency,
                text.count(row.rows),
                *(
                    text.amount(minor, row.currency)
                    for minor in (
                        row.least_minor, row.median_minor, row.percentile_90_minor,
                        row.greatest_minor, row.payout_minor,
                    )
                ),
                text.ratio(row.gini),
            ]
            for row in figures.spreads
        ],
    )  # fmt: skip
    return Section(
        "distribution",
        "Distribution of payouts",
        [
            f"Gini's coefficient of what eligible creators earned: {text.ratio(figures.earnings_gini)}"
            " (0: all earned the same; near 1: one earned nearly all)."
        ],
        charts,
        [
            *([top_table(figures)] if figures.top else []),
            *([spreads] if figures.spreads else []),
        ],
    )


def top_table(figures: PeriodFigures, page_of: Callable[[str], str] | None = None) -> Table:
    """The creators that earned most; with `page_of`, each leads to the page that it names for the creator's id."""
    currency, whole = figures.program.currency, figures.totals.program_amount_minor

    def creator(creator_id: str) -> str | Link:
        shown = cell(creator_id)
        return Link(shown, page_of(creator_id)) if page_of else shown

    return Table(
        f"The {len(figures.top)} that earned most, in {currency}",
        columns("Creator", "Market", "Points #", "Earned #", "Of all #"),
        [
            [
                creator(row.creator_id),
                named(row.market),
                text.points(row.points),
                text.amount(row.amount_minor, currency),
                text.percent(row.amount_minor, whole),
            ]
            for row in figures.top
        ],
    )


def caps_section(figures: PeriodFigures) -> Section:
    """The amounts that caps and the budget took away."""
    currency, total = figures.program.currency, figures.totals.program_amount_minor
    if figures.budget_minor is None:
        budget = "The period has no budget."
    else:
        budget = (
            f"Of the budget of {text.money(figures.budget_minor, currency)},"
            f" {text.money(total, currency)} is used"
            f" ({text.percent(total, figures.budget_minor)});"
            f" {text.money(figures.budget_minor - total, currency)} is left."
        )
    rows = [
        [
            named(row.market),
            _cap(figures, row.market),
            text.count(row.capped),
            text.percent(row.capped, row.eligible),
        ]
        for row in figures.markets
        if row.eligible
    ]
    capped = sum(row.capped for row in figures.markets)
    return Section(
        "caps",
        "Caps and budget",
        [budget, f"A cap took something away from {text.counted(capped, 'creator')}."],
        tables=[
            Table(
                f"Caps of the terms in {currency}; a deal may have a lower one",
                columns("Market", "Cap #", "Creators capped #", "Of the eligible #"),
                rows,
            )
        ]
        if rows
        else [],
    )


def _cap(figures: PeriodFigures, market: str | None) -> str:
    cap, currency = figures.version.payout.cap.get(market or ""), figures.program.currency
    return "none" if cap is None else text.amount(minor_units(cap, currency), currency)


def change_section(figures: PeriodFigures) -> Section:
    """The record's totals against those of the latest earlier period."""
    title = "Change from the period before"
    if figures.before is None:
        return Section("change", title, ["No earlier period is published."])
    before, now = figures.before.record().totals, figures.totals
    counts = (
        ("Creators", before.creators, now.creators),
        ("Creators eligible", before.eligible_creators, now.eligible_creators),
        ("Posts", before.posts, now.posts),
        ("Posts eligible", before.eligible_posts, now.eligible_posts),
    )
    rows = [
        [
            label,
            text.count(earlier),
            text.count(later),
            text.signed(text.count(later - earlier)),
            _growth(earlier, later),
        ]
        for label, earlier, later in counts
    ]
    currency = figures.program.currency
    if program_of(figures.before).currency == currency:
        rows.append(
            _change_row("Earned", currency, before.program_amount_minor, now.program_amount_minor)
        )
    for name in sorted({*before.currencies, *now.currencies}):
        then, today = (
            totals.currencies.get(name, {}).get("payout_minor", 0) for totals in (before, now)
        )
        rows.append(_change_row("Paid out", name, then, today))
    return Section(
        "change",
        title,
        tables=[
            Table(
                f"{figures.period.key} against {figures.before.period}",
                columns(
                    "Figure", f"{figures.before.period} #", f"{figures.period.key} #",
                    "Difference #", "Change #",
                ),
                rows,
            )
        ],
    )  # fmt: skip


def _change_row(label: str, currency: str, before: int, now: int) -> list[str]:
    return [
        f"{label} in {currency}",
        text.amount(before, currency),
        text.amount(now, currency),
        text.signed(text.amount(now - before, currency)),
        _growth(before, now),
    ]


def _growth(before: int, now: int) -> str:
    return text.signed(text.percent(now - before, before)) if before > 0 else "–"


def restatements_section(figures: PeriodFigures) -> Section:
    """The outcome of a later run of the closed period, and the amounts that this period posts for others."""
    paragraphs, tables = [], []
    if figures.restated is not None:
        record = figures.restated
        paragraphs.append(
            f"Run again after the close by {cell(record.by)} on"
            f" {text.instant(record.published_at)}. Differences are adjustments of the earliest"
            " open period; this period stays as it was closed."
        )
        tables.append(_restatement_table(record.totals.currencies))
    restated = [row for row in figures.adjustments if row.kind == "adjustment"]
    if restated:
        paragraphs.append("This period posts what restatements of closed periods came to.")
        tables.append(
            Table(
                "Adjustments posted in this period",
                columns("For period", "Currency", "Creators #", "More #", "Less #", "Together #"),
                [
                    [
                        row.origin_period,
                        row.currency,
                        text.count(row.creators),
                        *(
                            text.signed(text.amount(amount, row.currency))
                            for amount in (row.more_minor, row.less_minor, row.amount_minor)
                        ),
                    ]
                    for row in restated
                ],
            )
        )
    return Section(
        "restatements",
        "Restatements",
        paragraphs or ["There is no restatement of this period, and it posts no adjustment."],
        tables=tables,
    )


def _restatement_table(currencies: Mapping[str, Mapping[str, int]]) -> Table:
    return Table(
        "Posted for this period, and computed now",
        columns("Currency", "Rows that differ #", "Posted #", "Computed now #", "Difference #"),
        [
            [
                currency,
                text.count(amounts["differing_rows"]),
                text.amount(amounts["posted_minor"], currency),
                text.amount(amounts["computed_minor"], currency),
                text.signed(text.amount(amounts["difference_minor"], currency)),
            ]
            for currency, amounts in currencies.items()
        ],
    )
