"""The tables that explain, held against those that they explain (§9): in a work file, and once published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from expectations import ledger, scoring
from expectations.asking import failing_rows
from expectations.suite import digits
from orchestration.foundations.cursors import scratch_database
from orchestration.ledger.earnings import CreatorEarnings, MarketTotal, PeriodEarnings
from orchestration.ledger.recount import Fault, Recount
from orchestration.pipeline.rows import field_names, write_rows
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import PUBLISHED_TABLES
from orchestration.terms.currencies import minor_unit_decimals
from orchestration.terms.model import Program
from orchestration.terms.tables import terms_tables

if TYPE_CHECKING:
    import duckdb

SHOWN_ROWS: Final = 5
"""Of each expectation that does not hold of published tables; how many there are is said too."""

TEXTS: Final = frozenset({"creator_id", "market"})
NULLABLE: Final = frozenset({"cap_minor", "pool_minor"})


def write_recount(connection: duckdb.DuckDBPyConnection, program: Program, period_key: str) -> None:
    """Makes recount_faults: what does not follow in creator_earnings and market_totals."""
    period = program.period(period_key)
    recount = Recount(
        list(program.markets),
        program.version_in_force(program.last_day(period)).payout,
        period.budget,
        minor_unit_decimals(program.currency),
    )
    told = PeriodEarnings(
        _rows(connection, "creator_earnings", CreatorEarnings),
        _rows(connection, "market_totals", MarketTotal),
    )
    faults = list(recount.faults(told, _posts_by_type(connection)))
    write_rows(connection, "recount_faults", faults, field_names(Fault))


def write_no_recount(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes recount_faults without rows, where what was computed is as another gate has seen it."""
    write_rows(connection, "recount_faults", [], field_names(Fault))


def explanation_faults(publication: Publication, program: Program) -> Iterator[str]:
    """In words, what published tables say that does not follow from those that explain it.

    `program` is that of the program file that lies beside them.
    """
    with scratch_database() as connection:
        for name, table in PUBLISHED_TABLES.items():
            connection.execute(f'create view "{name}" as {publication.relation(table)}')
        for name, terms in terms_tables(program, publication.period).items():
            connection.register(name, terms)
        write_recount(connection, program, publication.period)
        for expectation in (*scoring.EXPLAINED, *ledger.EXPLAINED):
            rows = failing_rows(expectation, connection)
            for row in rows[:SHOWN_ROWS]:
                said = ", ".join(
                    f"{name} {value}" for name, value in row.items() if value is not None
                )
                yield f"{publication.period}: {expectation.means}: {said} ({len(rows)} rows)"


def _rows(connection: duckdb.DuckDBPyConnection, table: str, kind: type) -> list:  # type: ignore[type-arg]
    """A table as instances of its dataclass. Null is never right but for a cap or a pool: it comes as -1 or ''."""
    columns = []
    for name in field_names(kind):
        if name.endswith("_e4"):
            columns.append(f"coalesce({digits(name.removesuffix('_e4'))}, '-1')")
        elif name in TEXTS:
            columns.append(f"coalesce({name}, '')")
        elif name in NULLABLE or name == "capped":
            columns.append(name)
        else:
            columns.append(f"coalesce({name}, -1)")
    scaled = [name.endswith("_e4") for name in field_names(kind)]
    found = connection.execute(f"select {', '.join(columns)} from {table}").fetchall()
    return [
        kind(
            *(int(value) if is_text else value for value, is_text in zip(row, scaled, strict=True))
        )
        for row in found
    ]


def _posts_by_type(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    posts: dict[str, dict[str, int]] = defaultdict(dict)
    for creator_id, content_type, count in connection.execute(
        "select creator_id, content_type, count(*) from post_scores group by all"
    ).fetchall():
        posts[creator_id][content_type] = count
    return posts
