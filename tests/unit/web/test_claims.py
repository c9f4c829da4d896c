"""One UI over a home and on a port; who is refused hears which process is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.web.claims import Taken, claim_home, claim_port


def test_a_home_has_one_ui_until_its_last_process_has_ended(tmp_path: Path) -> None:
    with claim_home(tmp_path, 3000) as lock:
        with pytest.raises(Taken, match=rf"process {os.getpid()} on .*127\.0\.0\.1:3000"):
            claim_home(tmp_path, 3001).__enter__()
        heir = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock]
        )
    with pytest.raises(Taken, match="has a UI already"):
        claim_home(tmp_path, 3001).__enter__()
    heir.communicate(b"\n")
    with claim_home(tmp_path, 3001):
        pass


def test_two_homes_have_two(tmp_path: Path) -> None:
    with claim_home(tmp_path / "a", 3000), claim_home(tmp_path / "b", 3001):
        pass


def test_a_port_has_one_ui() -> None:
    with claim_port(0) as first:
        port = first.getsockname()[1]
        with pytest.raises(Taken, match=rf"port {port} is in use by .*--port") as refused:
            claim_port(port)
        if Path("/proc/net/tcp").exists():
            assert f"process {os.getpid()} (" in str(refused.value)
    claim_port(port).close()


def test_a_holder_that_cannot_be_read_is_no_traceback(tmp_path: Path) -> None:
    with claim_home(tmp_path, 3000):
        (tmp_path / "locks" / "_ui.lock").write_text("[]")
        with pytest.raises(Taken, match="a process that does not say which"):
            claim_home(tmp_path, 3000).__enter__()
