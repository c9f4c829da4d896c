"""A standalone cluster on loopback, one master and two workers: the same rows, also where a part of it dies.

Each run is a process of its own, as a person would start it: a process has one session.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from benchmarks.data import PERIOD, write_landing
from benchmarks.spark_cluster import Cluster, cluster
from orchestration.pipeline.engines import SparkEngine
from tests.conftest import ROOT
from tests.served_ui import free_port

pytestmark = pytest.mark.long
HEAVY = "int_post_aggregates"
TABLES = (
    "post_eligibility",
    "post_scores",
    "post_increments",
    "creator_scores",
    "payout_ledger",
    "journal",
)


class Place:
    """Landing data, and a home for each run over it."""

    def __init__(self, folder: Path, snapshots: int = 100_000, **environment: str) -> None:
        self.folder = folder
        self.environment = environment
        write_landing(folder, snapshots)

    def start(self, home: str, engine: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "orchestration.command_line.app", "run", PERIOD]
        options = {"program": "program.yaml", "landing": "landing", "home": home}
        for name, value in options.items():
            command += [f"--{name}", str(self.folder / value)]
        return subprocess.Popen(
            [*command, "--engine", engine],
            cwd=ROOT,
            text=True,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env={**os.environ, **self.environment},
        )

    def rows(self, home: str) -> dict[str, list[tuple[object, ...]]]:
        """Every published row, in the order of the files."""
        return {
            table: duckdb.execute(
                f"from read_parquet('{self.folder}/{home}/published/*/*/{table}/*.parquet')"
            ).fetchall()
            for table in TABLES
        }


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=1800)
    return process.returncode, said


@pytest.fixture(scope="module")
def place(
    spark: SparkEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Place, Cluster]]:
    """The place, with the rows that DuckDB publishes, and the cluster; `spark` skips where there is none."""
    folder = tmp_path_factory.mktemp("cluster")
    with cluster(free_port(), folder / "logs") as running:
        made = Place(folder / "data", BONUS_SPARK_MASTER=running.master)
        assert ended(made.start("duckdb", "duckdb"))[0] == 0
        yield made, running


def at_work(place: Place, home: str) -> None:
    """Waits until the heavy model is being built in a home."""
    end = time.monotonic() + 900
    while time.monotonic() < end:
        if any((place.folder / home / "work").glob(f"*/*/spark/*/building/*/{HEAVY}")):
            return
        time.sleep(0.05)
    raise TimeoutError(f"{HEAVY} was never begun")


def executors(logs: Path) -> list[int]:
    """The processes of the executors of the cluster with these logs; none of any other."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            is_executor = b"CoarseGrainedExecutorBackend" in (entry / "cmdline").read_bytes()
            if is_executor and (entry / "cwd").resolve().is_relative_to(logs):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_rows_are_those_of_duckdb(place: tuple[Place, Cluster]) -> None:
    made, _ = place
    assert ended(made.start("spark", "spark"))[0] == 0
    assert made.rows("spark") == made.rows("duckdb")


def test_a_killed_executor_is_replaced(place: tuple[Place, Cluster]) -> None:
    made, running = place
    process = made.start("killed", "spark")
    at_work(made, "killed")
    killed = executors(running.logs)
    assert killed
    os.kill(killed[0], signal.SIGKILL)
    assert ended(process)[0] == 0
    assert made.rows("killed") == made.rows("duckdb")


def test_a_killed_driver_leaves_what_was_published(place: tuple[Place, Cluster]) -> None:
    """Of the period that `spark` has published; the next run of it completes."""
    made, _ = place
    before = made.rows("spark")
    again = made.folder / "landing" / "payees" / "later.csv"
    again.write_text(
        "creator_id,payout_currency,tax_residence,tax_form,status,updated_at\n"
        "c-late,USD,US,w9,ready,2024-01-01T00:00:00Z\n"
    )
    process = made.start("spark", "spark")
    at_work(made, "spark")
    process.kill()
    assert ended(process)[0] == -signal.SIGKILL
    assert made.rows("spark") == before
    again.unlink()
    assert ended(made.start("spark", "spark"))[0] == 0
    assert made.rows("spark") == before


def test_a_stopped_worker_is_done_without(place: tuple[Place, Cluster]) -> None:
    """The last of them: the cluster has one worker from here on."""
    made, running = place
    process = made.start("stopped", "spark")
    at_work(made, "stopped")
    running.stop("worker-1")
    assert ended(process)[0] == 0
    assert made.rows("stopped") == made.rows("duckdb")
