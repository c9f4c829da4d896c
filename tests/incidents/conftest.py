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
