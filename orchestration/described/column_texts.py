"""The meaning of each column: the doc blocks of dbt are the one place where such a text stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

from orchestration.pipeline.dbt_runner import manifest_path


@cache
def _doc_blocks() -> Mapping[str, str]:
    docs = json.loads(manifest_path().read_text(encoding="utf-8"))["docs"].values()
    return {
        block["name"]: block["block_contents"].strip()
        for block in docs
        if block["package_name"] == "creator_bonus"
    }


def column_text(table: str, column: str) -> str:
    """The meaning of a column, from dbt's doc blocks: `<table>__<column>`, else `<column>`."""
    blocks = _doc_blocks()
    return blocks.get(f"{table}__{column}") or blocks[column]
