"""Numbers, money, days and instants, as each language writes them; exact, whatever their size."""

from __future__ import annotations

from datetime import date

import pytest

from orchestration.statements.languages import LANGUAGES, Language, Speech, language_of

NB, THIN = "\u00a0", "\u202f"


@pytest.mark.parametrize(
    ("market", "language"),
    [("JP", "ja"), ("KR", "ko"), ("US", "en"), ("FR", "en"), ("jp", "en"), (None, "en")],
)
def test_the_language_of_a_market(market: str | None, language: Language) -> None:
    assert language_of(market) == language


@pytest.mark.parametrize(
    ("language", "minor", "currency", "text"),
    [
        ("en", 123456, "USD", f"USD{NB}1,234.56"),
        ("fr", 123456, "USD", f"1{THIN}234,56{NB}USD"),
        ("ja", 123456, "JPY", f"JPY{NB}123,456"),
        ("ko", -123456, "KRW", f"-KRW{NB}123,456"),
        ("en", 5, "USD", f"USD{NB}0.05"),
        ("en", 0, "BHD", f"BHD{NB}0.000"),
        ("en", 1234567, "IQD", f"IQD{NB}1,234.567"),  # CLDR: no decimals; ISO 4217: three
        ("en", 100, "UYI", f"UYI{NB}100"),
        ("en", 9_223_372_036_854_775_807, "USD", f"USD{NB}92,233,720,368,547,758.07"),
        ("en", "79637.4366976", "USD", f"USD{NB}796.374366976"),  # exact, before it is rounded
        ("en", "0.5", "JPY", f"JPY{NB}0.5"),
    ],
)
def test_money(language: Language, minor: int | str, currency: str, text: str) -> None:
    assert Speech(language).money(minor, currency) == text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_number_keeps_all_its_digits(language: Language) -> None:
    value = "-9999999999999999999999999999999999.9999"
    digits = [sign for sign in Speech(language).number(value) if sign.isdigit()]
    assert "".join(digits) == "9" * 38
    assert Speech(language).number("0") == "0"


def test_percent() -> None:
    assert [Speech(one).percent("0.1021") for one in LANGUAGES] == [
        "10.21%",
        "10.21%",
        "10.21%",
        f"10,21{NB}%",
    ]


def test_days_and_instants() -> None:
    assert [Speech(one).day(date(2024, 5, 21)) for one in LANGUAGES] == [
        "May 21, 2024",
        "2024年5月21日",
        "2024년 5월 21일",
        "21 mai 2024",
    ]
    midnight = "2024-05-20T15:00:00Z"
    assert Speech("ja").moment(midnight, "Asia/Tokyo") == "2024/05/21 00:00"
    assert Speech("en").moment(midnight, "UTC") == "May 20, 2024, 15:00"
    assert Speech("fr").moment("2024-05-20T22:00:00.25Z", "Europe/Paris") == "21 mai 2024, 00:00"
    assert Speech("en").moment("2024-05-20T15:00:07Z", "UTC", True) == "May 20, 2024, 15:00:07"
    assert Speech("en").moment(midnight, "UTC", True) == "May 20, 2024, 15:00"
    micros = "2024-05-20T15:00:00.250001Z"
    assert Speech("en").moment(micros, "UTC", True) == "May 20, 2024, 15:00:00.250001"
