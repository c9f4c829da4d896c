"""The run of a closed period (§7): its restatement, in the work file that holds its new earnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.foundations.cursors import scratch_database
from orchestration.ledger.restatement import Restated, restate
from orchestration.pipeline.books import Books
from orchestration.pipeline.rows import field_names, write_rows
from orchestration.pipeline.settling import settlement_inputs, write_ledger_period
from orchestration.publishing.store import Publication
from orchestration.records import Totals
from orchestration.terms.exact import scaled
from orchestration.terms.model import Program

if TYPE_CHECKING:
    import duckdb

RESTATEMENT_COLUMNS = (*field_names(Restated), "difference_minor")


def restate_period(
    connection: duckdb.DuckDBPyConnection, program: Program, period_key: str, books: Books
) -> None:
    """Makes restatement and ledger_period in a database that holds the new earnings.

    Grain of restatement: a creator and currency that is due or was posted; minor units.
    """
    inputs = settlement_inputs(connection)
    rows = restate(
        program,
        inputs.earned,
        _own_rows(books.published[period_key]),
        inputs.parties,
        inputs.rates_e10,
        books.posted(period_key),
    )
    write_rows(connection, "restatement", rows, RESTATEMENT_COLUMNS)
    write_ledger_period(connection, program, period_key)


def restatement_totals(connection: duckdb.DuckDBPyConnection) -> Totals:
    """The figures of a restatement for an operator: rows that differ, sums by currency."""
    rows = connection.execute(
        "select payout_currency, count(*) filter (where difference_minor <> 0),"
        " sum(posted_minor), sum(computed_minor), sum(difference_minor)"
        " from restatement group by payout_currency order by payout_currency"
    ).fetchall()
    names = ("differing_rows", "posted_minor", "computed_minor", "difference_minor")
    return Totals(
        currencies={
            currency: dict(zip(names, map(int, values), strict=True)) for currency, *values in rows
        }
    )


def _own_rows(closed: Publication) -> dict[str, tuple[str, int]]:
    """Currency and rate x 10^10 of each creator's own row: one of a changed currency has no rate."""
    with scratch_database() as connection:
        rows = connection.execute(
            "select creator_id, payout_currency, fx_rate from read_parquet($1)"
            " where fx_rate is not null",
            [closed.pattern("payout_ledger")],
        ).fetchall()
    return {creator: (currency, scaled(rate, 10)) for creator, currency, rate in rows}
