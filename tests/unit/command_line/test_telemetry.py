"""Nothing that the command line starts, webserver and daemon too, sends what it has seen to anyone.

Nor does it run what lies in the working directory.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from dagster._core.telemetry_upload import is_running_in_test

from orchestration.command_line import app as cli

SWITCHES = (
    "DAGSTER_DISABLE_TELEMETRY",
    "DBT_SEND_ANONYMOUS_USAGE_STATS",
    "DO_NOT_TRACK",
    "GX_ANALYTICS_ENABLED",
)


def test_telemetry_is_off_by_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SWITCHES, "BUILDKITE", "TF_BUILD"):
        monkeypatch.setenv(name, "x")  # so that it is as before afterwards
        monkeypatch.delenv(name)
    assert not is_running_in_test()  # by which the pinned Dagster decides whether it uploads
    monkeypatch.setattr(cli, "app", lambda: None)
    cli.main()
    assert is_running_in_test()
    assert set(SWITCHES) <= set(os.environ)


def test_no_process_takes_a_module_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of `bonus statement` did: whoever could write there was whoever ran it."""
    (tmp_path / "multiprocessing.py").write_text("print('mine')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    for name in SWITCHES:
        monkeypatch.setenv(name, "x")
    monkeypatch.setattr(cli, "app", lambda: None)

    def said() -> str:
        started = [sys.executable, "-c", "from multiprocessing.spawn import spawn_main"]
        return subprocess.run(started, capture_output=True, text=True, check=False).stdout

    assert said() == "mine\n"
    cli.main()
    assert said() == ""
