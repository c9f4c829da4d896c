"""The demo warns of what was put into it to be found, and of nothing else: so a warning is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.sample import write_sample
from orchestration.sample.posts import INCIDENTS
from tests.integration.books import Books

pytestmark = pytest.mark.long


def test_the_demo_warns_of_its_incident_only(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "demo")
    books = Books(tmp_path / "home", sample.program_file, fast=True)
    for period in books.periods:
        books.run(period, sample.landing)
    warnings = {
        at: [
            row.name
            for gate in books.published[period].record().gates.values()
            for row in gate.warnings
        ]
        for at, period in enumerate(books.periods)
    }
    assert list(INCIDENTS) == [1]
    assert warnings == {at: ["few_posts_lose_counts"] if at == 1 else [] for at in range(6)}
