"""The earnings of each creator in a period, in the program currency (§6, steps 1 to 6 without the posts).

Exact amounts are whole numbers of 10^-15 minor units: points have 4 decimals, `up_to` and rates 6,
and a rate is per 1,000 points, so that no step before "round" ever divides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from orchestration.ledger.apportion import Apportioned, largest_remainder
from orchestration.ledger.money import half_even_div
from orchestration.terms.exact import scaled
from orchestration.terms.model import Bracket, Payout

EXACT = 10**15
"""One minor unit at the scale of exact amounts."""


@dataclass(frozen=True, slots=True)
class CreatorScore:
    """An eligible creator: its points x 10^4, eligible posts by content type, the cap of its deal."""

    creator_id: str
    market: str
    points_e4: int
    posts_by_type: Mapping[str, int]
    deal_cap: Decimal | None


@dataclass(frozen=True, slots=True)
class CreatorEarnings:
    """A row of creator_earnings (§9): minor units of the program currency, points x 10^4.

    A unit is 1 where largest remainder gave one beyond the floor of the exact share: rounding_unit in
    step 4 (pool), budget_unit in step 5.
    """

    creator_id: str
    market: str
    points_e4: int
    milestones_minor: int
    cap_minor: int | None
    capped: bool
    rounded_minor: int
    rounding_unit: int
    program_amount_minor: int
    budget_unit: int
    performance_minor: int
    milestone_minor: int


@dataclass(frozen=True, slots=True)
class MarketTotal:
    """A row of market_totals (§9): minor units of the program currency, points x 10^4.

    What is about a pool is 0 with method rate, and pool_minor null where the market has none.
    """

    market: str
    eligible_creators: int
    points_e4: int
    pool_minor: int | None
    capped_creators: int
    capped_minor: int
    shared_minor: int
    shared_points_e4: int
    rounded_minor: int


@dataclass(frozen=True, slots=True)
class PeriodEarnings:
    """The earnings of a period's eligible creators, in the order given, and the totals of the program's markets."""

    creators: list[CreatorEarnings]
    markets: list[MarketTotal]


@dataclass(frozen=True, slots=True)
class Pool:
    """One market's pool, shared (§6 steps 1 and 4), in minor units and points x 10^4."""

    amounts: Mapping[str, int]
    capped: Set[str]
    lifted: Set[str]
    shared_minor: int
    shared_points_e4: int


@dataclass(frozen=True, slots=True)
class _Claim:
    """One creator between steps 1 and 5: the exact weights of its parts, and its rounded amount."""

    score: CreatorScore
    performance_exact: int
    milestones_minor: int
    cap_minor: int | None
    capped: bool
    rounded_minor: int
    rounding_unit: int = 0


def period_earnings(
    scores: Sequence[CreatorScore],
    payout: Payout,
    budget: Decimal | None,
    decimals: int,
    markets: Sequence[str] = (),
) -> PeriodEarnings:
    """§6 steps 1 to 6: the earnings of all eligible creators of a period.

    `payout` is that of the version in force on the last day, `decimals` those of the program
    currency, `markets` those of the program. Amounts come out in minor units.
    """
    pools: dict[str, Pool] = {}
    if payout.method == "pool":
        pools = _pools(scores, payout, decimals)
        claims = [_pool_claim(score, pools[score.market], payout, decimals) for score in scores]
    else:
        claims = [_rate_claim(score, payout, decimals) for score in scores]
    budgeted = within_budget(
        {claim.score.creator_id: claim.rounded_minor for claim in claims}, budget, decimals
    )
    return PeriodEarnings(
        [_parted(claim, budgeted) for claim in claims],
        _market_totals(claims, pools, payout, decimals, markets),
    )


def bracket_sum(amount: int, brackets: Sequence[tuple[int | None, int]]) -> int:
    """Marginal brackets (§1): each rate applies to the part of `amount` between two `up_to`.

    `brackets` are (up_to or None, rate) with `up_to` at the scale of `amount`; the result has the
    product of both scales.
    """
    total, lower = 0, 0
    for up_to, rate in brackets:
        upper = amount if up_to is None else min(amount, up_to)
        if upper > lower:
            total += (upper - lower) * rate
            lower = upper
    return total


def _rate_claim(score: CreatorScore, payout: Payout, decimals: int) -> _Claim:
    """Steps 1 to 4 for method rate: brackets, milestones, the cap over both, half-even."""
    performance = performance_exact(score.market, score.points_e4, payout, decimals)
    milestones = milestones_minor(score.posts_by_type, payout, decimals)
    cap = cap_minor(score, payout, decimals)
    exact = performance + milestones * EXACT
    if cap is not None and exact > cap * EXACT:
        return _Claim(score, performance, milestones, cap, True, cap)
    return _Claim(score, performance, milestones, cap, False, half_even_div(exact, EXACT))


def performance_exact(market: str, points_e4: int, payout: Payout, decimals: int) -> int:
    """Step 1 for method rate: brackets over the points, in EXACT parts of a minor unit."""
    brackets = _scaled_brackets((payout.rates or {}).get(market, ()))
    exact: int = bracket_sum(points_e4 * 100, brackets) * 10**decimals
    return exact


def milestones_minor(posts_by_type: Mapping[str, int], payout: Payout, decimals: int) -> int:
    """Step 2: "the amount if the creator has at least that many eligible posts of that type"."""
    return sum(
        scaled(milestone.amount, decimals)
        for milestone in payout.milestones
        if posts_by_type.get(milestone.content_type, 0) >= milestone.posts
    )


