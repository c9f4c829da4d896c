"""Text and value of an expression are the same number, by an evaluator that knows the contract only."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.explain.expression import (
    Expression,
    Input,
    floor,
    greatest,
    half_even,
    least,
    named,
    number,
    plain,
    total,
)
from tests.explained import evaluate


def _input(value: str) -> Input:
    return Input(value, {"step": value})


_LEAVES = st.one_of(
    st.integers(0, 9).map(number),
    st.sampled_from(["0.5", "2.25", "0"]).map(number),
    st.tuples(st.sampled_from("abc"), st.integers(-3, 3)).map(
        lambda drawn: named(f"{drawn[0]}{drawn[1] + 3}", _input(str(drawn[1])))
    ),
)


def _grown(parts: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    two = st.tuples(parts, parts)
    some = st.lists(parts, max_size=4)
    return st.one_of(
        two.map(lambda pair: pair[0] + pair[1]),
        two.map(lambda pair: pair[0] - pair[1]),
        two.map(lambda pair: pair[0] * pair[1]),
        two.map(lambda pair: pair[0] / pair[1]),
        some.map(total),
        some.filter(bool).map(lambda several: least(*several)),
        some.filter(bool).map(lambda several: greatest(*several)),
        parts.map(floor),
        st.tuples(parts, st.integers(0, 4)).map(lambda drawn: half_even(*drawn)),
    )


@given(st.recursive(_LEAVES, _grown, max_leaves=12))
def test_the_text_evaluates_to_the_value(drawn: Expression) -> None:
    values = {name: Fraction(source.value) for name, source in drawn.inputs.items()}
    assert evaluate(drawn.text, values) == (drawn.value or 0)
    negated = -drawn
    assert evaluate(negated.text, values) == (negated.value or 0)


def test_one_division_by_0_makes_the_whole_0() -> None:
    a, b = named("a", _input("7")), named("b", _input("0"))
    whole = floor(a / b) + number(5)
    assert (whole.text, whole.value) == ("floor(a / b) + 5", None)
    assert evaluate(whole.text, {"a": Fraction(7), "b": Fraction(0)}) == 0


def test_what_is_divided_by_or_taken_away_keeps_its_parentheses() -> None:
    a, b, c = (named(name, _input(value)) for name, value in (("a", "8"), ("b", "4"), ("c", "2")))
    assert (a / (b * c)).text == "a / (b * c)"
    assert (a - (b - c)).text == "a - (b - c)"
    assert (a - b - c).text == "a - b - c"
    assert ((a + b) * c).text == "(a + b) * c"


def test_one_name_is_one_input() -> None:
    one, other = named("a", _input("1")), named("a", _input("2"))
    assert (one + one).value == 2
    with pytest.raises(ValueError, match="a names two inputs"):
        one + other


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(-5), "-5"),
        (Fraction(1, 8), "0.125"),
        (Fraction(-1, 20), "-0.05"),
        (Fraction(1200), "1200"),
    ],
    ids=["zero", "negative", "eighth", "negative below 1", "zeros that count"],
)
def test_a_value_is_a_plain_decimal(value: Fraction, text: str) -> None:
    assert plain(value) == text


def test_a_third_is_no_finite_decimal() -> None:
    with pytest.raises(ValueError, match="no finite decimal"):
        plain(Fraction(1, 3))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("half_even(0.5, 0)", 0),
        ("half_even(1.5, 0)", 2),
        ("half_even(-0.5, 0)", 0),
        ("half_even(0.125, 2)", Fraction(12, 100)),
        ("half_even(0.1250001, 2)", Fraction(13, 100)),
        ("floor(-0.5)", -1),
        ("8 / 4 / 2", 1),
        ("8 - 4 - 2", 2),
        ("-2 + 3", 1),
        ("max(1) + min(3, 2)", 3),
    ],
    ids=lambda value: str(value),
)
def test_the_evaluator_of_the_tests_is_that_of_the_contract(text: str, value: Fraction) -> None:
    assert evaluate(text, {}) == value


@pytest.mark.parametrize("text", ["2 ** 3", "x", "1e3", "min()", "(1", "1 2", "half_even(1, x)"])
def test_the_evaluator_refuses_what_the_grammar_does_not_have(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        evaluate(text, {})
