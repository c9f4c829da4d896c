"""The right value that is nearest to a wrong one: a hint for people, which nothing else goes by."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from orchestration.ingest.datasets import Column, Kind
from orchestration.terms.currencies import CURRENCIES

_FLAGS: Final = {"1": "true", "yes": "true", "y": "true", "t": "true", "on": "true",
                 "0": "false", "no": "false", "n": "false", "f": "false", "off": "false"}  # fmt: skip
_GROUPED: Final = re.compile(r"[0-9]{1,3}([,_' ][0-9]{3})+")
_DAY_AND_MORE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ].*")


def nearest_value(column: Column, found: str) -> str | None:
    """What was probably meant, where the kind of column lets one tell; else None."""
    text = found.strip()
    match column.kind:
        case Kind.CHOICE:
            return nearest_name(text, column.choices)
        case Kind.CURRENCY:
            code = text.upper()
            return code if code in CURRENCIES else None
        case Kind.FLAG:
            return _FLAGS.get(text.casefold()) or nearest_name(text, ("true", "false"))
        case Kind.COUNT if _GROUPED.fullmatch(text):
            return re.sub("[^0-9]", "", text)
        case Kind.DAY if day := _DAY_AND_MORE.fullmatch(text):
            return day[1]
        case Kind.RATE | Kind.CAP | Kind.AMOUNT if re.fullmatch("[0-9]+,[0-9]{1,2}", text):
            return text.replace(",", ".")
    return None


def nearest_name(found: str, names: Iterable[str]) -> str | None:
    """The name that is most like the one found, None where none is."""
    by_letters = {name.casefold(): name for name in names}
    close = get_close_matches(found.casefold(), by_letters, n=1, cutoff=0.7)
    return by_letters[close[0]] if close else None
