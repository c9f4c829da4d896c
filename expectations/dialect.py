"""`duckdb+buffered`: how Great Expectations reaches DuckDB through SQLAlchemy.

The cursor fetches everything at execute, since Great Expectations may close a connection before it
fetches; connections are plain, since duckdb-engine adds a setting that DuckDB refuses beside others;
and they are remembered, since Great Expectations leaves them open and the file locked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
from duckdb_engine import ConnectionWrapper, CursorWrapper, Dialect

_open: set[Any] = set()


class BufferedCursor(CursorWrapper):
    """A cursor that holds all rows of the last statement."""

    def __init__(self, cursor: Any, connection: Any) -> None:
        super().__init__(cursor, connection)
        self._cursor = cursor
        self._rows: list[Any] = []
        self.description = None

    def _buffer(self) -> None:
        self.description = self._cursor.description
        self._rows = self._cursor.fetchall() if self.description else []

    def execute(self, statement: str, parameters: Any = None, context: Any = None) -> None:
        super().execute(statement, parameters, context)
        self._buffer()

    def executemany(self, statement: str, parameters: Any = None, context: Any = None) -> None:
        super().executemany(statement, parameters, context)
        self._buffer()

    def fetchmany(self, size: int | None = None) -> list[Any]:
        taken, self._rows = self._rows[: size or 1], self._rows[size or 1 :]
        return taken

    def fetchall(self) -> list[Any]:
        taken, self._rows = self._rows, []
        return taken

    def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None


class BufferedConnection(ConnectionWrapper):
    """A connection whose cursors are buffered."""

    def cursor(self) -> BufferedCursor:
        return BufferedCursor(self._ConnectionWrapper__c, self)


class BufferedDialect(Dialect):
    """Registered as the entry point `duckdb.buffered`."""

    driver = "buffered"
    supports_statement_cache = False

    def connect(
        self, database: str = ":memory:", url_config: Mapping[str, str] | None = None, **_: Any
    ) -> Any:
        plain = duckdb.connect(database)
        for setting, value in (url_config or {}).items():
            plain.execute(f"set {setting} = '{value}'")
        connection = BufferedConnection(plain)
        _open.add(connection)
        return connection


def close_all() -> None:
    """Closes every connection that Great Expectations left open, so that the file is free again."""
    while _open:
        _open.pop().close()
