"""Whole programs with landing data, drawn dense in boundaries, and valid: nothing in them is blocked.

Two passes: what is drawn first runs through the reference, and then caps, budgets and minimums are
moved to what it found there, or one unit beside it.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.contract import COUNTS
from tests.proof.cases import Case, Landing, Row, Step, as_yaml, instant, text_of, write_landing
from tests.proof.choices import (
    CONTENT_TYPES,
    COUNTRIES,
    CURRENCIES,
    FORMS,
    GREATEST_COUNT,
    MARKETS,
    RESIDENCES,
    ZONES_BY_DAY,
    Draw,
    around,
    day_begins,
    days,
)
from tests.proof.decisions import draw_decisions, replay
from tests.reference.book import Book
from tests.reference.exact import unit
from tests.reference.landing import read_landing
from tests.reference.program import program_of
from tests.reference.settlement import MARKET_CURRENCY, exchange_rate

ONE_DAY = timedelta(days=1)
BEGINNING_OF_TIME = datetime(1, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
DATASETS = (
    "creators",
    "payees",
    "deals",
    "posts",
    "post_metrics",
    "audience",
    "policy_events",
    "fx_rates",
)


@dataclass
class World:
    """A program that is being drawn, the instants that matter to it, and its rows so far."""

    program: dict[str, Any]
    zones: dict[str, str]
    days: list[date]
    is_huge: bool
    instants: dict[str, list[datetime]] = field(default_factory=dict)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def instants_of(self, market: str | None) -> list[datetime]:
        """The boundaries that a creator of the market can meet, each with its neighbours."""
        zone = self.zones.get(market or "", "UTC")
        if zone not in self.instants:
            closing = [
                datetime.combine(period[day], time(), UTC)
                for period in self.program["periods"]
                for day in ("closes_on", "pays_on")
            ]
            self.instants[zone] = around(day_begins(self.days, [zone]) + closing)
        return self.instants[zone]

    def instants_inside(self, market: str | None) -> list[datetime]:
        """Those from the first period's start to the last one's end: where things mostly happen.

        All of them where a period is a day that the zone left out.
        """
        periods, zone = self.program["periods"], self.zones.get(market or "", "UTC")
        first, last = day_begins(
            [periods[0]["starts_on"], periods[-1]["ends_on"] + ONE_DAY], [zone]
        )
        instants = self.instants_of(market)
        return [at for at in instants if first <= at < last] or instants

    def add(self, dataset: str, **values: Any) -> dict[str, Any]:
        """Adds a row; nulls are left out, instants and days become text."""
        row = {name: _cell(value) for name, value in values.items() if value is not None}
        self.rows[dataset].append(row)
        return row


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return text_of(value)
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else value


# The program file.


def draw_world(draw: Draw, lengths: Sequence[int]) -> World:
    """A program without rows, of one of so many periods."""
    first, zones = draw.of(ZONES_BY_DAY)
    currency = draw.of(CURRENCIES)
    markets = draw.some(MARKETS, least=1)[:3]
    zone_of = {market: draw.of(zones) for market in markets}
    periods = _periods(draw, first, draw.of(lengths))
    last = periods[-1]["ends_on"]
    is_huge = draw.rarely(10)
    program = {
        "program": draw.of(("p", "instagram-spring-bonus", "2024")),
        "currency": currency,
        "markets": {market: {"timezone": zone} for market, zone in zone_of.items()},
        "periods": periods,
        "terms": _terms(draw, periods[0]["starts_on"], last, markets, currency, is_huge),
        "minimum_payout": {
            code: draw.of((_least(code), 25 * _least(code))) for code in draw.some(CURRENCIES)
        },
        "withholding": _withholding(draw),
    }
    ended = draw.of((None, None, None, last, last + ONE_DAY, periods[0]["ends_on"]))
    if ended and ended > periods[0]["starts_on"]:
        program["terminated_on"] = ended
    named = {period[key] for period in periods for key in ("starts_on", "ends_on")}
    named |= {period["ends_on"] + ONE_DAY for period in periods}
    named |= {terms["effective_from"] for terms in program["terms"]} | {ended or last}
    named |= {periods[0]["starts_on"] - ONE_DAY, last + 2 * ONE_DAY}
    return World(program, zone_of, sorted(named), is_huge, rows={name: [] for name in DATASETS})


def _least(currency: str) -> Decimal:
    return Decimal(1) / unit(currency)


def _periods(draw: Draw, first: date, length: int) -> list[dict[str, Any]]:
    periods = []
    for number in range(length):
        starts_on = first + draw.upto(2) * ONE_DAY
        ends_on = starts_on + draw.upto(3) * ONE_DAY
        closes_on = ends_on + draw.of((1, 2, 3, 9)) * ONE_DAY  # 9: later than the next one's
        pays_on = closes_on + draw.upto(3) * ONE_DAY
        fx_on = pays_on - draw.upto(4) * ONE_DAY
        periods.append(
            {
                "key": f"p{number}",
                "starts_on": starts_on,
                "ends_on": ends_on,
                "closes_on": closes_on,
                "fx_on": fx_on,
                "pays_on": pays_on,
            }
        )
        first = ends_on + ONE_DAY
    return periods


def _terms(
    draw: Draw, first: date, last: date, markets: list[str], currency: str, is_huge: bool
) -> list[dict[str, Any]]:
    later = draw.some(days(first + ONE_DAY, last))[:3] if draw.upto(1) else []
    rise = 1 + draw.upto(6)  # §1: versions rise; they need not follow one another
    return [
        {
            "version": rise * number,
            "effective_from": effective_from,
            "eligibility": _eligibility(draw, markets),
            "weights": {
                content_type: {
                    count: draw.of(WEIGHTS)
                    for count in COUNTS
                    if count == "views" or draw.mostly(4)
                }
                for content_type in ("reel", *draw.most_of(CONTENT_TYPES[1:3]))
            },
            "audience_value": _audience_value(draw, is_huge),
            "payout": _payout(draw, markets, currency, is_huge),
        }
        for number, effective_from in enumerate([first - draw.upto(1) * ONE_DAY, *later], start=1)
    ]


WEIGHTS = tuple(
    Decimal(text) for text in ("1", "2", "1", "0.8", "5", "10", "0.3333", "0.0001", "0")
)
VALUES = tuple(
    Decimal(text)
    for text in ("1", "1", "0.8", "0.7", "1", "0.333333", "1.5", "2", "1", "0.000001", "0")
)


def _eligibility(draw: Draw, markets: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "account_types": ["creator", *draw.most_of(("business", "personal"))],
        "markets": draw.most_of(markets) if draw.rarely(4) else list(markets),
        "content_types": ["reel", *draw.most_of(CONTENT_TYPES[1:])],
        "counts_posts": draw.of(("any", "any", "published_in_window")),
    }
    if draw.rarely(4):
        found["minimum_age"] = draw.of((18, 0, 16))
    if draw.rarely(6):
        found["minimum_views"] = draw.of((1, 2, 500))
    if draw.rarely(4):
        found["maximum_posts"] = draw.of((1, 2, 0))
    if draw.rarely(3):
        found["excludes"] = draw.some(("branded_content", "collab", "watermark", "not_original"))
    return found


def _audience_value(draw: Draw, is_huge: bool) -> dict[str, Any]:
    values = VALUES if is_huge else (*VALUES, Decimal(100))
    found: dict[str, Any] = {
        "countries": {country: draw.of(values) for country in draw.some(COUNTRIES)},
        "other": draw.of(values),
    }
    floor, ceiling = sorted((draw.of(VALUES), draw.of(values)))
    if draw.rarely(4):
        found["floor"] = floor
    if draw.rarely(4):
        found["ceiling"] = ceiling
    return found


def _payout(draw: Draw, markets: list[str], currency: str, is_huge: bool) -> dict[str, Any]:
    least = _least(currency)
    found: dict[str, Any] = {"method": draw.of(("rate", "pool"))}
    if found["method"] == "rate":
        found["rates"] = {market: _rates(draw, is_huge) for market in draw.most_of(markets)}
        if draw.rarely(2):
            found["milestones"] = [
                {
                    "content_type": draw.of(("reel", *CONTENT_TYPES)),
                    "posts": draw.of((1, 2, 1, 3)),
                    "amount": least * draw.of((1, 3, 5000, 0)),
                }
                for _ in range(1 + draw.upto(2))
            ]
    else:
        amounts = (1, 10_000, 2, 3, 100, 999_999, 100_000, 0)
        found["pools"] = {market: least * draw.of(amounts) for market in draw.most_of(markets)}
    if draw.rarely(4):
        found["cap"] = {market: least * draw.of((1, 50, 5000, 0)) for market in draw.some(markets)}
    return found


def _rates(draw: Draw, is_huge: bool) -> list[dict[str, Any]]:
    """Marginal brackets; `up_to` small, so that points reach them."""
    rates = [Decimal(text) for text in ("0.16", "0.5", "0.125", "0.07", "0.000001", "0")]
    if not is_huge:
        rates[:0] = [Decimal(text) for text in ("16", "150", "12.345678", "1000", "99.99", "5000")]
    bounds = sorted(draw.some([Decimal(text) for text in ("0.5", "1000", "2000.000001")]))
    brackets: list[dict[str, Any]] = [{"up_to": up_to, "rate": draw.of(rates)} for up_to in bounds]
    return [*brackets, {"rate": draw.of(rates)}]


def _withholding(draw: Draw) -> list[dict[str, Any]]:
    rates = [Decimal(text) for text in ("0", "0.3", "0.1021", "0.999999", "1", "0.333333")]
    rows = [
        {
            "tax_residence": draw.of(RESIDENCES),
            "tax_form": draw.of(FORMS),
            "brackets": [
                *(
                    {"up_to": up_to, "rate": draw.of(rates)}
                    for up_to in draw.some((Decimal("0.01"), 1, 100))
                ),
                {"rate": draw.of(rates)},
            ],
        }
        for _ in range(draw.upto(2))
    ]
    return [*rows, {"tax_residence": "*", "tax_form": "*", "brackets": [{"rate": draw.of(rates)}]}]


# The landing data.


def draw_rows(draw: Draw, world: World) -> None:
    """All datasets but fx_rates."""
    creators = draw.ids(draw.of((1, 3, 4, 5, 6)), "c")
    markets = [*list(world.zones) * (36 // len(world.zones)), "US", "JP", "XX"]
    homes = {creator: draw.of(markets) for creator in creators}
    deals = iter(draw.ids(3 * len(creators) + 2, "d"))
    posts = iter(draw.ids(4 * len(creators) + 2, "t"))
    for creator in creators:
        instants, inside = world.instants_of(homes[creator]), world.instants_inside(homes[creator])
        if draw.mostly(20):
            _creator(draw, world, creator, homes[creator], markets, instants)
        if draw.mostly(8):
            _payee(draw, world, creator, instants)
        for _ in range(draw.of((1, 2, 1, 3, 2, 0))):
            _deal(draw, world, next(deals), creator, creators, instants)
        for _ in range(draw.of((2, 1, 3, 4, 0))):
            _post(draw, world, next(posts), creator, creators, instants, inside)
        for _ in range(draw.of((0, 0, 1, 2))):
            _audience(draw, world, creator)
    _policy_events(draw, world, creators)
    _fill(draw, world)


def _versions(draw: Draw, instants: list[datetime]) -> list[datetime]:
    """The updated_at of one row and, now and then, of later versions of it."""
    early = instants[0] - 30 * ONE_DAY
    if draw.upto(1):
        return [early]
    return sorted(
        {early, draw.of(instants), draw.of(instants)} - ({early} if draw.rarely(16) else set())
    )


def _creator(
    draw: Draw,
    world: World,
    creator: str,
    home: str,
    markets: list[str],
    instants: list[datetime],
) -> None:
    starts_on = world.program["periods"][0]["starts_on"]
    for number, updated_at in enumerate(_versions(draw, instants)):
        world.add(
            "creators",
            creator_id=creator,
            account_type=draw.of(("creator", "creator", "business", "personal")),
            market=draw.of(markets) if number and draw.rarely(4) else home,
            birth_date=draw.of((None, None, *_birth_dates(starts_on))),
            updated_at=updated_at,
        )


def _birth_dates(day: date) -> list[date]:
    """18 years before the day, beside it, and a 29 February."""
    years_18 = date(day.year - 18, day.month, min(day.day, 28))
    return [years_18 + number * ONE_DAY for number in (-1, 0, 1, 2)] + [date(2008, 2, 29)]


def _payee(draw: Draw, world: World, creator: str, instants: list[datetime]) -> None:
    for updated_at in _versions(draw, instants):
        world.add(
            "payees",
            creator_id=creator,
            payout_currency=draw.of((world.program["currency"], *CURRENCIES)),
            tax_residence=draw.of(RESIDENCES),
            tax_form=draw.of((None, *FORMS)),
            status=draw.of(("ready", "ready", "ready", "incomplete", "blocked")),
            updated_at=updated_at,
        )


def _deal(
    draw: Draw,
    world: World,
    deal: str,
    creator: str,
    creators: list[str],
    instants: list[datetime],
) -> None:
    for number, updated_at in enumerate(_versions(draw, instants)):
        early, late = instants[0] - 20 * ONE_DAY, instants[-1] + 20 * ONE_DAY
        if draw.rarely(10):
            early, late = BEGINNING_OF_TIME, END_OF_TIME
        world.add(
            "deals",
            deal_id=deal,
            program=world.program["program"] if draw.mostly(10) else "another",
            creator_id=draw.of(creators) if number and draw.rarely(3) else creator,
            invited_at=early if draw.mostly(12) else draw.of(instants),
            activated_at=early if draw.mostly(8) else draw.of((None, draw.of(instants))),
            ends_at=late if draw.mostly(8) else draw.of(instants),
            cap=draw.of((Decimal(1), Decimal(0))) if draw.rarely(8) else None,
            updated_at=updated_at,
        )


def _post(
    draw: Draw,
    world: World,
    post: str,
    creator: str,
    creators: list[str],
    instants: list[datetime],
    inside: list[datetime],
) -> None:
    content_type = draw.of(("reel", "reel", "reel", *CONTENT_TYPES))
    # Mostly early, so that counts grow afterwards.
    published_at = draw.of(inside[: 1 + len(inside) // 4] if draw.mostly(4) else instants)
    for number, updated_at in enumerate(_versions(draw, instants)):
        world.add(
            "posts",
            post_id=post,
            creator_id=draw.of(creators) if number and draw.upto(1) else creator,
            content_type=draw.of(CONTENT_TYPES) if number and draw.rarely(3) else content_type,
            published_at=published_at,
            is_branded_content=draw.rarely(8),
            is_collab=draw.rarely(8),
            has_watermark=draw.rarely(8),
            is_original=draw.mostly(8),
            removed_at=draw.of(instants) if draw.rarely(10) else None,
            updated_at=updated_at,
        )
    after = [at for at in inside if at >= published_at] or inside
    _snapshots(draw, world, post, after if draw.mostly(5) else instants)


GROWTH = (1000, 1, 2, 3, 1000, 500, 999, 1001, 7, 0, 10_000, 100_000, 100_000, -1, -500)


def _snapshots(draw: Draw, world: World, post: str, instants: list[datetime]) -> None:
    """Lifetime totals; they mostly grow, are now and then not reported, or delivered once more.

    Now and then they are another post's to the last count, so that shares and remainders tie.
    """
    others = [row for row in world.rows["post_metrics"] if row["post_id"] != post]
    if others and draw.rarely(4):
        twin = draw.of([row["post_id"] for row in others])
        world.rows["post_metrics"] += [
            row | {"post_id": post} for row in others if row["post_id"] == twin
        ]
        return
    count = draw.of((2, 3, 4, 6, 5, 1, 0)) * len(world.program["periods"])
    seen = sorted({draw.upto(len(instants) - 1) for _ in range(count)})
    totals = dict.fromkeys(COUNTS, 0)
    is_sparse = draw.rarely(2)
    for place in seen:
        for count in totals:
            totals[count] = _grown(draw, world, totals[count])
        _snapshot(draw, world, post, instants[place], totals, is_sparse, None)
        if draw.rarely(6):
            again = {count: _grown(draw, world, total) for count, total in totals.items()}
            late = draw.of((ONE_DAY, timedelta(microseconds=1)))
            _snapshot(draw, world, post, instants[place], again, True, instants[place] + late)


def _grown(draw: Draw, world: World, total: int) -> int:
    if world.is_huge and draw.rarely(8):
        return GREATEST_COUNT
    return max(0, min(GREATEST_COUNT, total + draw.of(GROWTH)))


def _snapshot(
    draw: Draw,
    world: World,
    post: str,
    at: datetime,
    totals: Mapping[str, int],
    is_sparse: bool,
    delivered_at: datetime | None,
) -> None:
    views = totals["views"]
    world.add(
        "post_metrics",
        post_id=post,
        observed_at=at,
        views=views,
        ineligible_views=draw.of((0, min(views, 1), views)) if draw.rarely(4) else None,
        **{count: None if is_sparse and draw.rarely(3) else totals[count] for count in COUNTS[1:]},
        delivered_at=delivered_at,
    )


def _audience(draw: Draw, world: World, creator: str) -> None:
    ends = [
        period["ends_on"] + side * ONE_DAY for period in world.program["periods"] for side in (0, 1)
    ]
    taken = {(row["creator_id"], row["observed_on"]) for row in world.rows["audience"]}
    observed_on = draw.of((ends[0] - 9 * ONE_DAY, *ends))
    if (creator, observed_on.isoformat()) in taken:
        return
    for country in draw.some(COUNTRIES):
        accounts = draw.of((1, 2, 3, 0, 7, GREATEST_COUNT))
        row = world.add(
            "audience",
            creator_id=creator,
            observed_on=observed_on,
            country=country,
            accounts=accounts,
        )
        if draw.rarely(6):
            delivered_at = text_of(datetime.combine(observed_on + ONE_DAY, time(), UTC))
            world.rows["audience"].append(
                row | {"accounts": draw.of((0, 1, 5)), "delivered_at": delivered_at}
            )


def _policy_events(draw: Draw, world: World, creators: list[str]) -> None:
    posts = [row["post_id"] for row in world.rows["posts"]]
    closing = around(
        datetime.combine(period["closes_on"], time(), UTC) for period in world.program["periods"]
    )
    instants = world.instants_of(next(iter(world.zones)))
    for event in draw.ids(draw.of((0, 0, 1, 2, 4)), "e"):
        kind = draw.of(("creator", "post")) if posts else "creator"
        world.add(
            "policy_events",
            event_id=event,
            subject_type=kind,
            subject_id=draw.of(creators if kind == "creator" else posts),
            policy=draw.of(("spam", "=p")),
            status=draw.of(("violated", "cleared")),
            effective_at=draw.of(closing if draw.upto(1) else instants),
        )


def _fill(draw: Draw, world: World) -> None:
    """§8: these datasets must have rows; somebody who takes no part gives them."""
    early = datetime(2000, 1, 1, tzinfo=UTC)
    nobody = "nobody-at-all"
    if not world.rows["creators"]:
        world.add(
            "creators", creator_id=nobody, account_type="creator", market="US", updated_at=early
        )
    if not world.rows["payees"]:
        world.add(
            "payees",
            creator_id=nobody,
            payout_currency=world.program["currency"],
            tax_residence="US",
            status="ready",
            updated_at=early,
        )
    if not world.rows["deals"]:
        world.add(
            "deals",
            deal_id=nobody,
            program="another",
            creator_id=nobody,
            invited_at=early,
            ends_at=early,
            updated_at=early,
        )
    if not world.rows["posts"]:
        world.add(
            "posts",
            post_id=nobody,
            creator_id=nobody,
            content_type="reel",
            published_at=early,
            is_branded_content=False,
            is_collab=False,
            has_watermark=False,
            is_original=True,
            updated_at=early,
        )
    if not world.rows["post_metrics"]:
        post = world.rows["posts"][0]
        world.rows["post_metrics"].append(
            {"post_id": post["post_id"], "observed_at": post["published_at"], "views": 0}
        )


def draw_rates(draw: Draw, world: World) -> None:
    """Rates as they come, beside the days that count; then what is still needed, so nothing blocks."""
    program = world.program["currency"]
    needed = {row["payout_currency"] for row in world.rows["payees"]} | {program}
    needed |= {MARKET_CURRENCY.get(row["market"], program) for row in world.rows["creators"]}
    pairs = [(program, code) for code in sorted(needed - {program})]
    pairs += [("EUR", code) for code in sorted(needed - {"EUR"})]
    for period in world.program["periods"]:
        for base, quote in pairs:
            for number in draw.some((7, 0, 8, -1, 2)) if draw.upto(1) else ():
                _rate(draw, world, period["fx_on"] - number * ONE_DAY, base, quote)


def _rate(draw: Draw, world: World, day: date, base: str, quote: str) -> None:
    key = (day.isoformat(), base, quote)
    taken = {
        (row["rate_date"], row["base_currency"], row["quote_currency"])
        for row in world.rows["fx_rates"]
    }
    if key not in taken:
        world.add(
            "fx_rates", rate_date=day, base_currency=base, quote_currency=quote, rate=draw.of(RATES)
        )


RATES = tuple(
    Decimal(text)
    for text in ("1", "2", "0.5", "150.125", "1310", "0.0066", "1.0846", "0.3333333333")
) + (Decimal("0.0000000001"), Decimal("9999999.9999999999"))


def complete_rates(draw: Draw, world: World, folder: Path) -> None:
    """§8: "no rate for the payout currency of a creator with a deal" blocks; gives what is missing."""
    book, landing = _read(world, folder)
    needed = {row["payout_currency"] for row in world.rows["payees"]}
    needed |= {*MARKET_CURRENCY.values(), world.program["currency"]}
    for period, drawn in zip(book.program.periods, world.program["periods"], strict=True):
        for currency in sorted(needed):
            if exchange_rate(book.program, period, landing["fx_rates"], currency) is None:
                _rate(
                    draw, world, drawn["fx_on"] - 7 * ONE_DAY, world.program["currency"], currency
                )


def confirm_rates(world: World) -> None:
    """§8: rates are drawn far apart, so those that count are confirmed where they are judged."""
    rates: dict[tuple[str, str], dict[date, Any]] = {}
    for row in world.rows["fx_rates"]:
        pair = row["base_currency"], row["quote_currency"]
        rates.setdefault(pair, {})[date.fromisoformat(row["rate_date"])] = row["rate"]
    for period in world.program["periods"]:
        fx_on, confirmed = period["fx_on"], {}
        for (base, quote), by_day in rates.items():
            before = [day for day in by_day if 8 <= (fx_on - day).days <= 67]
            counts = [day for day in by_day if 0 <= (fx_on - day).days <= 7]
            if len(before) >= 5 and counts and base != quote:
                confirmed[f"{base}/{quote}"] = Decimal(by_day[max(counts)])
        if confirmed:
            period["fx_confirmed"] = confirmed


def _read(world: World, folder: Path) -> tuple[Book, dict[str, list[Row]]]:
    """The reference's view of what is drawn so far."""
    place = folder / str(len(list(folder.iterdir())))
    landing = read_landing(write_landing(world.rows, place))
    return Book(program_of(_texts(world.program))), landing


