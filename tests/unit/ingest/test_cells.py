"""What a value means, kind by kind: contract §2, "Text is UTF-8 …", "A timestamp is …", "Counts are …"."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from orchestration.ingest.cells import ALONE, Beside, Cell, CellRules, parquet_cell, text_cell
from orchestration.ingest.datasets import DATASETS, Column, Kind
from orchestration.ingest.person_names import comparing_names

RULES = CellRules("ours", currency_decimals=2)
COLUMNS = {
    f"{dataset.name}.{column.name}": column for dataset in DATASETS for column in dataset.columns
}
IDENTIFIER = COLUMNS["posts.post_id"]
ACCOUNT_TYPE = COLUMNS["creators.account_type"]
CURRENCY = COLUMNS["payees.payout_currency"]
TIMESTAMP = COLUMNS["posts.published_at"]
DAY = COLUMNS["audience.observed_on"]
FLAG = COLUMNS["posts.is_original"]
COUNT = COLUMNS["post_metrics.views"]
RATE = COLUMNS["fx_rates.rate"]
CAP = COLUMNS["deals.cap"]
AMOUNT = COLUMNS["adjustments.amount"]
REASON = COLUMNS["adjustments.reason"]
REQUESTED_BY = COLUMNS["adjustments.requested_by"]
APPROVED_BY = COLUMNS["adjustments.approved_by"]

UNPARSEABLE = "UNPARSEABLE"
OUT_OF_RANGE = "OUT_OF_RANGE"
UNKNOWN_VALUE = "UNKNOWN_VALUE"


@cache
def shared_connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.fixture(autouse=True, scope="module")
def _names_are_compared() -> Iterator[None]:
    with comparing_names(shared_connection()):
        yield


def outcome(cell: Cell, relation: str) -> list[Any]:
    """For each row the typed value, or the reason code, or None where none is given.

    The cheaper ways to say the same have to agree: `good` of every value, `sure` of good ones.
    """
    query = (
        f"select {cell.given}, {cell.good}, v, case when {cell.given} then {cell.fault} end,"
        f" case when {cell.good} or not {cell.given} then {cell.sure} end from (select *, {cell.value} as v from {relation}) order by row_no"
    )
    found = []
    for given, good, value, fault, sure in shared_connection().execute(query).fetchall():
        if given:
            assert good is (value is not None)
        if not given or good:
            assert sure == value
        found.append(fault if given and not good else value)
    return found


def read_texts(column: Column, texts: Sequence[str | None], beside: Beside = ALONE) -> list[Any]:
    staged = pa.table({"row_no": range(len(texts)), "t": pa.array(texts, pa.string())})
    shared_connection().register("staged", staged)
    return outcome(text_cell(column, "t", RULES, beside), "staged")


def read_text(column: Column, text: str) -> Any:
    return read_texts(column, [text])[0]


# Texts


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS.keys())
def test_null_is_no_value_and_no_fault(column: Column) -> None:
    assert read_texts(column, [None]) == [None]


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS.keys())
def test_text_of_something_that_is_no_text_is_unparseable(column: Column) -> None:
    assert read_text(column, "\0") == UNPARSEABLE


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "x" * 128,
        "🎬" * 128,  # characters, not bytes
        " p6 ",  # nothing is trimmed
        "null",
        "NULL",
        "NaN",
        "007",
        "-abc",
        "=1+1",
        "a,b",
        'say "hi"',
        "\u00a0",  # a no-break space is no control character
        "\u200b",  # nor is one of zero width (Cf)
        "\ufeffa",
        "\u2028",
        "e\u0301",
    ],
)
def test_identifier_is_taken_as_it_stands(text: str) -> None:
    assert read_text(IDENTIFIER, text) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", OUT_OF_RANGE),
        ("x" * 129, OUT_OF_RANGE),
        ("🎬" * 129, OUT_OF_RANGE),
        ("a\0b", UNPARSEABLE),
        ("a\tb", UNPARSEABLE),
        ("a\n", UNPARSEABLE),
        ("\x1f", UNPARSEABLE),
        ("a\x7f", UNPARSEABLE),
        ("a\x80", UNPARSEABLE),
        ("\x9f", UNPARSEABLE),
    ],
)
def test_identifier_that_is_none(text: str, reason: str) -> None:
    assert read_text(IDENTIFIER, text) == reason


def test_every_control_character_is_refused_and_its_neighbours_are_not() -> None:
    codes = [*range(0x23), *range(0x7D, 0xA3)]
    is_control = [code <= 0x1F or 0x7F <= code <= 0x9F for code in codes]
    found = read_texts(IDENTIFIER, [f"a{chr(code)}b" for code in codes])
    assert [value == UNPARSEABLE for value in found] == is_control


def test_choice() -> None:
    texts = ["creator", "business", "personal", "Creator", "creator ", "", "influencer"]
    assert read_texts(ACCOUNT_TYPE, texts) == [*texts[:3], *[UNKNOWN_VALUE] * 4]


def test_currency_is_an_iso_4217_code() -> None:
    """Codes withdrawn since 1999 (HRK, DEM) are taken, those without a minor unit are not."""
    texts = ["USD", "JPY", "KRW", "EUR", "BHD", "HRK", "DEM", "usd", "US", "USDX", "XYZ", "XAU", ""]
    assert read_texts(CURRENCY, texts) == [*texts[:7], *[UNKNOWN_VALUE] * 6]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-03-29T07:00:00Z", datetime(2024, 3, 29, 7)),
        ("2024-03-29T07:00:00.5Z", datetime(2024, 3, 29, 7, microsecond=500_000)),
        ("2024-03-29T07:00:00.000001Z", datetime(2024, 3, 29, 7, microsecond=1)),
        ("2024-03-29T00:00:00-07:00", datetime(2024, 3, 29, 7)),
        ("2024-03-29T16:30:00+09:30", datetime(2024, 3, 29, 7)),
        ("2024-03-29 07:00:00Z", datetime(2024, 3, 29, 7)),
        ("2024-03-29 07:00:00 UTC", datetime(2024, 3, 29, 7)),
        ("2024-03-29T07:00:00.000001 UTC", datetime(2024, 3, 29, 7, microsecond=1)),
        ("2024-03-29T16:30:00+0930", datetime(2024, 3, 29, 7)),
        ("2024-03-29 16:00:00.5+09", datetime(2024, 3, 29, 7, microsecond=500_000)),
        ("2024-03-29 00:00:00-07", datetime(2024, 3, 29, 7)),
        ("2024-03-29T00:00:00-0730", datetime(2024, 3, 29, 7, 30)),
        ("2024-03-29T00:00:00+00:00", datetime(2024, 3, 29)),
        ("0000-06-01 00:00:00 UTC", OUT_OF_RANGE),
        ("0001-01-01T00:00:00+01", OUT_OF_RANGE),
        ("2024-03-29T00:00:00-00:00", datetime(2024, 3, 29)),
        ("2024-03-29T23:59:00.25+23:59", datetime(2024, 3, 29, 0, 0, microsecond=250_000)),
        ("2024-02-29T23:59:59.999999Z", datetime(2024, 2, 29, 23, 59, 59, 999_999)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1)),
        ("9999-12-31T23:59:59.999999Z", datetime(9999, 12, 31, 23, 59, 59, 999_999)),
        ("0000-12-31T23:00:00-01:00", datetime(1, 1, 1)),  # in UTC it is in range
        ("9999-12-31T23:59:59-01:00", OUT_OF_RANGE),  # in UTC it is not
        ("0001-01-01T00:00:00+00:01", OUT_OF_RANGE),
        ("0000-06-01T00:00:00Z", OUT_OF_RANGE),
    ],
)
def test_timestamp(text: str, value: object) -> None:
    assert read_text(TIMESTAMP, text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-03-29T07:00:00",  # no zone
        "2024-03-29 07:00:00",
        "2024-03-29  07:00:00Z",
        "2024-03-29\t07:00:00Z",
        "2024-03-29\u00a007:00:00Z",
        "2024-03-2907:00:00Z",
        "2024-03-29t07:00:00Z",
        "2024-03-29T07:00:00z",
        "2024-03-29T07:00Z",
        "2024-03-29",
        "2024-4-1T1:2:3Z",
        "2024-03-29T07:00:00.Z",
        "2024-03-29T07:00:00.1234567Z",
        "2024-03-29T07:00:00,5Z",
        "2024-03-29T07:00:00 Z",
        "2024-03-29T07:00:00UTC",
        "2024-03-29T07:00:00  UTC",
        "2024-03-29T07:00:00 utc",
        "2024-03-29T07:00:00 GMT",
        "2024-03-29T07:00:00 +09:00",
        "2024-03-29T07:00:00+9",
        "2024-03-29T07:00:00+09:",
        "2024-03-29T07:00:00+090",
        "2024-03-29T07:00:00+9:00",
        "2024-03-29T07:00:00+09:00:00",
        "2024-03-29T07:00:00\u221209:00",
        "2024-03-29T07:00:00+24:00",
        "2024-03-29T07:00:00+2400",
        "2024-03-29T07:00:00+24",
        "2024-03-29T07:00:00+09:60",
        "2024-03-29T07:00:00+0960",
        "2024-03-29T24:00:00Z",
        "2024-03-29T07:60:00Z",
        "2024-03-29T23:59:60Z",
        "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00+01:00",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2024-01-00T00:00:00Z",
        " 2024-03-29T07:00:00Z",
        "2024-03-29T07:00:00Z ",
        "2024-03-29T07:00:00Z\n",
        "+2024-03-29T07:00:00Z",
        "12024-03-29T07:00:00Z",
        "٢٠٢٤-03-29T07:00:00Z",
        "infinity",
        "epoch",
        "1711695600",
    ],
)
def test_timestamp_that_is_none(text: str) -> None:
    assert read_text(TIMESTAMP, text) == UNPARSEABLE


def test_offsets_agree_with_python() -> None:
    """DuckDB's own cast to TIMESTAMP drops an offset without a word."""
    minutes = range(-23 * 60 - 59, 24 * 60, 37)
    texts, expected = [], []
    for offset in minutes:
        sign, (hour, minute) = "-" if offset < 0 else "+", divmod(abs(offset), 60)
        local = "2024-02-28T12:34:56.789012"
        moment = datetime.fromisoformat(f"{local}{sign}{hour:02}:{minute:02}")
        texts += [f"{local}{sign}{hour:02}:{minute:02}", f"{local}{sign}{hour:02}{minute:02}"]
        expected += [moment.astimezone(UTC).replace(tzinfo=None)] * 2
    assert read_texts(TIMESTAMP, texts) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-02-29", date(2024, 2, 29)),
        ("0001-01-01", date(1, 1, 1)),
        ("9999-12-31", date(9999, 12, 31)),
        ("0000-01-01", OUT_OF_RANGE),
        ("2023-02-29", UNPARSEABLE),
        ("2024-2-9", UNPARSEABLE),
        ("2024-02-29T00:00:00Z", UNPARSEABLE),
        ("20240229", UNPARSEABLE),
        ("2024/02/29", UNPARSEABLE),
        ("10000-01-01", UNPARSEABLE),
        ("", UNPARSEABLE),
    ],
)
def test_day(text: str, value: object) -> None:
    assert read_text(DAY, text) == value


