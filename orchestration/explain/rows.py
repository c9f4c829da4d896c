"""The rows of one creator in one period, out of published tables, each cell as it is exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestration.explain.expression import Input


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a published table: its key, and the text of each cell (null where it is empty).

    `period` is null for the period that is explained, else the period whose table it is.
    """

    table: str
    key: Mapping[str, str | int]
    cells: Mapping[str, str | None]
    period: str | None = None

    def text(self, column: str) -> str:
        """A cell that is never null, as exported."""
        cell = self.cells[column]
        if cell is None:
            raise Contradiction(f"{column} of {dict(self.key)} in {self.table} is null")
        return cell

    def cell(self, column: str) -> Input:
        """A cell as an input of an expression (§11)."""
        where = {"table": self.table, "key": dict(self.key), "column": column}
        return Input(self.text(column), where | ({"period": self.period} if self.period else {}))


@dataclass(frozen=True, slots=True)
class CreatorRows:
    """The rows of one creator, sorted by key; `markets` are all of the period.

    `rates` are those of the currencies of its ledger rows, `before` its ledger rows in the latest
    earlier period that is published.
    """

    creator_id: str
    eligibility: Row | None
    segments: Sequence[Row]
    posts: Sequence[Row]
    post_scores: Sequence[Row]
    increments: Sequence[Row]
    post_earnings: Sequence[Row]
    markets: Sequence[Row]
    earnings: Row | None
    party: Row | None
    rates: Sequence[Row]
    ledger: Sequence[Row]
    journal: Sequence[Row]
    before: Sequence[Row]


class Contradiction(ValueError):
    """A published number does not follow from the numbers that it is made of."""
