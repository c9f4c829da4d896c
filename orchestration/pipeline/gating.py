"""The gates (§8): a suite over a database, what is at stake, and the recorded verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from expectations.suite import GateResult
from expectations.suites import SUITES
from orchestration.ingest.bucket import NotReachable
from orchestration.ingest.landing_place import Landing, landing_at
from orchestration.pipeline.gate_worker import Gate
from orchestration.pipeline.home import Home
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.refusals import GateFailed, Refused
from orchestration.pipeline.run_state import STAGES
from orchestration.pipeline.stakes import stake_of
from orchestration.publishing.store import Publication
from orchestration.records import Inputs
from orchestration.terms.load import ProgramFileError, load_program


def check(run: PeriodRun, stage: str, suite: str | None = None) -> GateResult:
    """Runs the gate behind a stage and records its verdict; `suite` if not the stage's own.

    Refused where the gate has not held, but speaks of files that are no longer there: they may be
    repaired already, as when a run is re-executed from its failure on. Where nothing was new to
    ingest, the verdict on the same tables stands.
    """
    last_run = run.state.read()
    if last_run is not None and last_run.taken_from is not None and stage in STAGES[:-1]:
        return last_run.gates[stage]
    run.tell(stage, "gate")
    order = [period.key for period in run.recorded_program().program.periods]
    gate = run.engine.gate(run.work, run.gate)
    result = judged(gate, suite or stage, run.work.path, _last_published(run, order))
    run.state.record(stage, result)
    if not result.held:
        demand_same_inputs(run, run.state.inputs())
    return result


def demand_held(run: PeriodRun, stage: str, suite: str | None = None) -> GateResult:
    """As `check`; GateFailed if the gate has not held."""
    result = check(run, stage, suite)
    if not result.held:
        raise GateFailed(run.program, run.period, stage, result)
    return result


def judged(
    gate: Gate, suite: str, database: Path, last_published: Publication | None
) -> GateResult:
    """The result of a suite over a database, with what is at stake where it does not hold."""
    result = gate(suite, database)
    if result.held or not database.exists():
        return result
    return replace(result, stake=stake_of(database, result, SUITES.get(suite, ()), last_published))


def demand_same_inputs(run: PeriodRun, inputs: Inputs) -> None:
    """Refused if landing files or program file are no longer what ingest read, or a bucket does not say so."""
    landing, program_file = landing_at(inputs.landing), Path(inputs.program_file)
    changed = []
    if _landing_digest(run.home, landing) != inputs.landing_sha256:
        changed.append(f"files in {landing}")
    try:
        same_program = load_program(program_file).sha256 == inputs.program_sha256
    except ProgramFileError:
        same_program = False
    if not same_program:
        changed.append(str(program_file))
    if changed:
        raise Refused(
            f"{run.program} {run.period}: {' and '.join(changed)} changed after ingest; "
            "nothing is published. Run the period again"
        )


def _landing_digest(home: Home, landing: Landing) -> str | None:
    try:
        return home.landing_digest(landing)
    except NotReachable as error:
        raise Refused(
            f"{error}; so whether it changed after ingest is not known, and nothing is published. Run the"
            " period again"
        ) from None
    except OSError:  # the whole directory is gone, or may not be listed any more
        return None


def _last_published(run: PeriodRun, order: Sequence[str]) -> Publication | None:
    """The published version of this period, else of the latest one before it."""
    published = run.home.store(run.program).published()
    found = [published[key] for key in order[: order.index(run.period) + 1] if key in published]
    return found[-1] if found else None
