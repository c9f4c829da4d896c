"""CSV and JSONL files into a raw table.

Belongs here: reading files one by one and validating their rows many at a time: one statement for
all small files of a dataset. Does not: the formats (the readers) or the values (`cells.py`).
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from orchestration.ingest.cells import Beside, CellRules, missing_cell, text_cell
from orchestration.ingest.columns import lacking_columns
from orchestration.ingest.csv_reader import CsvReader
from orchestration.ingest.datasets import READ_BESIDE, UNKNOWN_DELETION_FLAGS, Dataset
from orchestration.ingest.deletions import TEXT, is_deleted, is_true
from orchestration.ingest.discovery import Format, FoundFile
from orchestration.ingest.jsonl_reader import JsonlReader
from orchestration.ingest.limits import demand_few_bad_rows, may_be_too_many
from orchestration.ingest.outcomes import FileOutcome, insert_bad_rows, withdraw
from orchestration.ingest.quarantine import BadRow, FileFault, raw_text
from orchestration.ingest.raw_tables import RowSource
from orchestration.ingest.text_files import Readable, TextBatch, opened_text

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_BATCH_BYTES: Final = 32 << 20
_BATCH_ROWS: Final = 250_000
_BAD_ROW_BYTES: Final = 300  # what one takes in memory beside its text, roughly
_STAGED_BATCH_ROWS: Final = 50_000
_PART_ROWS: Final = 10_000
_STAGING: Final = "ingest_text"
_CSV_FORMATS: Final = (Format.CSV, Format.CSV_GZIP, Format.CSV_ZSTD)


class _Reader(Protocol):
    @property
    def unknown_names(self) -> tuple[str, ...]: ...

    @property
    def present_names(self) -> Collection[str]: ...

    def batches(self) -> Iterator[TextBatch]: ...


class TextLoader:
    """Loads the text files of one dataset; `finish` must be called after the last."""

    def __init__(
        self, connection: "duckdb.DuckDBPyConnection", dataset: Dataset, rules: CellRules
    ) -> None:
        self._connection = connection
        self._dataset = dataset
        names = dataset.column_names
        beside = Beside(**{name: name for name in ("program", "currency") if name in names})
        cells = {
            column.name: text_cell(column, column.name, rules, beside) for column in dataset.columns
        }
        self._rows = RowSource(dataset, cells, _STAGING)
        self._pending: list[tuple[FileOutcome, TextBatch]] = []
        self._pending_bytes = self._pending_rows = 0
        self._waiting_bad = 0  # bad rows of the file that is read, not counted for it yet
        self._refused: list[FileOutcome] = []

    def load(self, file: FoundFile, outcome: FileOutcome) -> tuple[str, ...]:
        """Read a file; gives the names of its unknown columns. A fault goes into the outcome."""
        unknown_names: tuple[str, ...] = ()
        self._waiting_bad = 0
        try:
            with opened_text(file) as source:
                reader = _reader(self._dataset, file.format, source)
                for batch in reader.batches():
                    self._add(outcome, batch)
                    bad = outcome.rows_quarantined + self._waiting_bad
                    demand_few_bad_rows(bad, outcome.rows_read)
                    if outcome.fault:
                        break
                unknown_names = reader.unknown_names
                if outcome.rows_read:
                    outcome.lacking = lacking_columns(self._dataset, reader.present_names)
        except FileFault as fault:
            while self._pending and self._pending[-1][0] is outcome:
                self._pending.pop()
            self._refused.append(outcome)
            outcome.refuse(fault)
        return unknown_names

    def finish(self) -> None:
        """Validate and insert what is still pending; take back what faulty files had inserted."""
        self._flush()
        begun = (outcome for outcome in self._refused if outcome.rows_read)
        withdraw(self._connection, self._dataset, begun)

    def _add(self, outcome: FileOutcome, batch: TextBatch) -> None:
        outcome.rows_read += len(batch.row_nos) + len(batch.bad_rows)
        self._waiting_bad += len(batch.bad_rows)
        self._pending.append((outcome, batch))
        self._pending_bytes += batch.size_bytes + len(batch.bad_rows) * _BAD_ROW_BYTES
        self._pending_rows += len(batch.row_nos)
        if self._pending_bytes >= _BATCH_BYTES or self._pending_rows >= _BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        pending, self._pending = self._pending, []
        self._pending_bytes = self._pending_rows = self._waiting_bad = 0
        if not pending:
            return
        bad_rows = ((outcome, row) for outcome, batch in pending for row in batch.bad_rows)
        insert_bad_rows(self._connection, bad_rows)
        beside = {name for _, batch in pending for name in batch.columns} & set(READ_BESIDE)
        staged = self._staged(pending, beside)
        rows = self._rows_of(staged, beside)
        self._connection.register(_STAGING, staged)
        good = self._inserted(self._dataset.rows_table, rows.good_rows_of_a_batch())
        if beside:
            good += self._inserted(self._dataset.deletions_table, rows.deleted_rows())
            self._count_flags(pending, rows)
        if bad := len(staged) - good:
            outcomes = {outcome.file_no: outcome for outcome, _ in pending}
            most = max(outcome.rows_quarantined for outcome in outcomes.values()) + bad
            if may_be_too_many(most):
                self._refuse_mostly_bad(rows, outcomes)
            insert_bad_rows(self._connection, self._invalid_rows(pending, rows))
        self._connection.unregister(_STAGING)

    def _refuse_mostly_bad(self, rows: RowSource, outcomes: dict[int, FileOutcome]) -> None:
        """Refuse the files of which too many of the staged rows hold bad values."""
        counts = self._connection.execute(
            f"select file_no, count(*) from ({rows.bad_rows()}) group by file_no"
        ).fetchall()
        for file_no, bad in counts:
            outcome = outcomes[file_no]
            try:
                demand_few_bad_rows(outcome.rows_quarantined + bad, outcome.rows_read)
            except FileFault as fault:
                outcome.refuse(fault)
                self._refused.append(outcome)

    def _rows_of(self, staged: "pa.Table", beside: Collection[str]) -> RowSource:
        """The staged rows, where these columns are among those of their files.

        Of columns without any value nothing is asked: it takes time to plan.
        """
        cells = {
            column.name: missing_cell(column)
            if staged[column.name].null_count == len(staged)
            else self._rows.cells[column.name]
            for column in self._dataset.columns
        }
        sources = {name: (f'"{name}"', TEXT) for name in beside}
        flags = {
            name: is_true(*sources[name]) for name in UNKNOWN_DELETION_FLAGS if name in sources
        }
        return replace(self._rows, cells=cells, deleted=is_deleted(sources), flags=flags)

    def _inserted(self, table: str, select: str) -> int:
        found = self._connection.execute(f"insert into {table} {select}").fetchone()
        assert found is not None
        return int(found[0])

    def _count_flags(self, pending: list[tuple[FileOutcome, TextBatch]], rows: RowSource) -> None:
        outcomes = {outcome.file_no: outcome for outcome, _ in pending}
        for name, is_flagged in rows.flags.items():
            found = self._connection.execute(
                f"select file_no, count(*) from {_STAGING}"
                f" where {is_flagged} and not ({rows.deleted}) group by file_no"
            )
            for file_no, count in found.fetchall():
                outcomes[file_no].rows_flagged[name] += count

    def _staged(
        self, pending: list[tuple[FileOutcome, TextBatch]], beside: Collection[str]
    ) -> "pa.Table":
        import pyarrow as pa

        tables = []
        for outcome, batch in pending:
            count = len(batch.row_nos)
            columns = {
                "file_no": pa.repeat(pa.scalar(outcome.file_no, pa.int32()), count),
                "row_no": batch.row_nos,
            }
            for name in (*self._dataset.column_names, *sorted(beside)):
                column = batch.columns.get(name)
                columns[name] = pa.nulls(count, pa.string()) if column is None else column
            tables.append(pa.table(columns))
        # DuckDB takes a batch at a time for each thread: many tiny ones cost more than their rows,
        # a single one is left to a single thread.
        whole = pa.concat_tables(tables).combine_chunks()
        return pa.Table.from_batches(whole.to_batches(_STAGED_BATCH_ROWS), whole.schema)

    def _invalid_rows(
        self, pending: list[tuple[FileOutcome, TextBatch]], rows: RowSource
    ) -> Iterator[tuple[FileOutcome, BadRow]]:
        """The rows that were read well but hold bad values."""
        batches: dict[int, list[tuple[int, FileOutcome, TextBatch]]] = defaultdict(list)
        for outcome, batch in pending:
            if len(batch.row_nos) and not outcome.fault:
                first = batch.row_nos[0].as_py()
                batches[outcome.file_no].append((first, outcome, batch))
        # As Arrow it is compact; as Python objects only a part of it exists at a time.
        columns = "file_no, row_no, column_name, reason, found, expected"
        found = self._connection.sql(f"select {columns} from ({rows.bad_rows()})")
        for part in found.to_arrow_table().to_batches(_PART_ROWS):
            for file_no, row_no, column_name, reason, found_there, wanted in zip(
                *part.to_pydict().values(), strict=True
            ):
                if file_no not in batches:
                    continue  # refused as a whole
                of_file = batches[file_no]
                position = bisect_right(of_file, row_no, key=lambda item: item[0]) - 1
                _, outcome, batch = of_file[position]
                raw, line_count = batch.raw_of(row_no)
                text = raw_text(raw)
                yield (
                    outcome,
                    BadRow(row_no, column_name, reason, text, line_count, found_there, wanted),
                )


def _reader(dataset: Dataset, form: Format, source: Readable) -> _Reader:
    reader = CsvReader if form in _CSV_FORMATS else JsonlReader
    return reader(dataset, source)
