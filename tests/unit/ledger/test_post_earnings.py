"""Largest remainder over posts in SQL is the rule of `ledger/apportion.py` (contract §6 step 6)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.foundations.cursors import scratch_database
from orchestration.ledger.apportion import largest_remainder
from orchestration.pipeline.earning import POST_EARNINGS

POINTS = st.integers(0, 3) | st.integers(0, 10**25)
CREATORS = st.dictionaries(
    st.sampled_from(["a", "b", "=c", "日本"]),
    st.tuples(
        st.integers(0, 20) | st.integers(0, 10**12),
        st.lists(POINTS, min_size=1, max_size=6),
    ),
    min_size=1,
)


Split = dict[str, dict[str, tuple[int, int]]]
"""By creator and post the amount, and the unit in it that is beyond the floor."""


def _split_in_sql(creators: dict[str, tuple[int, list[int]]]) -> Split:
    with scratch_database() as connection:
        connection.execute(
            "create table int_post_points (post_id varchar, creator_id varchar, points_e4 hugeint)"
        )
        connection.execute(
            "create table creator_earnings (creator_id varchar, performance_minor bigint)"
        )
        for creator, (amount, points) in creators.items():
            connection.execute("insert into creator_earnings values ($1, $2)", [creator, amount])
            for number, count in enumerate(points):
                connection.execute(
                    "insert into int_post_points values ($1, $2, cast($3 as hugeint))",
                    [f"{creator}-{number}", creator, str(count)],
                )
        connection.execute(POST_EARNINGS)
        split: Split = {creator: {} for creator in creators}
        for post, creator, *told in connection.execute("select * from post_earnings").fetchall():
            split[creator][post] = tuple(told)
    return split


@settings(max_examples=150, deadline=None)
@given(CREATORS)
def test_sql_and_python_split_alike(creators: dict[str, tuple[int, list[int]]]) -> None:
    expected: Split = {}
    for creator, (amount, points) in creators.items():
        weights = {f"{creator}-{number}": count for number, count in enumerate(points)}
        shares, lifted = largest_remainder(amount, weights)
        expected[creator] = {post: (shares[post], int(post in lifted)) for post in weights}
    assert _split_in_sql(creators) == expected


def test_ties_go_to_the_least_post() -> None:
    assert _split_in_sql({"a": (2, [1, 1, 1])}) == {
        "a": {"a-0": (1, 1), "a-1": (1, 1), "a-2": (0, 0)}
    }


def test_posts_without_points_get_nothing() -> None:
    assert _split_in_sql({"a": (5, [0, 0])}) == {"a": {"a-0": (0, 0), "a-1": (0, 0)}}
