"""Failures in what was counted: fraud, false figures, counts that changed their meaning, late counts.

Who, when and where it is told: docs/incidents.md.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.incidents.landing import Books, World, key, pool, terms

pytestmark = pytest.mark.long  # each is several runs of a period


def test_medium_autumn_2023_a_pool_drained_by_fake_accounts(world: World, books: Books) -> None:
    """Once they are in violation, all others have to the cent what they have without them."""
    world.terms["payout"] = pool("1000.00")
    for writer, views in [("ann", 1_000), ("bo", 1_001), ("cy", 1_002), ("fake", 600_000)]:
        world.creator(writer)
        world.post(f"post-{writer}", writer, views)
    books.run(1)
    assert books.earned(1)["fake"] > 99_000
    world.violation("fake")
    books.run(1)
    # 100,000 cents by 3,003 points: floors of 33,300.03, 33,333.3 and 33,366.6, and the cent left over.
    assert books.earned(1) == {"ann": 33_300, "bo": 33_333, "cy": 33_367, "fake": 0}


def test_medium_autumn_2023_who_takes_nearly_all_of_a_market_warns(
    world: World, books: Books
) -> None:
    world.terms["payout"] = pool("1000.00")
    for writer in ("ann", "bo", "cy"):
        world.creator(writer)
        world.post(f"first-{writer}", writer, 1_000)
        world.post(f"second-{writer}", writer, 600_000 if writer == "cy" else 1_000, month=2)
    books.run(1)
    books.run(2)
    assert "no_creator_takes_far_more_of_a_market_than_any_before" in books.warnings()


def test_medium_autumn_2023_after_the_close_the_pool_is_given_back(
    world: World, books: Books
) -> None:
    """Paid out already, the honest get the difference with the next period, and the frauds owe theirs."""
    world.terms["payout"] = pool("1000.00")
    for creator, views in [("ann", 600), ("bo", 400), ("fraud", 9_000)]:
        world.creator(creator)
        world.post(f"{creator}-1", creator, views)
        world.post(f"{creator}-2", creator, 0, month=2)
    books.run_and_close(1)
    world.violation("fraud")
    books.run(1)
    books.run(2)
    assert books.posted(2, "adjustment") == [
        (key(1), "ann", 60_000 - 6_000), (key(1), "bo", 40_000 - 4_000), (key(1), "fraud", -90_000),
    ]  # fmt: skip
    assert books.ledger(2, "fraud")["status_reason"] == "NEGATIVE_BALANCE"


def test_facebook_july_2023_estimates_that_were_an_error(world: World, books: Books) -> None:
    """What was shown is an estimate by name; the corrected delivery replaces it, and only that is closed."""
    world.creator("ann")
    world.post("reel", "ann", 45_000_000)
    books.run(1)
    assert (books.state(1), books.earned(1)) == ("estimated", {"ann": 4_500_000})
    world.corrected("reel", 450_000)
    books.run(1)
    assert (books.state(1), books.earned(1)) == ("estimated", {"ann": 45_000})
    books.close(1)
    assert (books.state(1), books.ledger(1, "ann")["payout_minor"]) == ("closed", 45_000)


def test_facebook_july_2023_a_day_a_hundred_times_as_good_warns(world: World, books: Books) -> None:
    world.creator("ann")
    for day in range(1, 9):
        world.post(f"reel-{day}", "ann", 100_000 if day == 8 else 1_000)
        world.rows["posts"][-1] = {
            **world.rows["posts"][-1], "published_at": f"2024-01-{day:02}T12:00:00Z",
        }  # fmt: skip
    books.run(1)
    assert "views_of_a_market_and_day_are_like_the_days_before" in books.warnings()
    world.corrected("reel-8", 1_000)
    books.run(1)
    assert "views_of_a_market_and_day_are_like_the_days_before" not in books.warnings()


def test_instagram_august_2024_plays_become_views(world: World, books: Books) -> None:
    """A delivery that has the count under another name is not read as one without views."""
    world.creator("ann")
    world.post("reel", "ann", 1_000)
    landing = world.landing()
    books.run(1, landing=landing)
    (delivery,) = (landing / "post_metrics").iterdir()
    delivery.write_text(delivery.read_text("utf-8").replace('"views"', '"plays"'), "utf-8")
    assert "few_rows_of_post_metrics_are_quarantined" in books.blocked_by(1, landing)
    assert books.earned(1) == {"ann": 100}


def test_instagram_august_2024_the_new_count_has_its_own_weight_from_its_day_on(
    world: World, books: Books
) -> None:
    """Replays count, too, from the 16th on: a view is worth half from then on, and none before is touched."""
    world.creator("ann")
    world.post("reel", "ann", 30_000)
    world.seen("reel", "2024-01-15T23:59:59Z", 10_000)
    changed = terms(2, date(2024, 1, 16))
    changed["weights"]["reel"]["views"] = Decimal("0.5")
    world.program["terms"].append(changed)
    books.run(1)
    assert books.earned(1) == {"ann": 1_000 + 2_000 // 2}


def test_amazon_october_2016_pages_read_that_were_not_counted(world: World, books: Books) -> None:
    """What is missing is not seen by any gate; that nothing came from the last two days is."""
    world.creator("ann")
    world.post("book", "ann", 5_000)
    books.run(1)
    assert "posts_in_play_were_seen_at_the_end" not in books.warnings()
    world.rows["post_metrics"].clear()
    world.seen("book", "2024-01-29T23:00:00Z", 4_000)
    books.run(1)
    assert "posts_in_play_were_seen_at_the_end" in books.warnings()
    assert books.earned(1) == {"ann": 400}
    books.close(1)
    world.corrected("book", 5_000)
    books.run(1)
    books.run(2)
    assert books.posted(2, "adjustment") == [(key(1), "ann", 100)]


def test_amazon_july_2022_reading_by_robots_is_taken_back(world: World, books: Books) -> None:
    """The platform's ineligible views take away just these, and from nobody else."""
    world.creator("ann")
    world.creator("bo")
    world.post("book", "ann", 10_000)
    world.post("other", "bo", 3_000)
    books.run(1)
    assert books.earned(1) == {"ann": 1_000, "bo": 300}
    world.corrected("book", 10_000, ineligible_views=7_500)
    books.run(1)
    assert books.earned(1) == {"ann": 250, "bo": 300}


def test_uber_may_2017_a_share_of_the_gross_in_place_of_the_net(world: World, books: Books) -> None:
    """What counts is the net, by a rule of the contract and not of a formula that somebody writes."""
    world.creator("ann")
    world.post("ride", "ann", 20_000, ineligible_views=2_000)
    books.run(1)
    (score,) = books.table(1, "post_scores")
    assert (score["qualified_views"], books.earned(1)["ann"]) == (18_000, 1_800)


def test_kill_bill_usage_later_than_two_periods(world: World, books: Books) -> None:
    """Counts of the first month that come in the fourth are paid in the fourth, to the cent."""
    world.creator("ann")
    world.lasts(4)
    for month in range(1, 5):
        world.post(f"reel-{month}", "ann", 1_000 * month, month=month)
    books.run_and_close(1, 2, 3)
    world.corrected("reel-1", 8_765)
    books.run(1)
    books.run(4)
    assert books.posted(4, "adjustment") == [(key(1), "ann", 876 - 100)]
    anew = Books(world, "anew")
    anew.run(1)
    assert anew.earned(1)["ann"] == books.earned(1)["ann"] + 776
