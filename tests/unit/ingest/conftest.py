"""A landing directory to fill and to ingest, as the tests of this folder need it."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from backports import zstd

from orchestration.foundations.cursors import scratch_database
from orchestration.ingest.datasets import DATASETS
from orchestration.ingest.discovery import discover
from orchestration.ingest.landing import ingest_landing
from orchestration.ingest.parquet_loader import distrusting_statistics

COMPRESS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstd.compress}


CLOSES_AT = datetime(2024, 5, 3)


class Ingested:
    """What an ingest left in its work file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def loaded(self, dataset: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """Rows of a raw table in the order of files and lines."""
        with distrusting_statistics(self.connection):
            return self.query(f"select {columns} from raw_{dataset} order by file_no, row_no")

    def bad_rows(self) -> list[tuple[int, str | None, str]]:
        """Line, column and reason of each quarantined row."""
        return self.query(
            "select row_no, column_name, reason from quarantine_rows order by file, row_no"
        )

    def bad_files(self) -> list[tuple[str, str]]:
        """Name and reason of each quarantined file."""
        return self.query("select file, reason from quarantine_files order by file")

    def notes(self) -> list[tuple[str, str, str]]:
        return self.query("select kind, subject, detail from ingest_notes order by all")


class Landing:
    """A landing directory under construction."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "landing"
        self.path.mkdir()
        self.scratch = folder / "scratch"
        self.links = folder / "links"
        self.open = ExitStack()

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file, compressed as its suffix says; a str as UTF-8."""
        data = content.encode("utf-8") if isinstance(content, str) else content
        compress = COMPRESS.get(Path(name).suffix)
        return self.write_raw(name, compress(data) if compress else data)

    def write_raw(self, name: str, data: bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def make_folders(self) -> None:
        for dataset in DATASETS:
            (self.path / dataset.name).mkdir(exist_ok=True)

    def ingest(self, program: str = "ours", currency_decimals: int = 2) -> Ingested:
        connection = self.open.enter_context(scratch_database())
        ingest_landing(
            connection,
            discover(self.path),
            program=program,
            currency_decimals=currency_decimals,
            closes_at=CLOSES_AT,
            scratch=self.scratch,
            links=self.links,
        )
        return Ingested(connection)


@pytest.fixture
def landing(tmp_path: Path) -> Iterator[Landing]:
    made = Landing(tmp_path)
    with made.open:
        yield made