def test_flag() -> None:
    good = ["true", "false", "True", "TRUE", "fAlSe", "FALSE"]
    bad = ["t", "1", "0", "yes", "", " true", "truе", "falſe"]  # a Cyrillic е, a long ſ
    expected = [True, False, True, True, False, False]
    assert read_texts(FLAG, good + bad) == expected + [UNPARSEABLE] * len(bad)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("007", 7),
        ("1000000000000000", 10**15),
        ("0" * 500 + "1000000000000000", 10**15),
        ("999999999999999", 10**15 - 1),
        ("1000000000000001", OUT_OF_RANGE),
        (str(2**63), OUT_OF_RANGE),
        (str(2**64 + 5), OUT_OF_RANGE),
        ("9" * 500, OUT_OF_RANGE),
        ("-1", OUT_OF_RANGE),
        ("80.0", 80),
        ("0.000", 0),
        ("1000000000000000.0", 10**15),
        ("0" * 500 + "7." + "0" * 500, 7),
        ("1000000000000001.0", OUT_OF_RANGE),
        ("9" * 500 + ".0", OUT_OF_RANGE),
        ("-1.0", OUT_OF_RANGE),
        ("", UNPARSEABLE),
        ("80.", UNPARSEABLE),
        (".0", UNPARSEABLE),
        ("80.0.0", UNPARSEABLE),
        ("80,0", UNPARSEABLE),
        ("80.01", UNPARSEABLE),
        ("80.0e0", UNPARSEABLE),
        ("80.٠", UNPARSEABLE),
        ("1e3", UNPARSEABLE),
        ("5.4", UNPARSEABLE),
        ("0x10", UNPARSEABLE),
        ("1_000", UNPARSEABLE),
        ("1,000", UNPARSEABLE),
        (" 5", UNPARSEABLE),
        ("5 ", UNPARSEABLE),
        ("+5", UNPARSEABLE),
        ("5\n", UNPARSEABLE),
        ("5\0", UNPARSEABLE),
        ("٣", UNPARSEABLE),
        ("５", UNPARSEABLE),
        ("null", UNPARSEABLE),
        ("true", UNPARSEABLE),
    ],
)
def test_count(text: str, value: object) -> None:
    assert read_text(COUNT, text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", Decimal(1)),
        ("0.0000000001", Decimal("0.0000000001")),
        ("1.5" + "0" * 60, Decimal("1.5")),  # more decimals, but not by value
        ("0" * 60 + "1.5", Decimal("1.5")),
        ("9" * 28 + ".9999999999", Decimal("9" * 28 + ".9999999999")),
        ("0", OUT_OF_RANGE),
        ("0.00", OUT_OF_RANGE),
        ("0.00000000001", OUT_OF_RANGE),
        ("1.00000000001", OUT_OF_RANGE),
        ("1" + "0" * 28, OUT_OF_RANGE),
        ("-1.5", OUT_OF_RANGE),
        ("", UNPARSEABLE),
        (".5", UNPARSEABLE),
        ("5.", UNPARSEABLE),
        ("1e3", UNPARSEABLE),
        ("1.5e0", UNPARSEABLE),
        ("+1", UNPARSEABLE),
        ("1,5", UNPARSEABLE),
        ("1_0", UNPARSEABLE),
        ("NaN", UNPARSEABLE),
        ("Infinity", UNPARSEABLE),
    ],
)
def test_rate(text: str, value: object) -> None:
    assert read_text(RATE, text) == value


