"""Closing a period (§7): what was published is fixed, and the close log says so.

The line in the log is the close; the seal beside the published files repeats it, so that a line
taken out of the log, the last one too, is missed. Later open periods are settled anew before the
line is written: a crash between the two leaves them so, and the next close or run settles them again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from orchestration.foundations.cursors import scratch_database
from orchestration.ledger.closing import Closable, refusals
from orchestration.ledger.proofs import Tree
from orchestration.pipeline.books import Books, demand_periods_stay, open_books
from orchestration.pipeline.close_log import CloseLog
from orchestration.pipeline.deciding import brought_by
from orchestration.pipeline.draft import Draft
from orchestration.pipeline.gate_worker import Gate, run_gate
from orchestration.pipeline.home import Busy, Home
from orchestration.pipeline.later_runs import later_run, readable_record
from orchestration.pipeline.left_out import left_out
from orchestration.pipeline.proving import closing_tree
from orchestration.pipeline.refusals import Refused
from orchestration.pipeline.statement_key import key_fault
from orchestration.publishing.integrity import file_faults
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import PUBLISHED_TABLES
from orchestration.records import (
    SCHEMA_NUMBER,
    CloseEntry,
    PostedRestatement,
    RunRecord,
    Totals,
    Worker,
)
from orchestration.terms.load import LoadedProgram
from orchestration.terms.model import Program


@dataclass(frozen=True, slots=True)
class Closed:
    """The outcome of a close: the line that the close log now has, and the totals of later periods settled anew."""

    entry: CloseEntry
    settled_anew: Mapping[str, Totals]


def close_period(
    home: Home,
    loaded: LoadedProgram,
    period: str,
    by: str,
    today: date | None = None,
    *,
    seen: int | None = None,
    gate: Gate = run_gate,
    tell: Callable[[str], None] = lambda _: None,
) -> Closed:
    """Closes a published period in the name of `by`, and settles later open ones anew.

    Refused, with every reason, where §7 does not allow it, and where the period has another revision
    than `seen`. GateFailed where a later period, settled anew as §7 demands, does not pass the ledger
    gate; nothing has changed then. `today` is the day in UTC. The caller holds the period's lock.
    """
    program = loaded.program
    with home.program_lock(program.program):
        books = _demand(home, loaded, period, by, today, seen)
        publication, log = books.published[period], CloseLog(home.path, program.program)
        tree = closing_tree(home, program.program, publication)
        order = [one.key for one in program.periods]
        entry = _entry(program.program, books, publication, by, order, log.last_sha256(), tree)
        draft = Draft(
            program=program.program,
            store=home.store(program.program),
            order=order,
            books=books,
            gate=gate,
            scratch=home.work_folder(program.program, period),
            tell=tell,
        )
        draft.count_as_closed(period, entry)
        anew = draft.settle_later(period)
        if anew:
            draft.switch()
        log.append(entry.line())
        home.store(program.program).seal(publication, entry.line())
        return Closed(entry, anew)


def demand_closable(
    home: Home,
    loaded: LoadedProgram,
    period: str,
    by: str,
    today: date | None = None,
    seen: int | None = None,
) -> None:
    """Refused, with every reason, if the period may not be closed now; changes nothing."""
    with home.program_lock(loaded.program.program):
        _demand(home, loaded, period, by, today, seen)


@dataclass(frozen=True, slots=True)
class Prospect:
    """The findings of a close, were it now: the reasons against it, and everyone whose work is in the period."""

    against: list[str]
    workers: list[Worker]
    closed: list[str]  # in the order of the log
    waiting: list[str]  # the fate of later runs of closed periods that have published nothing


def prospect(
    home: Home,
    loaded: LoadedProgram,
    period: str,
    by: str | None,
    today: date | None = None,
    seen: int | None = None,
) -> Prospect:
    """The reasons against the close of a published period, by `by` or by anyone.

    Writes nothing, and waits for nobody: while others publish, that is the reason.
    """
    try:
        with home.program_lock(loaded.program.program, waits=False):
            demand_periods_stay(home, loaded)
            books = open_books(home, loaded.program.program, completes=False)
            workers, found = _look(home, loaded, books, period, by, today, seen)
            later = (
                later_run(
                    home, loaded.program.program, key, readable_record(books.published.get(key))
                )
                for key in books.closed
            )
            waiting = [said for said in later if said is not None]
    except (Busy, Refused) as error:
        return Prospect([str(error)], [], [], [])
    return Prospect(found, workers or [], list(books.closed), waiting)


def _demand(
    home: Home,
    loaded: LoadedProgram,
    period: str,
    by: str,
    today: date | None,
    seen: int | None,
) -> Books:
    demand_periods_stay(home, loaded)
    books = open_books(home, loaded.program.program)
    _, found = _look(home, loaded, books, period, by, today, seen)
    if found:
        raise Refused("\n".join(found))
    return books


def _look(
    home: Home,
    loaded: LoadedProgram,
    books: Books,
    period: str,
    by: str | None,
    today: date | None,
    seen: int | None,
) -> tuple[list[Worker] | None, list[str]]:
    """Everyone whose work is in a period, and every reason against its close."""
    program = loaded.program
    publication = books.published.get(period)
    changed = [
        fault
        for key, version in books.published.items()
        for fault in file_faults(
            key,
            version,
            closed_with=books.closed[key].files if key in books.closed else None,
        )
    ] + [
        fault
        for key, version in books.restated.items()
        for fault in file_faults(f"restatement of {key}", version)
    ]
    record = readable_record(publication)
    order = [entry.key for entry in program.periods]
    workers = _workers(books, publication, record, order, is_whole=not changed)
    found = refusals(
        Closable(
            period=period,
            order=order,
            left_out=left_out(home, publication if record else None, order, books.closed),
            closed=list(books.closed),
            closes_on=_closes_on(program, publication if record else None, period),
            today=today or datetime.now(UTC).date(),
            workers=workers,
            gates_not_held=_gates_not_held(record),
            later_run=later_run(home, program.program, period, record),
            changed_files=changed,
            other_openings=books.other_openings(period, order)
            if publication and not changed
            else 0,
            revision=publication.revision if publication else None,
            seen=seen,
        ),
        by,
    )
    if (fault := key_fault(home)) is not None:
        found.append(fault)
    return workers, found


def _workers(
    books: Books,
    publication: Publication | None,
    record: RunRecord | None,
    order: Sequence[str],
    *,
    is_whole: bool,
) -> list[Worker] | None:
    """Everyone whose work is in a version; of tables that were changed nothing is asked."""
    if publication is None or record is None:
        return None
    return everyone(books, publication, record, order) if is_whole else record.workers


def _closes_on(program: Program, publication: Publication | None, period: str) -> date:
    """The day of the program file as the published run read it: those rows are what is closed."""
    if publication is not None:
        program = publication.program()
    return program.period(period).closes_on


def _gates_not_held(record: RunRecord | None) -> list[str]:
    return [stage for stage, result in record.gates.items() if not result.held] if record else []


def everyone(
    books: Books, publication: Publication, record: RunRecord, order: Sequence[str]
) -> list[Worker]:
    """§7: everyone "whose work is in it": of its inputs, of its rows, of the restatements it posts.

    To settle a period anew makes nobody one of them, so the record of its own run decides. But what
    another run has read and it posts, a correction or a return, is input, too. `order` are the
    program's periods.
    """
    workers = list(record.workers)
    closes_on = publication.program().period(publication.period).closes_on
    history = books.history(publication.period, order)
    workers += [earlier.record().reader for earlier in brought_by(publication, closes_on, history)]
    for restatement in posted_restatements(books, publication):
        workers += [
            worker.model_copy(update={"work": "restated"})
            for worker in restatement.record().workers
        ]
    return list(dict.fromkeys(workers))


def posted_restatements(books: Books, publication: Publication) -> list[Publication]:
    """The restatements whose differences a period's journal posts, by origin."""
    with scratch_database() as connection:
        origins = connection.execute(
            "select distinct origin_period from read_parquet($1) where kind = 'adjustment'"
            " order by origin_period",
            [publication.pattern("journal")],
        ).fetchall()
    return [books.restated[origin] for (origin,) in origins if origin in books.restated]


