"""docs/security.md, "Powers": each claim of the table is tried, by somebody who has that power and no other.

ada runs, grace closes, bob is the thief.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.command_line.app import app
from orchestration.foundations.cursors import scratch_database
from orchestration.ledger.closing import line_sha256
from orchestration.pipeline import ingesting, publishing
from orchestration.pipeline.close_log import CloseLog
from orchestration.pipeline.closing import close_period
from orchestration.pipeline.home import Home
from orchestration.pipeline.mirror import differences, mirror
from orchestration.pipeline.proving import closing_tree
from orchestration.pipeline.refusals import GateFailed, Refused
from orchestration.publishing.store import Store, file_hashes
from orchestration.records import CloseEntry
from orchestration.reports.preview import Preview, close_preview
from orchestration.reports.remarks import remarks_on
from orchestration.web.frame import Frame
from orchestration.web.pages import Pages
from tests.conftest import ROOT
from tests.incidents.landing import Books, World, key, terms, three_months
from tests.integration.books import LATER
from tests.object_store import ObjectStore
from tests.proof.product import ask_suite

POWERS = re.findall(
    r"^\| ([^|]+) \|",
    (ROOT / "docs" / "security.md")
    .read_text("utf-8")
    .partition("| power | can |")[2]
    .partition("\n\n")[0],
    re.MULTILINE,
)[1:]


@pytest.fixture(scope="module")
def ran_by_ada(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which ada has run two months of it."""
    books = Books(three_months(tmp_path_factory.mktemp("ran"), "ann", "bo"))
    books.run(1)
    books.run(2)
    return books.home


@pytest.fixture
def world(tmp_path: Path) -> World:
    return three_months(tmp_path, "ann", "bo")


@pytest.fixture
def books(world: World, ran_by_ada: Path) -> Books:
    """A copy of that home, to be robbed."""
    return Books(world, shutil.copytree(ran_by_ada, world.folder / "home", symlinks=True).name)


def test_every_power_of_the_table_is_tried() -> None:
    """By a test of this file whose name begins with the power; of a browser tab, in a browser."""
    assert len(POWERS) == 9
    tests = [name for name in globals() if name.startswith("test_")]
    for power in POWERS:
        begins = "test_" + re.sub(r"\W+", "_", power.replace("'", "").lower())
        if power.startswith("a browser tab"):
            tries = (ROOT / "tests" / "browser" / "test_other_origins.py").read_text("utf-8")
            assert tries.count("def test_") >= 3
        else:
            assert [name for name in tests if name.startswith(begins)], power


# Runs only.


def test_runs_only_publishes_restates_and_withdraws(world: World, books: Books) -> None:
    books.close(1)
    world.corrected("ann-1", 12_000)
    assert books.run(1, by="bob").is_restatement
    assert books.posted(2, "adjustment") == [(key(1), "ann", 2_00)]
    books.run(3, by="bob")
    books.plain.withdraw(key(3))
    assert list(books.plain.published) == [key(1), key(2)]


def test_runs_only_closes_neither_what_it_read_nor_published_nor_restated(
    world: World, books: Books
) -> None:
    with pytest.raises(Refused, match="that read its inputs"):
        books.close(1, "ada")
    books.close(1)
    world.corrected("ann-1", 12_000)
    books.run(1, by="bob")
    with pytest.raises(Refused, match="read its inputs and published it"):
        books.close(2, "ada")
    with pytest.raises(Refused, match="made a restatement whose differences it posts"):
        books.close(2, "bob")


# Closes only.


def test_runs_only_restates_by_no_files_of_its_own_unseen(world: World, books: Books) -> None:
    books.close(1)
    world.corrected("bo-1", 19_000)
    world.corrected("ann-1", 1_000)
    own = world.landing()
    del world.rows["post_metrics"][-2:]
    books.run(1, by="bob", landing=own)
    assert books.posted(2, "adjustment") == [(key(1), "ann", -9_00), (key(1), "bo", 9_00)]
    told = " ".join(_preview(books).remarks)
    assert f"in USD: 9.00 more and 9.00 less of {key(1)} (2 creators)" in told
    said = f"{key(1)}, whose differences are posted here, was run again by bob with the files in {own};"
    assert f"{said} the run of this period has read those in " in told


def test_runs_only_restates_by_no_program_file_of_its_own_unseen(
    world: World, books: Books
) -> None:
    books.close(1)
    world.terms["payout"]["rates"]["US"][0]["rate"] = Decimal(2)
    books.run(1, by="bob")
    world.terms["payout"]["rates"]["US"][0]["rate"] = Decimal(1)
    assert books.posted(2, "adjustment") == [(key(1), "ann", 10_00), (key(1), "bo", 10_00)]
    said = f"{key(1)}, whose differences are posted here, was run again by bob with another program file, "
    told = [text for text in _preview(books).remarks if text.startswith(said)]
    hashes = re.findall(r"\(([0-9a-f]{12})\)", told[0])
    assert hashes == [
        record.program_sha256[:12]
        for record in (
            books.plain.restated[key(1)].record(),
            books.plain.published[key(2)].record(),
        )
    ]
    assert hashes[0] != hashes[1]
    books.run(1, by="ada")
    assert [text for text in _preview(books).remarks if text.startswith(said)] == []


def test_closes_only_fixes_an_estimate_once_and_changes_no_byte(books: Books) -> None:
    before = books.plain.files(key(1))
    books.close(1, "bob")
    assert {
        name: content for name, content in books.plain.files(key(1)).items() if name != "close.json"
    } == before
    with pytest.raises(Refused, match="is closed already; what was closed never changes"):
        books.close(1, "grace")


def test_closes_only_not_before_closes_on(books: Books) -> None:
    def on(day: date) -> CloseEntry:
        plain = books.plain
        return close_period(plain.home, plain.loaded, key(1), "bob", day, gate=ask_suite).entry

    with pytest.raises(Refused, match="closes on 2024-02-03, and today is 2024-02-02"):
        on(date(2024, 2, 2))
    assert on(date(2024, 2, 3)).approved_by == "bob"


