r"""The meaning of one value: SQL that gives it its type, or says why it has none (contract §2).

Belongs here: the grammar of each kind of column, once, for text (CSV and JSONL alike) and for the
types Parquet may hold it in. Does not: rows (`raw_tables.py`), files (the readers).

Two rules keep this exact. DuckDB's casts are lax ('1_000' is a number to it, as TIMESTAMP it drops
the offset of '…+05:00' without a word), so no text is cast before a pattern has matched all of it, and
no value is cast to a type that could round it. And a timestamp of Parquet may be any 64 bits: some
of them, cast to text or compared with another unit, end the whole database, so nothing but its
epoch is ever asked for until that is known to lie within a year from 1 to 9999.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from orchestration.foundations.cursors import sql_text
from orchestration.ingest.datasets import SQL_TYPES, Column, Kind
from orchestration.ingest.limits import LONGEST_VALUE_BYTES
from orchestration.ingest.person_names import COMPARED_NAME
from orchestration.ingest.quarantine import LONGEST_RAW_TEXT_CHARACTERS, RowReason
from orchestration.ingest.text_files import UNUSABLE_TEXT
from orchestration.terms.currencies import CURRENCIES, minor_unit_decimals
from orchestration.terms.people import MOST_OF_A_NAME

LARGEST_COUNT: Final = 10**15
LONGEST_IDENTIFIER: Final = 128
LONGEST_NAME: Final = MOST_OF_A_NAME
LONGEST_REASON: Final = 500
LARGEST_AMOUNT: Final = 10**12
RATE_DECIMALS: Final = 10
LARGEST_CAP: Final = 10**12

_LOCAL_TIME: Final = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
)
_OFFSET: Final = "[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?"
_DAY: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_FIRST_MICROSECOND: Final = (datetime(1, 1, 1) - datetime(1970, 1, 1)) // timedelta(microseconds=1)
_LAST_MICROSECOND: Final = (datetime.max - datetime(1970, 1, 1)) // timedelta(microseconds=1)
_FIRST_INSTANT: Final = "TIMESTAMPTZ '0001-01-01 00:00:00+00'"
_LAST_INSTANT: Final = "TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'"
_DAY_MICROSECONDS: Final = 24 * 60 * 60 * 1_000_000

_WHOLE_TYPES: Final = frozenset(
    f"{sign}{width}INT" for sign in ("", "U") for width in ("TINY", "SMALL", "BIG", "HUGE")
) | {"INTEGER", "UINTEGER"}
_FLOAT_TYPES: Final = frozenset({"FLOAT", "DOUBLE"})
_TEXT_TYPES: Final = frozenset({"VARCHAR", "JSON"})
_INSTANT_TYPES: Final = frozenset({"TIMESTAMP", "TIMESTAMP WITH TIME ZONE"})
_FINE_INSTANT_TYPES: Final = frozenset({"TIMESTAMP_NS", "TIMESTAMPTZ_NS"})
_LENGTHS: Final = {
    "VARCHAR": "strlen({})",
    "JSON": "strlen(CAST({} AS VARCHAR))",
    "BLOB": "octet_length({})",
}
_DECIMAL_TYPE: Final = re.compile(r"DECIMAL\([0-9]+,([0-9]+)\)")


@dataclass(frozen=True)
class CellRules:
    """The program's rules about values: a cap has no more decimals than its currency."""

    program: str
    currency_decimals: int


@dataclass(frozen=True)
class Cell:
    """SQL expressions over one value of a source.

    given: whether there is one. value: it, typed; null where none is given and where it is bad.
    fault: the reason code of a bad one. shown: it as text, whatever it is. good: whether one that is
    given is good, which is `value IS NOT NULL` or says the same for less. sure: the value, typed, of a
    source that is known to hold none that is bad: cheaper, where there is no need to look; of a bad one
    it is anything, but no error.
    """

    given: str
    value: str
    fault: str
    shown: str
    good: str
    sure: str


@dataclass(frozen=True)
class Beside:
    """SQL of what stands beside a value in its row, as text: its meaning hangs on it."""

    program: str = "NULL"
    currency: str = "NULL"


