"""Names and texts from outside, made safe to show in a terminal, a log or a table.

Belongs here: escaping and cutting. Does not: raw text kept as evidence, which stays as it was
(`quarantine.py`).
"""

from typing import Final

_UNDECODABLE: Final = range(
    0xDC80, 0xDD00
)  # a byte of a file name that is not UTF-8, as Python has it
LONGEST_NAME_CHARACTERS: Final = 200


def shown(text: str) -> str:
    """The text with everything escaped that does not print as itself; different texts stay different.

    A byte that is not UTF-8 becomes `\\xff`, a control or format character `\\u202e`, `\\` itself `\\\\`.
    """
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(map(_shown_character, text))


def shortened(text: str) -> str:
    """The text made safe to show, cut where it is too long for a name."""
    if len(text) > LONGEST_NAME_CHARACTERS:
        return shown(text[:LONGEST_NAME_CHARACTERS]) + "…"
    return shown(text)


def _shown_character(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    code = ord(character)
    if code in _UNDECODABLE:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
