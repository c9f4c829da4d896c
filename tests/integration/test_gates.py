"""Each gate, given one seeded defect, turns red; nothing after it is made; what was published stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from expectations.suite import Expectation
from orchestration.pipeline.building import build
from orchestration.pipeline.earning import earn
from orchestration.pipeline.flow import run_all
from orchestration.pipeline.gating import check
from orchestration.pipeline.home import Home
from orchestration.pipeline.ingesting import ingest
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.publishing import publish
from orchestration.pipeline.refusals import Refused
from orchestration.pipeline.run_state import STAGES
from orchestration.terms.load import load_program
from tests.conftest import published_files


@pytest.fixture(scope="module")
def published(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str, str]:
    """A home with the sample's first period published: (home, program, period)."""
    home = Home(tmp_path_factory.mktemp("gates") / "home")
    home.prepare()
    program = load_program(sample / "program.yaml").program
    period = program.periods[0].key
    run_all(
        PeriodRun(home, program.program, period, "run-0", "ada"),
        sample / "program.yaml",
        sample / "landing",
    )
    return home, program.program, period


# A statement that spoils the work file after a stage was built, what must then turn red, and the
# id of a row that the message must show.
DEFECTS = {
    "staging": (
        "insert into stg_creators select * from stg_creators order by creator_id limit 1",
        "stg_creators_has_one_row_a_key",
    ),
    "eligibility": (
        "update post_eligibility set reasons = '' where post_id ="
        " (select min(post_id) from post_eligibility where not eligible)",
        "post_eligibility_is_eligible_just_without_a_reason",
    ),
    "scoring": (
        "update post_scores set points = -1 where post_id = (select min(post_id) from post_scores)",
        "post_scores_points_are_not_negative",
    ),
}


def _run(home: Home, program: str, period: str) -> PeriodRun:
    return PeriodRun(home, program, period, "run-1", "ada")


@pytest.mark.parametrize("stage", list(DEFECTS))
def test_a_seeded_defect_turns_the_gate_red(
    stage: str, published: tuple[Home, str, str], sample: Path
) -> None:
    run = _run(*published)
    before = published_files(run.home.path)
    shutil.rmtree(run.work.folder)  # else nothing is new, and the verdicts of the run before stand
    ingest(run, sample / "program.yaml", sample / "landing")
    assert check(run, "ingest").held
    for built in ("staging", "eligibility", "scoring"):
        build(run, built)
        if built == stage:
            break
        assert check(run, built).held
    statement, expectation = DEFECTS[stage]
    with run.work.connect() as connection:
        connection.execute(statement)
    result = check(run, stage)
    broken = {row.name: row for row in result.results if row.blocks}
    assert expectation in broken
    assert broken[expectation].failing_rows >= 1
    assert broken[expectation].rows
    # One creator's row, or one creator's post, is spoilt; its money is that published before.
    assert result.stake is not None
    assert (result.stake.creators, result.stake.is_everyone) == (1, False)
    assert result.stake.money_of == published[2]
    following = STAGES[STAGES.index(stage) + 1]
    with pytest.raises(Refused, match=f"{stage} gate has failed"):
        earn(run) if following == "ledger" else build(run, following)
    with pytest.raises(Refused):
        publish(run)
    assert published_files(run.home.path) == before


def test_the_verdict_comes_from_great_expectations(
    published: tuple[Home, str, str], sample: Path
) -> None:
    from expectations.runner import run_suite

    run = _run(*published)
    ingest(run, sample / "program.yaml", sample / "landing")
    holds = Expectation("holds", "raw_posts", "select * from {batch} where false", "never")
    turned = Expectation("turned", "raw_posts", "select post_id from {batch}", "always")
    broken = Expectation("broken", "no_such_table", "select * from {batch}", "cannot be evaluated")
    assert run_suite("ingest", [holds], run.work.path).held
    red = run_suite("ingest", [holds, turned], run.work.path)
    assert not red.held
    assert red.results[1].failing_rows > 20
    assert len(red.results[1].rows) == 20
    assert run_suite("ingest", [broken], run.work.path).results[0].state == "not evaluated"
    assert not run_suite("ingest", [broken], run.work.path).held


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


def test_an_old_work_file_is_refused(
    published: tuple[Home, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.pipeline import run_state

    monkeypatch.setattr(run_state, "code_fingerprint", lambda: "another version")
    with pytest.raises(Refused, match="another version of the code"):
        build(_run(*published), "staging")
