"""`bonus export --format` (§14): `bean-check` accepts the books; the workbook and Parquet files are the CSV's rows."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import duckdb
import pytest
from beancount import loader
from beancount.core.data import Open
from python_calamine import CalamineWorkbook

from orchestration.payments.beancount import account_of, export_beancount
from orchestration.publishing.export import export_period
from tests.conftest import SHARED, BonusHere
from tests.incidents.landing import Books, World, key
from tests.integration.books import Books as PlainBooks
from tests.proof.books_file import faults

CASES = sorted(path.name for path in (SHARED / "worked").glob("[0-9][0-9]")) or ["absent"]
HOSTILE = ('ann"\\', "bo", "=1+1", "c\u2028; 2024-01-01 open X")


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """Two months, the second open, with ids that would break a file; 10.00 and less is carried over."""
    from decimal import Decimal

    world = World(tmp_path_factory.mktemp("exports"))
    for number, name in enumerate(HOSTILE):
        world.creator(name)
        for month in (1, 2):
            world.post(f"{number}-{month}", name, 6_000 * (number + 1), month=month)
    world.program["minimum_payout"] = {"USD": Decimal("15.00")}
    books = Books(world)
    books.run_and_close(1)
    books.run(2)
    return books


def test_the_books_are_accepted_with_hostile_ids(books: Books, tmp_path: Path) -> None:
    plain = books.plain
    for month in (1, 2):
        assert faults(plain.home, plain.program, key(month), tmp_path) == []
    entries, _, _ = loader.load_file(str(tmp_path / f"{key(2)}.beancount"))
    names = {
        entry.account: entry.meta.get("creator_id") for entry in entries if isinstance(entry, Open)
    }
    assert set(names.values()) == {None, *HOSTILE}
    assert all(account_of(f"payable:{name}") in names for name in HOSTILE)


def test_a_book_of_another_sum_is_not_accepted(books: Books, tmp_path: Path) -> None:
    """The assertions are of the ledger: one cent more is seen."""
    plain = books.plain
    path, *_ = export_beancount(plain.home, plain.program, key(1), tmp_path)
    text = path.read_text("utf-8")
    changed = re.sub(
        r"(balance \S+  -\d+\.\d)(\d) ~", lambda m: f"{m[1]}{(int(m[2]) + 1) % 10} ~", text, count=1
    )
    assert changed != text
    path.write_text(changed, "utf-8")
    _, errors, _ = loader.load_file(str(path))
    assert len(errors) == 1


def test_different_accounts_stay_different() -> None:
    accounts = ["payable:a", "payable:A", "withheld:US", "withheld:us", "withheld:a", "withheld:-"]
    assert len({account_of(one) for one in accounts}) == len(accounts)
    assert account_of("payable:a") == "Liabilities:Payable:Cca978112ca1bbdcafac231b3"


def test_all_formats_hold_the_rows_of_the_csv(books: Books, tmp_path: Path) -> None:
    """By the command, as it is used; a format that is none is refused."""
    plain = books.plain
    bonus = BonusHere(plain.loaded.path, books.world.folder, plain.home.path)
    for name in ("csv", "parquet", "xlsx", "beancount"):
        out = tmp_path / name
        done = bonus("export", key(2), "--out", str(out), "--format", name)
        assert done.returncode == 0, done.stderr
        assert {"program.yaml", "run.json"} <= {path.name for path in out.iterdir()}
    sheets = CalamineWorkbook.from_path(tmp_path / "xlsx" / f"{key(2)}.xlsx")
    for path in (tmp_path / "csv").glob("*.csv"):
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
        parquet = tmp_path / "parquet" / f"{path.stem}.parquet"
        assert duckdb.sql(f"from '{parquet}'").shape == (len(rows) - 1, len(rows[0])), path.stem
        cells = sheets.get_sheet_by_name(path.stem).to_python(skip_empty_area=False)
        assert len(cells) == len(rows)
        for found, row in zip(cells, rows, strict=True):
            shown = [
                cell if isinstance(cell, str) else f"{cell:.10f}".rstrip("0").rstrip(".")
                for cell in found
            ]
            assert shown == row, path.stem
    done = bonus("export", key(2), "--out", str(tmp_path / "x"), "--format", "ods")
    assert done.returncode == 2
    done = bonus(
        "export", key(2), "--out", str(tmp_path / "x"), "--format", "xlsx", "--spreadsheet"
    )
    assert done.returncode == 2 and "--spreadsheet is for csv" in done.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("as_format", ["csv", "parquet", "xlsx", "beancount"])
def test_no_link_in_the_folder_is_followed(as_format: str, books: Books, tmp_path: Path) -> None:
    """Whoever may write in `--out` cannot have the owner of the home write over its files."""

    def export() -> list[Path]:
        plain, publication = books.plain, books.plain.published[key(1)]
        if as_format == "beancount":
            return export_beancount(plain.home, plain.program, key(1), tmp_path / "out")
        return export_period(publication, tmp_path / "out", as_format=as_format)  # type: ignore[arg-type]

    precious = tmp_path / "precious"
    precious.write_text("old", "utf-8")
    first = {path: path.read_bytes() for path in export()}
    for path in first:
        path.unlink()
        path.symlink_to(precious)
    assert set(export()) == first.keys()
    assert precious.read_text("utf-8") == "old"
    if as_format != "xlsx":  # a workbook tells when it was written
        assert {path: path.read_bytes() for path in first} == first
    assert not any(path.is_symlink() for path in first)


def test_a_table_that_no_sheet_holds_is_refused(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.publishing import export

    monkeypatch.setattr(export, "ROWS_OF_A_SHEET", 1)
    plain = books.plain
    bonus = BonusHere(plain.loaded.path, books.world.folder, plain.home.path)
    done = bonus("export", key(2), "--out", str(tmp_path / "x"), "--format", "xlsx")
    assert done.returncode == 2 and "a sheet holds 1 below its header" in done.stderr
    assert not list((tmp_path / "x").iterdir())


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_the_books_of_worked_cases_are_accepted(case: str, shared: Path, tmp_path: Path) -> None:
    source = shared / "worked" / case
    books = PlainBooks(tmp_path / "home", source / "program.yaml", fast=True)
    for period in books.periods:
        books.run(period, source / "landing")
    for period in books.periods:
        assert faults(books.home, books.program, period, tmp_path / "out") == []
