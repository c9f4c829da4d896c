"""§7 "Close": refusals, what is sealed, restatements, and adjustments posted once."""

from __future__ import annotations

import json
import shutil
import stat
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import dagster as dg
import pytest

from orchestration.dagster_glue.definitions import build_definitions
from orchestration.dagster_glue.period_states import period_states
from orchestration.dagster_glue.resources import HomeResource
from orchestration.foundations.cursors import scratch_database
from orchestration.foundations.file_patterns import exact_pattern
from orchestration.pipeline import closing, run_state, versions
from orchestration.pipeline.building import build
from orchestration.pipeline.close_log import CloseLog
from orchestration.pipeline.closing import close_period, prospect
from orchestration.pipeline.earning import earn
from orchestration.pipeline.gating import check
from orchestration.pipeline.home import Home
from orchestration.pipeline.ingesting import ingest
from orchestration.pipeline.proving import sealing_of, statement_tree
from orchestration.pipeline.publishing import publish
from orchestration.pipeline.refusals import GateFailed, Refused
from orchestration.publishing.export import export_period
from orchestration.publishing.store import Store
from orchestration.records import CloseEntry
from orchestration.reports.figures import period_figures
from tests import worked
from tests.conftest import SHARED, Bonus, BonusHere
from tests.integration.books import LATER, Books
from tests.integration.conftest import Commanded
from tests.proof.product import ask_suite

RESTATEMENTS = sorted(path.name for path in (SHARED / "worked").glob("restatement-*")) or ["absent"]


def assert_equal(books: Books, expected: Path, out: Path) -> None:
    for folder in sorted(expected.iterdir()):
        export_period(books.published[folder.name], out / folder.name)
        worked.assert_equal(out / folder.name, folder)


@pytest.mark.parametrize(
    "case",
    [*RESTATEMENTS[:1], *(pytest.param(case, marks=pytest.mark.long) for case in RESTATEMENTS[1:])],
)
def test_restatement_case_is_equal(case: str, shared: Path, tmp_path: Path) -> None:
    """ "on landing-1 run the first period and close it; on landing-2 run the first period again, then
    all the others; close the second period, run the first once more" """
    folder = shared / "worked" / case
    books = Books(tmp_path / "home", folder / "program.yaml", fast=True)
    first, second, *others = books.periods
    books.run(first, folder / "landing-1")
    books.close(first)
    sealed = books.files(first)
    assert_equal(books, folder / "expected-1", tmp_path / "1")
    for period in (first, second, *others):
        books.run(period, folder / "landing-2")
    assert_equal(books, folder / "expected-2", tmp_path / "2")
    books.close(second)
    books.run(first, folder / "landing-2")
    assert_equal(books, folder / "expected-3", tmp_path / "3")
    assert books.files(first) == sealed
    assert books.differences == []


@pytest.mark.long
def test_restatement_case_is_equal_through_the_command_line(shared: Path, tmp_path: Path) -> None:
    folder = shared / "worked" / "restatement-2"
    books = Books(tmp_path / "home", folder / "program.yaml")  # for its periods only
    first, second, *others = books.periods
    before = Bonus(folder / "program.yaml", folder / "landing-1", tmp_path / "home")
    after = Bonus(folder / "program.yaml", folder / "landing-2", tmp_path / "home")
    assert before("run", first, "--by", "ada").returncode == 0
    assert before("close", first, "--by", "grace").returncode == 0
    ran = after("run", first, second, *others, "--by", "ada")
    assert ran.returncode == 0, ran.stderr
    assert "is closed: restated beside it" in ran.stdout
    assert_equal(books, folder / "expected-2", tmp_path / "2")
    assert after("close", second, "--by", "grace").returncode == 0
    assert after("run", first, "--by", "ada").returncode == 0
    assert_equal(books, folder / "expected-3", tmp_path / "3")
    assert after("verify").returncode == 0


@pytest.fixture
def books(begun: Books, tmp_path: Path) -> Books:
    """A copy of the sample's first period, published by ada.

    The home is one that DuckDB would take for a pattern, reached by a link: else it is refused.
    """
    (tmp_path / "home [2]*").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "home [2]*")
    return begun.copy(tmp_path / "home")


