"""The values that a column may hold, in words, for those who delivered something else (contract §2).

Belongs here: a phrase for each kind of column. Does not: the grammar itself (`cells.py`).
"""

from typing import Final

from orchestration.ingest.cells import (
    LONGEST_IDENTIFIER,
    LONGEST_NAME,
    LONGEST_REASON,
    RATE_DECIMALS,
)
from orchestration.ingest.datasets import Column, Kind

_INSTANT: Final = "2024-03-29T07:00:00Z"
_DAY: Final = "2024-03-29"
_KINDS: Final = {
    Kind.IDENTIFIER: f"an id as text: 1 to {LONGEST_IDENTIFIER} characters, no control character",
    Kind.CURRENCY: "a currency code of ISO 4217 that has minor units, such as USD",
    Kind.TIMESTAMP: f"an instant with its offset from UTC, such as {_INSTANT}; at most 6 decimals",
    Kind.DAY: f"a day, such as {_DAY}",
    Kind.FLAG: "true or false",
    Kind.COUNT: "a whole number from 0 to 10^15",
    Kind.RATE: f"a plain decimal above 0 with at most {RATE_DECIMALS} decimals, such as 0.0066",
    Kind.CAP: "a plain decimal from 0 to 10^12, with no more decimals than its currency has",
    Kind.AMOUNT: "a plain decimal from -10^12 to 10^12, with no more decimals than its currency has",
    Kind.REASON: f"text of 1 to {LONGEST_REASON} characters, no control character",
    Kind.PERSON: f"a name of 1 to {LONGEST_NAME} characters that is more than marks and blanks",
}


def expected(column: Column) -> str:
    """The column's values, in words that end a sentence with "expected"."""
    if column.kind is Kind.CHOICE:
        return f"one of {', '.join(column.choices)}"
    words = _KINDS[column.kind]
    return f"{words}, not above {column.at_most_column}" if column.at_most_column else words
