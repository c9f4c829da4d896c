"""Hostile landing files by class, each with what the grammar of §2 makes of it, worked out by hand.

Some are rewritten from the classes of public corpora: csv-spectrum, JSONTestSuite and the big list of
naughty strings.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from backports import zstd

HEADER = b"post_id,observed_at,views\n"
AT = "2024-03-29T00:00:00Z"


@dataclass(frozen=True)
class HostileFile:
    """A file of post_metrics, and how many of its rows are good and bad; None if it is refused."""

    kind: str
    name: str
    content: bytes
    rows: tuple[int, int] | None


def _line(post: str = "p", at: str = AT, views: str = "1") -> bytes:
    return f"{post},{at},{views}\n".encode()


def _around(line: bytes) -> bytes:
    """A hostile line between two good ones, which it must not touch."""
    return HEADER + _line("before") + line + _line("after")


BAD_COUNTS = (
    "1.", ".0", "1.0e0", "1e3", "+5", " 5", "5 ", "0x10", "0b1", "0o7", "1_000", '"1,000"', "５", "٣", "1\u00a0000",
    "9223372036854775808", "18446744073709551616", "1000000000000001", "-1", "-0", "NaN", "inf",
    "-Infinity", "", "null", "true", "=1+1", "1'--", "1;drop table raw_posts", "1\x00", "½", "1e-3",
)  # fmt: skip
GOOD_COUNTS = ("0", "1000000000000000", '"7"', "000000000000007", "80.0", "1000000000000000.000")
BAD_TIMES = (
    "2024-03-29T00:00:00", "2024-03-29  00:00:00Z", "2024-03-29t00:00:00Z", "2024-03-29T00:00:00z",
    "2024-12-31T23:59:60Z", "2024-03-29T24:00:00Z", "0000-01-01T00:00:00Z", "2024-02-30T00:00:00Z",
    "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-3-29T0:0:0Z", "2024-03-29",
    "2024-03-29T00:00Z", "2024-03-29T00:00:00.1234567Z", "2024-03-29T00:00:00.Z",
    "2024-03-29T00:00:00+053", "2024-03-29T00:00:00+5", "2024-03-29T00:00:00+24:00",
    "2024-03-29T00:00:00ZZ", "1711670400", "infinity", "epoch", "now()", "today",
    "２０２４-03-29T00:00:00Z", "2024-03-29T00:00:00 utc", "+2024-03-29T00:00:00Z",
    "2024-W13-5T00:00:00Z", "",
)  # fmt: skip
GOOD_TIMES = (
    "2024-02-29T00:00:00Z", "2024-03-29T00:00:00.1Z", "2024-03-29T00:00:00.123456+05:30",
    "2024-03-29T23:59:59-08:00", "2024-03-29 00:00:00Z", "2024-03-29 00:00:00.5 UTC", "2024-03-29T00:00:00+0530",
    "2024-03-29 00:00:00-08",
)  # fmt: skip
BAD_IDS = (
    "", "a\x00b", "\x1b[31mred", "\x7f", "a\u0085b", '"a\nb"', '"a\r\nb"', "a\tb", "\x08", "x" * 129,
    "\u009b31m", "🎬" * 129,
)  # fmt: skip
GOOD_IDS = (
    "'; drop table raw_posts; --", "1' or '1'='1", '""" or 1=1 --"', "\\'; select 1", "$(rm -rf ~)",
    "`id`", "; cat /etc/passwd", "| sleep 9", "{{ 7*7 }}", "{% include 'x' %}", "${jndi:ldap://x}",
    "%s%n%x", "%00", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&lt;b&gt;",
    "[x](javascript:alert(1))", "# heading", "| a | b |", "`code`", "=cmd|' /C calc'!A0",
    "@SUM(1)", "+1+1", "-1", "../../etc/passwd", "..\\..\\x", "/etc/shadow", "C:\\con", "file:///x",
    "NaN", "null", "NULL", "true", "undefined", "None", "nil", "0", "1e3", "007", "-0", "\u202eabc",
    "\u200bzero", "\ufeffbom", "a\u0301\u0323\u0360", "🏳️‍🌈", "ﷺ", "ÅΩ≈ç", "İıſK", "田中さん",
    "  padded  ", "'quoted'", "\u2028line", "x" * 128, "🎬" * 128, "__proto__", "constructor",
)  # fmt: skip