ALONE: Final = Beside()


def text_cell(column: Column, text: str, rules: CellRules, beside: Beside = ALONE) -> Cell:
    """The cell of a source column of text."""
    value, fault = _unless_long(f"strlen({text})", *_read(column, text, rules, beside))
    given = _given(column, text)
    return Cell(given, value, fault, text, _is_read(value), value)


def missing_cell(column: Column) -> Cell:
    """The cell of a column that the source does not have."""
    null = f"CAST(NULL AS {SQL_TYPES[column.kind]})"
    return Cell("false", null, "NULL", "NULL", "false", null)


def parquet_cell(
    column: Column, source: str, type_name: str, rules: CellRules, beside: Beside = ALONE
) -> Cell:
    """The cell of a Parquet column that DuckDB reads as `type_name`.

    A type that cannot hold the kind of value makes every value of it bad; nulls are nulls in any.
    """
    given = f"{source} IS NOT NULL"
    shown = shown_text(source, type_name)
    native = _native(column.kind, source, type_name)
    if native is not None:
        value, fault = native
        good = _good(column.kind, source, type_name) or _is_read(value)
        return Cell(
            given, value, fault, shown, good, _sure(column.kind, source, type_name) or value
        )
    text = parquet_text(column.kind, source, type_name)
    if text is None:
        cell = missing_cell(column)
        fault = _reason(RowReason.UNPARSEABLE)
        return Cell(given, cell.value, fault, shown, "false", cell.value)
    value, fault = _read(column, text, rules, beside)
    given = _given(column, text, source)
    if type_name == "BLOB":
        fault = f"CASE WHEN {text} IS NULL THEN {_reason(RowReason.NOT_UTF8)} ELSE {fault} END"
    if column.kind is Kind.CAP and type_name in _FLOAT_TYPES:
        is_ours = f"{beside.program} = {sql_text(rules.program)}"
        value = f"CASE WHEN {is_ours} THEN {value} ELSE {_others_float_cap(source, value)} END"
    if type_name in _LENGTHS:
        value, fault = _unless_long(_LENGTHS[type_name].format(source), value, fault)
    good = _good(column.kind, source, type_name) or _is_read(value)
    return Cell(given, value, fault, shown, good, _sure(column.kind, source, type_name) or value)


def _given(column: Column, text: str, source: str | None = None) -> str:
    """True if there is a value: an approver whose name is refused is none (§2)."""
    given = f"{source or text} IS NOT NULL"
    if column.kind is Kind.PERSON and column.is_optional:
        return f"({given} AND NOT coalesce({_is_refused(text)}, false))"
    return given


def _unless_long(length: str, value: str, fault: str) -> tuple[str, str]:
    """Value and fault, out of range beyond the longest there is: nobody looks at each letter of it."""
    is_long = f"{length} > {LONGEST_VALUE_BYTES}"
    out_of_range = _reason(RowReason.OUT_OF_RANGE)
    return (
        f"CASE WHEN NOT ({is_long}) THEN {value} END",
        f"CASE WHEN {is_long} THEN {out_of_range} ELSE {fault} END",
    )


def _is_read(value: str) -> str:
    return f"({value}) IS NOT NULL"


def _good(kind: Kind, source: str, type_name: str) -> str | None:
    """True if a Parquet value is good, where its type makes that cheaper than to read it."""
    if kind is Kind.IDENTIFIER and _is_name_of_its_own(type_name):
        return f"{source} IS NOT NULL"
    if kind is Kind.COUNT and type_name in _WHOLE_TYPES:
        return f"{source} BETWEEN 0 AND {LARGEST_COUNT}"
    if kind is Kind.TIMESTAMP and type_name == "TIMESTAMP":
        first, last = (f"make_timestamp({end})" for end in (_FIRST_MICROSECOND, _LAST_MICROSECOND))
        return f"{source} BETWEEN {first} AND {last}"
    return None