def test_closes_only_not_out_of_order(books: Books) -> None:
    with pytest.raises(Refused, match=f"{key(2)} is not the next to close; first close {key(1)}"):
        books.close(2, "bob")


@pytest.mark.parametrize("where", ["nowhere", "after it"])
def test_closes_only_leaves_no_period_out_by_a_program_file_of_its_own(
    where: str, world: World, books: Books
) -> None:
    """The second month was never run; a deduction of it is posted in the third."""
    _adjusted(world, "taken-back", 2, "-20.00")
    books.plain.withdraw(key(2))
    _forgotten(books, 2)
    books.run(3)
    posted = books.posted(3, "manual")
    assert posted == [(key(2), "bo", -20_00)]
    first, second, third = world.program["periods"]
    later = {**third, "key": second["key"], "starts_on": date(2024, 4, 1)} | {
        name: date(2024, 5, 20) for name in ("ends_on", "fx_on")
    }
    later |= {name: date(2024, 6, 1) for name in ("closes_on", "pays_on")}
    world.program["periods"] = [first, third, *([later] if where == "after it" else [])]
    books.close(1, "bob")
    assert books.posted(3, "manual") == posted
    with pytest.raises(Refused, match=f"{key(2)} stands before {key(3)} in the program file that"):
        books.close(3, "bob")


def test_closes_only_may_leave_out_a_period_that_was_withdrawn(world: World, books: Books) -> None:
    books.run(3)
    first, _, third = world.program["periods"]
    world.program["periods"] = [first, third]
    books.plain.withdraw(key(2))
    books.close(1, "bob")
    books.close(3, "bob")


