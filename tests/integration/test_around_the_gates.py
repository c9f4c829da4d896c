"""Ways round the gates, each refused with what to do; what was published stays (§8)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from expectations.suite import GateResult, Result
from orchestration.dagster_glue.definitions import build_definitions
from orchestration.dagster_glue.jobs import PERIOD_JOB
from orchestration.dagster_glue.partitions import PERIODS, split_partition_key
from orchestration.dagster_glue.resources import HomeResource
from orchestration.pipeline.building import build
from orchestration.pipeline.earning import earn
from orchestration.pipeline.flow import run_all
from orchestration.pipeline.gating import check
from orchestration.pipeline.home import Home
from orchestration.pipeline.ingesting import ingest
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.publishing import publish
from orchestration.pipeline.refusals import Refused
from orchestration.pipeline.run_state import STAGES, RunState
from orchestration.pipeline.work_file import WorkFile
from orchestration.terms import tables
from orchestration.terms.load import load_program
from tests.conftest import ROOT, published_files


def held(suite: str, _: Path) -> GateResult:
    """A gate that has nothing against it: what is tried here is the way round it."""
    return GateResult(suite, ())


@pytest.fixture(scope="module")
def delivery(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample that tests of this module may change, if they put it back."""
    folder = tmp_path_factory.mktemp("delivery")
    shutil.copytree(sample, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def stages(delivery: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Stage -> a copy of the home in which its gate has just held; the period is published before."""
    home = tmp_path_factory.mktemp("stages") / "home"
    Home(home).prepare()
    copies = {}
    run = run_in(home, delivery)
    run_all(run, delivery / "program.yaml", delivery / "landing")
    for stage in STAGES[:-1]:
        ingest(run, *inputs(delivery)) if stage == "ingest" else build(run, stage)
        check(run, stage)
        copies[stage] = shutil.copytree(home, home.with_name(stage), symlinks=True)
    earn(run)
    copies["earnings"] = shutil.copytree(home, home.with_name("earnings"), symlinks=True)
    return copies


@pytest.fixture
def home_after(stages: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """Makes a home of one's own out of the copy that a stage has left."""

    def copy(stage: str) -> Path:
        return shutil.copytree(stages[stage], tmp_path / "home", symlinks=True)

    return copy


def inputs(delivery: Path) -> tuple[Path, Path]:
    return delivery / "program.yaml", delivery / "landing"


def run_in(home: Path, delivery: Path) -> PeriodRun:
    program = load_program(delivery / "program.yaml").program
    return PeriodRun(Home(home), program.program, program.periods[0].key, "run-1", "ada", gate=held)


def go_on(run: PeriodRun, after: str) -> None:
    """Everything that follows a stage."""
    following = STAGES[STAGES.index(after) + 1 : -1] if after in STAGES else ()
    for stage in following:
        build(run, stage)
        check(run, stage)
    if after != "earnings":
        earn(run)
    publish(run)


EDITS = {
    "ingest": "update raw_creators set market = 'JP'",
    "staging": "delete from stg_policy_events",
    "eligibility": "update creator_eligibility set eligible = true, reasons = ''",
    "scoring": "update post_scores set points = points * 2",
    "earnings": "update creator_earnings set performance_minor = performance_minor * 2",
}
"""What someone with the file at hand might do after a stage and its gate."""


@pytest.mark.parametrize("stage", list(EDITS))
def test_an_edited_work_file_is_refused(
    stage: str, home_after: Callable[[str], Path], delivery: Path
) -> None:
    run = run_in(home_after(stage), delivery)
    before = published_files(run.home.path)
    with duckdb.connect(run.work.path) as connection:
        connection.execute(EDITS[stage])
    for _ in range(2):  # asking twice makes it no truer
        with pytest.raises(Refused, match=r"not as the stage before left it.*from ingest on"):
            go_on(run, stage)
        run.state.verdicts()
    assert published_files(run.home.path) == before


def test_a_work_file_that_was_only_looked_at_goes_on(
    home_after: Callable[[str], Path], delivery: Path
) -> None:
    run = run_in(home_after("ingest"), delivery)
    with duckdb.connect(run.work.path) as connection:
        connection.execute("select count(*) from raw_posts").fetchall()
    before = published_files(run.home.path)
    go_on(run, "ingest")
    assert published_files(run.home.path) == before


def test_verdicts_of_another_reading_of_the_same_files_do_not_count(
    home_after: Callable[[str], Path], delivery: Path
) -> None:
    """Verdicts speak of the data that lies in the work file, not of data that was there before."""
    run = run_in(home_after("scoring"), delivery)
    verdicts = run.state.path.read_bytes()
    ingest(run, *inputs(delivery))
    run.state.path.write_bytes(verdicts)
    with pytest.raises(Refused, match="the work file is not that of the run in"):
        earn(run)


def test_a_table_edited_before_its_gate_is_judged_but_goes_no_further(
    home_after: Callable[[str], Path], delivery: Path
) -> None:
    run = run_in(home_after("ingest"), delivery)
    build(run, "staging")
    with duckdb.connect(run.work.path) as connection:
        connection.execute(EDITS["staging"])
    assert check(run, "staging").held
    with pytest.raises(Refused, match="not as the stage before left it"):
        build(run, "eligibility")


def test_a_program_file_changed_after_it_was_read_is_refused(
    home_after: Callable[[str], Path], delivery: Path
) -> None:
    """Earnings and settlement go by what was kept of it: terms of somebody else would be paid."""
    run = run_in(home_after("scoring"), delivery)
    before, kept = published_files(run.home.path), run.state.program_file
    kept.write_bytes(kept.read_bytes() + b"# changed\n")
    with pytest.raises(Refused, match="is not the program file that this run has read"):
        earn(run)
    assert published_files(run.home.path) == before


def test_the_log_of_a_process_that_died_is_not_played_back_unseen(
    home_after: Callable[[str], Path], delivery: Path
) -> None:
    run = run_in(home_after("scoring"), delivery)
    died = subprocess.run(
        [
            sys.executable, "-c",
            "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]);"
            " c.execute('update post_scores set points = points * 2'); os._exit(9)",
            str(run.work.path),
        ]
    )  # fmt: skip
    assert died.returncode == 9
    assert run.work.path.with_suffix(".duckdb.wal").exists()
    with pytest.raises(Refused, match="not as the stage before left it"):
        earn(run)


def test_a_stage_that_failed_may_be_started_again(
    home_after: Callable[[str], Path], delivery: Path
) -> None:
    """Re-running from failure is no way round: the same data, the same verdicts before it."""
    run = run_in(home_after("earnings"), delivery)
    before = published_files(run.home.path)
    broken = replace(run, gate=lambda suite, database: _raise(OSError("the disk is gone")))
    with pytest.raises(OSError, match="the disk is gone"):
        publish(broken)
    publish(run)
    assert published_files(run.home.path) == before


def _raise(error: Exception) -> GateResult:
    raise error


def test_running_on_from_a_gate_that_failed_is_refused(
    home_after: Callable[[str], Path], delivery: Path
) -> None:
    run = run_in(home_after("staging"), delivery)
    failed = Result("name", "stg_posts", "error", "means", "failed", 1)
    run.state.record("staging", GateResult("staging", (failed,)))
    for stage in ("eligibility", "scoring"):
        with pytest.raises(Refused, match=r"staging gate has failed.*from ingest on"):
            build(run, stage)
    with pytest.raises(Refused, match=r"staging gate has failed.*from ingest on"):
        earn(run)
    with pytest.raises(Refused, match=r"staging gate has failed.*from ingest on"):
        publish(run)


def test_a_later_stage_alone_is_refused(sample: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    program = load_program(sample / "program.yaml").program
    run = PeriodRun(home, program.program, program.periods[0].key, "run-1", "ada")
    with pytest.raises(Refused, match="nothing is ingested yet"):
        build(run, "staging")
    ingest(run, sample / "program.yaml", sample / "landing")
    with pytest.raises(Refused, match="ingest gate has not run"):
        build(run, "staging")
    assert check(run, "ingest").held
    with pytest.raises(Refused, match="staging gate has not run"):
        build(run, "eligibility")
    # Ingesting anew withdraws what was said of the old data.
    ingest(run, sample / "program.yaml", sample / "landing")
    with pytest.raises(Refused, match="ingest gate has not run"):
        build(run, "staging")


def test_work_of_older_code_is_refused(
    stages: dict[str, Path], delivery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.pipeline import run_state

    monkeypatch.setattr(run_state, "code_fingerprint", lambda: "another version")
    with pytest.raises(Refused, match="another version of the code"):
        build(run_in(stages["ingest"], delivery), "staging")


@pytest.fixture
def replaced_inputs(delivery: Path) -> Iterator[Callable[[], None]]:
    """Adds a landing file and changes the program file; all is as before at the end."""
    extra, program_file = delivery / "landing" / "creators" / "late.csv", delivery / "program.yaml"
    content = program_file.read_bytes()

    def replace() -> None:
        extra.write_text("creator_id,account_type,market,updated_at\n", encoding="utf-8")
        program_file.write_bytes(content + b"# changed\n")

    yield replace
    extra.unlink(missing_ok=True)
    program_file.write_bytes(content)


@pytest.mark.parametrize("stage", list(EDITS))
def test_inputs_replaced_after_a_stage_are_refused(
    stage: str,
    home_after: Callable[[str], Path],
    delivery: Path,
    replaced_inputs: Callable[[], None],
) -> None:
    run = run_in(home_after(stage), delivery)
    before = published_files(run.home.path)
    replaced_inputs()
    with pytest.raises(
        Refused, match=r"files in .* and .*program\.yaml changed after ingest; nothing is published"
    ):
        go_on(run, stage)
    assert published_files(run.home.path) == before


def test_what_is_hashed_is_what_is_read(
    delivery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between hashing and reading a file is gone, and another there; afterwards all is as before."""
    Home(tmp_path / "home").prepare()
    run = run_in(tmp_path / "home", delivery)
    gone = min((delivery / "landing" / "policy_events").iterdir())
    late, hidden = gone.with_name("late.csv"), tmp_path / "hidden"
    real_terms_tables = tables.terms_tables

    def meanwhile(*arguments: Any) -> Any:
        shutil.copy(gone, late)
        gone.rename(hidden)
        return real_terms_tables(*arguments)

    monkeypatch.setattr(tables, "terms_tables", meanwhile)
    ingest(run, *inputs(delivery))
    hidden.rename(gone)
    late.unlink()
    with run.work.connect() as connection:
        refused = connection.execute("select file, reason from quarantine_files").fetchall()
        read = connection.execute("select file from ingest_files").fetchall()
    assert refused == [(f"policy_events/{gone.name}", "UNREADABLE")]
    assert ("policy_events/late.csv",) not in read


REPLACES = """
import sys
from pathlib import Path
from orchestration.command_line import app as cli
from orchestration.pipeline.run_state import RunState
grows = Path(sys.argv.pop(1))
real = RunState.record
def record(self, stage, result):
    real(self, stage, result)
    if stage == "scoring":
        with grows.open("ab") as file:
            file.write(b"\\n")
RunState.record = record
cli.main()
"""
"""`bonus`, with its first argument a file that grows by a line once the scoring gate has held."""


@pytest.mark.long  # a process; in this one: test_inputs_that_change_after_ingest_are_not_published
def test_inputs_replaced_while_bonus_runs_are_refused(sample: Path, tmp_path: Path) -> None:
    shutil.copytree(sample, tmp_path / "sample")
    changed = min((tmp_path / "sample" / "landing" / "creators").iterdir())
    period = load_program(tmp_path / "sample" / "program.yaml").program.periods[0].key
    done = subprocess.run(
        [sys.executable, "-c", REPLACES, str(changed), "run", period],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={
            **os.environ,
            "BONUS_PROGRAM": str(tmp_path / "sample" / "program.yaml"),
            "BONUS_LANDING": str(tmp_path / "sample" / "landing"),
            "BONUS_HOME": str(tmp_path / "home"),
        },
    )
    assert done.returncode == 4, done.stderr
    assert "changed after ingest; nothing is published. Run the period again" in done.stderr
    assert "Traceback" not in done.stderr
    assert published_files(tmp_path / "home") == {}


def test_asking_for_verdicts_before_the_first_ingest_makes_no_file(tmp_path: Path) -> None:
    work = WorkFile(tmp_path)
    assert RunState(tmp_path, tmp_path / "last", work).verdicts() == {}
    with pytest.raises(Refused, match="nothing is ingested yet"), work.connect():
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_program_file_of_another_program_is_refused(delivery: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    text = (delivery / "program.yaml").read_text(encoding="utf-8")
    name = load_program(delivery / "program.yaml").program.program
    other.write_text(text.replace(f"program: {name}", "program: another"), encoding="utf-8")
    home = tmp_path / "home"
    Home(home).prepare()
    with pytest.raises(Refused, match=f"is the file of another, not of {name}"):
        ingest(run_in(home, delivery), other, delivery / "landing")


KEYS = (
    "../../x:y", "p:../../x", "p:..", "p:.", "..:p", "p:", ":p", "", "p", "p:a:b", "p:a/b", "p:a\\b",
    "p:a\x00b", "p:A", "p:ä", "p:a b", "p:a\n", "p:-a", "p:$(id)", "p:';drop table x;--",
    "p:" + "a" * 41, "p:%2e%2e", "p:a*", "p:~", "p:<b>", "p:a:b", "p:\u202ea", "p:\x1b[31m",
)  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_partition_keys_that_are_none_are_refused(key: str) -> None:
    with pytest.raises(ValueError, match="is no bonus period: expected a name of 1 to 40"):
        split_partition_key(key)


@pytest.mark.parametrize("key", ["{program}:../../x", "{program}:nope", "nope:{period}"])
def test_a_partition_typed_into_the_ui_is_refused(key: str, delivery: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    program = load_program(delivery / "program.yaml").program
    home.register(program.program, *inputs(delivery))
    partition = key.format(program=program.program, period=program.periods[0].key)
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(str(PERIODS.name), [partition])
        job = build_definitions(HomeResource(path=str(home.path))).resolve_job_def(PERIOD_JOB)
        result = job.execute_in_process(
            partition_key=partition, instance=instance, raise_on_error=False
        )
    assert not result.success
    said = str([event.message for event in result.all_events if event.is_failure])
    said += str([event.event_specific_data for event in result.all_events if event.is_failure])
    assert "is no bonus period" in said or "no period 'nope'" in said or "is no program of" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]
    assert published_files(home.path) == {}