@pytest.mark.parametrize(
    ("program", "text", "value"),
    [
        ("ours", "0", Decimal(0)),
        ("ours", "100.25", Decimal("100.25")),
        ("ours", "100.250", Decimal("100.25")),  # by value
        ("ours", "100.255", OUT_OF_RANGE),
        ("theirs", "100.255", Decimal("100.255")),  # who knows their currency
        ("theirs", "100.25555", Decimal("100.25555")),
        ("theirs", "0." + "1" * 30, Decimal("0." + "1" * 24)),  # nobody computes with it
        ("ours", "1000000000000", Decimal(10**12)),
        ("theirs", "1000000000000.000", Decimal(10**12)),
        ("ours", "1000000000000.01", OUT_OF_RANGE),
        ("theirs", "1000000000000.00001", OUT_OF_RANGE),
        ("ours", "-0.01", OUT_OF_RANGE),
        ("theirs", "-0.01", OUT_OF_RANGE),
        ("ours", "1" + "0" * 34, OUT_OF_RANGE),
        ("theirs", "1" + "0" * 34, OUT_OF_RANGE),
        ("theirs", "1.5.", UNPARSEABLE),
        ("theirs", "+1", UNPARSEABLE),
        ("ours", "1e3", UNPARSEABLE),
        ("ours", "", UNPARSEABLE),
    ],
)
def test_cap_has_no_more_decimals_than_the_currency(program: str, text: str, value: object) -> None:
    assert read_texts(CAP, [text], Beside(program=f"'{program}'")) == [value]


