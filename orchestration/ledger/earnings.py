"""What each creator earns in a period, in the program currency (§6, steps 1 to 6 without the posts).

Exact amounts are whole numbers of 10^-15 minor units: points have 4 decimals, `up_to` and rates 6,
and a rate is per 1,000 points, so that no step before "round" ever divides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from orchestration.ledger.apportion import largest_remainder
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
    """Amounts in minor units of the program currency; performance + milestone = program amount."""

    creator_id: str
    performance_minor: int
    milestone_minor: int
    capped: bool

    @property
    def program_amount_minor(self) -> int:
        return self.performance_minor + self.milestone_minor


@dataclass(frozen=True, slots=True)
class _Claim:
    """One creator between steps 1 and 6: exact weights of its parts, and its rounded amount."""

    creator_id: str
    performance_exact: int
    milestone_exact: int
    amount_minor: int
    capped: bool


def period_earnings(
    scores: Sequence[CreatorScore], payout: Payout, budget: Decimal | None, decimals: int
) -> list[CreatorEarnings]:
    """§6 steps 1 to 6: the earnings of all eligible creators of a period, in the order given.

    `payout` is that of the version in force on the last day, `decimals` those of the program
    currency. Amounts come out in its minor units.
    """
    if payout.method == "pool":
        claims = _pool_claims(scores, payout, decimals)
    else:
        claims = [_rate_claim(score, payout, decimals) for score in scores]
    amounts = _within_budget(claims, budget, decimals)
    return [_parted(claim, amounts[claim.creator_id]) for claim in claims]


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
    performance = (
        bracket_sum(
            score.points_e4 * 100, _scaled_brackets((payout.rates or {}).get(score.market, ()))
        )
        * 10**decimals
    )
    milestones = EXACT * sum(
        scaled(milestone.amount, decimals)
        for milestone in payout.milestones
        if score.posts_by_type.get(milestone.content_type, 0) >= milestone.posts
    )
    cap = cap_minor(score, payout, decimals)
    exact = performance + milestones
    capped = cap is not None and exact > cap * EXACT
    amount = cap if capped and cap is not None else half_even_div(exact, EXACT)
    return _Claim(score.creator_id, performance, milestones, amount, capped)


@lru_cache(maxsize=64)
def _scaled_brackets(brackets: tuple[Bracket, ...]) -> tuple[tuple[int | None, int], ...]:
    """`up_to` in points x 10^6, rates x 10^6: per 1,000 points that makes 10^-15 of a unit."""
    return tuple(
        (None if bracket.up_to is None else scaled(bracket.up_to, 6), scaled(bracket.rate, 6))
        for bracket in brackets
    )


def _pool_claims(scores: Sequence[CreatorScore], payout: Payout, decimals: int) -> list[_Claim]:
    """Steps 1, 3 and 4 for method pool, market by market."""
    by_market: dict[str, list[CreatorScore]] = {}
    for score in scores:
        by_market.setdefault(score.market, []).append(score)
    amounts: dict[str, int] = {}
    capped: set[str] = set()
    for market, members in by_market.items():
        pool = scaled((payout.pools or {}).get(market, Decimal(0)), decimals)
        caps = {score.creator_id: cap_minor(score, payout, decimals) for score in members}
        points = {score.creator_id: score.points_e4 for score in members}
        shares, at_cap = pool_shares(pool, points, caps)
        amounts |= shares
        capped |= at_cap
    return [
        _Claim(
            score.creator_id,
            amounts[score.creator_id],
            0,
            amounts[score.creator_id],
            score.creator_id in capped,
        )
        for score in scores
    ]


def pool_shares(
    pool: int, points: Mapping[str, int], caps: Mapping[str, int | None]
) -> tuple[dict[str, int], set[str]]:
    """§6 step 1 `pool` and step 4: one market's pool in minor units, and who was capped.

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
    return largest_remainder(left, others) | capped, set(capped)


def cap_minor(score: CreatorScore, payout: Payout, decimals: int) -> int | None:
    """Step 3: "the lower of deals.cap and the market's cap"; a market without one has none."""
    caps = [cap for cap in (score.deal_cap, payout.cap.get(score.market)) if cap is not None]
    return scaled(min(caps), decimals) if caps else None


def _within_budget(
    claims: Iterable[_Claim], budget: Decimal | None, decimals: int
) -> dict[str, int]:
    """Step 5: "if the period's sum exceeds its budget, the budget is apportioned in proportion"."""
    amounts = {claim.creator_id: claim.amount_minor for claim in claims}
    if budget is None or sum(amounts.values()) <= scaled(budget, decimals):
        return amounts
    return largest_remainder(scaled(budget, decimals), amounts)


def _parted(claim: _Claim, amount_minor: int) -> CreatorEarnings:
    """Step 6: performance and milestone "in proportion to steps 1 and 2 (before the cap)"."""
    parts = largest_remainder(
        amount_minor,
        {"milestone": claim.milestone_exact, "performance": claim.performance_exact},
    )
    return CreatorEarnings(claim.creator_id, parts["performance"], parts["milestone"], claim.capped)
