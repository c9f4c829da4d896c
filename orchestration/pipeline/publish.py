"""Settlement, its gate and the switch of what is published, under one lock of the program (§7, §9).

A period that is published settles all later open periods anew, "in order, from the inputs of their
own last run", so balances are right whatever the order of runs. The run of a closed period writes a
restatement beside it instead, and its differences are posted by the first open period after it. All
of them pass a gate before any of them is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.suite import GateResult
from orchestration.ingest.discovery import discover
from orchestration.ledger.restatement import Account
from orchestration.pipeline.books import Books, open_books
from orchestration.pipeline.data_quality import data_quality
from orchestration.pipeline.restating import restate_period, restatement_totals
from orchestration.pipeline.settling import period_totals, settle_period
from orchestration.pipeline.versions import carry_over, finish_version, run_record, write_tables
from orchestration.pipeline.work_file import GateFailed, Refused
from orchestration.publishing.store import Publication, Shelf, Store
from orchestration.publishing.tables import (
    COMPUTED_TABLES,
    PUBLISHED_TABLES,
    RESTATED_TABLES,
    SETTLED_TABLES,
)
from orchestration.terms.load import LoadedProgram, ProgramFileError, load_program, parse_program

if TYPE_CHECKING:
    from orchestration.pipeline.period_run import PeriodRun

Gate = Callable[[str, Path], GateResult]
"""(suite, database) -> what became of it."""

Totals = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Published:
    """What a publish did: the period's gate and totals, and the later periods settled anew.

    For a closed period the gate and totals are those of its restatement, and `is_restatement`.
    """

    period: str
    gate: GateResult
    totals: Totals
    settled_anew: Mapping[str, Totals]
    is_restatement: bool = False


@dataclass
class _Publishing:
    """A publish under way: the books as they will be, and the versions that make them so."""

    run: PeriodRun
    store: Store
    order: Sequence[str]
    books: Books
    versions: dict[str, Path] = field(default_factory=dict)
    restated: dict[str, Path] = field(default_factory=dict)

    def new_version(self, period: str, shelf: Shelf = "published") -> Publication:
        """An empty version of a period that counts as published, or restated, from here on."""
        folder = self.store.new_version(period, shelf)
        publication = Publication(period, folder)
        if shelf == "published":
            self.versions[period] = folder
            self.books = replace(
                self.books, published={**self.books.published, period: publication}
            )
        else:
            self.restated[period] = folder
            self.books = replace(self.books, restated={**self.books.restated, period: publication})
        return publication

    def adjustments_of(self, period: str) -> Mapping[Account, Mapping[str, int]]:
        """§7: differences are "of the earliest period that is published or run later and not
        closed"; all others have none."""
        earliest = self.books.open_from(self.order[0], self.order)[0].period
        return self.books.adjustments() if period == earliest else {}


def publish(run: PeriodRun) -> Published:
    """Settles the run's period and all later published ones, gates them, and publishes them together.

    Raises GateFailed if any of them does not hold, and Refused if the inputs are no longer those
    that the gates have seen; what is published is left as it was.
    """
    with run.home.program_lock(run.program, run.progress):
        meta = run.work.require("publish")
        loaded = run.recorded_program()
        demand_same_inputs(run, meta)
        order = [period.key for period in loaded.program.periods]
        books = open_books(run.home, run.program)
        _demand_known_periods(books, order, loaded)
        publishing = _Publishing(run, run.home.store(run.program), order, books)
        is_closed = run.period in books.closed
        if is_closed:
            gate, totals = _write_restatement(publishing, meta, loaded)
        else:
            gate, totals = _write_publication(publishing, meta, loaded)
        later = order[order.index(run.period) + 1 :]
        anew = {
            publication.period: _settle_anew(publishing, publication)
            for publication in (books.open_from(later[0], order) if later else [])
        }
        publishing.store.switch(publishing.versions, publishing.restated)
    return Published(run.period, gate, totals, anew, is_restatement=is_closed)