@lru_cache(maxsize=64)
def _scaled_brackets(brackets: tuple[Bracket, ...]) -> tuple[tuple[int | None, int], ...]:
    """`up_to` in points x 10^6, rates x 10^6: per 1,000 points that makes 10^-15 of a unit."""
    return tuple(
        (None if bracket.up_to is None else scaled(bracket.up_to, 6), scaled(bracket.rate, 6))
        for bracket in brackets
    )


def _pools(scores: Sequence[CreatorScore], payout: Payout, decimals: int) -> dict[str, Pool]:
    """Steps 1 and 4 for method pool, market by market."""
    by_market: dict[str, list[CreatorScore]] = {}
    for score in scores:
        by_market.setdefault(score.market, []).append(score)
    return {
        market: share_pool(
            pool_minor(market, payout, decimals) or 0,
            {score.creator_id: score.points_e4 for score in members},
            {score.creator_id: cap_minor(score, payout, decimals) for score in members},
        )
        for market, members in by_market.items()
    }


def _pool_claim(score: CreatorScore, pool: Pool, payout: Payout, decimals: int) -> _Claim:
    amount = pool.amounts[score.creator_id]
    return _Claim(
        score,
        amount,
        0,
        cap_minor(score, payout, decimals),
        score.creator_id in pool.capped,
        amount,
        int(score.creator_id in pool.lifted),
    )


def share_pool(pool: int, points: Mapping[str, int], caps: Mapping[str, int | None]) -> Pool:
    """§6 step 1 `pool` and step 4: one market's pool in minor units over points x 10^4.

    "while a share exceeds its creator's cap, those creators get their cap and the rest of the pool
    is shared among the others again"; what they leave is apportioned by largest remainder.
    """
    # Whose cap is least for its points is the first to exceed it: those above form a prefix, so
    # one walk finds them in whatever round they fall.
    with_cap = sorted(
        (
            (Fraction(cap, points[creator]), creator, cap)
            for creator, cap in caps.items()
            if cap is not None and points[creator]
        ),
    )
    left, points_left = pool, sum(points.values())
    capped: dict[str, int] = {}
    for _, creator, cap in with_cap:
        if left * points[creator] <= cap * points_left:
            break
        capped[creator] = cap
        left -= cap
        points_left -= points[creator]
    others = {creator: count for creator, count in points.items() if creator not in capped}
    shares, lifted = largest_remainder(left, others)
    shared_minor = left if points_left else 0
    return Pool(shares | capped, capped.keys(), lifted, shared_minor, points_left)


def pool_minor(market: str, payout: Payout, decimals: int) -> int | None:
    """The pool of a market; null where it has none, and with method rate."""
    pool = (payout.pools or {}).get(market)
    return None if pool is None else scaled(pool, decimals)


def cap_minor(score: CreatorScore, payout: Payout, decimals: int) -> int | None:
    """Step 3: "the lower of deals.cap and the market's cap"; a market without one has none."""
    caps = [cap for cap in (score.deal_cap, payout.cap.get(score.market)) if cap is not None]
    return scaled(min(caps), decimals) if caps else None


def within_budget(amounts: dict[str, int], budget: Decimal | None, decimals: int) -> Apportioned:
    """Step 5: "if the period's sum exceeds its budget, the budget is apportioned in proportion".

    `amounts` by creator are those of step 4, in minor units of the program currency.
    """
    limit = None if budget is None else scaled(budget, decimals)
    if limit is None or sum(amounts.values()) <= limit:
        return Apportioned(amounts, frozenset())
    return largest_remainder(limit, amounts)


def _parted(claim: _Claim, budgeted: Apportioned) -> CreatorEarnings:
    """Step 6: performance and milestone "in proportion to steps 1 and 2 (before the cap)"."""
    creator_id = claim.score.creator_id
    amount = budgeted.shares[creator_id]
    parts, _ = largest_remainder(
        amount,
        {"milestone": claim.milestones_minor * EXACT, "performance": claim.performance_exact},
    )
    return CreatorEarnings(
        creator_id=creator_id,
        market=claim.score.market,
        points_e4=claim.score.points_e4,
        milestones_minor=claim.milestones_minor,
        cap_minor=claim.cap_minor,
        capped=claim.capped,
        rounded_minor=claim.rounded_minor,
        rounding_unit=claim.rounding_unit,
        program_amount_minor=amount,
        budget_unit=int(creator_id in budgeted.lifted),
        performance_minor=parts["performance"],
        milestone_minor=parts["milestone"],
    )


def _market_totals(
    claims: Iterable[_Claim],
    pools: Mapping[str, Pool],
    payout: Payout,
    decimals: int,
    markets: Iterable[str],
) -> list[MarketTotal]:
    by_market: dict[str, list[_Claim]] = {market: [] for market in markets}
    for claim in claims:
        by_market.setdefault(claim.score.market, []).append(claim)
    totals = []
    for market, members in by_market.items():
        pool = pools.get(market, Pool({}, frozenset(), frozenset(), 0, 0))
        totals.append(
            MarketTotal(
                market=market,
                eligible_creators=len(members),
                points_e4=sum(claim.score.points_e4 for claim in members),
                pool_minor=pool_minor(market, payout, decimals),
                capped_creators=len(pool.capped),
                capped_minor=sum(pool.amounts[creator] for creator in pool.capped),
                shared_minor=pool.shared_minor,
                shared_points_e4=pool.shared_points_e4,
                rounded_minor=sum(claim.rounded_minor for claim in members),
            )
        )
    return totals
