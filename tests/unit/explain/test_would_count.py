"""What would have changed it, of rows made by hand; tests/turned.py applies what is said of drawn ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from orchestration.explain.rows import Row
from orchestration.explain.would_count import (
    NOTHING,
    WouldCount,
    creator_change,
    post_changes,
)
from orchestration.terms.model import Program
from tests.unit.explain.creators import creator, row
from tests.unit.explain.creators import program as small_program

WINDOW = {"window_start": "2024-04-03T04:00:00Z", "window_end": "2024-04-20T04:00:00Z"}


def post(post_id: str, published_at: str, reasons: str, **cells: Any) -> Row:
    given = {"content_type": "reel", "qualified_views": 5000} | cells
    return row(
        "post_eligibility",
        post_id=post_id,
        creator_id="ana",
        published_at=published_at,
        reasons=reasons,
        **given,
    )


def with_eligibility(program: Program, version_no: int, **values: Any) -> Program:
    terms = list(program.terms)
    eligibility = terms[version_no].eligibility.model_copy(update=values)
    terms[version_no] = terms[version_no].model_copy(update={"eligibility": eligibility})
    return program.model_copy(update={"terms": tuple(terms)})


def changes(
    *posts: Row, program: Program | None = None, reasons: str = "", **cells: Any
) -> dict[str, WouldCount]:
    own = row(
        "creator_eligibility",
        **{"creator_id": "ana", "market": "US", "reasons": reasons} | WINDOW | cells,
    )
    rows = creator(eligibility=own, posts=posts)
    return post_changes(program or small_program(), "april", rows)


def told(change: WouldCount) -> list[str]:
    assert change.outcome == "turns"
    return [condition.text for condition in change.conditions]


def test_a_post_outside_of_the_window_is_moved_to_its_edge() -> None:
    found = changes(
        post("early", "2024-04-03T03:59:59.999999Z", "OUTSIDE_WINDOW"),
        post("late", "2024-04-20T04:00:00Z", "OUTSIDE_WINDOW|REMOVED"),
    )
    assert told(found["early"]) == ["It was published at 2024-04-03T04:00:00Z or later."]
    assert told(found["late"]) == [
        "It was published before 2024-04-20T04:00:00Z.",
        "It was not removed before 2024-04-20T04:00:00Z.",
    ]


def test_a_moved_post_is_judged_by_the_terms_of_where_it_comes_to() -> None:
    """After 20 April a later version would let 10 views do, and collaborations: not so in the window."""
    program = with_eligibility(
        small_program(), 1, minimum_views=6000, excludes=("collab", "watermark")
    )
    later = program.terms[1].model_copy(update={"version": 4, "effective_from": date(2024, 4, 21)})
    program = with_eligibility(
        program.model_copy(update={"terms": (*program.terms, later)}),
        2,
        minimum_views=10,
        excludes=("watermark", "not_original"),
    )
    late = post("late", "2024-04-22T00:00:00Z", "NOT_ORIGINAL|OUTSIDE_WINDOW|WATERMARK")
    assert told(changes(late, program=program)["late"]) == [
        "It was published before 2024-04-20T04:00:00Z.",
        "The post is no collaboration.",
        "The post has no watermark.",
        "It has at least 6000 qualified views.",
    ]


def test_a_post_that_would_count_takes_a_place() -> None:
    """maximum_posts is 2: at most 1 other may come before it."""
    posts = [
        post("a", "2024-04-04T00:00:00Z", ""),
        post("b", "2024-04-05T00:00:00Z", ""),
        post("c", "2024-04-06T00:00:00Z", "OVER_POST_LIMIT"),
        post("d", "2024-04-04T12:00:00Z", "COLLAB"),
    ]
    limit = "Of the creator's posts that have no other reason, at most 1 come before it."
    program = with_eligibility(small_program(), 0, excludes=("collab",))
    found = changes(*posts, post("e", "2024-04-07T00:00:00Z", "COLLAB"), program=program)
    assert told(found["c"]) == [limit]
    assert told(found["d"]) == ["The post is no collaboration."]  # the second place
    assert told(found["e"]) == ["The post is no collaboration.", limit]
    moved = changes(*posts, post("f", "2024-04-02T00:00:00Z", "OUTSIDE_WINDOW"))
    assert len(moved["f"].conditions) == 1  # the first place
    none = with_eligibility(small_program(), 0, maximum_posts=0)
    assert changes(*posts, program=none)["c"] == NOTHING


def test_a_creator_that_is_not_eligible_must_be_first() -> None:
    mine = post(
        "p", "2024-04-05T00:00:00Z", "BELOW_MINIMUM_VIEWS|CREATOR_INELIGIBLE", qualified_views=1
    )
    found = changes(mine, reasons="ACCOUNT_TYPE")
    assert told(found["p"]) == ["The creator is eligible.", "It has at least 1000 qualified views."]
    other = post(
        "q", "2024-04-05T00:00:00Z", "CONTENT_TYPE|CREATOR_INELIGIBLE", content_type="photo"
    )
    without = changes(other, reasons="NOT_ACTIVATED", window_start=None, window_end=None)["q"]
    assert without.outcome == "unknown"
    assert [one.about for one in without.conditions] == ["CREATOR_INELIGIBLE", "CONTENT_TYPE"]
    assert list(without.conditions[1].needed) == ["reel", "photo reel"]


@pytest.mark.parametrize(
    ("starts_on", "age", "born"),
    [
        (date(2024, 4, 1), 18, "2006-04-01"),
        (date(2024, 2, 29), 18, "2006-02-28"),  # who is born on 1 March is 17
        (date(2024, 2, 29), 16, "2008-02-29"),
        (date(2023, 3, 1), 15, "2008-03-01"),  # and who is born on 29 February before is 15
        (date(2024, 4, 1), 0, "2024-04-01"),
    ],
    ids=["plain", "no such day", "such a day", "leap day before", "newborn"],
)
def test_the_latest_birthday(starts_on: date, age: int, born: str) -> None:
    program = with_eligibility(small_program(), 1, minimum_age=age)
    period = program.periods[0].model_copy(update={"starts_on": starts_on})
    program = program.model_copy(update={"periods": (period,)})
    own = row("creator_eligibility", creator_id="ana", market="US", reasons="UNDER_AGE", **WINDOW)
    change = creator_change(program, "april", creator(eligibility=own))
    assert change is not None and change.outcome == "turns"
    assert [one.text for one in change.conditions] == [f"The creator was born on {born} or before."]


def test_a_creator_needs_all_of_it_together() -> None:
    reasons = "ACCOUNT_TYPE|MARKET|POLICY_VIOLATION"
    own = row("creator_eligibility", creator_id="ana", market="JP", reasons=reasons, **WINDOW)
    change = creator_change(small_program(), "april", creator(eligibility=own))
    assert change is not None
    assert told(change) == [
        "The type of the account is one of: creator.",
        "The terms name the market JP.",
        "No violation of a policy by the account is open when 2024-05-03 begins (UTC).",
    ]
    nobody = with_eligibility(small_program(), 1, account_types=())
    assert creator_change(nobody, "april", creator(eligibility=own)) == NOTHING
    mine = post("p", "2024-04-05T00:00:00Z", "CREATOR_INELIGIBLE")
    assert changes(mine, program=nobody, reasons=reasons)["p"] == NOTHING
    fine = replace(own, cells=own.cells | {"reasons": ""})
    assert creator_change(small_program(), "april", creator(eligibility=fine)) is None
