"""The next steps, as `bonus` on its own says them: from files alone, without Dagster.

Belongs here: looking at the present state and naming the next commands. Does not: deciding whether
a command may run, which each does itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from orchestration.ingest.landing_place import Landing
    from orchestration.pipeline.home import Home
    from orchestration.publishing.store import Publication
    from orchestration.terms.load import LoadedProgram
    from orchestration.terms.model import Period, Program

DEMO: Final = Path("demo")
"""Where `make demo` works; looked at where no program is named."""

MOST_NAMED: Final = 6


@dataclass(frozen=True, slots=True)
class Step:
    """A sentence on the present state, and the command that it asks for."""

    sentence: str
    command: str


@dataclass(frozen=True, slots=True)
class Place:
    """The places to look at: the program file, the landing directory and the home, as far as known."""

    program: Path | None
    landing: str | None
    home: Path

    @classmethod
    def of(cls, environment: Mapping[str, str], default_home: Path) -> Place:
        """The places that the environment names; else the demo beside, if there is one."""
        if "BONUS_PROGRAM" not in environment and (DEMO / "program.yaml").is_file():
            return cls(DEMO / "program.yaml", str(DEMO / "landing"), DEMO / "home")
        program, landing = environment.get("BONUS_PROGRAM"), environment.get("BONUS_LANDING")
        return cls(
            Path(program) if program else None,
            landing or None,
            Path(environment.get("BONUS_HOME", default_home)),
        )

    def options(self, environment: Mapping[str, str]) -> str:
        """The options that commands need beyond what the environment says already."""
        import shlex

        named = {"program": self.program, "landing": self.landing, "home": self.home}
        said = {name: environment.get(f"BONUS_{name.upper()}") for name in named}
        return "".join(
            f" --{name} {shlex.quote(str(path))}"
            for name, path in named.items()
            if path is not None and (said[name] is None or Path(str(said[name])) != Path(path))
        )


def next_steps(
    home: Path,
    loaded: LoadedProgram | None,
    options: str = "",
    today: date | None = None,
    landing: Landing | None = None,
) -> list[Step]:
    """The next steps, the most urgent first; never empty. `today` is the day in UTC."""
    if loaded is None:
        return [
            Step(
                "No program is known here. Make sample data to try it with:",
                "bonus sample --out demo",
            ),
            Step(
                "Or name your own program, landing directory and home:",
                "export BONUS_PROGRAM=program.yaml BONUS_LANDING=landing BONUS_HOME=home",
            ),
        ]
    from orchestration.pipeline.home import Home

    program = loaded.program
    # `work` is what a home of 0.1.0 has.
    known = (home / "last_runs" / f"program={program.program}", home / "work" / program.program)
    if not any(folder.is_dir() for folder in known):
        return _first_run(program, options)
    today = today or datetime.now(UTC).date()
    return _later_steps(Home(home), loaded, options, today, landing)


def _first_run(program: Program, options: str) -> list[Step]:
    keys = " ".join(period.key for period in program.periods[:MOST_NAMED])
    return [
        Step(
            f"{program.program}: nothing was run yet. Run its periods:",
            f"bonus run {keys}{options}",
        ),
        Step("Or start runs in the browser:", f"bonus ui{options}"),
    ]


def _later_steps(
    home: Home, loaded: LoadedProgram, options: str, today: date, landing: Landing | None
) -> list[Step]:
    from orchestration.pipeline.changed_inputs import changes_since

    program = loaded.program
    published = home.store(program.program).published()
    closed = {key for key, publication in published.items() if publication.state == "closed"}
    blocked = _blocked(home, program)
    due = [
        period.key
        for period in program.periods
        if period.key not in published and period.key not in blocked and today >= period.closes_on
    ]
    steps = [
        Step(
            f"{key}: the {gate} gate has not held. Repair what it names, then run the period again:",
            f"bonus run {key}{options}",
        )
        for key, gate in list(blocked.items())[:MOST_NAMED]
    ]
    if due:
        steps.append(
            Step(
                f"Over and not published yet ({len(due)}):",
                f"bonus run {' '.join(due[:MOST_NAMED])}{options}",
            )
        )
    closable = _closable(program.periods, published, closed, blocked, today)
    if closable is not None:
        key, record = closable, published[closable].record()
        if change := changes_since(home, loaded, {key: record}, landing)[key]:
            steps.append(
                Step(
                    f"{key}: {change.said} its run. Run it again before it is closed:",
                    f"bonus run {key}{options}",
                )
            )
        steps += [
            Step(
                f"Look at what a close of {key} would fix:", f"bonus close {key} --preview{options}"
            ),
            Step(
                f"{key} may be closed, by someone other than {record.by}:",
                f"bonus close {key} --by NAME{options}",
            ),
        ]
    steps.append(Step("See where all periods stand:", f"bonus status{options}"))
    if published:
        steps.append(Step("Write pages about them:", f"bonus report{options}"))
    if closed:
        steps.append(Step("Re-check what is published and closed:", f"bonus verify{options}"))
    return steps


def _closable(
    periods: Sequence[Period],
    published: Mapping[str, Publication],
    closed: set[str],
    blocked: Mapping[str, str],
    today: date,
) -> str | None:
    """The first open period, where nothing that is known here stands against its close."""
    first = next((period for period in periods if period.key not in closed), None)
    if first is None or first.key not in published or first.key in blocked:
        return None
    return first.key if today >= first.closes_on else None


def _blocked(home: Home, program: Program) -> dict[str, str]:
    """The gate that the last run of a period did not pass, by period."""
    from orchestration.pipeline.run_state import last_run

    found = {}
    for period in program.periods:
        last = last_run(home, program.program, period.key)
        if last is not None and last.blocked is not None:
            found[period.key] = last.blocked.stage
    return found
