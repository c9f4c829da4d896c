"""Why a post that counts earns nothing, and the least that it had to gain; numbers worked out on paper.

tests/turned.py applies what is said of drawn programs, and the reference computes anew.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.explain.earns_nothing import EarnsNothing, posts_without_earnings
from orchestration.explain.rows import Row
from tests.contract import SCORED_COUNTS
from tests.reference.exact import largest_remainder, marginal
from tests.unit.explain.creators import creator, program, row

CENT = "{method: rate, rates: {US: [{rate: 10}]}}"
"""A point is worth a cent, without end."""
POOL = "{method: pool, pools: {US: 50.00}}"
START, MIDDLE, END = "2024-04-01T04:00:00Z", "2024-04-16T04:00:00Z", "2024-05-01T04:00:00Z"


def gained(post_id: str, segment: int, **counts: int) -> Row:
    cells: dict[str, Any] = {"creator_id": "ana"} | dict.fromkeys(SCORED_COUNTS, 0) | counts
    return row("post_increments", post_id=post_id, segment_no=segment, **cells)


def zeros(
    payout: str = CENT,
    *,
    views: int = 0,
    kind: str = "photo reel",
    big: int = 1000,
    audience: int = 1,
    budget: str = "",
    rounded: int = 3000,
    **cells: str | int | None,
) -> list[EarnsNothing]:
    """What is told of post p, with so many views at half a point, beside a post of `big` points.

    All amounts of the period come to `rounded` minor units.
    """
    points = {"big": str(big), "p": f"{max(views, 0) / 2:g}"}
    own: dict[str, str | int | None] = {
        "milestones_minor": 0,
        "capped": "false",
        "rounded_minor": 1000,
        "program_amount_minor": 1000,
    }
    given_cells: dict[str, Any] = own | {"creator_id": "ana", "market": "US"} | cells
    segments = [
        row(
            "creator_segments",
            creator_id="ana",
            segment_no=number,
            audience_value=audience,
            starts_at=start,
            ends_at=end,
            terms_version=version,
        )
        for number, start, end, version in ((1, START, MIDDLE, 1), (2, MIDDLE, END, 3))
    ]
    rows = creator(
        segments=segments,
        earnings=row("creator_earnings", **given_cells),
        increments=[gained("p", 1, qualified_views=views), gained("p", 2)],
        post_scores=[
            row(
                "post_scores",
                post_id=name,
                content_type=kind if name == "p" else "reel",
                points=own,
            )
            for name, own in points.items()
        ],
        post_earnings=[
            row("post_earnings", post_id="big", amount_minor=1),
            row("post_earnings", post_id="p", amount_minor=0),
        ],
        markets=[row("market_totals", market="US", rounded_minor=rounded)],
    )
    return posts_without_earnings(program(payout, budget), "april", rows)


def told(found: list[EarnsNothing]) -> tuple[str, str, str | None, str]:
    """Reason, outcome, points that are needed, and what had to be gained."""
    (post,) = found
    more = post.more
    text = "" if more is None else f"{more.needed} {more.column} in {more.segment_no}"
    return post.reason, post.outcome, post.needed, text


def test_a_post_without_points_needs_a_minor_unit_more() -> None:
    """Half a point more makes 1000.5, paid as 1000; of that 0.49975 is its own, and 0.50025 the other's."""
    (post,) = found = zeros()
    assert told(found) == ("NO_POINTS", "turns", "1", "2 qualified_views in 1")
    assert post.to_json() == {
        "post_id": "p",
        "reason": "NO_POINTS",
        "text": "What it gained comes to no points.",
        "found": "0",
        "needed": "1",
        "would_earn": {
            "outcome": "turns",
            "text": "It would earn something if this held:",
            "conditions": [
                {
                    "about": "qualified_views",
                    "segment_no": 1,
                    "text": f"It gained 2 more qualified views between {START} and {MIDDLE}.",
                    "needed": ["2"],
                }
            ],
        },
    }


def test_it_is_the_last_segment_with_a_weight_that_counts() -> None:
    """Version 3 weighs shares of reels, by 8, and nothing of other types."""
    assert told(zeros(kind="reel")) == ("NO_POINTS", "turns", "8", "1 shares in 2")


def test_what_fell_must_be_gained_first() -> None:
    assert told(zeros(views=-7)) == ("NO_POINTS", "turns", "1", "9 qualified_views in 1")


def test_what_a_cap_leaves() -> None:
    """Of 300, 300 p / (1000 + p) must be more than a half: p > 500 / 299.5. Uncapped, its point is a cent."""
    capped = {"capped": "true", "cap_minor": 300, "rounded_minor": 300, "program_amount_minor": 300}
    capping = CENT.replace("}}", "}, cap: {US: 3.00}}")
    assert told(zeros(capping, views=2, **capped)) == (
        *("CAP", "turns", "2"),
        "2 qualified_views in 1",
    )
    # At half a point it would have no cent without the cap either: 1000.5 are paid as 1000.
    assert told(zeros(capping, views=1, **capped))[:3] == ("ROUNDING", "turns", "2")
    nothing = {"capped": "true", "cap_minor": 0, "rounded_minor": 0, "program_amount_minor": 0}
    assert told(zeros(capping, views=2, **nothing)) == ("CAP", "nothing", None, "")


def test_what_a_budget_leaves_is_decided_by_others_too() -> None:
    """100 of 1001 are left: 100 p / (1000 + p) must be more than a half: p > 500 / 99.5."""
    cut = {"rounded_minor": 1001, "program_amount_minor": 100}
    assert told(zeros(views=2, budget="3.00", **cut)) == (
        *("BUDGET", "shared", "5.5"),
        "9 qualified_views in 1",
    )
    assert told(zeros(views=2, budget="3.00", **cut | {"program_amount_minor": 0})) == (
        *("BUDGET", "unknown", None),
        "",
    )
    assert told(zeros(views=2, budget="0", **cut | {"program_amount_minor": 0}))[:2] == (
        "BUDGET",
        "nothing",
    )


