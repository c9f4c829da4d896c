"""Writing a file whole: a reader sees the old bytes or the new ones, never a part."""

from __future__ import annotations

import os
from pathlib import Path

from orchestration.foundations.durable import sync


def replace_file(
    path: Path,
    content: bytes,
    *,
    is_durable: bool = False,
    mode: int = 0o666,
    made_in: Path | None = None,
) -> None:
    """Puts `content` in the place of a file, or makes it, in one step; makes no folder.

    With `is_durable` the bytes and the name are flushed, so they also survive a power cut. Several
    processes may do this at once: the last one wins. `mode` and the umask give the permissions, which
    the file has before its first byte. The bytes are first written into another file of the same
    folder, or of `made_in` on the same disk, where the folder may hold no file too many. A process
    that is killed may leave that file, `.<name>.<pid>.new`.
    """
    fresh = (made_in or path.parent) / f".{path.name}.{os.getpid()}.new"
    try:
        fresh.unlink(missing_ok=True)  # of a process with this number that was killed
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
        if is_durable:
            sync(fresh)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    if is_durable:
        sync(path.parent)
