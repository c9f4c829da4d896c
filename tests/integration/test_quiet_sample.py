"""The demo warns of what was put into it to be found, and of nothing else: a warning is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.sample import write_sample
from orchestration.sample.posts import BOUGHT, INCIDENTS, TAKEN_BACK
from tests.integration.books import Books
from tests.proof.product import warned

pytestmark = pytest.mark.long

FOUND_BY = {
    TAKEN_BACK: "few_posts_lose_counts",
    BOUGHT: "posts_have_no_more_likes_than_views",
}


def test_the_demo_warns_of_its_incidents_only(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "demo")
    books = Books(tmp_path / "home", sample.program_file, fast=True)
    found = {}
    for at, period in enumerate(books.periods):
        books.run(period, sample.landing)
        found[at] = warned(books.last)
    assert found == {at: {FOUND_BY[INCIDENTS[at]]} if at in INCIDENTS else set() for at in found}
