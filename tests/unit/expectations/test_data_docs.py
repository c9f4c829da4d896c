"""The pages that Great Expectations makes of recorded verdicts."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest

from expectations.data_docs import write_data_docs
from expectations.suite import GateResult, Result
from expectations.suites import SUITES
from expectations.translated import translated

HOSTILE = "<img src=x onerror=alert(1)>"


def verdict(stage: str, broken: Sequence[int] = ()) -> GateResult:
    """All expectations of a gate; those at the given places have 7 rows that break them."""
    results = []
    for place, row in enumerate(SUITES[stage]):
        failed = ("failed", 7, ({"post_id": HOSTILE},)) if place in broken else ("held",)
        results.append(Result(row.name, row.table, row.severity, row.means, *failed))
    return GateResult(stage, tuple(results))


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    problem = Result("odd", "t", "error", "odd", "not evaluated", problem=f"no table {HOSTILE}")
    gates = {
        "ingest": verdict("ingest"),
        "staging": GateResult("staging", (*verdict("staging", [0]).results, problem)),
    }
    ran_at = datetime(2026, 11, 29, 12, tzinfo=UTC)
    folder = tmp_path_factory.mktemp("docs") / "new"
    assert write_data_docs(gates, "run-7", ran_at, folder) == folder / "index.html"
    return folder


def text_of(docs: Path, stage: str) -> str:
    (page,) = (docs / "validations" / stage).rglob("*.html")
    html = re.sub(r"<(script|style).*?</\1>", "", page.read_text("utf-8"), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


def test_the_index_names_each_gate(docs: Path) -> None:
    index = (docs / "index.html").read_text("utf-8")
    assert "validations/ingest/" in index
    assert "validations/staging/" in index


def test_a_page_lists_every_expectation_of_its_gate(docs: Path) -> None:
    text = text_of(docs, "ingest")
    assert "Status: Succeeded" in text
    assert f"Evaluated Expectations {len(SUITES['ingest'])} " in text
    for row in SUITES["ingest"]:
        assert f"{row.table}: {row.name.replace('_', ' ')}. Else: {row.means}" in text


def test_a_gate_that_has_not_held_says_how_many_rows_broke_it(docs: Path) -> None:
    text = text_of(docs, "staging")
    assert "Status: Failed" in text
    assert "Unsuccessful Expectations 2 " in text
    assert f"{SUITES['staging'][0].means} 7 " in text


def test_nothing_hostile_reaches_a_page(docs: Path) -> None:
    pages = list(docs.rglob("*.html"))
    assert len(pages) == 5
    for page in pages:
        assert HOSTILE not in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("ours", "theirs"), [("error", "critical"), ("warn", "warning")], ids=["error", "warning"]
)
def test_great_expectations_is_told_the_severity(ours: str, theirs: str) -> None:
    row = next(row for suite in SUITES.values() for row in suite if row.severity == ours)
    assert translated(row, row.query).severity == theirs
