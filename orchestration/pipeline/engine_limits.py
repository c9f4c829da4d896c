"""How much of the machine DuckDB may take: the same for ingest, dbt and gates.

BONUS_THREADS and BONUS_MEMORY_LIMIT say it; left out, it follows from the machine. They are set for
the whole process, since dbt's profile and the gates' process read them too.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

_GIB: Final = 2**30
# Half of the memory is the machine's and other processes'; what a run needs beyond this it spills.
_MOST_BYTES: Final = 10 * _GIB
_CGROUP_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")


def settle_on_the_machine() -> None:
    """Sets what is not set yet."""
    os.environ.setdefault("BONUS_THREADS", str(len(os.sched_getaffinity(0))))
    os.environ.setdefault("BONUS_MEMORY_LIMIT", f"{_memory_bytes() // 2**20}MiB")


def apply(connection: duckdb.DuckDBPyConnection, spill: Path) -> None:
    """Puts the limits in force; what does not fit in memory goes to the folder `spill`."""
    settle_on_the_machine()
    for name, value in (
        ("threads", os.environ["BONUS_THREADS"]),
        ("memory_limit", os.environ["BONUS_MEMORY_LIMIT"]),
        ("temp_directory", str(spill)),
        ("enable_progress_bar", "false"),
    ):
        connection.execute(f"set {name} = '{value.replace(chr(39), chr(39) * 2)}'")


def _memory_bytes() -> int:
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no such limit, or "max"
        whole = min(whole, int(_CGROUP_LIMIT.read_text(encoding="ascii")))
    return min(whole // 2, _MOST_BYTES)
