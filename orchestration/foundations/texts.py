"""Texts from outside, made safe to show in a terminal, a log, a page or a table.

Belongs here: escaping and cutting. Does not: raw text that is kept as evidence, which stays as it
was (`ingest/quarantine.py`).
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

LONGEST_NAME: Final = 200
"""Characters of a file's or column's name that are shown."""
_ALIKE: Final = 0.73
"""Share of letters in common: `metrics` is like `post_metrics`, `clicks` is not like `likes`."""
_UNDECODABLE: Final = range(0xDC80, 0xDD00)
"""A byte of a file name that is not UTF-8, as Python has it."""


def shown(text: str, longest: int | None = None) -> str:
    """The text with everything escaped that does not print as itself; different texts stay different.

    A byte that is not UTF-8 becomes `\\xff`, a control or format character `\\u202e`, `\\` itself `\\\\`.
    With `longest` it has at most so many characters; the last is an ellipsis where something was cut.
    """
    if longest is not None:
        text = text[: longest + 1]
    if not text.isprintable() or "\\" in text:  # few are not; pages show many
        text = "".join(map(_shown_character, text))
    return text if longest is None or len(text) <= longest else f"{text[: longest - 1]}…"


def nearest_name(found: str, names: Iterable[str]) -> str | None:
    """The name that is most like the one found, None where none is. A hint for people, no more."""
    by_letters = {name.casefold(): name for name in names if len(name) <= LONGEST_NAME}
    found = found[:LONGEST_NAME].casefold()
    close = get_close_matches(found, by_letters, n=1, cutoff=_ALIKE)
    return by_letters[close[0]] if close else None


def printable(message: str) -> str:
    """A message of ours, with its lines, in which nothing is left that a terminal would obey."""
    return "".join(
        char if char in "\n\\" or char.isprintable() else _shown_character(char) for char in message
    )


def _shown_character(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    code = ord(character)
    if code in _UNDECODABLE:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
