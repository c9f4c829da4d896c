"""JSON Lines: one object a line (contract §2).

Belongs here: which line is an object, and which JSON type may hold which kind of column. Does not:
what the text of a value means (`cells.py`): numbers are handed on as they are written, since a
float or a big integer would already be another number.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from orchestration.ingest.columns import demand_none_misspelt, near_misses
from orchestration.ingest.datasets import NUMBERS, READ_BESIDE, Column, Dataset, Kind
from orchestration.ingest.limits import demand_few_blank_lines
from orchestration.ingest.quarantine import BadRow, RowReason, raw_text
from orchestration.ingest.text_files import (
    BYTE_ORDER_MARK,
    OTHER_BYTES,
    UNUSABLE_TEXT,
    Readable,
    TextBatch,
    is_utf8,
    line_blocks,
)

_BLOCK_BYTES: Final = 1 << 20
_BLANK: Final = b" \t\r"
_MOST_UNKNOWN_NAMES: Final = 1000  # each line may bring new ones; this many are worth a note


class _Number(str):
    """A JSON number, as it is written."""

    __slots__ = ()


@dataclass(frozen=True)
class _Repeating:
    """A JSON object in which a name occurs more than once."""

    pairs: list[tuple[str, Any]]


def _object(pairs: list[tuple[str, Any]]) -> "dict[str, Any] | _Repeating":
    members = dict(pairs)
    return members if len(members) == len(pairs) else _Repeating(pairs)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_Number,
    parse_float=_Number,
    parse_constant=_refuse_constant,
)

_TYPES_OF_TEXT: Final = frozenset({str, type(None)})
_TYPES_OF_NUMBERS: Final = frozenset({str, _Number, type(None)})
_NO_OBJECT: Final = ("no object of JSON", "an object of JSON on one line, no column in it twice")
_HALF_A_PAIR: Final = ("half a surrogate pair", "whole characters")
_FLAG_TEXTS: Final = {True: "true", False: "false"}


@dataclass
class _Block:
    """The outcome of reading a block of lines."""

    row_nos: list[int] = field(default_factory=list)
    objects: list[dict[str, Any]] = field(default_factory=list)
    bad_rows: list[BadRow] = field(default_factory=list)


class JsonlReader:
    """Reads one JSONL file of a dataset."""

    def __init__(self, dataset: Dataset, stream: Readable) -> None:
        self._dataset = dataset
        self._stream = stream
        self._known = frozenset(dataset.column_names)
        self._seen = set(self._known)
        self._lacking = set(self._known)  # those that no row has had so far
        self._near: dict[str, str] = {}
        self._blank_count = 0
        self._beside: list[str] = []  # of the columns that are read beside, those met so far

    @property
    def unknown_names(self) -> tuple[str, ...]:
        """The names met so far that are no columns, up to a number that nobody reads."""
        return tuple(sorted(self._seen - self._known))

    @property
    def present_names(self) -> Collection[str]:
        """The names of the dataset's columns that any row so far has."""
        return self._known - self._lacking

    def batches(self) -> Iterator[TextBatch]:
        """All rows, good and bad, in file order.

        FileFault where the file cannot be read on, and at its end if a column turns out misspelt.
        """
        import pyarrow as pa

        first = 1
        for block in line_blocks(self._stream, _BLOCK_BYTES, first_line_no=1):
            if first == 1:
                block = block.removeprefix(BYTE_ORDER_MARK)
            lines = block.split(b"\n")
            if not lines[-1]:
                lines.pop()  # what follows the last line end is no line
            parsed = self._parsed(lines, first, is_utf8(block))
            self._drop_broken_text(parsed, lines, first)
            columns = {
                column.name: pa.array(_texts(column, parsed.objects), pa.string())
                for column in self._dataset.columns
            }
            for name in self._beside:
                texts = [_text_beside(value.get(name)) for value in parsed.objects]
                columns[name] = pa.array(texts, pa.string())
            yield TextBatch(
                pa.array(parsed.row_nos, pa.int64()),
                columns,
                _LinesByNumber(lines, first),
                len(block),
                parsed.bad_rows,
            )
            first += len(lines)
        demand_none_misspelt(self._known - self._lacking, self._near)

    def _parsed(self, lines: Sequence[bytes], first: int, all_utf8: bool) -> _Block:
        block = _Block()
        for row_no, line in enumerate(lines, start=first):
            if not all_utf8 and not is_utf8(line):
                block.bad_rows.append(_bad(row_no, line, RowReason.NOT_UTF8, OTHER_BYTES))
                continue
            if not line.strip(_BLANK):
                self._blank_count += 1
                demand_few_blank_lines(self._blank_count, row_no - self._blank_count)
                continue
            try:
                value = _DECODER.decode(line.decode("utf-8"))
            except (ValueError, RecursionError):
                block.bad_rows.append(_bad(row_no, line, RowReason.UNPARSEABLE, _NO_OBJECT))
                continue
            if type(value) is _Repeating:
                value = self._without_repeated_unknown(value)
            if type(value) is not dict:
                block.bad_rows.append(_bad(row_no, line, RowReason.UNPARSEABLE, _NO_OBJECT))
                continue
            self._lacking.difference_update(value)
            if not self._seen.issuperset(value):
                self._note_unknown(value)
            block.row_nos.append(row_no)
            block.objects.append(value)
        return block

    def _without_repeated_unknown(self, value: _Repeating) -> dict[str, Any] | None:
        """The object, if only names that are not read occur more than once."""
        names = [name for name, _ in value.pairs if name in self._dataset.read_names]
        return dict(value.pairs) if len(set(names)) == len(names) else None

    def _note_unknown(self, value: dict[str, Any]) -> None:
        beside = [name for name in READ_BESIDE if name in value and name not in self._beside]
        self._beside += beside
        self._seen.update(beside)
        self._near = near_misses(self._dataset, value) | self._near
        if len(self._seen) < len(self._known) + _MOST_UNKNOWN_NAMES:
            self._seen.update(value)

    def _drop_broken_text(self, block: _Block, lines: Sequence[bytes], first: int) -> None:
        """Moves rows with half a surrogate pair to the bad rows: no UTF-8 can say what they do."""
        is_suspect = [b"\\u" in lines[row_no - first] for row_no in block.row_nos]
        if not any(is_suspect):
            return
        row_nos, objects = [], []
        for row_no, value, suspect in zip(block.row_nos, block.objects, is_suspect, strict=True):
            broken = self._broken_columns(value) if suspect else ()
            if broken:
                reason = "|".join([RowReason.NOT_UTF8] * len(broken))
                line = lines[row_no - first]
                block.bad_rows.append(_bad(row_no, line, reason, _HALF_A_PAIR, "|".join(broken)))
            else:
                row_nos.append(row_no)
                objects.append(value)
        block.row_nos, block.objects = row_nos, objects

    def _broken_columns(self, value: dict[str, Any]) -> tuple[str, ...]:
        return tuple(
            name for name in self._dataset.column_names if _is_broken_text(value.get(name))
        )


