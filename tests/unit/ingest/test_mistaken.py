"""Files that are something else than their name says are recognised, and the message says what to do."""

from __future__ import annotations

import gzip
from functools import partial

import pytest
from backports import zstd

from tests.unit.ingest.conftest import Landing

compress = partial(gzip.compress, mtime=0)  # the same bytes, and so the same tests, every time

HEADER = "post_id,observed_at,views"
ROW = "p1,2024-04-20T00:00:00Z,10"
CSV = f"{HEADER}\n{ROW}\n".encode()
JSONL = b'{"post_id": "p1", "observed_at": "2024-04-20T00:00:00Z", "views": 10}\n'


def detail(landing: Landing, name: str, data: bytes) -> tuple[str, str] | None:
    """Reason and detail of the one file, None where it is loaded."""
    landing.write_raw(f"post_metrics/{name}", data)
    ingested = landing.ingest()
    found = ingested.query("select reason, detail from quarantine_files")
    assert ingested.query("select rows_loaded from ingest_files") == [(0 if found else 1,)]
    return found[0] if found else None


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(("suffix", "text"), [("csv", CSV), ("jsonl", JSONL)])
@pytest.mark.parametrize("is_packed", [False, True])
def test_utf_16(landing: Landing, encoding: str, suffix: str, text: bytes, is_packed: bool) -> None:
    data = text.decode().encode(encoding)
    name, data = (f"a.{suffix}.gz", compress(data)) if is_packed else (f"a.{suffix}", data)
    found = detail(landing, name, data)
    assert found is not None and found[0] == "UNREADABLE"
    assert "found text in UTF-16" in found[1] and "export it in UTF-8" in found[1]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", compress(CSV), "found compressed by gzip, expected text in UTF-8; let its name end in .csv.gz"),
        ("a.csv.gz", compress(compress(CSV)), "found compressed by gzip"),
        ("a.jsonl", zstd.compress(JSONL), "found compressed by zstd, expected text in UTF-8; let its name end in .csv.zst or .jsonl.zst"),
        ("a.csv", b"PAR1\x15\x04\x15\x10", "found Parquet, expected text in UTF-8; let its name end in .parquet"),
        ("a.csv", b"PK\x03\x04\x14\x00\x06\x00", "a workbook of a spreadsheet"),
        ("a.csv.gz", CSV, "found no gz data, expected it by the name; if it is not compressed, let its name end in .csv"),
        ("a.jsonl.zst", JSONL, "found no zst data, expected it by the name; if it is not compressed, let its name end in .jsonl"),
    ],
)  # fmt: skip
def test_a_file_under_the_name_of_another_format(
    landing: Landing, name: str, data: bytes, said: str
) -> None:
    found = detail(landing, name, data)
    assert found is not None and found[0] == "UNREADABLE"
    assert said in found[1]


@pytest.mark.parametrize(
    ("separator", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")]
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_columns_that_something_else_than_commas_parts(
    landing: Landing, separator: str, word: str, quote: str
) -> None:
    header = separator.join(f"{quote}{name}{quote}" for name in HEADER.split(","))
    found = detail(landing, "a.csv", f"{header}\n{ROW.replace(',', separator)}\n".encode())
    wrong = (
        ("UNREADABLE", "line 1: the header is not CSV in UTF-8")  # a quote within a field
        if quote
        else ("MISSING_COLUMN", "post_id, observed_at, views")
    )
    advice = f"; found {word} between the columns, expected commas: export it with commas"
    assert found == (wrong[0], wrong[1] + advice)


def test_a_missing_column_alone_is_no_sign_of_another_separator(landing: Landing) -> None:
    assert detail(landing, "a.csv", b"post_id;views,observed_at\nx,y\n") == (
        "MISSING_COLUMN",
        "post_id, views",
    )


@pytest.mark.parametrize(
    ("first", "found"),
    [
        ("sep=;", "the line 'sep=;' of a spreadsheet, expected the names of the columns: take the line away, and export it with commas"),
        ("sep=,", "the line 'sep=,' of a spreadsheet, expected the names of the columns: take the line away"),
        ("<!DOCTYPE html>", "'<!DOCTYPE html>' in the first line, expected the names of the columns"),
        (ROW, f"'{ROW}' in the first line, expected the names of the columns"),
    ],
    ids=["semicolons", "commas", "page", "data"],
)  # fmt: skip
def test_a_first_line_that_is_no_header(landing: Landing, first: str, found: str) -> None:
    assert detail(landing, "a.csv", f"{first}\n{HEADER}\n{ROW}\n".encode()) == (
        "MISSING_COLUMN",
        f"post_id, observed_at, views; found {found}",
    )


def test_a_header_of_other_names_is_one(landing: Landing) -> None:
    """Half of its names are nearly those of columns: then each is told."""
    assert detail(landing, "a.csv", b"post_idx,viewz,a,b\n") == (
        "MISSING_COLUMN",
        'post_id, observed_at, views; is "post_idx" meant to be post_id?; is "viewz" meant to be views?',
    )


def test_lines_that_end_in_cr_alone(landing: Landing) -> None:
    found = detail(landing, "a.csv", CSV.replace(b"\n", b"\r"))
    assert found is not None and found[0] == "UNREADABLE"
    assert f"found lines that end in CR alone (the first after {len(HEADER)} bytes)" in found[1]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", CSV),
        ("a.csv", b"\xef\xbb\xbf" + CSV),
        ("a.csv", CSV.replace(b"\n", b"\r\n")),
        ("a.jsonl", b"\xef\xbb\xbf" + JSONL),
        ("a.csv.gz", compress(CSV)),
        ("a.jsonl.zst", zstd.compress(JSONL)),
        ("a.csv", b"PAR1," + HEADER.encode() + b"\nx," + ROW.encode() + b"\n"),
    ],
)
def test_what_it_says_it_is(landing: Landing, name: str, data: bytes) -> None:
    assert detail(landing, name, data) is None
