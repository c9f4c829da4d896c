"""A period's run from the command line: the job of the UI, in this process, in the same instance."""

from __future__ import annotations

import getpass
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.command_line.unexpected import unexpected
from orchestration.dagster_glue.alerts import alert_of
from orchestration.dagster_glue.dead_runs import fail_dead_run
from orchestration.dagster_glue.definitions import defs
from orchestration.dagster_glue.failures import EXIT_STATUS
from orchestration.dagster_glue.instance import open_instance
from orchestration.dagster_glue.jobs import CLOSE_OP, PERIOD_JOB
from orchestration.dagster_glue.partitions import add_periods, partition_key
from orchestration.dagster_glue.resources import BY_TAG, CLOSE_JOB, PROGRESS
from orchestration.ledger.closing import CloseEntry
from orchestration.pipeline.close_log import CloseLog
from orchestration.pipeline.closing import demand_closable
from orchestration.pipeline.home import Busy, Home
from orchestration.pipeline.work_file import Refused, WorkFile, describe
from orchestration.terms.load import LoadedProgram

UNEXPECTED, GATE_BLOCKED, STATE_REFUSED = 1, 3, 4

# The command says itself what happened; the UI shows the run's log.
QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


UNWRITTEN = "Exception while writing logger call to event log"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one period's run; `error` is None where it was published."""

    program: str
    period: str
    run_id: str | None
    exit_status: int
    error: str | None = None
    totals: Mapping[str, Any] = field(default_factory=dict)
    gates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    restatement: Mapping[str, Any] | None = None  # of a closed period: what its run came to

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def register(home: Home, loaded: LoadedProgram, landing: Path | None) -> dg.DagsterInstance:
    """Makes a program and its periods known to the home and to Dagster; returns the instance.

    What is known already stays: also of a home whose `dagster/` was lost, or of a partition that
    someone deleted in the UI, everything is there afterwards.
    """
    program = loaded.program
    home.register(program.program, loaded.path, landing)
    instance = open_instance(home)
    add_periods(instance, home, program)
    return instance


def run_period(
    home: Home,
    loaded: LoadedProgram,
    period: str,
    landing: Path,
    by: str | None,
    progress: Callable[[str], None],
) -> Outcome:
    """Runs one period through all stages; never raises for what a gate or the state refuses."""
    program = loaded.program.program
    run_id = str(uuid.uuid4())
    instance = register(home, loaded, landing)
    fail_dead_run(instance, home, program, period)
    told = PROGRESS.set(progress)
    try:
        # Taken before the run is made, so that a refusal leaves no failed run behind.
        with home.period_lock(program, period, run_id), _without_dagsters_words():
            result = defs.resolve_job_def(PERIOD_JOB).execute_in_process(
                partition_key=partition_key(program, period),
                instance=instance,
                run_id=run_id,
                raise_on_error=False,
                tags={BY_TAG: by or getpass.getuser(), "program": program, "period": period},
                run_config={
                    "ops": {
                        "ingest": {
                            "config": {
                                "program_file": str(loaded.path.resolve()),
                                "landing": str(landing.resolve()),
                            }
                        }
                    },
                    "loggers": QUIET,
                },
            )
    except Busy as error:
        return Outcome(program, period, None, STATE_REFUSED, str(error))
    finally:
        PROGRESS.reset(told)
    work = WorkFile(home.work_folder(program, period))
    gates = _gates(work)
    if result.success:
        store = home.store(program)
        totals = store.published()[period].run["totals"]
        restated = store.restated().get(period)
        record = restated.run if restated else {}
        restatement = record["totals"] if record.get("run_id") == run_id else None
        return Outcome(
            program, period, run_id, 0, totals=totals, gates=gates, restatement=restatement
        )
    status, error_text = _failure(result, work)
    error_text = "\n".join([error_text, *alert_of(instance, run_id)])
    return Outcome(program, period, run_id, status, error_text, gates=gates)


