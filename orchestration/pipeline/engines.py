"""The engine that computes the tables of a run. One small interface, so that a stage knows no engine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from expectations.suite import GateResult
from expectations.suites import SUITES
from orchestration.pipeline.engine_limits import EngineLimits
from orchestration.pipeline.gate_worker import Gate
from orchestration.pipeline.refusals import Refused
from orchestration.pipeline.work_file import WorkFile

if TYPE_CHECKING:
    import duckdb

    from orchestration.pipeline.spark_tables import Sender, SparkFolder
    from orchestration.pipeline.spark_thrift import ThriftServer

ENGINES: Final = ("duckdb", "spark")
LOCAL_SPARK: Final = "local[2]"
SUITES_OF_MODELS: Final = ("staging", "eligibility", "scoring")
"""The suites over tables that models make; the ledger's is over what the driver settles."""


class Engine(Protocol):
    """The engine of a run: it has the tables, and builds the models of the stages."""

    @property
    def name(self) -> str:
        """The name that stands in the record of a run; tables made by another one are not taken on."""

    def work_file(self, folder: Path) -> WorkFile:
        """The work file in the folder of a period."""

    def fresh_work(
        self, work: WorkFile, attempt: str
    ) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection to an empty work file, which takes the old one's place when the block ends well."""

    def build(self, work: WorkFile, stage: str) -> dict[str, float]:
        """Builds the models of a stage; seconds by model."""

    def gate(self, work: WorkFile, gate: Gate) -> Gate:
        """The gates of a run: asked of the engine for tables that lie with it, of `gate` for the others."""


@dataclass(frozen=True, slots=True)
class DuckDBEngine:
    """DuckDB in this process, over a file, within `limits`; dbt builds the models."""

    limits: EngineLimits | None = None

    @property
    def name(self) -> str:
        return "duckdb"

    def work_file(self, folder: Path) -> WorkFile:
        return WorkFile(folder, self.limits)

    @contextmanager
    def fresh_work(self, work: WorkFile, attempt: str) -> Iterator[duckdb.DuckDBPyConnection]:
        import duckdb

        for leftover in work.folder.glob("new-*"):
            leftover.unlink()
        fresh = work.folder / f"new-{attempt}.duckdb"
        with duckdb.connect(fresh) as connection:
            connection.execute("set TimeZone = 'UTC'")
            work.limits.apply(connection, work.spill)
            yield connection
            # Closing does it too, but says nothing of a full disk: the log would stay behind.
            connection.execute("checkpoint")
        work.replace_with(fresh, attempt)

    def build(self, work: WorkFile, stage: str) -> dict[str, float]:
        from orchestration.pipeline.dbt_runner import build_models

        return build_models(work, f"tag:{stage}")

    def gate(self, work: WorkFile, gate: Gate) -> Gate:
        return gate


@dataclass(frozen=True, slots=True)
class SparkEngine(DuckDBEngine):
    """Spark builds the models and is asked by their gates.

    The work file's tables go to it as Parquet, and those it makes come back.
    """

    master: str = LOCAL_SPARK
    thrift: ThriftServer | None = None
    """The server that builds the models, where it is not the session on `master`."""

    @property
    def name(self) -> str:
        return f"spark {version('pyspark')}"

    @contextmanager
    def fresh_work(self, work: WorkFile, attempt: str) -> Iterator[duckdb.DuckDBPyConnection]:
        if self.thrift is not None:
            self.thrift.demand_answer()  # before hours of ingest rather than after
        shutil.rmtree(work.folder / "spark", ignore_errors=True)
        with DuckDBEngine.fresh_work(self, work, attempt) as connection:
            yield connection

    def build(self, work: WorkFile, stage: str) -> dict[str, float]:
        from orchestration.pipeline.dbt_runner import SPARK, built, models_of
        from orchestration.pipeline.spark_tables import hand_over, shuffle_partitions, take_back
        from orchestration.pipeline.spark_thrift import ThriftSession, demand_seen

        models, others = models_of(SPARK, stage)
        with self._place(work) as (session, folder, variables):
            with work.connect() as connection:
                hand_over(connection, session, folder, others)
                if isinstance(session, ThriftSession):
                    demand_seen(connection, session, folder.database, others)
                partitions = shuffle_partitions(connection)
            variables["spark_partitions"] = str(partitions)
            seconds = built(work, f"tag:{stage}", SPARK, variables)
            folder.take_built(models)
        with work.connect() as connection:
            take_back(connection, folder, models)
        return seconds

    @contextmanager
    def _place(self, work: WorkFile) -> Iterator[tuple[Sender, SparkFolder, dict[str, str]]]:
        """The session and the folder of a build, and what leads dbt there."""
        folder = self._folder(work)
        if self.thrift is None:
            from orchestration.pipeline.spark_session import spark_session

            yield spark_session(self.master), folder, {"spark_schema": folder.database}
            return
        with self.thrift.database(work.folder) as (session, name):
            yield session, replace(folder, database=name), self.thrift.variables(name)

    def gate(self, work: WorkFile, gate: Gate) -> Gate:
        def judge(suite: str, database: Path) -> GateResult:
            if suite not in SUITES_OF_MODELS:
                return gate(suite, database)
            return self._judge(work, suite)

        return judge

    def _judge(self, work: WorkFile, suite: str) -> GateResult:
        from expectations.spark_runner import run_suite_on_spark, tables_of
        from orchestration.pipeline.spark_session import spark_session
        from orchestration.pipeline.spark_tables import hand_over

        session = spark_session(self.master)
        with work.connect() as connection:
            hand_over(connection, session, self._folder(work), tables_of(SUITES[suite]))
        return run_suite_on_spark(suite, SUITES[suite], session)

    def _folder(self, work: WorkFile) -> SparkFolder:
        from orchestration.pipeline.spark_tables import SparkFolder

        return SparkFolder(work.folder / "spark" / str(work.attempt))


def engine_named(name: str, environment: Mapping[str, str]) -> DuckDBEngine:
    """The engine `duckdb` or `spark`, as the environment sets it up.

    Refused for another name, and for spark where this machine lacks what it takes.
    """
    limits = EngineLimits.of(environment)
    if name == "duckdb":
        return DuckDBEngine(limits)
    if name == "spark":
        from orchestration.pipeline.spark_session import what_is_missing
        from orchestration.pipeline.spark_thrift import ThriftServer

        missing = what_is_missing(environment)
        if missing:
            raise Refused(f"the engine spark needs {missing}")
        master = environment.get("BONUS_SPARK_MASTER") or LOCAL_SPARK
        return SparkEngine(limits, master, ThriftServer.of(environment))
    raise Refused(f"{name!r} is no engine; --engine and BONUS_ENGINE take {' or '.join(ENGINES)}")


DUCKDB = DuckDBEngine()
"""The engine of every run that names no other."""


def remove_leftovers(folder: Path, pattern: str, keep: Path | None = None) -> None:
    """Deletes what a run that died has left in a work folder, but for the folder `keep`."""
    for leftover in folder.glob(pattern):
        if leftover != keep:
            shutil.rmtree(leftover, ignore_errors=True)
