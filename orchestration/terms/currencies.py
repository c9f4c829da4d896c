"""ISO 4217: which currencies there are, and how many decimals each has (contract §1, §2, §7).

Current are the codes of the list "current currency & funds" of 2026-01-01 that have a minor unit.
Codes without one (gold, SDR, test codes) cannot be paid and are left out. Withdrawn are those of the
list "historic" that were withdrawn since 1999-01 and had a minor unit: landing data may still name
them, but a program cannot, and nothing is paid in them. That list gives no decimals, so they are
those of Java's currency table, and 2 for the eight codes which Java does not know.

It is our own table, held against the package `iso4217` by a test, so that a new edition of the list
is seen by a person: a currency that the package drops may still have open balances, and must become
a withdrawn one. Babel's decimals are CLDR's, which say how an amount is commonly shown (IQD 0, HUF 2
but cash 0), not what its smallest unit is.
"""

from decimal import Decimal
from typing import Final

from orchestration.terms.exact import scaled

_CURRENT_CODES: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD
        CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
        GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD
        LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB
        PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP
        SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW
        ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_WITHDRAWN_CODES: Final = {
    0: "ADP BEF BYB BYR ESP GRD ITL LUF MGF PTE ROL TPE TRL",
    2: """
        AFA ANG AON AOR ATS AYM AZM BGL BGN CHC CSD CUC CYP DEM ECS ECV EEK FIM FRF GHC GHP HRK IEP
        LTL LVL MRO MTL MZM NLG RUR SDD SIT SKK SLL SRG STD TJR TMM USS VEB VEF YUM ZMK ZRN ZWD ZWL
        ZWN ZWR
    """,
}


def _by_code(codes_by_decimals: dict[int, str]) -> dict[str, int]:
    return {
        code: decimals for decimals, codes in codes_by_decimals.items() for code in codes.split()
    }


_CURRENT: Final = _by_code(_CURRENT_CODES)
_WITHDRAWN: Final = _by_code(_WITHDRAWN_CODES)
_DECIMALS: Final = _CURRENT | _WITHDRAWN

CURRENT_CURRENCIES: Final = tuple(sorted(_CURRENT))
"""The codes that a program may name, in their order."""

CURRENCIES: Final = tuple(sorted(_DECIMALS))
"""The codes that landing data may name: current and withdrawn ones, in their order."""

_MARKET_CURRENCIES: Final = {"US": "USD", "JP": "JPY", "KR": "KRW"}

MARKETS_WITH_A_CURRENCY: Final = tuple(_MARKET_CURRENCIES)
"""Markets whose creators have a payout currency of their own, in whatever program (§7)."""


def is_current(code: str) -> bool:
    """True if a program may name the code: it has a minor unit and is in use (as it stands: upper case)."""
    return code in _CURRENT


def is_withdrawn(code: str) -> bool:
    """True if the code was withdrawn since 1999: landing data may name it, and nothing is paid in it."""
    return code in _WITHDRAWN


def is_currency_pair(text: str) -> bool:
    """True if the text is a pair of different currencies as `fx_confirmed` names it: `USD/JPY`."""
    base, slash, quote = text.partition("/")
    return bool(slash) and base != quote and is_current(base) and is_current(quote)


def minor_unit_decimals(code: str) -> int:
    """Decimals of the currency's smallest unit: USD 2, JPY 0, BHD 3; also of a withdrawn one.

    KeyError if the code is unknown.
    """
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


def amount_text(currency: str, minor: int) -> str:
    """An amount of minor units as a machine reads it: 123456 of USD is 1234.56, 5 of JPY is 5."""
    return money_text(currency, minor).replace(",", "")
