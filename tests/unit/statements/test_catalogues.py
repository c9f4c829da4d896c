"""The catalogues have every text that a page may show, in all languages, and no other."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from orchestration.statements import wording
from orchestration.statements.catalogues import used_texts
from orchestration.statements.languages import LANGUAGES, Language, catalogue_file
from orchestration.terms import reasons
from tests.contract import CREATOR_REASONS, POST_REASONS

PLACE = re.compile(r"%\(\w+\)s|%")
# §7
STATUSES = {"none", "held", "carried", "paid"}
STATUS_REASONS = {
    "CURRENCY_CHANGED",
    "NEGATIVE_BALANCE",
    "PAYEE_INCOMPLETE",
    "PAYEE_BLOCKED",
    "BELOW_MINIMUM",
}


def catalogue(language: Language) -> Catalog:
    with catalogue_file(language).open("rb") as file:
        return read_po(file, locale=language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_and_none_is_stale(language: Language) -> None:
    found = {entry.id: entry for entry in catalogue(language) if entry.id}
    used = set(used_texts())
    assert len(used) > 100
    assert found.keys() == used, "run make messages, and translate what is new"
    assert not catalogue(language).obsolete
    for text, entry in found.items():
        assert not entry.fuzzy, text
        originals = [text] if isinstance(text, str) else list(text)
        translated = [entry.string] if isinstance(entry.string, str) else list(entry.string)
        assert all(translated), text
        for one in translated:
            # In a page they stand as they are, also within quotes.
            assert not set(one) & set('<>&"'), one
            assert set(PLACE.findall(one)) == set(PLACE.findall(originals[0])), one
            # A text that English has, too, was not translated; few words are the same.
            has_words = any(letter.isalpha() for letter in PLACE.sub("", one))
            assert language in ("en", "fr") or not has_words or one not in originals, one


def test_every_code_of_the_contract_has_its_entry() -> None:
    entries = set(used_texts())
    for codes, rows in (
        (CREATOR_REASONS, reasons.CREATOR_REASONS),
        (POST_REASONS, reasons.POST_REASONS),
    ):
        assert rows.keys() == codes
        texts = [
            text for row in rows.values() for text in (row.text, row.turned, row.turned_if_late)
        ]
        assert {text for text in texts if text} <= entries
    assert reasons.STATUS_REASONS.keys() == STATUS_REASONS
    assert {row.text for row in reasons.STATUS_REASONS.values()} <= entries
    assert {row.advice for row in reasons.STATUS_REASONS.values()} <= entries
    assert wording.STATUSES.keys() == STATUSES
    assert set(wording.STATUSES.values()) <= entries
