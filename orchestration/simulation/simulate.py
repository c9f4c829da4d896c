"""Computes published periods by another program file, in a scratch home of its own (§13).

The scratch home lies in the home for as long as the simulation lasts: `<home>/simulation=<program>.*`.
Nothing of it can be closed or paid, since its versions are never published. It is removed at the end,
also after an error; what a crash leaves behind, the next simulation of the program removes.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from orchestration.foundations.cursors import scratch_database
from orchestration.ingest.landing_place import Landing
from orchestration.ledger.money import Account
from orchestration.pipeline.books import Books, demand_periods_stay, demand_untouched, open_books
from orchestration.pipeline.deciding import History
from orchestration.pipeline.flow import compute
from orchestration.pipeline.home import Home
from orchestration.pipeline.ingesting import Reader
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.publishing import write_version
from orchestration.pipeline.versions import carry_over
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import CONTRACT_TABLES
from orchestration.terms.load import LoadedProgram

MakeRun = Callable[[Home, str, str, str, str], PeriodRun]
"""(home, program, period, run id, by) -> a run of it, with its engine and gates."""

_BY: Final = "simulation"

_DIFFERENCES: Final = """
    select creator_id, currency, origin_period, sum(amount_minor) from {journal}
    where kind = 'adjustment' and account = 'expense:bonus'
        and not list_contains($simulated, origin_period)
    group by all
"""


class NotSimulable(ValueError):
    """The periods or the other program file do not go together; says what is wrong (status 2)."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """A period before and after: what is published of it, and what the other terms give."""

    before: Publication
    after: Publication


@contextmanager
def simulated(
    home: Home,
    loaded: LoadedProgram,
    other: LoadedProgram,
    periods: Sequence[str],
    landing: Landing,
    make_run: MakeRun = PeriodRun,
    reader: Reader | None = None,
) -> Iterator[dict[str, Simulated]]:
    """The periods computed by the file `other`, in the order of its program; gone after the block.

    `loaded` is the program as it is published. NotSimulable for what §13 refuses with status 2,
    Refused for what the state of the home does not allow, GateFailed where a gate has not held.
    """
    demand_periods_stay(home, loaded)
    with _scratch(home, loaded.program.program) as scratch:
        with home.program_lock(loaded.program.program):
            books = open_books(home, loaded.program.program)
            named = named_periods(loaded, other, periods, books.published)
            demand_untouched(books, loaded.program.program, whole=named)
            # A run that publishes meanwhile may sweep versions away, so they are kept by link.
            books = replace(
                books, published=_kept(books.published.values(), scratch.path / "published")
            )
        after = _compute(scratch, books, loaded, other, named, landing, make_run, reader)
        yield {period: Simulated(books.published[period], after[period]) for period in named}


@contextmanager
def _scratch(home: Home, program: str) -> Iterator[Home]:
    """An empty home inside the home. It holds a lock, so that a scratch home that nobody holds is known."""
    with home.program_lock(program):
        for leftover in home.path.glob(f"simulation={program}.*"):
            lock = _lock(leftover)
            try:
                lock.acquire()
            except Timeout:
                continue  # another simulation, under way
            shutil.rmtree(leftover, ignore_errors=True)
            lock.release()
        folder = Path(tempfile.mkdtemp(prefix=f"simulation={program}.", dir=home.path))
        held = _lock(folder)
        held.acquire()
    try:
        yield Home(folder, home.objects)
    finally:
        shutil.rmtree(folder)
        held.release()


def _lock(folder: Path) -> FileLock:
    return FileLock(folder / "held.lock", timeout=0)


def named_periods(
    loaded: LoadedProgram,
    other: LoadedProgram,
    periods: Sequence[str],
    publications: Collection[str],
) -> list[str]:
    """The periods in the order of the other program; NotSimulable if §13 does not allow them."""
    old, new = loaded.program, other.program
    if new.program != old.program:
        raise NotSimulable(
            f"{other.path} is the file of {new.program}, not of {old.program}; "
            "a simulation takes a file with the same program name"
        )
    if new.currency != old.currency:
        raise NotSimulable(
            f"{other.path} has the currency {new.currency}, the program has {old.currency}; "
            "a simulation takes a file with the same currency"
        )
    keys = [period.key for period in new.periods]
    if missing := [period for period in periods if period not in keys]:
        raise NotSimulable(
            f"{other.path} has no period {', '.join(missing)}; its periods: {', '.join(keys)}"
        )
    published = [period.key for period in old.periods if period.key in publications]
    if unpublished := [period for period in periods if period not in published]:
        raise NotSimulable(
            f"{', '.join(unpublished)} is not published, so there is nothing to compare with; "
            f"published are: {', '.join(published) or 'none'}"
        )
    first, last = (edge(map(published.index, periods)) for edge in (min, max))
    if between := [key for key in published[first:last] if key not in periods]:
        raise NotSimulable(
            f"{', '.join(between)} lies between the periods named; name it too, since balances "
            "are carried on through it"
        )
    return [key for key in keys if key in periods]


def _kept(published: Iterable[Publication], folder: Path) -> dict[str, Publication]:
    """The same versions, whose files stay for as long as the folder does."""
    kept = {}
    for publication in published:
        version = folder / publication.period / publication.folder.name
        for path in publication.folder.rglob("*"):
            if path.is_file():
                carry_over(path, version / path.parent.relative_to(publication.folder))
        kept[publication.period] = replace(publication, folder=version)
    return kept


def _compute(
    scratch: Home,
    books: Books,
    loaded: LoadedProgram,
    other: LoadedProgram,
    named: Sequence[str],
    landing: Landing,
    make_run: MakeRun,
    reader: Reader | None,
) -> Mapping[str, Publication]:
    """Each period through all stages and gates, and settled from the one before it."""
    program_file = scratch.path / "program.yaml"
    program_file.write_bytes(other.content)
    old = [period.key for period in loaded.program.periods]
    earlier = old[: min(map(old.index, named))]
    order = earlier + [key.key for key in other.program.periods if key.key not in earlier]
    name = loaded.program.program
    history = History(
        order,
        [books.published[key] for key in earlier if key in books.published],
        [key for key in earlier if key in books.closed],
    )
    after: dict[str, Publication] = {}
    for period in named:
        run = make_run(scratch, name, period, f"simulation-{period}", _BY)
        compute(run, program_file, landing, reader)
        version = Publication(period, scratch.store(name).new_version(period))
        differences = _differences(books.published[period], named)
        last_run, as_read = run.state.begin_stage("publish"), run.recorded_program()
        write_version(run, last_run, as_read, version.folder, history, differences)
        shutil.rmtree(run.work.folder)
        after[period] = version
        # §13: "for returns each counts as closed once it is computed".
        history = History(order, [*history.published, version], [*history.closed, period])
    return after


def _differences(
    publication: Publication, simulated: Sequence[str]
) -> dict[Account, dict[str, int]]:
    """§13: "the differences of restated periods that are not among them are posted as ever".

    So a period posts those that it has posted as it is published: what is published of open periods
    is settled anew with each restatement, and what a closed one has posted stays there. In minor
    units, by account and origin.
    """
    journal = publication.relation(CONTRACT_TABLES["journal"])
    found: dict[Account, dict[str, int]] = {}
    with scratch_database() as connection:
        rows = connection.execute(
            _DIFFERENCES.format(journal=journal), {"simulated": list(simulated)}
        ).fetchall()
    for creator, currency, origin, amount in rows:
        found.setdefault((creator, currency), {})[origin] = int(amount)
    return found
