"""The meaning of each column: the doc blocks of dbt are the one place where such a text stands.

The unit of a published amount stands with its type, in `publishing/tables.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Final

from orchestration.pipeline.dbt_runner import manifest_path
from orchestration.publishing.tables import PUBLISHED_TABLES, RESTATEMENT

_UNITS: Final = {
    table.name: table.minor_units for table in (*PUBLISHED_TABLES.values(), RESTATEMENT)
}


@cache
def _doc_blocks() -> Mapping[str, str]:
    docs = json.loads(manifest_path().read_text(encoding="utf-8"))["docs"].values()
    return {
        block["name"]: block["block_contents"].strip()
        for block in docs
        if block["package_name"] == "creator_bonus"
    }


def column_text(table: str, column: str) -> str:
    """The meaning of a column, from dbt's doc blocks: `<table>__<column>`, else `<column>`; and its unit."""
    blocks = _doc_blocks()
    text = blocks.get(f"{table}__{column}") or blocks[column]
    unit = _UNITS.get(table, {}).get(column)
    return f"{text} In minor units of {unit}." if unit else text
