"""Notices beside what is published: a later run that was not published, and what changed since.

The figures of a page are those of the run that was published; these sentences say when that is not
the whole story.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from orchestration.pipeline.changed_inputs import Changed, changes_of_published
from orchestration.pipeline.home import Home
from orchestration.pipeline.later_runs import later_run
from orchestration.pipeline.refusals import Refused
from orchestration.publishing.store import Publication
from orchestration.terms.load import ProgramFileError, load_program


@dataclass(frozen=True, slots=True)
class Notices:
    """By period: the fate of a later run of it, in words; of open published ones, what changed since."""

    later_runs: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, Changed] = field(default_factory=dict)

    def of(self, period: str) -> list[str]:
        """The sentences about a period; none if there is nothing to tell."""
        found = []
        if said := self.later_runs.get(period):
            found.append(_sentence(said))
        if change := self.changes.get(period):
            found.append(
                f"{change.said[0].upper()}{change.said[1:]} this run; to count what lies there now,"
                " run the period again."
            )
        return found

    def all(self) -> list[str]:
        """The sentences about all periods: one for those after whose runs the same has changed."""
        found = [_sentence(said) for said in self.later_runs.values()]
        of_what: dict[str, list[str]] = {}
        for key, change in self.changes.items():
            of_what.setdefault(change.said, []).append(key)
        for said, keys in of_what.items():
            which = f"run{'s' if keys[1:] else ''} of {', '.join(keys)}"
            found.append(
                f"{said[0].upper()}{said[1:]} the {which}; to count what lies there now, run again."
            )
        return found


NOTHING: Final = Notices()


def _sentence(said: str) -> str:
    """A sentence about a run, whose starter's name comes from outside; with its end."""
    return f"{said[:1].upper()}{said[1:]}."


def notices(home: Home, program: str, published: Mapping[str, Publication]) -> Notices:
    """The notices on the periods of a program, published or not.

    Without its program file, which the home knows, only the published ones are known, and nothing is
    compared with what lies there now.
    """
    registration = home.registrations().get(program)
    known = list(published)
    changes: dict[str, Changed] = {}
    if registration is not None:
        with suppress(ProgramFileError):
            loaded = load_program(registration.program_file)
            changes = changes_of_published(home, loaded)
            known = list(dict.fromkeys([*(one.key for one in loaded.program.periods), *published]))
    later = {}
    for period in known:
        record = published[period].record() if period in published else None
        with suppress(Refused):
            if said := later_run(home, program, period, record):
                later[period] = said
    still_open = {key: change for key, change in changes.items()
                  if change and key in published and published[key].state == "estimated"}  # fmt: skip
    return Notices(later, still_open)
