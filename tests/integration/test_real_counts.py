"""Real counts (`../shared/data`) to the end: recounted, stated and explained, beside `test_worked_cases`.

No post of theirs counts and earns nothing, so what is said of such posts is not tried here.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestration.explain.reading import explain_creator
from orchestration.publishing.export import export_period
from orchestration.statements.write import name_of, write_statements
from tests.explained import faults as wrong_steps
from tests.explained import read_export
from tests.explained import read_program as read_document
from tests.integration.books import Books
from tests.integration.test_recount import recounted
from tests.integration.test_statements import CHECK, exported_facts

EVERY = 60
"""One creator in so many is explained."""


@pytest.mark.long  # 17,000 statements
def test_real_counts_are_recounted_stated_and_explained(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared / "data"
    books = Books(tmp_path / "home", folder / "trending-bonus.yaml", fast=True)
    for period in books.periods:
        books.run(period, folder / "landing")
    books.close(books.periods[0])
    out, earlier = tmp_path / "exports", list[Path]()
    for period in books.periods:
        export_period(books.published[period], out / period)
        assert recounted(capsys, out / period, *earlier)[0] == 0
        earlier.append(out / period)
        written = write_statements(books.home, books.program, period, tmp_path / period)
        for statement in (tmp_path / period).glob("*.json"):
            CHECK(statement.read_bytes(), written.root, written.tree_size)
    exports = {period: read_export(out / period) for period in books.periods}
    document = read_document(books.loaded.path)
    for number, period in enumerate(books.periods):
        creators = {row["creator_id"] for row in exports[period]["payout_ledger"]}
        for creator in sorted(creators)[::EVERY]:
            explained = json.loads(
                json.dumps(explain_creator(books.home, books.program, period, creator).to_json())
            )
            facts = json.loads((tmp_path / period / f"{name_of(creator)}.json").read_bytes())[
                "facts"
            ]
            assert facts | exported_facts(out / period, creator) == facts
            assert not list(wrong_steps(explained, exports, books.periods[:number], document))
