"""The parts of a page, and its HTML: Jinja2 escapes all text, and `shown` what would not print.

Belongs here: the parts of a page and their rendering. Does not: what a page tells
(`period_page.py`, `overview_page.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape

from orchestration.foundations.texts import shown

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST_CELL_CHARACTERS: Final = 130
"""An id has up to 128; rows that a gate shows may hold longer text."""

_DAY: Final = re.compile(r"(?<![\w-])\d{4}-\d\d(-\d\d(T[\d:.]+Z)?)?(?![\w-])")


@dataclass(frozen=True, slots=True)
class Link:
    """Text that leads to another page, beside this one."""

    text: str
    target: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number; `room` are the most characters that a number of its column has from the point on."""

    text: str
    room: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the first cell of each row heads it. Columns are (heading, is a number)."""

    caption: str
    columns: Sequence[tuple[str, bool]]
    rows: Sequence[Sequence[str | Link | Number]]
    foot: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a chart: its label, the lengths of its parts in any unit, and the text at its end."""

    label: str
    parts: Sequence[int]
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars below each other, with the text that stands below them.

    The longest bar is as wide as there is room; with a `legend`, the names of its parts, each bar is.
    """

    bars: Sequence[Bar]
    caption: str
    legend: Sequence[str] = ()

    def parts(self, bar: Bar) -> list[tuple[str, str]]:
        """Where each part begins and how wide it is, in percent; nothing is drawn for 0 and below."""
        lengths = [max(length, 0) for length in bar.parts]
        whole = sum(lengths) if self.legend else max(sum(other.parts) for other in self.bars)
        ends = [sum(lengths[:count]) * 1000 // max(whole, 1) for count in range(len(lengths) + 1)]
        return [(_percent(start), _percent(end - start)) for start, end in pairwise(ends)]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with its own heading; `anchor` is its id."""

    anchor: str
    title: str
    paragraphs: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """One of the figures on top."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page; `state` is "estimated", "closed", or "" where it is about no one period."""

    title: str
    program: str
    state: str
    lead: Sequence[str]
    cards: Sequence[Card]
    sections: Sequence[Section]
    links: Sequence[Link] = field(default_factory=tuple)


def render(page: Page) -> str:
    """The page as one HTML file: no address, no script, nothing to fetch."""
    return _environment().get_template("page.html").render(page=page)


def _percent(thousandths: int) -> str:
    return f"{thousandths // 10}.{thousandths % 10}%"


def cell(text: str) -> str:
    """Text from outside, cut where it is too long for a cell."""
    if len(text) <= LONGEST_CELL_CHARACTERS:
        return text
    return text[: LONGEST_CELL_CHARACTERS - 1] + "…"


def pages_environment(*folders: Path) -> Environment:
    """Templates of these folders and of the reports, which all look the same."""
    import jinja2

    own = Path(__file__).parent / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, own]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["style"] = Markup((own / "page.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    environment.filters["whole_days"] = whole_days
    return environment


@cache
def _environment() -> Environment:
    return pages_environment()


def whole_days(text: str) -> Markup:
    """Text in which no day, month or instant breaks at its hyphens, as the end of a line would have it."""
    return Markup(_DAY.sub(r'<span class="day">\g<0></span>', str(escape(shown(text)))))  # noqa: S704 - escaped


def _printable(value: Any) -> Any:
    """Control and direction characters of names and ids, made visible; our own markup as it is."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value