@pytest.fixture
def corrected(sample: Path, tmp_path: Path) -> Path:
    """The sample's landing data, in which most posts have since been seen with half their likes."""
    landing = tmp_path / "corrected"
    shutil.copytree(sample / "landing", landing)
    source = str(landing / "post_metrics" / "**" / "*.parquet")
    target = landing / "post_metrics" / "corrections.parquet"
    with scratch_database() as connection:
        connection.execute(
            "copy (select * replace (likes // 2 as likes,"
            " cast('2090-01-01' as timestamp) as delivered_at)"
            f" from read_parquet('{source}', union_by_name = true)) to '{target}'"
        )
    return landing


def test_exit_statuses_of_close(sample: Path, tmp_path: Path, commanded: Commanded) -> None:
    fresh = BonusHere(sample / "program.yaml", sample / "landing", tmp_path / "fresh")
    first, second = commanded.books.periods[:2]
    none = fresh("close", first, "--by", "grace")
    assert (none.returncode, none.stderr) == (
        4,
        f"{first} is not published yet; run it first: bonus run {first}\n",
    )
    said = f"Next: Over and not published yet (1):\n  bonus run {second}\n"
    assert commanded.said.endswith(said)
    home = commanded.books.copy(tmp_path / "home").home.path
    bonus = BonusHere(sample / "program.yaml", sample / "landing", home)
    for period, by, status, said in (
        ("no-such", "grace", 2, "has no period"),
        (first, "  ", 2, "cannot be the name of --by"),
        (first, "ADA ", 4, "someone else has to close it"),
        (second, "grace", 4, f"first close {first}"),
        (first, "grace", 0, ""),
        (first, "grace", 4, "closed already"),
    ):
        done = bonus("close", period, "--by", by)
        assert done.returncode == status, done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    states = bonus.json("status")["periods"]
    assert [state["state"] for state in states][:2] == ["closed", "not published"]
    assert states[0]["closed_by"] == "grace"


def test_a_period_that_is_not_over_is_not_closed(books: Books) -> None:
    first = books.program.periods[0]
    before = first.closes_on.fromordinal(first.closes_on.toordinal() - 1)
    with pytest.raises(Refused, match=f"closes on {first.closes_on}, and today is {before}"):
        close_period(books.home, books.loaded, first.key, "grace", before)
    assert close_period(books.home, books.loaded, first.key, "grace", first.closes_on)


