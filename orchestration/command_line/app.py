"""`bonus`: the command line of §10. Imports nothing heavy before a command needs it."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from orchestration.command_line.next_steps import DEMO, Place, next_steps
from orchestration.foundations.texts import printable, shown

if TYPE_CHECKING:
    from orchestration.adjusting.proposals import Row
    from orchestration.dagster_glue.run_in_process import Outcome
    from orchestration.payments.payouts import Due
    from orchestration.payments.returns import Answered
    from orchestration.pipeline.home import Home
    from orchestration.sample import SampleSummary
    from orchestration.terms.load import LoadedProgram

UNEXPECTED, USAGE, GATE, STATE, DIFFERENT = 1, 2, 3, 4, 5

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

ProgramOption = Annotated[
    Path | None,
    typer.Option("--program", envvar="BONUS_PROGRAM", metavar="FILE", help="The program file."),
]
LandingOption = Annotated[
    Path | None,
    typer.Option("--landing", envvar="BONUS_LANDING", metavar="DIR", help="The landing directory."),
]
HomeOption = Annotated[
    Path,
    typer.Option(
        "--home",
        envvar="BONUS_HOME",
        metavar="DIR",
        help="Where everything is kept: work files, published tables, Dagster's instance.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a machine to read.")]
CreatorsOption = Annotated[int, typer.Option(min=60, max=100_000, help="How many creators.")]
PeriodsOption = Annotated[int, typer.Option(min=1, max=24, help="How many monthly periods.")]
StatementLanguage = Literal["en", "ja", "ko", "fr"]
ExportFormat = Literal["csv", "parquet", "xlsx", "beancount"]
HOME_DEFAULT = Path("bonus-home")
SEED = 2024

_CALLERS: dict[str, str] = {}
"""The caller's environment. That of this process has since been changed by `_home`, for Dagster."""


@app.callback(invoke_without_command=True)
def next_step(context: typer.Context) -> None:
    _CALLERS.clear()
    _CALLERS.update(os.environ)
    if context.invoked_subcommand is not None:
        return
    place = Place.of(os.environ, HOME_DEFAULT)
    loaded = _program(place.program) if place.program is not None else None
    landing = _known_landing(place.landing)
    for step in next_steps(place.home, loaded, place.options(os.environ), landing=landing):
        _print(f"{step.sentence}\n  {step.command}")
    typer.echo("All commands: bonus --help")


