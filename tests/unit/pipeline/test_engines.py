"""The engine that a run is given by name, and what is said where it cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.pipeline import dbt_runner, spark_session
from orchestration.pipeline.engines import DuckDBEngine, SparkEngine, engine_named
from orchestration.pipeline.refusals import Refused
from orchestration.pipeline.spark_session import what_is_missing
from orchestration.pipeline.spark_thrift import ThriftServer

WITH_JAVA = {"JAVA_HOME": "/opt/java"}


def _installed(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    monkeypatch.setattr(spark_session, "find_spec", lambda name: name in packages or None)


def test_duckdb_is_an_engine_of_its_own() -> None:
    engine = engine_named("duckdb", {"BONUS_THREADS": "3"})
    assert type(engine) is DuckDBEngine
    assert engine.name == "duckdb"
    assert engine.work_file(Path("work")).limits.threads == "3"


@pytest.mark.parametrize(
    ("environment", "master"),
    [
        (WITH_JAVA, "local[2]"),
        ({**WITH_JAVA, "BONUS_SPARK_MASTER": "spark://a:7077"}, "spark://a:7077"),
    ],
    ids=["local", "cluster"],
)
def test_spark_has_its_master_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], master: str
) -> None:
    _installed(monkeypatch, "pyspark", "dbt.adapters.spark")
    engine = engine_named("spark", environment)
    assert isinstance(engine, SparkEngine)
    assert engine.master == master


@pytest.mark.parametrize(
    ("environment", "server"),
    [
        ({}, None),
        ({"BONUS_SPARK_THRIFT": ""}, None),
        ({"BONUS_SPARK_THRIFT": "Spark.example.com:10000"}, ("spark.example.com", 10000, "bonus")),
        ({"BONUS_SPARK_THRIFT": "[::1]:1", "BONUS_SPARK_THRIFT_USER": "ada"}, ("::1", 1, "ada")),
    ],
    ids=["unset", "empty", "name", "address and user"],
)
def test_spark_has_its_thrift_server_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    server: tuple[str, int, str] | None,
) -> None:
    _installed(monkeypatch, "pyspark", "dbt.adapters.spark", "pyhive")
    engine = engine_named("spark", {**WITH_JAVA, **environment})
    assert isinstance(engine, SparkEngine)
    assert engine.thrift == (ThriftServer(*server) if server else None)


@pytest.mark.parametrize(
    "text",
    ["host", "host:", ":10000", "host:0", "host:70000", "host:x", "jdbc:hive2://a:1", "a:1/b"]
    + ["ada:secret@host:10000", "::1:10000", "[::1]"],
)
def test_what_is_no_thrift_server_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """It may hold a password."""
    _installed(monkeypatch, "pyspark", "dbt.adapters.spark", "pyhive")
    with pytest.raises(Refused, match="BONUS_SPARK_THRIFT is no host:port") as refused:
        engine_named("spark", {**WITH_JAVA, "BONUS_SPARK_THRIFT": text})
    assert "secret" not in str(refused.value)


def test_a_thrift_server_takes_pyhive(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, "pyspark", "dbt.adapters.spark")
    with pytest.raises(Refused, match=r"PyHive.*make install-spark"):
        engine_named("spark", {**WITH_JAVA, "BONUS_SPARK_THRIFT": "host:10000"})


def test_another_name_is_refused() -> None:
    with pytest.raises(Refused, match=r"'flink' is no engine; .* duckdb or spark"):
        engine_named("flink", {})


@pytest.mark.parametrize("installed", [(), ("pyspark",), ("dbt.adapters.spark",)])
def test_without_its_packages_spark_is_refused(
    monkeypatch: pytest.MonkeyPatch, installed: tuple[str, ...]
) -> None:
    _installed(monkeypatch, *installed)
    with pytest.raises(Refused, match="make install-spark"):
        engine_named("spark", WITH_JAVA)


def test_without_java_spark_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, "pyspark", "dbt.adapters.spark")
    monkeypatch.setattr("orchestration.pipeline.spark_session.shutil.which", lambda _: None)
    assert "Java 17" in str(what_is_missing({}))
    assert what_is_missing(WITH_JAVA) is None


def test_a_failure_on_spark_is_said_without_the_pages_of_a_jvm() -> None:
    """As dbt has it: the message, then what the JVM adds."""
    said = "[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012"
    for pages in (
        " JVM stacktrace: org.apache.spark.SparkArithmeticException at org.a.B.c(B.scala:1)",
        " at org.apache.spark.sql.A.b$1(A.scala:5) at java.lang.Thread.run(Thread.java:840)",
    ):
        assert dbt_runner._without_stack(said + pages) == said
    assert dbt_runner._without_stack("no table at org (work)") == "no table at org (work)"
