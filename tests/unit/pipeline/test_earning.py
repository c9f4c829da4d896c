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


def test_parties_are_all_that_are_known_with_the_currency_that_they_are_paid_in() -> None:
    """§7: an open balance may belong to a creator without a payees row, or without a creators row; "No payees row: the
    market's currency (US USD, JP JPY, KR KRW; else the program's), status incomplete"."""
    given = """
        create table period as select 'CAD' as currency;
        create table market_currencies as
        from (values ('', 'CAD'), ('US', 'USD'), ('JP', 'JPY'), ('FR', 'CAD')) as rows (market, currency);
        create table creator_eligibility as from (values ('deal_only'), ('both')) as rows (creator_id);
        create table stg_creators as
        from (values ('both', 'US'), ('creator_only', 'JP'), ('far', 'XX')) as rows (creator_id, market);
        create table stg_payees as from (
            values ('both', 'USD', 'KR', 'w9', 'ready'), ('payee_only', 'EUR', 'FR', 'none', 'blocked')
        ) as rows (creator_id, payout_currency, tax_residence, tax_form, status);
    """
    assert _made(given, SETTLEMENT_PARTIES, "settlement_parties") == [
        ("both", "US", "USD", "KR", "w9", "ready"),
        ("creator_only", "JP", "JPY", None, None, "incomplete"),
        ("deal_only", None, "CAD", None, None, "incomplete"),
        ("far", "XX", "CAD", None, None, "incomplete"),
        ("payee_only", None, "EUR", "FR", "none", "blocked"),
    ]


def test_rates_are_exact_to_the_tenth_decimal() -> None:
    given = """
        create table int_fx_rates as from (
            values ('EUR', 7::hugeint), ('JPY', 1::hugeint), ('USD', 10000000000::hugeint), ('VND', 250000123456789::hugeint)
        ) as rows (payout_currency, rate_e10);
        create table settlement_parties as
        from (values ('JPY'), ('USD'), ('VND'), ('USD'), ('XXX')) as rows (payout_currency);
    """
    assert _made(given, SETTLEMENT_RATES, "settlement_rates") == [
        ("JPY", Decimal("0.0000000001")),
        ("USD", Decimal("1.0000000000")),
        ("VND", Decimal("25000.0123456789")),
    ]
