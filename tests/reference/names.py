"""Names of people as §7 compares them: who approved what another asked for."""

import unicodedata

from fontTools.unicodedata import script_extension

# fmt: off
DEFAULT_IGNORABLE = {  # Unicode's Default_Ignorable_Code_Point
    0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0x200B, 0x2010),
    *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x3164, *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0,
    *range(0xFFF0, 0xFFF9), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000),
}
MAY_MIX = [{"Latn", "Hani", "Hira", "Kana"}, {"Latn", "Hani", "Hang"}, {"Latn", "Hani", "Bopo"}]
EAST_ASIAN = {"Hani": {"Hanb", "Jpan", "Kore"}, "Hira": {"Jpan"}, "Kana": {"Jpan"}, "Hang": {"Kore"}, "Bopo": {"Hanb"}}
# fmt: on


def compared(name: str) -> str | None:
    """§7: "Names are compared in NFKC, case-folded, without blanks and punctuation at their ends and without code
    points that Unicode calls default-ignorable; a name of which nothing is left, or whose scripts do not mix ..., is
    refused": None."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    kept = [char for char in folded if ord(char) not in DEFAULT_IGNORABLE]
    while kept and is_blank_or_punctuation(kept[0]):
        del kept[0]
    while kept and is_blank_or_punctuation(kept[-1]):
        del kept[-1]
    return "".join(kept) if kept and scripts_may_mix(kept) else None


def is_blank_or_punctuation(char: str) -> bool:
    """§7: "without blanks and punctuation at their ends"."""
    return char.isspace() or unicodedata.category(char)[0] in "ZP"


def scripts_may_mix(chars: list) -> bool:
    """§7: "by the level "highly restrictive" of Unicode's UTS 39 (Latin with Han, Hiragana and Katakana, with Han and
    Hangul, with Han and Bopomofo do)": or all are of one script. What is common to all scripts, or takes that of what
    it stands on, mixes with any."""
    scripts = [set(script_extension(char)) for char in chars]
    scripts = [found for found in scripts if not found & {"Zyyy", "Zinh"}]
    wider = [found.union(*(EAST_ASIAN.get(script, set()) for script in found)) for found in scripts]
    return (
        not scripts
        or bool(set.intersection(*wider))
        or any(all(found & mixed for found in scripts) for mixed in MAY_MIX)
    )
