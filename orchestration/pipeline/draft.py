"""The books of a program as they will be, before anyone sees them (§7, §9).

A publication, a close and a withdrawal change the books in the same way: versions are written beside
those that are published, later open periods are settled anew "in order, from the inputs of their own
last run", each passes the ledger gate, and one switch shows all of it. If anything fails on the way,
nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestration.foundations.cursors import scratch_database
from orchestration.ledger.money import Account
from orchestration.pipeline.books import Books
from orchestration.pipeline.deciding import History, order_as_read
from orchestration.pipeline.gate_worker import Gate
from orchestration.pipeline.gating import judged
from orchestration.pipeline.recounting import write_no_recount
from orchestration.pipeline.refusals import GateFailed
from orchestration.pipeline.settling import period_totals, settle_period
from orchestration.pipeline.versions import carry_over, finish_version, write_tables
from orchestration.publishing.store import Publication, Shelf, Store
from orchestration.publishing.tables import COMPUTED_TABLES, SETTLED_TABLES
from orchestration.records import CloseEntry, Totals
from orchestration.terms.load import parse_program
from orchestration.terms.model import Program


@dataclass
class Draft:
    """Books under way: `books` as they will be, and the versions that make them so.

    `order` are the program's periods, `scratch` is a folder for databases that do not outlive this.
    """

    program: str
    store: Store
    order: Sequence[str]
    books: Books
    gate: Gate
    scratch: Path
    tell: Callable[[str], None]
    versions: dict[str, Path] = field(default_factory=dict)
    restated: dict[str, Path] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)

    def new_version(self, period: str, shelf: Shelf = "published") -> Publication:
        """An empty version of a period that counts as published, or restated, from here on."""
        folder = self.store.new_version(period, shelf)
        publication = Publication(period, folder)
        if shelf == "published":
            self.versions[period] = folder
            self.books = replace(
                self.books, published={**self.books.published, period: publication}
            )
        else:
            self.restated[period] = folder
            self.books = replace(self.books, restated={**self.books.restated, period: publication})
        return publication

    def count_as_closed(self, period: str, entry: CloseEntry) -> None:
        """The period counts as closed from here on."""
        self.books = replace(self.books, closed={**self.books.closed, period: entry})

    def withdraw(self, period: str) -> None:
        """The period is published no more from here on."""
        self.withdrawn.add(period)
        kept = {key: entry for key, entry in self.books.published.items() if key != period}
        self.books = replace(self.books, published=kept)

    def history(self, period: str) -> History:
        """The base of a period's settlement."""
        return self.books.history(period, self.order)

    def adjustments_of(self, period: str) -> Mapping[Account, Mapping[str, int]]:
        """The differences that restatements leave for a period to post, in minor units, by account and origin.

        §7: differences are "of the earliest period that is published or run later and not closed";
        all others have none. Call this after `new_version(period)`: the answer depends on the
        period being among those that are published.
        """
        earliest = self.books.open_from(self.order[0], self.order)[0].period
        return self.books.adjustments() if period == earliest else {}

    def settle_later(self, after: str | None) -> dict[str, Totals]:
        """Settles all open published periods after one (None: all) anew; their new totals.

        GateFailed, which names the period, where one does not pass the ledger gate.
        """
        start = 0 if after is None else self.order.index(after) + 1
        later = self.order[start:]
        return {
            publication.period: self._settle_anew(publication)
            for publication in (self.books.open_from(later[0], self.order) if later else [])
        }

    def switch(self) -> None:
        """Shows all of it in one step."""
        self.store.switch(self.versions, self.restated, self.withdrawn)

    def _history_anew(self, program: Program, period: str) -> History:
        """The base of a period that is settled anew by `program`, which its own run has read."""
        history = self.history(period)
        before = [earlier.period for earlier in history.published]
        return replace(history, order=order_as_read(program, period, before, self.order))

    def _settle_anew(self, publication: Publication) -> Totals:
        """Settles a period from the inputs of its own last run into a new version of it."""
        period = publication.period
        self.tell(f"{period} settled anew")
        content = publication.program_file.read_bytes()
        program = parse_program(content, str(publication.program_file))
        version = self.new_version(period).folder
        scratch = self.scratch / f"settling-{period}.duckdb"
        remove_database(scratch)
        try:
            with scratch_database(scratch) as connection:
                for name, table in COMPUTED_TABLES.items():
                    connection.execute(f'create view "{name}" as {publication.relation(table)}')
                for name in ("settlement_parties", "settlement_rates"):
                    source = publication.relation(SETTLED_TABLES[name])
                    connection.execute(f'create table "{name}" as select * from {source}')
                settle_period(
                    connection,
                    program,
                    period,
                    self._history_anew(program, period),
                    self.adjustments_of(period),
                )
                write_no_recount(connection)
            gate = judged(self.gate, "ledger", scratch, publication)
            if not gate.held:
                raise GateFailed(self.program, period, "ledger", gate, is_settled_anew=True)
            with scratch_database(scratch) as connection:
                write_tables(connection, SETTLED_TABLES.values(), version)
                totals = period_totals(connection)
        finally:
            remove_database(scratch)
        for name in COMPUTED_TABLES:
            if publication.table(name).exists():  # earlier code had fewer
                carry_over(publication.table(name), version / name)
        record = publication.record()
        gates = {**record.gates, "ledger": gate}
        finish_version(
            version, content, record.model_copy(update={"gates": gates, "totals": totals})
        )
        return totals


def remove_database(path: Path) -> None:
    """Deletes a DuckDB file and its log, if they are there."""
    for leftover in (path, path.with_suffix(f"{path.suffix}.wal")):
        leftover.unlink(missing_ok=True)


def open_periods(books: Books, order: Sequence[str], after: str | None) -> Collection[str]:
    """The open published periods after one (None: all of them)."""
    start = 0 if after is None else order.index(after) + 1
    return [key for key in order[start:] if key in books.published and key not in books.closed]
