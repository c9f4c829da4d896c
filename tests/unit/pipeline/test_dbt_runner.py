"""The parsed project is kept for all homes, and made anew where a power cut has left half of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestration.pipeline import dbt_runner

FILES = ("manifest.json", "partial_parse.msgpack", "sizes.json")


@pytest.mark.parametrize("torn", FILES)
def test_a_torn_file_of_the_cache_is_made_anew(
    torn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[Path] = []

    def parse(_manifest: None, _command: str, _work: Any, target: Path, *_: Any) -> None:
        target.mkdir()
        for name in FILES[:2]:
            (target / name).write_text("whole")
        parsed.append(target)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(dbt_runner, "_invoke", parse)
    find = dbt_runner.manifest_path.__wrapped__
    manifest = find()
    assert find() == manifest and len(parsed) == 1
    (manifest.parent / torn).write_text("")
    assert find() == manifest and len(parsed) == 2
    assert (manifest.parent / FILES[0]).read_text() == "whole"
