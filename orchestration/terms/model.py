"""A program and its terms as typed, frozen values (contract §1), and what §1, §3 and §7 ask of them.

What one value may be stands at its field; what several values decide together is in `rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from orchestration.terms import values
from orchestration.terms.currencies import is_currency, minor_units
from orchestration.terms.values import Unfit
from orchestration.terms.yaml_reader import MappingNode, Scalar, SequenceNode

EXCLUDES = ("branded_content", "collab", "watermark", "not_original")
ACCOUNT_TYPES = ("creator", "business", "personal")
ANYTHING = "*"
MOST = 10**15
"""The greatest count of §2: no bound on a count needs more."""

T = TypeVar("T")


def _is_zone(name: str) -> bool:
    return name in available_timezones()


def _sequence(value: object) -> object:
    if isinstance(value, Scalar | MappingNode | str):
        raise Unfit("a list")
    return value


def _mapping(value: object) -> object:
    if isinstance(value, Scalar | SequenceNode | str):
        raise Unfit("keys with values")
    return value


def _without_repeats(value: tuple[T, ...]) -> tuple[T, ...]:
    if len(set(value)) != len(value):
        raise Unfit("each value once")
    return value


Identifier = Annotated[str, BeforeValidator(values.identifier)]
Name = Annotated[str, BeforeValidator(values.name)]
Day = Annotated[date, BeforeValidator(values.day)]
Currency = Annotated[
    str, BeforeValidator(values.known(is_currency, "a currency code of ISO 4217, such as USD"))
]
Zone = Annotated[
    str,
    BeforeValidator(
        values.known(_is_zone, "a time zone of the IANA database, such as Asia/Tokyo")
    ),
]
Money = Annotated[Decimal, BeforeValidator(values.number(0, 10**12, None))]
Weight = Annotated[Decimal, BeforeValidator(values.number(0, 10**4, 4))]
CountryValue = Annotated[Decimal, BeforeValidator(values.number(0, 100))]
Rate = Annotated[Decimal, BeforeValidator(values.number(0, 10**6))]
UpTo = Annotated[Decimal, BeforeValidator(values.number(0, MOST, above=True))]


class _Frozen(BaseModel):
    """Typed and frozen; unknown keys are errors, an explicit null is no value for optional keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise Unfit("keys with values")
        optional = {name for name, entry in cls.model_fields.items() if not entry.is_required()}
        return {
            key: entry
            for key, entry in value.items()
            if not (key in optional and isinstance(entry, Scalar) and entry.is_null)
        }


class Market(_Frozen):
    """A market: its days are those of one time zone."""

    timezone: Zone


class Period(_Frozen):
    """A bonus period; `starts_on` and `ends_on` are both inside it. The budget is in program currency."""

    key: Name
    starts_on: Day
    ends_on: Day
    closes_on: Day
    fx_on: Day
    pays_on: Day
    budget: Money | None = None


class Eligibility(_Frozen):
    """Who and what may earn (§4)."""

    account_types: Annotated[
        tuple[Annotated[str, BeforeValidator(values.one_of(*ACCOUNT_TYPES))], ...],
        BeforeValidator(_sequence), Field(),
    ]
    markets: Annotated[tuple[Identifier, ...], BeforeValidator(_sequence)]
    content_types: Annotated[tuple[Identifier, ...], BeforeValidator(_sequence)]
    counts_posts: Annotated[
        str, BeforeValidator(values.one_of("published_in_window", "any"))
    ]
    minimum_age: Annotated[int, BeforeValidator(values.whole(0, 150))] | None = None
    minimum_views: Annotated[int, BeforeValidator(values.whole(0, MOST))] = 0
    maximum_posts: Annotated[int, BeforeValidator(values.whole(0, MOST))] | None = None
    excludes: Annotated[
        tuple[Annotated[str, BeforeValidator(values.one_of(*EXCLUDES))], ...],
        BeforeValidator(_sequence),
    ] = ()

    @model_validator(mode="after")
    def _lists_do_not_repeat(self) -> Eligibility:
        for name in ("account_types", "markets", "content_types", "excludes"):
            found = getattr(self, name)
            if len(set(found)) != len(found):
                raise Unfit(f"each value of {name} once")
        return self


class Weights(_Frozen):
    """Points per unit of each count, for one content type (§5)."""

    views: Weight = Decimal(0)
    likes: Weight = Decimal(0)
    comments: Weight = Decimal(0)
    shares: Weight = Decimal(0)


class AudienceValue(_Frozen):
    """What an account of each country is worth (§5)."""

    countries: Annotated[dict[Identifier, CountryValue], BeforeValidator(_mapping)]
    other: CountryValue
    floor: CountryValue | None = None
    ceiling: CountryValue | None = None

    @model_validator(mode="after")
    def _floor_is_not_above_ceiling(self) -> AudienceValue:
        if self.floor is not None and self.ceiling is not None and self.floor > self.ceiling:
            raise Unfit("a floor that is not above the ceiling")
        return self


class Bracket(_Frozen):
    """A rate for the part of an amount up to `up_to`; the last bracket has none."""

    rate: Rate
    up_to: UpTo | None = None