def test_closes_only_leaves_out_no_period_whose_run_ended_before_its_switch(
    world: World, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every gate of it had held; it once counted as published and withdrawn."""
    books.plain.withdraw(key(2))
    books.close(1)
    books.run(3)
    _dies(books, 2, monkeypatch)
    first, second, third = world.program["periods"]
    world.program["periods"] = [first, third]
    with pytest.raises(Refused, match=f"{key(2)} stands before {key(3)} in the program file that"):
        books.close(3, "bob")
    world.program["periods"] = [first, second, third]
    books.run(2)


@pytest.mark.parametrize(("owner", "step"), [(Home, "take"), (Store, "switch")])
def test_closes_only_leaves_out_no_period_that_somebody_has_begun(
    owner: type, step: str, world: World, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second month came into the file after the third was run; its first run dies, as it reads or later."""
    first, second, third = world.program["periods"]
    books.plain.withdraw(key(2))
    _forgotten(books, 2)
    books.close(1)
    world.program["periods"] = [first, third]
    books.run(3)
    world.program["periods"] = [first, second, third]
    _dies(books, 2, monkeypatch, owner, step)
    world.program["periods"] = [first, third]
    with pytest.raises(Refused, match=f"{key(2)} stands before {key(3)} in the program file that"):
        books.close(3, "bob")
    # Who runs the third month by this file says that the second is given up.
    books.run(3)
    books.close(3, "bob")


def test_closes_only_leaves_out_no_period_of_the_file_that_the_home_knows(
    world: World, books: Books, tmp_path: Path
) -> None:
    """The second month was put into it after the third was run, and nobody has run it yet."""
    first, second, third = world.program["periods"]
    books.plain.withdraw(key(2))
    _forgotten(books, 2)
    books.close(1)
    world.program["periods"] = [first, third]
    books.run(3)
    world.program["periods"] = [first, second, third]
    known = tmp_path / "known.yaml"
    known.write_bytes(world.program_file().read_bytes())
    books.plain.home.register(world.name, known, world.landing())
    world.program["periods"] = [first, third]
    with pytest.raises(Refused, match=f"{key(2)} stands before {key(3)} in the program file that"):
        books.close(3, "bob")
    known.unlink()
    books.close(3, "bob")


def test_closes_only_closes_nothing_while_a_run_of_a_closed_period_waits_unseen(
    world: World, books: Books
) -> None:
    """It was to take back what the period posts. A close asks for later runs of the period itself (§7)."""
    books.close(1)
    world.corrected("bo-1", 500_000)
    books.run(1)
    world.rows["post_metrics"].pop()
    world.rows["creators"].append({**world.rows["creators"][0], "account_type": "brand"})
    books.blocked_by(1)
    told = [text for text in _preview(books).remarks if text.startswith("A later run of")]
    assert len(told) == 1
    assert told[0].startswith(
        f"A later run of {key(1)} (run-{key(1)}-ada, started by ada) was blocked: "
    )
    assert told[0].endswith(". What it would post is not in this period.")
    world.rows["creators"].pop()
    books.run(1)
    assert [text for text in _preview(books).remarks if text.startswith("A later run of")] == []


def _dies(
    books: Books,
    month: int,
    monkeypatch: pytest.MonkeyPatch,
    owner: type = Store,
    step: str = "switch",
) -> None:
    """A run of the month that dies at a step: it has passed every gate, and is not published, unless told else."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space left"):
        patched.setattr(owner, step, full)
        books.run(month)


def _forgotten(books: Books, month: int) -> None:
    """As if nobody had ever run it."""
    folder = books.plain.home.last_run_folder(books.world.name, key(month))
    shutil.rmtree(folder)


def _adjusted(world: World, which: str, month: int, amount: str) -> None:
    """An adjustment of a month by hand, to bo, that was approved in January."""
    world.rows["adjustments"].append(
        {
            "program": world.name, "adjustment_id": which, "creator_id": "bo", "period": key(month),
            "currency": "USD", "amount": Decimal(amount), "reason": "late", "requested_by": "eve",
            "approved_by": "fay", "updated_at": "2024-01-05T00:00:00Z",
        }
    )  # fmt: skip


def test_closes_only_not_what_nobody_has_run(books: Books) -> None:
    books.close(1)
    books.close(2)
    with pytest.raises(Refused, match=f"{key(3)} is not published yet"):
        books.close(3, "bob")


def test_closes_only_not_while_a_later_run_waits(world: World, books: Books) -> None:
    world.rows["creators"].append({**world.rows["creators"][0], "account_type": "business"})
    with pytest.raises(GateFailed):
        books.run(1)
    with pytest.raises(Refused, match=r"a later run .* was blocked: the ingest gate has not held"):
        books.close(1, "bob")


def test_closes_only_not_while_a_file_is_not_as_its_run_left_it(books: Books) -> None:
    path = books.plain.published[key(2)].table("payout_ledger")
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(Refused, match=r"payout_ledger.* was changed"):
        books.close(1, "bob")


# Runs and closes: for different periods.


def test_runs_and_closes_gets_no_restatement_through_that_a_later_period_posts(
    world: World, books: Books
) -> None:
    books.close(1, "bob")
    world.corrected("ann-1", 9_000_000)
    books.run(1, by="bob")
    with pytest.raises(Refused, match=r"bob started the run .* that made a restatement"):
        books.close(2, "bob")


def test_runs_and_closes_gets_no_adjustment_through_that_only_a_run_of_his_has_read(
    world: World, books: Books
) -> None:
    """It once went through: the second month, which ada has run, was settled anew with a row that bob's
    run of the first has read."""
    _adjusted(world, "gift", 2, "5000.00")
    books.run(1, by="bob")
    assert books.posted(2, "manual") == [(key(2), "bo", 5000_00)]
    books.close(1)
    with pytest.raises(Refused, match=f"bob started the run run-{key(1)}-bob that read its inputs"):
        books.close(2, "bob")
    books.run(2)  # its own run has read the row now
    books.close(2, "bob")


@pytest.mark.parametrize("how", ["closes", "restates"])
def test_runs_and_closes_gets_no_adjustment_through_before_its_time_by_a_program_file_of_his_own(
    how: str, world: World, books: Books
) -> None:
    """It once went through: he put the third month before the second, which was settled anew then."""
    _adjusted(world, "gift", 3, "5000.00")
    books.run(2)
    if how == "restates":
        books.close(1)
    first, second, third = world.program["periods"]
    february = {**third, "starts_on": date(2024, 2, 1), "ends_on": date(2024, 2, 1)}
    february |= {name: date(2024, 2, 3) for name in ("closes_on", "fx_on", "pays_on")}
    world.program["periods"] = [first, february, {**second, "starts_on": date(2024, 2, 2)}]
    if how == "restates":
        assert books.run(1, by="bob").is_restatement
    else:
        books.close(1, "bob")
    assert books.posted(2, "manual") == []
    world.program["periods"] = [first, second, third]
    books.run(3)
    assert books.posted(3, "manual") == [(key(3), "bo", 5000_00)]


def test_runs_and_closes_gets_no_balance_through_by_a_program_file_of_his_own(
    world: World, books: Books
) -> None:
    """It once went through: the third month, put before the second in his file only, stood after it by its
    days. So the second opened with what he had let bo carry over from the third, and he closed it."""
    books.close(1)
    before = books.plain.files(key(2))
    _third_within_second(world)
    with pytest.raises(Refused, match=f"stand in the order {key(1)}, {key(2)}, {key(3)}"):
        books.run(3, by="bob")
    assert list(books.plain.published) == [key(1), key(2)]
    assert books.plain.files(key(2)) == before


def test_runs_and_closes_gets_no_balance_through_where_a_home_was_turned_round_before(
    world: World, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same by code that did not look at the order before a run: the close looks at balances."""
    books.close(1)
    periods = world.program["periods"]
    _third_within_second(world)
    with monkeypatch.context() as patch:
        for module in (ingesting, publishing):
            patch.setattr(module, "demand_periods_stay", lambda *_: None)
        books.run(3, by="bob")
    world.program["periods"] = periods
    with pytest.raises(Refused, match=r"does not open with the balances .* \(accounts: 1\)"):
        books.close(2, "bob")
    books.run(2)
    books.close(2, "bob")


def _third_within_second(world: World) -> None:
    """The third month, with 5,000.00 that bo is not paid yet, becomes a day of the second in a file of bob's."""
    first, second, third = world.program["periods"]
    within = {**third, "starts_on": date(2024, 2, 2), "ends_on": date(2024, 2, 2)}
    within |= {name: date(2024, 2, 4) for name in ("closes_on", "fx_on", "pays_on")}
    world.program["periods"] = [first, within, {**second, "starts_on": date(2024, 2, 3)}]
    world.post("gift", "bo", 0, month=2)
    world.rows["posts"][-1]["published_at"] = "2024-02-02T01:00:00Z"
    world.rows["post_metrics"][-1] |= {"observed_at": "2024-02-02T12:00:00Z", "views": 5_000_000}
    held = {"status": "incomplete", "updated_at": "2024-01-01T00:00:00Z"}
    world.rows["payees"].append({**world.rows["payees"][-1], **held})


def test_runs_and_closes_gets_no_return_through_that_only_a_run_of_his_has_read(
    world: World, books: Books
) -> None:
    books.close(1)
    books.run(3)
    world.returned("gift", "bo")
    world.rows["payment_returns"][-1]["updated_at"] = "2024-04-01T00:00:00Z"  # for the third month
    books.run(2, by="bob")
    assert books.posted(3, "return") == [(key(1), "bo", 10_00)]
    books.close(2)
    with pytest.raises(Refused, match=f"bob started the run run-{key(2)}-bob that read its inputs"):
        books.close(3, "bob")
    books.close(3)


def test_runs_and_closes_does_not_move_a_return_to_another_payout_alone(
    world: World, books: Books
) -> None:
    """The row that decides speaks of ann's payout now; what it takes back is bo's."""
    books.close(1)
    world.returned("gift", "bo")
    books.run(2)
    books.close(2)
    books.run(3)
    world.lasts(4)
    books.run(4)
    moved = {"creator_id": "ann", "status": "withdrawn", "updated_at": "2024-04-20T00:00:00Z"}
    world.rows["payment_returns"].append({**world.rows["payment_returns"][-1], **moved})
    books.run(3, by="bob")
    books.close(3)
    assert books.posted(4, "return") == [(key(1), "bo", -10_00)]
    with pytest.raises(Refused, match=f"bob started the run run-{key(3)}-bob that read its inputs"):
        books.close(4, "bob")
    books.close(4)


def test_runs_and_closes_gets_through_what_was_taken_back_where_nobody_reads_it_any_more(
    world: World, books: Books
) -> None:
    """docs/security.md, "What cannot be known here": no file remembers what an earlier run has read."""
    _adjusted(world, "gift", 2, "5000.00")
    books.run(2)
    (row,) = world.rows["adjustments"]
    back = {**row, "approved_by": None, "updated_at": "2024-01-06T00:00:00Z"}
    world.rows["adjustments"].append(back)
    books.run(1)
    assert books.posted(2, "manual") == []
    world.rows["adjustments"].remove(back)
    books.run(1, by="bob")
    assert books.posted(2, "manual") == [(key(2), "bo", 5000_00)]
    books.close(1)
    books.close(2, "bob")


@pytest.mark.parametrize(
    "name",
    [
        "BOB",
        "bob.",
        "b\u043eb",
        "\uff42\uff4f\uff42",
        "bob\u3164",
        "\u2060bob",
        "bob\ufff9",
        "bob\U0001d159",
    ],
)
def test_runs_and_closes_gets_nothing_through_by_a_name_that_looks_like_another(
    name: str, world: World, books: Books
) -> None:
    books.run(1, by="bob")
    with pytest.raises(Refused, match=r"someone else has to close it|give another name"):
        books.close(1, name)


@pytest.mark.parametrize("name", ["Bob  Roe", "bob\u00a0 roe", "Bob \u2060 Roe."])
def test_runs_and_closes_gets_nothing_through_by_more_blanks(
    name: str, world: World, books: Books
) -> None:
    """A page shows several blanks as one."""
    books.run(1, by="Bob Roe")
    with pytest.raises(Refused, match="Bob Roe started the run"):
        books.close(1, name)


# Writes the program file.


def test_writes_the_program_file_changes_the_terms_of_open_periods(
    world: World, books: Books
) -> None:
    world.terms["payout"]["rates"]["US"][0]["rate"] = Decimal(2)
    books.close(1)
    assert books.earned(1)["ann"] == 10_00  # a close takes what was published
    books.run(2)
    assert books.earned(2)["ann"] == 40_00


def test_writes_the_program_file_changes_no_terms_of_a_closed_period_unseen(
    world: World, books: Books
) -> None:
    """ada runs it again, for late data; the file has another rate for it by then."""
    world.program["terms"].append(terms(2, date(2024, 2, 1)))
    books.run(1)
    books.close(1)
    world.corrected("ann-1", 11_000)
    books.run(1)
    books.run(2)

    def told() -> list[str]:
        return [text for text in _preview(books).remarks if "other terms" in text]

    assert books.posted(2, "adjustment") == [(key(1), "ann", 1_00)]
    assert told() == []
    world.program["terms"][0]["payout"]["rates"]["US"][0]["rate"] = Decimal(50)
    books.run(1)
    books.run(2)
    assert books.posted(2, "adjustment")[0] == (key(1), "ann", 540_00)
    path = "terms from 2024-01-01: payout.rates.US[1].rate"
    assert told() == [
        f"{key(1)}, whose differences are posted here, was closed by other terms than ada has run it again by:"
        f" {path} is 50 and was 1."
    ]


def test_writes_the_program_file_takes_no_end_from_a_closed_period_unseen(
    world: World, books: Books
) -> None:
    world.program["terminated_on"] = date(2024, 1, 16)
    world.post("late", "bo", 90_000)
    world.rows["posts"][-1]["published_at"] = "2024-01-20T12:00:00Z"
    books.run(1)
    books.close(1)
    del world.program["terminated_on"]
    for number in range(60):
        world.program["markets"][f"X{number:02}"] = {"timezone": "UTC"}
    books.run(1)
    books.run(2)
    assert (key(1), "bo", 100_00) in books.posted(2, "adjustment")
    (told,) = [text for text in _preview(books).remarks if "other terms" in text]
    assert "again by: terminated_on is nothing and was 2024-01-16; markets.X00.timezone" in told
    assert told.endswith("; and 11 more.")


def test_writes_the_program_file_moves_no_days_of_a_closed_period_unseen(
    world: World, books: Books
) -> None:
    """They are paid twice until the closed period is run by that file, too; who looks is told so."""
    world.seen("ann-1", "2024-02-20T12:00:00Z", 11_000)
    books.close(1)
    first, second, _ = world.program["periods"]
    first["ends_on"], second["starts_on"] = date(2024, 1, 5), date(2024, 1, 6)

    def remarks() -> list[str]:
        plain = books.plain
        found = close_preview(plain.home, plain.loaded, key(2), "grace", today=LATER)
        assert found is not None
        told = [remark for remark in found.remarks if "paid twice" in remark]
        store = plain.home.store(plain.program.program)
        after_a_run = remarks_on(store.published(), store.restated(), key(2))
        assert [remark for remark in after_a_run if "paid twice" in remark] == told
        return told

    assert remarks() == []
    books.run(2)
    assert books.earned(1)["ann"] == 10_00  # of the post of the 10th
    assert books.earned(2)["ann"] == 20_00 + 11_00
    assert remarks() == [
        f"What was earned from 2024-01-06 to 2024-01-31 may be paid twice: {key(1)} counts these days,"
        f" too, by the program file of its last run. Run {key(1)} again by the file of today."
    ]
    books.run(1)
    assert books.posted(2, "adjustment") == [(key(1), "ann", -10_00), (key(1), "bo", -10_00)]
    # A restatement may be of any files, so what was paid is told of all the same.
    assert remarks() == [
        f"What was earned from 2024-01-06 to 2024-01-31 may be paid twice: {key(1)} was paid for these days, too,"
        " and has been run again by other days since. Look whether the adjustments of it take that back."
    ]


def test_writes_the_program_file_puts_no_days_before_those_of_an_open_period_unseen(
    world: World,
) -> None:
    """The open period was run by a file that had nothing before it; who looks at either is told."""
    first, second, third = world.program["periods"]
    world.program["periods"] = [second, third]
    world.seen("bo-2", "2024-02-20T12:00:00Z", 20_000)
    books = Books(world)
    books.run(2)
    longer = {**first, "ends_on": date(2024, 2, 20), "pays_on": date(2024, 2, 25)}
    longer |= {name: date(2024, 2, 22) for name in ("closes_on", "fx_on")}
    world.program["periods"] = [longer, {**second, "starts_on": date(2024, 2, 21)}, third]
    books.run(1)
    twice = "What was earned from 2024-02-01 to 2024-02-20 may be paid twice: "
    for month, other in ((1, 2), (2, 1)):
        told = [text for text in _preview(books, month).remarks if "paid twice" in text]
        assert [text.partition(" counts")[0] for text in told] == [f"{twice}{key(other)}"]
    books.run(2)
    for month in (1, 2):
        assert [text for text in _preview(books, month).remarks if "paid twice" in text] == []


def test_writes_the_program_file_moves_no_days_past_a_period_unseen(
    world: World, books: Books
) -> None:
    """Days of any earlier period are told of, not only of the one just before, which may have nothing to post."""
    for table in ("posts", "post_metrics"):
        world.rows[table] = [row for row in world.rows[table] if row["post_id"].endswith("-1")]
    for month in (1, 2):
        books.run(month)
        books.close(month)
    world.terms["effective_from"] = date(2023, 11, 1)
    for period, first, last in zip(
        world.program["periods"],
        (date(2023, 11, 1), date(2023, 12, 1), date(2024, 1, 1)),
        (date(2023, 11, 30), date(2023, 12, 31), date(2024, 1, 31)),
        strict=True,
    ):
        period["starts_on"], period["ends_on"] = first, last
    books.run(2)
    books.run(3)
    assert books.earned(1) == books.earned(3) == {"ann": 10_00, "bo": 10_00}
    told = [remark for remark in _preview(books, 3).remarks if "paid twice" in remark]
    assert told == [
        f"What was earned from 2024-01-01 to 2024-01-31 may be paid twice: {key(1)} counts these days,"
        f" too, by the program file of its last run. Run {key(1)} again by the file of today."
    ]


def _drop(world: World) -> None:
    del world.program["periods"][0]


def _put_before(world: World) -> None:
    before = {
        **world.program["periods"][0], "key": "2023-12", "starts_on": date(2023, 12, 1),
        "ends_on": date(2023, 12, 31), "closes_on": date(2024, 1, 3), "fx_on": date(2024, 1, 3),
        "pays_on": date(2024, 1, 20),
    }  # fmt: skip
    world.program["periods"].insert(0, before)
    world.terms["effective_from"] = date(2023, 12, 1)


def _other_currency(world: World) -> None:
    world.program["currency"] = "EUR"


def test_writes_the_program_file_puts_no_period_before_one_whose_close_died(
    world: World, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its line, and before the seal."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Store, "seal", killed)
        books.close(1)
    first, *others = world.program["periods"]
    december = {**first, "key": "2023-12", "starts_on": date(2023, 12, 1)}
    december |= {"ends_on": date(2023, 12, 31), "closes_on": date(2024, 1, 2)}
    world.program["terms"][0]["effective_from"] = date(2023, 12, 1)
    world.program["periods"] = [december, first, *others]
    with pytest.raises(Refused, match=f"2023-12 stands before {key(1)}, which is closed"):
        books.run(2)
    world.program["periods"] = [first, *others]
    books.run(2)
    assert books.state(1) == "closed"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_drop, f"{key(1)} published, but not in the program file"),
        (_put_before, f"2023-12 stands before {key(1)}, which is closed"),
        (_other_currency, "the currency is EUR, but what is published is in USD"),
    ],
)
def test_writes_the_program_file_takes_nothing_back(
    change: Callable[[World], None], said: str, world: World, books: Books
) -> None:
    books.close(1)
    change(world)
    with pytest.raises(Refused, match=said):
        books.run(2)
    with pytest.raises(Refused, match=said):
        books.close(2)


