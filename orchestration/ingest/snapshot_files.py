"""The files of snapshots, each taken in the cheapest way: in place, copied, or by an extract.

Belongs here: which way each file goes. Does not: the ways themselves (the loaders, `extracts.py`).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from orchestration.ingest.datasets import Dataset
from orchestration.ingest.deletions import leave_out
from orchestration.ingest.discovery import Format, FoundFile
from orchestration.ingest.extracts import Extracts, Source
from orchestration.ingest.outcomes import FileOutcome, check_counts
from orchestration.ingest.parquet_loader import InPlace, ParquetLoader, distrusting_statistics
from orchestration.ingest.raw_tables import create_view
from orchestration.ingest.snapshots import NONE, Tally, judge_snapshots, tally_of
from orchestration.ingest.verdicts import TextRows, Verdicts, kept_rows

if TYPE_CHECKING:
    import duckdb

Boundaries = tuple[datetime, datetime]
"""Instants in UTC: no boundary of the period lies before the first or after the second."""


@dataclass(frozen=True)
class SnapshotFiles:
    """The files of a dataset that is read in place, once all of them were read or taken from verdicts."""

    connection: "duckdb.DuckDBPyConnection"
    dataset: Dataset
    files: Sequence[tuple[FoundFile, FileOutcome]]
    loader: ParquetLoader

    def place(self, verdicts: Verdicts | None, boundaries: Boundaries | None) -> None:
        """Make the view of all that counts, and the tables that the gate judges it by."""
        with distrusting_statistics(self.connection):
            taken = self._extracted(verdicts, boundaries) if verdicts and boundaries else set()
            for text in verdicts.texts if verdicts else ():
                if text.outcome.file_no not in taken:
                    self._copy(text)
            placed = [
                each for each in self.loader.placed if each.linked.outcome.file_no not in taken
            ]
            self.loader.remember([each.linked for each in placed])
            rows = self.loader.rows_in_place(placed)
            outcomes = [outcome for _, outcome in self.files]
            left = leave_out(self.connection, self.dataset, outcomes, rows)
            create_view(self.connection, self.dataset, left)
            # Where something was left out, the loader has counted what is not there any more.
            tally = self._tally(placed) if left is rows else None
            judge_snapshots(self.connection, self.dataset, left, tally)
        copied = [outcome for file, outcome in self.files if file.format is not Format.PARQUET]
        if copied:
            check_counts(self.connection, self.dataset.rows_table, copied, but_for=taken)

    def _extracted(self, verdicts: Verdicts, boundaries: Boundaries) -> Collection[int]:
        """Take what may be taken by extracts; gives the numbers of these files.

        Where the source has deleted rows, none: they may take any row of any file with them.
        """
        gone = self.connection.execute(f"from {self.dataset.deletions_table} limit 1").fetchone()
        if gone:
            return set()
        sources = list(self._sources(verdicts))
        extracts = Extracts(
            self.connection, self.dataset, verdicts.cache, boundaries, self._rows_of
        )
        numbers = {source.outcome.file_no for source in sources}
        return numbers - {source.outcome.file_no for source in extracts.take(sources)}

    def _sources(self, verdicts: Verdicts) -> Iterator[Source]:
        placed = {each.linked.outcome.file_no: each for each in self.loader.placed}
        texts = {text.outcome.file_no: text for text in verdicts.texts}
        for file, outcome in self.files:
            rows = placed.get(outcome.file_no) or texts.get(outcome.file_no)
            span = rows.span if rows else verdicts.span_of_copied(outcome)
            if not outcome.fault and span[0] and span[1]:
                yield Source(file, outcome, verdicts.content_of(file), span[0], span[1], rows)

    def _rows_of(self, sources: Sequence[Source]) -> str:
        """SQL of all rows of sources, as the raw table has them."""
        columns = ", ".join((*self.dataset.column_names, "file_no", "row_no"))
        placed = [source.rows for source in sources if isinstance(source.rows, InPlace)]
        texts = [source.rows for source in sources if isinstance(source.rows, TextRows)]
        copied = [source.outcome.file_no for source in sources if source.rows is None]
        parts = self.loader.rows_in_place(placed)
        if texts:
            kept = kept_rows(
                [text.path for text in texts], [text.outcome.file_no for text in texts]
            )
            parts.append(f"select {columns} from ({kept})")
        if copied:
            numbers = ", ".join(map(str, copied))
            parts.append(
                f"select {columns} from {self.dataset.rows_table} where file_no in ({numbers})"
            )
        return " union all ".join(parts)

    def _copy(self, text: TextRows) -> None:
        rows = kept_rows([text.path], [text.outcome.file_no])
        self.connection.execute(f"insert into {self.dataset.rows_table} by name {rows}")

    def _tally(self, placed: Sequence[InPlace]) -> Tally:
        """Of files in place: as they were counted when they were read in this run, else counted now."""
        uncounted = [each for each in placed if each.tally is None]
        tally = tally_of(self.connection, self.loader.rows_in_place(uncounted))
        for each in placed:
            tally = tally.plus(each.tally or NONE)
        return tally
