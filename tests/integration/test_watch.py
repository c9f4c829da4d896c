"""The expectations that only warn of what is unlikely: each seen to hold and to turn, at its edge."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from expectations import watch
from expectations.runner import run_suite
from expectations.suite import Result
from orchestration.pipeline.settling import MARKET_SHARES


def evaluated(database: Path, name: str) -> Result:
    all_of_them = (*watch.STAGING, *watch.ELIGIBILITY, *watch.LEDGER)
    suite = [row for row in all_of_them if row.name == name]
    (result,) = run_suite("watch", suite, database).results
    assert result.severity == "warn"
    return result


@pytest.mark.parametrize(
    ("views_on_the_8th", "window_end", "state"),
    [
        (1_000, "2024-05-01", "held"),
        (1_001, "2024-05-01", "failed"),
        (10, "2024-05-01", "held"),
        (9, "2024-05-01", "failed"),
        (9, "2024-04-11 00:00:01", "failed"),
        (9, "2024-04-11", "held"),  # its posts are too young to have views
        (1_001, "2024-04-09", "failed"),
    ],
)
def test_views_of_a_day_against_the_seven_before(
    views_on_the_8th: int, window_end: str, state: str, tmp_path: Path
) -> None:
    """100 views on each of seven days: up to 10 times and down to a tenth are like before."""
    with duckdb.connect(tmp_path / "work.duckdb") as connection:
        connection.execute(
            "create table int_windows as select 'ann' as creator_id, 'US' as market,"
            f" timestamp '2024-04-01' as window_start, timestamp '{window_end}' as window_end"
        )
        connection.execute(
            "create table post_eligibility as select 'ann' as creator_id, 'p' || day as post_id,"
            " timestamp '2024-04-01 12:00:00' + to_days(cast(day as integer)) as published_at,"
            f" case when day = 7 then {views_on_the_8th} else 100 end as qualified_views"
            " from range(8) as days(day)"
        )
    result = evaluated(
        tmp_path / "work.duckdb", "views_of_a_market_and_day_are_like_the_days_before"
    )
    assert result.state == state
    assert [row["published_on"] for row in result.rows] == ["2024-04-08"] * (state == "failed")


@pytest.mark.parametrize(
    ("before", "state"), [((1, 4), "held"), ((24, 100), "failed"), (None, "held")]
)
def test_one_creators_share_of_a_market(
    before: tuple[int, int] | None, state: str, tmp_path: Path
) -> None:
    """bo has 50 of 100 in the market: twice a share of 1/4 before is not yet far above it."""
    with duckdb.connect(tmp_path / "work.duckdb") as connection:
        connection.execute(
            "create table creator_earnings as select * from (values ('ann', 'US', 30),"
            " ('bo', 'US', 50), ('cy', 'US', 20)) as e(creator_id, market, program_amount_minor)"
        )
        connection.execute(
            "create table previous_shares"
            " (market varchar, amount_minor hugeint, market_minor hugeint)"
        )
        if before:
            connection.execute("insert into previous_shares values ('US', $1, $2)", before)
        connection.execute(MARKET_SHARES)
    result = evaluated(
        tmp_path / "work.duckdb", "no_creator_takes_far_more_of_a_market_than_any_before"
    )
    assert result.state == state
    assert [row["creator_id"] for row in result.rows] == ["bo"] * (state == "failed")


@pytest.mark.parametrize(
    ("days_before_end", "later_views", "state"),
    [(7, 2_000, "held"), (8, 2_000, "failed"), (8, 1_999, "held")],
)
def test_views_after_the_window(
    days_before_end: int, later_views: int, state: str, tmp_path: Path
) -> None:
    """1,000 views in the window; a post of just a week may still grow, an older one hardly."""
    with duckdb.connect(tmp_path / "work.duckdb") as connection:
        connection.execute(
            "create table int_posts as select 'p' as post_id,"
            f" timestamp '2024-05-01' - interval {days_before_end} day as published_at"
        )
        connection.execute(
            "create table int_posts_in_play as select 'p' as post_id, 1000 as last_views,"
            " 10 as last_likes, timestamp '2024-05-01' as window_end"
        )
        connection.execute(
            "create table int_post_intervals as select 'p' as post_id,"
            f" {later_views} as last_views, false as is_before_window_end"
        )
    result = evaluated(tmp_path / "work.duckdb", "old_posts_do_not_double_after_their_window")
    assert result.state == state


@pytest.mark.parametrize(("likes", "state"), [("10", "held"), ("11", "failed"), ("null", "held")])
def test_likes_above_views(likes: str, state: str, tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "work.duckdb") as connection:
        connection.execute(
            "create table int_posts_in_play as select 'p' as post_id,"
            f" {likes} as last_likes, 10 as last_views"
        )
    result = evaluated(tmp_path / "work.duckdb", "posts_have_no_more_likes_than_views")
    assert result.state == state
