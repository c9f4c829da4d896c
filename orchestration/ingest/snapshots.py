"""Snapshots against the posts that they are of, for the gate to judge (contract §8, ingest).

Belongs here: counting snapshots of known posts, of those what was observed before the post was
published, and of unknown posts. Does not: how many of them are too many (`expectations/ingest.py`).
"""

from collections.abc import Sequence
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

# Where a post was published among its snapshots, its extract says how many were earlier (`extracts.py`).
_EXTRACTED: Final = """
    select seen.post_id, snapshots, first_at, known.published_at, known.post_id is not null as is_known,
        case
            when known.published_at <= first_at then 0
            when known.published_at > last_at then snapshots
            else seen.early
        end as early
    from extracted_posts as seen
    left join known_posts as known on seen.post_id = known.post_id
"""


def create_known_posts(connection: "duckdb.DuckDBPyConnection", closes_at: datetime) -> None:
    """Fill known_posts: every post, and when it was published by the row in force at closes_at (§2)."""
    instant = f"timestamp '{closes_at:%Y-%m-%d %H:%M:%S}'"
    connection.execute(
        "insert into known_posts select post_id, coalesce("
        f"max_by(published_at, updated_at) filter (where updated_at <= {instant}),"
        " min_by(published_at, updated_at)) from raw_posts group by post_id"
    )


def judge_snapshots(
    connection: "duckdb.DuckDBPyConnection",
    dataset: Dataset,
    in_place: Sequence[str] = (),
    tally: Tally | None = None,
) -> None:
    """Fill known_snapshots, unknown_posts and early_posts.

    `in_place` is SQL of rows that lie in no table, and `tally` is theirs, so that files are read again
    only to list posts; None where it is not known. For rows that lie in an extract stand its posts.
    """
    copied = dataset.rows_table
    if tally is None:
        tally = tally_of(connection, in_place)
    whole = tally.plus(tally_of(connection, [f"from {copied}"]))
    extracted = Tally(*_fetch_one(connection, f"select {_sums()} from ({_EXTRACTED})"))
    in_all = whole.plus(extracted)
    connection.execute("insert into known_snapshots values (?, ?)", [in_all.known, in_all.early])
    if in_all.unknown:
        rows = _union(f"from {copied}", *(in_place if tally.unknown else ()))
        connection.execute(
            "insert into unknown_posts select post_id, sum(snapshots) from ("
            f" select post_id, count(*) as snapshots from ({rows}) group by post_id"
            " union all select post_id, snapshots from extracted_posts)"
            " where post_id not in (select post_id from known_posts) group by post_id"
        )
    if in_all.early * _LISTED_FROM > in_all.known:
        rows = _union(f"from {copied}", *(in_place if tally.early else ()))
        connection.execute(
            "insert into early_posts select post_id, published_at, sum(early), min(first_at) from ("
            " select post_id, published_at, count(*) as early, min(observed_at) as first_at"
            f" from ({rows}) join known_posts using (post_id)"
            " where observed_at < published_at group by post_id, published_at"
            f" union all select post_id, published_at, early, first_at from ({_EXTRACTED}) where early > 0)"
            " group by post_id, published_at"
        )


def tally_of(connection: "duckdb.DuckDBPyConnection", rows: Sequence[str]) -> Tally:
    """The tally of rows, each given as SQL."""
    if not rows:
        return NONE
    conditions = Tally.conditions("known_posts.post_id", "observed_at").values()
    counted = ", ".join(f"count(*) filter ({condition})" for condition in conditions)
    sql = (
        f"select {counted} from ({_union(*rows)}) as snapshots"
        " left join known_posts on snapshots.post_id = known_posts.post_id"
    )
    return Tally(*_fetch_one(connection, sql))


def _union(*rows: str) -> str:
    return " union all ".join(f"select post_id, observed_at from ({part})" for part in rows)


def _sums() -> str:
    """SQL of a tally of posts that stand for their snapshots."""
    return (
        "coalesce(sum(snapshots) filter (is_known), 0), coalesce(sum(early), 0),"
        " coalesce(sum(snapshots) filter (not is_known), 0)"
    )


def _fetch_one(connection: "duckdb.DuckDBPyConnection", sql: str) -> tuple[int, ...]:
    found = connection.execute(sql).fetchone()
    assert found is not None
    return found
