"""The report's pages in a real Chromium: nothing cut at any width, no axe violation, paper, pictures."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from orchestration.reports.write import OVERVIEW, page_name
from tests.browser.conftest import LOOKS, Camera, Desk, out_of_sight, overlapping


@pytest.fixture(scope="module")
def pages(desk: Desk) -> dict[str, Path]:
    """The pages of a closed period, of an open one with a budget, and the overview.

    As the operator's day in test_operator.py leaves them; without it they are made here.
    """
    shown = {row["period"]: row["state"] for row in desk.bonus.json("status")["periods"]}
    closed, _, budgeted, *_ = shown
    missing = [period for period in (closed, budgeted) if shown[period] == "not published"]
    if missing:
        assert desk.bonus("run", *missing, "--by", "ada").returncode == 0
    if shown[closed] != "closed":
        assert desk.bonus("close", closed, "--by", "grace").returncode == 0
    files = {Path(file).name: Path(file) for file in desk.bonus.json("report")}
    return {
        "closed": files[page_name(closed)],
        "open": files[page_name(budgeted)],
        "overview": files[OVERVIEW],
    }


@pytest.mark.parametrize("name", ["closed", "open", "overview"])
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_no_violation_and_nothing_cut(
    pages: dict[str, Path], browser: Browser, name: str, width: int, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(pages[name].as_uri())
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    wide = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter(element =>
            !element.closest(".scroll")
            && element.getBoundingClientRect().right > document.documentElement.clientWidth + 1
        ).map(element => element.outerHTML.slice(0, 200))"""
    )
    assert wide == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert out_of_sight(page) == []
    assert overlapping(page) == []
    # A number that goes on in a second line breaks in its middle.
    broken = page.evaluate(
        """() => [...document.querySelectorAll("tbody .number, tfoot .number, dd.value")].filter(
            cell => {
                const text = document.createRange();
                text.selectNodeContents(cell.querySelector("bdi") ?? cell);
                return new Set([...text.getClientRects()].map(line => Math.round(line.bottom))).size > 1;
            }).map(cell => cell.textContent.trim())"""
    )
    assert broken == []
    # Each bar has room beside its label and its amount, and the longest one fills it.
    bars = page.evaluate(
        """() => [...document.querySelectorAll(".chart")].map(chart =>
            Math.max(...[...chart.querySelectorAll(".bar")].map(bar => {
                const parts = [...bar.querySelectorAll("rect")];
                const widths = parts.map(part => part.getBoundingClientRect().width);
                return widths.reduce((sum, width) => sum + width, 0);
            })))"""
    )
    assert min(bars, default=60) >= 60
    page.close()


def test_the_page_needs_no_network_and_no_script(pages: dict[str, Path], browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(pages["overview"].as_uri())
    page.get_by_role("link", name=pages["open"].stem.removeprefix("period=")).first.click()
    page.get_by_role("heading", level=1).wait_for()
    assert [unquote(url) for url in asked] == [
        unquote(pages["overview"].as_uri()),
        unquote(pages["open"].as_uri()),
    ]
    assert page.title().startswith(pages["open"].stem.removeprefix("period="))
    context.close()


def test_the_keyboard_reaches_what_scrolls(pages: dict[str, Path], browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 400, "height": 900})
    page.goto(pages["open"].as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.getAttribute('role')")
    assert focused == "region"
    page.close()


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_paper_holds_every_table_whole(
    pages: dict[str, Path], browser: Browser, paper: str
) -> None:
    """Printed in the paper's width less margins of 14 mm; what is wider would be cut."""
    width = {"A4": 210 - 28, "Letter": 216 - 28}[paper] * 96 // 25.4
    page = browser.new_page(viewport={"width": int(width), "height": 1000})
    page.emulate_media(media="print")
    page.goto(pages["open"].as_uri())
    wide = page.evaluate(
        "() => [...document.querySelectorAll('table, svg, p')].filter(element =>"
        " element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)"
        ".map(element => element.textContent.trim().slice(0, 60))"
    )
    assert wide == []
    # The row of all stands at a table's end, once: a foot would stand on every sheet.
    feet = page.evaluate(
        "() => [...document.querySelectorAll('tfoot')].map(foot => getComputedStyle(foot).display)"
    )
    assert set(feet) == {"table-row-group"}
    assert page.pdf(format=paper).startswith(b"%PDF")
    page.close()


def test_the_picture_in_the_docs(pages: dict[str, Path], browser: Browser, picture: Camera) -> None:
    """It ends with the charts, above the first table."""
    page = browser.new_page(viewport={"width": 1000, "height": 1160})
    page.goto(pages["open"].as_uri())
    picture(page, "report", page.locator("figure").nth(1))
    page.close()