def test_writes_the_program_file_does_not_turn_published_periods_round(
    world: World, books: Books
) -> None:
    """Balances would be carried on twice: into the one that comes later, and into the one put after it.

    It once went through: bob closed the second month first, and what ann had carried over from the
    first one was paid in the second, and again in the first, which opened with it.
    """
    first, second, third = world.program["periods"]
    days = [name for name in first if name != "key"]
    turned = [{**first, "key": second["key"]}, {**second, "key": first["key"]}]
    assert all(turned[0][day] == first[day] for day in days)
    world.program["periods"] = [*turned, third]
    said = f"the published periods stood in the order {key(1)}, {key(2)}"
    with pytest.raises(Refused, match=said):
        books.close(2, "bob")
    with pytest.raises(Refused, match=said):
        books.run(3, "bob")


def test_writes_the_program_file_does_not_turn_periods_round_by_a_withdrawal(
    world: World, books: Books
) -> None:
    """What is left is settled anew in the order in which it was published."""
    world.program["minimum_payout"] = {"USD": Decimal("500.00")}
    for month in (1, 2, 3):
        books.run(month)
    before = books.ledger(2, "ann")["opening_balance_minor"]
    first, second, third = world.program["periods"]
    world.program["periods"] = [
        {**first, "key": third["key"]}, {**second, "key": second["key"]}, {**third, "key": first["key"]},
    ]  # fmt: skip
    books.plain.withdraw(key(3))
    assert before == books.ledger(2, "ann")["opening_balance_minor"] == 10_00
    assert books.ledger(1, "ann")["opening_balance_minor"] == 0


