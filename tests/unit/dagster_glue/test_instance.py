"""Dagster's instance of a home: made whole, mended where it is not, with every setting that is promised."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.errors import DagsterInvalidConfigError
from dagster._core.run_coordinator import QueuedRunCoordinator
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager

from orchestration.dagster_glue.event_log import KeptSqliteEventLog
from orchestration.dagster_glue.instance import DATABASES, open_instance
from orchestration.pipeline.home import POSTGRES_URL, Busy, Damaged, Home, Unfit

RUNS, EVENTS, SCHEDULES = (database.file for database in DATABASES)
OLDER = "5771160a95ad"
"""A revision that a second process writes when it finds the tables, but no revision yet."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv(POSTGRES_URL, raising=False)
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def run_sql(home: Home, file: str, *statements: str) -> list[tuple[object, ...]]:
    """The rows of the last statement."""
    with closing(sqlite3.connect(home.dagster / file)) as connection, connection:
        rows: list[tuple[object, ...]] = []
        for statement in statements:
            rows = connection.execute(statement).fetchall()
        return rows


def revisions(home: Home, file: str) -> int:
    (row,) = run_sql(home, file, "select count(*) from alembic_version")
    return int(str(row[0]))


def a_run(home: Home) -> str:
    """A run with an event and a partition, in a home that is used."""
    with open_instance(home) as instance:
        run = dg.DagsterRun("a_job", run_id="11111111-1111-1111-1111-111111111111")
        instance.add_run(run)
        instance.report_engine_event("made", run)
        instance.add_dynamic_partitions("bonus_period", ["p:2024-04"])
    run_sql(
        home, SCHEDULES,
        "insert into instigators (selector_id, status, instigator_type) values ('s', 'RUNNING', 'SENSOR')",
    )  # fmt: skip
    return run.run_id


def assert_kept(home: Home, run_id: str) -> None:
    with open_instance(home) as instance:
        assert [run.run_id for run in instance.get_runs()] == [run_id]
        assert [entry.message for entry in instance.all_logs(run_id)] == ["made"]
        assert instance.get_dynamic_partitions("bonus_period") == ["p:2024-04"]
    assert run_sql(home, SCHEDULES, "select status from instigators") == [("RUNNING",)]
    assert [revisions(home, file) for file in (RUNS, EVENTS, SCHEDULES)] == [1, 1, 1]


@pytest.mark.parametrize("file", [RUNS, EVENTS, SCHEDULES])
def test_a_database_that_was_migrated_twice_is_mended_and_loses_nothing(
    file: str, home: Home
) -> None:
    run_id = a_run(home)
    run_sql(home, file, f"insert into alembic_version values ('{OLDER}')")
    with pytest.raises(Exception, match="more than one head"):
        dg.DagsterInstance.from_config(str(home.dagster)).get_dynamic_partitions("bonus_period")
    told: list[str] = []
    open_instance(home, told.append).dispose()
    assert len(told) == 1
    assert told[0].startswith(f"{home.dagster / file} had been made by several processes at once")
    assert_kept(home, run_id)
    open_instance(home, told.append).dispose()
    assert len(told) == 1


@pytest.mark.parametrize("file", [RUNS, EVENTS, SCHEDULES])
def test_a_database_whose_maker_died_is_completed(file: str, home: Home) -> None:
    open_instance(home).dispose()
    (index,) = run_sql(
        home, file, "select name from sqlite_master where type = 'index' and sql not null limit 1"
    )
    run_sql(
        home,
        file,
        "drop table alembic_version",
        "drop table secondary_indexes",
        f"drop index {index[0]}",
    )
    told: list[str] = []
    open_instance(home, told.append).dispose()
    assert len(told) == 1
    assert a_run(home)
    assert revisions(home, file) == 1
    assert run_sql(home, file, f"select count(*) from sqlite_master where name = '{index[0]}'") == [
        (1,)
    ]
    assert run_sql(
        home, file, "select count(*) from secondary_indexes where migration_completed is null"
    ) == [(0,)]


@pytest.mark.parametrize("how", ["of no bytes", "not there"])
@pytest.mark.parametrize("file", [RUNS, EVENTS, SCHEDULES])
def test_a_database_with_nothing_in_it_is_made_anew_and_the_others_stay(
    how: str, file: str, home: Home
) -> None:
    a_run(home)
    path = home.dagster / file
    path.unlink()
    if how == "of no bytes":
        path.touch()
    told: list[str] = []
    with open_instance(home, told.append) as instance:
        assert len(instance.get_runs()) == (0 if file == RUNS else 1)
        assert instance.get_dynamic_partitions("bonus_period") == (
            [] if file == EVENTS else ["p:2024-04"]
        )
    assert told == []
    assert revisions(home, file) == 1


@pytest.mark.parametrize("file", [RUNS, EVENTS, SCHEDULES])
def test_what_is_no_database_is_named_and_left_alone(file: str, home: Home) -> None:
    open_instance(home).dispose()
    path = home.dagster / file
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(Damaged, match=f"{path.name} cannot be read .*mv {path.name}") as refused:
        open_instance(home)
    assert str(path) in str(refused.value)
    assert path.read_bytes() == b"no database" * 1000
    path.rename(path.with_name(f"{path.name}.damaged"))
    assert a_run(home)


