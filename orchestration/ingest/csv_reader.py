"""CSV as RFC 4180 has it, with commas (contract §2).

Belongs here: records, fields, the header, and which record is not one. Does not: what a value means
(`cells.py`). A block in which every line is a well-formed record goes through pyarrow; any other is
cut smaller, and what is still not plain is read record by record, so that every bad row is found
with its line, whatever surrounds it. Both ways read what both can read alike: a test holds them
against each other.
"""

import io
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from orchestration.ingest.columns import near_misses, unknown_columns
from orchestration.ingest.datasets import Dataset
from orchestration.ingest.limits import (
    LONGEST_RECORD_BYTES,
    demand_few_blank_lines,
    too_long_a_record,
)
from orchestration.ingest.mistaken import lines_end_in_cr, no_header, other_separator
from orchestration.ingest.quarantine import (
    BadRow,
    FileFault,
    FileReason,
    RowReason,
    raw_text,
)
from orchestration.ingest.text_files import (
    BLOCK_BYTES,
    BYTE_ORDER_MARK,
    OTHER_BYTES,
    Readable,
    TextBatch,
    is_utf8,
    line_blocks,
)

if TYPE_CHECKING:
    import pyarrow as pa

# A block that is not plain is cut into so many pieces, and those again, down to this size.
_PIECES: Final = 16
_SMALLEST_PIECE_BYTES: Final = 32 << 10

# RFC 4180 over bytes: the bytes it gives a meaning occur in no longer UTF-8 character. Possessive
# (`++`, `*+`), so that no input makes the match try again what it has tried.
_QUOTED_TEXT: Final = rb'(?:[^"]++|"")*+'
_FIELD: Final = rb'(?:"' + _QUOTED_TEXT + rb'"|[^",\r\n]*+)'
_RECORD: Final = re.compile(rb"(?:" + _FIELD + rb",)*+" + _FIELD)
_OPENS: Final = re.compile(rb"(?:" + _FIELD + rb',)*+"' + _QUOTED_TEXT)
_STAYS_OPEN: Final = re.compile(_QUOTED_TEXT)
_CLOSES: Final = re.compile(_QUOTED_TEXT + rb'"(?:,' + _FIELD + rb")*+")
_REOPENS: Final = re.compile(_QUOTED_TEXT + rb'",(?:' + _FIELD + rb',)*+"' + _QUOTED_TEXT)

_FIELD_TEXT: Final = re.compile(r'(?:"((?:[^"]++|"")*+)"|([^",]*+)),')


class _Record(NamedTuple):
    raw: bytes  # without the line end
    line_no: int
    line_count: int
    is_well_formed: bool


@dataclass
class _Splitter:
    """Cuts lines into records; a record whose quote is open waits for the lines to come."""

    line_no: int  # of the next line
    row_count: int = 0  # the records before it
    blank_count: int = 0  # and the blank lines
    _open: bytearray = field(default_factory=bytearray)
    _open_line_no: int = 0  # where the open record begins
    _quote_line_no: int = 0  # where its open quote does

    @property
    def is_open(self) -> bool:
        """True if the last line ended inside a quoted field."""
        return bool(self._open)

    def records(self, lines: bytes) -> Iterator[_Record]:
        """The records that end in these lines; blank lines between records are none.

        FileFault if far too many lines are blank.
        """
        start = 0
        while start < len(lines):
            if self._open:
                start = self._skip_to_quote(lines, start)
                if start == len(lines):
                    return
            end = lines.find(b"\n", start) + 1 or len(lines)
            line = lines[start:end]
            record = self._continued(line) if self._open else self._begun(line)
            self.line_no += 1
            start = end
            if record is not None:
                self.row_count += 1
                yield record

    def check_closed(self) -> None:
        """FileFault if the text ends inside a quoted field: who knows where that was to end."""
        if self._open:
            fault = FileFault(
                FileReason.UNREADABLE, f"the quote opened on line {self._quote_line_no} never ends"
            )
            fault.line = self._quote_line_no
            raise fault

    def _skip_to_quote(self, lines: bytes, start: int) -> int:
        """Takes the lines without a quote into the open record at once; gives where they end."""
        quote = lines.find(b'"', start)
        end = len(lines) if quote < 0 else lines.rfind(b"\n", start, quote) + 1 or start
        self.line_no += lines.count(b"\n", start, end)
        self._keep_open(lines[start:end])
        return end

    def _begun(self, line: bytes) -> _Record | None:
        content = _without_line_end(line)
        if not content:
            self.blank_count += 1
            demand_few_blank_lines(self.blank_count, self.row_count)
            return None
        if b'"' not in content:
            return _Record(content, self.line_no, 1, b"\r" not in content)
        if _RECORD.fullmatch(content):
            return _Record(content, self.line_no, 1, True)
        if _OPENS.fullmatch(line):
            self._open_line_no = self._quote_line_no = self.line_no
            self._keep_open(line)
            return None
        return _Record(content, self.line_no, 1, False)

    def _continued(self, line: bytes) -> _Record | None:
        if _STAYS_OPEN.fullmatch(line):
            self._keep_open(line)
            return None
        if _REOPENS.fullmatch(line):
            self._keep_open(line)
            self._quote_line_no = self.line_no
            return None
        # Whether or not this line ends the record as it should, the next line begins a new one: a
        # stray quote then costs the lines up to the next quote, not the rest of the file.
        content = _without_line_end(line)
        raw = bytes(self._open) + content
        self._open.clear()
        line_count = self.line_no - self._open_line_no + 1
        is_well_formed = _CLOSES.fullmatch(content) is not None
        return _Record(raw, self._open_line_no, line_count, is_well_formed)

    def _keep_open(self, lines: bytes) -> None:
        self._open += lines
        if len(self._open) > LONGEST_RECORD_BYTES:
            raise too_long_a_record(self._open_line_no)


