"""The metadata of a table in Dagster: its columns, first rows, figures, and what happened.

Belongs here: how made tables are told to Dagster. Does not: making them, nor any number that is
published. The UI plots every number over the periods, so numbers are few; money in a table is text
with its currency, which no column cuts into another number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.described.column_lineage import column_lineage
from orchestration.described.column_texts import column_text
from orchestration.ingest.datasets import DATASETS, SQL_TYPES
from orchestration.pipeline.code_fingerprint import code_fingerprint
from orchestration.publishing.tables import PUBLISHED_TABLES, RESTATED_TABLES
from orchestration.reports.text import money

if TYPE_CHECKING:
    import duckdb

SHOWN_ROWS = 10
SHOWN_COLUMNS = 6  # more make the page wider than a window, and cut the sentence of what happened
HOLDS = "holds"
"""What a check's table of results says of an expectation that holds."""

OWNERS = ("team:creator-bonus",)
GROUPS = ("ingest", "staging", "eligibility", "scoring", "ledger", "publish")
"""The groups in the order of the flow. The UI sorts them by name, so each name has its place."""

_WRITTEN = {**PUBLISHED_TABLES, **RESTATED_TABLES}
_PEOPLE = {"creator_eligibility": "creators", "post_eligibility": "posts"}


def group_name(stage: str) -> str:
    """The asset group of a stage: `1_ingest` to `6_publish`, in the order of the flow."""
    return f"{GROUPS.index(stage) + 1}_{stage}"


def column_schema(table: str) -> dict[str, dg.MetadataValue]:
    """The columns of a landed or published table, with types and meaning; none for the terms."""
    columns: Mapping[str, str] = {
        f"raw_{dataset.name}": {column.name: SQL_TYPES[column.kind] for column in dataset.columns}
        | {"file_no": "INTEGER", "row_no": "BIGINT"}
        for dataset in DATASETS
    }.get(table) or (_WRITTEN[table].columns if table in _WRITTEN else {})
    if not columns:
        return {}
    schema = dg.TableSchema(
        [
            dg.TableColumn(name, kind.lower(), column_text(table, name))
            for name, kind in columns.items()
        ]
    )
    return {"dagster/column_schema": dg.MetadataValue.table_schema(schema)}


def lineage_metadata(table: str) -> dict[str, dg.MetadataValue]:
    """Of which columns of other assets each column is made; none for what was landed."""
    columns = column_lineage().get(table)
    if columns is None:
        return {}
    lineage = dg.TableColumnLineage(
        {
            column: [
                dg.TableColumnDep(dg.AssetKey(asset), name)
                for asset, _, name in (source.partition(".") for source in sources)
            ]
            for column, sources in columns.items()
        }
    )
    return {"dagster/column_lineage": dg.MetadataValue.column_lineage(lineage)}


def table_metadata(
    connection: duckdb.DuckDBPyConnection, table: str
) -> dict[str, dg.MetadataValue]:
    """Column lineage, rows, the first of them, and what else is worth seeing of a table.

    Of a view of the work file no rows: looking at it would compute it, and it is that of all
    snapshots.
    """
    lineage = lineage_metadata(table)
    if connection.execute(
        "select 1 from information_schema.tables where table_name = $1 and table_type = 'VIEW'",
        [table],
    ).fetchone():
        return lineage
    rows = _one(connection, f'select count(*) from "{table}"')
    metadata = {**lineage, "dagster/row_count": dg.MetadataValue.int(rows)}
    if table in _PEOPLE:
        metadata |= _eligibility(connection, table, _PEOPLE[table])
    elif table == "creator_scores":
        metadata |= _scores(connection)
    elif table == "payout_ledger":
        metadata |= _statuses(connection)
    elif table == "creator_earnings":
        metadata |= _earnings(connection)
    # What happened comes first: the UI keeps this order.
    metadata = {**_picked(metadata, "what_happened"), **metadata}
    if rows:
        # Landed rows come in the order of their files; sorting them is not worth the while.
        order = "" if table.startswith("raw_") else "order by 1, 2"
        first = _first_columns(connection, table)
        metadata["first_rows"] = _table(
            connection.execute(f'select {first} from "{table}" {order} limit {SHOWN_ROWS}')
        )
    return metadata


