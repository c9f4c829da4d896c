"""File names for DuckDB, which takes every name for a pattern: a home may be called `home [2]`."""

from __future__ import annotations

import os


def exact_pattern(path: str | os.PathLike[str]) -> str:
    """The path as a pattern that matches nothing else."""
    return "".join(
        f"[{character}]" if character in "*?[" else character for character in os.fspath(path)
    )
