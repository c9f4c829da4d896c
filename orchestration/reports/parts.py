"""Small parts that several sections of a page are made of."""

from __future__ import annotations

from expectations.suite import GateResult, Result
from orchestration.reports.page import cell


def columns(*headings: str) -> list[tuple[str, bool]]:
    """A heading that ends in # is of a column of numbers."""
    return [(heading.removesuffix(" #"), heading.endswith(" #")) for heading in headings]


def named(name: str | None) -> str:
    """A market or content type; None where it is not known."""
    return "unknown" if name is None else cell(name)


def not_held(gate: GateResult) -> list[Result]:
    """The results of a gate that did not hold: of a published run, warnings."""
    return [row for row in gate.results if row.state != "held"]
