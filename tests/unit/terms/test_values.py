"""Single values: what each reader takes, and that nothing is ever a float."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.terms import values
from orchestration.terms.exact import MOST_DIGITS
from orchestration.terms.values import Unfit
from orchestration.terms.yaml_reader import Scalar


def plain(text: str) -> Scalar:
    return Scalar(text, is_plain=True, line=1)


def quoted(text: str) -> Scalar:
    return Scalar(text, is_plain=False, line=1)


@pytest.mark.parametrize("text", ["2024", "NO", "true", "1.0", "2024-01-01", " "])
def test_text_is_taken_as_it_stands(text: str) -> None:
    assert values.text(plain(text)) == values.text(quoted(text)) == text


@pytest.mark.parametrize("text", ["null", "~", ""])
def test_a_plain_null_is_no_text_but_a_quoted_one_is(text: str) -> None:
    assert values.text(quoted(text)) == text
    with pytest.raises(Unfit):
        values.text(plain(text))


@pytest.mark.parametrize("value", [None, 1, [], {}, Decimal(1)])
def test_other_things_are_no_text(value: object) -> None:
    with pytest.raises(Unfit):
        values.text(value)


@pytest.mark.parametrize("good", ["x", "x" * 128, " x ", "日本", "a b", "-", "x\u00ad"])
def test_ids(good: str) -> None:
    assert values.identifier(quoted(good)) == good


@pytest.mark.parametrize("bad", ["", "x" * 129, "a\tb", "a\nb", "\x00", "\x7f", "\x85", "\x9f"])
def test_no_ids(bad: str) -> None:
    with pytest.raises(Unfit):
        values.identifier(quoted(bad))


@pytest.mark.parametrize("good", ["a", "0", "2024-spring", "a" * 40, "a-", "1--2"])
def test_names(good: str) -> None:
    assert values.name(plain(good)) == good


@pytest.mark.parametrize(
    "bad", ["", "-a", "A", "a_b", "a" * 41, "a\n", "é", "а", "٣", "a b", "a/b", "..", "a.b"]
)
def test_no_names(bad: str) -> None:
    with pytest.raises(Unfit):
        values.name(quoted(bad))


@pytest.mark.parametrize("text", ["1900-01-01", "2024-02-29", "2999-12-31"])
def test_days(text: str) -> None:
    assert values.day(plain(text)) == values.day(quoted(text)) == date.fromisoformat(text)


@pytest.mark.parametrize(
    "text",
    [
        "1899-12-31",
        "3000-01-01",
        "2023-02-29",
        "2024-13-01",
        "20240101",
        "2024-1-1",
        "2024-W01-1",
        "2024-01-01T00:00:00",
        "２０２４-01-01",
        "2024-01-01 ",
        "",
        "null",
        "0000-01-01",
    ],
)
def test_no_days(text: str) -> None:
    with pytest.raises(Unfit):
        values.day(quoted(text))


def test_a_datetime_is_no_day() -> None:
    with pytest.raises(Unfit):
        values.day(datetime(2024, 1, 1))


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("7", 7), ("+5", 5), ("007", 7), ("-0", 0)])
def test_whole_numbers(text: str, value: int) -> None:
    assert values.Whole(0, 7)(plain(text)) == value


@pytest.mark.parametrize(
    "text",
    ["8", "-1", "5.0", "5e0", "0x5", "0o5", "5_0", "٥", "", "null", "five", " 5", "9" * 5000],
)
def test_no_whole_numbers(text: str) -> None:
    with pytest.raises(Unfit):
        values.Whole(0, 7)(plain(text))


@pytest.mark.parametrize("value", [quoted("5"), True, 5.0, Decimal(5), None, "5"])
def test_whole_numbers_are_plain_scalars_or_integers(value: object) -> None:
    with pytest.raises(Unfit):
        values.Whole(0, 7)(value)


@pytest.mark.parametrize(
    ("text", "shortest"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ("10.000", "10"),
        ("0.10", "0.1"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+1.5", "1.5"),
        ("1e2", "100"),
        ("1.5E-3", "0.0015"),
        ("-0.0", "0"),
        ("0.000000", "0"),
        ("0.1000000000000000000000000000000000000000", "0.1"),
    ],
)
def test_numbers_are_exact_and_in_their_shortest_form(text: str, shortest: str) -> None:
    found = values.Number(0, 100)(plain(text))
    assert isinstance(found, Decimal)
    assert str(found) == shortest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        ".",
        "e5",
        "1e",
        "1,5",
        "1_0",
        "0x1",
        ".inf",
        "-.inf",
        ".nan",
        "NaN",
        "Infinity",
        "１",
        "1 ",
        "- 1",
        "--1",
        "1.2.3",
        "0" * 101,
        "1:30",
    ],
)
def test_no_numbers(text: str) -> None:
    with pytest.raises(Unfit):
        values.Number(0, 100)(plain(text))


@pytest.mark.parametrize("exponent", ["999999999", "-999999999", "9" * 50, "-" + "9" * 50])
def test_absurd_exponents_are_refused_at_once(exponent: str) -> None:
    for digits in ("1", "0"):
        with pytest.raises(Unfit):
            values.Number(0, 100)(plain(f"{digits}e{exponent}"))


@pytest.mark.parametrize(
    "value", [quoted("1"), 1.0, True, "1", None, Decimal("NaN"), Decimal("Infinity")]
)
def test_numbers_are_plain_scalars_integers_or_decimals(value: object) -> None:
    with pytest.raises(Unfit):
        values.Number(0, 100)(value)


def test_decimals_count_by_value() -> None:
    assert values.Number(0, 1, decimals=2)(plain("0.25000")) == Decimal("0.25")
    with pytest.raises(Unfit):
        values.Number(0, 1, decimals=2)(plain("0.251"))


def test_a_low_bound_can_be_left_out() -> None:
    assert values.Number(0, 1, is_low_out=True)(plain("0.000001")) == Decimal("0.000001")
    with pytest.raises(Unfit):
        values.Number(0, 1, is_low_out=True)(plain("0"))


@given(st.integers(0, 10**15), st.integers(0, 6))
def test_any_number_keeps_its_value(units: int, decimals: int) -> None:
    text = (
        f"{units // 10**decimals}.{units % 10**decimals:0{decimals}d}" if decimals else f"{units}"
    )
    assert values.Number(0, 10**15)(plain(text)) * 10**decimals == units


@pytest.mark.parametrize("text", ["0.1", "0.5e-00"])
def test_numbers_of_a_hundred_characters_are_read_and_longer_ones_are_not(text: str) -> None:
    whole, _, rest = text.partition(".")
    longest = f"{whole.rjust(MOST_DIGITS - len(rest) - 1, '0')}.{rest}"
    assert values.Number(0, 1)(plain(longest)) == Decimal(text)
    with pytest.raises(Unfit):
        values.Number(0, 1)(plain(f"0{longest}"))


def test_numbers_of_more_digits_or_a_larger_exponent_than_a_hundred_are_not_read() -> None:
    any_decimals = values.Number(0, 1, decimals=None)
    longest = Decimal("0." + "1" * 100)
    assert any_decimals(longest) == longest
    assert values.Number(0, 1)(plain("0e100")) == values.Number(0, 1)(plain("0e-100")) == 0
    for absurd in (Decimal("0." + "1" * 101), plain("0e101"), plain("0e-101")):
        with pytest.raises(Unfit):
            any_decimals(absurd)


def test_what_is_unfit_says_what_was_expected() -> None:
    with pytest.raises(Unfit, match=r"^expected text$") as unfit:
        values.text(None)
    assert unfit.value.expected == "text"
