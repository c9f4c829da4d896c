"""A real Chromium over a real `bonus ui`; the tests are skipped where there is no Chromium."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from orchestration.sample import write_sample
from tests.conftest import ROOT, Bonus
from tests.served_ui import ServedUI, serve_ui

CHROMIUM = shutil.which("chromium")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    # Names of other sites, for the pages that they would like to open here.
    "--host-resolver-rules=MAP *.example 127.0.0.1",
)  # fmt: skip
IMAGES = ROOT / "docs" / "images"
PATIENCE_MS = 60_000
"""A page of a busy machine is slow, not broken."""
RUN_SECONDS = 600
RUN_MS = RUN_SECONDS * 1000

VIEWPORT: ViewportSize = {"width": 1600, "height": 1000}

LOOKS = ((400, "light"), (400, "dark"), (900, "light"), (1600, "dark"))
"""Each width and each scheme; the layout hangs on the one, the colours on the other."""


class Clicks:
    """Counts how often a hand presses the mouse in the pages of a context."""

    def __init__(self, context: BrowserContext) -> None:
        self._number = 0
        context.expose_binding("pressed", self._count)
        # Of the document, not the window: there Playwright stops a press that does not hit, and repeats it.
        context.add_init_script("document.addEventListener('pointerdown', () => pressed(), true)")

    def _count(self, _source: object) -> None:
        self._number += 1

    def taken(self) -> int:
        """The clicks since the last time this was asked."""
        number, self._number = self._number, 0
        return number


class Camera(Protocol):
    """Takes docs/images/<name>.png, of the page as far as the bottom of `last`."""

    def __call__(self, page: Page, name: str, last: Locator | None = None) -> None: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pictures", action="store_true", help="take the pictures of docs/images anew"
    )


@dataclass(frozen=True)
class Desk:
    """What an operator has before him: a home with a sample, and the UI over it."""

    bonus: Bonus
    ui: ServedUI
    log: Path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium on the PATH; Debian has it: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def desk(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all tests; it asks for the browser, without which there is nothing to serve."""
    folder = tmp_path_factory.mktemp("desk")
    write_sample(folder, creators=200, periods=6)
    bonus = Bonus(folder / "program.yaml", folder / "landing", folder / "home")
    log = folder / "ui.log"
    with serve_ui(bonus, log) as ui:
        yield Desk(bonus, ui, log)


@pytest.fixture
def page(desk: Desk, browser: Browser) -> Iterator[Page]:
    """A page of the UI, as someone sees it who was never there before."""
    with browser.new_context(viewport=VIEWPORT, base_url=desk.ui.url) as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()


@pytest.fixture
def clicks(page: Page) -> Clicks:
    """Counts the clicks in the page from its first address on, and in tabs that it opens."""
    return Clicks(page.context)


@pytest.fixture(scope="session")
def picture(pytestconfig: pytest.Config) -> Camera:
    """Takes a picture for README and docs, once the page has come to rest; `make screenshots` only."""

    def take(page: Page, name: str, last: Locator | None = None) -> None:
        page.wait_for_load_state("networkidle")
        box = last.bounding_box() if last is not None else None
        if box is not None:
            bottom = int(box["y"] + box["height"])
            page.set_viewport_size({"width": int(page.evaluate("innerWidth")), "height": bottom})
        IMAGES.mkdir(exist_ok=True)
        (IMAGES / f"{name}.png").write_bytes(at_rest(page))

    # Run alone, this folder has the option; as a part of all tests it has not.
    return (
        take if pytestconfig.getoption("--pictures", False) else lambda page, name, last=None: None
    )


def at_rest(page: Page) -> bytes:
    """The page as PNG, as soon as two looks in a row are the same: the graph glides into its place."""
    before = page.screenshot()
    for _ in range(100):
        page.wait_for_timeout(200)
        now = page.screenshot()
        if now == before:
            return now
        before = now
    raise AssertionError(f"{page.url} does not come to rest")


def type_into(field: Locator, text: str) -> None:
    """Fills a field as a hand does, which clicks it first."""
    field.click()
    field.fill(text)


def expect_success(page: Page) -> None:
    """Waits, on the page of a run, until it has ended, and demands that it succeeded."""
    _expect_end(page, "run_success")


def expect_failure(page: Page) -> None:
    """The same for a run that fails; the page is opened anew, with the end of its log in sight."""
    _expect_end(page, "run_failed")
    page.reload()


def _expect_end(page: Page, icon: str) -> None:
    """By the icon beside the run's id: of its log only the lines in sight are drawn."""
    ended = page.get_by_role("img", name=re.compile("^run_(success|failed|canceled)$")).first
    expect(ended).to_be_visible(timeout=RUN_MS)
    expect(page.get_by_role("img", name=icon, exact=True).first).to_be_visible()


def overlapping(page: Page) -> list[str]:
    """The pairs of texts and chips, as far as they are in sight, of which one lies over the other."""
    found: list[str] = page.evaluate(
        """() => {
            const shown = [];
            const add = (owner, text, box) => {
                let {left, top, right, bottom} = box;
                for (let up = owner.parentElement; up; up = up.parentElement) {
                    const style = getComputedStyle(up);
                    if (style.overflow === "visible" && style.clipPath === "none") continue;
                    const edge = up.getBoundingClientRect();
                    left = Math.max(left, edge.left); right = Math.min(right, edge.right);
                    top = Math.max(top, edge.top); bottom = Math.min(bottom, edge.bottom);
                }
                if (right - left > 2 && bottom - top > 2)
                    shown.push({owner, left, top, right, bottom, text: text.trim().slice(0, 40)});
            };
            const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            for (let node; node = texts.nextNode();) {
                if (!node.data.trim() || !node.parentElement.checkVisibility(
                    {opacityProperty: true, visibilityProperty: true})) continue;
                const range = document.createRange();
                range.selectNodeContents(node);
                for (const line of range.getClientRects()) add(node, node.data, line);
            }
            for (const chip of document.querySelectorAll("[class*=BaseTag_baseTag], .state, button"))
                add(chip, "chip " + chip.innerText, chip.getBoundingClientRect());
            const found = [];
            shown.forEach((one, place) => shown.slice(place + 1).forEach(other => {
                if (!one.owner.contains(other.owner) && !other.owner.contains(one.owner)
                    && Math.min(one.right, other.right) - Math.max(one.left, other.left) > 2
                    && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 5)
                    found.push(one.text + " | " + other.text);
            }));
            return found;
        }"""
    )
    return found


def out_of_sight(page: Page) -> list[str]:
    """What of our own pages and of reports one would have to scroll sideways to see: tables, hints of fields."""
    found: list[str] = page.evaluate(
        """() => {
            const wide = [...document.querySelectorAll(".scroll")].filter(
                region => region.scrollWidth > region.clientWidth
            ).map(region => region.querySelector("caption").innerText);
            const pen = document.createElement("canvas").getContext("2d");
            const hints = [...document.querySelectorAll("input[placeholder]")].filter(field => {
                const style = getComputedStyle(field);
                pen.font = style.font;
                return pen.measureText(field.placeholder).width
                    > field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
            }).map(field => field.placeholder);
            return [...wide, ...hints];
        }"""
    )
    return found


def cut(page: Page) -> list[str]:
    """The texts of tables that do not fit: wider than the window, or in a cell that hides an end."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("table, td, th")].filter(element => {
            const box = element.getBoundingClientRect();
            return box.width > 0 && (box.right > innerWidth + 1
                || (element.tagName !== "TABLE" && element.scrollWidth > element.clientWidth + 1));
        }).map(element => element.innerText.slice(0, 80))"""
    )
    return found
