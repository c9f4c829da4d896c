"""Starts the processes of `bonus ui`, and sees to it that they end together.

A signal to this process, or the death of one of its own, ends them all, and the runs they started.
If this process dies without a word, they end by themselves (`service.py`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from orchestration.web.service import PATIENCE_SECONDS, write_workspace

ENDS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_SECONDS = 0.1
_LONGEST_SOCKET = 82
"""Bytes of a folder's name; the kernel takes 104 to 108 for a socket's whole name (`listener-abcdefgh`)."""


@dataclass(frozen=True, slots=True)
class Service:
    """A process with a group of its own, in which all that it starts stays."""

    name: str
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, name: str, arguments: Sequence[str], descriptors: Sequence[int] = ()) -> Service:
        """Starts a Python process. Its standard input is what tells it that we live."""
        process = subprocess.Popen(
            # -P: a file in the folder one happens to be in is no module of ours.
            [sys.executable, "-P", *arguments],
            stdin=subprocess.PIPE,
            process_group=0,
            pass_fds=descriptors,
        )
        return cls(name, process)

    def signal(self, number: int) -> bool:
        """Sends a signal to all of the group; False if there is nobody left in it."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)
            return True
        return False

    def is_gone(self) -> bool:
        """True if the process, and all that it has started, has ended."""
        if self.process.poll() is None or not self.signal(0):
            return self.process.poll() is not None
        # What nobody has waited for yet is counted by the signal, but has ended.
        return Path("/proc/self/stat").exists() and not _has_living(self.process.pid)


class Ending:
    """A request to end, and the time that the processes may take for it."""

    def __init__(self) -> None:
        self.signals = 0

    @contextmanager
    def listen(self) -> Iterator[None]:
        """Takes the signals that end us, also in the background, where a shell ignores SIGINT.

        Only a hang-up stays ignored where it is, since that is what nohup asks for.
        """
        before = {number: signal.getsignal(number) for number in ENDS}
        for number in ENDS:
            if number != signal.SIGHUP or before[number] is not signal.SIG_IGN:
                signal.signal(number, self._note)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.signals += 1


def supervise(services: Sequence[Service], ending: Ending) -> str | None:
    """Returns once all have ended: None if that was asked for, else which one ended by itself."""
    fault = None
    while not ending.signals and fault is None:
        time.sleep(_LOOK_SECONDS)
        for service in services:
            status = service.process.poll()
            if status is not None and not ending.signals:
                fault = f"{service.name} (process {service.process.pid}) {_ended(status)}"
                break
    end(services, ending)
    return fault


def end(services: Sequence[Service], ending: Ending) -> None:
    """Ends the services and all that they started: as Ctrl-C would, then, after a while, for sure.

    A second signal cuts that while short.
    """
    asked_before = ending.signals
    for number, patience in ((signal.SIGINT, PATIENCE_SECONDS), (signal.SIGKILL, PATIENCE_SECONDS)):
        for service in services:
            if not service.is_gone():
                service.signal(number)
        until = time.monotonic() + patience
        while time.monotonic() < until and ending.signals <= max(asked_before, 1):
            if all(service.is_gone() for service in services):
                return
            time.sleep(_LOOK_SECONDS)


def start_services(
    folder: Path, listening: int, lock: int, files: Sequence[str] = ()
) -> Iterator[Service]:
    """Starts Dagster's three processes, one by one; `files` are program file and landing folder."""
    write_workspace(folder)
    service = ("-m", "orchestration.web.service")
    for name, arguments, descriptors in (
        ("code", [*files], [lock]),
        ("web", [str(listening)], [lock, listening]),
        ("daemon", [], [lock]),
    ):
        yield Service.start(
            f"the {_TITLES[name]}",
            [*service, name, str(folder), *arguments],
            descriptors,
        )


_TITLES = {"code": "code server", "web": "webserver", "daemon": "daemon"}


@contextmanager
def meeting_place() -> Iterator[Path]:
    """A folder for the services' socket, for this user alone, with a name short enough for one."""
    usual = tempfile.gettempdir()
    with tempfile.TemporaryDirectory(
        prefix="bonus-ui-",
        dir=usual if len(os.fsencode(usual)) < _LONGEST_SOCKET - 20 else "/tmp",  # noqa: S108
        ignore_cleanup_errors=True,
    ) as folder:
        yield Path(folder)


def _has_living(group: int) -> bool:
    """True if a process group has a member that is more than its remains; Linux only."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name in parentheses may hold blanks, so what comes after the last one counts.
            state, _, its_group, *_ = stat.read_text(errors="replace").rpartition(")")[2].split()
            if int(its_group) == group and state not in ("Z", "X"):
                return True
    return False


def _ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    return f"was ended by {signal.Signals(-status).name}"
