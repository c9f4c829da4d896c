"""The dispatch macros, each asked of both engines (contract §1 "exact", §2, §3): one case, one answer.

The SQL is what dbt itself renders for the engine. Expected values are worked out in Python, or stand
here; where one engine's own function would be wrong without a word, a case shows that ours is not.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from jinja2 import Environment, FileSystemLoader

from orchestration.pipeline.dbt_runner import PROJECT
from orchestration.pipeline.engines import SparkEngine
from orchestration.pipeline.spark_session import spark_session

ENGINES = ("duckdb", "spark")


class _Adapter:
    """dbt's `adapter`, as far as the macros call it: a macro of the engine's own, else the default."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.macros: dict[str, Any] = {}

    def dispatch(self, name: str) -> Any:
        return self.macros[f"{self.engine}__{name}"]


def macros(engine: str) -> dict[str, Any]:
    """The macros of the project by name, as dbt has them for an engine."""
    adapter = _Adapter(engine)
    environment = Environment(
        loader=FileSystemLoader(PROJECT / "macros"), extensions=["jinja2.ext.do"]
    )
    # dbt's own `return`: the value of a macro that calls another.
    environment.globals |= {"adapter": adapter, "return": lambda value: value}
    for file in ("engine.sql", "exact.sql"):
        found = vars(environment.get_template(file).module)
        adapter.macros |= {name: macro for name, macro in found.items() if callable(macro)}
        environment.globals |= adapter.macros
    return adapter.macros


class Asked:
    """An engine that answers a query, as rows of texts and numbers."""

    def __init__(self, engine: str, spark: SparkEngine) -> None:
        self.macros = macros(engine)
        self._is_duckdb = engine == "duckdb"
        if self._is_duckdb:
            self._connection = duckdb.connect()
        else:
            self._session = spark_session(spark.master)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        if self._is_duckdb:
            return self._connection.execute(query).fetchall()
        return [tuple(row) for row in self._session.sql(query).collect()]

    def value(self, expression: str, relation: str = "") -> Any:
        ((value,),) = self.rows(f"select {expression} {relation}")
        return value


@pytest.fixture(scope="module", params=ENGINES)
def asked(request: pytest.FixtureRequest, spark: SparkEngine) -> Asked:
    return Asked(request.param, spark)


def _pairs() -> list[tuple[int, int]]:
    """Dividends and divisors of all lengths, of both signs; quotients as long as a product of §5."""
    draw = random.Random(5)
    pairs = [(n, d) for n in range(-7, 8) for d in (1, 2, 3)]
    pairs += [(5 * 10**20 + 5, 10), (2**63, 1), (2**64 + 1, 2), (-(2**70) - 1, 2), (10**30 - 1, 7)]
    for _ in range(300):
        divisor = draw.randint(1, 10 ** draw.randint(1, 19))
        quotient = draw.randint(-(10 ** draw.randint(1, 18)), 10 ** draw.randint(1, 18))
        pairs.append((quotient * divisor + draw.randint(0, divisor - 1), divisor))
        pairs.append(((2 * quotient + 1) * divisor, 2 * divisor))  # halfway
    return pairs


def _values(pairs: list[tuple[int, int]]) -> str:
    """The pairs as a relation, each with its place; as texts, which every engine reads alike."""
    rows = ", ".join(f"({place}, '{n}', '{d}')" for place, (n, d) in enumerate(pairs))
    return f"from (values {rows}) as pairs(place, n, d)"


