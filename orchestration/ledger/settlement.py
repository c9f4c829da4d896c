"""From program amounts to what is paid, carried or held (§7), in minor units of the payout currency."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from orchestration.ledger.decisions import Decided, ManualPosting, ReturnPosting
from orchestration.ledger.earnings import bracket_sum
from orchestration.ledger.money import half_even_div
from orchestration.terms.currencies import default_payout_currency, minor_unit_decimals
from orchestration.terms.exact import scaled
from orchestration.terms.model import Period, Program


@dataclass(frozen=True, slots=True)
class Party:
    """A creator as settlement sees it: its market, and its payees row in force at pays_on, if any."""

    market: str | None
    payout_currency: str | None = None
    tax_residence: str | None = None
    tax_form: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Earned:
    """A row of creator_eligibility with what it earned, in minor units of the program currency."""

    creator_id: str
    market: str | None
    points_e4: int
    performance_minor: int
    milestone_minor: int
    capped: bool

    @property
    def program_amount_minor(self) -> int:
        return self.performance_minor + self.milestone_minor


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A row of payout_ledger (§9), with what it is made of and the residence that withheld.

    `adjustments_by_origin` are differences of restated periods; `manual` and `returns` are what
    people decided.
    """

    creator_id: str
    payout_currency: str
    market: str | None
    status: str
    status_reason: str | None
    points_e4: int
    performance_minor: int
    milestone_minor: int
    capped: bool
    program_amount_minor: int
    fx_rate_e10: int | None
    earnings_minor: int
    opening_balance_minor: int
    adjustments_minor: int
    returns_minor: int
    payable_minor: int
    withheld_minor: int
    payout_minor: int
    closing_balance_minor: int
    tax_residence: str | None = None
    adjustments_by_origin: Mapping[str, int] = field(default_factory=dict)
    manual: Sequence[ManualPosting] = ()
    returns: Sequence[ReturnPosting] = ()


class MissingRate(ValueError):
    """§7 "No rate: the run is blocked"."""


NOTHING_DECIDED = Decided()


def to_currency(program_minor: int, rate_e10: int, program_decimals: int, decimals: int) -> int:
    """§7 "earnings = program amount x rate, rounded half-even", minor units in, minor units out."""
    return half_even_div(program_minor * rate_e10 * 10**decimals, 10 ** (10 + program_decimals))


def rate_to(currency: str, program: Program, rates_e10: Mapping[str, int]) -> int | None:
    """The rate x 10^10 from the program currency, None where there is none; §7: "The same currency is 1"."""
    return 10**10 if currency == program.currency else rates_e10.get(currency)


def payout_currency(creator_market: str | None, party: Party | None, program: Program) -> str:
    """§7: the payees row's currency; without one "the market's currency", else the program's."""
    if party is not None and party.payout_currency is not None:
        return party.payout_currency
    return default_payout_currency(creator_market, program.currency)


def settle(
    program: Program,
    period: Period,
    earned: Iterable[Earned],
    parties: Mapping[str, Party],
    rates_e10: Mapping[str, int],
    openings: Mapping[tuple[str, str], int],
    adjustments: Mapping[tuple[str, str], Mapping[str, int]],
    decided: Decided = NOTHING_DECIDED,
) -> list[LedgerRow]:
    """§7: the ledger rows of a period, sorted by creator and currency (bytewise).

    `openings` are the closing balances of the latest earlier published period, `adjustments` the
    restated differences per origin period, both by (creator_id, currency); `decided` is what people
    decided. Raises MissingRate with every currency that earnings need and that has no rate.
    """
    settlement = _Settlement(program, period, parties, rates_e10, openings, adjustments, decided)
    rows = list(settlement.rows({row.creator_id: row for row in earned}))
    if settlement.missing_rates:
        raise MissingRate(
            f"no rate from {program.currency} to {', '.join(sorted(settlement.missing_rates))} "
            f"in the 8 days up to {period.fx_on}, direct or through EUR"
        )
    rows.sort(key=lambda row: (row.creator_id.encode(), row.payout_currency))
    return rows


