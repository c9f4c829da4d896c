"""One run of one period, stage by stage."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from expectations.suite import GateResult
from expectations.suites import SUITES
from orchestration.ingest.opening import files_changed_since
from orchestration.pipeline import earning, engine, models
from orchestration.pipeline.gate_worker import run_gate
from orchestration.pipeline.home import Home
from orchestration.pipeline.publish import Gate, Published, demand_same_inputs, publish
from orchestration.pipeline.stakes import stake_of
from orchestration.pipeline.work_file import (
    STAGES,
    GateFailed,
    Refused,
    WorkFile,
    code_fingerprint,
)
from orchestration.publishing.store import Publication
from orchestration.terms.load import LoadedProgram, load_program, parse_program


def _silent(_: str) -> None:
    """Progress that nobody looks at."""


@dataclass
class PeriodRun:
    """A run of a period: who started it, and where it works.

    Each stage function demands the verdicts of the gates before it, so they may be called in any
    order and from any process; out of order they refuse.
    """

    home: Home
    program: str
    period: str
    run_id: str
    by: str
    gate: Gate = run_gate
    progress: Callable[[str], None] = field(default=_silent)

    @property
    def work(self) -> WorkFile:
        return WorkFile(self.home.work_folder(self.program, self.period))

    def tell(self, stage: str, what: str) -> None:
        """Progress: which of the stages it is at, and what it does there."""
        self.progress(f"{stage} ({STAGES.index(stage) + 1} of {len(STAGES)}): {what}")

    def ingest(self, program_file: Path, landing: Path) -> dict[str, Any]:
        """Reads program file and landing data into a fresh work file (§1, §2); returns its meta."""
        import duckdb

        from orchestration.ingest.discovery import discover
        from orchestration.ingest.landing import ingest_landing
        from orchestration.ingest.quarantine import write_quarantine
        from orchestration.terms.currencies import minor_unit_decimals
        from orchestration.terms.tables import terms_tables

        loaded = load_program(program_file)
        self._demand_own(loaded)
        folder = self.work.folder
        for leftover in (*folder.glob("new-*"), *folder.glob("scratch-*")):
            shutil.rmtree(leftover, ignore_errors=True) if leftover.is_dir() else leftover.unlink()
        fresh, scratch = folder / f"new-{self.run_id}.duckdb", folder / f"scratch-{self.run_id}"
        scratch.mkdir()
        links = Path(tempfile.mkdtemp(prefix="links-", dir=folder))
        try:
            with duckdb.connect(fresh) as connection:
                connection.execute("set TimeZone = 'UTC'")
                engine.apply(connection, self.work.spill)
                self.tell("ingest", "fingerprints of the files")
                # Listed once: what is hashed is what is read, whatever arrives meanwhile.
                inventory = discover(landing)
                digest = self.home.landing_digest(inventory)
                self._write_meta(connection, loaded, landing, digest)
                for name, table in terms_tables(loaded.program, self.period).items():
                    connection.register("terms_table", table)
                    connection.execute(f'create table "{name}" as select * from terms_table')
                    connection.unregister("terms_table")
                ingest_landing(
                    connection,
                    inventory,
                    program=self.program,
                    currency_decimals=minor_unit_decimals(loaded.program.currency),
                    scratch=scratch,
                    links=links,
                    on_progress=partial(self.tell, "ingest"),
                )
                write_quarantine(connection, self.home.quarantine_folder(self.program, self.period))
                # Closing does it too, but says nothing of a full disk: the log would stay behind.
                connection.execute("checkpoint")
            self.work.replace_with(fresh)
            for outdated in folder.glob("links-*"):
                if outdated != links:
                    shutil.rmtree(outdated, ignore_errors=True)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return self.work.meta()

    def _demand_own(self, loaded: LoadedProgram) -> None:
        """Refused unless the file is that of this run's program and has its period.

        A launch from the UI may name any file and any partition.
        """
        program = loaded.program
        if program.program != self.program:
            raise Refused(
                f"{loaded.path} is the file of {program.program}, not of {self.program}; "
                "nothing is read. Give the program's own file"
            )
        known = [period.key for period in program.periods]
        if self.period not in known:
            raise Refused(
                f"{self.program} has no period {self.period!r}; its periods: {', '.join(known)}"
            )

    def build(self, stage: str) -> dict[str, float]:
        """Builds the dbt models of staging, eligibility or scoring (§3 to §5)."""
        self.work.require(stage)
        self._demand_unchanged(stage)
        self.tell(stage, "models")
        seconds = models.build_models(self.work, f"tag:{stage}")
        self._demand_unchanged(stage)
        return seconds

    def _demand_unchanged(self, stage: str) -> None:
        """Files that are read in place must be those that ingest has read: before and after."""
        if stage != "staging":
            return
        with self.work.connect() as connection:
            changed = files_changed_since(connection)
        if changed:
            raise Refused(
                f"{self.program} {self.period}: changed after ingest: {', '.join(changed[:20])};"
                " nothing was published. Run the period again from ingest on"
            )

    def earn(self) -> dict[str, int]:
        """What creators and posts earn in the program currency (§6); rows by table."""
        self.work.require("ledger")
        self.tell("ledger", "earnings")
        return earning.write_earnings(self.work, self.recorded_program(), self.period)

    def check(self, stage: str, suite: str | None = None) -> GateResult:
        """Runs the gate behind a stage and records its verdict; `suite` if not the stage's own.

        Refused where the gate has not held, but speaks of files that are no longer there: they may
        be repaired already, as when a run is re-executed from its failure on.
        """
        self.tell(stage, "gate")
        result = self.judged(suite or stage, self.work.path)
        self.work.record(stage, result)
        if not result.held:
            demand_same_inputs(self, self.work.meta())
        return result

    def judged(self, suite: str, database: Path) -> GateResult:
        """The result of a suite over a database, with what is at stake where it does not hold."""
        result = self.gate(suite, database)
        if result.held:
            return result
        return replace(
            result, stake=stake_of(database, result, SUITES.get(suite, ()), self._last_published())
        )

    def _last_published(self) -> Publication | None:
        """What is published of this period, else of the latest one before it."""
        published = self.home.store(self.program).published()
        order = [period.key for period in self.recorded_program().program.periods]
        until = order[: order.index(self.period) + 1]
        found = [published[key] for key in until if key in published]
        return found[-1] if found else None

    def publish(self) -> Published:
        """Settles, passes the ledger gate and publishes under the program's lock (§7, §9)."""
        self.tell("ledger", "settlement")
        return publish(self)

    def recorded_program(self) -> LoadedProgram:
        """The program as ingest read it: the file may have changed since."""
        with self.work.connect() as connection:
            row = connection.execute("select content from _program").fetchone()
            meta = self.work.meta_in(connection)
        assert row is not None
        content: bytes = row[0]
        path = Path(meta["program_file"])
        return LoadedProgram(
            program=parse_program(content, str(path)),
            path=path,
            content=content,
            sha256=meta["program_sha256"],
        )

    def run(self, program_file: Path, landing: Path) -> Published:
        """All stages with their gates, without Dagster: for proofs and tests."""
        self.ingest(program_file, landing)
        self._demand("ingest")
        for stage in ("staging", "eligibility", "scoring"):
            self.build(stage)
            self._demand(stage)
        self.earn()
        return self.publish()

    def _demand(self, stage: str) -> None:
        result = self.check(stage)
        if not result.held:
            raise GateFailed(stage, result)

    def _write_meta(
        self, connection: Any, loaded: LoadedProgram, landing: Path, digest: str
    ) -> None:
        parts = [self.program, self.period, digest, loaded.sha256, code_fingerprint()]
        meta = {
            "fingerprint": hashlib.sha256(json.dumps(parts).encode()).hexdigest(),
            "program": self.program,
            "period": self.period,
            "program_file": str(loaded.path),
            "program_sha256": loaded.sha256,
            "landing": str(landing.resolve()),
            "landing_sha256": digest,
            "code": code_fingerprint(),
            "ingested_by": self.run_id,
        }
        connection.execute("create table _meta (content varchar)")
        connection.execute("insert into _meta values ($1)", [json.dumps(meta)])
        connection.execute("create table _program (content blob)")
        connection.execute("insert into _program values ($1)", [loaded.content])
        connection.execute(
            "create table _gates (stage varchar, held boolean, fingerprint varchar, result varchar)"
        )
