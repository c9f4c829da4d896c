"""docs/operations.md speaks of every expectation and reason, and quotes messages as the code has them."""

from __future__ import annotations

import ast
import re

import pytest

from expectations.suites import SUITES
from orchestration.ingest.quarantine import FileReason, RowReason
from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
CHAPTERS = (
    "### Usage",
    "### Refused by the state",
    "### `bonus verify` found",
    "### Anything else",
)
# Said by PostgreSQL, not by us.
FOREIGN = {"password authentication failed", "Connection refused"}
COVERED = "any other of eligibility, scoring, ledger or restatement"


def sources() -> str:
    """All texts of the code, each in one piece; a value put into a text is `\\0`."""
    pieces = []
    for path in sorted((ROOT / "orchestration").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                pieces.append(
                    "".join(
                        str(part.value) if isinstance(part, ast.Constant) else "\0"
                        for part in node.values
                    )
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                pieces.append(node.value)
    return "\n".join(pieces)


def messages() -> list[str]:
    """What the first columns of the chapters on messages quote."""
    found = []
    for chapter in re.split(r"^(?=##)", TEXT, flags=re.MULTILINE):
        if chapter.startswith(CHAPTERS) or chapter.startswith("## Alerts"):
            for line in chapter.splitlines():
                if line.startswith("| `"):
                    found += re.findall(r"`([^`]+)`", line.split("|")[1])
    return found


def test_messages_are_those_of_the_code() -> None:
    code = sources()
    quoted = [text for text in messages() if text not in FOREIGN]
    assert len(quoted) > 40
    absent = [
        text
        for text in quoted
        if not re.search(".*".join(re.escape(part.strip()) for part in text.split("…")), code)
    ]
    assert absent == []


def test_every_reason_of_quarantine_is_explained() -> None:
    assert [
        reason for reason in (*RowReason, *FileReason) if f"| `{reason.value}` |" not in TEXT
    ] == []


@pytest.mark.parametrize("stage", list(SUITES))
def test_every_expectation_is_explained(stage: str) -> None:
    """By name, or by how it ends; those of computed tables have a row for all of them."""
    ends = re.findall(r"`…(_[a-z_]+)`", TEXT)
    unnamed = [
        row.name
        for row in SUITES[stage]
        if f"`{row.name}`" not in TEXT and not row.name.endswith(tuple(ends))
    ]
    if stage in ("ingest", "staging"):
        assert unnamed == []
    else:
        assert COVERED in TEXT
        # A warning says nothing against the code, so it needs words of its own.
        assert [
            row.name for row in SUITES[stage] if row.severity == "warn" and row.name in unnamed
        ] == []
