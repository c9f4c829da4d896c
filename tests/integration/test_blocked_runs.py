"""A run that a gate blocks, as an operator starts it: what it says, what Dagster shows, what stays.

Ingest, staging and eligibility are given a defect in the landing data, by `bonus run`. No landing data
can break what scoring and ledger compute, so there the gate's runner spoils the work file first.
"""

from __future__ import annotations

import csv
import shutil
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from dagster._core.events import EngineEventData

from expectations.suite import GateResult
from orchestration.dagster_glue import resources
from orchestration.dagster_glue import run_in_process as runs
from orchestration.dagster_glue.assets import ingest, models
from orchestration.dagster_glue.definitions import build_definitions
from orchestration.dagster_glue.partitions import partition_key
from orchestration.dagster_glue.resources import HomeResource
from orchestration.pipeline.engine_limits import EngineLimits
from orchestration.pipeline.flow import MODEL_STAGES
from orchestration.pipeline.gate_worker import run_gate
from orchestration.pipeline.home import Home
from orchestration.pipeline.ingesting import ingest as read_inputs
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.run_state import STAGES
from orchestration.reports.write import reports_folder
from orchestration.terms.load import LoadedProgram
from tests.conftest import BonusHere, published_files
from tests.integration.conftest import Commanded
from tests.page_reader import read_page

TABLES = {
    "ingest": {ingest.INPUT_FILES, *ingest.TABLES},
    **{stage: set(models.tables_of(stage)) for stage in MODEL_STAGES},
    # The ledger's gate stands before the switch: what it blocks is not made as far as Dagster knows.
    "ledger": {"creator_earnings", "market_totals", "post_earnings"},
}


CHECKS = 36
"""The tables that have a gate's check."""
LATER = {
    "staging": "stg_posts",
    "eligibility": "creator_eligibility",
    "scoring": "post_scores",
    "ledger": "payout_ledger",
}
"""Of each stage behind another a table that has a check."""


