"""Tables on their way to Spark and back: the same values on both sides, whatever the files look like.

Spark is silent where it reads another value than DuckDB does, so each way is held here by its rows.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet

from orchestration.ingest.datasets import DATASETS
from orchestration.ingest.parquet_loader import distrusting_statistics
from orchestration.pipeline.engines import SparkEngine
from orchestration.pipeline.spark_session import SETTINGS, spark_session
from orchestration.pipeline.spark_tables import SparkFolder, hand_over, take_back
from tests.unit.ingest.conftest import Landing

NAMES = next(dataset for dataset in DATASETS if dataset.name == "post_metrics").column_names
DAY = datetime(2024, 3, 29)


def snapshots(**changed: Any) -> dict[str, Any]:
    """Two snapshots, as a platform exports them; a column of None is left out."""
    columns = {
        "post_id": ["p1", "p2"],
        "observed_at": pa.array([DAY, DAY.replace(microsecond=7)], pa.timestamp("us", "UTC")),
        "views": [10, 20],
        "ineligible_views": [None, 3],
        "likes": pa.array([1, None], pa.int32()),
        "delivered_at": pa.array([None, DAY.replace(day=30)], pa.timestamp("us")),
        **changed,
    }
    return {name: values for name, values in columns.items() if values is not None}


class Handed:
    """What a landing directory comes to in a work file, and what Spark is handed of it."""

    def __init__(self, landing: Landing, engine: SparkEngine, folder: Path) -> None:
        self.connection = landing.ingest().connection
        self.connection.execute("set TimeZone = 'UTC'")
        self.folder = SparkFolder(folder)
        self.session = spark_session(engine.master)
        hand_over(self.connection, self.session, self.folder, ["raw_post_metrics", "raw_posts"])

    @property
    def on_duckdb(self) -> list[tuple[Any, ...]]:
        with distrusting_statistics(self.connection):
            return sorted(
                self.connection.execute(
                    f"select {', '.join(NAMES)} from raw_post_metrics"
                ).fetchall(),
                key=repr,
            )

    @property
    def on_spark(self) -> list[tuple[Any, ...]]:
        # Python would show an instant in the machine's own zone, so it comes as microseconds.
        values = ", ".join(
            f"unix_micros({name})" if name.endswith("_at") else name for name in NAMES
        )
        rows = self.session.sql(f"select {values} from main.raw_post_metrics").collect()
        return sorted((_with_instants(tuple(row)) for row in rows), key=repr)

    @property
    def read_in_place(self) -> int:
        """Files that Spark reads where they lie."""
        return sum(path.is_symlink() for path in (self.folder.path / "tables").rglob("*.parquet"))


def _with_instants(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        datetime.fromtimestamp(value // 10**6, UTC).replace(microsecond=value % 10**6, tzinfo=None)
        if name.endswith("_at")
        else value
        for name, value in zip(NAMES, row, strict=True)
    )


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path)


def _write(landing: Landing, name: str, columns: dict[str, Any], **options: Any) -> Path:
    path = landing.path / "post_metrics" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(columns), path, **options)
    return path


ALIKE = {
    "as exported": snapshots(),
    "no optional column": snapshots(ineligible_views=None, likes=None, delivered_at=None),
    "milliseconds": snapshots(observed_at=pa.array([DAY, DAY], pa.timestamp("ms"))),
    "unknown column": snapshots(extra=["a", "b"]),
}
OTHERWISE = {
    "text for a count": snapshots(views=["10", "20"]),
    "decimal for a count": snapshots(views=pa.array([Decimal(10), Decimal(20)])),
    "unsigned count": snapshots(views=pa.array([10, 20], pa.uint64())),
    "small unsigned count": snapshots(views=pa.array([10, 20], pa.uint8())),
    "bytes for an id": snapshots(post_id=pa.array([b"p1", b"p2"], pa.binary())),
    "text for an instant": snapshots(observed_at=["2024-03-29T00:00:00Z"] * 2),
    "nanoseconds": snapshots(observed_at=pa.array([DAY, DAY], pa.timestamp("ns"))),
    "a name twice but for capitals": snapshots(Likes=[100, 200]),
    "a bad row": snapshots(views=[10, -1]),
    "a deleted row": snapshots(_fivetran_deleted=[True, False]),
}


@pytest.mark.parametrize("columns", ALIKE.values(), ids=ALIKE.keys())
def test_files_of_the_very_types_are_read_where_they_lie(
    landing: Landing, spark: SparkEngine, tmp_path: Path, columns: dict[str, Any]
) -> None:
    _write(landing, "a.parquet", columns)
    handed = Handed(landing, spark, tmp_path / "spark")
    assert handed.read_in_place == 1
    assert len(handed.on_duckdb) == 2
    assert handed.on_spark == handed.on_duckdb


@pytest.mark.parametrize("columns", OTHERWISE.values(), ids=OTHERWISE.keys())
def test_other_files_go_through_ingest(
    landing: Landing, spark: SparkEngine, tmp_path: Path, columns: dict[str, Any]
) -> None:
    _write(landing, "a.parquet", columns)
    handed = Handed(landing, spark, tmp_path / "spark")
    assert handed.read_in_place == 0
    assert handed.on_duckdb
    assert handed.on_spark == handed.on_duckdb


def test_files_of_all_kinds_are_one_table(
    landing: Landing, spark: SparkEngine, tmp_path: Path
) -> None:
    """Also where the home's name would be a pattern, a partition or an escape."""
    _write(landing, "a.parquet", snapshots())
    _write(landing, "b.parquet", snapshots(post_id=["p3", "p4"]))
    _write(landing, "c.parquet", snapshots(post_id=["p5", "p6"], ineligible_views=None))
    _write(landing, "d.parquet", snapshots(post_id=["p7", "p8"], views=["1", "9"]))
    landing.write(
        "post_metrics/e.csv", "post_id,observed_at,views\np9,2024-03-29T00:00:00.000001Z,5\n"
    )
    handed = Handed(landing, spark, tmp_path / "views=7 {a,b} [x] it's %41 \\n é")
    assert handed.read_in_place == 3
    assert len(handed.on_duckdb) == 9
    assert handed.on_spark == handed.on_duckdb


