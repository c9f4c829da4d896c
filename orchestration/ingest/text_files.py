"""Text files as blocks of whole lines, and what the CSV and JSONL readers make of them.

Belongs here: opening, decompressing, cutting at line ends, byte order marks, and the form in which
rows of text leave a reader. Does not: the grammar of either format (`csv_reader.py`,
`jsonl_reader.py`), nor what a value means (`cells.py`). Contract §2: which files, UTF-8.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, cast

from backports import zstd

from orchestration.foundations.texts import shown
from orchestration.ingest.discovery import Format, FoundFile
from orchestration.ingest.limits import (
    LONGEST_RECORD_BYTES,
    expands_too_much,
    most_expanded_bytes,
    too_long_a_record,
)
from orchestration.ingest.mistaken import LONGEST_SIGNATURE_BYTES, demand_text, not_compressed
from orchestration.ingest.opening import opened
from orchestration.ingest.quarantine import BadRow, FileFault, FileReason

if TYPE_CHECKING:
    import pyarrow as pa

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
BLOCK_BYTES: Final = 8 << 20

# Stands for a value that has no text, such as a JSON list: it is a value of no kind, and a text
# that says the same ("\\u0000" in JSON) is one of no kind either.
UNUSABLE_TEXT: Final = "\0"

# Of a row that is not UTF-8: what was found, and what was expected.
OTHER_BYTES: Final = ("bytes that are no UTF-8", "text in UTF-8")


@dataclass(frozen=True)
class TextBatch:
    """Some rows of one file, in file order, every value as text or null.

    `raw_of` gives the bytes of a good row and how many lines it spans, by its row number; it is
    only asked for rows that turn out bad.
    """

    row_nos: "pa.Array"
    columns: dict[str, "pa.Array"]  # of those that are read the ones that the file has
    raw_of: Callable[[int], tuple[bytes, int]]
    size_bytes: int
    bad_rows: list[BadRow] = field(default_factory=list)


class Readable(Protocol):
    """Something that gives bytes until there are none."""

    def read(self, size_bytes: int, /) -> bytes:
        """At most that many bytes; none at the end."""


class Source:
    """The decompressed bytes of an open file; whatever goes wrong on the way is the file's fault."""

    def __init__(self, stream: BinaryIO, file_bytes: int) -> None:
        self._stream = stream
        self._file_bytes = file_bytes
        self._left = most_expanded_bytes(file_bytes)
        self._is_at_start = True

    def read(self, size_bytes: int) -> bytes:
        """At most that many bytes, none at the end.

        FileFault if the file cannot be read on, is no text, or expands beyond what it may.
        """
        try:
            data = self._stream.read(size_bytes)
        except (OSError, EOFError, zlib.error, zstd.ZstdError) as error:
            raise FileFault(FileReason.UNREADABLE, shown(str(error))) from error
        if self._is_at_start and data:
            demand_text(data[:LONGEST_SIGNATURE_BYTES])
            self._is_at_start = False
        self._left -= len(data)
        if self._left < 0:
            raise expands_too_much(self._file_bytes)
        return data


@contextmanager
def opened_text(file: FoundFile) -> Iterator[Source]:
    """The file's text, decompressed. FileFault if there is no reading it, or if it changed."""
    with opened(file) as plain:
        yield Source(_decompressed(plain, file), file.identity.size_bytes)


def line_blocks(stream: Readable, block_bytes: int, first_line_no: int) -> Iterator[bytes]:
    """The rest of the stream in blocks of about that size, each ending at a line end or the end.

    Lines end with LF. FileFault for a line too long to hold in memory.
    """
    line_no = first_line_no
    pending = b""
    while block := stream.read(block_bytes):
        pending += block
        end = pending.rfind(b"\n") + 1
        if end:
            yield pending[:end]
            line_no += pending.count(b"\n", 0, end)
            pending = pending[end:]
        if len(pending) > LONGEST_RECORD_BYTES:
            raise too_long_a_record(line_no)
    if pending:
        yield pending


def is_utf8(data: bytes) -> bool:
    """True if the bytes are UTF-8."""
    if data.isascii():
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decompressed(plain: BufferedReader, file: FoundFile) -> BinaryIO:
    if file.format in (Format.CSV, Format.JSONL):
        return plain
    fault = not_compressed(plain.peek(LONGEST_SIGNATURE_BYTES), file.format.value)
    if fault is not None:
        raise fault
    if file.format in (Format.CSV_GZIP, Format.JSONL_GZIP):
        return cast(BinaryIO, gzip.GzipFile(fileobj=plain))
    return cast(BinaryIO, zstd.ZstdFile(plain))
