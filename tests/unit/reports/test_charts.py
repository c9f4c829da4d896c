"""Charts: lists of bars, as long as what they show."""

from __future__ import annotations

import re

from orchestration.reports.page import Bar, Chart, Page, Section, render
from tests.page_reader import PageReader

HOSTILE = "<script>&\"'\u202e 한국 日本"


def drawn(*charts: Chart) -> str:
    section = Section("one", "One", charts=charts)
    return render(Page("A page", "ours", "", (), (), [section]))


def widths(page: str) -> list[str]:
    return re.findall(r'<rect class="part-\d" x="[\d.]+%" width="([\d.]+%)"', page)


def test_bars_are_as_long_as_their_amounts() -> None:
    bars = [
        Bar("a", [3], "3"),
        Bar("b", [10], "10"),
        Bar("none", [0], "0"),
        Bar("owed", [-4], "−4"),
    ]
    assert widths(drawn(Chart(bars, "four"))) == ["30.0%", "100.0%", "0.0%", "0.0%"]


def test_parts_of_a_bar_with_a_legend_fill_it() -> None:
    bars = [
        Bar("JPY", [1, 1, 1], "3 rows"),
        Bar("USD", [0, 5, 0], "5 rows"),
        Bar("KRW", [0, 0, 0], ""),
    ]
    page = drawn(Chart(bars, "shares", ("paid", "held", "none")))
    assert widths(page) == [
        *("33.3%", "33.3%", "33.4%"),
        *("0.0%", "100.0%", "0.0%"),
        *("0.0%", "0.0%", "0.0%"),
    ]
    assert re.findall(r'x="([\d.]+%)"', page)[:3] == ["0.0%", "33.3%", "66.6%"]
    assert page.count("</svg>paid</li>") == 1


def test_amounts_beyond_what_a_float_holds_have_a_length() -> None:
    bars = [Bar("a", [10**30], "1"), Bar("b", [10**30 - 1], "2"), Bar("c", [1], "3")]
    assert widths(drawn(Chart(bars, "large"))) == ["100.0%", "99.9%", "0.0%"]


def test_hostile_labels_are_text() -> None:
    page = drawn(Chart([Bar(HOSTILE, [1], HOSTILE)], HOSTILE, [HOSTILE]))
    assert "<script" not in page
    assert "\u202e" not in page
    reader = PageReader()
    reader.feed(page)
    assert reader.text.count("<script>&\"'\\u202e 한국 日本") == 4
