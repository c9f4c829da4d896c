"""JSONL: one object a line; numbers may be given as text, flags are booleans (contract §2)."""

import io
import json
import sys
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.ingest import jsonl_reader
from orchestration.ingest.datasets import BY_NAME
from orchestration.ingest.jsonl_reader import JsonlReader
from orchestration.ingest.quarantine import FileFault, FileReason
from orchestration.ingest.text_files import UNUSABLE_TEXT

NAMES = BY_NAME["fx_rates"].column_names


def read(data: bytes, dataset: str = "fx_rates") -> list[tuple[int, Any]]:
    """Line and values (by name, without nulls) or reason of every row, by line."""
    rows: list[tuple[int, Any]] = []
    for batch in JsonlReader(BY_NAME[dataset], io.BytesIO(data)).batches():
        columns = {name: values.to_pylist() for name, values in batch.columns.items()}
        for index, row_no in enumerate(batch.row_nos.to_pylist()):
            values = {name: values[index] for name, values in columns.items()}
            rows.append((row_no, {n: v for n, v in values.items() if v is not None}))
        rows += [(bad.row_no, str(bad.reason)) for bad in batch.bad_rows]
    return sorted(rows, key=lambda row: row[0])


def read_value(name: str, token: str, dataset: str) -> Any:
    ((_, row),) = read(f'{{"{name}": {token}}}'.encode(), dataset)
    return row.get(name)


def test_values_go_by_name() -> None:
    line = b'{"rate": 1.50, "quote_currency": "JPY", "rate_date": "2024-01-01"}'
    assert read(line) == [(1, {"rate": "1.50", "quote_currency": "JPY", "rate_date": "2024-01-01"})]


def test_unknown_names_are_ignored_and_reported() -> None:
    reader = JsonlReader(
        BY_NAME["fx_rates"], io.BytesIO(b'{"rates": 1, "x": {"y": [1]}}\n{"x": 2}')
    )
    assert sum(len(batch.row_nos) for batch in reader.batches()) == 2
    assert reader.unknown_names == ("rates", "x")


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ("7", "7"),
        ('"7"', "7"),
        ('"007"', "007"),
        ("1.0", "1.0"),  # as written: the cell says that it is no count
        ("1e3", "1e3"),
        ("-0", "-0"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("9" * 5000, "9" * 5000),  # Python would not make an int of it
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("null", None),
        ('""', ""),  # an empty text is not null
        ("true", UNUSABLE_TEXT),
        ("[7]", UNUSABLE_TEXT),
        ('{"a": 7}', UNUSABLE_TEXT),
    ],
)
def test_numbers(token: str, text: str | None) -> None:
    assert read_value("views", token, "post_metrics") == text


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ('"p1"', "p1"),
        ('"null"', "null"),
        ('" "', " "),
        ('""', ""),
        ('"\\u00e9\\ud83c\\udfac\\u0000"', "é🎬\0"),
        ('"é🎬"', "é🎬"),
        ("null", None),
        ("5", UNUSABLE_TEXT),  # a JSON number is not an id
        ("true", UNUSABLE_TEXT),
        ('["p1"]', UNUSABLE_TEXT),
    ],
)
def test_texts(token: str, text: str | None) -> None:
    assert read_value("post_id", token, "posts") == text


@pytest.mark.parametrize(("name", "dataset"), [
    ("account_type", "creators"), ("payout_currency", "payees"), ("updated_at", "posts"),
    ("observed_on", "audience"), ("program", "deals"),
])  # fmt: skip
def test_a_number_is_none_of_these(name: str, dataset: str) -> None:
    assert read_value(name, "20240101", dataset) == UNUSABLE_TEXT


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ("true", "true"),
        ("false", "false"),
        ("null", None),
        ('"true"', UNUSABLE_TEXT),
        ("1", UNUSABLE_TEXT),
        ('""', UNUSABLE_TEXT),
    ],
)
def test_flags_are_booleans(token: str, text: str | None) -> None:
    assert read_value("is_original", token, "posts") == text


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"x",
        b'{"rate": 1} {"rate": 2}',
        b'{"rate": 1},',
        b"{'rate': 1}",
        b'{"rate": 1,}',
        b'{"rate": 01}',
        b'{"rate": +1}',
        b'{"rate": .5}',
        b'{"rate": 1.}',
        b'{"rate": NaN}',
        b'{"rate": Infinity}',
        b'{"x": -Infinity}',
        b'{"rate": "a\tb"}',  # a control character must be escaped
        b'{"rate": "\\x41"}',
        b'{"rate": 1, "rate": 1}',
        b'{"rate": 1, "r\\u0061te": 1}',
        b"[1]",
        b'"text"',
        b"5",
        b"null",
        b"true",
        b"[" * 100_000,
        b'{"x":' * 100_000,
        b"\xef\xbb\xbf{}",  # only a file begins with a BOM
        b"\xc2\xa0",  # no JSON white space
    ],
    ids=lambda line: repr(line[:30]),
)
def test_a_bad_line_costs_only_itself(line: bytes) -> None:
    body = b'{"rate": "a"}\n' + line + b'\n{"rate": "b"}'
    assert read(body) == [(1, {"rate": "a"}), (2, "UNPARSEABLE"), (3, {"rate": "b"})]


