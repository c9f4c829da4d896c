"""The product in this process: its own models and ledger code, without Dagster, dbt's runner or GX.

What differs from a real run: the models' SQL is compiled once (it is the same for every program,
since terms come as tables) and executed as it stands; the work file lies in memory; landing rows go
to the raw tables directly where a case says so; the gates' queries are asked of DuckDB itself.
Everything else is the product's own flow, with its stages, its verdicts and its publishing.

Tests run the same rows by the same terms again and again. Tables, and what the gates say of them, follow
from these alone; so they are made once and copied. A test that changes a model or an expectation runs in a
process of its own (tests/mutation).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import cache
from graphlib import TopologicalSorter
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from expectations.asking import failing_rows
from expectations.suite import SHOWN_ROWS, Expectation, GateResult, Result
from expectations.suites import SUITES
from orchestration.foundations.cursors import scratch_database
from orchestration.ingest.datasets import DATASETS, SQL_TYPES, Column
from orchestration.ingest.person_names import comparing_names, write_people
from orchestration.ingest.raw_tables import create_tables
from orchestration.ingest.snapshots import create_known_posts, judge_snapshots
from orchestration.ingest.spreadsheet_ids import find_spreadsheet_ids
from orchestration.pipeline.dbt_runner import compiled_models
from orchestration.pipeline.engines import DuckDBEngine
from orchestration.pipeline.gate_worker import Gate
from orchestration.pipeline.home import Home
from orchestration.pipeline.ingesting import Reader
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.work_file import WorkFile
from orchestration.terms.load import LoadedProgram
from tests.proof.cases import Landing

SNAPSHOTS = next(dataset for dataset in DATASETS if dataset.name == "post_metrics")
CATALOG = "work"
"""The catalog that compiled models name (the stem of every work file)."""


@dataclass(frozen=True)
class Made:
    """What was made of some rows by some terms: tables up to scoring, in a database of memory."""

    catalog: str
    gates: dict[tuple[Expectation, ...], GateResult] = field(default_factory=dict)


MADE: dict[bytes, Made] = {}
"""By a hash over rows, program file and period; the ones used last."""
MOST_MADE = 24
"""Each is about 4 MB."""
CATALOGS = count()


@dataclass(frozen=True)
class Model:
    """A model of a stage, compiled."""

    name: str
    materialized: str
    sql: str


@cache
def models_of_stages() -> dict[str, list[Model]]:
    """Stage -> its models in the order of their dependencies, compiled by dbt itself."""
    nodes = {node.unique_id: node for node in compiled_models()}
    needed = {
        unique_id: {other for other in node.depends_on.nodes if other in nodes}
        for unique_id, node in sorted(nodes.items())
    }
    stages: dict[str, list[Model]] = {}
    for unique_id in TopologicalSorter(needed).static_order():
        node = nodes[unique_id]
        (stage,) = node.tags
        model = Model(node.name, node.config.materialized, node.compiled_code or "")
        stages.setdefault(stage, []).append(model)
    return stages


def make_models(connection: duckdb.DuckDBPyConnection, stage: str) -> None:
    """Executes the compiled models of the stage."""
    for model in models_of_stages()[stage]:
        kind = "view" if model.materialized == "view" else "table"
        connection.execute(f'create or replace {kind} "{model.name}" as {model.sql}')


@dataclass(frozen=True, slots=True)
class CompiledModels(DuckDBEngine):
    """Models as dbt compiled them, over a work file on disk; notes which stages were built."""

    built: list[str] = field(default_factory=list)

    def build(self, work: WorkFile, stage: str) -> dict[str, float]:
        self.built.append(stage)
        with work.connect() as connection:
            make_models(connection, stage)
        return {model.name: 0.1 for model in models_of_stages()[stage]}


class MemoryWork(WorkFile):
    """A work file whose database lies in memory, for as long as the run that it is of."""

    def __init__(self, folder: Path, engine: MemoryEngine) -> None:
        super().__init__(folder)
        self._engine = engine

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:  # type: ignore[override]
        """The one connection; it stays open."""
        yield self._engine.connection

    @property
    def attempt(self) -> str | None:
        """That of the one reading in this process."""
        return self._engine.attempt

    def is_as_left(self) -> bool:
        """Nobody else can reach the memory of this process."""
        return True


class MemoryEngine:
    """Compiled models over one database in memory."""

    def __init__(self, threads: int) -> None:
        self.connection = _fresh(CATALOG)
        self.connection.execute(f"set threads = {threads}")
        self.connection.execute("set TimeZone = 'UTC'")
        self.attempt: str | None = None
        self.name = "duckdb"
        self.made_of = b""
        self.made: Made | None = None

    def work_file(self, folder: Path) -> WorkFile:
        return MemoryWork(folder, self)

    @contextmanager
    def fresh_work(self, work: WorkFile, attempt: str) -> Iterator[duckdb.DuckDBPyConnection]:
        yield self.connection
        self.attempt = attempt

    def takes(self, rows: Landing, loaded: LoadedProgram, period: str) -> bool:
        """True where all that follows from these is known; it then stands in the work file."""
        made_of = repr((loaded.sha256, period, sorted(rows.items())))
        self.made_of = hashlib.sha256(made_of.encode()).digest()
        self.made = MADE.pop(self.made_of, None)
        if self.made is None:
            return False
        MADE[self.made_of] = self.made
        _fresh(CATALOG).execute(f"copy from database {self.made.catalog} to {CATALOG}")
        return True

    def build(self, work: WorkFile, stage: str) -> dict[str, float]:
        """Executes the compiled models of the stage, or has their tables already."""
        if self.made:
            return {}
        make_models(self.connection, stage)
        if self.made_of and stage == "scoring":
            self.made = MADE[self.made_of] = Made(f"made_{next(CATALOGS)}")
            _fresh(self.made.catalog).execute(
                f"copy from database {CATALOG} to {self.made.catalog}"
            )
            self.connection.execute(f"use {CATALOG}")
            if len(MADE) > MOST_MADE:
                self.connection.execute(f"detach {MADE.pop(next(iter(MADE))).catalog}")
        return {}

    def gate(self, work: WorkFile, gate: Gate) -> Gate:
        """The one that the run was given."""
        return gate

    def ask(self, suite: str, database: Path) -> GateResult:
        """A suite's queries, asked one by one: of memory, or of another file."""
        if database.exists():
            return ask_suite(suite, database)
        known = self.made.gates if self.made and suite != "ledger" else {}
        if SUITES[suite] not in known:
            known[SUITES[suite]] = _ask(suite, self.connection)
        return known[SUITES[suite]]


