"""A problem: one thing wrong with a program file, said so that it can be mended (contract §1).

It names the file, the line, the key path, what was found and what was expected. Here is only how a
problem is said; what is a problem is decided in `yaml_reader`, `values` and `rules`.
"""

import re
from dataclasses import dataclass

from orchestration.foundations.texts import shown

KeyPath = tuple[str | int, ...]
"""Where a value stands: ("terms", 0, "payout") is `terms[0].payout`."""

LONGEST_SHOWN = 80
"""Characters of a value or key that are shown."""
_SIMPLE_KEY = re.compile(r"[A-Za-z0-9_*-]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the file named `file`; `found` is text that is safe to show."""

    file: str
    path: KeyPath
    found: str
    expected: str
    line: int | None = None  # from 1; None: the file as a whole
    column: int | None = None  # from 1; given for syntax errors

    def __str__(self) -> str:
        """One line: `spring.yaml:7: periods[0].starts_on: found 2024-02-30, expected a day ...`."""
        numbers = [str(number) for number in (self.line, self.column) if number is not None]
        parts = [":".join([shown(self.file), *numbers])]
        if self.path:
            parts.append(key_path(self.path))
        parts.append(f"found {self.found}, expected {self.expected}")
        return ": ".join(parts)


def key_path(path: KeyPath) -> str:
    """The path as a person writes it, `terms[0].payout.rates.US[1].up_to`.

    A key that is not plain letters and digits is quoted: a market may be called `a.b`.
    """
    steps = []
    for step in path:
        if isinstance(step, int):
            steps.append(f"[{step}]")
        else:
            is_simple = _SIMPLE_KEY.fullmatch(step) and len(step) <= LONGEST_SHOWN
            name = step if is_simple else f'"{shown(step, LONGEST_SHOWN - 2)}"'
            steps.append(f".{name}" if steps else name)
    return "".join(steps)
