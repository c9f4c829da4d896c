"""One UI at a time: over a home, and on a port. Refusals name the process that is there."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ADDRESS = "127.0.0.1"
"""The only address that the UI is served on."""

_MOST_WAITING = 128


class Taken(RuntimeError):
    """Another process has the home or the port; says which."""


@contextmanager
def claim_home(home: Path, port: int) -> Iterator[int]:
    """Holds a home against other UIs; gives the lock's descriptor. Taken, if there is one.

    Whoever inherits the descriptor holds it too, so the home is free only when the last process of
    a UI has ended, whatever became of the first.
    """
    folder = home / "locks"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # No program's lock has this name: names have no underscore.
    path = folder / "_ui.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Taken(f"{home} has a UI already: {_holder(path)}; use it, or end it") from None
        said = json.dumps({"pid": os.getpid(), "port": port, "host": socket.gethostname()})
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, said.encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def claim_port(port: int) -> socket.socket:
    """A socket that listens on the port from now on. Taken, if another process does.

    PermissionError where the system keeps the port for others.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # So that the port of a UI that has ended is free at once; two that listen are refused as ever.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((ADDRESS, port))
        listening.listen(_MOST_WAITING)
    except OSError as error:
        listening.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise Taken(
            f"port {port} is in use by {_listener(port)}; end it, or name another with --port"
        ) from None
    return listening


def _holder(path: Path) -> str:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return f"process {said['pid']} on {said['host']}, http://{ADDRESS}:{said['port']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that does not say which"


def _listener(port: int) -> str:
    """The processes that listen on a port, where Linux lets us see it."""
    inodes = {
        fields[9]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in _lines(Path(table))[1:]
        if (fields := line.split())[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port
    }
    wanted = {f"socket:[{inode}]" for inode in inodes}
    found = sorted(
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if wanted and wanted & _open_files(folder / "fd")
    )
    if not found:
        return "a process of another user, perhaps"
    commands = [
        Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        for pid in found[:1]
        if Path(f"/proc/{pid}").exists()
    ]
    return f"process {', '.join(map(str, found))} ({''.join(commands).strip()[:200]})"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except OSError:
        return []


def _open_files(folder: Path) -> set[str]:
    names: set[str] = set()
    with suppress(OSError):  # of another user, or gone by now
        for entry in folder.iterdir():
            with suppress(OSError):
                names.add(os.readlink(entry))
    return names
