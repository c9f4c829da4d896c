"""From program amounts to what is paid, carried or held, by hand (contract §7)."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration.ledger.decisions import Decided, ManualPosting, ReturnPosting
from orchestration.ledger.settlement import (
    NOTHING_DECIDED,
    Earned,
    LedgerRow,
    MissingRate,
    Party,
    payout_currency,
    settle,
    to_currency,
)
from orchestration.terms.load import parse_program
from orchestration.terms.model import Program

ONE_E10 = 10**10
TEXT = """\
program: spring
currency: USD
markets: {US: {timezone: America/Los_Angeles}, JP: {timezone: Asia/Tokyo}, KR: {timezone: Asia/Seoul}, BR: {timezone: America/Sao_Paulo}}
periods:
  - {key: april, starts_on: 2024-04-01, ends_on: 2024-04-30, closes_on: 2024-05-03, fx_on: 2024-05-02, pays_on: 2024-05-20}
terms:
  - version: 1
    effective_from: 2024-04-01
    eligibility: {account_types: [creator], markets: [US], content_types: [reel], counts_posts: any}
    weights: {}
    audience_value: {countries: {}, other: 1}
    payout: {method: rate, rates: {}}
terminated_on: TERMINATED
minimum_payout: {USD: 25.00, JPY: 4000}
withholding:
  - {tax_residence: US, tax_form: w9, brackets: [{rate: 0}]}
  - {tax_residence: US, tax_form: '*', brackets: [{rate: 0.24}]}
  - {tax_residence: GB, tax_form: none, brackets: [{rate: 0.11}]}
  - {tax_residence: '*', tax_form: treaty, brackets: [{rate: 0.05}]}
  - {tax_residence: JP, tax_form: '*', brackets: [{up_to: 10000, rate: 0.1021}, {rate: 0.2042}]}
  - {tax_residence: DE, tax_form: '*', brackets: [{up_to: 100.5, rate: 0.1}, {rate: 0.2}]}
  - {tax_residence: '*', tax_form: '*', brackets: [{rate: 0.30}]}
