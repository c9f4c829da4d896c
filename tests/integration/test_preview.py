"""`bonus close PERIOD --preview`: what a close would fix, and what stands against it. Writes nothing."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from orchestration.pipeline.close_log import CloseLog
from orchestration.reports.preview import close_preview
from tests.conftest import BonusHere
from tests.integration.books import LATER, Books


@pytest.fixture(scope="module")
def books(ran: Books, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """A copy of the sample's two periods, run by ada; not to be changed."""
    return ran.copy(tmp_path_factory.mktemp("preview") / "home")


def bonus_of(books: Books, landing: Path) -> BonusHere:
    return BonusHere(books.loaded.path, landing, books.home.path)


def test_amounts_stand_beside_those_of_the_period_before(books: Books, sample: Path) -> None:
    first, second = books.periods
    found = bonus_of(books, sample / "landing").json("close", second, "--preview")
    records = {key: version.record() for key, version in books.published.items()}
    assert found["before"] == first
    assert found["totals"] == records[second].totals.to_json()
    assert found["totals_before"] == records[first].totals.to_json()
    held = records[second].totals.currencies
    for currency in held:
        open_at_end = sum(
            row["closing_minor"] for row in found["not_paid"] if row["currency"] == currency
        )
        assert open_at_end == held[currency]["carried_minor"] + held[currency]["held_minor"]
    assert found["by"] == "ada"
    assert {row["by"] for row in found["workers"]} == {"ada"}


def test_what_stands_against_the_close_is_said(books: Books, sample: Path) -> None:
    first, second = books.periods
    bonus = bonus_of(books, sample / "landing")
    ready = bonus.json("close", first, "--preview")
    assert (ready["can_be_closed"], ready["is_next"], ready["against"]) == (True, True, [])
    waits = bonus.json("close", second, "--preview")
    assert (waits["can_be_closed"], waits["is_next"]) == (False, False)
    assert waits["against"] == [f"{second} is not the next to close; first close {first}"]
    # By name: what that person may not do is said too.
    own = bonus.json("close", first, "--preview", "--by", "Ada")
    assert own["is_next"] and not own["can_be_closed"]
    assert all("someone else has to close it" in reason for reason in own["against"])
    assert bonus.json("close", first, "--preview", "--by", "grace")["can_be_closed"]


@pytest.mark.parametrize("days", [-1, 0], ids=["the day before", "the day"])
def test_the_day_of_closing_counts(books: Books, days: int) -> None:
    period = books.program.periods[0]
    today = date.fromordinal(period.closes_on.toordinal() + days)
    found = close_preview(books.home, books.loaded, period.key, today=today)
    assert found is not None
    assert bool(found.against) == (days < 0)


def test_the_text_can_be_pasted_and_says_what_changed(books: Books, sample: Path, tmp_path: Path) -> None:  # fmt: skip
    first, second = books.periods
    shutil.copytree(sample / "landing", tmp_path / "landing")
    same = bonus_of(books, tmp_path / "landing")("close", first, "--preview")
    assert same.returncode == 0, same.stderr
    assert "changed after" not in same.stdout
    assert same.stdout.endswith(
        f"It is the next to close, by someone other than ada:\n"
        f"  bonus close {first} --by NAME --revision {books.published[first].revision}\n"
    )
    (tmp_path / "landing" / "payees" / "late.csv").write_text("creator_id\n")
    other = bonus_of(books, tmp_path / "landing")("close", first, "--preview").stdout
    assert f"the landing data (payees) changed after the run of {first}." in other
    assert f"  bonus run {first} --by NAME\n" in other
    shown = bonus_of(books, sample / "landing")("close", second, "--preview").stdout
    assert "It cannot be closed now:" in shown
    assert "Paid out in USD" in shown
    assert "Held and carried" in shown


def test_what_came_after_the_look_is_not_closed(books: Books, sample: Path, tmp_path: Path) -> None:
    copy = books.copy(tmp_path / "home")
    first, _ = copy.periods
    bonus = bonus_of(copy, sample / "landing")
    seen = bonus.json("close", first, "--preview")["revision"]
    copy.run(first, sample / "landing")
    now = copy.published[first].revision
    done = bonus("close", first, "--by", "grace", "--revision", str(seen))
    assert (done.returncode, done.stderr) == (
        4,
        f"{first} has changed since you looked at it: that was revision {seen}, and now it is {now};"
        " look again\n",
    )
    assert bonus.json("close", first, "--by", "grace", "--revision", str(now))["revision"] == now


def test_nothing_is_written(books: Books, sample: Path) -> None:
    """Also where a close died between its line and its seal, which the next close completes."""
    copy = books.copy(books.home.path.with_name("copy"))
    first, second = copy.periods
    copy.close(first)
    publication = copy.published[first]
    publication.folder.chmod(0o755)
    (publication.folder / "close.json").unlink()

    def content() -> dict[Path, bytes]:
        skipped = ("locks", "dagster", "cache")
        return {
            path: path.read_bytes()
            for path in copy.home.path.rglob("*")
            if path.is_file() and path.relative_to(copy.home.path).parts[0] not in skipped
        }

    before = content()
    found = close_preview(copy.home, copy.loaded, second, today=LATER)
    assert found is not None and found.is_next and found.against == []
    assert content() == before
    assert len(CloseLog(copy.home.path, copy.program.program).lines()) == 1


def test_without_preview_somebody_has_to_close(books: Books, sample: Path) -> None:
    bonus = bonus_of(books, sample / "landing")
    done = bonus("close", books.periods[0])
    assert (done.returncode, done.stderr) == (
        2,
        "who closes it? Give --by NAME, or look first with --preview\n",
    )


def test_a_period_that_is_not_published_has_no_preview(sample: Path, tmp_path: Path) -> None:
    bonus = BonusHere(sample / "program.yaml", sample / "landing", tmp_path / "home")
    done = bonus("close", "2024-04", "--preview")
    assert done.returncode == 4
    assert done.stderr == "2024-04 is not published yet; run it first: bonus run 2024-04\n"
