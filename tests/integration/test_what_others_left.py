"""What a run takes over of earlier ones: nothing by which somebody else decides what it counts (§7).

A run answers for the input that it is said to have read. So what bob can leave behind by running alone,
in his environment or over files of his own, must not be in ada's run, which he may close. ada runs, bob
is the thief. Each test is an attack that once went through.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from orchestration.ingest import parquet_loader
from orchestration.ingest.parquet_loader import ParquetLoader
from orchestration.pipeline.engines import DUCKDB
from orchestration.pipeline.flow import run_all
from orchestration.pipeline.home import Home
from orchestration.pipeline.period_run import PeriodRun
from orchestration.sample import write_sample
from orchestration.terms.load import load_program
from tests.conftest import published_files
from tests.keeping import everything_is_kept
from tests.proof.product import CompiledModels, ask_suite

PERIOD = "2024-04"


class Place:
    """A program file and the landing folder that ada reads; homes beside them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program_file = folder / "program.yaml"
        self.landing = folder / "landing"
        self.program = load_program(self.program_file).program.program

    def run(
        self,
        home: str,
        by: str,
        landing: Path | None = None,
        *,
        rehash: bool = False,
        is_by_dbt: bool = False,
    ) -> dict[str, bytes]:
        """Runs the period; what is published then."""
        place = Home(self.folder / home)
        place.prepare()
        run = PeriodRun(
            place, self.program, PERIOD, f"run-{by}", by, ask_suite,
            engine=DUCKDB if is_by_dbt else CompiledModels(), rehash=rehash,
        )  # fmt: skip
        run_all(run, self.program_file, landing or self.landing)
        return published_files(place.path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A small sample, and what is published of it in a home that only ada uses."""
    folder = tmp_path_factory.mktemp("others")
    write_sample(folder, creators=60, periods=1)
    return folder, Place(folder).run("honest", "ada")


@pytest.fixture
def place(made: tuple[Path, dict[str, bytes]], tmp_path: Path) -> Place:
    for name in ("program.yaml", "landing"):
        source = made[0] / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    return Place(tmp_path)


@pytest.fixture
def honest(made: tuple[Path, dict[str, bytes]]) -> dict[str, bytes]:
    return made[1]


def test_the_environment_says_nothing_to_dbt(
    place: Place, honest: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DBT_EMPTY=1 made tables without a row: nobody earned, all gates held, and whoever ran next took them over."""
    monkeypatch.setenv("DBT_EMPTY", "1")
    assert place.run("home", "bob", is_by_dbt=True) == honest
    assert os.environ["DBT_EMPTY"] == "1"


@contextmanager
def read_as(dataset: Path, other: Path) -> Iterator[None]:
    """While DuckDB reads a dataset, and at no look at its files, another folder stands in its place.

    It is renamed to and fro, which leaves size, inode and times of every file as they are.
    """
    aside = dataset.with_name("_aside")
    load, look = ParquetLoader.load, parquet_loader._without_changed

    def load_other(loader: ParquetLoader, files: Any) -> Any:
        if loader._dataset.name == dataset.name and files:
            dataset.rename(aside)
            other.rename(dataset)
        return load(loader, files)

    def look_again(group: Any) -> Any:
        if aside.exists():
            dataset.rename(other)
            aside.rename(dataset)
        return look(group)

    with (
        patch.object(ParquetLoader, "load", load_other),
        patch.object(parquet_loader, "_without_changed", look_again),
    ):
        yield


def _lie(landing: Path) -> tuple[Path, Path]:
    """The deals of a landing directory, and a folder in which half of them are missing."""
    import pyarrow.parquet as pq

    folder, other = landing / "deals", landing.parent / "lie"
    other.mkdir()
    (path,) = folder.iterdir()
    deals = pq.read_table(path)
    pq.write_table(deals.slice(0, len(deals) // 2), other / path.name)
    return folder, other


def test_what_bob_read_in_a_folder_of_his_own_is_not_counted_elsewhere(
    place: Place, honest: dict[str, bytes]
) -> None:
    """What is kept of a file went by its bytes alone: it was taken for ada's file, which bob cannot write."""
    own = Path(shutil.copytree(place.landing, place.folder / "bob" / "landing"))
    with everything_is_kept():
        with read_as(*_lie(own)):
            assert place.run("home", "bob", own) != honest
        assert place.run("home", "ada") == honest


def test_tables_that_bob_has_made_are_not_taken_over_in_adas_name(
    place: Place, honest: dict[str, bytes]
) -> None:
    """Nothing was new to her run, so it was said to have read what his had read."""
    with read_as(*_lie(place.landing)):
        assert place.run("home", "bob") != honest
    assert place.run("home", "ada") == honest


def test_with_rehash_all_is_read_anew(place: Place, honest: dict[str, bytes]) -> None:
    """docs/security.md: it tells what was written behind our back; also where it was read before, and kept."""
    with everything_is_kept():
        with read_as(*_lie(place.landing)):
            assert place.run("home", "ada") != honest
        assert place.run("home", "ada", rehash=True) == honest
        assert place.run("home", "grace") == honest
