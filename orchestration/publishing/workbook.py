"""A period's tables as one workbook (§14): a sheet a table, numbers as numbers, text as text.

A spreadsheet keeps 15 digits of a number, so a longer one is text, as it stands in the CSV files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from orchestration.publishing.tables import COUNT, Table

DIGITS_OF_A_NUMBER: Final = 15

_MADE: Final = datetime(1980, 1, 1)
"""A workbook says when it was made; the same tables are to be the same bytes."""
_IN_NO_XML: Final = {0xFFFE: "_xFFFE_", 0xFFFF: "_xFFFF_"}
"""Characters that an id may have and XML may not, as a workbook escapes them."""


class _PlainText(Worksheet):  # type: ignore[misc]
    """A sheet in which text is text whatever it says; the library takes `<r>…</r>` for markup."""

    def _xml_inline_string(self, string: str, preserve: bool, attributes: Any = ()) -> None:
        super()._xml_inline_string(string.translate(_IN_NO_XML), preserve, attributes)

    def _xml_rich_inline_string(self, string: str, attributes: Any = ()) -> None:
        self._xml_inline_string(string, True, attributes)


def write_workbook(path: Path, sheets: Iterable[tuple[Table, Iterable[Sequence[Any]]]]) -> None:
    """Writes a table a sheet, row by row, without keeping them in memory; rows as the CSV files have them.

    The file is there whole or not at all. No table has more rows than a sheet holds.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        with Workbook(fresh, {"constant_memory": True}) as book:
            book.set_properties({"created": _MADE})
            for table, rows in sheets:
                _write_sheet(book.add_worksheet(table.name, _PlainText), table, rows)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _write_sheet(sheet: Worksheet, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    sheet.freeze_panes(1, len(table.key))
    for column, name in enumerate(table.columns):
        sheet.write_string(0, column, name)
    is_number = [kind == COUNT or kind.startswith("DECIMAL") for kind in table.columns.values()]
    for row_number, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            if cell is None:
                continue
            text = str(cell)
            if is_number[column] and _digits(text) <= DIGITS_OF_A_NUMBER:
                # A Decimal is written digit by digit; a float would be near it only.
                done = sheet.write_number(row_number, column, Decimal(text))
            else:
                done = sheet.write_string(row_number, column, text)
            assert done == 0, (table.name, row_number, column, done)


def _digits(number: str) -> int:
    """The digits of a plain decimal from its first that is not 0."""
    return len(number.replace(".", "").lstrip("-0"))
