"""A draft: a program that may be wrong in places, looked at value by value (contract §1).

All problems of a file are to be told at once, so a rule about two days must not fail because some
weight is missing. A draft gives each value that can be read, and None for one that cannot: that one
is the typed model's to report. It looks at file nodes and at models alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from orchestration.foundations.texts import shown
from orchestration.terms.problems import LONGEST_SHOWN, KeyPath, key_path
from orchestration.terms.values import Reader, T, Unfit
from orchestration.terms.yaml_reader import Scalar


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of a rule at a path, and what it expected there."""

    path: KeyPath
    found: str
    expected: str

    def __str__(self) -> str:
        where = f"{key_path(self.path)}: " if self.path else ""
        return f"{where}found {self.found}, expected {self.expected}"


@dataclass(frozen=True, slots=True)
class Draft:
    """The node at a path of the program."""

    value: object
    path: KeyPath = ()

    def part(self, key: str) -> "Draft":
        """The value of a key; one that is absent is a draft of None."""
        return Draft(_mapping(self.value).get(key), (*self.path, key))

    def entries(self) -> "dict[str, Draft]":
        """The values of a mapping by key; empty if this is none."""
        return {key: Draft(value, (*self.path, key)) for key, value in _mapping(self.value).items()}

    def items(self) -> "list[Draft]":
        """The elements of a list; empty if this is none."""
        elements = self.value if isinstance(self.value, list | tuple) else ()
        return [Draft(value, (*self.path, place)) for place, value in enumerate(elements)]

    def read(self, reader: Reader[T]) -> T | None:
        """The typed value, or None if it is absent or not what the reader expects."""
        try:
            return reader(self.value)
        except Unfit:
            return None

    @property
    def is_given(self) -> bool:
        """True if there is a value, other than null."""
        return not is_null(self.value)

    @property
    def is_empty(self) -> bool:
        """True if there is a list or mapping, with nothing in it."""
        return isinstance(self.value, list | tuple | Mapping) and not self.value

    def finding(self, expected: str) -> Finding:
        """A finding about this value, which is not as expected."""
        return Finding(self.path, described(self.value), expected)

    def key_finding(self, expected: str) -> Finding:
        """A finding about the key this value has."""
        return Finding(self.path, shown(str(self.path[-1]), LONGEST_SHOWN), expected)


def is_null(value: object) -> bool:
    """True if a value is absent or an explicit null."""
    return value is None or (isinstance(value, Scalar) and value.is_null)


def described(value: object) -> str:
    """The value in words for a message: as it stands in the file, or that it is a list or such."""
    if is_null(value):
        return "nothing" if value is None else "null"
    if isinstance(value, Mapping | BaseModel):
        return "a mapping" if _mapping(value) else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    return shown(str(value), LONGEST_SHOWN) or '""'


def _mapping(value: object) -> Mapping[str, object]:
    if isinstance(value, BaseModel):
        return vars(value)
    return value if isinstance(value, Mapping) else {}
