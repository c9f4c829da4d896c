"""Values of a program file that are set by their paths."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.terms.load import LoadedProgram, ProgramFileError, load_program
from orchestration.terms.settings import SettingError, with_settings
from tests.unit.terms.conftest import PROGRAM

TEXT = PROGRAM.replace("currency: USD\n", "currency: USD  # ¥ and 🎬 stand before\n").replace(
    "minimum_age: 18", "minimum_age: null"
).replace("maximum_posts: 150", "maximum_posts:  # none").replace("key: april", 'key: "april"')  # fmt: skip


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedProgram:
    path = tmp_path / "program.yaml"
    path.write_bytes(TEXT.replace("\n", "\r\n").encode("utf-8-sig"))
    return load_program(path)


def text(loaded: LoadedProgram, *settings: str) -> str:
    return with_settings(loaded, settings).content.decode().replace("\r\n", "\n")


def test_only_the_value_changes(loaded: LoadedProgram) -> None:
    assert text(loaded) == TEXT
    assert text(loaded, "periods[0].budget=8000.00") == TEXT.replace("250000.00", "8000.00")
    assert text(loaded, "terms[0].eligibility.minimum_age=16", "program=autumn") == TEXT.replace(
        "minimum_age: null", "minimum_age: 16"
    ).replace("spring-bonus", "autumn")
    assert text(loaded, "periods[1].key=may") == TEXT.replace('"april"', "may")
    assert text(loaded, 'markets["US"].timezone=UTC') == TEXT.replace("America/Los_Angeles", "UTC")


def test_the_program_has_the_value(loaded: LoadedProgram) -> None:
    changed = with_settings(loaded, ["terms[0].weights.reel.shares=0.5"])
    assert changed.program.terms[0].weights["reel"].shares == Decimal("0.5")
    assert changed.sha256 != loaded.sha256


REFUSED = {
    "no value": ("program", "expected PATH=VALUE"),
    "no path": ("=1", "expected PATH=VALUE"),
    "a dot first": (".program=1", "expected PATH=VALUE"),
    "no dot": ('terms[0]weights=1', "expected PATH=VALUE"),
    "no key": ("terms[0].weights.video.views=1", "terms[0].weights has no key 'video'"),
    "a key that is like one": ("terms[0].wieghts.reel.views=1", "perhaps weights"),
    "a key of a single value": ("program.name=1", "program has no key 'name'"),
    "a place beyond the end": ("periods[2].budget=1", "periods has 2 entries"),
    "a place of no list": ("markets[0]=1", "markets has no list"),
    "a list": ("periods=1", "periods is a list"),
    "a mapping": ("markets.US=1", "markets.US is a mapping"),
    "nothing to change": ("terms[0].eligibility.maximum_posts=1", "nothing is written at"),
    "two values": ("terms[0].audience_value.other=1, floor: 2", "expected one number, day or word"),
    "a list as value": ("terms[0].audience_value.other=[1]", "expected one number, day or word"),
    "an alias": ("terms[0].audience_value.other=*a", "expected one number, day or word"),
    "two lines": ("terms[0].audience_value.other=1\n", "expected one number, day or word"),
    "nothing": ("terms[0].audience_value.other=", "expected one number, day or word"),
    "no JSON": (r'markets["\x"]=1', "as JSON writes it"),
}  # fmt: skip


@pytest.mark.parametrize(("setting", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_leads_to_no_single_value_is_refused(
    loaded: LoadedProgram, setting: str, said: str
) -> None:
    with pytest.raises(SettingError) as error:
        with_settings(loaded, [setting])
    assert said in str(error.value)


def test_a_value_is_set_once_and_has_to_be_right(loaded: LoadedProgram) -> None:
    with pytest.raises(SettingError, match="is set twice"):
        with_settings(loaded, ["program=a", "program=b"])
    with pytest.raises(ProgramFileError, match=r"terms\[0\]\.weights\.reel\.views: found -1"):
        with_settings(loaded, ["terms[0].weights.reel.views=-1"])
