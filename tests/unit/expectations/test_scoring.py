"""The gate after scoring (§8): each step from segments and increments to points, on both sides of its edge."""

from __future__ import annotations

import pytest

from tests.contract import COUNTS, SCORED_COUNTS
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


WINDOWS = "creator_id varchar, window_start timestamp, window_end timestamp"
SEGMENTS = (
    "creator_id varchar, segment_no bigint, starts_at timestamp, ends_at timestamp,"
    " terms_version bigint, audience_value decimal(18,6)"
)
DAY = "2024-04-{:02} 00:00:00"


def _segments(given: Given, *cuts: tuple[int, int, int]) -> None:
    """ann's segments: number, first day and the day on which it ends."""
    given(
        "creator_segments",
        SEGMENTS,
        *[("ann", no, DAY.format(start), DAY.format(end), 1, "0.5") for no, start, end in cuts],
    )


@pytest.mark.parametrize(
    ("cuts", "turned"),
    [
        ([(1, 1, 11), (2, 11, 30)], False),
        ([(1, 1, 30)], False),
        ([], True),
        ([(1, 1, 11), (2, 12, 30)], True),  # a gap
        ([(1, 1, 11), (2, 10, 30)], True),  # twice
        ([(1, 2, 11), (2, 11, 30)], True),  # begins late
        ([(1, 1, 11), (2, 11, 29)], True),  # ends early
        ([(1, 1, 11), (2, 11, 11), (3, 11, 30)], True),  # an empty one
        ([(1, 1, 11), (3, 11, 30)], True),  # a number is left out
    ],
)
def test_segments_cut_the_window(
    cuts: list[tuple[int, int, int]], turned: bool, given: Given, failing: Failing
) -> None:
    given(
        "creator_eligibility", WINDOWS, ("ann", DAY.format(1), DAY.format(30)), ("bo", None, None)
    )
    _segments(given, *cuts)
    rows = failing("scoring", "segments_cut_the_window", "error")
    assert {row["creator_id"] for row in rows} == ({"ann"} if turned else set())


def test_a_creator_without_a_window_has_no_segments(given: Given, failing: Failing) -> None:
    given("creator_eligibility", WINDOWS, ("ann", None, None))
    _segments(given, (1, 1, 30))
    rows = failing("scoring", "segments_cut_the_window", "error")
    assert [row["creator_id"] for row in rows] == ["ann"]


@pytest.mark.parametrize(("value", "turned"), [("0.7", False), ("0.5", True), (None, True)])
def test_the_audience_value_of_a_creator_is_that_of_its_last_segment(
    value: str | None, turned: bool, given: Given, failing: Failing
) -> None:
    given(
        "creator_segments",
        SEGMENTS,
        ("ann", 2, DAY.format(11), DAY.format(30), 1, "0.7"),
        ("ann", 1, DAY.format(1), DAY.format(11), 1, "0.5"),
    )
    given("creator_scores", "creator_id varchar, audience_value decimal(18,6)", ("ann", value))
    name = "creators_have_the_audience_value_of_their_last_segment"
    assert [row["creator_id"] for row in failing("scoring", name, "error")] == ["ann"] * turned


GAINED = ", ".join(f"{count} bigint" for count in SCORED_COUNTS)


@pytest.mark.parametrize(
    ("increments", "turned"),
    [
        ([("ann", 1, 3), ("ann", 2, 4)], False),
        ([("ann", 1, 3), ("ann", 2, 5)], True),
        ([("ann", 1, 7)], True),  # a segment has no row, though the sum is right
        ([("ann", 1, 3), ("bo", 2, 4)], True),  # one of another creator
        ([("bo", 1, 3), ("bo", 2, 4)], True),
        ([], True),
    ],
)
@pytest.mark.parametrize("which", range(len(SCORED_COUNTS)))
def test_increments_sum_to_the_counts(
    which: int,
    increments: list[tuple[str, int, int]],
    turned: bool,
    given: Given,
    failing: Failing,
) -> None:
    """A post with 7 of one count, of a creator with two segments."""

    def counts(value: int) -> list[int]:
        return [value if no == which else 0 for no in range(len(SCORED_COUNTS))]

    _segments(given, (1, 1, 11), (2, 11, 30))
    given("post_scores", f"post_id varchar, creator_id varchar, {GAINED}", ("a", "ann", *counts(7)))
    given(
        "post_increments",
        f"post_id varchar, creator_id varchar, segment_no bigint, {GAINED}",
        *[("a", creator, no, *counts(value)) for creator, no, value in increments],
    )
    rows = failing("scoring", "increments_sum_to_the_counts", "error")
    assert [row["post_id"] for row in rows] == ["a"] * turned


@pytest.mark.parametrize(
    ("points", "views", "turned"),
    [
        # 0.5 a view, and 0.0001 of weight: 3 views are 0.00015 points, which go to the even 0.0002.
        ("0.0002", 3, False),
        ("0.0001", 3, True),
        ("0.0003", 3, True),
        # 5 views are 0.00025: to the even 0.0002, not to 0.0003.
        ("0.0002", 5, False),
        ("0.0003", 5, True),
        # 4 views are 0.0002, and a unit beside is wrong.
        ("0.0002", 4, False),
        ("0.0001", 4, True),
        ("0.0003", 4, True),
        # A post that lost views earns 0.
        ("0", -4, False),
        ("0.0001", -4, True),
    ],
)
def test_points_follow_from_the_increments(
    points: str, views: int, turned: bool, given: Given, failing: Failing
) -> None:
    _segments(given, (1, 1, 30))
    given("terms_versions", "version bigint, version_no bigint", (1, 0))
    weights = ", ".join(f"{count}_e4 bigint" for count in COUNTS)
    given(
        "terms_weights",
        f"version_no bigint, content_type varchar, {weights}",
        (0, "reel", 1, 0, 0, 0),
    )
    given(
        "post_increments",
        f"post_id varchar, creator_id varchar, segment_no bigint, {GAINED}",
        ("a", "ann", 1, views, 9, 9, 9),
    )
    given(
        "post_scores",
        "post_id varchar, creator_id varchar, content_type varchar, points decimal(38,4)",
        ("a", "ann", "reel", points),
    )
    rows = failing("scoring", "points_follow_from_the_increments", "error")
    assert [row["post_id"] for row in rows] == ["a"] * turned
