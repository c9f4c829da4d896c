"""Charts: inline SVG that fetches nothing, names nothing, and is the same each time."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from orchestration.reports.charts import Bar, bar_chart, histogram, stacked_chart

HOSTILE = "<script>&\"'$x^2$\u202e 한국 日本"
BARS = [
    Bar(HOSTILE, 10, "10.00"),
    Bar("less", 3, "3.00"),
    Bar("nothing", 0, "0.00"),
    Bar("owed", -4, "−4.00"),
]
CHARTS: dict[str, Callable[[], Markup]] = {
    "bars": lambda: bar_chart(BARS, HOSTILE),
    "histogram": lambda: histogram(BARS, HOSTILE),
    "stacked": lambda: stacked_chart(
        [HOSTILE, "JPY"], [("paid", [3, 0]), ("held", [1, 0])], HOSTILE
    ),
}


@pytest.fixture(params=CHARTS)
def draw(request: pytest.FixtureRequest) -> Callable[[], Markup]:
    return CHARTS[request.param]


def test_the_same_chart_has_the_same_bytes(draw: Callable[[], Markup]) -> None:
    assert draw() == draw()


def test_labels_are_text_and_hostile_ones_are_harmless(draw: Callable[[], Markup]) -> None:
    svg = draw()
    assert "<script" not in svg
    assert "\u202e" not in svg
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label", "").startswith("<script>&\"'$x^2$\\u202e")
    texts = ["".join(element.itertext()) for element in root.iter("text")]
    assert any(text.startswith("<script>&") and "$x^2$" in text for text in texts)


def test_nothing_is_fetched_or_named(draw: Callable[[], Markup]) -> None:
    svg = draw()
    assert not re.search(r"http|url\(|\bid=|xmlns|href", svg)


def test_colours_are_those_of_the_page(draw: Callable[[], Markup]) -> None:
    """A colour of the chart's own would not change in the dark."""
    svg = draw()
    assert re.findall(r"#[0-9a-fA-F]{3,6}", svg) == []
    assert "var(--chart-1)" in svg
    assert "currentColor" in svg


def test_bars_are_as_long_as_their_amounts() -> None:
    root = ElementTree.fromstring(bar_chart([Bar("a", 10, "10"), Bar("b", 5, "5")], "two"))
    bars = [
        element.get("d", "")
        for element in root.iter("path")
        if "var(--chart-1)" in element.get("style", "")
    ]
    widths = [
        max(numbers) - min(numbers)
        for numbers in (
            [float(x) for x, _ in re.findall(r"([\d.]+) ([\d.]+)", path)] for path in bars
        )
    ]
    assert len(widths) == 2
    assert widths[0] == pytest.approx(2 * widths[1], rel=1e-4)