"""


def program(terminated_on: str = "null") -> Program:
    return parse_program(TEXT.replace("TERMINATED", terminated_on).encode(), "program.yaml")


def ready(currency: str = "USD", residence: str = "US", form: str = "w9") -> Party:
    return Party("US", currency, residence, form, "ready")


def earned(creator: str, cents: int, market: str | None = "US", milestone: int = 0) -> Earned:
    return Earned(creator, market, 10_000, cents - milestone, milestone, False)


def settled(
    *rows: Earned,
    parties: dict[str, Party] | None = None,
    rates: dict[str, int] | None = None,
    openings: dict[tuple[str, str], int] | None = None,
    adjustments: dict[tuple[str, str], dict[str, int]] | None = None,
    decided: Decided = NOTHING_DECIDED,
    terminated_on: str = "null",
) -> list[LedgerRow]:
    spring = program(terminated_on)
    return settle(
        spring,
        spring.period("april"),
        rows,
        parties or {},
        {"USD": ONE_E10} if rates is None else rates,
        openings or {},
        adjustments or {},
        decided,
    )


def the_row(*rows: Earned, **more: Any) -> LedgerRow:
    (row,) = settled(*rows, **more)
    return row


@pytest.mark.parametrize(
    ("cents", "rate_e10", "decimals", "amount"),
    [
        (12345, ONE_E10, 2, 12345),
        (100, 150 * ONE_E10, 0, 150),  # a dollar is 150 yen
        (1, 50 * ONE_E10, 0, 0),  # half a yen: to the even side
        (1, 150 * ONE_E10, 0, 2),
        (1, 250 * ONE_E10, 0, 2),
        (1, 250 * ONE_E10 + 1, 0, 3),
        (1, 150 * ONE_E10 - 1, 0, 1),
        (1, ONE_E10 // 2, 3, 5),  # half a cent is 5 of a currency with 3 decimals
        (-1, 150 * ONE_E10, 0, -2),
    ],
)
def test_earnings_are_rounded_half_even_in_the_payout_currency(
    cents: int, rate_e10: int, decimals: int, amount: int
) -> None:
    assert to_currency(cents, rate_e10, 2, decimals) == amount


def test_a_program_currency_without_decimals() -> None:
    assert to_currency(150, ONE_E10 // 100, 0, 2) == 150  # 150 yen at 0.01 are 1.50 dollars


@pytest.mark.parametrize(
    ("market", "party", "currency"),
    [
        ("JP", Party("JP", "EUR", "JP", "none", "ready"), "EUR"),  # the payees row goes first
        ("US", None, "USD"),
        ("JP", None, "JPY"),
        ("KR", Party("KR"), "KRW"),  # a creators row without a payees row
        ("BR", None, "USD"),  # else the program's
        (None, None, "USD"),
    ],
)
def test_the_payout_currency(market: str | None, party: Party | None, currency: str) -> None:
    assert payout_currency(market, party, program()) == currency


def test_without_a_payees_row_the_status_is_incomplete() -> None:
    row = the_row(earned("a", 10000, "JP"), rates={"JPY": 150 * ONE_E10})
    assert (row.payout_currency, row.earnings_minor) == ("JPY", 15000)
    assert (row.status, row.status_reason) == ("held", "PAYEE_INCOMPLETE")
    assert (row.closing_balance_minor, row.payout_minor, row.withheld_minor) == (15000, 0, 0)


@pytest.mark.parametrize(
    ("cents", "opening", "party", "status", "reason"),
    [
        (0, 0, ready(), "none", None),
        (2500, 0, ready(), "paid", None),
        (2499, 0, ready(), "carried", "BELOW_MINIMUM"),
        (2499, 1, ready(), "paid", None),  # the minimum is of the payable, not of the earnings
        (2500, -1, ready(), "carried", "BELOW_MINIMUM"),
        (100, -101, ready(), "carried", "NEGATIVE_BALANCE"),
        (100, -100, ready(), "none", None),
        (2500, 0, Party("US", "USD", "US", "w9", "incomplete"), "held", "PAYEE_INCOMPLETE"),
        (2500, 0, Party("US", "USD", "US", "w9", "blocked"), "held", "PAYEE_BLOCKED"),
        # the first line that holds: the payee's status goes before the minimum,
        (1, 0, Party("US", "USD", "US", "w9", "blocked"), "held", "PAYEE_BLOCKED"),
        # and what is negative or 0 before the payee's status
        (0, -1, Party("US", "USD", "US", "w9", "blocked"), "carried", "NEGATIVE_BALANCE"),
        (0, 0, Party("US", "USD", "US", "w9", "blocked"), "none", None),
    ],
)
def test_the_first_line_that_holds_gives_the_status(
    cents: int, opening: int, party: Party, status: str, reason: str | None
) -> None:
    row = the_row(earned("a", cents), parties={"a": party}, openings={("a", "USD"): opening})
    assert (row.status, row.status_reason) == (status, reason)
    assert row.payable_minor == opening + cents
    assert row.payout_minor == (row.payable_minor if status == "paid" else 0)
    assert row.closing_balance_minor == (0 if status == "paid" else row.payable_minor)


@pytest.mark.parametrize(
    ("terminated_on", "status"),
    [
        ("null", "carried"),
        ("2024-05-02", "carried"),  # ends_on is before terminated_on - 1 day
        ("2024-05-01", "paid"),  # the day after ends_on
        ("2024-04-15", "paid"),
    ],
)
def test_a_program_that_ends_pays_what_is_below_the_minimum(
    terminated_on: str, status: str
) -> None:
    row = the_row(earned("a", 1), parties={"a": ready()}, terminated_on=terminated_on)
    assert row.status == status


def test_a_currency_without_a_minimum_pays_from_one_unit() -> None:
    row = the_row(earned("a", 1), parties={"a": ready("EUR")}, rates={"EUR": ONE_E10})
    assert (row.status, row.payout_minor) == ("paid", 1)


@pytest.mark.parametrize(
    ("payable", "party", "withheld"),
    [
        (10000, ready(), 0),
        (10000, ready(form="w8"), 2400),  # 24 % of 100 dollars: the second row
        (10000, ready(residence="FR", form="treaty"), 500),
        (10000, ready(residence="FR"), 3000),  # the last row matches all
        (3333, ready(form="w8"), 799),  # 799.92, rounded down
        (3334, ready(form="w8"), 800),  # 800.16
        (10050, ready(residence="DE"), 1005),  # up_to 100.5 dollars, just met
        (10055, ready(residence="DE"), 1006),  # and 20 % of 5 cents
        (10054, ready(residence="DE"), 1005),  # 1005.8
    ],
)
def test_withholding_is_by_the_first_row_that_matches_and_rounded_down(
    payable: int, party: Party, withheld: int
) -> None:
    row = the_row(earned("a", payable), parties={"a": party})
    assert (row.status, row.withheld_minor) == ("paid", withheld)
    assert row.payout_minor == payable - withheld
    assert row.closing_balance_minor == 0


def test_withholding_brackets_are_in_the_payout_currency() -> None:
    """15,000 yen: 10.21 % of 10,000 and 20.42 % of 5,000 are 2,042."""
    row = the_row(
        earned("a", 10000), parties={"a": ready("JPY", "JP", "none")}, rates={"JPY": 150 * ONE_E10}
    )
    assert (row.payable_minor, row.withheld_minor, row.payout_minor) == (15000, 2042, 12958)
    assert (row.tax_residence, row.fx_rate_e10) == ("JP", 150 * ONE_E10)


def test_a_payees_row_without_a_tax_form_is_none() -> None:
    row = the_row(earned("a", 10000), parties={"a": Party("US", "USD", "GB", None, "ready")})
    assert row.withheld_minor == 1100


def test_payable_is_opening_and_earnings_and_adjustments() -> None:
    row = the_row(
        earned("a", 3000, milestone=1000),
        parties={"a": ready()},
        openings={("a", "USD"): 70},
        adjustments={("a", "USD"): {"march": -20, "february": 5}},
    )
    assert row == LedgerRow(
        creator_id="a",
        payout_currency="USD",
        market="US",
        status="paid",
        status_reason=None,
        points_e4=10_000,
        performance_minor=2000,
        milestone_minor=1000,
        capped=False,
        program_amount_minor=3000,
        fx_rate_e10=ONE_E10,
        earnings_minor=3000,
        opening_balance_minor=70,
        adjustments_minor=-15,
        returns_minor=0,
        payable_minor=3055,
        withheld_minor=0,
        payout_minor=3055,
        closing_balance_minor=0,
        tax_residence="US",
        adjustments_by_origin={"february": 5, "march": -20},
    )
    assert list(row.adjustments_by_origin) == ["february", "march"]


@pytest.mark.parametrize("balance", [5000, -5000])
def test_a_balance_in_a_former_currency_is_held_whatever_its_sign(balance: int) -> None:
    own, former = settled(
        earned("a", 10000),
        parties={"a": ready("JPY", "JP")},
        rates={"JPY": 150 * ONE_E10, "USD": ONE_E10},
        openings={("a", "USD"): balance},
    )
    assert (own.payout_currency, own.status, own.payable_minor) == ("JPY", "paid", 15000)
    assert (former.payout_currency, former.status_reason) == ("USD", "CURRENCY_CHANGED")
    assert (former.status, former.fx_rate_e10) == ("held", None)
    assert (former.payable_minor, former.closing_balance_minor) == (balance, balance)
    assert (former.points_e4, former.performance_minor, former.program_amount_minor) == (0, 0, 0)
    assert (former.earnings_minor, former.capped, former.market) == (0, False, "US")


def test_an_adjustment_that_settles_a_former_currency_leaves_none() -> None:
    """§7: "payable = 0" goes before CURRENCY_CHANGED."""
    _, former = settled(
        earned("a", 0),
        parties={"a": ready("JPY", "JP")},
        rates={"JPY": 150 * ONE_E10},
        openings={("a", "USD"): 5000},
        adjustments={("a", "USD"): {"march": -5000}},
    )
    assert (former.payout_currency, former.status, former.status_reason) == ("USD", "none", None)


def test_an_adjustment_in_a_former_currency_is_held() -> None:
    _, former = settled(
        earned("a", 0),
        parties={"a": ready("JPY", "JP")},
        rates={"JPY": 150 * ONE_E10},
        adjustments={("a", "USD"): {"march": 7}},
    )
    assert (former.status_reason, former.adjustments_minor) == ("CURRENCY_CHANGED", 7)
    assert former.closing_balance_minor == 7


BY_HAND = ManualPosting("a1", "ada", "USD", "march", 250)
RETURNED = ReturnPosting(
    "march", "ada", "USD", {"payable:ada": -500, "clearing:payout": 380, "withheld:US": 120}
)


def test_payable_has_adjustments_by_hand_and_what_was_payable_in_returned_payouts() -> None:
    """ "adjustments_minor is the sum of the adjustments of both kinds, returns_minor what was payable
    in the payouts that are returned" """
    row = the_row(
        earned("ada", 3_000),
        parties={"ada": ready()},
        openings={("ada", "USD"): 70},
        adjustments={("ada", "USD"): {"february": 5}},
        decided=Decided([BY_HAND, BY_HAND], [RETURNED]),
    )
    assert (row.adjustments_minor, row.returns_minor) == (505, 500)
    assert row.payable_minor == 70 + 3_000 + 505 + 500
    assert row.status == "paid"


