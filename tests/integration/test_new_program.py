"""The example that `bonus init` writes: whatever was answered it runs, warns of nothing, and pays somebody."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pyarrow import parquet

from orchestration.new_program.answers import Answers, Method, read_markets
from orchestration.new_program.write import EXAMPLE, PROGRAM_FILE, write_program
from tests.integration.books import Books
from tests.proof.product import warned

FIRST_AND_LAST_DAYS = ["FR", "dawn=Pacific/Kiritimati", "dusk=Etc/GMT+12"]


@pytest.mark.parametrize("method", ["rate", "pool"])
@pytest.mark.parametrize(
    ("currency", "markets"),
    [("EUR", ["FR"]), ("JPY", FIRST_AND_LAST_DAYS), ("KWD", ["US=America/Denver", "KR"])],
)
def test_the_example_pays_one_creator_a_market_and_carries_one(
    tmp_path: Path, method: Method, currency: str, markets: list[str]
) -> None:
    folder = tmp_path / "mine"
    answers = Answers("mine", currency, read_markets(markets), method, date(2025, 2, 1), 1)
    write_program(folder, answers)
    books = Books(tmp_path / "home", folder / PROGRAM_FILE, fast=True)
    books.run("2025-02", folder / EXAMPLE)
    assert warned(books.last) == set()
    publication = books.published["2025-02"]
    ledger = parquet.read_table(publication.folder / "payout_ledger").to_pylist()
    paid = {f"paid-{market.partition('=')[0]}": ("paid", currency) for market in markets}
    assert {row["creator_id"]: (row["status"], row["payout_currency"]) for row in ledger} == {
        **paid,
        "small": ("carried", currency),
        "waiting": ("none", currency),
    }
