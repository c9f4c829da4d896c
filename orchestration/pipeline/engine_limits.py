"""The part of the machine that DuckDB may take: one value, the same for ingest, dbt and gates."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestration.foundations.cursors import sql_text

if TYPE_CHECKING:
    import duckdb

_GIB: Final = 2**30
# Half of the memory is the machine's and other processes'; what a run needs beyond this it spills.
_MOST_BYTES: Final = 10 * _GIB
_CGROUP_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Threads, and memory as DuckDB writes it (`4GiB`)."""

    threads: str
    memory: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> EngineLimits:
        """The limits of BONUS_THREADS and BONUS_MEMORY_LIMIT; those left out follow from the machine."""
        return cls(
            threads=environment.get("BONUS_THREADS") or str(len(os.sched_getaffinity(0))),
            memory=environment.get("BONUS_MEMORY_LIMIT") or f"{_memory_bytes() // 2**20}MiB",
        )

    def apply(self, connection: duckdb.DuckDBPyConnection, spill: Path) -> None:
        """Puts the limits in force; what does not fit in memory goes to the folder `spill`."""
        for name, value in (
            ("threads", self.threads),
            ("memory_limit", self.memory),
            ("temp_directory", str(spill)),
            ("enable_progress_bar", "false"),
        ):
            connection.execute(f"set {name} = {sql_text(value)}")


def _memory_bytes() -> int:
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no such limit, or "max"
        whole = min(whole, int(_CGROUP_LIMIT.read_text(encoding="ascii")))
    return min(whole // 2, _MOST_BYTES)
