"""Every hostile landing file is read as the grammar says, and no row of it is lost (§2)."""

from __future__ import annotations

import csv
import gzip
import io
import os
import socket
from collections import Counter
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from backports import zstd

from orchestration.ingest.discovery import discover
from orchestration.ingest.landing import ingest_landing
from tests.torture.hostile_files import FINE, HostileFile, hostile_files

FILES = hostile_files()
KINDS = sorted({file.kind for file in FILES})


def ingested(folder: Path) -> dict[str, tuple[str | None, tuple[int, int, int]]]:
    """Name below the dataset -> (fault, rows read, loaded and quarantined), as ingest wrote it down."""
    with duckdb.connect() as connection:
        ingest_landing(
            connection,
            discover(folder / "landing"),
            program="ours",
            currency_decimals=2,
            closes_at=datetime(2024, 5, 3),
            scratch=folder / "scratch",
            links=folder / "links",
        )
        rows = connection.execute(
            "select file, reason, rows_read, rows_loaded, rows_quarantined from ingest_files"
            " order by file_no"
        ).fetchall()
        counted = connection.execute(
            "select (select count(*) from raw_post_metrics), (select count(*) from quarantine_rows)"
        ).fetchall()
    assert counted == [(sum(row[3] for row in rows), sum(row[4] for row in rows))]
    return {
        file.removeprefix("post_metrics/"): (fault, tuple(found)) for file, fault, *found in rows
    }


def counted_apart(path: Path) -> int:
    """Rows of a file by other means than the product's: csv, lines, or Parquet's own footer."""
    content = path.read_bytes()
    if not content:
        return 0
    if path.name.endswith(".parquet"):
        return pq.ParquetFile(io.BytesIO(content)).metadata.num_rows
    if path.name.endswith(".gz"):
        content = gzip.decompress(content)
    elif path.name.endswith(".zst"):
        content = zstd.decompress(content)
    if ".jsonl" in path.name:
        return sum(bool(line.strip()) for line in content.split(b"\n"))
    csv.field_size_limit(2**31 - 1)
    records = csv.reader(io.StringIO(content.decode("latin-1"), newline=""))
    return sum(bool(record) for record in records) - 1


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_files_are_read_as_the_grammar_says(kind: str, tmp_path: Path) -> None:
    files = [file for file in FILES if file.kind == kind]
    folder = tmp_path / "landing" / "post_metrics"
    # By number: only in the class of names are the names themselves hostile.
    paths = {
        file: folder / (file.name if kind == "file names" else f"{number:03}{_suffix(file)}")
        for number, file in enumerate(files)
    }
    for file, path in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    found = ingested(tmp_path)
    assert len(found) == len({path.resolve() for path in paths.values()})
    by_order = dict(
        zip(
            sorted(paths, key=lambda file: os.fsencode(paths[file].resolve())),
            found.values(),
            strict=True,
        )
    )
    wrong = {}
    for file, (fault, (read, *kept)) in by_order.items():
        if file.rows is None:
            if fault is None or kept != [0, 0]:
                wrong[file.name] = ("is to be refused", fault, kept)
        elif fault is not None or kept != list(file.rows):
            wrong[file.name] = (file.rows, fault, kept)
        elif not read == counted_apart(paths[file]) == sum(kept):
            wrong[file.name] = ("rows", read, counted_apart(paths[file]), kept)
    assert wrong == {}


def _suffix(file: HostileFile) -> str:
    return next(
        suffix
        for suffix in (
            ".csv.gz",
            ".csv.zst",
            ".jsonl.gz",
            ".jsonl.zst",
            ".csv",
            ".jsonl",
            ".parquet",
        )
        if file.name.endswith(suffix)
    )


def test_entries_that_are_no_files_are_refused_without_waiting_for_them(tmp_path: Path) -> None:
    folder = tmp_path / "landing" / "post_metrics"
    folder.mkdir(parents=True)
    outside = tmp_path / "outside.csv"
    outside.write_bytes(FINE)
    os.mkfifo(folder / "pipe.csv")
    (folder / "link out.csv").symlink_to(outside)
    (folder / "broken.csv").symlink_to("nowhere.csv")
    (folder / "itself.csv").symlink_to("itself.csv")
    (folder / "device.csv").symlink_to("/dev/zero")
    (folder / "folder out").symlink_to("/etc")
    (folder / "process.csv").symlink_to("/proc/self/environ")
    here = os.getcwd()
    with socket.socket(socket.AF_UNIX) as bound:
        os.chdir(folder)  # a socket's path must be short
        bound.bind("socket.csv")
        os.chdir(here)
    found = ingested(tmp_path)
    assert len(found) == 8
    assert all(fault is not None and rows == (0, 0, 0) for fault, rows in found.values())


def test_there_are_enough_of_each_class() -> None:
    of_class = Counter(file.kind for file in FILES)
    assert len({(file.kind, file.content, file.name) for file in FILES}) == len(FILES) >= 200
    assert min(of_class.values()) >= 5
