"""Books that several modules look at; whoever changes them takes a copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.books import Books


@pytest.fixture(scope="session")
def whole(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """Two periods of the sample published, the first one closed; not to be changed."""
    books = Books(tmp_path_factory.mktemp("whole") / "home", sample / "program.yaml", fast=True)
    for period in books.periods[:2]:
        books.run(period, sample / "landing")
    books.close(books.periods[0])
    return books
