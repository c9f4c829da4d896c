"""Remarks on a period's figures: facts that the figures do not show by themselves.

That nobody is eligible, and why; that money comes from other periods; that days are counted twice;
which rates are far from those of the period before; and which values of the data match nothing in the
program, though they look meant to. One sentence or two each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from orchestration.foundations.cursors import scratch_database
from orchestration.foundations.texts import shown
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import PUBLISHED_TABLES
from orchestration.records import Totals
from orchestration.reports.beside import (
    Beside,
    DaysTwice,
    OtherInput,
    OtherTerms,
    StrangeRate,
    WindowsTwice,
    beside_others,
    program_of,
)
from orchestration.reports.figures import (
    AdjustmentRow,
    PeriodFigures,
    ReasonRow,
    adjustment_rows,
    origins_of,
    reason_rows,
    unmatched_values,
)
from orchestration.reports.text import amount, counted
from orchestration.terms.reasons import CREATOR_REASONS, POST_REASONS, Reason
from orchestration.terms.unmatched import Unmatched

_TABLES = (
    "creator_eligibility", "post_eligibility", "journal", "settlement_parties", "settlement_rates",
    "payout_ledger",
)  # fmt: skip

_FROM = {
    "adjustment": "of",
    "manual": "by hand, for",
    "return": "that came back, of the payouts of",
}

_MOST_CHANGES = 50
_LONGEST_VALUE = 300

Reasons = Callable[[], Sequence[ReasonRow]]
"""Reasons by number; counted only where nobody is eligible, since that reads a whole table."""


def remarks_on(
    published: Mapping[str, Publication], restated: Mapping[str, Publication], key: str
) -> list[str]:
    """The remarks on what a period has published, beside what others have; KeyError if it has not."""
    publication = published[key]
    program = program_of(publication)
    with scratch_database() as connection:
        for name in _TABLES:
            relation = publication.relation(PUBLISHED_TABLES[name])
            connection.execute(f"create view {name} as {relation}")
        adjustments = adjustment_rows(connection)
        found = _remarks(
            publication.record().totals,
            lambda: reason_rows(connection, "creator_eligibility"),
            lambda: reason_rows(connection, "post_eligibility"),
            adjustments,
            unmatched_values(connection, program),
        )
        beside = beside_others(connection, published, restated, key, origins_of(adjustments))
    return [*_beside(program.currency, key, beside), *found]


def remarks_in(figures: PeriodFigures) -> list[str]:
    """The same, of figures that are known already."""
    found = _remarks(
        figures.totals,
        lambda: figures.creator_reasons,
        lambda: figures.post_reasons,
        figures.adjustments,
        figures.unmatched,
    )
    return [*_beside(figures.program.currency, figures.period.key, figures.beside), *found]


def _beside(currency: str, key: str, beside: Beside) -> list[str]:
    """The remarks beside other periods: what both count, rates that are far from others, and input of restatements."""
    return [
        *(_of_days(row, key) for row in beside.days_twice),
        *(_of_hours(row, key) for row in beside.windows_twice),
        *(_of_rate(currency, row, key) for row in beside.rates),
        *map(_of_input, beside.other_inputs),
        *map(_of_terms, beside.other_terms),
    ]


def _of_input(row: OtherInput) -> str:
    """Paths stand at the end of a clause, where a reader sees in which way they differ."""
    said = f"{row.period}, whose differences are posted here, was run again by {shown(row.by)} with"
    if row.what == "landing":
        return (
            f"{said} the files in {shown(row.read)}; the run of this period has read those in"
            f" {shown(row.own_read)}."
        )
    return (
        f"{said} another program file, {shown(row.read)}; the run of this period has read"
        f" {shown(row.own_read)}."
    )


def _of_terms(row: OtherTerms) -> str:
    # What was changed comes before what is new: much that is new would hide it.
    changes = sorted(row.changes, key=lambda change: (change.before is None, change.path))
    named = [
        f"{shown(change.path, _LONGEST_VALUE)} is {_value(change.now)} and was {_value(change.before)}"
        for change in changes[:_MOST_CHANGES]
    ]
    rest = len(row.changes) - len(named)
    return (
        f"{row.period}, whose differences are posted here, was closed by other terms than {shown(row.by)} has run it"
        f" again by: {'; '.join(named)}{f'; and {rest:,} more' if rest else ''}."
    )


def _value(value: str | None) -> str:
    return "nothing" if value is None else shown(value, _LONGEST_VALUE)


def _of_rate(base: str, row: StrangeRate, key: str) -> str:
    said = f"1 {base} is {_plain(row.rate)} {row.currency}"
    where = "here" if row.period == key else f"in {row.period} as it was run again"
    if row.former is None:
        return f"{said} {where}; {row.beside} has no rate of {row.currency} to compare it with."
    then = " as it was paid" if row.beside == row.period else ""
    return f"{said} {where}, and {'is' if row.beside == key else 'was'} {_plain(row.former)} in {row.beside}{then}."


def _plain(rate: Decimal) -> str:
    return f"{rate.normalize():,f}"


def _of_hours(row: WindowsTwice, key: str) -> str:
    hours = " to ".join(f"{at:%Y-%m-%d %H:%M}" for at in (row.begins_at, row.ended_at))
    later = "this period" if row.later == key else row.later
    return (
        f"What {counted(row.creators, 'creator')} earned from {hours} UTC may be paid twice: the day begins"
        f" earlier in their market of {later} than in that of {row.period}, which counts these hours, too. Compare"
        " bonus explain of both periods; bonus adjust takes back what is too much."
    )


def _of_days(row: DaysTwice, key: str) -> str:
    said = f"What was earned from {row.first} to {row.last} may be paid twice: {row.period}"
    if row.later != key:
        return (
            f"{said} as it was run again counts these days, and so does {row.later}. Run {row.period} again"
            " by a file in which they are apart."
        )
    if row.is_still_so:
        return (
            f"{said} counts these days, too, by the program file of its last run."
            f" Run {row.period} again by the file of today."
        )
    return (
        f"{said} was paid for these days, too, and has been run again by other days since. Look whether the"
        " adjustments of it take that back."
    )


def _remarks(
    totals: Totals,
    creators: Reasons,
    posts: Reasons,
    adjustments: Sequence[AdjustmentRow],
    strangers: Sequence[Unmatched],
) -> list[str]:
    return [
        *_nobody(totals, creators, posts),
        *_adjusted(totals, adjustments),
        *(f"{found.said[:1].upper()}{found.said[1:]}." for found in strangers),
    ]


def _nobody(totals: Totals, creators: Reasons, posts: Reasons) -> list[str]:
    """The reason why nobody earns, where the tables of eligibility say it."""
    if not totals.creators:
        return ["Nobody takes part: no deal of this program was invited before the period closes."]
    if not totals.eligible_creators:
        return [
            f"Nobody is eligible. {_why('creator', totals.creators, creators(), CREATOR_REASONS)}"
        ]
    if not totals.posts:
        return ["Nobody earns: no post has a snapshot in the period."]
    if not totals.eligible_posts:
        return [f"No post is eligible. {_why('post', totals.posts, posts(), POST_REASONS)}"]
    if not totals.program_amount_minor:
        eligible = counted(totals.eligible_posts, "eligible post")
        return [
            f"Nobody earns: {eligible}, but weights, rates, pools or caps make nothing of them."
        ]
    return []


def _why(what: str, whole: int, rows: Sequence[ReasonRow], meanings: Mapping[str, Reason]) -> str:
    """The reasons by number, the most frequent first; who has several counts for each."""
    reasons = (f"{row.rows:,} {row.code} ({_small(meanings[row.code].text)})" for row in rows)
    return f"Of {counted(whole, what)}: {', '.join(reasons)}."


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _both(row: AdjustmentRow) -> str:
    """The amounts that some get and that others lose: their sum might look like nothing."""
    if row.more_minor and row.less_minor:
        more, less = (amount(one, row.currency) for one in (row.more_minor, -row.less_minor))
        return f"{more} more and {less} less"
    return amount(row.amount_minor, row.currency)


def _adjusted(totals: Totals, rows: Sequence[AdjustmentRow]) -> list[str]:
    """The amounts posted beside this period's earnings, a sentence for each currency."""
    by_currency: dict[str, list[AdjustmentRow]] = defaultdict(list)
    for row in rows:
        by_currency[row.currency].append(row)
    found = []
    for currency, entries in by_currency.items():
        earned = totals.currencies.get(currency, {}).get("earnings_minor", 0)
        adjusted = sum(row.more_minor - row.less_minor for row in entries)
        origins = ", ".join(
            f"{_both(row)} {_FROM[row.kind]} {row.origin_period}"
            f" ({counted(row.creators, 'creator')})"
            for row in entries
        )
        weight = "More than this period earned comes" if adjusted > earned else "Some money comes"
        found.append(
            f"{weight} from adjustments, in {currency}: {origins};"
            f" earned here {amount(earned, currency)}."
        )
    return found
