"""Where money goes and where it comes from (§14): the accounts of creators, a CSV, and the debtor's, a YAML.

Both files are typed by people. So everything that is wrong is named at once, with file and line, and
nothing is mended: a name that the bank cannot take is told, never cut. Account numbers are not
repeated in messages, which end up in logs.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestration.foundations.files import read_regular_file
from orchestration.foundations.texts import nearest_name, shown
from orchestration.payments import MOST_BYTES
from orchestration.terms.problems import Problem
from orchestration.terms.yaml_reader import MappingNode, Scalar, read_yaml

PARTY_COLUMNS: Final = ("name", "town", "country", "iban", "bic", "account")
"""The keys of the debtor, and the columns of the accounts beside creator_id."""
_REQUIRED: Final = ("name", "town", "country")
_LONGEST: Final = {"name": 140, "town": 35, "account": 34}
"""Characters that pain.001.001.09 has room for: Max140Text, Max35Text, Max34Text."""

_LATIN: Final = re.compile(r"(?!/)(?!.*//)[A-Za-z0-9/?:().,'+ -]{1,70}(?<!/)")
"""What every bank takes in a name: SEPA's characters, at most 70, no slash at an end, none twice."""
_NUMBER: Final = re.compile(r"[A-Za-z0-9/?:().,'+ -]+")
_BIC: Final = re.compile("[A-Z0-9]{4}([A-Z]{2})[A-Z0-9]{2}([A-Z0-9]{3})?")
_JOINERS: Final = "\u200c\u200d"  # invisible, but spelling in Persian and in scripts of India
_LONGEST_SHOWN: Final = 80


class Unpayable(ValueError):
    """Files of accounts from which nothing can be paid; the text has a line for each fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = list(faults)


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who pays or is paid: an IBAN, or a BIC with a number of an account there."""

    name: str
    town: str
    country: str  # ISO 3166, two letters
    iban: str | None = None  # without blanks
    bic: str | None = None
    account: str | None = None

    @property
    def is_plain_latin(self) -> bool:
        """False where some banks take the name or town only by arrangement: other letters, over 70 characters."""
        return all(_LATIN.fullmatch(text) is not None for text in (self.name, self.town))


def read_accounts(path: Path, paid: Collection[str]) -> tuple[dict[str, Party], list[str]]:
    """The parties of the creators in `paid`, by id, and all faults in words.

    Rows of others are not judged. Faults are also those of the file as a whole, and each creator of
    `paid` that has no row, or more than one.
    """
    rows, faults = _rows(path)
    parties: dict[str, Party] = {}
    lines: dict[str, int] = {}
    for line, row in rows:
        creator = row["creator_id"]
        if creator not in paid:
            continue
        where = f"{path}:{line}: {_quoted(creator)}"
        if creator in lines:
            faults.append(f"{where} has a row in line {lines[creator]} already; one a creator")
            continue
        lines[creator] = line
        cells = {name: row.get(name, "").strip(" ") for name in PARTY_COLUMNS}
        wrong = [f"{where}: {column} {what}" for column, what in _wrong(cells)]
        faults += wrong
        if not wrong:
            parties[creator] = _party(cells)
    if rows or not faults:
        faults += [
            f"{path}: {_quoted(creator)} is to be paid and has no row"
            for creator in sorted(set(paid) - lines.keys())
        ]
    return parties, faults


def read_debtor(path: Path) -> tuple[Party | None, list[str]]:
    """The paying party of a YAML file, and all faults in words; None where there are any."""
    content = _content(path)
    if isinstance(content, str):
        return None, [content]
    root, problems = read_yaml(content, str(path))
    if root is None or problems:
        return None, [str(problem) for problem in problems]
    if not isinstance(root, MappingNode):
        what = Problem(str(path), (), "no mapping", f"the keys {', '.join(PARTY_COLUMNS)}")
        return None, [str(what)]
    cells = dict.fromkeys(PARTY_COLUMNS, "")
    for key, node in root.items():
        if key not in PARTY_COLUMNS:
            near = nearest_name(key, PARTY_COLUMNS)
            expected = f"one of {', '.join(PARTY_COLUMNS)}" + (f"; perhaps {near}" if near else "")
            problems.append(
                Problem(str(path), (key,), "an unknown key", expected, root.key_lines[key])
            )
        elif not isinstance(node, Scalar):
            problems.append(Problem(str(path), (key,), "more than a text", "a text", node.line))
        elif not node.is_null:
            cells[key] = node.text.strip(" ")
    faults = [str(problem) for problem in problems]
    if not faults:
        faults = [
            f"{path}:{root.key_lines.get(key, root.line)}: {key} {what}"
            for key, what in _wrong(cells)
        ]
    return (None, faults) if faults else (_party(cells), [])


def _party(cells: Mapping[str, str]) -> Party:
    return Party(
        cells["name"],
        cells["town"],
        cells["country"],
        cells["iban"].replace(" ", "").upper() or None,
        cells["bic"] or None,
        cells["account"] or None,
    )


