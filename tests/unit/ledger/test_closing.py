"""§7 "Close": who may close what, and the chain of the close log."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from orchestration.ledger.closing import (
    NO_LINE_BEFORE,
    CloseEntry,
    chain_faults,
    line_sha256,
    refusals,
    same_person,
)

ENTRY = CloseEntry(
    program="spring-bonus",
    period="march",
    revision=3,
    approved_by="Grace",
    started_by="ada",
    run_id="run-1",
    closed_at="2024-04-03T09:00:00Z",
    landing_sha256="a" * 64,
    program_sha256="b" * 64,
    code_sha256="c" * 64,
    rows={"payout_ledger": 2, "journal": 4},
    totals={"USD": {"payout_minor": "123456789012345678901"}},
    ledger_sha256="d" * 64,
    journal_sha256="e" * 64,
    files={"payout_ledger/part-0.parquet": "d" * 64},
    previous_sha256=NO_LINE_BEFORE,
)


def chain(*periods: str) -> list[bytes]:
    lines: list[bytes] = []
    for period in periods:
        before = line_sha256(lines[-1]) if lines else NO_LINE_BEFORE
        lines.append(replace(ENTRY, period=period, previous_sha256=before).line())
    return lines


def test_a_line_is_canonical_json() -> None:
    """RFC 8785: members in the order of their names, no white space, UTF-8."""
    line = replace(ENTRY, approved_by="Zoë").line()
    assert line.startswith('{"approved_by":"Zoë","closed_at":"2024-04-03T09:00:00Z",'.encode())
    assert b", " not in line
    assert CloseEntry.from_line(line) == replace(ENTRY, approved_by="Zoë")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        ENTRY.line() + b" ",
        ENTRY.line().replace(b'"revision":3', b'"revision": 3'),
        ENTRY.line().replace(b'"revision":3', b'"extra":1,"revision":3'),
        ENTRY.line()[:-10],
    ],
)
def test_what_is_no_line(line: bytes) -> None:
    with pytest.raises(ValueError):
        CloseEntry.from_line(line)


def test_a_whole_chain_has_no_faults() -> None:
    assert chain_faults("spring-bonus", chain("march", "april", "may")) == []
    assert chain_faults("spring-bonus", []) == []


@pytest.mark.parametrize("taken", [0, 1])
def test_a_line_taken_out_breaks_the_chain_after_it(taken: int) -> None:
    lines = chain("march", "april", "may")
    del lines[taken]
    (fault,) = chain_faults("spring-bonus", lines)
    assert fault.startswith(f"close log, line {taken + 1} ({['april', 'may'][taken]})")


def test_a_changed_line_breaks_the_chain_after_it() -> None:
    lines = chain("march", "april")
    lines[0] = replace(CloseEntry.from_line(lines[0]), approved_by="mallory").line()
    (fault,) = chain_faults("spring-bonus", lines)
    assert "line 2 (april)" in fault


def test_other_faults_of_the_chain() -> None:
    twice = chain("march", "march")
    assert chain_faults("spring-bonus", twice) == ["close log, line 2: closes march a second time"]
    assert chain_faults("other", chain("march")) == [
        "close log, line 1: is of program spring-bonus"
    ]
    assert chain_faults("spring-bonus", [b"torn"])[0].startswith("close log, line 1: unreadable")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ada", " Ada\t", True),
        ("Zoe\u0308", "ZOË", True),  # decomposed and composed
        ("Straße", "STRASSE", True),
        ("ada", "adа", False),  # the last letter is Cyrillic
        ("ada", "ada l", False),
    ],
)
def test_names_are_compared_trimmed_nfc_and_case_folded(one: str, other: str, same: bool) -> None:
    assert same_person(one, other) is same


def refused(**changes: Any) -> list[str]:
    given: dict[str, Any] = {
        "period": "april",
        "order": ["march", "april", "may"],
        "closed": ["march"],
        "closes_on": date(2024, 5, 3),
        "today": date(2024, 5, 3),
        "published": {"by": "ada"},
        "gates_not_held": [],
        "approver": "grace",
    }
    return refusals(**{**given, **changes})


def test_a_period_that_may_be_closed() -> None:
    assert refused() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"closed": ["march", "april"]}, "april is closed already"),
        ({"published": None}, "april is not published yet"),
        ({"closed": []}, "first close march"),
        ({"today": date(2024, 5, 2)}, "april closes on 2024-05-03, and today is 2024-05-02"),
        ({"gates_not_held": ["staging"]}, "the staging gate has not held for april"),
        ({"approver": " ADA "}, "ADA started the run"),
        ({"approver": "  "}, "who closes april? The approver is '  '; give a name"),
        ({"approver": "g" * 129}, "give a name of 1 to 128 printable characters"),
        ({"approver": "gra\x1bce"}, "give a name of 1 to 128 printable characters"),
    ],
)
def test_each_refusal_says_why(changes: dict[str, Any], said: str) -> None:
    (only,) = refused(**changes)
    assert said in only


def test_all_reasons_are_told_at_once() -> None:
    assert len(refused(closed=[], today=date(2024, 1, 1), approver="ada")) == 3
