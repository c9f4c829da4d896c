"""The changes of a terms version against the one before it, key by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestration.terms.model import Program, TermsVersion


@dataclass(frozen=True, slots=True)
class TermsChange:
    """A key path whose value differs; None where a version does not have it."""

    path: str
    before: str | None
    now: str | None


def terms_changes(program: Program, version_no: int) -> list[TermsChange]:
    """The changes of the version at a place in `terms`, sorted by path; [] for the first."""
    if version_no == 0:
        return []
    before, now = (dict(_leaves(program.terms[no])) for no in (version_no - 1, version_no))
    return [
        TermsChange(path, before.get(path), now.get(path))
        for path in sorted(before | now)
        if before.get(path) != now.get(path)
    ]


def _leaves(version: TermsVersion) -> Iterator[tuple[str, str]]:
    content = version.model_dump(exclude={"version", "effective_from"}, exclude_none=True)
    yield from _flattened("", content)


def _flattened(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flattened(f"{path}.{key}" if path else str(key), inner)
    elif isinstance(value, tuple | list) and any(isinstance(entry, Mapping) for entry in value):
        for number, entry in enumerate(value, start=1):
            yield from _flattened(f"{path}[{number}]", entry)
    elif isinstance(value, tuple | list):
        yield path, ", ".join(map(str, value))
    else:
        yield path, format(value, "f") if hasattr(value, "as_tuple") else str(value)
