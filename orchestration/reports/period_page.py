"""The page of one period: what its figures are called, and in which order they are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import PurePath
from typing import Any, Final

from orchestration.pipeline.data_quality import COUNTS
from orchestration.pipeline.workfile import STAGES
from orchestration.reports import text
from orchestration.reports.charts import Bar, bar_chart, histogram, stacked_chart
from orchestration.reports.figures import PeriodFigures, ReasonRow, SettlementRow, program_of
from orchestration.reports.page import Card, Chart, Link, Page, Section, Table, cell
from orchestration.reports.reasons import CREATOR_REASONS, POST_REASONS, STATUS_REASONS
from orchestration.reports.terms_changes import terms_changes
from orchestration.terms.currencies import minor_units

STATUSES: Final = ("paid", "carried", "held", "none")
SHOWN_BARS: Final = 12
SHOWN_CARDS: Final = 8
SHOWN_FAILING_ROWS: Final = 10
SHOWN_CHANGES: Final = 60


def period_page(figures: PeriodFigures, links: Sequence[Link] = ()) -> Page:
    """The page of a period; `links` lead to pages that lie beside it."""
    return Page(
        title=figures.period.key,
        program=figures.program.program,
        state="closed" if figures.closed else "estimated",
        lead=_lead(figures),
        cards=_cards(figures),
        sections=[
            _money(figures),
            _settlement(figures),
            _distribution(figures),
            _caps(figures),
            _eligibility(figures),
            _change(figures),
            _restatements(figures),
            _gates(figures.record["gates"]),
            _data(figures.record.get("data")),
            _terms(figures),
            _inputs(figures),
        ],
        links=links,
    )


def _lead(figures: PeriodFigures) -> list[str]:
    record, closed, period = figures.record, figures.closed, figures.period
    published = (
        f"Run by {cell(record['by'])}, published {text.instant(record['published_at'])},"
        f" revision {figures.revision}."
    )
    days = f"{_day(period.starts_on)} to {_day(period.ends_on)}, paid on {_day(period.pays_on)}."
    if closed:
        state = (
            f"Closed by {cell(closed.approved_by)} on {text.instant(closed.closed_at)}:"
            " what was published is fixed."
        )
    else:
        state = (
            f"Estimated: it may still change. It can be closed from {_day(period.closes_on)} on, by"
            f" someone other than {cell(record['by'])}."
        )
    return [days, f"{state} {published}"]


def _cards(figures: PeriodFigures) -> list[Card]:
    totals, currency = figures.totals, figures.program.currency
    warnings = sum(len(_not_held(gate)) for gate in figures.record["gates"].values())
    cards = [
        Card(
            f"Earned in {currency}",
            text.amount(totals["program_amount_minor"], currency),
            f"{text.points(figures.points)} points",
        ),
        Card(
            "Creators eligible",
            text.count(totals["eligible_creators"]),
            f"of {text.count(totals['creators'])}"
            f" ({text.percent(totals['eligible_creators'], totals['creators'])})",
        ),
        Card(
            "Posts eligible",
            text.count(totals["eligible_posts"]),
            f"of {text.count(totals['posts'])}"
            f" ({text.percent(totals['eligible_posts'], totals['posts'])})",
        ),
        Card(
            "Gates",
            "all held",
            f"{text.count(warnings)} warning{'' if warnings == 1 else 's'}",
        ),
    ]
    cards += [
        Card(
            f"Paid out in {name}",
            text.amount(amounts["payout_minor"], name),
            f"to {text.count(amounts['paid_rows'])} creators",
        )
        for name, amounts in list(totals["currencies"].items())[:SHOWN_CARDS]
    ]
    return cards


def _money(figures: PeriodFigures) -> Section:
    currency = figures.program.currency
    markets = Table(
        f"By market, in {currency}",
        _columns("Market", "Creators #", "Eligible #", "Points #", "Earned #", "Share #"),
        [
            [
                _named(row.market),
                text.count(row.creators),
                text.count(row.eligible),
                text.points(row.points),
                text.amount(row.amount_minor, currency),
                text.percent(row.amount_minor, figures.totals["program_amount_minor"]),
            ]
            for row in figures.markets
        ],
        [
            "All",
            text.count(figures.totals["creators"]),
            text.count(figures.totals["eligible_creators"]),
            text.points(figures.points),
            text.amount(figures.totals["program_amount_minor"], currency),
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
    currency, total = figures.program.currency, figures.totals["program_amount_minor"]
    rows = [
        [
            _named(row.content_type),
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
        _columns(
            "Content type", "Posts #", "Eligible #", "Views of eligible #", "Points #", "Earned #",
            "Share #",
        ),
        [*rows, ["Milestones", "", "", "", "", milestones, share]],
        [
            "All",
            text.count(figures.totals["posts"]),
            text.count(figures.totals["eligible_posts"]),
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
        _bars(
            [
                Bar(_named(name), minor, text.amount(minor, currency))
                for name, minor in amounts[:SHOWN_BARS]
            ],
            f"Earned by {what}, in {currency}",
        )
        for what, amounts in (("market", markets), ("content type", contents))
        if amounts
    ]


def _settlement(figures: PeriodFigures) -> Section:
    currencies = list(dict.fromkeys(row.currency for row in figures.settlement))
    charts = []
    if currencies:
        series = [
            (
                status,
                [
                    sum(
                        row.rows
                        for row in figures.settlement
                        if row.currency == currency and row.status == status
                    )
                    for currency in currencies[:SHOWN_BARS]
                ],
            )
            for status in STATUSES
        ]
        caption = "Share of ledger rows by status; “none”: nothing is owed"
        charts.append(Chart(stacked_chart(currencies[:SHOWN_BARS], series, caption), caption))
    return Section(
        "settlement",
        "Paid, carried and held",
        [
            "What is payable is the opening balance, what was earned, and adjustments. Paid rows "
            "end with a balance of 0; what is carried or held is the next period's opening balance."
        ],
        charts,
        [_settlement_table(figures.settlement, currency) for currency in currencies],
    )


def _settlement_table(settlement: Sequence[SettlementRow], currency: str) -> Table:
    own = [row for row in settlement if row.currency == currency]
    names = (
        "opening_minor", "earnings_minor", "adjustments_minor", "payable_minor", "withheld_minor",
        "payout_minor", "closing_minor",
    )  # fmt: skip

    def amounts(rows: Sequence[SettlementRow]) -> list[str]:
        return [text.amount(sum(getattr(row, name) for row in rows), currency) for name in names]

    return Table(
        f"Ledger rows in {currency}",
        _columns(
            "Status", "Rows #", "Opening #", "Earned #", "Adjusted #", "Payable #", "Withheld #",
            "Paid out #", "Closing #",
        ),
        [[_status(row), text.count(row.rows), *amounts([row])] for row in own],
        ["All", text.count(sum(row.rows for row in own)), *amounts(own)],
    )  # fmt: skip


def _status(row: SettlementRow) -> str:
    if row.status == "none":
        return "nothing payable"
    if row.reason is None:
        return row.status
    return f"{row.status}: {STATUS_REASONS.get(row.reason, row.reason)}"


def _distribution(figures: PeriodFigures) -> Section:
    currency = figures.program.currency
    charts = []
    if any(entry.to_minor for entry in figures.bins):
        bars = [
            Bar(
                "0" if not entry.to_minor else text.compact(entry.from_minor, currency),
                entry.creators,
                text.count(entry.creators),
            )
            for entry in figures.bins
        ]
        caption = (
            f"Eligible creators by what they earned: each bar counts those from its {currency} "
            "amount up to the next bar's"
        )
        charts.append(Chart(histogram(bars, caption), caption))
    spreads = Table(
        "Payouts by currency",
        _columns(
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
        [spreads] if figures.spreads else [],
    )


def _caps(figures: PeriodFigures) -> Section:
    currency, total = figures.program.currency, figures.totals["program_amount_minor"]
    if figures.budget_minor is None:
        budget = "The period has no budget."
    else:
        budget = (
            f"Of the budget of {text.money(figures.budget_minor, currency)},"
            f" {text.money(total, currency)} is used"
            f" ({text.percent(total, figures.budget_minor)});"
            f" {text.money(figures.budget_minor - total, currency)} is left."
        )
    caps = _version(figures).payout.cap
    rows = [
        [
            _named(row.market),
            text.amount(minor_units(caps[row.market], currency), currency)
            if row.market in caps
            else "none",
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
        [budget, f"A cap took something away from {text.count(capped)} creators."],
        tables=[
            Table(
                f"Caps of the terms in {currency}; a deal may have a lower one",
                _columns("Market", "Cap #", "Creators capped #", "Of the eligible #"),
                rows,
            )
        ]
        if rows
        else [],
    )


def _eligibility(figures: PeriodFigures) -> Section:
    charts, tables = [], []
    for what, rows, meanings, whole in (
        ("creators", figures.creator_reasons, CREATOR_REASONS, figures.totals["creators"]),
        ("posts", figures.post_reasons, POST_REASONS, figures.totals["posts"]),
    ):
        if not rows:
            continue
        caption = f"Why {what} were not eligible; one may have several reasons"
        charts.append(
            _bars([Bar(row.code, row.rows, text.count(row.rows)) for row in rows], caption)
        )
        tables.append(_reasons(what, rows, meanings, whole))
    return Section(
        "eligibility",
        "Why creators and posts were not eligible",
        [] if tables else ["All creators and posts were eligible."],
        charts,
        tables,
    )


def _reasons(
    what: str, rows: Sequence[ReasonRow], meanings: Mapping[str, str], whole: int
) -> Table:
    return Table(
        f"Reasons of {what}",
        _columns("Reason", "Meaning", f"{what.capitalize()} #", "Of all #", "No other reason #"),
        [
            [
                row.code,
                meanings.get(row.code, ""),
                text.count(row.rows),
                text.percent(row.rows, whole),
                text.count(row.alone),
            ]
            for row in rows
        ],
    )


def _change(figures: PeriodFigures) -> Section:
    title = "Change from the period before"
    if figures.before is None:
        return Section("change", title, ["No earlier period is published."])
    before, now = figures.before.run["totals"], figures.totals
    counts = (
        ("Creators", "creators"),
        ("Creators eligible", "eligible_creators"),
        ("Posts", "posts"),
        ("Posts eligible", "eligible_posts"),
    )
    rows = [
        [
            label,
            text.count(before[name]),
            text.count(now[name]),
            text.signed(text.count(now[name] - before[name])),
            _growth(before[name], now[name]),
        ]
        for label, name in counts
    ]
    currency = figures.program.currency
    if program_of(figures.before).currency == currency:
        rows.append(
            _change_row(
                "Earned", currency, before["program_amount_minor"], now["program_amount_minor"]
            )
        )
    for name in sorted({*before["currencies"], *now["currencies"]}):
        then, today = (
            totals["currencies"].get(name, {}).get("payout_minor", 0) for totals in (before, now)
        )
        rows.append(_change_row("Paid out", name, then, today))
    return Section(
        "change",
        title,
        tables=[
            Table(
                f"{figures.period.key} against {figures.before.period}",
                _columns(
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


def _restatements(figures: PeriodFigures) -> Section:
    paragraphs, tables = [], []
    if figures.restated is not None:
        record = figures.restated
        paragraphs.append(
            f"Run again after the close by {cell(record['by'])} on"
            f" {text.instant(record['published_at'])}. Differences are adjustments of the earliest"
            " open period; this period stays as it was closed."
        )
        tables.append(_restatement_table(record["totals"]["currencies"]))
    if figures.adjustments:
        paragraphs.append("This period posts what restatements of closed periods came to.")
        tables.append(
            Table(
                "Adjustments posted in this period",
                _columns("For period", "Currency", "Creators #", "Amount #"),
                [
                    [
                        row.origin_period,
                        row.currency,
                        text.count(row.rows),
                        text.signed(text.amount(row.amount_minor, row.currency)),
                    ]
                    for row in figures.adjustments
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
        _columns("Currency", "Rows that differ #", "Posted #", "Computed now #", "Difference #"),
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


def _gates(recorded: Mapping[str, Mapping[str, Any]]) -> Section:
    gates = {stage: recorded[stage] for stage in STAGES if stage in recorded}
    summary = Table(
        "Gates of the published run",
        _columns("Gate", "Expectations held #", "Not held, blocking #", "Warnings #",
                 "Failing rows #"),
        [
            [
                stage,
                f"{sum(row['state'] == 'held' for row in gate['results'])} of"
                f" {len(gate['results'])}",
                text.count(sum(row["severity"] == "error" for row in _not_held(gate))),
                text.count(sum(row["severity"] == "warn" for row in _not_held(gate))),
                text.count(sum(row["failing_rows"] for row in _not_held(gate))),
            ]
            for stage, gate in gates.items()
        ],
    )  # fmt: skip
    failing = [
        _failing_rows(stage, row)
        for stage, gate in gates.items()
        for row in _not_held(gate)
        if row["rows"]
    ]
    sentences = [
        f"Warning of the {stage} gate, {row['name']}: {_because(row)}."
        for stage, gate in gates.items()
        for row in _not_held(gate)
    ]
    return Section("gates", "Gates", sentences, tables=[summary, *failing])


def _not_held(gate: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row for row in gate["results"] if row["state"] != "held"]


def _because(row: Mapping[str, Any]) -> str:
    if row["state"] == "failed":
        return f"{text.count(row['failing_rows'])} rows, {row['means']}"
    return f"could not be evaluated, {cell(row['problem'] or 'no reason given')}"


def _failing_rows(stage: str, row: Mapping[str, Any]) -> Table:
    rows = row["rows"][:SHOWN_FAILING_ROWS]
    names = sorted({name for entry in rows for name in entry}, key=_ids_first)
    return Table(
        f"{stage}: {row['name']}, the first {len(rows)} of {text.count(row['failing_rows'])} rows",
        [(cell(name), False) for name in names],
        [[cell(str(entry.get(name, ""))) for name in names] for entry in rows],
    )


def _ids_first(name: str) -> tuple[bool, str]:
    """run.json keeps columns by name; what names a row belongs in front."""
    return not name.endswith("_id"), name


def _data(data: Mapping[str, Any] | None) -> Section:
    title = "Data quality"
    if data is None:
        return Section("data", title, ["The run was made before these figures were kept."])
    columns = (
        ("Files", "files"),
        ("Rows read", "rows_read"),
        ("Rows loaded", "rows_loaded"),
        ("Rows quarantined", "rows_quarantined"),
        ("Files quarantined", "files_quarantined"),
    )
    datasets = Table(
        "Landing data by dataset",
        _columns("Dataset", *(f"{label} #" for label, _ in columns)),
        [
            [row["dataset"], *(text.count(row[name]) for _, name in columns)]
            for row in data["datasets"]
        ],
    )
    in_play = data["posts_in_play"]
    posts = Table(
        f"Posts in play: {text.count(in_play)}",
        _columns("What is wrong", "Posts #", "Of all #"),
        [
            [label, text.count(number), text.percent(number, in_play)]
            for label, number in (
                ("Late: not seen in the last 48 hours of the window", data["posts_late"]),
                *((f"Falling: fewer {name} at the end than before", number)
                  for name, number in ((name, data["posts_falling"][name]) for name in COUNTS)),
            )
        ],
    )  # fmt: skip
    return Section("data", title, tables=[datasets, posts])


def _terms(figures: PeriodFigures) -> Section:
    program, period = figures.program, figures.period
    number = program.version_no_in_force(program.last_day(period))
    version = program.terms[number]
    began = [
        entry.version
        for entry in program.terms
        if period.starts_on < entry.effective_from <= program.last_day(period)
    ]
    paragraphs = [
        f"Version {version.version} judges creators and pays them: in force on the period's last"
        f" day, since {_day(version.effective_from)}."
    ]
    if began:
        versions = ", ".join(map(str, began))
        paragraphs.append(
            f"Version {versions} began within the period: posts and points before that day go by"
            " the version before."
        )
    changes = terms_changes(program, number)
    if number == 0:
        paragraphs.append("It is the program's first.")
    elif not changes:
        paragraphs.append("It has the same terms as the version before.")
    if len(changes) > SHOWN_CHANGES:
        paragraphs.append(f"The first {SHOWN_CHANGES} of {len(changes):,} changes are shown.")
    table = Table(
        f"What changed against version {program.terms[max(number - 1, 0)].version}",
        _columns("Key", "Before", "Now"),
        [
            [cell(change.path), cell(change.before or "–"), cell(change.now or "–")]
            for change in changes[:SHOWN_CHANGES]
        ],
    )
    return Section("terms", "Terms in force", paragraphs, tables=[table] if changes else [])


def _inputs(figures: PeriodFigures) -> Section:
    record = figures.record
    rows = [
        ["Program file", cell(PurePath(record["program_file"]).name), record["program_sha256"]],
        ["Landing data", cell(PurePath(record["landing"]).name), record["landing_sha256"]],
        ["Code and models", "", record["code"]],
        ["All three, program and period", "", record["fingerprint"]],
    ]
    if figures.closed:
        rows += [
            ["Ledger as closed", "payout_ledger", figures.closed.ledger_sha256],
            ["Journal as closed", "journal", figures.closed.journal_sha256],
        ]
    return Section(
        "inputs",
        "Inputs and their fingerprints",
        [f"Run {record['run_id']}."],
        tables=[Table("SHA-256 of what went in", _columns("Input", "Name", "SHA-256"), rows)],
    )


def _version(figures: PeriodFigures) -> Any:
    program, period = figures.program, figures.period
    return program.version_in_force(program.last_day(period))


def _bars(bars: Sequence[Bar], caption: str) -> Chart:
    described = f"{caption}: " + "; ".join(f"{bar.label} {bar.text}" for bar in bars)
    return Chart(bar_chart(bars, described), caption)


def _columns(*headings: str) -> list[tuple[str, bool]]:
    """A heading that ends in # is of a column of numbers."""
    return [(heading.removesuffix(" #"), heading.endswith(" #")) for heading in headings]


def _named(name: str | None) -> str:
    return "unknown" if name is None else cell(name)


def _day(day: date) -> str:
    return day.isoformat()