def _texts(value: Any) -> Any:
    """A drawn program as the reference reads one: every scalar a text. A file would take longer."""
    if isinstance(value, Mapping):
        return {key: _texts(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_texts(entry) for entry in value]
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


# Amounts met exactly.


def tighten(draw: Draw, world: World, folder: Path) -> None:
    """Moves caps, budgets, minimums and limits to what the reference found, or a unit beside it."""
    book, landing = _read(world, folder)
    for period in book.program.periods:
        book.run(period.key, landing)
    least = _least(world.program["currency"])
    for period in world.program["periods"]:
        tables = book.tables(period["key"])
        ledger = tables["payout_ledger"]
        total = sum(row["program_amount_minor"] for row in ledger)
        if total and draw.upto(1):
            period["budget"] = _beside(draw, draw.of((total, total // 2))) * least
        earned = [row for row in ledger if row["program_amount_minor"]]
        if earned and draw.rarely(2):
            _cap(draw, world, draw.of(earned), least)
        owed = [row for row in ledger if row["payable_minor"] > 0]
        if owed and draw.upto(2):
            row = draw.of(owed)
            currency = row["payout_currency"]
            amount = _beside(draw, row["payable_minor"])
            world.program["minimum_payout"][currency] = amount * _least(currency)
        seen = [post["qualified_views"] for post in tables["post_eligibility"] if post["eligible"]]
        if seen and draw.rarely(6):
            terms = draw.of(world.program["terms"])
            terms["eligibility"]["minimum_views"] = _beside(draw, draw.of(seen))


def _cap(draw: Draw, world: World, row: Mapping[str, Any], least: Decimal) -> None:
    amount = _beside(draw, row["program_amount_minor"]) * least
    deals = [deal for deal in world.rows["deals"] if deal["creator_id"] == row["creator_id"]]
    if deals and draw.upto(1):
        draw.of(deals)["cap"] = f"{amount:f}"
    elif row["market"] in world.zones:
        payout = draw.of(world.program["terms"])["payout"]
        payout["cap"] = {**payout.get("cap", {}), row["market"]: amount}


FOUND_OUT = "found out later"


def find_out(draw: Draw, world: World, folder: Path) -> None:
    """Who earns is in violation, but no earlier landing says so: what was paid is owed back."""
    book, landing = _read(world, folder)
    for period in book.program.periods:
        book.run(period.key, landing)
    earners = {
        row["creator_id"]
        for period in book.program.periods
        for row in book.tables(period.key)["payout_ledger"]
        if row["program_amount_minor"]
    }
    if earners:
        world.add(
            "policy_events",
            event_id=FOUND_OUT,
            subject_type="creator",
            subject_id=draw.of(sorted(earners)),
            policy="fraud",
            status="violated",
            effective_at=datetime(2000, 1, 1, tzinfo=UTC),
        )


def _beside(draw: Draw, amount: int) -> int:
    return min(max(0, amount + draw.of((0, -1, 1))), 10**12)


# The whole.


def draw_closes(draw: Draw, world: World, landings: int) -> tuple[Step, ...]:
    """Runs, closes and reruns of closed periods, on landings that change in between.

    §7: "earlier periods must be closed first"; who closes is never the one who ran.
    """
    keys = [period["key"] for period in world.program["periods"]]
    if draw.mostly(3):
        return _posted(draw, keys, landings - 1)
    steps: list[Step] = []
    closed = 0
    landing = draw.upto(landings - 1)
    for _ in range(3 + draw.upto(4)):
        may_close = closed < len(keys) and any(step.period == keys[closed] for step in steps)
        if may_close and draw.upto(1):
            steps.append(Step("close", keys[closed]))
            closed += 1
            landing = draw.upto(landings - 1)
        else:
            steps.append(Step("run", draw.of((keys[0], *keys)), landing))
    return tuple(steps)


def _posted(draw: Draw, keys: list[str], last: int) -> tuple[Step, ...]:
    """Each period but the last closes and is restated, and the next one gets what differs.

    Of a single period the restatement is posted nowhere.
    """
    steps = [Step("run", keys[0])]
    for key, later in itertools.pairwise(keys):
        steps += [Step("run", later, draw.upto(last)), Step("close", key)]
        steps.append(Step("run", draw.of((keys[0], key)), last))
        if draw.upto(1):
            steps.append(Step("run", later, last))
    if len(keys) == 1:
        steps += [Step("close", keys[0]), Step("run", keys[0], last)]
    return tuple(steps)


def draw_steps(draw: Draw, world: World, landings: int) -> tuple[Step, ...]:
    """The periods in some order, at times one of them again."""
    keys = [period["key"] for period in world.program["periods"]]
    steps = [Step("run", key, draw.upto(landings - 1)) for key in draw.shuffled(keys)]
    if len(keys) > 1 and draw.rarely(3):
        steps.append(Step("run", draw.of(keys), landings - 1))
    return tuple(steps)


def draw_earlier(draw: Draw, world: World) -> dict[str, list[dict[str, Any]]]:
    """The landing data as it may have been before: some rows were not there yet, some were others.

    Rates stay, and so does a row of each dataset, or the gates would block (§8).
    """
    kept: dict[str, list[dict[str, Any]]] = {}
    for dataset, now in world.rows.items():
        rows = [row for row in now if row.get("event_id") != FOUND_OUT]
        if dataset == "fx_rates":
            kept[dataset] = rows
        else:
            kept[dataset] = [row for row in rows if draw.mostly(15)] or rows[:1]
    kept["post_metrics"] = [_recounted(draw, row) for row in kept["post_metrics"]]
    return kept


def _recounted(draw: Draw, row: dict[str, Any]) -> dict[str, Any]:
    """A snapshot, now and then with more views and likes than it has in the end."""
    if draw.upto(1):
        return row
    more = draw.of((1, 1000, 100_000))
    counts = {name: row[name] + more for name in ("views", "likes") if name in row}
    return row | {name: min(GREATEST_COUNT, count) for name, count in counts.items()}


def draw_chain(draw: Draw, world: World, landings: int) -> tuple[Step, ...]:
    """All periods in some order, then one close after the other with runs of some of them between."""
    keys = [period["key"] for period in world.program["periods"]]
    steps = [Step("run", key, draw.upto(landings - 1)) for key in draw.shuffled(keys)]
    for number, key in enumerate(keys):
        steps.append(Step("close", key))
        again = draw.some(keys[max(0, number - 1) :])[:2]
        steps += [Step("run", other, draw.of((landings - 1, 0))) for other in again]
    return tuple(steps)


@st.composite
def cases(draw_: Any, with_closes: bool = False, with_decisions: bool = False) -> Case:
    """Whole programs with landing data and the order of their runs, and closes if asked for.

    With decisions: adjustments by hand and returned payments, too.
    """
    draw = Draw(draw_)
    world = draw_world(draw, (3, 2, 4) if with_decisions else (2, 1, 3, 2))
    draw_rows(draw, world)
    draw_rates(draw, world)
    with tempfile.TemporaryDirectory(prefix="drawn-") as folder:
        complete_rates(draw, world, Path(folder))
        confirm_rates(world)
        tighten(draw, world, Path(folder))
        if with_closes and draw.upto(2):
            find_out(draw, world, Path(folder))
        landings: list[Any] = [world.rows]
        for _ in range(1 + draw.upto(1) if with_closes else draw.rarely(3)):
            landings.insert(0, draw_earlier(draw, world))
        is_chain = with_closes and with_decisions and draw.mostly(3)
        order = draw_chain if is_chain else draw_closes if with_closes else draw_steps
        steps = order(draw, world, len(landings))
        if with_decisions:
            landings = _decided(draw, world, landings, steps, Path(folder))
        case = Case(as_yaml(world.program), tuple(landings), steps)
        assume(fits(case, Path(folder)))
    return case


def _decided(
    draw: Draw, world: World, landings: list[Any], steps: tuple[Step, ...], folder: Path
) -> list[Any]:
    creators = sorted(
        {row["creator_id"] for row in (*world.rows["creators"], *world.rows["deals"])}
    )
    read = [
        read_landing(write_landing(landing, folder / f"undecided-{number}"))
        for number, landing in enumerate(landings)
    ]
    program = program_of(_texts(world.program))
    return draw_decisions(draw, program, creators, landings, read, steps)


def any_cases(with_decisions: bool = False) -> st.SearchStrategy[Case]:
    """Half of them with closes and restatements."""
    return st.booleans().flatmap(
        lambda with_closes: cases(with_closes=with_closes, with_decisions=with_decisions)
    )


def fits(case: Case, folder: Path) -> bool:
    """§1: what does not fit 128 bits, or §9: 64, stops the run; that is for another test to show.

    So is what the ingest gate says of snapshots (§8).
    """
    if not all(map(_have_likely_snapshots, case.landings)):
        return False
    program = program_of(YAML(typ="base").load(case.program))
    landings = [
        read_landing(write_landing(landing, folder / f"case-{number}"))
        for number, landing in enumerate(case.landings)
    ]
    for book in replay(program, landings, case.steps):
        if any(abs(amount) >= 2**62 for amount in _amounts(book)):
            return False
        if any(product >= 2**126 for product in _products(book)):
            return False
    return True


def _have_likely_snapshots(landing: Landing) -> bool:
    """§8: a snapshot of a known post, and at most half of those from before the post was published."""
    published = {row["post_id"]: instant(row["published_at"]) for row in landing["posts"]}
    known = [row for row in landing["post_metrics"] if row["post_id"] in published]
    early = [row for row in known if instant(row["observed_at"]) < published[row["post_id"]]]
    return bool(known) and 2 * len(early) <= len(known)


def _amounts(book: Book) -> Iterator[int]:
    """All that is published in minor units, and what restatements come to."""
    for period in book.runs:
        for row in book.tables(period)["payout_ledger"]:
            yield from (row[name] for name in row if name.endswith("_minor"))
    for period in book.restated:
        yield from book.due(period).values()


def _products(book: Book) -> Iterator[int]:
    """An amount times points (at 10^4), as it is split over posts."""
    for run in (*book.runs.values(), *book.restated.values()):
        amounts = (row["program_amount_minor"] for row in run.earnings.values())
        points = (row["points"] for row in run.creator_scores.values())
        yield max(amounts, default=0) * int(max(points, default=0) * 10**4)


def one_run_each(case: Case) -> Case:
    """The case with each period run once, in their order, on its last landing."""
    steps = tuple(Step("run", key, 0) for key in sorted(case.periods))
    return replace(case, landings=case.landings[-1:], steps=steps)
