"""Snapshots against the posts that they are of, for the gate to judge (contract §8, ingest).

Belongs here: counting snapshots of known posts, of those what was observed before the post was
published, and of unknown posts. Does not: how many of them are too many (`expectations/ingest.py`).
"""

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from orchestration.ingest.datasets import Dataset

if TYPE_CHECKING:
    import duckdb

# Posts with early snapshots are listed where there are more of these than one in so many: a list of
# all of them would cost another look at all files for the sake of a few clocks that are slow.
_LISTED_FROM: Final = 100


class Tally(NamedTuple):
    """Snapshots by what is known of their posts."""

    known: int
    early: int  # of the known: observed before the post was published
    unknown: int

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(
            self.known + other.known, self.early + other.early, self.unknown + other.unknown
        )

    @staticmethod
    def conditions(known_id: str, observed_at: str) -> dict[str, str]:
        """SQL of what is counted, over snapshots joined to the known posts, in the order of a tally."""
        return {
            "known": f"{known_id} IS NOT NULL",
            "early": f"coalesce({observed_at} < published_at, false)",
            "unknown": f"{known_id} IS NULL",
        }


NONE: Final = Tally(0, 0, 0)


def create_known_posts(connection: "duckdb.DuckDBPyConnection", closes_at: datetime) -> None:
    """Fill known_posts: every post, and when it was published by the row in force at closes_at (§2)."""
    instant = f"timestamp '{closes_at:%Y-%m-%d %H:%M:%S}'"
    connection.execute(
        "insert into known_posts select post_id, coalesce("
        f"max_by(published_at, updated_at) filter (where updated_at <= {instant}),"
        " min_by(published_at, updated_at)) from raw_posts group by post_id"
    )


def judge_snapshots(
    connection: "duckdb.DuckDBPyConnection", dataset: Dataset, in_place: Tally | None
) -> None:
    """Fill known_snapshots, unknown_posts and early_posts.

    `in_place` counts what lies in no table, so that files are read again only to list posts; None
    where that is not known.
    """
    copied = dataset.table if in_place is None else dataset.rows_table
    in_place = in_place or NONE
    tally = _tally(connection, copied).plus(in_place)
    connection.execute("insert into known_snapshots values (?, ?)", [tally.known, tally.early])
    if tally.unknown:
        table = dataset.table if in_place.unknown else copied
        connection.execute(
            f"insert into unknown_posts select post_id, count(*) from {table}"
            " where post_id not in (select post_id from known_posts) group by post_id"
        )
    if tally.early * _LISTED_FROM > tally.known:
        table = dataset.table if in_place.early else copied
        connection.execute(
            "insert into early_posts select post_id, published_at, count(*), min(observed_at)"
            f" from {table} join known_posts using (post_id)"
            " where observed_at < published_at group by post_id, published_at"
        )


def _tally(connection: "duckdb.DuckDBPyConnection", table: str) -> Tally:
    conditions = Tally.conditions("known_posts.post_id", "observed_at").values()
    counted = ", ".join(f"count(*) filter ({condition})" for condition in conditions)
    counts = connection.execute(
        f"select {counted} from {table} as snapshots"
        " left join known_posts on snapshots.post_id = known_posts.post_id"
    ).fetchone()
    assert counts is not None
    return Tally(*counts)
