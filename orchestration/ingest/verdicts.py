"""The verdict on a landing file, said once and kept: what is in it, and what is wrong with it.

Belongs here: what of a file is kept, and taking it in the file's place. Does not: how it comes about (the
loaders), where it lies (`file_cache.py`).

A file that is refused as a whole is read again by each run: the reason may be the disk's.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from orchestration.foundations.cursors import sql_text
from orchestration.foundations.file_patterns import exact_pattern
from orchestration.ingest.cells import CellRules
from orchestration.ingest.datasets import Dataset, Kind
from orchestration.ingest.discovery import FoundFile
from orchestration.ingest.file_cache import Entry, FileCache
from orchestration.ingest.opening import check_unchanged
from orchestration.ingest.outcomes import FileOutcome
from orchestration.ingest.parquet_loader import InPlace, ParquetLoader, ParquetSchema, Span
from orchestration.ingest.quarantine import FileFault

if TYPE_CHECKING:
    import duckdb

_BAD_COLUMNS: Final = "row_no, column_name, reason, raw_text, line_count, found, expected"


@dataclass(frozen=True)
class TextRows:
    """The rows of a text file of snapshots, as a file of Parquet that was kept."""

    outcome: FileOutcome
    path: Path
    span: Span


class Verdicts:
    """The verdicts on the files of one dataset. `contents` has hashes by the path of a file."""

    def __init__(
        self,
        connection: "duckdb.DuckDBPyConnection",
        dataset: Dataset,
        rules: CellRules,
        cache: FileCache,
        contents: Mapping[str, str],
    ) -> None:
        self.texts: list[TextRows] = []  # snapshots that are in no table yet
        self._connection = connection
        self._dataset = dataset
        self.cache = cache
        self._contents = contents
        has_cap = any(column.kind is Kind.CAP for column in dataset.columns)
        self._rules = rules if has_cap else None  # nothing else hangs on the program

    def restore(
        self, files: Sequence[tuple[FoundFile, FileOutcome]], loader: ParquetLoader
    ) -> dict[str, tuple[str, ...]]:
        """Take what is known of files in their place; gives the unknown columns of each of these."""
        unknown_names: dict[str, tuple[str, ...]] = {}
        taken: list[tuple[FileOutcome, Entry]] = []
        for file, outcome in files:
            key = self._key(file)
            entry = self.cache.take(key) if key else None
            if entry is None:
                continue
            unknown_names[file.name] = tuple(entry.facts["unknown"])
            try:
                check_unchanged(file)
            except FileFault as fault:
                outcome.refuse(fault)
                continue
            taken.append((outcome, entry))
            facts = entry.facts
            outcome.rows_read, outcome.rows_quarantined = facts["rows"], facts["bad"]
            outcome.rows_flagged = Counter(facts["flagged"])
            outcome.lacking = tuple(facts["lacking"])
            span = _span(facts["span"])
            if facts["schema"]:
                schema = ParquetSchema(*map(tuple, facts["schema"]))
                linked = loader.link(file, outcome)
                has_deleted = "deleted" in entry.parts
                loader.placed.append(InPlace(linked, schema, facts["bad"] > 0, has_deleted, span))
            elif self._dataset.is_read_in_place:
                self.texts.append(TextRows(outcome, entry.parts["rows"], span))
        self._insert(taken)
        return unknown_names

    def keep(
        self,
        files: Sequence[tuple[FoundFile, FileOutcome]],
        unknown_names: Mapping[str, Sequence[str]],
        placed: Sequence[InPlace],
    ) -> None:
        """Keep what was found of files that were read by now. Call it before deletions take rows away."""
        in_place = {each.linked.outcome.file_no: each for each in placed}
        for file, outcome in files:
            key = self._key(file)
            lies = in_place.get(outcome.file_no)
            if key is None or outcome.fault or (lies and lies.linked.is_copied):
                continue
            span = lies.span if lies else self.span_of_copied(outcome)
            facts = {
                "rows": outcome.rows_read,
                "bad": outcome.rows_quarantined,
                "flagged": dict(outcome.rows_flagged),
                "lacking": outcome.lacking,
                "unknown": tuple(unknown_names.get(file.name, ())),
                "span": [end and end.isoformat() for end in span],
                "schema": [lies.schema.names, lies.schema.types] if lies else None,
            }
            self.cache.put(key, facts, self._writer(file, outcome, is_copied=lies is None))

    def span_of_copied(self, outcome: FileOutcome) -> Span:
        """The first and the last observed_at of the rows of a file that were copied."""
        if not self._dataset.is_read_in_place:
            return None, None
        first, last = self._fetch_one(
            f"select min(observed_at), max(observed_at) from {self._dataset.rows_table}"
            f" where file_no = {outcome.file_no}"
        )
        return first, last

    def content_of(self, file: FoundFile) -> str | None:
        """The hash of the file's content; None where that is not sure."""
        return self._contents.get(file.path)

    def _key(self, file: FoundFile) -> str | None:
        content = self.content_of(file)
        if content is None or not self.cache.is_worth(file.identity.size_bytes):
            return None
        # The place, too: who may run may read another's file as something else, in a folder of his own.
        return self.cache.key(
            "file", self._dataset.name, file.format, self._rules, content, file.path
        )

    def _insert(self, taken: Sequence[tuple[FileOutcome, Entry]]) -> None:
        """The rows of files into the tables, all files at once; snapshots are left for later."""
        dataset = self._dataset
        names = ", ".join(f"({o.file_no}, {sql_text(o.name)})" for o, _ in taken)
        if not dataset.is_read_in_place:
            self._insert_part(taken, "rows", dataset.rows_table, "kept.*")
        self._insert_part(taken, "deleted", dataset.deletions_table, "kept.*")
        self._insert_part(
            taken,
            "bad",
            "quarantine_rows",
            f"{sql_text(dataset.name)} as dataset, file, {_BAD_COLUMNS}",
            f"join (values {names}) as names(file_no, file) using (file_no)",
        )

    def _insert_part(
        self,
        taken: Sequence[tuple[FileOutcome, Entry]],
        part: str,
        table: str,
        columns: str,
        join: str = "",
    ) -> None:
        found = [(outcome, entry.parts[part]) for outcome, entry in taken if part in entry.parts]
        if found:
            rows = kept_rows([path for _, path in found], [outcome.file_no for outcome, _ in found])
            self._connection.execute(
                f"insert into {table} by name select {columns} from ({rows}) as kept {join}"
            )

    def _writer(self, file: FoundFile, outcome: FileOutcome, *, is_copied: bool) -> Any:
        dataset, file_no = self._dataset, outcome.file_no
        parts = {}
        if is_copied:
            parts["rows"] = (
                f"select * exclude (file_no) from {dataset.rows_table} where file_no = {file_no}"
            )
        (deleted,) = self._fetch_one(
            f"select count(*) from {dataset.deletions_table} where file_no = {file_no}"
        )
        if deleted:
            parts["deleted"] = (
                f"select * exclude (file_no) from {dataset.deletions_table} where file_no = {file_no}"
            )
        if outcome.rows_quarantined:
            parts["bad"] = (
                f"select {_BAD_COLUMNS} from quarantine_rows where file = {sql_text(outcome.name)}"
            )
        return lambda folder: write_parts(self._connection, folder, parts)

    def _fetch_one(self, sql: str) -> tuple[Any, ...]:
        found = self._connection.execute(sql).fetchone()
        assert found is not None
        return found


def write_parts(
    connection: "duckdb.DuckDBPyConnection", folder: Path, parts: Mapping[str, str]
) -> Collection[str]:
    """Write the rows of each SQL as a part of an entry. OSError if the disk refuses."""
    import duckdb

    for name, sql in parts.items():
        target = sql_text(str(folder / f"{name}.parquet"))
        try:
            connection.execute(f"copy ({sql}) to {target} (format parquet, compression zstd)")
        except duckdb.IOException as error:
            raise OSError(None, str(error)) from error
    return parts.keys()


def kept_rows(paths: Sequence[Path], file_nos: Sequence[int]) -> str:
    """SQL of rows that were kept, as tables have them: each file's with its number."""
    files = ", ".join(sql_text(exact_pattern(str(path))) for path in paths)
    return (
        f"SELECT *, ([{', '.join(map(str, file_nos))}])[CAST(file_index AS BIGINT) + 1] AS file_no"
        f" FROM read_parquet([{files}], hive_partitioning = false)"
    )


def _span(ends: Sequence[str | None]) -> Span:
    first, last = (end and datetime.fromisoformat(end) for end in ends)
    return (first, last) if first and last else (None, None)
