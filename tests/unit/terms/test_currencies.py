"""ISO 4217 decimals, money in minor units, and the currency of a market."""

from decimal import Decimal, localcontext

import iso4217
import pytest

from orchestration.terms.currencies import (
    CURRENCIES,
    CURRENT_CURRENCIES,
    default_payout_currency,
    is_current,
    is_withdrawn,
    minor_unit_decimals,
    minor_units,
    money_text,
)


@pytest.mark.parametrize(
    ("code", "decimals"),
    [
        *[("USD", 2), ("EUR", 2), ("JPY", 0), ("KRW", 0), ("BHD", 3), ("CLF", 4), ("UYW", 4)],
        # Where CLDR, and libraries that follow it, say or once said something else than ISO.
        *[("HUF", 2), ("IDR", 2), ("IQD", 3), ("ISK", 0), ("MGA", 2), ("MRU", 2), ("COP", 2)],
        # The newest codes.
        *[("XCG", 2), ("ZWG", 2), ("SLE", 2), ("VED", 2)],
    ],
)
def test_decimals_are_those_of_iso_4217(code: str, decimals: int) -> None:
    assert minor_unit_decimals(code) == decimals


@pytest.mark.parametrize("code", ["XAU", "XAG", "XDR", "XXX", "XTS", "XBA", "XSU"])
def test_codes_without_a_minor_unit_cannot_be_paid(code: str) -> None:
    assert code not in CURRENCIES


def test_the_current_codes_are_those_of_the_published_list() -> None:
    """A new edition of the package brings a new list: what it drops becomes a withdrawn currency."""
    listed = {
        code: entry["CcyMnrUnts"]
        for code, entry in iso4217.raw_table.items()
        if code and entry["CcyMnrUnts"].isdigit()
    }
    assert {code: str(minor_unit_decimals(code)) for code in CURRENT_CURRENCIES} == listed


@pytest.mark.parametrize(
    ("code", "decimals"),
    [
        *[("XRE", None), ("XEU", None)],  # 1999-11, 1999-01: units of account without a minor unit
        *[("ZRN", 2), ("AOR", 2), ("ADP", 0), ("DEM", 2), ("ITL", 0), ("TRL", 0), ("BYR", 0)],
        *[("HRK", 2), ("CUC", 2), ("ZWL", 2), ("ANG", 2), ("BGN", 2)],
        *[("SDP", None), ("BAD", None), ("GWP", None)],  # 1998-06, 1998-07, 1997-05
    ],
)
def test_codes_withdrawn_since_1999_are_known_and_not_current(
    code: str, decimals: int | None
) -> None:
    assert is_withdrawn(code) == (decimals is not None) == (code in CURRENCIES)
    assert not is_current(code)
    if decimals is not None:
        assert minor_unit_decimals(code) == decimals


def test_no_code_is_both_current_and_withdrawn() -> None:
    assert not any(map(is_withdrawn, CURRENT_CURRENCIES))
    assert {code for code in CURRENCIES if not is_withdrawn(code)} == set(CURRENT_CURRENCIES)


@pytest.mark.parametrize("code", ["usd", "US", "USDT", "", "840", "ABC"])
def test_other_codes_are_unknown(code: str) -> None:
    assert not is_current(code)
    assert not is_withdrawn(code)
    with pytest.raises(KeyError):
        minor_unit_decimals(code)


@pytest.mark.parametrize(
    ("amount", "code", "minor"),
    [("25.00", "USD", 2500), ("10.000", "USD", 1000), ("4000", "JPY", 4000), ("9.5", "BHD", 9500)],
)
def test_minor_units(amount: str, code: str, minor: int) -> None:
    assert minor_units(Decimal(amount), code) == minor


@pytest.mark.parametrize(("amount", "code"), [("0.001", "USD"), ("0.5", "JPY"), ("1e-9", "BHD")])
def test_an_amount_between_two_minor_units_is_refused(amount: str, code: str) -> None:
    with pytest.raises(ValueError, match="decimals"):
        minor_units(Decimal(amount), code)


def test_minor_units_are_exact_in_any_decimal_context() -> None:
    amount = Decimal("123456789012.34")
    with localcontext(prec=3):
        assert minor_units(amount, "USD") == 12345678901234


@pytest.mark.parametrize(
    ("market", "currency"),
    [("US", "USD"), ("JP", "JPY"), ("KR", "KRW"), ("DE", "EUR"), ("", "EUR"), (None, "EUR")],
)
def test_default_payout_currency(market: str | None, currency: str) -> None:
    assert default_payout_currency(market, program_currency="EUR") == currency


@pytest.mark.parametrize(
    ("currency", "minor", "text"),
    [
        ("USD", 123_456, "1,234.56"),
        ("USD", -5, "-0.05"),
        ("USD", 0, "0.00"),
        ("JPY", 1_234_567, "1,234,567"),
        ("BHD", 1_001, "1.001"),
    ],
)
def test_an_amount_as_a_person_reads_it(currency: str, minor: int, text: str) -> None:
    assert money_text(currency, minor) == text
