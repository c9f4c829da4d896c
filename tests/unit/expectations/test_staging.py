"""The gate after staging (§8): each threshold from both sides."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pytest

from expectations.suite import Severity
from tests.contract import COUNTS
from tests.unit.expectations.conftest import Failing, Given

FAR = "rates_are_within_twice_and_half_of_those_before"
CONFIRMED = "confirmed_rates_are_within_twice_and_half_of_those_before"
NEAR = "rates_are_near_those_before"


@pytest.mark.parametrize(
    ("rate_e10", "twice_median_e10", "turned"),
    [
        # A median of 100: twice is 200, half is 50, 20 % off are 120 and 80.
        (100, 200, None),
        (120, 200, None),
        (121, 200, NEAR),
        (200, 200, NEAR),
        (201, 200, FAR),
        (80, 200, None),
        (79, 200, NEAR),
        (50, 200, NEAR),
        (49, 200, FAR),
        # A median of 100.5, between two rates: 20 % off is 120.6 and 80.4, twice 201, half 50.25.
        (120, 201, None),
        (121, 201, NEAR),
        (81, 201, None),
        (80, 201, NEAR),
        (201, 201, NEAR),
        (202, 201, FAR),
        (51, 201, NEAR),
        (50, 201, FAR),
        # The rates of a currency after a hyperinflation: nothing is rounded on the way.
        (2 * 10**25, 2 * 10**25, NEAR),
        (2 * 10**25 + 1, 2 * 10**25, FAR),
    ],
)
@pytest.mark.parametrize("is_confirmed", [False, True])
def test_a_rate_against_the_median_before(
    rate_e10: int,
    twice_median_e10: int,
    turned: str | None,
    is_confirmed: bool,
    work: duckdb.DuckDBPyConnection,
    failing: Failing,
) -> None:
    _taken(work, rate_e10, twice_median_e10, 5, is_confirmed)
    if is_confirmed and turned == FAR:
        turned = CONFIRMED
    for name, severity in _SEVERITIES.items():
        rows = failing("staging", name, severity)
        assert len(rows) == (name == turned), name
        for row in rows:
            shown = ("base_currency", "quote_currency", "rate_date", "rate", "median_before")
            assert [row[column] for column in shown] == ["USD", "JPY", "2024-05-01", "1.5", "1.25"]


_SEVERITIES: Mapping[str, Severity] = {FAR: "error", CONFIRMED: "warn", NEAR: "warn"}


@pytest.mark.parametrize(("rates_before", "is_judged"), [(0, False), (4, False), (5, True)])
@pytest.mark.parametrize(
    ("name", "rate_e10", "is_confirmed"),
    [(FAR, 1000, False), (CONFIRMED, 1000, True), (NEAR, 150, False)],
)
def test_fewer_than_five_rates_before_judge_nothing(
    rates_before: int,
    is_judged: bool,
    name: str,
    rate_e10: int,
    is_confirmed: bool,
    work: duckdb.DuckDBPyConnection,
    failing: Failing,
) -> None:
    _taken(work, rate_e10, 200 if rates_before else None, rates_before, is_confirmed)
    assert bool(failing("staging", name, _SEVERITIES[name])) == is_judged


def _taken(
    work: duckdb.DuckDBPyConnection,
    rate_e10: int,
    twice_median_e10: int | None,
    rates_before: int,
    is_confirmed: bool,
) -> None:
    """One row is taken; what is shown of it is apart from what is compared."""
    work.execute(
        "create table int_fx_rates_taken as select 'USD' as base_currency, 'JPY' as quote_currency,"
        " date '2024-05-01' as rate_date, 1.5 as rate, 1.25 as median_before,"
        " cast($1 as hugeint) as rate_e10, cast($2 as hugeint) as twice_median_e10,"
        " $3 as rates_before, $4 as is_confirmed",
        [rate_e10, twice_median_e10, rates_before, is_confirmed],
    )


def test_every_creator_with_a_deal_has_a_rate(
    work: duckdb.DuckDBPyConnection, failing: Failing
) -> None:
    work.execute(
        "create table int_payout_currencies as select * from"
        " (values ('ann', 'USD'), ('bo', 'CHF'), ('cy', 'JPY')) as t(creator_id, payout_currency)"
    )
    work.execute(
        "create table int_fx_rates as select * from (values ('USD'), ('JPY')) as t(payout_currency)"
    )
    rows = failing("staging", "every_creator_with_a_deal_has_a_rate", "error")
    assert rows == [{"creator_id": "bo", "payout_currency": "CHF"}]


def test_nobody_approves_an_adjustment_of_his_own(given: Given, failing: Failing) -> None:
    given(
        "stg_adjustments",
        "adjustment_id varchar, creator_id varchar, period varchar, currency varchar,"
        " amount varchar, requested_by varchar, approved_by varchar, is_own_approval boolean",
        ("a1", "ann", "p", "USD", "1", "ada", "bo", False),
        ("a2", "ann", "p", "USD", "1", "ada", "ada", True),
    )
    rows = failing("staging", "adjustments_are_approved_by_somebody_else", "error")
    assert [row["adjustment_id"] for row in rows] == ["a2"]


@pytest.mark.parametrize(
    ("table", "key", "name", "more"),
    [
        (
            "stg_adjustments",
            "adjustment_id",
            "adjustments_are_of_a_period_of_the_program",
            "amount",
        ),
        ("stg_payment_returns", "return_id", "returns_are_of_a_period_of_the_program", "status"),
    ],
)
def test_a_decision_is_of_a_period_of_the_program(
    table: str, key: str, name: str, more: str, given: Given, failing: Failing
) -> None:
    given("program_periods", "period varchar", ("march",), ("april",))
    columns = (key, "creator_id", "period", "currency", more)
    given(
        table,
        ", ".join(f"{column} varchar" for column in columns),
        ("1", "ann", "april", "USD", "x"),
        ("2", "ann", "May", "USD", "x"),
    )
    assert [row[key] for row in failing("staging", name, "error")] == ["2"]


def _posts(work: duckdb.DuckDBPyConnection, count: int, **last: str) -> None:
    """So many posts in play, in order; each column of `last` is SQL of the post's number `n`, from 0."""
    columns = {
        "window_end": "timestamp '2024-05-10 07:00:00'",
        "last_observed_at": "timestamp '2024-05-10 00:00:00'",
    }
    for name in COUNTS:
        columns |= {f"last_{name}": "5", f"greatest_{name}": "5"}
    selected = ", ".join(f"{sql} as {name}" for name, sql in (columns | last).items())
    work.execute(
        f"create table int_posts_in_play as select 'p' || n as post_id, {selected} from range({count}) as t(n)"
    )


