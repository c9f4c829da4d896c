"""Alerts: off until configured, to a webhook and by e-mail, with no id of a person in them."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import dagster as dg
import pytest

from expectations.suite import GateResult, Result
from orchestration.dagster_glue.alerts import ADDRESSES, ALERTED_TAG, alert_of, send
from orchestration.dagster_glue.gates import check_results, check_spec
from orchestration.dagster_glue.partitions import PERIODS
from orchestration.dagster_glue.sensors import alerts

KEY = "spring:2024-04"
SECRET = "creator-77"

BLOCKED = GateResult(
    "staging",
    (
        Result(
            "keys_are_unique", "t", "error", "a key twice", "failed", 3, ({"creator_id": SECRET},)
        ),
        Result(
            "rates_are_there",
            "t",
            "error",
            "no rate",
            "not evaluated",
            problem=f"cannot cast '{SECRET}'",
        ),
        Result("most_are_fresh", "t", "warn", "old", "failed", 9, ({"creator_id": SECRET},)),
        Result("all_is_well", "t", "error", "never", "held"),
    ),
)


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(address, what it got) of a local web server."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server, serving(server):
        yield f"json://127.0.0.1:{server.server_port}/hook", got


@pytest.fixture
def mailbox() -> Iterator[tuple[str, list[str]]]:
    """(address, messages) of a local mail server that takes everything."""
    got: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 sink\r\n")
            while line := self.rfile.readline():
                command = line.strip().upper()
                if command == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    message = b"".join(iter(self.rfile.readline, b".\r\n"))
                    got.append(message.decode())
                self.wfile.write(b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n")
                if command == b"QUIT":
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server, serving(server):
        port = server.server_address[1]
        yield (
            f"mailto://127.0.0.1:{port}?from=bonus@example.com&to=ops@example.com&mode=insecure",
            got,
        )


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture
def blocked() -> Iterator[tuple[dg.DagsterInstance, dg.DagsterRun]]:
    """A run in Dagster that a gate has blocked, with rows that name a person in its check."""

    @dg.multi_asset(
        name="staging",
        specs=[dg.AssetSpec("t")],
        check_specs=[check_spec("t")],
        partitions_def=PERIODS,
    )
    def staging() -> Iterator[Any]:
        yield from check_results(BLOCKED, ["t"], "/bonus")
        raise dg.Failure(f"row of {SECRET}")

    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("bonus_period", [KEY])
        result = dg.materialize(
            [staging], partition_key=KEY, instance=instance, raise_on_error=False
        )
        yield instance, result.dagster_run


def test_off_until_configured(
    blocked: tuple[dg.DagsterInstance, dg.DagsterRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ADDRESSES, raising=False)
    instance, run = blocked
    assert alert_of(instance, run.run_id) == []
    told = instance.get_run_by_id(run.run_id)
    assert told is not None and ALERTED_TAG not in told.tags


def test_a_blocked_run_is_told_once_and_without_ids(
    blocked: tuple[dg.DagsterInstance, dg.DagsterRun],
    webhook: tuple[str, list[dict[str, Any]]],
    mailbox: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ADDRESSES, f"{webhook[0]} {mailbox[0]}")
    instance, run = blocked
    assert alert_of(instance, run.run_id) == []
    assert alert_of(instance, run.run_id) == []  # by the daemon, which comes after
    (posted,) = webhook[1]
    assert posted["title"] == "creator-bonus: spring 2024-04 was blocked by a gate"
    assert posted["message"].splitlines() == [
        "program: spring",
        "period: 2024-04",
        f"run: {run.run_id} (job {run.job_name})",
        "stage: staging",
        "expectation: keys_are_unique: 3 rows of t",
        "expectation: rates_are_there: could not be evaluated",
        "Nothing of this run was published.",
    ]
    (mail,) = mailbox[1]
    assert "keys_are_unique" in mail
    assert SECRET not in json.dumps(webhook[1]) + mail


def test_the_daemon_tells_of_runs_that_were_started_there(
    blocked: tuple[dg.DagsterInstance, dg.DagsterRun],
    webhook: tuple[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance, run = blocked
    context = dg.build_run_status_sensor_context(
        sensor_name="alerts",
        dagster_instance=instance,
        dagster_run=run,
        dagster_event=next(
            entry.dagster_event
            for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
            if entry.dagster_event
        ),
    ).for_run_failure()
    monkeypatch.delenv(ADDRESSES, raising=False)
    assert "off" in str(alerts(context))
    monkeypatch.setenv(ADDRESSES, webhook[0])
    alerts(context)
    assert len(webhook[1]) == 1


def test_a_hostile_partition_key_is_not_repeated(
    webhook: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anyone may type a partition into the UI; it is no name of ours until it looks like one."""
    monkeypatch.setenv(ADDRESSES, webhook[0])

    @dg.op
    def fails() -> None:
        raise dg.Failure("no")

    @dg.job
    def job() -> None:
        fails()

    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance, raise_on_error=False, tags={"dagster/partition": f"p:{SECRET}<b>"}
        )
        alert_of(instance, result.run_id)
    assert webhook[1][0]["title"] == "creator-bonus: ? ? failed"
    assert SECRET not in json.dumps(webhook[1])


def test_what_cannot_be_sent_is_told_without_the_address(
    blocked: tuple[dg.DagsterInstance, dg.DagsterRun],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    problems = send("t", "b", ["json://user:pa55@127.0.0.1:1/", "nothing://pa55", "json://[pa55"])
    assert problems == [
        f"alert not sent: address 1 of {ADDRESSES} did not take it",
        f"alert not sent: address 2 of {ADDRESSES} is of no known kind",
        f"alert not sent: address 3 of {ADDRESSES} is of no known kind",
    ]
    assert "pa55" not in "".join(capfd.readouterr())
    # What nobody was told of may be told later.
    monkeypatch.setenv(ADDRESSES, "nothing://pa55")
    instance, run = blocked
    assert len(alert_of(instance, run.run_id)) == 1
    told = instance.get_run_by_id(run.run_id)
    assert told is not None and ALERTED_TAG not in told.tags
