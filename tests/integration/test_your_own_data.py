"""docs/your-own-data.md, typed as it stands in an empty folder: its numbers come out."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.described.contract_docs import table_under
from tests.conftest import ROOT

pytestmark = pytest.mark.long

TEXT = (ROOT / "docs" / "your-own-data.md").read_text(encoding="utf-8")


def typed(*steps: int) -> str:
    """What is typed in these steps, with where to work, which is said in steps 2 and 3."""
    parts = re.split(r"^## (\d)\. ", TEXT, flags=re.MULTILINE)
    by_step = dict(zip(map(int, parts[1::2]), parts[2::2], strict=True))
    blocks = [
        block
        for step in steps
        for block in re.findall(r"^```sh\n(.*?)^```$", by_step[step], re.MULTILINE | re.DOTALL)
    ]
    places = re.findall(r"^export BONUS_.*\n", by_step[2] + by_step[3], re.MULTILINE)
    assert len(places) == 3 and len(blocks) >= len(steps)
    return "".join([*places, *blocks])


def type_in(folder: Path, commands: str) -> None:
    done = subprocess.run(
        ["bash", "-e", "-u", "-c", commands],
        cwd=folder,
        env={name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def exported(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / "mine" / "export" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_walk_through_does_what_it_says(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (tmp_path / ".venv" / name).symlink_to(Path(sys.prefix) / name)

    type_in(tmp_path, typed(1, 2, 3))
    said = table_under(TEXT, "3. Run it (1 minute)")
    ledger = exported(tmp_path, "payout_ledger")
    assert [{column: row[column] for column in said.columns} for row in ledger] == list(said.rows)
    reasons = {
        row[key]: row["reasons"]
        for key, table in (("creator_id", "creator_eligibility"), ("post_id", "post_eligibility"))
        for row in exported(tmp_path, table)
        if row["reasons"]
    }
    assert reasons == {
        "eli": "NOT_ACTIVATED",
        "p6": "CREATOR_INELIGIBLE",
        "p7": "BRANDED_CONTENT",
        "p9": "BELOW_MINIMUM_VIEWS",
    }

    type_in(tmp_path, typed(4))
    (fay,) = (row for row in exported(tmp_path, "payout_ledger") if row["creator_id"] == "fay")
    assert (fay["status"], fay["payout_minor"]) == ("paid", "3000")

    type_in(tmp_path, typed(5))
    assert (tmp_path / "mine/home/closed/program=atelier-bonus/close-log.jsonl").is_file()
