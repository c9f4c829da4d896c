"""Reads program and landing data as ingest would, and asks what its gate would ask (§2, §8, §10).

Belongs here: reading without a home, and turning what ingest and its suite report into mistakes. Does
not: any rule of its own: the grammar is ingest's, the expectations are the suite's.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from expectations.asking import failing_rows
from expectations.ingest import SUITE
from expectations.suite import ROWS_IN_ALL, ROWS_OF_DATASET, Expectation
from orchestration.checking.absent import ABSENT
from orchestration.checking.mistakes import AbsentColumn, Checked, Mistake, ReadDataset, Severity
from orchestration.checking.nearest import nearest_value
from orchestration.foundations.cursors import each_row
from orchestration.foundations.texts import nearest_name
from orchestration.ingest.datasets import BY_NAME, DATASET_NAMES, Dataset, Kind
from orchestration.ingest.landing_place import Landing, files_at
from orchestration.ingest.parquet_loader import distrusting_statistics
from orchestration.ingest.quarantine import FileReason
from orchestration.ingest.raw_tables import LONGEST_FOUND, OTHER_TYPE
from orchestration.pipeline.engine_limits import EngineLimits
from orchestration.pipeline.ingesting import put_terms, read_files
from orchestration.terms.load import LoadedProgram
from orchestration.terms.model import Program
from orchestration.terms.unmatched import Values, unmatched

if TYPE_CHECKING:
    import duckdb

# What else is read to judge a dataset: snapshots are held against posts, posts against creators, and
# rates are needed where payees are paid in another currency.
_HELD_AGAINST: Final = {
    "post_metrics": ("posts",),
    "posts": ("creators",),
    "fx_rates": ("payees",),
}
_COUNTED: Final = (
    "dataset", "has_folder", "files",
    "rows_read", "rows_loaded", "rows_quarantined", "rows_deleted", "files_quarantined",
)  # fmt: skip
_HAVE_ROWS: Final = "datasets_have_rows"
# Of which datasets rows are needed to ask what an expectation asks.
_NEEDED: Final = {
    "known_posts_have_snapshots": ["posts", "post_metrics"],
    "metrics_have_known_posts": ["posts"],
    "posts_have_known_creators": ["creators"],
}
# What a mistake has in a place of its own.
_TOLD_ELSEWHERE: Final = frozenset(
    (
        "dataset",
        "file",
        "row_no",
        "column_name",
        "id",
        "kind",
        "subject",
        ROWS_OF_DATASET,
        ROWS_IN_ALL,
    )
)
_BAD_ROWS: Final = ("no_row_is_quarantined", "few_rows_of_post_metrics_are_quarantined")


def check_landing(
    loaded: LoadedProgram,
    landing: Landing,
    names: Collection[str] = (),
    limits: EngineLimits | None = None,
) -> Checked:
    """The mistakes in the datasets of these names (none: all), and the counts of what was read of them.

    The period that counts where one must be known is the program's last. Nothing is left behind.
    """
    import duckdb

    chosen = frozenset(names or DATASET_NAMES)
    period = loaded.program.periods[-1].key
    with tempfile.TemporaryDirectory(prefix="bonus-check-") as folder:
        scratch, links = Path(folder) / "scratch", Path(folder) / "links"
        scratch.mkdir()
        with closing(duckdb.connect(Path(folder) / "check.duckdb")) as connection:
            connection.execute("set TimeZone = 'UTC'")
            (limits or EngineLimits.of({})).apply(connection, Path(folder) / "spill")
            inventory = files_at(landing, Path(folder) / "objects", _needed(chosen))
            put_terms(connection, loaded.program, period)
            read_files(connection, loaded, period, inventory, scratch, links)
            with distrusting_statistics(connection):
                return Checked(
                    loaded.program.program,
                    tuple(_read(connection, chosen)),
                    (
                        *_mistakes(connection, chosen),
                        *_strangers(connection, loaded.program, chosen),
                    ),
                )


def _needed(chosen: Collection[str]) -> Collection[str] | None:
    """The chosen datasets, and those that they are held against; None for all, and what lies beside them."""
    if len(chosen) == len(DATASET_NAMES):
        return None
    return {*chosen, *(other for name in chosen for other in _HELD_AGAINST.get(name, ()))}


def _read(connection: duckdb.DuckDBPyConnection, chosen: Collection[str]) -> Iterator[ReadDataset]:
    counted = connection.execute(f"select {', '.join(_COUNTED)} from ingest_datasets").fetchall()
    for name, *counts in counted:
        if name not in chosen:
            continue
        days_of = _days_of(BY_NAME[name])
        ends = connection.execute(
            f"select min(day), max(day) from (select cast({days_of} as date) as day from raw_{name})"
        ).fetchone()
        assert ends is not None
        first, last = (None if day is None else str(day) for day in ends)
        yield ReadDataset(
            **dict(zip(_COUNTED, (name, *counts), strict=True)),
            days_of=days_of,
            first=first,
            last=last,
            absent=_absent(connection, name),
        )


def _days_of(dataset: Dataset) -> str:
    """The column that says which days a dataset covers: its first that is required and has any."""
    return next(
        column.name
        for column in dataset.columns
        if column.kind in (Kind.DAY, Kind.TIMESTAMP) and not column.is_optional
    )


def _absent(connection: duckdb.DuckDBPyConnection, dataset: str) -> tuple[AbsentColumn, ...]:
    found = connection.execute(
        "select column_name, count(*) from absent_columns where dataset = ? group by column_name",
        [dataset],
    ).fetchall()
    files = dict(found)
    return tuple(
        AbsentColumn(column.name, files[column.name], ABSENT[dataset, column.name])
        for column in BY_NAME[dataset].columns
        if column.name in files
    )


def _mistakes(connection: duckdb.DuckDBPyConnection, chosen: Collection[str]) -> Iterator[Mistake]:
    """Quarantined files, quarantined rows, then what the gate says beside."""
    blocked: set[str] = set()  # the datasets whose bad rows block a run
    others: list[Mistake] = []
    empty = _empty(connection, chosen)
    for expectation in SUITE:
        if expectation.table == "quarantine_files":
            continue
        rows = failing_rows(expectation, connection)
        if expectation.name in _BAD_ROWS:
            blocked |= {str(row["dataset"]) for row in rows}
        else:
            others += _of_expectation(connection, expectation, rows, chosen, empty)
    yield from _bad_files(connection, chosen)
    yield from _bad_rows(connection, chosen, blocked)
    yield from others


# By field of `Values`: what is counted, of which dataset. A key has a row for each of its versions.
# Who is paid in which currency only a run knows: a creator may have no payees row.
_VALUES: Final = {
    "programs": ("deals", "program", "deal_id"),
    "markets": ("creators", "market", "creator_id"),
    "content_types": ("posts", "content_type", "post_id"),
    "residences": ("payees", "tax_residence", "creator_id"),
}


def _strangers(
    connection: duckdb.DuckDBPyConnection, program: Program, chosen: Collection[str]
) -> Iterator[Mistake]:
    """Values that match nothing in the program, though they look meant to."""
    counted = {
        name: dict(
            connection.execute(
                f"select {column}, count(distinct {key}) from raw_{dataset}"
                f" where {column} is not null group by 1"
            ).fetchall()
        )
        for name, (dataset, column, key) in _VALUES.items()
        if dataset in chosen
    }
    for found in unmatched(program, Values(**counted)):
        yield Mistake(
            "warning", "VALUE_MATCHES_NOTHING", found.dataset, found.message,
            column=found.column, found=found.value, nearest=found.nearest,
        )  # fmt: skip


def _bad_files(connection: duckdb.DuckDBPyConnection, chosen: Collection[str]) -> Iterator[Mistake]:
    """One mistake for each column of the header at fault; of other faults one a file."""
    for dataset, file, reason, detail, line, column, found in connection.execute(
        "select dataset, file, reason, detail, line, column_name, found"
        " from quarantine_files left join fault_places using (dataset, file) order by all"
    ).fetchall():
        if dataset not in chosen:
            continue
        if column is None:
            yield Mistake("error", reason, dataset, detail or "it cannot be used", file, line)
            continue
        is_twice = reason == FileReason.DUPLICATE_COLUMN
        expected = f"one column {column}" if is_twice else f"a column {column}"
        there = f"{column} twice" if is_twice else found or "none"
        yield Mistake(
            "error", reason, dataset, f"found {there}, expected {expected}", file, line, column,
            there, expected, None if is_twice or found is None else column,
        )  # fmt: skip


def _bad_rows(
    connection: duckdb.DuckDBPyConnection, chosen: Collection[str], blocked: Collection[str]
) -> Iterator[Mistake]:
    """One mistake for each column at fault."""
    answer = connection.execute(
        "select dataset, file, row_no, column_name, reason, found, expected, raw_text"
        " from quarantine_rows order by dataset, file, row_no"
    )
    for dataset, file, line, names, reasons, found, expected, raw in each_row(answer):
        if dataset not in chosen:
            continue
        severity: Severity = "error" if dataset in blocked else "warning"
        columns: list[str | None] = [*names.split("|")] if names else [None]
        # Of several columns what was found may hold the bar that parts them: then it is one text.
        founds, wanted = _parted(found, len(columns)), _parted(expected, len(columns))
        for column, reason, there, right in zip(
            columns, _parted(reasons, len(columns), "|"), founds, wanted, strict=True
        ):
            if there == OTHER_TYPE and column:
                there = _in_json(raw, column)
            yield Mistake(
                severity, reason or reasons, dataset, f"found {there}, expected {right}",
                file, line, column, there, right, _nearest(dataset, column, there),
            )  # fmt: skip


def _parted(text: str | None, count: int, bar: str = " | ") -> Sequence[str | None]:
    parts: list[str | None] = [*text.split(bar)] if text and count > 1 else [text]
    return parts if len(parts) == count else [text] * count


def _in_json(raw: str, column: str) -> str:
    """A value of another type than its column's as a row of JSON has it, where one can see it."""
    try:
        return json.dumps(json.loads(raw)[column])[:LONGEST_FOUND]
    except (ValueError, LookupError, TypeError, RecursionError):
        return OTHER_TYPE  # the row was cut, or is none of JSON


