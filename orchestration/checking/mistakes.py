"""The outcome of a check: each mistake with its place, and what was read of each dataset. Plain data.

Belongs here: the form, and JSON of it. Does not: finding any (`check.py`), other forms (`sarif.py`).
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong; None for what there is nothing to say of.

    `rule` is a reason code of §2 or the name of an expectation of §8. `line` is that of a text file, in
    Parquet the number of the row. `found` and `nearest` are as they were delivered: whoever shows them
    makes them safe to show.
    """

    severity: Severity
    rule: str
    dataset: str | None
    message: str
    file: str | None = None
    line: int | None = None
    column: str | None = None
    found: str | None = None
    expected: str | None = None
    nearest: str | None = None  # the right value that is nearest to the one found

    @property
    def said(self) -> str:
        """The message, with the nearest right value."""
        return f"{self.message}; perhaps {self.nearest}" if self.nearest else self.message


@dataclass(frozen=True, slots=True)
class AbsentColumn:
    """An optional column that files do not have, and what then holds for their rows."""

    column: str
    files: int  # that do not have it
    means: str


@dataclass(frozen=True, slots=True)
class ReadDataset:
    """The counts of what was read of a dataset; `first` and `last` are the ends of the days in `days_of`."""

    dataset: str
    has_folder: bool
    files: int
    rows_read: int
    rows_loaded: int
    rows_quarantined: int
    rows_deleted: int
    files_quarantined: int
    days_of: str
    first: str | None = None
    last: str | None = None
    absent: tuple[AbsentColumn, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """All that a check has found."""

    program: str
    datasets: tuple[ReadDataset, ...] = field(default_factory=tuple)
    mistakes: tuple[Mistake, ...] = field(default_factory=tuple)

    @property
    def errors(self) -> int:
        """The number of mistakes that would block a run."""
        return sum(mistake.severity == "error" for mistake in self.mistakes)

    def to_json(self) -> dict[str, Any]:
        """For a machine to read."""
        return {**asdict(self), "errors": self.errors, "warnings": len(self.mistakes) - self.errors}
