"""The record of a period's last run, in files that anyone may read at any time.

    <home>/last_runs/program=P/period=K/record.json   a `LastRun`: inputs, verdicts, what ended it
    <home>/last_runs/program=P/period=K/program.yaml  the program file as that run read it

The record is written when a run begins to read input, so what came of the newest reading is known
also if its process died or the work file is gone (§7 "every gate must have held"). A stage demands
the verdicts of all gates before it for exactly the data that lies in the work file. Only the run
that holds the period writes here, each time by one rename.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from expectations.suite import GateResult
from orchestration.foundations.durable import make_folder
from orchestration.foundations.files import replace_file
from orchestration.pipeline.code_fingerprint import code_fingerprint
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import GateFailed, Refused
from orchestration.pipeline.work_file import WorkFile
from orchestration.publishing.store import Store
from orchestration.records import SCHEMA_NUMBER, Blocked, Inputs, LastRun, Unreadable

STAGES: Final = ("ingest", "staging", "eligibility", "scoring", "ledger")
"""The stages with a gate behind them, in the order of the flow."""


def last_run(home: Home, program: str, period: str) -> LastRun | None:
    """The record of a period's last run; None if the period was never read. Makes nothing.

    Refused if the file that should say it cannot be read.
    """
    work = WorkFile(home.path / "work" / program / period)
    return RunState(home.path, home.last_run_folder(program, period), work).read()


class RunState:
    """The last run of one period: `work` is its work file, `folder` where its record lies."""

    def __init__(self, home: Path, folder: Path, work: WorkFile) -> None:
        self._home = home
        self.folder = folder
        self.path = folder / "record.json"
        self.program_file = folder / "program.yaml"
        self.work = work

    def read(self) -> LastRun | None:
        """The record; None if the period was never read. Refused if the file holds none."""
        try:
            return LastRun.read(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except Unreadable as error:
            raise Refused(
                f"{self.work.who}: {self.path} cannot be read ({error}); run the period again"
            ) from None

    def begin_reading(
        self, program: str, period: str, run_id: str, by: str, program_content: bytes
    ) -> str:
        """Writes down that a run reads input now, by which program file; gives the attempt, a name of its own.

        The verdicts of the run before are void from here on.
        """
        make_folder(self.folder, self._home)
        record = LastRun(
            schema_number=SCHEMA_NUMBER,
            program=program,
            period=period,
            attempt=uuid.uuid4().hex,
            run_id=run_id,
            by=by,
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            generation=Store(self._home, program).generation(),
        )
        self._write(record)
        replace_file(self.program_file, program_content, is_durable=True)
        return record.attempt

    def finish_reading(self, inputs: Inputs, before: LastRun | None = None) -> None:
        """Writes down what was read: from here on stages may work on it.

        With the run `before` its tables and its gates' verdicts stay: nothing was new (`has_tables_of`).
        """
        record = self._begun()
        kept: dict[str, Any] = {}
        if before is not None:
            self.work.take_on(record.attempt)
            kept = {
                "gates": {stage: before.gates[stage] for stage in STAGES[:-1]},
                "models": before.models,
                "taken_from": before.taken_from or before.run_id,
            }
        self._write(record.model_copy(update={"inputs": inputs, **kept}))

    def finish(self) -> None:
        """Writes down how the run leaves the work file, now that it has come to its end."""
        ended = {"work_sha256": self.work.sha256(), "is_shown": True}
        self._write(self._begun().model_copy(update=ended))

    def has_tables_of(self, before: LastRun, inputs: Inputs) -> bool:
        """True if the work file is, to the byte, as the run `before` left it, which read the same input."""
        return (
            before.inputs == inputs
            and before.work_sha256 is not None
            and before.work_sha256 == self.work.sha256()
            and all(before.gates[stage].held for stage in STAGES[:-1])
        )

    def inputs(self) -> Inputs:
        """The input that the work file was made from; Refused if there is none, or an older code made it."""
        return _inputs(self.work, self._begun())

    def begin_stage(self, stage: str) -> LastRun:
        """Checks that all gates before `stage` held for this data, then DELETES later verdicts.

        `stage` may be "publish", which is behind the ledger's earnings. Verdicts of the stage and
        of all after it go, since what they spoke of is about to be replaced. Refused if a gate has
        failed or has not run, or if the work file was changed since its gates looked at it.
        """
        record = self._begun()
        _inputs(self.work, record)
        self._demand_as_left(stage, record)
        is_taken = record.taken_from is not None or stage not in STAGES
        before = STAGES[:-1] if is_taken else STAGES[: STAGES.index(stage)]
        for earlier in before:
            verdict = record.gates.get(earlier)
            if verdict is None or not verdict.held:
                state = "has not run" if verdict is None else "has failed"
                raise Refused(
                    f"{self.work.who}: the {earlier} gate {state} for the data in the work file; "
                    f"{stage} refused. Run the period from ingest on"
                )
        kept = {name: record.gates[name] for name in before}
        begun = {"gates": kept, "blocked": None, "work_sha256": None, "is_shown": False}
        record = record.model_copy(update=begun)
        self._write(record)
        return record

    def _demand_as_left(self, stage: str, record: LastRun) -> None:
        if self.work.attempt != record.attempt:
            raise Refused(
                f"{self.work.who}: the work file is not that of the run in {self.path}; {stage} "
                "refused. Run the period from ingest on"
            )
        if not self.work.is_as_left():
            raise Refused(
                f"{self.work.who}: {self.work.path} is not as the stage before left it (it was "
                f"edited, or a stage died while it wrote); {stage} refused. Run the period "
                "from ingest on"
            )

    def record_models(self, stage: str, models: Iterable[str]) -> None:
        """Writes down which models a stage consists of, in the order in which they were built."""
        record = self._begun()
        self._write(record.model_copy(update={"models": {**record.models, stage: tuple(models)}}))

    def record(self, stage: str, result: GateResult) -> None:
        """Writes down a gate's verdict for the data in the work file."""
        record = self._begun()
        blocked = None if result.held else Blocked(period=record.period, stage=stage)
        self._write(
            record.model_copy(update={"gates": {**record.gates, stage: result}, "blocked": blocked})
        )

    def record_block(self, failure: GateFailed) -> None:
        """Writes down that the gate of a later period, which is settled anew, ended this run."""
        blocked = Blocked(period=failure.period, stage=failure.stage)
        self._write(self._begun().model_copy(update={"blocked": blocked}))

    def verdicts(self) -> dict[str, GateResult]:
        """The recorded results by stage, in the order of the flow; none before the first reading."""
        record = self.read()
        if record is None:
            return {}
        return {stage: record.gates[stage] for stage in STAGES if stage in record.gates}

    def _begun(self) -> LastRun:
        record = self.read()
        if record is None:
            raise Refused(f"{self.work.who}: nothing is ingested yet; run ingest first")
        return record

    def _write(self, record: LastRun) -> None:
        replace_file(self.path, record.content(), is_durable=True)


def _inputs(work: WorkFile, record: LastRun) -> Inputs:
    if record.inputs is None:
        raise Refused(
            f"{work.who}: the run that read its input last has not come to the end of it; "
            "run ingest again"
        )
    if record.inputs.code != code_fingerprint():
        raise Refused(
            f"{work.who}: the work file was made by another version of the code; run ingest again"
        )
    return record.inputs
