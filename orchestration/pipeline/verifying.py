"""`bonus verify`: all that is published and closed, looked at again (§7, §10). Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time

from orchestration.foundations.cursors import scratch_database
from orchestration.ledger.audit import Balance, Entry, PeriodBooks, book_faults
from orchestration.ledger.closing import chain_faults, line_sha256
from orchestration.pipeline.close_log import CloseLog, readable
from orchestration.pipeline.deciding import order_as_read, rows_used
from orchestration.pipeline.home import Home
from orchestration.pipeline.proving import root_fault
from orchestration.pipeline.recounting import explanation_faults
from orchestration.pipeline.rows import field_names
from orchestration.publishing.integrity import file_faults
from orchestration.publishing.store import Publication, file_hashes
from orchestration.publishing.tables import SETTLED_TABLES
from orchestration.records import CloseEntry
from orchestration.terms.load import ProgramFileError
from orchestration.terms.model import Program


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of a verification: the counts of what was compared, and every difference."""

    periods: list[str]
    closed: list[str]
    files: int
    journal_entries: int
    differences: list[str]


def verify(home: Home, program: Program) -> Verification:
    """Re-checks hashes, the close log's chain, the journal, balances over periods, and that what each
    period says follows from the tables that explain it.

    Waits for a publish that is under way; never changes or completes anything.
    """
    with home.program_lock(program.program):
        order = [period.key for period in program.periods]
        published = home.store(program.program).published()
        log = CloseLog(home.path, program.program)
        lines = log.lines()
        closed = {key: entry for key, (entry, _) in readable(lines).items()}
        keys = [key for key in order if key in published]
        differences = [
            *chain_faults(program.program, lines),
            *_order_faults(closed, order),
            *_seal_faults(published, lines, closed),
        ]
        for key in published:
            if key not in order:
                differences.append(f"{key} is published, but not in the program file")
        files, whole = 0, []
        for key in keys:
            hashes = file_hashes(published[key].folder)
            files += len(hashes)
            entry = closed.get(key)
            differences += file_faults(
                key, published[key], closed_with=entry.files if entry else None, found=hashes
            )
            books = _books(published[key], keys[: keys.index(key)], order)
            if isinstance(books, str):
                differences.append(books)
            else:
                whole.append(books)
                differences += _explanation_faults(published[key])
                if entry is not None:
                    differences += _statement_faults(home, published[key], entry)
        if len(whole) == len(keys):  # balances over periods say nothing where one is missing
            differences += book_faults(whole, closed)
        for key, restatement in home.store(program.program).restated().items():
            hashes = file_hashes(restatement.folder)
            files += len(hashes)
            differences += file_faults(f"restatement of {key}", restatement, found=hashes)
    return Verification(
        keys, list(closed), files, sum(len(books.journal) for books in whole), differences
    )


def _order_faults(closed: dict[str, CloseEntry], order: list[str]) -> Iterator[str]:
    """§7: "earlier periods must be closed first"."""
    if list(closed) != order[: len(closed)]:
        yield (
            f"close log closes {', '.join(closed) or 'nothing'}; "
            f"expected {', '.join(order[: len(closed)])}, the program's first periods"
        )


def _seal_faults(
    published: dict[str, Publication], lines: list[bytes], closed: dict[str, CloseEntry]
) -> Iterator[str]:
    """A closed period keeps its line of the log, so that a line taken out is missed."""
    for key, publication in published.items():
        seal = publication.seal
        if seal is not None and seal not in lines:
            what = "another line" if key in closed else "no line"
            yield f"{key} was closed, but the close log has {what} of it: a line was taken out or changed"
    for key in closed:
        if key not in published:
            yield f"close log closes {key}, which is not published"


def _explanation_faults(publication: Publication) -> Iterator[str]:
    """Of what earlier code published without the tables that explain nothing can be said."""
    import duckdb

    if not publication.explains:
        return
    try:
        yield from explanation_faults(publication, publication.program())
    except (duckdb.Error, OSError, ProgramFileError, LookupError) as error:
        said = (str(error) or type(error).__name__).splitlines()[0]
        yield f"{publication.period}: what its tables say cannot be recounted: {said}"


def _statement_faults(home: Home, publication: Publication, entry: CloseEntry) -> Iterator[str]:
    """A period that was closed without a root, by earlier code, has nothing to compare."""
    import duckdb

    try:
        if (fault := root_fault(home, publication, entry)) is not None:
            yield fault
    except (duckdb.Error, OSError) as error:
        said = (str(error) or type(error).__name__).splitlines()[0]
        yield f"{publication.period}: the root of its statements cannot be computed: {said}"


def line_of(home: Home, program: str, sha256: str) -> int | None:
    """The number of the line of the close log that has this hash; None if there is none.

    Whoever wrote down the hash of a line can so tell that the log has only grown since: each line has
    the hash of the one before it.
    """
    hashes = [line_sha256(line) for line in CloseLog(home.path, program).lines()]
    return hashes.index(sha256) + 1 if sha256 in hashes else None


def _books(
    publication: Publication, before: Sequence[str], order: Sequence[str]
) -> PeriodBooks | str:
    """The postings of a period, and the rows that its run has read; a text where they cannot be read.

    `before` are the periods published before it, `order` those of the program at hand.
    """
    import duckdb

    try:
        program = publication.program()
        period = program.period(publication.period)
        as_read = order_as_read(program, publication.period, before, order)
        with scratch_database() as connection:
            rows: dict[str, list[tuple[object, ...]]] = {}
            for table, kind in (("payout_ledger", Balance), ("journal", Entry)):
                columns = ", ".join(field_names(kind))
                rows[table] = connection.execute(
                    f"select {columns} from {publication.relation(SETTLED_TABLES[table])}"
                ).fetchall()
            decisions = rows_used(connection, [publication])
    except (duckdb.Error, OSError) as error:
        return f"{publication.period}: tables cannot be read: {str(error).splitlines()[0]}"
    except (ProgramFileError, LookupError) as error:
        return f"{publication.period}: program file cannot be read: {str(error).splitlines()[0]}"
    return PeriodBooks(
        publication.period,
        datetime.combine(period.closes_on, time()),
        as_read,
        [Balance(*row) for row in rows["payout_ledger"]],  # type: ignore[arg-type]
        [Entry(*row) for row in rows["journal"]],  # type: ignore[arg-type]
        decisions.adjustments,
        decisions.returns,
    )
