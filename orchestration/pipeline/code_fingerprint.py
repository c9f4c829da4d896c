"""The fingerprint of the code that makes the numbers: an old work file is not taken on by new code."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

# What a number may depend on. Not among them: what only shows numbers or asks for a run
# (command_line, dagster_glue, reports, described, sample).
_FILES: Final = (
    ("orchestration/terms", "*.py"),
    ("orchestration/ingest", "*.py"),
    ("orchestration/ledger", "*.py"),
    ("orchestration/pipeline", "*.py"),
    ("orchestration/publishing", "*.py"),
    ("orchestration/records", "*.py"),
    ("expectations", "*.py"),
    ("dbt_project", "*.yml"),
    ("dbt_project", "*.sql"),
)
_LIBRARIES: Final = ("duckdb", "dbt-core", "dbt-duckdb", "pyarrow", "tzdata")


@cache
def code_fingerprint() -> str:
    """SHA-256, hexadecimal, over code, models, their settings, and the libraries that compute."""
    digest = hashlib.sha256(repr([(name, version(name)) for name in _LIBRARIES]).encode())
    for folder, pattern in _FILES:
        for path in sorted((ROOT / folder).rglob(pattern)):
            if "target" in path.parts:
                continue
            digest.update(f"{path.relative_to(ROOT)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
