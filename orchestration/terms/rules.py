"""What several values of a program file decide together (contract §1).

Each rule is a small function over the parts that could be read, so that one bad value does not hide
what is wrong with the others. A finding is (key path, what was found, what was expected).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

from orchestration.terms.currencies import minor_unit_decimals
from orchestration.terms.model import ANYTHING, Market, Period, TermsVersion, WithholdingRule
from orchestration.terms.problems import KeyPath
from orchestration.terms.values import decimals_of

Finding = tuple[KeyPath, str, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parts:
    """What could be read of a program file; None where a value was no good."""

    currency: str | None
    markets: Mapping[str, Market] | None
    periods: Sequence[Period | None] | None
    terms: Sequence[TermsVersion | None] | None
    withholding: Sequence[WithholdingRule | None] | None
    terminated_on: date | None
    minimum_payout: Mapping[str, Decimal] | None


def findings(parts: Parts) -> list[Finding]:
    """All that is wrong with the parts together, rule by rule."""
    return [finding for rule in _RULES for finding in rule(parts)]


def _something_is_there(parts: Parts) -> Iterator[Finding]:
    for name in ("markets", "periods", "terms", "withholding"):
        if getattr(parts, name) is not None and not getattr(parts, name):
            yield (name,), "nothing", "at least one"


def _days_of_a_period(parts: Parts) -> Iterator[Finding]:
    """§1: "starts_on <= ends_on < closes_on <= pays_on, fx_on <= pays_on"."""
    for number, period in _numbered(parts.periods):
        for earlier, later, strict in (
            ("starts_on", "ends_on", False),
            ("ends_on", "closes_on", True),
            ("closes_on", "pays_on", False),
            ("fx_on", "pays_on", False),
        ):
            first, second = getattr(period, earlier), getattr(period, later)
            if first > second or (strict and first == second):
                relation = "after" if strict else "on or after"
                yield (
                    ("periods", number, later), str(second), f"a day {relation} {earlier} {first}"
                )


def _periods_in_order(parts: Parts) -> Iterator[Finding]:
    """§1: periods "in order; they must not overlap"."""
    seen: set[str] = set()
    last: Period | None = None
    for number, period in _numbered(parts.periods):
        if period.key in seen:
            yield ("periods", number, "key"), period.key, "a key that no other period has"
        seen.add(period.key)
        if last is not None and period.starts_on <= last.ends_on:
            yield (
                ("periods", number, "starts_on"), str(period.starts_on),
                f"a day after the end of {last.key} on {last.ends_on}; periods stand in order "
                "and do not overlap",
            )
        last = period


def _terms_in_order(parts: Parts) -> Iterator[Finding]:
    """§1: terms "in order of effective_from; the first covers the first period"."""
    seen: set[int] = set()
    last: TermsVersion | None = None
    for number, version in _numbered(parts.terms):
        if version.version in seen:
            yield ("terms", number, "version"), str(version.version), "a version no other terms have"
        seen.add(version.version)
        if last is not None and version.effective_from <= last.effective_from:
            yield (
                ("terms", number, "effective_from"), str(version.effective_from),
                f"a day after {last.effective_from}, the effective_from before it",
            )
        last = version
    first_terms = parts.terms[0] if parts.terms else None
    first_period = parts.periods[0] if parts.periods else None
    if first_terms and first_period and first_terms.effective_from > first_period.starts_on:
        yield (
            ("terms", 0, "effective_from"), str(first_terms.effective_from),
            f"a day not after {first_period.starts_on}, when the first period starts",
        )


def _terminated_after_the_start(parts: Parts) -> Iterator[Finding]:
    """§1: "terminated_on lies after the first period's starts_on"."""
    first = parts.periods[0] if parts.periods else None
    if parts.terminated_on and first and parts.terminated_on <= first.starts_on:
        yield (
            ("terminated_on",), str(parts.terminated_on),
            f"a day after {first.starts_on}, when the first period starts",
        )


def _markets_are_known(parts: Parts) -> Iterator[Finding]:
    if parts.markets is None:
        return
    expected = f"a market of the program: {', '.join(sorted(parts.markets))}"
    for number, version in _numbered(parts.terms):
        at: KeyPath = ("terms", number)
        for place, market in enumerate(version.eligibility.markets):
            if market not in parts.markets:
                yield (*at, "eligibility", "markets", place), market, expected
        payout = version.payout
        for key, named in (("rates", payout.rates), ("pools", payout.pools), ("cap", payout.cap)):
            for market in named or {}:
                if market not in parts.markets:
                    yield (*at, "payout", key, market), market, expected


def _money_fits_its_currency(parts: Parts) -> Iterator[Finding]:
    """§1: "an amount of money has no more decimals than its currency has"."""
    for path, currency, amount in _amounts(parts):
        decimals = minor_unit_decimals(currency)
        if decimals_of(amount) > decimals:
            yield path, str(amount), f"an amount of {currency} with at most {decimals} decimals"


def _amounts(parts: Parts) -> Iterator[tuple[KeyPath, str, Decimal]]:
    for currency, amount in (parts.minimum_payout or {}).items():
        yield ("minimum_payout", currency), currency, amount
    if parts.currency is None:
        return
    for number, period in _numbered(parts.periods):
        if period.budget is not None:
            yield ("periods", number, "budget"), parts.currency, period.budget
    for number, version in _numbered(parts.terms):
        at: KeyPath = ("terms", number, "payout")
        for market, amount in version.payout.cap.items():
            yield (*at, "cap", market), parts.currency, amount
        for market, amount in (version.payout.pools or {}).items():
            yield (*at, "pools", market), parts.currency, amount
        for place, milestone in enumerate(version.payout.milestones):
            yield (*at, "milestones", place, "amount"), parts.currency, milestone.amount


def _last_withholding_matches_all(parts: Parts) -> Iterator[Finding]:
    """§1: "the last matches all"."""
    last = parts.withholding[-1] if parts.withholding else None
    if last and (last.tax_residence, last.tax_form) != (ANYTHING, ANYTHING):
        yield (
            ("withholding", len(parts.withholding or ()) - 1),
            f"{last.tax_residence}, {last.tax_form}",
            "a last row with tax_residence '*' and tax_form '*'",
        )


def _numbered(rows: Iterable[T | None] | None) -> Iterator[tuple[int, T]]:
    return ((number, row) for number, row in enumerate(rows or ()) if row is not None)


_RULES = (
    _something_is_there,
    _days_of_a_period,
    _periods_in_order,
    _terms_in_order,
    _terminated_after_the_start,
    _markets_are_known,
    _money_fits_its_currency,
    _last_withholding_matches_all,
)
