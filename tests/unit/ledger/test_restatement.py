"""§7: what a closed period would come to now, and what open periods post of it."""

from __future__ import annotations

import pytest

from orchestration.ledger.restatement import Restated, adjustments, restate
from orchestration.ledger.settlement import Earned, MissingRate, Party
from orchestration.terms.load import parse_program
from tests.unit.terms.conftest import PROGRAM

USD = parse_program(PROGRAM.encode(), "program.yaml")
E10 = 10**10


def earned(creator_id: str, minor: int, market: str = "US") -> Earned:
    return Earned(creator_id, market, 0, minor, 0, False)


def restated(
    amounts: list[Earned],
    own: dict[str, tuple[str, int]],
    posted: dict[tuple[str, str], int],
    parties: dict[str, Party] | None = None,
    rates: dict[str, int] | None = None,
) -> list[Restated]:
    return restate(USD, amounts, own, parties or {}, rates or {"USD": E10}, posted)


def test_the_new_amount_goes_by_currency_and_rate_of_the_closed_ledger() -> None:
    """151.50 yen a dollar when it was closed, 140 now: the closed rate counts."""
    (row,) = restated(
        [earned("ito", 1_001)],
        {"ito": ("JPY", 1_515_000_000_000)},
        {("ito", "JPY"): 1_500},
        {"ito": Party("JP", "USD", "JP", "none", "ready")},
        {"USD": E10, "JPY": 140 * E10},
    )
    # 10.01 dollars x 151.5 = 1,516.515 yen, half-even 1,517
    assert (row.payout_currency, row.computed_minor, row.difference_minor) == ("JPY", 1_517, 17)


def test_a_creator_without_an_own_row_takes_what_holds_now() -> None:
    (row,) = restated(
        [earned("new", 300, "JP")], {}, {}, {"new": Party("JP", "JPY")}, {"JPY": 100 * E10}
    )
    assert (row.payout_currency, row.computed_minor, row.posted_minor) == ("JPY", 300, 0)


def test_without_payee_and_own_row_the_markets_currency_counts() -> None:
    (row,) = restated([earned("new", 300, "JP")], {}, {}, {}, {"JPY": 100 * E10})
    assert row.payout_currency == "JPY"


def test_who_earns_nothing_any_more_gives_all_of_it_back() -> None:
    (row,) = restated([], {"gone": ("USD", E10)}, {("gone", "USD"): 250})
    assert (row.computed_minor, row.difference_minor) == (0, -250)


def test_what_was_posted_in_another_currency_is_given_back_there() -> None:
    """An adjustment of before stands in euros, the own row in dollars."""
    rows = restated([earned("eve", 100)], {"eve": ("USD", E10)}, {("eve", "EUR"): 70})
    assert [(row.payout_currency, row.difference_minor) for row in rows] == [
        ("EUR", -70),
        ("USD", 100),
    ]


def test_rows_are_sorted_bytewise_by_creator_then_currency() -> None:
    rows = restated([], {}, {("é", "USD"): 1, ("z", "USD"): 1, ("z", "EUR"): 1})
    assert [(row.creator_id, row.payout_currency) for row in rows] == [
        ("z", "EUR"),
        ("z", "USD"),
        ("é", "USD"),
    ]


def test_a_missing_rate_is_named_where_something_is_earned() -> None:
    party = {"new": Party("JP", "JPY")}
    with pytest.raises(MissingRate, match="JPY"):
        restated([earned("new", 1, "JP")], {}, {}, party, {})
    assert restated([earned("new", 0, "JP")], {}, {}, party, {"USD": E10}) == []


def test_adjustments_are_what_is_computed_less_what_was_posted() -> None:
    found = adjustments(
        {"march": {("a", "USD"): 120, ("b", "USD"): 50}, "april": {("a", "USD"): 7}},
        {"march": {("a", "USD"): 100, ("b", "USD"): 50, ("c", "EUR"): 9}},
    )
    assert found == {
        ("a", "USD"): {"march": 20, "april": 7},
        ("c", "EUR"): {"march": -9},
    }


def test_what_a_closed_period_has_posted_is_not_posted_again() -> None:
    assert adjustments({"march": {("a", "USD"): 120}}, {"march": {("a", "USD"): 120}}) == {}


def test_a_row_says_what_is_computed_by_which_rate_and_what_was_posted() -> None:
    rows = restated([earned("a", 300)], {"a": ("USD", E10)}, {("a", "USD"): 120, ("b", "EUR"): 7})
    assert rows == [
        Restated("a", "USD", 300, E10, 120, 300),
        Restated("b", "EUR", 0, None, 7, 0),
    ]


def test_a_creator_without_an_own_row_takes_the_currency_of_its_payees_row() -> None:
    (row,) = restated(
        [earned("new", 300, "JP")], {}, {}, {"new": Party("JP", "EUR")}, {"EUR": 2 * E10}
    )
    assert (row.payout_currency, row.computed_minor) == ("EUR", 600)


def test_who_earns_nothing_and_has_no_rate_does_not_hide_those_after_it() -> None:
    party = {"new": Party("JP", "JPY")}
    (row,) = restated([earned("new", 0, "JP"), earned("ann", 5)], {"ann": ("USD", E10)}, {}, party)
    assert (row.creator_id, row.computed_minor) == ("ann", 5)


def test_rows_are_sorted_by_creator_before_currency() -> None:
    rows = restated([], {}, {("b", "EUR"): 1, ("a", "USD"): 1, ("c", "CHF"): 1})
    assert [row.creator_id for row in rows] == ["a", "b", "c"]
