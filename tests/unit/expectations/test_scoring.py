"""The gate after scoring (§8): points from 0, which sum up, and audience values between their bounds."""

from __future__ import annotations

import pytest

from tests.unit.expectations.conftest import Failing, Given


@pytest.mark.parametrize("subject", ["creator", "post"])
@pytest.mark.parametrize(
    ("points", "turned"), [("0", False), ("0.0001", False), ("-0.0001", True), (None, True)]
)
def test_points_are_not_negative(
    subject: str, points: str | None, turned: bool, given: Given, failing: Failing
) -> None:
    columns = f"{subject}_id varchar, points decimal(38,4)"
    given(f"{subject}_scores", columns, ("one", points), ("two", "7"))
    rows = failing("scoring", f"{subject}_scores_points_are_not_negative", "error")
    assert [row[f"{subject}_id"] for row in rows] == ["one"] * turned


CREATORS = "creator_id varchar, points decimal(38,4), eligible_posts bigint"
POSTS = "post_id varchar, creator_id varchar, points decimal(38,4)"


@pytest.mark.parametrize(
    ("points", "eligible_posts", "turned"),
    [
        ("3.5", 2, False),
        ("3.5001", 2, True),
        ("3.4999", 2, True),
        (None, 2, True),
        ("3.5", 1, True),
        ("3.5", 3, True),
        ("3.5", None, True),
    ],
)
def test_points_of_posts_sum_to_their_creators(
    points: str | None, eligible_posts: int | None, turned: bool, given: Given, failing: Failing
) -> None:
    given("creator_scores", CREATORS, ("ann", points, eligible_posts), ("bo", "9", 1))
    given("post_scores", POSTS, ("a1", "ann", "1.25"), ("a2", "ann", "2.25"), ("b1", "bo", "9"))
    rows = failing("scoring", "posts_points_sum_to_their_creators", "error")
    assert [(row["creator_id"], row["sum_of_posts"]) for row in rows] == [
        ("ann", "3.5000")
    ] * turned


@pytest.mark.parametrize(
    ("points", "eligible_posts", "turned"),
    [("0", 0, False), ("0.0001", 0, True), ("0", 1, True)],
)
def test_a_creator_without_posts_has_no_points(
    points: str, eligible_posts: int, turned: bool, given: Given, failing: Failing
) -> None:
    given("creator_scores", CREATORS, ("ann", points, eligible_posts))
    given("post_scores", POSTS)
    rows = failing("scoring", "posts_points_sum_to_their_creators", "error")
    assert [row["creator_id"] for row in rows] == ["ann"] * turned


def test_posts_of_a_creator_that_has_no_score_do_not_sum(given: Given, failing: Failing) -> None:
    """Also where the points are 0."""
    given("creator_scores", CREATORS)
    given("post_scores", POSTS, ("a1", "ann", "0"))
    rows = failing("scoring", "posts_points_sum_to_their_creators", "error")
    assert [row["creator_id"] for row in rows] == ["ann"]


def test_every_eligible_post_is_scored(given: Given, failing: Failing) -> None:
    given(
        "post_eligibility",
        "post_id varchar, eligible boolean",
        *[("scored", True), ("not scored", True), ("not eligible", False)],
    )
    given("post_scores", "post_id varchar", ("scored",))
    rows = failing("scoring", "every_eligible_post_is_scored", "error")
    assert rows == [{"post_id": "not scored"}]


@pytest.mark.parametrize(
    ("value", "floor", "ceiling", "turned"),
    [
        (100_000, 100_000, 1_500_000, False),
        (99_999, 100_000, 1_500_000, True),
        (1_500_000, 100_000, 1_500_000, False),
        (1_500_001, 100_000, 1_500_000, True),
        (0, None, None, False),
        (99_999, 100_000, None, True),
        (1_500_001, None, 1_500_000, True),
        (None, None, None, True),
    ],
)
def test_an_audience_value_lies_between_floor_and_ceiling(
    value: int | None,
    floor: int | None,
    ceiling: int | None,
    turned: bool,
    given: Given,
    failing: Failing,
) -> None:
    columns = (
        "creator_id varchar, segment_no bigint, audience_value_e6 bigint,"
        " floor_e6 bigint, ceiling_e6 bigint"
    )
    given("int_audience_value", columns, ("ann", 1, value, floor, ceiling))
    rows = failing("scoring", "audience_value_lies_between_floor_and_ceiling", "error")
    assert [row["creator_id"] for row in rows] == ["ann"] * turned
