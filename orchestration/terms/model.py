"""The program file as a typed, frozen model (contract §1).

The model mirrors the file key for key, so a key path in a message is also the way to the attribute.
Fields say how one value must be (`values`); `rules` holds what several decide, and `Program` checks
those too: a Program that exists keeps the whole contract. Numbers are int or Decimal, days dates,
lists tuples, mappings read-only.

The methods carry out what the contract says of a program alone, without any landing data.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WrapSerializer,
    model_validator,
)

from orchestration.terms import values
from orchestration.terms.calendar import zone_names
from orchestration.terms.currencies import is_currency_pair, is_current, minor_units
from orchestration.terms.draft import Draft, Finding, is_null
from orchestration.terms.rules import broken_rules

Name = Annotated[str, BeforeValidator(values.name)]
Id = Annotated[str, BeforeValidator(values.identifier)]
Currency = Annotated[
    str, BeforeValidator(values.known(is_current, "an ISO 4217 currency code in use, such as USD"))
]
CurrencyPair = Annotated[
    str,
    BeforeValidator(
        values.known(is_currency_pair, "two ISO 4217 currency codes, base first, such as USD/JPY")
    ),
]
TimeZone = Annotated[
    str,
    BeforeValidator(
        values.known(lambda zone: zone in zone_names(), "a time zone, such as America/Los_Angeles")
    ),
]
Day = Annotated[date, BeforeValidator(values.day)]
Money = Annotated[Decimal, BeforeValidator(values.MONEY)]
Weight = Annotated[Decimal, BeforeValidator(values.WEIGHT)]
CountryValue = Annotated[Decimal, BeforeValidator(values.COUNTRY_VALUE)]
Rate = Annotated[Decimal, BeforeValidator(values.RATE)]
WithholdingRate = Annotated[Decimal, BeforeValidator(values.WITHHOLDING_RATE)]
FxRate = Annotated[Decimal, BeforeValidator(values.FX_RATE)]
UpTo = Annotated[Decimal, BeforeValidator(values.UP_TO)]

AccountType = Annotated[
    Literal["creator", "business", "personal"],
    BeforeValidator(values.one_of("creator", "business", "personal")),
]
Exclusion = Annotated[
    Literal["branded_content", "collab", "watermark", "not_original"],
    BeforeValidator(values.one_of("branded_content", "collab", "watermark", "not_original")),
]

K = TypeVar("K")
V = TypeVar("V")
ReadOnly = Annotated[
    Mapping[K, V],
    AfterValidator(MappingProxyType),
    WrapSerializer(lambda mapping, serialize: serialize(dict(mapping))),
]


def _nothing() -> Mapping[Any, Any]:
    """The default of a mapping; a factory, since pydantic would copy a default, which it cannot."""
    return MappingProxyType({})


class BrokenRulesError(ValueError):
    """A program whose values are each as they should be, but not together."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(str(finding) for finding in findings))


class UnknownPeriodError(LookupError):
    """The program has no period with this key."""

    def __init__(self, key: str, known: list[str]) -> None:
        super().__init__(f"unknown period {key!r}; the program has {', '.join(known)}")


class UnknownKey:
    """Stands for the value of a key that a part does not have, and tells which it has."""

    def __init__(self, known: list[str]) -> None:
        self.known = known


class Part(BaseModel):
    """The base of all parts of a program: frozen, and no keys but their own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent_for_optional_keys(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        given = {}
        for key, value in data.items():
            field = cls.model_fields.get(key)
            if field is None:
                given[key] = UnknownKey(list(cls.model_fields))
            elif field.is_required() or not is_null(value):
                given[key] = value
        return given


class Market(Part):
    """The market of a creator: its days are those of the time zone."""

    timezone: TimeZone


class Period(Part):
    """One bonus period; `starts_on` and `ends_on` are both inside it."""

    key: Name
    starts_on: Day
    ends_on: Day
    closes_on: Day  # begins at 00:00 UTC, as does pays_on
    fx_on: Day
    pays_on: Day
    budget: Money | None = None  # program currency
    fx_confirmed: ReadOnly[CurrencyPair, FxRate] = Field(default_factory=_nothing)  # §8


class Eligibility(Part):
    """The conditions under which creators and posts can earn (§4)."""

    account_types: tuple[AccountType, ...]
    markets: tuple[Id, ...]
    minimum_age: Annotated[int, BeforeValidator(values.AGE_YEARS)] | None = None
    content_types: tuple[Id, ...]
    minimum_views: Annotated[int, BeforeValidator(values.MINIMUM_VIEWS)] = 0
    maximum_posts: Annotated[int, BeforeValidator(values.MAXIMUM_POSTS)] | None = None
    counts_posts: Annotated[
        Literal["published_in_window", "any"],
        BeforeValidator(values.one_of("published_in_window", "any")),
    ]
    excludes: tuple[Exclusion, ...] = ()


class Weights(Part):
    """Points per unit of a count, for posts of one content type (§5)."""

    views: Weight = Decimal(0)
    likes: Weight = Decimal(0)
    comments: Weight = Decimal(0)
    shares: Weight = Decimal(0)


class AudienceValue(Part):
    """The value of an account in a country; the mean is clamped to [floor, ceiling] (§5)."""

    countries: ReadOnly[Id, CountryValue]
    other: CountryValue
    floor: CountryValue | None = None
    ceiling: CountryValue | None = None


class Bracket(Part):
    """A marginal rate: program currency per 1000 points, up to a creator's points in the period."""

    up_to: UpTo | None = None  # None: the last
    rate: Rate


