"""docs/incidents.md names just the tests that there are, and expectations by names that there are."""

from __future__ import annotations

import re
from pathlib import Path

from expectations.suites import SUITES
from tests.conftest import ROOT

DOC = (ROOT / "docs" / "incidents.md").read_text(encoding="utf-8")
INCIDENTS = [line for line in DOC.splitlines() if line.startswith("| ") and "](http" in line]


def test_every_test_is_told_and_every_incident_has_one() -> None:
    """A name that begins with dots stands for the test whose name ends so."""
    folder = Path(__file__).parent
    tests = {
        name
        for path in folder.glob("test_*.py")
        if path != Path(__file__)
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    told = set()
    for line in INCIDENTS:
        named = re.findall(r"`((?:test|\.\.\.)_\w+)`", line.rpartition(" | ")[2])
        found = {
            test for test in tests for name in named if test.endswith(name.removeprefix("..."))
        }
        assert len(found) == len(named) > 0, line
        told |= found
    assert told == tests


def test_fifteen_incidents_at_least_and_each_says_what_stops_it() -> None:
    assert len(INCIDENTS) >= 15
    for line in INCIDENTS:
        assert re.search(
            r"Gates?\b|Refusal|Rule|Restatement|\*\*Nothing\*\*", line.split(" | ")[1]
        ), line


def test_expectations_that_are_named_exist() -> None:
    names = {row.name for suite in SUITES.values() for row in suite}
    told = {
        name
        for line in INCIDENTS
        for name in re.findall(r"`([a-z]+(?:_[a-z]+){3,})`", line.split(" | ")[1])
    }
    assert told and told <= names, told - names
