"""Failures in what was promised: shares turned round, shares prorated wrongly, pools raised, programs ended.

Who, when and where it is told: docs/incidents.md.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.incidents.landing import Books, World, key, pool

pytestmark = pytest.mark.long  # each is several runs of a period


def test_twitch_a_share_of_30_in_place_of_70_for_years(world: World, books: Books) -> None:
    """No gate knows what was agreed. The file put right, each period is restated, and owed at once."""
    world.lasts(3)
    world.creator("ann")
    for month in (1, 2, 3):
        world.post(f"reel-{month}", "ann", 1_000 * month, month=month)
    payout = world.terms["payout"]
    payout["rates"]["US"][0]["rate"] = Decimal("0.3")
    books.run_and_close(1, 2)
    assert [books.earned(month)["ann"] for month in (1, 2)] == [30, 60]
    payout["rates"]["US"][0]["rate"] = Decimal("0.7")
    for month in (1, 2, 3):
        books.run(month)
    assert books.posted(3, "adjustment") == [(key(1), "ann", 40), (key(2), "ann", 80)]
    assert books.ledger(3, "ann")["payout_minor"] == 210 + 120


def test_twitch_january_2023_an_incentive_prorated_wrongly(world: World, books: Books) -> None:
    """156 of 184 parts of 1,600.00 are 1,356.52: the share is exact, and the shares sum to the whole."""
    world.terms["payout"] = pool("1600.00")
    for creator, hours in [("ann", 156), ("bo", 28)]:
        world.creator(creator)
        world.post(f"hours-{creator}", creator, hours)
    books.run(1)
    assert books.earned(1) == {"ann": round(Fraction(160_000 * 156, 184)), "bo": 24_348}
    assert sum(books.earned(1).values()) == 160_000


def test_gitcoin_may_2024_a_pool_raised_during_the_round(world: World, books: Books) -> None:
    """A run takes the pool of the file as it is then, and pays all of it."""
    world.terms["payout"] = pool("30.00")
    for creator, votes in [("ann", 2), ("bo", 5)]:
        world.creator(creator)
        world.post(f"votes-{creator}", creator, votes)
    books.run(1)
    assert sum(books.earned(1).values()) == 30_00
    world.terms["payout"] = pool("35.00")
    books.run(1)
    assert books.earned(1) == {"ann": 10_00, "bo": 25_00}


def test_gitcoin_may_2024_a_pool_raised_after_the_close(world: World, books: Books) -> None:
    """Closed with the old sum, the 5.00 are not lost: the next period posts them, each to its creator."""
    world.terms["payout"] = pool("30.00")
    for creator, votes in [("ann", 2), ("bo", 5)]:
        world.creator(creator)
        world.post(f"votes-{creator}", creator, votes)
    books.run_and_close(1)
    assert books.earned(1) == {"ann": 8_57, "bo": 21_43}
    world.terms["payout"] = pool("35.00")
    books.run(1)
    world.terms["payout"] = pool("0.00")
    books.run(2)
    assert books.posted(2, "adjustment") == [(key(1), "ann", 1_43), (key(1), "bo", 3_57)]


def test_gitcoin_round_12_a_cap_that_did_not_work_as_intended(world: World, books: Books) -> None:
    """What the capped leave is shared among the others, and under the cap again, to the last cent."""
    world.terms["payout"] = {**pool("1000.00"), "cap": {"US": Decimal("300.00")}}
    for creator, votes in [("ann", 900), ("bo", 60), ("cy", 20), ("di", 20)]:
        world.creator(creator)
        world.post(f"votes-{creator}", creator, votes)
    books.run(1)
    assert books.earned(1) == {"ann": 300_00, "bo": 300_00, "cy": 200_00, "di": 200_00}


def test_pinterest_november_2022_a_program_ended_within_days(world: World, books: Books) -> None:
    """Counts end with the last day, and what was too little to be paid before is paid then."""
    world.program["minimum_payout"] = {"USD": Decimal("25.00")}
    world.creator("ann")
    world.post("first", "ann", 20_000)
    world.post("second", "ann", 1_000, month=2)
    world.seen("second", "2024-02-15T12:00:00Z", 600)
    books.run(1)
    books.run(2)
    assert books.ledger(2, "ann")["status_reason"] == "BELOW_MINIMUM"
    world.program["terminated_on"] = date(2024, 2, 21)
    books.run(2)
    row = books.ledger(2, "ann")
    assert (row["opening_balance_minor"], row["earnings_minor"]) == (20_00, 60)
    assert (row["status"], row["payout_minor"], row["closing_balance_minor"]) == ("paid", 20_60, 0)


def test_compound_september_2021_new_terms_pay_out_far_too_much(world: World, books: Books) -> None:
    """More than five times as much as in the period before warns, and a budget bounds it to the cent."""
    world.creator("ann")
    for month in (1, 2):
        world.post(f"reel-{month}", "ann", 10_000, month=month)
    books.run(1)
    bracket = world.terms["payout"]["rates"]["US"][0]
    bracket["rate"] = Decimal(5)
    books.run(2)
    assert "the_total_is_like_the_period_before" not in books.warnings()
    bracket["rate"] = Decimal("5.001")
    books.run(2)
    assert "the_total_is_like_the_period_before" in books.warnings()
    bracket["rate"] = Decimal(100)
    world.program["periods"][1]["budget"] = Decimal("12.00")
    books.run(2)
    assert books.earned(2) == {"ann": 12_00}
