"""The page of a period before its close: what it shows, and that each of its forms is one Dagster run."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import dagster as dg
import pytest

from expectations.suite import GateResult, Result
from orchestration.dagster_glue.instance import open_instance
from orchestration.pipeline.home import Home
from orchestration.pipeline.run_state import RunState
from orchestration.pipeline.work_file import WorkFile
from orchestration.web.visitor import COOKIE
from tests.page_reader import read_page
from tests.unit.reports.conftest import CREATOR, PROGRAM, HandMade
from tests.unit.reports.conftest import march as march
from tests.unit.web.asking import Answer, ask
from tests.unit.web.test_pages import FORM, HOST, OWN, VISITORS, _app

PAGE = "/bonus/periods/spring-bonus/march"
Launched = list[tuple[str, str, Mapping[str, Any], Mapping[str, str]]]


@pytest.fixture
def books(tmp_path: Path) -> HandMade:
    """A home that knows the program; nothing is published yet."""
    books = HandMade(Home(tmp_path / "home"))
    (tmp_path / "program.yaml").write_text(PROGRAM + "# newer\n")
    (tmp_path / "landing").mkdir()
    books.home.register(books.program, tmp_path / "program.yaml", tmp_path / "landing")
    return books


class Desk:
    """Asks the pages of a home, and keeps what they launch."""

    def __init__(self, home: Home, **environment: str) -> None:
        self.launched: Launched = []
        self._app = _app(home, self._launch, **environment)

    def _launch(self, *launch: Any) -> str:
        self.launched.append(launch)
        return "run-7"

    def get(self, path: str = PAGE, *headers: tuple[str, str]) -> Answer:
        return ask(self._app, "GET", path, [HOST, *headers])

    def post(self, action: str, *headers: tuple[str, str], **fields: str) -> Answer:
        return self.post_to(f"{PAGE}/{action}", *headers, **fields)

    def post_to(self, path: str, *headers: tuple[str, str], **fields: str) -> Answer:
        body = urlencode(fields).encode()
        return ask(self._app, "POST", path, [HOST, OWN, FORM, *headers], body)

    @staticmethod
    def token(action: str) -> str:
        return VISITORS.token(f"{PAGE}/{action}")


def revision(books: HandMade) -> str:
    """That of what is published of march."""
    return str(books.home.store(books.program).published()["march"].revision)


def test_it_shows_what_a_close_would_fix(march: HandMade) -> None:
    answer = Desk(march.home).get()
    assert answer.status == 200
    page = read_page(answer.text)
    amounts = dict(page.tables["march; no earlier period is published"][1:])
    assert amounts["Paid out in USD"] == "11.70"
    assert page.tables["Held and carried: open at the end of the period"][1:] == [
        ["carried", "below minimum", "1", "JPY 151"]
    ]
    assert "The landing data and the program file changed after this run." in page.text
    assert "It is the next to close" in page.text
    assert f'action="{PAGE}/close"' in answer.text
    assert f'name="seen" value="{revision(march)}"' in answer.text
    assert "<script" not in answer.text.replace("&lt;script", "")
    assert answer.headers["cache-control"] == ["no-store"]


def test_a_close_is_a_run_of_dagster_in_the_name_that_is_said(march: HandMade) -> None:
    desk = Desk(march.home)
    seen = revision(march)
    answer = desk.post("close", token=desk.token("close"), name=" grace ", seen=seen)
    assert (answer.status, answer.headers["location"]) == (303, ["/runs/run-7"])
    (cookie,) = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}={VISITORS.cookie('grace')}")
    assert desk.launched == [
        (
            "close",
            "spring-bonus:march",
            {"ops": {"close_period": {"config": {"approver": "grace", "seen": int(seen)}}}},
            {"by": "grace", "program": "spring-bonus", "period": "march"},
        )
    ]


def test_a_run_is_launched_likewise(march: HandMade) -> None:
    desk = Desk(march.home)
    answer = desk.post("run", token=desk.token("run"), name="grace")
    assert answer.headers["location"] == ["/runs/run-7"]
    assert [row[:3] for row in desk.launched] == [("period", "spring-bonus:march", {})]


def test_several_periods_are_launched_in_their_order(march: HandMade) -> None:
    """Of what is chosen in the list, one run each; nothing of what is no period."""
    desk = Desk(march.home)
    path = "/bonus/programs/spring-bonus/run"

    def post(**fields: str) -> Answer:
        return desk.post_to(path, token=VISITORS.token(path), name="grace", **fields)

    answer = post(**{"run-april": "on", "run-march": "on", "run-june": "on", "march": "on"})
    assert (answer.status, answer.headers["location"]) == (303, ["/runs"])
    assert [row[:2] for row in desk.launched] == [
        ("period", "spring-bonus:march"),
        ("period", "spring-bonus:april"),
    ]
    assert post(**{"run-april": "on"}).headers["location"] == ["/runs/run-7"]
    answer = post()
    assert (answer.status, "No period is chosen" in answer.text) == (409, True)
    assert desk.post_to(path, token=desk.token("run"), name="grace").status == 403
    assert len(desk.launched) == 3


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"name": "grace"}, 403),
        ({"name": "grace", "token": "0" * 64}, 403),
        ({"name": "grace", "token": VISITORS.token(f"{PAGE}/run")}, 403),
        ({"name": "grace", "token": VISITORS.token("/bonus/periods/spring-bonus/april/close")}, 403),
        ({"token": Desk.token("close")}, 400),
        ({"name": " ", "token": Desk.token("close")}, 400),
    ],
    ids=["no token", "a wrong one", "of a run", "of another period", "no name", "a blank one"],
)  # fmt: skip
def test_without_token_or_name_nothing_is_launched(
    fields: dict[str, str], status: int, march: HandMade
) -> None:
    desk = Desk(march.home)
    assert desk.post("close", **fields).status == status
    assert desk.launched == []


def test_what_would_be_refused_makes_no_run(march: HandMade) -> None:
    desk = Desk(march.home)
    starter = march.home.store(march.program).published()["march"].record().by
    seen = revision(march)
    answer = desk.post("close", token=desk.token("close"), name="ADA <script>", seen=seen)
    assert answer.status == (409 if starter.startswith("ada <script>") else 303)
    assert "someone else has to close it" in answer.text
    assert desk.launched == []


def test_what_was_published_since_it_was_looked_at_is_not_closed(march: HandMade) -> None:
    desk = Desk(march.home)
    seen = revision(march)
    march.publish("march")
    now = revision(march)
    assert now != seen
    answer = desk.post("close", token=desk.token("close"), name="grace", seen=seen)
    assert answer.status == 409
    assert f"that was revision {seen}, and now it is {now}; look again" in answer.text
    for nothing in ({}, {"seen": ""}, {"seen": "-1"}, {"seen": "\u0663"}, {"seen": "1" * 5000}):
        answer = desk.post("close", token=desk.token("close"), name="grace", **nothing)
        assert (answer.status, "does not say what was looked at" in answer.text) == (409, True)
    assert desk.launched == []


def test_who_has_logged_in_closes_whatever_the_form_says(march: HandMade) -> None:
    desk = Desk(march.home, BONUS_UI_USER_HEADER="X-User", BONUS_UI_PROXY="127.0.0.1")
    user = ("X-User", "grace@example.com")
    assert 'name="name"' not in desk.get(PAGE, user).text
    seen = revision(march)
    answer = desk.post("close", user, token=desk.token("close"), name="heidi", seen=seen)
    assert answer.status == 303
    assert "set-cookie" not in answer.headers
    asked = {"approver": "grace@example.com", "seen": int(seen)}
    assert desk.launched[0][2] == {"ops": {"close_period": {"config": asked}}}


def test_a_period_that_is_not_the_next_has_no_form_for_its_close(march: HandMade) -> None:
    march.publish("april")
    answer = Desk(march.home).get("/bonus/periods/spring-bonus/april")
    assert "april is not the next to close; first close march" in answer.text
    assert "april/close" not in answer.text
    assert "april/run" in answer.text


def test_a_red_gate_shows_its_rows(march: HandMade) -> None:
    folder = march.home.last_run_folder(march.program, "march")
    work = WorkFile(march.home.path / "work" / march.program / "march")
    state = RunState(march.home.path, folder, work)
    state.begin_reading(march.program, "march", "run-2", "eve", b"")
    row = {"creator_id": CREATOR, "market": "<b>"}
    state.record(
        "ingest",
        GateResult(
            "ingest", (Result("rows_fit", "raw_creators", "error", "a row is bad", "failed", 1, (row,)),)
        ),
    )  # fmt: skip
    answer = Desk(march.home).get()
    page = read_page(answer.text)
    assert page.tables["ingest: rows_fit, its only row"][1][1] == "<b>"
    assert (
        "Blocked by the ingest gate, rows_fit: 1 rows of raw_creators, a row is bad." in page.text
    )
    assert "A later run of march (run-2, started by eve) was blocked" in page.text
    assert f'action="{PAGE}/close"' not in answer.text
    assert 'href="/runs/run-2"' in answer.text


def test_a_run_that_is_under_way_is_no_alarm_and_is_not_started_twice(march: HandMade) -> None:
    folder = march.home.last_run_folder(march.program, "march")
    work = WorkFile(march.home.path / "work" / march.program / "march")
    RunState(march.home.path, folder, work).begin_reading(
        march.program, "march", "run-2", "eve", b""
    )
    said = "A later run of march (run-2, started by eve)"
    desk = Desk(march.home)
    with march.home.period_lock(march.program, "march", "run-2"):
        answer = desk.get()
    assert f"{said} is under way; look again when it has ended." in read_page(answer.text).text
    assert f'action="{PAGE}/run"' not in answer.text
    answer = desk.get()
    assert f"{said} read input and ended before" in read_page(answer.text).text
    assert f'action="{PAGE}/run"' in answer.text


@pytest.mark.parametrize(
    ("job", "status", "said"),
    [
        ("period", dg.DagsterRunStatus.NOT_STARTED, "a run of eve is not started"),
        ("close", dg.DagsterRunStatus.STARTED, "a close of eve is started"),
        ("explain", dg.DagsterRunStatus.STARTED, None),
        ("period", dg.DagsterRunStatus.FAILURE, None),
    ],
)
def test_what_was_launched_is_told_before_it_begins(
    job: str, status: dg.DagsterRunStatus, said: str | None, march: HandMade
) -> None:
    march.home.prepare()
    with open_instance(march.home) as instance:
        tags = {"dagster/partition": f"{march.program}:march", "by": "eve"}
        instance.add_run(
            dg.DagsterRun(job_name=job, run_id=str(uuid.uuid4()), status=status, tags=tags)
        )
    answer = Desk(march.home).get()
    text = read_page(answer.text).text
    assert (f"Under way: {said}; look again when it has ended." in text) == (said is not None)
    for action in ("run", "close"):
        assert (f'action="{PAGE}/{action}"' in answer.text) == (said is None)


def test_who_has_worked_on_it_is_not_offered_to_close_it(march: HandMade) -> None:
    desk = Desk(march.home, BONUS_UI_USER_HEADER="X-User", BONUS_UI_PROXY="127.0.0.1")
    by = march.home.store(march.program).published()["march"].record().by
    answer = desk.get(PAGE, ("X-User", by))
    assert "You have worked on it, so somebody else has to close it." in answer.text
    assert f'action="{PAGE}/close"' not in answer.text
    # Without a login somebody else may sit here by now: the form asks who.
    answer = Desk(march.home).get(PAGE, ("Cookie", f"{COOKIE}={VISITORS.cookie(by)}"))
    form = answer.text[answer.text.index(f'action="{PAGE}/close"') :]
    assert 'autocomplete="name" value="">' in form


def test_a_refusal_says_each_reason_once_and_leads_back(march: HandMade) -> None:
    march.publish("april")
    desk = Desk(march.home)
    april = PAGE.replace("march", "april")
    path = f"{april}/close"
    by = march.home.store(march.program).published()["april"].record().by
    answer = desk.post_to(path, token=VISITORS.token(path), name=by, seen="1")
    page = read_page(answer.text)
    assert answer.status == 409
    assert page.text.count("someone else has to close it") == 1
    assert "april is not the next to close; first close march" in page.text
    assert "u000a" not in page.text
    assert f'<a href="{april}">' in answer.text


@pytest.mark.parametrize("place", ["nothing/march", "spring-bonus/may", "..%2f..%2fetc/march"])
def test_what_there_is_not_is_told(place: str, march: HandMade) -> None:
    desk = Desk(march.home)
    assert desk.get(f"/bonus/periods/{place}").status == 404
    path = f"/bonus/periods/{place}/close"
    answer = ask(
        desk._app, "POST", path, [HOST, OWN, FORM],
        urlencode({"token": VISITORS.token(path), "name": "grace"}).encode(),
    )  # fmt: skip
    assert answer.status in (403, 404)
    assert desk.launched == []


def test_a_period_that_was_never_run_can_be_run(books: HandMade) -> None:
    answer = Desk(books.home).get()
    assert answer.status == 200
    assert "Nothing of this period is published yet; it is over: run it." in answer.text
    assert re.findall(r'action="([^"]+)"', answer.text) == [f"{PAGE}/run"]


def test_a_home_that_is_not_in_order_is_told_in_plain_words(march: HandMade) -> None:
    publication = march.home.store(march.program).published()["march"]
    (publication.folder / "run.json").write_bytes(b"{")
    answer = Desk(march.home).get()
    assert answer.status == 409
    assert "run.json" in answer.text
