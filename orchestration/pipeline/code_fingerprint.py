"""The fingerprint of the code that makes the numbers: an old work file is not taken on by new code.

A checkout and a wheel of the same code have the same one.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from orchestration.foundations.shipped import shipped

_PACKAGES: Final = Path(__file__).resolve().parents[2]

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
    for name, pattern in _FILES:
        folder = shipped(name) if name == "dbt_project" else _PACKAGES / name
        for path in sorted(folder.rglob(pattern)):
            inside = path.relative_to(folder)
            if "target" in inside.parts:
                continue
            digest.update(f"{name}/{inside.as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
