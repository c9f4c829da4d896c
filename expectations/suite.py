"""The parts of a suite, and the result of a gate. Plain data, cheap to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warn"]
State = Literal["held", "failed", "not evaluated"]

ROWS_OF_DATASET = "rows_of_dataset"
"""A column of failing rows: how many of them are about the row's dataset."""

ROWS_IN_ALL = "rows_in_all"
"""A column of failing rows: among how many rows (of the dataset, if the rows are about one) they are."""

SHOWN_ROWS = 20
"""§8: a gate "shows the first 20 of them"."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation of §8: that `query` finds no row.

    `query` has `{batch}` for `table`, the table that the expectation is about; `means` says what it
    means if there are rows. With `by_dataset` the rows are about landing data, each with the
    `dataset` that it is about.
    """

    name: str
    table: str
    query: str
    means: str
    severity: Severity = "error"
    by_dataset: bool = False

    def sql(self) -> str:
        """The query over the table itself."""
        return self.query.replace("{batch}", f'"{self.table}"')


def digits(column: str) -> str:
    """SQL of a decimal without its point, as text: the whole number of its least places.

    A product with a power of ten might not fit.
    """
    return f"replace(cast({column} as varchar), '.', '')"


def unique(table: str, *key: str) -> Expectation:
    """Expects one row a key. As a query: the library's own for this takes ten times as long."""
    columns = ", ".join(key)
    return Expectation(
        f"{table}_has_one_row_a_key",
        table,
        f"select {columns}, count(*) as row_count from {{batch}}"
        f" group by {columns} having count(*) > 1 order by {columns}",
        "a key comes twice",
    )


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one expectation: the number of rows that broke it, and the first of them."""

    name: str
    table: str
    severity: Severity
    means: str
    state: State
    failing_rows: int = 0
    rows: tuple[Mapping[str, str], ...] = ()
    problem: str | None = None

    @property
    def blocks(self) -> bool:
        """Failed and not evaluated both block, unless the expectation only warns."""
        return self.severity == "error" and self.state != "held"

    @property
    def counted(self) -> str:
        """The number of rows that break it, and of how many where the expectation tells. No row is quoted."""
        if not self.rows or ROWS_IN_ALL not in self.rows[0]:
            return f"{self.failing_rows:,} rows of {self.table}"
        # Every dataset that is concerned has a row among those that are shown.
        parts = {
            (
                row.get("dataset", self.table),
                int(row.get(ROWS_OF_DATASET, self.failing_rows)),
                int(row[ROWS_IN_ALL]),
            )
            for row in self.rows
        }
        return ", ".join(f"{bad:,} of {all_:,} rows of {of}" for of, bad, all_ in sorted(parts))

    @property
    def shown(self) -> list[dict[str, str]]:
        """The rows without the counts, which `counted` says."""
        return [
            {
                name: value
                for name, value in row.items()
                if name not in (ROWS_OF_DATASET, ROWS_IN_ALL)
            }
            for row in self.rows
        ]


@dataclass(frozen=True, slots=True)
class Stake:
    """The stake of a gate that has not held; money in minor units of its currency."""

    creators: int | None  # None: not known, since nothing was ingested
    is_everyone: bool = True  # all with a deal, since the failing rows name no creator
    money_minor: Mapping[str, int] = field(default_factory=dict)
    money_of: str | None = None  # "this run", or the published period it was taken from


@dataclass(frozen=True, slots=True)
class GateResult:
    """The results of one suite, and what hangs on them where the gate has not held."""

    suite: str
    results: tuple[Result, ...] = field(default_factory=tuple)
    stake: Stake | None = None

    @property
    def held(self) -> bool:
        return not any(result.blocks for result in self.results)

    @property
    def warnings(self) -> tuple[Result, ...]:
        return tuple(
            result
            for result in self.results
            if result.severity == "warn" and result.state != "held"
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> GateResult:
        return cls(
            data["suite"],
            tuple(Result(**{**row, "rows": tuple(row["rows"])}) for row in data["results"]),
            Stake(**data["stake"]) if data.get("stake") else None,
        )
