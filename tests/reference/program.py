"""The program file (contract §1) as plain values: dates, fractions, whole minor units. It is taken to be valid."""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

from ruamel.yaml import YAML

from .exact import unit

NULL = ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True)
class Period:
    key: str
    starts_on: date
    ends_on: date
    closes_on: date
    fx_on: date
    pays_on: date
    budget_minor: int | None


@dataclass(frozen=True)
class Terms:
    version: int
    effective_from: date
    account_types: list
    markets: list
    minimum_age: int | None
    content_types: list
    minimum_views: Fraction
    maximum_posts: int | None
    counts_any: bool
    excludes: list
    weights: dict  # content type -> count -> points
    country_values: dict
    other_value: Fraction
    floor: Fraction | None
    ceiling: Fraction | None
    is_pool: bool
    rates: dict  # market -> brackets [(up_to or None, rate)]
    pools_minor: dict
    caps_minor: dict
    milestones: list  # [(content type, posts, amount_minor)]


@dataclass(frozen=True)
class Program:
    name: str
    currency: str
    zones: dict  # market -> ZoneInfo
    periods: list
    terms: list
    terminated_on: date | None
    minimum_payout_minor: dict  # currency -> minor units
    withholding: list  # [(tax_residence, tax_form, brackets)]

    def terms_on(self, day: date) -> Terms:
        """§1: "Its rules at a given day are one terms version": the last one effective by then."""
        return [terms for terms in self.terms if terms.effective_from <= day][-1]

    def last_day(self, period: Period) -> date:
        """§1: "The last day of a period is the earlier of ends_on and the day before terminated_on"."""
        if self.terminated_on is None:
            return period.ends_on
        return min(period.ends_on, self.terminated_on - timedelta(days=1))

    def up_to(self, period: Period) -> list:
        """§7: "this one or an earlier one of the program"."""
        return self.periods[: self.periods.index(period) + 1]

    def period(self, key: str) -> Period:
        """§1: "periods: in order; they must not overlap", each found by its key."""
        return next(period for period in self.periods if period.key == key)


def read_program(path: Path) -> Program:
    """§1: "YAML 1.2 (`NO` is Norway)": all scalars are read as text, so no number is ever a float."""
    return program_of(YAML(typ="base").load(Path(path).read_bytes()))


def program_of(raw: dict) -> Program:
    """§1: the keys of the program file, each scalar as its text."""
    money = unit(raw["currency"])
    ended = raw.get("terminated_on", "")
    return Program(
        name=raw["program"],
        currency=raw["currency"],
        zones={market: ZoneInfo(row["timezone"]) for market, row in raw["markets"].items()},
        periods=[read_period(row, money) for row in raw["periods"]],
        terms=[read_terms(row, money) for row in raw["terms"]],
        terminated_on=None if ended in NULL else date.fromisoformat(ended),
        minimum_payout_minor={
            currency: int(Fraction(amount) * unit(currency))
            for currency, amount in mapping(raw, "minimum_payout").items()
        },
        withholding=[
            (row["tax_residence"], row["tax_form"], brackets(row["brackets"]))
            for row in raw["withholding"]
        ],
    )


def read_period(raw: dict, money: int) -> Period:
    """§1: "budget: optional"; "currency: program currency: terms, caps and budgets are in it"."""
    days = {
        name: date.fromisoformat(raw[name])
        for name in ("starts_on", "ends_on", "closes_on", "fx_on", "pays_on")
    }
    budget = number(raw, "budget")
    return Period(
        key=raw["key"], budget_minor=None if budget is None else int(budget * money), **days
    )


def read_terms(raw: dict, money: int) -> Terms:
    """§1: "Optional keys: budget, minimum_age, minimum_views (0), maximum_posts, excludes (none), single weights (0),
    floor, ceiling, cap (a market without one has none), milestones, minimum_payout, terminated_on"."""
    eligibility, audience, payout = raw["eligibility"], raw["audience_value"], raw["payout"]
    return Terms(
        version=int(raw["version"]),
        effective_from=date.fromisoformat(raw["effective_from"]),
        account_types=eligibility["account_types"],
        markets=eligibility["markets"],
        minimum_age=number(eligibility, "minimum_age"),
        content_types=eligibility["content_types"],
        minimum_views=number(eligibility, "minimum_views") or Fraction(0),
        maximum_posts=number(eligibility, "maximum_posts"),
        counts_any=eligibility["counts_posts"] == "any",
        excludes=listed(eligibility, "excludes"),
        weights={
            kind: {count: Fraction(w) for count, w in row.items()}
            for kind, row in mapping(raw, "weights").items()
        },
        country_values={
            country: Fraction(value) for country, value in mapping(audience, "countries").items()
        },
        other_value=Fraction(audience["other"]),
        floor=number(audience, "floor"),
        ceiling=number(audience, "ceiling"),
        is_pool=payout["method"] == "pool",
        rates={market: brackets(rows) for market, rows in mapping(payout, "rates").items()},
        pools_minor={
            market: int(Fraction(amount) * money)
            for market, amount in mapping(payout, "pools").items()
        },
        caps_minor={
            market: int(Fraction(amount) * money)
            for market, amount in mapping(payout, "cap").items()
        },
        milestones=[
            (row["content_type"], int(row["posts"]), int(Fraction(row["amount"]) * money))
            for row in listed(payout, "milestones")
        ],
    )


def brackets(rows: list) -> list:
    """§1: "Brackets are marginal ... the last has none [no up_to]"."""
    return [(number(row, "up_to"), Fraction(row["rate"])) for row in rows]


def number(raw: dict, key: str) -> Fraction | None:
    """§1: "Optional keys": an absent or null number is None; it is never read through a float."""
    return None if raw.get(key, "") in NULL else Fraction(raw[key])


def mapping(raw: dict, key: str) -> dict:
    """§1: "Optional keys": an absent or null mapping has no entries."""
    return {} if raw.get(key, "") in NULL else raw[key]


def listed(raw: dict, key: str) -> list:
    """§1: "Optional keys": an absent or null list has no entries."""
    return [] if raw.get(key, "") in NULL else raw[key]
