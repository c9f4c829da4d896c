"""The page of a period's adjustments by hand: what it shows, and that each of its forms is one Dagster run."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from orchestration.web import adjustment_pages
from tests.page_reader import read_page
from tests.unit.reports.conftest import HandMade
from tests.unit.reports.conftest import march as march
from tests.unit.web.asking import Answer
from tests.unit.web.test_pages import VISITORS
from tests.unit.web.test_period_page import Desk
from tests.unit.web.test_period_page import books as books

PAGE = "/bonus/periods/spring-bonus/march/adjustments"
HEADER = "program,adjustment_id,creator_id,period,currency,amount,reason,requested_by,approved_by,updated_at\n"
AT = "2024-01-02T00:00:00.000000Z"
PROPOSAL = {"creator_id": "b", "currency": "USD", "amount": "2.50", "reason": "<b>lost</b>"}


class AdjustmentsDesk(Desk):
    """Asks the page of adjustments, over a landing folder with some rows."""

    def __init__(self, books: HandMade, *rows: str) -> None:
        super().__init__(books.home)
        registered = books.home.registrations()[books.program]
        assert registered.landing is not None
        self.folder = registered.landing / "adjustments"
        self.folder.mkdir(exist_ok=True)
        (self.folder / "rows.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows))

    def seen(self) -> str:
        """The first row that the page has a button for, as its form names it."""
        shown = re.search(r'name="seen" value="([^"]*)"', self.get(PAGE).text)
        assert shown is not None
        return shown.group(1)

    def send(self, action: str, **fields: str) -> Answer:
        """A form of the page, in the name of cy if nothing else is said."""
        path = f"{PAGE}/{action}"
        return self.post_to(path, **{"token": VISITORS.token(path), "name": "cy", **fields})


def row(adjustment_id: str, approved_by: str = "", period: str = "march") -> str:
    return f"spring-bonus,{adjustment_id},b,{period},USD,2.50,lost reel,bo,{approved_by},{AT}"


def test_it_shows_what_waits_and_what_its_approval_would_change(
    march: HandMade, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the period's closes_on; a later approval has no open period that could post it."""
    monkeypatch.setattr(adjustment_pages, "_now", lambda: datetime(2024, 1, 3, tzinfo=UTC))
    answer = AdjustmentsDesk(march, row("a<1>"), row("a2", "cy"), row("a3", period="april")).get(
        PAGE
    )
    assert answer.status == 200
    text = read_page(answer.text).text
    assert "a<1>: 2.50 USD to b for march (lost reel), asked for by bo, waits" in text
    assert "what the next run of march changes, in USD:" in text
    assert "adjustments: 0.00 -> 5.00" in text  # with a2, which the next run posts anyway
    assert "approved by cy" in text and "a3" not in text
    assert answer.text.count(f'action="{PAGE}/approve"') == 1
    assert "<script" not in answer.text and answer.headers["cache-control"] == ["no-store"]


def test_an_approval_is_a_run_of_what_was_looked_at(books: HandMade) -> None:
    desk = AdjustmentsDesk(books, row("a\u200d1"))
    form = re.search(r'name="adjustment_id" value="([^"]*)"', desk.get(PAGE).text)
    assert form is not None and form.group(1) == "a\u200d1"
    seen = desk.seen()
    answer = desk.send("approve", adjustment_id=form.group(1), seen=seen)
    assert (answer.status, answer.headers["location"]) == (303, ["/runs/run-7"])
    config = {"adjustment_id": "a\u200d1", "approver": "cy", "yes": True, "seen": seen}
    assert desk.launched == [
        (
            "approve_adjustment",
            "spring-bonus:march",
            {"ops": {"approve_adjustment_row": {"config": config}}},
            {"by": "cy", "program": "spring-bonus", "period": "march"},
        )
    ]


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"token": "0" * 64}, 403, "not of this page"),
        ({"token": VISITORS.token(f"{PAGE}/propose")}, 403, "not of this page"),
        ({"name": "Bo"}, 409, "someone else has to approve it"),
        ({"name": ""}, 400, "Say who you are"),
        ({"adjustment_id": "a9"}, 409, "there is no adjustment a9"),
        ({"adjustment_id": "a3"}, 409, "there is no adjustment a3"),
        ({"seen": "0" * 64}, 409, "has changed since you looked at it"),
        ({"seen": ""}, 409, "does not say what was looked at"),
    ],
    ids=["token", "token of a proposal", "who asked", "nobody", "unknown", "another period", "changed", "unseen"],
)  # fmt: skip
def test_what_is_refused_makes_no_run(
    fields: dict[str, str], status: int, said: str, books: HandMade
) -> None:
    desk = AdjustmentsDesk(books, row("a1"), row("a3", period="april"))
    answer = desk.send("approve", **{"adjustment_id": "a1", "seen": desk.seen(), **fields})
    assert (answer.status, said in answer.text) == (status, True)
    assert desk.launched == []


def test_a_proposal_is_a_run(books: HandMade) -> None:
    desk = AdjustmentsDesk(books)
    assert desk.send("propose", **PROPOSAL).status == 303
    assert desk.launched[0][:3] == (
        "propose_adjustment",
        "spring-bonus:march",
        {"ops": {"propose_adjustment_row": {"config": {**PROPOSAL, "by": "cy"}}}},
    )
    answer = desk.send("propose", **{**PROPOSAL, "amount": "1.005"})
    assert (answer.status, "amount: found " in answer.text) == (409, True)
    assert len(desk.launched) == 1


def test_a_broken_row_or_an_absent_folder_is_told(books: HandMade) -> None:
    desk = AdjustmentsDesk(books, "spring-bonus,a1")
    answer = desk.get(PAGE)
    assert answer.status == 409 and "adjustments/rows.csv" in answer.text
    (desk.folder / "rows.csv").unlink()
    desk.folder.rmdir()
    desk.folder.parent.rmdir()
    answer = desk.get(PAGE)
    assert answer.status == 409 and "is not there" in answer.text
