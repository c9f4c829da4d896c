"""The quality of the data that a run was made from (§2, §8), for those who read about it later.

The gates judge the same things; here are the figures also where they are below a gate's threshold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from orchestration.terms.counts import COUNTS

if TYPE_CHECKING:
    import duckdb

_DATASETS: Final = """
    select dataset, files, rows_read, rows_loaded, rows_quarantined, rows_deleted, files_quarantined
    from ingest_datasets order by dataset
"""


def data_quality(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Rows by dataset, and the posts in play with how many of them are late or fell.

    Late: not seen in the last 48 hours before the end of W. Falling: the last value of a count
    before the end of W is below an earlier one.
    """
    found = connection.execute(_DATASETS)
    names = [column for column, *_ in found.description]
    datasets = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    posts = connection.execute(_posts_in_play()).fetchone()
    assert posts is not None
    in_play, late, *falling = posts
    return {
        "datasets": datasets,
        "posts_in_play": in_play,
        "posts_late": late,
        "posts_falling": dict(zip(COUNTS, falling, strict=True)),
    }


def _posts_in_play() -> str:
    """SQL of one row: posts in play, late ones, and those that fell, by count."""
    falling = ", ".join(
        f"count(*) filter (where last_{count} < greatest_{count})" for count in COUNTS
    )
    return (
        "select count(*), count(*) filter (where"
        " coalesce(last_observed_at < window_end - interval 48 hour, true)), "
        f"{falling} from int_posts_in_play"
    )
