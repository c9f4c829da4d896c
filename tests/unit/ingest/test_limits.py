"""What one file may cost (contract §2, "Files that are not used"): each limit on both sides of its edge."""

import gzip
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from backports import zstd
from pyarrow import parquet

from orchestration.ingest import limits, parquet_loader
from tests.unit.ingest.conftest import Landing

HEADER = "post_id,observed_at,views\n"
ROW = "p{},2024-03-29T00:00:00Z,1\n"
JSON_ROW = '{{"post_id": "p{}", "observed_at": "2024-03-29T00:00:00Z", "views": 1}}\n'
AT = datetime(2024, 3, 29)


def csv(rows: int) -> str:
    return HEADER + "".join(map(ROW.format, range(rows)))


def outcome(landing: Landing) -> tuple[str | None, int]:
    """Why the one file is refused, if it is, and how many of its rows are loaded."""
    ((reason, loaded),) = landing.ingest().query("select reason, rows_loaded from ingest_files")
    return reason, loaded


def write_parquet(
    landing: Landing, rows: int, *, use_dictionary: bool = True, **columns: Any
) -> int:
    """A file of post_metrics; gives its size."""
    table = {
        "post_id": pa.array([f"p{row}" for row in range(rows)]),
        "observed_at": pa.array([AT] * rows, pa.timestamp("us")),
        "views": pa.array([1] * rows),
        **columns,
    }
    path = landing.write_raw("post_metrics/a.parquet", b"")
    parquet.write_table(pa.table(table), path, compression="zstd", use_dictionary=use_dictionary)
    return path.stat().st_size


@pytest.mark.parametrize(("more", "reason"), [(0, None), (1, "TOO_MANY_BLANK_LINES")])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", csv(20)),
        ("a.csv", csv(20).replace("\n", "\r\n")),
        ("a.jsonl", "".join(map(JSON_ROW.format, range(20)))),
    ],
)
def test_blank_lines(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, name: str, text: str, more: int,
    reason: str | None,
) -> None:  # fmt: skip
    monkeypatch.setattr(limits, "BLANK_LINES", 10)
    # The header line counts as one that is no blank.
    blank = "\n" * (30 + name.endswith("csv") + more)
    landing.write(f"post_metrics/{name}", text + blank)
    assert outcome(landing) == (reason, 0 if reason else 20)


def test_blank_lines_before_the_header_count(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BLANK_LINES", 10)
    landing.write("post_metrics/a.csv", "\n" * 11 + csv(1))
    assert outcome(landing) == ("TOO_MANY_BLANK_LINES", 0)


@pytest.mark.parametrize(("more", "reason"), [(0, None), (1, "EXPANDS_TOO_MUCH")])
@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".zst", zstd.compress)])
def test_expansion(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, suffix: str, compress: Any, more: int,
    reason: str | None,
) -> None:  # fmt: skip
    data = csv(1000).encode()
    packed = compress(data)
    monkeypatch.setattr(limits, "EXPANDED_BYTES_A_BYTE", 2)
    monkeypatch.setattr(limits, "EXPANDED_BYTES", len(data) - 2 * len(packed) - more)
    landing.write_raw(f"post_metrics/a.csv{suffix}", packed)
    assert outcome(landing) == (reason, 0 if reason else 1000)


def test_a_file_that_is_not_compressed_cannot_expand(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "EXPANDED_BYTES", 0)
    landing.write("post_metrics/a.csv", csv(100))
    assert outcome(landing) == (None, 100)


BAD_LINES = {"a.csv": "x\n", "b.csv": "p,t,1\n", "a.jsonl": "x\n", "b.jsonl": '{"post_id": "p"}\n'}


@pytest.mark.parametrize(
    ("bad", "good", "reason"),
    [(10, 0, None), (11, 0, "TOO_MANY_BAD_ROWS"), (11, 10, "TOO_MANY_BAD_ROWS"), (11, 11, None)],
)
@pytest.mark.parametrize("name", BAD_LINES)
def test_bad_rows_of_text(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, name: str, bad: int, good: int,
    reason: str | None,
) -> None:  # fmt: skip
    monkeypatch.setattr(limits, "BAD_ROWS", 10)
    row, header = (ROW, HEADER) if name.endswith("csv") else (JSON_ROW, "")
    rows = "".join(map(row.format, range(good)))
    landing.write(f"post_metrics/{name}", header + rows + BAD_LINES[name] * bad)
    landing.write("posts/_skipped.csv", "")
    assert outcome(landing) == (reason, 0 if reason else good)


