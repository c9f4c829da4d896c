"""The columns of a file, whatever its format (contract §2: by name, in any order).

Belongs here: required, repeated, misspelt and unknown names. Does not: where the names come from, or
what is in the columns.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cache

from orchestration.foundations.texts import LONGEST_NAME, nearest_name, shown
from orchestration.ingest.datasets import Dataset
from orchestration.ingest.limits import MOST_COLUMNS
from orchestration.ingest.mistaken import other_separator
from orchestration.ingest.quarantine import FileFault, FileReason


def unknown_columns(dataset: Dataset, names: Sequence[str]) -> tuple[str, ...]:
    """The names that are no columns of the dataset, each once.

    FileFault unless each of the dataset's own is there once; optional ones may be missing, but not
    misspelt; so may those that are read beside them. Names are compared as they stand: `Views` is not
    `views`.
    """
    if len(names) > MOST_COLUMNS:
        raise FileFault(FileReason.UNREADABLE, f"{len(names):,} columns, over {MOST_COLUMNS:,}")
    occurrences = Counter(names)
    repeated = [name for name in dataset.read_names if occurrences[name] > 1]
    if repeated:
        raise FileFault(
            FileReason.DUPLICATE_COLUMN, ", ".join(repeated), {name: name for name in repeated}
        )
    demand_none_misspelt(occurrences, near_misses(dataset, occurrences))
    missing = [name for name in dataset.required_names if name not in occurrences]
    if missing:
        advice = other_separator(names, dataset.required_names)
        if advice:
            raise FileFault(FileReason.MISSING_COLUMN, ", ".join(missing) + advice)
        similar = _similar(missing, set(names).difference(dataset.read_names))
        advice = "".join(f'; is "{name}" meant to be {column}?' for column, name in similar.items())
        raise FileFault(
            FileReason.MISSING_COLUMN,
            ", ".join(missing) + advice,
            {name: similar.get(name) for name in missing},
        )
    return tuple(name for name in occurrences if name not in dataset.column_names)


def lacking_columns(dataset: Dataset, present: Collection[str]) -> tuple[str, ...]:
    """The optional columns of the dataset that are not among those present."""
    return tuple(
        column.name
        for column in dataset.columns
        if column.is_optional and column.name not in present
    )


def near_misses(dataset: Dataset, names: Collection[str]) -> dict[str, str]:
    """Column of the dataset -> the first name that is the same but for case, blanks, `-` or `_`."""
    columns = _columns_by_letters(dataset)
    found: dict[str, str] = {}
    for name in names:
        column = columns.get(_letters(name))
        if column is not None and column != name:
            found.setdefault(column, name)
    return found


def demand_none_misspelt(present: Collection[str], near: Mapping[str, str]) -> None:
    """FileFault if a column is not among those present, but nearly one of its name is."""
    misspelt = {
        column: shown(name, LONGEST_NAME) for column, name in near.items() if column not in present
    }
    if misspelt:
        said = (f'found "{name}", expected "{column}"' for column, name in misspelt.items())
        raise FileFault(FileReason.MISSPELT_COLUMN, "; ".join(said), misspelt)


def _similar(missing: Sequence[str], unknown: Collection[str]) -> dict[str, str]:
    """Missing column -> the unknown name that is most like it, where one is. A hint for people."""
    names = sorted(shown(name) for name in unknown if len(name) <= LONGEST_NAME)
    found = {column: nearest_name(column, names) for column in missing}
    return {column: name for column, name in found.items() if name}


@cache
def _columns_by_letters(dataset: Dataset) -> Mapping[str, str]:
    return {_letters(name): name for name in dataset.column_names}


def _letters(name: str) -> str:
    """A name without regard to case, blanks, `-` and `_`."""
    return "".join(name.casefold().split()).replace("-", "").replace("_", "")