def test_deep_nesting_does_not_change_what_python_can_nest() -> None:
    limit = sys.getrecursionlimit()
    read(b"[" * 100_000)
    assert sys.getrecursionlimit() == limit


def test_names_that_are_ignored_may_repeat() -> None:
    assert read(b'{"x": 1, "x": 2, "rate": {"y": 1, "y": 2}}') == [(1, {"rate": UNUSABLE_TEXT})]
    assert read(b'{"x": {"rate": 1, "rate": 2}, "x": 2, "rate": 3}') == [(1, {"rate": "3"})]


@pytest.mark.parametrize(
    "line",
    [
        b'{"rate": "\xff"}',
        b'{"x": "\xff"}',  # the line is not UTF-8, wherever that is
        b'{"rate": "\xed\xa0\x80"}',
        b'{"rate": "\\ud800"}',
        b'{"rate": "\\udc80x"}',
    ],
)
def test_what_is_not_utf8(line: bytes) -> None:
    assert read(b"{}\n" + line + b"\n{}") == [(1, {}), (2, "NOT_UTF8"), (3, {})]


def test_half_a_surrogate_pair_is_the_fault_of_its_column() -> None:
    line = b'{"rate": "\\ud800", "rate_date": "\\udfff", "base_currency": "\\u0041"}'
    (batch,) = JsonlReader(BY_NAME["fx_rates"], io.BytesIO(line)).batches()
    (bad,) = batch.bad_rows
    assert (bad.column_name, bad.reason) == ("rate_date|rate", "NOT_UTF8|NOT_UTF8")
    assert bad.raw_text == line.decode()


def test_half_a_surrogate_pair_in_what_is_ignored() -> None:
    assert read(b'{"x": "\\ud800", "\\udfff": 1, "rate": 2}') == [(1, {"rate": "2"})]


def test_lines_are_numbered_as_they_stand() -> None:
    body = b'\xef\xbb\xbf\n{"rate": 1}\r\n \t\r\n\n{"rate": 2}\r\n\rx\n{"rate":\r3}'
    assert read(body) == [
        (2, {"rate": "1"}),
        (5, {"rate": "2"}),
        (6, "UNPARSEABLE"),
        (7, {"rate": "3"}),
    ]


def test_line_separators_of_unicode_end_no_line() -> None:
    assert read('{"rate": "\u2028\u0085\u2029"}'.encode()) == [(1, {"rate": "\u2028\u0085\u2029"})]


@pytest.mark.parametrize("data", [b"", b"\n", b"\xef\xbb\xbf", b"  \n\t"])
def test_a_file_without_rows(data: bytes) -> None:
    assert read(data) == []


def test_the_raw_text_is_the_line() -> None:
    (batch,) = JsonlReader(BY_NAME["fx_rates"], io.BytesIO(b'\n{"rate": 1}\r\n')).batches()
    assert batch.raw_of(2) == (b'{"rate": 1}', 1)


def test_names_without_end_are_not_all_kept() -> None:
    lines = b"\n".join(b'{"x%d": 1}' % number for number in range(5000))
    reader = JsonlReader(BY_NAME["fx_rates"], io.BytesIO(lines))
    assert sum(len(batch.row_nos) for batch in reader.batches()) == 5000
    assert 1000 <= len(reader.unknown_names) < 1100


# Misspelt columns

RATES = b'{"rate_date": "x"}\n'


@pytest.mark.parametrize("value", [b"1", b"null", b"{}"])
@pytest.mark.parametrize("name", [b"Rate", b"rate ", b"_rate", b"ra-te"])
def test_a_name_that_no_row_has_and_any_nearly_has_is_misspelt(name: bytes, value: bytes) -> None:
    with pytest.raises(FileFault) as caught:
        read(RATES * 3 + b'{"%s": %s}\n' % (name, value) + RATES)
    assert caught.value.reason is FileReason.MISSPELT_COLUMN
    assert caught.value.detail == f'found "{name.decode()}", expected "rate"'


@pytest.mark.parametrize("before", [True, False])
def test_a_name_that_any_row_has_is_not_misspelt_in_others(before: bool) -> None:
    """The row may lie in another block, and its value be null."""
    near, right = b'{"Rate": 1}\n', b'{"rate": null}\n'
    filling = RATES * (2 * jsonl_reader._BLOCK_BYTES // len(RATES))
    lines = near + filling + right if before else right + filling + near
    assert len(read(lines)) == lines.count(b"\n")


def test_a_misspelt_name_is_found_behind_names_without_end() -> None:
    lines = b"\n".join(b'{"x%d": 1}' % number for number in range(5000))
    with pytest.raises(FileFault, match="MISSPELT_COLUMN"):
        read(lines + b'\n{"x": 1, "RATE": 2}')


JSON_VALUES = st.one_of(st.none(), st.text(max_size=5), st.integers(), st.booleans())


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), JSON_VALUES)), st.booleans())
def test_blocks_do_not_matter(rows: list[dict[str, Any]], as_ascii: bool) -> None:
    data = "\n".join(json.dumps(row, ensure_ascii=as_ascii) for row in rows).encode()
    expected = []
    for row_no, row in enumerate(rows, start=1):
        texts = {name: _text(name, value) for name, value in row.items() if value is not None}
        expected.append((row_no, texts))
    with patch.object(jsonl_reader, "_BLOCK_BYTES", 7):
        assert read(data) == expected


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number and name == "rate" else UNUSABLE_TEXT
