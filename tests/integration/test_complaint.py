"""docs/complaint.md, typed as it stands in an empty folder: what it says comes out, in that order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.long

TEXT = (ROOT / "docs" / "complaint.md").read_text(encoding="utf-8")


def test_a_complaint_is_seen_through(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (tmp_path / ".venv" / name).symlink_to(Path(sys.prefix) / name)
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    typed = [block for kind, block in blocks if kind == "sh"]
    printed = [block for kind, block in blocks if not kind]
    assert (len(typed), len(printed)) == (7, 5)
    done = subprocess.run(
        ["bash", "-e", "-u", "-c", "\n".join(typed)],
        cwd=tmp_path,
        env={name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    said = " ".join(done.stdout.split())
    for line in "".join(printed).splitlines():
        _, found, said = said.partition(" ".join(line.split()))
        assert found, f"{line}\n{done.stdout}"
