"""`python -m benchmarks.spark_scale SIZE...`: the same period by DuckDB, and on a Spark cluster of this machine.

SIZE is millions of snapshots. The cluster is that of `make spark-cluster`: two workers, each with a core and
a gigabyte. Prints a table as Markdown: clock, CPU seconds of the command without the driver's JVM, CPU seconds of the
tasks on the executors, and what the tasks wrote for each other (shuffle) and could not hold (spill). Reads
BENCH_FOLDER, where the data is kept (default: a temporary folder).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.data import PERIOD, write_landing
from benchmarks.measure import Measured, bonus_run, measure
from benchmarks.spark_cluster import cluster
from tests.served_ui import free_port

_LOG4J = (
    Path(__file__).parents[1] / "orchestration" / "pipeline" / "spark_conf" / "log4j2.properties"
)


@dataclass(frozen=True)
class Tasks:
    """What all tasks of a run came to, by Spark's event log."""

    cpu_seconds: float
    shuffle_bytes: int
    spilled_bytes: int


def tasks_of(logs: Path) -> Tasks:
    """The sum over all applications that have left an event log in the folder."""
    cpu = shuffle = spilled = 0
    for metrics in _metrics(logs):
        cpu += metrics["Executor CPU Time"]
        shuffle += metrics["Shuffle Write Metrics"]["Shuffle Bytes Written"]
        spilled += metrics["Disk Bytes Spilled"]
    return Tasks(cpu / 1e9, shuffle, spilled)


def _metrics(logs: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(logs.rglob("events_*")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                event = json.loads(line)
                if event["Event"] == "SparkListenerTaskEnd" and event.get("Task Metrics"):
                    yield event["Task Metrics"]


def _run(landed: Path, home: Path, engine: str) -> Measured:
    command = bonus_run(landed / "program.yaml", landed / "landing", home, PERIOD)
    return measure([*command, "--engine", engine])


def _gib(size: int) -> str:
    return f"{size / 2**30:.2f}"


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [1]
    with tempfile.TemporaryDirectory(prefix="bench-spark-") as scratch:
        folder = Path(os.environ.get("BENCH_FOLDER") or scratch)
        print(
            "| million | engine | wall s | CPU s, Python | CPU s, tasks | shuffle GiB | spilled GiB |"
        )
        print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
        for size in sizes:
            landed = folder / f"{size}m-spark"
            if not landed.exists():
                write_landing(landed, size * 1_000_000)
            # What a run leaves is never kept: another one would find nothing new, or sum the tasks of both.
            left = Path(scratch) / f"{size}m-left"
            duckdb = _run(landed, left / "home-duckdb", "duckdb")
            print(
                f"| {size} | duckdb | {duckdb.wall_seconds:.0f} | {duckdb.cpu_seconds:.0f} | | | |",
                flush=True,
            )
            conf, logs = left / "conf", left / "events"
            conf.mkdir()
            logs.mkdir()
            (conf / "log4j2.properties").write_text(_LOG4J.read_text())
            settings = {
                "enabled": "true",
                "rolling.enabled": "true",
                "compress": "false",
                "dir": logs.as_uri(),
            }
            (conf / "spark-defaults.conf").write_text(
                "".join(f"spark.eventLog.{name} {value}\n" for name, value in settings.items())
            )
            with cluster(free_port(), left / "cluster") as running:
                os.environ |= {"SPARK_CONF_DIR": str(conf), "BONUS_SPARK_MASTER": running.master}
                spark = _run(landed, left / "home-spark", "spark")
            tasks = tasks_of(logs)
            print(
                f"| {size} | spark | {spark.wall_seconds:.0f} | {spark.cpu_seconds:.0f} | {tasks.cpu_seconds:.0f}"
                f" | {_gib(tasks.shuffle_bytes)} | {_gib(tasks.spilled_bytes)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
