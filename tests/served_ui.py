"""`bonus ui` as an operator starts it: a real Dagster webserver and daemon, asked over GraphQL."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, Bonus

LOCATION = "creator-bonus"
REPOSITORY = "__repository__"
REPOSITORY_SELECTOR = {
    "repositoryName": REPOSITORY,
    "repositoryLocationName": LOCATION,
}


LAUNCH = """
mutation Launch($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
LAUNCH_ONE = """
mutation LaunchOne($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
STATUS = """
query Status($id: String!) {
  partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } }
}
"""


@dataclass(frozen=True)
class ServedUI:
    """A running UI at `url`."""

    url: str

    def query(self, text: str, **variables: Any) -> Any:
        """The data of a GraphQL answer; an error of the server fails the test with its text."""
        request = urllib.request.Request(
            f"{self.url}/graphql",
            json.dumps({"query": text, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            body = json.load(answer)
        assert not body.get("errors"), body["errors"]
        return body["data"]

    def runs(self) -> list[Mapping[str, Any]]:
        """All runs, newest first, with their tags as a mapping."""
        data = self.query(
            "{ runsOrError { ... on Runs { results { runId status tags { key value } } } } }"
        )
        return [
            {**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}}
            for run in data["runsOrError"]["results"]
        ]

    def launch_backfill(self, partitions: Sequence[str], by: str) -> str:
        """Launches the job `period` over partitions as the launch dialog does; gives the backfill."""
        launched = self.query(
            LAUNCH,
            params={
                "selector": {
                    "partitionSetName": "period_partition_set",
                    "repositorySelector": REPOSITORY_SELECTOR,
                },
                "partitionNames": list(partitions),
                "tags": [{"key": "by", "value": by}],
            },
        )["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        backfill: str = launched["backfillId"]
        return backfill

    def launch_run(self, partition: str, by: str) -> str:
        """Launches the job `period` over one partition as the launch dialog does; gives the run's id."""
        tags = {"dagster/partition": partition, "by": by}
        launched = self.query(
            LAUNCH_ONE,
            params={
                "selector": {**REPOSITORY_SELECTOR, "jobName": "period"},
                "runConfigData": {},
                "executionMetadata": {
                    "tags": [{"key": key, "value": value} for key, value in tags.items()]
                },
            },
        )["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run: str = launched["run"]["runId"]
        return run

    def run_ended(self, run: str) -> str | None:
        """How a run has ended; None as long as it has not."""
        (found,) = [row for row in self.runs() if row["runId"] == run]
        status: str = found["status"]
        return status if status in {"SUCCESS", "FAILURE", "CANCELED"} else None

    def backfill_ended(self, backfill: str) -> str | None:
        """How a backfill has ended; None as long as it has not."""
        status: str = self.query(STATUS, id=backfill)["partitionBackfillOrError"]["status"]
        return None if status in {"REQUESTED", "CANCELING"} else status


def wait_for(what: str, holds: Callable[[], Any], seconds: float, log: Path) -> Any:
    """The first true value of `holds`; fails with what the UI's processes said if none comes."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := holds():
            return value
        time.sleep(0.5)
    said = log.read_text(encoding="utf-8", errors="replace")[-4000:]
    raise AssertionError(f"{what}: not within {seconds} s; bonus ui said:\n{said}")


@contextmanager
def serve_ui(bonus: Bonus, log: Path, **environment: str) -> Iterator[ServedUI]:
    """`bonus ui` on a free port until the block ends; all its processes are gone afterwards."""
    port = free_port()
    served = ServedUI(f"http://127.0.0.1:{port}")
    process = start_ui(bonus, log, port, **environment)
    try:
        wait_for("the UI answers", lambda: answers(served, process), 120, log)
        yield served
    finally:
        end_ui(process, signal.SIGTERM)


def start_ui(bonus: Bonus, log: Path, port: int, **environment: str) -> subprocess.Popen[bytes]:
    """`bonus ui` in a session of its own, as a shell starts it in the background: SIGINT is ignored."""
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with log.open("wb") as said:
            return subprocess.Popen(
                [
                    sys.executable, "-m", "orchestration.command_line.app", "ui",
                    "--port", str(port), "--program", str(bonus.program),
                    "--landing", str(bonus.landing), "--home", str(bonus.home),
                ],
                cwd=ROOT, stdout=said, stderr=said, stdin=subprocess.DEVNULL,
                env={**os.environ, **environment},
                # Its daemon, webserver, code server and runs are found by it.
                start_new_session=True,
            )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, usual)


def answers(served: ServedUI, process: subprocess.Popen[bytes]) -> bool:
    """Whether the UI has its definitions by now; fails where it has ended instead."""
    assert process.poll() is None, f"bonus ui ended with status {process.returncode}"
    try:
        data = served.query(
            "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
        )
    except (urllib.error.URLError, OSError):
        return False
    return bool(data["repositoriesOrError"].get("nodes"))


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def end_ui(process: subprocess.Popen[bytes], number: int, seconds: float = 30) -> None:
    """Sends a signal to `bonus ui` alone; fails if one of its processes is there afterwards."""
    with suppress(ProcessLookupError):
        process.send_signal(number)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not session(process.pid):
            process.wait(timeout=20)
            return
        time.sleep(0.2)
    left = session(process.pid)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(timeout=20)
    raise AssertionError(f"processes of bonus ui outlived signal {number}: {left}")


def session(leader: int) -> list[int]:
    """The processes of a session that are not zombies."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,sess=,stat="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [int(pid) for pid, session, state in rows if int(session) == leader and state[0] != "Z"]