def _sure(kind: Kind, source: str, type_name: str) -> str | None:
    """A Parquet value of which it is known that it is good, where its type makes that cheaper."""
    if kind is Kind.IDENTIFIER and type_name == "VARCHAR":
        return source
    if kind is Kind.COUNT and type_name in _WHOLE_TYPES:
        return f"TRY_CAST({source} AS BIGINT)"
    if kind is Kind.TIMESTAMP and type_name == "TIMESTAMP":
        return source
    return None


def parquet_text(kind: Kind, source: str, type_name: str) -> str | None:
    """The value of a Parquet column as text that means exactly the same, if it may be text."""
    if type_name in _TEXT_TYPES and kind is not Kind.FLAG:
        return f"CAST({source} AS VARCHAR)"
    if type_name == "BLOB" and kind is not Kind.FLAG:
        return f"TRY(decode({source}))"  # null where it is not UTF-8
    if kind is Kind.IDENTIFIER and _is_name_of_its_own(type_name):
        return f"CAST({source} AS VARCHAR)"
    if kind in (Kind.RATE, Kind.CAP, Kind.AMOUNT):
        if type_name in _WHOLE_TYPES or _DECIMAL_TYPE.fullmatch(type_name):
            return _decimal_text(source)
        if type_name in _FLOAT_TYPES and kind is Kind.AMOUNT:
            return f"CASE WHEN {source} < 0 THEN '-' ELSE '' END || {_float_text(f'abs({source})')}"
        if type_name in _FLOAT_TYPES:
            return _float_text(source)
    if kind is Kind.COUNT and _DECIMAL_TYPE.fullmatch(type_name):
        return _decimal_text(source)
    return None


def _is_name_of_its_own(type_name: str) -> bool:
    """True if values of the type are ids as they are: whole numbers, and UUIDs in lower case."""
    decimal = _DECIMAL_TYPE.fullmatch(type_name)
    is_whole = decimal is not None and decimal[1] == "0"
    return type_name in _WHOLE_TYPES or type_name == "UUID" or is_whole


def shown_text(source: str, type_name: str) -> str:
    """A Parquet value as text for people, whatever it is; safe for any bits it may have."""
    if type_name in _INSTANT_TYPES:
        instant = _instant(f"epoch_us({source})")
        return f"coalesce(CAST({instant} AS VARCHAR), CAST(epoch_us({source}) AS VARCHAR))"
    if type_name in _FINE_INSTANT_TYPES:
        return f"CAST(epoch_ns({source}) AS VARCHAR)"
    if type_name in _TEXT_TYPES:
        return f"left(CAST({source} AS VARCHAR), {LONGEST_RAW_TEXT_CHARACTERS})"
    if type_name == "BLOB":
        is_short = f"octet_length({source}) <= {LONGEST_VALUE_BYTES}"
        size = f"'<' || octet_length({source}) || ' bytes>'"
        return f"CASE WHEN {is_short} THEN CAST({source} AS VARCHAR) ELSE {size} END"
    if type_name in _WHOLE_TYPES | _FLOAT_TYPES | {
        "BOOLEAN",
        "DATE",
        "UUID",
    } or _DECIMAL_TYPE.fullmatch(type_name):
        return f"CAST({source} AS VARCHAR)"
    return f"CASE WHEN {source} IS NOT NULL THEN {sql_text(f'<{type_name}>')} END"