def test_cap_of_a_currency_without_decimals() -> None:
    cell = text_cell(CAP, "t", CellRules("ours", currency_decimals=0), Beside("'ours'"))
    relation = "(values (1, '100'), (2, '100.00'), (3, '100.5')) as t(row_no, t)"
    assert outcome(cell, relation) == [Decimal(100), Decimal(100), OUT_OF_RANGE]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", Decimal(0)),
        ("12.34", Decimal("12.34")),
        ("+12.34", Decimal("12.34")),
        ("-12.34", Decimal("-12.34")),
        ("-0", Decimal(0)),
        ("007.5", Decimal("7.5")),
        ("12.3400", Decimal("12.34")),  # by value
        ("12.345", OUT_OF_RANGE),
        ("-12.345", OUT_OF_RANGE),
        ("1000000000000", Decimal(10**12)),
        ("-1000000000000.00", Decimal(-(10**12))),
        ("1000000000000.01", OUT_OF_RANGE),
        ("-1000000000000.01", OUT_OF_RANGE),
        ("9" * 60, OUT_OF_RANGE),
        ("", UNPARSEABLE),
        ("+", UNPARSEABLE),
        ("+-1", UNPARSEABLE),
        ("--1", UNPARSEABLE),
        ("- 1", UNPARSEABLE),
        (".5", UNPARSEABLE),
        ("-.5", UNPARSEABLE),
        ("5.", UNPARSEABLE),
        ("1e3", UNPARSEABLE),
        ("1,000", UNPARSEABLE),
        ("1_0", UNPARSEABLE),
        (" 1", UNPARSEABLE),
        ("(12.34)", UNPARSEABLE),
        ("\u22125", UNPARSEABLE),  # a minus sign, but not that of ASCII
        ("NaN", UNPARSEABLE),
    ],
)
def test_amount(text: str, value: object) -> None:
    assert read_texts(AMOUNT, [text], Beside(currency="'USD'")) == [value]


