"""What has to be known at once: that nobody earns and why, and that money comes from other periods."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration.reports.remarks import remarks_on
from tests.unit.reports.conftest import HandMade, Row

ANA = {"creator_id": "ana", "market": "JP", "eligible": True}
POST = {"post_id": "p", "creator_id": "ana", "content_type": "reel"}
GOOD_POST = {**POST, "eligible": True}


def remarks(books: HandMade, **tables: list[Row]) -> list[str]:
    """Of a period that is published with these rows."""
    books.publish("march", **tables)
    store = books.home.store(books.program)
    return remarks_on(store.published(), store.restated(), "march")


def earned(minor: int, currency: str = "USD", creator: str = "ana") -> dict[str, Any]:
    return {
        "creator_id": creator, "payout_currency": currency, "status": "paid",
        "earnings_minor": minor, "payable_minor": minor, "program_amount_minor": minor,
    }  # fmt: skip


def adjusted(minor: int, origin: str, entry: str, kind: str = "adjustment") -> dict[str, Any]:
    return {
        "entry_id": entry, "kind": kind, "creator_id": "ana", "account": "payable:ana", "currency": "USD",
        "origin_period": origin, "amount_minor": -minor,
    }  # fmt: skip


def posting(books: HandMade, *journal: dict[str, Any]) -> list[str]:
    """The remarks where one creator has earned 1.00 and the journal has these entries beside."""
    return remarks(
        books,
        creator_eligibility=[ANA],
        post_eligibility=[GOOD_POST],
        payout_ledger=[earned(100)],
        creator_earnings=[{"creator_id": "ana", "program_amount_minor": 100}],
        journal=list(journal),
    )


def test_a_period_that_earns_has_none(books: HandMade) -> None:
    assert (
        remarks(
            books,
            creator_eligibility=[ANA, {"creator_id": "ben", "reasons": "NOT_ACTIVATED"}],
            post_eligibility=[GOOD_POST],
            payout_ledger=[earned(100)],
            creator_earnings=[{"creator_id": "ana", "program_amount_minor": 100}],
        )
        == []
    )


def test_nobody_eligible_is_said_with_the_reasons_by_number(books: HandMade) -> None:
    assert remarks(
        books,
        creator_eligibility=[
            {"creator_id": "a", "reasons": "NOT_ACTIVATED"},
            {"creator_id": "b", "reasons": "NOT_ACTIVATED|MARKET"},
        ],
        post_eligibility=[{**POST, "reasons": "CREATOR_INELIGIBLE"}],
    ) == [
        "Nobody is eligible. Of 2 creators: 2 NOT_ACTIVATED (no deal was activated), "
        "1 MARKET (the market is not one of the terms')."
    ]


@pytest.mark.parametrize(
    ("creators", "posts", "said"),
    [
        ([], [], "no deal of this program was invited before the period closes"),
        ([ANA], [], "no post has a snapshot in the period"),
        (
            [ANA],
            [{**POST, "reasons": "CONTENT_TYPE"}],
            "No post is eligible. Of 1 post: 1 CONTENT_TYPE (the content type is not one of",
        ),
        ([ANA], [GOOD_POST], "Nobody earns: 1 eligible post, but weights, rates, pools or caps"),
    ],
)
def test_each_way_to_earn_nothing_has_its_sentence(
    books: HandMade, creators: list[Row], posts: list[Row], said: str
) -> None:
    (remark,) = remarks(books, creator_eligibility=creators, post_eligibility=posts)
    assert said in remark


@pytest.mark.parametrize(
    ("minor", "begins"),
    [(100, "Some money comes"), (101, "More than this period earned comes"), (-101, "More than")],
)
def test_money_of_earlier_periods_is_named(books: HandMade, minor: int, begins: str) -> None:
    (remark,) = posting(books, adjusted(minor, "february", "1"))
    assert remark.startswith(begins)
    amount = f"{minor / 100:.2f}".replace("-", "−")
    assert f"in USD: {amount} of february (1 creator); earned here 1.00." in remark


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("manual", "5.00 by hand, for february (1 creator)"),
        ("return", "5.00 that came back, of the payouts of february (1 creator)"),
    ],
)
def test_decisions_are_named(books: HandMade, kind: str, said: str) -> None:
    (remark,) = posting(books, adjusted(500, "february", "1", kind))
    assert remark.startswith("More than this period earned comes from adjustments")
    assert said in remark


def test_adjustments_that_cancel_each_other_are_named_too(books: HandMade) -> None:
    (remark,) = posting(books, adjusted(500, "february", "1"), adjusted(-500, "january", "2"))
    assert remark.startswith("More than this period earned")
    assert "5.00 of february" in remark and "−5.00 of january" in remark


def test_what_one_gets_and_another_loses_is_not_nothing(books: HandMade) -> None:
    of_ben = {"creator_id": "ben", "account": "payable:ben"}
    (remark,) = posting(
        books, adjusted(900, "february", "1"), {**adjusted(-899, "february", "2"), **of_ben}
    )
    assert remark.startswith("More than this period earned")
    assert "in USD: 9.00 more and 8.99 less of february (2 creators); earned here" in remark


def test_a_value_that_looks_meant_is_told_by_count(books: HandMade) -> None:
    """Two creators of the market jp, which is not JP: the gates hold, and they earn nothing."""
    found = remarks(
        books,
        creator_eligibility=[
            ANA,
            {"creator_id": "ben", "market": "jp", "reasons": "MARKET"},
            {"creator_id": "cy", "market": "jp", "reasons": "MARKET"},
            {"creator_id": "dee", "market": "BR", "reasons": "MARKET"},
        ],
        post_eligibility=[GOOD_POST],
        payout_ledger=[earned(100)],
        creator_earnings=[{"creator_id": "ana", "program_amount_minor": 100}],
    )
    assert found == [
        "2 creators are of the market 'jp', which the program does not have, so they earn nothing;"
        " perhaps JP."
    ]
