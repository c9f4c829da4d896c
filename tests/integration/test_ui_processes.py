"""`bonus ui` as a whole, without a browser: alone over its home, and gone with all its processes."""

from __future__ import annotations

import json
import signal
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from orchestration.dagster_glue.partitions import partition_key
from orchestration.terms.load import load_program
from tests.conftest import Bonus
from tests.served_ui import (
    REPOSITORY_SELECTOR,
    ServedUI,
    answers,
    end_ui,
    free_port,
    session,
    start_ui,
    wait_for,
)  # fmt: skip


def test_a_link_closes_nothing_and_a_second_ui_is_refused(sample: Path, tmp_path: Path) -> None:
    bonus = Bonus(sample / "program.yaml", sample / "landing", tmp_path / "home")
    port, log = free_port(), tmp_path / "ui.log"
    process = start_ui(bonus, log, port)
    try:
        ui = ServedUI(f"http://127.0.0.1:{port}")
        wait_for("the UI answers", lambda: answers(ui, process), 120, log)
        _a_link_closes_nothing(ui, _key(bonus))
        _a_second_is_refused(bonus, tmp_path / "other", port, process.pid)
        run = ui.launch_run(_key(bonus), "ada")
        wait_for("the run has begun", lambda: _began(ui, run), 60, log)
        assert len(session(process.pid)) > 4
    finally:
        # Nothing it could do for its processes: they see for themselves that it is gone.
        end_ui(process, signal.SIGKILL)
    (last,) = [row["last_run"] for row in bonus.json("status")["periods"] if row["last_run"]]
    assert (last["status"], last["by"]) == ("FAILURE", "ada")


@pytest.mark.parametrize("seconds", [0.1, 1.5])
def test_it_can_be_ended_while_it_starts(sample: Path, tmp_path: Path, seconds: float) -> None:
    bonus = Bonus(sample / "program.yaml", sample / "landing", tmp_path / "home")
    log = tmp_path / "ui.log"
    process = start_ui(bonus, log, free_port())
    wait_for("it has begun", lambda: len(session(process.pid)) > 1, 60, log)
    time.sleep(seconds)
    end_ui(process, signal.SIGINT)
    assert process.returncode == 0, log.read_text()


def test_what_cannot_be_served_is_said_before_anything_starts(tmp_path: Path, sample: Path) -> None:
    bonus = Bonus(sample / "program.yaml", sample / "landing", tmp_path / "home")
    done = bonus("ui", "--host", "https://bonus.example.com")
    assert done.returncode == 2
    assert "BONUS_UI_HOSTS: found 'https://bonus.example.com'" in done.stderr
    done = bonus("ui", BONUS_UI_USER_HEADER="X-Forwarded-User")
    assert done.returncode == 2
    assert "BONUS_UI_PROXY is not" in done.stderr
    assert not (tmp_path / "home" / "dagster" / "storage").exists()


def _key(bonus: Bonus) -> str:
    program = load_program(bonus.program).program
    return partition_key(program.program, program.periods[0].key)


def _began(ui: ServedUI, run: str) -> bool:
    return any(row["runId"] == run and row["status"] == "STARTED" for row in ui.runs())


def _a_link_closes_nothing(ui: ServedUI, key: str) -> None:
    """The attack that was seen: a GET with a mutation, from another origin, for another host."""
    params = {
        "selector": {**REPOSITORY_SELECTOR, "jobName": "close"},
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": key}]},
        "runConfigData": {"ops": {"close_period": {"config": {"approver": "mallory"}}}},
    }
    query = (
        "mutation($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename } }"
    )
    asked = urllib.parse.urlencode({"query": query, "variables": json.dumps(params)})
    for headers in (
        {"Origin": "http://evil.example", "Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Host": "evil.example"},
        {},
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(
                urllib.request.Request(f"{ui.url}/graphql?{asked}", headers=headers), timeout=60
            )
        assert refused.value.code in (403, 405)
    assert ui.runs() == []


def _a_second_is_refused(bonus: Bonus, other_home: Path, port: int, first: int) -> None:
    same_home = bonus("ui", "--port", str(free_port()))
    assert same_home.returncode == 4, same_home.stderr
    assert f"process {first} " in same_home.stderr
    same_port = Bonus(bonus.program, bonus.landing, other_home)("ui", "--port", str(port))
    assert same_port.returncode == 4, same_port.stderr
    assert f"port {port} is in use by" in same_port.stderr
    if Path("/proc/self").exists():
        assert f"process {first}, " in same_port.stderr
    # Nothing was started, nor made: no instance is in the other home.
    assert not (other_home / "dagster" / "storage").exists()
