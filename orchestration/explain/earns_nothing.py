"""§5 and §6: why a post that counts earns nothing, and how much more it had to gain to earn something.

The post alone gains more, of one count in one segment: a view less, and it still earns nothing. What
other creators earn stays as it is. Where they decide what its creator gets (a pool, a budget that is
exceeded), that amount is taken as it is, and the outcome says so.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Final, Literal

from orchestration.explain.expression import plain
from orchestration.explain.rows import CreatorRows, Row
from orchestration.foundations.messages import msgid
from orchestration.ledger.apportion import largest_remainder
from orchestration.ledger.earnings import EXACT, performance_exact
from orchestration.ledger.money import half_even_div
from orchestration.terms.counts import ALL_COUNTS
from orchestration.terms.currencies import minor_unit_decimals, minor_units
from orchestration.terms.exact import scaled
from orchestration.terms.model import Payout, Program

Outcome = Literal["turns", "shared", "unknown", "nothing"]

OUTCOMES: Final[Mapping[Outcome, str]] = {
    "turns": msgid("It would earn something if this held:"),
    "shared": msgid(
        "It would earn something if this held and the amount of its creator stayed as it is; what other"
        " creators earn decides that amount too:"
    ),
    "unknown": msgid("What it takes cannot be said: what other creators earn decides it too."),
    "nothing": msgid("Nothing that it could have gained would have changed it."),
}
REASONS: Final = {
    "NO_WEIGHT": msgid("The terms give no points for its content type."),
    "NO_AUDIENCE_VALUE": msgid("By the terms the audience is worth nothing, so it gets no points."),
    "NO_POINTS": msgid("What it gained comes to no points."),
    "NO_RATE": msgid("The terms pay nothing for points in this market."),
    "BUDGET": msgid(
        "The budget of the period is exceeded, and what it leaves for this post is less than the"
        " smallest unit of the currency."
    ),
    "CAP": msgid(
        "The cap is exceeded, and what it leaves for this post is less than the smallest unit of the"
        " currency."
    ),
    "ROUNDING": msgid("What its points earn is less than the smallest unit of the currency."),
}
_OF_TERMS: Final = {"NO_WEIGHT", "NO_AUDIENCE_VALUE", "NO_RATE"}
"""Reasons that no gain turns."""
_MORE: Final = {
    "qualified_views": msgid(
        "It gained %(needed)s more qualified views between %(start)s and %(end)s."
    ),
    "likes": msgid("It gained %(needed)s more likes between %(start)s and %(end)s."),
    "comments": msgid("It gained %(needed)s more comments between %(start)s and %(end)s."),
    "shares": msgid("It gained %(needed)s more shares between %(start)s and %(end)s."),
}
_MOST: Final = 10**15
"""§2: the greatest count."""
_MOST_AMOUNTS: Final = 1000
"""Amounts of a creator that are gone through for the least gain; they are few but for steep rates."""


@dataclass(frozen=True, slots=True)
class MoreGained:
    """So many `needed` more of a count, a column of post_increments, in a segment of creator_segments."""

    column: str
    segment_no: int
    starts_at: str
    ends_at: str
    needed: int

    @property
    def message(self) -> str:
        """The sentence, with places for `needed`, `start` and `end`."""
        return _MORE[self.column]

    @property
    def text(self) -> str:
        """The sentence in English."""
        return self.message % {"needed": self.needed, "start": self.starts_at, "end": self.ends_at}


@dataclass(frozen=True, slots=True)
class EarnsNothing:
    """A post that counts and earns nothing: the points that it has, and with which it would earn.

    `needed` and `more` are null where nothing, or nothing that can be said, makes it earn.
    """

    post_id: str
    reason: str
    found: str
    outcome: Outcome
    needed: str | None = None
    more: MoreGained | None = None

    @property
    def text(self) -> str:
        """The reason in English."""
        return REASONS[self.reason]

    def to_json(self) -> dict[str, object]:
        """Plain values, in the form of `not_eligible` and `would_count`."""
        more = self.more
        return {
            "post_id": self.post_id,
            "reason": self.reason,
            "text": self.text,
            "found": self.found,
            "needed": self.needed,
            "would_earn": {
                "outcome": self.outcome,
                "text": OUTCOMES[self.outcome],
                "conditions": []
                if more is None
                else [
                    {
                        "about": more.column,
                        "segment_no": more.segment_no,
                        "text": more.text,
                        "needed": [str(more.needed)],
                    }
                ],
            },
        }


def posts_without_earnings(program: Program, period: str, rows: CreatorRows) -> list[EarnsNothing]:
    """Every eligible post whose amount is 0, in the order of post_id."""
    unpaid = [row.key["post_id"] for row in rows.post_earnings if row.text("amount_minor") == "0"]
    if rows.earnings is None or not unpaid:
        return []
    creator = _Creator(program, period, rows, rows.earnings)
    posts = {row.key["post_id"]: row for row in rows.post_scores}
    return [_Post(creator, posts[post_id]).told() for post_id in unpaid]


@dataclass(frozen=True)
class _Creator:
    """A creator's amounts for its posts, as they are and with more points; points are x 10^4."""

    program: Program
    period: str
    rows: CreatorRows
    earnings: Row

    @cached_property
    def points(self) -> dict[str, int]:
        """The points of each eligible post."""
        return {
            str(row.key["post_id"]): _scaled(row.text("points"), 4) for row in self.rows.post_scores
        }

    @cached_property
    def all_points(self) -> int:
        """The points of all of them."""
        return sum(self.points.values())

    @cached_property
    def payout(self) -> Payout:
        """§6: that of the version in force on the last day."""
        last_day = self.program.last_day(self.program.period(self.period))
        return self.program.version_in_force(last_day).payout

    @property
    def is_pool(self) -> bool:
        """True if a pool is shared."""
        return self.payout.method == "pool"

    @property
    def is_capped(self) -> bool:
        """True if the cap is exceeded; with more points it is, too, and nobody else gets another amount."""
        return self.earnings.text("capped") == "true"

    def exceeds_budget(self, more: int = 0) -> bool:
        """True if all amounts of step 4, and `more` minor units, exceed the period's budget."""
        if self._budget is None:
            return False
        amounts = sum(int(row.text("rounded_minor")) for row in self.rows.markets)
        return amounts + more > minor_units(self._budget, self.program.currency)

    @property
    def is_nothing_allowed(self) -> bool:
        """True if the cap or the budget is 0."""
        return self.earnings.cells["cap_minor"] == "0" or self._budget == 0

    @property
    def _budget(self) -> Decimal | None:
        return self.program.period(self.period).budget

    def performance(self, points: int) -> int:
        """Step 1 for method rate, exact."""
        decimals = minor_unit_decimals(self.program.currency)
        return performance_exact(self.earnings.text("market"), points, self.payout, decimals)

    def pays_for_points(self) -> bool:
        """True if the market has a pool, or a rate above 0, at whatever number of points."""
        if not self.is_pool:
            return self.performance(_MOST * 10**4) > 0
        return bool((self.payout.pools or {}).get(self.earnings.text("market")))

    def rounded(self, points: int, is_capped: bool = True) -> int:
        """Steps 1 to 4 for method rate."""
        exact = self.performance(points) + self.milestones * EXACT
        cap = self.earnings.cells["cap_minor"]
        if is_capped and cap is not None:
            exact = min(exact, int(cap) * EXACT)
        return half_even_div(exact, EXACT)

    def part(self, amount: int, points: int) -> int:
        """Step 6: what of an amount is for performance."""
        if self.is_pool:
            return amount
        weights = {
            "milestone": self.milestones * EXACT,
            "performance": self.performance(points),
        }
        return largest_remainder(amount, weights).shares["performance"]

    @cached_property
    def milestones(self) -> int:
        """Step 2, as published."""
        return int(self.earnings.text("milestones_minor"))

    def minor(self, column: str) -> int:
        """An amount of creator_earnings."""
        return int(self.earnings.text(column))


