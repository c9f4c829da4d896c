"""The sample's program file: one template, filled with as many monthly periods as are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

PROGRAM = "instagram-spring-bonus"
ZONES = {"US": "America/Los_Angeles", "JP": "Asia/Tokyo", "KR": "Asia/Seoul"}
MAXIMUM_POSTS = 12
BUDGET_PER_CREATOR = 50  # program currency; below what the middle period would pay, so it bites

FIRST_LINE = "# Sample program: every rule of the contract is in use. Written by `bonus sample`.\n"
"""How a program file begins that a sample has."""

_HEAD = (
    FIRST_LINE
    + """\
program: instagram-spring-bonus
currency: USD
markets:
  US: {timezone: America/Los_Angeles}
  JP: {timezone: Asia/Tokyo}
  KR: {timezone: Asia/Seoul}
periods:
"""
)

_TERMS = """\
terms:
  - version: 1
    effective_from: 2024-03-29
    eligibility:
      account_types: [creator, business]
      markets: [US, JP, KR]
      minimum_age: 18
      content_types: [reel, carousel, photo]
      minimum_views: 1000
      maximum_posts: {maximum_posts}
      counts_posts: published_in_window
      excludes: [branded_content, collab, watermark, not_original]
    weights:
      reel:     {{views: 1, likes: 2, comments: 5, shares: 8}}
      carousel: {{views: 1, likes: 2, comments: 5, shares: 8}}
      photo:    {{views: 0.8, likes: 2, comments: 5, shares: 8}}
    audience_value:
      countries: {{US: 1.0, JP: 0.8, KR: 0.7}}
      other: 0.15
      floor: 0.2
      ceiling: 1.5
    payout:
      method: rate
      rates:
        US: [{{up_to: 500000, rate: 0.60}}, {{up_to: 2000000, rate: 0.30}}, {{rate: 0.10}}]
        JP: [{{up_to: 500000, rate: 0.55}}, {{rate: 0.25}}]
        KR: [{{rate: 0.45}}]
      cap: {{US: 1500.00, JP: 1200.00, KR: 1000.00}}
      milestones:
        - {{content_type: reel, posts: 10, amount: 50.00}}
  - version: 2                         # in mid-period: shares count for more, photos less
    effective_from: {second_version}
    eligibility:
      account_types: [creator, business]
      markets: [US, JP, KR]
      minimum_age: 18
      content_types: [reel, carousel, photo]
      minimum_views: 1500
      maximum_posts: {maximum_posts}
      counts_posts: published_in_window
      excludes: [branded_content, collab, watermark, not_original]
    weights:
      reel:     {{views: 1, likes: 2, comments: 6, shares: 10}}
      carousel: {{views: 1, likes: 2, comments: 6, shares: 10}}
      photo:    {{views: 0.7, likes: 2, comments: 6, shares: 10}}
    audience_value:
      countries: {{US: 1.0, JP: 0.85, KR: 0.75}}
      other: 0.15
      floor: 0.2
      ceiling: 1.5
    payout:
      method: rate
      rates:
        US: [{{up_to: 500000, rate: 0.64}}, {{up_to: 2000000, rate: 0.32}}, {{rate: 0.10}}]
        JP: [{{up_to: 500000, rate: 0.56}}, {{rate: 0.28}}]
        KR: [{{rate: 0.48}}]
      cap: {{US: 1500.00, JP: 1200.00, KR: 1000.00}}
      milestones:
        - {{content_type: reel, posts: 10, amount: 50.00}}
        - {{content_type: carousel, posts: 8, amount: 30.00}}
terminated_on: null
minimum_payout: {{USD: 25.00, JPY: 4000, KRW: 35000, EUR: 25.00, GBP: 20.00}}
withholding:                           # examples, not tax advice
  - {{tax_residence: US, tax_form: w9, brackets: [{{rate: 0}}]}}
  - {{tax_residence: US, tax_form: '*', brackets: [{{rate: 0.24}}]}}
  - {{tax_residence: JP, tax_form: '*',
     brackets: [{{up_to: 1000000, rate: 0.1021}}, {{rate: 0.2042}}]}}
  - {{tax_residence: KR, tax_form: '*', brackets: [{{rate: 0.033}}]}}
  - {{tax_residence: '*', tax_form: '*', brackets: [{{rate: 0.30}}]}}
"""


@dataclass(frozen=True)
class Period:
    """A bonus period of the sample, with its days as the program file has them."""

    key: str
    starts_on: date
    ends_on: date

    @property
    def closes_on(self) -> date:
        return self.ends_on + timedelta(days=3)

    @property
    def pays_on(self) -> date:
        return self.ends_on + timedelta(days=24)


def sample_periods(count: int) -> list[Period]:
    """Monthly periods from 2024-03-29 on; without a 29 February, the next begins on 1 March."""
    months = [(2024 + (month // 12), month % 12 + 1) for month in range(3, 3 + count + 1)]
    starts = [_period_start(year, month) for year, month in months]
    return [
        Period(f"{year}-{month:02}", starts[at], starts[at + 1] - timedelta(days=1))
        for at, (year, month) in enumerate(months[:count])
    ]


def _period_start(year: int, month: int) -> date:
    """The 29th of the month before, or the first of the month where there is none."""
    month_start = date(year, month, 1)
    before = month_start - timedelta(days=1)
    return before.replace(day=29) if before.day >= 29 else month_start


def program_text(creators: int, periods: int) -> str:
    """The program file of a sample with that many creators and periods."""
    sample = sample_periods(periods)
    budgeted = sample[min(2, periods - 1)]  # the third one, where there are three
    changed = sample[min(1, periods - 1)]  # terms change in the middle of the second
    lines = [_period_line(period, creators if period is budgeted else None) for period in sample]
    terms = _TERMS.format(
        second_version=changed.starts_on + timedelta(days=14), maximum_posts=MAXIMUM_POSTS
    )
    return _HEAD + "".join(lines) + terms


def _period_line(period: Period, budget_creators: int | None) -> str:
    budget = ""
    if budget_creators is not None:
        budget = f", budget: {budget_creators * BUDGET_PER_CREATOR}.00"
    return (
        f"  - {{key: {period.key}, starts_on: {period.starts_on}, ends_on: {period.ends_on},"
        f" closes_on: {period.closes_on},\n"
        f"     fx_on: {period.closes_on}, pays_on: {period.pays_on}{budget}}}\n"
    )
