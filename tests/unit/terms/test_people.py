"""§7: names are compared in NFKC, case-folded, trimmed, and by what can be seen of them."""

from __future__ import annotations

import pytest

from orchestration.terms.people import (
    _IGNORABLE_RANGES,
    compared,
    is_person,
    look_same,
    same_person,
    scripts_mix,
)


@pytest.mark.parametrize(
    "one, other",
    [
        ("ada", "ADA "),
        ("ada", "\tada."),
        ("ada", "„ada“"),
        ("ada", "a\u00adda"),  # soft hyphen
        ("ada", "ada\u3164"),  # Hangul filler: a letter by its category, and invisible
        ("ada", "\u2066ada\u2069"),
        ("ada", "\ufe0fada\U000e0041"),
        ("ada", "ａｄａ"),  # full width
        ("ada", "𝐚𝐝𝐚"),  # mathematical bold
        ("ada", ". \u200b.ada.\u200b ."),  # what is taken away uncovers more of it
        ("Straße", "STRASSE"),
        ("é", "e\u0301"),
        ("ﬁn", "FIN"),
        ("李 明", "李\u3000明"),
    ],
)
def test_the_same_person(one: str, other: str) -> None:
    assert is_person(one) and is_person(other)
    assert same_person(one, other)


@pytest.mark.parametrize(
    "other",
    ["Ada  Roe", "ada\u3000\u3000roe", "ada\ufff9 roe", "ada roe\U0001d159", "ADA ROE."],
)
def test_names_that_a_page_shows_alike(other: str) -> None:
    """Stricter than the contract's comparison, which keeps all but the last of them apart."""
    assert look_same("ada roe", other)
    assert look_same(other, "ada roe")
    assert same_person("ada roe", other) is (other == "ADA ROE.")


@pytest.mark.parametrize(
    "one, other",
    [
        ("ada", "a\u200ada"),  # hair space
        ("ada", "a\u202fda"),
        ("ada-roe", "ada\u2010roe"),
        ("ada-roe", "ada\u2212roe"),
        ("o'neil", "O\u2019Neil"),
        ("o'neil", "o\u02bcneil"),
        ("a\u00b7b", "a\u30fbb"),
        ("bero", "\u202eoreb"),  # drawn from right to left
        ("bero", "be\u202eor\u202c"),
        ("\u2067\u202eoreb\u202c\u2069", "bero"),
        ("\u05d3\u05e0\u05d4 2", "2 \u05d3\u05e0\u05d4"),  # Hebrew: the digit is drawn on the left
        (
            "\u0633\u0627\u0631\u0629-\u0662",
            "\u0662-\u0633\u0627\u0631\u0629",
        ),  # Arabic, with its digits
        ("bero", "be\ufffcro"),  # drawn as nothing by Chromium
        ("bero", "bero\ufffc"),
        ("liam", "li\u0307am"),  # a dot above takes the place of the letter's own
        ("liam", "l\u0131\u0307am"),
        ("jan", "\u0237\u0307an"),
        ("\u012f", "\u012f\u0307"),
    ],
)
def test_marks_and_orders_that_a_page_shows_alike(one: str, other: str) -> None:
    assert is_person(one) and is_person(other)
    assert look_same(one, other) and look_same(other, one)
    assert not same_person(one, other)


def test_names_that_a_page_shows_apart() -> None:
    assert look_same("ada roe", "ada\u2009roe")  # the contract makes a blank of it
    assert not look_same("oreb", "bero")
    assert not look_same("\u202eada", "bero")
    assert not look_same("\u05d3\u05d5\u05d3", "\u05d5\u05d3\u05d3")  # Hebrew alone keeps its order
    assert not look_same("liam", "l\u0131am")
    assert not look_same("ada", "\u0227da")
    assert not look_same("l\u00edam", "l\u00ed\u0307am")  # above the accent, where it is seen
    assert not look_same("ada roe", "ada-roe")
    assert not look_same("ada roe", "adaroe")
    assert not look_same("ada-roe", "ada roe")
    assert look_same("ada", "\u0430da")  # a refused name looks like any
    assert look_same("123", "123\u2800")


@pytest.mark.parametrize(
    "one, other", [("ada", "adam"), ("ada", "a da"), ("ada", "áda"), ("ada", "ada-2"), ("李", "王")]
)
def test_different_people(one: str, other: str) -> None:
    assert not same_person(one, other)


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "...", "\u200b", "\u3164\u3164", "«»", "\ufeff.",
        "аda",  # a Cyrillic letter first
        "gracе",  # a Cyrillic letter last
        "αda", "Ада Latin", "デЯ", "ᄀㄅ",  # Hangul beside Bopomofo
        "ひとㄅ",  # Hiragana beside Bopomofo
        "한ひ",
    ],
)  # fmt: skip
def test_refused(name: str) -> None:
    assert compared(name) is None
    assert not is_person(name)
    assert same_person(name, "anyone")  # whoever has such a name is never another person


@pytest.mark.parametrize(
    "name",
    [
        "ada",
        "Ада",
        "Αθηνά",
        "ada 李 ひろ カナ",
        "ada 李 한",
        "ada 李 ㄅㄆ",
        "عمر",
        "ada2",
        "דנה",
        "スーパー",
    ],
)
def test_scripts_that_may_stand_together(name: str) -> None:
    assert scripts_mix(name)
    assert is_person(name)


@pytest.mark.parametrize("name", ["a\nb", "a\x00", "\x1b[1mada", "a\u2028b", "x" * 129])
def test_what_no_name_may_hold(name: str) -> None:
    assert not is_person(name)


def test_the_invisible_characters_are_those_of_unicode() -> None:
    regex = pytest.importorskip("regex", reason="regex comes with the linters")
    every = "".join(map(chr, range(0x110000)))
    theirs = {ord(char) for char in regex.findall(r"\p{Default_Ignorable_Code_Point}", every)}
    ours = {code for first, last in _IGNORABLE_RANGES for code in range(first, last + 1)}
    assert ours == theirs
