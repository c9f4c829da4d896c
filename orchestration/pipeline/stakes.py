"""The stake of a gate that has not held (§8): the number of creators, and the amounts.

The money is that of the ledger in the work file if there is one, else what was last published for
the period, else for the one before it: until a run gets through, nobody knows better.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from expectations.suite import Expectation, GateResult, Stake
from orchestration.publishing.store import Publication

if TYPE_CHECKING:
    import duckdb

_EVERYONE: Final = (
    "select distinct creator_id from raw_deals where program = (select program from period)"
)
_MONEY: Final = (
    "select payout_currency, sum(payable_minor) from {ledger}"
    " where payable_minor > 0 and creator_id in (select creator_id from creators_at_stake)"
    " group by payout_currency order by payout_currency"
)


def stake_of(
    database: Path,
    result: GateResult,
    suite: Iterable[Expectation],
    published: Publication | None,
) -> Stake:
    """The creators named by the rows that block, and their positive payables by currency.

    A blocking expectation whose rows name no creator puts all creators with a deal at stake.
    """
    import duckdb

    expectations = {expectation.name: expectation for expectation in suite}
    blocking = [expectations.get(row.name) for row in result.results if row.blocks]
    with duckdb.connect(database, read_only=True) as connection:
        tables = {name for (name,) in connection.execute("show tables").fetchall()}
        selects = [_creators(connection, expectation, tables) for expectation in blocking]
        is_everyone = not all(selects)
        if is_everyone and "raw_deals" not in tables:
            return Stake(None)
        named = _EVERYONE if is_everyone else " union ".join(filter(None, selects))
        connection.execute(f"create temp table creators_at_stake as {named}")
        count = connection.execute("select count(*) from creators_at_stake").fetchall()[0][0]
        money, money_of = _money(connection, tables, published)
    return Stake(count, is_everyone, money, money_of)


def _creators(
    connection: duckdb.DuckDBPyConnection, expectation: Expectation | None, tables: set[str]
) -> str | None:
    """SQL of the creators that the failing rows name; None where they name none."""
    import duckdb

    if expectation is None:
        return None
    query = expectation.sql()
    try:
        columns = {column for column, *_ in connection.execute(f"describe {query}").fetchall()}
    except duckdb.Error:
        return None  # the gate could not evaluate it either
    if "creator_id" in columns:
        return f"select distinct creator_id from ({query})"
    if "post_id" in columns and "raw_posts" in tables:
        return f"select distinct creator_id from raw_posts join ({query}) using (post_id)"
    return None


def _money(
    connection: duckdb.DuckDBPyConnection, tables: set[str], published: Publication | None
) -> tuple[Mapping[str, int], str | None]:
    if "payout_ledger" in tables:
        ledger, source, parameters = "payout_ledger", "this run", []
    elif published is not None:
        ledger, source = "read_parquet($1)", published.period
        parameters = [published.pattern("payout_ledger")]
    else:
        return {}, None
    rows = connection.execute(_MONEY.format(ledger=ledger), parameters).fetchall()
    return {currency: int(amount) for currency, amount in rows}, source
