"""Why posts were left out: found, needed, and the version whose limit it is."""

from __future__ import annotations

import pytest

from orchestration.explain.not_counted import NotEligible, creator_reasons, posts_not_eligible
from orchestration.explain.rows import Row
from orchestration.terms.reasons import POST_REASONS
from tests.unit.explain.creators import creator, program, row


def judged(*posts: Row, start: str = "2024-04-03T04:00:00Z") -> list[NotEligible]:
    eligibility = row(
        "creator_eligibility",
        creator_id="ana",
        market="US",
        window_start=start,
        window_end="2024-04-20T04:00:00Z",
    )
    return posts_not_eligible(program(), "april", creator(eligibility=eligibility, posts=posts))


def post(post_id: str, published_at: str, reasons: str, views: int = 0) -> Row:
    cells = {"published_at": published_at, "reasons": reasons, "qualified_views": views}
    return row("post_eligibility", post_id=post_id, creator_id="ana", **cells)


@pytest.mark.parametrize(
    ("published_at", "start", "needed", "path"),
    [
        # 16 April begins at 04:00 UTC in New York.
        ("2024-04-16T03:59:59.999999Z", "2024-04-03T04:00:00Z", "1000", True),
        ("2024-04-16T04:00:00Z", "2024-04-03T04:00:00Z", "0", False),
        # An older post is judged by the version of W's first day.
        ("2024-03-01T00:00:00Z", "2024-04-16T03:59:59Z", "1000", True),
        ("2024-03-01T00:00:00Z", "2024-04-16T04:00:00Z", "0", False),
        # A later one by that of the last day.
        ("2024-06-01T00:00:00Z", "2024-04-03T04:00:00Z", "0", False),
    ],
    ids=["before the new terms", "from them on", "older", "older, under new terms", "later"],
)
def test_the_minimum_is_that_of_the_version_that_judges(
    published_at: str, start: str, needed: str, path: bool
) -> None:
    (found,) = judged(post("p1", published_at, "BELOW_MINIMUM_VIEWS", -5), start=start)
    assert (found.found, found.needed) == ("-5", needed)
    assert found.program == ("terms[0].eligibility.minimum_views" if path else None)
    assert found.text == POST_REASONS["BELOW_MINIMUM_VIEWS"].text


def test_a_place_counts_posts_without_another_reason_in_the_order_of_publication() -> None:
    found = judged(
        post("late", "2024-04-05T00:00:00.5Z", "OVER_POST_LIMIT"),
        post("b", "2024-04-05T00:00:00Z", ""),
        post("a", "2024-04-04T00:00:00Z", "REMOVED"),
        post("Z", "2024-04-05T00:00:00Z", ""),
        post("c", "2024-04-05T00:00:00Z", "OVER_POST_LIMIT"),
    )
    assert [(one.post_id, one.reason, one.found, one.needed) for one in found] == [
        ("a", "REMOVED", None, None),
        ("c", "OVER_POST_LIMIT", "3", "2"),
        ("late", "OVER_POST_LIMIT", "4", "2"),
    ]
    assert found[1].program == "terms[0].eligibility.maximum_posts"


@pytest.mark.parametrize(
    ("published_at", "needed"),
    [
        ("2024-04-03T03:59:59.999Z", "2024-04-03T04:00:00Z"),
        ("2024-04-20T04:00:00Z", "2024-04-20T04:00:00Z"),
    ],
    ids=["before W", "at its end"],
)
def test_outside_of_the_window_on_either_side(published_at: str, needed: str) -> None:
    (found,) = judged(post("p1", published_at, "OUTSIDE_WINDOW"))
    assert (found.found, found.needed, found.program) == (published_at, needed, None)


def test_every_reason_of_a_post_and_of_a_creator_is_told() -> None:
    codes = "COLLAB|CREATOR_INELIGIBLE|WATERMARK"
    assert [one.reason for one in judged(post("p1", "2024-04-05T00:00:00Z", codes))] == (
        codes.split("|")
    )
    eligibility = row("creator_eligibility", creator_id="ana", reasons="MARKET|NOT_ACTIVATED")
    told = creator_reasons(creator(eligibility=eligibility))
    assert [one.reason for one in told] == ["MARKET", "NOT_ACTIVATED"]


def test_a_creator_with_a_balance_alone_has_no_reasons() -> None:
    assert creator_reasons(creator()) == []
    assert posts_not_eligible(program(), "april", creator()) == []
