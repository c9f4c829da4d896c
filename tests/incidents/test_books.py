"""Failures in the books: figures shown and not paid, cents lost, signs turned round, payments made twice.

Who, when and where it is told: docs/incidents.md.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from orchestration.pipeline.refusals import Refused
from tests.incidents.landing import Books, World, key

pytestmark = pytest.mark.long  # each is several runs of a period


def test_gitcoin_february_2021_1086_shown_but_740_paid(world: World, books: Books) -> None:
    """346 of one round and 740 of another: each is shown where it is paid, and what is due is what is paid."""
    world.program["minimum_payout"] = {"USD": Decimal("500.00")}
    world.creator("meme")
    world.post("first", "meme", 346_000)
    world.post("second", "meme", 740_000, month=2)
    books.run(1)
    books.run(2)
    first, second = books.ledger(1, "meme"), books.ledger(2, "meme")
    assert (first["status_reason"], first["payout_minor"]) == ("BELOW_MINIMUM", 0)
    assert (second["opening_balance_minor"], second["earnings_minor"]) == (346_00, 740_00)
    assert second["payable_minor"] == second["payout_minor"] == 1_086_00
    assert books.posted(2, "payout") == [(key(2), "meme", -1_086_00)]


def test_gitcoin_february_2021_two_rounds_do_not_flow_together(world: World, books: Books) -> None:
    """Two programs in one home, over one delivery: each goes by its own deal, and pays its own part."""
    other = World(world.folder, name="another", rows=world.rows)
    world.creator("meme", cap=740)
    world.rows["deals"].append(
        {**world.rows["deals"][0], "deal_id": "a", "program": "another", "cap": 346}
    )
    world.post("votes", "meme", 2_000_000)
    beside = Books(other)
    books.run(1)
    beside.run(1)
    assert books.posted(1, "payout") == [(key(1), "meme", -740_00)]
    assert beside.posted(1, "payout") == [(key(1), "meme", -346_00)]


def test_lago_september_2024_parts_rounded_one_by_one(world: World, books: Books) -> None:
    """68.33, 68.33, 57.50 and 85.00 at 1.2 are 334.99, though each rounded alone they are 335.00."""
    world.terms["payout"]["rates"]["US"][0]["rate"] = Decimal("1.2")
    world.creator("ann")
    for number, views in enumerate([68_330, 68_330, 57_500, 85_000]):
        world.post(f"item-{number}", "ann", views)
    books.run(1)
    parts = {row["post_id"]: row["amount_minor"] for row in books.table(1, "post_earnings")}
    assert books.earned(1) == {"ann": 334_99}
    assert sum(parts.values()) == 334_99
    # Floors of 8,199.55, 8,199.55, 6,899.96 and 10,199.94, and three cents by largest remainder.
    assert parts == {"item-0": 82_00, "item-1": 81_99, "item-2": 69_00, "item-3": 102_00}


def test_lago_september_2025_a_credit_of_a_cent_too_many_blocks_nothing(
    world: World, books: Books
) -> None:
    """What is taken back may be more than what is due: the balance is carried, and the books go on."""
    world.creator("ann")
    for month, views in [(1, 1_000), (2, 990)]:
        world.post(f"reel-{month}", "ann", views, month=month)
    books.run_and_close(1)
    world.corrected("reel-1", 0)
    books.run(1)
    books.run_and_close(2)
    second = books.ledger(2, "ann")
    assert (second["payable_minor"], second["status_reason"]) == (-1, "NEGATIVE_BALANCE")
    assert second["closing_balance_minor"] == -1


def test_oca_commission_january_2016_a_refund_with_the_wrong_sign(
    world: World, books: Books
) -> None:
    """What is taken back is taken off, and not paid a second time; over all periods nothing is left."""
    world.creator("agent")
    world.post("sale", "agent", 10_000)
    world.post("next", "agent", 30_000, month=2)
    books.run_and_close(1)
    world.corrected("sale", 0)
    books.run(1)
    books.run(2)
    assert books.posted(2, "adjustment") == [(key(1), "agent", -10_00)]
    assert books.ledger(2, "agent")["payout_minor"] == 30_00 - 10_00


def test_oca_commission_a_payout_that_came_back_is_owed_once(world: World, books: Books) -> None:
    """However many rows say that it came back, it is owed once more, and paid once more."""
    world.lasts(3)
    world.creator("agent")
    world.post("sale", "agent", 10_000)
    books.run_and_close(1)
    for number in (1, 2):
        world.returned(f"bank-{number}", "agent")
    books.run_and_close(2)
    books.run(3)
    assert books.posted(2, "return") == [(key(1), "agent", 10_00)]
    assert books.posted(2, "payout") == [(key(2), "agent", -10_00)]
    assert books.posted(3, "return") == books.posted(3, "payout") == []


def test_oca_agreement_january_2025_a_settlement_made_twice(world: World, books: Books) -> None:
    """However often a closed period is computed again: its difference is posted once."""
    world.lasts(3)
    world.creator("ann")
    for month in (1, 2, 3):
        world.post(f"rebate-{month}", "ann", 1_000, month=month)
    books.run_and_close(1)
    world.corrected("rebate-1", 1_500)
    books.run(1)
    books.run_and_close(2)
    books.run(1)
    books.run(3)
    assert books.posted(2, "adjustment") == [(key(1), "ann", 50)]
    assert books.posted(3, "adjustment") == []


def test_santander_december_2021_all_payments_made_twice(world: World, books: Books) -> None:
    """A second run is the same payments, by the same ids, and a second close is refused."""
    world.creator("ann")
    world.post("wages", "ann", 130_000)
    books.run(1)
    first = books.table(1, "journal")
    books.run(1)
    assert books.table(1, "journal") == first
    books.close(1)
    with pytest.raises(Refused, match="closed already"):
        books.close(1)
    books.run(1)
    books.run(2)
    assert books.posted(1, "payout") == [(key(1), "ann", -130_00)]
    assert books.table(2, "journal") == []


def test_audible_november_2020_returns_hidden_in_sales(world: World, books: Books) -> None:
    """What is taken back stands for itself, with the period that it is of, and not within what was earned."""
    world.creator("ann")
    world.post("book", "ann", 10_000)
    world.post("sequel", "ann", 2_000, month=2)
    books.run_and_close(1)
    world.corrected("book", 3_000)
    books.run(1)
    books.run(2)
    row = books.ledger(2, "ann")
    assert (row["earnings_minor"], row["adjustments_minor"]) == (2_00, -7_00)
    assert books.posted(2, "earning") == [(key(2), "ann", 2_00)]
    assert books.posted(2, "adjustment") == [(key(1), "ann", -7_00)]
    assert (row["status_reason"], row["closing_balance_minor"]) == ("NEGATIVE_BALANCE", -5_00)