@pytest.mark.parametrize(
    ("currency", "fits", "does_not"),
    [("JPY", "-5.00", "-5.1"), ("USD", "5.25", "5.251"), ("KWD", "+5.125", "+5.1251"), ("CLF", "5.1234", "5.12345")],
)  # fmt: skip
def test_amount_has_no_more_decimals_than_its_currency(
    currency: str, fits: str, does_not: str
) -> None:
    found = read_texts(AMOUNT, [fits, does_not], Beside(currency=f"'{currency}'"))
    assert found == [Decimal(fits), OUT_OF_RANGE]


def test_reason_has_500_characters_at_most() -> None:
    texts = ["x", "理" * 500, "=1+1", " ", "", "x" * 501, "a\nb", "a\0"]
    expected = [*texts[:4], OUT_OF_RANGE, OUT_OF_RANGE, UNPARSEABLE, UNPARSEABLE]
    assert read_texts(REASON, texts) == expected


# Each is refused where names are compared (§7): nothing is left, or scripts do not mix.
REFUSED_NAMES = [" ", "...", "\u200b", "\u2028", "\u0430da", "\u00ad" * 128]


def test_requested_by_is_a_name() -> None:
    good = ["ada", " Ada. ", "\u674e", "x" * 128, "\u0430\u0434\u0430"]
    bad = [*REFUSED_NAMES, "a\tb", "a\0b"]
    found = read_texts(REQUESTED_BY, [*good, *bad, "", "x" * 129])
    assert found == [*good, *[UNPARSEABLE] * len(bad), OUT_OF_RANGE, OUT_OF_RANGE]


def test_approved_by_that_is_refused_is_none_but_one_that_is_no_text_is_bad() -> None:
    texts = ["ada", *REFUSED_NAMES, None, "", "x" * 129, " " * 129, "a\tb"]
    expected = ["ada", *[None] * (len(REFUSED_NAMES) + 1), *[OUT_OF_RANGE] * 3, UNPARSEABLE]
    assert read_texts(APPROVED_BY, texts) == expected


# Types of Parquet


def read_parquet_column(
    column: Column, values: pa.Array, folder: Path, program: str = "ours"
) -> list[Any]:
    path = str(folder / "column.parquet")
    parquet.write_table(pa.table({"row_no": range(len(values)), "c": values}), path)
    relation = f"read_parquet('{path}')"
    described = shared_connection().execute(f"describe select c from {relation}").fetchall()
    beside = Beside(f"'{program}'", "'USD'")
    return outcome(parquet_cell(column, "c", described[0][1], RULES, beside), relation)


INTEGER_TYPES = [
    pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(),
]  # fmt: skip