@dataclass(frozen=True)
class Header:
    """The columns of a file: how many it has, and where those that are read are among them."""

    width: int
    positions: dict[str, int]
    unknown: tuple[str, ...]


class CsvReader:
    """Reads one CSV file of a dataset."""

    def __init__(self, dataset: Dataset, stream: Readable) -> None:
        """Reads the header. FileFault if there is none, or one that does not do."""
        blocks = line_blocks(stream, BLOCK_BYTES, first_line_no=1)
        self._splitter = _Splitter(line_no=1)
        header, self._first_rows = self._read_header(blocks)
        self._blocks = blocks
        self.header = _header(dataset, header)

    @property
    def unknown_names(self) -> tuple[str, ...]:
        """The names of columns that are not the dataset's."""
        return self.header.unknown

    @property
    def present_names(self) -> Collection[str]:
        """The names of the dataset's columns that the file has, among others that are read."""
        return self.header.positions

    def batches(self) -> Iterator[TextBatch]:
        """All rows, good and bad, in file order. FileFault where the file cannot be read on."""
        for block in self._all_blocks():
            yield from self._read(block)
        self._splitter.check_closed()

    def _read(self, lines: bytes) -> Iterator[TextBatch]:
        """The lines' rows; whatever is not plain is cut up to find the few lines it is about."""
        batch = self._read_plain(lines)
        if batch is not None:
            yield batch
            return
        pieces = _cut(lines)
        if len(pieces) == 1:
            yield self._read_records(lines)
            return
        for piece in pieces:
            yield from self._read(piece)

    def _read_header(self, blocks: Iterator[bytes]) -> tuple[_Record | None, bytes]:
        is_start = True
        for block in blocks:
            if is_start:
                block = block.removeprefix(BYTE_ORDER_MARK)
                is_start = False
            with io.BytesIO(block) as stream:
                for line in stream:
                    for record in self._splitter.records(line):
                        return record, stream.read()
        self._splitter.check_closed()
        return None, b""

    def _all_blocks(self) -> Iterator[bytes]:
        if self._first_rows:
            yield self._first_rows
            self._first_rows = b""
        yield from self._blocks

    def _read_plain(self, lines: bytes) -> TextBatch | None:
        """The lines' rows, if each line is one record, no more and no less; else None."""
        import numpy as np
        import pyarrow as pa

        if self._splitter.is_open or not _is_plain(lines):
            return None
        line_count = lines.count(b"\n") + (not lines.endswith(b"\n"))
        columns = _parsed(lines, self.header)
        if columns is None or any(len(column) != line_count for column in columns.values()):
            return None  # ragged, or with blank lines
        first = self._splitter.line_no
        self._splitter.line_no += line_count
        self._splitter.row_count += line_count
        return TextBatch(
            pa.array(np.arange(first, first + line_count)),
            columns,
            _LinesByNumber(lines, first),
            len(lines),
        )

    def _read_records(self, lines: bytes) -> TextBatch:
        import pyarrow as pa

        rows: list[list[str]] = []
        good: dict[int, _Record] = {}
        bad: list[BadRow] = []
        for record in self._splitter.records(lines):
            fields = _fields(record, self.header.width)
            if isinstance(fields, BadRow):
                bad.append(fields)
            else:
                rows.append(fields)
                good[record.line_no] = record
        columns = {
            name: pa.array([row[position] or None for row in rows], pa.string())
            for name, position in self.header.positions.items()
        }
        return TextBatch(
            pa.array(good, pa.int64()), columns, _RecordsByNumber(good), len(lines), bad
        )


@dataclass
class _LinesByNumber:
    """The bytes of a line of a block; the block is only split when someone asks."""

    lines: bytes
    first_line_no: int
    _split: Sequence[bytes] | None = None

    def __call__(self, row_no: int) -> tuple[bytes, int]:
        if self._split is None:
            self._split = self.lines.split(b"\n")
        return self._split[row_no - self.first_line_no].removesuffix(b"\r"), 1


@dataclass(frozen=True)
class _RecordsByNumber:
    records: dict[int, _Record]

    def __call__(self, row_no: int) -> tuple[bytes, int]:
        record = self.records[row_no]
        return record.raw, record.line_count


