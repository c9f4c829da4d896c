"""The sample: same bytes each time, and in it everything that the contract has a code for."""

import csv
import hashlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from orchestration.sample import SampleSummary, write_sample
from orchestration.sample.program import program_text, sample_periods
from orchestration.terms.load import load_program
from tests.contract import CREATOR_REASONS, POST_REASONS
from tests.reference.__main__ import main as run_reference

SHIPPED = Path(__file__).parents[3] / "programs" / "instagram-spring-bonus.yaml"
STATUSES = {
    ("none", ""),
    ("held", "CURRENCY_CHANGED"),
    ("held", "PAYEE_INCOMPLETE"),
    ("held", "PAYEE_BLOCKED"),
    ("carried", "BELOW_MINIMUM"),
    ("paid", ""),
}


def digests(folder: Path) -> dict[str, str]:
    """Every file below the folder, with the hash of its bytes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SampleSummary:
    return write_sample(tmp_path_factory.mktemp("sample"), creators=60, periods=2)


@pytest.fixture(scope="module")
def results(small: SampleSummary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the reference, written apart from the product, computes for the small sample."""
    out = tmp_path_factory.mktemp("reference")
    keys = [period.key for period in sample_periods(2)]
    run_reference(str(small.program_file), str(small.landing), str(out), *keys)
    return out


def rows(results: Path, table: str) -> Iterator[dict[str, str]]:
    for path in sorted(results.glob(f"*/{table}.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


def test_the_shipped_program_is_that_of_the_default_sample() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == program_text(creators=2000, periods=6)


@pytest.mark.parametrize("periods", [1, 2, 6, 12, 24])
def test_the_program_is_valid_with_any_number_of_periods(tmp_path: Path, periods: int) -> None:
    file = tmp_path / "program.yaml"
    file.write_text(program_text(60, periods), encoding="utf-8")
    assert len(load_program(file).program.periods) == periods


def test_the_same_seed_gives_the_same_bytes(small: SampleSummary, tmp_path: Path) -> None:
    again = write_sample(tmp_path / "again", creators=60, periods=2)
    other = write_sample(tmp_path / "other", creators=60, periods=2, seed=7)
    assert digests(again.landing) == digests(small.landing)
    assert again.rows == small.rows
    assert digests(other.landing) != digests(small.landing)


def test_every_reason_of_a_creator_and_of_a_post_occurs(results: Path) -> None:
    def reasons(table: str) -> set[str]:
        return set(chain(*(row["reasons"].split("|") for row in rows(results, table)))) - {""}

    assert reasons("creator_eligibility") == CREATOR_REASONS
    assert reasons("post_eligibility") == POST_REASONS


def test_every_status_occurs(results: Path) -> None:
    ledger = rows(results, "payout_ledger")
    assert {(row["status"], row["status_reason"]) for row in ledger} == STATUSES


def test_caps_milestones_and_the_budget_have_an_effect(results: Path) -> None:
    ledger = list(rows(results, "payout_ledger"))
    assert any(row["capped"] == "true" for row in ledger)
    assert any(row["milestone_minor"] != "0" for row in ledger)
    last = sample_periods(2)[-1].key
    with (results / last / "payout_ledger.csv").open(encoding="utf-8", newline="") as file:
        total = sum(int(row["program_amount_minor"]) for row in csv.DictReader(file))
    assert total == 60 * 50 * 100  # the budget, to the last cent


def test_all_kinds_of_files_are_there(small: SampleSummary) -> None:
    names = [path.name for path in small.landing.rglob("*") if path.is_file()]
    for suffix in (".parquet", ".csv", ".csv.gz", ".jsonl", ".jsonl.gz"):
        assert any(name.endswith(suffix) for name in names), suffix


@pytest.mark.parametrize(
    "size", [{"creators": 59}, {"creators": 100_001}, {"periods": 0}, {"periods": 25}]
)
def test_absurd_sizes_are_refused(tmp_path: Path, size: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"is not in"):
        write_sample(tmp_path, **size)


def test_two_samples_do_not_mix(small: SampleSummary) -> None:
    with pytest.raises(FileExistsError):
        write_sample(small.program_file.parent, creators=60, periods=1)


@pytest.mark.parametrize("is_link", [False, True])
def test_a_program_file_of_ones_own_stays(tmp_path: Path, is_link: bool) -> None:
    own = tmp_path / "own.yaml" if is_link else tmp_path / "program.yaml"
    own.write_text("program: own")
    if is_link:
        (tmp_path / "program.yaml").symlink_to(own)
    with pytest.raises(FileExistsError, match="a program file already"):
        write_sample(tmp_path, creators=60, periods=1)
    assert own.read_text() == "program: own"
    assert not (tmp_path / "landing").exists()