def _nearest(dataset: str, column: str | None, found: str | None) -> str | None:
    if column is None or found is None:
        return None
    return nearest_value(next(c for c in BY_NAME[dataset].columns if c.name == column), found)


def _of_expectation(
    connection: duckdb.DuckDBPyConnection,
    expectation: Expectation,
    rows: Sequence[dict[str, object]],
    chosen: Collection[str],
    empty: Mapping[str, bool],
) -> Iterator[Mistake]:
    """A mistake for each row that breaks an expectation, at its places where the row tells them."""
    severity: Severity = "error" if expectation.severity == "error" else "warning"
    for row in rows:
        dataset = _dataset(expectation, row)
        if dataset is not None and dataset not in chosen:
            continue
        if _follows(expectation, row, empty):
            continue
        told = ", ".join(
            f"{name}={value}"
            for name, value in row.items()
            if value is not None and name not in _TOLD_ELSEWHERE
        )
        found = _text(row.get("id") or row.get("subject"))
        said = expectation.means if found is None else f"found {found}: {expectation.means}"
        mistake = Mistake(
            severity,
            expectation.name,
            dataset,
            f"{said} ({told})" if told else said,
            _file(row),
            column=_text(row.get("column_name")),
            found=found,
            nearest=_nearest_subject(row),
        )
        line = row.get("row_no")
        if isinstance(line, int):
            mistake = replace(mistake, line=line)
        places = _places(connection, expectation, row)
        yield from (replace(mistake, file=file, line=at) for file, at in places)
        if not places:
            yield mistake


