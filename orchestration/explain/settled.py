"""§7: from what a creator earned to each column of its ledger rows, currency by currency.

Opening balances come from the earlier period's ledger, adjustments and returns from the journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestration.explain.amounts import Earned, marginal
from orchestration.explain.expression import Expression, floor, half_even, named, number, total
from orchestration.explain.rows import CreatorRows, Row
from orchestration.explain.steps import POINTS, RATE, Step, Steps, minor_unit, program_number
from orchestration.foundations.messages import Message
from orchestration.ledger.journal import EXPENSE
from orchestration.terms.currencies import minor_unit_decimals
from orchestration.terms.model import Program


def explain_ledger(
    steps: Steps, program: Program, rows: CreatorRows, earned: Earned | None
) -> dict[str, dict[str, str]]:
    """The steps of all ledger rows; returns the id of the step of each column, by currency.

    Contradiction where the ledger has another value. Columns that are null have no step.
    """
    return {
        row.text("payout_currency"): {
            column: step.id
            for column, step in _Account(steps, program, rows, row, earned).columns()
        }
        for row in rows.ledger
    }


@dataclass(frozen=True, slots=True)
class _Account:
    """One ledger row."""

    steps: Steps
    program: Program
    rows: CreatorRows
    row: Row
    earned: Earned | None

    def columns(self) -> Iterator[tuple[str, Step]]:
        """Each column from points to closing_balance_minor that is not null, with its step."""
        earned = self._earned()
        yield "points", self._told("points", earned.points)
        yield "performance_minor", self._told("performance_minor", earned.performance)
        yield "milestone_minor", self._told("milestone_minor", earned.milestone)
        yield "program_amount_minor", self._told("program_amount_minor", earned.amount)
        rate = self._rate()
        if rate is not None:
            yield "fx_rate", rate
        earnings = self._earnings(earned.amount, rate)
        yield "earnings_minor", earnings
        opening = self._opening()
        yield "opening_balance_minor", opening
        adjustments = self._adjustments()
        yield "adjustments_minor", adjustments
        returns = self._returns()
        yield "returns_minor", returns
        payable = self._add(
            *("payable", Message("To be paid")),
            opening.as_input("o")
            + earnings.as_input("e")
            + adjustments.as_input("a")
            + returns.as_input("r"),
            "payable_minor",
        )
        yield "payable_minor", payable
        yield from self._paid(payable)

    def _paid(self, payable: Step) -> Iterator[tuple[str, Step]]:
        nothing, is_paid = number(0), self.row.text("status") == "paid"
        owed = payable.as_input("p")
        withheld = self._add(
            "withheld",
            Message("Tax withheld"),
            self._withheld(owed) if is_paid else nothing,
            "withheld_minor",
        )
        yield "withheld_minor", withheld
        paid = owed - withheld.as_input("w") if is_paid else nothing
        yield "payout_minor", self._add("payout", Message("Paid out"), paid, "payout_minor")
        left = nothing if is_paid else owed
        yield (
            "closing_balance_minor",
            self._add("closing", Message("Balance carried on"), left, "closing_balance_minor"),
        )

    def _earned(self) -> Earned:
        """The earnings, in the creator's own currency; elsewhere, and for others, nothing."""
        if self.earned is not None and self._is_own:
            return self.earned
        no_points, no_amount = (
            (
                Message("No points: the creator is not eligible"),
                Message("No amount: the creator is not eligible"),
            )
            if self._is_own
            else (
                Message("No points: not the creator's payout currency"),
                Message("No amount: not the creator's payout currency"),
            )
        )
        points = self.steps.add(f"no-points:{self._currency}", "5", no_points, POINTS, number(0))
        amount = self.steps.add(
            f"no-amount:{self._currency}",
            *("6", no_amount, minor_unit(self.program.currency)),
            number(0),
        )
        return Earned(points, amount, amount, amount)

    def _rate(self) -> Step | None:
        if self.row.cells["fx_rate"] is None:
            return None
        found = [row for row in self.rows.rates if row.key["payout_currency"] == self._currency]
        # §7 "The same currency is 1", with or without a row.
        rate = named("r", found[0].cell("fx_rate")) if found else number(1)
        return self.steps.add(
            f"fx_rate:{self._currency}",
            "7",
            Message(
                "Rate from %(base)s to %(quote)s",
                {"base": self.program.currency, "quote": self._currency},
            ),
            RATE,
            rate,
            self.row.cells["fx_rate"],
        )

    def _earnings(self, amount: Step, rate: Step | None) -> Step:
        converted = number(0)
        if rate is not None:
            decimals = minor_unit_decimals(self.program.currency)
            exact = amount.as_input("a") * rate.as_input("r")
            if self._decimals < decimals:
                exact = exact / 10 ** (decimals - self._decimals)
            elif self._decimals > decimals:
                exact = exact * 10 ** (self._decimals - decimals)
            converted = half_even(exact, 0)
        return self._add("earnings", Message("Earned in this period"), converted, "earnings_minor")

    def _opening(self) -> Step:
        before = [row for row in self.rows.before if row.key["payout_currency"] == self._currency]
        cells = [named("o", row.cell("closing_balance_minor")) for row in before]
        label = (
            Message("Balance from %(period)s", {"period": before[0].period or ""})
            if before
            else Message("Balance from before")
        )
        return self._add("opening", label, total(cells), "opening_balance_minor")

    def _adjustments(self) -> Step:
        posted = self._posted(("adjustment", "manual"), EXPENSE)
        cells = total(_amounts(posted))
        return self._add("adjustments", Message("Adjustments"), cells, "adjustments_minor")

    def _returns(self) -> Step:
        """A return credits the creator's account again, and a credit is below 0."""
        first, *others = _amounts(self._posted(("return",), f"payable:{self.rows.creator_id}")) or [
            number(0)
        ]
        returned = -first if first.inputs else first
        for other in others:
            returned = returned - other
        return self._add(
            "returns", Message("Payments that were returned"), returned, "returns_minor"
        )

    def _posted(self, kinds: tuple[str, ...], account: str) -> list[Row]:
        return [
            row
            for row in self.rows.journal
            if row.cells["kind"] in kinds
            and row.cells["account"] == account
            and row.cells["currency"] == self._currency
        ]

    def _withheld(self, owed: Expression) -> Expression:
        party = self.rows.party
        assert party is not None, "only payees are paid"
        rule = self.program.withholding_rule(
            party.text("tax_residence"), party.cells["tax_form"] or "none"
        )
        path = ("withholding", self.program.withholding.index(rule), "brackets")
        brackets = [
            (
                None
                if bracket.up_to is None
                else self._in_minor(program_number(f"u{no}", bracket.up_to, *path, no, "up_to")),
                program_number(f"r{no}", bracket.rate, *path, no, "rate"),
            )
            for no, bracket in enumerate(rule.brackets)
        ]
        return floor(marginal(owed, brackets))

    def _in_minor(self, amount: Expression) -> Expression:
        return amount * 10**self._decimals if self._decimals else amount

    @property
    def _currency(self) -> str:
        return self.row.text("payout_currency")

    @property
    def _decimals(self) -> int:
        return minor_unit_decimals(self._currency)

    @property
    def _is_own(self) -> bool:
        party = self.rows.party
        return party is not None and party.cells["payout_currency"] == self._currency

    def _told(self, column: str, step: Step) -> Step:
        """A step of the earnings, which the ledger must have with the same value."""
        self.steps.demand(step, self.row.text(column))
        return step

    def _add(self, name: str, label: Message, expression: Expression, column: str) -> Step:
        return self.steps.add(
            f"{name}:{self._currency}",
            "7",
            label,
            minor_unit(self._currency),
            expression,
            self.row.text(column),
        )


def _amounts(entries: Iterable[Row]) -> list[Expression]:
    return [named(f"j{no}", row.cell("amount_minor")) for no, row in enumerate(entries, start=1)]
