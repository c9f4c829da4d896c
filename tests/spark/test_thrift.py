"""Models built through a Spark Thrift server that others use, too: the same rows, by our settings, beside other runs.

The server's own settings are those by which Spark is wrong without a word, so a test that passes is not by luck.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks.spark_cluster import thrift_server
from orchestration.pipeline import spark_thrift
from orchestration.pipeline.engines import SparkEngine
from orchestration.pipeline.refusals import Refused
from orchestration.pipeline.spark_session import SETTINGS, let_dbt_keep_settings
from orchestration.pipeline.spark_tables import SparkFolder, hand_over
from orchestration.pipeline.spark_thrift import ThriftServer, demand_seen
from tests.integration import books as on_duckdb
from tests.served_ui import free_port
from tests.spark.test_cluster import Place, at_work, ended
from tests.spark.test_parity import Books

HOST = "127.0.0.1"
WRONG = {
    "spark.sql.ansi.enabled": "false",
    "spark.sql.session.timeZone": "Asia/Tokyo",
    "spark.sql.parquet.outputTimestampType": "INT96",
    "spark.sql.parquet.datetimeRebaseModeInRead": "LEGACY",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "LEGACY",
    "spark.sql.sources.default": "orc",
}


@pytest.fixture(scope="module")
def server(spark: SparkEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThriftServer]:
    """A server that runs; `spark` skips where there is none."""
    pytest.importorskip("pyhive", reason="PyHive is not installed: make install-spark")
    port = free_port()
    with thrift_server(port, tmp_path_factory.mktemp("thrift"), WRONG):
        yield ThriftServer(HOST, port, "ada")


def of_dbt(server: ThriftServer) -> Any:
    """A cursor of the connection that dbt-spark itself opens."""
    from dbt.adapters.contracts.connection import Connection
    from dbt.adapters.spark.connections import SparkConnectionManager, SparkCredentials

    let_dbt_keep_settings()
    where = {"host": server.host, "port": server.port, "user": server.user}
    credentials = SparkCredentials(method="thrift", schema="main", poll_interval=1, **where)
    connection = Connection(type="spark", name="test", credentials=credentials)
    return SparkConnectionManager.open(connection).handle.cursor()


def test_our_settings_hold_in_the_session_of_dbt(server: ThriftServer) -> None:
    cursor = of_dbt(server)
    for name, expected in SETTINGS.items():
        cursor.execute(f"set {name}")
        assert cursor.fetchall() == [(name, expected)]
    cursor.execute("select current_timezone()")
    assert cursor.fetchall() == [("UTC",)]
    with pytest.raises(Exception, match="ARITHMETIC_OVERFLOW"):
        cursor.execute("select 9223372036854775807 + 1")


def test_our_settings_hold_in_our_session(server: ThriftServer) -> None:
    with server.session() as session:
        assert session.sql("select current_timezone()") == [("UTC",)]
        with pytest.raises(
            Refused, match=r"did not do a statement: .*ARITHMETIC_OVERFLOW"
        ) as refused:
            session.sql("select 9223372036854775807 + 1")
    assert "\n" not in str(refused.value)


def test_a_server_that_leaves_a_setting_out_is_refused(
    server: ThriftServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark_thrift, "_EXPECTED", {"spark.sql.sources.default": "parquet"})
    said = r"has spark.sql.sources.default = orc, and a run needs parquet"
    with pytest.raises(Refused, match=said):
        server.demand_answer()


def test_a_server_of_another_series_is_refused(
    server: ThriftServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark_thrift, "version", lambda _: "3.5.8")
    with pytest.raises(Refused, match=r"is Spark 4.3, and a run needs 3.5, as pyspark here"):
        server.demand_answer()


def test_a_server_that_is_not_there_is_refused_in_words(spark: SparkEngine, tmp_path: Path) -> None:
    """Before anything is ingested."""
    port = free_port()
    place = Place(tmp_path, snapshots=1000, BONUS_SPARK_THRIFT=f"{HOST}:{port}")
    status, said = ended(place.start("home", "spark"))
    assert status == 4
    assert f"{HOST}:{port} of BONUS_SPARK_THRIFT could not be reached" in said
    assert "Traceback" not in said
    assert not list((tmp_path / "home").rglob("work.duckdb"))


def test_what_speaks_otherwise_is_not_waited_for(
    spark: SparkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyhive", reason="PyHive is not installed: make install-spark")
    monkeypatch.setattr(spark_thrift, "_CONNECT_MILLISECONDS", 500)
    with socket.create_server((HOST, 0)) as silent:
        other = ThriftServer(HOST, silent.getsockname()[1], "ada")
        with pytest.raises(Refused, match=r"could not be reached: read timeout"):
            other.demand_answer()


def test_a_build_leaves_no_database_and_takes_none_of_others(
    server: ThriftServer, tmp_path: Path
) -> None:
    """What a run that died has left there goes; what a run in another folder has there stays."""
    with server.database(tmp_path / "b") as (beside, others):
        beside.sql(f"create database {others}")
        with server.database(tmp_path / "a") as (session, own):
            died = own[:-1] + "x"
            for name in (own, died):
                session.sql(f"create database {name}")
        with server.database(tmp_path / "a") as (session, again):
            assert again != own
            assert session.sql("show databases like 'bonus_*'") == [(others,)]
    with server.session() as session:
        assert session.sql("show databases like 'bonus_*'") == []


def test_rows_that_the_server_does_not_see_are_told(server: ThriftServer, tmp_path: Path) -> None:
    """Spark takes a folder that is not there for an empty table."""
    folder = SparkFolder(tmp_path, "bonus_seen")
    with duckdb.connect() as connection, server.session() as session:
        connection.execute("create table ingest_datasets (rows_loaded bigint)")
        connection.execute("create table seen as select 1 as x")
        connection.execute("create table unseen as select 1 as x from range(3)")
        hand_over(connection, session, folder, ["seen", "unseen"])
        demand_seen(connection, session, folder.database, ["seen", "unseen"])
        shutil.rmtree(folder.table("unseen"))
        session.sql("refresh table bonus_seen.unseen")
        with pytest.raises(
            Refused, match=r"does not see what it was handed: unseen \(0 of 3 rows\)"
        ):
            demand_seen(connection, session, folder.database, ["seen", "unseen"])
        session.sql("drop database bonus_seen cascade")


def published(home: Any, program: str) -> dict[str, list[Any]]:
    """Every published row of a home, by file."""
    rows = {}
    for period, publication in home.store(program).published().items():
        for file in sorted(publication.folder.rglob("*.parquet")):
            name = f"{period}/{file.relative_to(publication.folder)}"
            rows[name] = duckdb.read_parquet(str(file)).fetchall()
    return rows


@pytest.mark.long
def test_the_sample_is_equal(
    server: ThriftServer, spark: SparkEngine, sample: Path, tmp_path: Path
) -> None:
    there = on_duckdb.Books(tmp_path / "duckdb", sample / "program.yaml")
    there.run(there.periods[0], sample / "landing")
    through = SparkEngine(master=spark.master, thrift=server)
    books = Books(tmp_path / "thrift", sample / "program.yaml", through)
    books.run(books.periods[0], landing=sample / "landing")
    expected = published(there.home, books.program)
    assert expected
    assert published(books.home, books.program) == expected


@pytest.mark.long
@pytest.mark.parametrize("case", ["03"])
def test_a_worked_case_is_equal(
    case: str, server: ThriftServer, spark: SparkEngine, shared: Path, tmp_path: Path
) -> None:
    folder = shared / "worked" / case
    through = SparkEngine(master=spark.master, thrift=server)
    books = Books(tmp_path / "home", folder / "program.yaml", through)
    books.run(*books.periods, landing=folder / "landing")
    books.demand(tmp_path / "out", folder / "expected", folder / "explained")


@pytest.mark.long
def test_two_runs_at_once_do_not_meet(server: ThriftServer, tmp_path: Path) -> None:
    place = Place(tmp_path, snapshots=20_000, **environment(server))
    assert ended(place.start("duckdb", "duckdb"))[0] == 0
    both = [place.start(home, "spark") for home in ("one", "other")]
    assert [ended(process)[0] for process in both] == [0, 0]
    assert place.rows("one") == place.rows("other") == place.rows("duckdb")


@pytest.mark.long
def test_a_server_that_stops_leaves_what_was_published(spark: SparkEngine, tmp_path: Path) -> None:
    """While it builds the heavy model; the next run completes, on a server that knows nothing of it."""
    pytest.importorskip("pyhive", reason="PyHive is not installed: make install-spark")
    server = ThriftServer(HOST, free_port(), "ada")
    place = Place(tmp_path / "data", snapshots=100_000, **environment(server))
    assert ended(place.start("home", "duckdb"))[0] == 0
    before = place.rows("home")
    with thrift_server(server.port, tmp_path / "first", WRONG) as process:
        run = place.start("home", "spark")
        at_work(place, "home")
        process.kill()
        status, said = ended(run)
    assert status == 4
    assert f"{server} could not be reached" in said
    assert "Traceback" not in said
    assert place.rows("home") == before
    with thrift_server(server.port, tmp_path / "second", WRONG):
        assert ended(place.start("home", "spark"))[0] == 0
    assert place.rows("home") == before


def environment(server: ThriftServer) -> dict[str, str]:
    """The variables of a run over a server, with its own session as small as may be."""
    address = f"{server.host}:{server.port}"
    return {"BONUS_SPARK_THRIFT": address, "BONUS_SPARK_MASTER": "local[1]"}
