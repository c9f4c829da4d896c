"""A period's run from the command line: the job of the UI, in this process, in the same instance."""

from __future__ import annotations

import signal
import socket
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import dagster as dg

from orchestration.dagster_glue.alerts import alert_of
from orchestration.dagster_glue.dead_runs import fail_dead_run
from orchestration.dagster_glue.definitions import build_definitions
from orchestration.dagster_glue.failures import EXIT_STATUS
from orchestration.dagster_glue.instance import open_instance
from orchestration.dagster_glue.jobs import CLOSE_OP, PERIOD_JOB, WITHDRAW_OP
from orchestration.dagster_glue.origin import write_as_launched
from orchestration.dagster_glue.partitions import PERIODS, add_periods, partition_key
from orchestration.dagster_glue.resources import (
    BY_TAG,
    CLOSE_JOB,
    WITHDRAW_JOB,
    HomeResource,
    Watcher,
    system_user,
)
from orchestration.foundations.unexpected import unexpected
from orchestration.ingest.landing_place import Landing
from orchestration.pipeline.books import demand_periods_stay
from orchestration.pipeline.close_log import CloseLog
from orchestration.pipeline.closing import demand_closable
from orchestration.pipeline.engines import DUCKDB
from orchestration.pipeline.home import Busy, Home
from orchestration.pipeline.refusals import Refused, describe
from orchestration.pipeline.run_state import last_run
from orchestration.pipeline.withdrawing import demand_withdrawable
from orchestration.records import CloseEntry, LastRun
from orchestration.reports.remarks import remarks_on
from orchestration.terms.load import LoadedProgram

UNEXPECTED, GATE_BLOCKED, STATE_REFUSED = 1, 3, 4

# The command says itself what happened; the UI shows the run's log.
QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


UNWRITTEN = "Exception while writing logger call to event log"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one period's run; `error` is None where it was published."""

    program: str
    period: str
    run_id: str | None
    exit_status: int
    error: str | None = None
    totals: Mapping[str, Any] = field(default_factory=dict)
    gates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    restatement: Mapping[str, Any] | None = None  # of a closed period: what its run came to
    remarks: Sequence[str] = ()  # what has to be known of the totals at once

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def register(
    home: Home, loaded: LoadedProgram, landing: Landing | None, *, known_stays: bool = False
) -> dg.DagsterInstance:
    """Makes a program and its periods known to the home and to Dagster; returns the instance.

    Periods that are known already stay: also of a home whose `dagster/` was lost, or of a partition
    that someone deleted in the UI, everything is there afterwards. Where the files are is written
    down anew, or with `known_stays` only where that is not known.
    """
    program = loaded.program
    home.register(program.program, loaded.path, landing, known_stays=known_stays)
    instance = open_instance(home)
    write_as_launched(instance)
    add_periods(instance, home, program)
    return instance


def run_period(
    home: Home,
    loaded: LoadedProgram,
    period: str,
    landing: Landing,
    by: str | None,
    progress: Callable[[str], None],
    *,
    rehash: bool = False,
    engine: str = DUCKDB.name,
) -> Outcome:
    """Runs one period through all stages; never raises for what a gate or the state refuses.

    With `rehash` all landing files are hashed and read, also those that look as they did.
    """
    program = loaded.program.program
    run_id = str(uuid.uuid4())
    try:
        demand_periods_stay(home, loaded, period)
    except Refused as error:
        return Outcome(program, period, None, STATE_REFUSED, str(error))
    instance = register(home, loaded, landing)
    fail_dead_run(instance, home, program, period)
    try:
        # Taken before the run is made, so that a refusal leaves no failed run behind.
        with home.period_lock(program, period, run_id), _without_dagsters_words():
            result = _executed(
                _job(home, PERIOD_JOB, progress, engine),
                partition_key=partition_key(program, period),
                instance=instance,
                run_id=run_id,
                tags={BY_TAG: by or system_user(), "program": program, "period": period},
                run_config={
                    "ops": {
                        "ingest": {
                            "config": {
                                "program_file": str(loaded.path.resolve()),
                                "landing": str(landing.resolve()),
                                "rehash": rehash,
                            }
                        }
                    },
                    "loggers": QUIET,
                },
            )
    except Busy as error:
        return Outcome(program, period, None, STATE_REFUSED, str(error))
    last = last_run(home, program, period)
    if result.success:
        return _published(home, program, period, run_id, last)
    status, error_text = _failure(result, last)
    error_text = "\n".join([error_text, *alert_of(instance, run_id)])
    return Outcome(program, period, run_id, status, error_text, gates=_gates(last))


def _published(home: Home, program: str, period: str, run_id: str, last: LastRun | None) -> Outcome:
    """The outcome of a run that has published its period, or restated it."""
    store = home.store(program)
    published, restated = store.published(), store.restated()
    record = restated[period].record() if period in restated else None
    return Outcome(
        program,
        period,
        run_id,
        0,
        totals=published[period].record().totals.to_json(),
        gates=_gates(last),
        restatement=record.totals.to_json() if record and record.run_id == run_id else None,
        remarks=[*_nothing_new(last), *remarks_on(published, restated, period)],
    )


