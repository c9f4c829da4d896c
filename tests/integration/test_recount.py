"""recount.py follows every number of an export, and sees each cell that was changed (§5 to §7, §9)."""

from __future__ import annotations

import csv
import json
import runpy
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestration.publishing.export import export_period
from orchestration.publishing.store import Publication
from tests.conftest import ROOT
from tests.contract import SCORED_COUNTS
from tests.integration.books import Books
from tests.proof.campaign import Verdict, over
from tests.proof.cases import Case
from tests.proof.programs import any_cases
from tests.proof.proof import computed

RECOUNT = runpy.run_path(str(ROOT / "recount.py"))
DRAWN = 100
# What can be recounted, by table: each is changed by itself, in a row where that says something else.
CHANGED = {
    "creator_eligibility": ["eligible"],
    "post_eligibility": ["eligible"],
    "post_scores": [*SCORED_COUNTS, "points"],
    "creator_segments": ["audience_value"],
    "post_increments": [*SCORED_COUNTS],
    "creator_scores": ["eligible_posts", "audience_value", "points"],
    "market_totals": [
        "eligible_creators", "points", "capped_creators", "capped_minor", "shared_minor",
        "shared_points", "rounded_minor",
    ],
    "creator_earnings": [
        "points", "milestones_minor", "rounded_minor", "rounding_unit", "program_amount_minor",
        "budget_unit", "performance_minor", "milestone_minor",
    ],
    "post_earnings": ["amount_minor", "rounding_unit"],
    "settlement_rates": ["fx_rate"],
    "payout_ledger": [
        "points", "performance_minor", "milestone_minor", "program_amount_minor", "earnings_minor",
        "opening_balance_minor", "adjustments_minor", "returns_minor", "payable_minor",
        "withheld_minor", "payout_minor", "closing_balance_minor", "status", "status_reason",
    ],
    "journal": ["amount_minor", "posted_on"],
}  # fmt: skip


def recounted(capsys: pytest.CaptureFixture[str], *exports: Path) -> tuple[int, str]:
    """Status and output of recount.py."""
    status: int = RECOUNT["main"]([str(path) for path in exports])
    return status, capsys.readouterr().out


def exported(published: Mapping[str, Publication], order: list[str], out: Path) -> list[Path]:
    """An export of each published period, in the order of the program."""
    folders = [out / period for period in order if period in published]
    for folder in folders:
        export_period(published[folder.name], folder)
    return folders


@pytest.fixture(scope="module")
def exports(ran: Books, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two periods of the sample, the second with balances of the first."""
    return exported(ran.published, ran.periods, tmp_path_factory.mktemp("recount"))


def test_every_number_of_the_sample_follows(
    exports: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = exports
    assert recounted(capsys, first) == (0, f"{first.name}: every number follows\n")
    assert recounted(capsys, second, first) == (0, f"{second.name}: every number follows\n")
    assert recounted(capsys, second)[0] == 0  # opening balances as they stand
    assert json.loads((first / "program.json").read_text())["program"] == "instagram-spring-bonus"


@pytest.mark.parametrize(
    ("table", "column"),
    [(table, column) for table, columns in CHANGED.items() for column in columns],
)
def test_a_changed_cell_is_named(
    exports: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    table: str,
    column: str,
) -> None:
    first, second = exports
    changed = Path(shutil.copytree(second, tmp_path / second.name))
    path = changed / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    row = next(row for row in rows if _says_something(table, row))
    row[column] = _other(row[column])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    status, said = recounted(capsys, changed, first)
    assert status == 5
    assert said.strip()


def _says_something(table: str, row: Mapping[str, str]) -> bool:
    """A row whose cells are used: of somebody who is eligible, and of what earned something."""
    if table == "settlement_rates":
        return row["payout_currency"] == "JPY"
    if table == "creator_segments":
        return row["creator_id"] == "star-us"
    return row.get("eligible", "true") == "true" and row.get("earnings_minor", "1") != "0"


def _other(cell: str) -> str:
    if cell in ("true", "false"):
        return {"true": "false", "false": "true"}[cell]
    try:
        return str(int(cell) + 1)
    except ValueError:
        return f"{cell}1"


def test_a_row_that_is_missing_is_named(
    exports: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = exports
    for table in set(CHANGED) - {"settlement_rates", "creator_segments"}:
        changed = Path(shutil.copytree(second, tmp_path / table / second.name))
        path = changed / f"{table}.csv"
        lines = path.read_text("utf-8").splitlines(keepends=True)
        path.write_text("".join([*lines[:1], *lines[2:]]), "utf-8")
        assert recounted(capsys, changed, first)[0] == 5, table


def test_without_an_export_it_says_how_it_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert RECOUNT["main"]([]) == 2
    assert RECOUNT["main"]([str(tmp_path)]) == 2
    assert "recount.py EXPORT" in capsys.readouterr().err


@pytest.mark.parametrize(
    "programs", [pytest.param(2, id="few"), pytest.param(DRAWN, id="many", marks=pytest.mark.long)]
)
def test_drawn_programs_follow(programs: int) -> None:
    """Pools, caps, budgets, milestones, decisions, restatements: whatever the proof draws."""
    verdict = Verdict()

    def check(case: Case) -> None:
        found: list[str] = []
        with computed(case) as product:
            program = product.loaded.program
            order = [period.key for period in program.periods]
            published = product.home.store(program.program).published()
            folders = exported(published, order, product.files.home.with_name("exports"))
            for at, folder in enumerate(folders):
                recount = RECOUNT["Recount"](folder, folders[:at])
                for step in (recount.points, recount.earnings, recount.ledger):
                    step()
                found += [f"{folder.name}: {line}" for line in recount.differences()]
        verdict.demand(case, found)

    over(any_cases(with_decisions=True), programs, check, name="recount")


def test_it_is_short_enough_to_be_read() -> None:
    assert len((ROOT / "recount.py").read_text("utf-8").splitlines()) <= 200
