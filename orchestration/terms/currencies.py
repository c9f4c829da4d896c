"""ISO 4217: which currencies there are, and how many decimals each has (contract §1, §7).

The table is the list "current currency & funds" as published on 2026-01-01, all codes that have a
minor unit, and the codes withdrawn since 2024, because a period from then may be run again. Codes
without a minor unit (gold, SDR, test codes) cannot be paid and are left out. It is our own table
since no library here follows ISO: Babel's decimals are CLDR's, which say how an amount is commonly
shown (IQD 0, HUF 2 but cash 0), not what its smallest unit is.
"""

from decimal import Decimal
from typing import Final

from orchestration.terms.exact import scaled

_CODES_BY_DECIMALS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD
        CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
        GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD
        LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB
        PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP
        SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW
        ZWG
        ANG BGN ZWL
    """,  # the last line: withdrawn in 2025, at the start of 2026, and in 2024
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_DECIMALS: Final = {
    code: decimals for decimals, codes in _CODES_BY_DECIMALS.items() for code in codes.split()
}
CURRENCIES: Final = tuple(sorted(_DECIMALS))
"""All currency codes that are known, in their order."""

_MARKET_CURRENCIES: Final = {"US": "USD", "JP": "JPY", "KR": "KRW"}

MARKETS_WITH_A_CURRENCY: Final = tuple(_MARKET_CURRENCIES)
"""Markets whose creators have a payout currency of their own, in whatever program (§7)."""


def is_currency(code: str) -> bool:
    """Whether the code is an ISO 4217 currency that has a minor unit (upper case, as it stands)."""
    return code in _DECIMALS


def is_currency_pair(text: str) -> bool:
    """Whether the text is a pair of different currencies as `fx_confirmed` names it: `USD/JPY`."""
    base, slash, quote = text.partition("/")
    return bool(slash) and base != quote and is_currency(base) and is_currency(quote)


def minor_unit_decimals(code: str) -> int:
    """Decimals of the currency's smallest unit: USD 2, JPY 0, BHD 3. KeyError if it is unknown."""
    return _DECIMALS[code]


def minor_units(amount: Decimal, code: str) -> int:
    """The amount in the currency's minor units, exact: 25.00 USD is 2500.

    ValueError for an amount with more decimals than the currency has, KeyError if it is unknown.
    """
    return scaled(amount, _DECIMALS[code])


def default_payout_currency(market: str | None, program_currency: str) -> str:
    """The currency a creator without a payees row is paid in (§7); None: its market is unknown."""
    if market is None:
        return program_currency
    return _MARKET_CURRENCIES.get(market, program_currency)


def money_text(currency: str, minor: int) -> str:
    """An amount of minor units as a person reads it: 123456 of USD is 1,234.56."""
    decimals = minor_unit_decimals(currency)
    sign, digits = "-" if minor < 0 else "", str(abs(minor)).rjust(decimals + 1, "0")
    whole = f"{int(digits[: len(digits) - decimals]):,}"
    return sign + (f"{whole}.{digits[-decimals:]}" if decimals else whole)
