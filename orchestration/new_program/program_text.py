"""The text of a new program file: valid as it stands, with a comment on all that is to be decided."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Final

from orchestration.new_program.answers import Answers
from orchestration.terms.currencies import minor_unit_decimals

SCHEMA: Final = "schemas/program.schema.json"
"""Where the schema lies that the first line names, beside the program file."""

# A currency without decimals has small units: 150 yen rather than 1.00 dollar.
_UNITS_WITHOUT_DECIMALS: Final = 150
RATE, MINIMUM, CAP, POOL = (Decimal(number) for number in (1, 25, 1000, 1000))
"""Amounts to begin with, in dollars or the like: per 1000 points, least payout, cap, pool a market."""

_HEAD = """\
# yaml-language-server: $schema={schema}
# Every amount and every rule here is a proposal: go through it from top to bottom and decide.
# An editor with a YAML language server completes and explains the keys, by the line above.
program: {program}
currency: {currency}                   # of rates, caps and pools; it can never change later
markets:                        # where creators are: the days of a period are those of the time zone
{markets}
# closes_on: from then on the period can be closed; deliver everything before it.
# fx_on: the day whose exchange rates count. pays_on: the day of the payout.
# A period may have a budget, the most that it pays: budget: {budget}
periods:
{periods}
terms:                          # the rules; a change is a further version with its own effective_from
  - version: 1
    effective_from: {first}
    eligibility:
      account_types: [creator, business]         # of creator, business, personal
      markets: [{codes}]
      minimum_age: 18                            # needs birth_date in creators; without it nobody is too young
      content_types: [reel, photo]               # as your posts name them: what is not named earns nothing
      minimum_views: 1000                        # that a post needs in the period
      counts_posts: published_in_window          # or any: older posts earn on what they gain
      excludes: [branded_content, not_original]  # and, if you like, collab, watermark
    weights:                    # points for each view, like, comment and share
      reel: {{views: 1, likes: 2}}
      photo: {{views: 0.5, likes: 2}}
    audience_value:             # points count for more where the audience is worth more
      countries: {{{countries}}}
      other: 1                  # all other countries; with 1 everywhere it makes no difference
    payout:
"""

_RATE = """\
      method: rate              # a price for points: {currency} per 1000 points, in brackets
      rates:
{rates}
"""

_POOL = """\
      method: pool              # a sum for each market and period, shared by points
      pools:
{pools}
"""

_TAIL = """\
      cap: {{{caps}}}    # the most that one creator earns in a period
minimum_payout: {{{currency}: {minimum}}}    # less is carried to the next period; for each currency you pay in
withholding:                    # tax that is kept back: ask your tax adviser
  - {{tax_residence: '*', tax_form: '*', brackets: [{{rate: 0}}]}}    # the last row holds for all others
"""


def program_text(answers: Answers) -> str:
    """The program file of these answers."""
    currency, first_market = answers.currency, next(iter(answers.markets))
    head = _HEAD.format(
        schema=SCHEMA,
        program=answers.program,
        currency=currency,
        markets=_lines(f"  {code}: {{timezone: {zone}}}" for code, zone in answers.markets.items()),
        budget=money(answers, POOL * 20),
        periods=_lines(_periods(answers)),
        first=answers.first,
        codes=", ".join(answers.markets),
        countries=", ".join(f"{code}: 1" for code in answers.markets),
    )
    return (
        head
        + _method(answers)
        + _TAIL.format(
            caps=f"{first_market}: {money(answers, CAP)}",
            currency=currency,
            minimum=money(answers, MINIMUM),
        )
    )


def _periods(answers: Answers) -> Iterable[str]:
    for starts_on, ends_on in answers.months():
        closes_on = ends_on + timedelta(days=4)
        yield (
            f"  - {{key: {starts_on:%Y-%m}, starts_on: {starts_on}, ends_on: {ends_on},"
            f" closes_on: {closes_on},\n"
            f"     fx_on: {closes_on - timedelta(days=1)}, pays_on: {ends_on + timedelta(days=20)}}}"
        )


def _method(answers: Answers) -> str:
    if answers.method == "pool":
        pools = (f"        {code}: {money(answers, POOL)}" for code in answers.markets)
        return _POOL.format(pools=_lines(pools))
    price, half = money(answers, RATE), money(answers, RATE / 2)
    rates = (
        f"        {code}: [{{up_to: 500000, rate: {price}}}, {{rate: {half}}}]"
        for code in answers.markets
    )
    return _RATE.format(currency=answers.currency, rates=_lines(rates))


def money(answers: Answers, dollars: Decimal) -> str:
    """An amount to begin with, as it stands in the file: of about that many dollars' size."""
    decimals = minor_unit_decimals(answers.currency)
    return f"{dollars:.2f}" if decimals else f"{dollars * _UNITS_WITHOUT_DECIMALS:.0f}"


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)
