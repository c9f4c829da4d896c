"""What creators earn, step by step, by hand (contract §6)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.ledger.apportion import largest_remainder
from orchestration.ledger.earnings import (
    CreatorEarnings,
    CreatorScore,
    MarketTotal,
    PeriodEarnings,
    bracket_sum,
    cap_minor,
    period_earnings,
    share_pool,
)
from orchestration.terms.model import Payout

DOLLAR_DECIMALS = 2


def score(
    creator: str,
    points: str,
    market: str = "US",
    posts: dict[str, int] | None = None,
    deal_cap: str | None = None,
) -> CreatorScore:
    """A creator with its points as a reader writes them."""
    cap = None if deal_cap is None else Decimal(deal_cap)
    return CreatorScore(creator, market, int(Decimal(points) * 10**4), posts or {}, cap)


def rates(brackets: list[tuple[int | None, str]], **more: Any) -> Payout:
    """Method rate with these brackets (up_to, rate) for US."""
    rows = [
        {"up_to": up_to, "rate": Decimal(rate)} if up_to else {"rate": Decimal(rate)}
        for up_to, rate in brackets
    ]
    return Payout(method="rate", rates={"US": rows}, **more)


def pools(pool: dict[str, str], cap: dict[str, str] | None = None) -> Payout:
    """Method pool."""
    return Payout(
        method="pool",
        pools={market: Decimal(amount) for market, amount in pool.items()},
        cap={market: Decimal(amount) for market, amount in (cap or {}).items()},
    )


def in_whole(
    scores: list[CreatorScore], payout: Payout, budget: str | None = None, decimals: int = 2
) -> PeriodEarnings:
    """All that is known of the earnings of a program with the markets US, JP and KR."""
    limit = None if budget is None else Decimal(budget)
    return period_earnings(scores, payout, limit, decimals, ("US", "JP", "KR"))


def earned(
    scores: list[CreatorScore], payout: Payout, budget: str | None = None, decimals: int = 2
) -> dict[str, tuple[int, int, bool]]:
    """(performance, milestone, capped) by creator, in minor units."""
    rows = in_whole(scores, payout, budget, decimals).creators
    assert [row.creator_id for row in rows] == [one.creator_id for one in scores]
    return {
        row.creator_id: (row.performance_minor, row.milestone_minor, row.capped) for row in rows
    }


A_CENT_PER_1000 = rates([(None, "0.01")])
A_DOLLAR_PER_1000 = rates([(None, "1")])


@pytest.mark.parametrize(
    ("amount", "total"),
    [
        (0, 0),
        (100, 300),  # 100 x 3
        (101, 302),  # then x 2
        (250, 600),
        (251, 601),  # then x 1
        (1000, 1350),
    ],
)
def test_brackets_are_marginal(amount: int, total: int) -> None:
    """§1: "each rate applies to the part ... between the up_to before it and its own"."""
    assert bracket_sum(amount, [(100, 3), (250, 2), (None, 1)]) == total


def test_a_bracket_below_one_that_is_passed_adds_nothing() -> None:
    assert bracket_sum(50, [(100, 3), (250, 2), (None, 1)]) == 150
    assert bracket_sum(50, []) == 0


@pytest.mark.parametrize(
    ("points", "cents"),
    [
        ("1000000", 16000),  # 1,000,000 x 0.16 / 1000 dollars, just the whole first bracket
        ("1000000.0001", 16000),
        ("1062500", 16500),  # and 62,500 x 0.08 / 1000 = 5 dollars
        ("62500", 1000),
        ("0", 0),
    ],
)
def test_step_1_rate(points: str, cents: int) -> None:
    payout = rates([(1_000_000, "0.16"), (None, "0.08")])
    assert earned([score("a", points)], payout) == {"a": (cents, 0, False)}


@pytest.mark.parametrize(
    ("points", "cents"),
    [
        ("500", 0),  # half a cent
        ("1500", 2),
        ("2500", 2),
        ("499.9999", 0),
        ("500.0001", 1),
        ("1499.9999", 1),
        ("2500.0001", 3),
    ],
)
def test_step_4_rounds_half_even_per_creator(points: str, cents: int) -> None:
    assert earned([score("a", points)], A_CENT_PER_1000) == {"a": (cents, 0, False)}


def test_minor_units_are_those_of_the_program_currency() -> None:
    """ISO 4217: 1,500 points at 1 per 1000 are 1.5: 2 yen, 150 cents, 1500 fils."""
    scores = [score("a", "1500")]
    assert earned(scores, A_DOLLAR_PER_1000, decimals=0) == {"a": (2, 0, False)}
    assert earned(scores, A_DOLLAR_PER_1000, decimals=2) == {"a": (150, 0, False)}
    assert earned(scores, A_DOLLAR_PER_1000, decimals=3) == {"a": (1500, 0, False)}


def test_a_market_without_rates_earns_none_by_performance() -> None:
    payout = rates(
        [(None, "1")], milestones=[{"content_type": "reel", "posts": 1, "amount": Decimal(5)}]
    )
    scores = [score("a", "1000", market="JP", posts={"reel": 1}), score("b", "1000")]
    assert earned(scores, payout) == {"a": (0, 500, False), "b": (100, 0, False)}


@pytest.mark.parametrize(
    ("posts", "cents"),
    [
        ({"reel": 9}, 0),
        ({"reel": 10}, 5000),
        ({"reel": 11}, 5000),
        ({"reel": 20}, 5000 + 700),  # both rows of one type
        ({"reel": 19}, 5000),
        ({"photo": 10}, 300),
        ({"photo": 1}, 0),
        ({"carousel": 10}, 0),
        ({"photo": 2, "reel": 10}, 5000 + 300),
        ({}, 0),
    ],
)
def test_step_2_milestones(posts: dict[str, int], cents: int) -> None:
    """§6: "the amount if the creator has at least that many eligible posts of that type"."""
    rows = [("reel", 10, "50"), ("reel", 20, "7"), ("photo", 2, "3")]
    payout = Payout(
        method="rate",
        rates={},
        milestones=[
            {"content_type": kind, "posts": count, "amount": Decimal(amount)}
            for kind, count, amount in rows
        ],
    )
    assert earned([score("a", "0", posts=posts)], payout) == {"a": (0, cents, False)}


@pytest.mark.parametrize(
    ("deal_cap", "market_cap", "cents", "capped"),
    [
        (None, None, 1000, False),
        (None, "10", 1000, False),  # just met: nothing is taken away
        (None, "9.99", 999, True),
        ("9.99", None, 999, True),
        ("10", None, 1000, False),
        ("100", "50", 1000, False),  # far from any cap
        ("5", "7", 500, True),  # the lower of both
        ("7", "5", 500, True),
        ("0", None, 0, True),
    ],
)
def test_step_3_cap(deal_cap: str | None, market_cap: str | None, cents: int, capped: bool) -> None:
    """10,000 points at 1 dollar per 1000."""
    cap = {} if market_cap is None else {"US": Decimal(market_cap), "JP": Decimal("0.01")}
    payout = rates([(None, "1")], cap=cap)
    assert earned([score("a", "10000", deal_cap=deal_cap)], payout) == {"a": (cents, 0, capped)}


@pytest.mark.parametrize(
    ("points", "cents", "capped"),
    [
        ("9999.9", 1000, False),  # 999.99 cents are rounded to the cap, nothing is taken away
        ("10000", 1000, False),
        ("10000.0001", 1000, True),  # a part of a cent is taken away
        ("10004", 1000, True),
    ],
)
def test_the_cap_is_held_against_what_is_not_yet_rounded(
    points: str, cents: int, capped: bool
) -> None:
    payout = rates([(None, "1")], cap={"US": Decimal("10")})
    assert earned([score("a", points)], payout) == {"a": (cents, 0, capped)}


def test_the_cap_is_over_performance_and_milestones() -> None:
    """10 + 5 dollars under 12: 800 and 400 cents, in proportion to before the cap (step 6)."""
    payout = rates(
        [(None, "1")],
        cap={"US": Decimal("12")},
        milestones=[{"content_type": "reel", "posts": 1, "amount": Decimal("5")}],
    )
    assert earned([score("a", "10000", posts={"reel": 1})], payout) == {"a": (800, 400, True)}


def test_cap_minor_is_none_without_a_cap() -> None:
    assert cap_minor(score("a", "1"), A_DOLLAR_PER_1000, DOLLAR_DECIMALS) is None
    assert cap_minor(score("a", "1", deal_cap="1.5"), A_DOLLAR_PER_1000, DOLLAR_DECIMALS) == 150


@pytest.mark.parametrize(
    ("budget", "amounts"),
    [
        (None, {"a": 100, "b": 200, "c": 300}),
        ("6.00", {"a": 100, "b": 200, "c": 300}),  # just met
        ("6.01", {"a": 100, "b": 200, "c": 300}),
        ("5.99", {"a": 100, "b": 200, "c": 299}),  # 99.83, 199.66, 299.5: b, then a
        ("3.00", {"a": 50, "b": 100, "c": 150}),
        ("0.01", {"a": 0, "b": 0, "c": 1}),
        ("0", {"a": 0, "b": 0, "c": 0}),
    ],
)
def test_step_5_budget(budget: str | None, amounts: dict[str, int]) -> None:
    scores = [score("c", "3000"), score("b", "2000"), score("a", "1000")]
    rows = earned(scores, A_DOLLAR_PER_1000, budget)
    assert {creator: row[0] for creator, row in rows.items()} == amounts
    assert not any(capped for _, _, capped in rows.values())  # `capped` speaks of step 3


def test_the_budget_is_apportioned_over_rounded_amounts_ties_to_the_least_creator() -> None:
    """0.6 and 1.4 cents are 1 and 1 before the budget of 1."""
    scores = [score("b", "1400"), score("a", "600")]
    assert earned(scores, A_CENT_PER_1000, "0.01") == {"b": (0, 0, False), "a": (1, 0, False)}


def test_step_6_a_tie_between_the_parts_goes_to_the_milestone() -> None:
    payout = rates(
        [(None, "1")],
        cap={"US": Decimal("0.01")},
        milestones=[{"content_type": "reel", "posts": 1, "amount": Decimal("1")}],
    )
    assert earned([score("a", "1000", posts={"reel": 1})], payout) == {"a": (0, 1, True)}


def test_step_6_parts_are_in_proportion_to_what_was_exact() -> None:
    """0.5 cents by performance and 1 by milestone make 1.5, 2 rounded: 2/3 and 4/3."""
    payout = rates(
        [(None, "0.01")],
        milestones=[{"content_type": "reel", "posts": 1, "amount": Decimal("0.01")}],
    )
    assert earned([score("a", "500", posts={"reel": 1})], payout) == {"a": (1, 1, False)}


def test_parts_after_the_budget_sum_to_the_amount() -> None:
    payout = rates(
        [(None, "1")],
        milestones=[{"content_type": "reel", "posts": 1, "amount": Decimal("1")}],
    )
    scores = [score("a", "2000", posts={"reel": 1}), score("b", "3000")]
    # 300 and 300 over 301: 150.5 each, to a; its 151 are 100 2/3 and 50 1/3.
    assert earned(scores, payout, "3.01") == {"a": (101, 50, False), "b": (150, 0, False)}


def test_each_step_of_a_rate_is_told() -> None:
    """§9: 2 dollars by points and 1 by a milestone, no cap; 3.005 by points under a cap of 2.50; over a budget of 4.01:
    2.1876 and 1.8223, so the last cent goes to a."""
    payout = rates(
        [(None, "1")], milestones=[{"content_type": "reel", "posts": 1, "amount": Decimal("1")}]
    )
    scores = [score("a", "2000", posts={"reel": 1}), score("b", "3005", deal_cap="2.50")]
    found = in_whole(scores, payout, "4.01")
    assert found.creators == [
        CreatorEarnings("a", "US", 2000_0000, 100, None, False, 300, 0, 219, 1, 146, 73),
        CreatorEarnings("b", "US", 3005_0000, 0, 250, True, 250, 0, 182, 0, 182, 0),
    ]
    assert found.markets == [
        MarketTotal("US", 2, 5005_0000, None, 0, 0, 0, 0, 550),
        MarketTotal("JP", 0, 0, None, 0, 0, 0, 0, 0),
        MarketTotal("KR", 0, 0, None, 0, 0, 0, 0, 0),
    ]


def test_each_step_of_a_pool_is_told() -> None:
    """§9: of 1.00 c gets its cap of 0.20; 0.80 over 3 points are 26 2/3 each, and two get a cent more."""
    payout = pools({"US": "1.00", "JP": "5.00"})
    scores = [
        *(score(creator, "1") for creator in "dba"),
        score("c", "9", deal_cap="0.20"),
        score("e", "0", market="JP"),
        score("f", "2", market="KR"),
    ]
    found = in_whole(scores, payout)
    told = {
        row.creator_id: (row.rounded_minor, row.rounding_unit, row.capped, row.cap_minor)
        for row in found.creators
    }
    assert told == {
        "a": (27, 1, False, None),
        "b": (27, 1, False, None),
        "c": (20, 0, True, 20),
        "d": (26, 0, False, None),
        "e": (0, 0, False, None),
        "f": (0, 0, False, None),
    }
    assert found.markets == [
        MarketTotal("US", 4, 12_0000, 100, 1, 20, 80, 3_0000, 100),
        MarketTotal("JP", 1, 0, 500, 0, 0, 0, 0, 0),  # nobody with points is left
        MarketTotal("KR", 1, 2_0000, None, 0, 0, 0, 2_0000, 0),  # has no pool
    ]


def test_of_a_pool_of_which_all_are_capped_nothing_is_shared() -> None:
    (total, *_) = in_whole([score("a", "1", deal_cap="0.30")], pools({"US": "1.00"})).markets
    assert total == MarketTotal("US", 1, 1_0000, 100, 1, 30, 0, 0, 30)


@pytest.mark.parametrize(
    ("pool", "points", "caps", "shares", "capped"),
    [
        (100, {"a": 1, "b": 1}, {"a": None, "b": None}, {"a": 50, "b": 50}, set()),
        (101, {"b": 1, "a": 1}, {"a": None, "b": None}, {"a": 51, "b": 50}, set()),
        # a cap just met takes nothing away
        (100, {"a": 1, "b": 1}, {"a": 50, "b": None}, {"a": 50, "b": 50}, set()),
        (100, {"a": 1, "b": 1}, {"a": 49, "b": None}, {"a": 49, "b": 51}, {"a"}),
        # an exact share of 50.5 exceeds a cap of 50
        (101, {"a": 1, "b": 1}, {"a": 50, "b": None}, {"a": 50, "b": 51}, {"a"}),
        # an exact share of 33 1/3 does not exceed 34
        (
            100,
            {"a": 1, "b": 1, "c": 1},
            {"a": 34, "b": 34, "c": 34},
            {"a": 34, "b": 33, "c": 33},
            set(),
        ),
        # all capped: what is left stays in the pool
        (100, {"a": 1, "b": 1}, {"a": 10, "b": 20}, {"a": 10, "b": 20}, {"a", "b"}),
        # two rounds: b exceeds its cap only with what a leaves
        (
            100,
            {"a": 50, "b": 30, "c": 20},
            {"a": 20, "b": 45, "c": None},
            {"a": 20, "b": 45, "c": 35},
            {"a", "b"},
        ),
        # three rounds, then all are capped
        (
            100,
            {"a": 50, "b": 30, "c": 20},
            {"a": 20, "b": 45, "c": 34},
            {"a": 20, "b": 45, "c": 34},
            {"a", "b", "c"},
        ),
        # two rounds, and the second meets the cap just so
        (
            100,
            {"a": 50, "b": 30, "c": 20},
            {"a": 20, "b": 48, "c": 32},
            {"a": 20, "b": 48, "c": 32},
            {"a"},
        ),
        (100, {"a": 7}, {"a": None}, {"a": 100}, set()),  # one creator
        (100, {"a": 7}, {"a": 100}, {"a": 100}, set()),
        (100, {"a": 7}, {"a": 99}, {"a": 99}, {"a"}),
        (100, {"a": 0, "b": 0}, {"a": 5, "b": None}, {"a": 0, "b": 0}, set()),  # no points
        (100, {"a": 0, "b": 3}, {"a": 0, "b": None}, {"a": 0, "b": 100}, set()),
        (100, {"a": 1, "b": 3}, {"a": 0, "b": None}, {"a": 0, "b": 100}, {"a"}),  # a cap of 0
        (0, {"a": 1, "b": 3}, {"a": 0, "b": None}, {"a": 0, "b": 0}, set()),  # an empty pool
        (100, {}, {}, {}, set()),
    ],
)
def test_step_1_pool(
    pool: int,
    points: dict[str, int],
    caps: dict[str, int | None],
    shares: dict[str, int],
    capped: set[str],
) -> None:
    """§6: "shared in proportion to points, under the cap", what is left to the last unit (step 4)."""
    shared = share_pool(pool, points, caps)
    assert (shared.amounts, shared.capped) == (shares, capped)


def _round_by_round(
    pool: int, points: dict[str, int], caps: dict[str, int | None]
) -> tuple[dict[str, int], set[str]]:
    """Step 1 word for word: "while a share exceeds its creator's cap, those creators get their cap"."""
    capped: set[str] = set()
    while True:
        left = pool - sum(caps[creator] or 0 for creator in capped)
        others = {creator: count for creator, count in points.items() if creator not in capped}
        whole = sum(others.values())
        exceeding = {
            creator
            for creator, count in others.items()
            if count and (cap := caps[creator]) is not None and Fraction(left * count, whole) > cap
        }
        if not exceeding:
            at_cap = {creator: caps[creator] or 0 for creator in capped}
            return largest_remainder(left, others).shares | at_cap, capped
        capped |= exceeding


@given(
    st.integers(0, 100) | st.integers(0, 10**15),
    st.dictionaries(
        st.sampled_from("abcdefgh"),
        st.tuples(st.integers(0, 6) | st.integers(0, 10**20), st.none() | st.integers(0, 60)),
        max_size=8,
    ),
)
def test_a_pool_is_shared_as_round_by_round(
    pool: int, members: dict[str, tuple[int, int | None]]
) -> None:
    points = {creator: count for creator, (count, _) in members.items()}
    caps = {creator: cap for creator, (_, cap) in members.items()}
    shared = share_pool(pool, points, caps)
    assert (shared.amounts, shared.capped) == _round_by_round(pool, points, caps)
    left = {creator: points[creator] for creator in points if creator not in shared.capped}
    assert shared.shared_points_e4 == sum(left.values())
    if any(left.values()):
        assert sum(shared.amounts.values()) == pool
        assert sum(shared.amounts[creator] for creator in left) == shared.shared_minor
    for creator, count in left.items():
        floor = shared.shared_minor * count // (shared.shared_points_e4 or 1)
        assert shared.amounts[creator] == floor + (creator in shared.lifted)


def test_each_market_has_its_own_pool() -> None:
    payout = pools({"US": "1.00", "JP": "0.10"}, cap={"JP": "0.04"})
    scores = [
        score("a", "1"),
        score("b", "3"),
        score("c", "5", market="JP"),
        score("d", "5", market="KR"),  # a market without a pool earns none
        score("e", "1", market="JP", deal_cap="0.01"),
    ]
    assert earned(scores, payout) == {
        "a": (25, 0, False),
        "b": (75, 0, False),
        "c": (4, 0, True),
        "d": (0, 0, False),
        "e": (1, 0, True),
    }


def test_a_pool_knows_no_milestones_but_a_budget() -> None:
    payout = pools({"US": "1.00"})
    scores = [score("a", "1", posts={"reel": 99}), score("b", "1")]
    assert earned(scores, payout, "0.99") == {"a": (50, 0, False), "b": (49, 0, False)}
