"""Our own pages beside Dagster's: whole at any width, and a name that is asked once."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.middleware import Middleware

from orchestration.dagster_glue.partitions import partition_key
from orchestration.pipeline.home import Home
from orchestration.terms.load import load_program
from orchestration.web.claims import claim_port
from orchestration.web.door import Door
from orchestration.web.frame import Frame
from orchestration.web.pages import Pages
from orchestration.web.settings import Settings
from orchestration.web.visitor import Visitors
from tests.browser.conftest import (
    LOOKS,
    PATIENCE_MS,
    Clicks,
    Desk,
    expect_success,
    out_of_sight,
    overlapping,
    type_into,
)
from tests.browser.test_operator import (
    LAUNCHPAD,
    _choose_in_launchpad,
    _launch,
    _row_of,
    _wait_for_runs,
)


@pytest.fixture(scope="module")
def periods(desk: Desk) -> list[str]:
    """The program's periods: the first is closed, the second published by ada.

    As the operator's day in test_operator.py leaves them; without it they are made here.
    """
    shown = {row["period"]: row["state"] for row in desk.bonus.json("status")["periods"]}
    first, second, *_ = shown
    missing = [period for period in (first, second) if shown[period] == "not published"]
    if missing:
        assert desk.bonus("run", *missing, "--by", "ada").returncode == 0
    if shown[first] != "closed":
        assert desk.bonus("close", first, "--by", "grace").returncode == 0
    return list(shown)


def _looked_at(browser: Browser, url: str, width: int, scheme: str) -> Page:
    """A page as wide as its window, with all in sight, in which axe finds nothing."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert out_of_sight(page) == []
    assert overlapping(page) == []
    return page


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_no_violation_and_nothing_cut(
    desk: Desk, periods: list[str], browser: Browser, width: int, scheme: str
) -> None:
    page = _looked_at(browser, f"{desk.ui.url}/bonus", width, scheme)
    # What is found to lie over something else would be found here.
    page.add_style_tag(content="nav.pages a { margin-right: -3rem }")
    assert overlapping(page) == ["Periods | Dagster"]
    page.close()


def test_a_period_leads_to_its_report_and_its_run(
    desk: Desk, periods: list[str], page: Page
) -> None:
    page.goto("/bonus")
    row = _row_of(page, periods[0])
    expect(row).to_contain_text("closed by grace")
    row.get_by_role("link", name="report").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(periods[0])
    # The style is the report's own, which the policy of the page lets in.
    assert page.evaluate("getComputedStyle(document.body).maxWidth") != "none"
    # What was paid in one currency, who got most, and the period after it.
    expect(page.get_by_text("Paid out in all currencies")).to_be_visible()
    expect(page.get_by_role("table", name=re.compile("that earned most"))).to_be_visible()
    page.get_by_role("link", name=periods[1]).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(periods[1])
    page.get_by_role("link", name="All periods").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.goto("/bonus")
    row.get_by_role("link", name="success by grace").click()
    page.wait_for_url("**/runs/*")


