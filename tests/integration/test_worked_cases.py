"""The worked cases of the contract, through `bonus run` and `bonus export`, all tables."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from orchestration.pipeline.flow import run_all
from orchestration.pipeline.home import Home
from orchestration.pipeline.period_run import PeriodRun
from orchestration.publishing.export import export_period
from orchestration.terms.load import LoadedProgram, load_program
from tests.conftest import SHARED, Bonus, BonusHere
from tests.proof.product import fast_run
from tests.worked import assert_equal

CASES = sorted(path.name for path in (SHARED / "worked").glob("[0-9][0-9]")) or ["absent"]
THROUGH_THE_COMMAND_LINE = ("02",)


def _shuffled(case: str, program: Path) -> list[str]:
    document = YAML(typ="safe", pure=True).load(program.read_text(encoding="utf-8"))
    periods = [str(period["key"]) for period in document["periods"]]
    return random.Random(case).sample(periods, len(periods))


def _run(home: Home, loaded: LoadedProgram, period: str, landing: Path, *, is_whole: bool) -> None:
    """A period through all stages and gates: as it is, or with compiled models and a memory file."""
    arguments = (home, loaded.program.program, period, "run", "ada")
    run = PeriodRun(*arguments) if is_whole else fast_run(*arguments)
    run_all(run, loaded.path, landing)


def _each(cases: list[str], *, of: int) -> list[object]:
    """Cases as parameters: one in `of` in `make test`, the others in `make test-long`."""
    return [
        case if number % of == 0 else pytest.param(case, marks=pytest.mark.long)
        for number, case in enumerate(cases)
    ]


@pytest.mark.parametrize("case", _each(CASES, of=3))
def test_case_is_equal(case: str, shared: Path, tmp_path: Path) -> None:
    """All periods in a shuffled order, in this process; case 06 with dbt's runner and Great
    Expectations, the others by the same models and queries without the two, which is faster."""
    folder = shared / "worked" / case
    loaded = load_program(folder / "program.yaml")
    home = Home(tmp_path / "home")
    home.prepare()
    program = loaded.program.program
    for period in _shuffled(case, loaded.path):
        _run(home, loaded, period, folder / "landing", is_whole=case == "06")
    published = home.store(program).published()
    assert sorted(published) == sorted(_shuffled(case, loaded.path))
    for period, publication in published.items():
        export_period(publication, tmp_path / period)
        assert_equal(tmp_path / period, folder / "expected" / period)
        assert_equal(tmp_path / period, folder / "explained" / period)


@pytest.mark.long  # in short: test_export_is_equal_byte_for_byte
@pytest.mark.parametrize("case", THROUGH_THE_COMMAND_LINE)
def test_case_is_equal_through_bonus_run(case: str, shared: Path, tmp_path: Path) -> None:
    folder = shared / "worked" / case
    bonus = Bonus(folder / "program.yaml", folder / "landing", tmp_path / "home")
    periods = _shuffled(case, bonus.program)
    done = bonus("run", *periods)
    assert done.returncode == 0, done.stderr
    for period in periods:
        assert bonus("export", period, "--out", str(tmp_path / period)).returncode == 0
        assert_equal(tmp_path / period, folder / "expected" / period)
        assert_equal(tmp_path / period, folder / "explained" / period)


def test_real_counts_are_equal(shared: Path, tmp_path: Path) -> None:
    """By the same models and queries as most cases, without dbt's runner and Great Expectations."""
    folder = shared / "data"
    loaded = load_program(folder / "trending-bonus.yaml")
    home = Home(tmp_path / "home")
    home.prepare()
    for period in ("2025-11-b", "2025-11-a"):
        _run(home, loaded, period, folder / "landing", is_whole=False)
    published = home.store(loaded.program.program).published()
    for period in ("2025-11-a", "2025-11-b"):
        export_period(published[period], tmp_path / period)
        assert_equal(tmp_path / period, folder / "worked" / period)


def test_export_is_equal_byte_for_byte(shared: Path, tmp_path: Path) -> None:
    """The comparing script is blind to order and notation. Ids of the journal are ours. Of the columns that the
    expected ledger lacks, the order of the contract is held in tests/unit/test_contract_docs.py."""
    folder = shared / "worked" / "01"
    bonus = BonusHere(folder / "program.yaml", folder / "landing", tmp_path / "home")
    assert bonus("run", "2024-01").returncode == 0
    assert bonus("export", "2024-01", "--out", str(tmp_path / "out")).returncode == 0
    # The tables that explain come last: of post_earnings only they have all columns.
    tables = {
        path.name: path
        for part in ("expected", "explained")
        for path in (folder / part / "2024-01").iterdir()
        if path.name != "journal.csv"
    }
    assert len(tables) == 10
    for table, path in tables.items():
        own, right = (tmp_path / "out" / table).read_bytes(), path.read_bytes()
        columns = next(csv.reader(io.StringIO(right.decode())))
        assert _cut(own, columns) == right, table
        assert own == _cut(own, next(csv.reader(io.StringIO(own.decode())))), table


def _cut(content: bytes, columns: list[str]) -> bytes:
    """These columns of a CSV file, with the quotes and line ends of §9."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(csv.DictReader(io.StringIO(content.decode(), newline="")))
    return out.getvalue().encode()
