"""The comparison that comes with the worked cases, in this process."""

from __future__ import annotations

import io
import runpy
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

from tests.conftest import SHARED


@cache
def _comparison() -> dict[str, Any]:
    return runpy.run_path(str(SHARED / "check_case.py"))


def assert_equal(exported: Path, expected: Path) -> None:
    """The folder of an export is equal to an expected one, cell by cell."""
    with redirect_stdout(io.StringIO()) as said:
        differences = _comparison()["main"](exported, expected)
    assert not differences, f"{expected}: {said.getvalue()}"
