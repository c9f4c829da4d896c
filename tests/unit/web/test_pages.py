"""Our own pages: what is shown, which files can be reached, and what a form has to bring along."""

from __future__ import annotations

import os
import re
import stat
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from orchestration.pipeline.home import Home
from orchestration.web.door import Door
from orchestration.web.frame import MOST_OF_A_FORM_BYTES, Frame
from orchestration.web.launching import Launch
from orchestration.web.pages import Pages, _next
from orchestration.web.settings import Settings
from orchestration.web.visitor import COOKIE, Visitors, key_of
from tests.conftest import ROOT
from tests.unit.web.asking import Answer, ask

HOST = ("Host", "127.0.0.1:3000")
OWN = ("Origin", "http://127.0.0.1:3000")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
VISITORS = Visitors(b"key")
PROGRAM = "instagram-spring-bonus"


def _launches_nothing(*_: Any) -> str:
    raise AssertionError("nothing is launched here")


def _app(home: Home, launch: Launch = _launches_nothing, **environment: str) -> Any:
    door = Middleware(Door, settings=Settings.of(environment), visitors=VISITORS)
    return Starlette(routes=Pages(Frame(home, VISITORS, launch)).routes(), middleware=[door])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    return home


@pytest.fixture
def reports(home: Home) -> Path:
    folder = home.path / "reports" / f"program={PROGRAM}"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("all periods")
    (folder / "period=2024-04.html").write_text("one period")
    (folder / "period=secret.html").symlink_to(home.dagster / "dagster.yaml")
    (folder / ".period=2024-04.html.17").write_text("half of it")
    return folder


def _get(home: Home, path: str) -> Answer:
    return ask(_app(home), "GET", path, [HOST])


def test_periods_are_shown_with_state_and_links(home: Home, reports: Path) -> None:
    home.register(PROGRAM, ROOT / "programs" / f"{PROGRAM}.yaml", home.path)
    answer = _get(home, "/bonus")
    assert answer.status == 200
    assert "not published" in answer.text
    assert f'action="/bonus/programs/{PROGRAM}/run"' in answer.text
    assert 'name="run-2024-04"' in answer.text
    assert f'href="/bonus/reports/program={PROGRAM}/index.html"' in answer.text
    assert f'href="/bonus/reports/program={PROGRAM}/period=2024-04.html"' in answer.text
    (policy,) = [
        value for value in answer.headers["content-security-policy"] if "default-src" in value
    ]
    assert "default-src 'none'" in policy
    assert "<script" not in answer.text


@pytest.mark.parametrize(
    ("state", "before", "today", "said"),
    [
        ("estimated", None, "2024-05-01", "can be closed now"),
        ("estimated", None, "2024-04-30", "can be closed from 2024-05-01 on"),
        ("estimated", "2024-03", "2024-05-01", "can be closed after 2024-03"),
        (
            "estimated",
            "2024-03",
            "2024-04-30",
            "can be closed after 2024-03 and from 2024-05-01 on",
        ),
        ("not published", None, "2024-05-01", "it is over: run it"),
        ("not published", "2024-03", "2024-04-30", "it closes on 2024-05-01"),
    ],
)
def test_a_period_says_what_comes_next(
    state: str, before: str | None, today: str, said: str
) -> None:
    shown = {"state": state, "closes_on": "2024-05-01"}
    assert _next(shown, before, date.fromisoformat(today)) == said


def test_a_program_file_that_is_gone_is_told(home: Home) -> None:
    home.register("x", home.path / "<b>gone.yaml", home.path)
    answer = _get(home, "/bonus")
    assert answer.status == 200
    assert "cannot be used" in answer.text
    assert "gone.yaml" in answer.text
    assert "<b>" not in answer.text


def test_a_home_without_a_program_says_what_to_do(home: Home) -> None:
    assert "no program yet" in _get(home, "/bonus").text


def test_reports_are_served(home: Home, reports: Path) -> None:
    base = f"/bonus/reports/program={PROGRAM}"
    assert _get(home, f"{base}/index.html").text == "all periods"
    answer = _get(home, f"{base}/period=2024-04.html")
    assert answer.text == "one period"
    assert answer.headers["content-type"] == ["text/html; charset=utf-8"]
    assert any("default-src 'none'" in value for value in answer.headers["content-security-policy"])
    assert "bonus report" in _get(home, f"{base}/period=2024-05.html").text


