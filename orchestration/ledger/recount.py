"""Compares the published earnings of creators with a recount from points, terms and caps (§6, §9); exact.

From points, caps and units, as creator_earnings and market_totals have them, to each amount. Yields every
difference in words; reads no files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from orchestration.ledger.apportion import Apportioned, largest_remainder
from orchestration.ledger.earnings import (
    EXACT,
    CreatorEarnings,
    MarketTotal,
    PeriodEarnings,
    milestones_minor,
    performance_exact,
    pool_minor,
    within_budget,
)
from orchestration.ledger.money import half_even_div
from orchestration.terms.model import Payout


@dataclass(frozen=True, slots=True)
class Fault:
    """A difference in a creator's row, or (creator_id is null) in a market's."""

    creator_id: str | None
    market: str
    fault: str


@dataclass(frozen=True, slots=True)
class Recount:
    """The terms that a period's amounts follow from; `budget` in units of the program currency."""

    markets: Sequence[str]
    payout: Payout
    budget: Decimal | None
    decimals: int

    def faults(
        self, told: PeriodEarnings, posts_by_type: Mapping[str, Mapping[str, int]]
    ) -> Iterator[Fault]:
        """Every cell that does not follow; `posts_by_type` are the eligible posts of each creator."""
        below = list(_below_0([*told.creators, *told.markets]))
        if below:  # nothing can be apportioned by them
            yield from below
            return
        amounts = {row.creator_id: row.rounded_minor for row in told.creators}
        budgeted = within_budget(amounts, self.budget, self.decimals)
        members: dict[str, list[CreatorEarnings]] = defaultdict(list)
        for row in told.creators:
            members[row.market].append(row)
        totals = {total.market: total for total in told.markets}
        for market in sorted({*self.markets, *members, *totals}):
            rows, total = members[market], totals.get(market)
            if total is None or market not in self.markets:
                what = "no row in market_totals" if total is None else "is no market of the program"
                yield Fault(None, market, what)
                continue
            yield from _differing(None, total, self._total(total, rows))
            shared = self._shared(total, rows)
            for row in rows:
                posts = posts_by_type.get(row.creator_id, {})
                expected = self._amounts(row, total, shared, posts) | {
                    "program_amount_minor": budgeted.shares[row.creator_id],
                    "budget_unit": int(row.creator_id in budgeted.lifted),
                }
                yield from _differing(row.creator_id, row, expected)

    def _total(self, total: MarketTotal, rows: Sequence[CreatorEarnings]) -> dict[str, Any]:
        """A market's row out of its creators'; with `rate` all that is about a pool is 0."""
        is_pool = self.payout.method == "pool"
        capped = [row for row in rows if row.capped and is_pool]
        pool = pool_minor(total.market, self.payout, self.decimals)
        points = sum(row.points_e4 for row in rows)
        left_points = points - sum(row.points_e4 for row in capped) if is_pool else 0
        capped_minor = sum(row.cap_minor or 0 for row in capped)
        return {
            "eligible_creators": len(rows),
            "points_e4": points,
            "pool_minor": pool,
            "capped_creators": len(capped),
            "capped_minor": capped_minor,
            "shared_minor": (pool or 0) - capped_minor if left_points else 0,
            "shared_points_e4": left_points,
            "rounded_minor": sum(row.rounded_minor for row in rows),
        }

    def _shared(self, total: MarketTotal, rows: Sequence[CreatorEarnings]) -> Apportioned:
        """§6 step 4 of a pool: what the capped leave, over the points of the others."""
        if self.payout.method != "pool":
            return Apportioned({}, frozenset())
        points = {row.creator_id: row.points_e4 for row in rows if not row.capped}
        return largest_remainder(max(total.shared_minor, 0), points)

    def _amounts(
        self,
        row: CreatorEarnings,
        total: MarketTotal,
        shared: Apportioned,
        posts: Mapping[str, int],
    ) -> dict[str, Any]:
        """§6 steps 1 to 4 and 6 of one creator."""
        if self.payout.method == "pool":
            performance, milestones = row.rounded_minor, 0
            # While a share exceeds its cap the creator gets the cap. If nobody else is left with
            # points, the caps come to less than the pool.
            share = total.shared_minor * row.points_e4
            exceeds = row.cap_minor is not None and share > row.cap_minor * total.shared_points_e4
            if row.capped and not total.shared_points_e4:
                exceeds = row.points_e4 > 0 and total.capped_minor < (total.pool_minor or 0)
            rounded = row.cap_minor if row.capped and exceeds else shared.shares.get(row.creator_id)
            unit = int(row.creator_id in shared.lifted)
        else:
            performance = performance_exact(row.market, row.points_e4, self.payout, self.decimals)
            milestones = milestones_minor(posts, self.payout, self.decimals)
            exact = performance + milestones * EXACT
            exceeds = row.cap_minor is not None and exact > row.cap_minor * EXACT
            rounded = row.cap_minor if exceeds else half_even_div(exact, EXACT)
            unit = 0
        parts, _ = largest_remainder(
            row.program_amount_minor,
            {"milestone": milestones * EXACT, "performance": performance},
        )
        return {
            "milestones_minor": milestones,
            "capped": exceeds,
            "rounded_minor": rounded,
            "rounding_unit": unit,
            "performance_minor": parts["performance"],
            "milestone_minor": parts["milestone"],
        }


def _below_0(rows: Sequence[CreatorEarnings | MarketTotal]) -> Iterator[Fault]:
    for row in rows:
        creator_id = row.creator_id if isinstance(row, CreatorEarnings) else None
        for column in fields(row):
            found = getattr(row, column.name)
            if isinstance(found, int) and found < 0:
                yield Fault(creator_id, row.market, f"{column.name} is {found}, which is below 0")


def _differing(
    creator_id: str | None, row: CreatorEarnings | MarketTotal, expected: Mapping[str, Any]
) -> Iterator[Fault]:
    for name, value in expected.items():
        found = getattr(row, name)
        if found != value:
            yield Fault(creator_id, row.market, f"{name} is {found}, expected {value}")