def _wrong(cells: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Column and fault, of a party's cells; nothing where it can be paid."""
    for column in _REQUIRED:
        if not cells[column].strip():
            yield column, "is empty"
    for column, longest in _LONGEST.items():
        if (length := len(cells[column])) > longest:
            yield column, f"has {length} characters, and the bank's format has room for {longest}"
    for column in ("name", "town"):
        if (found := _unwritable(cells[column])) is not None:
            yield column, f"has the character U+{ord(found):04X}, which cannot be written"
    if cells["country"] and not _is_country(cells["country"]):
        found = _quoted(cells["country"])
        yield "country", f"is {found}; expected a code of ISO 3166 in two letters, as DE"
    yield from _wrong_account(cells["iban"], cells["bic"], cells["account"])


def _wrong_account(iban: str, bic: str, account: str) -> Iterator[tuple[str, str]]:
    if iban and account:
        yield "account", "stands beside an iban: which of them? Give one"
    elif not iban and not (bic and account):
        has = " and ".join(name for name, text in (("bic", bic), ("account", account)) if text)
        yield (
            "iban",
            f"is empty{f', with only {has}' if has else ''}; expected it, or a bic with an account",
        )
    if iban and (what := _wrong_iban(iban)) is not None:
        yield "iban", what
    if bic:
        form = _BIC.fullmatch(bic)
        if form is None or not _is_country(form[1]):
            found = _quoted(bic)
            yield (
                "bic",
                f"is {found}; expected 8 or 11 capital letters and digits, the country at 5 and 6",
            )
    if account and not _NUMBER.fullmatch(account):
        yield "account", "has other characters than A-Z a-z 0-9 / - ? : ( ) . , ' + and blanks"


def _wrong_iban(text: str) -> str | None:
    from schwifty import IBAN
    from schwifty.exceptions import InvalidChecksumDigits, SchwiftyException

    if not re.fullmatch("[A-Za-z0-9 ]+", text):
        return "has other characters than letters and digits"
    try:
        IBAN(text)
    except InvalidChecksumDigits:
        return "has check digits that do not fit: a digit or letter of it is wrong"
    except SchwiftyException as error:
        # Some of its texts repeat the number.
        kind = re.sub("(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
        return f"cannot be one ({kind})"
    return None


def _is_country(code: str) -> bool:
    """ISO 3166-1; beside it XK, by which banks know Kosovo."""
    import pycountry

    return bool(re.fullmatch("[A-Z]{2}", code)) and (
        code == "XK" or pycountry.countries.get(alpha_2=code) is not None
    )


def _quoted(text: str) -> str:
    return f"'{shown(text, _LONGEST_SHOWN)}'"


def _unwritable(text: str) -> str | None:
    """The first character that XML or a bank cannot have in a name; None if there is none."""
    for character in text:
        kind = unicodedata.category(character)
        if (kind[0] == "C" and character not in _JOINERS) or kind in ("Zl", "Zp"):
            return character
    return None


def _rows(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Rows with the number of their line; those that are none are faults."""
    content = _content(path)
    if isinstance(content, str):
        return [], [content]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"the byte 0x{content[error.start]:02x} is not UTF-8; export it as UTF-8"
        return [], [f"{path}:{line}: {found}"]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows, faults, header = [], [], None
    try:
        for cells in reader:
            line = reader.line_num
            if not cells:
                continue
            if header is None:
                header = cells
                if faults := _wrong_header(path, line, header):
                    break
            elif len(cells) != len(header):
                faults.append(
                    f"{path}:{line}: {len(cells)} cells, and the header has {len(header)}"
                )
            else:
                rows.append((line, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        faults.append(f"{path}:{reader.line_num}: no CSV ({error})")
    if header is None and not faults:
        faults.append(f"{path}: no header; expected creator_id, {', '.join(PARTY_COLUMNS)}")
    return rows, faults


def _wrong_header(path: Path, line: int, header: Sequence[str]) -> list[str]:
    where, known = f"{path}:{line}:", ("creator_id", *PARTY_COLUMNS)
    if len(header) == 1 and (other := next((c for c in ";\t|" if c in header[0]), None)):
        return [f"{where} cells are separated by {other!r}; expected commas"]
    faults = []
    for name in dict.fromkeys(header):
        if name not in known:
            near = nearest_name(name, known)
            hint = f"; perhaps {near}" if near else ""
            found = _quoted(name)
            faults.append(f"{where} unknown column {found}; there are {', '.join(known)}{hint}")
        elif header.count(name) > 1:
            faults.append(f"{where} the column {name} stands there {header.count(name)} times")
    missing = [name for name in ("creator_id", *_REQUIRED) if name not in header]
    if not {"iban", "account"} & set(header):
        missing.append("iban (or bic and account)")
    return faults + [f"{where} no column {name}" for name in missing]


def _content(path: Path) -> bytes | str:
    """The bytes of a regular file, or why there are none."""
    try:
        content = read_regular_file(path, MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        return f"{path}: cannot be read: {reason}"
    return f"{path}: more than {MOST_BYTES:,} bytes" if len(content) > MOST_BYTES else content
