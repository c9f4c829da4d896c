"""The close of a period (§7): who may, when, and the close log's chain of lines.

Belongs here: the rules. Does not: the form of a line (`records`), files and locks
(`pipeline/closing.py`), and how names are compared (`terms/people.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from orchestration.records import CloseEntry, Unreadable, Worker
from orchestration.terms.people import MOST_OF_A_NAME, is_person, look_same, what_is_wrong

NO_LINE_BEFORE: Final = "0" * 64
"""What stands for the hash of the line before in the first line."""

_WORK: Final = {
    "read": "read its inputs",
    "published": "published it",
    "restated": "made a restatement whose differences it posts",
}


def line_sha256(line: bytes) -> str:
    """The hash that the next line holds of this one."""
    return hashlib.sha256(line).hexdigest()


def chain_faults(program: str, lines: Sequence[bytes]) -> list[str]:
    """The faults in the lines of a program's close log, each with its number; [] if there are none."""
    faults = []
    previous = NO_LINE_BEFORE
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        where = f"close log, line {number}"
        try:
            entry = CloseEntry.from_line(line)
        except Unreadable as error:
            faults.append(f"{where}: unreadable ({error})")
        else:
            if entry.previous_sha256 != previous:
                faults.append(
                    f"{where} ({entry.period}): follows a line with hash {entry.previous_sha256}, "
                    f"but the line before has {previous}: a line was changed, added or taken out"
                )
            if entry.program != program:
                faults.append(f"{where}: is of program {entry.program}")
            if entry.period in seen:
                faults.append(f"{where}: closes {entry.period} a second time")
            seen.add(entry.period)
        previous = line_sha256(line)
    return faults


@dataclass(frozen=True, slots=True)
class Closable:
    """The facts that decide whether a period may be closed.

    `order` are the program's periods, `closed` those closed so far. `workers` is everyone whose
    work is in the period (§7); None: nothing is published. `gates_not_held` are gates of the run
    that is published. `later_run` says in words what became of a later run that read input and was
    not published; None where there is none. `left_out` are periods that stand before it in the program
    file that its run has read, and not in the one at hand. `changed_files` names each published file
    that is not as its run has left it. `other_openings` counts the accounts that it opens with another
    balance than the published period before it has left. `today` is the day in UTC. `revision` is what would be closed,
    `seen` the one that the approver has looked at, where that is known.
    """

    period: str
    order: Sequence[str]
    closed: Sequence[str]
    closes_on: date
    today: date
    workers: Sequence[Worker] | None
    gates_not_held: Sequence[str] = ()
    later_run: str | None = None
    left_out: Sequence[str] = ()
    changed_files: Sequence[str] = ()
    other_openings: int = 0
    revision: int | None = None
    seen: int | None = None


def refusals(case: Closable, approver: str | None) -> list[str]:
    """§7: every reason why `approver` may not close a period now; [] if it may be done.

    Without an approver: every reason why nobody may.
    """
    period = case.period
    if period in case.closed:
        return [f"{period} is closed already; what was closed never changes"]
    found = []
    if approver is not None and not is_person(approver):
        found.append(
            f"who closes {period}? The approver is {approver[:MOST_OF_A_NAME]!r}: "
            f"{what_is_wrong(approver)}; give another name"
        )
    if case.workers is None:
        found.append(f"{period} is not published yet; run it first: bonus run {period}")
    still_open = [key for key in case.order[: case.order.index(period)] if key not in case.closed]
    if still_open:
        found.append(f"{period} is not the next to close; first close {', '.join(still_open)}")
    if case.left_out:
        found.append(
            f"{', '.join(case.left_out)} stands before {period} in the program file that its run, or a "
            f"later one, has read, and not in this one; close it first by that file, or run {period} again by this one"
        )
    if case.today < case.closes_on:
        found.append(
            f"{period} closes on {case.closes_on}, and today is {case.today}; wait until then"
        )
    found += [
        f"the {gate} gate has not held for {period}; repair what it names and run the period again"
        for gate in case.gates_not_held
    ]
    if case.later_run is not None:
        found.append(case.later_run)
    found += case.changed_files
    if case.other_openings:
        found.append(
            f"{period} does not open with the balances that the period before it has left (accounts:"
            f" {case.other_openings:,}); run {period} again: bonus run {period}"
        )
    if case.workers is not None and case.seen not in (None, case.revision):
        found.append(
            f"{period} has changed since you looked at it: that was revision {case.seen}, and now it is "
            f"{case.revision}; look again"
        )
    if approver is not None and is_person(approver):
        found += _own_work(case.workers or (), approver)
    return found


def _own_work(workers: Iterable[Worker], approver: str) -> list[str]:
    """Reasons why an approver may not close because of work of their own, each run named once."""
    works: dict[tuple[str, str], dict[str, None]] = {}
    for worker in workers:
        if look_same(approver, worker.by):
            works.setdefault((worker.by, worker.run_id), {})[_WORK[worker.work]] = None
    return [
        f"{by} started the run {run} that {' and '.join(work)}; someone else has to close it"
        for (by, run), work in works.items()
    ]
