"""ISO 4217 decimals, money in minor units, and the currency of a market."""

from decimal import Decimal, localcontext

import pytest

from orchestration.terms.currencies import (
    default_payout_currency,
    is_currency,
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
    assert not is_currency(code)


@pytest.mark.parametrize("code", ["BGN", "ANG", "ZWL"])
def test_codes_withdrawn_since_2024_stay_known(code: str) -> None:
    """A period that was paid in one of them may be run again."""
    assert minor_unit_decimals(code) == 2


@pytest.mark.parametrize("code", ["usd", "US", "USDT", "", "DEM", "HRK", "840", "ABC"])
def test_other_codes_are_unknown(code: str) -> None:
    assert not is_currency(code)
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
