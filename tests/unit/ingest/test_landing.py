"""All of ingest, from a landing directory to the tables of the work file (contract §2)."""

import gzip
import json
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from orchestration.ingest import text_loader
from orchestration.ingest.csv_reader import CsvReader
from orchestration.ingest.datasets import DATASETS
from orchestration.ingest.discovery import Format, Inventory, discover
from orchestration.ingest.landing import ingest_landing
from orchestration.ingest.parquet_loader import Probe
from orchestration.ingest.quarantine import write_quarantine
from orchestration.ingest.text_files import TextBatch
from tests.conftest import SHARED
from tests.unit.ingest.conftest import CLOSES_AT, Ingested, Landing

needs_shared = pytest.mark.skipif(
    not SHARED.exists(), reason=f"the worked cases are not at {SHARED}"
)

POSTS_HEADER = (
    "post_id,creator_id,content_type,published_at,"
    "is_branded_content,is_collab,has_watermark,is_original,removed_at,updated_at"
)
METRICS_HEADER = "post_id,observed_at,views"
METRICS_ROW = "p1,2024-03-29T00:00:00Z,10"


def metrics(*rows: str) -> str:
    return "\n".join([METRICS_HEADER, *rows, ""])


# Every dataset, column for column

CSV_EXAMPLES = {
    "creators": (
        "creator_id,account_type,market,birth_date,updated_at\n"
        "c1,creator,US,2001-02-03,2024-01-01T00:00:00Z\n"
        "c2,personal,JP,,2024-01-01T09:00:00+09:00\n"
    ),
    "payees": (
        "creator_id,payout_currency,tax_residence,tax_form,status,updated_at\n"
        "c1,USD,US,w9,ready,2024-01-01T00:00:00Z\n"
        "c2,JPY,JP,,blocked,2024-01-01T00:00:00Z\n"
    ),
    "deals": (
        "deal_id,program,creator_id,invited_at,activated_at,ends_at,cap,updated_at\n"
        "d1,ours,c1,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z,2024-12-31T00:00:00Z,99.5,"
        "2024-01-03T00:00:00Z\n"
        "d2,theirs,c2,2024-01-01T00:00:00Z,,2024-12-31T00:00:00Z,,2024-01-03T00:00:00Z\n"
    ),
    "posts": (
        f"{POSTS_HEADER}\n"
        "p1,c1,reel,2024-01-01T00:00:00Z,true,false,true,false,2024-01-02T00:00:00Z,"
        "2024-01-03T00:00:00Z\n"
        "p2,c2,photo,2024-01-01T00:00:00Z,false,true,false,true,,2024-01-03T00:00:00Z\n"
    ),
    "post_metrics": (
        "post_id,observed_at,views,ineligible_views,likes,comments,shares,delivered_at\n"
        "p1,2024-01-01T00:00:00Z,10,10,3,2,1,2024-01-02T00:00:00Z\n"
        "p2,2024-01-01T00:00:00Z,10,,,,,\n"
    ),
    "audience": (
        "creator_id,observed_on,country,accounts,delivered_at\n"
        "c1,2024-01-01,US,5,2024-01-02T00:00:00Z\n"
        "c1,2024-01-01,JP,0,\n"
    ),
    "policy_events": (
        "event_id,subject_type,subject_id,policy,status,effective_at\n"
        "e1,creator,c1,spam,violated,2024-01-01T00:00:00Z\n"
        "e2,post,p1,spam,cleared,2024-01-01T00:00:00Z\n"
    ),
    "fx_rates": (
        "rate_date,base_currency,quote_currency,rate\n"
        "2024-01-01,USD,JPY,150.25\n"
        "2024-01-01,EUR,USD,1.0842000000\n"
    ),
    "adjustments": (
        "program,adjustment_id,creator_id,period,currency,amount,reason,requested_by,approved_by,"
        "updated_at\n"
        "ours,a1,c1,march,USD,-12.34,missed a reel,ada,Grace,2024-01-01T00:00:00Z\n"
        "theirs,a2,c2,1999,KWD,+0.125,=1+1,ada,,2024-01-02T00:00:00Z\n"
    ),
    "payment_returns": (
        "program,return_id,creator_id,period,currency,status,reason,updated_at\n"
        "ours,r1,c1,march,USD,returned,account closed,2024-01-01T00:00:00Z\n"
        "ours,r1,c1,march,USD,withdrawn,,2024-01-02T00:00:00Z\n"
    ),
}