@app.command()
def run(
    periods: Annotated[list[str], typer.Argument(metavar="PERIOD...", help="Bonus periods.")],
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who starts the run.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run periods through all stages and gates, and publish them.

    Example: bonus run 2024-04 2024-05 --by ada
    """
    loaded = _program(program)
    for period in periods:
        _known_period(loaded, period)
    landing = _landing(landing)
    by = None if by is None else _person(by)
    outcomes = _run_periods(loaded, periods, landing, _home(home), by, quiet=as_json)
    if as_json:
        _print_json([outcome.to_json() for outcome in outcomes])
    elif {row.exit_status for row in outcomes} <= {0, GATE}:
        # Any other failure has said itself what to do, and may have left a state that cannot be read.
        _print_next(loaded, landing, home)
    raise typer.Exit(_first_failure(outcomes))


def _run_periods(
    loaded: LoadedProgram,
    periods: Sequence[str],
    landing: Path,
    place: Home,
    by: str | None,
    *,
    quiet: bool,
) -> list[Outcome]:
    """Runs each period once, in the order given, and says what came of it."""
    from orchestration.pipeline.gate_worker import WORKER

    WORKER.start()
    from orchestration.command_line.console import Console
    from orchestration.dagster_glue.run_in_process import run_period

    console = Console(quiet=quiet)
    outcomes = []
    try:
        for period in dict.fromkeys(periods):
            with console.progress(period) as progress:
                outcome = run_period(place, loaded, period, landing, by, progress)
            outcomes.append(outcome)
            if outcome.error:
                _say(f"{period}: {outcome.error}")
            console.summary(outcome)
    finally:
        WORKER.close()
    return outcomes


def _first_failure(outcomes: Sequence[Outcome]) -> int:
    return next((row.exit_status for row in outcomes if row.exit_status), 0)


@app.command()
def close(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A published period.")],
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="NAME", help="Who closes it; not who started its run."),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what it would fix, and write nothing.")
    ] = False,
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Close a published period: nothing ever changes it again.

    With --preview only shown: its amounts against the period before, warnings, what is held, whose
    work is in it, what stands against the close, and what changed since the run.

    Example: bonus close 2024-04 --preview

    Example: bonus close 2024-04 --by grace
    """
    loaded = _program(program)
    _known_period(loaded, period)
    if by is None and not preview:
        _fail(USAGE, "who closes it? Give --by NAME, or look first with --preview")
    approver = None if by is None else _person(by)
    place = _home(home, is_written=not preview)
    if preview or approver is None:
        known = _known_landing(landing)
        options = _options(loaded, known, home)
        _preview(place, loaded, period, approver, known, options, as_json=as_json)
        return
    from orchestration.pipeline.gate_worker import WORKER

    WORKER.start()  # later periods are settled anew, and pass their gate
    from orchestration.dagster_glue.run_in_process import Stopped
    from orchestration.dagster_glue.run_in_process import close as close_run
    from orchestration.pipeline.changed_inputs import changes_of_published
    from orchestration.pipeline.home import Busy
    from orchestration.pipeline.refusals import Refused

    known = _known_landing(landing)
    try:
        change = changes_of_published(place, loaded, known).get(period)
        entry, failed_after = close_run(place, loaded, period, approver, known)
    except (Busy, Refused) as error:
        _fail(STATE, str(error))
    except Stopped as error:
        _fail(error.status, str(error))
    finally:
        WORKER.close()
    if failed_after:
        _say(f"{period} is closed, but its history in Dagster is not whole: {failed_after}")
    if change:
        _say(f"{change.said} the run of {period}; it is closed as that run has published it")
    if as_json:
        _print_json(entry.to_json())
    else:
        _print(
            f"{period} is closed by {entry.approved_by}, revision {entry.revision}; "
            f"ledger {entry.ledger_sha256}"
        )


def _preview(
    place: Home,
    loaded: LoadedProgram,
    period: str,
    by: str | None,
    landing: Path | None,
    options: str,
    *,
    as_json: bool,
) -> None:
    from orchestration.reports.preview import close_preview

    found = close_preview(place, loaded, period, by, landing)
    if found is None:
        _fail(STATE, f"{period} is not published yet; run it first: bonus run {period}{options}")
    if as_json:
        _print_json(found.to_json())
        return
    from orchestration.command_line.console import Console

    Console().preview(found, by or "NAME", options)


@app.command()
def withdraw(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="An estimated period.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who withdraws it.")],
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Take an estimated period out of what is published; later ones are settled anew.

    Also one that is not in the program file any more. What was closed stays.

    Example: bonus withdraw 2024-09 --by ada
    """
    loaded = _program(program)
    person = _person(by)
    place = _home(home)
    if period not in place.store(loaded.program.program).published():
        _known_period(loaded, period)
    from orchestration.pipeline.gate_worker import WORKER

    WORKER.start()
    from orchestration.dagster_glue.run_in_process import Stopped
    from orchestration.dagster_glue.run_in_process import withdraw as withdraw_run
    from orchestration.pipeline.home import Busy
    from orchestration.pipeline.refusals import Refused

    known = _known_landing(landing)
    try:
        withdraw_run(place, loaded, period, person, known)
    except (Busy, Refused) as error:
        _fail(STATE, str(error))
    except Stopped as error:
        _fail(error.status, str(error))
    finally:
        WORKER.close()
    if as_json:
        _print_json({"program": loaded.program.program, "period": period, "withdrawn_by": person})
    else:
        _print(f"{period} was withdrawn by {person}; what was published after it is settled anew")


@app.command()
def verify(
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="HASH", help="A hash of an earlier line, which the log must have."
        ),
    ] = None,
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Look again at all that is published and closed: hashes, close log, journal, balances, roots.

    With --since also that the close log has only grown since it ended with the line of that hash
    (SHA-256 of the line without its end, as the next line has it in previous_sha256).

    Example: bonus verify --json
    """
    loaded = _program(program)
    if since is not None and not re.fullmatch("[0-9a-f]{64}", since):
        _fail(USAGE, f"--since takes a hash of 64 digits and letters a to f, not {since[:80]!r}")
    place = _home(home)
    from orchestration.pipeline.verifying import line_of
    from orchestration.pipeline.verifying import verify as verify_books

    found = verify_books(place, loaded.program)
    line = line_of(place, loaded.program.program, since) if since is not None else None
    if since is not None and line is None:
        lost = f"close log: no line has the hash {since}; a line was changed or taken out"
        found = replace(found, differences=[*found.differences, lost])
    from orchestration.command_line.console import Console
    from orchestration.pipeline.changed_inputs import changes_of_published

    known = _known_landing(landing)
    changes = changes_of_published(place, loaded, known)
    if as_json:
        told = {} if since is None else {"since": {"sha256": since, "line": line}}
        changed = {period: change.to_json() for period, change in changes.items()}
        _print_json(asdict(found) | told | {"changed": changed})
    elif not found.differences:
        _print(
            f"{len(found.periods)} published and {len(found.closed)} closed periods, "
            f"{found.files:,} files and {found.journal_entries:,} journal entries agree"
        )
        if line is not None:
            _print(f"the close log has that hash: line {line} of {len(found.closed)}")
        still_open = {key: row for key, row in changes.items() if key not in found.closed}
        Console().changed(still_open, _options(loaded, known, home))
    if found.differences:
        # One line each: a name in a file that was tampered with must not make up lines of its own.
        differences = [text.replace("\n", r"\n") for text in found.differences]
        _say("\n".join([*differences, f"{len(found.differences)} differences"]))
        raise typer.Exit(DIFFERENT)
    if not found.periods:
        _fail(STATE, f"{loaded.program.program}: nothing is published yet in {place.path}")