def test_two_revisions_over_tables_of_another_version_are_not_guessed_at(home: Home) -> None:
    open_instance(home).dispose()
    run_sql(
        home, RUNS,
        "drop index idx_runs_by_job", "alter table runs drop column pipeline_name",
        f"insert into alembic_version values ('{OLDER}')",
    )  # fmt: skip
    with pytest.raises(Damaged, match="its table runs lacks pipeline_name"):
        open_instance(home)
    assert revisions(home, RUNS) == 2


def test_what_a_dead_maker_left_beside_is_cleared(home: Home) -> None:
    (home.dagster / ".making" / "0").mkdir(parents=True)
    (home.dagster / ".making" / "0" / "runs.db").write_bytes(b"half")
    open_instance(home).dispose()
    assert not (home.dagster / ".making").exists()
    assert [revisions(home, file) for file in (RUNS, EVENTS, SCHEDULES)] == [1, 1, 1]


def test_a_maker_that_hangs_is_told_of(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.pipeline.home.INSTANCE_PATIENCE_SECONDS", 0.1)
    with home.instance_lock(), pytest.raises(Busy, match=r"fuser .*\.dagster\.lock"):
        open_instance(home)
    open_instance(home).dispose()
    with home.instance_lock():  # whole: nobody needs the lock any more
        open_instance(home).dispose()


NAMES = (
    "plain",
    "two words",
    "日本 – é",
    "\U0001f4b6",
    "50%",
    "a#b",
    'it\'s "so"',
    "back\\slash",
    "{x}$y~",
    "t\tb",
)


@pytest.mark.parametrize("linked", [False, True], ids=["itself", "by a link"])
@pytest.mark.parametrize("name", NAMES)
def test_every_setting_that_is_promised_holds_whatever_the_home_is_called(
    name: str, linked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(POSTGRES_URL, raising=False)
    (tmp_path / name / "home").mkdir(parents=True)
    path = tmp_path / name / "home"
    if linked:
        path = tmp_path / "link"
        path.symlink_to(tmp_path / name / "home")
    assert_promised(Home(path))


def test_a_link_makes_a_home_usable_whose_own_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(POSTGRES_URL, raising=False)
    (tmp_path / "teams[eu]" / "home").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "teams[eu]" / "home")
    assert_promised(Home(tmp_path / "link"))


def assert_promised(home: Home) -> None:
    """Telemetry and nagging off, two runs at a time, one a period, our event log, all of it in the home."""
    home.prepare()
    run_id = a_run(home)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        assert instance.telemetry_enabled is False
        assert instance.nux_enabled is False
        assert instance.run_monitoring_enabled is True
        assert isinstance(instance.run_coordinator, QueuedRunCoordinator)
        queue = instance.get_concurrency_config().run_queue_config
        assert queue is not None
        assert queue.max_concurrent_runs == 2
        assert queue.tag_concurrency_limits == [
            {"key": "dagster/partition", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
        ]
        log = instance.event_log_storage
        assert isinstance(getattr(log, "_event_log_storage", log), KeptSqliteEventLog)
        assert instance.root_directory == str(home.dagster)
    assert_kept(home, run_id)
    assert (home.dagster / "history" / "runs" / f"{run_id}.db").exists()
    assert not (home.dagster / ".telemetry").exists()


@pytest.mark.parametrize("name", ["teams[eu]", "a*", "what?", "[", "a]b["])
def test_a_home_whose_settings_dagster_would_not_find_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="in its name, which Dagster and DuckDB take for a pattern"):
        Home(tmp_path / name / "home").prepare()
    assert not list(tmp_path.iterdir())


def test_a_configuration_by_hand_with_another_storage_makes_no_files_of_ours(home: Home) -> None:
    config = home.dagster / "dagster.yaml"
    elsewhere = home.path / "elsewhere"
    by_hand = f"telemetry: {{enabled: false}}\nstorage:\n  sqlite:\n    base_dir: {elsewhere}\n"
    config.write_text(by_hand)
    home.prepare()
    assert config.read_text() == by_hand
    open_instance(home).dispose()
    assert (elsewhere / "history" / "runs.db").exists()
    assert not (home.dagster / "history").exists()


def test_a_mistake_in_a_configuration_by_hand_is_dagsters_to_tell(home: Home) -> None:
    (home.dagster / "dagster.yaml").write_text("concurrencies: {}\n")
    with pytest.raises(DagsterInvalidConfigError, match="concurrencies"):
        open_instance(home)


def test_what_steps_print_stays_on_the_terminal_unless_a_configuration_keeps_it(home: Home) -> None:
    """To keep it takes four processes for each run, which Ctrl-C ends with tracebacks."""
    with open_instance(home) as instance:
        assert isinstance(instance.compute_log_manager, NoOpComputeLogManager)
    config, kept = home.dagster / "dagster.yaml", home.path / "printed"
    keeps = f"""
compute_logs:
  module: dagster._core.storage.local_compute_log_manager
  class: LocalComputeLogManager
  config: {{base_dir: {kept}}}
"""
    config.write_text(config.read_text("utf-8") + keeps, "utf-8")
    with open_instance(home) as instance:
        assert isinstance(instance.compute_log_manager, LocalComputeLogManager)