FIRST, SECOND, THIRD = datetime(2024, 1, 1), datetime(2024, 1, 2), datetime(2024, 1, 3)
LAST = datetime(2024, 12, 31)
EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "creators": [
        ("c1", "creator", "US", date(2001, 2, 3), FIRST, 2),
        ("c2", "personal", "JP", None, FIRST, 3),
    ],
    "payees": [
        ("c1", "USD", "US", "w9", "ready", FIRST, 2),
        ("c2", "JPY", "JP", "none", "blocked", FIRST, 3),
    ],
    "deals": [
        ("d1", "ours", "c1", FIRST, SECOND, LAST, Decimal("99.5"), THIRD, 2),
        ("d2", "theirs", "c2", FIRST, None, LAST, None, THIRD, 3),
    ],
    "posts": [
        ("p1", "c1", "reel", FIRST, True, False, True, False, SECOND, THIRD, 2),
        ("p2", "c2", "photo", FIRST, False, True, False, True, None, THIRD, 3),
    ],
    "post_metrics": [
        ("p1", FIRST, 10, 10, 3, 2, 1, SECOND, 2),
        ("p2", FIRST, 10, 0, None, None, None, FIRST, 3),
    ],
    "audience": [
        ("c1", date(2024, 1, 1), "US", 5, SECOND, 2),
        ("c1", date(2024, 1, 1), "JP", 0, FIRST, 3),
    ],
    "policy_events": [
        ("e1", "creator", "c1", "spam", "violated", FIRST, 2),
        ("e2", "post", "p1", "spam", "cleared", FIRST, 3),
    ],
    "fx_rates": [
        (date(2024, 1, 1), "USD", "JPY", Decimal("150.25"), 2),
        (date(2024, 1, 1), "EUR", "USD", Decimal("1.0842"), 3),
    ],
    "adjustments": [
        (
            "ours",
            "a1",
            "c1",
            "march",
            "USD",
            Decimal("-12.34"),
            "missed a reel",
            "ada",
            "Grace",
            FIRST,
            2,
        ),
        ("theirs", "a2", "c2", "1999", "KWD", Decimal("0.125"), "=1+1", "ada", None, SECOND, 3),
    ],
    "payment_returns": [
        ("ours", "r1", "c1", "march", "USD", "returned", "account closed", FIRST, 2),
        ("ours", "r1", "c1", "march", "USD", "withdrawn", None, SECOND, 3),
    ],
}


def test_every_dataset_from_csv(landing: Landing) -> None:
    for name, text in CSV_EXAMPLES.items():
        landing.write(f"{name}/a.csv", text)
    ingested = landing.ingest()
    assert ingested.bad_rows() == ingested.bad_files() == ingested.notes() == []
    for name, rows in EXPECTED.items():
        assert ingested.loaded(name, "* exclude (file_no)") == rows


def test_every_dataset_from_jsonl(landing: Landing) -> None:
    for name, text in CSV_EXAMPLES.items():
        header, *rows = (line.split(",") for line in text.splitlines())
        records = [dict(zip(header, row, strict=True)) for row in rows]
        lines = [
            json.dumps({key: _json_value(value) for key, value in record.items()})
            for record in records
        ]
        landing.write(f"{name}/a.jsonl", "\n".join(lines))
    ingested = landing.ingest()
    assert ingested.bad_rows() == ingested.bad_files() == []
    for name, rows in EXPECTED.items():
        expected = [(*row[:-1], row[-1] - 1) for row in rows]  # no header
        assert ingested.loaded(name, "* exclude (file_no)") == expected


def _json_value(text: str) -> object:
    return {"": None, "true": True, "false": False}.get(text, text)


def test_every_dataset_from_parquet(landing: Landing) -> None:
    """The raw tables written out and read again are the same."""
    for name, text in CSV_EXAMPLES.items():
        landing.write(f"{name}/a.csv", text)
    first = landing.ingest()
    for name in CSV_EXAMPLES:
        (landing.path / name / "a.csv").unlink()
        target = str(landing.path / name / "a.parquet")
        first.connection.execute(
            f"copy (select * exclude (file_no, row_no) from raw_{name} order by row_no) to '{target}'"
        )
    second = landing.ingest()
    assert second.bad_rows() == second.bad_files() == []
    for name, rows in EXPECTED.items():
        expected = [(*row[:-1], row[-1] - 1) for row in rows]
        assert second.loaded(name, "* exclude (file_no)") == expected


