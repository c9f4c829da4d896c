"""What a result says of how many rows broke an expectation: of how many, where it is told."""

from __future__ import annotations

import pytest

from expectations.suite import Result


def result(failing: int, *rows: dict[str, str]) -> Result:
    return Result("name", "quarantine_rows", "error", "means", "failed", failing, rows)


POSTS = {"dataset": "posts", "file": "a", "rows_of_dataset": "2", "rows_in_all": "2500"}
DEALS = {"dataset": "deals", "file": "b", "rows_of_dataset": "1", "rows_in_all": "30"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((), "3 rows of quarantine_rows"),
        (({"dataset": "posts", "file": "a"},), "3 rows of quarantine_rows"),
        (({"post_id": "p", "rows_in_all": "1200"},), "3 of 1,200 rows of quarantine_rows"),
        ((POSTS, DEALS, POSTS), "1 of 30 rows of deals, 2 of 2,500 rows of posts"),
    ],
    ids=["no rows are shown", "it is not told", "of a table", "of each dataset"],
)
def test_counts_say_of_what(rows: tuple[dict[str, str], ...], said: str) -> None:
    assert result(3, *rows).counted == said


def test_counts_do_not_stand_in_the_rows_that_are_shown() -> None:
    assert result(1, POSTS).shown == [{"dataset": "posts", "file": "a"}]
