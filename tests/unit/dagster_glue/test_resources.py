"""Who has started a run, where nobody says it."""

from __future__ import annotations

import os
import pwd

import pytest

from orchestration.dagster_glue.resources import BY_TAG, started_by


def test_it_is_the_user_of_the_operating_system(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody\u200b else")
    assert started_by({}) == pwd.getpwuid(os.geteuid()).pw_name
    assert started_by({BY_TAG: "  "}) == pwd.getpwuid(os.geteuid()).pw_name
    assert started_by({BY_TAG: " ada "}) == "ada"


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container."""
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert started_by({}) == "uid-54321"