def test_the_raw_tables_have_the_types_the_contract_needs(landing: Landing) -> None:
    ingested = landing.ingest()
    found = {
        (table, column): kind
        for table, column, kind in ingested.query(
            "select table_name, column_name, data_type from duckdb_columns()"
        )
    }
    expected = {
        ("raw_creators", "birth_date"): "DATE",
        ("raw_creators", "updated_at"): "TIMESTAMP",
        ("raw_deals", "cap"): "DECIMAL(38,24)",
        ("raw_posts", "is_original"): "BOOLEAN",
        ("raw_post_metrics", "views"): "BIGINT",
        ("raw_fx_rates", "rate"): "DECIMAL(38,10)",
        ("raw_fx_rates", "file_no"): "INTEGER",
        ("raw_fx_rates", "row_no"): "BIGINT",
        ("quarantine_rows", "line_count"): "BIGINT",
    }
    assert {key: found[key] for key in expected} == expected


# Formats and files


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".csv.zst"])
def test_csv_compressed_or_not(landing: Landing, suffix: str) -> None:
    landing.write(f"post_metrics/a{suffix}", metrics(METRICS_ROW))
    assert landing.ingest().loaded("post_metrics", "post_id, row_no") == [("p1", 2)]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_jsonl_compressed_or_not(landing: Landing, suffix: str) -> None:
    row = '{"post_id": "p1", "observed_at": "2024-03-29T00:00:00Z", "views": 1}\n'
    landing.write(f"post_metrics/a{suffix}", row * 2)
    assert landing.ingest().loaded("post_metrics", "post_id, row_no") == [("p1", 1), ("p1", 2)]


@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".zst", zstd.compress)])
def test_a_compressed_file_of_several_members(landing: Landing, suffix: str, compress: Any) -> None:
    data = metrics("p1,2024-03-29T00:00:00Z,10", "p2,2024-03-29T00:00:00Z,20").encode()
    landing.write_raw(f"post_metrics/a.csv{suffix}", compress(data[:40]) + compress(data[40:]))
    assert landing.ingest().loaded("post_metrics", "views") == [(10,), (20,)]


@pytest.mark.parametrize("suffix", [*map(str, Format)])
def test_a_file_of_0_bytes_has_no_rows_in_any_format(landing: Landing, suffix: str) -> None:
    landing.write_raw(f"post_metrics/a{suffix}", b"")
    landing.write("post_metrics/b.csv", metrics(METRICS_ROW))
    ingested = landing.ingest()
    assert (ingested.bad_files(), ingested.bad_rows()) == ([], [])
    assert ingested.loaded("post_metrics", "file_no") == [(2,)]


@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".zst", zstd.compress)])
@pytest.mark.parametrize("damage", ["cut", "tail", "plain", "flipped"])
def test_a_damaged_compressed_file_loads_nothing(
    landing: Landing, suffix: str, compress: Any, damage: str
) -> None:
    rng = random.Random(3)
    rows = [f"p{rng.random()},2024-03-29T00:00:00Z,{rng.randrange(10**9)}" for _ in range(3000)]
    plain = metrics(*rows).encode()
    whole = compress(plain)
    middle = len(whole) // 2
    damaged = {
        "cut": whole[:-3],
        "tail": whole + b"garbage",
        "plain": plain,
        "flipped": whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :],
    }[damage]
    landing.write_raw(f"post_metrics/a.csv{suffix}", damaged)
    landing.write("post_metrics/b.csv", metrics(METRICS_ROW))
    ingested = landing.ingest()
    assert ingested.bad_files() == [(f"post_metrics/a.csv{suffix}", "UNREADABLE")]
    assert ingested.loaded("post_metrics", "file_no") == [(2,)]
    assert ingested.bad_rows() == []