# Writes the landing folder.


def test_writes_the_landing_folder_rows_that_contradict_each_other(
    world: World, books: Books
) -> None:
    world.rows["payees"].append({**world.rows["payees"][0], "status": "blocked"})
    assert books.blocked_by(2) == ["payees_rows_of_one_version_agree"]


def test_writes_the_landing_folder_snapshots_that_cannot_be(world: World, books: Books) -> None:
    world.corrected("ann-2", 1_000, month=2, ineligible_views=1_001)
    landing = world.landing()
    assert "few_rows_of_post_metrics_are_quarantined" in books.blocked_by(2, landing)


def test_writes_the_landing_folder_not_between_the_reading_and_the_publishing(
    world: World, books: Books
) -> None:
    from orchestration.pipeline.building import build
    from orchestration.pipeline.earning import earn
    from orchestration.pipeline.flow import MODEL_STAGES
    from orchestration.pipeline.gating import check
    from orchestration.pipeline.ingesting import ingest
    from orchestration.pipeline.publishing import publish
    from tests.proof.product import fast_run

    plain, landing = books.plain, world.landing()
    run = fast_run(plain.home, "bonus", key(2), "run-of-ada", "ada")
    ingest(run, plain.loaded.path, landing)
    check(run, "ingest")
    for stage in MODEL_STAGES:
        build(run, stage)
        check(run, stage)
    earn(run)
    (delivery,) = (landing / "payees").iterdir()
    delivery.write_text(delivery.read_text("utf-8").replace("ready", "blocked"), "utf-8")
    with pytest.raises(Refused, match="changed after ingest; nothing is published"):
        publish(run)


