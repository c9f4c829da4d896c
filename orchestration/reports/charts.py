"""Charts as inline SVG: Matplotlib draws, the page colours.

Figures go through floats here, for lengths only; every number that is written is text that was made
from exact figures. The same input gives the same bytes: no dates, no ids. Colours are variables of
the page's style, so a chart is readable in light and in dark, on paper too.
"""

from __future__ import annotations

import io
import math
import re
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from markupsafe import Markup

from orchestration.foundations.texts import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_PX: Final = 430
TEXT_PX: Final = 13
CHARACTER_PX: Final = (
    8.4  # of a letter at TEXT_PX, with some to spare: room is reserved by counting
)
LONGEST_LABEL: Final = 22
_PX_AN_INCH: Final = 72  # the SVG backend writes points; they are called pixels in the page

# Matplotlib takes colours, not variables: these stand for them until the SVG is written.
_COLOURS: Final = {
    "#010101": "currentColor",
    "#010102": "var(--chart-line)",
    "#010110": "var(--chart-1)",
    "#010111": "var(--chart-2)",
    "#010112": "var(--chart-3)",
    "#010113": "var(--chart-4)",
}
_TEXT, _LINE, *SERIES_COLOURS = _COLOURS
_SVG: Final = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: its label, its length in any unit, and the text at its end."""

    label: str
    length: int
    text: str


def bar_chart(bars: Sequence[Bar], described: str) -> Markup:
    """Horizontal bars, the first on top; `described` says in words what the chart shows."""
    labels = [_cut(bar.label) for bar in bars]
    left = _text_px(labels) + 10
    right = _text_px([bar.text for bar in bars]) + 6
    figure, axes = _figure(26 * len(bars) + 8, left, right, 4, 4)
    axes.barh(range(len(bars)), _lengths(bars), height=0.68, color=SERIES_COLOURS[0])
    for place, bar in enumerate(bars):
        _annotate(axes, bar.text, _lengths(bars)[place], place, (5, 0), "left", "center")
    axes.set_ylim(len(bars) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    _tick_labels(axes.yaxis, range(len(bars)), labels)
    axes.set_xticks([])
    axes.spines["left"].set_visible(True)
    return _svg(figure, described)


def histogram(bars: Sequence[Bar], described: str) -> Markup:
    """Upright bars side by side, each with its label below and its text above."""
    tilted = max(map(len, (bar.label for bar in bars))) > 4 and len(bars) > 6
    labels = [_cut(bar.label) for bar in bars]
    bottom = _text_px(labels) * 0.75 + 16 if tilted else 26
    figure, axes = _figure(170 + bottom, 6, 6, 20, bottom)
    axes.bar(range(len(bars)), _lengths(bars), width=0.86, color=SERIES_COLOURS[0])
    for place, bar in enumerate(bars):
        _annotate(axes, bar.text, place, _lengths(bars)[place], (0, 3), "center", "bottom")
    axes.set_xlim(-0.6, len(bars) - 0.4)
    axes.set_ylim(0, 1)
    _tick_labels(axes.xaxis, range(len(bars)), labels, tilted=tilted)
    axes.set_yticks([])
    axes.spines["bottom"].set_visible(True)
    return _svg(figure, described)


def stacked_chart(
    labels: Sequence[str], series: Sequence[tuple[str, Sequence[int]]], described: str
) -> Markup:
    """A horizontal bar a label, cut into the shares of the series; a legend below."""
    shown_labels = [_cut(label) for label in labels]
    figure, axes = _figure(30 * len(labels) + 38, _text_px(shown_labels) + 10, 6, 4, 34)
    sums = [sum(values) for values in zip(*(values for _, values in series), strict=True)]
    starts = [0.0] * len(labels)
    for colour, (name, values) in zip(SERIES_COLOURS, series, strict=False):
        widths = [
            value / whole if whole else 0.0 for value, whole in zip(values, sums, strict=True)
        ]
        axes.barh(range(len(labels)), widths, left=starts, height=0.68, color=colour, label=name)
        starts = [start + width for start, width in zip(starts, widths, strict=True)]
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    _tick_labels(axes.yaxis, range(len(labels)), shown_labels)
    axes.set_xticks([])
    legend = axes.legend(
        loc="upper left",
        bbox_to_anchor=(0, -4 / (30 * len(labels))),
        ncols=len(series),
        frameon=False,
        borderpad=0,
        handlelength=1,
        handleheight=1,
        columnspacing=2.4,
    )
    for text in legend.get_texts():
        text.set_color(_TEXT)
    return _svg(figure, described)


def _figure(
    height: float, left: float, right: float, top: float, bottom: float
) -> tuple[Figure, Axes]:
    """A figure of WIDTH_PX x height with one bare set of axes inside the margins, all in pixels."""
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcdefaults()  # a user's own style file has no say in what a report looks like
    matplotlib.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "bonus",
            "font.size": TEXT_PX,
            "text.parse_math": False,
            "axes.unicode_minus": False,
        }
    )
    figure = Figure(figsize=(WIDTH_PX / _PX_AN_INCH, height / _PX_AN_INCH), dpi=_PX_AN_INCH)
    figure.patch.set_visible(False)
    room = (
        left / WIDTH_PX,
        bottom / height,
        (WIDTH_PX - left - right) / WIDTH_PX,
        (height - top - bottom) / height,
    )
    axes = figure.add_axes(room)
    axes.patch.set_visible(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
        spine.set_color(_LINE)
    axes.tick_params(left=False, bottom=False, colors=_TEXT, labelsize=TEXT_PX)
    return figure, axes


def _lengths(bars: Sequence[Bar]) -> list[float]:
    """Lengths as parts of the longest; nothing is drawn for 0 and below."""
    longest = max([bar.length for bar in bars if bar.length > 0], default=1)
    return [max(bar.length, 0) / longest for bar in bars]


def _annotate(
    axes: Axes, text: str, x: float, y: float, offset: tuple[int, int], across: Any, along: Any
) -> None:
    axes.annotate(
        text,
        (x, y),
        xytext=offset,
        textcoords="offset points",
        ha=across,
        va=along,
        color=_TEXT,
        annotation_clip=False,
    )


def _tick_labels(axis: Any, places: range, labels: Sequence[str], tilted: bool = False) -> None:
    axis.set_ticks(list(places), labels=list(labels))
    if tilted:
        for label in axis.get_ticklabels():
            label.set(rotation=45, ha="right", rotation_mode="anchor")


def _cut(label: str) -> str:
    text = shown(label)
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"


def _text_px(texts: Sequence[str]) -> float:
    """Room for the widest of the texts; letters of east Asia take twice the room of others."""
    return max((sum(map(_letter_px, text)) for text in texts), default=0.0)


def _letter_px(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF" or letter in "MW":
        return CHARACTER_PX * 1.6
    return CHARACTER_PX * (1.2 if letter.isupper() else 1)


def _svg(figure: Figure, described: str) -> Markup:
    """The figure as an `<svg>` element for a page: no ids, no addresses, the page's font and colours."""
    written = io.BytesIO()
    with warnings.catch_warnings():
        # Its own font lacks letters of some scripts. It only measures with it; the page's draws.
        warnings.simplefilter("ignore")
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    root = ElementTree.fromstring(written.getvalue())  # noqa: S314 - our own, a moment old
    for parent in root.iter():
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}defs") or not isinstance(child.tag, str):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        for name in ("id", "clip-path"):
            element.attrib.pop(name, None)
        if "style" in element.attrib:
            element.set("style", _page_style(element.attrib["style"]))
    width, height = (math.ceil(float(size)) for size in root.attrib["viewBox"].split()[2:])
    root.attrib.clear()
    root.attrib.update(
        {
            "class": "chart",
            "viewBox": f"0 0 {width} {height}",
            "width": str(width),
            "height": str(height),
            "role": "img",
            "aria-label": shown(described),
        }
    )
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 - escaped by the writer


def _page_style(style: str) -> str:
    """Placeholders become the page's variables, and the font its own."""
    for placeholder, variable in _COLOURS.items():
        style = style.replace(placeholder, variable)
    return re.sub(r"font: ([\d.]+px) [^;]*", r"font-size: \1", style)
