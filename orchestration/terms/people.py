"""Names of people: which can be taken, and when two of them are the same person (§7 "Close").

Belongs here: the comparison of names. Does not: who may close what (`ledger/closing.py`).

People write their own names, so nothing proves them. What this prevents is that one person passes
for two by a name that looks the same: another letter of another script, a dot at the end, a
character that cannot be seen.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache, reduce
from typing import Final

MOST_OF_A_NAME: Final = 128
"""Characters in a name (§2: requested_by and approved_by)."""

# Unicode's property Default_Ignorable_Code_Point (DerivedCoreProperties.txt, Unicode 17): characters
# that a page does not show. Python's unicodedata lacks it. A test compares with the library `regex`.
_IGNORABLE_RANGES: Final = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5),
    (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164),
    (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip

# Drawn as nothing or as a blank, though Unicode calls none of them ignorable: the braille pattern
# without dots, the null notehead and the object replacement character. Those of category Cf
# (annotation marks, for one) come on top.
_DRAWN_AS_NOTHING: Final = {"\u2800", "\U0001d159", "\ufffc"}
# Unicode's Soft_Dotted: a dot above takes the place of their own. Those without one look alike with it.
_DOTTED: Final = {"i": "i", "j": "j", "\u0131": "i", "\u0237": "j"}
_DOT_ABOVE: Final = "\u0307"

# Drawn narrower than a letter's edge: U+2006, U+2008 to U+200A, U+202F, U+205F. NFKC makes blanks of them.
_THIN_BLANKS: Final = dict.fromkeys(map(ord, "\u2006\u2008\u2009\u200a\u202f\u205f"))
_DASHES: Final = "\u2010\u2012\u2013\u2212\u02d7"
_APOSTROPHES: Final = "\u2018\u2019\u201b\u2032\u02b9\u02bb\u02bc\u02bd\u02c8`"
_DOTS: Final = "\u2027\u30fb\u2022\u2219\u22c5"
_DRAWN_ALIKE: Final = str.maketrans(
    _DASHES + _APOSTROPHES + _DOTS,
    "-" * len(_DASHES) + "'" * len(_APOSTROPHES) + "\u00b7" * len(_DOTS),
)
# What follows one of them is drawn in an order that the writer chooses (UAX 9).
_TURNS: Final = frozenset("\u202a\u202b\u202d\u202e\u2066\u2067\u2068")

# UTS 39 §5.1: a character of the first script also counts for the second, which is a way of writing
# that uses several scripts (Japanese, Korean, Chinese with Bopomofo).
_WRITTEN_WITH: Final = {
    "Hani": {"Hanb", "Jpan", "Kore"},
    "Hira": {"Jpan"},
    "Kana": {"Jpan"},
    "Hang": {"Kore"},
    "Bopo": {"Hanb"},
}
# UTS 39 §5.2 "Highly Restrictive": the only scripts that may stand together in one name.
_MIXTURES: Final = (
    {"Latn", "Hani", "Hira", "Kana"},
    {"Latn", "Hani", "Bopo"},
    {"Latn", "Hani", "Hang"},
)
_OF_EVERY_SCRIPT: Final = {"Zyyy", "Zinh"}


@lru_cache(maxsize=10_000)  # the same few people decide in every period
def compared(name: str) -> str | None:
    """The form in which names are compared; None for a name that is refused.

    §7: "Names are compared in NFKC, case-folded, without blanks and punctuation at their ends and
    without code points that Unicode calls default-ignorable; a name of which nothing is left, or
    whose scripts do not mix by the level "highly restrictive" of Unicode's UTS 39 ..., is refused."
    """
    form = name
    while form != (next_form := _step(form)):
        form = next_form
    return form if form and scripts_mix(form) else None


def same_person(one: str, other: str) -> bool:
    """True if both names are compared as the same; a refused name counts as the same as any."""
    forms = compared(one), compared(other)
    return None in forms or forms[0] == forms[1]


def look_same(one: str, other: str) -> bool:
    """True if a page shows two names alike, or `same_person` holds.

    On top of the contract's comparison: several blanks are drawn as one, thin ones and some other
    characters as nothing, dashes like dashes, a dot on an i as its own, and a name whose direction
    turns in any order (after U+202E "oreb" is drawn "bero"; a digit stands left of a Hebrew name,
    whether it is written before or after it). For a close only, where to take two people for one asks for a
    third, and to take one for two is a theft.
    """
    if same_person(one, other):
        return True
    forms = [_drawn(one), _drawn(other)]
    if _turns(one) or _turns(other):
        forms = ["".join(sorted(form)) for form in forms]
    return forms[0] == forms[1]


def is_person(name: str) -> bool:
    """True if a name can be taken: it is not refused, fits 128 characters, and has no control character."""
    return (
        1 <= len(name.strip()) <= MOST_OF_A_NAME
        and not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in name.strip())
        and compared(name) is not None
    )


def what_is_wrong(name: str) -> str:
    """The reason why `is_person` refuses a name, in words for the person who typed it."""
    form = name
    while form != (next_form := _step(form)):
        form = next_form
    if form and not scripts_mix(form):
        return "it mixes letters of several scripts, as names that imitate others do"
    if not form:
        return "nothing of it can be seen"
    return f"a name has 1 to {MOST_OF_A_NAME} characters, none of them a control character"


def scripts_mix(text: str) -> bool:
    """True if the scripts of a text may stand together: UTS 39, level "highly restrictive"."""
    from fontTools.unicodedata import script_extension  # type: ignore[import-untyped]

    scripts = [
        found for char in text if not (found := set(script_extension(char))) & _OF_EVERY_SCRIPT
    ]
    if not scripts:
        return True
    augmented = [
        reduce(set.union, (_WRITTEN_WITH.get(one, set()) for one in each), each) for each in scripts
    ]
    if set.intersection(*augmented):
        return True
    return any(all(each & mixture for each in scripts) for mixture in _MIXTURES)


def _drawn(name: str) -> str:
    form = compared(name.translate(_THIN_BLANKS)) or ""
    seen = "".join(
        char
        for char in form.translate(_DRAWN_ALIKE)
        if unicodedata.category(char) != "Cf" and char not in _DRAWN_AS_NOTHING
    )
    return " ".join(_with_own_dots(seen).split())


def _with_own_dots(text: str) -> str:
    """Without the dots above that are drawn in the place of a letter's own; decomposed."""
    found: list[str] = []
    letter = 0  # the place of the last letter, whose marks follow it
    for char in unicodedata.normalize("NFD", text):
        if not unicodedata.combining(char):
            letter = len(found)
        is_lowest_above = not any(unicodedata.combining(mark) == 230 for mark in found[letter:])
        if char == _DOT_ABOVE and is_lowest_above and found and found[letter] in _DOTTED:
            found[letter] = _DOTTED[found[letter]]
        else:
            found.append(char)
    return "".join(found)


def _turns(name: str) -> bool:
    """True if parts of a name are drawn in another order than they are written in."""
    directions = {unicodedata.bidirectional(char) for char in unicodedata.normalize("NFKC", name)}
    is_both = bool(directions & {"R", "AL"}) and bool(directions & {"L", "EN", "AN"})
    return is_both or any(char in _TURNS for char in name)


def _step(name: str) -> str:
    seen = "".join(char for char in name if not _is_ignorable(char))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    start, end = 0, len(folded)
    while start < end and _is_blank_or_punctuation(folded[start]):
        start += 1
    while end > start and _is_blank_or_punctuation(folded[end - 1]):
        end -= 1
    return folded[start:end]


def _is_ignorable(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _IGNORABLE_RANGES)


def _is_blank_or_punctuation(char: str) -> bool:
    return char.isspace() or unicodedata.category(char)[0] in "ZP"