def test_writes_the_landing_folder_moves_nobody_to_an_earlier_day_unseen(
    world: World, books: Books
) -> None:
    """Hours that a creator has in two markets are paid twice, as §3 has it; who looks is told so."""
    world.program["markets"] = {
        "US": {"timezone": "America/Los_Angeles"},
        "JP": {"timezone": "Asia/Tokyo"},
    }
    world.terms["eligibility"]["markets"] = ["US", "JP"]
    world.terms["payout"]["rates"]["JP"] = world.terms["payout"]["rates"]["US"]
    for name in ("ann", "bo"):
        world.post(f"{name}-edge", name, 50_000)
        world.rows["posts"][-1]["published_at"] = "2024-01-31T20:00:00Z"
        world.rows["post_metrics"].pop()
        for at in ("2024-02-01T06:00:00Z", "2024-02-28T06:00:00Z"):
            world.seen(f"{name}-edge", at, 50_000)

    def remarks() -> list[str]:
        return [remark for remark in _preview(books).remarks if "paid twice" in remark]

    books.run(1)
    books.close(1)
    books.run(2)
    assert books.earned(1) == {"ann": 60_00, "bo": 60_00}
    assert books.earned(2) == {"ann": 20_00, "bo": 20_00}
    assert remarks() == []

    moved = world.rows["creators"][-1]
    world.rows["creators"].append({**moved, "market": "JP", "updated_at": "2024-02-10T00:00:00Z"})
    assert moved["creator_id"] == "bo"
    books.run(2)
    assert books.earned(2) == {"ann": 20_00, "bo": 20_00 + 50_00}
    assert remarks() == [
        "What 1 creator earned from 2024-01-31 15:00 to 2024-02-01 08:00 UTC may be paid twice: the day begins"
        f" earlier in their market of this period than in that of {key(1)}, which counts these hours, too. Compare"
        " bonus explain of both periods; bonus adjust takes back what is too much."
    ]


def test_writes_the_landing_folder_moves_nobody_over_a_period_unseen(world: World) -> None:
    """By 25 hours, past a period of one day in which the creator is not eligible."""
    world.program["markets"] = {
        "W": {"timezone": "Pacific/Pago_Pago"},
        "E": {"timezone": "Pacific/Kiritimati"},
    }
    world.terms["eligibility"]["markets"] = ["W", "E"]
    world.terms["payout"]["rates"] = dict.fromkeys(("W", "E"), world.terms["payout"]["rates"]["US"])
    for number, period in enumerate(world.program["periods"], start=1):
        period |= {"starts_on": date(2024, 1, number), "ends_on": date(2024, 1, number)}
        period |= {name: date(2024, 1, number + 2) for name in ("closes_on", "fx_on", "pays_on")}
    world.rows["posts"].clear()
    world.rows["post_metrics"].clear()
    for row in world.rows["creators"]:
        row["market"] = "W"
    moved = world.rows["creators"][-1]
    assert moved["creator_id"] == "bo"
    world.post("bo-edge", "bo", 50_000)
    world.rows["posts"][-1]["published_at"] = "2024-01-02T10:30:00Z"
    world.rows["post_metrics"].clear()
    for at in ("2024-01-02T10:45:00Z", "2024-01-03T09:00:00Z"):
        world.seen("bo-edge", at, 50_000)
    world.rows["creators"] += [
        {**moved, "account_type": "business", "updated_at": "2024-01-03T12:00:00Z"},
        {**moved, "market": "E", "updated_at": "2024-01-04T12:00:00Z"},
    ]
    books = Books(world)
    for month in (1, 2, 3):
        books.run(month)
        told = [text for text in _preview(books, month).remarks if "paid twice" in text]
        assert len(told) == (month == 3)
        books.close(month)
    assert told[0].startswith("What 1 creator earned from 2024-01-02 10:00 to 2024-01-02 11:00 UTC")
    assert f"than in that of {key(1)}, which counts these hours, too" in told[0]
    assert [books.earned(month)["bo"] for month in (1, 2, 3)] == [50_00, 0, 50_00]


