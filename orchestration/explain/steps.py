"""A step of an explanation, and the steps so far: each may use those before it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Final

from orchestration.explain.expression import Expression, Input, named, plain
from orchestration.explain.rows import Contradiction
from orchestration.foundations.messages import Message

POINTS, AUDIENCE_VALUE, RATE = "points", "audience value", "rate"
_MOST_IN_A_SUM: Final = 8
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATION: Final = re.compile(r"[-+*/(]")
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


def minor_unit(currency: str) -> str:
    """The unit of an amount in the smallest unit of a currency."""
    return f"{currency} minor"


@dataclass(frozen=True, slots=True)
class Step:
    """One number: what it is, its value as a plain decimal, and the expression that gives it (§11)."""

    id: str
    section: str
    label: Message
    unit: str
    value: str
    expression: str
    inputs: Mapping[str, Input]

    @property
    def text(self) -> str:
        """The name of the number, in English."""
        return str(self.label)

    def to_json(self) -> dict[str, object]:
        """The object of §11."""
        return {
            "id": self.id,
            "section": self.section,
            "text": self.text,
            "unit": self.unit,
            "value": self.value,
            "expression": self.expression,
            "inputs": {name: source.to_json() for name, source in self.inputs.items()},
        }

    def in_numbers(self) -> str | None:
        """The expression with its numbers for a person; None where it says no more than the value.

        Of a long sum the parts stand above, so it would say nothing new.
        """
        is_long_sum = len(self.inputs) > _MOST_IN_A_SUM and "(" not in self.expression
        if not _OPERATION.search(self.expression) or is_long_sum:
            return None

        def value(name: re.Match[str]) -> str:
            found = self.inputs.get(name[0])
            return name[0] if found is None else found.value

        return _NAME.sub(value, self.expression)

    def as_input(self, name: str) -> Expression:
        """This step as an input of a later one."""
        return named(name, Input(self.value, {"step": self.id}))


@dataclass
class Steps:
    """The steps so far, by id, in order."""

    by_id: dict[str, Step] = field(default_factory=dict)

    def add(
        self,
        step_id: str,
        section: str,
        label: Message,
        unit: str,
        expression: Expression,
        published: str | None = None,
    ) -> Step:
        """A further step. Contradiction where a table has another value than the expression gives."""
        value = plain(expression.value or Fraction(0))  # §11: divided by 0, the whole is 0
        step = Step(step_id, section, label, unit, value, expression.text, dict(expression.inputs))
        if published is not None:
            self.demand(step, published)
        if self.by_id.setdefault(step_id, step) is not step:
            raise ValueError(f"two steps {step_id}")
        return step

    def demand(self, step: Step, published: str) -> None:
        """Contradiction where a table has another value than the step comes to."""
        if Fraction(published) != Fraction(step.value):
            raise Contradiction(
                f"{step.text}: {published} is published, but it comes to {step.value}"
            )


def program_number(name: str, value: Decimal | int, *path: str | int) -> Expression:
    """A number of the program file as an input of an expression, by its path."""
    return named(name, Input(plain(Fraction(value)), {"program": path_text(*path)}))


def path_text(*path: str | int) -> str:
    """§11: `terms[0].weights.reel.views`; "a key with other characters ... is written ["..."]"."""
    found = ""
    for part in path:
        if isinstance(part, int):
            found += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            found += f".{part}" if found else part
        else:
            found += f"[{json.dumps(part, ensure_ascii=False)}]"
    return found