def test_a_return_that_is_taken_back_lowers_what_is_payable() -> None:
    back = {account: -amount for account, amount in RETURNED.legs.items()}
    taken = ReturnPosting("march", "ada", "USD", back)
    row = the_row(earned("ada", 100), parties={"ada": ready()}, decided=Decided([], [taken]))
    assert (row.returns_minor, row.payable_minor, row.status) == (-500, -400, "carried")


@pytest.mark.parametrize("decided", [Decided([BY_HAND]), Decided([], [RETURNED])])
def test_a_decision_in_another_currency_is_held(decided: Decided) -> None:
    rows = settled(
        earned("ada", 100, "JP"),
        parties={"ada": ready("JPY", "JP")},
        rates={"JPY": 150 * ONE_E10},
        decided=decided,
    )
    (other,) = (row for row in rows if row.payout_currency == "USD")
    assert (other.status, other.status_reason) == ("held", "CURRENCY_CHANGED")
    assert other.fx_rate_e10 is None
    assert len(rows) == 2


@pytest.mark.parametrize("decided", [Decided([BY_HAND]), Decided([], [RETURNED])])
def test_a_creator_without_a_deal_has_a_row_for_a_decision(decided: Decided) -> None:
    row = the_row(parties={"ada": ready()}, decided=decided)
    assert (row.creator_id, row.earnings_minor, row.points_e4) == ("ada", 0, 0)
    assert row.payable_minor == row.adjustments_minor + row.returns_minor > 0