def test_a_budget_that_only_the_gain_exceeds() -> None:
    """30.00 are reached already; 30.01 have room for a cent."""
    assert told(zeros(budget="30.00")) == ("NO_POINTS", "unknown", None, "")
    assert told(zeros(budget="30.01"))[1] == "turns"


def test_a_pool_is_decided_by_others_too() -> None:
    """The creator has 10 units: 10 p / (1000 + p) must be more than a half: p > 500 / 9.5."""
    units = {"rounded_minor": 10, "program_amount_minor": 10}
    assert told(zeros(POOL, views=2, **units)) == (
        *("ROUNDING", "shared", "53"),
        "104 qualified_views in 1",
    )
    capped = units | {"capped": "true", "cap_minor": 10}
    assert told(zeros(POOL, views=2, **capped))[:3] == ("ROUNDING", "turns", "53")
    none = {"rounded_minor": 0, "program_amount_minor": 0}
    assert told(zeros(POOL, views=2, **none)) == ("ROUNDING", "unknown", None, "")


@pytest.mark.parametrize(
    ("reason", "given_cells"),
    [
        ("NO_WEIGHT", {"kind": "story"}),
        ("NO_AUDIENCE_VALUE", {"audience": 0}),
        ("NO_RATE", {"market": "JP", "views": 2}),
        ("NO_RATE", {"payout": CENT.replace("10", "0"), "views": 2}),
        ("NO_RATE", {"payout": POOL, "market": "JP"}),
    ],
    ids=["type", "audience", "market", "rate of 0", "pool"],
)
def test_what_the_terms_pay_nothing_for_no_gain_changes(
    reason: str, given_cells: dict[str, Any]
) -> None:
    assert told(zeros(**given_cells)) == (reason, "nothing", None, "")


def test_who_is_not_eligible_and_who_earns_has_none() -> None:
    post = row("post_earnings", post_id="p", amount_minor=1)
    earnings = row("creator_earnings", creator_id="ana", market="US")
    assert posts_without_earnings(program(), "april", creator()) == []
    rows = creator(post_earnings=[post], earnings=earnings)
    assert posts_without_earnings(program(), "april", rows) == []


@given(
    others=st.lists(st.integers(0, 40), min_size=1, max_size=6),
    views=st.integers(-5, 30),
    rates=st.lists(st.sampled_from([0, 1, 30, 100, 300, 1000, 9000]), min_size=1, max_size=3),
    milestone=st.sampled_from([0, 0, 3, 70]),
    cap=st.sampled_from([None, None, 1, 5, 40]),
)
def test_it_is_the_least_gain_of_all(
    others: list[int], views: int, rates: list[int], milestone: int, cap: int | None
) -> None:
    """Every gain up to 300 is tried, since a greater amount may take the unit from a post again (§6)."""
    # Rates of a point in hundredths of a cent, up to 10, up to 20, and above.
    brackets = [
        (None if number == len(rates) - 1 else Fraction(10 * (number + 1)), Fraction(rate, 10))
        for number, rate in enumerate(rates)
    ]
    payout = ", ".join(
        f"{{{'' if up_to is None else f'up_to: {up_to}, '}rate: {float(rate)}}}"
        for up_to, rate in brackets
    )

    def amounts(more: int) -> tuple[dict[str, int], int, bool]:
        """The amounts of the posts by the reference, and of the creator; points are half the views."""
        points = {f"o{number}": Fraction(value, 2) for number, value in enumerate(others)}
        points["p"] = max(Fraction(views + more, 2), Fraction(0))
        performance = marginal(sum(points.values(), Fraction(0)), brackets) / 10
        exact = performance + milestone
        is_capped = cap is not None and exact > cap
        amount = cap if is_capped else round(exact)
        parts, _ = largest_remainder(
            amount, {"milestone": Fraction(milestone), "performance": performance}
        )
        return largest_remainder(parts["performance"], points)[0], amount, is_capped

    now, amount, is_capped = amounts(0)
    own = max(Fraction(views, 2), Fraction(0))
    scores = {"p": own} | {f"o{no}": Fraction(value, 2) for no, value in enumerate(others)}
    rows = creator(
        segments=[
            row(
                "creator_segments",
                creator_id="ana",
                segment_no=1,
                audience_value=1,
                terms_version=1,
                starts_at=START,
                ends_at=MIDDLE,
            )
        ],
        earnings=row(
            "creator_earnings",
            creator_id="ana",
            market="US",
            milestones_minor=milestone,
            capped=str(is_capped).lower(),
            cap_minor=cap,
            rounded_minor=amount,
            program_amount_minor=amount,
        ),
        increments=[gained("p", 1, qualified_views=views)],
        post_scores=[
            row("post_scores", post_id=name, content_type="photo reel", points=float(value))
            for name, value in scores.items()
        ],
        post_earnings=[row("post_earnings", post_id="p", amount_minor=now["p"])],
        markets=[row("market_totals", market="US", rounded_minor=amount)],
    )
    small = program(f"{{method: rate, rates: {{US: [{payout}]}}}}")
    found = posts_without_earnings(small, "april", rows)
    if now["p"]:
        assert not found
        return
    least = next((more for more in range(1, 301) if amounts(more)[0]["p"]), None)
    (post,) = found
    if least is None:
        assert post.more is None or post.more.needed > 300
    else:
        assert post.more is not None and post.more.needed == least
