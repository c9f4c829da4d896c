"""Which columns a file has, whatever its format (contract §2: by name, in any order).

Belongs here: required, repeated and unknown names. Does not: where the names come from, or what is
in the columns.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from orchestration.ingest.datasets import Dataset
from orchestration.ingest.quarantine import FileFault, FileReason

# A file of more is a mistake or an attack, and takes any reader minutes.
MOST_COLUMNS: Final = 10_000


def unknown_columns(dataset: Dataset, names: Sequence[str]) -> tuple[str, ...]:
    """The names that are no columns of the dataset, each once.

    FileFault unless each of the dataset's own is there once; optional ones may be missing. Names
    are compared as they stand: `Views` is not `views`.
    """
    if len(names) > MOST_COLUMNS:
        raise FileFault(FileReason.UNREADABLE, f"{len(names):,} columns, over {MOST_COLUMNS:,}")
    occurrences = Counter(names)
    repeated = [name for name in dataset.column_names if occurrences[name] > 1]
    if repeated:
        raise FileFault(FileReason.DUPLICATE_COLUMN, ", ".join(repeated))
    missing = [name for name in dataset.required_names if name not in occurrences]
    if missing:
        raise FileFault(FileReason.MISSING_COLUMN, ", ".join(missing))
    return tuple(name for name in occurrences if name not in dataset.column_names)
