"""Creators made by hand: the rows of one creator of a small program, and what follows from them."""

from __future__ import annotations

from typing import Any

from orchestration.explain.rows import CreatorRows, Row
from orchestration.publishing.tables import CONTRACT_TABLES
from orchestration.terms.load import parse_program
from orchestration.terms.model import Program

PROGRAM = """\
program: spring
currency: USD
markets: {US: {timezone: America/New_York}, JP: {timezone: Asia/Tokyo}}
periods:
  - {key: april, starts_on: 2024-04-01, ends_on: 2024-04-30, closes_on: 2024-05-03, fx_on: 2024-05-02, pays_on: 2024-05-20%(budget)s}
terms:
  - version: 1
    effective_from: 2024-04-01
    eligibility: {account_types: [creator], markets: [US, JP], content_types: [reel, "photo reel"], minimum_views: 1000, maximum_posts: 2, counts_posts: published_in_window}
    weights: {reel: {views: 1, likes: 2}, "photo reel": {views: 0.5}}
    audience_value: {countries: {US: 1}, other: 1}
    payout: %(payout)s
  - version: 3
    effective_from: 2024-04-16
    eligibility: {account_types: [creator], markets: [US, JP], content_types: [reel], counts_posts: any}
    weights: {reel: {shares: 8}}
    audience_value: {countries: {US: 1}, other: 1}
    payout: %(payout)s
withholding:
  - {tax_residence: US, tax_form: w9, brackets: [{rate: 0}]}
  - {tax_residence: '*', tax_form: '*', brackets: [{up_to: 10, rate: 0.1}, {up_to: 20.5, rate: 0.2}, {rate: 0.3}]}
"""
RATE = "{method: rate, rates: {US: [{up_to: 1000, rate: 10}, {up_to: 1500.5, rate: 5}, {rate: 1}]}, cap: {US: 100}}"
POOL = "{method: pool, pools: {US: 50.00}}"


def program(payout: str = RATE, budget: str = "") -> Program:
    """The small program; `budget` is the one of its period."""
    text = PROGRAM % {"payout": payout, "budget": f", budget: {budget}" if budget else ""}
    return parse_program(text.encode(), "spring.yaml")


def row(table: str, period: str | None = None, **cells: str | int | None) -> Row:
    """A row of a table with these cells; the others are null."""
    columns = CONTRACT_TABLES[table].columns
    assert cells.keys() <= columns.keys()
    texts = {name: None if cells.get(name) is None else str(cells[name]) for name in columns}
    key: dict[str, Any] = {name: cells[name] for name in CONTRACT_TABLES[table].key}
    return Row(table, key, texts, period)


def ledger(currency: str, **cells: str | int | None) -> Row:
    """A ledger row of ana in which all is 0 but these."""
    zeros = {
        name: 0
        for name in CONTRACT_TABLES["payout_ledger"].columns
        if name.endswith("_minor") or name == "points"
    }
    given: dict[str, Any] = {"creator_id": "ana", "payout_currency": currency, "status": "none"}
    return row("payout_ledger", **(given | zeros | cells))


def creator(**tables: Any) -> CreatorRows:
    """The rows of ana, of which all are absent but these."""
    absent: dict[str, Any] = {
        name: [] for name in CreatorRows.__dataclass_fields__ if name != "creator_id"
    }
    absent |= {"eligibility": None, "earnings": None, "party": None}
    return CreatorRows(creator_id="ana", **(absent | tables))