class Stopped(RuntimeError):
    """A close or a withdrawal was not carried out; with the exit status of §10."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def close(
    home: Home,
    loaded: LoadedProgram,
    period: str,
    by: str,
    landing: Landing | None = None,
    *,
    seen: int | None = None,
) -> tuple[CloseEntry, str | None]:
    """Closes a period by the job of the UI. Refused or Busy, with no run made, if it may not be; also
    if it has another revision than the one that was `seen`.

    Stopped where the run that closes it ends otherwise. A close reads no landing directory; one that
    is named is registered where none is known. Gives the line of the close log, and what failed after it
    was written, if anything did: the period is closed then.
    """
    demand_periods_stay(home, loaded)
    config = {"approver": by, "seen": seen, "program_file": str(loaded.path.resolve())}
    failure: Exception | None = None
    try:
        _execute(
            home,
            loaded,
            period,
            by,
            landing,
            job=CLOSE_JOB,
            op=CLOSE_OP,
            config=config,
            demand=lambda: demand_closable(home, loaded, period, by, seen=seen),
        )
    except (Busy, Refused):
        raise
    except Exception as error:
        failure = error
    entry = _line_of(home, loaded.program.program, period)
    if entry is None:
        raise failure or Refused("the close failed; see its run: bonus ui")
    # Without the advice to run again: the period is closed.
    said = unexpected(type(failure).__name__, str(failure)).partition(" - ")[0]
    return entry, said if failure else None


def _line_of(home: Home, program: str, period: str) -> CloseEntry | None:
    """The period's line in the close log, if it has one."""
    entries = CloseLog(home.path, program).entries()
    return next((entry for entry, _ in entries if entry.period == period), None)


def _executed(job: dg.JobDefinition, **how: Any) -> dg.ExecuteInProcessResult:
    """The result of a job, run in this process; KeyboardInterrupt where somebody has interrupted it.

    Dagster makes a step's failure of Ctrl-C, of whatever the step was at: a query, dbt, a gate. So the
    signal itself is noted.
    """
    noted, notes = socket.socketpair()
    with noted, notes:
        notes.setblocking(False)
        before = signal.set_wakeup_fd(notes.fileno(), warn_on_full_buffer=False)
        try:
            result = job.execute_in_process(raise_on_error=False, **how)
        finally:
            signal.set_wakeup_fd(before)
        notes.close()
        if not result.success and signal.SIGINT in noted.recv(4096):
            raise KeyboardInterrupt
    return result


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


def withdraw(
    home: Home, loaded: LoadedProgram, period: str, by: str, landing: Landing | None = None
) -> None:
    """Withdraws an estimate by the job of the UI. Refused or Busy, with no run made, if it may not be.

    Stopped where the run that withdraws it ends otherwise: a gate of a later period, for one.
    """
    config = {"by": by, "program_file": str(loaded.path.resolve())}
    _execute(
        home,
        loaded,
        period,
        by,
        landing,
        job=WITHDRAW_JOB,
        op=WITHDRAW_OP,
        config=config,
        demand=lambda: demand_withdrawable(home, loaded.program, period),
    )


def _execute(
    home: Home,
    loaded: LoadedProgram,
    period: str,
    by: str,
    landing: Landing | None,
    *,
    job: str,
    op: str,
    config: Mapping[str, object],
    demand: Callable[[], object],
) -> None:
    """Runs a job of one op over a period, which it holds; `demand` refuses before a run is made."""
    program, run_id = loaded.program.program, str(uuid.uuid4())
    # Who closes or withdraws must not say what the next run that somebody launches in the UI reads.
    instance = register(home, loaded, landing, known_stays=True)
    key = partition_key(program, period)
    if key not in instance.get_dynamic_partitions(str(PERIODS.name)):
        # A published period that left the program file can still be withdrawn.
        instance.add_dynamic_partitions(str(PERIODS.name), [key])
    fail_dead_run(instance, home, program, period)
    with home.period_lock(program, period, run_id), _without_dagsters_words():
        demand()
        result = _executed(
            _job(home, job, home.on_wait),
            partition_key=key,
            instance=instance,
            run_id=run_id,
            tags={BY_TAG: by, "program": program, "period": period},
            run_config={"ops": {op: {"config": dict(config)}}, "loggers": QUIET},
        )
    if not result.success:
        raise Stopped(*_failure(result, None))


def _job(
    home: Home,
    name: str,
    progress: Callable[[str], None] | None = None,
    engine: str = DUCKDB.name,
) -> dg.JobDefinition:
    resource = HomeResource(path=str(home.path), engine=engine, watcher=Watcher(progress))
    return build_definitions(resource).resolve_job_def(name)


def _gates(last: LastRun | None) -> dict[str, dict[str, Any]]:
    return {
        stage: {
            "held": result.held,
            "expectations": len(result.results),
            "warnings": [
                f"{row.name}: {row.counted if row.state == 'failed' else row.state}: {row.means}"
                for row in result.warnings
            ],
        }
        for stage, result in (last.gates if last else {}).items()
    }


def _nothing_new(last: LastRun | None) -> list[str]:
    if last is None or last.taken_from is None:
        return []
    return [
        "nothing was new: program file, landing data and code are those of the run before, so its"
        " tables were settled once more"
    ]


def _failure(result: dg.ExecuteInProcessResult, last: LastRun | None) -> tuple[int, str]:
    """The exit status and message of the first step that failed of itself.

    A blocked gate is told from its recorded verdict: the step's failure holds no rows. That of a
    later period, which was settled anew, is told as the failure has it.
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
            for stage, verdict in (last.gates if last else {}).items():
                if not verdict.held:
                    return GATE_BLOCKED, describe(stage, verdict)
        if said is not None:
            return status, said
        error = data.error
        while error is not None and error.cause is not None:
            error = error.cause
        text = (error and error.message) or "the step failed"
        return UNEXPECTED, unexpected(event.step_key or "a step", text)
    return UNEXPECTED, "the run failed before its first step; see it in the UI: bonus ui"
