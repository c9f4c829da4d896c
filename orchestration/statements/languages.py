"""The languages of statements (§12): catalogues by gettext, money, numbers and days by CLDR.

Decimals of money are the contract's (ISO 4217), not CLDR's, which are those of common use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from functools import cache, lru_cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from typing import Final, Literal, get_args

from babel import Locale
from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import NumberPattern, parse_pattern

from orchestration.terms.calendar import wall_time
from orchestration.terms.currencies import minor_unit_decimals

Language = Literal["en", "ja", "ko", "fr"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
CATALOGUES: Final = Path(__file__).parent / "locale"
_OF_MARKET: Final[Mapping[str | None, Language]] = {"JP": "ja", "KR": "ko"}
_DIGITS: Final = 80
"""What is computed with: an exported number has 38 digits at most."""


def language_of(market: str | None) -> Language:
    """§12: "by the creator's market: JP `ja`, KR `ko`, else `en`"."""
    return _OF_MARKET.get(market, "en")


def catalogue_file(language: Language) -> Path:
    """The catalogue of a language: gettext's own format, which translators' tools edit."""
    return CATALOGUES / f"{language}.po"


@cache
def translations(language: Language) -> GNUTranslations:
    """The catalogue of a language, read from its .po file: so no compiled file can be older than it."""
    with catalogue_file(language).open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


@dataclass(frozen=True, slots=True)
class Speech:
    """The way in which a language writes numbers, money and days."""

    language: Language

    def number(self, value: str | int | Decimal) -> str:
        """A plain decimal, exact, with the language's signs and groups."""
        return _number(self.language, value)

    def percent(self, value: Decimal | str) -> str:
        """A share as percent, exact: 0.1021 is 10.21 %."""
        with localcontext(prec=_DIGITS):
            pattern: NumberPattern = self._locale.percent_formats[None]
            found: str = pattern.apply(Decimal(value), self._locale, decimal_quantization=False)
            return found

    def money(self, minor: int | str, currency: str) -> str:
        """An amount of minor units, exact, with the code of its currency: a sign may be of several."""
        decimals = minor_unit_decimals(currency)
        with localcontext(prec=_DIGITS):
            amount = Decimal(minor).scaleb(-decimals)
            exponent = amount.normalize().as_tuple().exponent
            assert isinstance(exponent, int), "an amount is a number"
            pattern = _money_pattern(self.language, max(decimals, -exponent))
            found: str = pattern.apply(
                amount, self._locale, currency=currency, currency_digits=False
            )
            return found

    def day(self, day: date) -> str:
        """A day, its month in letters."""
        return format_date(day, "long", self._locale)

    def moment(self, instant: str, zone: str, is_edge: bool = False) -> str:
        """An exported instant in a time zone's own time: to the minute, and an edge as finely as it is."""
        utc = datetime.fromisoformat(instant).astimezone(UTC).replace(tzinfo=None)
        local = wall_time(utc, zone)
        clock = format_time(local, "HH:mm", locale=self._locale)
        if is_edge and (local.second or local.microsecond):
            clock = f"{local:%H:%M:%S.%f}".removesuffix(".000000")
        joined: str = self._locale.datetime_formats["medium"]
        return joined.format(
            clock,
            format_date(local, "medium", self._locale),
        )

    @property
    def _locale(self) -> Locale:
        return _locale(self.language)


@cache
def _locale(language: Language) -> Locale:
    return Locale.parse(language)


@lru_cache(maxsize=10_000)  # pages repeat zeros, and the numbers of the terms
def _number(language: Language, value: str | int | Decimal) -> str:
    locale = _locale(language)
    with localcontext(prec=_DIGITS):
        pattern: NumberPattern = locale.decimal_formats[None]
        found: str = pattern.apply(Decimal(value), locale, decimal_quantization=False)
        return found


@cache
def _money_pattern(language: Language, decimals: int) -> NumberPattern:
    """The language's pattern of money, with so many decimals, and a code in the place of the sign.

    CLDR parts a code from the digits by a blank that does not break, where a sign has none.
    """
    pattern = _locale(language).currency_formats["standard"].pattern
    pattern = pattern.replace("¤#", "¤\N{NO-BREAK SPACE}#").replace("¤", "¤¤")
    return parse_pattern(pattern.replace("0.00", "0." + "0" * decimals if decimals else "0"))
