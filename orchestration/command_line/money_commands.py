"""The commands for money: files for the bank and the books, adjustments by hand, and other terms."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from orchestration.command_line.edge import (
    DIFFERENT,
    GATE,
    HOME_DEFAULT,
    STATE,
    USAGE,
    HomeOption,
    JsonOption,
    LandingOption,
    ProgramOption,
    demand_period,
    fail,
    fail_before_run,
    known_landing,
    landing_place,
    loaded_program,
    person_name,
    prepared_home,
    say,
    show,
    show_json,
    writing_to,
)
from orchestration.foundations.texts import shown

if TYPE_CHECKING:
    from orchestration.adjusting.proposals import Row
    from orchestration.payments.payouts import Due
    from orchestration.payments.returns import Answered
    from orchestration.pipeline.home import Home
    from orchestration.terms.load import LoadedProgram

ExportFormat = Literal["csv", "parquet", "xlsx", "beancount"]


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
        fail(USAGE, f"--spreadsheet is for csv; in {as_format} no text is run as a formula")
    loaded = loaded_program(program)
    demand_period(loaded, period)
    place = prepared_home(home, is_written=False, keeps_mask=True)
    publication = place.store(loaded.program.program).published().get(period)
    if publication is None:
        fail_before_run(
            f"{period} is not published yet; run it first", period, loaded, landing, home
        )
    from orchestration.publishing.export import TooManyRows, export_period

    apart = place.apart(loaded.path)
    try:
        with writing_to(out):
            if as_format == "beancount":
                from orchestration.payments.beancount import export_beancount

                files = export_beancount(place, loaded.program, period, out, outside=apart)
            else:
                files = export_period(
                    publication,
                    out,
                    spreadsheet=spreadsheet,
                    as_format=as_format,
                    outside=apart,
                )
    except TooManyRows as error:
        fail(USAGE, str(error))
    if as_json:
        show_json([str(path) for path in files])
    else:
        show("\n".join(str(path) for path in files))


def mirror(
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            envvar="BONUS_MIRROR",
            metavar="ADDRESS",
            help="The bucket, as s3://BUCKET/PREFIX (also gs://, az://).",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Send nothing: fetch all that lies there, and compare it."),
    ] = False,
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Show all that is published in a bucket, whole at every instant, for readers elsewhere.

    With BONUS_MIRROR set, runs, closes and withdrawals do it at their end.

    Example: bonus mirror --to s3://bucket/published

    Example: bonus mirror --to s3://bucket/published --check
    """
    loaded = loaded_program(program)
    name = loaded.program.program
    if to is None:
        fail(USAGE, "which bucket? Give --to s3://BUCKET/PREFIX or set BONUS_MIRROR")
    from orchestration.command_line.console import Console
    from orchestration.ingest.bucket import Bucket, NoBucket, NotReachable
    from orchestration.pipeline import mirror as mirrors

    try:
        place = Bucket.of(to)
    except NoBucket as error:
        fail(USAGE, f"--to: {error}")
    at = prepared_home(home)
    if not at.store(name).published():
        fail(STATE, f"{name} has nothing published in {home}; run a period first")
    try:
        with Console(quiet=as_json).progress("mirror") as tell:
            if check:
                found = mirrors.differences(at, name, place, tell)
            else:
                done = mirrors.mirror(at, name, place, tell, landing=known_landing(landing))
    except NotReachable as error:
        fail(USAGE, str(error))
    if not check:
        if as_json:
            show_json(asdict(done))
        else:
            show(
                f"{done.address}: {done.periods:,} periods of generation {done.generation}; {done.sent:,} files"
                f" sent ({done.sent_bytes:,} bytes), {done.deleted:,} deleted"
            )
        return
    if as_json:
        show_json({"differences": found})
    else:
        show("\n".join(found) or "the mirror is what is published here")
    raise typer.Exit(DIFFERENT if found else 0)


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
    loaded = loaded_program(program)
    demand_period(loaded, period)
    if accounts and debtor and out and not answers and not reconcile:
        _pay(prepared_home(home), loaded, period, accounts, debtor, out, as_json)
    elif reconcile and not (accounts or debtor or out):
        _reconcile(prepared_home(home), loaded, period, answers or [], as_json)
    elif answers and out and not (accounts or debtor or reconcile):
        _returned(prepared_home(home), loaded, period, answers, out, as_json)
    else:
        fail(
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
        with writing_to(out):
            paid = write_payments(due, accounts, debtor, out, outside=place.apart(loaded.path))
    except Unpayable as error:
        fail(USAGE, f"{error}\nnothing is written")
    if as_json:
        show_json({"program": due.program, "period": period} | paid.to_json(due))
        return
    for line in paid.lines(due):
        show(line)
    if paid.other_letters:
        say(paid.about_letters())


def _answered(
    place: Home, loaded: LoadedProgram, period: str, files: Sequence[Path]
) -> tuple[Due, Answered]:
    """The payouts that are due, with the bank's answers; its answers about others are told."""
    from orchestration.payments.answers import NoAnswer, read_answers
    from orchestration.payments.payouts import payouts_due
    from orchestration.payments.returns import judged

    due = payouts_due(place, loaded, period)
    answers, faults = [], []
    for path in files:
        try:
            read, bent = read_answers(path)
        except NoAnswer as error:
            faults.append(str(error))
            continue
        answers += read
        if bent:
            say(bent)
    if faults:
        fail(USAGE, "\n".join(faults))
    answered = judged(due, answers)
    if answered.unknown:
        say(
            f"{len(answered.unknown):,} ids of the bank's answers are none of {period}: "
            + ", ".join(shown(one, 80) or "(none)" for one in answered.unknown)
        )
    return due, answered


def _returned(
    place: Home, loaded: LoadedProgram, period: str, files: Sequence[Path], out: Path, as_json: bool
) -> None:
    due, answered = _answered(place, loaded, period, files)
    from orchestration.payments.returns import return_rows, write_returns

    rows = return_rows(due, answered)
    with writing_to(out):
        path = write_returns(due, rows, out, outside=place.apart(loaded.path))
    if answered.remarks:
        say("\n".join(answered.remarks))
    if as_json:
        told = {"path": path and str(path), "rows": len(rows), "payouts": len(answered.returns)}
        more = {"unknown": answered.unknown, "remarks": answered.remarks}
        show_json({"program": due.program, "period": period, **told, **more})
    elif path is None:
        show(f"nothing of {period} came back by these answers: no file is written")
    else:
        count = len(answered.returns)
        show(
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
        show_json({"program": due.program, "period": period, **told})
    else:
        for currency, one in found.sums.items():
            show(one.text(currency))
        if not found.sums:
            show(f"{period} pays nobody")
    if found.differences:
        say("\n".join([*found.differences, f"{len(found.differences)} differences"]))
        raise typer.Exit(DIFFERENT)


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
    open period posts it. Approve shows the creator's ledger before and after, and writes with --yes: with
    --amount and the like only if the row is still as they say.

    Example: bonus adjust propose --creator star-us --period 2024-04 --currency USD --amount 12.50
    --reason "p2 was no branded content" --by bo

    Example: bonus adjust approve hand-0123456789ab --by cy --yes
    """
    loaded, lands_at = loaded_program(program), landing_place(landing)
    place = prepared_home(home, is_written=False, keeps_mask=True)  # a row is read by whoever runs
    from orchestration.adjusting import proposals
    from orchestration.adjusting.step import take
    from orchestration.ingest.bucket import NotReachable

    now = datetime.now(UTC)

    def made(rows: Sequence[Row]) -> Row:
        cells = {
            "creator_id": creator, "period": period, "currency": currency, "amount": amount,
            "reason": reason,
        }  # fmt: skip
        if action == "propose":
            made_of = {"adjustment_id": adjustment, **cells}
            return proposals.proposed(loaded, rows, made_of, _given(by), now)
        if action == "approve":
            return proposals.approved(rows, adjustment, _given(by), now, looked_at=cells)
        return proposals.withdrawn(rows, adjustment, now)

    try:
        if action == "list":
            rows = proposals.in_force(proposals.landed(loaded, lands_at))
            _list_adjustments(loaded, list(rows.values()), as_json)
            return
        step = take(place, loaded, lands_at, made, is_written=action != "approve" or yes)
    except proposals.NotOne as error:
        fail(USAGE, str(error))
    except NotReachable as error:
        fail(USAGE, str(error))
    except OSError as error:
        fail(USAGE, f"cannot write to {lands_at}: {error.strerror}; check its permissions")
    if as_json:
        told = {"adjustment": step.row.to_json(), "path": step.path and str(step.path)}
        show_json({"program": loaded.program.program, **told, "preview": asdict(step.preview)})
    else:
        show(step.text)
        show(str(step.path) if step.path else _to_approve(step.row))


def _to_approve(row: Row) -> str:
    """The options by which this row is approved, and no other that takes its place meanwhile."""
    looked_at = {"creator": row.creator_id, "period": row.period, "currency": row.currency}
    cells = looked_at | {"amount": str(row.to_json()["amount"]), "reason": row.reason}
    options = " ".join(f"--{name}={shlex.quote(cell)}" for name, cell in cells.items())
    return f"nothing is written yet; to approve it as it stands here say --yes {options}"


def _given(by: str | None) -> str:
    if by is None:
        fail(USAGE, "who asks for it, or approves it? Give --by NAME")
    return person_name(by)


def _list_adjustments(loaded: LoadedProgram, rows: Sequence[Row], as_json: bool) -> None:
    if as_json:
        found = [row.to_json() | {"counts": row.decides.counts} for row in rows]
        show_json({"program": loaded.program.program, "adjustments": found})
    elif not rows:
        show("no adjustments are in the landing folder")
    else:
        show("\n".join(row.text for row in rows))


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
    loaded = loaded_program(program)
    for period in periods:
        demand_period(loaded, period)
    simulated = _other_programs(loaded, others or (), settings or ())
    lands_at = landing_place(landing)
    usual = os.umask(0o077)
    place = prepared_home(home)
    from orchestration.command_line.console import Console
    from orchestration.ingest.bucket import NotReachable
    from orchestration.ledger.settlement import MissingRate
    from orchestration.pipeline.gate_worker import WORKER
    from orchestration.pipeline.refusals import GateFailed, describe
    from orchestration.simulation.run import simulate_periods
    from orchestration.simulation.simulate import NotSimulable

    WORKER.start()
    try:
        with Console(quiet=as_json).progress("simulation") as progress:
            told = simulate_periods(
                place, loaded, simulated, settings or (), periods, lands_at, out, usual, progress
            )
    except (NotReachable, NotSimulable) as error:
        fail(USAGE, str(error))
    except GateFailed as error:
        fail(GATE, f"{error.period}: {describe(error.stage, error.result)}")
    except MissingRate as error:
        fail(GATE, str(error))
    finally:
        WORKER.close()
    if as_json:
        show_json(told)
    else:
        show(f"{out / 'index.html'}\n{out / 'summary.json'}")


def _other_programs(
    loaded: LoadedProgram, paths: Sequence[Path], settings: Sequence[str]
) -> list[LoadedProgram]:
    """The programs of a simulation: of other files, or with other values, or both."""
    from orchestration.terms.load import ProgramFileError
    from orchestration.terms.settings import SettingError, with_settings

    if not paths and not settings:
        fail(USAGE, "which other terms? Give --with FILE or --set PATH=VALUE")
    try:
        programs = [loaded_program(path) for path in paths] or [loaded]
        return [with_settings(program, settings) for program in programs]
    except (ProgramFileError, SettingError) as error:
        fail(USAGE, str(error))
