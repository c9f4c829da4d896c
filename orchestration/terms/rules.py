"""The rules of a program file that more than one value decides (contract §1).

Each rule is a small function that yields all it finds, with its place; `RULES` lists them. They run
over a `Draft`, so that they find what there is to find also in a file that is wrong elsewhere. What
one value decides alone is its reader's to say (`values`), and which keys there are the model's.
"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Final

from orchestration.terms.currencies import is_current, minor_unit_decimals
from orchestration.terms.draft import Draft, Finding
from orchestration.terms.exact import decimals_of
from orchestration.terms.values import (
    COUNTRY_VALUE,
    MONEY,
    UP_TO,
    VERSION,
    Reader,
    day,
    name,
    text,
)

Rule = Callable[[Draft], Iterator[Finding]]

# What a method pays by, and what only the other has.
_KEYS_BY_METHOD: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "rate": ("rates", ("pools",)),
    "pool": ("pools", ("rates", "milestones")),
}


def broken_rules(program: Draft) -> list[Finding]:
    """All that breaks a rule in the program."""
    return [finding for rule in RULES for finding in rule(program)]


def nothing_needed_is_empty(program: Draft) -> Iterator[Finding]:
    """Eligibility lists may be empty: such terms let nobody earn. These may not."""
    parts = [program.part(key) for key in ("markets", "periods", "terms", "withholding")]
    for part in [*parts, *_bracket_lists(program)]:
        if part.is_empty:
            yield part.finding("at least one entry")


def days_of_a_period_in_order(program: Draft) -> Iterator[Finding]:
    """starts_on <= ends_on < closes_on <= pays_on, and fx_on <= pays_on."""
    for period in program.part("periods").items():
        yield from _not_before(period, "ends_on", "starts_on")
        yield from _not_before(period, "closes_on", "ends_on", or_on=False)
        yield from _not_before(period, "pays_on", "closes_on")
        yield from _not_before(period, "pays_on", "fx_on")


def periods_in_order_without_overlap(program: Draft) -> Iterator[Finding]:
    last: date | None = None  # the latest day of the periods above
    for period in program.part("periods").items():
        starts_on, ends_on = period.part("starts_on").read(day), period.part("ends_on").read(day)
        if starts_on and last and starts_on <= last:
            expected = f"a day after {last}, on which a period above ends"
            yield period.part("starts_on").finding(expected)
        if ends_on:
            last = max(ends_on, last or ends_on)


def period_keys_differ(program: Draft) -> Iterator[Finding]:
    keys = [period.part("key") for period in program.part("periods").items()]
    yield from _repeats(keys, name, "a key that no period above has")


def versions_rise(program: Draft) -> Iterator[Finding]:
    """Each version is a number above those before it; numbers may be left out."""
    last: int | None = None  # the greatest of the terms above
    for terms in program.part("terms").items():
        version = terms.part("version").read(VERSION)
        if version is not None and last is not None and version <= last:
            expected = f"a version above {last}, which terms above have"
            yield terms.part("version").finding(expected)
        if version is not None:
            last = max(version, last or version)


def terms_in_order(program: Draft) -> Iterator[Finding]:
    """Ascending by effective_from, no two on one day."""
    last: date | None = None
    for terms in program.part("terms").items():
        effective_from = terms.part("effective_from").read(day)
        if effective_from and last and effective_from <= last:
            expected = f"a day after {last}, from which terms above are effective"
            yield terms.part("effective_from").finding(expected)
        if effective_from:
            last = max(effective_from, last or effective_from)


def first_terms_cover_first_period(program: Draft) -> Iterator[Finding]:
    starts_on = _first_day(program)
    for terms in program.part("terms").items()[:1]:
        effective_from = terms.part("effective_from").read(day)
        if effective_from and starts_on and effective_from > starts_on:
            expected = f"{starts_on} or earlier: the first terms cover the first period"
            yield terms.part("effective_from").finding(expected)


def terminated_after_first_day(program: Draft) -> Iterator[Finding]:
    starts_on, terminated_on = _first_day(program), program.part("terminated_on").read(day)
    if terminated_on and starts_on and terminated_on <= starts_on:
        yield program.part("terminated_on").finding(f"a day after {starts_on}, the first of all")


def brackets_rise(program: Draft) -> Iterator[Finding]:
    """Each up_to is above the one before; the last bracket has none, and only the last."""
    for brackets in _bracket_lists(program):
        *bounded, last = [bracket.part("up_to") for bracket in brackets.items()] or [Draft(None)]
        if last.is_given:
            yield last.finding("no up_to in the last bracket")
        floor = None
        for up_to in bounded:
            bound = up_to.read(UP_TO)
            if not up_to.is_given:
                yield up_to.finding("an up_to: only the last bracket has none")
            elif bound is not None and floor is not None and bound <= floor:
                yield up_to.finding(f"a number above {floor:f}, the up_to before it")
            floor = bound if bound is not None else floor


def named_markets_are_the_programs(program: Draft) -> Iterator[Finding]:
    markets = program.part("markets").entries()
    if not markets:  # reported as that; each market named need not be reported too
        return
    expected = "a market of the program"
    for terms in program.part("terms").items():
        for market in terms.part("eligibility").part("markets").items():
            named = market.read(text)
            if named is not None and named not in markets:
                yield market.finding(expected)
        for key in ("rates", "pools", "cap"):
            for named, amount in terms.part("payout").part(key).entries().items():
                if named not in markets:
                    yield amount.key_finding(expected)


def money_fits_its_currency(program: Draft) -> Iterator[Finding]:
    """No more decimals than the currency has, by value: 10.000 is 10."""
    currency = program.part("currency").read(text)
    if currency is not None:
        for period in program.part("periods").items():
            yield from _too_fine(period.part("budget"), currency)
        for terms in program.part("terms").items():
            payout = terms.part("payout")
            for key in ("pools", "cap"):
                for amount in payout.part(key).entries().values():
                    yield from _too_fine(amount, currency)
            for milestone in payout.part("milestones").items():
                yield from _too_fine(milestone.part("amount"), currency)
    for code, amount in program.part("minimum_payout").entries().items():
        yield from _too_fine(amount, code)


def floor_is_not_above_ceiling(program: Draft) -> Iterator[Finding]:
    for terms in program.part("terms").items():
        audience_value = terms.part("audience_value")
        floor = audience_value.part("floor").read(COUNTRY_VALUE)
        ceiling = audience_value.part("ceiling").read(COUNTRY_VALUE)
        if floor is not None and ceiling is not None and floor > ceiling:
            yield audience_value.part("floor").finding(f"at most {ceiling:f}, the ceiling")


def method_has_what_it_pays_by(program: Draft) -> Iterator[Finding]:
    """Method rate has rates, method pool has pools, neither what is only the other's."""
    for terms in program.part("terms").items():
        payout = terms.part("payout")
        method = payout.part("method").read(text) or ""
        if method not in _KEYS_BY_METHOD:
            continue
        needed, foreign = _KEYS_BY_METHOD[method]
        if not payout.part(needed).is_given:
            yield payout.part(needed).finding(f"{needed}, which method {method} pays by")
        for key in foreign:
            if payout.part(key).items() or payout.part(key).entries():
                yield payout.part(key).finding(f"no {key} with method {method}")