@pytest.mark.parametrize("macro", ["floor_div", "half_even_div"])
def test_division_is_exact(asked: Asked, macro: str) -> None:
    """128 bits wide: Spark's `div` wraps at 64, and DuckDB's `/` gives a double."""
    whole, pairs = asked.macros["whole"], _pairs()
    quotient = asked.macros[macro]("n", "d")
    wide = f"from (select place, {whole('n')} as n, {whole('d')} as d {_values(pairs)})"
    found = asked.rows(f"select cast({quotient} as decimal(38, 0)) {wide} order by place")
    exact = {"floor_div": lambda n, d: n // d, "half_even_div": lambda n, d: round(Fraction(n, d))}
    assert [int(value) for (value,) in found] == [exact[macro](n, d) for n, d in pairs]


def test_what_does_not_fit_raises(asked: Asked) -> None:
    """Never null, never wrapped: without ANSI mode Spark would say null."""
    ten_to_20 = asked.macros["whole"](f"'{10**20}'")
    with pytest.raises(Exception, match=r"(?i)overflow|out of range|cannot be represented"):
        asked.value(f"{ten_to_20} * {ten_to_20}")


def test_sum_of_wide_numbers_is_exact(asked: Asked) -> None:
    whole = asked.macros["whole"]("n")
    found = asked.value(f"cast(sum({whole}) as decimal(38, 0))", _values([(2**63, 1)] * 5))
    assert int(found) == 5 * 2**63


def test_decimals_are_exact(asked: Asked) -> None:
    """Spark cuts the scale of a product that would take more than 38 digits, without a word."""
    macros, whole = asked.macros, asked.macros["whole"]
    longest = "9" * 26
    assert asked.value(macros["decimal_e4"](whole("'1234567890123456789'"))) == Decimal(
        "123456789012345.6789"
    )
    assert asked.value(macros["decimal_e4"](whole("'-1'"))) == Decimal("-0.0001")
    assert asked.value(macros["decimal_e6"](whole("'1234567'"))) == Decimal("1.234567")
    assert int(asked.value(macros["whole_e10"]("cast('1.0845000001' as decimal(38, 10))"))) == (
        10845000001
    )
    assert asked.value(macros["half_of_e10"](whole("'1'"))) == Decimal("0.00000000005")
    assert asked.value(macros["half_of_e10"](whole(f"'{longest}'"))) == Decimal(
        int(longest)
    ) * Decimal("0.00000000005")


SEEN = """from (values
    (1, timestamp '2024-01-01 00:00:00', timestamp '2024-01-02 00:00:00', 5),
    (2, timestamp '2024-01-01 00:00:00', timestamp '2024-01-03 00:00:00', null),
    (3, timestamp '2023-12-31 23:59:59.999999', timestamp '2024-01-09 00:00:00', 7)
) as seen(place, observed_at, delivered_at, views)"""


def test_last_and_first_take_a_null_as_it_is(asked: Asked) -> None:
    """DuckDB's arg_max skips it: a count that was withdrawn would come back."""
    key = asked.macros["instants_key"]("observed_at", "delivered_at", True)
    backwards = asked.macros["instants_key"]("observed_at", "delivered_at", False)
    assert asked.value(asked.macros["last_by"]("views", key), SEEN) is None
    assert asked.value(asked.macros["last_by"]("place", key), SEEN) == 2
    assert asked.value(asked.macros["first_by"]("place", key), SEEN) == 3
    assert asked.value(asked.macros["last_by"]("place", backwards), SEEN) == 1
    assert asked.value(asked.macros["first_by"]("place", backwards), SEEN) == 3


def test_packed_columns_go_by_name(asked: Asked) -> None:
    packed = asked.macros["packed"](["place", "views"])
    key = asked.macros["instants_key"]("observed_at", "delivered_at", True)
    query = f"select {asked.macros['last_by'](packed, key)} as packed {SEEN}"
    assert asked.rows(f"select packed.place, packed.views from ({query})") == [(2, None)]


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "1970-01-01", "2024-02-29"])
def test_day_bit_is_that_of_the_day(asked: Asked, day: str) -> None:
    days = (datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=UTC).toordinal() - 1) % 62
    for clock in ("00:00:00", "23:59:59.999999"):
        assert asked.value(asked.macros["day_bit"](f"timestamp '{day} {clock}'")) == 1 << days


def test_bits_are_counted(asked: Asked) -> None:
    assert asked.value(asked.macros["set_bits"]("cast(4611686018427387905 as bigint)")) == 2


def test_ends_of_time(asked: Asked) -> None:
    first = asked.value(f"{asked.macros['beginning_of_time']()} < timestamp '0001-01-01 00:00:01'")
    last = asked.value(f"{asked.macros['end_of_time']()} > timestamp '9999-12-31 23:59:59'")
    assert (first, last) == (True, True)
