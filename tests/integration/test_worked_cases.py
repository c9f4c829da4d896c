"""The worked cases of the contract, through `bonus run` and `bonus export`, all tables."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import SHARED, Bonus

CASES = sorted(path.name for path in (SHARED / "cases").glob("[0-9][0-9]")) or ["absent"]


def _periods(program: Path) -> list[str]:
    document = YAML(typ="safe", pure=True).load(program.read_text(encoding="utf-8"))
    return [str(period["key"]) for period in document["periods"]]


def _assert_equal(bonus: Bonus, period: str, out: Path, expected: Path) -> None:
    done = bonus("export", period, "--out", str(out))
    assert done.returncode == 0, done.stderr
    compared = subprocess.run(
        [sys.executable, str(SHARED / "check_case.py"), str(out), str(expected)],
        capture_output=True,
        text=True,
    )
    assert compared.returncode == 0, compared.stdout


@pytest.mark.parametrize("case", CASES)
def test_case_is_equal(case: str, shared: Path, tmp_path: Path) -> None:
    folder = shared / "cases" / case
    bonus = Bonus(folder / "program.yaml", folder / "landing", tmp_path / "home")
    periods = _periods(bonus.program)
    order = random.Random(case).sample(periods, len(periods))
    done = bonus("run", *order)
    assert done.returncode == 0, done.stderr
    for period in periods:
        _assert_equal(bonus, period, tmp_path / period, folder / "expected" / period)


def test_real_counts_are_equal(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data"
    bonus = Bonus(folder / "trending-bonus.yaml", folder / "landing", tmp_path / "home")
    done = bonus("run", "2025-11-b", "2025-11-a")
    assert done.returncode == 0, done.stderr
    for period in ("2025-11-a", "2025-11-b"):
        _assert_equal(bonus, period, tmp_path / period, folder / "expected" / period)


def test_export_is_equal_byte_for_byte(shared: Path, tmp_path: Path) -> None:
    """The comparing script is blind to order and notation. Ids of the journal are ours."""
    folder = shared / "cases" / "01"
    bonus = Bonus(folder / "program.yaml", folder / "landing", tmp_path / "home")
    assert bonus("run", "2025-01").returncode == 0
    assert bonus("export", "2025-01", "--out", str(tmp_path / "out")).returncode == 0
    expected = folder / "expected" / "2025-01"
    tables = sorted(path.name for path in expected.iterdir() if path.name != "journal.csv")
    assert tables
    for table in tables:
        assert (tmp_path / "out" / table).read_bytes() == (expected / table).read_bytes(), table
