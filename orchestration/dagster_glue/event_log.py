"""Dagster's event log in SQLite, with its connections kept: see docs/decisions.md.

A run writes some 270 events, and for each of them Dagster makes several engines and connections anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as db
from dagster import StringSource
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorageWatchdog
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy.pool import NullPool, QueuePool
from watchdog.events import EVENT_TYPE_MODIFIED, FileModifiedEvent, FileSystemEvent
from watchdog.observers import Observer

KEPT = 8
"""Shards, one a run, whose connection is kept; a web server reads those of many runs."""


class KeptSqliteEventLog(SqliteEventLogStorage):
    """Dagster's SQLite event log, file for file, that opens a run's shard once and not per event.

    `base_dir` is DAGSTER_HOME; the shards lie where Dagster's own default keeps them.
    """

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._engines: OrderedDict[str, db.Engine] = OrderedDict()
        self._tables: set[str] = set()
        self._asset_columns: set[str] = set()
        super().__init__(str(Path(base_dir) / "history" / "runs"), inst_data)

    @classmethod
    def config_type(cls) -> Any:
        return {"base_dir": StringSource}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> KeptSqliteEventLog:
        return cls(inst_data=inst_data, **config_value)

    def has_table(self, table_name: str) -> bool:
        """True if the index has a table. Dagster asks this for every event; one that is there stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def _has_asset_key_col_on_connection(self, conn: db.Connection, column_name: str) -> bool:
        """True if the index's table of assets has a column; asked and kept likewise."""
        if column_name not in self._asset_columns and super()._has_asset_key_col_on_connection(
            conn, column_name
        ):
            self._asset_columns.add(column_name)
        return column_name in self._asset_columns

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        with self._db_lock:
            if shard not in self._initialized_dbs:
                # A second connection that stays open would keep SQLite from changing to WAL mode.
                self._initdb(self._new_engine(shard, poolclass=NullPool))
                self._initialized_dbs.add(shard)
            with self._engine(shard).connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> db.Engine:
        """The engine of a shard, with one connection; the one longest unused makes room for it."""
        if shard in self._engines:
            self._engines.move_to_end(shard)
            return self._engines[shard]
        engine = self._new_engine(shard, poolclass=QueuePool, pool_size=1)
        db.event.listen(engine, "connect", _no_wait_for_the_disk)
        self._engines[shard] = engine
        if len(self._engines) > KEPT:
            self._engines.popitem(last=False)[1].dispose()
        return engine

    def _new_engine(self, shard: str, **pool: Any) -> db.Engine:
        return db.create_engine(
            self.conn_string_for_shard(shard),
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            **pool,
        )

    def watch(self, run_id: str, cursor: str | None, callback: Any) -> None:
        """Calls back with each event of a run from now on: the run's page in the UI is fed by it."""
        # Dagster declares it as None and fills it later.
        observer: Any = self._obs
        if not observer:
            self._obs = observer = Observer()  # type: ignore[assignment]
            observer.start()
        watchdog = _ShardWatchdog(self, run_id, callback, cursor)
        watch = observer.schedule(watchdog, self._base_dir, recursive=True)
        self._watchers[run_id][callback] = (watchdog, watch)
        # What was written between the caller's last reading and now. It is left to the observer's
        # thread, which holds the observer's lock while it calls back, and a callback may ask for it.
        observer.event_queue.put((FileModifiedEvent(self.path_for_shard(run_id)), watch))

    def wipe(self) -> None:
        """Deletes all shards; no connection may stay to what is gone."""
        self._forget()
        self._tables.clear()
        self._asset_columns.clear()
        super().wipe()

    def dispose(self) -> None:
        """Closes what is kept."""
        self._forget()
        super().dispose()

    def _forget(self) -> None:
        with self._db_lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()


class _ShardWatchdog(SqliteEventLogStorageWatchdog):
    """Looks at a shard's write-ahead log too.

    Dagster's looks at the shard alone, which SQLite writes to when the last connection closes: with
    connections kept that is long after the run's end, and the run's page would stand still.
    """

    def __init__(self, storage: Any, run_id: str, callback: Any, cursor: str | None) -> None:
        super().__init__(storage, run_id, callback, cursor)
        shard = storage.path_for_shard(run_id)
        self._written = {shard, f"{shard}-wal"}

    def dispatch(self, event: FileSystemEvent) -> None:
        if event.event_type == EVENT_TYPE_MODIFIED and event.src_path in self._written:
            self._process_log()


def _no_wait_for_the_disk(connection: Any, _record: Any) -> None:
    """A power cut may cost the last lines of a run's log, never its database: it is in WAL mode."""
    connection.execute("PRAGMA synchronous=NORMAL")
