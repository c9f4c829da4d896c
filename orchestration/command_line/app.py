"""`bonus`: the command line of §10. Imports nothing heavy before a command needs it."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated

import typer

from orchestration.command_line.edge import (
    CALLERS,
    HOME_DEFAULT,
    STATE,
    UNEXPECTED,
    known_landing,
    loaded_program,
    say,
    show,
)
from orchestration.command_line.money_commands import adjust, export, mirror, pay, simulate
from orchestration.command_line.next_steps import Place, next_steps
from orchestration.command_line.payee_commands import explain, statement
from orchestration.command_line.period_commands import (
    close,
    gates,
    quarantine,
    report,
    run,
    status,
    verify,
    withdraw,
)
from orchestration.command_line.setup_commands import check, demo, init, sample, ui
from orchestration.foundations.collector import collect_seldom

app = typer.Typer(
    name="bonus",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Pays creators a bonus for how their posts perform: from landing files to a payout ledger.\n\n"
    "Example: bonus run 2024-04 --program demo/program.yaml "
    "--landing demo/landing --home demo/home",
)

for command in (
    run,
    close,
    withdraw,
    verify,
    status,
    export,
    mirror,
    pay,
    adjust,
    explain,
    simulate,
    statement,
    report,
    init,
    sample,
    demo,
    ui,
    quarantine,
    gates,
    check,
):
    app.command()(command)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"creator-bonus {version('creator-bonus')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def next_step(
    context: typer.Context,
    _: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Say the version."),
    ] = False,
) -> None:
    CALLERS.clear()
    CALLERS.update(os.environ)
    if context.invoked_subcommand is not None:
        return
    place = Place.of(os.environ, HOME_DEFAULT)
    loaded = loaded_program(place.program) if place.program is not None else None
    landing = known_landing(place.landing)
    for step in next_steps(place.home, loaded, place.options(os.environ), landing=landing):
        show(f"{step.sentence}\n  {step.command}")
    typer.echo("All commands: bonus --help")


_INTERRUPTED = 128 + signal.SIGINT
"""The status that Typer makes of Ctrl-C, as shells do."""


def main() -> None:
    """The entry point: whatever goes wrong, one clear message and a status of §10."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
    # No process that is started from here takes a module from the folder somebody happens to be in.
    os.environ["PYTHONSAFEPATH"] = "1"
    collect_seldom()
    try:
        app()
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            say(
                "interrupted; what is published and closed is whole, and the same command can be run again"
            )
        raise
    except Exception as error:
        if os.environ.get("BONUS_TRACEBACK"):
            raise
        from orchestration.foundations.unexpected import unexpected
        from orchestration.pipeline.home import Busy, Damaged
        from orchestration.pipeline.refusals import Refused
        from orchestration.records import Unreadable

        if isinstance(error, Busy | Damaged | Refused | Unreadable):
            say(str(error))
            sys.exit(UNEXPECTED if isinstance(error, Damaged) else STATE)

        said = unexpected(type(error).__name__, str(error))
        say(f"{said}\n(set BONUS_TRACEBACK=1 for the traceback)")
        sys.exit(1)


def run_as_process() -> None:
    """`main`, and then an end at once: to take down what was imported would cost a second of each command.

    Where the last of the output cannot be written, the interpreter ends in its own way and says so.
    """
    try:
        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    else:
        status = 0
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        sys.exit(status)
    if (used := sys.modules.get("multiprocessing.util")) is not None:
        # Else a process of Python's says on the terminal, after our end, that locks of dbt were left.
        used._run_finalizers()
    os._exit(status)


if __name__ == "__main__":
    run_as_process()