def _cells() -> Iterator[HostileFile]:
    for kind, good, bad in (
        ("counts", GOOD_COUNTS, BAD_COUNTS),
        ("timestamps", GOOD_TIMES, BAD_TIMES),
        ("ids", GOOD_IDS, BAD_IDS),
    ):
        column = {"counts": "views", "timestamps": "at", "ids": "post"}[kind]
        for rows, values in (((3, 0), good), ((2, 1), bad)):
            for value in values:
                content = _around(_line(**{column: value}))
                yield HostileFile(f"CSV cells: {kind}", f"{value!r:.40}.csv", content, rows)


ONE = _line()
SHAPES: dict[str, tuple[bytes, tuple[int, int] | None]] = {
    "ragged, short": (_around(b"p,2024-03-29T00:00:00Z\n"), (2, 1)),
    "ragged, long": (_around(b"p,2024-03-29T00:00:00Z,1,2\n"), (2, 1)),
    "one blank": (_around(b" \n"), (2, 1)),
    "blank lines": (_around(b"\n\r\n\n"), (2, 0)),
    "header twice": (_around(HEADER), (2, 1)),
    "header only": (HEADER, (0, 0)),
    "header without a line end": (HEADER.rstrip(), (0, 0)),
    "empty": (b"", (0, 0)),
    "only blank lines": (b"\n\n\n", None),
    "only a BOM": (b"\xef\xbb\xbf", None),
    "BOM": (b"\xef\xbb\xbf" + _around(ONE), (3, 0)),
    "two BOMs": (b"\xef\xbb\xbf\xef\xbb\xbf" + _around(ONE), None),
    "CRLF": (_around(ONE).replace(b"\n", b"\r\n"), (3, 0)),
    "mixed line ends": (_around(ONE.replace(b"\n", b"\r\n")), (3, 0)),
    "CR alone": (_around(ONE).replace(b"\n", b"\r"), None),
    "no last line end": (_around(ONE).rstrip(), (3, 0)),
    "UTF-16": (_around(ONE).decode().encode("utf-16"), None),
    "UTF-8 broken in a cell": (_around(b"\xff,2024-03-29T00:00:00Z,1\n"), (2, 1)),
    "UTF-8 overlong": (_around(b"\xc0\xaf,2024-03-29T00:00:00Z,1\n"), (2, 1)),
    "Latin-1": (_around("é,2024-03-29T00:00:00Z,1\n".encode("latin-1")), (2, 1)),
    "stray quote": (_around(b'a"b,2024-03-29T00:00:00Z,1\n'), (2, 1)),
    "text after a quote": (_around(b'"a"b,2024-03-29T00:00:00Z,1\n'), (2, 1)),
    "quote after a blank": (_around(b' "a",2024-03-29T00:00:00Z,1\n'), (2, 1)),
    "quotes doubled": (_around(b'"a ""b""",2024-03-29T00:00:00Z,1\n'), (3, 0)),
    "quote never closed": (_around(b'"a,2024-03-29T00:00:00Z,1\n'), None),
    "comma in quotes": (_around(b'"a,b",2024-03-29T00:00:00Z,1\n'), (3, 0)),
    "all quoted": (_around(b'"a","2024-03-29T00:00:00Z","1"\n'), (3, 0)),
    "single quotes": (_around(b"'a,b',2024-03-29T00:00:00Z,1\n"), (2, 1)),
    "backslash": (_around(b"a\\,b,2024-03-29T00:00:00Z,1\n"), (2, 1)),
    "semicolons": (_around(ONE).replace(b",", b";"), None),
    "tabs": (_around(ONE).replace(b",", b"\t"), None),
    "a column twice": (b"post_id,views,observed_at,views\na,1,2024-03-29T00:00:00Z,1\n", None),
    "columns in capitals": (HEADER.upper() + ONE, None),
    "column padded": (b"post_id, observed_at,views\n" + ONE, None),
    "a column missing": (b"post_id,observed_at\np,2024-03-29T00:00:00Z\n", None),
    "a column with a hostile name": (
        b'post_id,observed_at,views,"x""; drop table raw_posts; --"\n' + b"p," + AT.encode() + b",1,2\n",
        (1, 0),
    ),
    "columns named like the engine's": (
        b"post_id,observed_at,views,rowid,file_no,filename\np," + AT.encode() + b",1,2,3,4\n",
        (1, 0),
    ),
    "columns in another order": (b"views,post_id,observed_at\n1,p," + AT.encode() + b"\n", (1, 0)),
    "200 unknown columns": (
        HEADER.rstrip() + b",x" * 200 + b"\n" + ONE.rstrip() + b",1" * 200 + b"\n",
        (1, 0),
    ),
    "a line of NULs": (_around(b"\0" * 1000 + b"\n"), (2, 1)),
    "a long line": (_around(b"x" * 5_000_000 + b"," + AT.encode() + b",1\n"), (2, 1)),
    "sep=,": (b"sep=,\n" + _around(ONE), None),
    "a comment": (b"# made by hand\n" + _around(ONE), None),
    "Ctrl-Z": (_around(ONE) + b"\x1a", (3, 1)),
}  # fmt: skip


