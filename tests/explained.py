"""Holds an explanation against §11, with an evaluator written from the contract alone.

Nothing here knows the product: it reads the object of `--json`, exports and the program file.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.contract import SCORED_COUNTS

Rows = list[dict[str, str]]
Tables = dict[str, Rows]
Explained = dict[str, Any]

NUMBERS = (
    "points",
    "performance_minor",
    "milestone_minor",
    "program_amount_minor",
    "fx_rate",
    "earnings_minor",
    "opening_balance_minor",
    "adjustments_minor",
    "returns_minor",
    "payable_minor",
    "withheld_minor",
    "payout_minor",
    "closing_balance_minor",
)
"""The columns of payout_ledger "from points to closing_balance_minor" that are numbers."""

CELLS = {
    "post_increments": set(SCORED_COUNTS),
    "creator_segments": {"audience_value"},
    "creator_earnings": {"milestones_minor", "cap_minor", "rounding_unit", "budget_unit"},
    "post_earnings": {"rounding_unit"},
    "market_totals": {"shared_minor", "shared_points", "rounded_minor"},
    "settlement_rates": {"fx_rate"},
    "journal": {"amount_minor"},
}
"""What of this period may be an input."""

KEYS = {
    "post_increments": ("post_id", "segment_no"),
    "creator_segments": ("creator_id", "segment_no"),
    "creator_earnings": ("creator_id",),
    "post_earnings": ("post_id",),
    "market_totals": ("market",),
    "settlement_rates": ("payout_currency",),
    "journal": ("entry_id",),
    "payout_ledger": ("creator_id", "payout_currency"),
}
TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([A-Za-z_][A-Za-z0-9_]*)|([-+*/(),]))")
PLAIN = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?")
FUNCTIONS = {"min", "max", "floor", "half_even"}


def evaluate(expression: str, values: dict[str, Fraction]) -> Fraction:
    """The value of an expression; ValueError for what the grammar does not have.

    "Where what is divided by would be 0, the whole expression is 0."
    """
    parser = _Parser(expression, values)
    try:
        found = parser.sum()
    except ZeroDivisionError:
        return Fraction(0)
    if parser.tokens:
        raise ValueError(f"{parser.tokens[0]!r} is left over in {expression!r}")
    return found


class _Parser:
    def __init__(self, expression: str, values: dict[str, Fraction]) -> None:
        self.values = values
        self.tokens: list[str] = []
        at = 0
        while at < len(expression):
            match = TOKEN.match(expression, at)
            if match is None:
                raise ValueError(f"{expression[at:]!r} in {expression!r}")
            self.tokens.append(match[match.lastindex or 0])
            at = match.end()

    def take(self, wanted: str | None = None) -> str:
        token = self.tokens.pop(0) if self.tokens else ""
        if not token or (wanted is not None and token != wanted):
            raise ValueError(f"found {token!r}, expected {wanted!r}")
        return token

    def next_is(self, *wanted: str) -> bool:
        return bool(self.tokens) and self.tokens[0] in wanted

    def sum(self) -> Fraction:
        sign = -1 if self.next_is("-") and self.take() else 1
        found = sign * self.product()
        while self.next_is("+", "-"):
            found = found + self.product() if self.take() == "+" else found - self.product()
        return found

    def product(self) -> Fraction:
        found = self.single()
        while self.next_is("*", "/"):
            found = found * self.single() if self.take() == "*" else found / self.single()
        return found

    def single(self) -> Fraction:
        token = self.take()
        if token == "(":
            found = self.sum()
            self.take(")")
            return found
        if token[0].isdigit():
            return Fraction(token)
        if token in FUNCTIONS and self.next_is("("):
            return self.called(token)
        if token in self.values:
            return self.values[token]
        raise ValueError(f"{token!r} is no input")

    def called(self, name: str) -> Fraction:
        self.take("(")
        arguments = [self.sum()]
        while self.next_is(","):
            self.take()
            if name == "half_even" and not self.tokens[0].isdigit():
                raise ValueError("the decimals of half_even are a literal number")
            arguments.append(self.sum())
        self.take(")")
        if name == "min":
            return min(arguments)
        if name == "max":
            return max(arguments)
        if name == "floor":
            (value,) = arguments
            return Fraction(math.floor(value))
        value, decimals = arguments
        return half_even(value, int(decimals))


def half_even(value: Fraction, decimals: int) -> Fraction:
    """To the nearest, and from the middle to the even one."""
    units = value * 10**decimals
    whole = math.floor(units)
    rest = units - whole
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1)
    return Fraction(whole + up, 10**decimals)


def read_export(folder: Path) -> Tables:
    """The tables of an export, every cell as text."""
    found = {}
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:  # an id may have other line breaks
            found[path.stem] = list(csv.DictReader(file))
    return found


def read_program(path: Path) -> Any:
    """The program file with every scalar as the text that stands there."""
    return YAML(typ="base", pure=True).load(path.read_text(encoding="utf-8"))


def at_path(program: Any, path: str) -> str:
    """The text at a path of §11; LookupError where there is none."""
    steps = re.compile(r"\.?([A-Za-z0-9_-]+)|\[(\d+)\]|\[(\"(?:[^\"\\]|\\.)*\")\]")
    found, at = program, 0
    while at < len(path):
        match = steps.match(path, at)
        if match is None:
            raise LookupError(path)
        if match[2] is not None:
            found = found[int(match[2])]
        else:
            found = found[match[1] if match[1] is not None else json.loads(match[3])]
        at = match.end()
    if not isinstance(found, str):
        raise LookupError(f"{path} is no number")
    return found


def faults(
    explained: Explained, exports: dict[str, Tables], earlier: list[str], program: Any
) -> Iterator[str]:
    """Everything in which an explanation breaks §11.

    `exports` are all published periods, `earlier` those before the one explained, in order.
    """
    tables = exports[explained["period"]]
    values: dict[str, Fraction] = {}
    for step in explained["steps"]:
        if step["id"] in values:
            yield f"{step['id']} comes twice"
        if PLAIN.fullmatch(step["value"]) is None:
            yield f"{step['id']}: {step['value']!r} is no plain decimal"
        inputs: dict[str, Fraction] = {}
        for name, source in step["inputs"].items():
            fault = _input_fault(source, explained, exports, earlier, values, program)
            if fault is not None or name in FUNCTIONS:
                yield f"{step['id']}: {name}: {fault}"
            inputs[name] = Fraction(source["value"])
            if re.search(rf"\b{name}\b", step["expression"]) is None:
                yield f"{step['id']}: {name} is not used"
        value = evaluate(step["expression"], inputs)
        if value != Fraction(step["value"]):
            yield f"{step['id']}: {step['expression']} is {value}, not {step['value']}"
        values[step["id"]] = value
    yield from _ledger_faults(explained, tables, values)
    yield from _reason_faults(explained, tables, program)


def _input_fault(
    source: dict[str, Any],
    explained: Explained,
    exports: dict[str, Tables],
    earlier: list[str],
    values: dict[str, Fraction],
    program: Any,
) -> str | None:
    value = source["value"]
    if source.keys() == {"value", "step"}:
        is_right = source["step"] in values and values[source["step"]] == Fraction(value)
        return None if is_right else f"step {source['step']} has another value, or comes later"
    if source.keys() == {"value", "program"}:
        text = at_path(program, source["program"])
        return None if Fraction(text) == Fraction(value) else f"{source} is {text}"
    if source.keys() - {"period"} != {"value", "table", "key", "column"}:
        return f"{source} is no input"
    table, column = source["table"], source["column"]
    period = source.get("period", explained["period"])
    if period == explained["period"]:
        if column not in CELLS.get(table, ()):
            return f"{table}.{column} may be no input"
    elif not (
        table == "payout_ledger" and column == "closing_balance_minor" and period == earlier[-1]
    ):
        return f"{table}.{column} of {period} may be no input"
    key = {name: str(part) for name, part in source["key"].items()}
    if tuple(key) != KEYS[table]:
        return f"{key} is no key of {table}"
    found = [row[column] for row in exports[period][table] if key.items() <= row.items()]
    return None if found == [value] else f"{table}.{column} of {key} is {found}"


def _ledger_faults(
    explained: Explained, tables: Tables, values: dict[str, Fraction]
) -> Iterator[str]:
    own = {
        row["payout_currency"]: row
        for row in tables["payout_ledger"]
        if row["creator_id"] == explained["creator_id"]
    }
    expected = {
        currency: {column: Fraction(row[column]) for column in NUMBERS if row[column]}
        for currency, row in own.items()
    }
    found = {
        currency: {column: values.get(step) for column, step in steps.items()}
        for currency, steps in explained["ledger"].items()
    }
    if found != expected:
        yield f"ledger is {found}, expected {expected}"


def _reason_faults(explained: Explained, tables: Tables, program: Any) -> Iterator[str]:
    creator = explained["creator_id"]
    rows = {
        row["post_id"]: row for row in tables["post_eligibility"] if row["creator_id"] == creator
    }
    judged = next(
        (row for row in tables["creator_eligibility"] if row["creator_id"] == creator), None
    )
    told = [reason["reason"] for reason in explained["creator_reasons"]]
    if told != [code for code in (judged["reasons"] if judged else "").split("|") if code]:
        yield f"creator_reasons are {told}"
    expected = sorted(
        (post, code)
        for post, row in rows.items()
        if row["eligible"] == "false"
        for code in row["reasons"].split("|")
    )
    if sorted((post["post_id"], post["reason"]) for post in explained["not_eligible"]) != expected:
        yield f"not_eligible is not {expected}"
    for post in explained["not_eligible"]:
        assert judged is not None
        if not post["text"]:
            yield f"{post}: no text"
        yield from _found_and_needed(post, rows[post["post_id"]], judged, rows, program)


def _found_and_needed(
    post: dict[str, Any],
    row: dict[str, str],
    creator: dict[str, str],
    rows: dict[str, dict[str, str]],
    program: Any,
) -> Iterator[str]:
    found, needed = post["found"], post["needed"]
    if post["program"] is not None and at_path(program, post["program"]) != needed:
        yield f"{post}: the program file has another value"
    if post["reason"] == "BELOW_MINIMUM_VIEWS":
        if found != row["qualified_views"] or not int(found) < int(needed):
            yield f"{post}: found in {row}"
        if post["program"] is None and needed != "0":
            yield f"{post}: where is {needed} from?"
    elif post["reason"] == "OVER_POST_LIMIT":
        counted = [
            other
            for other in rows.values()
            if other["reasons"] in ("", "OVER_POST_LIMIT")
            and (_micros(other["published_at"]), other["post_id"].encode())
            <= (_micros(row["published_at"]), row["post_id"].encode())
        ]
        if found != str(len(counted)) or not int(found) > int(needed) or not post["program"]:
            yield f"{post}: its place is {len(counted)}"
    elif post["reason"] == "OUTSIDE_WINDOW":
        at = _micros(row["published_at"])
        is_late = at >= _micros(creator["window_end"])
        edge = creator["window_end" if is_late else "window_start"]
        if found != row["published_at"] or needed != edge:
            yield f"{post}: published {row['published_at']}, window {creator}"
    elif (found, needed, post["program"]) != (None, None, None):
        yield f"{post}: found and needed are for others"


def _micros(text: str) -> str:
    """An exported instant so that text is in the order of time."""
    seconds, _, decimals = text.removesuffix("Z").partition(".")
    return f"{seconds}.{decimals.ljust(6, '0')}"