def fast_run(
    home: Home, program: str, period: str, run_id: str, by: str, *, threads: int = 1
) -> PeriodRun:
    """A run of a period in memory."""
    engine = MemoryEngine(threads)
    return PeriodRun(home, program, period, run_id, by, gate=engine.ask, engine=engine)


def rows_reader(rows: Landing) -> Reader:
    """Fills the raw tables with rows; no file is read."""

    def read(
        connection: duckdb.DuckDBPyConnection, run: PeriodRun, loaded: LoadedProgram, *_: Any
    ) -> None:
        if isinstance(run.engine, MemoryEngine) and run.engine.takes(rows, loaded, run.period):
            return
        load_rows(connection, rows)
        closes_on = loaded.program.period(run.period).closes_on
        create_known_posts(connection, datetime.combine(closes_on, time()))
        judge_snapshots(connection, SNAPSHOTS)
        find_spreadsheet_ids(connection)

    return read


def ask_suite(suite: str, database: Path) -> GateResult:
    """The gate of a suite over a file, without Great Expectations."""
    with scratch_database(database) as connection:
        return _ask(suite, connection)


def _ask(suite: str, connection: duckdb.DuckDBPyConnection) -> GateResult:
    return GateResult(
        suite,
        tuple(ask_expectation(expectation, connection) for expectation in SUITES[suite]),
    )


def ask_expectation(expectation: Expectation, connection: duckdb.DuckDBPyConnection) -> Result:
    """The result of one expectation, asked of DuckDB itself."""
    rows = [
        {name: str(value) for name, value in row.items()}
        for row in failing_rows(expectation, connection)
    ]
    return Result(
        expectation.name,
        expectation.table,
        expectation.severity,
        expectation.means,
        "failed" if rows else "held",
        len(rows),
        tuple(rows[:SHOWN_ROWS]),
    )


@cache
def _instance() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _fresh(catalog: str) -> duckdb.DuckDBPyConnection:
    """A fresh database of that name on the one instance of this process, and in use."""
    connection = _instance()
    connection.execute("use memory")
    connection.execute(f"detach database if exists {catalog}")
    connection.execute(f"attach ':memory:' as {catalog}")
    connection.execute(f"use {catalog}")
    return connection


def load_rows(connection: duckdb.DuckDBPyConnection, landing: Landing) -> None:
    """Makes the raw tables and fills them, defaults applied (§2), without any file."""
    create_tables(connection)
    for dataset in DATASETS:
        rows = landing.get(dataset.name, [])
        connection.execute(
            "insert into ingest_datasets values ($1, true, 1, $2, $2, 0, 0, 0)",
            [dataset.name, len(rows)],
        )
        if not rows:
            continue
        filled = [{c.name: _filled(c, row) for c in dataset.columns} for row in rows]
        table = pa.table(
            {
                column.name: pa.array([row[column.name] for row in filled], pa.string())
                for column in dataset.columns
            }
            | {"row_no": pa.array(range(1, len(rows) + 1))}
        )
        columns = ", ".join(
            f'cast("{c.name}" as {SQL_TYPES[c.kind]}) as "{c.name}"' for c in dataset.columns
        )
        connection.register("landed_rows", table)
        connection.execute(
            f"insert into {dataset.rows_table} by name"
            f" select {columns}, 1 as file_no, row_no from landed_rows"
        )
        connection.unregister("landed_rows")
    with comparing_names(connection):
        write_people(connection)


def _filled(column: Column, row: Any) -> str | None:
    value = row.get(column.name)
    if value is None and column.default_column:
        value = row[column.default_column]
    elif value is None:
        value = column.default
    return None if value is None else str(value)


def new_home(folder: Path) -> Home:
    """A home of its own below `folder`."""
    home = Home(folder)
    home.prepare()
    return home
