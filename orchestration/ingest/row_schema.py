"""A row of a dataset as a JSON Schema, for whoever delivers (contract §2).

Belongs here: what JSON lines may say for each kind of column (draft 7). Does not: the judging of
what was delivered (`cells.py`), and the meaning of a column, which the contract says and the caller
gives.

A schema sees one row: not the key, not whether ineligible_views exceed views, not how many decimals a
currency has, not whether a name is refused, and not how a number is written (`1e3` is no count).
"""

from collections.abc import Mapping
from typing import Any, Final

from orchestration.ingest.datasets import Column, Dataset, Kind
from orchestration.terms.currencies import CURRENCIES
from orchestration.terms.schema import DAY, DRAFT, NO_CONTROL_CHARACTERS, Schema

_TIMESTAMP: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"(Z| UTC|[+-][0-9]{2}(:?[0-9]{2})?)$"
)


def _text(longest: int) -> Schema:
    return {
        "type": "string",
        "minLength": 1,
        "maxLength": longest,
        "pattern": NO_CONTROL_CHARACTERS,
    }


KINDS: Final[Mapping[Kind, Schema]] = {
    Kind.IDENTIFIER: _text(128),
    Kind.CHOICE: {"type": "string"},
    Kind.CURRENCY: {"type": "string", "enum": list(CURRENCIES)},
    Kind.TIMESTAMP: {"type": "string", "pattern": _TIMESTAMP},
    Kind.DAY: {"type": "string", "pattern": DAY},
    Kind.FLAG: {"type": "boolean"},
    Kind.COUNT: {
        "type": ["integer", "string"],
        "minimum": 0,
        "maximum": 10**15,
        "pattern": r"^[0-9]+(\.0+)?$",
    },
    Kind.RATE: {
        "type": ["number", "string"],
        "exclusiveMinimum": 0,
        "pattern": r"^[0-9]+(\.[0-9]{1,10}0*)?$",
    },
    Kind.CAP: {
        "type": ["number", "string"],
        "minimum": 0,
        "maximum": 10**12,
        "pattern": r"^[0-9]+(\.[0-9]+)?$",
    },
    Kind.AMOUNT: {
        "type": ["number", "string"],
        "minimum": -(10**12),
        "maximum": 10**12,
        "pattern": r"^[+-]?[0-9]+(\.[0-9]+)?$",
    },
    Kind.REASON: _text(500),
    Kind.PERSON: _text(128),
}
"""What a value of a kind may be in JSON lines: a number may also be given as text."""


def row_schema(dataset: Dataset, meanings: Mapping[str, str]) -> Schema:
    """The schema of one row of the dataset; `meanings` are the descriptions by column.

    Unknown columns are allowed, since they are ignored and reported.
    """
    return {
        "$schema": DRAFT,
        "title": f"A row of {dataset.name}",
        "type": "object",
        "properties": {
            column.name: _column(column, meanings.get(column.name)) for column in dataset.columns
        },
        "required": list(dataset.required_names),
    }


def _column(column: Column, meaning: str | None) -> Schema:
    found: dict[str, Any] = {} if meaning is None else {"description": meaning}
    value = dict(KINDS[column.kind])
    if column.choices:
        value["enum"] = list(column.choices)
    if not column.is_optional:
        return {**found, **value}
    default = {} if column.default is None else {"default": column.default}
    return {**found, **default, "anyOf": [value, {"type": "null"}]}