@pytest.mark.parametrize("kind", INTEGER_TYPES, ids=str)
def test_count_in_an_integer_of_any_width(kind: pa.DataType, tmp_path: Path) -> None:
    assert read_parquet_column(COUNT, pa.array([0, 100, None], kind), tmp_path) == [0, 100, None]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([10**15, 10**15 + 1, -1]), [10**15, OUT_OF_RANGE, OUT_OF_RANGE]),
        (pa.array([2**64 - 1], pa.uint64()), [OUT_OF_RANGE]),
        (pa.array([3.0, -0.0, 1e15, None]), [3, 0, 10**15, None]),
        (pa.array([1e15 + 1, 1e300, -1.0]), [OUT_OF_RANGE] * 3),
        (pa.array([0.5, float("nan"), float("inf"), -float("inf")]), [UNPARSEABLE] * 4),
        (pa.array([16777216.0, 1.5], pa.float32()), [16777216, UNPARSEABLE]),
        (pa.array([np.float16(7)], pa.float16()), [7]),
        (pa.array([Decimal(5), Decimal(10**15), Decimal(10**15 + 1)], pa.decimal128(38, 0)),
         [5, 10**15, OUT_OF_RANGE]),
        (pa.array([Decimal("5.00"), Decimal("5.01")], pa.decimal128(10, 2)), [5, UNPARSEABLE]),
        (pa.array([Decimal("-5.00")], pa.decimal128(10, 2)), [OUT_OF_RANGE]),
        (pa.array([Decimal("0.00"), Decimal("0.50")], pa.decimal128(2, 2)), [0, UNPARSEABLE]),
        (pa.array(["7", "1.0", "1.", "", None]), [7, 1, UNPARSEABLE, UNPARSEABLE, None]),
        (pa.array([b"7", b"x"], pa.binary()), [7, UNPARSEABLE]),
        (pa.array(["7", "8", "7"]).dictionary_encode(), [7, 8, 7]),
        (pa.array([True, None]), [UNPARSEABLE, None]),
        (pa.array([[1], None]), [UNPARSEABLE, None]),
        (pa.array([{"a": 1}, None]), [UNPARSEABLE, None]),
        (pa.array([date(2024, 1, 1)]), [UNPARSEABLE]),
        (pa.nulls(2), [None, None]),
    ],
)  # fmt: skip
def test_count_in_any_type_that_holds_it_exactly(
    values: pa.Array, expected: list[object], tmp_path: Path
) -> None:
    assert read_parquet_column(COUNT, values, tmp_path) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array(["p1", "", None]), ["p1", OUT_OF_RANGE, None]),
        (pa.array(["p1"], pa.large_string()), ["p1"]),
        (pa.array(["p1", "p1"]).dictionary_encode(), ["p1", "p1"]),
        (pa.array(["é".encode(), b"\xff", None], pa.binary()), ["é", "NOT_UTF8", None]),
        (pa.array([b"ab"], pa.binary(2)), ["ab"]),
        (pa.array([1, 0, -7, 2**63 - 1, None]), ["1", "0", "-7", "9223372036854775807", None]),
        (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (pa.array([7], pa.int8()), ["7"]),
        # Snowflake's whole numbers are NUMBER(38,0)
        (pa.array([Decimal(5), Decimal(10**37), None], pa.decimal128(38, 0)), ["5", "1" + "0" * 37, None]),
        (pa.array([Decimal("5.0")], pa.decimal128(10, 1)), [UNPARSEABLE]),
        (pa.array([5.0, 1.5]), [UNPARSEABLE] * 2),  # 1e22 and 1e22 + 1 are one double
        (pa.array([True]), [UNPARSEABLE]),
        (pa.array([UUID("0123ABCD-4567-89EF-0123-456789ABCDEF").bytes, None], pa.uuid()),
         ["0123abcd-4567-89ef-0123-456789abcdef", None]),
        (pa.array([UUID(int=0).bytes, UUID(int=2**128 - 1).bytes], pa.uuid()),
         ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]),
        (pa.array([date(2024, 1, 1)]), [UNPARSEABLE]),
        (pa.nulls(1), [None]),
    ],
)  # fmt: skip
def test_identifier_in_parquet_is_text_a_whole_number_or_a_uuid(
    values: pa.Array, expected: list[object], tmp_path: Path
) -> None:
    assert read_parquet_column(IDENTIFIER, values, tmp_path) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([-5, 0, 10**12, 10**12 + 1]), [-5, 0, 10**12, OUT_OF_RANGE]),
        (pa.array([Decimal("-0.50"), Decimal("0.05")], pa.decimal128(2, 2)),
         [Decimal("-0.5"), Decimal("0.05")]),
        (pa.array([Decimal("-12.3400"), Decimal("12.3401")], pa.decimal128(38, 4)),
         [Decimal("-12.34"), OUT_OF_RANGE]),
        (pa.array([-12.25, 0.5, -0.0, -1e12]), [Decimal("-12.25"), Decimal("0.5"), 0, -(10**12)]),
        (pa.array([-12.34, 12.34, -1e13, 1e300]), [OUT_OF_RANGE] * 4),
        (pa.array([float("nan"), float("inf"), -float("inf")]), [UNPARSEABLE] * 3),
        (pa.array(["-1.50", "+1", "1e3", None]), [Decimal("-1.5"), 1, UNPARSEABLE, None]),
        (pa.array([True]), [UNPARSEABLE]),
    ],
)  # fmt: skip
def test_amount_in_any_type_that_holds_it_exactly(
    values: pa.Array, expected: list[object], tmp_path: Path
) -> None:
    assert read_parquet_column(AMOUNT, values, tmp_path) == expected


