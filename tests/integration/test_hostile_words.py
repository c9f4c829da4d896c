"""Ids with HTML, Markdown and SQL: of creators, posts, markets and content types, in report, UI and log.

A page with such ids has the very elements of one with harmless ids; what the UI shows as Markdown, and what
a run says of its progress, has none of them. Through the command line: tests/torture/test_hostile_names.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.dagster_glue.assets.asset_metadata import table_metadata
from orchestration.ingest.datasets import DATASET_NAMES
from orchestration.pipeline.refusals import GateFailed
from orchestration.publishing.tables import PUBLISHED_TABLES
from orchestration.reports.write import write_reports
from tests.incidents.landing import Books, World, key
from tests.page_reader import read_page

HOSTILE = {
    "creator": ("<script>alert('creator')</script>", "'; drop table raw_creators; --", "[c](javascript:c)"),
    "post": ("<img src=x onerror=alert('post')>", "x') union select * from payout_ledger --", "![p](http://p)"),
    "market": ("</td></tr></table><h1>market", "m'); delete from terms_rates; --", "**m** | m | `m`"),
    "content": ("<svg onload=alert('content')>", "\"; drop table int_posts; --", "# content\n".strip()),
}  # fmt: skip
HARMLESS = {kind: tuple(f"{kind}-{number}" for number in range(3)) for kind in HOSTILE}


def books_of(folder: Path, words: dict[str, tuple[str, ...]]) -> Books:
    """A month of three creators, each with a post of its own content type in its own market."""
    folder.mkdir()
    world = World(folder)
    for number, creator in enumerate(words["creator"]):
        world.creator(creator)
        world.post(words["post"][number], creator, 1_000 + number)
        world.rows["creators"][-1] = {
            **world.rows["creators"][-1],
            "market": words["market"][number],
        }
        world.rows["posts"][-1] = {
            **world.rows["posts"][-1],
            "content_type": words["content"][number],
        }
    world.program["markets"] = {market: {"timezone": "UTC"} for market in words["market"]}
    terms = world.terms
    terms["eligibility"] |= {
        "markets": list(words["market"]),
        "content_types": list(words["content"]),
    }
    terms["weights"] = {content: {"views": 1} for content in words["content"]}
    terms["payout"]["rates"] = {market: [{"rate": 1}] for market in words["market"]}
    return Books(world)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Books]:
    folder = tmp_path_factory.mktemp("words")
    books = {
        "hostile": books_of(folder / "hostile", HOSTILE),
        "harmless": books_of(folder / "harmless", HARMLESS),
    }
    books["harmless"].run(1)
    books["hostile"].run(1)  # last: its database is the one in memory
    return books


def test_they_are_paid_like_others(both: dict[str, Books]) -> None:
    paid = {
        row["creator_id"]: row["payout_minor"] for row in both["hostile"].table(1, "payout_ledger")
    }
    assert paid == dict.fromkeys(HOSTILE["creator"], 100)
    assert {row["market"] for row in both["hostile"].table(1, "creator_scores")} == set(
        HOSTILE["market"]
    )


def test_the_report_has_the_elements_of_a_harmless_one(both: dict[str, Books]) -> None:
    pages = {}
    for name, books in both.items():
        plain = books.plain
        (path,) = write_reports(plain.home, "bonus", [key(1)]).values()
        pages[name] = [
            read_page(page.read_text("utf-8")) for page in (path, path.with_name("index.html"))
        ]
    for hostile, harmless in zip(pages["hostile"], pages["harmless"], strict=True):
        assert hostile.tags == harmless.tags
        names = [(tag, name) for tag, name, _ in hostile.attributes]
        assert names == [(tag, name) for tag, name, _ in harmless.attributes]
        assert not [value for _, _, value in hostile.attributes if "javascript:" in value]
    text = pages["hostile"][0].text
    for word in (*HOSTILE["market"], *HOSTILE["content"]):
        assert word in text


def values(metadata: Any) -> list[dg.MetadataValue[Any]]:
    return list(metadata.values())


def test_the_ui_shows_them_as_cells_and_never_as_markdown(both: dict[str, Books]) -> None:
    shown, markdown = [], []
    tables = [f"raw_{name}" for name in DATASET_NAMES] + list(PUBLISHED_TABLES)
    with both["hostile"].last.work.connect() as connection:
        for table in tables:
            for value in values(table_metadata(connection, table)):
                if isinstance(value, dg.MarkdownMetadataValue):
                    markdown.append(value.value)
                elif isinstance(value, dg.TableMetadataValue):
                    shown += [cell for row in value.records for cell in row.data.values()]
    assert markdown
    for word in (word for words in HOSTILE.values() for word in words):
        assert word in shown
        assert not [text for text in markdown if word in text]


def test_what_a_blocked_run_says_in_its_log_has_none_of_them(tmp_path: Path) -> None:
    books = books_of(tmp_path / "blocked", HOSTILE)
    rows = books.world.rows
    for dataset, column in (("creators", "account_type"), ("posts", "content_type")):
        rows[dataset].append({**rows[dataset][0], column: "business"})
    with pytest.raises(GateFailed) as failure:
        books.run(1)
    found = [result for result in failure.value.result.results if result.blocks]
    assert any(HOSTILE["creator"][0] in str(row) for result in found for row in result.rows)
    for word in (word for words in HOSTILE.values() for word in words):
        assert word not in str(failure.value)
