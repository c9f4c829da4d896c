"""Every step that this process takes on disk below a folder: counted, or the last one it ever takes.

Steps are seen from outside the product: by Python's audit hook (open for writing, rename, link,
unlink, mkdir, rmdir, chmod), and by wrapping `os.fsync` and the files' `write`. DuckDB's own writes
to its files are not among them; `random` kills in `crashes.py` fall on those. A hook stays for the
life of a process, so this is for forked children.
"""

from __future__ import annotations

import builtins
import io
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_NAMES = {
    "os.rename": "rename", "os.symlink": "symlink", "os.link": "link", "os.remove": "unlink",
    "os.mkdir": "mkdir", "os.rmdir": "rmdir", "os.chmod": "chmod",
}  # fmt: skip
_NAMING = {"rename", "symlink", "link"}
"""Steps of which the path that counts is the second: the new name."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class DiskSteps:
    """The steps below `folder` so far; the process dies of SIGKILL right before step `die_at`.

    With `torn`, a write that is step `die_at` puts down the first half of its bytes before that.
    """

    def __init__(self, folder: Path, die_at: int | None = None, *, torn: bool = False) -> None:
        self._folder = str(folder)
        self._die_at = die_at
        self._torn = torn
        self.seen: list[tuple[str, str]] = []

    def watch(self) -> None:
        """From now on; for the rest of this process's life."""
        sys.addaudithook(self._audit)
        real_fsync, real_open = os.fsync, io.open

        def fsync(descriptor: int) -> None:
            self._step("fsync", os.readlink(f"/proc/self/fd/{descriptor}"))
            real_fsync(descriptor)

        def watched_open(file: Any, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
            opened = real_open(file, mode, *arguments, **keywords)
            if self._is_inside(file) and not mode.startswith("r"):
                self._watch_writes(opened, str(file))
            return opened

        os.fsync = fsync
        io.open = builtins.open = watched_open  # type: ignore[assignment]

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if flags & _WRITING and self._is_inside(path):
                self._step("open", path)
        elif event in _NAMES:
            # `rmtree` goes by descriptors of folders and names in them.
            by_descriptor = event in {"os.remove", "os.rmdir"} and arguments[-1] != -1
            path = arguments[1] if _NAMES[event] in _NAMING else arguments[0]
            if by_descriptor or self._is_inside(path):
                self._step(_NAMES[event], path)

    def _watch_writes(self, file: Any, path: str) -> None:
        real = file.write

        def write(content: Any) -> Any:
            if self._torn and len(self.seen) == self._die_at:
                real(content[: len(content) // 2])
                file.flush()
            self._step("write", path)
            return real(content)

        file.write = write

    def _is_inside(self, path: object) -> bool:
        return isinstance(path, (str, os.PathLike)) and str(path).startswith(self._folder)

    def _step(self, kind: str, path: object) -> None:
        if len(self.seen) == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.seen.append((kind, str(path).removeprefix(self._folder)))


_BOOKS = ("/generations/", "/published/", "/restated/", "/store/", "/closed/")


def unflushed(steps: Sequence[tuple[str, str]]) -> list[str]:
    """Steps on the books whose name or bytes no fsync follows, up to the switch where they precede it.

    Names that begin with a dot are scaffolding: only their bytes count, since they are renamed.
    """
    switches = [at for at, step in enumerate(steps) if _is_switch(*step)]
    found = []
    for at, (kind, path) in enumerate(steps):
        if not path.startswith(_BOOKS):
            continue
        until = next((switch for switch in switches if switch > at), len(steps))
        flushed = {name for step, name in steps[at:until] if step == "fsync"}
        folder, _, name = path.rpartition("/")
        is_named = kind in {"open", "mkdir", *_NAMING} and not name.startswith(".")
        if (is_named and folder not in flushed) or (kind == "write" and path not in flushed):
            found.append(f"{kind} {path}")
    return found


def _is_switch(kind: str, path: str) -> bool:
    return kind == "rename" and path.startswith("/generations/") and path.endswith("/current")
