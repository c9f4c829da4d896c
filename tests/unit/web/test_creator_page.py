"""The page of one creator's numbers: found by any id, plain where there is none, and it changes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from orchestration.ingest.cells import LONGEST_IDENTIFIER
from tests.page_reader import read_page
from tests.unit.reports.conftest import CONTENT, CREATOR, POST, HandMade
from tests.unit.reports.conftest import march as march
from tests.unit.web.asking import Answer
from tests.unit.web.test_period_page import PAGE, Desk
from tests.unit.web.test_period_page import books as books

CREATORS = f"{PAGE}/creators"
IDS = {
    "plain": "ana",
    "a path": "../..",
    "a query": "a?b=c&creator_id=d#e+f%20g",
    "markup": "\"><script>alert('x')</script>",
    "turned": "right\u202eto\u2066left",
    "controls": "a\x1b[31mb\x85",
    "blanks": "  ",
    "no text": "\ufeff",
    "of another plane": "\U0001f600" * LONGEST_IDENTIFIER,
    "the longest": "W" * LONGEST_IDENTIFIER,
}


def shown(books: HandMade, creator_id: str) -> Answer:
    return Desk(books.home).get(f"{CREATORS}?{urlencode({'creator_id': creator_id})}")


def asked(answer: Answer) -> str:
    """What stands in the field of the page's only form, which goes to the page by GET."""
    page = read_page(answer.text)
    forms = [(name, value) for tag, name, value in page.attributes if tag == "form"]
    assert forms == [("action", CREATORS)]
    fields = {name: value for tag, name, value in page.attributes if tag == "input"}
    assert fields["name"] == "creator_id"
    return fields["value"]


@pytest.fixture(params=list(IDS.values()), ids=list(IDS))
def creator_id(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def publish(books: HandMade, creator_id: str) -> Path:
    """March with one creator: not eligible, with one post, and owed 12.50 by an adjustment."""
    return books.publish(
        "march",
        creator_eligibility=[
            {"creator_id": creator_id, "market": "US", "deal_id": "d", "reasons": "MARKET",
             "window_start": "2024-03-01T00:00:00Z", "window_end": "2024-04-01T00:00:00Z"}
        ],
        post_eligibility=[
            {"post_id": POST, "creator_id": creator_id, "content_type": CONTENT,
             "published_at": "2024-03-02T00:00:00Z", "qualified_views": 5,
             "reasons": "CREATOR_INELIGIBLE"}
        ],
        payout_ledger=[
            {"creator_id": creator_id, "payout_currency": "USD", "status": "carried",
             "status_reason": "BELOW_MINIMUM", "adjustments_minor": 1250, "payable_minor": 1250,
             "closing_balance_minor": 1250, "performance_minor": 0, "milestone_minor": 0,
             "program_amount_minor": 0}
        ],
        journal=[
            {"entry_id": "e", "txn_id": "t", "kind": "manual", "origin_period": "march",
             "adjustment_id": "a", "creator_id": creator_id, "account": "expense:bonus",
             "currency": "USD", "amount_minor": 1250}
        ],
    )  # fmt: skip


def test_a_creator_of_any_id_is_shown(books: HandMade, creator_id: str) -> None:
    publish(books, creator_id)
    answer = shown(books, creator_id)
    assert answer.status == 200
    page = read_page(answer.text)
    assert "USD: carried: below minimum; paid out 0.00 USD" in page.text
    steps = {row[0]: row[1:] for row in page.tables["Payout (§7)"][1:]}
    assert steps["Adjustments"] == ["12.50", "USD", ""]
    assert steps["To be paid"] == ["12.50", "USD", "0 + 0 + 1250 + 0"]
    assert "Not eligible, MARKET" in page.text
    told = page.text.replace("\n", "")
    assert "It would count if all of this held:The terms name the market US." in told
    assert POST in page.text and "CREATOR_INELIGIBLE" in page.text
    assert asked(answer) == creator_id
    assert not {"script", "img", "b"} & set(page.tags)
    # What would turn the line round stands in the field alone, which gives the id back as it is.
    assert answer.text.count("\u202e") == creator_id.count("\u202e")
    assert ("a", "href", PAGE) in page.attributes
    assert answer.headers["cache-control"] == ["no-store"]


def test_who_earned_most_leads_to_its_numbers(march: HandMade) -> None:
    """What is published by hand contradicts itself, and that is told."""
    page = read_page(Desk(march.home).get().text)
    links = [value for _, name, value in page.attributes if name == "href" and CREATORS in value]
    assert [parse_qs(urlsplit(link).query)["creator_id"] for link in links] == [["b"], [CREATOR]]
    assert ("form", "action", CREATORS) in page.attributes
    answer = Desk(march.home).get(links[0])
    assert answer.status == 409
    assert "What is published contradicts itself; see bonus verify" in answer.text
    assert asked(answer) == "b"


def test_an_unknown_creator_is_told_with_the_form(march: HandMade, creator_id: str) -> None:
    answer = shown(march, creator_id)
    assert answer.status == 404
    page = read_page(answer.text)
    assert "No creator of this id has a row in the ledger of march; check the id." in page.text
    assert page.tables == {}
    assert asked(answer) == creator_id
    assert "script" not in page.tags


@pytest.mark.parametrize(
    "query", ["creator_id=%00", "creator_id=b%00", "creator_id=%ff%fe", "creator_id=" + "b" * 50_000]
)  # fmt: skip
def test_what_can_be_no_id_is_unknown(march: HandMade, query: str) -> None:
    assert Desk(march.home).get(f"{CREATORS}?{query}").status == 404


@pytest.mark.parametrize("query", ["", "?", "?creator_id=", "?creator=b"])
def test_without_an_id_there_is_the_form_alone(march: HandMade, query: str) -> None:
    answer = Desk(march.home).get(f"{CREATORS}{query}")
    assert (answer.status, asked(answer)) == (200, "")
    assert "alert" not in answer.text.split("<body>")[1]


def test_a_period_that_is_not_published_is_told_as_the_command_does(march: HandMade) -> None:
    desk = Desk(march.home)
    april = CREATORS.replace("march", "april")
    answer = desk.get(f"{april}?creator_id=b")
    assert answer.status == 409
    assert "april is not published yet; run it first: bonus run april" in answer.text
    assert april not in desk.get(PAGE.replace("march", "april")).text
    assert desk.get(CREATORS.replace("march", "may")).status == 404


def test_a_period_of_earlier_code_is_told_as_the_command_does(books: HandMade) -> None:
    shutil.rmtree(publish(books, "ana") / "market_totals")
    answer = shown(books, "ana")
    assert answer.status == 409
    assert "march was published by earlier code, without the tables that explain" in answer.text


def test_it_is_read_only(march: HandMade) -> None:
    desk = Desk(march.home)
    token = desk.token("creators")
    assert desk.post("creators", token=token, name="grace", creator_id="b").status == 405
    assert desk.launched == []
    other = [("Origin", "http://elsewhere.example")]
    assert desk.get(f"{CREATORS}?creator_id=b", *other).status == 403