def test_an_old_96_bit_instant_goes_through_ingest(
    landing: Landing, spark: SparkEngine, tmp_path: Path
) -> None:
    _write(landing, "a.parquet", snapshots(), use_deprecated_int96_timestamps=True)
    handed = Handed(landing, spark, tmp_path / "spark")
    assert handed.read_in_place == 0
    assert handed.on_spark == handed.on_duckdb


def test_a_footer_that_lies_about_the_values_changes_nothing(
    landing: Landing, spark: SparkEngine, tmp_path: Path
) -> None:
    """As dbt's hook before the models that read snapshots: with statistics Spark would skip the rows."""
    path = _write(landing, "a.parquet", snapshots(views=[777_777_777_777, 777_777_777_777]))
    data = path.read_bytes()
    start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    truth, lie = (number.to_bytes(8, "little") for number in (777_777_777_777, 5))
    assert truth in data[start:]
    path.write_bytes(data[:start] + data[start:].replace(truth, lie))
    handed = Handed(landing, spark, tmp_path / "spark")
    assert handed.read_in_place == 1
    query = "select count(*) from main.raw_post_metrics where views > 1000"
    handed.session.sql("set spark.sql.parquet.filterPushdown = true")
    assert handed.session.sql(query).collect()[0][0] == 0  # else this test shows nothing
    handed.session.sql("set spark.sql.parquet.filterPushdown = false")
    assert handed.session.sql(query).collect()[0][0] == 2
    handed.session.sql("set spark.sql.parquet.filterPushdown = true")


VALUES = {
    "varchar": "'a\\b''c'",
    "hugeint": f"{10**38 - 1}",
    "bigint": f"{2**63 - 1}",
    "integer": "-5",
    "boolean": "true",
    "date": "date '0001-01-01'",
    "timestamp": "timestamp '1582-10-05 00:00:00.000001'",
    "decimal(38,10)": "1234567890.0123456789",
    "decimal(18,6)": "0.000001",
}


def test_tables_come_back_as_they_went(spark: SparkEngine, tmp_path: Path) -> None:
    """Through Spark, which writes them anew: types and values, the least and the greatest, and null."""
    with duckdb.connect(str(tmp_path / "work.duckdb")) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("create table ingest_datasets (rows_loaded bigint)")
        typed = {f"c{place}": kind for place, kind in enumerate(VALUES)}
        rows = [
            ", ".join(f"cast({value} as {kind})" for kind, value in VALUES.items()),
            ", ".join(f"cast(null as {kind})" for kind in VALUES),
        ]
        connection.execute(f"create table went as select {rows[0]} union all select {rows[1]}")
        for place, name in enumerate(typed):
            old = connection.execute("describe went").fetchall()[place][0]
            connection.execute(f'alter table went rename "{old}" to "{name}"')
        folder, session = SparkFolder(tmp_path / "spark"), spark_session(spark.master)
        hand_over(connection, session, folder, ["went"])
        session.sql("create table main.came as select * from main.went")
        session.sql("create table main.nothing as select * from main.went where false")
        folder.take_built(["came", "nothing"])
        take_back(connection, folder, {"came": typed, "nothing": typed})
        select = "select * from {} order by c0"
        went, came = (
            connection.execute(select.format(name)).fetchall() for name in ("went", "came")
        )
        assert came == went
        assert connection.execute("select count(*) from nothing").fetchall() == [(0,)]
        types = [
            connection.execute(f"describe {name}").fetchall()
            for name in ("went", "came", "nothing")
        ]
        assert types[0] == types[1] == types[2]


def test_settings_stay_though_dbt_has_its_own(spark: SparkEngine) -> None:
    """dbt-spark sets ANSI mode off before each statement, in which an overflow is null."""
    from dbt.adapters.spark.connections import SparkCredentials
    from dbt.adapters.spark.session import Cursor

    session = spark_session(spark.master)
    credentials = SparkCredentials(method="session", host="none", schema="main")
    Cursor(server_side_parameters=credentials.server_side_parameters).execute("select 1")
    assert {name: session.conf.get(name) for name in SETTINGS} == SETTINGS