@pytest.mark.parametrize(
    ("last_seen", "is_fresh"),
    [
        ("timestamp '2024-05-08 07:00:00'", True),  # exactly 48 hours before the end
        ("timestamp '2024-05-08 06:59:59'", False),
        ("timestamp '2024-05-10 07:00:00'", True),  # the end included
        ("cast(null as timestamp)", False),
    ],
)
def test_a_post_is_seen_at_the_end_by_a_snapshot_of_its_last_48_hours(
    last_seen: str, is_fresh: bool, work: duckdb.DuckDBPyConnection, failing: Failing
) -> None:
    _posts(work, 2, last_observed_at=f"case n when 0 then {last_seen} else window_end end")
    rows = failing("staging", "posts_in_play_were_seen_at_the_end", "warn")
    assert [row["post_id"] for row in rows] == ([] if is_fresh else ["p0"])


@pytest.mark.parametrize(
    ("posts", "unseen", "turned"), [(100, 1, False), (99, 1, True), (200, 3, True), (0, 0, False)]
)
def test_of_the_posts_in_play_99_percent_are_seen_at_the_end(
    posts: int, unseen: int, turned: bool, work: duckdb.DuckDBPyConnection, failing: Failing
) -> None:
    _posts(work, posts, last_observed_at=f"case when n >= {unseen} then window_end end")
    assert len(failing("staging", "posts_in_play_were_seen_at_the_end", "warn")) == unseen * turned


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(
    ("posts", "fallen", "turned"), [(100, 1, False), (99, 1, True), (200, 3, True), (0, 0, False)]
)
def test_of_the_posts_in_play_1_percent_may_lose_a_count(
    count: str,
    posts: int,
    fallen: int,
    turned: bool,
    work: duckdb.DuckDBPyConnection,
    failing: Failing,
) -> None:
    greatest = f"case when n < {fallen} then 6 else 5 end"
    _posts(work, posts, **{f"greatest_{count}": greatest})
    rows = failing("staging", "few_posts_lose_counts", "warn")
    assert [row["greatest_to_last"] for row in rows] == [f"{count} 6 to 5"] * fallen * turned


def test_posts_that_lose_different_counts_are_counted_together(
    work: duckdb.DuckDBPyConnection, failing: Failing
) -> None:
    """§8: over 1 % have one or the other. Of two hundred posts three lose something, one of them twice."""
    _posts(
        work,
        200,
        greatest_views="case n when 0 then 6 else 5 end",
        greatest_likes="case when n in (0, 1) then 7 else 5 end",
        greatest_shares="case n when 2 then 8 else 5 end",
    )
    rows = failing("staging", "few_posts_lose_counts", "warn")
    assert [(row["post_id"], row["greatest_to_last"]) for row in rows] == [
        ("p0", "views 6 to 5, likes 7 to 5"),
        ("p1", "likes 7 to 5"),
        ("p2", "shares 8 to 5"),
    ]


def test_counts_that_were_not_reported_are_not_lost(
    work: duckdb.DuckDBPyConnection, failing: Failing
) -> None:
    _posts(work, 1, last_likes="cast(null as bigint)", greatest_likes="cast(null as bigint)")
    assert failing("staging", "few_posts_lose_counts", "warn") == []


def test_nobody_is_paid_in_a_withdrawn_currency(
    work: duckdb.DuckDBPyConnection, failing: Failing
) -> None:
    work.execute(
        "create table int_payout_currencies as select * from (values ('ann', 'EUR', false),"
        " ('bo', 'HRK', true)) as t(creator_id, payout_currency, is_withdrawn)"
    )
    rows = failing("staging", "nobody_is_paid_in_a_withdrawn_currency", "error")
    assert rows == [{"creator_id": "bo", "payout_currency": "HRK"}]