def _rising(brackets: tuple[Bracket, ...]) -> tuple[Bracket, ...]:
    """§1: each `up_to` "above the one before", "the last has none"."""
    bounds = [bracket.up_to for bracket in brackets]
    if not bounds or bounds[-1] is not None or None in bounds[:-1]:
        raise Unfit("brackets of which the last, and only the last, has no up_to")
    rising = [bound for bound in bounds if bound is not None]
    if any(upper <= lower for lower, upper in zip(rising, rising[1:], strict=False)):
        raise Unfit("brackets whose up_to rise")
    return brackets


class Milestone(_Frozen):
    """An amount for at least so many eligible posts of a type."""

    content_type: Identifier
    posts: Annotated[int, BeforeValidator(values.whole(1, MOST))]
    amount: Money


Brackets = Annotated[
    tuple[Bracket, ...], BeforeValidator(_sequence),
]


class Payout(_Frozen):
    """How points become money (§6), in program currency."""

    method: Annotated[Literal["rate", "pool"], BeforeValidator(values.one_of("rate", "pool"))]
    rates: Annotated[dict[Identifier, Brackets], BeforeValidator(_mapping)] | None = None
    pools: Annotated[dict[Identifier, Money], BeforeValidator(_mapping)] | None = None
    cap: Annotated[dict[Identifier, Money], BeforeValidator(_mapping)] = {}
    milestones: Annotated[tuple[Milestone, ...], BeforeValidator(_sequence)] = ()

    @model_validator(mode="after")
    def _keys_fit_the_method(self) -> Payout:
        if self.method == "rate" and (self.rates is None or self.pools is not None):
            raise Unfit("rates and no pools with method rate")
        if self.method == "pool" and (
            self.pools is None or self.rates is not None or self.milestones
        ):
            raise Unfit("pools, no rates and no milestones with method pool")
        for brackets in (self.rates or {}).values():
            _rising(brackets)
        return self


class TermsVersion(_Frozen):
    """The rules from one day on, until the next version."""

    version: Annotated[int, BeforeValidator(values.whole(0, 10**9))]
    effective_from: Day
    eligibility: Eligibility
    weights: Annotated[dict[Identifier, Weights], BeforeValidator(_mapping)]
    audience_value: AudienceValue
    payout: Payout


class WithholdingRule(_Frozen):
    """What is withheld from payees of a residence and tax form; '*' matches anything (§7)."""

    tax_residence: Identifier
    tax_form: Identifier
    brackets: Brackets

    @model_validator(mode="after")
    def _rates_are_shares(self) -> WithholdingRule:
        _rising(self.brackets)
        if any(bracket.rate > 1 for bracket in self.brackets):
            raise Unfit("withholding rates from 0 to 1")
        return self

    def matches(self, tax_residence: str, tax_form: str) -> bool:
        """Whether this row is about such a payee."""
        return self.tax_residence in (ANYTHING, tax_residence) and self.tax_form in (
            ANYTHING,
            tax_form,
        )


class Program(_Frozen):
    """A whole program file."""

    program: Name
    currency: Currency
    markets: Annotated[dict[Identifier, Market], BeforeValidator(_mapping)]
    periods: Annotated[tuple[Period, ...], BeforeValidator(_sequence)]
    terms: Annotated[tuple[TermsVersion, ...], BeforeValidator(_sequence)]
    withholding: Annotated[tuple[WithholdingRule, ...], BeforeValidator(_sequence)]
    terminated_on: Day | None = None
    minimum_payout: Annotated[dict[Currency, Money], BeforeValidator(_mapping)] = {}

    def period(self, key: str) -> Period:
        """The period with this key; KeyError if there is none."""
        for period in self.periods:
            if period.key == key:
                return period
        raise KeyError(key)

    def last_day(self, period: Period) -> date:
        """§1: "the earlier of ends_on and the day before terminated_on"."""
        if self.terminated_on is None:
            return period.ends_on
        return min(period.ends_on, self.terminated_on - timedelta(days=1))

    def version_in_force(self, day: date) -> TermsVersion:
        """The terms version of a day: the last one whose effective_from is not after it."""
        return self.terms[self.version_no_in_force(day)]

    def version_no_in_force(self, day: date) -> int:
        """Its position in `terms`, from 0. ValueError for a day before the first version."""
        found = [n for n, version in enumerate(self.terms) if version.effective_from <= day]
        if not found:
            raise ValueError(f"no terms are in force on {day}")
        return found[-1]

    def withholding_rule(self, tax_residence: str, tax_form: str) -> WithholdingRule:
        """§1: "first row that matches wins"; the last matches all."""
        return next(rule for rule in self.withholding if rule.matches(tax_residence, tax_form))

    def minimum_payout_minor(self, currency: str, period: Period) -> int:
        """§7: "0 where none is given, and in every period with ends_on >= terminated_on - 1 day"."""
        if self.terminated_on is not None and period.ends_on >= self.terminated_on - timedelta(
            days=1
        ):
            return 0
        return minor_units(self.minimum_payout.get(currency, Decimal(0)), currency)