def _entry(
    program: str,
    books: Books,
    publication: Publication,
    by: str,
    order: Sequence[str],
    previous: str,
    statements: Tree | None,
) -> CloseEntry:
    record, files = publication.record(), publication.file_hashes()
    return CloseEntry(
        schema_number=SCHEMA_NUMBER,
        program=program,
        period=publication.period,
        revision=publication.revision,
        approved_by=by.strip(),
        started_by=record.by,
        run_id=record.run_id,
        closed_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        workers=tuple(everyone(books, publication, record, order)),
        restatements=tuple(
            _posted(restatement) for restatement in posted_restatements(books, publication)
        ),
        landing_sha256=record.landing_sha256,
        program_sha256=record.program_sha256,
        code_sha256=record.code,
        rows=_row_counts(publication),
        totals={
            currency: {name: str(amount) for name, amount in amounts.items()}
            for currency, amounts in record.totals.currencies.items()
        },
        ledger_sha256=files[_path(publication, "payout_ledger")],
        journal_sha256=files[_path(publication, "journal")],
        files=files,
        statements=statements.size if statements else None,
        statements_root=statements.root.hex() if statements else None,
        previous_sha256=previous,
    )


def _posted(restatement: Publication) -> PostedRestatement:
    record = restatement.record()
    return PostedRestatement(
        period=restatement.period,
        run_id=record.run_id,
        landing_sha256=record.landing_sha256,
        program_sha256=record.program_sha256,
        code_sha256=record.code,
    )


def _path(publication: Publication, table: str) -> str:
    return str(publication.table(table).relative_to(publication.folder))


def _row_counts(publication: Publication) -> dict[str, int]:
    """Rows by table; a version of an earlier code may lack tables of today."""
    import pyarrow.parquet as pq

    files: dict[str, Path] = {name: publication.table(name) for name in PUBLISHED_TABLES}
    return {name: pq.read_metadata(path).num_rows for name, path in files.items() if path.exists()}
