"""A real Chromium over a real `bonus ui`; the tests are skipped where there is no Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from orchestration.sample import write_sample
from tests.conftest import ROOT, Bonus
from tests.served_ui import ServedUI, serve_ui

CHROMIUM = shutil.which("chromium")
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
IMAGES = ROOT / "docs" / "images"
PATIENCE_MS = 60_000
"""A page of a busy machine is slow, not broken."""


@dataclass(frozen=True)
class Desk:
    """What an operator has before him: a home with a sample, and the UI over it."""

    bonus: Bonus
    ui: ServedUI
    log: Path


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium on the PATH; Debian has it: apt-get install chromium")
    folder = tmp_path_factory.mktemp("desk")
    write_sample(folder, creators=200, periods=6)
    bonus = Bonus(folder / "program.yaml", folder / "landing", folder / "home")
    log = folder / "ui.log"
    with serve_ui(bonus, log) as ui:
        yield Desk(bonus, ui, log)


@pytest.fixture
def page(desk: Desk, tmp_path: Path) -> Iterator[Page]:
    """A page of a browser that nobody used before."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=CHROMIUM,
            args=list(ARGUMENTS),
            viewport={"width": 1600, "height": 900},
            base_url=desk.ui.url,
        )
        browser.set_default_timeout(PATIENCE_MS)
        yield browser.new_page()
        browser.close()


def picture(page: Page, name: str) -> None:
    """Takes a picture for README and docs, once the page has come to rest."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1500)  # the graph glides into its place
    IMAGES.mkdir(exist_ok=True)
    page.screenshot(path=IMAGES / f"{name}.png")
