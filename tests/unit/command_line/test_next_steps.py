"""`bonus` on its own: what can be done next, state by state."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from expectations.suite import GateResult, Result
from orchestration.command_line.app import app
from orchestration.command_line.next_steps import Place, next_steps
from orchestration.pipeline.home import Home
from orchestration.pipeline.run_state import RunState
from orchestration.pipeline.work_file import WorkFile
from orchestration.publishing.store import Publication
from orchestration.records import RunRecord, Totals
from orchestration.sample.program import program_text
from orchestration.terms.load import LoadedProgram, parse_program
from orchestration.terms.model import Program
from tests.conftest import ROOT

OVER = date(2100, 1, 1)
RECORD = RunRecord(
    program="p", period="2024-04", run_id="run-1", by="ada", published_at="2024-05-01T00:00:00Z",
    fingerprint="", program_file="", program_sha256="", landing="/none", landing_sha256="", code="",
    gates={}, totals=Totals(),
)  # fmt: skip


@pytest.fixture
def program() -> Program:
    return parse_program(program_text(80, 3).encode(), "program.yaml")


def loaded(program: Program, sha256: str = "") -> LoadedProgram:
    """As the published runs have read it, unless another hash is given."""
    return LoadedProgram(program, Path("program.yaml"), b"", sha256)


def commands(
    home: Path, program: Program | None, today: date = OVER, sha256: str = ""
) -> list[str]:
    given = loaded(program, sha256) if program else None
    return [step.command for step in next_steps(home, given, " --home h", today)]


def publish(home: Path, program: Program, *periods: str) -> None:
    """Periods as a publish leaves them, as far as is looked at."""
    store = Home(home).store(program.program)
    for period in periods:
        folder = store.new_version(period)
        (folder / "run.json").write_bytes(RECORD.model_copy(update={"period": period}).content())
        store.switch({period: folder}, {})
        last_run(home, program, period)


def last_run(home: Path, program: Program, period: str, *results: GateResult) -> None:
    folder = Home(home).last_run_folder(program.program, period)
    state = RunState(home, folder, WorkFile(home / "work" / program.program / period))
    state.begin_reading(program.program, period, "run-1", "ada", b"")
    for result in results:
        state.record(result.suite, result)


def test_without_a_program_a_sample_is_proposed(tmp_path: Path) -> None:
    assert commands(tmp_path, None)[0] == "bonus sample --out demo"


def test_before_the_first_run_all_periods_are(tmp_path: Path, program: Program) -> None:
    assert commands(tmp_path / "none", program) == [
        "bonus run 2024-04 2024-05 2024-06 --home h",
        "bonus ui --home h",
    ]
    assert not (tmp_path / "none").exists()


def test_periods_that_are_over_are_to_be_run_and_the_first_closed(
    tmp_path: Path, program: Program
) -> None:
    publish(tmp_path, program, "2024-04")
    assert commands(tmp_path, program)[:2] == [
        "bonus run 2024-05 2024-06 --home h",
        "bonus close 2024-04 --preview --home h",
    ]
    first, second = program.periods[:2]
    before = commands(tmp_path, program, date.fromordinal(first.closes_on.toordinal() - 1))
    assert before == ["bonus status --home h", "bonus report --home h"]
    assert commands(tmp_path, program, second.closes_on)[0] == "bonus run 2024-05 --home h"


def test_a_period_whose_gate_did_not_hold_comes_first(tmp_path: Path, program: Program) -> None:
    publish(tmp_path, program, "2024-04", "2024-05", "2024-06")
    failed = Result("rows", "raw_payees", "error", "a row is bad", "failed", 1)
    last_run(tmp_path, program, "2024-04", GateResult("ingest", (failed,)))
    steps = next_steps(tmp_path, loaded(program), "", OVER)
    assert steps[0].sentence.startswith("2024-04: the ingest gate has not held.")
    assert steps[0].command == "bonus run 2024-04"
    assert not [step for step in steps if "close" in step.command]


def test_what_changed_after_a_run_is_counted_before_the_close(
    tmp_path: Path, program: Program
) -> None:
    publish(tmp_path, program, "2024-04", "2024-05", "2024-06")
    looked_at = ["bonus close 2024-04 --preview --home h", "bonus close 2024-04 --by NAME --home h"]
    assert commands(tmp_path, program)[:2] == looked_at
    steps = next_steps(tmp_path, loaded(program, "another"), "", OVER)
    assert steps[0].sentence == (
        "2024-04: the program file changed after its run. Run it again before it is closed:"
    )
    assert [step.command for step in steps[:3]] == [
        "bonus run 2024-04",
        "bonus close 2024-04 --preview",
        "bonus close 2024-04 --by NAME",
    ]


def test_after_a_close_the_next_period_is_and_verify_is_named(
    tmp_path: Path, program: Program
) -> None:
    publish(tmp_path, program, "2024-04", "2024-05", "2024-06")
    store = Home(tmp_path).store(program.program)
    closed: Publication = store.published()["2024-04"]
    store.seal(closed, b"{}")
    found = commands(tmp_path, program)
    assert found[0] == "bonus close 2024-05 --preview --home h"
    assert "bonus verify --home h" in found


def test_what_the_environment_says_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Place.of({}, Path("h")) == Place(None, None, Path("h"))
    named = {"BONUS_PROGRAM": "my program.yaml", "BONUS_HOME": "x"}
    assert Place.of(named, Path("h")).options(named) == ""
    other = {**named, "BONUS_PROGRAM": "other.yaml"}  # said, but not what is meant
    assert Place.of(named, Path("h")).options(other) == " --program 'my program.yaml'"
    assert Place.of(named, Path("h")).options({}) == " --program 'my program.yaml' --home x"
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "program.yaml").touch()
    demo = Place.of({}, Path("h"))
    assert (
        demo.options({}) == " --program demo/program.yaml --landing demo/landing --home demo/home"
    )


def test_a_sample_ends_by_naming_its_first_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = CliRunner().invoke(
        app, ["sample", "--out", "made", "--creators", "60", "--periods", "2"]
    )
    assert made.exit_code == 0, made.output
    assert made.stdout.splitlines()[-1] == (
        "  bonus run 2024-04 2024-05"
        " --program made/program.yaml --landing made/landing --home made/home"
    )


def test_bonus_alone_loads_nothing_heavy(tmp_path: Path) -> None:
    heavy = ("dagster", "duckdb", "pandas", "pyarrow", "jinja2", "ruamel")
    code = (
        "import sys; sys.argv = ['bonus']\n"
        "from orchestration.command_line.app import app\n"
        "try:\n    app()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("[]\n")
    assert "bonus sample --out demo" in done.stdout
