"""Small inputs on which the product was wrong (`shared/found`, beside the repository): each ends as its README says."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from orchestration.pipeline.refusals import GateFailed, Refused, describe
from orchestration.publishing.export import export_period
from tests.conftest import SHARED, BonusHere
from tests.integration.books import Books

pytestmark = pytest.mark.skipif(
    not (SHARED / "found").is_dir(), reason=f"what was found is not at {SHARED / 'found'}"
)

FOUND = SHARED / "found"
APRIL, MAY = "2024-04", "2024-05"


def opened(case: str, tmp_path: Path, program: str = "program.yaml") -> Books:
    return Books(tmp_path / "home", FOUND / case / program, fast=True)


def rows(books: Books, period: str, table: str, out: Path) -> list[dict[str, str]]:
    export_period(books.published[period], out)
    with (out / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_snapshot_at_the_end_of_the_window_counts(tmp_path: Path) -> None:
    """§3 "observed_at <= b": daily snapshots at local midnight, the last at the end of W. All 20,000 views
    are paid in April (1 USD per 1,000 points), and May has a row of the post, which earns nothing."""
    case = "snapshots-at-local-midnight"
    books = opened(case, tmp_path)
    for period in (APRIL, MAY):
        books.run(period, FOUND / case / "landing")
    (april,) = rows(books, APRIL, "payout_ledger", tmp_path / "out")
    assert (april["points"], april["payout_minor"]) == ("20000", "2000")
    (may,) = rows(books, MAY, "post_eligibility", tmp_path / "out")
    assert (may["qualified_views"], may["reasons"]) == ("0", "BELOW_MINIMUM_VIEWS|OUTSIDE_WINDOW")


def test_two_rates_of_one_day_are_refused_with_advice_that_can_be_followed(tmp_path: Path) -> None:
    case = "fx-corrected-same-day"
    books = opened(case, tmp_path)
    with pytest.raises(GateFailed, match="take the wrong row, or its file, out of the landing"):
        books.run(APRIL, FOUND / case / "landing")
    landing = shutil.copytree(FOUND / case / "landing", tmp_path / "landing")
    rates = landing / "fx_rates" / "a.csv"
    rates.chmod(0o600)
    lines = rates.read_text(encoding="utf-8").splitlines()
    rates.write_text("\n".join(line for line in lines if not line.endswith(",150")), "utf-8")
    assert books.run(APRIL, landing).gate.held


def test_a_program_keeps_its_currency(tmp_path: Path) -> None:
    case = "program-currency-changed"
    books = opened(case, tmp_path)
    books.run(APRIL, FOUND / case / "landing")
    books.close(APRIL)
    changed = opened(case, tmp_path, "program-2.yaml")
    for period in (APRIL, MAY):
        with pytest.raises(Refused, match="the currency is JPY, but what is published is in USD"):
            changed.run(period, FOUND / case / "landing")


def test_no_period_is_put_before_a_closed_one(tmp_path: Path) -> None:
    case = "period-before-closed"
    books = opened(case, tmp_path)
    books.run(APRIL, FOUND / case / "landing")
    books.close(APRIL)
    changed = opened(case, tmp_path, "program-2.yaml")
    for period in ("pilot", MAY):
        with pytest.raises(Refused, match=f"pilot stands before {APRIL}, which is closed"):
            changed.run(period, FOUND / case / "landing")


def test_a_close_does_not_skip_a_period_that_left_the_program_file(tmp_path: Path) -> None:
    case = "close-skips-open-period"
    landing = shutil.copytree(FOUND / case / "landing", tmp_path / "landing")
    (landing / "post_metrics" / "late.csv").unlink()
    books = opened(case, tmp_path)
    for period in (APRIL, MAY):
        books.run(period, landing)
    shorter = opened(case, tmp_path, "program-2.yaml")
    said = f"{APRIL} published, but not in the program file; put it back"
    with pytest.raises(Refused, match=said):
        shorter.close(MAY)
    with pytest.raises(Refused, match=said):
        shorter.run(MAY, landing)


def test_a_column_of_nearly_the_right_name_is_refused_and_named(tmp_path: Path) -> None:
    """`removed_at ` and `Ineligible_views`: were they optional columns that are absent, all would be paid."""
    case = "optional-header-near-miss"
    with pytest.raises(GateFailed) as refused:
        opened(case, tmp_path).run(APRIL, FOUND / case / "landing")
    said = describe("ingest", refused.value.result)
    assert 'found "removed_at ", expected "removed_at"' in said
    assert 'found "Ineligible_views", expected "ineligible_views"' in said
    landing = shutil.copytree(FOUND / case / "landing", tmp_path / "landing")
    for dataset, wrong, right in (
        ("posts", "removed_at ", "removed_at"),
        ("post_metrics", "Ineligible_views", "ineligible_views"),
    ):
        file = landing / dataset / "a.csv"
        file.chmod(0o600)
        file.write_text(file.read_text("utf-8").replace(f",{wrong},", f",{right},"), "utf-8")
    books = opened(case, tmp_path)
    books.run(APRIL, landing)
    assert {
        row["payout_minor"] for row in rows(books, APRIL, "payout_ledger", tmp_path / "out")
    } == {"0"}
    reasons = [row["reasons"] for row in rows(books, APRIL, "post_eligibility", tmp_path / "out")]
    assert len(reasons) == 3 and all("REMOVED" in each.split("|") for each in reasons)


def test_ids_that_a_spreadsheet_has_taken_for_numbers_are_refused_and_named(tmp_path: Path) -> None:
    case = "ids-by-a-spreadsheet"
    with pytest.raises(GateFailed, match="no_id_is_in_scientific_notation") as refused:
        opened(case, tmp_path).run(APRIL, FOUND / case / "landing")
    assert "1.78414E+16" in describe("ingest", refused.value.result)


def test_a_home_below_a_name_that_is_a_pattern_is_refused(tmp_path: Path) -> None:
    case = FOUND / "brackets-in-the-home-path"
    bonus = BonusHere(case / "program.yaml", case / "landing", tmp_path / "teams[eu]" / "home")
    done = bonus("run", APRIL, "--by", "ada")
    assert done.returncode == 2, done.stderr
    assert "teams[eu]" in done.stderr
    assert "take for a pattern" in done.stderr
    assert not list(tmp_path.iterdir())
