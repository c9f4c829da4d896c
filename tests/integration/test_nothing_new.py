"""A run whose input is as the run before of the same person read it takes its tables on, and whatever differs is made anew.

The runs are real but for two things: the models are executed as dbt compiled them, and the gates are
asked of DuckDB itself, so that both can be counted.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from expectations.suite import GateResult
from orchestration.pipeline.flow import run_all
from orchestration.pipeline.gating import check
from orchestration.pipeline.home import Home
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.refusals import Refused
from orchestration.sample import write_sample
from orchestration.terms.load import load_program
from tests.conftest import published_files
from tests.proof.product import CompiledModels, ask_suite

PERIOD = "2024-04"
STAGES = ["staging", "eligibility", "scoring"]
LAST_GATE = ["ledger"]
CREATOR = "creator_id,account_type,market,updated_at\nnew,creator,US,2024-04-01T00:00:00Z\n"
ALL_GATES = ["ingest", *STAGES, "ledger"]


class Place:
    """A home with its landing folder and program file, and what its last run did."""

    def __init__(self, folder: Path, home: Path | None = None) -> None:
        self.home = Home(home or folder / "home")
        self.program_file = folder / "program.yaml"
        self.landing = folder / "landing"
        self.work = self.home.path / "work" / "instagram-spring-bonus" / PERIOD
        self.built: list[str] = []
        self.asked: list[str] = []
        self.told: list[str] = []

    def run(self, by: str = "ada") -> PeriodRun:
        self.built, self.asked, self.told = [], [], []

        def gate(suite: str, database: Path) -> GateResult:
            self.asked.append(suite)
            return ask_suite(suite, database)

        program = load_program(self.program_file).program.program
        engine = CompiledModels(built=self.built)
        run = PeriodRun(self.home, program, PERIOD, f"run-{by}", by, gate, self.told.append, engine)
        run_all(run, self.program_file, self.landing)
        return run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nothing-new")
    write_sample(folder, creators=60, periods=1)
    place = Place(folder)
    place.home.prepare()
    place.run()
    assert (place.built, place.asked) == (STAGES, ALL_GATES)
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Place:
    """A copy of the home after a run; its input is shared, so it is not to be changed."""
    return Place(made, Path(shutil.copytree(made / "home", tmp_path / "home", symlinks=True)))


def test_nothing_new_is_computed_once(place: Place) -> None:
    published = published_files(place.home.path)
    run = place.run()
    assert (place.built, place.asked) == ([], LAST_GATE)
    assert any("nothing is new since the run of ada" in line for line in place.told)
    assert published_files(place.home.path) == published
    last = run.state.read()
    assert last is not None
    assert (last.by, last.taken_from) == ("ada", "run-ada")
    assert list(last.gates) == sorted(ALL_GATES)
    # And once more: it goes on from a run that made nothing itself.
    again = place.run().state.read()
    assert (place.built, place.asked) == ([], LAST_GATE)
    assert again is not None
    assert again.taken_from == "run-ada"


def test_who_runs_it_is_who_published_it(place: Place) -> None:
    """§7 "Close": whoever started the run that read the inputs, and the run that published."""
    published = published_files(place.home.path)
    run = place.run(by="grace")
    assert (place.built, place.asked) == (STAGES, ALL_GATES)
    assert published_files(place.home.path) == published
    record = run.home.store(run.program).published()[PERIOD].record()
    assert {worker.by for worker in record.workers} == {"grace"}


def _one_byte(place: Place) -> None:
    path = place.work / "work.duckdb"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


def _more_points(place: Place) -> None:
    with duckdb.connect(place.work / "work.duckdb") as connection:
        connection.execute("update int_post_points set points_e4 = points_e4 * 10")


def _log_of_a_process_that_died(place: Place) -> None:
    (place.work / "work.duckdb.wal").write_bytes(b"")


def _no_work_folder(place: Place) -> None:
    shutil.rmtree(place.work)


def _an_unfinished_run(place: Place) -> None:
    record = next((place.home.path / "last_runs").rglob("record.json"))
    text = record.read_text()
    assert '"work_sha256"' in text
    record.write_text(text.replace('"work_sha256"', '"other"'))


def _other_code(place: Place) -> None:
    record = next((place.home.path / "last_runs").rglob("record.json"))
    text = record.read_text()
    assert text.count('"code": "') == 1
    record.write_text(text.replace('"code": "', '"code": "0'))


def _an_unreadable_record(place: Place) -> None:
    next((place.home.path / "last_runs").rglob("record.json")).write_text("{")


@pytest.mark.parametrize(
    "change",
    [
        _one_byte,
        _more_points,
        _log_of_a_process_that_died,
        _no_work_folder,
        _an_unfinished_run,
        _other_code,
        _an_unreadable_record,
    ],
    ids=lambda change: change.__name__.strip("_"),
)
def test_what_was_meddled_with_is_computed_anew(
    place: Place, change: Callable[[Place], None]
) -> None:
    published = published_files(place.home.path)
    change(place)
    place.run()
    assert (place.built, place.asked) == (STAGES, ALL_GATES)
    assert published_files(place.home.path) == published


@pytest.mark.long
def test_other_input_is_computed_anew(made: Path, tmp_path: Path) -> None:
    """Each step changes one thing; at the end it is as in a home that never saw the rest."""
    moved = Path(shutil.copytree(made, tmp_path / "moved", symlinks=True))
    place = Place(moved)
    text = place.program_file.read_text()
    assert "likes: 2" in text

    def touch() -> None:
        for path in (place.landing / "post_metrics").rglob("*.parquet"):
            os.utime(path, ns=(1, 1))

    steps: list[Callable[[], object]] = [
        lambda: "nothing but its place",
        touch,
        lambda: (place.landing / "creators" / "late.csv").write_text(CREATOR),
        lambda: place.program_file.write_text(text.replace("likes: 2", "likes: 3", 1)),
    ]
    for step in steps:
        step()
        place.run()
        assert (place.built, place.asked) == (STAGES, ALL_GATES)
        place.run()
        assert (place.built, place.asked) == ([], LAST_GATE)
    fresh = Place(moved, tmp_path / "fresh")
    fresh.home.prepare()
    fresh.run()
    assert published_files(place.home.path) == published_files(fresh.home.path)


def test_quarantined_rows_are_there_again(place: Place) -> None:
    shutil.rmtree(place.home.path / "quarantine")
    place.run()
    assert place.built == []
    assert (place.home.path / "quarantine").is_dir()


def test_a_gate_that_has_not_held_is_asked_again(made: Path, tmp_path: Path) -> None:
    """Its run has not come to its end, so nothing of it is taken on."""
    place = Place(Path(shutil.copytree(made, tmp_path / "moved", symlinks=True)))
    (place.landing / "creators" / "bad.csv").write_text("creator_id\n")
    for _ in range(2):
        with pytest.raises(Exception, match="quarantine"):
            place.run()
        assert (place.built, place.asked) == ([], ["ingest"])


def test_a_verdict_stands_only_for_the_tables_it_spoke_of(place: Place) -> None:
    """A stage that somebody launches by itself goes by what lies in the work file."""
    run = place.run()
    assert check(run, "scoring").held
    assert place.asked == LAST_GATE
    _more_points(place)
    with pytest.raises(Refused, match="not as the stage before left it"):
        run.state.begin_stage("scoring")
