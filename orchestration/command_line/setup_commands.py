"""The commands to begin with: a program of one's own, made data, the UI, and a look at landing data."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.command_line.edge import (
    GATE,
    HOME_DEFAULT,
    USAGE,
    Engine,
    EngineOption,
    HomeOption,
    JsonOption,
    LandingOption,
    ProgramOption,
    demand_engine,
    fail,
    known_landing,
    landing_place,
    loaded_program,
    options_for,
    prepared_home,
    show,
    show_json,
    show_next,
)
from orchestration.command_line.next_steps import DEMO
from orchestration.command_line.period_commands import first_failure, run_periods
from orchestration.foundations.files import write_named_file

if TYPE_CHECKING:
    from orchestration.sample import SampleSummary
    from orchestration.terms.load import LoadedProgram

CreatorsOption = Annotated[int, typer.Option(min=60, max=100_000, help="How many creators.")]
PeriodsOption = Annotated[int, typer.Option(min=1, max=24, help="How many monthly periods.")]
SEED = 2024


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
        fail(USAGE, f"{error}; name a folder that is new or empty")
    except AnswerError as error:
        fail(USAGE, str(error))
    except OSError as error:
        fail(USAGE, f"cannot write to {folder}: {error.strerror}; name another folder")
    show(
        f"{folder / 'README.md'} says what is what, and what to deliver.\n"
        f"Try the example:\n  {shlex.join(command)}"
    )


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
        show_json(asdict(summary))
        return
    program_file, landing = out / "program.yaml", out / "landing"
    show(f"{program_file}\n{landing}")
    show_next(loaded_program(program_file), landing, out / "home")


def _sample(out: Path, creators: int, periods: int, seed: int) -> SampleSummary:
    from orchestration.sample import write_sample

    try:
        return write_sample(out, creators=creators, periods=periods, seed=seed)
    except OSError as error:
        fail(USAGE, f"cannot write to {out}: {error}; name an empty folder with --out")


def _demand_sample(program_file: Path) -> None:
    """Status 2 where another program than a sample lies: a demo would run all its periods."""
    from orchestration.sample.program import FIRST_LINE

    if program_file.is_file() and not program_file.read_bytes().startswith(FIRST_LINE.encode()):
        fail(USAGE, f"{program_file} is not of bonus sample; name another folder with --out")


def demo(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where it lies; a demo there goes on.")
    ] = DEMO,
    creators: CreatorsOption = 2000,
    periods: PeriodsOption = 6,
    engine: EngineOption = Engine.DUCKDB,
) -> None:
    """Show all of it on made data: writes a sample, runs its periods, says what came of them.

    Example: bonus demo --out demo
    """
    demand_engine(engine)
    program_file, landing, home = out / "program.yaml", out / "landing", out / "home"
    if not landing.is_dir():
        _sample(out, creators, periods, SEED)
    else:
        _demand_sample(program_file)
    loaded = loaded_program(program_file)
    place = prepared_home(home)
    keys = [period.key for period in loaded.program.periods]
    lands_at = landing_place(str(landing))
    outcomes = run_periods(loaded, keys, lands_at, place, None, quiet=False, engine=engine)
    if status := first_failure(outcomes):
        raise typer.Exit(status)
    from orchestration.command_line.console import Console
    from orchestration.dagster_glue.period_states import period_states

    options = options_for(loaded, landing, home)
    Console().status(loaded.program.program, period_states(place, loaded, landing), options)
    from orchestration.sample.posts import INCIDENTS

    for at, incident in INCIDENTS.items():
        if at < len(keys):
            show(f"The warning of {keys[at]} was put into the sample: {incident}.")
    show(f"See it in the browser:\n  bonus ui{options}")
    show("Begin a program of your own:\n  bonus init mine")


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
    place = prepared_home(home)
    files: tuple[str, ...] = ()
    if program is not None:
        files = (str(loaded_program(program).path.resolve()), str(landing_place(landing).resolve()))
    from orchestration.command_line.serve_ui import NotServed, serve_ui

    try:
        serve_ui(place.path, files, port, host or ())
    except NotServed as error:
        fail(error.status, str(error))


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
    from orchestration.pipeline.home import Home

    apart = Home(home).apart(program, known_landing(landing)) if sarif else []
    loaded = _checked_program(program, sarif, apart)
    for name in datasets or ():
        if name not in DATASET_NAMES:
            near = nearest_name(name, DATASET_NAMES)
            hint = f"; perhaps {near}" if near else ""
            fail(USAGE, f"there is no dataset {name!r}; there are {', '.join(DATASET_NAMES)}{hint}")
    from orchestration.checking.check import check_landing
    from orchestration.checking.sarif import sarif_of
    from orchestration.ingest.bucket import NotReachable
    from orchestration.pipeline.engine_limits import EngineLimits

    try:
        checked = check_landing(
            loaded, landing_place(landing), datasets or (), EngineLimits.of(os.environ)
        )
    except NotReachable as error:
        fail(USAGE, str(error))
    if sarif is not None:
        _write_json(sarif, sarif_of(checked), apart)
    if as_json:
        show_json(checked.to_json())
    else:
        from orchestration.command_line.console import Console

        Console().checked(checked, limit or None)
    raise typer.Exit(GATE if checked.errors else 0)


def _checked_program(path: Path | None, sarif: Path | None, apart: Sequence[Path]) -> LoadedProgram:
    """The program; what is wrong with its file is also written as SARIF, where that is asked for."""
    from orchestration.checking.sarif import sarif_of_program
    from orchestration.terms.load import ProgramFileError, load_program

    if path is not None and sarif is not None:
        try:
            return load_program(path)
        except ProgramFileError as error:
            _write_json(sarif, sarif_of_program(error.problems), apart)
    return loaded_program(path)


def _write_json(path: Path, value: Any, apart: Sequence[Path]) -> None:
    try:
        write_named_file(path, json.dumps(value, indent=2).encode(), outside=apart)
    except OSError as error:
        fail(USAGE, f"cannot write {path}: {error.strerror}; name another file")