def test_approved_by_in_parquet(tmp_path: Path) -> None:
    values = pa.array(["ada", "...", "", None])
    assert read_parquet_column(APPROVED_BY, values, tmp_path) == ["ada", None, OUT_OF_RANGE, None]
    values = pa.array([b"ada", b"\xff", b"..."], pa.binary())
    assert read_parquet_column(APPROVED_BY, values, tmp_path) == ["ada", "NOT_UTF8", None]


def test_flag_in_parquet_is_a_boolean(tmp_path: Path) -> None:
    booleans = pa.array([True, False, None])
    assert read_parquet_column(FLAG, booleans, tmp_path) == [True, False, None]
    assert read_parquet_column(FLAG, pa.array(["true", None]), tmp_path) == [UNPARSEABLE, None]
    assert read_parquet_column(FLAG, pa.array([1, 0]), tmp_path) == [UNPARSEABLE] * 2


MOMENT = datetime(2024, 3, 29, 7)
UNITS_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@pytest.mark.parametrize("zone", [None, "UTC", "America/Los_Angeles"])
@pytest.mark.parametrize("unit", UNITS_PER_SECOND)
def test_timestamp_of_any_unit_and_zone(unit: str, zone: str | None, tmp_path: Path) -> None:
    """Without a zone it is UTC; a zone only says how it is shown."""
    seconds = int(MOMENT.replace(tzinfo=UTC).timestamp())
    values = np.array([seconds * UNITS_PER_SECOND[unit]], dtype=f"datetime64[{unit}]")
    array = pa.array(values).cast(pa.timestamp(unit)).cast("int64").cast(pa.timestamp(unit, zone))
    assert read_parquet_column(TIMESTAMP, array, tmp_path) == [MOMENT]


