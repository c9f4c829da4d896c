"""The jobs that an operator launches."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import dagster as dg
from pydantic import Field

from orchestration.adjusting.proposals import approved, of_period, proposed
from orchestration.dagster_glue.adjustments import adjust
from orchestration.dagster_glue.assets.ledger import show
from orchestration.dagster_glue.explanation_files import explanation_of
from orchestration.dagster_glue.failures import as_failures
from orchestration.dagster_glue.partitions import PERIODS
from orchestration.dagster_glue.resources import (
    APPROVE_JOB,
    BY_TAG,
    CLOSE_JOB,
    EXPLAIN_JOB,
    PROPOSE_JOB,
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
from orchestration.terms.people import is_person, what_is_wrong

PERIOD_JOB = "period"
CLOSE_OP = "close_period"
WITHDRAW_OP = "withdraw_period"
EXPLAIN_OP = "explain_creator"
STATEMENTS_OP = "write_statements"
SIMULATE_OP = "simulate_periods"
PROPOSE_OP = "propose_adjustment_row"
APPROVE_OP = "approve_adjustment_row"

NAMED_IN: Final = {
    CLOSE_JOB: (CLOSE_OP, "approver"),
    WITHDRAW_JOB: (WITHDRAW_OP, "by"),
    PROPOSE_JOB: (PROPOSE_OP, "by"),
    APPROVE_JOB: (APPROVE_OP, "approver"),
}
"""By job the step and the key of its configuration that name whose launch it is."""

_OUT: Final = (
    "The whole path of a folder outside the home, on the machine that serves the UI; it is made."
)
"""Of the key `out`, as the launchpad says it."""


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


def _tag(context: dg.OpExecutionContext, name: str) -> None:
    """A launch in the UI has no tag of its own for whose it is; refused or not, the run says it."""
    if by := name.strip():
        context.instance.add_run_tags(context.run_id, {BY_TAG: by})


class CloseConfig(dg.Config):
    """The approver, who closes the period: another person than those who worked on it.

    With `seen`, the revision that was looked at, the close is refused if another one has taken its place.
    """

    approver: str
    seen: int | None = None
    program_file: str | None = None  # left out, it is where it was when last run


@dg.op(name=CLOSE_OP, description="Fixes what was published of the period (contract section 7).")
def close_op(context: dg.OpExecutionContext, config: CloseConfig, home: HomeResource) -> None:
    _tag(context, config.approver)
    program_name, period = home.partition(context)
    with as_failures():
        loaded = _program_of(program_name, config.program_file, home)
        if change := changes_of_published(home.home, loaded).get(period):
            context.log.warning(change.said_at_close(period))
        closed = close_period(
            home.home,
            loaded,
            period,
            config.approver,
            seen=config.seen,
            gate=home.gate,
            tell=context.log.info,
        )
    entry = closed.entry
    context.log.info(f"{period} was closed by {entry.approved_by}, revision {entry.revision}")
    show(context, home.home, program_name, period, closed.settled_anew)
    home.show_in_mirror(program_name, context.log.info)


class WithdrawConfig(dg.Config):
    """The person who withdraws the estimate."""

    by: str
    program_file: str | None = None  # left out, it is where it was when last run


@dg.op(
    name=WITHDRAW_OP, description="Takes an estimate out of what is published (contract section 7)."
)
def withdraw_op(context: dg.OpExecutionContext, config: WithdrawConfig, home: HomeResource) -> None:
    _tag(context, config.by)
    program_name, period = home.partition(context)
    with as_failures():
        loaded = _program_of(program_name, config.program_file, home)
        anew = withdraw_period(
            home.home, loaded.program, period, gate=home.gate, tell=context.log.info
        )
    context.log.info(f"{period} was withdrawn; settled anew: {', '.join(anew) or 'nothing'}")
    show(context, home.home, program_name, period, anew)
    home.show_in_mirror(program_name, context.log.info)


class ExplainConfig(dg.Config):
    """The creator, and where its files go."""

    creator: str = Field(description="The creator's id.")
    out: str = Field(description=_OUT)
    program_file: str | None = None  # left out, it is where it was when last run


@dg.op(
    name=EXPLAIN_OP,
    description="Says how a creator's numbers came about, and why posts were left out (contract section 11).",
)
def explain_op(context: dg.OpExecutionContext, config: ExplainConfig, home: HomeResource) -> None:
    program_name, period = home.partition(context)
    with as_failures():
        loaded = _program_of(program_name, config.program_file, home)
        out = _folder(config.out)
        explanation_of(context, home.home, loaded, period, config.creator, out)


@dg.job(
    name=EXPLAIN_JOB,
    partitions_def=PERIODS,
    executor_def=dg.in_process_executor,
    config={"ops": {EXPLAIN_OP: {"config": {"creator": "", "out": ""}}}},
    description="Says how each number of a creator in a published bonus period came about, as a page"
    " and as JSON, into a folder. The period's page at /bonus shows the same without files.",
)
def explain_job() -> None:
    explain_op()


class StatementsConfig(dg.Config):
    """The folder for the files, outside the home, on the machine that serves the UI.

    Of each language that is given there is a folder in it; without any, each creator has that of its market.
    """

    out: str = Field(description=_OUT)
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

    out: str = Field(description=_OUT)
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


class ProposeConfig(dg.Config):
    """The adjustment that `by` asks for, of the chosen period, as `bonus adjust propose` has it.

    `amount` is as 12.50, below 0 it is owed back; without an `adjustment_id` it gets one.
    """

    creator_id: str
    currency: str
    amount: str
    reason: str
    by: str
    adjustment_id: str = ""


@dg.op(
    name=PROPOSE_OP,
    description="Writes a row of adjustments into the landing folder, which waits for approval"
    " (contract section 7).",
)
def propose_op(context: dg.OpExecutionContext, config: ProposeConfig, home: HomeResource) -> None:
    _tag(context, config.by)
    program_name, period = home.partition(context)
    cells = {
        "adjustment_id": config.adjustment_id,
        "creator_id": config.creator_id,
        "period": period,
        "currency": config.currency,
        "amount": config.amount,
        "reason": config.reason,
    }
    with as_failures():
        loaded = _program_of(program_name, None, home)
        by, now = _person(config.by), datetime.now(UTC)
        adjust(
            context,
            home.home,
            loaded,
            home.registration(program_name).landing,
            lambda rows: proposed(loaded, rows, cells, by, now),
        )


@dg.job(
    name=PROPOSE_JOB,
    partitions_def=PERIODS,
    executor_def=dg.in_process_executor,
    config={
        "ops": {
            PROPOSE_OP: {
                "config": {"creator_id": "", "currency": "", "amount": "", "reason": "", "by": ""}
            }
        }
    },
    description="Asks for an adjustment by hand of what a creator is owed for a bonus period. Somebody"
    " else has to approve it; then the next run of an open period posts it.",
)
def propose_adjustment_job() -> None:
    propose_op()


class ApproveConfig(dg.Config):
    """The adjustment, who approves it, and whether to write that or only to show what it changes.

    With `seen`, which the page gives for the row that it shows, the launch is refused if another row counts.
    """

    adjustment_id: str
    approver: str
    yes: bool = False
    seen: str = ""


@dg.op(
    name=APPROVE_OP,
    description="Shows the creator's ledger before and after; with yes it writes the approval into"
    " the landing folder (contract section 7).",
)
def approve_op(context: dg.OpExecutionContext, config: ApproveConfig, home: HomeResource) -> None:
    _tag(context, config.approver)
    program_name, period = home.partition(context)

    with as_failures():
        by, now = _person(config.approver), datetime.now(UTC)
        adjust(
            context,
            home.home,
            _program_of(program_name, None, home),
            home.registration(program_name).landing,
            lambda rows: approved(
                of_period(rows, period), config.adjustment_id, by, now, config.seen
            ),
            is_written=config.yes,
        )


def _person(name: str) -> str:
    """The name; Refused where it is none (contract section 1)."""
    if not is_person(name.strip()):
        raise Refused(f"say who you are: {what_is_wrong(name.strip())}")
    return name.strip()


@dg.job(
    name=APPROVE_JOB,
    partitions_def=PERIODS,
    executor_def=dg.in_process_executor,
    config={"ops": {APPROVE_OP: {"config": {"adjustment_id": "", "approver": "", "yes": False}}}},
    description="Approves an adjustment by hand that somebody else has asked for. Launched without yes,"
    " it only shows the creator's ledger before and after.",
)
def approve_adjustment_job() -> None:
    approve_op()


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
    # What the launchpad shows once a period is chosen; an empty name is refused at the launch.
    config={"ops": {CLOSE_OP: {"config": {"approver": ""}}}},
    description="Closes a published bonus period: nothing ever changes it again. [The period's own"
    " page](/bonus) shows before what a close would fix, and closes it without a launchpad. Here the"
    " approver goes into the launch configuration; without one nothing is launched. Refusals say why and what"
    " to do.",
)
def close_job() -> None:
    close_op()