def _read(column: Column, text: str, rules: CellRules, beside: Beside) -> tuple[str, str]:
    """Value and fault of a text."""
    match column.kind:
        case Kind.IDENTIFIER:
            return _plain_text(text, LONGEST_IDENTIFIER)
        case Kind.REASON:
            return _plain_text(text, LONGEST_REASON)
        case Kind.PERSON:
            return _person(text)
        case Kind.CHOICE:
            return _word(text, column.choices)
        case Kind.CURRENCY:
            return _word(text, CURRENCIES)
        case Kind.TIMESTAMP:
            return _timestamp(text)
        case Kind.DAY:
            return _day(text)
        case Kind.FLAG:
            value = f"CASE lower({text}) WHEN 'true' THEN true WHEN 'false' THEN false END"
            return value, _reason(RowReason.UNPARSEABLE)
        case Kind.COUNT:
            return _count(text)
        case Kind.RATE:
            return _number(text, Kind.RATE, _decimals(text, RATE_DECIMALS), "> 0")
        case Kind.CAP:
            is_ours = f"{beside.program} = {sql_text(rules.program)}"
            # Where the program cannot be told, the row is bad for that.
            is_fine = (
                f"CASE WHEN {is_ours} THEN {_decimals(text, rules.currency_decimals)}"
                f" ELSE {_is_plain_decimal(text)} END"
            )
            return _number(text, Kind.CAP, is_fine, f"BETWEEN 0 AND {LARGEST_CAP}")
        case Kind.AMOUNT:
            return _amount(text, beside.currency)


def _is_text(text: str, longest: int) -> str:
    return f"length({text}) BETWEEN 1 AND {longest} AND NOT {_is_control(text)}"


def _is_control(text: str) -> str:
    return f"regexp_matches({text}, '\\p{{Cc}}')"


def _plain_text(text: str, longest: int) -> tuple[str, str]:
    fault = _fault((_is_control(text), RowReason.UNPARSEABLE), RowReason.OUT_OF_RANGE)
    return f"CASE WHEN {_is_text(text, longest)} THEN {text} END", fault


def _person(text: str) -> tuple[str, str]:
    """A name, unless it is refused where names are compared (§7)."""
    plain, fault = _plain_text(text, LONGEST_NAME)
    is_refused = _is_refused(text)
    value = f"CASE WHEN NOT ({is_refused}) THEN {plain} END"
    return value, f"CASE WHEN {is_refused} THEN {_reason(RowReason.UNPARSEABLE)} ELSE {fault} END"


def _is_refused(text: str) -> str:
    return f"{_is_text(text, LONGEST_NAME)} AND {COMPARED_NAME}({text}) IS NULL"


def _word(text: str, words: tuple[str, ...]) -> tuple[str, str]:
    known = ", ".join(map(sql_text, words))
    is_unusable = f"{text} = chr({ord(UNUSABLE_TEXT)})"
    fault = _fault((is_unusable, RowReason.UNPARSEABLE), RowReason.UNKNOWN_VALUE)
    return f"CASE WHEN {text} IN ({known}) THEN {text} END", fault


def _timestamp(text: str) -> tuple[str, str]:
    # With an offset, which each text of the pattern has, the cast asks for no time zone of the session.
    is_timestamp = f"regexp_full_match({text}, '{_LOCAL_TIME}(Z| UTC|{_OFFSET})')"
    instant = f"TRY_CAST({text} AS TIMESTAMPTZ)"
    is_in_range = f"{instant} BETWEEN {_FIRST_INSTANT} AND {_LAST_INSTANT}"
    # To microseconds and back: a cast to TIMESTAMP would give the session's local time.
    value = (
        f"make_timestamp(epoch_us(CASE WHEN {is_timestamp} AND {is_in_range} THEN {instant} END))"
    )
    is_bad = f"NOT {is_timestamp} OR {instant} IS NULL"
    return value, _fault((is_bad, RowReason.UNPARSEABLE), RowReason.OUT_OF_RANGE)


def _day(text: str) -> tuple[str, str]:
    day = f"CASE WHEN regexp_full_match({text}, '{_DAY}') THEN TRY_CAST({text} AS DATE) END"
    fault = _fault((f"({day}) IS NULL", RowReason.UNPARSEABLE), RowReason.OUT_OF_RANGE)
    return _day_in_range(f"({day})"), fault


def _count(text: str) -> tuple[str, str]:
    # Nearly all are plain digits; the longer way also takes `80.0`, as tools write what has nulls:
    # the cast would round other fractions, and is exact for these.
    number = f"TRY_CAST({text} AS BIGINT)"
    value = (
        f"CASE WHEN regexp_full_match({text}, '[0-9]{{1,15}}') THEN {number}"
        f" WHEN regexp_full_match({text}, '[0-9]+(\\.0+)?') AND {number} <= {LARGEST_COUNT}"
        f" THEN {number} END"
    )
    is_whole = f"regexp_full_match({text}, '-?[0-9]+(\\.0+)?')"
    return value, _fault((f"NOT {is_whole}", RowReason.UNPARSEABLE), RowReason.OUT_OF_RANGE)


