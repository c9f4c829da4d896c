"""Files that are something else than their name says: recognised, so that the message says what to do.

Belongs here: by what a format is known, and the advice. Does not: when to ask (`text_files.py`, the
readers), nor what is in a file. Nothing here lets a file pass that could be read otherwise.
"""

import re
from collections.abc import Collection, Sequence
from typing import Final

from orchestration.foundations.texts import nearest_name, shown
from orchestration.ingest.quarantine import FileFault, FileReason

LONGEST_SIGNATURE_BYTES: Final = 8

_AS_TEXT: Final = "save it as CSV in UTF-8, with commas"
# What such files begin with: what they are, and what to do with them.
_SIGNATURES: Final = {
    b"\xff\xfe": ("text in UTF-16", "export it in UTF-8"),
    b"\xfe\xff": ("text in UTF-16", "export it in UTF-8"),
    b"\x1f\x8b\x08": ("compressed by gzip", "let its name end in .csv.gz or .jsonl.gz"),
    b"\x28\xb5\x2f\xfd": ("compressed by zstd", "let its name end in .csv.zst or .jsonl.zst"),
    b"PAR1\x15": ("Parquet", "let its name end in .parquet"),
    b"PK\x03\x04": ("a ZIP archive, or a workbook of a spreadsheet", f"unpack it, or {_AS_TEXT}"),
    b"\xd0\xcf\x11\xe0": ("an old workbook of a spreadsheet", _AS_TEXT),
}
_LONGEST_LINE: Final = 80
_MOST_COMPARED: Final = 100
_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}


def demand_text(start: bytes) -> None:
    """FileFault if what a text file begins with, once decompressed, is known to be no UTF-8 text."""
    for signature, (found, advice) in _SIGNATURES.items():
        if start.startswith(signature):
            raise FileFault(
                FileReason.UNREADABLE, f"found {found}, expected text in UTF-8; {advice}"
            )
    # Each letter of English has a byte that is 0 in UTF-16, also where no mark says so.
    if b"\0\0" in (start[:4:2], start[1:4:2]):
        raise FileFault(
            FileReason.UNREADABLE,
            "found text in UTF-16 or no text, expected text in UTF-8; export it in UTF-8",
        )


def not_compressed(start: bytes, suffix: str) -> FileFault | None:
    """The fault of a file that begins so and is not compressed as its suffix says; None if it is."""
    signature = b"\x1f\x8b" if suffix.endswith(".gz") else b"\x28\xb5\x2f\xfd"
    if start.startswith(signature) or not start.isascii():
        return None  # it is, or it is broken: whoever decompresses it says how
    plain = suffix.rpartition(".")[0]
    return FileFault(
        FileReason.UNREADABLE,
        f"found no {suffix[-3:].lstrip('.')} data, expected it by the name;"
        f" if it is not compressed, let its name end in {plain}",
    )


def other_separator(names: Sequence[str], required: Collection[str]) -> str:
    """The text about a header whose cells another separator parts, so that required columns show; else "".

    Begins with "; ", to be put behind what is wrong.
    """
    if not set(names).isdisjoint(required):
        return ""
    for separator, word in _SEPARATORS.items():
        parts = {name.strip('"') for name in ",".join(names).split(separator)}
        if not parts.isdisjoint(required):
            return f"; found {word} between the columns, expected commas: export it with commas"
    return ""


def no_header(line: str, names: Sequence[str], known: Collection[str]) -> str:
    """The text about a first line that names no column of the dataset, nor half of them nearly; else "".

    Begins with "; ", to be put behind what is wrong.
    """
    if not set(names).isdisjoint(known):
        return ""
    if spreadsheet := re.fullmatch("sep=(.?)", line.strip()):
        commas = "" if spreadsheet[1] == "," else ", and export it with commas"
        return (
            f"; found the line '{shown(line)}' of a spreadsheet, expected the names of the columns:"
            f" take the line away{commas}"
        )
    some = names[:_MOST_COMPARED]
    if 2 * sum(nearest_name(name, known) is not None for name in some) >= len(some):
        return ""
    return f"; found '{shown(line, _LONGEST_LINE)}' in the first line, expected the names of the columns"


def lines_end_in_cr(header: bytes) -> FileFault:
    """The fault of a CSV file without any LF in, or after, its header of many lines."""
    end = header.index(b"\r")
    return FileFault(
        FileReason.UNREADABLE,
        f"found lines that end in CR alone (the first after {end:,} bytes), expected LF or CRLF;"
        " export it with line ends of Windows or Unix",
    )
