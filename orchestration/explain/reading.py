"""Reads one creator's rows, by key, out of a published version and the one before it (§11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.explain.explanation import Explanation, explain
from orchestration.explain.rows import Contradiction, CreatorRows, Row
from orchestration.pipeline.books import order_as_published
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.publishing.export import as_text
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import CONTRACT_TABLES, COUNT
from orchestration.terms.model import Program

if TYPE_CHECKING:
    import duckdb


class NoLedgerRow(LookupError):
    """The creator has no row in the ledger of the period."""


def explain_creator(home: Home, program: Program, period: str, creator_id: str) -> Explanation:
    """Explains a creator of a published period; `program` says only in which order periods stand.

    NoLedgerRow for a creator without a row. Refused where the period is not published, where earlier
    code published it without the tables that explain, or where its tables contradict each other.
    """
    published = home.store(program.program).published()
    if period not in published:
        raise Refused(f"{period} is not published yet; run it first: bonus run {period}")
    publication = published[period]
    if not publication.explains:
        raise Refused(
            f"{period} was published by earlier code, without the tables that explain it; "
            f"if it is not closed, run it again: bonus run {period}"
        )
    order = order_as_published(home, program, published.values())
    earlier = order[: order.index(period)]
    before = published[earlier[-1]] if earlier else None
    rows = read_rows(publication, before, creator_id)
    try:
        return explain(publication.program(), period, publication.state, rows)
    except Contradiction as error:
        raise Refused(
            f"{period} of {creator_id}: {error}. What is published contradicts itself; "
            "see bonus verify"
        ) from error


def read_rows(publication: Publication, before: Publication | None, creator_id: str) -> CreatorRows:
    """The rows of one creator; NoLedgerRow if the ledger has none. All reading is by key."""
    import duckdb

    if any(
        "\ud800" <= character <= "\udfff" for character in creator_id
    ):  # a byte that is no UTF-8
        raise NoLedgerRow(creator_id)
    with duckdb.connect() as connection:
        reader = _Reader(connection, creator_id)
        ledger = reader.of_creator(publication, "payout_ledger")
        if not ledger:
            raise NoLedgerRow(creator_id)
        currencies = {row.key["payout_currency"] for row in ledger}
        rates = reader.all(publication, "settlement_rates")
        of_creator = {
            name: reader.of_creator(publication, name)
            for name, table in CONTRACT_TABLES.items()
            if "creator_id" in table.columns and name not in ("payout_ledger", "creator_scores")
        }
        return CreatorRows(
            creator_id=creator_id,
            eligibility=next(iter(of_creator["creator_eligibility"]), None),
            segments=of_creator["creator_segments"],
            posts=of_creator["post_eligibility"],
            post_scores=of_creator["post_scores"],
            increments=of_creator["post_increments"],
            post_earnings=of_creator["post_earnings"],
            markets=reader.all(publication, "market_totals"),
            earnings=next(iter(of_creator["creator_earnings"]), None),
            party=next(iter(of_creator["settlement_parties"]), None),
            rates=[row for row in rates if row.key["payout_currency"] in currencies],
            ledger=ledger,
            journal=of_creator["journal"],
            before=reader.of_creator(before, "payout_ledger", before.period) if before else [],
        )


class _Reader:
    """Rows with each cell as exported, sorted by key."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, creator_id: str) -> None:
        self._connection = connection
        self._creator_id = creator_id

    def of_creator(
        self, publication: Publication, name: str, period: str | None = None
    ) -> list[Row]:
        """The creator's rows of a table; `period` where it is another one's."""
        where = "where source.creator_id = $1"
        return self._rows(publication, name, where, [self._creator_id], period)

    def all(self, publication: Publication, name: str) -> list[Row]:
        """All rows of a table of few rows."""
        return self._rows(publication, name, "", [], None)

    def _rows(
        self, publication: Publication, name: str, where: str, given: list[str], period: str | None
    ) -> list[Row]:
        table = CONTRACT_TABLES[name]
        columns = ", ".join(as_text(column, kind) for column, kind in table.columns.items())
        found = self._connection.execute(
            f"select {columns} from {publication.relation(table)} as source {where}"
            f" order by {', '.join(f'source.{key}' for key in table.key)}",
            given,
        ).fetchall()
        rows = []
        for values in found:
            cells = {
                column: None if value is None else str(value)
                for column, value in zip(table.columns, values, strict=True)
            }
            key: dict[str, str | int] = {}
            for column in table.key:
                text = cells[column] or ""
                key[column] = int(text) if table.columns[column] == COUNT else text
            rows.append(Row(name, key, cells, period))
        return rows
