"""Books that several modules look at; whoever changes them takes a copy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import BonusHere
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


@dataclass(frozen=True)
class Commanded:
    """Books whose first period `bonus run` has published, with Dagster's history, and what it said."""

    books: Books
    said: str


@pytest.fixture(scope="session")
def commanded(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Commanded:
    """The first period of the sample, published by ada from the command line; not to be changed."""
    books = Books(tmp_path_factory.mktemp("commanded") / "home", sample / "program.yaml", fast=True)
    bonus = BonusHere(sample / "program.yaml", sample / "landing", books.home.path)
    done = bonus("run", books.periods[0], "--by", "ada")
    assert done.returncode == 0, done.stderr
    return Commanded(books, done.stdout)
