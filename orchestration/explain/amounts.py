"""§6: from points to what an eligible creator and its posts earn, in minor units of the program currency.

What other creators decide (the share of a pool, a budget that is exceeded) comes from market_totals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from orchestration.explain.expression import (
    Expression,
    floor,
    greatest,
    half_even,
    least,
    named,
    number,
    total,
)
from orchestration.explain.rows import CreatorRows, Row
from orchestration.explain.steps import POINTS, Step, Steps, minor_unit, program_number
from orchestration.foundations.messages import Message
from orchestration.terms.currencies import minor_unit_decimals, minor_units
from orchestration.terms.model import Payout, Program

_GAIN_DECIMALS: Final = 10
"""Of minor units; a point may be worth less than a millionth of one."""


@dataclass(frozen=True, slots=True)
class Earned:
    """The steps of what a ledger row says of earnings, and of what one more point would have paid."""

    points: Step
    performance: Step
    milestone: Step
    amount: Step
    one_more: Step | None = None


def explain_amounts(
    steps: Steps, program: Program, period: str, rows: CreatorRows, posts: Mapping[str, Step]
) -> Earned | None:
    """The steps of an eligible creator; null for one that is not. `posts` are those of its points."""
    if rows.earnings is None:
        return None
    return _Amounts(steps, program, period, rows, rows.earnings).explain(posts)


def marginal(
    amount: Expression, brackets: Sequence[tuple[Expression | None, Expression]]
) -> Expression:
    """§1: "each rate applies to the part ... between the up_to before it and its own"."""
    parts, lower = [], None
    for up_to, rate in brackets:
        upper = amount if up_to is None else least(amount, up_to)
        part = upper if lower is None else greatest(upper - lower, number(0))
        parts.append(part * rate)
        lower = up_to
    return total(parts)


def _exact(expression: Expression) -> Fraction:
    """The value of an expression; §11: divided by 0, the whole is 0."""
    return expression.value or Fraction(0)


@dataclass(frozen=True, slots=True)
class _Amounts:
    steps: Steps
    program: Program
    period: str
    rows: CreatorRows
    earnings: Row

    def explain(self, posts: Mapping[str, Step]) -> Earned:
        earnings = self.earnings
        points = self.steps.add(
            *("points", "5", Message("Points of the creator"), POINTS),
            total(step.as_input(f"p{no}") for no, step in enumerate(posts.values(), start=1)),
            earnings.text("points"),
        )
        if self._payout.method == "pool":
            performance = rounded = self._pool_share(points)
            milestones = self._add("milestones", Message("Milestones: none in a pool"), number(0))
        else:
            performance, milestones = self._performance(points), self._milestones()
            rounded = self._rounded(performance, milestones)
        amount = self._within_budget(rounded)
        one_more = self._one_more(points, performance, milestones, rounded)
        milestone, performance = self._parts(amount, milestones, performance)
        self._posts(performance, points, posts)
        return Earned(points, performance, milestone, amount, one_more)

    def _performance(self, points: Step) -> Step:
        """Step 1 for method rate; exact, so it may be a fraction of a minor unit."""
        label = Message("Performance: the rates over the points, exact")
        return self._add("performance", label, self._by_rates(points.as_input("p")))

    def _by_rates(self, points: Expression) -> Expression:
        """The amount that points earn by the market's rates; 0 in a market without."""
        market = self.earnings.text("market")
        path = ("terms", self._version_no, "payout", "rates", market)
        brackets = (self._payout.rates or {}).get(market, ())
        earned = marginal(
            points,
            [
                (
                    None
                    if bracket.up_to is None
                    else program_number(f"u{no}", bracket.up_to, *path, no, "up_to"),
                    program_number(f"r{no}", bracket.rate, *path, no, "rate"),
                )
                for no, bracket in enumerate(brackets)
            ],
        )
        return self._in_minor(earned / 1000) if brackets else number(0)

    def _milestones(self) -> Step:
        """Step 2."""
        cell = named("m", self.earnings.cell("milestones_minor"))
        return self._add("milestones", Message("Milestones that were reached"), cell)

    def _rounded(self, performance: Step, milestones: Step) -> Step:
        """Steps 3 and 4 for method rate."""
        earned = performance.as_input("x") + milestones.as_input("m")
        text = Message("Performance and milestones, rounded")
        if self.earnings.cells["cap_minor"] is not None:
            earned = least(earned, named("cap", self.earnings.cell("cap_minor")))
            text = Message("Performance and milestones, at most the cap, rounded")
        rounded = half_even(earned, 0)
        return self._add("rounded", text, rounded, self.earnings.text("rounded_minor"))

    def _pool_share(self, points: Step) -> Step:
        """Steps 1 and 4 for method pool: the cap, or a share of what the capped have left."""
        if self.earnings.text("capped") == "true":
            share = named("cap", self.earnings.cell("cap_minor"))
            text = Message("The creator's cap, which its share of the pool exceeds")
        else:
            market = self._market_total(self.earnings.text("market"))
            share = floor(
                named("pool", market.cell("shared_minor"))
                * points.as_input("p")
                / named("shared", market.cell("shared_points"))
            ) + named("unit", self.earnings.cell("rounding_unit"))
            text = Message("Share of the market's pool, in proportion to points")
        return self._add("rounded", text, share, self.earnings.text("rounded_minor"))

    def _within_budget(self, rounded: Step) -> Step:
        """Step 5."""
        share, text = rounded.as_input("x"), Message("Amount in the program currency")
        if self._exceed_budget():
            unit = named("unit", self.earnings.cell("budget_unit"))
            share = floor(self._budget() * share / self._all_amounts()) + unit
            text = Message("Share of the period's budget, which all amounts together exceed")
        published = self.earnings.text("program_amount_minor")
        return self._add("program_amount", text, share, published)

    def _exceed_budget(self, more: Fraction = Fraction(0)) -> bool:
        """True if all amounts together, and `more` minor units, exceed the period's budget."""
        budget = self.program.period(self.period).budget
        amounts = sum(int(row.text("rounded_minor")) for row in self.rows.markets)
        return budget is not None and amounts + more > minor_units(budget, self.program.currency)

    def _budget(self) -> Expression:
        """The budget of a period that has one, in minor units."""
        period = self.program.period(self.period)
        path = ("periods", self.program.periods.index(period), "budget")
        return self._in_minor(program_number("budget", period.budget or 0, *path))

    def _all_amounts(self) -> Expression:
        """The sum of step 4 over all creators."""
        return total(
            named(f"t{no}", row.cell("rounded_minor"))
            for no, row in enumerate(self.rows.markets, start=1)
        )

    def _one_more(self, points: Step, performance: Step, milestones: Step, rounded: Step) -> Step:
        """The amount that one more point would have paid, before amounts are rounded to minor units.

        In a pool: as long as the points of all others stay, and the same of them get their cap.
        """
        if self._payout.method == "pool":
            label = Message("What one more point would have paid, others' points being as they are")
            now, then = self._pool_of(points)
        else:
            label, earned = Message("What one more point would have paid"), milestones.as_input("m")
            now = performance.as_input("x") + earned
            then = self._by_rates(points.as_input("p") + number(1)) + earned
        if self.earnings.cells["cap_minor"] is not None:
            cap = named("cap", self.earnings.cell("cap_minor"))
            if self.earnings.text("capped") == "true" or _exact(now) >= _exact(cap):
                label = Message("What one more point would have paid: the amount is at its cap")
                now = then = cap
            else:
                then = least(then, cap)
        gain = number(0) if _exact(now) == _exact(then) else then - now
        if _exact(gain) and self._exceed_budget(_exact(gain)):
            label = Message("What one more point would have paid: the budget is exceeded")
            was, budget, amounts = rounded.as_input("r"), self._budget(), self._all_amounts()
            share = budget * (was + gain) / (amounts + gain)
            gain = share - (budget * was / amounts if self._exceed_budget() else was)
        unit = minor_unit(self.program.currency)
        return Steps().add("one_more_point", "6", label, unit, half_even(gain, _GAIN_DECIMALS))

    def _pool_of(self, points: Step) -> tuple[Expression, Expression]:
        """The exact share of the market's pool, before the cap: as it is, and with one more point."""
        market = self._market_total(self.earnings.text("market"))
        if market.cells["pool_minor"] is None:
            return number(0), number(0)
        if Fraction(market.text("shared_points")) == 0:  # nobody shares what the capped have left
            capped = named("capped", market.cell("capped_minor"))
            return number(0), named("pool", market.cell("pool_minor")) - capped
        pool = named("pool", market.cell("shared_minor"))
        shared, own = named("shared", market.cell("shared_points")), points.as_input("p")
        return pool * own / shared, pool * (own + number(1)) / (shared + number(1))

    def _parts(self, amount: Step, milestones: Step, performance: Step) -> tuple[Step, Step]:
        """Step 6: two parts have one unit left over at most, and a tie goes to the milestone part."""
        weight = milestones.as_input("m")
        share = amount.as_input("a") * weight / (weight + performance.as_input("x"))
        milestone = self._add(
            "milestone_part",
            Message("Of that for milestones"),
            floor(share + number("0.5")),
            self.earnings.text("milestone_minor"),
        )
        rest = self._add(
            "performance_part",
            Message("Of that for performance"),
            amount.as_input("a") - milestone.as_input("m"),
            self.earnings.text("performance_minor"),
        )
        return milestone, rest

    def _posts(self, performance: Step, points: Step, posts: Mapping[str, Step]) -> None:
        """Step 6: the performance part over the eligible posts."""
        for row in self.rows.post_earnings:
            post_id = str(row.key["post_id"])
            share = (
                performance.as_input("a") * posts[post_id].as_input("p") / points.as_input("all")
            )
            unit = named("unit", row.cell("rounding_unit"))
            text = Message("Of that for post %(post)s", {"post": post_id})
            self._add(f"amount:{post_id}", text, floor(share) + unit, row.text("amount_minor"))

    def _market_total(self, market: str) -> Row:
        return next(row for row in self.rows.markets if row.key["market"] == market)

    @property
    def _version_no(self) -> int:
        last_day = self.program.last_day(self.program.period(self.period))
        return self.program.version_no_in_force(last_day)

    @property
    def _payout(self) -> Payout:
        return self.program.terms[self._version_no].payout

    def _in_minor(self, amount: Expression) -> Expression:
        decimals = minor_unit_decimals(self.program.currency)
        return amount * 10**decimals if decimals else amount

    def _add(
        self, step_id: str, label: Message, expression: Expression, published: str | None = None
    ) -> Step:
        unit = minor_unit(self.program.currency)
        return self.steps.add(step_id, "6", label, unit, expression, published)
