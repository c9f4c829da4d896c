"""The close of a period (§7): who may, when, and the close log's chain of lines.

Belongs here: the rules and the form of a line. Does not: files and locks (`pipeline/closing.py`).

A line holds what decided the payout: fingerprints of inputs, program file and code, hashes of every
published file, counts and totals. What can be derived from those files (rates, statuses) is left
out. Amounts are text, since canonical JSON (RFC 8785) has no whole numbers above 2^53.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

NO_LINE_BEFORE: Final = "0" * 64
"""What stands for the hash of the line before in the first line."""

MOST_OF_A_NAME: Final = 128
"""Characters in the name of who closes a period."""


@dataclass(frozen=True, slots=True)
class CloseEntry:
    """A line of the close log; hashes are SHA-256, hexadecimal."""

    program: str
    period: str
    revision: int
    approved_by: str
    started_by: str
    run_id: str
    closed_at: str  # UTC, to the second
    landing_sha256: str
    program_sha256: str
    code_sha256: str
    rows: Mapping[str, int]  # by published table
    totals: Mapping[str, Mapping[str, str]]  # by currency: minor units by what they are
    ledger_sha256: str
    journal_sha256: str
    files: Mapping[str, str]  # hash by path, of every file of the published version
    previous_sha256: str

    def line(self) -> bytes:
        """The entry as canonical JSON (RFC 8785), without a line end."""
        import rfc8785

        return rfc8785.dumps(asdict(self))

    @classmethod
    def from_line(cls, line: bytes) -> CloseEntry:
        """The entry that a line holds; ValueError if it holds none, or not in canonical form."""
        content = json.loads(line)
        if not isinstance(content, dict):
            raise ValueError("no JSON object")
        try:
            entry = cls(**content)
            canonical = entry.line()
        except (TypeError, ValueError) as error:
            raise ValueError("other fields than those of a close") from error
        if canonical != line:
            raise ValueError("not in canonical form")
        return entry


def line_sha256(line: bytes) -> str:
    """The hash that the next line holds of this one."""
    return hashlib.sha256(line).hexdigest()


def chain_faults(program: str, lines: Sequence[bytes]) -> list[str]:
    """What is wrong with the lines of a program's close log, each with its number; [] if nothing."""
    faults = []
    previous = NO_LINE_BEFORE
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        where = f"close log, line {number}"
        try:
            entry = CloseEntry.from_line(line)
        except ValueError as error:
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


def is_person(name: str) -> bool:
    """Whether a name can stand in the close log and in front of others."""
    return 1 <= len(name.strip()) <= MOST_OF_A_NAME and name.strip().isprintable()


def same_person(one: str, other: str) -> bool:
    """§7: "names are compared trimmed, NFC, case-folded"."""
    return _compared(one) == _compared(other)


def _compared(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name.strip()).casefold())


def refusals(
    *,
    period: str,
    order: Sequence[str],
    closed: Sequence[str],
    closes_on: date,
    today: date,
    published: Mapping[str, Any] | None,
    gates_not_held: Sequence[str],
    approver: str,
) -> list[str]:
    """§7: every reason why a period may not be closed now; [] if it may.

    `order` are the program's periods, `closed` those closed so far, `published` the record of the
    run whose rows are published (None: nothing is), `today` the day in UTC.
    """
    if period in closed:
        return [f"{period} is closed already; what was closed never changes"]
    found = []
    if not is_person(approver):
        found.append(
            f"who closes {period}? The approver is {approver[:MOST_OF_A_NAME]!r}; "
            f"give a name of 1 to {MOST_OF_A_NAME} printable characters"
        )
    if published is None:
        found.append(f"{period} is not published yet; run it first: bonus run {period}")
    still_open = [key for key in order[: order.index(period)] if key not in closed]
    if still_open:
        found.append(f"{period} is not the next to close; first close {', '.join(still_open)}")
    if today < closes_on:
        found.append(f"{period} closes on {closes_on}, and today is {today}; wait until then")
    found += [
        f"the {gate} gate has not held for {period}; repair what it names and run the period again"
        for gate in gates_not_held
    ]
    if published is not None and same_person(approver, str(published["by"])):
        found.append(
            f"{approver.strip()} started the run that is published; someone else has to close it"
        )
    return found
