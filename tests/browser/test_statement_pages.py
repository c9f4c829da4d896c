"""Statements in a real Chromium, in all four languages: no axe violation, nothing cut, paper, no network."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from orchestration.publishing.export import export_tables
from orchestration.statements.languages import LANGUAGES, Language
from orchestration.statements.write import name_of, write_statements
from tests.integration.books import Books
from tests.integration.test_statements import rows

STATES = ("closed", "estimated")


@pytest.fixture(scope="module")
def pages(
    sample: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], list[Path]]:
    """Pages by state and language: of the busiest, one whose amount is held, one who is not eligible."""
    folder = tmp_path_factory.mktemp("statements")
    books = Books(folder / "home", sample / "program.yaml", fast=True)
    for period in books.periods[:2]:
        books.run(period, sample / "landing")
    books.close(books.periods[0])
    found: dict[tuple[str, str], list[Path]] = {}
    for state, period in zip(STATES, books.periods, strict=False):
        export_tables(books.published[period], folder / period)
        ledger = rows(folder / period, "payout_ledger")
        busy = max(ledger, key=lambda row: float(row["points"]))
        chosen = {busy["creator_id"]: "pays"}
        for row in ledger:
            if row["status"] == "held":
                chosen[row["creator_id"]] = "is held"
                break
        for row in rows(folder / period, "creator_eligibility"):
            if row["reasons"]:
                chosen[row["creator_id"]] = "is not eligible"
                break
        names = [f"{name_of(creator)}.html" for creator in chosen]
        for language in LANGUAGES:
            out = folder / state / language
            write_statements(
                *(books.home, books.program, period, out),
                creators=list(chosen),
                language=language,
            )
            found[state, language] = [out / name for name in names]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("state", "width", "scheme"), [("closed", 900, "light"), ("estimated", 400, "dark")]
)
def test_no_violation_and_nothing_cut(
    pages: dict[tuple[str, str], list[Path]],
    browser: Browser,
    language: Language,
    state: str,
    width: int,
    scheme: str,
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    for path in pages[state, language]:
        page.goto(path.as_uri())
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
        assert page.locator("h1").count() == 1
        assert page.evaluate("document.documentElement.lang") == language
    page.close()


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize("state", STATES)
def test_paper_holds_every_table_and_says_what_is_an_estimate(
    pages: dict[tuple[str, str], list[Path]], browser: Browser, paper: str, state: str
) -> None:
    """Margins are 15 mm; what stands fixed is printed on every sheet."""
    width = int({"A4": 210 - 30, "Letter": 216 - 30}[paper] * 96 // 25.4)
    page = browser.new_page(viewport={"width": width, "height": 1000})
    page.emulate_media(media="print")
    for language in LANGUAGES:
        for path in pages[state, language]:
            page.goto(path.as_uri())
            wide = page.evaluate(
                "() => [...document.querySelectorAll('table, svg, p:not(.sheet-note), dd')].filter(element =>"
                " element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)"
                ".map(element => element.textContent.trim().slice(0, 60))"
            )
            assert wide == [], path
            note = page.locator(".sheet-note")
            assert note.count() == (state == "estimated")
            if state == "estimated":
                assert note.is_visible()
                assert note.evaluate("element => getComputedStyle(element).position") == "fixed"
    assert page.pdf(format=paper).startswith(b"%PDF")
    page.close()


def test_the_page_needs_no_network_and_no_script(
    pages: dict[tuple[str, str], list[Path]], browser: Browser
) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for paths in pages.values():
        page.goto(paths[0].as_uri())
    assert asked == [paths[0].as_uri() for paths in pages.values()]
    context.close()
