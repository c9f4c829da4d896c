"""Parquet is read in place, by the exact names of its columns, whatever its names and bytes are."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from orchestration.ingest.cells import CellRules
from orchestration.ingest.datasets import DATASETS
from orchestration.ingest.opening import files_changed_since
from orchestration.ingest.parquet_loader import ParquetSchema, parquet_select
from tests.unit.ingest.conftest import Landing

METRICS: Mapping[str, Any] = {
    "post_id": ["p1", "p2"],
    "observed_at": pa.array([datetime(2024, 3, 29), datetime(2024, 3, 30)], pa.timestamp("us")),
    "views": [10, 20],
}

WIDE = pa.decimal256(76, 20)
"""Of more digits than DuckDB's decimals have; BigQuery's BIGNUMERIC is such a type."""


def write(landing: Landing, name: str, columns: Mapping[str, Any], **options: Any) -> Path:
    path = landing.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(dict(columns)), str(path), **options)
    return path


def write_arrays(landing: Landing, name: str, names: Sequence[str], values: Sequence[Any]) -> None:
    """As `write`, for names that occur more than once."""
    path = landing.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = [pa.array(value) for value in values]
    parquet.write_table(pa.Table.from_arrays(arrays, names=list(names)), str(path))


def test_rows_are_numbered_from_one_in_each_file(landing: Landing) -> None:
    write(landing, "post_metrics/b.parquet", METRICS)
    write(landing, "post_metrics/a.parquet", METRICS, row_group_size=1)
    places = landing.ingest().loaded("post_metrics", "file_no, row_no, post_id")
    assert places == [(1, 1, "p1"), (1, 2, "p2"), (2, 1, "p1"), (2, 2, "p2")]


def test_defaults_stand_in_for_missing_columns_and_nulls(landing: Landing) -> None:
    write(landing, "post_metrics/a.parquet", METRICS)
    write(landing, "post_metrics/b.parquet", {
        **METRICS,
        "ineligible_views": [None, 3],
        "likes": pa.nulls(2),
        "delivered_at": pa.array([None, datetime(2024, 4, 1)], pa.timestamp("ms")),
    })  # fmt: skip
    columns = "ineligible_views, likes, delivered_at"
    first, second = datetime(2024, 3, 29), datetime(2024, 3, 30)
    assert landing.ingest().loaded("post_metrics", columns) == [
        (0, None, first),
        (0, None, second),
        (0, None, first),
        (3, None, datetime(2024, 4, 1)),
    ]


def test_a_name_in_another_case_is_another_column(landing: Landing) -> None:
    """DuckDB would take `Views` for `views`."""
    write(landing, "post_metrics/a.parquet", {"Likes": [1, 2], "likes": [3, 4], **METRICS})
    write(landing, "post_metrics/b.parquet", {"Likes": [1, 2], **METRICS})
    capital = {("Views" if name == "views" else name): METRICS[name] for name in METRICS}
    write(landing, "post_metrics/c.parquet", capital)
    ingested = landing.ingest()
    assert ingested.loaded("post_metrics", "views, likes") == [(10, 3), (20, 4)]
    assert ingested.query("select file, reason, detail from quarantine_files order by file") == [
        ("post_metrics/b.parquet", "MISSPELT_COLUMN", 'found "Likes", expected "likes"'),
        ("post_metrics/c.parquet", "MISSPELT_COLUMN", 'found "Views", expected "views"'),
    ]
    assert ingested.notes() == [("unknown_column", "Likes", "post_metrics/a.parquet")]


def test_both_cases_side_by_side_are_not_mixed_up(landing: Landing) -> None:
    names = ["Views", "VIEWS", *METRICS, "views_1"]
    values = [[1, 2], [3, 4], *METRICS.values(), [5, 6]]
    write_arrays(landing, "post_metrics/a.parquet", names, values)
    write_arrays(landing, "post_metrics/b.parquet", names, values)
    views = landing.ingest().loaded("post_metrics", "views")
    assert views == [(10,), (20,), (10,), (20,)]


def test_a_known_column_twice_is_a_fault_an_unknown_one_is_not(landing: Landing) -> None:
    names = [*METRICS, "x"]
    values = [*METRICS.values(), [1, 2]]
    write_arrays(landing, "post_metrics/a.parquet", [*names, "x"], [*values, [1, 2]])
    write_arrays(landing, "post_metrics/b.parquet", [*names, "views"], [*values, [10, 20]])
    ingested = landing.ingest()
    assert ingested.bad_files() == [("post_metrics/b.parquet", "DUPLICATE_COLUMN")]
    assert len(ingested.loaded("post_metrics")) == 2


def test_columns_named_like_duckdb_s_own_change_nothing(landing: Landing) -> None:
    odd = {"file_row_number": [7, 7], "FILE_INDEX": [7, 7], "filename": ["x", "x"], "rowid": [9, 9],
           "file_no": [5, 5], "row_no": [5, 5], "c0": ["no", "no"], "": [1, 1], 'q"\'x': [1, 1]}  # fmt: skip
    write(landing, "post_metrics/a.parquet", {**odd, **METRICS})
    write(landing, "post_metrics/b.parquet", {**odd, **METRICS})
    places = landing.ingest().loaded("post_metrics", "file_no, row_no, post_id, views")
    assert places == [(1, 1, "p1", 10), (1, 2, "p2", 20), (2, 1, "p1", 10), (2, 2, "p2", 20)]


def test_folders_named_like_columns_are_no_columns(landing: Landing) -> None:
    """DuckDB would take `views=7` for the value of views."""
    write(landing, "post_metrics/views=7/a.parquet", METRICS)
    landing.write(
        "post_metrics/views=8/b.csv", "post_id,observed_at,views\np3,2024-03-29T00:00:00Z,1\n"
    )
    assert landing.ingest().loaded("post_metrics", "views") == [(10,), (20,), (1,)]


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "a?",
        "[ab]",
        "[",
        "it's",
        'a"b',
        "a\nb",
        "{a,b}",
        "~",
        "a b",
        "é",
        "\udcff",
        "-",
        "x%20",
        "\\",
    ],
)
def test_file_names_are_not_patterns(landing: Landing, name: str) -> None:
    write(landing, "post_metrics/other.parquet", METRICS).rename(
        landing.path / "post_metrics" / f"{name}.parquet"
    )
    write(landing, "post_metrics/ab.parquet", METRICS)
    ingested = landing.ingest()
    assert ingested.bad_files() == []
    assert len(ingested.loaded("post_metrics")) == 4


RATE = {
    "rate_date": [date(2024, 5, 1)],
    "base_currency": ["USD"],
    "quote_currency": ["JPY"],
    "rate": [Decimal("155.5")],
}


def test_the_scratch_folder_may_have_any_name_and_is_left_empty(landing: Landing) -> None:
    landing.scratch = landing.scratch / "[x]*?'\"\n~{a}"
    write(landing, "fx_rates/a.parquet", RATE)
    assert len(landing.ingest().loaded("fx_rates")) == 1
    assert list(landing.scratch.iterdir()) == []


def test_files_read_in_place_keep_their_links_in_a_folder_of_any_name(landing: Landing) -> None:
    landing.links = landing.links / "[x]*?'\"\n~{a}"
    write(landing, "post_metrics/a.parquet", METRICS)
    ingested = landing.ingest()
    assert len(ingested.loaded("post_metrics")) == 2
    assert [link.name for link in landing.links.iterdir()] == ["1.parquet"]
    assert ingested.query("select count(*) from copied_post_metrics") == [(0,)]


def test_a_file_that_changes_after_ingest_is_told(landing: Landing) -> None:
    file = write(landing, "post_metrics/a.parquet", METRICS)
    ingested = landing.ingest()
    assert files_changed_since(ingested.connection) == []
    file.write_bytes(file.read_bytes())
    assert files_changed_since(ingested.connection) == ["post_metrics/a.parquet"]
    file.unlink()
    assert files_changed_since(ingested.connection) == ["post_metrics/a.parquet"]


def test_links_left_in_the_scratch_folder_are_replaced(landing: Landing) -> None:
    landing.links.mkdir()
    (landing.links / "1.parquet").symlink_to("/nowhere")
    write(landing, "post_metrics/a.parquet", METRICS)
    assert len(landing.ingest().loaded("post_metrics")) == 2


def test_files_of_different_schemas_in_one_dataset(landing: Landing) -> None:
    write(landing, "post_metrics/a.parquet", METRICS)
    write(landing, "post_metrics/b.parquet", dict(reversed(METRICS.items())))
    write(landing, "post_metrics/c.parquet", {**METRICS, "views": [1.0, 2.0], "likes": ["5", None]})
    write(landing, "post_metrics/d.parquet", {**METRICS, "x": [1, 2]})
    ingested = landing.ingest()
    assert ingested.loaded("post_metrics", "views, likes") == [
        (10, None), (20, None), (10, None), (20, None), (1, 5), (2, None), (10, None), (20, None),
    ]  # fmt: skip


def test_a_file_without_rows(landing: Landing) -> None:
    write(landing, "post_metrics/a.parquet", {name: METRICS[name][:0] for name in METRICS} | {
        "post_id": pa.array([], pa.string()), "views": pa.array([], pa.int64())})  # fmt: skip
    ingested = landing.ingest()
    assert ingested.query("select rows_read, rows_loaded, reason from ingest_files") == [
        (0, 0, None)
    ]


# Bad rows


def test_bad_rows_name_their_columns_and_show_the_row(landing: Landing) -> None:
    write(landing, "post_metrics/a.parquet", {
        "post_id": ["p1", None, "p3"],
        "observed_at": pa.array([datetime(2024, 3, 29)] * 3, pa.timestamp("us", "UTC")),
        "views": [10, -1, 3],
        "ineligible_views": [10, 0, 4],
        "extra": [1, 2, 3],
    })  # fmt: skip
    ingested = landing.ingest()
    assert ingested.loaded("post_metrics", "post_id, row_no") == [("p1", 1)]
    assert ingested.bad_rows() == [
        (2, "post_id|views", "NULL|OUT_OF_RANGE"),
        (3, "ineligible_views", "OUT_OF_RANGE"),
    ]
    shown = ingested.query("select raw_text, line_count from quarantine_rows where row_no = 3")
    assert shown == [
        (
            '{"post_id":"p3","observed_at":"2024-03-29 00:00:00","views":"3","ineligible_views":"4",'
            '"likes":null,"comments":null,"shares":null,"delivered_at":null}',
            1,
        )
    ]


def test_raw_text_is_cut(landing: Landing) -> None:
    write(landing, "post_metrics/a.parquet", {**METRICS, "post_id": ["x" * 5000, "p2"]})
    ((text,),) = landing.ingest().query("select raw_text from quarantine_rows")
    assert text == '{"post_id":"' + "x" * 988


@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize("unit", ["us", "ns"])
def test_timestamps_of_any_64_bits_do_no_harm(
    landing: Landing, unit: str, zone: str | None
) -> None:
    """Some of them, shown as they are, would end the DuckDB that holds the work file."""
    ticks = [2**63 - 1, -(2**63), -(2**63) + 1, 9 * 10**18, 1]
    write(landing, "post_metrics/a.parquet", {
        "post_id": ["p"] * 5,
        "observed_at": pa.array(ticks, pa.int64()).cast(pa.timestamp(unit, zone)),
        "views": [-1] * 5,
        "x": pa.array(ticks, pa.int64()).cast(pa.timestamp(unit, zone)),
    })  # fmt: skip
    ingested = landing.ingest()
    assert [row_no for row_no, _, _ in ingested.bad_rows()] == [1, 2, 3, 4, 5]
    assert ingested.query("select count(*) from quarantine_rows where raw_text like '{%}'") == [
        (5,)
    ]


def test_milliseconds_beyond_what_duckdb_can_read(landing: Landing) -> None:
    """DuckDB makes microseconds of them as it reads: there is no telling which row it was."""
    far = pa.array([0, 2**62], pa.int64()).cast(pa.timestamp("ms"))
    write(landing, "post_metrics/a.parquet", {**METRICS, "observed_at": far})
    write(landing, "post_metrics/b.parquet", METRICS)
    ingested = landing.ingest()
    assert ingested.bad_files() == [("post_metrics/a.parquet", "UNREADABLE")]
    assert len(ingested.loaded("post_metrics")) == 2


def test_columns_of_unusable_types_are_bad_where_they_are_not_null(landing: Landing) -> None:
    nested = pa.array([{"at": 2**63 - 1}, None]).cast(pa.struct({"at": pa.timestamp("us")}))
    write(landing, "post_metrics/a.parquet", {**METRICS, "likes": nested})
    ingested = landing.ingest()
    assert ingested.bad_rows() == [(1, "likes", "UNPARSEABLE")]
    ((text,),) = ingested.query("select raw_text from quarantine_rows")
    assert '"likes":"<STRUCT(' in text


def test_wide_decimals_are_read_exactly(landing: Landing) -> None:
    """DuckDB would read them as doubles: 2^53 + 1 would be 2^53, and 10^15 + 0.5 a count."""
    counts = [2**53 + 1, 10**15, None, 0, Decimal("1.5"), -1, 10**40]
    likes = pa.array([None if count is None else Decimal(count) for count in counts], WIDE)
    views = pa.array([10**15] * len(counts))
    moments = pa.array([datetime(2024, 3, 29)] * len(counts), pa.timestamp("us"))
    columns = {"post_id": list("abcdefg"), "observed_at": moments, "views": views, "likes": likes}
    write(landing, "post_metrics/a.parquet", columns, row_group_size=2)
    write(landing, "post_metrics/b.parquet", METRICS)
    ingested = landing.ingest()
    good = [(1, 2, 10**15), (1, 3, None), (1, 4, 0), (2, 1, None), (2, 2, None)]
    assert ingested.loaded("post_metrics", "file_no, row_no, likes") == good
    assert ingested.bad_rows() == [
        (1, "likes", "OUT_OF_RANGE"), (5, "likes", "UNPARSEABLE"),
        (6, "likes", "OUT_OF_RANGE"), (7, "likes", "OUT_OF_RANGE"),
    ]  # fmt: skip
    texts = ingested.query("select raw_text from quarantine_rows order by row_no")
    assert f'"likes":"{2**53 + 1}"' in texts[0][0]
    # What is read is a copy; what must not change is the file.
    assert files_changed_since(ingested.connection) == []
    (landing.path / "post_metrics" / "a.parquet").write_bytes(b"")
    assert files_changed_since(ingested.connection) == ["post_metrics/a.parquet"]


@pytest.mark.parametrize(
    ("rate", "loaded"),
    [
        ("0.0000000001", True),  # Arrow writes it with an exponent
        ("0.1234567890", True),
        ("0.00000000001", False),
        ("155.5", True),
        ("100", True),
        ("0", False),
    ],
)
def test_wide_rates_are_read_exactly(rate: str, loaded: bool, landing: Landing) -> None:
    columns = {
        "rate_date": ["2024-04-01"],
        "base_currency": ["EUR"],
        "quote_currency": ["JPY"],
        "rate": pa.array([Decimal(rate)], WIDE),
    }
    write(landing, "fx_rates/a.parquet", columns)
    ingested = landing.ingest()
    assert ingested.loaded("fx_rates", "rate") == ([(Decimal(rate),)] if loaded else [])
    assert ingested.bad_rows() == ([] if loaded else [(1, "rate", "OUT_OF_RANGE")])


def test_wide_decimals_are_no_ids_and_columns_unknown_may_be_any(landing: Landing) -> None:
    ids = pa.array([Decimal(5), Decimal(6)], WIDE)
    write(landing, "post_metrics/a.parquet", {**METRICS, "post_id": ids, "other": ids})
    assert landing.ingest().bad_rows() == [(row, "post_id", "UNPARSEABLE") for row in (1, 2)]
    write(landing, "post_metrics/a.parquet", {**METRICS, "other": ids})
    assert len(landing.ingest().loaded("post_metrics")) == 2


def test_a_broken_file_with_wide_decimals_is_quarantined(landing: Landing) -> None:
    columns = {**METRICS, "likes": pa.array([Decimal(5), Decimal(6)], WIDE)}
    path = write(landing, "post_metrics/a.parquet", columns)
    data = path.read_bytes()
    path.write_bytes(b"PAR1" + bytes(200) + data[204:])
    write(landing, "post_metrics/b.parquet", METRICS)
    ingested = landing.ingest()
    assert ingested.bad_files() == [("post_metrics/a.parquet", "UNREADABLE")]
    assert len(ingested.loaded("post_metrics")) == 2


def test_cap_is_judged_by_the_program_of_its_row(landing: Landing) -> None:
    moment = pa.array([datetime(2024, 1, 1)] * 3, pa.timestamp("us"))
    columns = {
        "deal_id": ["d1", "d2", "d3"],
        "program": ["ours", "theirs", "ours"],
        "creator_id": ["c1", "c2", "c3"],
        "cap": [Decimal("1.230"), Decimal("1.234"), Decimal("1.234")],
        **dict.fromkeys(("invited_at", "ends_at", "updated_at"), moment),
    }
    write(landing, "deals/a.parquet", columns)
    as_bytes = pa.array([text.encode() for text in columns["program"]], pa.binary())
    write(landing, "deals/b.parquet", {**columns, "program": as_bytes})
    ingested = landing.ingest(currency_decimals=2)
    good = [("d1", Decimal("1.23")), ("d2", Decimal("1.234"))]
    assert ingested.loaded("deals", "deal_id, cap") == good + good
    assert ingested.bad_rows() == [(3, "cap", "OUT_OF_RANGE")] * 2


def test_a_footer_that_lies_about_the_values_changes_nothing(landing: Landing) -> None:
    """DuckDB would not look for values below 0 where the footer says that there are none."""
    lies = {-777_777_777: 5, 777_777_777_777_777_777: 9}
    columns = {
        "post_id": [f"p{number}" for number in range(1000)],
        "observed_at": pa.array([datetime(2024, 3, 29)] * 1000, pa.timestamp("us")),
        "views": [5] * 999 + [-777_777_777],
        "likes": [9] * 999 + [777_777_777_777_777_777],
    }
    path = write(landing, "post_metrics/a.parquet", columns)
    data = path.read_bytes()
    footer_start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    footer = data[footer_start:]
    for truth, lie in lies.items():
        assert truth.to_bytes(8, "little", signed=True) in footer
        footer = footer.replace(
            truth.to_bytes(8, "little", signed=True), lie.to_bytes(8, "little", signed=True)
        )
    path.write_bytes(data[:footer_start] + footer)
    ingested = landing.ingest()
    assert ingested.bad_rows() == [(1000, "views|likes", "OUT_OF_RANGE|OUT_OF_RANGE")]
    assert len(ingested.loaded("post_metrics")) == 999
    assert ingested.query("select current_setting('disabled_optimizers')") == [("",)]


# The old 96-bit timestamps


def write_int96(landing: Landing, nanoseconds: Sequence[int], unit: str = "ns") -> None:
    observed_at = pa.array(nanoseconds, pa.int64()).cast(pa.timestamp(unit))
    write(landing, "post_metrics/a.parquet", {**METRICS, "observed_at": observed_at},
          use_deprecated_int96_timestamps=True)  # fmt: skip


def test_int96_timestamps(landing: Landing) -> None:
    write_int96(landing, [1_711_695_600_000_001_000, -1_000])
    observed = landing.ingest().loaded("post_metrics", "observed_at")
    assert observed == [
        (datetime(2024, 3, 29, 7, 0, 0, 1),),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999),),
    ]


def test_int96_far_in_the_future(landing: Landing) -> None:
    """More nanoseconds than 64 bits hold; 9999-12-31 stands for "for ever" in many systems."""
    day = (date(9999, 12, 31) - date(1970, 1, 1)).days
    write_int96(landing, [day * 86_400, 0], unit="s")
    observed = landing.ingest().loaded("post_metrics", "observed_at")
    assert observed == [(datetime(9999, 12, 31),), (datetime(1970, 1, 1),)]


def test_int96_finer_than_a_microsecond(landing: Landing) -> None:
    write_int96(landing, [1_711_695_600_000_001_001, 0])
    ingested = landing.ingest()
    assert ingested.bad_files() == [("post_metrics/a.parquet", "UNREADABLE")]


# Broken files


def broken_files(whole: bytes) -> dict[str, bytes]:
    return {
        "magic": b"PAR1",
        "no parquet": b"post_id,observed_at,views\n",
        "first half": whole[: len(whole) // 2],
        "last byte missing": whole[:-1],
        "no footer": whole[:-50] + b"\0" * 46 + b"PAR1",
        "footer longer than the file": whole[:-8] + b"\xff\xff\xff\x7fPAR1",
        "footer of length 0": whole[:-8] + b"\0\0\0\0PAR1",
        "encrypted": b"PARE" + whole[4:-4] + b"PARE",
        "pages gone": b"PAR1" + b"\0" * (len(whole) // 2) + whole[4 + len(whole) // 2 :],
    }


KINDS = sorted(broken_files(b""))


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_file_is_one_quarantined_file(landing: Landing, kind: str) -> None:
    count = 5000
    columns = {
        "post_id": [f"p{number}" for number in range(count)],
        "observed_at": pa.array(range(count), pa.timestamp("us")),
        "views": list(range(count)),
    }
    path = write(landing, "post_metrics/b.parquet", columns, row_group_size=500)
    path.write_bytes(broken_files(path.read_bytes())[kind])
    write(landing, "post_metrics/a.parquet", columns, row_group_size=500)
    write(landing, "post_metrics/c.parquet", METRICS)
    ingested = landing.ingest()
    assert ingested.bad_files() == [("post_metrics/b.parquet", "UNREADABLE")]
    assert ingested.bad_rows() == []
    counts = ingested.query(
        "select file_no, count(*) from raw_post_metrics group by all order by 1"
    )
    assert counts == [(1, count), (3, 2)]


def test_a_file_that_breaks_in_the_middle_loads_nothing(landing: Landing) -> None:
    """Its first row groups are fine, and so is its footer."""
    count = 400_000
    rng = np.random.default_rng(1)
    columns = {
        "post_id": [f"p{number}" for number in rng.integers(0, 10**9, count)],
        "observed_at": pa.array(range(count), pa.timestamp("us")),
        "views": rng.integers(0, 10**9, count),
    }
    path = write(landing, "post_metrics/a.parquet", columns, row_group_size=100_000)
    data = bytearray(path.read_bytes())
    damaged = len(data) * 7 // 8
    data[damaged : damaged + 20_000] = bytes(20_000)
    path.write_bytes(data)
    ingested = landing.ingest()
    assert ingested.bad_files() == [("post_metrics/a.parquet", "UNREADABLE")]
    assert ingested.loaded("post_metrics") == []
    assert ingested.query("select rows_loaded, rows_quarantined from ingest_files") == [(0, 0)]


def test_text_that_is_not_utf8_where_the_schema_says_it_is(landing: Landing) -> None:
    path = write(landing, "post_metrics/a.parquet", {**METRICS, "post_id": ["p1", "QQQQ"]},
                 compression="none", use_dictionary=False)  # fmt: skip
    path.write_bytes(path.read_bytes().replace(b"QQQQ", b"Q\xffQQ"))
    assert landing.ingest().bad_files() == [("post_metrics/a.parquet", "UNREADABLE")]


def test_bits_flipped_anywhere_never_end_the_run(landing: Landing) -> None:
    count, copies = 300, 60
    rng = np.random.default_rng(7)
    columns = {
        "post_id": [f"p{number}" for number in range(count)],
        "observed_at": pa.array(range(count), pa.timestamp("us")),
        "views": list(range(count)),
    }
    whole = write(landing, "post_metrics/x.parquet", columns).read_bytes()
    for copy in range(copies):
        data = bytearray(whole)
        for place in rng.integers(len(data) * (copy % 2) * 2 // 3, len(data), 3):
            data[place] ^= 1 << int(rng.integers(8))
        landing.write_raw(f"post_metrics/{copy:02}.parquet", bytes(data))
    ingested = landing.ingest()
    ((files, odd),) = ingested.query(
        "select count(*), count(*) filter (case when reason is null"
        " then rows_loaded + rows_quarantined <> rows_read else rows_loaded <> 0 end)"
        " from ingest_files"
    )
    assert (files, odd) == (copies + 1, 0)
    ((last,),) = ingested.query(
        "select rows_loaded from ingest_files where file like '%/x.parquet'"
    )
    assert last == count


def test_details_do_not_tell_where_the_scratch_folder_is(landing: Landing) -> None:
    landing.write_raw("post_metrics/a.parquet", b"PAR1 nothing PAR1")
    ((detail,),) = landing.ingest().query("select detail from quarantine_files")
    assert str(landing.links) not in detail
    assert str(landing.scratch) not in detail


# A view instead of a table


def test_the_good_rows_may_be_a_view_over_the_files(landing: Landing) -> None:
    path = write(landing, "post_metrics/a.parquet", {**METRICS, "views": [10, -1]})
    dataset = next(dataset for dataset in DATASETS if dataset.name == "post_metrics")
    schema = ParquetSchema(tuple(METRICS), ("VARCHAR", "TIMESTAMP", "BIGINT"))
    rows = parquet_select(dataset, schema, [str(path)], [7], CellRules("ours", 2))
    ingested = landing.ingest()
    ingested.connection.execute(f"create view in_place as {rows.good_rows()}")
    columns = ", ".join([*dataset.column_names, "row_no"])
    assert ingested.query(f"select {columns} from in_place") == ingested.loaded(
        "post_metrics", columns
    )
    assert ingested.query("select file_no from in_place") == [(7,)]