def _first_columns(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """The columns that are shown of a table: its first ones, among which its key is."""
    described = connection.execute(f'select * from "{table}" limit 0').description or ()
    return ", ".join(f'"{name}"' for name, *_ in described[:SHOWN_COLUMNS])


def _picked(metadata: Mapping[str, dg.MetadataValue], name: str) -> dict[str, dg.MetadataValue]:
    return {name: metadata[name]} if name in metadata else {}


def share_percent(part: int, whole: int) -> float:
    """For the eye and the plots only; nothing is computed from it."""
    return round(100 * part / whole, 1) if whole else 0.0


def _eligibility(
    connection: duckdb.DuckDBPyConnection, table: str, people: str
) -> dict[str, dg.MetadataValue]:
    whole, eligible = connection.execute(
        f"select count(*), count(*) filter (where eligible) from {table}"
    ).fetchall()[0]
    reasons = connection.execute(
        "select reason, count(*) as rows from (select unnest(string_split(reasons, '|')) as reason"
        f" from {table} where not eligible) group by reason order by rows desc, reason"
    )
    by_reason = _table(reasons)
    first = by_reason.records[0].data if by_reason.records else None
    said = f"{eligible:,} of {whole:,} {people} are eligible."
    if first:
        said += f" The most frequent reason against is `{first['reason']}` ({first['rows']:,})."
    return {
        f"eligible_{people}": dg.MetadataValue.int(eligible),
        "eligible_share_percent": dg.MetadataValue.float(share_percent(eligible, whole)),
        "what_happened": dg.MetadataValue.md(said),
        "reasons": by_reason,
    }


def _scores(connection: duckdb.DuckDBPyConnection) -> dict[str, dg.MetadataValue]:
    creators, posts, points = connection.execute(
        "select count(*), coalesce(sum(eligible_posts), 0), coalesce(sum(points), 0)"
        " from creator_scores"
    ).fetchall()[0]
    return {
        # Whole points are enough for a plot; the table has all decimals.
        "points": dg.MetadataValue.int(int(points)),
        "what_happened": dg.MetadataValue.md(
            f"{creators:,} creators share {points:,} points. "
            f"They come from {posts:,} eligible posts."
        ),
    }


def _earnings(connection: duckdb.DuckDBPyConnection) -> dict[str, dg.MetadataValue]:
    earning, capped = connection.execute(
        "select count(*) filter (where program_amount_minor <> 0), count(*) filter (where capped)"
        " from creator_earnings"
    ).fetchall()[0]
    return {
        "earning_creators": dg.MetadataValue.int(earning),
        "what_happened": dg.MetadataValue.md(
            f"{earning:,} creators earned something. The cap took something from {capped:,}."
        ),
    }


def _statuses(connection: duckdb.DuckDBPyConnection) -> dict[str, dg.MetadataValue]:
    counts = dict(
        connection.execute("select status, count(*) from payout_ledger group by status").fetchall()
    )
    said = ", ".join(f"{counts.get(name, 0):,} {name}" for name in ("paid", "carried", "held"))
    return {
        "what_happened": dg.MetadataValue.md(
            f"Of {sum(counts.values()):,} ledger rows: {said}. "
            f"In {counts.get('none', 0):,} nothing was due."
        ),
        "reasons": table_value(
            ("status", "reason", "rows", "payable"),
            (
                (status, reason or "", rows, money(int(payable), currency))
                for status, reason, currency, rows, payable in connection.execute(
                    "select status, status_reason, payout_currency, count(*), sum(payable_minor)"
                    " from payout_ledger group by all order by all"
                ).fetchall()
            ),
        ),
    }


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _table(found: duckdb.DuckDBPyConnection) -> dg.TableMetadataValue:
    """A result as a table."""
    return table_value([column[0] for column in found.description or ()], found.fetchall())


def table_value(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> dg.TableMetadataValue:
    """Rows as a table; what Dagster has no type for goes as text."""
    return dg.MetadataValue.table(
        records=[
            dg.TableRecord({name: _cell(value) for name, value in zip(names, row, strict=True)})
            for row in rows
        ],
        schema=dg.TableSchema([dg.TableColumn(name) for name in names]),
    )


def _cell(value: Any) -> str | int | bool | None:
    # Beyond 2^53 a number in a browser is another number.
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**53:
        return value
    return str(value)


def spec(
    table: str,
    stage: str,
    kinds: set[str],
    description: str,
    deps: Iterable[str] = (),
    *,
    skippable: bool = False,
    freshness_policy: dg.FreshnessPolicy | None = None,
) -> dg.AssetSpec:
    """The spec of an asset. Its code version is that of all code that makes numbers, as for a run's input."""
    return dg.AssetSpec(
        table,
        group_name=group_name(stage),
        kinds=kinds,
        deps=list(deps),
        description=description,
        owners=list(OWNERS),
        tags={"stage": stage},
        metadata=column_schema(table),
        skippable=skippable,
        code_version=code_fingerprint(),
        freshness_policy=freshness_policy,
    )
