"""The landing directory as tables: the one entry into ingest (contract §2).

Belongs here: the order of the steps. Does not: how any of them is done, nor what a defect does to
the run, which is the gate's to say (§8).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestration.foundations.texts import LONGEST_NAME, shown
from orchestration.ingest.cells import CellRules
from orchestration.ingest.datasets import DATASETS, Dataset
from orchestration.ingest.deletions import leave_out
from orchestration.ingest.discovery import SKIPPED_PREFIXES, Format, FoundFile, Inventory, Note
from orchestration.ingest.file_cache import FileCache
from orchestration.ingest.outcomes import FileOutcome, check_counts, insert_outcomes
from orchestration.ingest.parquet_loader import ParquetLoader, Probe
from orchestration.ingest.person_names import comparing_names, write_people
from orchestration.ingest.raw_tables import create_tables
from orchestration.ingest.snapshot_files import Boundaries, SnapshotFiles
from orchestration.ingest.snapshots import create_known_posts
from orchestration.ingest.spreadsheet_ids import find_spreadsheet_ids
from orchestration.ingest.text_loader import TextLoader
from orchestration.ingest.verdicts import Verdicts

if TYPE_CHECKING:
    import duckdb

_MOST_UNKNOWN_COLUMNS: Final = 100  # noted for one file


@dataclass(frozen=True)
class Kept:
    """The knowledge of earlier runs: the entries, hashes by the path of a file, and where no period cuts."""

    cache: FileCache
    contents: Mapping[str, str]
    boundaries: Boundaries


def ingest_landing(
    connection: "duckdb.DuckDBPyConnection",
    inventory: Inventory,
    *,
    program: str,
    currency_decimals: int,
    closes_at: datetime,
    scratch: Path,
    links: Path,
    on_progress: Callable[[str], None] | None = None,
    kept: Kept | None = None,
) -> None:
    """Read what was found in the landing directory into the open work file, and nothing else.

    Creates, in a database that has none of them, a raw table for each dataset, `people` and the tables
    that report on what was read (see `raw_tables`). The period closes at `closes_at`, an instant in UTC:
    posts are judged as they were then. The scratch folder
    belongs to this call while it runs; the links folder gets links to the files that are read in
    place, and must be kept as long as the work file. With `kept` files are not read that were read before,
    and what is read is kept. What is wrong with a file, also that it is no
    longer the one that was found, is never an error but a quarantined row or file.
    """
    rules = CellRules(program, currency_decimals)
    create_tables(connection)
    pairs = [
        (entry, FileOutcome.of(file_no, entry))
        for file_no, entry in enumerate(inventory.entries, start=1)
    ]
    notes = list(inventory.notes)
    with closing(Probe(connection)) as probe, comparing_names(connection):
        for dataset in DATASETS:
            files = [
                (entry, outcome)
                for entry, outcome in pairs
                if isinstance(entry, FoundFile) and entry.dataset == dataset.name
            ]
            if on_progress and files:
                on_progress(f"{dataset.name}: reading {len(files):,} files")
            if files or dataset.is_read_in_place:  # also that there are no snapshots is judged
                folder = links if dataset.is_read_in_place else scratch
                loader = ParquetLoader(connection, dataset, rules, folder, probe)
                if dataset.is_read_in_place:
                    create_known_posts(connection, closes_at)
                    probe.know(connection.table("known_posts").to_arrow_table())
                notes += _read(connection, dataset, rules, files, loader, kept)
            if on_progress:
                rows = sum(outcome.rows_read for _, outcome in files)
                on_progress(f"{dataset.name}: {rows:,} rows in {len(files):,} files")
        write_people(connection)
    insert_outcomes(connection, [outcome for _, outcome in pairs], inventory.folders, notes)
    find_spreadsheet_ids(connection, {outcome.dataset for _, outcome in pairs if outcome.rows_read})


def _read(
    connection: "duckdb.DuckDBPyConnection",
    dataset: Dataset,
    rules: CellRules,
    files: Sequence[tuple[FoundFile, FileOutcome]],
    loader: ParquetLoader,
    kept: Kept | None,
) -> list[Note]:
    """Reads the files of a dataset, or takes what is kept of them; gives what is worth a note."""
    verdicts = Verdicts(connection, dataset, rules, kept.cache, kept.contents) if kept else None
    known = verdicts.restore(files, loader) if verdicts else {}
    left = [pair for pair in files if pair[0].name not in known]
    unknown_names = _load(left, loader, TextLoader(connection, dataset, rules))
    if verdicts:
        verdicts.keep(left, unknown_names, loader.placed)
    unknown_names |= known
    if dataset.is_read_in_place:
        boundaries = kept.boundaries if kept else None
        SnapshotFiles(connection, dataset, files, loader).place(verdicts, boundaries)
    else:
        outcomes = [outcome for _, outcome in files]
        leave_out(connection, dataset, outcomes, ())
        check_counts(connection, dataset.rows_table, outcomes)
    return [note for file, _ in files for note in _notes(file, unknown_names.get(file.name, ()))]


def _load(
    files: Sequence[tuple[FoundFile, FileOutcome]],
    parquet_loader: ParquetLoader,
    text_loader: TextLoader,
) -> dict[str, tuple[str, ...]]:
    """Load the files of one dataset; gives the unknown columns of each."""
    filled = [pair for pair in files if pair[0].identity.size_bytes]  # of 0 bytes: no rows (§2)
    parquet = [pair for pair in filled if pair[0].format is Format.PARQUET]
    unknown_names = parquet_loader.load(parquet)
    for file, outcome in filled:
        if file.format is not Format.PARQUET:
            unknown_names[file.name] = text_loader.load(file, outcome)
    text_loader.finish()
    return unknown_names


def _notes(file: FoundFile, unknown_names: Sequence[str]) -> list[Note]:
    names = sorted(name for name in unknown_names if not name.startswith(SKIPPED_PREFIXES))
    notes = [
        Note("unknown_column", file.dataset, shown(name, LONGEST_NAME), file.name)
        for name in names[:_MOST_UNKNOWN_COLUMNS]
    ]
    if len(names) > _MOST_UNKNOWN_COLUMNS:
        more = f"and {len(names) - _MOST_UNKNOWN_COLUMNS:,} more"
        notes.append(Note("unknown_column", file.dataset, more, file.name))
    return notes
