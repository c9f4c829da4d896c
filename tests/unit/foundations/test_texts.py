"""Texts from outside are shown, never obeyed; different texts stay different."""

from __future__ import annotations

import pytest

from orchestration.foundations.texts import printable, shown


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("é 한 🎬", "é 한 🎬"),
        ("\x1b[2J", "\\u001b[2J"),
        ("\u202etxt", "\\u202etxt"),
        ("\U000e0041", "\\U000e0041"),
        ("a\\u001b", "a\\\\u001b"),
        ("a\nb", "a\\u000ab"),
        ("\udcff", "\\xff"),
        ("", ""),
    ],
)
def test_what_does_not_print_as_itself_is_escaped(text: str, safe: str) -> None:
    assert shown(text) == safe


@pytest.mark.parametrize(
    ("text", "cut"), [("abcde", "abcde"), ("abcdef", "abcd…"), ("\x1b", "\\u00…")]
)
def test_it_is_cut_after_it_is_escaped(text: str, cut: str) -> None:
    assert shown(text, 5) == cut


def test_a_message_keeps_its_lines_and_its_escapes() -> None:
    assert printable("found a\\u001b,\nexpected \x1b[2J\t") == (
        "found a\\u001b,\nexpected \\u001b[2J\\u0009"
    )
