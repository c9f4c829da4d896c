"""Adjustments by hand and returned payments (§7): the worked cases, and what the gates say (§8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import SHARED
from tests.integration.books import Books
from tests.integration.test_closing import assert_equal

CASES = sorted(path.name for path in (SHARED / "worked").glob("decisions-*")) or ["absent"]


@pytest.mark.parametrize("case", CASES)
def test_decisions_case_is_equal(case: str, shared: Path, tmp_path: Path) -> None:
    """ "For n = 1, 2, ...: on `landing-n` run all periods in their order (a closed one gives a
    restatement), compare all with `expected-n`, then close the n-th period." """
    folder = shared / "worked" / case
    books = Books(tmp_path / "home", folder / "program.yaml", fast=True)
    sealed: dict[str, dict[str, bytes]] = {}
    for number, closing in enumerate(books.periods, start=1):
        for period in books.periods:
            books.run(period, folder / f"landing-{number}")
        assert_equal(books, folder / f"expected-{number}", tmp_path / f"exported-{number}")
        assert books.differences == []
        books.close(closing)
        sealed[closing] = books.files(closing)
    assert books.differences == []
    assert {period: books.files(period) for period in sealed} == sealed
