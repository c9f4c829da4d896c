"""Which texts the catalogues must have: `make messages` brings them up to date.

A text stands in a template, or in a call of `msgid` or `Message`. A new one has no translation yet,
and one that is not used any more goes; in English a text is its own translation. What is not
translated fails a test (tests/unit/statements/test_catalogues.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from orchestration.statements.languages import LANGUAGES, catalogue_file
from orchestration.statements.page import TEMPLATES

_ORCHESTRATION: Final = Path(__file__).resolve().parents[1]
_CODE: Final = ("terms/counts.py", "explain/*.py", "terms/reasons.py", "statements/*.py")
_CALLS: Final = {"msgid": None, "Message": None}
_DATED: Final = datetime(2026, 1, 1, tzinfo=UTC)  # or each update would change the files
_IN_TEMPLATES: Final = ("_", "gettext", "ngettext")

Text = str | tuple[str, ...]


def used_texts() -> Iterator[Text]:
    """Each text that a page may show; a pair of singular and plural where it counts something."""
    for pattern in _CODE:
        for path in sorted(_ORCHESTRATION.glob(pattern)):
            with path.open("rb") as file:
                yield from (_text(row[1]) for row in extract("python", file, keywords=_CALLS))
    for path in sorted(TEMPLATES.glob("*.html")):
        with path.open("rb") as file:
            yield from (_text(row[2]) for row in babel_extract(file, _IN_TEMPLATES, [], {}))


def _text(found: str | tuple[str | None, ...] | None) -> Text:
    """A text as it was found: beside it stands None for each value that it is called with."""
    texts = (found,) if isinstance(found, str) else tuple(part for part in found or () if part)
    return texts[0] if len(texts) == 1 else texts


def update() -> None:
    """Writes all catalogues with the texts that are used, in their order, and no other."""
    for language in LANGUAGES:
        path = catalogue_file(language)
        known = Catalog(locale=language)
        if path.exists():
            with path.open("rb") as file:
                known = read_po(file, locale=language)
        catalogue = Catalog(
            locale=language,
            project="creator-bonus",
            header_comment=f"# Texts of statements in {Locale.parse(language).english_name}; "
            "make messages keeps the list of texts.",
            creation_date=_DATED,
            revision_date=_DATED,
            fuzzy=False,
        )
        for text in used_texts():
            entry = known.get(text if isinstance(text, str) else text[0])
            translated = entry.string if entry else ""
            catalogue.add(text, text if language == "en" else translated)
        with path.open("wb") as file:
            write_po(file, catalogue, width=110, omit_header=False)


if __name__ == "__main__":
    update()
