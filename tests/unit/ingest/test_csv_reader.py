"""CSV is RFC 4180 with commas; blank lines are skipped, nothing is trimmed (contract §2)."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestration.ingest import csv_reader
from orchestration.ingest.csv_reader import CsvReader
from orchestration.ingest.datasets import DATASETS
from orchestration.ingest.limits import LONGEST_RECORD_BYTES
from orchestration.ingest.quarantine import FileFault, FileReason
from orchestration.ingest.text_files import BLOCK_BYTES

FX_RATES = next(dataset for dataset in DATASETS if dataset.name == "fx_rates")
COLUMNS = FX_RATES.column_names
HEADER = b"rate_date,base_currency,quote_currency,rate\n"
Row = tuple[int, int, tuple[str | None, ...] | str]  # line, lines spanned, fields or reason


def read(data: bytes) -> list[Row]:
    """All rows of a file, good and bad, in the order of their lines."""
    rows: list[Row] = []
    for batch in CsvReader(FX_RATES, io.BytesIO(data)).batches():
        columns = [batch.columns[name].to_pylist() for name in COLUMNS]
        fields = list(zip(*columns, strict=True)) or [() for _ in batch.row_nos]
        for row_no, values in zip(batch.row_nos.to_pylist(), fields, strict=True):
            _, line_count = batch.raw_of(row_no)
            rows.append((row_no, line_count, values))
        rows += [(bad.row_no, bad.line_count, str(bad.reason)) for bad in batch.bad_rows]
    return sorted(rows)


def read_rows(body: bytes) -> list[Row]:
    return read(HEADER + body)


def fault_of(data: bytes) -> FileFault:
    with pytest.raises(FileFault) as caught:
        read(data)
    return caught.value


@contextmanager
def only_record_by_record() -> Iterator[None]:
    with patch.object(csv_reader, "_is_plain", lambda lines: False):
        yield


# The header


def test_columns_go_by_name_in_any_order() -> None:
    data = b"rate,quote_currency,base_currency,rate_date\n1.5,JPY,USD,2024-01-01\n"
    assert read(data) == [(2, 1, ("2024-01-01", "USD", "JPY", "1.5"))]


def test_unknown_columns_are_ignored_and_reported_once_each() -> None:
    """Where a column is there, others of nearly its name are others."""
    data = b"x,rate,x,rate_date,,quote_currency,Rate,base_currency\n1,2,3,4,5,6,7,8\n"
    reader = CsvReader(FX_RATES, io.BytesIO(data))
    assert reader.unknown_names == ("x", "", "Rate")
    assert read(data) == [(2, 1, ("4", "8", "6", "2"))]


@pytest.mark.parametrize("name", ["rates", "ratе", "r.ate", "ra/te", "", "rate2"])
def test_another_name_is_another_column(name: str) -> None:
    fault = fault_of(HEADER.replace(b"rate\n", name.encode() + b"\n"))
    hint = f'; is "{name}" meant to be rate?' if name else ""
    assert (fault.reason, fault.detail) == (FileReason.MISSING_COLUMN, f"rate{hint}")


@pytest.mark.parametrize("name", ["Rate", "RATE", " rate", "rate ", "\trate", "ra te", "-ra_te_"])
def test_a_column_that_is_missing_and_nearly_there_is_misspelt(name: str) -> None:
    fault = fault_of(HEADER.replace(b"rate\n", name.encode() + b"\n"))
    shown = name.replace("\t", "\\u0009")
    assert fault.reason is FileReason.MISSPELT_COLUMN
    assert fault.detail == f'found "{shown}", expected "rate"'


def test_all_misspelt_columns_are_named() -> None:
    fault = fault_of(b"Rate Date,base-currency,BaseCurrency,rate\n")
    assert fault.reason is FileReason.MISSPELT_COLUMN
    assert fault.detail == (
        'found "Rate Date", expected "rate_date"; found "base-currency", expected "base_currency"'
    )


def test_more_columns_than_any_file_has() -> None:
    fault = fault_of(HEADER.replace(b"\n", b",x" * 10_000))
    assert (fault.reason, fault.detail) == (FileReason.UNREADABLE, "10,004 columns, over 10,000")


def test_all_missing_columns_are_named() -> None:
    fault = fault_of(b"rate,base_currency\n")
    assert (fault.reason, fault.detail) == (FileReason.MISSING_COLUMN, "rate_date, quote_currency")


def test_a_known_column_twice_is_a_fault() -> None:
    fault = fault_of(b"rate,rate_date,base_currency,quote_currency,rate\n")
    assert (fault.reason, fault.detail) == (FileReason.DUPLICATE_COLUMN, "rate")


@pytest.mark.parametrize("data", [b"", b"\n\r\n\n", b"\xef\xbb\xbf"])
def test_without_a_header_all_columns_are_missing(data: bytes) -> None:
    assert fault_of(data).reason is FileReason.MISSING_COLUMN


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" + HEADER,
        b'"rate"x' + HEADER,
        b'"rate_date' + HEADER,
        HEADER.decode().encode("utf-16"),
    ],
)
def test_a_header_that_is_no_csv_makes_the_file_unreadable(data: bytes) -> None:
    assert fault_of(data).reason is FileReason.UNREADABLE


@pytest.mark.parametrize(
    "header",
    [
        b"\xef\xbb\xbf" + HEADER,
        HEADER.replace(b"\n", b"\r\n"),
        b'"rate_date","base_currency","quote_currency","rate"\n',
        b'\xef\xbb\xbf"rate_date",base_currency,quote_currency,rate\n',
    ],
)
def test_headers_that_say_the_same(header: bytes) -> None:
    assert read(header + b"1,2,3,4\n") == [(2, 1, ("1", "2", "3", "4"))]


def test_a_header_may_stand_after_blank_lines_and_span_several() -> None:
    data = b'\n"new\nline",' + HEADER + b"0,1,2,3,4\n"
    assert read(data) == [(4, 1, ("1", "2", "3", "4"))]


def test_a_header_alone_is_a_file_without_rows() -> None:
    assert read(HEADER) == read(HEADER.rstrip()) == []


# Rows


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"1,2,3,4\n", ("1", "2", "3", "4")),
        (b"1,2,3,4", ("1", "2", "3", "4")),
        (b"1,2,3,4\r\n", ("1", "2", "3", "4")),
        (b",,,\n", (None, None, None, None)),
        (b'1,"","",4\n', ("1", None, None, "4")),  # empty, quoted or not, is null
        (b'"1","2","3","4"\n', ("1", "2", "3", "4")),
        (b'"a,b","c ""d""",""""," "\n', ("a,b", 'c "d"', '"', " ")),
        (b" 1,2 ,\t3,4\n", (" 1", "2 ", "\t3", "4")),
        (b"null,NaN,NA,#N/A\n", ("null", "NaN", "NA", "#N/A")),
        (b"-a,=1+1,007,'x'\n", ("-a", "=1+1", "007", "'x'")),
        (b"\xef\xbb\xbf1,2,3,4\n", ("\ufeff1", "2", "3", "4")),  # only a file begins with a BOM
        (b"1\x00,2,3,4\n", ("1\0", "2", "3", "4")),  # what it means is for the cell to say
        ("é,🎬,\u2028,\x85\n".encode(), ("é", "🎬", "\u2028", "\x85")),  # no line ends here
        (b"\\,\\n,;,|\n", ("\\", "\\n", ";", "|")),
    ],
)
def test_one_row_in_both_ways_of_reading(body: bytes, fields: tuple[str | None, ...]) -> None:
    assert read_rows(body) == [(2, 1, fields)]
    with only_record_by_record():
        assert read_rows(body) == [(2, 1, fields)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1,2,3", "RAGGED"),
        (b"1,2,3,4,5", "RAGGED"),
        (b"1,2,3,4,", "RAGGED"),
        (b" ", "RAGGED"),  # a blank line has nothing in it
        (b"1,2,3,\xff", "NOT_UTF8"),
        (b"1,2,3,\xed\xa0\x80", "NOT_UTF8"),  # half a surrogate pair
        (b"1,2,3,\xc0\xaf", "NOT_UTF8"),  # more bytes than it needs
        (b'1,2,3,4"', "UNPARSEABLE"),
        (b'1,2,3,a"b"', "UNPARSEABLE"),
        (b'1,2,3,"a"b', "UNPARSEABLE"),
        (b'1,2,3, "a"', "UNPARSEABLE"),
        (b'1,2,"a"b",4', "UNPARSEABLE"),
        (b"1,2\r,3,4", "UNPARSEABLE"),
        (b"1,2,3,4\r\r", "UNPARSEABLE"),
        (b"\r\r", "UNPARSEABLE"),
        (b'"1"\r,2,3,4', "UNPARSEABLE"),
    ],
)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_bad_row_costs_only_itself(line: bytes, reason: str, line_end: bytes) -> None:
    body = line_end.join([b"a,b,c,d", line, b"e,f,g,h", b""])
    good = ("a", "b", "c", "d"), ("e", "f", "g", "h")
    assert read_rows(body) == [(2, 1, good[0]), (3, 1, reason), (4, 1, good[1])]


def test_a_lone_cr_inside_quotes_is_text() -> None:
    assert read_rows(b'1,2,3,"a\rb"\n') == [(2, 1, ("1", "2", "3", "a\rb"))]


def test_rows_are_numbered_by_the_line_they_begin_on() -> None:
    body = b'\n1,2,3,"a\r\n\nb"\n\r\n\n5,6,7,8\n"x\n",,"\n",\nlast,,,'
    assert read_rows(body) == [
        (3, 3, ("1", "2", "3", "a\r\n\nb")),
        (8, 1, ("5", "6", "7", "8")),
        (9, 3, ("x\n", None, "\n", None)),
        (12, 1, ("last", None, None, None)),
    ]


def test_a_stray_quote_costs_the_lines_up_to_the_next_quote() -> None:
    body = b'1,2,3,4\n"5,6,7,8\n9,9,9,9\n1,2,3,"x"\n1,2,3,4\n'
    good = ("1", "2", "3", "4")
    assert read_rows(body) == [(2, 1, good), (3, 3, "UNPARSEABLE"), (6, 1, good)]


def test_a_quote_that_never_ends_makes_the_file_unreadable() -> None:
    """As one bad row it would swallow all that follows."""
    fault = fault_of(HEADER + b'1,2,3,4\n1,2,"x\ny",5\n"open,6,7,8\n' + b"9,9,9,9\n" * 1000)
    assert fault.reason is FileReason.UNREADABLE
    assert fault.detail == "the quote opened on line 5 never ends"


def test_a_quote_opened_late_in_a_record_is_the_one_named() -> None:
    fault = fault_of(HEADER + b'1,2,"x\ny","z\n')
    assert fault.detail == "the quote opened on line 3 never ends"


def test_bad_rows_in_large_files_do_not_touch_the_others() -> None:
    """More than a block of lines, so that rows are read in all ways there are."""
    count = 400_000
    lines = [b"%d,USD,JPY,%d" % (number, number) for number in range(count)]
    odd = {
        100: b"ragged",
        250_000: b'1,2,3,"two\nlines"',
        250_001: b'"1",2,3,"4"',
        399_999: b"\xff,,,",
    }
    for number, line in odd.items():
        lines[number] = line
    rows = read_rows(b"\n".join(lines))
    shift = 2  # the header, and counting from 1
    expected: list[Row] = []
    for number in range(count):
        row_no = number + shift + (number > 250_000)
        expected.append((row_no, 1, (str(number), "USD", "JPY", str(number))))
    expected[100] = (102, 1, "RAGGED")
    expected[250_000] = (250_002, 2, ("1", "2", "3", "two\nlines"))
    expected[250_001] = (250_004, 1, ("1", "2", "3", "4"))
    expected[399_999] = (400_002, 1, "NOT_UTF8")
    assert rows == expected


def test_a_line_of_fifty_megabytes_is_a_row() -> None:
    long = b"x" * (50 << 20)
    ((row_no, _, fields),) = read_rows(b"1,2,3," + long)
    assert (row_no, fields) == (2, ("1", "2", "3", long.decode()))


@pytest.mark.parametrize("body", [b"x" * (LONGEST_RECORD_BYTES + 1), b'"' + b"x\n" * (40 << 20)])
def test_a_record_too_long_for_memory_makes_the_file_unreadable(body: bytes) -> None:
    fault = fault_of(HEADER + b"1,2,3,4\n" + body)
    assert fault.reason is FileReason.UNREADABLE
    assert fault.detail == "the record that begins on line 3 exceeds 64 MiB"


# Against the grammar, written down a second time, character by character


def rows_by_grammar(body: bytes) -> list[Row] | None:
    """What RFC 4180 makes of the lines after the header; None if a quote never ends."""
    lines = body.splitlines(keepends=True) if b"\r" not in body else body.split(b"\n")
    if b"\r" in body:
        lines = [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    rows: list[Row] = []
    number = 0
    while number < len(lines):
        first, raw, fields, state, is_broken = number, b"", [b""], "start", False
        while True:
            line = lines[number]
            number += 1
            content = line[:-1] if line.endswith(b"\n") else line
            if line.endswith(b"\r\n"):
                content = line[:-2]
            for byte in content:
                character = bytes([byte])
                if state == "quoted":
                    if character == b'"':
                        state = "closed"
                    else:
                        fields[-1] += character
                elif character == b",":
                    fields.append(b"")
                    state = "start"
                elif state == "closed":
                    if character != b'"':
                        is_broken = True
                        break
                    fields[-1] += b'"'
                    state = "quoted"
                elif character == b'"' and state == "start":
                    state = "quoted"
                elif character in b'"\r':
                    is_broken = True
                    break
                else:
                    fields[-1] += character
                    state = "plain"
            if is_broken or state != "quoted":
                raw += content
                break
            raw += line
            fields[-1] += line[len(content) :]
            if number == len(lines):
                return None
        if raw:
            rows.append((first + 2, number - first, _judged(raw, fields, is_broken)))
    return rows


def _judged(raw: bytes, fields: list[bytes], is_broken: bool) -> tuple[str | None, ...] | str:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "NOT_UTF8"
    if is_broken:
        return "UNPARSEABLE"
    if len(fields) != len(COLUMNS):
        return "RAGGED"
    return tuple(field.decode("utf-8") or None for field in fields)


PIECES = [b",", b"\n", b'"', b"a", b"\r", b"\r\n", b'""', b"\xff", b"\xc3\xa9", b"\0", b" ",
          b"\xef\xbb\xbf", b"1,2,3,4\n", b'"x","y",,z\n', b'",']  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join), st.booleans())
@example(b"\n", True)
@example(b'""\n"",,,\n', True)
def test_every_text_is_read_as_the_grammar_says(body: bytes, in_small_blocks: bool) -> None:
    size = 3 if in_small_blocks else BLOCK_BYTES
    expected = rows_by_grammar(body)
    with (
        patch.object(csv_reader, "BLOCK_BYTES", size),
        patch.object(csv_reader, "_SMALLEST_PIECE_BYTES", 2),
    ):
        if expected is None:
            assert fault_of(HEADER + body).reason is FileReason.UNREADABLE
        else:
            assert read_rows(body) == expected


@given(st.lists(st.sampled_from([*PIECES[-3:-1], b"1,2,3,\n", b'a,"b,""c",,d\r\n'])).map(b"".join))
def test_both_ways_of_reading_agree(body: bytes) -> None:
    found = read_rows(body)
    with only_record_by_record():
        assert read_rows(body) == found
