"""The demo warns of what was put into it to be found, and of nothing else: a warning is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.sample import write_sample
from orchestration.sample.posts import BOUGHT, INCIDENTS, TAKEN_BACK
from tests.integration.books import Books

pytestmark = pytest.mark.long

FOUND_BY = {
    TAKEN_BACK: "few_posts_lose_views",
    BOUGHT: "posts_have_no_more_likes_than_views",
}


def test_the_demo_warns_of_its_incidents_only(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "demo")
    books = Books(tmp_path / "home", sample.program_file, fast=True)
    for period in books.periods:
        books.run(period, sample.landing)
    warnings = {
        at: [row.name for gate in publication.record().gates.values() for row in gate.warnings]
        for at, publication in enumerate(books.published[key] for key in books.periods)
    }
    expected = {at: [FOUND_BY[INCIDENTS[at]]] if at in INCIDENTS else [] for at in warnings}
    assert warnings == expected