def _number(text: str, kind: Kind, has_decimals: str, in_range: str) -> tuple[str, str]:
    number = f"TRY_CAST({text} AS {SQL_TYPES[kind]})"
    is_number = f"regexp_full_match({text}, '-?[0-9]+(\\.[0-9]+)?')"
    fault = _fault((f"NOT {is_number}", RowReason.UNPARSEABLE), RowReason.OUT_OF_RANGE)
    return f"CASE WHEN {has_decimals} AND {number} {in_range} THEN {number} END", fault


def _is_plain_decimal(text: str) -> str:
    return f"regexp_full_match({text}, '[0-9]+(\\.[0-9]+)?')"


def _amount(text: str, currency: str) -> tuple[str, str]:
    """A plain decimal with a sign or without, "with no more decimals than its currency has"."""
    number = f"TRY_CAST({text} AS {SQL_TYPES[Kind.AMOUNT]})"
    is_number = f"regexp_full_match({text}, '[+-]?[0-9]+(\\.[0-9]+)?')"
    unsigned = f"ltrim({text}, '+-')"
    # Where the currency cannot be told, the row is bad for that.
    cases = " ".join(
        f"WHEN {currency} IN ({', '.join(map(sql_text, codes))}) THEN {_decimals(unsigned, decimals)}"
        for decimals, codes in _codes_by_decimals().items()
    )
    is_fine = f"CASE {cases} ELSE {_is_plain_decimal(unsigned)} END"
    in_range = f"{number} BETWEEN -{LARGEST_AMOUNT} AND {LARGEST_AMOUNT}"
    fault = _fault((f"NOT {is_number}", RowReason.UNPARSEABLE), RowReason.OUT_OF_RANGE)
    return f"CASE WHEN {is_number} AND {is_fine} AND {in_range} THEN {number} END", fault


def _decimals(text: str, most: int) -> str:
    """True if the text is a plain decimal with no more decimals, by value: 1.50 has one."""
    fraction = f"[0-9]{{1,{most}}}0*" if most else "0+"
    return f"regexp_full_match({text}, '[0-9]+(\\.{fraction})?')"


def _native(kind: Kind, source: str, type_name: str) -> tuple[str, str] | None:
    """Value and fault of a Parquet column whose type is near enough to need no text."""
    if kind is Kind.COUNT and type_name in _WHOLE_TYPES:
        value = (
            f"CASE WHEN {source} BETWEEN 0 AND {LARGEST_COUNT} THEN CAST({source} AS BIGINT) END"
        )
        return value, _reason(RowReason.OUT_OF_RANGE)
    if kind is Kind.COUNT and type_name in _FLOAT_TYPES:
        return _float_count(f"CAST({source} AS DOUBLE)")
    if kind is Kind.FLAG and type_name == "BOOLEAN":
        return source, _reason(RowReason.UNPARSEABLE)
    if kind is Kind.DAY and type_name == "DATE":
        return _day_in_range(source), _reason(RowReason.OUT_OF_RANGE)
    if kind in (Kind.TIMESTAMP, Kind.DAY):
        if type_name in _INSTANT_TYPES:
            microseconds, is_finer = f"epoch_us({source})", "false"
        elif type_name in _FINE_INSTANT_TYPES:
            microseconds, is_finer = (
                f"(epoch_ns({source}) // 1000)",
                f"epoch_ns({source}) % 1000 <> 0",
            )
        else:
            return None
        if kind is Kind.DAY:  # midnight, as pandas writes days
            is_finer = f"({is_finer} OR {microseconds} % {_DAY_MICROSECONDS} <> 0)"
        instant = _instant(f"CASE WHEN NOT {is_finer} THEN {microseconds} END")
        fault = _fault((is_finer, RowReason.UNPARSEABLE), RowReason.OUT_OF_RANGE)
        return f"CAST({instant} AS {SQL_TYPES[kind]})", fault
    return None