@dataclass(frozen=True)
class Place:
    """A home whose first period `bonus run` has published."""

    home: Home
    loaded: LoadedProgram
    landing: Path

    @property
    def program(self) -> str:
        return self.loaded.program.program

    @property
    def period(self) -> str:
        return self.loaded.program.periods[0].key

    @property
    def key(self) -> str:
        return partition_key(self.program, self.period)

    def instance(self) -> dg.DagsterInstance:
        return dg.DagsterInstance.from_config(str(self.home.dagster))

    def bonus(self, landing: Path) -> BonusHere:
        return BonusHere(self.loaded.path, landing, self.home.path)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """From the work file of the period's last run."""
        work = self.home.work_folder(self.program, self.period) / "work.duckdb"
        with duckdb.connect(work, read_only=True) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def place(commanded: Commanded, sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    books = commanded.books.copy(tmp_path_factory.mktemp("blocked") / "home")
    return Place(books.home, books.loaded, sample / "landing")


@pytest.fixture(scope="module")
def decides(place: Place) -> tuple[str, str, str, int]:
    """(creator_id, post_id, observed_at, views) of a snapshot that decides what a post earned."""
    creator, post, observed_at, views = place.rows(
        "select posts.creator_id, metrics.post_id, strftime(metrics.observed_at, '%Y-%m-%dT%H:%M:%S.%fZ'), views"
        " from raw_post_metrics as metrics"
        " inner join int_posts as posts on metrics.post_id = posts.post_id"
        " inner join post_scores as scores on metrics.post_id = scores.post_id"
        " where metrics.observed_at < posts.window_end and metrics.delivered_at = observed_at"
        " order by metrics.post_id, observed_at desc limit 1"
    )[0]
    return creator, post, observed_at, views


def _deliver(landing: Path, dataset: str, row: dict[str, object]) -> None:
    with (landing / dataset / "delivered-late.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)


def _materialised(place: Place, run_id: str) -> set[str]:
    """The assets that Dagster knows to be made by a run."""
    with place.instance() as instance:
        events = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    keys = [entry.dagster_event.asset_key for entry in events if entry.dagster_event]
    return {key.to_user_string() for key in keys if key}


def _last_run(place: Place) -> dg.DagsterRun:
    with place.instance() as instance:
        return instance.get_runs(
            filters=dg.RunsFilter(tags={"dagster/partition": place.key}), limit=1
        )[0]


def _assert_nothing_after(place: Place, stage: str, run: dg.DagsterRun) -> None:
    assert run.status == dg.DagsterRunStatus.FAILURE
    made = STAGES[: STAGES.index(stage) + 1]
    assert _materialised(place, run.run_id) == set().union(*(TABLES[name] for name in made))
    with place.instance() as instance:
        logged = instance.all_logs(run.run_id)
        told = [entry.message for entry in logged]
        checks = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    results = {
        check.asset_key.to_user_string(): check
        for check in (
            entry.dagster_event.asset_check_evaluation_data
            for entry in checks
            if entry.dagster_event
        )
    }
    wrong = {table for table, check in results.items() if not check.passed}
    asked = {
        table for table in wrong if not (results[table].description or "").startswith("not asked")
    }
    assert any(results[table].severity == dg.AssetCheckSeverity.ERROR for table in asked)
    # Each check of the job has a result; what was not asked is not red.
    assert len(results) == CHECKS
    for table in wrong - asked:
        assert results[table].severity == dg.AssetCheckSeverity.WARN, table
    later = STAGES[STAGES.index(stage) + 1 :]
    assert wrong - asked >= {"restatement", *(LATER[name] for name in later)}
    # Behind all that was not executed for it, the gate, and where its rows are.
    (gate,) = (place for place, text in enumerate(told) if "see the rows: /bonus/periods/" in text)
    assert f"the {stage} gate has not held" in told[gate]
    assert not [text for text in told[gate:] if "not executed" in text]
    # The text of a line cannot be clicked: the next line has the link.
    link = logged[gate + 1].get_dagster_event().event_specific_data
    assert isinstance(link, EngineEventData)
    page = f"/bonus/periods/{place.program}/{place.period}#gates"
    assert link.metadata == {"rows": dg.MetadataValue.url(page)}
    assert [text for text in told[:gate] if "not executed" in text] or stage == "ledger"


@pytest.mark.parametrize(
    ("stage", "expectation", "shown", "at_stake"),
    [
        # A row in quarantine names no creator that could be told from others.
        (
            "ingest",
            "no_row_is_quarantined: 1 of 83 rows of creators",
            "robot",
            "creators (all with a deal); ",
        ),
        (
            "staging",
            "every_creator_with_a_deal_has_a_rate: 1 rows",
            "CHF",
            "at stake: 1 creators; ",
        ),
        ("eligibility", "deciding_snapshots_agree: 1 rows", "{post}", "at stake: 1 creators; "),
    ],
)
def test_a_defect_in_the_landing_data_blocks_the_run(
    stage: str,
    expectation: str,
    shown: str,
    at_stake: str,
    place: Place,
    decides: tuple[str, str, str, int],
    tmp_path: Path,
) -> None:
    creator, post, observed_at, views = decides
    landing = tmp_path / "landing"
    shutil.copytree(place.landing, landing)
    if stage == "ingest":
        _deliver(
            landing, "creators",
            {"creator_id": "c-new", "account_type": "robot", "market": "US", "updated_at": "2024-01-01T00:00:00Z"},
        )  # fmt: skip
    elif stage == "staging":
        # A payee in force at pays_on, in a currency that no rate leads to.
        pays_on = place.loaded.program.periods[0].pays_on
        _deliver(
            landing, "payees",
            {"creator_id": creator, "payout_currency": "CHF", "tax_residence": "CH",
             "status": "ready", "updated_at": f"{pays_on}T00:00:00Z"},
        )  # fmt: skip
    else:
        # The same snapshot, delivered at the same instant, with one view more.
        _deliver(
            landing, "post_metrics",
            {"post_id": post, "observed_at": observed_at, "views": views + 1},
        )  # fmt: skip
    before = published_files(place.home.path)
    done = place.bonus(landing)("run", place.period)
    assert done.returncode == 3, done.stderr
    assert f"the {stage} gate has not held" in done.stderr
    assert expectation in done.stderr
    assert shown.format(post=post) in done.stderr
    assert at_stake in done.stderr
    assert f", as published for {place.period}" in done.stderr
    assert "Traceback" not in done.stderr
    assert published_files(place.home.path) == before
    _assert_nothing_after(place, stage, _last_run(place))
    asked = STAGES[: STAGES.index(stage) + 1]
    told = place.bonus(landing)("gates", place.period)
    assert (told.returncode, told.stderr) == (0, "")
    verdicts = [line for line in told.stdout.splitlines() if line.endswith(" expectations")]
    assert [line.partition(";")[0] for line in verdicts] == [
        f"{name}: {'has NOT held' if name == stage else 'held'}" for name in asked
    ]
    assert expectation in told.stdout
    assert shown.format(post=post) in told.stdout
    as_json = place.bonus(landing).json("gates", place.period)
    assert list(as_json["gates"]) == list(asked)
    assert as_json["run_id"] == _last_run(place).run_id
    _assert_told_everywhere(place, landing, stage)


def _assert_told_everywhere(place: Place, landing: Path, stage: str) -> None:
    """The run is told beside what is published, and so is what lies in the landing directory since."""
    name = place.program
    dataset = {"ingest": "creators", "staging": "payees", "eligibility": "post_metrics"}[stage]
    blocked = f"was blocked: the {stage} gate has not held"
    changed = f"he landing data ({dataset}) changed after"
    for page in (f"period={place.period}.html", "index.html"):
        text = read_page((reports_folder(place.home, name) / page).read_text("utf-8")).text
        assert blocked in text
        assert changed in text
        assert "It can be closed from" not in text
    status = place.bonus(landing)("status").stdout
    assert blocked in status
    assert f"t{changed} the run of {place.period}." in status
    assert "as published: 5 of 5 gates held" in status
    state = place.bonus(landing).json("status")["periods"][0]
    assert state["last_run"]["status"] == "FAILURE"
    assert state["changed"] == {"landing": True, "datasets": [dataset], "program_file": False}
    verified = place.bonus(landing)("verify")
    assert verified.returncode == 0
    assert f"t{changed} the run of {place.period}." in verified.stdout
    assert place.bonus(landing).json("verify")["changed"] == {place.period: state["changed"]}
    # Looked at with the data that the run has read, nothing has changed.
    assert "changed after" not in place.bonus(place.landing)("status").stdout


def _with_a_wrong_rate(
    place: Place, folder: Path, wrong: Callable[[Decimal], Decimal]
) -> dict[str, str]:
    """A copy of the landing data in which the row of EUR/JPY that §7 takes is wrong.

    Returns the row, with the median of those from 67 to 8 days before fx_on.
    """
    shutil.copytree(place.landing, folder)
    (file,) = (folder / "fx_rates").iterdir()
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    fx_on = place.loaded.program.periods[0].fx_on
    yen = {
        (fx_on - date.fromisoformat(row["rate_date"])).days: row
        for row in rows
        if row["quote_currency"] == "JPY"
    }
    taken = yen[min(days for days in yen if days >= 0)]
    median = statistics.median(Decimal(yen[days]["rate"]) for days in yen if 8 <= days <= 67)
    taken["rate"] = f"{wrong(Decimal(taken['rate'])):.10f}".rstrip("0").rstrip(".")
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(taken))
        writer.writeheader()
        writer.writerows(rows)
    return {**taken, "median": f"{median:.10f}".rstrip("0").rstrip(".")}


def _confirming(place: Place, file: Path, pair: str, rate: str) -> Path:
    """The program file, in which the first period confirms a rate."""
    day = f"fx_on: {place.loaded.program.periods[0].fx_on}"
    text = place.loaded.path.read_text(encoding="utf-8")
    assert text.count(day) == 1
    file.write_text(text.replace(day, f"{day}, fx_confirmed: {{{pair}: {rate}}}"), encoding="utf-8")
    return file


WRONG_RATE = "rates_are_within_twice_and_half_of_those_before: 1 rows"


@pytest.mark.long  # in short: tests/incidents/test_rates.py
def test_a_rate_ten_times_too_high_blocks_the_run_unless_it_is_confirmed(
    place: Place, tmp_path: Path
) -> None:
    """Issue 13 row 13: every payee in the currency would be paid ten times as much."""
    landing = tmp_path / "landing"
    taken = _with_a_wrong_rate(place, landing, lambda rate: rate * 10)
    before = published_files(place.home.path)
    done = place.bonus(landing)("run", place.period)
    assert done.returncode == 3, done.stderr
    assert f"  {WRONG_RATE}" in done.stderr
    assert "confirm it: give the pair and the rate in fx_confirmed" in done.stderr
    shown = {"base_currency": "EUR", "quote_currency": "JPY", "rate_date": taken["rate_date"]}
    for name, value in (shown | {"rate": taken["rate"], "median_before": taken["median"]}).items():
        assert f"{name}='{value}'" in done.stderr
    assert published_files(place.home.path) == before
    _assert_nothing_after(place, "staging", _last_run(place))
    confirmed = _confirming(place, tmp_path / "program.yaml", "EUR/JPY", taken["rate"])
    done = BonusHere(confirmed, landing, tmp_path / "home")("run", place.period)
    assert done.returncode == 0, done.stderr
    assert f"confirmed_{WRONG_RATE.partition(':')[0]}" in done.stdout


@pytest.mark.long  # in short: tests/incidents/test_rates.py
def test_an_inverted_rate_blocks_the_run_also_where_the_pair_is_confirmed_the_other_way_round(
    place: Place, tmp_path: Path
) -> None:
    landing = tmp_path / "landing"
    taken = _with_a_wrong_rate(place, landing, lambda rate: 1 / rate)
    confirmed = _confirming(place, tmp_path / "program.yaml", "JPY/EUR", taken["rate"])
    done = BonusHere(confirmed, landing, tmp_path / "home")("run", place.period)
    assert done.returncode == 3, done.stderr
    assert f"  {WRONG_RATE}" in done.stderr
    assert published_files(tmp_path / "home") == {}


def _spoiling(stage: str, statement: str) -> Callable[[str, Path], GateResult]:
    def gate(suite: str, database: Path, limits: EngineLimits | None = None) -> GateResult:
        if suite == stage:
            with duckdb.connect(database) as connection:
                connection.execute(statement)
        return run_gate(suite, database, limits)

    return gate


@pytest.mark.parametrize(
    ("stage", "statement", "expectation", "spoilt"),
    [
        (
            "scoring",
            "update post_scores set points = -1 where post_id = (select min(post_id) from post_scores)",
            "post_scores_points_are_not_negative: 1 rows",
            "select min(post_id) from post_scores",
        ),
        (
            "ledger",
            "delete from journal where entry_id = (select min(entry_id) from journal)",
            "transactions_balance: 1 rows",
            None,
        ),
    ],
)
def test_a_wrong_table_blocks_the_run(
    stage: str,
    statement: str,
    expectation: str,
    spoilt: str | None,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(place.home.dagster))
    monkeypatch.setattr(resources, "run_gate", _spoiling(stage, statement))
    before = published_files(place.home.path)
    # Whichever test ran before: with a work file that is as it was left, no gate would be asked.
    shutil.rmtree(place.home.work_folder(place.program, place.period), ignore_errors=True)
    outcome = runs.run_period(
        place.home, place.loaded, place.period, place.landing, "ada", lambda _: None
    )
    assert outcome.exit_status == 3
    assert outcome.error
    assert f"the {stage} gate has not held" in outcome.error
    assert expectation in outcome.error
    if spoilt:
        assert place.rows(spoilt)[0][0] in outcome.error
    else:
        assert "txn_id=" in outcome.error
    assert published_files(place.home.path) == before
    _assert_nothing_after(place, stage, _last_run(place))


@pytest.mark.parametrize(
    "assets",
    [("stg_creators",), ("post_scores",), ("creator_earnings", "market_totals", "post_earnings")],
)
def test_a_stage_alone_is_refused_while_a_gate_before_it_has_not_held(
    assets: tuple[str, ...], place: Place, tmp_path: Path
) -> None:
    """As from the asset page: one asset, or one stage, is materialised alone."""
    home = Home(tmp_path / "home")
    home.prepare()
    home.register(place.program, place.loaded.path, place.landing)
    job = build_definitions(
        HomeResource(path=str(home.path))
    ).resolve_implicit_global_asset_job_def()
    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions("bonus_period", [place.key])

    def materialise(*names: str) -> dg.ExecuteInProcessResult:
        return job.execute_in_process(
            asset_selection=[dg.AssetKey(name) for name in names],
            partition_key=place.key,
            instance=instance,
            raise_on_error=False,
        )

    assert "nothing is ingested yet; run ingest first" in _why(materialise(*assets))
    # Ingest without its gate: the assets, but none of their checks.
    run = PeriodRun(home, place.program, place.period, "run-1", "ada")
    read_inputs(run, place.loaded.path, place.landing)
    why = _why(materialise(*assets))
    assert "the ingest gate has not run" in why
    assert "Run the period from ingest on" in why


def _why(result: dg.ExecuteInProcessResult) -> str:
    """What the step that failed says; nothing may have been made."""
    assert not result.success
    assert not [event for event in result.all_events if event.is_step_materialization]
    failed = [event for event in result.all_events if event.is_step_failure]
    assert failed
    data = failed[0].step_failure_data.user_failure_data
    assert data is not None and data.description is not None
    return data.description


def test_a_run_without_the_tags_of_the_command_line_gets_them(place: Place) -> None:
    """A run that the UI launches has its partition for a tag, and `by` only if someone gave it."""
    place.home.register(place.program, place.loaded.path, place.landing)  # not a test's before
    with place.instance() as instance:
        job = build_definitions(HomeResource(path=str(place.home.path))).resolve_job_def("period")
        result = job.execute_in_process(
            partition_key=place.key, instance=instance, raise_on_error=False, tags={"by": "grace"}
        )
        assert result.success
        run = instance.get_run_by_id(result.run_id)
        assert run is not None
        tags = run.tags
    assert (tags["program"], tags["period"], tags["by"]) == (place.program, place.period, "grace")
    shown = place.bonus(place.landing).json("status")["periods"][0]
    assert shown["last_run"] == {
        "run_id": result.run_id,
        "job": "period",
        "status": "SUCCESS",
        "by": "grace",
    }
    assert shown["by"] == "grace"