@pytest.mark.parametrize(
    ("bad", "good", "reason"),
    [(10, 0, None), (11, 0, "TOO_MANY_BAD_ROWS"), (11, 10, "TOO_MANY_BAD_ROWS"), (11, 11, None)],
)
def test_bad_rows_of_parquet(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, bad: int, good: int, reason: str | None
) -> None:
    monkeypatch.setattr(limits, "BAD_ROWS", 10)
    write_parquet(landing, bad + good, views=pa.array([-1] * bad + [1] * good))
    ingested = landing.ingest()
    assert ingested.query("select reason, rows_loaded from ingest_files") == [
        (reason, 0 if reason else good)
    ]
    assert len(ingested.loaded("post_metrics")) == (0 if reason else good)
    assert len(ingested.bad_rows()) == (0 if reason else bad)


@pytest.mark.parametrize(("less", "reason"), [(0, None), (1, "EXPANDS_TOO_MUCH")])
def test_values_of_a_column_of_parquet(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, less: int, reason: str | None
) -> None:
    size = write_parquet(landing, 10_000, post_id=pa.array(["p"] * 10_000))
    monkeypatch.setattr(limits, "PARQUET_VALUES_A_BYTE", 1)
    monkeypatch.setattr(limits, "PARQUET_VALUES", 10_000 - size - less)
    assert outcome(landing) == (reason, 0 if reason else 10_000)


@pytest.mark.parametrize(("less", "reason"), [(0, None), (1, "EXPANDS_TOO_MUCH")])
def test_a_value_of_parquet_that_rows_repeat(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, less: int, reason: str | None
) -> None:
    longest = limits.LONGEST_VALUE_BYTES + 1
    repeated = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(100, "int32")), pa.array(["p" * longest])
    )
    write_parquet(landing, 100, post_id=repeated)
    most = 100 * longest - less
    monkeypatch.setattr(limits, "REPEATED_BYTES", most)
    monkeypatch.setattr(parquet_loader, "REPEATED_BYTES", most)
    ingested = landing.ingest()
    assert ingested.query("select reason, rows_quarantined from ingest_files") == [
        (reason, 0 if reason else 100)
    ]


@pytest.mark.parametrize(("dictionary", "looked_at"), [(True, ["post_id"]), (False, [])])
def test_a_column_in_which_no_value_is_stored_once_for_many_is_not_read_twice(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, dictionary: bool, looked_at: list[str]
) -> None:
    names: list[str] = []
    monkeypatch.setattr(parquet_loader, "REPEATED_BYTES", 0)

    def longest_value(_link: str, _group: int, name: str) -> int:
        names.append(name)
        return 1

    monkeypatch.setattr(parquet_loader, "_longest_value", longest_value)
    write_parquet(landing, 100, use_dictionary=dictionary)
    assert outcome(landing) == (None, 100)
    assert names == looked_at


@pytest.mark.parametrize(("length", "value"), [(4096, "0"), (4097, None)])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_a_value_has_4096_bytes_at_most(
    landing: Landing, name: str, length: int, value: str | None
) -> None:
    """In all formats alike: a count with that many zeros is one, with one more it is out of range."""
    views = "0" * length
    if name == "a.parquet":
        write_parquet(landing, 1, views=pa.array([views]))
    elif name == "a.csv":
        landing.write(f"post_metrics/{name}", HEADER + f"p,2024-03-29T00:00:00Z,{views}\n")
    else:
        row = f'{{"post_id": "p", "observed_at": "2024-03-29T00:00:00Z", "views": "{views}"}}'
        landing.write(f"post_metrics/{name}", row)
    assert limits.LONGEST_VALUE_BYTES == 4096
    ingested = landing.ingest()
    assert ingested.loaded("post_metrics", "views") == ([(0,)] if value else [])
    assert [reason for *_, reason in ingested.bad_rows()] == ([] if value else ["OUT_OF_RANGE"])
