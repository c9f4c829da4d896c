"""The work file of a period: one DuckDB file that ingest replaces whole and later stages add to.

Only the run that holds the period opens it. What others want to know of a run stands in files beside
it (`run_state.py`). A file that anything but a stage has written to since is refused: its stamp says
how the last stage left it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestration.foundations.files import replace_file
from orchestration.pipeline.engine_limits import EngineLimits
from orchestration.pipeline.refusals import Refused

if TYPE_CHECKING:
    import duckdb

# DuckDB's main header and its two database headers. Each checkpoint writes one of the two anew, with
# a higher number, so whoever changes the file by DuckDB changes these bytes.
_HEADER_BYTES: Final = 3 * 4096


class WorkFile:
    """A period's work file: `<home>/work/<program>/<period>/work.duckdb`.

    `limits` hold for its connections; left out, they follow from the machine.
    """

    def __init__(self, folder: Path, limits: EngineLimits | None = None) -> None:
        self.folder = folder
        self._limits = limits
        # The stem is the catalog that dbt's manifest names, so it is the same for all.
        self.path = folder / "work.duckdb"
        self.spill = folder / "spill"
        self._log = folder / "work.duckdb.wal"
        self._stamp = folder / "work.stamp.json"

    @property
    def limits(self) -> EngineLimits:
        """Of a connection. The machine is asked here, since most work files are only looked at."""
        return self._limits or EngineLimits.of({})

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for a stage; end it before dbt or a gate opens the file.

        Refused if there is no file: DuckDB would make an empty one.
        """
        import duckdb

        if not self.path.exists():
            raise Refused(f"{self.who}: nothing is ingested yet; run ingest first")
        with self.stage_writes(), duckdb.connect(self.path) as connection:
            connection.execute("set TimeZone = 'UTC'")
            self.limits.apply(connection, self.spill)
            yield connection

    @contextmanager
    def stage_writes(self) -> Iterator[None]:
        """Wraps every write of a stage: on exit, also after an exception, the stamp is renewed.

        If the file was not as the last stage had left it on entry, the stamp stays as it is. So the
        file stays refused until ingest replaces it.
        """
        attempt = self.attempt
        was_left_so = self.is_as_left()
        try:
            yield
        finally:
            if was_left_so and attempt is not None:
                self._leave(attempt)

    def is_as_left(self) -> bool:
        """True if nothing has written to the file since a stage last did.

        A log beside it belongs to a process that died: it would be played back into the file. The
        stamp goes by content, so a home that was copied is as it was left.
        """
        attempt = self.attempt
        if attempt is None or self._log.exists() or not self.path.exists():
            return False
        return self._stamp.read_bytes() == self._state(attempt)

    @property
    def attempt(self) -> str | None:
        """The reading of inputs that made the file (see `LastRun`); None if nothing says so."""
        try:
            found = json.loads(self._stamp.read_bytes()).get("attempt")
        except (FileNotFoundError, ValueError):
            return None
        return str(found) if found else None

    def replace_with(self, fresh: Path, attempt: str) -> None:
        """Puts a freshly ingested file in the place of the old one, in one step."""
        self._log.unlink(missing_ok=True)
        os.replace(fresh, self.path)
        self._leave(attempt)

    def take_on(self, attempt: str) -> None:
        """Makes the file that of another reading, which found the same input."""
        self._leave(attempt)

    def sha256(self) -> str | None:
        """The hash of all bytes; None if there is no file, or a log of a process that died beside it."""
        if self._log.exists() or not self.path.exists():
            return None
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _leave(self, attempt: str) -> None:
        replace_file(self._stamp, self._state(attempt))

    def _state(self, attempt: str) -> bytes:
        with self.path.open("rb") as file:
            headers = hashlib.sha256(file.read(_HEADER_BYTES)).hexdigest()
            size = file.seek(0, os.SEEK_END)
        return json.dumps({"attempt": attempt, "size": size, "headers_sha256": headers}).encode()

    @property
    def who(self) -> str:
        """Program and period, for messages."""
        return f"{self.folder.parent.name} {self.folder.name}"