def _cut(lines: bytes) -> list[bytes]:
    """The lines in pieces of about the same size; few lines, or a single long one, stay together."""
    if len(lines) <= _SMALLEST_PIECE_BYTES:
        return [lines]
    pieces, start = [], 0
    for number in range(1, _PIECES + 1):
        end = lines.find(b"\n", max(start, len(lines) * number // _PIECES - 1)) + 1 or len(lines)
        if start < end:
            pieces.append(lines[start:end])
            start = end
    return pieces


def _header(dataset: Dataset, record: _Record | None) -> Header:
    if record is None:
        raise FileFault(FileReason.MISSING_COLUMN, "the file has no header line")
    if not record.is_well_formed and b"\r" in record.raw:
        raise lines_end_in_cr(record.raw)
    if not is_utf8(record.raw) or not record.is_well_formed:
        advice = other_separator([record.raw.decode("utf-8", "replace")], dataset.required_names)
        raise FileFault(
            FileReason.UNREADABLE, f"line {record.line_no}: the header is not CSV in UTF-8{advice}"
        )
    line = record.raw.decode("utf-8")
    names = _split_fields(line)
    try:
        _demand_header(dataset, line, names)
        unknown = unknown_columns(dataset, names)
    except FileFault as fault:
        fault.line = record.line_no
        raise
    read = dataset.read_names
    positions = {name: position for position, name in enumerate(names) if name in read}
    return Header(len(names), positions, unknown)


def _demand_header(dataset: Dataset, line: str, names: Sequence[str]) -> None:
    """FileFault if the first line is something else than a header; the faults of one are told elsewhere."""
    required = dataset.required_names
    if near_misses(dataset, names) or other_separator(names, required):
        return
    if advice := no_header(line, names, dataset.read_names):
        raise FileFault(FileReason.MISSING_COLUMN, ", ".join(required) + advice)


def _is_plain(lines: bytes) -> bool:
    """True if every line is a record for itself, apart from the number of its fields."""
    if lines.startswith(BYTE_ORDER_MARK):
        return False  # here it belongs to the first value; pyarrow would drop it
    if lines.count(b"\r") != lines.count(b"\r\n") or not is_utf8(lines):
        return False
    return b'"' not in lines or _quotes_are_plain(lines)


def _quotes_are_plain(lines: bytes) -> bool:
    """True if all quotes stand where RFC 4180 has them, and none spans a line end.

    Quotes open and close in turn, where an escaped `""` counts as closing and opening again. So it
    is enough to look at what stands before each that opens, and after each that closes.
    """
    import numpy as np

    text = np.frombuffer(lines, np.uint8)
    quotes = np.flatnonzero(text == ord('"'))
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    before = np.where(opening == 0, ord("\n"), text[opening - 1])
    after = np.where(closing == len(text) - 1, ord("\n"), text[(closing + 1) % len(text)])
    # A CR is always followed by LF here.
    if not np.isin(before, list(b'\n,"')).all() or not np.isin(after, list(b'\r\n,"')).all():
        return False
    line_ends = np.flatnonzero(text == ord("\n"))
    return not (np.searchsorted(quotes, line_ends) % 2).any()


def _parsed(lines: bytes, header: Header) -> "dict[str, pa.Array] | None":
    import pyarrow as pa
    from pyarrow import csv

    names = [str(position) for position in range(header.width)]
    wanted = [str(position) for position in header.positions.values()]
    try:
        table = csv.read_csv(
            pa.BufferReader(lines),
            read_options=csv.ReadOptions(column_names=names),
            parse_options=csv.ParseOptions(quote_char='"' if b'"' in lines else False),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()),
                include_columns=wanted,
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except pa.ArrowInvalid:  # a ragged line, or a very long one
        return None
    return {name: table.column(str(position)) for name, position in header.positions.items()}


def _fields(record: _Record, width: int) -> list[str] | BadRow:
    def bad(reason: RowReason, found: str, expected: str) -> BadRow:
        raw = raw_text(record.raw)
        return BadRow(record.line_no, None, reason, raw, record.line_count, found, expected)

    try:
        text = record.raw.decode("utf-8")
    except UnicodeDecodeError:
        return bad(RowReason.NOT_UTF8, *OTHER_BYTES)
    if not record.is_well_formed:
        return bad(
            RowReason.UNPARSEABLE,
            "a quote or a CR within a cell",
            "quotes around the whole cell, and each within it twice",
        )
    fields = _split_fields(text)
    if len(fields) != width:
        cells = f"{len(fields):,} {'cell' if len(fields) == 1 else 'cells'}"
        return bad(RowReason.RAGGED, cells, f"{width:,}, as the header has")
    return fields


def _split_fields(text: str) -> list[str]:
    """The fields of a well-formed record."""
    if '"' not in text:
        return text.split(",")
    return [quoted.replace('""', '"') or plain for quoted, plain in _FIELD_TEXT.findall(text + ",")]


def _without_line_end(line: bytes) -> bytes:
    return line[:-2] if line.endswith(b"\r\n") else line.removesuffix(b"\n")