def test_a_file_that_fails_late_takes_back_what_it_had_inserted(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first batches are in the table, and its bad rows in quarantine, when the fault shows."""
    monkeypatch.setattr(text_loader, "_BATCH_BYTES", 1)
    rows = [METRICS_ROW, "p1,never,1", *[METRICS_ROW] * 400_000, '"']
    landing.write("post_metrics/a.csv", metrics(*rows))
    landing.write("post_metrics/b.csv", metrics(METRICS_ROW, "p2,never,1"))
    ingested = landing.ingest()
    assert ingested.bad_files() == [("post_metrics/a.csv", "UNREADABLE")]
    assert ingested.loaded("post_metrics", "file_no, row_no") == [(2, 2)]
    assert ingested.query("select file, row_no from quarantine_rows") == [("post_metrics/b.csv", 3)]
    columns = "file_no, rows_read > 0, rows_loaded, rows_quarantined"
    assert ingested.query(f"select {columns} from ingest_files order by 1") == [
        (1, True, 0, 0),
        (2, True, 1, 1),
    ]


def test_a_text_file_that_grows_while_it_is_read(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = landing.write("post_metrics/a.csv", metrics(METRICS_ROW))
    landing.write("post_metrics/b.csv", metrics(METRICS_ROW))
    batches = CsvReader.batches

    def growing(reader: CsvReader) -> Iterator[TextBatch]:
        yield from batches(reader)
        with path.open("a") as file:
            file.write(METRICS_ROW)

    monkeypatch.setattr(CsvReader, "batches", growing)
    ingested = landing.ingest()
    assert ingested.bad_files() == [("post_metrics/a.csv", "CHANGED_WHILE_READ")]
    assert ingested.loaded("post_metrics", "file_no") == [(2,)]


@pytest.mark.parametrize("change", ["touch", "append", "replace", "remove"])
def test_a_parquet_file_that_changes_while_it_is_read(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    table = pa.table({"post_id": ["p"], "observed_at": ["2024-03-29T00:00:00Z"], "views": [-1]})
    for name in ("a", "b"):
        (landing.path / "post_metrics").mkdir(exist_ok=True)
        parquet.write_table(table, str(landing.path / "post_metrics" / f"{name}.parquet"))
    path = landing.path / "post_metrics" / "a.parquet"
    counts = Probe.counts

    def changing(probe: Probe, *arguments: Any) -> object:
        counted = counts(probe, *arguments)
        if change == "touch":
            os.utime(path, ns=(1, 1))
        elif change == "append":
            path.write_bytes(path.read_bytes() + b"x")
        elif change == "remove":
            path.unlink(missing_ok=True)
        else:
            parquet.write_table(pa.concat_tables([table, table]), str(path))
        return counted

    monkeypatch.setattr(Probe, "counts", changing)
    ingested = landing.ingest()
    assert ingested.bad_files() == [("post_metrics/a.parquet", "CHANGED_WHILE_READ")]
    assert ingested.query("select file from quarantine_rows") == [("post_metrics/b.parquet",)]
    assert ingested.query("select rows_read from ingest_files where file_no = 2") == [(1,)]


def test_a_file_that_is_a_pipe_by_the_time_it_is_opened(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = landing.write("post_metrics/a.csv", metrics(METRICS_ROW))

    def discover_and_replace(root: Path) -> Inventory:
        inventory = discover(root)
        path.unlink()
        os.mkfifo(path)
        return inventory

    monkeypatch.setattr("tests.unit.ingest.conftest.discover", discover_and_replace)
    assert landing.ingest().bad_files() == [("post_metrics/a.csv", "CHANGED_WHILE_READ")]


def test_a_file_that_must_not_be_read(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    landing.write("post_metrics/a.csv", metrics(METRICS_ROW))
    open_file = os.open

    def refuse(path: Any, *arguments: Any) -> int:
        if str(path).endswith("a.csv"):
            raise PermissionError(13, "Permission denied")
        return open_file(path, *arguments)

    monkeypatch.setattr(os, "open", refuse)
    ingested = landing.ingest()
    assert ingested.query("select reason, detail from quarantine_files") == [
        ("UNREADABLE", "Permission denied")
    ]


def test_an_error_that_is_not_the_files_fault_is_not_laid_on_it(landing: Landing) -> None:
    """A work file that cannot be written must stop the run, not quarantine what it reads."""
    landing.write("post_metrics/a.csv", metrics(METRICS_ROW))
    with duckdb.connect() as connection:
        connection.execute("create table raw_creators (x integer)")
        with pytest.raises(duckdb.CatalogException):
            ingest_landing(
                connection,
                discover(landing.path),
                program="ours",
                currency_decimals=2,
                closes_at=CLOSES_AT,
                scratch=landing.scratch,
                links=landing.links,
            )


# Rows


def test_values_are_judged_in_every_column_at_once(landing: Landing) -> None:
    header = "rate,rate_date,base_currency,quote_currency"
    landing.write("fx_rates/a.csv", f"{header}\n0,2024-02-30,,usd\n")
    ingested = landing.ingest()
    assert ingested.bad_rows() == [
        (
            2,
            "rate_date|base_currency|quote_currency|rate",  # in the contract's order
            "UNPARSEABLE|NULL|UNKNOWN_VALUE|OUT_OF_RANGE",
        )
    ]


@pytest.mark.parametrize(
    ("views", "ineligible", "outcome"),
    [
        ("10", "10", "loaded"),
        ("10", "", "loaded"),
        ("10", "11", ("ineligible_views", "OUT_OF_RANGE")),
        ("0", "1", ("ineligible_views", "OUT_OF_RANGE")),
        ("x", "1", ("views", "UNPARSEABLE")),  # nobody knows whether 1 is too many
        ("10", "x", ("ineligible_views", "UNPARSEABLE")),
        ("", "1", ("views", "NULL")),
    ],
)
def test_ineligible_views_may_not_exceed_views(
    landing: Landing, views: str, ineligible: str, outcome: object
) -> None:
    header = "post_id,observed_at,views,ineligible_views"
    row = f"p1,2024-01-01T00:00:00Z,{views},{ineligible}"
    landing.write("post_metrics/a.csv", f"{header}\n{row}\n")
    ingested = landing.ingest()
    found = [(column, reason) for _, column, reason in ingested.bad_rows()]
    assert found == ([] if outcome == "loaded" else [outcome])


NEEDED = [
    f"{dataset.name}/{column.name}"
    for dataset in DATASETS
    for column in dataset.columns
    if not column.is_optional
]


@pytest.fixture(scope="module")
def without_values(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """Bad rows of files, one for each such column: a row that has it, one with null, one without it."""
    landing = Landing(tmp_path_factory.mktemp("needed"))
    for column in NEEDED:
        dataset, name = column.split("/")
        header, row, *_ = (line.split(",") for line in CSV_EXAMPLES[dataset].splitlines())
        values = {key: _json_value(value) for key, value in zip(header, row, strict=True)}
        without = {key: value for key, value in values.items() if key != name}
        lines = [json.dumps(record) for record in (values, {**values, name: None}, without)]
        landing.write(f"{column}.jsonl", "\n".join(lines))
    with landing.open:
        return landing.ingest().query(
            "select file, row_no, column_name, reason from quarantine_rows order by file, row_no"
        )


@pytest.mark.parametrize("column", NEEDED)
def test_null_where_none_may_be(without_values: list[tuple[Any, ...]], column: str) -> None:
    name = column.split("/")[1]
    found = [row for file, *row in without_values if file == f"{column}.jsonl"]
    assert found == [[2, name, "NULL"], [3, name, "NULL"]]


def test_raw_text_of_bad_rows(landing: Landing) -> None:
    long = "x" * 5000
    body = [
        b"p1,never,1",
        b'p2,"a\nb",1',
        b"p3,\xff,1",
        b"p4,1,2,3\r",
        long.encode() + b",,",
        b"p6\x00,2024-01-01T00:00:00Z,1",
        "🎬".encode() * 1500,
    ]
    landing.write("post_metrics/a.csv", b"\n".join([METRICS_HEADER.encode(), *body]))
    columns = "row_no, reason, raw_text, line_count"
    assert landing.ingest().query(f"select {columns} from quarantine_rows order by row_no") == [
        (2, "UNPARSEABLE", "p1,never,1", 1),
        (3, "UNPARSEABLE", 'p2,"a\nb",1', 2),
        (5, "NOT_UTF8", "p3,\\xff,1", 1),
        (6, "RAGGED", "p4,1,2,3", 1),
        (7, "OUT_OF_RANGE|NULL|NULL", long[:1000], 1),
        (8, "UNPARSEABLE", "p6\0,2024-01-01T00:00:00Z,1", 1),
        (9, "RAGGED", "🎬" * 1000, 1),
    ]


def test_raw_text_is_found_again_among_many_batches(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.ingest.csv_reader.BLOCK_BYTES", 200)
    monkeypatch.setattr("orchestration.ingest.csv_reader._SMALLEST_PIECE_BYTES", 50)
    numbers = range(500)
    bad = {number for number in numbers if number % 7 == 0}
    for name in "ab":
        rows = [
            f"{name}{number},{'never' if number in bad else '2024-01-01T00:00:00Z'},{number}"
            for number in numbers
        ]
        landing.write(f"post_metrics/{name}.csv", metrics(*rows))
    found = landing.ingest().query(
        "select file, row_no, raw_text from quarantine_rows order by all"
    )
    assert found == [
        (f"post_metrics/{name}.csv", number + 2, f"{name}{number},never,{number}")
        for name in "ab"
        for number in sorted(bad)
    ]


def test_every_row_is_either_loaded_or_quarantined(landing: Landing) -> None:
    """Counted here in the simplest way there is: by what was put into each line."""
    rng = random.Random(11)
    good = "p{n},2024-01-01T00:00:00Z,{n}"
    bad = ["p{n},never,1", "p{n},2024-01-01T00:00:00Z", "p{n},2024-01-01T00:00:00Z,-1", '"p"{n},,']
    expected = {}
    for file_no in range(1, 13):
        kinds = rng.choices(["good", "bad", "blank"], weights=[8, 1, 1], k=rng.randrange(2000))
        lines = [
            ""
            if kind == "blank"
            else (good if kind == "good" else rng.choice(bad)).format(n=number)
            for number, kind in enumerate(kinds)
        ]
        landing.write(f"post_metrics/{file_no:02}.csv", metrics(*lines))
        expected[file_no] = (
            len(kinds) - kinds.count("blank"),
            kinds.count("good"),
            kinds.count("bad"),
        )
    ingested = landing.ingest()
    columns = "file_no, rows_read, rows_loaded, rows_quarantined"
    found = {row[0]: row[1:] for row in ingested.query(f"select {columns} from ingest_files")}
    assert found == expected
    totals = tuple(map(sum, zip(*expected.values(), strict=True)))
    columns = "files, rows_read, rows_loaded, rows_quarantined"
    of_dataset = ingested.query(f"select {columns} from ingest_datasets where files > 0")
    assert of_dataset == [(12, *totals)]
    assert ingested.query("select count(*) from raw_post_metrics") == [(totals[1],)]
    assert ingested.query("select count(*) from quarantine_rows") == [(totals[2],)]


# The same rows in any format, split in any way

IDENTIFIERS = st.text(
    st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=6
) | st.sampled_from(
    ["null", "NaN", '"', ",", '""', "-1", "=1+1", " x ", "\ufeff", "007", "🎬" * 128]
)
COUNTS = st.integers(0, 10**15)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))
ROWS = st.fixed_dictionaries(
    {"post_id": IDENTIFIERS, "observed_at": MOMENTS, "views": COUNTS},
    optional={
        "likes": COUNTS | st.none(),
        "shares": COUNTS | st.none(),
        "delivered_at": MOMENTS | st.none(),
    },
)
NAMES = ["post_id", "observed_at", "views", "likes", "shares", "delivered_at"]


@given(
    st.lists(st.tuples(ROWS, st.sampled_from(["csv", "jsonl", "parquet"]), st.booleans())),
    st.permutations(NAMES),
)
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_rows_load_alike_from_every_format(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[dict[str, Any], str, bool]],
    names: list[str],
) -> None:
    landing = Landing(tmp_path_factory.mktemp("formats"))
    for kind, write in (("csv", csv_of), ("jsonl", jsonl_of), ("parquet", parquet_of)):
        for part in (False, True):
            chosen = [
                row for row, its_kind, its_part in rows if (its_kind, its_part) == (kind, part)
            ]
            landing.write(f"post_metrics/part={part}/rows.{kind}", write(chosen, names))
    ingested = landing.ingest()
    assert ingested.bad_rows() == ingested.bad_files() == []
    columns = "post_id, observed_at, views, likes, shares, delivered_at, ineligible_views, comments"
    expected = [
        (
            row["post_id"],
            row["observed_at"],
            row["views"],
            row.get("likes"),
            row.get("shares"),
            row.get("delivered_at") or row["observed_at"],
            0,
            None,
        )
        for row, _, _ in rows
    ]
    assert sorted(ingested.loaded("post_metrics", columns), key=repr) == sorted(expected, key=repr)
    landing.open.close()


def timestamp_text(moment: datetime) -> str:
    """In one of the many forms that say the same."""
    minutes = moment.microsecond % (24 * 60)
    sign = "-" if moment.microsecond % 2 else "+"
    local = moment + timedelta(minutes=minutes) * (1 if sign == "+" else -1)
    fraction = f".{moment.microsecond:06}".rstrip("0").rstrip(".")
    return f"{local:%Y-%m-%dT%H:%M:%S}{fraction}{sign}{minutes // 60:02}:{minutes % 60:02}"


def as_text(value: object) -> str:
    if value is None:
        return ""
    return timestamp_text(value) if isinstance(value, datetime) else str(value)


def csv_of(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> bytes:
    lines = [",".join(names)]
    for row in rows:
        texts = [as_text(row.get(name)) for name in names]
        lines.append(",".join('"' + text.replace('"', '""') + '"' for text in texts))
    return "\r\n".join(lines).encode()


def jsonl_of(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> bytes:
    lines = []
    for row in rows:
        values = {name: row[name] for name in names if name in row}
        for name, value in values.items():
            if isinstance(value, datetime):
                values[name] = timestamp_text(value)
        lines.append(json.dumps(values, ensure_ascii=len(lines) % 2 == 0))
    return "\n".join(lines).encode()


def parquet_of(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> bytes:
    types = {
        "post_id": pa.string(),
        "views": pa.int64(),
        "likes": pa.float64(),
        "shares": pa.decimal128(38, 3),
        "observed_at": pa.timestamp("us", "Asia/Tokyo"),
        "delivered_at": pa.timestamp("us"),
    }
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        if name == "observed_at":
            values = [moment.replace(tzinfo=UTC) for moment in values]
        columns[name] = pa.array(values, types[name])
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(columns), sink, row_group_size=2)
    return bytes(sink.getvalue())


def test_file_numbers_follow_names_not_the_disk(landing: Landing) -> None:
    for name in (
        "post_metrics/z.csv",
        "post_metrics/a/b.csv",
        "post_metrics/m.txt",
        "audience/x.csv",
    ):
        landing.write(name, metrics())
    files = landing.ingest().query("select file_no, file from ingest_files order by 1")
    assert files == [
        (1, "audience/x.csv"),
        (2, "post_metrics/a/b.csv"),
        (3, "post_metrics/m.txt"),
        (4, "post_metrics/z.csv"),
    ]


# What is reported


def test_ingest_files_says_what_became_of_each(landing: Landing) -> None:
    landing.write_raw("post_metrics/a.csv", metrics(METRICS_ROW, "p1,never,1").encode())
    landing.write_raw("post_metrics/b.txt", b"12345")
    landing.write_raw("post_metrics/c.csv", b"post_id\n1\n2\n")
    size = (landing.path / "post_metrics" / "a.csv").stat().st_size
    ingested = landing.ingest()
    assert ingested.query("select * from ingest_files order by file_no") == [
        (1, "post_metrics", "post_metrics/a.csv", ".csv", size, 2, 1, 1, 0, None),
        (2, "post_metrics", "post_metrics/b.txt", None, 5, 0, 0, 0, 0, "UNKNOWN_FORMAT"),
        (3, "post_metrics", "post_metrics/c.csv", ".csv", 12, 0, 0, 0, 0, "MISSING_COLUMN"),
    ]
    assert ingested.query("select * from quarantine_files order by file") == [
        (
            "post_metrics",
            "post_metrics/b.txt",
            "UNKNOWN_FORMAT",
            "expected one of .parquet, .csv, .csv.gz, .csv.zst, .jsonl, .jsonl.gz, .jsonl.zst",
        ),
        ("post_metrics", "post_metrics/c.csv", "MISSING_COLUMN", "observed_at, views"),
    ]


def test_ingest_datasets_has_a_row_for_each(landing: Landing) -> None:
    landing.write("posts/a.csv", f"{POSTS_HEADER}\n")
    landing.write("posts/b.txt", "")
    (landing.path / "deals").mkdir()
    found = landing.ingest().query("select * from ingest_datasets")
    by_name = {name: rest for name, *rest in found}
    assert set(by_name) == {dataset.name for dataset in DATASETS}
    assert by_name["posts"] == [True, 2, 0, 0, 0, 0, 1]
    assert by_name["deals"] == [True, 0, 0, 0, 0, 0, 0]
    assert by_name["payees"] == [False, 0, 0, 0, 0, 0, 0]


def test_unknown_columns_are_noted_once_for_each_file(landing: Landing) -> None:
    table = pa.table({"post_id": ["p"], "observed_at": ["x"], "views": [1], "w": [1]})
    landing.write("post_metrics/a.csv", f"x\x1b[2J,{METRICS_HEADER},y,x\x1b[2J\n")
    landing.write("post_metrics/b.jsonl", '{"Views": 1, "views": 1}\n{"Views": 2, "\\ud800": 1}\n')
    parquet.write_table(table, str(landing.path / "post_metrics" / "c.parquet"))
    assert landing.ingest().notes() == [
        ("unknown_column", "Views", "post_metrics/b.jsonl"),
        ("unknown_column", "\\ud800", "post_metrics/b.jsonl"),
        ("unknown_column", "w", "post_metrics/c.parquet"),
        ("unknown_column", "x\\u001b[2J", "post_metrics/a.csv"),
        ("unknown_column", "y", "post_metrics/a.csv"),
    ]


def test_not_every_one_of_many_unknown_columns_is_noted(landing: Landing) -> None:
    names = ",".join(f"x{number:04}" for number in range(5000))
    landing.write("post_metrics/a.csv", f"{METRICS_HEADER},{names}\n")
    notes = landing.ingest().notes()
    assert len(notes) == 101
    assert notes[0][1] == "and 4,900 more"


def test_progress_is_told(landing: Landing) -> None:
    landing.write("post_metrics/a.csv", metrics(METRICS_ROW))
    told: list[str] = []
    with duckdb.connect() as connection:
        ingest_landing(
            connection,
            discover(landing.path),
            program="ours",
            currency_decimals=2,
            closes_at=CLOSES_AT,
            scratch=landing.scratch,
            links=landing.links,
            on_progress=told.append,
        )
    assert [text.partition(":")[0] for text in told if "rows in" in text] == [
        dataset.name for dataset in DATASETS
    ]
    before = told.index("post_metrics: reading 1 files")
    assert told[before + 1] == "post_metrics: 1 rows in 1 files"


# The quarantine folder


def read_quarantine(folder: Path, name: str) -> list[dict[str, Any]]:
    return parquet.read_table(str(folder / name)).to_pylist()


def test_the_quarantine_is_written_and_replaced(landing: Landing, tmp_path: Path) -> None:
    folder = tmp_path / "it's" / "quarantine" / "period=2024-spring"
    landing.write("post_metrics/a.csv", metrics("p1,never,1\0", METRICS_ROW))
    landing.write("post_metrics/b.txt", "")
    write_quarantine(landing.ingest().connection, folder)
    assert read_quarantine(folder, "rows.parquet") == [
        {
            "dataset": "post_metrics",
            "file": "post_metrics/a.csv",
            "row_no": 2,
            "column_name": "observed_at|views",
            "reason": "UNPARSEABLE|UNPARSEABLE",
            "raw_text": "p1,never,1\0",
            "line_count": 1,
            "found": "never | 1\0",
            "expected": "an instant with its offset from UTC, such as 2024-03-29T07:00:00Z; at most 6"
            " decimals | a whole number from 0 to 10^15",
        }
    ]
    assert [row["reason"] for row in read_quarantine(folder, "files.parquet")] == ["UNKNOWN_FORMAT"]

    (landing.path / "post_metrics" / "b.txt").unlink()
    landing.write("post_metrics/a.csv", metrics(METRICS_ROW))
    write_quarantine(landing.ingest().connection, folder)
    assert read_quarantine(folder, "rows.parquet") == read_quarantine(folder, "files.parquet") == []
    assert sorted(path.name for path in folder.iterdir()) == [
        "deleted.parquet",
        "files.parquet",
        "rows.parquet",
    ]


def test_the_quarantine_has_the_same_bytes_every_time(landing: Landing, tmp_path: Path) -> None:
    for name in "cab":
        rows = [f"p{number},never,1" for number in range(2000)]
        landing.write(f"post_metrics/{name}.csv", metrics(*rows))
    written = []
    for threads in (1, 4):
        connection = landing.ingest().connection
        connection.execute(f"set threads = {threads}")
        write_quarantine(connection, tmp_path / str(threads))
        written.append((tmp_path / str(threads) / "rows.parquet").read_bytes())
    assert written[0] == written[1]


# Real data


def naive_row_count(folder: Path) -> int:
    """Lines and Parquet rows; no field in this data holds a line end."""
    count = 0
    for path in folder.rglob("*"):
        if path.suffix == ".parquet":
            count += parquet.read_metadata(str(path)).num_rows
        elif path.is_file():
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            lines = [line for line in data.splitlines() if line.strip()]
            count += len(lines) - (".csv" in path.suffixes)
    return count


@needs_shared
@pytest.mark.parametrize(
    "name", ["data/landing", *(f"worked/{number:02}/landing" for number in (1, 7, 15, 23))]
)
def test_all_rows_of_the_shared_data_are_good(tmp_path: Path, name: str) -> None:
    with duckdb.connect() as connection:
        ingest_landing(
            connection,
            discover(SHARED / name),
            program="trending-bonus",
            currency_decimals=2,
            closes_at=CLOSES_AT,
            scratch=tmp_path,
            links=tmp_path / "links",
        )
        datasets = Ingested(connection).query("select * from ingest_datasets")
    assert len(datasets) == len(DATASETS)
    for dataset, has_folder, _, read, loaded, *others in datasets:
        if dataset in ("adjustments", "payment_returns"):
            continue  # may be absent, and are so in these
        assert has_folder, dataset
        assert read == loaded == naive_row_count(SHARED / name / dataset)
        assert others == [0, 0, 0]  # rows quarantined and deleted, files quarantined