@pytest.mark.parametrize(("posted_in", "others"), [(2, 0), (3, 0), (2, 1)])
def test_writes_the_landing_folder_moves_nobody_out_of_a_closed_day_unseen(
    posted_in: int, others: int, world: World, books: Books
) -> None:
    """The market of a closed month is corrected, so that its restatement counts hours of the month after."""
    world.program["markets"] = {
        "US": {"timezone": "America/Los_Angeles"},
        "JP": {"timezone": "Asia/Tokyo"},
        "MX": {"timezone": "America/Denver"},
    }
    world.terms["eligibility"]["markets"] = ["US", "JP", "MX"]
    rates = world.terms["payout"]["rates"]
    rates |= {"JP": rates["US"], "MX": rates["US"]}
    ann, moved = world.rows["creators"]
    assert moved["creator_id"] == "bo"
    moved["market"] = "JP"
    world.post("bo-edge", "bo", 50_000)
    world.rows["posts"][-1]["published_at"] = "2024-01-31T20:00:00Z"
    world.rows["post_metrics"].pop()
    for at in ("2024-02-01T06:00:00Z", "2024-02-28T06:00:00Z"):
        world.seen("bo-edge", at, 50_000)

    def remarks() -> list[str]:
        found = _preview(books, posted_in).remarks
        return [remark for remark in found if "paid twice" in remark]

    for month in range(1, posted_in):
        books.run_and_close(month)
    if others:  # an honest move, by an hour, that hides no other one
        world.rows["creators"].append({**ann, "market": "MX", "updated_at": "2024-02-05T00:00:00Z"})
    books.run(posted_in)
    assert [text[:14] for text in remarks()] == ["What 1 creator"] * others
    for market, at in (("US", "2024-01-15T00:00:00Z"), ("JP", "2024-02-10T00:00:00Z")):
        world.rows["creators"].append({**moved, "market": market, "updated_at": at})
    books.run(1, by="bob")
    books.run(posted_in)
    assert books.posted(posted_in, "adjustment") == [(key(1), "bo", 50_00)]
    later = "this period" if posted_in == 2 else key(2)
    who = "2 creators" if others else "1 creator"
    assert remarks() == [
        f"What {who} earned from 2024-01-31 15:00 to 2024-02-01 08:00 UTC may be paid twice: the day begins"
        f" earlier in their market of {later} than in that of {key(1)}, which counts these hours, too. Compare"
        " bonus explain of both periods; bonus adjust takes back what is too much."
    ]


def test_writes_the_landing_folder_adds_no_rate_unseen(world: World, books: Books) -> None:
    """A rate of a pair with a short history is judged by no gate (§8); who looks is told how it differs."""
    first = date(2023, 12, 1)
    for quote, rate in (("JPY", "160"), ("KRW", "1400"), ("USD", "1.07")):
        world.rows["fx_rates"] += [
            _rate(first + timedelta(days=day), "EUR", quote, rate) for day in range(100)
        ]
    world.creator("cat", "JPY")
    world.post("cat-1", "cat", 10_000)
    world.post("cat-2", "cat", 10_000, month=2)
    books.run(1)
    books.close(1)
    books.run(2)
    assert [remark for remark in _preview(books).remarks if "1 USD is" in remark] == []
    assert books.ledger(2, "cat")["payout_minor"] == 1_495  # 10 USD at 160 / 1.07

    on = world.program["periods"][1]["fx_on"]
    world.rows["fx_rates"] += [_rate(on, "USD", "JPY", "700"), _rate(on, "USD", "KRW", "130800")]
    world.rows["payees"] += [
        {**row, "payout_currency": "KRW", "updated_at": "2024-02-15T00:00:00Z"}
        for row in world.rows["payees"]
        if row["creator_id"] == "bo"
    ]
    books.run(2)
    assert books.ledger(2, "cat")["payout_minor"] == 7_000
    told = [
        "1 USD is 700 JPY here, and was 149.5327102804 in 2024-01.",
        "1 USD is 130,800 KRW here; 2024-01 has no rate of KRW to compare it with.",
    ]
    assert [remark for remark in _preview(books).remarks if "1 USD is" in remark] == told

    # A restatement of files with such rates posts nothing, since own rows keep their rate.
    before = world.program["periods"][0]["fx_on"]
    world.rows["fx_rates"].append(_rate(before, "USD", "JPY", "700"))
    books.run(1, by="bob")
    assert [remark for remark in _preview(books).remarks if "1 USD is" in remark] == told


def test_writes_the_landing_folder_adds_no_rate_of_a_closed_period_unseen(
    world: World, books: Books
) -> None:
    """A restatement takes it for who has no row in the closed ledger; whoever looks is told so."""
    first = date(2023, 12, 1)
    for quote, rate in (("KRW", "1400"), ("USD", "1.07")):
        world.rows["fx_rates"] += [
            _rate(first + timedelta(days=day), "EUR", quote, rate) for day in range(130)
        ]
    books.run(1)
    books.close(1)
    world.creator("liu", "KRW")
    world.post("liu-1", "liu", 10_000)
    on = world.program["periods"][0]["fx_on"]
    world.rows["fx_rates"].append(_rate(on, "USD", "KRW", "130800"))
    books.run(1, by="bob")
    books.run(2)

    def remarks() -> list[str]:
        return [remark for remark in _preview(books).remarks if "1 USD is" in remark]

    assert books.ledger(2, "liu")["payout_minor"] == 1_308_000  # 10 USD
    said = f"1 USD is 130,800 KRW in {key(1)} as it was run again"
    assert remarks() == [
        f"1 USD is 1,308.4112149533 KRW here; {key(1)} has no rate of KRW to compare it with.",
        f"{said}, and is 1,308.4112149533 in {key(2)}.",
    ]
    world.creator("kim", "KRW")
    for month in (1, 2):
        world.post(f"kim-{month}", "kim", 10_000, month=month)
    books.run(2)
    assert [text for text in remarks() if text.startswith(said)] == remarks()[-1:]


def _rate(day: date, base: str, quote: str, rate: str) -> dict[str, str]:
    pair = {"base_currency": base, "quote_currency": quote}
    return {"rate_date": day.isoformat(), **pair, "rate": rate}


def _preview(books: Books, month: int = 2) -> Preview:
    """What somebody reads who is about to close a month."""
    plain = books.plain
    found = close_preview(plain.home, plain.loaded, key(month), "grace", today=LATER)
    assert found is not None
    return found


def test_writes_the_landing_folder_a_plausible_lie_passes(world: World, books: Books) -> None:
    """So whoever may write there should neither run nor close: no gate knows what is true."""
    world.corrected("bo-2", 50_000, month=2)
    books.run(2)
    books.close(1)
    books.close(2)
    assert books.ledger(2, "bo")["payout_minor"] == 50_00


# Writes the home.


