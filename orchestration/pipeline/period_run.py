"""A run of a period as a value: what it works on, who started it, and by which engine.

Belongs here: the value, and where its files lie. Does not: what a stage does (`ingesting`,
`building`, `gating`, `earning`, `publishing`), nor their order (`flow`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestration.ingest.file_cache import MOST_BYTES
from orchestration.pipeline.engines import DUCKDB, Engine
from orchestration.pipeline.gate_worker import Gate, run_gate
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.pipeline.run_state import STAGES, RunState
from orchestration.pipeline.work_file import WorkFile
from orchestration.terms.load import LoadedProgram


def _silent(_: str) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True)
class PeriodRun:
    """A run of `period` of the program named `program`, started by `by`.

    Each stage demands the verdicts of the gates before it. So stages may be called in any order and
    from any process; out of order they refuse. With `rehash` all landing files are hashed and read, also those
    that look as they did; `cache_bytes` bounds what is kept of them in the home, 0 keeps nothing.
    """

    home: Home
    program: str
    period: str
    run_id: str
    by: str
    gate: Gate = run_gate
    progress: Callable[[str], None] = _silent
    engine: Engine = DUCKDB
    rehash: bool = False
    cache_bytes: int = MOST_BYTES

    @property
    def work(self) -> WorkFile:
        """The work file of the period."""
        return self.engine.work_file(self.home.work_folder(self.program, self.period))

    @property
    def state(self) -> RunState:
        """The record of the period's last run: of this one, once it has begun to read."""
        folder = self.home.last_run_folder(self.program, self.period)
        return RunState(self.home.path, folder, self.work)

    def tell(self, stage: str, what: str) -> None:
        """Progress: which of the stages the run is at, and what it does there."""
        self.progress(f"{stage} ({STAGES.index(stage) + 1} of {len(STAGES)}): {what}")

    def recorded_program(self) -> LoadedProgram:
        """The program as ingest read it: the file may have changed since.

        Refused where what was kept of it is not what was read.
        """
        state = self.state
        inputs = state.inputs()
        loaded = LoadedProgram.of(state.program_file.read_bytes(), inputs.program_file)
        if loaded.sha256 != inputs.program_sha256:
            raise Refused(
                f"{self.program} {self.period}: {state.program_file} is not the program file that this run has"
                f" read: SHA-256 is {loaded.sha256}, expected {inputs.program_sha256}; nothing is"
                " published. Run the period again"
            )
        return loaded
