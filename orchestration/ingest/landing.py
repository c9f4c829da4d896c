"""The landing directory as tables: the one entry into ingest (contract §2).

Belongs here: the order of the steps. Does not: how any of them is done, nor what a defect does to
the run, which is the gate's to say (§8).
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestration.ingest.cells import CellRules
from orchestration.ingest.datasets import DATASETS
from orchestration.ingest.discovery import Format, FoundFile, Note, discover
from orchestration.ingest.outcomes import FileOutcome, check_counts, insert_outcomes
from orchestration.ingest.parquet_loader import ParquetLoader, Probe
from orchestration.ingest.raw_tables import create_tables
from orchestration.ingest.shown import shortened
from orchestration.ingest.text_loader import TextLoader

if TYPE_CHECKING:
    import duckdb

_MOST_UNKNOWN_COLUMNS: Final = 100  # noted for one file


def ingest_landing(
    connection: "duckdb.DuckDBPyConnection",
    landing: Path,
    *,
    program: str,
    currency_decimals: int,
    scratch: Path,
    on_progress: Callable[[str], None] | None = None,
) -> None:
    """Read all datasets of the landing directory into the open work file.

    Creates, in a database that has none of them, a raw table for each dataset and `ingest_files`,
    `ingest_datasets`, `ingest_notes`, `quarantine_rows` and `quarantine_files`. The scratch folder
    belongs to this call while it runs. NotADirectoryError if there is no landing directory; what is
    wrong inside it is never an error but a quarantined row or file.
    """
    inventory = discover(landing)
    rules = CellRules(program, currency_decimals)
    create_tables(connection)
    pairs = [
        (entry, FileOutcome.of(file_no, entry))
        for file_no, entry in enumerate(inventory.entries, start=1)
    ]
    notes = list(inventory.notes)
    with closing(Probe()) as probe:
        for dataset in DATASETS:
            files = [
                (entry, outcome)
                for entry, outcome in pairs
                if isinstance(entry, FoundFile) and entry.dataset == dataset.name
            ]
            parquet_loader = ParquetLoader(connection, dataset, rules, scratch, probe)
            notes += _load(files, parquet_loader, TextLoader(connection, dataset, rules))
            outcomes = [outcome for _, outcome in files]
            if outcomes:
                check_counts(connection, dataset.table, outcomes)
            if on_progress:
                rows = sum(outcome.rows_read for outcome in outcomes)
                on_progress(f"{dataset.name}: {rows:,} rows in {len(files):,} files")
    insert_outcomes(connection, [outcome for _, outcome in pairs], inventory.folders, notes)


def _load(
    files: Sequence[tuple[FoundFile, FileOutcome]],
    parquet_loader: ParquetLoader,
    text_loader: TextLoader,
) -> list[Note]:
    """Load the files of one dataset; gives what there is to note about their columns."""
    parquet = [pair for pair in files if pair[0].format is Format.PARQUET]
    unknown_names = parquet_loader.load(parquet)
    for file, outcome in files:
        if file.format is not Format.PARQUET:
            unknown_names[file.name] = text_loader.load(file, outcome)
    text_loader.finish()
    return [note for file, _ in files for note in _notes(file, unknown_names.get(file.name, ()))]


def _notes(file: FoundFile, unknown_names: Sequence[str]) -> list[Note]:
    names = sorted(unknown_names)
    notes = [
        Note("unknown_column", file.dataset, shortened(name), file.name)
        for name in names[:_MOST_UNKNOWN_COLUMNS]
    ]
    if len(names) > _MOST_UNKNOWN_COLUMNS:
        more = f"and {len(names) - _MOST_UNKNOWN_COLUMNS:,} more"
        notes.append(Note("unknown_column", file.dataset, more, file.name))
    return notes
