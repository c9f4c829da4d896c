"""The close log's file (§9): `<home>/closed/program=P/close-log.jsonl`, one line a closed period.

It is only ever appended to, by writing it anew beside itself and renaming: a crash leaves the old
lines or the old lines and the new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from orchestration.foundations.durable import make_folder
from orchestration.foundations.files import replace_file
from orchestration.ledger.closing import NO_LINE_BEFORE, line_sha256
from orchestration.records import CloseEntry, Unreadable


class CloseLog:
    """The close log of one program in a home."""

    def __init__(self, home: Path, program: str) -> None:
        self._home = home
        self.path = home / "closed" / f"program={program}" / "close-log.jsonl"

    def lines(self) -> list[bytes]:
        """The lines without their ends; [] where nothing was closed yet."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        return content.removesuffix(b"\n").split(b"\n") if content else []

    def entries(self) -> list[tuple[CloseEntry, bytes]]:
        """The entries of the lines, each beside its bytes; Unreadable if one cannot be read."""
        return [(CloseEntry.from_line(line), line) for line in self.lines()]

    def lines_by_period(self) -> dict[str, bytes]:
        """The line that closes each period, as far as lines can be read."""
        return {key: line for key, (_, line) in readable(self.lines()).items()}

    def last_sha256(self) -> str:
        """The hash that the next line has to hold."""
        lines = self.lines()
        return line_sha256(lines[-1]) if lines else NO_LINE_BEFORE

    def append(self, line: bytes) -> None:
        """Adds a line and flushes it to disk."""
        make_folder(self.path.parent, self._home)
        content = b"".join(kept + b"\n" for kept in [*self.lines(), line])
        replace_file(self.path, content, is_durable=True)


def readable(lines: Iterable[bytes]) -> dict[str, tuple[CloseEntry, bytes]]:
    """The entries of lines, each beside its bytes, by period; without those that cannot be read."""
    found = {}
    for line in lines:
        with suppress(Unreadable):
            entry = CloseEntry.from_line(line)
            found[entry.period] = entry, line
    return found
