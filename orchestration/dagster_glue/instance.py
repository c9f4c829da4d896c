"""Dagster's instance of a home: its databases are made once, whole or not at all, before anything uses them.

Dagster makes and migrates them on first use, each process for itself. Several processes that start at
once in a fresh home then migrate them twice, and every later command fails; so may one that is killed
meanwhile. Here one process makes them beside, under a lock, and moves each into its place.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import dagster as dg
import sqlalchemy as db
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.runs.schema import RunStorageSqlMetadata
from dagster._core.storage.schedules import SqliteScheduleStorage
from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata
from dagster._core.storage.sql import ALEMBIC_SCRIPTS_LOCATION, create_engine
from sqlalchemy.pool import NullPool

from orchestration.foundations.durable import make_folder, sync
from orchestration.pipeline.home import Damaged, Home

VERSIONS = "alembic_version"
"""The table in which a database says which of Dagster's migrations it has seen: one row."""


@dataclass(frozen=True, slots=True)
class Database:
    """One of the SQLite files that a command, the webserver and the daemon share."""

    file: str  # below DAGSTER_HOME
    metadata: db.MetaData
    open: Callable[[str], Any]  # over a folder: makes the file in it if it is missing

    def settle(self, folder: Path) -> None:
        """Has the file of a folder made, and its indexes marked as built; nothing where they are."""
        storage = self.open(str(folder))
        if isinstance(storage, SqliteEventLogStorage):
            storage.reindex_events()
            storage.reindex_assets()
        else:
            storage.migrate()
            storage.optimize()
        storage.dispose()


DATABASES = (
    Database("history/runs.db", RunStorageSqlMetadata, SqliteRunStorage.from_local),
    Database("history/runs/index.db", SqlEventLogStorageMetadata, SqliteEventLogStorage),
    Database(
        "schedules/schedules.db", ScheduleStorageSqlMetadata, SqliteScheduleStorage.from_local
    ),
)


NO_OUTPUT: Final = {
    "module": "dagster._core.storage.noop_compute_log_manager",
    "class": "NoOpComputeLogManager",
}


def open_instance(home: Home, tell: Callable[[str], None] | None = None) -> dg.DagsterInstance:
    """The instance that command line and UI of a prepared home share.

    What it needs is there afterwards, whatever other processes do at the same time. A database that
    was made twice or in part is mended, and `tell` (else standard error) is told so. Damaged if one
    cannot be read; Busy if another process holds the lock for a minute.
    """
    if not home.has_own_databases():
        # Dagster makes what is missing there itself; one process at a time.
        with home.instance_lock():
            return _instance(home)
    if any(_revisions(home.dagster / database.file) != 1 for database in DATABASES):
        with home.instance_lock():
            _make(home, tell or _to_standard_error)
    return _instance(home)


def _instance(home: Home) -> dg.DagsterInstance:
    """The instance as it is configured; but what a step prints stays on the terminal, unless that says otherwise.

    To keep it, Dagster starts four processes for each run, which Ctrl-C ends with tracebacks.
    """
    overrides = {} if home.keeps_output() else {"compute_logs": NO_OUTPUT}
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home.dagster), overrides=overrides))


def _make(home: Home, tell: Callable[[str], None]) -> None:
    """Makes what is missing and mends what is not whole; the caller holds the lock."""
    beside = home.dagster / ".making"
    shutil.rmtree(beside, ignore_errors=True)
    for number, database in enumerate(DATABASES):
        path = home.dagster / database.file
        found = _revisions(path)
        if found is None:
            fresh = beside / str(number)
            database.settle(fresh)
            _move_in(fresh / path.name, path, home.path)
        elif found != 1:
            _mend(path, database)
            tell(
                f"{path} had been made by several processes at once, or by one that died"
                " meanwhile; it was mended, nothing in it is lost"
            )
    shutil.rmtree(beside, ignore_errors=True)


def _move_in(made: Path, path: Path, home: Path) -> None:
    with closing(sqlite3.connect(made)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    sync(made)
    make_folder(path.parent, home)
    made.replace(path)
    sync(path.parent)


def _revisions(path: Path) -> int | None:
    """The number of revisions that a database says it has: 1 if it is whole; None if there is none.

    A file of no bytes is none: its disk was full, or its maker died before the first of them.
    """
    if not path.exists() or path.stat().st_size == 0:
        return None
    try:
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            tables = "select count(*) from sqlite_master where type = 'table' and name = ?"
            if connection.execute(tables, [VERSIONS]).fetchone() == (0,):
                return 0
            (found,) = connection.execute(f"select count(*) from {VERSIONS}").fetchone()
            return int(found)
    except sqlite3.OperationalError:
        raise  # locked, or not to be opened: says nothing about what is in it
    except sqlite3.DatabaseError as error:
        raise Damaged(_damaged(path, str(error))) from None


def _mend(path: Path, database: Database) -> None:
    """Completes a database in its place, its rows kept, and gives it its one revision.

    Who made it twice made the tables of this version of Dagster, so only what is missing is made.
    Damaged if a table is of another version: which of its revisions holds cannot be known.
    """
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    inspector = db.inspect(engine)
    for table in database.metadata.sorted_tables:
        if inspector.has_table(table.name):
            there = {str(column["name"]) for column in inspector.get_columns(table.name)}
            if lacking := sorted(
                column.name for column in table.columns if column.name not in there
            ):
                raise Damaged(_damaged(path, f"its table {table.name} lacks {', '.join(lacking)}"))
    database.metadata.create_all(engine)
    for table in database.metadata.sorted_tables:
        for index in table.indexes:
            index.create(engine, checkfirst=True)
    engine.dispose()
    with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
        connection.execute("pragma journal_mode=wal")
        connection.execute(
            f"create table if not exists {VERSIONS} (version_num varchar(32) not null,"
            f" constraint {VERSIONS}_pkc primary key (version_num))"
        )
        connection.execute("begin immediate")
        connection.execute(f"delete from {VERSIONS}")
        connection.executemany(
            f"insert into {VERSIONS} values (?)",
            [(revision,) for revision in _heads()],
        )
    database.settle(path.parent)


def _heads() -> Sequence[str]:
    """The last migration of this version of Dagster."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", ALEMBIC_SCRIPTS_LOCATION)
    return ScriptDirectory.from_config(config).get_heads()


def _damaged(path: Path, why: str) -> str:
    return (
        f"{path} cannot be read ({why}). Dagster keeps its runs in it, and nothing that is published"
        f" or closed. Restore it from a backup; or move it away (mv {path.name} {path.name}.damaged),"
        " and it is made anew, without the runs of before"
    )


def _to_standard_error(text: str) -> None:
    print(text, file=sys.stderr)
