"""Statements in a real Chromium, in all four languages: no axe violation, nothing cut, paper, no network."""

from __future__ import annotations

import re
import shutil
import subprocess
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
LETTERS = {
    "ja": re.compile(r"[\u3001-\u30ff\u4e00-\u9fff\uff01-\uff5e]"),
    "ko": re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]"),
}
"""What only a font of the language has."""


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


def test_on_paper_a_sum_stands_once_and_no_head_without_a_row(
    pages: dict[tuple[str, str], list[Path]], browser: Browser
) -> None:
    """By itself a foot is printed on every sheet of its table, and a head may be the last of a sheet."""
    page = browser.new_page()
    page.emulate_media(media="print")
    page.goto(pages["closed", "en"][0].as_uri())
    for selector, name, expected in (
        ("thead", "display", "table-header-group"),  # a head stands on every sheet
        ("tfoot", "display", "table-row-group"),
        ("tfoot", "breakBefore", "avoid"),
        ("tbody > tr:first-child", "breakBefore", "avoid"),
        ("tr", "breakInside", "avoid"),
    ):
        found = page.evaluate(
            "([selector, name]) => [...document.querySelectorAll(selector)]"
            ".map(element => getComputedStyle(element)[name])",
            [selector, name],
        )
        assert set(found) == {expected}, (selector, name)
    page.close()


def families(language: str) -> set[str]:
    """The families on this machine that have the letters of a language, by fontconfig."""
    if shutil.which("fc-list") is None:
        return set()
    found = subprocess.run(
        ["fc-list", f":lang={language}", "family"], capture_output=True, text=True, check=True
    )
    return {name for line in found.stdout.splitlines() for name in line.split(",")}


@pytest.mark.parametrize("language", LETTERS)
def test_every_letter_is_drawn_by_a_font_that_has_it(
    pages: dict[tuple[str, str], list[Path]], browser: Browser, language: Language
) -> None:
    """The letters of a whole page by themselves, in its layout: one that no font has is drawn by another."""
    fonts = families(language)
    if not fonts:
        pytest.skip(f"no font has {language}; Debian has one: apt-get install fonts-noto-cjk")
    page = browser.new_page()
    page.goto(pages["closed", language][0].as_uri())
    letters = "".join(sorted(set(LETTERS[language].findall(page.locator("body").inner_text()))))
    assert len(letters) > 50

    def drawn_by(text: str) -> dict[str, int]:
        # Asked before a frame is drawn, a busy browser names no font at all.
        page.evaluate(
            "text => { document.body.textContent = text;"
            " return new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn))) }",
            text,
        )
        session = page.context.new_cdp_session(page)
        session.send("DOM.enable")
        session.send("CSS.enable")
        root = session.send("DOM.getDocument")["root"]["nodeId"]
        body = session.send("DOM.querySelector", {"nodeId": root, "selector": "body"})["nodeId"]
        found = session.send("CSS.getPlatformFontsForNode", {"nodeId": body})["fonts"]
        return {font["familyName"]: font["glyphCount"] for font in found}

    drawn = drawn_by(letters)
    assert drawn.keys() <= fonts, drawn
    assert sum(drawn.values()) == len(letters)
    assert not drawn_by("\U000f1234").keys() <= fonts  # a letter that none has is seen
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