class _Settlement:
    """The inputs of one period's settlement, and the row that each account gets."""

    def __init__(
        self,
        program: Program,
        period: Period,
        parties: Mapping[str, Party],
        rates_e10: Mapping[str, int],
        openings: Mapping[tuple[str, str], int],
        adjustments: Mapping[tuple[str, str], Mapping[str, int]],
        decided: Decided,
    ) -> None:
        self.program = program
        self.period = period
        self.parties = parties
        self.rates_e10 = rates_e10
        self.openings = openings
        self.adjustments = adjustments
        self.manual = decided.manual_of()
        self.returns = decided.returns_of()
        self.program_decimals = minor_unit_decimals(program.currency)
        self.missing_rates: set[str] = set()

    def rows(self, earned: Mapping[str, Earned]) -> Iterator[LedgerRow]:
        accounts = {
            (creator, payout_currency(row.market, self.parties.get(creator), self.program))
            for creator, row in earned.items()
        }
        accounts |= {account for account, balance in self.openings.items() if balance}
        accounts |= {account for account, origins in self.adjustments.items() if origins}
        accounts |= self.manual.keys() | self.returns.keys()
        for creator, currency in accounts:
            yield self._row(creator, currency, earned.get(creator))

    def _row(self, creator: str, currency: str, earned: Earned | None) -> LedgerRow:
        party = self.parties.get(creator)
        market = earned.market if earned else (party.market if party else None)
        is_own = currency == payout_currency(market, party, self.program)
        if earned is None or not is_own:
            earned = Earned(creator, market, 0, 0, 0, False)
        rate_e10 = self._rate(currency, earned) if is_own else None
        earnings = (
            0
            if rate_e10 is None
            else to_currency(
                earned.program_amount_minor,
                rate_e10,
                self.program_decimals,
                minor_unit_decimals(currency),
            )
        )
        origins = self.adjustments.get((creator, currency), {})
        manual = self.manual.get((creator, currency), [])
        returns = self.returns.get((creator, currency), [])
        opening = self.openings.get((creator, currency), 0)
        adjusted = sum(origins.values()) + sum(posting.amount_minor for posting in manual)
        returned = sum(posting.payable_minor for posting in returns)
        payable = opening + earnings + adjusted + returned
        status, reason = self._status(payable, currency, is_own, party)
        withheld = self._withheld(payable, currency, party) if status == "paid" else 0
        return LedgerRow(
            creator_id=creator,
            payout_currency=currency,
            market=market,
            status=status,
            status_reason=reason,
            points_e4=earned.points_e4,
            performance_minor=earned.performance_minor,
            milestone_minor=earned.milestone_minor,
            capped=earned.capped,
            program_amount_minor=earned.program_amount_minor,
            fx_rate_e10=rate_e10,
            earnings_minor=earnings,
            opening_balance_minor=opening,
            adjustments_minor=adjusted,
            returns_minor=returned,
            payable_minor=payable,
            withheld_minor=withheld,
            payout_minor=payable - withheld if status == "paid" else 0,
            closing_balance_minor=0 if status == "paid" else payable,
            tax_residence=party.tax_residence if party else None,
            adjustments_by_origin=dict(sorted(origins.items())),
            manual=tuple(manual),
            returns=tuple(returns),
        )

    def _rate(self, currency: str, earned: Earned) -> int | None:
        rate = rate_to(currency, self.program, self.rates_e10)
        if rate is None and earned.program_amount_minor:
            self.missing_rates.add(currency)
        return rate

    def _status(
        self, payable: int, currency: str, is_own: bool, party: Party | None
    ) -> tuple[str, str | None]:
        """§7: "The first line that holds gives the row's status and status_reason"."""
        payee_status = party.status if party and party.status else "incomplete"
        if payable == 0:
            return "none", None
        if not is_own:
            return "held", "CURRENCY_CHANGED"
        if payable < 0:
            return "carried", "NEGATIVE_BALANCE"
        if payee_status != "ready":
            return "held", f"PAYEE_{payee_status.upper()}"
        if payable < self.program.minimum_payout_minor(currency, self.period):
            return "carried", "BELOW_MINIMUM"
        return "paid", None

    def _withheld(self, payable: int, currency: str, party: Party | None) -> int:
        """§7: "withheld = brackets over payable, rounded down"."""
        assert party is not None and party.tax_residence is not None, "only payees are paid"
        rule = self.program.withholding_rule(party.tax_residence, party.tax_form or "none")
        decimals = minor_unit_decimals(currency)
        brackets = [
            (
                None if bracket.up_to is None else scaled(bracket.up_to, 6 + decimals),
                scaled(bracket.rate, 6),
            )
            for bracket in rule.brackets
        ]
        return bracket_sum(payable * 10**6, brackets) // 10**12