@app.command()
def status(
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Show the periods: their state, last run, gates and totals.

    Example: bonus status --json
    """
    loaded = _program(program)
    place = _home(home)
    known = _known_landing(landing)
    from orchestration.dagster_glue.period_states import left_due, period_states

    states = period_states(place, loaded, known)
    left = left_due(place, loaded.program)
    if as_json:
        _print_json({"program": loaded.program.program, "periods": states, "left_due": left})
        return
    from orchestration.command_line.console import Console

    console = Console()
    console.status(loaded.program.program, states, _options(loaded, known, home))
    console.left_due(left)


@app.command()
def export(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A published period.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write the files.")],
    as_format: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            help="CSV, or the same tables as Parquet or as a workbook; beancount: the journal with all earlier ones.",
        ),
    ] = "csv",
    spreadsheet: Annotated[
        bool,
        typer.Option(
            "--spreadsheet", help="Put ' before text that a spreadsheet would run as a formula."
        ),
    ] = False,
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Write a period's published tables, as CSV or otherwise, and its program.yaml and run.json.

    Example: bonus export 2024-04 --out export/2024-04

    Example: bonus export 2024-04 --out books --format beancount
    """
    if spreadsheet and as_format != "csv":
        _fail(USAGE, f"--spreadsheet is for csv; in {as_format} no text is run as a formula")
    loaded = _program(program)
    _known_period(loaded, period)
    usual = os.umask(0o077)
    place = _home(home, is_written=False)
    publication = place.store(loaded.program.program).published().get(period)
    if publication is None:
        options = _options(loaded, landing, home)
        _fail(STATE, f"{period} is not published yet; run it first: bonus run {period}{options}")
    from orchestration.publishing.export import TooManyRows, export_period

    os.umask(usual)
    try:
        if as_format == "beancount":
            from orchestration.payments.beancount import export_beancount

            files = export_beancount(place, loaded.program, period, out)
        else:
            files = export_period(publication, out, spreadsheet=spreadsheet, as_format=as_format)
    except TooManyRows as error:
        _fail(USAGE, str(error))
    except OSError as error:
        _fail(USAGE, f"cannot write to {out}: {error.strerror}; name another folder with --out")
    if as_json:
        _print_json([str(path) for path in files])
    else:
        _print("\n".join(str(path) for path in files))


@app.command()
def pay(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A closed period.")],
    accounts: Annotated[
        Path | None,
        typer.Option(
            "--accounts",
            metavar="FILE",
            help="CSV: creator_id, name, town, country, iban, or bic and account.",
        ),
    ] = None,
    debtor: Annotated[
        Path | None,
        typer.Option(
            "--debtor",
            metavar="FILE",
            help="YAML of the paying account: name, town, country, iban, or bic and account.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to write the files.")
    ] = None,
    answers: Annotated[
        list[Path] | None,
        typer.Option(
            "--status",
            metavar="FILE",
            help="What the bank has answered: pain.002 or camt.054. May be given again.",
        ),
    ] = None,
    reconcile: Annotated[
        bool,
        typer.Option("--reconcile", help="Only say what is paid, returned and unanswered."),
    ] = False,
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Write the payment files of a closed period: one a currency, pain.001.001.09.

    All that cannot be paid is named at once, and nothing is written then. The same payouts and
    accounts give the same bytes. With --status read the bank's answers, and write what did not
    arrive as rows of payment_returns, for a person to deliver.

    Example: bonus pay 2024-04 --accounts accounts.csv --debtor debtor.yaml --out bank

    Example: bonus pay 2024-04 --status answer.xml --out returns

    Example: bonus pay 2024-04 --status answer.xml --reconcile
    """
    loaded = _program(program)
    _known_period(loaded, period)
    if accounts and debtor and out and not answers and not reconcile:
        _pay(_home(home), loaded, period, accounts, debtor, out, as_json)
    elif reconcile and not (accounts or debtor or out):
        _reconcile(_home(home), loaded, period, answers or [], as_json)
    elif answers and out and not (accounts or debtor or reconcile):
        _returned(_home(home), loaded, period, answers, out, as_json)
    else:
        _fail(
            USAGE,
            "give --accounts, --debtor and --out to pay; --status and --out to read what the bank"
            " answers; --reconcile, with --status or without, to compare",
        )


def _pay(
    place: Home,
    loaded: LoadedProgram,
    period: str,
    accounts: Path,
    debtor: Path,
    out: Path,
    as_json: bool,
) -> None:
    from orchestration.payments.accounts import Unpayable
    from orchestration.payments.pay import write_payments
    from orchestration.payments.payouts import payouts_due

    due = payouts_due(place, loaded, period)
    try:
        paid = write_payments(due, accounts, debtor, out)
    except Unpayable as error:
        _fail(USAGE, f"{error}\nnothing is written")
    except OSError as error:
        _fail(USAGE, f"cannot write to {out}: {error.strerror}; name another folder with --out")
    if as_json:
        _print_json({"program": due.program, "period": period} | paid.to_json(due))
        return
    for line in paid.lines(due):
        _print(line)
    if paid.other_letters:
        _say(paid.about_letters())


def _answered(
    place: Home, loaded: LoadedProgram, period: str, files: Sequence[Path]
) -> tuple[Due, Answered]:
    """What is due, and what the bank says of it; what it says of others is told."""
    from orchestration.payments.answers import NoAnswer, read_answers
    from orchestration.payments.payouts import payouts_due
    from orchestration.payments.returns import judged

    due = payouts_due(place, loaded, period)
    answers, faults = [], []
    for path in files:
        try:
            answers += read_answers(path)
        except NoAnswer as error:
            faults.append(str(error))
    if faults:
        _fail(USAGE, "\n".join(faults))
    answered = judged(due, answers)
    if answered.unknown:
        _say(
            f"{len(answered.unknown):,} ids of the bank's answers are none of {period}: "
            + ", ".join(shown(one, 80) or "(none)" for one in answered.unknown)
        )
    return due, answered


def _returned(
    place: Home, loaded: LoadedProgram, period: str, files: Sequence[Path], out: Path, as_json: bool
) -> None:
    due, answered = _answered(place, loaded, period, files)
    from orchestration.payments.returns import return_rows, write_returns

    try:
        path = write_returns(due, answered, out)
    except OSError as error:
        _fail(USAGE, f"cannot write to {out}: {error.strerror}; name another folder with --out")
    rows = return_rows(due, answered)
    if answered.remarks:
        _say("\n".join(answered.remarks))
    if as_json:
        told = {"path": path and str(path), "rows": len(rows), "payouts": len(answered.returns)}
        more = {"unknown": answered.unknown, "remarks": answered.remarks}
        _print_json({"program": due.program, "period": period, **told, **more})
    elif path is None:
        _print(f"nothing of {period} came back by these answers: no file is written")
    else:
        count = len(answered.returns)
        _print(
            f"{path}: {count:,} payout{'s' if count > 1 else ''} did not arrive; look at the file, then"
            " deliver it into payment_returns/ of the landing folder"
        )


def _reconcile(
    place: Home, loaded: LoadedProgram, period: str, files: Sequence[Path], as_json: bool
) -> None:
    due, answered = _answered(place, loaded, period, files)
    from orchestration.payments.reconcile import clearing_of, reconciled

    found = reconciled(due, answered, clearing_of(place, due))
    if as_json:
        sums = {currency: asdict(one) for currency, one in found.sums.items()}
        told = {"currencies": sums, "differences": found.differences, "unknown": answered.unknown}
        _print_json({"program": due.program, "period": period, **told})
    else:
        for currency, one in found.sums.items():
            _print(one.text(currency))
        if not found.sums:
            _print(f"{period} pays nobody")
    if found.differences:
        _say("\n".join([*found.differences, f"{len(found.differences)} differences"]))
        raise typer.Exit(DIFFERENT)


@app.command()
def adjust(
    action: Annotated[
        Literal["propose", "approve", "withdraw", "list"],
        typer.Argument(metavar="ACTION", help="propose, approve, withdraw or list."),
    ],
    adjustment: Annotated[
        str,
        typer.Argument(metavar="[ID]", help="The adjustment; proposed without one, it gets one."),
    ] = "",
    creator: Annotated[str, typer.Option("--creator", metavar="ID", help="Who is owed.")] = "",
    period: Annotated[str, typer.Option("--period", metavar="KEY", help="For which period.")] = "",
    currency: Annotated[str, typer.Option("--currency", metavar="CODE", help="As USD.")] = "",
    amount: Annotated[
        str, typer.Option("--amount", metavar="AMOUNT", help="As 12.50; below 0 it is owed back.")
    ] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, in a line.")] = "",
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who asks for it, or approves it.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Write the row; approve only shows what it does without.")
    ] = False,
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Adjust what a creator is owed by hand: one person proposes, another approves.

    Each step writes one row of the dataset adjustments into the landing folder; the next run of an
    open period posts it. Approve shows the creator's ledger before and after, and writes with --yes.

    Example: bonus adjust propose --creator star-us --period 2024-04 --currency USD --amount 12.50
    --reason "p2 was no branded content" --by bo

    Example: bonus adjust approve hand-0123456789ab --by cy --yes
    """
    loaded, folder = _program(program), _landing(landing)
    usual = os.umask(0o077)
    place = _home(home, is_written=False)
    os.umask(usual)  # a row is read by whoever runs
    from orchestration.adjusting import proposals

    now = datetime.now(UTC)
    try:
        rows = proposals.landed(loaded, folder)
        if action == "list":
            _list_adjustments(loaded, list(proposals.in_force(rows).values()), as_json)
            return
        if action == "propose":
            cells = {
                "adjustment_id": adjustment, "creator_id": creator, "period": period,
                "currency": currency, "amount": amount, "reason": reason,
            }  # fmt: skip
            row = proposals.proposed(loaded, rows, cells, _given(by), now)
        elif action == "approve":
            row = proposals.approved(rows, adjustment, _given(by), now)
        else:
            row = proposals.withdrawn(rows, adjustment, now)
        written = action != "approve" or yes
        path = proposals.write_row(loaded, folder, row) if written else None
    except proposals.NotOne as error:
        _fail(USAGE, str(error))
    except OSError as error:
        _fail(USAGE, f"cannot write to {folder}: {error.strerror}; check its permissions")
    _print_adjustment(place, loaded, rows, row, path, as_json)


def _given(by: str | None) -> str:
    if by is None:
        _fail(USAGE, "who asks for it, or approves it? Give --by NAME")
    return _person(by)


def _list_adjustments(loaded: LoadedProgram, rows: Sequence[Row], as_json: bool) -> None:
    if as_json:
        found = [asdict(row) | {"counts": row.decides.counts} for row in rows]
        _print_json({"program": loaded.program.program, "adjustments": found})
    elif not rows:
        _print("no adjustments are in the landing folder")
    else:
        _print("\n".join(row.text for row in rows))


def _print_adjustment(
    place: Home,
    loaded: LoadedProgram,
    rows: Sequence[Row],
    row: Row,
    path: Path | None,
    as_json: bool,
) -> None:
    """The row, what the next run makes of it, and where it was written."""
    from orchestration.adjusting.preview import previewed

    preview = previewed(place, loaded.program, rows, row)
    if as_json:
        told = {"adjustment": asdict(row), "path": path and str(path), "preview": asdict(preview)}
        _print_json({"program": loaded.program.program, **told})
        return
    _print("\n".join([row.text, *preview.lines(row.currency)]))
    _print(str(path) if path else "nothing is written yet; to approve it say --yes")


@app.command()
def explain(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A published period.")],
    creator: Annotated[str, typer.Argument(metavar="CREATOR", help="The creator's id.")],
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Say every step from a creator's counts to its payout, and why posts were left out.

    From what is published alone; the landing data may be gone.

    Example: bonus explain 2024-04 star-us
    """
    loaded = _program(program)
    _known_period(loaded, period)
    place = _home(home, is_written=False)
    from orchestration.explain.reading import NoLedgerRow, explain_creator

    try:
        explanation = explain_creator(place, loaded.program, period, creator)
    except NoLedgerRow:
        _fail(USAGE, f"{creator!r} has no row in the ledger of {period}; check the id")
    if as_json:
        _print_json(explanation.to_json())
    else:
        from orchestration.explain.page import page

        _print(page(explanation))


@app.command()
def simulate(
    periods: Annotated[
        list[str],
        typer.Argument(metavar="PERIOD...", help="Published periods that follow one another."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write the result.")],
    others: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            metavar="FILE",
            help="A program file with other terms; several are put side by side. Left out: that of --program.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="PATH=VALUE", help="A single value of those files, as it would be."
        ),
    ] = None,
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Compute what other terms would have paid. Nothing that is published is touched.

    Example: bonus simulate 2024-04 --with other.yaml --out simulated

    Example: bonus simulate 2024-04 --set 'terms[0].payout.rates.US[0].rate=0.18' --out simulated
    """
    loaded = _program(program)
    for period in periods:
        _known_period(loaded, period)
    simulated = _other_programs(loaded, others or (), settings or ())
    landing = _landing(landing)
    usual = os.umask(0o077)
    place = _home(home)
    from orchestration.command_line.console import Console
    from orchestration.ledger.settlement import MissingRate
    from orchestration.pipeline.gate_worker import WORKER
    from orchestration.pipeline.refusals import GateFailed, describe
    from orchestration.simulation.run import simulate_periods
    from orchestration.simulation.simulate import NotSimulable

    WORKER.start()
    try:
        with Console(quiet=as_json).progress("simulation") as progress:
            told = simulate_periods(
                place, loaded, simulated, settings or (), periods, landing, out, usual, progress
            )
    except NotSimulable as error:
        _fail(USAGE, str(error))
    except GateFailed as error:
        _fail(GATE, f"{error.period}: {describe(error.stage, error.result)}")
    except MissingRate as error:
        _fail(GATE, str(error))
    finally:
        WORKER.close()
    if as_json:
        _print_json(told)
    else:
        _print(f"{out / 'index.html'}\n{out / 'summary.json'}")


@app.command()
def statement(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A published period.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write the files.")],
    creator: Annotated[
        list[str] | None,
        typer.Option("--creator", metavar="ID", help="Only this creator; may be given again."),
    ] = None,
    language: Annotated[
        StatementLanguage | None,
        typer.Option("--language", help="Of all pages; left out, that of the creator's market."),
    ] = None,
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Write a statement a creator: a page in its language, and what of it is proved.

    A command that was stopped goes on where it ended, when it is given again.

    Example: bonus statement 2024-04 --out statements/2024-04

    Example: bonus statement 2024-04 --out star-us --creator star-us --language fr
    """
    loaded = _program(program)
    _known_period(loaded, period)
    usual = os.umask(0o077)
    place = _home(home)
    os.umask(usual)
    from orchestration.command_line.console import Console
    from orchestration.statements.write import InsideHome, UnknownCreators, write_statements

    try:
        with Console(quiet=as_json).progress(period) as progress:
            written = write_statements(
                *(place, loaded.program, period, out),
                creators=creator or (),
                language=language,
                tell=progress,
            )
    except UnknownCreators as error:
        _fail(USAGE, f"no row in the ledger of {period}: {error}; check the ids")
    except InsideHome as error:
        _fail(USAGE, f"{error}; name a folder outside of it with --out")
    except OSError as error:
        _fail(USAGE, f"cannot write to {out}: {error.strerror}; name another folder with --out")
    if as_json:
        _print_json(asdict(written))
    else:
        _print(
            f"{out}: {written.statements:,} statements, {written.made:,} of them made now;"
            f" {written.state}, root {written.root}"
        )


@app.command()
def report(
    period: Annotated[
        str | None,
        typer.Argument(metavar="[PERIOD]", help="A published period; left out: all of them."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="PATH",
            help="An .html file; for all periods a folder too. Left out: the home's reports.",
        ),
    ] = None,
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Write the page of a period, or of all periods with an overview that leads to them.

    Example: bonus report 2024-04 --out 2024-04.html
    """
    loaded = _program(program)
    if period is not None:
        _known_period(loaded, period)
    usual = os.umask(0o077)
    place = _home(home)
    published = place.store(loaded.program.program).published()
    options = _options(loaded, landing, home)
    if period is not None and period not in published:
        _fail(STATE, f"{period} is not published yet; run it first: bonus run {period}{options}")
    if not published:
        _fail(STATE, f"nothing is published yet; run a period first: bonus run PERIOD{options}")
    from orchestration.reports.write import write_asked

    if out is not None:
        os.umask(usual)
    try:
        files = write_asked(place, loaded.program.program, period, out)
    except OSError as error:
        where, why = out or "the home's reports", error.strerror or error
        _fail(USAGE, f"cannot write to {where}: {why}; name another place with --out")
    if as_json:
        _print_json([str(path) for path in files])
    else:
        _print("\n".join(str(path) for path in files))


@app.command()
def init(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Where to write it: a folder that is new or empty."),
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="The program's name; else the folder's."),
    ] = None,
    market: Annotated[
        list[str] | None,
        typer.Option(
            "--market",
            metavar="CODE[=ZONE]",
            help="A market, and its time zone where its country has several; once for each.",
        ),
    ] = None,
    currency: Annotated[
        str | None, typer.Option("--currency", metavar="CODE", help="The program's currency.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option("--method", metavar="rate|pool", help="A price for points, or a shared sum."),
    ] = None,
    periods: Annotated[
        str | None, typer.Option("--periods", metavar="N", help="How many monthly periods.")
    ] = None,
    first: Annotated[
        str | None, typer.Option("--first", metavar="YYYY-MM", help="The first period's month.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Take what is proposed; ask nothing.")] = False,
) -> None:
    """Begin a program of your own: program file, folders to deliver into, a tiny example that runs.

    At a terminal it asks for what no option says; elsewhere it takes what it would propose.

    Example: bonus init mine

    Example: bonus init mine --market FR --market US=America/Los_Angeles --currency EUR
    --method rate --first 2025-01 --periods 12
    """
    from orchestration.command_line.questions import Given, answered
    from orchestration.new_program.answers import AnswerError
    from orchestration.new_program.write import Occupied, demand_vacant, write_program

    try:
        demand_vacant(folder)
        given = Given(name, currency, market or [], method, first, periods)
        asks = not yes and sys.stdin.isatty()
        command = write_program(folder, answered(given, folder.absolute().name, asks=asks))
    except Occupied as error:
        _fail(USAGE, f"{error}; name a folder that is new or empty")
    except AnswerError as error:
        _fail(USAGE, str(error))
    except OSError as error:
        _fail(USAGE, f"cannot write to {folder}: {error.strerror}; name another folder")
    _print(
        f"{folder / 'README.md'} says what is what, and what to deliver.\n"
        f"Try the example:\n  {shlex.join(command)}"
    )


@app.command()
def sample(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write it.")],
    creators: CreatorsOption = 2000,
    periods: PeriodsOption = 6,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = SEED,
    as_json: JsonOption = False,
) -> None:
    """Write a made program file and landing data for it.

    Example: bonus sample --out demo --creators 500
    """
    summary = _sample(out, creators, periods, seed)
    if as_json:
        _print_json(asdict(summary))
        return
    program_file, landing = out / "program.yaml", out / "landing"
    _print(f"{program_file}\n{landing}")
    _print_next(_program(program_file), landing, out / "home")


def _sample(out: Path, creators: int, periods: int, seed: int) -> SampleSummary:
    from orchestration.sample import write_sample

    try:
        return write_sample(out, creators=creators, periods=periods, seed=seed)
    except OSError as error:
        _fail(USAGE, f"cannot write to {out}: {error}; name an empty folder with --out")


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where it lies; a demo there goes on.")
    ] = DEMO,
    creators: CreatorsOption = 2000,
    periods: PeriodsOption = 6,
) -> None:
    """Show all of it on made data: writes a sample, runs its periods, says what came of them.

    Example: bonus demo --out demo
    """
    program_file, landing, home = out / "program.yaml", out / "landing", out / "home"
    if not landing.is_dir():
        _sample(out, creators, periods, SEED)
    loaded = _program(program_file)
    place = _home(home)
    keys = [period.key for period in loaded.program.periods]
    outcomes = _run_periods(loaded, keys, _landing(landing), place, None, quiet=False)
    if status := _first_failure(outcomes):
        raise typer.Exit(status)
    from orchestration.command_line.console import Console
    from orchestration.dagster_glue.period_states import period_states

    options = _options(loaded, landing, home)
    Console().status(loaded.program.program, period_states(place, loaded, landing), options)
    from orchestration.sample.posts import INCIDENTS

    for at, incident in INCIDENTS.items():
        if at < len(keys):
            _print(f"The warning of {keys[at]} was put into the sample: {incident}.")
    _print(f"See it in the browser:\n  bonus ui{options}")
    _print("Begin a program of your own:\n  bonus init mine")


@app.command()
def ui(
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port.")] = 3000,
    host: Annotated[
        list[str] | None,
        typer.Option(
            "--host", metavar="NAME", help="A name that a proxy serves it by; also BONUS_UI_HOSTS."
        ),
    ] = None,
) -> None:
    """Open Dagster over the home, on 127.0.0.1 only. One UI at a time serves a home.

    Example: bonus ui --program demo/program.yaml --landing demo/landing --home demo/home
    """
    place = _home(home)
    files: tuple[Path, ...] = ()
    if program is not None:
        files = (_program(program).path.resolve(), _landing(landing).resolve())
    from orchestration.command_line.serve_ui import NotServed, serve_ui

    try:
        serve_ui(place.path, files, port, host or ())
    except NotServed as error:
        _fail(error.status, str(error))


@app.command()
def quarantine(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A period that was run.")],
    limit: Annotated[
        int, typer.Option("--limit", min=0, max=100_000, help="How many rows and files to show.")
    ] = 20,
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Show what the last ingest of a period refused: by dataset and reason, then row by row.

    Example: bonus quarantine 2024-04 --limit 100
    """
    loaded = _program(program)
    _known_period(loaded, period)
    place = _home(home)
    from orchestration.ingest.quarantine import read_quarantine

    try:
        view = read_quarantine(place.quarantine_folder(loaded.program.program, period), limit)
    except FileNotFoundError:
        options = _options(loaded, landing, home)
        _fail(STATE, f"{period} was not ingested yet; run it first: bonus run {period}{options}")
    if as_json:
        _print_json({"program": loaded.program.program, "period": period, **asdict(view)})
        return
    from orchestration.command_line.console import Console

    Console().quarantine(period, view)


@app.command()
def gates(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A period that was run.")],
    docs: Annotated[
        Path | None,
        typer.Option("--docs", metavar="DIR", help="Also write them as Great Expectations' pages."),
    ] = None,
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Show what came of each gate in a period's last run, warnings too, with the first rows.

    With --docs also as Data Docs, which Great Expectations makes: a page for each gate.

    Example: bonus gates 2024-04 --docs gates
    """
    loaded = _program(program)
    _known_period(loaded, period)
    name, place = loaded.program.program, _home(home, is_written=False)
    from orchestration.pipeline.refusals import Refused, describe_all
    from orchestration.pipeline.run_state import STAGES, last_run

    try:
        record = last_run(place, name, period)
    except Refused as error:
        _fail(STATE, str(error))
    verdicts = (
        {stage: record.gates[stage] for stage in STAGES if stage in record.gates} if record else {}
    )
    if record is None or not verdicts:
        options = _options(loaded, landing, home)
        _fail(
            STATE, f"no gate of {period} was asked yet; run it first: bonus run {period}{options}"
        )
    if as_json:
        told = {stage: result.to_json() for stage, result in verdicts.items()}
        _print_json({"program": name, "period": period, "run_id": record.run_id, "gates": told})
    else:
        _print(f"{period}: run {record.run_id} of {record.by}")
        _print("\n".join(describe_all(stage, result) for stage, result in verdicts.items()))
    if docs is None:
        return
    from expectations.data_docs import write_data_docs

    try:
        page = write_data_docs(
            verdicts, record.run_id, datetime.fromisoformat(record.started_at), docs
        )
    except OSError as error:
        _fail(USAGE, f"cannot write to {docs}: {error.strerror}; name another folder with --docs")
    if not as_json:
        _print(f"Data Docs: {page}")


@app.command()
def check(
    datasets: Annotated[
        list[str] | None, typer.Argument(metavar="[DATASET...]", help="Only these; left out, all.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="How many mistakes to print; 0: all.")
    ] = 100,
    sarif: Annotated[
        Path | None,
        typer.Option("--sarif", metavar="FILE", help="Also write the mistakes as SARIF, for CI."),
    ] = None,
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Read program file and landing data as a run would, and say every mistake. Needs no home.

    Status 2: the program file or a dataset's name is wrong. Status 3: the data would block a run.

    Example: bonus check post_metrics --program program.yaml --landing landing
    """
    from orchestration.foundations.texts import nearest_name
    from orchestration.ingest.datasets import DATASET_NAMES

    loaded = _checked_program(program, sarif)
    for name in datasets or ():
        if name not in DATASET_NAMES:
            near = nearest_name(name, DATASET_NAMES)
            hint = f"; perhaps {near}" if near else ""
            _fail(
                USAGE, f"there is no dataset {name!r}; there are {', '.join(DATASET_NAMES)}{hint}"
            )
    from orchestration.checking.check import check_landing
    from orchestration.checking.sarif import sarif_of
    from orchestration.pipeline.engine_limits import EngineLimits

    checked = check_landing(loaded, _landing(landing), datasets or (), EngineLimits.of(os.environ))
    if sarif is not None:
        _write_json(sarif, sarif_of(checked))
    if as_json:
        _print_json(checked.to_json())
    else:
        from orchestration.command_line.console import Console

        Console().checked(checked, limit or None)
    raise typer.Exit(GATE if checked.errors else 0)


def _checked_program(path: Path | None, sarif: Path | None) -> LoadedProgram:
    """The program; what is wrong with its file is also written as SARIF, where that is asked for."""
    from orchestration.checking.sarif import sarif_of_program
    from orchestration.terms.load import ProgramFileError, load_program

    if path is not None and sarif is not None:
        try:
            return load_program(path)
        except ProgramFileError as error:
            _write_json(sarif, sarif_of_program(error.problems))
    return _program(path)


def _write_json(path: Path, value: Any) -> None:
    try:
        path.write_text(json.dumps(value, indent=2), "utf-8")
    except OSError as error:
        _fail(USAGE, f"cannot write {path}: {error.strerror}; name another file")


def _print_next(loaded: LoadedProgram, landing: Path, home: Path) -> None:
    """The most urgent of what `bonus` on its own says in the present state."""
    options = _options(loaded, landing, home)
    step = next_steps(home, loaded, options, landing=landing)[0]
    _print(f"Next: {step.sentence}\n  {step.command}")


def _options(loaded: LoadedProgram, landing: Path | None, home: Path) -> str:
    """The options that a command has to be given to work on the same, in the caller's own shell."""
    return Place(loaded.path, landing, home).options(_CALLERS)


def _program(path: Path | None) -> LoadedProgram:
    from orchestration.terms.load import ProgramFileError, load_program

    if path is None:
        _fail(USAGE, "which program? Give --program FILE or set BONUS_PROGRAM")
    try:
        return load_program(path)
    except ProgramFileError as error:
        _fail(USAGE, str(error))


def _other_programs(
    loaded: LoadedProgram, paths: Sequence[Path], settings: Sequence[str]
) -> list[LoadedProgram]:
    """The programs of a simulation: of other files, or with other values, or both."""
    from orchestration.terms.load import ProgramFileError
    from orchestration.terms.settings import SettingError, with_settings

    if not paths and not settings:
        _fail(USAGE, "which other terms? Give --with FILE or --set PATH=VALUE")
    try:
        programs = [_program(path) for path in paths] or [loaded]
        return [with_settings(program, settings) for program in programs]
    except (ProgramFileError, SettingError) as error:
        _fail(USAGE, str(error))


def _known_period(loaded: LoadedProgram, period: str) -> None:
    known = [entry.key for entry in loaded.program.periods]
    if period not in known:
        _fail(
            USAGE,
            f"{loaded.program.program} has no period {period!r}; its periods: {', '.join(known)}",
        )


def _person(name: str) -> str:
    from orchestration.terms.people import is_person, what_is_wrong

    if not is_person(name):
        _fail(USAGE, f"{name[:40]!r} cannot be the name of --by: {what_is_wrong(name)}")
    return name.strip()


def _landing(path: Path | None) -> Path:
    if path is None:
        _fail(USAGE, "which landing directory? Give --landing DIR or set BONUS_LANDING")
    if not path.is_dir():
        _fail(USAGE, f"{path} is no directory; --landing takes the folder that holds the datasets")
    if not os.access(path, os.R_OK | os.X_OK):
        _fail(USAGE, f"{path} cannot be read; check its permissions")
    return path


def _known_landing(path: Path | None) -> Path | None:
    """The landing directory, for a command that can do without: None where it is not there."""
    return path if path is not None and path.is_dir() else None


def _home(path: Path, *, is_written: bool = True) -> Home:
    """The home, ready for use; also where this process's Dagster keeps its instance."""
    from orchestration.pipeline.home import Home, Unfit

    home = Home(path)
    not_ours = f"{path} cannot be written by this user; check its permissions, or run as its owner"
    # What is written into the home is for its owner alone.
    os.umask(0o077)
    try:
        home.prepare()
    except PermissionError:
        _fail(USAGE, not_ours)
    except OSError as error:
        _fail(
            USAGE,
            f"{path} cannot be used as home: {error.strerror}; mend that, or name another folder with --home",
        )
    except Unfit as error:
        _fail(USAGE, str(error))
    if is_written and not os.access(home.path, os.W_OK | os.X_OK):
        _fail(USAGE, not_ours)
    os.environ["BONUS_HOME"] = str(home.path)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    return home


def _say(message: str) -> None:
    """To standard error, with control characters made visible."""
    typer.echo(printable(message), err=True)


def _print(message: str) -> None:
    """To standard output, with control characters made visible."""
    typer.echo(printable(message))


def _fail(status: int, message: str) -> NoReturn:
    _say(message)
    raise typer.Exit(status)


def _print_json(value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    # What does not print stands in strings only, where JSON's own escapes mean the same.
    typer.echo("".join(c if c == "\n" or c.isprintable() else json.dumps(c)[1:-1] for c in text))


def main() -> None:
    """The entry point: whatever goes wrong, one clear message and a status of §10."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
    try:
        app()
    except Exception as error:
        if os.environ.get("BONUS_TRACEBACK"):
            raise
        from orchestration.foundations.unexpected import unexpected
        from orchestration.pipeline.home import Busy, Damaged
        from orchestration.pipeline.refusals import Refused
        from orchestration.records import Unreadable

        if isinstance(error, Busy | Damaged | Refused | Unreadable):
            _say(str(error))
            sys.exit(UNEXPECTED if isinstance(error, Damaged) else STATE)

        said = unexpected(type(error).__name__, str(error))
        _say(f"{said}\n(set BONUS_TRACEBACK=1 for the traceback)")
        sys.exit(1)


if __name__ == "__main__":
    main()
