"""The reference against the worked cases and the real counts in `shared/`, beside the repository; its days by hand."""

import os
import random
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests import worked
from tests.reference.book import Book
from tests.reference.days import begin, day_of
from tests.reference.export import export
from tests.reference.landing import read_landing
from tests.reference.program import read_program

SHARED = Path(os.environ.get("BONUS_SHARED") or Path(__file__).resolve().parents[3] / "shared")
CASES = [f"{number:02}" for number in range(1, 25)]
DECISIONS = [f"decisions-{number}" for number in range(1, 9)]
RESTATEMENTS = [f"restatement-{number}" for number in range(1, 5)]


def shared(*parts: str) -> Path:
    """§9: "`bonus export` writes the same as CSV": where the expected tables lie; without them the test is skipped."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{path} is absent (set BONUS_SHARED)")
    return path


def assert_equal(book: Book, expected: Path, out: Path) -> None:
    """§9: every published table of every period that is expected, by the comparison that comes with the cases."""
    periods = sorted(path.name for path in expected.iterdir())
    assert periods == sorted(book.runs)
    for key in periods:
        export(book.tables(key), out / key)
        worked.assert_equal(out / key, expected / key)


def run_shuffled(program: Path, landing: Path, seed: str) -> Book:
    """§7: "a backfill may run periods in any order, or side by side, and ends in the same data"."""
    book, rows = Book(read_program(program)), read_landing(landing)
    keys = [period.key for period in book.program.periods]
    random.Random(seed).shuffle(keys)
    for key in keys:
        book.run(key, rows)
    return book


@pytest.mark.parametrize(
    "case", [*CASES[:8], *(pytest.param(case, marks=pytest.mark.long) for case in CASES[8:])]
)
def test_case(case: str, tmp_path: Path) -> None:
    """§3 to §7: "after all periods have been run, in any order" (worked/README.md)."""
    folder = shared("worked", case)
    book = run_shuffled(folder / "program.yaml", folder / "landing", case)
    assert_equal(book, folder / "expected", tmp_path)
    assert_equal(book, folder / "explained", tmp_path)


@pytest.mark.parametrize("case", RESTATEMENTS)
def test_restatement(case: str, tmp_path: Path) -> None:
    """§7 Close: "on `landing-1` run the first period and close it (`expected-1`); on `landing-2` run the first period
    again, then all the others (`expected-2`); close the second period, run the first once more (`expected-3`)"."""
    folder = shared("worked", case)
    book = Book(read_program(folder / "program.yaml"))
    first, second, *others = [period.key for period in book.program.periods]
    book.run(first, read_landing(folder / "landing-1"))
    book.close(first)
    assert_equal(book, folder / "expected-1", tmp_path / "1")
    rows = read_landing(folder / "landing-2")
    for key in [first, second, *others]:
        book.run(key, rows)
    assert_equal(book, folder / "expected-2", tmp_path / "2")
    book.close(second)
    book.run(first, rows)
    assert_equal(book, folder / "expected-3", tmp_path / "3")


@pytest.mark.parametrize("case", DECISIONS)
def test_decisions(case: str, tmp_path: Path) -> None:
    """§7: "For n = 1, 2, ...: on `landing-n` run all periods in their order (a closed one gives a restatement), compare
    all with `expected-n`, then close the n-th period" (worked/README.md)."""
    folder = shared("worked", case)
    book = Book(read_program(folder / "program.yaml"))
    for number, period in enumerate(book.program.periods, start=1):
        rows = read_landing(folder / f"landing-{number}")
        for each in book.program.periods:
            book.run(each.key, rows)
        assert_equal(book, folder / f"expected-{number}", tmp_path / str(number))
        book.close(period.key)


def test_real_counts(tmp_path: Path) -> None:
    """§3 to §7 over 54,915 real snapshots."""
    folder = shared("data")
    book = run_shuffled(folder / "trending-bonus.yaml", folder / "landing", "data")
    assert_equal(book, folder / "worked", tmp_path)


def utc(*parts: int) -> datetime:
    """§1: "as an instant in UTC"."""
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "first_instant"),
    [
        ("America/Los_Angeles", date(2024, 3, 29), utc(2024, 3, 29, 7)),  # the program of §1
        (
            "Asia/Beirut",
            date(2024, 3, 31),
            utc(2024, 3, 30, 22),
        ),  # 00:00 was skipped: the day began at 01:00
        (
            "America/Havana",
            date(2024, 11, 3),
            utc(2024, 11, 3, 4),
        ),  # 00:00 came twice: at 04:00 and 05:00 UTC
        (
            "America/St_Johns",
            date(2010, 11, 7),
            utc(2010, 11, 7, 2, 30),
        ),  # 00:01 became 23:01, so 00:00 came twice
        (
            "Pacific/Apia",
            date(2011, 12, 30),
            utc(2011, 12, 30, 10),
        ),  # the whole day was skipped, so it is empty
        ("Pacific/Apia", date(2011, 12, 31), utc(2011, 12, 30, 10)),
        ("America/Toronto", date(1919, 3, 31), utc(1919, 3, 31, 4, 30)),  # 23:30 became 00:30
    ],
)
def test_a_day_begins_at_its_first_instant(zone: str, day: date, first_instant: datetime) -> None:
    """§1: "A day begins at its first instant, also where clocks change"."""
    assert begin(day, ZoneInfo(zone)) == first_instant


def test_the_day_of_an_instant_is_the_last_that_has_begun() -> None:
    """§1: "day D begins at local midnight": also where the clock says yesterday again, and after a skipped day."""
    assert day_of(utc(2010, 11, 7, 2, 29), ZoneInfo("America/St_Johns")) == date(2010, 11, 6)
    assert day_of(utc(2010, 11, 7, 2, 45), ZoneInfo("America/St_Johns")) == date(2010, 11, 7)
    assert day_of(utc(2011, 12, 30, 10), ZoneInfo("Pacific/Apia")) == date(2011, 12, 31)
