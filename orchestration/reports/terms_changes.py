"""The changes of terms, key by key: of a version against the one before it, and of one program file against another."""

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
    return _apart(before, now)


def changes_for_period(before: Program, now: Program, period: str) -> list[TermsChange]:
    """The changes in all by which a period is computed: terms up to its last day, and its own row; sorted by path."""
    return _apart(dict(_judging(before, period)), dict(_judging(now, period)))


def _apart(before: Mapping[str, str], now: Mapping[str, str]) -> list[TermsChange]:
    return [
        TermsChange(path, before.get(path), now.get(path))
        for path in sorted({**before, **now})
        if before.get(path) != now.get(path)
    ]


def _judging(program: Program, key: str) -> Iterator[tuple[str, str]]:
    """The terms are named by the day from which they are in force: their places may differ between two files."""
    period = program.period(key)
    yield from _flattened("period", period.model_dump(exclude_none=True))
    others = {"program", "periods", "terms"}
    yield from _flattened("", program.model_dump(exclude=others, exclude_none=True))
    for version in program.terms:
        if version.effective_from <= program.last_day(period):
            for path, value in _leaves(version):
                yield f"terms from {version.effective_from}: {path}", value


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
        if value:  # an empty list says as much as none
            yield path, ", ".join(map(str, value))
    else:
        yield path, format(value, "f") if hasattr(value, "as_tuple") else str(value)
