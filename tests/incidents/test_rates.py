"""Failures in exchange rates: turned round, or one to one.

Who, when and where it is told: docs/incidents.md.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.incidents.landing import Books, World, key

BLOCKS, WARNS = "rates_are_within_twice_and_half_of_those_before", "rates_are_near_those_before"
FX_ON = date(2024, 2, 2)

pytestmark = pytest.mark.long  # each is a run of a period


def rated(world: World, currency: str, before: str, now: str) -> None:
    """ann is paid in a currency whose rate was `before` for weeks, and is `now` on fx_on."""
    world.creator("ann", currency)
    world.post("page", "ann", 100_000)
    for days in (*range(8, 40, 4), 0):
        world.rows["fx_rates"].append(
            {
                "rate_date": (FX_ON - timedelta(days)).isoformat(), "base_currency": "USD",
                "quote_currency": currency, "rate": before if days else now,
            }
        )  # fmt: skip


@pytest.mark.parametrize(
    ("currency", "before", "now"),
    [("GBP", "0.57", "1.75"), ("SEK", "7.70", "0.13"), ("DKK", "6.10", "0.164")],
)
def test_adsense_april_2006_rates_turned_round(
    currency: str, before: str, now: str, world: World, books: Books
) -> None:
    rated(world, currency, before, now)
    assert books.blocked_by(1) == [BLOCKS]
    assert list(books.plain.published) == []


def test_adsense_april_2006_a_rate_near_1_turned_round_only_warns(
    world: World, books: Books
) -> None:
    """0.884 in place of 1.131 is 22 % off: too near for an error, and the payout is made."""
    rated(world, "CAD", "1.131", "0.884")
    books.run(1)
    assert WARNS in books.warnings()
    assert books.ledger(1, "ann")["payout_minor"] == 88_40


def test_adsense_april_2006_what_was_paid_too_low_is_not_made_good_by_a_rate(
    world: World, books: Books
) -> None:
    """A closed period keeps its rate: a restatement is of points and terms, not of rates."""
    rated(world, "CAD", "1.131", "0.884")
    books.run_and_close(1)
    world.rows["fx_rates"][-1] = {**world.rows["fx_rates"][-1], "rate": "1.131"}
    books.run(1)
    restated = books.plain.restated[key(1)].record()
    assert restated.totals.currencies["CAD"].get("difference_minor", 0) == 0


@pytest.mark.parametrize("confirmed", [False, True])
def test_adsense_september_2008_one_rupee_a_dollar(
    confirmed: bool, world: World, books: Books
) -> None:
    """A currency can fall by a factor of 46 in a day; then somebody says so in the program file."""
    rated(world, "INR", "46.555", "1")
    if not confirmed:
        assert books.blocked_by(1) == [BLOCKS]
        return
    world.program["periods"][0]["fx_confirmed"] = {"USD/INR": 1}
    books.run(1)
    assert "confirmed_" + BLOCKS in books.warnings()
    assert books.ledger(1, "ann")["payout_minor"] == 100_00