def test_decisions_that_cancel_each_other_leave_a_row_all_the_same() -> None:
    """§9: "payout_ledger has a row for each ... other open balance, adjustment or return" """
    other = ManualPosting("a2", "ada", "USD", "march", -250)
    row = the_row(parties={"ada": ready()}, decided=Decided([BY_HAND, other]))
    assert (row.adjustments_minor, row.payable_minor, row.status) == (0, 0, "none")


def test_a_creator_that_is_gone_has_a_row_for_its_balance_and_for_its_adjustment() -> None:
    """§7: "no row in creator_eligibility has a ledger row all the same, with 0"."""
    with_balance, with_adjustment = settled(
        parties={"a": Party("JP", "USD", "US", "w9", "ready")},
        openings={("a", "USD"): 2500, ("z", "USD"): 0},
        adjustments={("b", "USD"): {"march": 9}, ("z", "USD"): {}},
    )
    assert (with_balance.creator_id, with_balance.status) == ("a", "paid")
    assert (with_balance.market, with_balance.points_e4, with_balance.earnings_minor) == (
        "JP",
        0,
        0,
    )
    assert (with_adjustment.creator_id, with_adjustment.status_reason) == ("b", "PAYEE_INCOMPLETE")
    assert (with_adjustment.market, with_adjustment.payable_minor) == (None, 9)


def test_rows_are_sorted_bytewise() -> None:
    rows = settled(
        earned("é", 0),
        earned("z", 0),
        earned("a", 0),
        openings={("a", "EUR"): 1, ("a", "AUD"): 1},
    )
    assert [(row.creator_id, row.payout_currency) for row in rows] == [
        ("a", "AUD"),
        ("a", "EUR"),
        ("a", "USD"),
        ("z", "USD"),
        ("é", "USD"),
    ]


def test_a_missing_rate_stops_the_run_and_all_are_named() -> None:
    with pytest.raises(
        MissingRate, match=r"^no rate from USD to EUR, JPY in the 8 days up to 2024-05-02"
    ):
        settled(
            earned("a", 1),
            earned("b", 1),
            parties={"a": ready("JPY"), "b": ready("EUR")},
        )


def test_who_earned_nothing_needs_no_rate() -> None:
    row = the_row(earned("a", 0), parties={"a": ready("JPY")}, openings={("a", "JPY"): 4000})
    assert (row.fx_rate_e10, row.earnings_minor, row.status) == (None, 0, "paid")


def test_the_program_amount_is_both_parts() -> None:
    assert Earned("a", "US", 0, 3, 4, False).program_amount_minor == 7
