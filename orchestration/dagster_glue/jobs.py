"""The jobs that an operator launches."""

from pathlib import Path

import dagster as dg
from pydantic import Field

from orchestration.dagster_glue.failures import as_failures
from orchestration.dagster_glue.partitions import PERIODS
from orchestration.dagster_glue.report_files import reports_of
from orchestration.dagster_glue.resources import (
    BY_TAG,
    CLOSE_JOB,
    SIMULATE_JOB,
    STATEMENTS_JOB,
    WITHDRAW_JOB,
    HomeResource,
)
from orchestration.dagster_glue.simulation_files import simulation_of
from orchestration.dagster_glue.statement_files import statements_of
from orchestration.pipeline.changed_inputs import changes_of_published
from orchestration.pipeline.closing import close_period
from orchestration.pipeline.refusals import Refused
from orchestration.pipeline.withdrawing import withdraw_period
from orchestration.terms.load import LoadedProgram, load_program

PERIOD_JOB = "period"
CLOSE_OP = "close_period"
WITHDRAW_OP = "withdraw_period"
STATEMENTS_OP = "write_statements"
SIMULATE_OP = "simulate_periods"


def build_period_job() -> "dg.UnresolvedAssetJobDefinition":
    """All stages of one period, with their gates, in one process."""
    return dg.define_asset_job(
        PERIOD_JOB,
        selection=dg.AssetSelection.all(),
        executor_def=dg.in_process_executor,
        description="Runs a bonus period through all stages and gates, and publishes it. Of a"
        " closed period it makes a restatement.",
    )


def _program_of(name: str, program_file: str | None, home: HomeResource) -> LoadedProgram:
    """The program of a partition; Refused for the file of another one, which a launch may name."""
    loaded = load_program(program_file or home.registration(name).program_file)
    if loaded.program.program != name:
        raise Refused(
            f"{loaded.path} is the file of {loaded.program.program}, not of {name}; nothing is "
            "changed. Give the program's own file"
        )
    return loaded


class CloseConfig(dg.Config):
    """The approver, who closes the period: another person than those who worked on it."""

    approver: str
    program_file: str | None = None  # left out, it is where it was when last run


@dg.op(name=CLOSE_OP, description="Fixes what was published of the period (contract section 7).")
def close_op(context: dg.OpExecutionContext, config: CloseConfig, home: HomeResource) -> None:
    # A launch in the UI has no tag of its own for who closes; refused or not, the run says it.
    if approver := config.approver.strip():
        context.instance.add_run_tags(context.run_id, {BY_TAG: approver})
    program_name, period = home.partition(context)
    with as_failures():
        loaded = _program_of(program_name, config.program_file, home)
        if change := changes_of_published(home.home, loaded).get(period):
            context.log.warning(change.said_at_close(period))
        entry = close_period(
            home.home, loaded, period, config.approver, gate=home.gate, tell=context.log.info
        )
    context.log.info(f"{period} was closed by {entry.approved_by}, revision {entry.revision}")
    reports_of(context, home.home, program_name, [period])


class WithdrawConfig(dg.Config):
    """The person who withdraws the estimate."""

    by: str
    program_file: str | None = None  # left out, it is where it was when last run


@dg.op(
    name=WITHDRAW_OP, description="Takes an estimate out of what is published (contract section 7)."
)
def withdraw_op(context: dg.OpExecutionContext, config: WithdrawConfig, home: HomeResource) -> None:
    if by := config.by.strip():
        context.instance.add_run_tags(context.run_id, {BY_TAG: by})
    program_name, period = home.partition(context)
    with as_failures():
        loaded = _program_of(program_name, config.program_file, home)
        anew = withdraw_period(
            home.home, loaded.program, period, gate=home.gate, tell=context.log.info
        )
    context.log.info(f"{period} was withdrawn; settled anew: {', '.join(anew) or 'nothing'}")
    reports_of(context, home.home, program_name, list(anew))


class StatementsConfig(dg.Config):
    """The folder for the files, outside the home, on the machine that serves the UI.

    Of each language that is given there is a folder in it; without any, each creator has that of its market.
    """

    out: str
    languages: list[str] = Field(default_factory=list)
    program_file: str | None = None  # left out, it is where it was when last run


@dg.op(
    name=STATEMENTS_OP,
    description="Writes a statement a creator (contract section 12); what is published stays as it is.",
)
def statements_op(
    context: dg.OpExecutionContext, config: StatementsConfig, home: HomeResource
) -> None:
    program_name, period = home.partition(context)
    with as_failures():
        loaded = _program_of(program_name, config.program_file, home)
        statements_of(context, home.home, loaded, period, _folder(config.out), config.languages)


@dg.job(
    name=STATEMENTS_JOB,
    partitions_def=PERIODS,
    executor_def=dg.in_process_executor,
    config={"ops": {STATEMENTS_OP: {"config": {"out": "", "languages": []}}}},
    description="Writes a statement a creator of a published bonus period, with its proof. Folder,"
    " number and root become metadata of what is published.",
)
def statements_job() -> None:
    statements_op()


def _folder(out: str) -> Path:
    """The folder for a job's files. Refused for a part of a path: the server has a folder of its own."""
    if not Path(out).is_absolute():
        raise Refused(f"out is {out!r}; give the whole path of a folder outside the home")
    return Path(out)


class SimulateConfig(dg.Config):
    """Other program files and single values (PATH=VALUE), as `bonus simulate --with` and `--set` have them.

    `out` is a folder outside the home, on the machine that serves the UI. `periods` are simulated
    together with the one that is chosen.
    """

    out: str
    with_files: list[str] = Field(default_factory=list)
    settings: list[str] = Field(default_factory=list)
    periods: list[str] = Field(default_factory=list)


@dg.op(
    name=SIMULATE_OP,
    description="Computes what other terms would have paid (contract section 13); what is published stays as it is.",
)
def simulate_op(context: dg.OpExecutionContext, config: SimulateConfig, home: HomeResource) -> None:
    program_name, period = home.partition(context)
    with as_failures():
        simulation_of(
            context,
            home.home,
            _program_of(program_name, None, home),
            home.registration(program_name).landing,
            list(dict.fromkeys([period, *config.periods])),
            _folder(config.out),
            config.with_files,
            config.settings,
        )


@dg.job(
    name=SIMULATE_JOB,
    partitions_def=PERIODS,
    executor_def=dg.in_process_executor,
    config={
        "ops": {
            SIMULATE_OP: {"config": {"out": "", "with_files": [], "settings": [], "periods": []}}
        }
    },
    description="Computes what other terms would have paid for published bonus periods, and writes a"
    " page about it. Nothing of it is published.",
)
def simulate_job() -> None:
    simulate_op()


@dg.job(
    name=WITHDRAW_JOB,
    partitions_def=PERIODS,
    executor_def=dg.in_process_executor,
    config={"ops": {WITHDRAW_OP: {"config": {"by": ""}}}},
    description="Takes an estimated bonus period out of what is published; later ones are settled"
    " anew. What was closed stays.",
)
def withdraw_job() -> None:
    withdraw_op()


@dg.job(
    name=CLOSE_JOB,
    partitions_def=PERIODS,
    executor_def=dg.in_process_executor,
    # What the launchpad shows once a period is chosen; an empty name is refused.
    config={"ops": {CLOSE_OP: {"config": {"approver": ""}}}},
    description="Closes a published bonus period: nothing ever changes it again. The approver goes"
    " into the launch configuration; refusals say why and what to do.",
)
def close_job() -> None:
    close_op()