@dataclass(frozen=True)
class _LinesByNumber:
    lines: Sequence[bytes]
    first_line_no: int

    def __call__(self, row_no: int) -> tuple[bytes, int]:
        return self.lines[row_no - self.first_line_no].removesuffix(b"\r"), 1


def _texts(column: Column, objects: list[dict[str, Any]]) -> list[str | None]:
    name = column.name
    values = [value.get(name) for value in objects]
    accepted = _TYPES_OF_NUMBERS if column.kind in NUMBERS else _TYPES_OF_TEXT
    if column.kind is not Kind.FLAG and accepted.issuperset(map(type, values)):
        return values
    return [_text(column.kind, value) for value in values]


def _text(kind: Kind, value: object) -> str | None:
    if value is None:
        return None
    if kind is Kind.FLAG:
        return _FLAG_TEXTS[value] if isinstance(value, bool) else UNUSABLE_TEXT
    if isinstance(value, str) and (kind in NUMBERS or not isinstance(value, _Number)):
        return value
    return UNUSABLE_TEXT


def _text_beside(value: object) -> str | None:
    """A value of any type, where only its being true, or there at all, says something."""
    if value is None or (type(value) is str and not _is_broken_text(value)):
        return value
    return _FLAG_TEXTS[value] if isinstance(value, bool) else UNUSABLE_TEXT


def _is_broken_text(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _bad(
    row_no: int, line: bytes, reason: str, said: tuple[str, str], column_name: str | None = None
) -> BadRow:
    found, expected = said
    raw = raw_text(line.removesuffix(b"\r"))
    return BadRow(row_no, column_name, reason, raw, found=found, expected=expected)
