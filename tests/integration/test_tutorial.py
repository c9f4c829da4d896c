"""docs/tutorial.md, typed as it stands, over a small sample: every command does what the text says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.pipeline.close_log import CloseLog
from orchestration.sample import write_sample
from orchestration.sample.program import PROGRAM
from tests.conftest import ROOT

pytestmark = pytest.mark.long

# These wait for a person in a browser; tests/browser does what the text says of them.
IN_THE_BROWSER = ["make ui", ".venv/bin/bonus ui --port 3001"]


def commands() -> list[str]:
    """All fenced commands of the tutorial, in their order."""
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    assert {language for language, _ in fences} == {"sh"}
    return [line for _, block in fences for line in block.splitlines()]


def desk(folder: Path) -> Path:
    """A checkout whose .venv is this one's, and a sample small enough for a test where demo/ goes."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (folder / ".venv" / name).symlink_to(Path(sys.prefix) / name)
    (folder / ".venv" / ".installed").touch()  # newer than the lock: make has nothing to install
    write_sample(folder / "demo", creators=60, periods=3)
    return folder


def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    typed = [command for command in commands() if command not in IN_THE_BROWSER]
    assert len(typed) == len(commands()) - len(IN_THE_BROWSER)
    folder = desk(tmp_path)
    environment = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ
    }
    done = subprocess.run(
        ["bash", "-e", "-u", "-x", "-c", "\n".join(typed)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    said = done.stdout + done.stderr
    assert "no_row_is_quarantined" in said
    assert "redy" in said
    assert "2024-05: the ingest gate has not held." in done.stdout
    home = folder / "demo-broken" / "home"
    assert [entry.period for entry, _ in CloseLog(home, PROGRAM).entries()] == [
        "2024-04",
        "2024-05",
    ]
    ledger = home / "published" / f"program={PROGRAM}" / "period=2024-05" / "payout_ledger"
    with duckdb.connect() as connection:
        paid = connection.execute(
            "select status, opening_balance_minor > 0 from read_parquet($1)"
            " where creator_id = 'incomplete-us'",
            [str(ledger / "*.parquet")],
        ).fetchall()
    assert paid == [("paid", True)]
    assert "Closed by grace on" in (folder / "demo-broken" / "2024-05.html").read_text("utf-8")
    assert not (folder / "demo" / "landing" / "payees" / "2024-06-01.csv").exists()