def lists_do_not_repeat(program: Draft) -> Iterator[Finding]:
    for terms in program.part("terms").items():
        for key in ("account_types", "markets", "content_types", "excludes"):
            words = terms.part("eligibility").part(key).items()
            yield from _repeats(words, text, "each once")


def last_withholding_row_matches_all(program: Draft) -> Iterator[Finding]:
    for row in program.part("withholding").items()[-1:]:
        for key in ("tax_residence", "tax_form"):
            if row.part(key).read(text) not in ("*", None):
                yield row.part(key).finding("'*': the last row matches all")


RULES: Final[tuple[Rule, ...]] = (
    nothing_needed_is_empty,
    days_of_a_period_in_order,
    periods_in_order_without_overlap,
    period_keys_differ,
    versions_rise,
    terms_in_order,
    first_terms_cover_first_period,
    terminated_after_first_day,
    brackets_rise,
    named_markets_are_the_programs,
    money_fits_its_currency,
    floor_is_not_above_ceiling,
    method_has_what_it_pays_by,
    lists_do_not_repeat,
    last_withholding_row_matches_all,
)


def _first_day(program: Draft) -> date | None:
    periods = program.part("periods").items()
    return periods[0].part("starts_on").read(day) if periods else None


def _bracket_lists(program: Draft) -> Iterator[Draft]:
    for terms in program.part("terms").items():
        yield from terms.part("payout").part("rates").entries().values()
    for row in program.part("withholding").items():
        yield row.part("brackets")


def _not_before(period: Draft, key: str, earlier: str, *, or_on: bool = True) -> Iterator[Finding]:
    """The day `key` is after the day `earlier`, or on it where that is allowed."""
    later_day, earlier_day = period.part(key).read(day), period.part(earlier).read(day)
    if later_day is None or earlier_day is None:
        return
    if later_day < earlier_day or (later_day == earlier_day and not or_on):
        expected = f"{earlier_day} or later" if or_on else f"a day after {earlier_day}"
        yield period.part(key).finding(f"{expected} ({earlier})")


def _repeats(drafts: list[Draft], reader: Reader[object], expected: str) -> Iterator[Finding]:
    seen = set()
    for draft in drafts:
        value = draft.read(reader)
        if value is not None and value in seen:
            yield draft.finding(expected)
        seen.add(value)


def _too_fine(amount: Draft, currency: str) -> Iterator[Finding]:
    value = amount.read(MONEY)
    if value is None or not is_current(currency):  # both reported where they stand
        return
    decimals = minor_unit_decimals(currency)
    if decimals_of(value) > decimals:
        yield amount.finding(f"at most {decimals} decimals, as {currency} has")
