"""Opening a file that was found, and being sure that it still is that file.

Belongs here: what may happen between finding a file and having read it. Does not: what is in it.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import TYPE_CHECKING, Final

from orchestration.foundations.texts import shown
from orchestration.ingest.discovery import FoundFile, Identity
from orchestration.ingest.quarantine import FileFault, FileReason

if TYPE_CHECKING:
    import duckdb

_LONGEST_DETAIL: Final = 300


def unreadable(message: str) -> FileFault:
    """The fault of a file of which a library says, in words from outside, that it cannot be read."""
    return FileFault(FileReason.UNREADABLE, shown(message)[:_LONGEST_DETAIL])


@contextmanager
def opened(file: FoundFile) -> Iterator[BufferedReader]:
    """The file's bytes. FileFault if it cannot be opened, or was changed or replaced meanwhile."""
    try:
        # O_NONBLOCK: what was a file when the folder was listed may be a pipe by now.
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise FileFault(FileReason.UNREADABLE, str(error.strerror)) from error
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or Identity.of(status) != file.identity:
            raise _changed_while_read()
        try:
            yield stream
        except FileFault:
            check_unchanged(file)  # if it was changed, that is the better explanation
            raise
    check_unchanged(file)


def check_unchanged(file: FoundFile) -> None:
    """FileFault if the file is not what it was when it was found."""
    try:
        status = os.stat(file.path)
    except OSError as error:
        raise _changed_while_read() from error
    if Identity.of(status) != file.identity:
        raise _changed_while_read()


def files_changed_since(connection: "duckdb.DuckDBPyConnection") -> list[str]:
    """Names of the files that are read in place and are not what they were when they were ingested."""
    return [
        name
        for name, link, *identity in connection.execute(
            "select * from files_in_place order by file"
        ).fetchall()
        if _identity(link) != Identity(*map(int, identity))
    ]


def _identity(path: str) -> Identity | None:
    try:
        return Identity.of(os.stat(path))
    except OSError:
        return None


def _changed_while_read() -> FileFault:
    return FileFault(FileReason.CHANGED_WHILE_READ, "the file changed while it was being read")
