"""Runs of `bonus ui` begin with everything imported, and none can fail for another."""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from dagster._daemon import backfill, controller
from dagster._grpc import server

from orchestration.web.service import look_soon_for_backfills
from tests.conftest import ROOT
from tests.integration.warm_probe import HEAVY

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="threads are counted in /proc"
)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("warm")
    meeting = folder / "meet"
    meeting.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.warm_probe", str(meeting)],
        cwd=ROOT, env={**os.environ, "BONUS_HOME": str(folder / "home")},
        capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_they_are_forked_off_one_process_that_has_one_thread(seen: dict[str, Any]) -> None:
    first, second = seen["runs"]
    assert first["server"] == second["server"]
    assert first["process"] != second["process"]
    # What another thread holds at a fork is held for ever in the child.
    assert {run["threads_of_server"] for run in seen["runs"]} == {1}


def test_nothing_is_left_to_import(seen: dict[str, Any]) -> None:
    assert [run["imported"] for run in seen["runs"]] == [sorted(HEAVY)] * 2


def test_each_has_gates_of_its_own_that_end_with_it(seen: dict[str, Any]) -> None:
    first, second = seen["runs"]
    assert first["gates"] != second["gates"]
    # There are no tables, which each gate says for itself.
    assert first["states"] == second["states"] == ["not evaluated"]
    assert first["gates_gone"] and second["gates_gone"]


def test_one_that_is_killed_takes_no_other_along(seen: dict[str, Any]) -> None:
    assert seen["runs"][1]["lives_on"]
    assert seen["statuses"] == [-signal.SIGKILL, 0]


def test_the_socket_lies_in_the_folder_of_the_services(seen: dict[str, Any]) -> None:
    assert seen["sockets"] == ["listener"]


def test_dagster_makes_runs_by_the_context_that_we_put_in_its_place() -> None:
    """A private name: were it another, each run would import everything anew, and nothing else would tell."""
    assert "self._mp_ctx.Process(" in inspect.getsource(server.DagsterApiServer)


def test_dagster_looks_for_backfills_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own 30 s are longer than some runs; the name is none of its public ones."""

    class Waited(Exception):
        pass

    class Shutdown(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            raise Waited(timeout)

    monkeypatch.setattr(controller, "DEFAULT_DAEMON_INTERVAL_SECONDS", 30)
    monkeypatch.setattr(backfill, "execute_backfill_iteration", lambda *_, **__: iter(()))
    look_soon_for_backfills()
    with pytest.raises(Waited) as waited:
        list(backfill.execute_backfill_iteration_loop(None, None, Shutdown()))
    assert waited.value.args[0] <= 5