def _empty(connection: duckdb.DuckDBPyConnection, chosen: Collection[str]) -> dict[str, bool]:
    """The chosen datasets of which nothing was loaded; True where rows or files of it were refused."""
    found = connection.execute(
        "select dataset, rows_quarantined + files_quarantined > 0 from ingest_datasets"
        " where rows_loaded = 0"
    ).fetchall()
    return {dataset: is_refused for dataset, is_refused in found if dataset in chosen}


def _follows(
    expectation: Expectation, row: Mapping[str, object], empty: Mapping[str, bool]
) -> bool:
    """True if a dataset is empty, and the emptiness or its reason is told as another mistake."""
    if expectation.name == _HAVE_ROWS:
        return empty.get(str(row["dataset"]), False)
    return any(dataset in empty for dataset in _NEEDED.get(expectation.name, ()))


def _dataset(expectation: Expectation, row: dict[str, object]) -> str | None:
    """The dataset that a row is about; None where it lies beside the datasets."""
    if "dataset" in row:
        return _text(row["dataset"])
    if expectation.table.startswith("raw_"):
        return expectation.table.removeprefix("raw_")
    return "post_metrics"  # known_snapshots, unknown_posts


def _file(row: dict[str, object]) -> str | None:
    """The file that a row names; what was passed over is one itself, unless it is a column of one."""
    if "kind" in row:
        return _text(row["first_place" if row["kind"] == "unknown_column" else "subject"])
    return _text(row.get("file"))


def _nearest_subject(row: dict[str, object]) -> str | None:
    """Of an unknown column or folder: the known one that it may be meant to be."""
    if "subject" not in row:
        return None
    if row["kind"] == "unknown_column":
        return nearest_name(str(row["subject"]), BY_NAME[str(row["dataset"])].column_names)
    return nearest_name(str(row["subject"]), DATASET_NAMES)


def _places(
    connection: duckdb.DuckDBPyConnection, expectation: Expectation, row: dict[str, object]
) -> list[tuple[str, int]]:
    """File and line of each of the rows of a dataset that contradict each other."""
    if "different_rows" not in row:
        return []
    key = [name for name in row if name != "different_rows"]
    same = " and ".join(f"landed.{name} = ?" for name in key)
    return connection.execute(
        f"select file, row_no from {expectation.table} as landed"
        f" join ingest_files using (file_no) where {same} order by file_no, row_no",
        [row[name] for name in key],
    ).fetchall()


def _text(value: object) -> str | None:
    return None if value is None else str(value)