@pytest.mark.parametrize(
    "path",
    [
        "program=../dagster.yaml",
        "../dagster/dagster.yaml",
        f"program={PROGRAM}/../../dagster/dagster.yaml",
        f"program={PROGRAM}/../index.html",
        f"program={PROGRAM}/.period=2024-04.html.17",
        f"program={PROGRAM}/period=secret.html",
        f"program={PROGRAM}/period=../index.html",
        f"program={PROGRAM}/period=2024-04.html\0",
        f"program={PROGRAM}/",
        "program=/index.html",
        "program=./index.html",
        "program=../index.html",
        "/etc/passwd",
        "",
    ],
)
def test_nothing_else_can_be_reached(home: Home, reports: Path, path: str) -> None:
    (home.path / "reports" / "index.html").write_text("not ours")
    answer = _get(home, f"/bonus/reports/{path}")
    assert answer.status == 404
    assert "telemetry" not in answer.text
    assert "not ours" not in answer.text


def _say(home: Home, fields: dict[str, str], *headers: tuple[str, str]) -> Answer:
    return ask(
        _app(home), "POST", "/bonus/name", headers or (HOST, OWN, FORM), urlencode(fields).encode()
    )


def _token(home: Home) -> str:
    match = re.search(r'name="token" value="([0-9a-f]+)"', _get(home, "/bonus").text)
    assert match is not None
    return match[1]


def test_a_name_is_asked_once_and_kept_in_the_browser(home: Home) -> None:
    answer = _say(home, {"token": _token(home), "name": " Zoë <b> "})
    assert (answer.status, answer.headers["location"]) == (303, ["/bonus"])
    (cookie,) = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    kept = cookie.partition(";")[0]
    assert kept == f"{COOKIE}={VISITORS.cookie('Zoë <b>')}"
    page = ask(_app(home), "GET", "/bonus", [HOST, ("Cookie", kept)])
    assert 'value="Zoë &lt;b&gt;"' in page.text


def test_a_form_without_its_page_s_token_does_nothing(home: Home) -> None:
    good = _token(home)
    for token in (
        "",
        "0" * 64,
        good[:-1],
        good.upper(),
        f"{good} ",
        VISITORS.token("/bonus/close"),
        "\u00e9",
    ):
        answer = _say(home, {"token": token, "name": "ada"})
        assert answer.status == 403
        assert "set-cookie" not in answer.headers
    assert _say(home, {"name": "ada"}).status == 403
    foreign = (HOST, ("Origin", "http://127.0.0.1:3001"), FORM)
    assert _say(home, {"token": good, "name": "ada"}, *foreign).status == 403


def test_what_is_no_name_is_refused(home: Home) -> None:
    token = _token(home)
    for name in ("", " ", "a" * 129, "\u3164", "a\nb", "p\u0430ul"):
        answer = _say(home, {"token": token, "name": name})
        assert (answer.status, "set-cookie" in answer.headers) == (400, False)
    too_long = {"token": token, "name": "a" * MOST_OF_A_FORM_BYTES}
    assert _say(home, too_long).status == 413


def test_who_has_logged_in_is_not_asked(home: Home) -> None:
    app = _app(home, BONUS_UI_USER_HEADER="X-User", BONUS_UI_PROXY="127.0.0.1")
    answer = ask(app, "GET", "/bonus", [HOST, ("X-User", "grace@example.com")])
    assert "logged in as" in answer.text
    assert "grace@example.com" in answer.text
    assert "<form" not in answer.text


def test_what_is_below_our_pages_is_ours(home: Home) -> None:
    for path in ("/bonus/", "/bonus/nothing", "/bonus/name", "/bonus/graphql"):
        answer = _get(home, path)
        assert answer.status == 404
        assert "no such page" in answer.text


def test_the_key_of_names_is_the_owner_s_and_stays(tmp_path: Path) -> None:
    usual = os.umask(0)
    try:
        key = key_of(tmp_path)
    finally:
        os.umask(usual)
    path = tmp_path / "cache" / "ui.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key_of(tmp_path) == key
    path.write_bytes(b"torn")
    assert len(key_of(tmp_path)) == len(key)
    assert key_of(tmp_path) != key
