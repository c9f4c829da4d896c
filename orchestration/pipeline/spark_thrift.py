"""A Spark Thrift server (HiveThriftServer2) that an operator runs: models are built there, not in a session of ours.

Others use it, too. So each build has a database of its own there, which is dropped at its end.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from orchestration.pipeline.refusals import Refused
from orchestration.pipeline.spark_session import SETTINGS, let_dbt_keep_settings, settings_of_thrift

if TYPE_CHECKING:
    import duckdb

VARIABLE: Final = "BONUS_SPARK_THRIFT"
_CONNECT_MILLISECONDS: Final = 30_000
# Where all share one session, another's `set` would be ours.
_EXPECTED: Final = {**SETTINGS, "spark.sql.hive.thriftServer.singleSession": "false"}


class ThriftSession:
    """A session on the server, with our settings."""

    def __init__(self, server: ThriftServer, connection: Any) -> None:
        self._server = server
        self._cursor = connection.cursor()

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        """Has a statement done, and gives its rows; Refused, if the server says no."""
        from pyhive.exc import Error
        from thrift.Thrift import TException

        try:
            self._cursor.execute(text)
            return self._cursor.fetchall() if self._cursor.description else []
        except (OSError, EOFError, TException, Error) as error:
            raise Refused(f"{self._server} did not do a statement: {_said(error)}") from error


@dataclass(frozen=True, slots=True)
class ThriftServer:
    """The server by its address; `user` is the name under which it knows us, and nobody proves it."""

    host: str
    port: int
    user: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> ThriftServer | None:
        """The server of BONUS_SPARK_THRIFT, None where that is not set; Refused, if it is no host:port."""
        text = environment.get(VARIABLE)
        if not text:
            return None
        try:
            parts = urlsplit(f"//{text}")
            host, port = parts.hostname, parts.port
        except ValueError:  # a port that is none
            host = port = None
        if not host or not port or text.lower() not in (f"{host}:{port}", f"[{host}]:{port}"):
            # Not what was found: it may hold a password.
            raise Refused(
                f"{VARIABLE} is no host:port, such as spark.example.com:10000; unset it or say where"
            )
        return cls(host, port, environment.get(f"{VARIABLE}_USER") or "bonus")

    def __str__(self) -> str:
        return f"the Spark Thrift server {self.host}:{self.port} of {VARIABLE}"

    def variables(self, database: str) -> dict[str, str]:
        """The variables of dbt's profile that lead it to a database of this server."""
        return {
            "spark_method": "thrift",
            "spark_host": self.host,
            "spark_port": str(self.port),
            "spark_user": self.user,
            "spark_schema": database,
        }

    @contextmanager
    def session(self) -> Iterator[ThriftSession]:
        """A session of the server; Refused, if there is none to be had, or one that is not as a run needs it."""
        connection = self._connected()
        try:
            session = ThriftSession(self, connection)
            self._demand_as_expected(session)
            yield session
        finally:
            with suppress(Exception):  # a server that is gone has closed it
                connection.close()

    @contextmanager
    def database(self, folder: Path) -> Iterator[tuple[ThriftSession, str]]:
        """A fresh database for a build in the work folder of a period, and a session.

        The name begins with a hash of the folder: what a run that died has left there goes first. It
        never comes again, so that what the server still does for such a run meets nothing of ours.
        """
        whose = f"bonus_{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}_"
        name = whose + uuid.uuid4().hex[:12]
        let_dbt_keep_settings()
        try:
            with self.session() as session:
                for leftover, *_ in session.sql(f"show databases like '{whose}*'"):
                    session.sql(f"drop database if exists {leftover} cascade")
                yield session, name
        except Exception:
            self.demand_answer()  # a server that is gone says more than what failed for it
            raise
        finally:
            with suppress(Refused), self.session() as last:
                last.sql(f"drop database if exists {name} cascade")

    def _demand_as_expected(self, session: ThriftSession) -> None:
        """Otherwise Spark could be wrong without a word, and the record of a run would name another version."""
        ((said,),) = session.sql("select version()")
        found, expected = _series(said), _series(version("pyspark"))
        if found != expected:
            raise Refused(
                f"{self} is Spark {found}, and a run needs {expected}, as pyspark here: start one of these"
                f" there, or unset {VARIABLE}"
            )
        for name, value in _EXPECTED.items():
            ((_, found),) = session.sql(f"set {name}")
            if found != value:
                raise Refused(
                    f"{self} has {name} = {found}, and a run needs {value}: set it there, or unset"
                    f" {VARIABLE}"
                )

    def demand_answer(self) -> None:
        """Refused, if the server does not answer."""
        with self.session():
            pass

    def _connected(self) -> Any:
        """A connection; dbt-spark's own would wait for ever for a server that does not speak as it does."""
        from pyhive import exc, hive
        from pyhive.sasl_compat import PureSASLClient
        from thrift.Thrift import TException
        from thrift.transport.TSocket import TSocket
        from thrift_sasl import TSaslClientTransport

        def sasl() -> Any:
            # Without a password a server does not look at it, but demands one.
            return PureSASLClient(self.host, mechanism="PLAIN", username=self.user, password="x")  # noqa: S106

        socket = TSocket(self.host, self.port)
        socket.setTimeout(_CONNECT_MILLISECONDS)
        try:
            connection = hive.Connection(
                thrift_transport=TSaslClientTransport(sasl, "PLAIN", socket),
                username=self.user,
                configuration=settings_of_thrift(SETTINGS),
            )
        except (OSError, EOFError, AssertionError, TException, exc.Error) as error:
            raise Refused(
                f"{self} could not be reached: {_said(error)}. Start it, or unset {VARIABLE}:"
                " then the run's own session builds the models"
            ) from error
        socket.setTimeout(None)
        return connection


def demand_seen(
    connection: duckdb.DuckDBPyConnection,
    session: ThriftSession,
    database: str,
    names: Sequence[str],
) -> None:
    """Refused, if the server does not see the rows that it was handed.

    Spark says nothing of a folder that is not there, nor of a link that leads nowhere: both have no rows.
    """
    query = " union all ".join(f"select '{name}', count(*) from {name}" for name in names)
    session.sql(f"use {database}")
    there = dict(session.sql(query))
    here = dict(connection.execute(query).fetchall())
    unseen = [
        f"{name} ({there[name]:,} of {rows:,} rows)"
        for name, rows in here.items()
        if there[name] != rows
    ]
    if unseen:
        raise Refused(
            f"the Spark Thrift server does not see what it was handed: {', '.join(unseen)}. It must have the"
            " home and the landing directory under the same paths as this machine"
        )


def _series(version_of_spark: str) -> str:
    """4.3 of `4.3.0` and what else a build says of itself."""
    return ".".join(version_of_spark.split(".")[:2])


def _said(error: Exception) -> str:
    """An error in a line: a server's own word, without the pages of its JVM."""
    found = error.args[0] if error.args else None
    status = getattr(found, "status", None)
    text = str(getattr(status, "errorMessage", None) or error)
    return text.strip().splitlines()[0] if text.strip() else type(error).__name__
