"""The last stage: settlement, its gate, and the switch of what is published, under one lock (§7, §9).

An open period is published, and later open periods are settled anew. The run of a closed period
writes a restatement beside it instead; its differences are posted by the first open period after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from expectations.suite import GateResult
from orchestration.ledger.money import Account
from orchestration.pipeline.books import demand_periods_stay, demand_untouched, open_books
from orchestration.pipeline.data_quality import data_quality
from orchestration.pipeline.deciding import History
from orchestration.pipeline.draft import Draft, open_periods
from orchestration.pipeline.gating import demand_held, demand_same_inputs
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.recounting import write_recount
from orchestration.pipeline.refusals import GateFailed
from orchestration.pipeline.restating import restate_period, restatement_totals
from orchestration.pipeline.settling import period_totals, settle_period
from orchestration.pipeline.versions import finish_version, run_record, write_tables
from orchestration.publishing.tables import PUBLISHED_TABLES, RESTATED_TABLES
from orchestration.records import LastRun, Totals
from orchestration.terms.load import LoadedProgram


@dataclass(frozen=True, slots=True)
class Published:
    """The outcome of a publish: the period's gate and totals, and the later periods settled anew.

    For a closed period the gate and totals are those of its restatement, and `is_restatement`.
    """

    period: str
    gate: GateResult
    totals: Totals
    settled_anew: Mapping[str, Totals]
    is_restatement: bool = False


def publish(run: PeriodRun) -> Published:
    """Settles the run's period and all later published ones, gates them, and publishes them together.

    Raises GateFailed, with the period whose gate it is, if one of them does not hold. Refused if the
    inputs are no longer those that the gates have seen, if a published file is not as its run has
    left it, or if the program file takes back what is published. What is published is then as it was.
    """
    run.tell("ledger", "settlement")
    with run.home.program_lock(run.program, run.progress):
        last_run = run.state.begin_stage("publish")
        loaded = run.recorded_program()
        assert last_run.inputs is not None
        demand_same_inputs(run, last_run.inputs)
        demand_periods_stay(run.home, loaded, run.period)
        order = [period.key for period in loaded.program.periods]
        books = open_books(run.home, run.program)
        is_closed = run.period in books.closed
        demand_untouched(
            books,
            run.program,
            whole=[*open_periods(books, order, run.period), *([run.period] if is_closed else [])],
            replaced=None if is_closed else run.period,
        )
        draft = Draft(
            program=run.program,
            store=run.home.store(run.program),
            order=order,
            books=books,
            gate=run.gate,
            scratch=run.work.folder,
            tell=partial(run.tell, "ledger"),
        )
        write = _write_restatement if is_closed else _write_publication
        gate, totals = write(run, draft, last_run, loaded)
        try:
            anew = draft.settle_later(run.period)
        except GateFailed as failure:
            run.state.record_block(failure)
            raise
        draft.switch()
    run.state.finish()
    return Published(run.period, gate, totals, anew, is_restatement=is_closed)


def _write_publication(
    run: PeriodRun, draft: Draft, last_run: LastRun, loaded: LoadedProgram
) -> tuple[GateResult, Totals]:
    """Settles and gates the run's own period in its work file, and writes its version."""
    version = draft.new_version(run.period).folder
    adjustments = draft.adjustments_of(run.period)
    return write_version(run, last_run, loaded, version, draft.history(run.period), adjustments)


def write_version(
    run: PeriodRun,
    last_run: LastRun,
    loaded: LoadedProgram,
    version: Path,
    history: History,
    adjustments: Mapping[Account, Mapping[str, int]],
) -> tuple[GateResult, Totals]:
    """Settles a period from its work file upon a history, gates it, and writes it into an empty folder.

    `adjustments` are the differences of restatements that it posts. GateFailed if the gate has not held.
    """
    with run.work.connect() as connection:
        settle_period(connection, loaded.program, run.period, history, adjustments)
        write_recount(connection, loaded.program, run.period)
    gate = demand_held(run, "ledger")
    with run.work.connect() as connection:
        write_tables(connection, PUBLISHED_TABLES.values(), version)
        totals, data = period_totals(connection), data_quality(connection)
    gates = run.state.verdicts()
    record = run_record(run, last_run, loaded.program.currency, gates, totals, data)
    finish_version(version, loaded.content, record)
    return gate, totals


def _write_restatement(
    run: PeriodRun, draft: Draft, last_run: LastRun, loaded: LoadedProgram
) -> tuple[GateResult, Totals]:
    """Compares what the run computes with what was posted, gates that, and writes it beside."""
    with run.work.connect() as connection:
        restate_period(connection, loaded.program, run.period, draft.books)
        write_recount(connection, loaded.program, run.period)
    gate = demand_held(run, "ledger", suite="restatement")
    version = draft.new_version(run.period, "restated")
    with run.work.connect() as connection:
        write_tables(connection, RESTATED_TABLES.values(), version.folder)
        totals, data = restatement_totals(connection), data_quality(connection)
    gates = run.state.verdicts()
    record = run_record(run, last_run, loaded.program.currency, gates, totals, data)
    finish_version(version.folder, loaded.content, record)
    return gate, totals
