"""The edge of the command line: options that commands share, what they demand of them, and how they speak.

The environment is read here and in `app`; what a command works on is passed on as arguments.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from orchestration.command_line.next_steps import Place, next_steps
from orchestration.foundations.texts import printable

if TYPE_CHECKING:
    from orchestration.ingest.landing_place import Landing
    from orchestration.pipeline.home import Home
    from orchestration.terms.load import LoadedProgram


class Engine(StrEnum):
    """The engines of `--engine`."""

    DUCKDB = "duckdb"
    SPARK = "spark"


UNEXPECTED, USAGE, GATE, STATE, DIFFERENT = 1, 2, 3, 4, 5

ProgramOption = Annotated[
    Path | None,
    typer.Option("--program", envvar="BONUS_PROGRAM", metavar="FILE", help="The program file."),
]
LandingOption = Annotated[
    str | None,
    typer.Option(
        "--landing",
        envvar="BONUS_LANDING",
        metavar="DIR",
        help="The landing directory, or s3://BUCKET/PREFIX (also gs://, az://).",
    ),
]


def _folder(text: str | Path) -> Path:
    """A folder by its name; what a script makes of a variable that is not set names none."""
    if text == "":
        raise typer.BadParameter("found nothing, expected a folder; for this one say .")
    return Path(text)


HomeOption = Annotated[
    Path,
    typer.Option(
        "--home",
        envvar="BONUS_HOME",
        parser=_folder,
        metavar="DIR",
        help="Where everything is kept: work files, published tables, Dagster's instance.",
    ),
]
EngineOption = Annotated[
    Engine,
    typer.Option(
        "--engine",
        envvar="BONUS_ENGINE",
        help="What builds the tables: duckdb, or spark for more than one machine holds (docs/spark.md).",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a machine to read.")]
HOME_DEFAULT = Path("bonus-home")

CALLERS: dict[str, str] = {}
"""The caller's environment. That of this process has since been changed by `prepared_home`, for Dagster."""


def show_next(loaded: LoadedProgram, landing: Landing, home: Path) -> None:
    """The most urgent of what `bonus` on its own says in the present state."""
    options = options_for(loaded, landing, home)
    step = next_steps(home, loaded, options, landing=landing)[0]
    show(f"Next: {step.sentence}\n  {step.command}")


def options_for(loaded: LoadedProgram, landing: Landing | str | None, home: Path) -> str:
    """The options that a command has to be given to work on the same, in the caller's own shell."""
    return Place(loaded.path, None if landing is None else str(landing), home).options(CALLERS)


def loaded_program(path: Path | None) -> LoadedProgram:
    """The program of --program; status 2, with every fault, if there is none."""
    from orchestration.terms.load import ProgramFileError, load_program

    if path is None:
        fail(USAGE, "which program? Give --program FILE or set BONUS_PROGRAM")
    try:
        return load_program(path)
    except ProgramFileError as error:
        fail(USAGE, str(error))


def demand_period(loaded: LoadedProgram, period: str) -> None:
    """Status 2 if the program has no such period."""
    known = [entry.key for entry in loaded.program.periods]
    if period not in known:
        fail(
            USAGE,
            f"{loaded.program.program} has no period {period!r}; its periods: {', '.join(known)}",
        )


def demand_engine(engine: Engine) -> None:
    """Status 2, saying what to install, where this machine lacks what the engine takes."""
    from orchestration.pipeline.engines import engine_named
    from orchestration.pipeline.refusals import Refused

    try:
        engine_named(engine, os.environ)
    except Refused as error:
        fail(USAGE, str(error))


def demand_mirror() -> None:
    """Status 2 where BONUS_MIRROR is no good address, before anything is done that it would have to show."""
    from orchestration.ingest.bucket import NoBucket
    from orchestration.pipeline.mirror import mirror_of

    try:
        mirror_of(os.environ)
    except NoBucket as error:
        fail(USAGE, str(error))


def person_name(name: str) -> str:
    """The name of --by; status 2 if it cannot be a person's (§7)."""
    from orchestration.terms.people import is_person, what_is_wrong

    if not is_person(name):
        fail(USAGE, f"{name[:40]!r} cannot be the name of --by: {what_is_wrong(name)}")
    return name.strip()


def landing_place(text: str | None) -> Landing:
    """The landing directory of --landing, or its bucket; status 2 if it cannot be listed."""
    from orchestration.ingest.landing_place import why_unreadable

    if text is None:
        fail(USAGE, "which landing directory? Give --landing DIR or set BONUS_LANDING")
    place = _place(text)
    if why := why_unreadable(place):
        fail(USAGE, why)
    return place


def known_landing(text: str | None) -> Landing | None:
    """The landing directory, for a command that can do without: None where it is not there.

    A bucket is not asked.
    """
    from orchestration.ingest.landing_place import is_there

    place = None if text is None else _place(text)
    return place if place is not None and is_there(place) else None


def _place(text: str) -> Landing:
    from orchestration.ingest.bucket import NoBucket
    from orchestration.ingest.landing_place import landing_at

    try:
        return landing_at(text)
    except NoBucket as error:
        fail(USAGE, f"--landing: {error}")


def prepared_home(path: Path, *, is_written: bool = True, keeps_mask: bool = False) -> Home:
    """The home, ready for use; also where this process's Dagster keeps its instance.

    Status 2 if it cannot be used, or not be written where `is_written`. What is written from now on is
    for its owner alone, unless `keeps_mask`: for a command that writes for others, outside the home.
    """
    from orchestration.pipeline.home import Home, Unfit

    home = Home(path, on_wait=say)
    not_ours = f"{path} cannot be written by this user; check its permissions, or run as its owner"
    # What is written into the home is for its owner alone.
    callers_mask = os.umask(0o077)
    try:
        home.prepare()
    except PermissionError:
        fail(USAGE, not_ours)
    except OSError as error:
        fail(
            USAGE,
            f"{path} cannot be used as home: {error.strerror}; mend that, or name another folder with --home",
        )
    except Unfit as error:
        fail(USAGE, str(error))
    if is_written and not os.access(home.path, os.W_OK | os.X_OK):
        fail(USAGE, not_ours)
    os.environ["BONUS_HOME"] = str(home.path)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    if keeps_mask:
        os.umask(callers_mask)
    return home


@contextmanager
def writing_to(folder: Path, option: str = "--out") -> Iterator[None]:
    """Status 2 where what an option names cannot be written."""
    try:
        yield
    except OSError as error:
        fail(
            USAGE, f"cannot write to {folder}: {error.strerror}; name another folder with {option}"
        )


def fail_before_run(
    what: str, period: str, loaded: LoadedProgram, landing: str | None, home: Path
) -> NoReturn:
    """Status 4, and the command by which the period gets what it lacks."""
    options = options_for(loaded, landing, home)
    fail(STATE, f"{what}: bonus run {period}{options}")


def say(message: str) -> None:
    """To standard error, with control characters made visible."""
    typer.echo(printable(message), err=True)


def show(message: str) -> None:
    """To standard output, with control characters made visible."""
    typer.echo(printable(message))


def fail(status: int, message: str) -> NoReturn:
    """Ends the command with a status of §10 and a message."""
    say(message)
    raise typer.Exit(status)


def show_json(value: Any) -> None:
    """To standard output, as JSON with control characters escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    # What does not print stands in strings only, where JSON's own escapes mean the same.
    typer.echo("".join(c if c == "\n" or c.isprintable() else json.dumps(c)[1:-1] for c in text))
