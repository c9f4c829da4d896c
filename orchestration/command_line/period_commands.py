"""The commands of a bonus period: it is run, looked at, closed, withdrawn and verified."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.command_line.edge import (
    DIFFERENT,
    GATE,
    HOME_DEFAULT,
    STATE,
    USAGE,
    Engine,
    EngineOption,
    HomeOption,
    JsonOption,
    LandingOption,
    ProgramOption,
    demand_engine,
    demand_mirror,
    demand_period,
    fail,
    fail_before_run,
    known_landing,
    landing_place,
    loaded_program,
    options_for,
    person_name,
    prepared_home,
    say,
    show,
    show_json,
    show_next,
    writing_to,
)
from orchestration.foundations.files import files_placed

if TYPE_CHECKING:
    from orchestration.dagster_glue.run_in_process import Outcome
    from orchestration.ingest.landing_place import Landing
    from orchestration.pipeline.home import Home
    from orchestration.terms.load import LoadedProgram


def run(
    periods: Annotated[list[str], typer.Argument(metavar="PERIOD...", help="Bonus periods.")],
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who starts the run.")
    ] = None,
    engine: EngineOption = Engine.DUCKDB,
    rehash: Annotated[
        bool,
        typer.Option(
            "--rehash", help="Hash and read all landing files, also those that look as they did."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run periods through all stages and gates, and publish them.

    Example: bonus run 2024-04 2024-05 --by ada
    """
    loaded = loaded_program(program)
    for period in periods:
        demand_period(loaded, period)
    lands_at = landing_place(landing)
    by = None if by is None else person_name(by)
    demand_engine(engine)
    demand_mirror()
    place = prepared_home(home)
    outcomes = run_periods(
        loaded, periods, lands_at, place, by, quiet=as_json, rehash=rehash, engine=engine
    )
    if as_json:
        show_json([outcome.to_json() for outcome in outcomes])
    elif {row.exit_status for row in outcomes} <= {0, GATE}:
        # Any other failure has said itself what to do, and may have left a state that cannot be read.
        show_next(loaded, lands_at, home)
    raise typer.Exit(first_failure(outcomes))


