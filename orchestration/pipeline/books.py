"""The books of a program (§7): its periods published, closed and restated, and what follows from them.

Read under the program's lock, from the published tables and the close log alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestration.ledger.closing import CloseEntry
from orchestration.ledger.restatement import Account, adjustments
from orchestration.pipeline.close_log import CloseLog
from orchestration.pipeline.home import Home
from orchestration.pipeline.work_file import Refused
from orchestration.publishing.store import Publication

# What was posted for each origin period: "its earnings, and adjustments with that origin in closed
# periods"; of an adjustment's two entries the debit of the expense has its sign.
POSTED = """
    select creator_id, payout_currency, sum(earnings_minor) as posted_minor
    from read_parquet($ledger) where earnings_minor <> 0 group by all
    union all
    select creator_id, currency, sum(amount_minor)
    from read_parquet($journals)
    where kind = 'adjustment' and origin_period = $origin and account = 'expense:bonus'
    group by all
"""


@dataclass(frozen=True, slots=True)
class Books:
    """A program's periods as they stand now."""

    published: Mapping[str, Publication]
    restated: Mapping[str, Publication]
    closed: Mapping[str, CloseEntry]  # in the order of the log

    def before(self, period: str, order: Sequence[str]) -> Publication | None:
        """§7: "the latest earlier period of the program that is published"; None if there is none."""
        earlier = [key for key in order[: order.index(period)] if key in self.published]
        return self.published[earlier[-1]] if earlier else None

    def open_from(self, period: str, order: Sequence[str]) -> list[Publication]:
        """The published periods from `period` on that are not closed, in order."""
        return [
            self.published[key]
            for key in order[order.index(period) :]
            if key in self.published and key not in self.closed
        ]

    def posted(self, origin: str) -> dict[Account, int]:
        """What was posted so far for a closed period, in minor units by creator and currency."""
        import duckdb

        with duckdb.connect() as connection:
            rows = connection.execute(
                f"select creator_id, payout_currency, sum(posted_minor) from ({POSTED}) group by all",
                {
                    "ledger": self.published[origin].pattern("payout_ledger"),
                    "journals": [self.published[key].pattern("journal") for key in self.closed],
                    "origin": origin,
                },
            ).fetchall()
        return {(creator, currency): int(posted) for creator, currency, posted in rows}

    def adjustments(self) -> dict[Account, dict[str, int]]:
        """What restatements leave to post, by account and origin, in minor units of the currency."""
        return adjustments(
            {origin: _computed(publication) for origin, publication in self.restated.items()},
            {origin: self.posted(origin) for origin in self.restated},
        )


def open_books(home: Home, program: str) -> Books:
    """The books of a program; Refused if its close log and its sealed periods contradict each other.

    A close that died between its line and its seal is completed here.
    """
    store, log = home.store(program), CloseLog(home.path, program)
    published = store.published()
    try:
        entries = {entry.period: entry for entry in log.entries()}
    except ValueError as error:
        raise _contradiction(program, f"{log.path} has a line that is none ({error})") from None
    for key, publication in published.items():
        if publication.seal is not None and key not in entries:
            raise _contradiction(program, f"{key} was closed, but {log.path} has no line of it")
    for key, entry in entries.items():
        if key not in published:
            raise _contradiction(program, f"{log.path} closes {key}, which is not published")
        if not published[key].has_seal_of(entry.line()):
            store.seal(published[key], entry.line())
    return Books(published, store.restated(), entries)


def _contradiction(program: str, what: str) -> Refused:
    return Refused(f"{program}: {what}. Nothing is changed; see bonus verify")


def _computed(restatement: Publication) -> dict[Account, int]:
    import duckdb

    with duckdb.connect() as connection:
        rows = connection.execute(
            "select creator_id, payout_currency, computed_minor from read_parquet($1)",
            [restatement.pattern("restatement")],
        ).fetchall()
    return {(creator, currency): computed for creator, currency, computed in rows}
