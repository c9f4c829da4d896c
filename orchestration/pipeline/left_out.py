"""The periods that a program file leaves out before one that is to be closed (§7: earlier periods first)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress

from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.pipeline.run_state import last_run
from orchestration.publishing.store import PROGRAM_FILE, Publication
from orchestration.terms.load import ProgramFileError, load_program, parse_program
from orchestration.terms.model import Program


def left_out(
    home: Home, publication: Publication | None, order: Sequence[str], closed: Collection[str]
) -> list[str]:
    """The periods that stand before this one, and not in `order`, by a program file that somebody has run.

    That is the file of its own run, of a run of theirs that began after it, or the one that the home knows. But
    for those that are closed, or were published once and withdrawn since: they may leave the file.
    """
    if publication is None:
        return []
    period, program = publication.period, publication.program()
    known = {*order[: order.index(period)], *closed}
    files = [
        program,
        *_begun_since(home, program.program, period, known),
        *_registered(home, program.program),
    ]
    earlier = dict.fromkeys(key for file in files for key in _before(file, period))
    return [
        key
        for key in earlier
        if key not in known
        and not ((last := last_run(home, program.program, key)) and last.has_published)
    ]


def _registered(home: Home, program: str) -> Iterator[Program]:
    """The program file that runs have named last, as it is now; none where that cannot be read."""
    known = home.registrations().get(program)
    if known is not None:
        with suppress(ProgramFileError):
            yield load_program(known.program_file).program


def _before(program: Program, period: str) -> list[str]:
    """The periods that stand before one in a program file; none where that is not there."""
    keys = [entry.key for entry in program.periods]
    return keys[: keys.index(period)] if period in keys else []


def _begun_since(
    home: Home, program: str, period: str, known: Collection[str]
) -> Iterator[Program]:
    """The program files of the last runs of periods that are not `known`, which began after this one was published."""
    own = last_run(home, program, period)
    for folder in sorted(home.last_run_folder(program, period).parent.glob("period=*")):
        key = folder.name.removeprefix("period=")
        last = None if key in known else last_run(home, program, key)
        if last is None or (own and last.generation <= own.generation):
            continue
        file = folder / PROGRAM_FILE
        try:
            yield parse_program(file.read_bytes(), str(file))
        except (OSError, ProgramFileError):
            raise Refused(
                f"{file} cannot be read, by which the last run of {key} was; run {key} again"
            ) from None
