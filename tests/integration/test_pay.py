"""`bonus pay` (§14) over a closed home: files for the bank that say what the ledger says, or none at all."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from xml.etree import ElementTree

import duckdb
import pytest

from orchestration.payments.payouts import payouts_due
from orchestration.terms.currencies import amount_text
from tests.conftest import BonusHere
from tests.incidents.landing import Books, World, key
from tests.unit.payments.bank import Bank

HOSTILE = ('ann"\\', "bo</Nm>", "=1+1", "<!--&amp;")
IBANS = ("ES9121000418450200051332", "DE89370400440532013000", "FR1420041010050500013M02606")
NS = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"
Pay = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="session")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """A month that is closed, one that is open and one that nobody has run; four currencies.

    poor is below the minimum in both months, and is paid in neither.
    """
    world = World(tmp_path_factory.mktemp("pay"))
    world.lasts(3)
    currencies = ("USD", "USD", "JPY", "KWD")
    for number, (name, currency) in enumerate(zip(HOSTILE, currencies, strict=True)):
        world.creator(name, currency)
        world.post(f"{number}-1", name, 60_010 * (number + 1), month=1)
        world.post(f"{number}-2", name, 60_010, month=2)
    world.creator("poor")
    world.post("poor-1", "poor", 10, month=1)
    for currency, rate in (("JPY", "151.37"), ("KWD", "0.30753")):
        world.rows["fx_rates"] += [
            {"rate_date": day, "base_currency": "USD", "quote_currency": currency, "rate": rate}
            for day in ("2024-02-03", "2024-03-03")
        ]
    world.program["minimum_payout"] = {"USD": Decimal("15.00")}
    books = Books(world)
    books.run_and_close(1)
    books.run(2)
    return books


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with accounts of all and a debtor."""
    rows = [
        [name, f"Name of {number}", "Madrid", "ES", IBANS[number % 3], "", ""]
        for number, name in enumerate(HOSTILE)
    ]
    with (tmp_path / "accounts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["creator_id", "name", "town", "country", "iban", "bic", "account"])
        writer.writerows(rows)
    (tmp_path / "debtor.yaml").write_text(
        "name: Studio\ntown: Bonn\ncountry: DE\niban: DE89 3704 0044 0532 0130 00\n"
    )
    return tmp_path


@pytest.fixture
def pay(books: Books, files: Path) -> Pay:
    return lambda month, *more, home=None: pay_in(home or books.home, books, files, month, *more)


def pay_in(
    home: Path, books: Books, files: Path, month: int, *more: str, out: str = "bank"
) -> CompletedProcess[str]:
    bonus = BonusHere(books.plain.loaded.path, books.world.folder, home)
    options = ("--accounts", "accounts.csv", "--debtor", "debtor.yaml", "--out", out)
    paths = [option if option[:2] == "--" else str(files / option) for option in options]
    return bonus("pay", key(month), *paths, *more)


def test_no_account_is_written_into_the_home(books: Books, files: Path) -> None:
    """§14: accounts come with the command, and none is stored in the home; nor is what is exported."""
    inside = books.home / "bank"
    paid = pay_in(books.home, books, files, 1, out=str(inside))
    bonus = BonusHere(books.plain.loaded.path, books.world.folder, books.home)
    exported = bonus("export", key(1), "--out", str(inside))
    for done in (paid, exported):
        assert done.returncode == 2
        assert "it lies in" in " ".join(done.stderr.split())
    assert not inside.exists()


def ledger(books: Books, month: int) -> dict[str, list[tuple[str, int]]]:
    """What is to be paid, by currency, in the order of ids."""
    path = books.plain.published[key(month)].pattern("payout_ledger")
    rows = duckdb.sql(
        f"from read_parquet('{path}') select payout_currency, creator_id, payout_minor"
        " where payout_minor > 0 order by all"
    ).fetchall()
    found: dict[str, list[tuple[str, int]]] = {}
    for currency, creator, minor in rows:
        found.setdefault(currency, []).append((creator, minor))
    return found


def test_the_files_say_what_the_ledger_says(books: Books, files: Path, pay: Pay) -> None:
    """Read by a third library; once for each currency, with its decimals."""
    done = pay(1, "--json")
    assert done.returncode == 0, done.stderr
    due = ledger(books, 1)
    assert {currency: len(rows) for currency, rows in due.items()} == {"JPY": 1, "KWD": 1, "USD": 2}
    written = sorted(path.name for path in (files / "bank").iterdir())
    assert written == [f"2024-01-{currency}.xml" for currency in sorted(due)]
    told = {one["currency"]: one for one in json.loads(done.stdout)["files"]}
    ids: list[str] = []
    for currency, rows in due.items():
        root = ElementTree.parse(files / "bank" / f"2024-01-{currency}.xml").getroot()
        text = {element.tag.removeprefix(NS): element.text for element in root.iter()}
        amounts = [(one.get("Ccy"), one.text) for one in root.iter(f"{NS}InstdAmt")]
        assert amounts == [(currency, amount_text(currency, minor)) for _, minor in rows]
        total = amount_text(currency, sum(minor for _, minor in rows))
        assert {one.text for one in root.iter(f"{NS}CtrlSum")} == {total}
        assert {one.text for one in root.iter(f"{NS}NbOfTxs")} == {str(len(rows))}
        assert told[currency]["control_sum"] == total
        assert text["Dt"] == "2024-02-21" and text["Ustrd"] == "bonus 2024-01"
        ids += [one.text or "" for one in root.iter(f"{NS}EndToEndId")]
        ids += [text["MsgId"] or "", text["PmtInfId"] or ""]
    assert len(set(ids)) == len(ids) == 4 + 2 * 3
    assert all(re.fullmatch("[A-Za-z0-9]{1,35}", one) for one in ids)


def test_the_same_payout_has_the_same_bytes_whenever_the_file_is_made(
    books: Books, files: Path, pay: Pay, tmp_path: Path
) -> None:
    assert pay(1).returncode == 0
    before = contents(files / "bank")
    assert pay(1).returncode == 0
    assert contents(files / "bank") == before
    accounts = (files / "accounts.csv").read_text("utf-8").splitlines()
    (files / "accounts.csv").write_text("\n".join([accounts[0], *reversed(accounts[1:])]), "utf-8")
    assert pay_in(books.home, books, files, 1, out="again").returncode == 0
    assert contents(files / "again") == before
    assert all(path.stat().st_mode & 0o077 == 0 for path in (files / "bank").iterdir())
    # A mended account is the same payout: a bank that has it already must see that.
    (files / "accounts.csv").write_text("\n".join(accounts).replace("Name of 0", "Ann"), "utf-8")
    assert pay_in(books.home, books, files, 1, out="mended").returncode == 0
    ids = re.compile("<(?:MsgId|PmtInfId|InstrId|EndToEndId)>.*?<")
    mended = contents(files / "mended")
    assert mended != before
    for name, content in before.items():
        assert ids.findall(mended[name].decode()) == ids.findall(content.decode())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_nothing_of_accounts_or_debtor_stays_in_the_home(books: Books, pay: Pay) -> None:
    assert pay(1).returncode == 0
    for path in books.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(iban.encode() in content for iban in IBANS), path
            assert b"Name of 0" not in content, path


def test_what_cannot_be_paid_is_named_at_once_and_nothing_is_written(files: Path, pay: Pay) -> None:
    accounts = (files / "accounts.csv").read_text("utf-8").splitlines()
    accounts[1] = accounts[1].replace("ES91", "ES19")
    del accounts[2]
    (files / "accounts.csv").write_text("\n".join(accounts), "utf-8")
    (files / "debtor.yaml").write_text("name: Studio\ntown: Bonn\ncountry: DE\nbic: DEUTDE\n")
    done = pay(1)
    assert done.returncode == 2 and not (files / "bank").exists()
    for said in (
        "debtor.yaml:4: bic is 'DEUTDE'", "debtor.yaml:1: iban is empty, with only bic",
        "accounts.csv:2: 'ann\"\\\\': iban has check digits", "'bo</Nm>' is to be paid and has no row",
        "nothing is written",
    ):  # fmt: skip
        assert said in done.stderr
    assert len(done.stderr.splitlines()) == 5


def test_a_name_in_other_letters_is_written_as_it_stands_and_said(files: Path, pay: Pay) -> None:
    text = (files / "accounts.csv").read_text("utf-8").replace("Name of 2", "山田 太郎")
    (files / "accounts.csv").write_text(text, "utf-8")
    done = pay(1)
    assert done.returncode == 0
    assert "<Nm>山田 太郎</Nm>" in (files / "bank" / "2024-01-JPY.xml").read_text("utf-8")
    assert "ask your bank whether it takes them: =1+1" in done.stderr


@pytest.mark.parametrize(
    ("month", "status", "said"),
    [(2, 4, "2024-02 is not closed yet"), (3, 4, "2024-03 is not published yet"), (4, 2, "no period '2024-04'")],
    ids=["open", "not run", "unknown"],
)  # fmt: skip
def test_only_a_closed_period_is_paid(
    month: int, status: int, said: str, files: Path, pay: Pay
) -> None:
    done = pay(month)
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr
    assert not (files / "bank").exists()


def test_a_folder_in_the_way_leaves_no_file(files: Path, pay: Pay) -> None:
    (files / "bank" / "2024-01-USD.xml").mkdir(parents=True)
    done = pay(1)
    assert done.returncode == 2 and "cannot write to" in done.stderr
    assert [path.name for path in (files / "bank").iterdir()] == ["2024-01-USD.xml"]


def _ledger_changed(home: Path) -> None:
    (path,) = home.glob("store/*/period=2024-01/*/payout_ledger/part-0.parquet")
    path.chmod(0o600)
    rows = duckdb.sql(f"from read_parquet('{path}')").to_df()
    rows["payout_minor"] += 1
    duckdb.sql("from rows").write_parquet(str(path))


def _line_changed(home: Path) -> None:
    (path,) = home.glob("closed/*/close-log.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"grace"', b'"gracy"'))


def _line_lost(home: Path) -> None:
    (path,) = home.glob("closed/*/close-log.jsonl")
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [_ledger_changed, _line_changed, _line_lost])
def test_what_was_changed_since_the_close_is_not_paid(
    damage: Callable[[Path], Any], books: Books, files: Path, pay: Pay, tmp_path: Path
) -> None:
    home = shutil.copytree(books.home, tmp_path / "home", symlinks=True)
    assert pay(1, home=home).returncode == 0
    shutil.rmtree(files / "bank")
    damage(home)
    done = pay(1, home=home)
    assert done.returncode == 4 and "see bonus verify" in done.stderr, done.stderr
    assert not (files / "bank").exists()


def test_who_is_owed_nothing_gets_no_file(tmp_path: Path, files: Path) -> None:
    world = World(tmp_path / "poor")
    world.folder.mkdir()
    world.creator("poor")
    world.post("poor-1", "poor", 10)
    world.program["minimum_payout"] = {"USD": Decimal("15.00")}
    books = Books(world)
    books.run_and_close(1)
    (files / "accounts.csv").write_text("creator_id,name,town,country,iban\n")
    done = pay_in(books.home, books, files, 1)
    assert (done.returncode, done.stdout) == (0, "2024-01 pays nobody: no file is written\n")
    assert not (files / "bank").exists()


def test_a_program_file_that_takes_back_a_period_pays_nothing(
    books: Books, files: Path, tmp_path: Path
) -> None:
    """§7 "Periods stay"."""
    text = books.plain.loaded.path.read_text("utf-8")
    other = tmp_path / "other.yaml"
    other.write_text(re.sub("2024-02(?!-)", "2024-02b", text), "utf-8")
    bonus = BonusHere(other, books.world.folder, books.home)
    names = ("accounts.csv", "debtor.yaml", "bank")
    accounts, debtor, out = (str(files / name) for name in names)
    done = bonus("pay", key(1), "--accounts", accounts, "--debtor", debtor, "--out", out)
    assert done.returncode == 4 and "not in the program file" in done.stderr, done.stderr


# What the bank answers.


def returned_in(books: Books, files: Path, *orders: int) -> Path:
    """The bank's message that rejects the payments of some creators, by their number, and one of others."""
    bank = Bank(1)
    for path in sorted((files / "bank").iterdir()):
        bank.takes(path.read_bytes())
    due = payouts_due(books.plain.home, books.plain.loaded, key(1))
    currencies = {
        one.creator_id: one.currency for payouts in due.payouts.values() for one in payouts
    }
    ids = {
        due.id_of("transaction", currencies[HOSTILE[number]], HOSTILE[number]) for number in orders
    }
    path = files / "answer.xml"
    chosen = [order for order in bank.orders if order.its_id in ids]
    path.write_bytes(bank.status(chosen, "RJCT", "AC04", others=True))
    return path


def test_what_did_not_arrive_is_delivered_posted_and_reconciled(
    books: Books, files: Path, pay: Pay, tmp_path: Path
) -> None:
    assert pay(1).returncode == 0
    answer = returned_in(books, files, 0, 2)
    home = shutil.copytree(books.home, tmp_path / "home", symlinks=True)
    world = replace(books.world, rows=deepcopy(books.world.rows))
    here = Books(world, str(home))
    bonus = BonusHere(books.plain.loaded.path, books.world.folder, home)
    due = ledger(books, 1)

    done = bonus("pay", key(1), "--status", str(answer), "--out", str(tmp_path / "returns"))
    assert done.returncode == 0 and "2 payouts did not arrive" in done.stdout, done.stderr
    assert "1 ids of the bank's answers are none of 2024-01: OTHER-" in done.stderr
    path = tmp_path / "returns" / "2024-01-returns.csv"
    before = path.read_bytes()
    again = ("pay", key(1), "--status", str(answer), "--status", str(answer))
    assert bonus(*again, "--out", str(tmp_path / "returns")).returncode == 0
    assert path.read_bytes() == before

    def sums() -> dict[str, Any]:
        done = bonus("pay", key(1), "--status", str(answer), "--reconcile", "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)["currencies"]
        return found

    (yen,), (ann, bo) = due["JPY"], due["USD"]
    assert sums()["JPY"] == {
        "payouts_minor": yen[1], "paid_minor": 0, "returned_minor": yen[1], "posted_minor": 0,
        "unanswered_minor": 0,
    }  # fmt: skip
    assert sums()["USD"] == {
        "payouts_minor": ann[1] + bo[1], "paid_minor": 0, "returned_minor": ann[1],
        "posted_minor": 0, "unanswered_minor": bo[1],
    }  # fmt: skip

    with path.open(encoding="utf-8", newline="") as file:
        world.rows["payment_returns"] += list(csv.DictReader(file))
    here.run(2)
    assert {row[1] for row in here.posted(2, "return")} == {HOSTILE[0], HOSTILE[2]}
    assert {currency: one["posted_minor"] for currency, one in sums().items()} == {
        "JPY": yen[1], "KWD": 0, "USD": ann[1],
    }  # fmt: skip
    # The books say of two that they came back; without the bank's message nothing says so.
    done = bonus("pay", key(1), "--reconcile")
    assert done.returncode == 5 and "no answer that was given says so" in done.stderr
    assert done.stderr.endswith("2 differences\n")
    here.close(2)
    assert dict(ledger(here, 2)["USD"])[HOSTILE[0]] == ann[1] + 60_01


@pytest.mark.parametrize(
    "options",
    [
        (), ("--accounts", "a"), ("--status", "s"), ("--status", "s", "--out", "o", "--accounts", "a"),
        ("--reconcile", "--out", "o"), ("--out", "o"),
        ("--accounts", "a", "--debtor", "d", "--out", "o", "--status", "s"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_options_that_do_not_go_together(books: Books, options: tuple[str, ...]) -> None:
    bonus = BonusHere(books.plain.loaded.path, books.world.folder, books.home)
    done = bonus("pay", key(1), *options)
    assert done.returncode == 2 and "give --accounts, --debtor and --out to pay" in done.stderr


def test_files_that_are_no_answers_are_named_and_nothing_is_written(
    books: Books, tmp_path: Path
) -> None:
    bonus = BonusHere(books.plain.loaded.path, books.world.folder, books.home)
    (tmp_path / "x.xml").write_text("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")
    files = ("--status", str(tmp_path / "x.xml"), "--status", str(tmp_path / "absent.xml"))
    done = bonus("pay", key(1), *files, "--out", str(tmp_path / "out"))
    assert done.returncode == 2 and not (tmp_path / "out").exists()
    assert len(done.stderr.splitlines()) == 2
    done = bonus("pay", key(2), "--reconcile")
    assert done.returncode == 4 and "2024-02 is not closed yet" in done.stderr


def test_the_files_of_another_program_are_not_written_over(
    books: Books, files: Path, pay: Pay, tmp_path: Path
) -> None:
    """Two programs in one home, paid into one folder: of the first one nobody was paid."""
    assert pay(1).returncode == 0
    before = contents(files / "bank")
    assert pay(1).returncode == 0  # its own are made again
    world = World(tmp_path / "other", name="other")
    world.folder.mkdir()
    world.creator(HOSTILE[0])
    world.post("p", HOSTILE[0], 60_010)
    other = Books(world)
    other.run_and_close(1)
    done = pay_in(other.home, other, files, 1)
    assert done.returncode == 4, done.stdout
    assert "2024-01-USD.xml is no file of this program and period" in done.stderr
    assert contents(files / "bank") == before
    # Nor those of the same program in another home, which pays something else by the same ids.
    shutil.copytree(files / "bank", files / "changed")
    changed = files / "changed" / "2024-01-USD.xml"
    changed.write_bytes(changed.read_bytes().replace(b"</InstdAmt>", b"1</InstdAmt>", 1))
    before = contents(files / "changed")
    assert pay_in(books.home, books, files, 1, out="changed").returncode == 4
    assert contents(files / "changed") == before
    assert pay_in(other.home, other, files, 1, out="other").returncode == 0
