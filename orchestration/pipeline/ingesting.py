"""The first stage: program file and landing data into a fresh work file (§1, §2)."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime, time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.ingest.discovery import Inventory
from orchestration.ingest.file_cache import LONGEST_RUN_SECONDS, FileCache, sweep
from orchestration.ingest.fingerprint import (
    FileFingerprint,
    Hashed,
    dataset_digests,
    landing_digest,
)
from orchestration.ingest.landing_place import Landing
from orchestration.ingest.opening import files_changed_since
from orchestration.pipeline.books import demand_periods_stay
from orchestration.pipeline.code_fingerprint import code_fingerprint
from orchestration.pipeline.engines import remove_leftovers
from orchestration.pipeline.home import LOOKS_THE_SAME
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.refusals import Refused
from orchestration.records import Inputs, LastRun
from orchestration.terms.load import LoadedProgram, load_program
from orchestration.terms.model import Program

if TYPE_CHECKING:
    import duckdb

    from orchestration.ingest.landing import Kept

Reader = Callable[
    ["duckdb.DuckDBPyConnection", PeriodRun, LoadedProgram, Inventory, Hashed, Path, Path], None
]
"""Fills the raw tables: (connection, run, program, files, their hashes, scratch folder, folder of links)."""


def ingest(
    run: PeriodRun, program_file: Path, landing: Landing, reader: Reader | None = None
) -> Inputs:
    """Reads program file and landing data into the run's work file; gives what was read.

    Refused, before anything is read, for a file of another program, for one without the period, and
    for one that breaks "Periods stay" (§7). A run that ends in here leaves a record without inputs.
    Where nothing is new since the run before of the same person, its tables and the verdicts on them stay.
    """
    from orchestration.ingest.quarantine import write_quarantine

    loaded = load_program(program_file)
    _demand_own(run, loaded)
    demand_periods_stay(run.home, loaded, run.period)
    before = _last_run(run)
    attempt = run.state.begin_reading(run.program, run.period, run.run_id, run.by, loaded.content)
    run.tell("ingest", "fingerprints of the files")
    # Listed once: what is hashed is what is read, whatever arrives meanwhile.
    tell = partial(run.tell, "ingest")
    inventory, hashed = run.home.take(landing, tell, by=run.by, anew=run.rehash)
    for name in hashed.differing:
        run.tell("ingest", f"{name} has other bytes than when it was hashed, {LOOKS_THE_SAME}")
    inputs = _inputs(run, loaded, landing, hashed.files)
    if before is not None and _is_nothing_new(run, before, inputs):
        run.tell("ingest", f"nothing is new since the run of {before.by} at {before.started_at}")
        run.state.finish_reading(inputs, before)
        return inputs
    work, folder = run.work, run.work.folder
    remove_leftovers(folder, "scratch-*")
    scratch = folder / f"scratch-{run.run_id}"
    scratch.mkdir()
    links = Path(tempfile.mkdtemp(prefix="links-", dir=folder))
    try:
        with run.engine.fresh_work(work, attempt) as connection:
            put_terms(connection, loaded.program, run.period)
            (reader or read_landing)(connection, run, loaded, inventory, hashed, scratch, links)
            write_quarantine(connection, run.home.quarantine_folder(run.program, run.period))
        remove_leftovers(folder, "links-*", keep=links)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    run.state.finish_reading(inputs)
    return inputs


def read_landing(
    connection: duckdb.DuckDBPyConnection,
    run: PeriodRun,
    loaded: LoadedProgram,
    inventory: Inventory,
    hashed: Hashed,
    scratch: Path,
    links: Path,
) -> None:
    """Reads the landing files of a run into the raw tables (§2), or takes what earlier runs have kept of them."""
    from orchestration.ingest.landing import Kept

    tell = partial(run.tell, "ingest")
    cache = FileCache(
        run.home.kept_files, code_fingerprint(), scratch, tell, run.cache_bytes, anew=run.rehash
    )
    ends = connection.execute("select min(starts_at), max(ends_at) from calendars").fetchone()
    kept = Kept(cache, hashed.contents, ends) if ends and run.cache_bytes else None
    read_files(connection, loaded, run.period, inventory, scratch, links, tell, kept)
    cache.sweep()
    sweep(run.home.objects, run.cache_bytes, spared_seconds=LONGEST_RUN_SECONDS)


def put_terms(connection: duckdb.DuckDBPyConnection, program: Program, period: str) -> None:
    """Makes a table of each part of the program that SQL joins, as they are for the period."""
    from orchestration.terms.tables import terms_tables

    for name, table in terms_tables(program, period).items():
        connection.register("terms_table", table)
        connection.execute(f'create table "{name}" as select * from terms_table')
        connection.unregister("terms_table")


def read_files(
    connection: duckdb.DuckDBPyConnection,
    loaded: LoadedProgram,
    period: str,
    inventory: Inventory,
    scratch: Path,
    links: Path,
    on_progress: Callable[[str], None] | None = None,
    kept: Kept | None = None,
) -> None:
    """Reads landing files into raw tables, for a run of the period or for a look at them (§2)."""
    from orchestration.ingest.landing import ingest_landing
    from orchestration.terms.currencies import minor_unit_decimals

    program = loaded.program
    ingest_landing(
        connection,
        inventory,
        program=program.program,
        currency_decimals=minor_unit_decimals(program.currency),
        closes_at=datetime.combine(program.period(period).closes_on, time()),
        scratch=scratch,
        links=links,
        on_progress=on_progress,
        kept=kept,
    )


def _last_run(run: PeriodRun) -> LastRun | None:
    """The record of the run before; None if there is none that can be read."""
    try:
        return run.state.read()
    except Refused:
        return None


def _is_nothing_new(run: PeriodRun, before: LastRun, inputs: Inputs) -> bool:
    """True if the tables of the run before are what this one would make: same input, same tables.

    Not of somebody else's run: who is named as having read the input (§7 "Close") answers for what was
    counted, and that hash and file agree was seen by the run that made the tables alone. Nor with
    `rehash`. Files that are read in place must lie where they lay, unchanged. The quarantine folder is written
    again, since somebody may have deleted it.
    """
    from orchestration.ingest.quarantine import write_quarantine

    if run.rehash or before.by != run.by or not run.state.has_tables_of(before, inputs):
        return False
    with run.work.connect() as connection:
        if files_changed_since(connection):
            return False
        write_quarantine(connection, run.home.quarantine_folder(run.program, run.period))
    return True


def _demand_own(run: PeriodRun, loaded: LoadedProgram) -> None:
    """Refused unless the file is that of the run's program and has its period.

    A launch from the UI may name any file and any partition.
    """
    program = loaded.program
    if program.program != run.program:
        raise Refused(
            f"{loaded.path} is the file of {program.program}, not of {run.program}; "
            "nothing is read. Give the program's own file"
        )
    known = [period.key for period in program.periods]
    if run.period not in known:
        raise Refused(
            f"{run.program} has no period {run.period!r}; its periods: {', '.join(known)}"
        )


def _inputs(
    run: PeriodRun, loaded: LoadedProgram, landing: Landing, files: Sequence[FileFingerprint]
) -> Inputs:
    digest = landing_digest(files)
    parts = [run.program, run.period, digest, loaded.sha256, code_fingerprint()]
    return Inputs(
        fingerprint=hashlib.sha256(json.dumps(parts).encode()).hexdigest(),
        program_file=str(loaded.path),
        program_sha256=loaded.sha256,
        landing=str(landing.resolve()),
        landing_sha256=digest,
        landing_datasets=dataset_digests(files),
        code=code_fingerprint(),
        engine=run.engine.name,
    )
