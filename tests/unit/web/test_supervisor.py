"""Processes that end together: with small ones in place of Dagster's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from orchestration.web import supervisor
from orchestration.web.supervisor import Ending, Service, supervise
from tests.conftest import ROOT

# A service that has a process of its own, as a run is, and says the numbers of both.
SERVICE = """
import subprocess, sys, time
from pathlib import Path
from orchestration.web.service import end_with_parent
Path(sys.argv[1]).mkdir(exist_ok=True)
end_with_parent(Path(sys.argv[1]))
child = subprocess.Popen([sys.executable, "-c", {child!r}])
Path(sys.argv[2]).write_text(f"{{child.pid}}")
{then}
"""
SLEEPS = "import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)"


def _service(folder: Path, name: str, child: str = SLEEPS, then: str = SLEEPS) -> Service:
    said = folder / name
    source = SERVICE.format(child=child, then=then)
    service = Service.start(name, ["-c", source, str(folder / "meeting"), str(said)])
    _wait(lambda: said.exists() and bool(said.read_text()))
    return service


def _wait(holds: object, seconds: float = 20) -> None:
    assert callable(holds)
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def _soon(number: int) -> None:
    threading.Timer(0.3, os.kill, (os.getpid(), number)).start()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_and_what_they_started(tmp_path: Path, number: int) -> None:
    # Also where the tests were started with nohup, or in the background of a shell.
    usual = signal.signal(number, signal.SIG_DFL)
    try:
        ending = Ending()
        with ending.listen():
            services = [_service(tmp_path, "one"), _service(tmp_path, "two")]
            _soon(number)
            assert supervise(services, ending) is None
        assert all(service.is_gone() for service in services)
    finally:
        signal.signal(number, usual)


def test_in_the_background_a_shell_has_them_ignore_an_interrupt(tmp_path: Path) -> None:
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        ending = Ending()
        with ending.listen():
            service = _service(tmp_path, "one")
            _soon(signal.SIGINT)
            assert supervise([service], ending) is None
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert service.is_gone()
    finally:
        signal.signal(signal.SIGINT, usual)


def test_nohup_keeps_its_meaning() -> None:
    usual = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        ending = Ending()
        with ending.listen():
            os.kill(os.getpid(), signal.SIGHUP)
        assert ending.signals == 0
    finally:
        signal.signal(signal.SIGHUP, usual)


@pytest.mark.parametrize(
    ("then", "how"),
    [("sys.exit(3)", "ended with status 3"), ("import os; os.abort()", "was ended by SIGABRT")],
)
def test_one_that_dies_takes_the_others_with_it(tmp_path: Path, then: str, how: str) -> None:
    services = [_service(tmp_path, "one"), _service(tmp_path, "two", then=then)]
    fault = supervise(services, Ending())
    assert fault == f"two (process {services[1].process.pid}) {how}"
    # Of the dead one, what it had started is gone too.
    assert all(service.is_gone() for service in services)


def test_who_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "PATIENCE_SECONDS", 0.5)
    ending = Ending()
    with ending.listen():
        service = _service(tmp_path, "one", child=DEAF, then=DEAF)
        _soon(signal.SIGTERM)
        assert supervise([service], ending) is None
    assert service.is_gone()


def test_they_end_by_themselves_if_their_supervisor_is_killed(tmp_path: Path) -> None:
    """Nothing that the supervisor could do in time: it is gone at once."""
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path\n"
            "from tests.unit.web.test_supervisor import _service, SLEEPS\n"
            "service = _service(Path(sys.argv[1]), 'one')\n"
            "print(service.process.pid, flush=True)\n" + SLEEPS,
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert starter.stdout is not None
    group = int(starter.stdout.readline())
    os.killpg(group, 0)
    starter.kill()
    starter.wait()
    _wait(lambda: not supervisor._has_living(group))
    assert not (tmp_path / "meeting").exists()