def run_periods(
    loaded: LoadedProgram,
    periods: Sequence[str],
    landing: Landing,
    place: Home,
    by: str | None,
    *,
    quiet: bool,
    rehash: bool = False,
    engine: str = Engine.DUCKDB,
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
                outcome = run_period(
                    place, loaded, period, landing, by, progress, rehash=rehash, engine=str(engine)
                )
            outcomes.append(outcome)
            if outcome.error:
                say(f"{period}: {outcome.error}")
            console.summary(outcome)
    finally:
        WORKER.close()
    return outcomes


def first_failure(outcomes: Sequence[Outcome]) -> int:
    return next((row.exit_status for row in outcomes if row.exit_status), 0)


def close(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A published period.")],
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="NAME", help="Who closes it; not who started its run."),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what it would fix, and write nothing.")
    ] = False,
    revision: Annotated[
        int | None,
        typer.Option(
            "--revision", metavar="N", help="Only what --preview showed: nothing that came after."
        ),
    ] = None,
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Close a published period: nothing ever changes it again.

    With --preview only shown: its amounts against the period before, warnings, what is held, whose
    work is in it, what stands against the close, and what changed since the run.

    Example: bonus close 2024-04 --preview

    Example: bonus close 2024-04 --by grace --revision 7
    """
    loaded = loaded_program(program)
    demand_period(loaded, period)
    if by is None and not preview:
        fail(USAGE, "who closes it? Give --by NAME, or look first with --preview")
    approver = None if by is None else person_name(by)
    place = prepared_home(home, is_written=not preview)
    if preview or approver is None:
        _preview(place, loaded, period, approver, landing, home, as_json=as_json)
        return
    known = known_landing(landing)
    with _job_of_the_ui():
        from orchestration.dagster_glue.run_in_process import close as close_run
        from orchestration.pipeline.changed_inputs import changes_of_published

        change = changes_of_published(place, loaded, known).get(period)
        entry, failed_after = close_run(place, loaded, period, approver, known, seen=revision)
    if failed_after:
        say(f"{period} is closed, but not all that follows is done: {failed_after}")
    if change:
        say(change.said_at_close(period))
    if as_json:
        show_json(entry.to_json())
    else:
        show(
            f"{period} is closed by {entry.approved_by}, revision {entry.revision}; "
            f"ledger {entry.ledger_sha256}"
        )


def _preview(
    place: Home,
    loaded: LoadedProgram,
    period: str,
    by: str | None,
    landing: str | None,
    home: Path,
    *,
    as_json: bool,
) -> None:
    from orchestration.reports.preview import close_preview

    found = close_preview(place, loaded, period, by, known_landing(landing))
    if found is None:
        fail_before_run(
            f"{period} is not published yet; run it first", period, loaded, landing, home
        )
    if as_json:
        show_json(found.to_json())
        return
    from orchestration.command_line.console import Console

    Console().preview(found, by or "NAME", options_for(loaded, landing, home))


@contextmanager
def _job_of_the_ui() -> Iterator[None]:
    """A job of the UI in this process, with gates; what it refuses ends the command with its status.

    Later periods are settled anew by it and pass their gate, which is started before the imports.
    """
    from orchestration.pipeline.gate_worker import WORKER

    WORKER.start()
    from orchestration.dagster_glue.run_in_process import Stopped
    from orchestration.pipeline.home import Busy
    from orchestration.pipeline.refusals import Refused

    demand_mirror()
    try:
        yield
    except (Busy, Refused) as error:
        fail(STATE, str(error))
    except Stopped as error:
        fail(error.status, str(error))
    finally:
        WORKER.close()


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
    loaded = loaded_program(program)
    person = person_name(by)
    place = prepared_home(home)
    if period not in place.store(loaded.program.program).published():
        demand_period(loaded, period)
    with _job_of_the_ui():
        from orchestration.dagster_glue.run_in_process import withdraw as withdraw_run

        withdraw_run(place, loaded, period, person, known_landing(landing))
    if as_json:
        show_json({"program": loaded.program.program, "period": period, "withdrawn_by": person})
    else:
        show(f"{period} was withdrawn by {person}; later open periods, if any, are settled anew")


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
    loaded = loaded_program(program)
    if since is not None and not re.fullmatch("[0-9a-f]{64}", since):
        fail(USAGE, f"--since takes a hash of 64 digits and letters a to f, not {since[:80]!r}")
    place = prepared_home(home)
    from orchestration.pipeline.verifying import line_of
    from orchestration.pipeline.verifying import verify as verify_books

    found = verify_books(place, loaded.program)
    line = line_of(place, loaded.program.program, since) if since is not None else None
    if since is not None and line is None:
        lost = f"close log: no line has the hash {since}; a line was changed or taken out"
        found = replace(found, differences=[*found.differences, lost])
    from orchestration.command_line.console import Console
    from orchestration.pipeline.changed_inputs import changes_of_published

    known = known_landing(landing)
    changes = changes_of_published(place, loaded, known)
    if as_json:
        told = {} if since is None else {"since": {"sha256": since, "line": line}}
        changed = {period: change.to_json() for period, change in changes.items()}
        show_json(asdict(found) | told | {"changed": changed})
    elif not found.differences:
        show(
            f"{len(found.periods)} published and {len(found.closed)} closed periods, "
            f"{found.files:,} files and {found.journal_entries:,} journal entries agree"
        )
        if line is not None:
            show(f"the close log has that hash: line {line} of {len(found.closed)}")
        still_open = {key: row for key, row in changes.items() if key not in found.closed}
        Console().changed(still_open, options_for(loaded, known, home))
    if found.differences:
        # One line each: a name in a file that was tampered with must not make up lines of its own.
        differences = [text.replace("\n", r"\n") for text in found.differences]
        say("\n".join([*differences, f"{len(found.differences)} differences"]))
        raise typer.Exit(DIFFERENT)
    if not found.periods:
        fail(STATE, f"{loaded.program.program}: nothing is published yet in {place.path}")


def status(
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Show the periods: their state, last run, gates and totals.

    Example: bonus status --json
    """
    loaded = loaded_program(program)
    place = prepared_home(home)
    known = known_landing(landing)
    from orchestration.dagster_glue.period_states import left_due, period_states

    states = period_states(place, loaded, known)
    left = left_due(place, loaded.program)
    if as_json:
        show_json({"program": loaded.program.program, "periods": states, "left_due": left})
        return
    from orchestration.command_line.console import Console

    console = Console()
    console.status(loaded.program.program, states, options_for(loaded, known, home))
    console.left_due(left)


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
    loaded = loaded_program(program)
    if period is not None:
        demand_period(loaded, period)
    usual = os.umask(0o077)
    place = prepared_home(home)
    published = place.store(loaded.program.program).published()
    if period is not None and period not in published:
        fail_before_run(
            f"{period} is not published yet; run it first", period, loaded, landing, home
        )
    if not published:
        options = options_for(loaded, landing, home)
        fail(STATE, f"nothing is published yet; run a period first: bonus run PERIOD{options}")
    from orchestration.reports.write import write_asked

    if out is not None:
        os.umask(usual)
    try:
        files = write_asked(place, loaded.program.program, period, out)
    except OSError as error:
        where, why = out or "the home's reports", error.strerror or error
        fail(USAGE, f"cannot write to {where}: {why}; name another place with --out")
    if as_json:
        show_json([str(path) for path in files])
    else:
        show("\n".join(str(path) for path in files))


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
    loaded = loaded_program(program)
    demand_period(loaded, period)
    place = prepared_home(home)
    from orchestration.ingest.quarantine import read_quarantine

    try:
        view = read_quarantine(place.quarantine_folder(loaded.program.program, period), limit)
    except FileNotFoundError:
        fail_before_run(
            f"{period} was not ingested yet; run it first", period, loaded, landing, home
        )
    if as_json:
        show_json({"program": loaded.program.program, "period": period, **asdict(view)})
        return
    from orchestration.command_line.console import Console

    Console().quarantine(period, view)


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
    loaded = loaded_program(program)
    demand_period(loaded, period)
    name, place = loaded.program.program, prepared_home(home, is_written=False)
    from orchestration.pipeline.refusals import Refused, describe_all
    from orchestration.pipeline.run_state import STAGES, last_run

    try:
        record = last_run(place, name, period)
    except Refused as error:
        fail(STATE, str(error))
    verdicts = (
        {stage: record.gates[stage] for stage in STAGES if stage in record.gates} if record else {}
    )
    if record is None or not verdicts:
        fail_before_run(
            f"no gate of {period} was asked yet; run it first", period, loaded, landing, home
        )
    if as_json:
        told = {stage: result.to_json() for stage, result in verdicts.items()}
        show_json({"program": name, "period": period, "run_id": record.run_id, "gates": told})
    else:
        show(f"{period}: run {record.run_id} of {record.by}")
        show("\n".join(describe_all(stage, result) for stage, result in verdicts.items()))
    if docs is None:
        return
    from expectations.data_docs import write_data_docs

    with writing_to(docs, "--docs"), files_placed(docs, outside=place.apart()) as fresh:
        page = write_data_docs(
            verdicts, record.run_id, datetime.fromisoformat(record.started_at), fresh
        )
    if not as_json:
        show(f"Data Docs: {docs / page.name}")
