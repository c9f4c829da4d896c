"""Writing that survives a power cut: bytes and names are flushed to disk.

Renaming makes a step atomic, flushing makes it last: what a link or a line in the close log speaks
of has to be on disk before it.
"""

from __future__ import annotations

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Flushes a file's bytes, or the names that were made or replaced in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file and flushes its bytes; its name is flushed by a `sync` of its folder."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def make_folder(folder: Path, home: Path) -> None:
    """Makes a folder below `home`, and those between, and flushes the names of them all.

    Also of those that were there: who made them may have died before flushing. ValueError if
    `folder` does not lie below `home`.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    below = len(folder.relative_to(home).parts)
    for above in folder.parents[:below]:
        sync(above)
