"""`bonus adjust` (§7): one asks, another approves, each by a landing row; what is shown before is what a run makes."""

from __future__ import annotations

import csv
import json
import os
import pwd
import shlex
import shutil
import stat
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from orchestration.adjusting.preview import SHOWN, Preview, previewed
from orchestration.adjusting.proposals import (
    NotOne,
    Row,
    approved,
    in_force,
    landed,
    of_period,
    proposed,
    withdrawn,
    write_row,
)
from orchestration.adjusting.step import Step, take
from orchestration.dagster_glue.definitions import build_definitions
from orchestration.dagster_glue.resources import APPROVE_JOB, PROPOSE_JOB, HomeResource
from orchestration.ingest import landing_place
from orchestration.pipeline.refusals import Refused
from tests.conftest import BonusHere
from tests.integration.test_decisions import Small

CELLS = {
    "adjustment_id": "a1", "creator_id": "ada", "period": "april", "currency": "USD",
    "amount": "2.50", "reason": 'a "lost", reel', 
}  # fmt: skip


def at(month: int, day: int) -> datetime:
    return datetime(2024, month, day, 9, tzinfo=UTC)


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path)


def rows(small: Small) -> list[Row]:
    return landed(small.books.loaded, small.landing)


PROPOSED = at(4, 20)


def propose(small: Small, now: datetime = PROPOSED, by: str = "bo", **cells: str) -> Row:
    return proposed(small.books.loaded, rows(small), {**CELLS, **cells}, by, now)


def write(small: Small, row: Row) -> Path:
    return write_row(small.books.loaded, small.landing, row)


def preview(small: Small, row: Row) -> Preview:
    return previewed(small.books.home, small.books.program, rows(small), row)


def ledger(small: Small, period: str, creator: str = "ada") -> dict[str, Any]:
    names = (*SHOWN, "status")
    (found,) = duckdb.execute(
        f"select {', '.join(names)} from read_parquet($1) where creator_id = $2",
        [small.books.published[period].pattern("payout_ledger"), creator],
    ).fetchall()
    return dict(zip(names, found, strict=True))


def test_from_a_proposal_to_a_posting_that_is_taken_back(small: Small) -> None:
    """What is shown before each step is what the next run makes of it."""
    small.run("april")
    row = propose(small)
    path = write(small, row)
    assert [path.name[0] != ".", path.parent.name] == [True, "adjustments"]
    assert rows(small) == [row] and row.approved_by is None
    assert preview(small, row).after == ledger(small, "april")  # it waits
    small.run("april")
    assert small.posted("april") == []

    yes = approved(rows(small), "a1", "cy", at(4, 21))
    shown = preview(small, yes)
    assert shown.period == "april" and shown.before == ledger(small, "april")
    write(small, yes)
    small.run("april")
    assert small.posted("april") == [("manual", "april", "a1", "ada", 250)]
    assert shown.after == ledger(small, "april") != shown.before
    assert (shown.after["payable_minor"], shown.after["payout_minor"]) == (1_250, 950)

    # Approved in the books already, a further one comes on top.
    more = approved(
        [*rows(small), propose(small, adjustment_id="a2", amount="-12.51")], "a2", "cy", at(4, 22)
    )
    assert preview(small, more).after["payable_minor"] == -1
    assert preview(small, more).after["status"] == "carried"

    small.books.close("april")
    small.run("may")
    no = withdrawn(rows(small), "a1", at(5, 10))
    shown = preview(small, no)
    assert shown.period == "may" and shown.before == ledger(small, "may")
    write(small, no)
    small.run("may")
    assert small.posted("may") == [("manual", "april", "a1", "ada", -250)]
    assert shown.after == ledger(small, "may") != shown.before
    assert small.books.differences == []


@pytest.mark.long
def test_accounts_that_are_held_in_another_currency_or_without_a_row(small: Small) -> None:
    small.run("april")
    for cells in (
        {"creator_id": "eve"},
        {"currency": "JPY", "amount": "25"},
        {"creator_id": "new"},
    ):
        row = propose(small, adjustment_id=str(cells), **cells)
        yes = approved([row], row.adjustment_id, "cy", at(4, 21))
        shown = preview(small, yes)
        small.adjust()
        write(small, yes)
        small.run("april")
        (found,) = [
            dict(zip((*SHOWN, "status"), one, strict=True))
            for one in duckdb.execute(
                f"select {', '.join(SHOWN)}, status from read_parquet($1)"
                " where creator_id = $2 and payout_currency = $3",
                [
                    small.books.published["april"].pattern("payout_ledger"),
                    row.creator_id,
                    row.currency,
                ],
            ).fetchall()
        ]
        assert shown.after == found, cells
        shutil.rmtree(small.landing / "adjustments")
        small.run("april")


@pytest.mark.long
def test_the_period_that_posts_is_the_first_open_one_that_closes_after_it(small: Small) -> None:
    small.run("april")
    row = replace(propose(small), approved_by="cy")
    last = datetime(2024, 5, 3)
    assert preview(small, replace(row, updated_at=last)).period == "april"
    late = replace(row, updated_at=last.replace(microsecond=1))
    assert preview(small, late) == Preview("may")
    assert preview(small, replace(row, updated_at=datetime(2025, 1, 1))) == Preview()
    small.books.close("april")
    assert preview(small, row) == Preview("may")


