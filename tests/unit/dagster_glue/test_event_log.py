"""Dagster's event log with its connections kept: same files, same answers, fewer connections."""

import queue
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.dagster_glue import event_log
from orchestration.dagster_glue.event_log import KEPT, KeptSqliteEventLog
from orchestration.pipeline.home import Home


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    home = Home(tmp_path / "home")
    home.prepare()
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    with dg.DagsterInstance.get() as instance:
        yield instance


def say(instance: dg.DagsterInstance, run_id: str, text: str) -> None:
    instance.report_engine_event(text, job_name="job", run_id=run_id)


def said(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    events = [entry.get_dagster_event() for entry in instance.all_logs(run_id)]
    return [str(event.message) for event in events]


def test_a_home_keeps_its_event_log_so_and_where_dagster_would(
    instance: dg.DagsterInstance,
) -> None:
    assert isinstance(instance.event_log_storage, KeptSqliteEventLog)
    say(instance, "run-1", "hello")
    shards = Path(instance.root_directory) / "history" / "runs"
    assert {path.name for path in shards.glob("*.db")} == {"index.db", "run-1.db"}


def test_a_run_opens_its_shard_once(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(instance, "run-1", "first")
    opened: list[str] = []
    connect = sqlite3.dbapi2.connect

    def counted(database: str, *arguments: object, **options: object) -> sqlite3.Connection:
        opened.append(database)
        return connect(database, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(sqlite3.dbapi2, "connect", counted)
    for number in range(20):
        say(instance, "run-1", str(number))
    assert opened == []
    assert said(instance, "run-1") == ["first", *map(str, range(20))]


def test_more_runs_than_connections_are_kept(instance: dg.DagsterInstance) -> None:
    runs = [str(uuid.uuid4()) for _ in range(KEPT + 3)]
    for turn in ("first", "second"):
        for run_id in runs:
            say(instance, run_id, turn)
    assert [said(instance, run_id) for run_id in runs] == [["first", "second"]] * len(runs)


def test_another_process_reads_what_was_written(instance: dg.DagsterInstance) -> None:
    """The UI looks on while a run writes."""
    say(instance, "run-1", "hello")
    with dg.DagsterInstance.get() as other:
        say(instance, "run-1", "again")
        assert said(other, "run-1") == ["hello", "again"]


def test_who_watches_a_run_hears_what_another_process_writes(
    instance: dg.DagsterInstance,
) -> None:
    """A run's page in the UI is fed by this; here the writer's connection stays open meanwhile."""
    heard: queue.Queue[str] = queue.Queue()

    def hear(entry: dg.EventLogEntry, _cursor: str) -> None:
        heard.put(str(entry.get_dagster_event().message))

    with dg.DagsterInstance.get() as writer:
        say(writer, "run-1", "before")
        instance.watch_event_logs("run-1", None, hear)
        for text in ("first", "second"):
            say(writer, "run-1", text)
        # Far longer than it takes: it fails where a listener is not told at all.
        assert [heard.get(timeout=30) for _ in range(3)] == ["before", "first", "second"]
    instance.end_watch_event_logs("run-1", hear)
    assert heard.empty()


def test_who_watches_a_run_that_has_ended_hears_it_and_is_let_go(
    instance: dg.DagsterInstance,
) -> None:
    """The callback's answer ends the watch, which takes the observer's own lock."""
    heard: queue.Queue[str] = queue.Queue()

    def hear(entry: dg.EventLogEntry, _cursor: str) -> dg.DagsterRunStatus:
        heard.put(str(entry.get_dagster_event().message))
        return dg.DagsterRunStatus.SUCCESS

    for number in range(20):
        say(instance, f"run-{number}", "ended")
        watching = threading.Thread(
            target=instance.watch_event_logs, args=(f"run-{number}", None, hear), daemon=True
        )
        watching.start()
        assert heard.get(timeout=30) == "ended"
        watching.join(timeout=30)
        assert not watching.is_alive()


def test_after_a_wipe_nothing_writes_to_deleted_files(instance: dg.DagsterInstance) -> None:
    say(instance, "run-1", "hello")
    instance.event_log_storage.wipe()
    assert said(instance, "run-1") == []
    say(instance, "run-1", "anew")
    with dg.DagsterInstance.get() as other:
        assert said(other, "run-1") == ["anew"]


def test_an_event_is_not_waited_for_on_the_disk(instance: dg.DagsterInstance) -> None:
    storage = instance.event_log_storage
    assert isinstance(storage, event_log.KeptSqliteEventLog)
    with storage.run_connection("run-1") as connection:
        mode = connection.exec_driver_sql("pragma journal_mode").scalar()
        synchronous = connection.exec_driver_sql("pragma synchronous").scalar()
    assert (mode, synchronous) == ("wal", 1)  # 1: NORMAL, which is safe in WAL mode only
