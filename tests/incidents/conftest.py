"""A world of one's own for each incident."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.incidents.landing import Books, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def books(world: World) -> Books:
    return Books(world)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each incident is several runs of a period: together they take minutes; the page takes none."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.path.name != "test_incidents_doc.py":
            item.add_marker(pytest.mark.long)