@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize(
    ("unit", "ticks", "expected"),
    [
        ("us", 1, datetime(1970, 1, 1) + timedelta(microseconds=1)),
        ("us", -1, datetime(1970, 1, 1) - timedelta(microseconds=1)),
        ("us", 253_402_300_799_999_999, datetime.max),
        ("us", 253_402_300_800_000_000, OUT_OF_RANGE),
        ("us", -62_135_596_800_000_000, datetime.min),
        ("us", -62_135_596_800_000_001, OUT_OF_RANGE),
        # DuckDB takes the two ends for infinity, and cannot even show others of these
        ("us", 2**63 - 1, OUT_OF_RANGE),
        ("us", -(2**63) + 1, OUT_OF_RANGE),
        ("us", -(2**63), OUT_OF_RANGE),
        ("us", 9 * 10**18, OUT_OF_RANGE),
        ("ns", 1_000, datetime(1970, 1, 1) + timedelta(microseconds=1)),
        ("ns", -1_000, datetime(1970, 1, 1) - timedelta(microseconds=1)),
        ("ns", 1, UNPARSEABLE),  # finer than a microsecond
        ("ns", -999, UNPARSEABLE),
        ("ns", 2**63 - 1, OUT_OF_RANGE),
    ],
)
def test_timestamp_at_the_ends_of_its_range(
    unit: str, zone: str | None, ticks: int, expected: object, tmp_path: Path
) -> None:
    array = pa.array([ticks], pa.int64()).cast(pa.timestamp(unit, zone))
    assert read_parquet_column(TIMESTAMP, array, tmp_path) == [expected]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array(["2024-03-29T00:00:00-07:00", "2024-03-29 07:00:00 UTC", "2024-03-29"]),
         [MOMENT, MOMENT, UNPARSEABLE]),
        (pa.array([date(2024, 3, 29), None]), [UNPARSEABLE, None]),  # a day is no instant
        (pa.array([1711695600]), [UNPARSEABLE]),
    ],
)  # fmt: skip
def test_timestamp_in_other_types(values: pa.Array, expected: list[object], tmp_path: Path) -> None:
    assert read_parquet_column(TIMESTAMP, values, tmp_path) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([date(2024, 2, 29), None]), [date(2024, 2, 29), None]),
        (pa.array([date(2024, 2, 29)], pa.date64()), [date(2024, 2, 29)]),
        (pa.array([2**31 - 1, -(2**31), 2**30], pa.int32()).cast(pa.date32()), [OUT_OF_RANGE] * 3),
        (pa.array(["2024-02-29", "2024-02-30"]), [date(2024, 2, 29), UNPARSEABLE]),
        (pa.array([datetime(2024, 2, 29)], pa.timestamp("us")), [date(2024, 2, 29)]),
        (pa.array([datetime(2024, 2, 29)], pa.timestamp("ns", "UTC")), [date(2024, 2, 29)]),
        (pa.array([datetime(2024, 2, 29, 1)], pa.timestamp("us")), [UNPARSEABLE]),
        (pa.array([1], pa.int64()).cast(pa.timestamp("ns")), [UNPARSEABLE]),
        (pa.array([2**63 - 1], pa.int64()).cast(pa.timestamp("us")), [OUT_OF_RANGE]),
        (pa.array([20240229]), [UNPARSEABLE]),
    ],
)
def test_day_in_parquet(values: pa.Array, expected: list[object], tmp_path: Path) -> None:
    assert read_parquet_column(DAY, values, tmp_path) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([150, 0, -1]), [Decimal(150), OUT_OF_RANGE, OUT_OF_RANGE]),
        (pa.array([Decimal("1.0842")], pa.decimal128(20, 12)), [Decimal("1.0842")]),
        (pa.array([Decimal("0.000000000001")], pa.decimal128(20, 12)), [OUT_OF_RANGE]),
        (pa.array([Decimal("0.5")], pa.decimal128(5, 5)), [Decimal("0.5")]),
        (pa.array([0.5, 175.75, 2.0**-10]), [Decimal("0.5"), Decimal("175.75"),
                                             Decimal("0.0009765625")]),
        (pa.array([2.0**60, 2.0**60 + 256]), [Decimal(2**60), Decimal(2**60 + 256)]),
        # no double is 1.0842: this one is 1.08419999…, with some 50 decimals
        (pa.array([1.0842, 2.0**-11]), [OUT_OF_RANGE] * 2),
        (pa.array([2e28, 1e300, -1.5, 0.0]), [OUT_OF_RANGE] * 4),
        (pa.array([float("nan"), float("inf")]), [UNPARSEABLE] * 2),
        (pa.array([0.25], pa.float32()), [Decimal("0.25")]),
        (pa.array(["1.0842", "1e3"]), [Decimal("1.0842"), UNPARSEABLE]),
        (pa.array([True]), [UNPARSEABLE]),
    ],
)  # fmt: skip
def test_rate_in_parquet(values: pa.Array, expected: list[object], tmp_path: Path) -> None:
    assert read_parquet_column(RATE, values, tmp_path) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([100, 0, None]), [Decimal(100), Decimal(0), None]),
        (pa.array([100.25, 0.125, 0.0]), [Decimal("100.25"), OUT_OF_RANGE, Decimal(0)]),
        (pa.array([Decimal("9.990"), Decimal("9.999")]), [Decimal("9.99"), OUT_OF_RANGE]),
        (pa.array([2.0**39, 1e12, 1e12 + 1, 2.0**100, 1e38]),
         [Decimal(2**39), Decimal(10**12), *[OUT_OF_RANGE] * 3]),
        # no double is 99.99
        (pa.array([99.99, 0.1, float("nan")]), [OUT_OF_RANGE, OUT_OF_RANGE, UNPARSEABLE]),
    ],
)  # fmt: skip
def test_cap_in_parquet(values: pa.Array, expected: list[object], tmp_path: Path) -> None:
    assert read_parquet_column(CAP, values, tmp_path) == expected


def test_a_double_is_a_cap_of_another_program_whatever_its_decimals(tmp_path: Path) -> None:
    values = pa.array([99.5, 99.99, 1e12, 1e12 + 1, -0.5, float("inf")])
    found = read_parquet_column(CAP, values, tmp_path, "theirs")
    assert found[0] == Decimal("99.5")
    assert abs(found[1] - Decimal("99.99")) < Decimal("1e-12")
    assert found[2:] == [Decimal(10**12), OUT_OF_RANGE, OUT_OF_RANGE, UNPARSEABLE]


def test_doubles_become_the_decimal_they_are(tmp_path: Path) -> None:
    """Against Python, whose Decimal(float) is exact."""
    numbers = [k * 2.0**-e for k in (1, 3, 12345, 2**52 - 1) for e in range(14)]
    expected = [
        Decimal(number) if -Decimal(number).as_tuple().exponent <= 10 else OUT_OF_RANGE  # type: ignore[operator]
        for number in numbers
    ]
    assert read_parquet_column(RATE, pa.array(numbers), tmp_path) == expected


def test_all_kinds_are_tested_here() -> None:
    columns = (
        *(IDENTIFIER, ACCOUNT_TYPE, CURRENCY, TIMESTAMP, DAY, FLAG, COUNT, RATE, CAP),
        *(AMOUNT, REASON, REQUESTED_BY),
    )
    assert {column.kind for column in columns} == set(Kind)