def demand_same_inputs(run: PeriodRun, meta: Mapping[str, Any]) -> None:
    """Refused if landing files or program file are no longer what ingest read."""
    landing, program_file = Path(meta["landing"]), Path(meta["program_file"])
    changed = []
    try:
        same_files = run.home.landing_digest(discover(landing)) == meta["landing_sha256"]
    except OSError:  # the whole directory is gone, or may not be listed any more
        same_files = False
    if not same_files:
        changed.append(f"files in {landing}")
    try:
        same_program = load_program(program_file).sha256 == meta["program_sha256"]
    except ProgramFileError:
        same_program = False
    if not same_program:
        changed.append(str(program_file))
    if changed:
        raise Refused(
            f"{run.program} {run.period}: {' and '.join(changed)} changed after ingest; "
            "nothing is published. Run the period again"
        )


def _demand_known_periods(books: Books, order: Sequence[str], loaded: LoadedProgram) -> None:
    """Refused if the program file lacks a published period: its balances would be lost."""
    unknown = [key for key in books.published if key not in order]
    if unknown:
        raise Refused(
            f"{loaded.path}: {', '.join(unknown)} published, but not in the program file; "
            "put it back, since its balances are carried on"
        )


def _write_publication(
    publishing: _Publishing, meta: Mapping[str, Any], loaded: LoadedProgram
) -> tuple[GateResult, Totals]:
    """Settles and gates the run's own period in its work file, and writes its version."""
    run = publishing.run
    before = publishing.books.before(run.period, publishing.order)
    version = publishing.new_version(run.period)
    adjustments = publishing.adjustments_of(run.period)
    with run.work.connect() as connection:
        settle_period(connection, loaded.program, run.period, before, adjustments)
    gate = _held(run.check("ledger"))
    with run.work.connect() as connection:
        write_tables(connection, PUBLISHED_TABLES.values(), version.folder)
        totals, data = period_totals(connection), data_quality(connection)
    record = run_record(meta, run.run_id, run.by, run.work.verdicts(), totals, data)
    finish_version(version.folder, loaded.content, record)
    return gate, totals


def _write_restatement(
    publishing: _Publishing, meta: Mapping[str, Any], loaded: LoadedProgram
) -> tuple[GateResult, Totals]:
    """Compares what the run computes with what was posted, gates that, and writes it beside."""
    run = publishing.run
    with run.work.connect() as connection:
        restate_period(connection, loaded.program, run.period, publishing.books)
    gate = _held(run.check("ledger", suite="restatement"))
    version = publishing.new_version(run.period, "restated")
    with run.work.connect() as connection:
        write_tables(connection, RESTATED_TABLES.values(), version.folder)
        totals, data = restatement_totals(connection), data_quality(connection)
    record = run_record(meta, run.run_id, run.by, run.work.verdicts(), totals, data)
    finish_version(version.folder, loaded.content, record)
    return gate, totals


def _settle_anew(publishing: _Publishing, publication: Publication) -> Totals:
    """Settles a later period from the inputs of its own last run into a new version of it."""
    import duckdb

    run, period = publishing.run, publication.period
    run.tell("ledger", f"{period} settled anew")
    content = publication.program_file.read_bytes()
    program = parse_program(content, str(publication.program_file))
    before = publishing.books.before(period, publishing.order)
    version = publishing.new_version(period).folder
    scratch = run.work.folder / f"settling-{period}.duckdb"
    for leftover in (scratch, scratch.with_suffix(".duckdb.wal")):
        leftover.unlink(missing_ok=True)
    try:
        with duckdb.connect(scratch) as connection:
            for name in COMPUTED_TABLES:
                source = publication.pattern(name).replace("'", "''")
                connection.execute(
                    f"create view \"{name}\" as select * from read_parquet('{source}')"
                )
            settle_period(connection, program, period, before, publishing.adjustments_of(period))
        gate = _held(run.judged("ledger", scratch))
        with duckdb.connect(scratch) as connection:
            write_tables(connection, SETTLED_TABLES.values(), version)
            totals = period_totals(connection)
    finally:
        scratch.unlink(missing_ok=True)
    for name in COMPUTED_TABLES:
        carry_over(publication.table(name), version / name)
    record = publication.run
    record["gates"]["ledger"] = gate.to_json()
    finish_version(version, content, {**record, "totals": totals})
    return totals


def _held(gate: GateResult) -> GateResult:
    if not gate.held:
        raise GateFailed("ledger", gate)
    return gate