def test_a_period_whose_last_run_was_blocked_is_not_closed(
    books: Books, sample: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(sample / "landing", broken)
    (broken / "creators" / "broken.csv").write_text("creator_id\n", encoding="utf-8")
    first = books.periods[0]
    with pytest.raises(GateFailed):
        books.run(first, broken)
    with pytest.raises(Refused, match="the ingest gate has not held"):
        books.close(first)
    books.run(first, sample / "landing")
    assert books.close(first).period == first


def test_a_clock_that_is_set_back_a_year_closes_nothing_early_and_breaks_nothing(
    books: Books, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = books.periods[:2]
    books.close(first)
    the_day_before = books.program.periods[1].closes_on - timedelta(days=1)

    class SetBack(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> SetBack:
            return cls(the_day_before.year, the_day_before.month, the_day_before.day, tzinfo=tz)

    for module in (run_state, versions, closing):
        monkeypatch.setattr(module, "datetime", SetBack)
    books.run(second, sample / "landing")
    with pytest.raises(Refused, match="wait until then"):
        close_period(books.home, books.loaded, second, "grace", gate=ask_suite)
    assert books.close(second).closed_at.startswith(str(the_day_before))
    assert books.run(first, sample / "landing").is_restatement
    assert books.differences == []


def test_what_the_close_log_says(books: Books) -> None:
    first = books.periods[0]
    record = books.published[first].record()
    entry = books.close(first, " Grace ")
    log = CloseLog(books.home.path, books.program.program)
    assert log.path == (
        books.home.path / "closed" / f"program={books.program.program}" / "close-log.jsonl"
    )
    assert [CloseEntry.from_line(line) for line in log.path.read_bytes().splitlines()] == [entry]
    assert (entry.approved_by, entry.started_by, entry.run_id) == (
        "Grace",
        "ada",
        f"run-{first}-ada",
    )
    assert entry.program_sha256 == books.loaded.sha256
    assert entry.landing_sha256 == record.landing_sha256
    assert entry.rows["payout_ledger"] == sum(record.totals.statuses.values())


def test_a_closed_period_is_read_only_and_keeps_every_byte(
    books: Books, sample: Path, corrected: Path
) -> None:
    first, second = books.periods[:2]
    books.close(first)
    folder = books.published[first].folder
    for path in (folder, *folder.rglob("*")):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o222, path
    before = books.files(first)
    assert books.run(first, corrected).is_restatement
    books.run(second, sample / "landing")
    books.run(first, sample / "landing")
    books.run(second, corrected)
    assert books.files(first) == before
    assert books.differences == []


def _posted(books: Books, period: str) -> dict[str, int]:
    """The adjustments that a period posts, as origin -> sum of minor units."""
    with scratch_database() as connection:
        return dict(
            connection.execute(
                "select origin_period, sum(amount_minor) from read_parquet($1)"
                " where kind = 'adjustment' and account = 'expense:bonus' group by all",
                [str(books.published[period].table("journal"))],
            ).fetchall()
        )


def _difference(books: Books, period: str) -> int:
    with scratch_database() as connection:
        row = connection.execute(
            "select sum(difference_minor) from read_parquet($1)",
            [str(books.restated[period].table("restatement"))],
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_difference_is_posted_once_whatever_is_run_in_between(
    books: Books, sample: Path, corrected: Path
) -> None:
    first, second = books.periods[:2]
    books.close(first)
    # No open period is published: the difference waits for the next one.
    books.run(first, corrected)
    difference = _difference(books, first)
    assert difference < 0
    books.run(second, sample / "landing")
    assert _posted(books, second) == {first: difference}
    # Again, and again: still once.
    books.run(first, corrected)
    books.run(second, sample / "landing")
    assert _posted(books, second) == {first: difference}
    # The restatement is taken back before anything is closed: nothing is left to post.
    assert books.run(first, sample / "landing").settled_anew.keys() == {second}
    assert _posted(books, second) == {}
    # Posted in a closed period, it counts as posted from then on.
    books.run(first, corrected)
    books.close(second)
    books.run(first, corrected)
    assert _difference(books, first) == 0
    books.run(first, sample / "landing")
    assert _difference(books, first) == -difference
    assert books.differences == []


def test_the_restatement_has_a_table_to_look_at(books: Books, corrected: Path) -> None:
    first = books.periods[0]
    books.close(first)
    books.run(first, corrected)
    folder = books.home.path / "restated" / f"program={books.program.program}" / f"period={first}"
    with scratch_database() as connection:
        rows = connection.execute(
            "select creator_id, payout_currency, posted_minor, computed_minor, difference_minor"
            " from read_parquet($1)",
            [exact_pattern(folder / "restatement" / "part-0.parquet")],
        ).fetchall()
    assert any(row[4] for row in rows)
    assert all(row[4] == row[3] - row[2] for row in rows)
    assert json.loads((folder / "run.json").read_text())["by"] == "ada"


def test_a_close_that_died_before_its_seal_is_completed(
    books: Books, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = books.periods[:2]

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Store, "seal", die)
        with pytest.raises(KeyboardInterrupt):
            books.close(first)
    assert books.published[first].seal is None
    assert books.differences == []
    # The line is the close: whoever only reads is told so before anything completes it.
    assert [one.state for one in books.published.values()] == ["closed"]
    figures = period_figures(books.published, books.restated, first)
    assert figures.closed and figures.closed.approved_by == "grace"
    sealing = sealing_of(books.home, books.program.program, books.published[first], "closed")
    assert statement_tree(books.published[first], sealing).root.hex() == (
        figures.closed.statements_root
    )
    assert period_states(books.home, books.loaded)[0]["state"] == "closed"
    books.run(second, sample / "landing")
    assert books.published[first].seal is not None
    with pytest.raises(Refused, match="closed already"):
        books.close(first)


def test_a_preview_waits_for_nobody(books: Books) -> None:
    """One page that waits would hold a thread of the UI, and sixty of them all of it."""
    first = books.periods[0]
    with Home(books.home.path).program_lock(books.program.program):
        against = prospect(books.home, books.loaded, first, "grace", LATER).against
    (reason,) = against
    assert reason.startswith("another run is publishing ")
    assert prospect(books.home, books.loaded, first, "grace", LATER).against == []


def test_a_close_that_died_before_its_line_did_not_happen(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = books.periods[0]
    before = books.files(first)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            books.close(first)
    assert books.files(first) == before
    assert books.close(first).period == first
    assert books.differences == []


def test_nothing_runs_where_the_close_log_lost_a_line(books: Books, sample: Path) -> None:
    """Else the rerun of a closed period would rewrite it."""
    first = books.periods[0]
    books.close(first)
    before = books.files(first)
    CloseLog(books.home.path, books.program.program).path.unlink()
    with pytest.raises(Refused, match=r"was closed, but .* has no line of it"):
        books.run(first, sample / "landing")
    assert books.files(first) == before


def test_nothing_is_closed_where_what_was_published_is_gone(books: Books) -> None:
    """As when parts of another copy of the home were put over it."""
    first = books.periods[0]
    version = books.published[first].folder.resolve()
    version.rename(version.with_name("elsewhere"))
    with pytest.raises(Refused, match=rf"{first} is published, but .* is missing.*bonus verify"):
        books.close(first)


def test_a_published_period_may_not_leave_the_program_file(
    books: Books, sample: Path, tmp_path: Path
) -> None:
    text = books.loaded.path.read_text(encoding="utf-8")
    shorter = tmp_path / "shorter.yaml"
    first, second = books.periods[:2]
    assert f"key: {first}" in text
    shorter.write_text(text.replace(f"key: {first}", "key: renamed"), encoding="utf-8")
    other = Books(books.home.path, shorter)
    with pytest.raises(Refused, match=f"{first} published, but not in the program file"):
        other.run(second, sample / "landing")


def test_inputs_that_change_after_ingest_are_not_published(
    books: Books, sample: Path, tmp_path: Path
) -> None:
    from orchestration.pipeline.period_run import PeriodRun

    first = books.periods[0]
    landing = tmp_path / "landing"
    shutil.copytree(sample / "landing", landing)
    before = books.files(first)
    run = PeriodRun(books.home, books.program.program, first, "run-2", "ada")
    ingest(run, books.loaded.path, landing)
    for stage in ("ingest", "staging", "eligibility", "scoring"):
        if stage != "ingest":
            build(run, stage)
        assert check(run, stage).held
    earn(run)
    (landing / "creators" / "late.csv").write_text("late", encoding="utf-8")
    with pytest.raises(Refused, match="changed after ingest"):
        publish(run)
    assert books.files(first) == before


def test_the_close_job_of_the_ui(books: Books, sample: Path) -> None:
    """The operator picks the partition and gives the approver; a refusal says why."""
    first = books.periods[0]
    books.home.register(books.program.program, books.loaded.path, sample / "landing")
    definitions = build_definitions(HomeResource(path=str(books.home.path)))
    job = definitions.resolve_job_def("close")
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("bonus_period", [f"{books.program.program}:{first}"])

        def launch(approver: str) -> dg.ExecuteInProcessResult:
            return job.execute_in_process(
                partition_key=f"{books.program.program}:{first}",
                instance=instance,
                raise_on_error=False,
                run_config={"ops": {"close_period": {"config": {"approver": approver}}}},
            )

        refused = launch("Ada")
        assert not refused.success
        (failure,) = [event for event in refused.all_events if event.is_step_failure]
        assert failure.step_failure_data.user_failure_data is not None
        description = failure.step_failure_data.user_failure_data.description or ""
        assert "ada started the run" in description
        assert "someone else has to close it" in description
        assert launch("grace ").success
        tags = [run.tags for run in instance.get_runs()]
        assert [one["by"] for one in tags] == ["grace", "Ada"]
        assert {(one["program"], one["period"]) for one in tags} == {(books.program.program, first)}
    assert books.published[first].seal is not None


@pytest.mark.parametrize("job", ["close", "withdraw"])
def test_a_job_of_the_ui_refuses_the_file_of_another_program(
    books: Books, sample: Path, tmp_path: Path, job: str
) -> None:
    """A launch may name any program file; that of another program changes nothing here."""
    first = books.periods[0]
    books.home.register(books.program.program, books.loaded.path, sample / "landing")
    other = tmp_path / "other.yaml"
    other.write_bytes(
        books.loaded.content.replace(
            f"program: {books.program.program}".encode(), b"program: another-one"
        )
    )
    config = {"approver": "grace"} if job == "close" else {"by": "grace"}
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("bonus_period", [f"{books.program.program}:{first}"])
        launched = (
            build_definitions(HomeResource(path=str(books.home.path)))
            .resolve_job_def(job)
            .execute_in_process(
                partition_key=f"{books.program.program}:{first}",
                instance=instance,
                raise_on_error=False,
                run_config={
                    "ops": {f"{job}_period": {"config": config | {"program_file": str(other)}}}
                },
            )
        )
    (failure,) = [event for event in launched.all_events if event.is_step_failure]
    assert failure.step_failure_data.user_failure_data is not None
    assert "is the file of another-one" in (
        failure.step_failure_data.user_failure_data.description or ""
    )
    assert books.published[first].seal is None