def _json(**fields: Any) -> bytes:
    return json.dumps({"post_id": "p", "observed_at": AT, "views": 1, **fields}).encode()


def _raw(views: str) -> bytes:
    return f'{{"post_id":"p","observed_at":"{AT}","views":{views}}}'.encode()


GOOD_JSON = {
    "count as text": _json(views="7"), "count with a zero": _raw("80.0"), "null where it may be": _json(likes=None),
    "unknown name": _json(**{"'; drop table x": 1}), "blanks around": b"  " + _json() + b" \t",
    "escaped name": _json().replace(b"post_id", b"\\u0070ost_id"), "deep in what is ignored": _json(x=[[[[1]]]]),
    "id of escapes": _json(post_id="\u202e\U0001f3ac"), "id like a number": _json(post_id="1e3"),
}  # fmt: skip
BAD_JSON = {
    "array": b"[1]", "text": b'"x"', "number": b"5", "null": b"null", "no end": b"{", "NaN": _raw("NaN"),
    "Infinity": _raw("Infinity"), "a name twice": _json()[:-1] + b',"views":2}', "trailing comma": _json()[:-1] + b",}",
    "single quotes": b"{'post_id':'p'}", "a comment": b"// x", "two objects": _json() + _json(),
    "100,000 arrays": b"[" * 100_000, "100,000 objects": b'{"x":' * 100_000, "1.5": _raw("1.5"), "1e3": _raw("1e3"),
    "-0": _raw("-0"), "+1": _raw("+1"), "01": _raw("01"), "0x10": _raw("0x10"), "2^63": _raw(str(2**63)),
    "5,000 digits": _raw("9" * 5000), "true": _raw("true"), "list": _raw("[1]"), "1e999": _raw("1e999"),
    "number as id": _json(post_id=5), "object as id": _json(post_id={"a": 1}), "empty id": _json(post_id=""),
    "NUL in an id": _json(post_id="a\0b"), "escape in an id": _json(post_id="\x1b[31m"),
    "lone surrogate": b'{"post_id":"\\ud800","observed_at":"' + AT.encode() + b'","views":1}',
    "not UTF-8": b'{"post_id":"\xff","observed_at":"' + AT.encode() + b'","views":1}',
    "name missing": b'{"post_id":"p","views":1}', "raw tab": b'{"post_id":"a\tb"}', "BOM inside": b"\xef\xbb\xbf" + _json(),
    "flags as numbers": _json(observed_at=True), "fullwidth digits": _json(views="５"), "padded": _json(views=" 5"),
}  # fmt: skip


def _lines() -> Iterator[HostileFile]:
    for rows, lines in (((3, 0), GOOD_JSON), ((2, 1), BAD_JSON)):
        for name, line in lines.items():
            content = b"\n".join((_json(), line, _json(), b""))
            yield HostileFile("JSONL", f"{name}.jsonl", content, rows)
    yield HostileFile("JSONL", "empty.jsonl", b"", (0, 0))
    yield HostileFile("JSONL", "blank lines.jsonl", b"\n\n" + _json() + b"\n\n", (1, 0))
    yield HostileFile(
        "JSONL", "one array of all.jsonl", b"[" + _json() + b",\n" + _json() + b"]\n", (0, 2)
    )