def test_who_asks_does_not_approve(small: Small) -> None:
    """Names are compared as for a close; §7."""
    row = propose(small, by="Ada Roe")
    for name in ("Ada Roe", "ada roe", " ADA ROE. ", "ad\u00ada roe", "ada  roe", "ad\u200aa roe"):
        with pytest.raises(Refused, match="someone else has to approve it"):
            approved([row], "a1", name, at(4, 21))
    yes = approved([row], "a1", "cy", at(4, 21))
    with pytest.raises(Refused, match="approved already, by cy"):
        approved([row, yes], "a1", "dee", at(4, 22))
    with pytest.raises(Refused, match="is not approved"):
        withdrawn([row], "a1", at(4, 22))
    with pytest.raises(NotOne, match="no adjustment a9"):
        approved([row], "a9", "cy", at(4, 21))
    later = replace(row, amount=Decimal(9), updated_at=row.updated_at + timedelta(seconds=1))
    with pytest.raises(Refused, match="a1 has changed since you looked at it"):
        approved([row, later], "a1", "cy", at(4, 21), seen=row.seen)
    assert approved([row, later], "a1", "cy", at(4, 21), seen=later.seen).amount == 9
    for edited in (replace(row, amount=Decimal(9)), replace(row, creator_id="bo")):
        with pytest.raises(Refused, match="a1 has changed since you looked at it"):
            approved([edited], "a1", "cy", at(4, 21), seen=row.seen)
    # A clock that is behind does not put the approval before the proposal.
    behind = approved([row], "a1", "cy", at(4, 1))
    assert in_force([behind, row])["a1"] == behind


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"period": "july"}, "has no period 'july'; its periods: april, may, june"),
        ({"amount": "0.00"}, "expected an amount that is owed"),
        ({"amount": "1.005"}, "amount: found "),
        ({"amount": "1e3"}, "amount: found "),
        ({"amount": ""}, "amount: found "),
        ({"currency": "usd"}, "currency: found "),
        ({"currency": "JPY"}, "amount: found "),
        ({"reason": ""}, "reason: found "),
        ({"reason": "x" * 501}, "reason: found "),
        ({"creator_id": ""}, "creator_id: found "),
        ({"creator_id": "a\x00"}, "creator_id: found "),
        (
            {"amount": "1e3", "reason": ""},
            "with no more decimals than its currency has\nreason: found nothing",
        ),
    ],
    ids=lambda value: str(value)[:30].encode("unicode_escape").decode(),
)
def test_a_row_that_ingest_would_refuse_is_not_written(
    cells: dict[str, str], said: str, small: Small
) -> None:
    with pytest.raises(NotOne) as refused:
        propose(small, **cells)
    assert said in str(refused.value)


def test_what_is_there_already_or_broken_is_told(small: Small) -> None:
    write(small, propose(small))
    with pytest.raises(NotOne, match="a1 is there already"):
        propose(small)
    first, again = propose(small, adjustment_id=""), propose(small, at(4, 22), adjustment_id="")
    assert first.adjustment_id.startswith("hand-") and first.adjustment_id != again.adjustment_id
    (small.landing / "adjustments" / "bad.csv").write_text("adjustment_id\na1\n")
    with pytest.raises(NotOne, match=r"adjustments/bad\.csv"):
        rows(small)


def test_the_commands(small: Small) -> None:
    """As they are typed; their clock is today's, long after the last closes_on."""
    bonus = BonusHere(small.books.loaded.path, small.landing, small.books.home.path)
    words = [
        word
        for name, value in CELLS.items()
        if name != "adjustment_id"
        for word in (f"--{name.removesuffix('_id')}", value)
    ]
    done = bonus("adjust", "propose", "a1", *words, "--by", "bo")
    assert done.returncode == 0, done.stderr
    assert "asked for by bo, waits for approval" in done.stdout
    (path,) = (small.landing / "adjustments").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert {name: row[name] for name in CELLS} == CELLS | {"amount": "2.5"}

    done = bonus("adjust", "approve", "a1", "--by", "Bo")
    assert done.returncode == 4 and "someone else has to approve it" in done.stderr
    done = bonus("adjust", "approve", "a1", "--by", "cy")
    _, _, options = done.stdout.partition("to approve it as it stands here say ")
    assert done.returncode == 0 and options.startswith("--yes --creator=")
    assert "no open period could post it" in done.stdout
    assert len(list((small.landing / "adjustments").iterdir())) == 1
    # Another row took its place meanwhile: what was looked at is not approved, nor anything else.
    looked_at = shlex.split(options)
    (other,) = rows(small)
    write(
        small,
        replace(other, amount=Decimal(9000), updated_at=datetime.now(UTC).replace(tzinfo=None)),
    )
    done = bonus("adjust", "approve", "a1", "--by", "cy", *looked_at)
    assert done.returncode == 4 and "a1: amount is 9000, not 2.5; look at it again" in done.stderr
    write(small, replace(other, updated_at=datetime.now(UTC).replace(tzinfo=None)))
    assert bonus("adjust", "approve", "a1", "--by", "cy", *looked_at).returncode == 0
    found = json.loads(bonus("adjust", "list", "--json").stdout)["adjustments"]
    assert [(one["adjustment_id"], one["approved_by"], one["counts"]) for one in found] == [
        ("a1", "cy", True)
    ]
    assert found[0]["amount"] == "2.5" and found[0]["updated_at"].endswith("Z")
    assert bonus("adjust", "withdraw", "a1").returncode == 0
    assert "waits for approval" in bonus("adjust", "list").stdout
    assert len(list((small.landing / "adjustments").iterdir())) == 5
    for arguments, status in (
        (("approve", "a9", "--by", "cy"), 2), (("approve", "a1"), 2), (("withdraw", "a1"), 4), (("drop",), 2),
    ):  # fmt: skip
        assert bonus("adjust", *arguments).returncode == status


