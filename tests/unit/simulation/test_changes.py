"""What changes: rows that differ, classes of a change, deciles and Gini's text, on both sides of each edge."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest

from orchestration.foundations.cursors import scratch_database
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import CONTRACT_TABLES
from orchestration.simulation.changes import deciles, differences, gini_text, share_class
from orchestration.simulation.simulate import Simulated


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (100, 94, "loses over 5 %"),
        (100, 95, "loses"),
        (100, 99, "loses"),
        (100, 100, "same"),
        (0, 0, "same"),
        (100, 105, "gains"),
        (100, 106, "gains over 5 %"),
        (0, 1, "gains over 5 %"),
    ],
    ids=lambda value: str(value),
)
def test_class_of_a_change(before: int, after: int, expected: str) -> None:
    assert share_class(before, after) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Fraction(1, 2_000_000), "0.000000"),  # a tie goes to the even digit
        (Fraction(3, 2_000_000), "0.000002"),
        (Fraction(1, 3), "0.333333"),
        (None, None),
    ],
    ids=["tie-down", "tie-up", "third", "nobody"],
)
def test_gini_is_rounded_half_even(value: Fraction | None, expected: str | None) -> None:
    assert gini_text(value) == expected


def test_deciles_are_of_those_who_earned_before() -> None:
    """Eleven earners: the first decile has two; ties go by id, and who earned nothing has none."""
    before = [0, 5, 5, *range(10, 19)]
    ids = ["zero", "b", "a", *(f"c{number}" for number in range(9))]
    found = deciles(
        pd.DataFrame({"creator_id": ids, "before": pd.Series(before, dtype=object)})
    ).tolist()
    assert found[1:] == [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert found[0] is pd.NA


GREATEST = 2**63 - 1


def ledger(folder: Path, *rows: tuple[str, str, int, int, int, int]) -> Publication:
    """A version with a ledger: creator, currency and the four amounts that are compared."""
    table = CONTRACT_TABLES["payout_ledger"]
    publication = Publication("may", folder)
    publication.table(table.name).parent.mkdir(parents=True)
    with scratch_database() as connection:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in table.columns.items())
        connection.execute(f"create table ledger ({columns})")
        for row in rows:
            connection.execute(
                "insert into ledger (creator_id, payout_currency, program_amount_minor,"
                " earnings_minor, payout_minor, closing_balance_minor) values (?, ?, ?, ?, ?, ?)",
                row,
            )
        connection.execute(f"copy ledger to '{publication.table(table.name)}' (format parquet)")
    return publication


def test_rows_that_differ_in_one_of_the_four_and_rows_of_one_side(tmp_path: Path) -> None:
    """An amount that no float holds is exact; a row that only one side has differs, with 0 too."""
    before = ledger(
        tmp_path / "before",
        ("same", "USD", 1, 2, 3, 4),
        ("closing", "USD", 1, 2, 3, 4),
        ("exact", "USD", GREATEST, 0, 0, 0),
        ("gone", "JPY", 0, 0, 0, 0),
        ("moved", "JPY", 5, 5, 5, 0),
    )
    after = ledger(
        tmp_path / "after",
        ("same", "USD", 1, 2, 3, 4),
        ("closing", "USD", 1, 2, 3, -4),
        ("exact", "USD", GREATEST - 1, 0, 0, 0),
        ("NaN", "USD", 7, 7, 0, 7),
        ("moved", "USD", 5, 5, 5, 0),
    )
    text = differences("may", Simulated(before, after)).to_csv(index=False, header=False)
    assert text.splitlines() == [
        "may,NaN,USD,,7,,7,,0,,7",
        "may,closing,USD,1,1,2,2,3,3,4,-4",
        f"may,exact,USD,{GREATEST},{GREATEST - 1},0,0,0,0,0,0",
        "may,gone,JPY,0,,0,,0,,0,",
        "may,moved,JPY,5,,5,,5,,0,",
        "may,moved,USD,,5,,5,,5,,0",
    ]
