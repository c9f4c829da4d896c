"""SIGKILL at every step on disk of a publish, a close and an ingest; the table is in docs/reliability.md.

`make test` takes a few steps of each kind of what is cheapest; `make torture` takes them all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.torture.crashes import SCENARIOS

pytestmark = pytest.mark.long

EVERY = int(os.environ.get("BONUS_TORTURE", "0"))
"""Which steps: 1 all of them, 9 every ninth; 0 the few of `make test`."""
FEW = {"first publish": 120, "close": 60}


@pytest.mark.parametrize("scenario", list(SCENARIOS) if EVERY else list(FEW))
def test_nothing_is_lost_or_mixed_by_a_kill(scenario: str, tmp_path: Path) -> None:
    every = EVERY or FEW[scenario]
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.torture.crashes",
            scenario, str(tmp_path / "torture"), "--every", str(every),
        ],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    print(done.stdout)
    assert found["failures"] == []
    assert sum(found["counts"].values()) >= 10
    assert "rename" in found["counts"]
