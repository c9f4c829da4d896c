"""`bonus statement` (§12): each file is proved by the root, says what the export says, and is written whole."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import runpy
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestration.explain.expression import number
from orchestration.pipeline.close_log import CloseLog
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.pipeline.statement_key import KEY_FILE
from orchestration.publishing.export import export_tables
from orchestration.statements import write
from orchestration.statements.languages import Speech
from orchestration.statements.pdf import NoPdf, demand_weasyprint, pdf_of
from orchestration.statements.write import name_of, write_statements
from orchestration.terms.model import Program
from tests.conftest import ROOT, SHARED, BonusHere
from tests.incidents.landing import Books as TinyBooks
from tests.incidents.landing import World, key
from tests.integration.books import Books
from tests.integration.test_earlier_home import OPEN, unpacked
from tests.page_reader import PageReader

CHECK = runpy.run_path(str(ROOT / "check_statement.py"))["check"]
LANGUAGE_OF = {"JP": "ja", "KR": "ko"}
CASES = sorted(path.name for path in (SHARED / "worked").glob("[0-9][0-9]")) or ["absent"]
DECISIONS = sorted(path.name for path in (SHARED / "worked").glob("decisions-*")) or ["absent"]
TOLD = (
    "earnings_minor", "opening_balance_minor", "adjustments_minor", "returns_minor", "payable_minor",
    "withheld_minor", "payout_minor", "closing_balance_minor",
)  # fmt: skip
HOSTILE = (
    "<script>alert(1)</script>",
    "a\"b'c&d",
    "=1+1",
    'x,"y',
    "r\u202elz",
    "%(day)s",
    "{{ 7*7 }}",
)


def index(out: Path) -> list[dict[str, str]]:
    with (out / "index.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rows(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def exported_facts(folder: Path, creator: str) -> dict[str, Any]:
    """`ledger` and `posts` of §12, out of the exported files."""

    def cells(row: dict[str, str]) -> dict[str, str | None]:
        return {column: value or None for column, value in row.items()}

    points = {row["post_id"]: row["points"] for row in rows(folder, "post_scores")}
    return {
        "ledger": {
            row["payout_currency"]: cells(row)
            for row in rows(folder, "payout_ledger")
            if row["creator_id"] == creator
        },
        "posts": {
            row["post_id"]: cells(row) | {"points": points[row["post_id"]]}
            for row in rows(folder, "post_earnings")
            if row["creator_id"] == creator
        },
    }


def faults(home: Home, program: Program, period: str, folder: Path) -> Iterator[str]:
    """What is wrong with the statements of a period, against its export and its line in the close log."""
    publication = home.store(program.program).published()[period]
    export_tables(publication, folder / "export")
    out = folder / "statements"
    written = write_statements(home, program, period, out)
    entries = {entry.period: entry for entry, _ in CloseLog(home.path, program.program).entries()}
    root, size = written.root, written.tree_size
    if period in entries:
        root, size = str(entries[period].statements_root), int(entries[period].statements or 0)
    ledger = rows(folder / "export", "payout_ledger")
    markets = {row["creator_id"]: row["market"] for row in ledger}
    expected = [
        {
            "creator_id": creator,
            "name": hashlib.sha256(creator.encode()).hexdigest()[:24],
            "language": LANGUAGE_OF.get(market, "en"),
        }
        for creator, market in sorted(markets.items())
    ]
    if index(out) != expected:
        yield f"{period}: index.csv"
    files = {f"{row['name']}.{end}" for row in expected for end in ("html", "json")}
    if {path.name for path in out.iterdir()} != files | {"index.csv"}:
        yield f"{period}: other files"
    for row in expected:
        content = (out / f"{row['name']}.json").read_bytes()
        CHECK(content, root, size)
        facts = json.loads(content)["facts"]
        wanted = exported_facts(folder / "export", row["creator_id"]) | {
            "program": program.program,
            "period": period,
            "creator_id": row["creator_id"],
            "state": publication.state,
        }
        if facts != wanted:
            yield f"{period}: facts of {row['creator_id']}"
        page = (out / f"{row['name']}.html").read_text("utf-8")
        if f'<html lang="{row["language"]}">' not in page or root not in page:
            yield f"{period}: page of {row['creator_id']}"
        for cells in facts["ledger"].values():
            for column in TOLD:
                money = Speech(row["language"]).money(cells[column], cells["payout_currency"])
                if f">{money}<" not in page:
                    yield f"{period}: {column} of {row['creator_id']} is not on its page"
    shutil.rmtree(folder)


def test_every_statement_is_proved_and_says_what_the_export_says(
    whole: Books, tmp_path: Path
) -> None:
    for period in whole.periods[:2]:
        assert not list(faults(whole.home, whole.program, period, tmp_path / period))


@pytest.mark.long  # every statement of every period
@pytest.mark.parametrize("case", CASES)
def test_every_worked_case_has_its_statements(case: str, shared: Path, tmp_path: Path) -> None:
    source = shared / "worked" / case
    books = Books(tmp_path / "home", source / "program.yaml", fast=True)
    for period in books.periods:
        books.run(period, source / "landing")
        books.close(period)
        assert not list(faults(books.home, books.program, period, tmp_path / period))


@pytest.mark.long
@pytest.mark.parametrize("case", DECISIONS)
def test_decisions_have_their_statements(case: str, shared: Path, tmp_path: Path) -> None:
    """Adjustments by hand and returned payments, over closed and open periods."""
    source = shared / "worked" / case
    books = Books(tmp_path / "home", source / "program.yaml", fast=True)
    for at, closing in enumerate(books.periods, start=1):
        for period in books.periods:
            books.run(period, source / f"landing-{at}")
        books.close(closing)
        for period in books.published:
            assert not list(faults(books.home, books.program, period, tmp_path / period))


@pytest.fixture
def bonus(whole: Books, sample: Path) -> BonusHere:
    return BonusHere(whole.loaded.path, sample / "landing", whole.home.path)


def test_named_creators_in_a_language(bonus: BonusHere, whole: Books, tmp_path: Path) -> None:
    closed, still_open = whole.periods[:2]
    write_statements(whole.home, whole.program, closed, tmp_path / "all")
    one, two = [row["creator_id"] for row in index(tmp_path / "all")][:2]
    arguments = ("--creator", two, "--creator", one, "--creator", one, "--language", "fr")
    told = bonus.json("statement", closed, "--out", str(tmp_path / "few"), *arguments)
    assert (told["statements"], told["languages"], told["state"]) == (2, {"fr": 2}, "closed")
    assert [row["creator_id"] for row in index(tmp_path / "few")] == [one, two]
    for row in index(tmp_path / "few"):
        name = f"{row['name']}.json"  # the same proof, whoever else is asked for
        assert (tmp_path / "few" / name).read_bytes() == (tmp_path / "all" / name).read_bytes()
        page = (tmp_path / "few" / name).with_suffix(".html").read_text("utf-8")
        assert '<html lang="fr">' in page and "ESTIMATION" not in page
        assert f"check_statement.py {name} --root {told['root']}" in page
    done = bonus("statement", still_open, "--out", str(tmp_path / "open"), *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 statements, 2 of them made now; estimated, root " in done.stdout
    for row in index(tmp_path / "open"):
        page = (tmp_path / "open" / f"{row['name']}.html").read_text("utf-8")
        assert '<p class="sheet-note" aria-hidden="true">ESTIMATION</p>' in page
        assert "Ceci est une estimation." in page


def test_what_is_refused(bonus: BonusHere, whole: Books, tmp_path: Path) -> None:
    closed, out = whole.periods[0], str(tmp_path / "out")
    for arguments, status, said in (
        (
            (closed, "--out", out, "--creator", "nobody"),
            2,
            "no row in the ledger of 2024-04: 'nobody'",
        ),
        ((closed, "--out", out, "--creator", "\udcff"), 2, "no row in the ledger"),
        (
            (closed, "--out", str(whole.home.path / "x")),
            2,
            "it lies in",
        ),
        ((closed, "--out", str(whole.home.path)), 2, "it lies in"),
        ((closed, "--out", str(whole.loaded.path)), 2, "cannot write to"),
        (("never", "--out", out), 2, "has no period 'never'"),
        ((closed, "--out", out, "--language", "de"), 2, "--language"),
    ):
        done = bonus("statement", *arguments)
        assert (done.returncode, done.stdout) == (status, ""), done.stderr
        assert said in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_period_that_is_not_published_or_lacks_tables_is_refused(tmp_path: Path) -> None:
    folder = unpacked("earlier-home-with-decisions", tmp_path)
    bonus = BonusHere(folder / "program.yaml", folder / "landing", folder / "home")
    done = bonus("statement", OPEN, "--out", str(tmp_path / "out"))
    assert (
        done.returncode == 4 and "was published by earlier code, without the tables" in done.stderr
    )
    bonus = BonusHere(folder / "program.yaml", folder / "landing", tmp_path / "new")
    done = bonus("statement", OPEN, "--out", str(tmp_path / "out"))
    assert done.returncode == 4 and "is not published yet; run it first" in done.stderr


def test_without_the_key_or_with_another_root_nothing_is_written(
    whole: Books, sample: Path, tmp_path: Path
) -> None:
    shutil.copytree(whole.home.path, tmp_path / "home", symlinks=True)
    bonus = BonusHere(whole.loaded.path, sample / "landing", tmp_path / "home")
    key_file, out = tmp_path / "home" / KEY_FILE, tmp_path / "out"
    own = key_file.read_bytes()
    key_file.unlink()
    for period in whole.periods[:2]:  # an open one, too: its root must be that of its close later
        done = bonus("statement", period, "--out", str(out))
        assert done.returncode == 4 and f"{KEY_FILE} is lost, and 2024-04" in done.stderr
    key_file.write_bytes(bytes(byte ^ 1 for byte in own))
    done = bonus("statement", whole.periods[0], "--out", str(out))
    assert done.returncode == 4 and "but the close log says" in done.stderr
    assert not out.exists()


def test_a_command_that_was_stopped_goes_on(
    whole: Books,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    arguments = (whole.home, whole.program, whole.periods[0], tmp_path / "out")
    monkeypatch.setattr(write, "BUNCH", 30)
    first = write_statements(*arguments)
    assert first.made == first.statements > 2 * 30
    files = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    pages = sorted(path for path in files if path.suffix == ".html")
    pages[0].unlink()
    pages[1].write_text("torn")
    pages[2].with_suffix(".json").unlink()
    pages[3].with_suffix(".json").write_bytes(b"{}")
    whole_page = pages[4].read_bytes()  # its mark is left alone
    at = whole_page.rindex(b".")
    pages[4].write_bytes(whole_page[:at] + b"," + whole_page[at + 1 :])
    pages[5].rename(tmp_path / "another place")  # what a link leads to may be changed later
    pages[5].symlink_to(tmp_path / "another place")
    again = write_statements(*arguments)
    assert again.made == 4 and again.root == first.root
    assert not pages[5].is_symlink()
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == files
    monkeypatch.setattr(write, "BUNCH", 16)  # so many bunches that each core has a process
    elsewhere = (*arguments[:3], tmp_path / "parallel")
    assert write_statements(*elsewhere) == replace(first, folder=str(tmp_path / "parallel"))
    assert capfd.readouterr() == ("", "")  # nor do its processes say anything at their end
    made = {path.name: path.read_bytes() for path in (tmp_path / "parallel").iterdir()}
    assert made == {path.name: content for path, content in files.items()}
    monkeypatch.setattr(write, "MANY", 100)
    assert (
        write_statements(*arguments, language="ko").made
        == first.languages["en"] + first.languages["ja"]
    )


def test_its_processes_end_with_a_command_that_was_killed(whole: Books, tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from orchestration.pipeline.home import Home
from orchestration.statements import write
from orchestration.terms.load import load_program
if __name__ == "__main__":
    write.BUNCH, write.MANY, write.os.cpu_count = 2, 1, lambda: 2
    home, program = Home(Path({str(whole.home.path)!r})), load_program({str(whole.loaded.path)!r}).program
    write.write_statements(home, program, {whole.periods[0]!r}, Path({str(tmp_path / "out")!r}))
"""
    script = tmp_path / "script.py"
    script.write_text(code)
    command = subprocess.Popen(
        [sys.executable, str(script)], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    tasks = Path(f"/proc/{command.pid}/task")
    assert _within(120, lambda: any((tmp_path / "out").glob("*.html")))
    children = {
        child for task in tasks.iterdir() for child in (task / "children").read_text().split()
    }
    command.kill()
    command.wait()
    assert len(children) >= 3  # two that make pages, and the tracker of multiprocessing
    assert _within(60, lambda: not any(_runs(child) for child in children))


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not holds() and time.monotonic() < until:
        time.sleep(0.1)
    return holds()


def _runs(pid: str) -> bool:
    """Whether a process is there, and is no zombie that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_hostile_ids_are_text_and_nothing_else(tmp_path: Path) -> None:
    world = World(tmp_path)
    for name in HOSTILE:
        world.creator(name)
        world.post(f"post of {name}", name, 900_000)
    books = TinyBooks(world)
    books.run(1)
    out = tmp_path / "out"
    write_statements(Home(books.home), books.plain.program, key(1), out)
    assert {row["creator_id"] for row in index(out)} == set(HOSTILE)
    for row in index(out):
        reader = PageReader()
        reader.feed((out / f"{row['name']}.html").read_text("utf-8"))
        reader.close()
        assert "script" not in reader.tags and not reader.open_tags
        assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
        assert row["creator_id"].replace("\u202e", "\\u202e") in reader.text


def test_tables_that_contradict_each_other_give_no_statement(
    whole: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.explain.settled.floor", lambda part: part + number(1))
    with pytest.raises(Refused, match="contradicts itself"):
        write_statements(whole.home, whole.program, whole.periods[0], tmp_path / "out")


def test_the_page_tells_adjustments_returns_changes_and_terms(tmp_path: Path) -> None:
    """ana is paid 900.00 for January; the bank returns it, and somebody adds 50.00 to February."""
    world = World(tmp_path)
    for name in ("ana", "bo"):
        world.creator(name)
        world.post(f"{name}-1", name, 900_000)
        world.post(f"{name}-2", name, 100_000, month=2)
    world.program["terms"][0]["eligibility"]["minimum_views"] = 150_000
    world.program["minimum_payout"] = {"USD": 25}
    books = TinyBooks(world)
    books.run_and_close(1)
    world.returned("r1", "ana")
    world.rows["payment_returns"][-1]["reason"] = "account <closed>"
    row = {
        "program": "bonus", "adjustment_id": "a1", "period": key(2), "currency": "USD", "amount": "50.00",
        "requested_by": "ada", "approved_by": "grace",
    }  # fmt: skip
    early, later = "2024-02-01T00:00:00Z", "2024-02-02T00:00:00Z"
    world.rows["adjustments"] += [
        {**row, "creator_id": "bo", "reason": "about bo", "updated_at": early},
        {**row, "creator_id": "ana", "reason": "a missed reel", "updated_at": later},
    ]
    books.run(2)
    write_statements(Home(books.home), books.plain.program, key(2), tmp_path / "out")
    names = {row["creator_id"]: row["name"] for row in index(tmp_path / "out")}
    page = (tmp_path / "out" / f"{names['ana']}.html").read_text("utf-8").replace("\u00a0", " ")
    for told in (
        '<th scope="row">Adjustment</th><td><bdi>2024-02</bdi></td><td><bdi>a missed reel</bdi></td>'
        '<td class="number">USD 50.00</td>',
        "<td><bdi>2024-01</bdi></td><td><bdi>account &lt;closed&gt;</bdi></td>"
        '<td class="number">USD 900.00</td>',
        "Fewer qualified views than the minimum. Found 100,000, needed 150,000.",
        '<th scope="row">Earned in this period</th><td class="number">USD 900.00</td>'
        '<td class="number">USD 0.00</td><td class="number">-USD 900.00</td>',
        '<th scope="row">Minimum payout</th><td>USD 25.00</td>',
        '<th scope="row">Least qualified views of a post</th><td>150,000</td>',
    ):
        assert told in page, told
    assert "about bo" not in page
    assert "There is no statement of yours in the period before." not in page
    page = (tmp_path / "out" / f"{names['bo']}.html").read_text("utf-8")
    assert "about bo" not in page and "missed reel" not in page  # neither is posted for bo
    assert "Nothing to pay" in page


def test_a_pdf_stands_beside_a_page_and_goes_with_it(whole: Books, tmp_path: Path) -> None:
    try:
        demand_weasyprint()
    except NoPdf as error:
        pytest.skip(str(error))
    arguments = (whole.home, whole.program, whole.periods[0], tmp_path / "out")
    named = {"creators": ["star-us"]}
    write_statements(*arguments, **named, as_pdf=True)
    (printed,) = (tmp_path / "out").glob("*.pdf")
    assert printed.name == f"{name_of('star-us')}.pdf"
    content = printed.read_bytes()
    assert content.startswith(b"%PDF") and len(content) > 20_000
    printed.write_bytes(b"kept")
    write_statements(*arguments, **named, as_pdf=True)
    assert printed.read_bytes() == b"kept"  # of the page that is there
    write_statements(*arguments, **named, language="ja")
    assert not printed.exists()  # of another page
    with pytest.raises(BaseException, match="Error fetching"):
        pdf_of(b'<link rel="stylesheet" href="https://example.com/x.css">')


def test_without_weasyprint_it_says_what_to_install(
    whole: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(NoPdf, match=r"pip install 'creator-bonus\[pdf\]'"):
        write_statements(
            *(whole.home, whole.program, whole.periods[0], tmp_path / "out"), as_pdf=True
        )
    assert not (tmp_path / "out").exists()
