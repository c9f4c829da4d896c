"""The published tables and who else lists their columns: rows that Python makes, words of statements."""

from __future__ import annotations

import pytest

from orchestration.ledger.earnings import CreatorEarnings, MarketTotal
from orchestration.ledger.journal import JournalEntry
from orchestration.pipeline.restating import RESTATEMENT_COLUMNS
from orchestration.pipeline.rows import field_names
from orchestration.pipeline.settling import LEDGER_COLUMNS
from orchestration.publishing.tables import CONTRACT_TABLES, PUBLISHED_TABLES, RESTATEMENT, Table
from orchestration.statements.wording import LEDGER

TABLES = (*PUBLISHED_TABLES.values(), RESTATEMENT)
SCALES = ("_e4", "_e6", "_e10")
"""Ends of the names of numbers that Python has as whole multiples of a decimal place."""
UNPUBLISHED = {"tax_residence"}
"""What the ledger's gate needs of a row of payout_ledger beside its columns."""


def _published(name: str) -> str:
    """The column that an attribute of a row becomes."""
    return next((name.removesuffix(end) for end in SCALES if name.endswith(end)), name)


@pytest.mark.parametrize(
    ("table", "names"),
    [
        (CONTRACT_TABLES["market_totals"], field_names(MarketTotal)),
        (CONTRACT_TABLES["creator_earnings"], field_names(CreatorEarnings)),
        (CONTRACT_TABLES["payout_ledger"], LEDGER_COLUMNS),
        (CONTRACT_TABLES["journal"], field_names(JournalEntry)),
        (RESTATEMENT, RESTATEMENT_COLUMNS),
    ],
    ids=lambda given: given.name if isinstance(given, Table) else "",
)
def test_rows_that_python_makes_have_the_columns_of_their_table(
    table: Table, names: list[str]
) -> None:
    assert {_published(name) for name in names} - UNPUBLISHED == set(table.columns)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_amount_in_minor_units_says_of_which_currency(table: Table) -> None:
    """§9: an amount is in the program currency, or the row names its own."""
    assert set(table.minor_units) == {name for name in table.columns if name.endswith("_minor")}
    for unit in table.minor_units.values():
        assert unit == "the program currency" or unit.strip("`") in table.columns


def test_a_ledger_row_has_amounts_of_both_currencies() -> None:
    units = CONTRACT_TABLES["payout_ledger"].minor_units
    assert units["program_amount_minor"] == "the program currency"
    assert units["earnings_minor"] == "`payout_currency`"


def test_a_statement_has_words_for_every_number_of_the_ledger() -> None:
    no_numbers = {"VARCHAR", "BOOLEAN"}
    columns = CONTRACT_TABLES["payout_ledger"].columns
    assert list(LEDGER) == [name for name, kind in columns.items() if kind not in no_numbers]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_key_comes_first(table: Table) -> None:
    assert tuple(table.columns)[: len(table.key)] == table.key
