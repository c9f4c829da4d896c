"""§7 "Close": who may close what, and the chain of the close log."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from orchestration.ledger.closing import (
    NO_LINE_BEFORE,
    Closable,
    chain_faults,
    line_sha256,
    refusals,
)
from orchestration.records import CloseEntry, Worker

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
        lines.append(ENTRY.model_copy(update={"period": period, "previous_sha256": before}).line())
    return lines


def test_a_line_is_canonical_json() -> None:
    """RFC 8785: members in the order of their names, no white space, UTF-8."""
    line = ENTRY.model_copy(update={"approved_by": "Zoë"}).line()
    assert line.startswith('{"approved_by":"Zoë","closed_at":"2024-04-03T09:00:00Z",'.encode())
    assert b", " not in line
    assert CloseEntry.from_line(line) == ENTRY.model_copy(update={"approved_by": "Zoë"})


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        ENTRY.line() + b" ",
        ENTRY.line().replace(b'"revision":3', b'"revision": 3'),
        ENTRY.line().replace(b'"revision":3', b'"zzz":1,"revision":3'),  # not in its place
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
    lines[0] = CloseEntry.from_line(lines[0]).model_copy(update={"approved_by": "mallory"}).line()
    (fault,) = chain_faults("spring-bonus", lines)
    assert "line 2 (april)" in fault


def test_other_faults_of_the_chain() -> None:
    twice = chain("march", "march")
    assert chain_faults("spring-bonus", twice) == ["close log, line 2: closes march a second time"]
    assert chain_faults("other", chain("march")) == [
        "close log, line 1: is of program spring-bonus"
    ]
    assert chain_faults("spring-bonus", [b"torn"])[0].startswith("close log, line 1: unreadable")


READ = Worker(by="ada", run_id="run-1", work="read")
PUBLISHED = Worker(by="lin", run_id="run-2", work="published")
RESTATED = Worker(by="Zoë", run_id="run-3", work="restated")
APRIL = Closable(
    period="april",
    order=["march", "april", "may"],
    closed=["march"],
    closes_on=date(2024, 5, 3),
    today=date(2024, 5, 3),
    workers=[READ, PUBLISHED, RESTATED],
)


def refused(approver: str = "grace", **changes: Any) -> list[str]:
    return refusals(replace(APRIL, **changes), approver)


def test_a_period_that_may_be_closed() -> None:
    assert refused() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"closed": ["march", "april"]}, "april is closed already"),
        ({"workers": None}, "april is not published yet"),
        ({"closed": []}, "first close march"),
        ({"today": date(2024, 5, 2)}, "april closes on 2024-05-03, and today is 2024-05-02"),
        ({"gates_not_held": ["staging"]}, "the staging gate has not held for april"),
        ({"later_run": "a later run was blocked"}, "a later run was blocked"),
        ({"changed_files": ["journal was changed"]}, "journal was changed"),
        ({"other_openings": 1200}, "the period before it has left (accounts: 1,200)"),
        ({"approver": " ADA "}, "ada started the run run-1 that read its inputs; someone else"),
        ({"approver": "Lin."}, "lin started the run run-2 that published it; someone else"),
        (
            {"approver": "ZOE\u0308"},
            "Zoë started the run run-3 that made a restatement whose differences",
        ),
        ({"approver": "  "}, "who closes april? The approver is '  ': nothing of it can be seen"),
        ({"approver": "adа"}, "it mixes letters of several scripts"),  # the last one is Cyrillic
        ({"approver": "g" * 129}, "a name has 1 to 128 characters"),
        ({"approver": "gra\x1bce"}, "a name has 1 to 128 characters"),
    ],
)
def test_each_refusal_says_why(changes: dict[str, Any], said: str) -> None:
    (only,) = refused(**changes)
    assert said in only


def test_all_reasons_are_told_at_once() -> None:
    found = refused("ada", closed=[], today=date(2024, 1, 1), workers=[READ, RESTATED])
    assert len(found) == 3
    assert len(refused("ada", workers=[READ, replace_by(PUBLISHED, "ADA")])) == 2


def replace_by(worker: Worker, by: str) -> Worker:
    return worker.model_copy(update={"by": by})


def test_a_line_of_0_1_0_is_read_as_it_is() -> None:
    """Written by e87b014: neither schema number nor the fields that came since."""
    line = (
        b'{"approved_by":"Grace","closed_at":"2024-04-03T09:00:00Z","code_sha256":"cc","files":{},'
        b'"journal_sha256":"ee","landing_sha256":"aa","ledger_sha256":"dd","period":"march",'
        b'"previous_sha256":"00","program":"spring-bonus","program_sha256":"bb","revision":3,'
        b'"rows":{"journal":4},"run_id":"run-1","started_by":"ada","totals":{}}'
    )
    entry = CloseEntry.from_line(line)
    assert (entry.schema_number, entry.workers, entry.restatements) == (1, None, None)
    assert chain_faults("spring-bonus", [line])[0].startswith("close log, line 1 (march): follows")


def test_a_line_of_tomorrow_is_read_and_keeps_the_chain() -> None:
    """Fields that are not known here are part of what is hashed."""
    today = chain("march")[0]
    tomorrow = today.replace(b'"approved_by"', b'"a_new_field":{"x":[1,null]},"approved_by"')
    assert CloseEntry.from_line(tomorrow).period == "march"
    after = ENTRY.model_copy(update={"period": "april", "previous_sha256": line_sha256(tomorrow)})
    assert chain_faults("spring-bonus", [tomorrow, after.line()]) == []
    assert chain_faults("spring-bonus", [today, after.line()]) != []
