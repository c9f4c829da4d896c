"""The report's pages in a real Chromium: nothing cut at any width, no axe violation, paper, pictures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from orchestration.reports.write import OVERVIEW, write_reports
from orchestration.sample import write_sample
from tests.conftest import ROOT
from tests.integration.books import Books

CHROMIUM = shutil.which("chromium")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
IMAGE = ROOT / "docs" / "images" / "report.png"
LOOKS = [(width, scheme) for width in (400, 900, 1600) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of a sample: a closed period, an open one, and the overview."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on the PATH; Debian has it: apt-get install chromium")
    folder = tmp_path_factory.mktemp("pages")
    write_sample(folder, creators=300, periods=3)
    books = Books(folder / "home", folder / "program.yaml")
    for period in books.periods:
        books.run(period, folder / "landing")
    books.close(books.periods[0])
    paths = write_reports(books.home, books.program.program, books.periods)
    closed, _, budgeted = books.periods
    return {
        "closed": paths[closed],
        "open": paths[budgeted],
        "overview": paths[closed].with_name(OVERVIEW),
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.mark.parametrize("name", ["closed", "open", "overview"])
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_no_violation_and_nothing_cut(
    pages: dict[str, Path], browser: Browser, name: str, width: int, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(pages[name].as_uri())
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    # A label that runs out of its chart is cut.
    cut = page.evaluate(
        """() => [...document.querySelectorAll("svg")].flatMap(svg => {
            const room = svg.getBoundingClientRect();
            return [...svg.querySelectorAll("text")].filter(text => {
                const box = text.getBoundingClientRect();
                return box.left < room.left - 1 || box.right > room.right + 1
                    || box.top < room.top - 1 || box.bottom > room.bottom + 1;
            }).map(text => text.textContent);
        })"""
    )
    assert cut == []
    page.close()


def test_the_page_needs_no_network_and_no_script(pages: dict[str, Path], browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(pages["overview"].as_uri())
    page.get_by_role("link", name=pages["open"].stem.removeprefix("period=")).first.click()
    page.get_by_role("heading", level=1).wait_for()
    assert asked == [pages["overview"].as_uri(), pages["open"].as_uri()]
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
    assert page.pdf(format=paper).startswith(b"%PDF")
    page.close()


def test_the_picture_in_the_docs(pages: dict[str, Path], browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 1160})
    page.goto(pages["open"].as_uri())
    IMAGE.parent.mkdir(exist_ok=True)
    page.screenshot(path=IMAGE)
    assert IMAGE.stat().st_size < 200_000
    page.close()