def test_of_two_proposals_of_one_id_at_once_one_is_refused(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody writes between another's look and its row, so none takes the place of one that was seen."""
    monkeypatch.setattr(landing_place, "PATIENCE_SECONDS", 0)

    def step(made: Callable[[Sequence[Row]], Row]) -> Step:
        return take(small.books.home, small.books.loaded, small.landing, made)

    def asks(amount: str, there: Sequence[Row]) -> Row:
        return proposed(small.books.loaded, there, {**CELLS, "amount": amount}, "bo", PROPOSED)

    def while_another_looks(there: Sequence[Row]) -> Row:
        with pytest.raises(Refused, match="another process is about to write into adjustments"):
            step(partial(asks, "9000"))
        return asks("10", there)

    step(while_another_looks)
    with pytest.raises(NotOne, match="a1 is there already"):
        step(partial(asks, "9000"))
    assert [row.amount for row in rows(small)] == [10]


def test_an_adjustment_is_of_the_period_that_its_last_row_says(small: Small) -> None:
    row = propose(small)
    moved = replace(row, period="may", updated_at=row.updated_at + timedelta(seconds=1))
    assert of_period([row, moved], "april") == []
    assert of_period([row, moved], "may") == [row, moved]


def test_the_jobs_of_the_ui_write_the_same_rows(small: Small) -> None:
    """One launch asks, a second one shows and writes nothing, a third one approves."""
    home = small.books.home
    home.register("spring", small.books.loaded.path, small.landing)

    def launched(job: str, **config: Any) -> dg.ExecuteInProcessResult:
        with dg.DagsterInstance.ephemeral() as instance:
            instance.add_dynamic_partitions("bonus_period", ["spring:april"])
            definitions = build_definitions(HomeResource(path=str(home.path)))
            result = definitions.resolve_job_def(job).execute_in_process(
                run_config={"ops": {f"{job}_row": {"config": config}}},
                partition_key="spring:april",
                instance=instance,
                raise_on_error=False,
            )
            run = instance.get_run_by_id(result.run_id)
            named.append(run.tags.get("by") if run else None)
            return result

    def refused(job: str, **config: Any) -> str:
        events = launched(job, **config).all_events
        (failure,) = (event for event in events if event.is_step_failure)
        return str(failure.event_specific_data)

    named: list[str | None] = []
    asked = {name: CELLS[name] for name in ("creator_id", "currency", "amount", "reason")}
    assert "say who you are" in refused(PROPOSE_JOB, **asked, by=" ")
    assert "amount: found " in refused(PROPOSE_JOB, **{**asked, "amount": "1.005"}, by="bo")
    assert rows(small) == []
    result = launched(PROPOSE_JOB, **asked, by="bo", adjustment_id="a1")
    (row,) = rows(small)
    assert result.success and (row.requested_by, row.approved_by, row.period) == (
        "bo",
        None,
        "april",
    )
    (observed,) = (
        event.asset_observation_data.asset_observation
        for event in result.all_events
        if event.event_type_value == "ASSET_OBSERVATION"
    )
    assert observed.metadata["ledger before and after"].value.startswith(row.text)
    assert Path(observed.metadata["file"].value).parent == small.landing / "adjustments"

    assert "someone else has to approve it" in refused(
        APPROVE_JOB, adjustment_id="a1", approver="Bo", yes=True
    )
    assert launched(APPROVE_JOB, adjustment_id="a1", approver="cy").success
    assert "changed since you looked at it" in refused(
        APPROVE_JOB, adjustment_id="a1", approver="cy", yes=True, seen="0" * 64
    )
    assert rows(small) == [row]  # shown, and refused; nothing is written
    assert launched(APPROVE_JOB, adjustment_id="a1", approver="cy", yes=True, seen=row.seen).success
    assert in_force(rows(small))["a1"].approved_by == "cy"
    assert named == [pwd.getpwuid(os.geteuid()).pw_name, "bo", "bo", "Bo", "cy", "cy", "cy"]
