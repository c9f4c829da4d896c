"""Books that several modules look at; whoever changes them takes a copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.books import Books


@pytest.fixture(scope="session")
def begun(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The first period of the sample, published by ada; not to be changed."""
    books = Books(tmp_path_factory.mktemp("begun") / "home", sample / "program.yaml", fast=True)
    books.run(books.periods[0], sample / "landing", by="ada")
    return books


@pytest.fixture(scope="session")
def ran(begun: Books, sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """Both periods of the sample, published by ada; not to be changed."""
    books = begun.copy(tmp_path_factory.mktemp("ran") / "home")
    books.run(books.periods[1], sample / "landing", by="ada")
    return books


@pytest.fixture(scope="session")
def whole(ran: Books, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """Both periods of the sample published, the first one closed; not to be changed."""
    books = ran.copy(tmp_path_factory.mktemp("whole") / "home")
    books.close(books.periods[0])
    return books
