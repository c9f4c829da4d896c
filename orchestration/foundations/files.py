"""Writing a file whole: a reader sees the old bytes or the new ones, never a part."""

from __future__ import annotations

import os
from pathlib import Path

from orchestration.foundations.durable import sync, write_bytes


def replace_file(path: Path, content: bytes, *, is_durable: bool = False) -> None:
    """Puts `content` in the place of a file, or makes it, in one step; makes no folder.

    With `is_durable` the bytes and the name are flushed, so they also survive a power cut. Several
    processes may do this at once: the last one wins.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        if is_durable:
            write_bytes(fresh, content)
        else:
            fresh.write_bytes(content)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    if is_durable:
        sync(path.parent)
