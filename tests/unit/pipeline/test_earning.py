"""The SQL of the ledger stage beside the split over posts: what settlement reads (contract §7)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb

from orchestration.pipeline.earning import SETTLEMENT_PARTIES, SETTLEMENT_RATES


def _made(given: str, statement: str, table: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute(given)
        connection.execute(statement)
        return connection.execute(f"select * from {table} order by 1").fetchall()


def test_parties_are_all_creators_and_all_payees() -> None:
    """§7: an open balance may belong to a creator without a payees row, or without a creators row."""
    given = """
        create table stg_creators as
        from (values ('both', 'US'), ('creator_only', 'JP')) as rows (creator_id, market);
        create table stg_payees as from (
            values ('both', 'USD', 'KR', 'w9', 'ready'), ('payee_only', 'EUR', 'FR', 'none', 'blocked')
        ) as rows (creator_id, payout_currency, tax_residence, tax_form, status);
    """
    assert _made(given, SETTLEMENT_PARTIES, "settlement_parties") == [
        ("both", "US", "USD", "KR", "w9", "ready"),
        ("creator_only", "JP", None, None, None, None),
        ("payee_only", None, "EUR", "FR", "none", "blocked"),
    ]


def test_rates_are_exact_to_the_tenth_decimal() -> None:
    given = """
        create table int_fx_rates as from (
            values ('JPY', 1::hugeint), ('USD', 10000000000::hugeint), ('VND', 250000123456789::hugeint)
        ) as rows (payout_currency, rate_e10);
    """
    assert _made(given, SETTLEMENT_RATES, "settlement_rates") == [
        ("JPY", Decimal("0.0000000001")),
        ("USD", Decimal("1.0000000000")),
        ("VND", Decimal("25000.0123456789")),
    ]
