"""What changed after a run: by dataset where the run kept that, and nothing where it cannot be known."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.ingest.fingerprint import dataset_digests, landing_digest
from orchestration.pipeline.changed_inputs import Changed, changes_since
from orchestration.pipeline.home import Home
from orchestration.records import Inputs
from orchestration.sample.program import program_text
from orchestration.terms.load import LoadedProgram, load_program

NOTHING = Changed(False)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedProgram:
    file = tmp_path / "program.yaml"
    file.write_text(program_text(80, 2))
    return load_program(file)


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    for name in ("posts", "payees"):
        (tmp_path / "landing" / name).mkdir(parents=True)
        (tmp_path / "landing" / name / "a.csv").write_text(name)
    return tmp_path / "landing"


@pytest.fixture
def read(home: Home, loaded: LoadedProgram, landing: Path) -> Inputs:
    """The inputs of a run that has read what lies there."""
    files = home.fingerprints(landing)
    return Inputs(
        fingerprint="", program_file=str(loaded.path), program_sha256=loaded.sha256, code="",
        landing=str(landing), landing_sha256=landing_digest(files), landing_datasets=dataset_digests(files),
    )  # fmt: skip


def since(home: Home, loaded: LoadedProgram, read: Inputs, landing: Path | None = None) -> Changed:
    return changes_since(home, loaded, {"march": read}, landing)["march"]


def test_what_lies_there_as_it_was_read_has_not_changed(
    home: Home, loaded: LoadedProgram, read: Inputs, landing: Path, tmp_path: Path
) -> None:
    (landing / "posts" / "a.csv").touch()
    assert since(home, loaded, read) == NOTHING
    assert not NOTHING and NOTHING.said == ""
    # Content counts, not where it lies: a copy is the same.
    shutil.copytree(landing, tmp_path / "copy")
    assert since(home, loaded, read, tmp_path / "copy") == NOTHING


@pytest.mark.parametrize(
    ("do", "datasets"),
    [
        (lambda landing: (landing / "payees" / "b.csv").write_text("new"), ("payees",)),
        (lambda landing: (landing / "payees" / "a.csv").write_text("other!"), ("payees",)),
        (lambda landing: (landing / "posts" / "a.csv").unlink(), ("posts",)),
        (lambda landing: shutil.rmtree(landing / "posts"), ("posts",)),
        (lambda landing: (landing / "deals").mkdir(), ("deals",)),
        (
            lambda landing: (landing / "posts" / "a.csv").rename(landing / "payees" / "p.csv"),
            ("payees", "posts"),
        ),
    ],
    ids=["a new file", "the same size", "a file less", "a dataset less", "a dataset more", "moved"],
)
def test_what_changed_is_named_by_dataset(
    do: object, datasets: tuple[str, ...], home: Home, loaded: LoadedProgram, read: Inputs, landing: Path
) -> None:  # fmt: skip
    do(landing)
    assert since(home, loaded, read) == Changed(True, datasets)


def test_files_that_are_no_data_change_nothing(
    home: Home, loaded: LoadedProgram, read: Inputs, landing: Path
) -> None:
    (landing / "posts" / ".half-written").write_text("x")
    (landing / "notes.txt").write_text("x")
    assert since(home, loaded, read) == NOTHING


def test_another_program_file_is_told(
    home: Home, loaded: LoadedProgram, read: Inputs, landing: Path
) -> None:
    other = replace(loaded, sha256="0" * 64)
    found = since(home, other, read)
    assert found == Changed(False, (), True)
    assert found.said == "the program file changed after"
    (landing / "posts" / "b.csv").write_text("x")
    assert since(home, other, read).said == (
        "the landing data (posts) and the program file changed after"
    )


def test_of_a_run_by_earlier_code_only_is_known_that_something_changed(
    home: Home, loaded: LoadedProgram, read: Inputs, landing: Path
) -> None:
    old = read.model_copy(update={"landing_datasets": {}})
    assert since(home, loaded, old) == NOTHING
    (landing / "posts" / "b.csv").write_text("x")
    found = since(home, loaded, old)
    assert found == Changed(True)
    assert found.said == "the landing data changed after"


def test_a_landing_directory_that_is_gone_is_not_known_to_have_changed(
    home: Home, loaded: LoadedProgram, read: Inputs, landing: Path
) -> None:
    shutil.rmtree(landing)
    found = since(home, loaded, read)
    assert found == Changed(None) and not found


def test_the_landing_directory_that_the_home_knows_is_looked_into(
    home: Home, loaded: LoadedProgram, read: Inputs, landing: Path, tmp_path: Path
) -> None:
    """A run from the UI would read it, not the one of the run before."""
    (tmp_path / "other" / "posts").mkdir(parents=True)
    home.register(loaded.program.program, loaded.path, tmp_path / "other")
    assert since(home, loaded, read) == Changed(True, ("payees", "posts"))
    assert since(home, loaded, read, landing) == NOTHING
