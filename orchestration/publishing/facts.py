"""The facts of statements (§12): of each creator with a ledger row, every value as exported.

Belongs here: reading them out of a published version, creator by creator. Does not: proofs
(`ledger/proofs.py`) and pages (`statements`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from orchestration.foundations.cursors import each_row, scratch_database
from orchestration.publishing.creators import EVERYONE, Creators
from orchestration.publishing.export import as_text
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import CONTRACT_TABLES, POINTS, Table

if TYPE_CHECKING:
    import duckdb

Facts = dict[str, Any]

_LEDGER, _POSTS = CONTRACT_TABLES["payout_ledger"], CONTRACT_TABLES["post_earnings"]
_POST_COLUMNS = {**_POSTS.columns, "points": POINTS}


def statement_facts(
    publication: Publication, program: str, state: str, creators: Creators = EVERYONE
) -> Iterator[Facts]:
    """The facts of each of the creators with a ledger row, in the order of creator_id.

    Reads both tables once, side by side, so one creator is in memory at a time.
    """
    scores = CONTRACT_TABLES["post_scores"]
    posts = (
        f"(select earned.*, scored.points from {publication.relation(_POSTS)} as earned"
        f" left join {publication.relation(scores)} as scored using (post_id))"
    )
    with scratch_database() as connection, scratch_database() as other:
        rows_of = publication.relation(_LEDGER)
        ledger = _grouped(connection, rows_of, _LEDGER, _LEDGER.columns, creators)
        of_posts = _grouped(other, posts, _POSTS, _POST_COLUMNS, creators)
        poster, earned = next(of_posts, (None, []))
        for creator_id, rows in ledger:
            while poster is not None and poster < creator_id:
                poster, earned = next(of_posts, (None, []))
            yield {
                "program": program,
                "period": publication.period,
                "creator_id": creator_id,
                "state": state,
                "ledger": {row["payout_currency"]: row for row in rows},
                "posts": {row["post_id"]: row for row in earned} if poster == creator_id else {},
            }


def _grouped(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    table: Table,
    columns: Mapping[str, str],
    creators: Creators,
) -> Iterator[tuple[str, list[dict[str, str | None]]]]:
    """The rows of a relation as exported, by creator; an empty cell is null."""
    texts = ", ".join(as_text(name, kind) for name, kind in columns.items())
    names = ", ".join(f'nullif(cast("{name}" as varchar), \'\') as "{name}"' for name in columns)
    cursor = connection.execute(
        f"select {names} from (select {texts} from {source} as source where {creators.condition})"
        f" order by creator_id, {', '.join(table.key)}",
        list(creators.given),
    )
    found = (dict(zip(columns, row, strict=True)) for row in each_row(cursor))
    for creator_id, rows in groupby(found, lambda row: row["creator_id"]):
        assert creator_id is not None, "a key column is never null"
        yield creator_id, list(rows)
