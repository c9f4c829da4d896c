"""§9: whatever creator_earnings and market_totals say follows from points, terms and caps, or it is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.ledger.earnings import (
    CreatorEarnings,
    CreatorScore,
    MarketTotal,
    PeriodEarnings,
    period_earnings,
)
from orchestration.ledger.recount import Fault, Recount
from orchestration.terms.model import Payout

MARKETS = ("US", "JP")
RATE = Payout(
    method="rate",
    rates={
        "US": [{"up_to": 3000, "rate": Decimal("0.16")}, {"rate": Decimal("0.085")}],
        "JP": [{"rate": Decimal("0.07")}],
    },
    cap={"US": Decimal("0.90")},
    milestones=[{"content_type": "reel", "posts": 2, "amount": Decimal("0.25")}],
)
POOL = Payout(method="pool", pools={"US": Decimal("3.01")}, cap={"US": Decimal("1.10")})

SCORES = st.lists(
    st.builds(
        CreatorScore,
        creator_id=st.sampled_from("abcdefgh"),
        market=st.sampled_from(MARKETS),
        points_e4=st.integers(0, 3) | st.integers(0, 10**8) | st.integers(0, 10**30),
        posts_by_type=st.dictionaries(st.sampled_from(["reel", "photo"]), st.integers(1, 3)),
        deal_cap=st.none() | st.sampled_from([Decimal(0), Decimal("0.5"), Decimal("2")]),
    ),
    max_size=8,
    unique_by=lambda score: score.creator_id,
)
BUDGETS = st.none() | st.sampled_from([Decimal(0), Decimal("1.03"), Decimal("9999")])


def faults(
    told: PeriodEarnings,
    scores: Sequence[CreatorScore],
    payout: Payout,
    budget: Decimal | None,
    markets: Sequence[str] = ("US",),
) -> list[Fault]:
    posts = {score.creator_id: score.posts_by_type for score in scores}
    return list(Recount(markets, payout, budget, 2).faults(told, posts))


@given(SCORES, st.sampled_from([RATE, POOL]), BUDGETS)
def test_what_is_earned_recounts(
    scores: list[CreatorScore], payout: Payout, budget: Decimal | None
) -> None:
    told = period_earnings(scores, payout, budget, 2, MARKETS)
    assert faults(told, scores, payout, budget, MARKETS) == []


def _others(value: Any) -> list[Any]:
    """What a number, a flag or a text may have been changed to."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1, -1 - value]
    return [0, 10**9] if value is None else [f"{value}x"]


@given(SCORES.filter(bool), st.sampled_from([RATE, POOL]), BUDGETS, st.data())
def test_any_number_that_is_changed_is_named(
    scores: list[CreatorScore], payout: Payout, budget: Decimal | None, data: st.DataObject
) -> None:
    """But for a cap, which may bind nobody before and after, and for ids, which the gate's query compares."""
    told = period_earnings(scores, payout, budget, 2, MARKETS)
    rows: list[CreatorEarnings | MarketTotal] = [*told.creators, *told.markets]
    place = data.draw(st.integers(0, len(rows) - 1), "row")
    names = [column.name for column in fields(rows[place])]
    name = data.draw(
        st.sampled_from([name for name in names if name not in ("cap_minor", "creator_id")]),
        "column",
    )
    value = data.draw(st.sampled_from(_others(getattr(rows[place], name))), "value")
    if name == "points_e4" and isinstance(rows[place], CreatorEarnings) and value >= 0:
        return  # another number of points may come to the same amount; the total names it
    rows[place] = replace(rows[place], **{name: value})
    changed = PeriodEarnings(
        [row for row in rows if isinstance(row, CreatorEarnings)],
        [row for row in rows if isinstance(row, MarketTotal)],
    )
    assert faults(changed, scores, payout, budget, MARKETS)


ANN = CreatorScore("ann", "US", 10_000_0000, {"reel": 2}, None)
BO = CreatorScore("bo", "US", 1_000_0000, {"reel": 1}, None)


def test_a_fault_says_what_is_found_and_what_is_expected() -> None:
    """ann: 3 x 0.16 + 7 x 0.085 + 0.25, of which the cap leaves 0.90; bo: 0.16. Of 0.50 they get
    42.45 and 7.55 cents, so the unit is bo's."""
    told = period_earnings([ANN, BO], RATE, Decimal("0.50"), 2, ("US",))
    changed = replace(
        told, creators=[told.creators[0], replace(told.creators[1], rounded_minor=17)]
    )
    assert faults(changed, [ANN, BO], RATE, Decimal("0.50")) == [
        Fault(None, "US", "rounded_minor is 106, expected 107"),
        Fault("bo", "US", "rounded_minor is 17, expected 16"),
    ]
    unit = replace(told, creators=[told.creators[0], replace(told.creators[1], budget_unit=0)])
    assert faults(unit, [ANN, BO], RATE, Decimal("0.50")) == [
        Fault("bo", "US", "budget_unit is 0, expected 1")
    ]


def test_points_that_are_not_those_of_the_total_are_named() -> None:
    told = period_earnings([ANN, BO], RATE, None, 2, ("US",))
    changed = replace(told, creators=[told.creators[0], replace(told.creators[1], points_e4=1)])
    assert Fault(None, "US", "points_e4 is 110000000, expected 100000001") in faults(
        changed, [ANN, BO], RATE, None
    )


def test_a_market_without_its_row_is_named() -> None:
    told = period_earnings([ANN, BO], RATE, None, 2, ("US",))
    assert faults(replace(told, markets=[]), [ANN, BO], RATE, None) == [
        Fault(None, "US", "no row in market_totals")
    ]
    assert faults(told, [ANN, BO], RATE, None, ("JP",)) == [
        Fault(None, "JP", "no row in market_totals"),
        Fault(None, "US", "is no market of the program"),
    ]


@pytest.mark.parametrize("name", ["points_e4", "rounded_minor", "cap_minor"])
def test_nothing_is_below_0(name: str) -> None:
    told = period_earnings([ANN], RATE, None, 2, ("US",))
    changed = replace(told, creators=[replace(told.creators[0], **{name: -1})])
    assert faults(changed, [ANN], RATE, None) == [
        Fault("ann", "US", f"{name} is -1, which is below 0")
    ]