def _forge(books: Books) -> None:
    """Gives bo 5,000,000 views and 5,000.00 more in the closed month, and writes all that says so anew."""
    home, publication = books.plain.home.path, books.plain.published[key(1)]
    folder = publication.folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700)
    views, amount = 5_000_000, 5_000_00
    more: dict[str, dict[str, Any]] = {
        "post_increments": {"qualified_views": views},
        "post_eligibility": {"qualified_views": views},
        "post_scores": {"qualified_views": views, "points": views},
        "creator_scores": {"points": views},
        "market_totals": {"points": views, "rounded_minor": amount},
        "creator_earnings": {
            "points": views,
            **dict.fromkeys(("rounded_minor", "program_amount_minor", "performance_minor"), amount),
        },
        "post_earnings": {"amount_minor": amount},
        "payout_ledger": {
            "points": views,
            **dict.fromkeys(
                ("performance_minor", "program_amount_minor", "earnings_minor", "payable_minor"),
                amount,
            ),
            "payout_minor": amount,
        },
        "journal": {"amount_minor": f"sign(amount_minor) * {amount}"},
    }
    for table, changes in more.items():
        path = publication.table(table)
        whose = "market = 'US'" if table == "market_totals" else "creator_id = 'bo'"
        replaced = ", ".join(f"{name} + {by} as {name}" for name, by in changes.items())
        with scratch_database() as connection:
            connection.execute(
                f"create table t as select * from read_parquet('{path}');"
                f"create table u as select * replace ({replaced}) from t where {whose}"
                f" union all select * from t where not {whose};"
            )
            # Of the forged columns the type is that of the table.
            connection.execute(f"delete from t; insert into t select * from u; copy t to '{path}'")
    record = publication.record()
    files = {name: h for name, h in file_hashes(folder).items() if name != "run.json"}
    (folder / "run.json").write_bytes(record.model_copy(update={"files": files}).content())
    hashes = file_hashes(folder)
    for path in (home / "generations" / "program=bonus").glob("*/records.json"):
        found = json.loads(path.read_bytes())
        found["published"][key(1)] = hashes["run.json"]
        path.write_text(json.dumps(found))
    log = CloseLog(home, "bonus")
    ((entry, _),) = log.entries()
    # Who writes the home reads its key, too.
    tree = closing_tree(books.plain.home, "bonus", publication)
    line = entry.model_copy(
        update={
            "files": hashes,
            "statements_root": tree.root.hex(),
            "ledger_sha256": hashes["payout_ledger/part-0.parquet"],
            "journal_sha256": hashes["journal/part-0.parquet"],
            "totals": {"USD": {**entry.totals["USD"]}},
        }
    ).line()
    log.path.write_bytes(line + b"\n")
    (folder / "close.json").write_bytes(line)


def test_writes_the_home_rewrites_everything_but_a_hash_that_is_kept_elsewhere(
    books: Books,
) -> None:
    books.close(1)
    books.plain.withdraw(key(2))
    log = CloseLog(books.home, "bonus")
    kept_elsewhere = line_sha256(log.lines()[-1])
    _forge(books)
    assert books.ledger(1, "bo")["payout_minor"] == 10_00 + 5_000_00
    assert books.plain.differences == []
    assert kept_elsewhere not in [line_sha256(line) for line in log.lines()]


def test_writes_the_home_a_copy_says_nothing_to_the_original(books: Books, tmp_path: Path) -> None:
    """bob closes in a copy under another name: the home that pays knows nothing of it."""
    shutil.copytree(books.home, tmp_path / "copy", symlinks=True)
    Books(books.world, "copy").close(1, "somebody else")
    assert (Books(books.world, "copy").state(1), books.state(1)) == ("closed", "estimated")


# Writes the mirror.


def test_writes_the_mirror_changes_nothing_here_and_is_told(
    books: Books, store: ObjectStore
) -> None:
    name, home = books.world.name, books.plain.home
    before = books.plain.files(key(1))
    mirror(home, name, store.at())
    manifest = json.loads(store.get(f"program={name}/manifest.json"))
    files = manifest["published"][key(1)]["files"]
    ledger = files["payout_ledger/part-0.parquet"]
    files["payout_ledger/part-0.parquet"] = files["journal/part-0.parquet"]
    store.put(f"program={name}/manifest.json", json.dumps(manifest).encode())
    store.put(f"program={name}/{files['run.json']['object']}", b"{}")
    found = differences(home, name, store.at())
    assert len(found) == 2
    assert f"{key(1)} is not as it is published" in found[0]
    assert files["run.json"]["object"] in found[1]
    books.close(1)
    mirror(home, name, store.at())
    again = json.loads(store.get(f"program={name}/manifest.json"))["published"][key(1)]
    assert again["files"]["payout_ledger/part-0.parquet"] == ledger
    assert differences(home, name, store.at()) == []
    assert {**before, "close.json": books.plain.files(key(1))["close.json"]} == books.plain.files(
        key(1)
    )


# Nothing but a payee's login.


def test_nothing_but_a_payees_login_there_is_no_command_and_no_page_for_payees() -> None:
    """A new command or page is looked at here: for whom is it, and what may they see of others?"""
    commands = {
        (one.name or one.callback.__name__) for one in app.registered_commands if one.callback
    }
    assert commands <= {
        "run", "close", "withdraw", "status", "verify", "export", "quarantine", "report", "sample",
        "ui", "init", "demo", "check", "explain", "gates", "simulate", "pay", "adjust", "statement",
        "mirror",
    }  # fmt: skip
    paths = {route.path for route in Pages(Frame.__new__(Frame)).routes()}
    assert paths == {
        "/bonus", "/bonus/name", "/bonus/reports/{program}/{page}", "/bonus/{rest:path}",
        # For operators: what a close would fix, red gates with their rows, and a run of either.
        "/bonus/periods/{program}/{period}", "/bonus/periods/{program}/{period}/run",
        "/bonus/periods/{program}/{period}/close",
        # For operators, too: how any creator's numbers came about (docs/security.md).
        "/bonus/periods/{program}/{period}/creators",
        "/bonus/programs/{program}/run",
        "/bonus/periods/{program}/{period}/adjustments",
        "/bonus/periods/{program}/{period}/adjustments/propose",
        "/bonus/periods/{program}/{period}/adjustments/approve",
    }  # fmt: skip
