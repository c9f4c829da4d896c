"""Closing a period (§7): what was published is fixed, and the close log says so.

The line in the log is the close; the seal beside the published files repeats it, so that a line
taken out of the log, the last one too, is missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from expectations.suite import GateResult
from orchestration.ledger.closing import CloseEntry, refusals
from orchestration.pipeline.books import Books, open_books
from orchestration.pipeline.close_log import CloseLog
from orchestration.pipeline.home import Home
from orchestration.pipeline.work_file import Refused, WorkFile
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import PUBLISHED_TABLES
from orchestration.terms.load import parse_program
from orchestration.terms.model import Program


def close_period(
    home: Home, program: Program, period: str, by: str, today: date | None = None
) -> CloseEntry:
    """Closes a published period in the name of `by`; gives the line that the close log now has.

    Refused, with every reason, where §7 does not allow it. `today` is the day in UTC. The caller
    holds the period's lock.
    """
    with home.program_lock(program.program):
        books = open_books(home, program.program)
        _demand(home, program, books, period, by, today)
        publication, log = books.published[period], CloseLog(home.path, program.program)
        entry = _entry(program.program, publication, by, log.last_sha256())
        log.append(entry.line())
        home.store(program.program).seal(publication, entry.line())
        return entry


def demand_closable(
    home: Home, program: Program, period: str, by: str, today: date | None = None
) -> None:
    """Refused, with every reason, if the period may not be closed now; changes nothing."""
    with home.program_lock(program.program):
        books = open_books(home, program.program)
        _demand(home, program, books, period, by, today)


def _demand(
    home: Home, program: Program, books: Books, period: str, by: str, today: date | None
) -> None:
    publication = books.published.get(period)
    record = publication.run if publication else None
    found = refusals(
        period=period,
        order=[entry.key for entry in program.periods],
        closed=list(books.closed),
        closes_on=_closes_on(program, publication, period),
        today=today or datetime.now(UTC).date(),
        published=record,
        gates_not_held=_gates_not_held(home, program.program, period, record),
        approver=by,
    )
    if found:
        raise Refused("\n".join(found))


def _closes_on(program: Program, publication: Publication | None, period: str) -> date:
    """The day of the program file as the published run read it: those rows are what is closed."""
    if publication is not None:
        path = publication.program_file
        program = parse_program(path.read_bytes(), str(path))
    return program.period(period).closes_on


def _gates_not_held(
    home: Home, program: str, period: str, record: Mapping[str, Any] | None
) -> list[str]:
    """Gates of the published run, and of a later one that was blocked: its data is waiting."""
    gates = record["gates"].items() if record else []
    results = [(stage, GateResult.from_json(result)) for stage, result in gates]
    work = WorkFile(home.work_folder(program, period))
    if work.path.exists():
        results += work.verdicts().items()
    return list(dict.fromkeys(stage for stage, result in results if not result.held))


def _entry(program: str, publication: Publication, by: str, previous: str) -> CloseEntry:
    record, files = publication.run, publication.file_hashes()
    return CloseEntry(
        program=program,
        period=publication.period,
        revision=publication.revision,
        approved_by=by.strip(),
        started_by=record["by"],
        run_id=record["run_id"],
        closed_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        landing_sha256=record["landing_sha256"],
        program_sha256=record["program_sha256"],
        code_sha256=record["code"],
        rows=_row_counts(publication),
        totals={
            currency: {name: str(amount) for name, amount in amounts.items()}
            for currency, amounts in record["totals"]["currencies"].items()
        },
        ledger_sha256=files[
            str(publication.table("payout_ledger").relative_to(publication.folder))
        ],
        journal_sha256=files[str(publication.table("journal").relative_to(publication.folder))],
        files=files,
        previous_sha256=previous,
    )


def _row_counts(publication: Publication) -> dict[str, int]:
    import pyarrow.parquet as pq

    return {name: pq.read_metadata(publication.table(name)).num_rows for name in PUBLISHED_TABLES}