def _day_in_range(day: str) -> str:
    return f"CASE WHEN {day} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN {day} END"


def _instant(microseconds: str) -> str:
    """The instant so many microseconds after 1970, null outside the years 1 to 9999."""
    in_range = f"({microseconds}) BETWEEN {_FIRST_MICROSECOND} AND {_LAST_MICROSECOND}"
    return f"make_timestamp(CASE WHEN {in_range} THEN {microseconds} END)"


def _float_count(number: str) -> tuple[str, str]:
    # Every whole number up to 10^15 is a double of its own.
    is_good = f"{number} BETWEEN 0 AND {LARGEST_COUNT} AND {number} = floor({number})"
    is_fraction = f"(NOT isfinite({number}) OR {number} <> floor({number}))"
    fault = _fault((is_fraction, RowReason.UNPARSEABLE), RowReason.OUT_OF_RANGE)
    return f"CASE WHEN {is_good} THEN CAST({number} AS BIGINT) END", fault


def _others_float_cap(source: str, exact: str) -> str:
    # Of another program, whose currency nobody knows here: 99.99 is no double, but near enough for
    # what nobody computes with.
    number, scaled = _scaled(source)
    near = f"CASE WHEN {number} BETWEEN 0 AND {LARGEST_CAP} THEN CAST({number} AS {SQL_TYPES[Kind.CAP]}) END"
    return f"CASE WHEN {scaled} = floor({scaled}) THEN {exact} ELSE {near} END"


def _decimal_text(source: str) -> str:
    # DuckDB writes 0.5 of a DECIMAL(5,5) as '.50000'
    return f"regexp_replace(CAST({source} AS VARCHAR), '^(-?)\\.', '\\10.')"


def _float_text(source: str) -> str:
    """A float as plain decimal text of exactly its value.

    A double has at most n decimals if and only if 2^n times it is whole, and that product is exact;
    from 2^53 on every double is whole.
    One with more than 10 becomes a text with one decimal too many, one of 10^38 or more 10^38: both
    are out of range, whatever they are exactly.
    """
    number, scaled = _scaled(source)
    whole = f"CAST(CAST({scaled} AS HUGEINT) * {5**RATE_DECIMALS} AS VARCHAR)"
    digits = f"lpad({whole}, CAST(greatest(length({whole}), {RATE_DECIMALS + 1}) AS INTEGER), '0')"
    text = f"left({digits}, -{RATE_DECIMALS}) || '.' || right({digits}, {RATE_DECIMALS})"
    return (
        f"CASE WHEN {source} IS NULL THEN NULL"
        f" WHEN NOT isfinite({number}) THEN 'not a number'"
        f" WHEN {number} < 0 THEN '-1'"
        f" WHEN {number} >= 1e38 THEN '1' || repeat('0', 38)"
        f" WHEN {number} >= {2**53} THEN CAST(CAST({number} AS HUGEINT) AS VARCHAR)"
        f" WHEN {scaled} <> floor({scaled}) THEN '0.' || repeat('1', {RATE_DECIMALS + 1})"
        f" ELSE {text} END"
    )


def _scaled(source: str) -> tuple[str, str]:
    """A float, and a product of it that is exact, and whole if the float has at most 10 decimals."""
    number = f"CAST({source} AS DOUBLE)"
    return number, f"({number} * {2**RATE_DECIMALS})"


def _fault(first: tuple[str, RowReason], otherwise: RowReason) -> str:
    condition, reason = first
    return f"CASE WHEN {condition} THEN {_reason(reason)} ELSE {_reason(otherwise)} END"


def _reason(reason: RowReason) -> str:
    return sql_text(reason.value)


@cache
def _codes_by_decimals() -> dict[int, list[str]]:
    codes: dict[int, list[str]] = {}
    for code in CURRENCIES:
        codes.setdefault(minor_unit_decimals(code), []).append(code)
    return codes
