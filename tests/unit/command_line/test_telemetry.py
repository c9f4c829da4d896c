"""Nothing that the command line starts, webserver and daemon too, sends what it has seen to anyone."""

from __future__ import annotations

import os

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
