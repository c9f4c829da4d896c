"""A problem: one thing wrong with a program file, said so that it can be mended (contract §1).

It names the file, the line, the key path, what was found and what was expected. Here is only how a
problem is said; what is a problem is decided in `yaml_reader`, `values` and `rules`.
"""

import re
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
"""Where a value stands: ("terms", 0, "payout") is `terms[0].payout`."""

LONGEST_SHOWN = 80
_SIMPLE_KEY = re.compile(r"[A-Za-z0-9_*-]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the file named `file`; `found` is text that `shown` has made safe."""

    file: str
    path: KeyPath
    found: str
    expected: str
    line: int | None = None  # from 1; None: the file as a whole
    column: int | None = None  # from 1; given for syntax errors

    def __str__(self) -> str:
        """One line: `spring.yaml:7: periods[0].starts_on: found 2024-02-30, expected a day ...`."""
        numbers = [str(number) for number in (self.line, self.column) if number is not None]
        parts = [":".join([escaped(self.file), *numbers])]
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
            name = step if _SIMPLE_KEY.fullmatch(step) else f'"{escaped(step)}"'
            steps.append(f".{shortened(name)}" if steps else shortened(name))
    return "".join(steps)


def shown(text: str) -> str:
    """The text on one line, without anything a terminal would obey, in at most 80 characters."""
    return shortened(escaped(text[: LONGEST_SHOWN + 1]))


def escaped(text: str) -> str:
    """The text with control, format and other unprintable characters written as escapes."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def shortened(text: str) -> str:
    """The text cut at 80 characters; an ellipsis is the last of them where something was cut."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
