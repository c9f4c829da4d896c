"""Reads a report's page as a reader would: its tables, its text, and what its markup holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_WITHOUT_END = {"meta", "br", "link", "img", "input"}


@dataclass
class PageReader(HTMLParser):
    """After `feed`: tables by caption (rows of cell texts), all text, tags, attributes, open tags."""

    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    text: str = ""
    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    open_tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._caption = ""
        self._rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _WITHOUT_END:
            self.open_tags.append(tag)
        if tag == "table":
            self._caption, self._rows = "", []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("th", "td"):
            self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag
        if tag == "table":
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        if "style" in self.open_tags:
            return
        self.text += data
        if self.open_tags and "caption" in self.open_tags:
            self._caption += data
        elif {"th", "td"} & set(self.open_tags):
            self._rows[-1][-1] += data.strip()


def read_page(html: str) -> PageReader:
    """The page, read to its end; AssertionError where its tags do not nest."""
    reader = PageReader()
    reader.feed(html)
    reader.close()
    assert reader.open_tags == []
    return reader