class Milestone(Part):
    """An amount for at least so many eligible posts of a content type (§6)."""

    content_type: Id
    posts: Annotated[int, BeforeValidator(values.MILESTONE_POSTS)]
    amount: Money  # program currency


class Payout(Part):
    """The way from points to money in the program currency (§6)."""

    method: Annotated[Literal["rate", "pool"], BeforeValidator(values.one_of("rate", "pool"))]
    # None, not empty, where absent: a method must have what it pays by, if only `{}`.
    rates: ReadOnly[Id, tuple[Bracket, ...]] | None = None
    pools: ReadOnly[Id, Money] | None = None
    cap: ReadOnly[Id, Money] = Field(default_factory=_nothing)
    milestones: tuple[Milestone, ...] = ()


class TermsVersion(Part):
    """The rules from a day on, until the next version's."""

    version: Annotated[int, BeforeValidator(values.VERSION)]
    effective_from: Day
    eligibility: Eligibility
    weights: ReadOnly[Id, Weights]
    audience_value: AudienceValue
    payout: Payout


class WithholdingBracket(Part):
    """A marginal rate: the part of an amount that is withheld, up to an amount that is paid."""

    up_to: UpTo | None = None  # payout currency; None: the last
    rate: WithholdingRate


class WithholdingRule(Part):
    """The withholding from payees of a tax residence with a tax form; '*' matches any."""

    tax_residence: Id
    tax_form: Id
    brackets: tuple[WithholdingBracket, ...]

    def matches(self, tax_residence: str, tax_form: str) -> bool:
        """True if the row is about payees with this tax residence and tax form."""
        return self.tax_residence in ("*", tax_residence) and self.tax_form in ("*", tax_form)


class Program(Part):
    """A whole program file."""

    program: Name
    currency: Currency
    markets: ReadOnly[Id, Market]
    periods: tuple[Period, ...]
    terms: tuple[TermsVersion, ...]
    terminated_on: Day | None = None
    minimum_payout: ReadOnly[Currency, Money] = Field(default_factory=_nothing)
    withholding: tuple[WithholdingRule, ...]

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> "Program":
        if findings := broken_rules(Draft(self)):
            raise BrokenRulesError(findings)
        return self

    def period(self, key: str) -> Period:
        """The period with this key; UnknownPeriodError if there is none."""
        for period in self.periods:
            if period.key == key:
                return period
        raise UnknownPeriodError(key, [period.key for period in self.periods])

    def last_day(self, period: Period) -> date:
        """The earlier of ends_on and the day before terminated_on (§1).

        In a period that begins after the program was ended, this lies before its starts_on.
        """
        if self.terminated_on is None:
            return period.ends_on
        return min(period.ends_on, self.terminated_on - timedelta(days=1))

    def version_no_in_force(self, day: date) -> int:
        """The place in `terms`, from 0, of the version in force on the day.

        LookupError for a day before the first version.
        """
        started = [no for no, terms in enumerate(self.terms) if terms.effective_from <= day]
        if not started:
            raise LookupError(f"no terms on {day}: the first are effective from a later day")
        return started[-1]

    def version_in_force(self, day: date) -> TermsVersion:
        """The terms in force on the day; LookupError for a day before the first version."""
        return self.terms[self.version_no_in_force(day)]

    def withholding_rule(self, tax_residence: str, tax_form: str) -> WithholdingRule:
        """The first row that matches; the last matches all (§1)."""
        return next(row for row in self.withholding if row.matches(tax_residence, tax_form))

    def has_no_minimum_payout(self, period: Period) -> bool:
        """True if the program ends with the period or before, so all that is owed is paid (§7)."""
        if self.terminated_on is None:
            return False
        return period.ends_on >= self.terminated_on - timedelta(days=1)

    def minimum_payout_minor(self, currency: str, period: Period) -> int:
        """The least amount that is paid in the period, in minor units of the currency (§7)."""
        if currency not in self.minimum_payout or self.has_no_minimum_payout(period):
            return 0
        return minor_units(self.minimum_payout[currency], currency)
