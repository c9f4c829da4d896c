"""A home that earlier code has made opens: tables and columns of today that it lacks are no fault.

The home was made by the code of 05ca0f2, see tests/fixtures/README.md.
"""

from __future__ import annotations

import csv
import json
import tarfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from orchestration.publishing.export import export_period
from orchestration.publishing.tables import CONTRACT_TABLES
from tests.conftest import ROOT, BonusHere
from tests.integration.books import Books

HOME = ROOT / "tests" / "fixtures" / "earlier-home.tar.xz"
OPEN, NEXT = "2024-02", "2024-03"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with tarfile.open(HOME) as archive:
        archive.extractall(tmp_path, filter="tar")
    return tmp_path


@pytest.fixture
def books(folder: Path) -> Books:
    return Books(folder / "home", folder / "program.yaml", fast=True)


def rows(books: Books, period: str, table: str, out: Path) -> list[dict[str, str]]:
    export_period(books.published[period], out)
    with (out / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_home_is_an_old_one(books: Books) -> None:
    journal = pq.read_schema(books.published[OPEN].table("journal"))
    assert "adjustment_id" not in journal.names


def test_it_verifies(books: Books, folder: Path) -> None:
    bonus = BonusHere(folder / "program.yaml", folder / "landing", folder / "home")
    done = bonus("verify")
    assert (done.returncode, done.stderr) == (0, "")
    states = bonus.json("status")["periods"]
    assert [state["state"] for state in states] == ["closed", "estimated", "not published"]


def test_what_it_published_is_exported_with_the_columns_of_today(
    books: Books, tmp_path: Path
) -> None:
    ledger = rows(books, OPEN, "payout_ledger", tmp_path / "out")
    assert list(ledger[0]) == list(CONTRACT_TABLES["payout_ledger"].columns)
    assert {row["returns_minor"] for row in ledger} == {"0"}
    journal = rows(books, OPEN, "journal", tmp_path / "out")
    assert list(journal[0]) == list(CONTRACT_TABLES["journal"].columns)
    assert {row["adjustment_id"] for row in journal} == {""}


def test_a_later_period_opens_with_its_balances(books: Books, folder: Path) -> None:
    closing = {
        (row["creator_id"], row["payout_currency"]): row["closing_balance_minor"]
        for row in rows(books, OPEN, "payout_ledger", folder / "before")
        if row["closing_balance_minor"] != "0"
    }
    assert closing == {("dee", "USD"): "500"}
    books.run(NEXT, folder / "landing")
    opening = {
        (row["creator_id"], row["payout_currency"]): row["opening_balance_minor"]
        for row in rows(books, NEXT, "payout_ledger", folder / "after")
        if row["opening_balance_minor"] != "0"
    }
    assert opening == closing
    assert books.differences == []


def test_an_open_period_of_it_is_settled_anew_and_closed(books: Books, folder: Path) -> None:
    """The landing data lacks the correction, so the restatement that 2024-02 posts is taken back."""
    posted = {row["adjustments_minor"] for row in rows(books, OPEN, "payout_ledger", folder / "1")}
    assert posted == {"0", "-77"}
    (closed,) = [period for period in books.published if period < OPEN]
    assert books.run(closed, folder / "landing").settled_anew.keys() == {OPEN}
    posted = {row["adjustments_minor"] for row in rows(books, OPEN, "payout_ledger", folder / "2")}
    assert posted == {"0"}
    books.close(OPEN)
    assert books.differences == []


def test_an_export_has_the_program_file_and_the_run_beside_the_tables(
    books: Books, folder: Path
) -> None:
    """§9: "program.yaml (the program file as the run read it) and run.json"."""
    for period, state in (("2024-01", "closed"), (OPEN, "estimated")):
        out = folder / "exported" / period
        written = export_period(books.published[period], out)
        assert sorted(out.iterdir()) == sorted(written)
        assert (out / "program.yaml").read_bytes() == books.loaded.content
        run = json.loads((out / "run.json").read_text(encoding="utf-8"))
        assert (run["program"], run["period"], run["state"]) == ("earlier", period, state)
        assert (run["by"], run["revision"]) == ("ada", books.published[period].revision)
        assert run["program_sha256"] == books.loaded.sha256
        assert {"landing_sha256", "run_id", "ingested_by", "gates", "totals"} <= run.keys()