@contextmanager
def _pages_over(home: Home) -> Iterator[str]:
    """Our own pages over a home, without Dagster's beside them, until the block ends; their address."""

    def launch(*_: object) -> str:
        raise AssertionError("nothing is launched here")

    visitors = Visitors(b"key")
    door = Middleware(Door, settings=Settings.of({}), visitors=visitors)
    app = Starlette(routes=Pages(Frame(home, visitors, launch)).routes(), middleware=[door])
    with claim_port(0) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def test_a_copied_home_shows_the_same(
    desk: Desk, periods: list[str], page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The times of all its files are new; their content is what counts."""
    home = Home(tmp_path / "copy")
    subprocess.run(["cp", "-R", str(desk.bonus.home), str(home.path)], check=True)
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    program = load_program(desk.bonus.program).program.program

    def shown(ui: str) -> list[str]:
        found = []
        for path in ("", *(f"/periods/{program}/{period}" for period in periods[:2])):
            page.goto(f"{ui}/bonus{path}")
            text = page.locator("main").inner_text()
            found.append(text.replace(str(home.path), str(desk.bonus.home)))
        page.goto(f"{ui}/bonus")
        with page.expect_navigation():
            _row_of(page, periods[0]).get_by_role("link", name="report").click()
        return [*found, page.locator("body").inner_text()]

    with _pages_over(home) as copy:
        there = shown(copy)
    assert "It is the next to close" in there[2]
    assert there == shown(desk.ui.url)


def test_a_period_is_looked_at_and_closed_on_its_own_page(
    desk: Desk, periods: list[str], browser: Browser, page: Page, clicks: Clicks
) -> None:
    """Four clicks, one of them into the field of the name, from the list of periods to the run that closes."""
    program = load_program(desk.bonus.program).program.program
    # Three looks are enough: the parts are those of the list and of the reports.
    for width, scheme in LOOKS[1:]:
        _looked_at(
            browser, f"{desk.ui.url}/bonus/periods/{program}/{periods[1]}", width, scheme
        ).close()
    page.goto("/bonus")
    page.get_by_role("link", name=periods[1], exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{program}: {periods[1]}")
    expect(page.get_by_role("cell", name="below minimum").first).to_be_visible()
    # A creator's numbers are two clicks and an id away, and say what the command says.
    page.get_by_label("Creator id").fill("star-us")
    page.get_by_role("button", name="Show its numbers").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("star-us")
    told = desk.bonus("explain", periods[1], "star-us").stdout
    paid = re.search(r"Paid out +([0-9,.]+) ", told)
    assert paid is not None
    payout = page.get_by_role("table", name="Payout").get_by_role("row", name="Paid out")
    expect(payout.get_by_role("cell").first).to_have_text(paid[1])
    for width, scheme in LOOKS[::3]:
        _looked_at(browser, page.url, width, scheme).close()
    page.get_by_role("link", name=periods[1], exact=True).first.click()
    expect(page.get_by_role("link", name="star-us")).to_be_visible()
    # The command that is shown works wherever it is pasted.
    shown = page.get_by_text(f"bonus explain {periods[1]} CREATOR").inner_text()
    places = ["--program", str(desk.bonus.program), "--home", str(desk.bonus.home)]
    assert shlex.split(shown)[4:] == places
    closing = page.locator("form", has=page.get_by_role("button", name=f"Close {periods[1]}"))
    closing.get_by_label("Your name").fill("ADA")
    closing.get_by_role("button").click()
    expect(closing).to_be_visible()  # nothing is launched by who has not said that it was looked at
    closing.get_by_role("checkbox").check()
    closing.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("someone else has to close it")
    page.get_by_role("link", name="Back to the page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{program}: {periods[1]}")
    clicks.taken()
    page.goto("/bonus")
    page.get_by_role("link", name=periods[1], exact=True).click()
    type_into(closing.get_by_label("Your name"), "heidi")
    closing.get_by_role("checkbox").check()
    closing.get_by_role("button").click()
    page.wait_for_url("**/runs/*")
    assert clicks.taken() == 4
    expect_success(page)
    second = desk.bonus.json("status")["periods"][1]
    assert (second["state"], second["closed_by"]) == ("closed", "heidi")
    page.goto(f"/bonus/periods/{program}/{periods[1]}")
    expect(page.get_by_text("what was published is fixed")).to_be_visible()
    # The name was kept, and the next form asks for it no more.
    page.goto(f"/bonus/periods/{program}/{periods[2]}")
    running = page.locator("form", has=page.get_by_role("button", name=f"Run {periods[2]}"))
    expect(running.get_by_label("Your name")).to_have_value("heidi")


def test_three_periods_are_chosen_and_run(
    desk: Desk, periods: list[str], page: Page, clicks: Clicks
) -> None:
    """Among them one that was run before, and one that a gate has blocked and that is repaired.

    The landing data has a market by now that the program does not have, though it looks meant to.
    """
    program = load_program(desk.bonus.program).program
    chosen = [periods[place] for place in (2, 4, 5)]
    _deliver_a_creator_of(desk, "us", program.program, program.periods[5].starts_on)
    page.goto("/bonus")
    for period in chosen:
        page.get_by_role("checkbox", name=f"Run {period}").click()
    type_into(page.get_by_label("Run by"), "heidi")
    page.get_by_role("button", name="Run the chosen periods").click()
    page.wait_for_url("**/runs")
    assert clicks.taken() == 5
    keys = [partition_key(program.program, period) for period in chosen]
    page.goto(_wait_for_runs(desk, keys, "SUCCESS"))
    said = re.compile("1 creator is of the market 'us', which the program does not have")
    expect(page.get_by_text(said).first).to_be_visible()
    page.goto(f"/bonus/periods/{program.program}/{chosen[-1]}")
    expect(page.get_by_text(said)).to_contain_text("perhaps US")
    shown = {row["period"]: row for row in desk.bonus.json("status")["periods"]}
    assert {(shown[period]["state"], shown[period]["by"]) for period in chosen} == {
        ("estimated", "heidi")
    }


def _deliver_a_creator_of(desk: Desk, market: str, program: str, day: date) -> None:
    """Puts a creator of a market into the landing folder, with a deal of the program from that day on."""
    at = f"{day}T00:00:00Z"
    rows = {
        "creators": {"creator_id": "lost", "account_type": "creator", "market": market},
        "deals": {
            "deal_id": "lost",
            "program": program,
            "creator_id": "lost",
            "invited_at": at,
            "activated_at": at,
            "ends_at": "2100-01-01T00:00:00Z",
        },
    }
    for dataset, row in rows.items():
        text = json.dumps({**row, "updated_at": at})
        (desk.bonus.landing / dataset / "lost.jsonl").write_text(text, encoding="utf-8")


def test_an_adjustment_is_asked_for_by_one_and_approved_by_another(
    desk: Desk, periods: list[str], browser: Browser, page: Page
) -> None:
    program = load_program(desk.bonus.program).program.program
    address = f"/bonus/periods/{program}/{periods[3]}"
    page.goto(address)
    page.get_by_role("link", name="Adjustments by hand").click()
    asking = page.locator("form", has=page.get_by_role("button", name="Ask"))
    for label, typed in (
        ("Creator", "star-us"),
        ("Currency", "USD"),
        ("Amount", "12.50"),
        ("Reason", "a <b>lost</b> reel"),
        ("Your name", "bo"),
    ):
        asking.get_by_label(label).fill(typed)
    asking.get_by_role("button").click()
    page.wait_for_url("**/runs/*")
    expect_success(page)
    for width, scheme in LOOKS[::3]:
        _looked_at(browser, f"{desk.ui.url}{address}/adjustments", width, scheme).close()
    page.goto(f"{address}/adjustments")
    expect(page.get_by_text("a <b>lost</b> reel")).to_be_visible()
    approving = page.locator("form", has=page.get_by_role("button", name="Approve"))
    expect(approving.get_by_label("Your name")).to_have_value("bo")
    approving.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("someone else has to approve it")
    page.go_back()
    approving.get_by_label("Your name").fill("cy")
    approving.get_by_role("button").click()
    page.wait_for_url("**/runs/*")
    expect_success(page)
    (row,) = desk.bonus.json("adjust", "list")["adjustments"]
    assert (row["requested_by"], row["approved_by"], row["counts"]) == ("bo", "cy", True)


def test_a_name_is_asked_once_and_closes_a_period_without_typing(
    desk: Desk, periods: list[str], page: Page
) -> None:
    page.goto("/bonus")
    page.get_by_label("Your name").fill("ivan")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_label("Your name")).to_have_value("ivan")
    page.goto(LAUNCHPAD)
    program = load_program(desk.bonus.program).program.program
    _choose_in_launchpad(desk, page, partition_key(program, periods[2]))
    # The approver stays empty, as the launchpad has it.
    expect(page.locator(".CodeMirror").get_by_text("approver").first).to_be_visible()
    expect(page.get_by_text("No errors").first).to_be_visible()
    _launch(page)
    expect_success(page)
    third = desk.bonus.json("status")["periods"][2]
    assert (third["state"], third["closed_by"]) == ("closed", "ivan")