FINE = _around(ONE)
PACKED = gzip.compress(FINE)
ZIPPED = zstd.compress(FINE)
COMPRESSED: dict[str, tuple[bytes, tuple[int, int] | None]] = {
    "two members.csv.gz": (PACKED + gzip.compress(ONE), (4, 0)),
    "empty member.csv.gz": (PACKED + gzip.compress(b""), (3, 0)),
    "truncated.csv.gz": (PACKED[:-9], None),
    "half.csv.gz": (PACKED[: len(PACKED) // 2], None),
    "garbage after.csv.gz": (PACKED + b"garbage", None),
    "crc.csv.gz": (PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], None),
    "no bytes.csv.gz": (b"", (0, 0)),
    "plain.csv.gz": (FINE, None),
    "zst.csv.gz": (ZIPPED, None),
    "packed.csv": (PACKED, None),
    "twice.csv.gz": (gzip.compress(PACKED), None),
    "bomb of blank lines.csv.gz": (gzip.compress(FINE + b"\n" * 3_000_000), None),
    "many blank lines.csv.gz": (gzip.compress(FINE + b"\n" * 1_000_000), (3, 0)),
    "two frames.csv.zst": (ZIPPED + zstd.compress(ONE), (4, 0)),
    "truncated.csv.zst": (ZIPPED[:-3], None),
    "garbage after.csv.zst": (ZIPPED + b"garbage", None),
    "no bytes.csv.zst": (b"", (0, 0)),
    "plain.csv.zst": (FINE, None),
    "gz.csv.zst": (PACKED, None),
    "truncated.jsonl.gz": (gzip.compress(_json() + b"\n")[:-5], None),
    "truncated.jsonl.zst": (zstd.compress(_json() + b"\n")[:-2], None),
}

MOMENT = datetime(2024, 3, 29)
UTC_MICROS = pa.timestamp("us", "UTC")


def _parquet(rows: int = 1, **columns: Any) -> bytes:
    made = {
        "post_id": pa.array(["p"] * rows),
        "observed_at": pa.array([MOMENT] * rows, UTC_MICROS),
        "views": pa.array([1] * rows, pa.int64()),
        **columns,
    }
    file = io.BytesIO()
    pq.write_table(pa.table(made), file)
    return file.getvalue()


def _views(*values: Any, kind: pa.DataType) -> bytes:
    return _parquet(len(values), views=pa.array(values, kind))


def _times(value: Any, kind: pa.DataType) -> bytes:
    return _parquet(observed_at=pa.array([value], kind))


def _doubled() -> bytes:
    file = io.BytesIO()
    columns = [pa.array(["p"]), pa.array([MOMENT], UTC_MICROS), pa.array([1]), pa.array([2])]
    pq.write_table(
        pa.Table.from_arrays(columns, names=["post_id", "observed_at", "views", "views"]), file
    )
    return file.getvalue()


WHOLE = _parquet()
PARQUET: dict[str, tuple[bytes, tuple[int, int] | None]] = {
    "doubles, whole and not": (_views(1.0, 1.5, 0.0, kind=pa.float64()), (2, 1)),
    "doubles, none of them numbers": (_views(float("nan"), float("inf"), kind=pa.float64()), (0, 2)),
    "floats": (_views(1.0, 2.5, kind=pa.float32()), (1, 1)),
    "decimals": (_views(Decimal("1.00"), Decimal("1.01"), kind=pa.decimal128(9, 2)), (1, 1)),
    "decimals of 76 digits": (_views(Decimal(5), Decimal("5.5"), kind=pa.decimal256(76, 9)), (1, 1)),
    "wide decimals": (_views(Decimal(10**15), Decimal(10**15 + 1), kind=pa.decimal128(38, 0)), (1, 1)),
    "counts as text": (_views("7", "7.0", "7.", " 7", "７", kind=pa.string()), (2, 3)),
    "unsigned": (_views(1, 2**64 - 1, kind=pa.uint64()), (1, 1)),
    "small": (_views(1, -1, kind=pa.int8()), (1, 1)),
    "flags as counts": (_views(True, kind=pa.bool_()), (0, 1)),
    "lists": (_views([1], kind=pa.list_(pa.int64())), (0, 1)),
    "structs": (_views({"a": 1}, kind=pa.struct([("a", pa.int64())])), (0, 1)),
    "nulls": (_views(None, kind=pa.null()), (0, 1)),
    "dictionary": (_parquet(post_id=pa.array(["p"]).dictionary_encode()), (1, 0)),
    "large text": (_parquet(post_id=pa.array(["p"], pa.large_string())), (1, 0)),
    "bytes that are no text": (_parquet(post_id=pa.array([b"\xff"], pa.binary())), (0, 1)),
    "whole numbers as ids": (_parquet(post_id=pa.array([5])), (1, 0)),
    "UUIDs as ids": (_parquet(post_id=pa.array([b"0123456789abcdef"], pa.uuid())), (1, 0)),
    "doubles as ids": (_parquet(post_id=pa.array([5.0])), (0, 1)),
    "null id": (_parquet(post_id=pa.array([None], pa.string())), (0, 1)),
    "NUL in an id": (_parquet(post_id=pa.array(["a\0b"])), (0, 1)),
    "no zone": (_times(MOMENT, pa.timestamp("us")), (1, 0)),
    "another zone": (_times(MOMENT, pa.timestamp("us", "Asia/Tokyo")), (1, 0)),
    "seconds": (_times(MOMENT, pa.timestamp("s")), (1, 0)),
    "milliseconds": (_times(MOMENT, pa.timestamp("ms", "UTC")), (1, 0)),
    "nanoseconds, whole": (_times(1_711_670_400_000_001_000, pa.timestamp("ns", "UTC")), (1, 0)),
    "nanoseconds, finer": (_times(1_711_670_400_000_000_001, pa.timestamp("ns", "UTC")), (0, 1)),
    "days as timestamps": (_times(date(2024, 3, 29), pa.date32()), (0, 1)),
    "numbers as timestamps": (_times(1_711_670_400, pa.int64()), (0, 1)),
    "times of the end of time": (_times(2**63 - 1, pa.timestamp("us", "UTC")), (0, 1)),
    "no rows": (_parquet(0), (0, 0)),
    "a column twice": (_doubled(), None),
    "only in capitals": (WHOLE.replace(b"views", b"VIEWS"), None),
    "also in capitals": (_parquet(VIEWS=pa.array([9])), (1, 0)),
    "empty": (b"", (0, 0)),
    "magic alone": (b"PAR1", None),
    "magic twice": (b"PAR1PAR1", None),
    "truncated": (WHOLE[:-20], None),
    "first half": (WHOLE[: len(WHOLE) // 2], None),
    "footer of lies": (WHOLE[:-8] + b"\xff\xff\xff\x7f" + b"PAR1", None),
    "footer of nothing": (WHOLE[:-8] + b"\0\0\0\0" + b"PAR1", None),
    "text": (FINE, None),
    "encrypted by its magic": (b"PARE" + WHOLE[4:-4] + b"PARE", None),
}  # fmt: skip

NAMES = (
    "with space.csv", "with'quote.csv", 'with"quotes".csv', "line\nbreak.csv", "glob*.csv", "glob[a-z].csv", "glob?.csv",
    "{a,b}.csv", "; drop table raw_posts; --.csv", "$(id).csv", "`id`.csv", "-rf.csv", "~.csv", "%00.csv", "%2e%2e%2f.csv",
    "back\\slash.csv", "\x1b[31mred.csv", "\u202egnp.csv", "ÅΩ.csv", "🎬.csv", "x" * 240 + ".csv", "views=7/part.csv",
    "post_id=x/views=9/part.csv", "a/b/c/d/e/f/g/h/deep.csv", "s3:/x.csv", "NUL.csv", "a\tb.csv", "<b>.csv",
    b"not-utf8-\xff.csv".decode("utf-8", "surrogateescape"), "file.CSV.csv", "..a/../dots.csv",
)  # fmt: skip
"""Names that are no more than names: their three rows are read."""

OTHER_NAMES = (
    "x.CSV",
    "x.csv.bz2",
    "x.xlsx",
    "x.csv.zip",
    "x.txt",
    "x",
    "x.parquet.gz",
    "x.json",
    "csv",
    "x.csv~",
)
"""Formats that are none of ours."""


def hostile_files() -> list[HostileFile]:
    """All of them, by class."""
    return [
        *_cells(),
        *(HostileFile("CSV shape", f"{name}.csv", *what) for name, what in SHAPES.items()),
        *_lines(),
        *(HostileFile("compression", name, *what) for name, what in COMPRESSED.items()),
        *(HostileFile("Parquet", f"{name}.parquet", *what) for name, what in PARQUET.items()),
        *(HostileFile("file names", name, FINE, (3, 0)) for name in NAMES),
        *(HostileFile("file names", name, FINE, None) for name in OTHER_NAMES),
    ]
