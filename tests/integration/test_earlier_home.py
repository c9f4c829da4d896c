"""A home that earlier code has made opens: tables and columns of today that it lacks are no fault.

The homes were made by the code of 05ca0f2 and of 1e5d52a, see tests/fixtures/README.md.
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

FIXTURES = ROOT / "tests" / "fixtures"
OPEN, NEXT = "2024-02", "2024-03"


def unpacked(name: str, folder: Path) -> Path:
    with tarfile.open(FIXTURES / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="tar")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return unpacked("earlier-home", tmp_path)


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


@pytest.fixture
def decided(tmp_path: Path) -> Books:
    """The home of 1e5d52a: it has decisions, but none of the tables that explain."""
    folder = unpacked("earlier-home-with-decisions", tmp_path)
    return Books(folder / "home", folder / "program.yaml", fast=True)


def settled(books: Books, out: Path) -> dict[str, tuple[str, str, str, str]]:
    """Of 2024-02 by creator: market, adjustments, returns, payable, as exported."""
    columns = ("market", "adjustments_minor", "returns_minor", "payable_minor")
    return {
        row["creator_id"]: tuple(row[name] for name in columns)  # type: ignore[misc]
        for row in rows(books, OPEN, "payout_ledger", out)
    }


def test_a_home_without_the_tables_that_explain_opens_and_is_exported_without_them(
    decided: Books, tmp_path: Path
) -> None:
    assert decided.published.keys() == {"2024-01", OPEN} and decided.restated.keys() == {"2024-01"}
    assert decided.differences == []
    explaining = {name for name, table in CONTRACT_TABLES.items() if table.explains}
    assert "market_totals" in explaining and "payout_ledger" not in explaining
    written = {path.stem for path in export_period(decided.published[OPEN], tmp_path / "out")}
    assert CONTRACT_TABLES.keys() - written == explaining


def test_its_open_period_keeps_its_decisions_when_settled_anew_and_is_closed(
    decided: Books, tmp_path: Path
) -> None:
    """Its landing data lacks the correction: only the restatement of -0.37 USD is taken back."""
    before = settled(decided, tmp_path / "before")
    assert before["ann"] == ("US", "-37", "801", "1615")
    assert before["zed"] == ("", "400", "0", "400")
    decided.run("2024-01", tmp_path / "landing")
    after = settled(decided, tmp_path / "after")
    assert after == before | {"ann": ("US", "0", "801", "1652")}
    decided.close(OPEN)
    assert decided.differences == []


def test_its_open_period_is_run_again_and_explains_from_then_on(
    decided: Books, tmp_path: Path
) -> None:
    before = settled(decided, tmp_path / "before")
    decided.run(OPEN, tmp_path / "landing")
    decided.run(NEXT, tmp_path / "landing")
    assert settled(decided, tmp_path / "after") == before
    explains = {period: entry.explains for period, entry in decided.published.items()}
    assert explains == {"2024-01": False, OPEN: True, NEXT: True}
    parties = rows(decided, OPEN, "settlement_parties", tmp_path / "after")
    assert {row["creator_id"]: row["payout_currency"] for row in parties}["zed"] == "USD"
    decided.close(OPEN)
    assert decided.differences == []