def close(
    home: Home, loaded: LoadedProgram, period: str, by: str, landing: Path | None = None
) -> tuple[CloseEntry, str | None]:
    """Closes a period by the job of the UI; Refused or Busy, with no run made, if it may not be.

    A close reads no landing directory; one that is named is registered, as by a run. Gives the line
    of the close log, and what failed after it was written, if anything did: the period is closed then.
    """
    program, run_id = loaded.program.program, str(uuid.uuid4())
    instance = register(home, loaded, landing)
    fail_dead_run(instance, home, program, period)
    with home.period_lock(program, period, run_id):
        demand_closable(home, loaded.program, period, by)
        try:
            _run_close(instance, loaded, period, by, run_id)
            failure = None
        except Exception as error:
            failure = error
        entry = _line_of(home, program, period)
    if entry is None:
        raise failure or Refused("the close failed; see its run: bonus ui")
    # Without the advice to run again: the period is closed.
    said = unexpected(type(failure).__name__, str(failure)).partition(" - ")[0]
    return entry, said if failure else None


def _run_close(
    instance: dg.DagsterInstance, loaded: LoadedProgram, period: str, by: str, run_id: str
) -> None:
    """Runs the job; Refused with what its step says, where that fails."""
    program = loaded.program.program
    with _without_dagsters_words():
        result = defs.resolve_job_def(CLOSE_JOB).execute_in_process(
            partition_key=partition_key(program, period),
            instance=instance,
            run_id=run_id,
            raise_on_error=False,
            tags={BY_TAG: by, "program": program, "period": period},
            run_config={
                "ops": {
                    CLOSE_OP: {
                        "config": {"approver": by, "program_file": str(loaded.path.resolve())}
                    }
                },
                "loggers": QUIET,
            },
        )
    if not result.success:
        failure = next(event for event in result.all_events if event.is_step_failure)
        data = failure.step_failure_data.user_failure_data
        raise Refused((data and data.description) or "the close failed; see its run: bonus ui")


def _line_of(home: Home, program: str, period: str) -> CloseEntry | None:
    """The period's line in the close log, if it has one."""
    entries = CloseLog(home.path, program).entries()
    return next((entry for entry in entries if entry.period == period), None)


@contextmanager
def _without_dagsters_words() -> Iterator[None]:
    """Keeps from the terminal what Dagster says of an event that it cannot write: SQL and its values.

    The error is raised as well, and said in one line.
    """
    stream = sys.stderr
    write = stream.write
    stream.write = lambda text: (  # type: ignore[method-assign]
        len(text) if text.startswith(UNWRITTEN) else write(text)
    )
    try:
        yield
    finally:
        stream.write = write  # type: ignore[method-assign]


def _gates(work: WorkFile) -> dict[str, dict[str, Any]]:
    try:
        verdicts = work.verdicts() if work.path.exists() and work.meta() else {}
    except Refused:
        return {}
    return {
        stage: {
            "held": result.held,
            "expectations": len(result.results),
            "warnings": [f"{row.name}: {row.means}" for row in result.warnings],
        }
        for stage, result in verdicts.items()
    }


def _failure(result: dg.ExecuteInProcessResult, work: WorkFile) -> tuple[int, str]:
    """The exit status and message of the first step that failed of itself.

    A blocked gate is told from its recorded verdict: the step's failure holds no rows.
    """
    for event in result.all_events:
        if not event.is_step_failure:
            continue
        data = event.step_failure_data
        status, said = STATE_REFUSED, None
        if data.user_failure_data and data.user_failure_data.description:
            said = data.user_failure_data.description
            recorded = data.user_failure_data.metadata.get(EXIT_STATUS)
            if recorded is not None:
                status = int(recorded.value)  # type: ignore[arg-type]
        if said is None or status == GATE_BLOCKED:
            verdicts = work.verdicts() if work.path.exists() else {}
            for stage, verdict in verdicts.items():
                if not verdict.held:
                    return GATE_BLOCKED, describe(stage, verdict)
        if said is not None:
            return status, said
        error = data.error
        while error is not None and error.cause is not None:
            error = error.cause
        text = error.message if error else "the step failed"
        return UNEXPECTED, unexpected(event.step_key, text)
    return UNEXPECTED, "the run failed before its first step; see it in the UI: bonus ui"