@dataclass(frozen=True)
class _Post:
    """A post without earnings."""

    creator: _Creator
    scores: Row

    @cached_property
    def post_id(self) -> str:
        return str(self.scores.key["post_id"])

    def told(self) -> EarnsNothing:
        reason, found = self._reason(), self.scores.text("points")
        if reason in _OF_TERMS:
            return EarnsNothing(self.post_id, reason, found, "nothing")
        for gain in self._gains:
            if (least := self._least(gain)) is not None:
                return self._turned(reason, found, gain, least)
        is_hopeless = self._is_own or self.creator.is_nothing_allowed
        return EarnsNothing(self.post_id, reason, found, "nothing" if is_hopeless else "unknown")

    def _turned(self, reason: str, found: str, gain: _Gain, least: int) -> EarnsNothing:
        points = self._points(gain, least)
        if self._is_own and not self.creator.is_capped:
            more = self.creator.rounded(self._all(points)) - self.creator.minor("rounded_minor")
            if self.creator.exceeds_budget(more):
                return EarnsNothing(self.post_id, reason, found, "unknown")
        segment = gain.segment
        return EarnsNothing(
            self.post_id,
            reason,
            found,
            "turns" if self._is_own else "shared",
            plain(Fraction(points, 10**4)),
            MoreGained(
                gain.column,
                int(segment.key["segment_no"]),
                segment.text("starts_at"),
                segment.text("ends_at"),
                least,
            ),
        )

    def _reason(self) -> str:
        creator, now = self.creator, self.creator.all_points
        if not any(self._weights(segment) for segment in creator.rows.segments):
            return "NO_WEIGHT"
        if not self._gains:
            return "NO_AUDIENCE_VALUE"
        if not creator.pays_for_points():
            return "NO_RATE"
        if not creator.points[self.post_id]:
            return "NO_POINTS"
        before_budget = creator.part(creator.minor("rounded_minor"), now)
        if creator.exceeds_budget() and self._earns(before_budget, creator.points):
            return "BUDGET"
        if creator.is_capped and not creator.is_pool:
            before_cap = creator.part(creator.rounded(now, is_capped=False), now)
            if self._earns(before_cap, creator.points):
                return "CAP"
        return "ROUNDING"

    @property
    def _is_own(self) -> bool:
        """True if no other creator decides about the creator's amount, in a budget that is not exceeded."""
        creator = self.creator
        return creator.is_capped or not (creator.is_pool or creator.exceeds_budget())

    def _weights(self, segment: Row) -> Mapping[str, Decimal]:
        """The weights above 0 of the segment's version for the post's type, by column."""
        version = int(segment.text("terms_version"))
        terms = next(one for one in self.creator.program.terms if one.version == version)
        weights = terms.weights.get(self.scores.text("content_type"))
        if weights is None:
            return {}
        given = {count.scored: getattr(weights, count.name) for count in ALL_COUNTS}
        return {column: weight for column, weight in given.items() if weight}

    @cached_property
    def _gains(self) -> Sequence[_Gain]:
        """The counts that give points: the latest segment first, and views before other counts."""
        return [
            _Gain(segment, column, audience * scaled(weight, 4))
            for segment in reversed(self.creator.rows.segments)
            if (audience := _scaled(segment.text("audience_value"), 6))
            for column, weight in self._weights(segment).items()
        ]

    @cached_property
    def _gained(self) -> int:
        """The gain, weighed and not rounded, x 10^10; a sum below 0 stays below."""
        increments = {
            row.key["segment_no"]: row
            for row in self.creator.rows.increments
            if row.key["post_id"] == self.post_id
        }
        return sum(
            gain.worth * int(increments[gain.segment.key["segment_no"]].text(gain.column))
            for gain in self._gains
        )

    def _points(self, gain: _Gain, more: int) -> int:
        """Its points x 10^4, with so many more of a count."""
        return half_even_div(max(self._gained + gain.worth * more, 0), 10**6)

    def _all(self, points: int) -> int:
        """The points of its creator, once its own are `points`."""
        return self.creator.all_points - self.creator.points[self.post_id] + points

    def _least(self, gain: _Gain) -> int | None:
        """The least number of a count, from 1, with which it earns something; None if none does.

        What the creator gets for performance never falls when points rise. With the same amount a post
        with more points never earns less; with a greater one it may, by largest remainder. So amounts
        are gone through one by one, from where the share can be enough to where it surely is.
        """
        creator, posts = self.creator, len(self.creator.points)

        def part(more: int) -> int:
            points = self._all(self._points(gain, more))
            amount = (
                creator.rounded(points) if is_computed else creator.minor("program_amount_minor")
            )
            return creator.part(amount, points)

        def is_share(more: int, of: int) -> bool:
            points = self._points(gain, more)
            return points > 0 and part(more) * points * of >= self._all(points)

        def earns(more: int) -> bool:
            points = self._points(gain, more)
            return self._earns(part(more), creator.points | {self.post_id: points})

        is_computed = self._is_own and not creator.is_pool and not creator.exceeds_budget()
        low = _first(lambda more: is_share(more, posts), 1, _MOST)
        high = min(_first(lambda more: is_share(more, 1), low, _MOST), _MOST)
        for _ in range(_MOST_AMOUNTS):
            if low > high:
                return None
            last = _last_of_same(part, low, high)
            if earns(last):
                return _first(earns, low, last)
            low = last + 1
        return _first(earns, low, high) if earns(high) else None

    def _earns(self, part: int, points: Mapping[str, int]) -> bool:
        return largest_remainder(part, points).shares[self.post_id] > 0


@dataclass(frozen=True, slots=True)
class _Gain:
    """A count in a segment, of which one more is `worth` so many points x 10^10."""

    segment: Row
    column: str
    worth: int


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The first number from `low` to `high` for which it holds, and for all above; high + 1 if none."""
    return low + bisect_left(range(low, high + 1), True, key=holds)


def _last_of_same(value: Callable[[int], int], low: int, high: int) -> int:
    """The last number up to `high` whose value is that of `low`; values never fall."""
    first = value(low)
    return _first(lambda number: value(number) > first, low, high) - 1


def _scaled(text: str, decimals: int) -> int:
    return scaled(Decimal(text), decimals)
