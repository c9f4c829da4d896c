"""Reads the rows of creators, by key, out of a published version and the one before it (§11)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from orchestration.explain.explanation import Explanation, explain
from orchestration.explain.rows import Contradiction, CreatorRows, Row
from orchestration.foundations.cursors import each_row, scratch_database
from orchestration.pipeline.books import order_as_published
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.publishing.creators import EVERYONE, Creators
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
    publication, before = explained_period(home, program, period)
    rows = read_rows(publication, before, creator_id)
    return explain_rows(publication, publication.program(), publication.state, rows)


def explained_period(
    home: Home, program: Program, period: str
) -> tuple[Publication, Publication | None]:
    """A published period that can be explained, and the latest published before it.

    Refused where it is not published, or was published without the tables that explain.
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
    return publication, published[earlier[-1]] if earlier else None


def explain_rows(
    publication: Publication, program: Program, state: str, rows: CreatorRows
) -> Explanation:
    """Explains a creator by its rows and the program of the version; Refused if they contradict."""
    try:
        return explain(program, publication.period, state, rows)
    except Contradiction as error:
        raise Refused(
            f"{publication.period} of {rows.creator_id}: {error}. What is published contradicts "
            "itself; see bonus verify"
        ) from error


def read_rows(publication: Publication, before: Publication | None, creator_id: str) -> CreatorRows:
    """The rows of one creator; NoLedgerRow if the ledger has none. All reading is by key."""
    if any(
        "\ud800" <= character <= "\udfff" for character in creator_id
    ):  # a byte that is no UTF-8
        raise NoLedgerRow(creator_id)
    for rows in read_creators(publication, before, Creators.named([creator_id])):
        return rows
    raise NoLedgerRow(creator_id)


def read_creators(
    publication: Publication, before: Publication | None, creators: Creators
) -> Iterator[CreatorRows]:
    """The rows of those of the creators that the ledger has, in the order of creator_id.

    All of them are in memory at a time: a query a table, whatever the number of creators.
    """
    with scratch_database() as connection:
        reader = _Reader(connection, creators)
        ledger = reader.by_creator(publication, "payout_ledger")
        if not ledger:
            return
        rates = reader.all(publication, "settlement_rates")
        markets = reader.all(publication, "market_totals")
        rows_of = {
            name: reader.by_creator(publication, name)
            for name, table in CONTRACT_TABLES.items()
            if "creator_id" in table.columns and name not in ("payout_ledger", "creator_scores")
        }
        rows_before = reader.by_creator(before, "payout_ledger", before.period) if before else {}
    for creator_id in sorted(ledger):
        of_creator = {name: rows.get(creator_id, []) for name, rows in rows_of.items()}
        currencies = {row.key["payout_currency"] for row in ledger[creator_id]}
        yield CreatorRows(
            creator_id=creator_id,
            eligibility=next(iter(of_creator["creator_eligibility"]), None),
            segments=of_creator["creator_segments"],
            posts=of_creator["post_eligibility"],
            post_scores=of_creator["post_scores"],
            increments=of_creator["post_increments"],
            post_earnings=of_creator["post_earnings"],
            markets=markets,
            earnings=next(iter(of_creator["creator_earnings"]), None),
            party=next(iter(of_creator["settlement_parties"]), None),
            rates=[row for row in rates if row.key["payout_currency"] in currencies],
            ledger=ledger[creator_id],
            journal=of_creator["journal"],
            before=rows_before.get(creator_id, []),
        )


class _Reader:
    """Rows with each cell as exported, sorted by key."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, creators: Creators) -> None:
        self._connection = connection
        self._creators = creators

    def by_creator(
        self, publication: Publication, name: str, period: str | None = None
    ) -> Mapping[str, list[Row]]:
        """The rows of a table by creator; `period` where it is another one's."""
        found = defaultdict(list)
        for row in self._rows(publication, name, self._creators, period):
            found[row.text("creator_id")].append(row)
        return found

    def all(self, publication: Publication, name: str) -> list[Row]:
        """All rows of a table of few rows."""
        return list(self._rows(publication, name, EVERYONE, None))

    def _rows(
        self, publication: Publication, name: str, creators: Creators, period: str | None
    ) -> Iterator[Row]:
        table = CONTRACT_TABLES[name]
        columns = ", ".join(as_text(column, kind) for column, kind in table.columns.items())
        found = self._connection.execute(
            f"select {columns} from {publication.relation(table)} as source"
            f" where {creators.condition}"
            f" order by {', '.join(f'source.{key}' for key in table.key)}",
            list(creators.given),
        )
        for values in each_row(found):
            cells = {
                column: None if value is None else str(value)
                for column, value in zip(table.columns, values, strict=True)
            }
            key: dict[str, str | int] = {}
            for column in table.key:
                text = cells[column] or ""
                key[column] = int(text) if table.columns[column] == COUNT else text
            yield Row(name, key, cells, period)
