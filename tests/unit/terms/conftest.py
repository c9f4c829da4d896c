"""A program file to change in one place, as the tests of this folder need it."""

from collections.abc import Callable

import pytest

from orchestration.terms.load import ProgramFileError, parse_program
from orchestration.terms.model import Program
from orchestration.terms.problems import Problem, key_path

Change = tuple[str, str]
"""(what stands in the file, once; what shall stand there instead)."""

PROGRAM = """\
program: spring-bonus
currency: USD
markets: {US: {timezone: America/Los_Angeles}, JP: {timezone: Asia/Tokyo}}
periods:
  - {key: march, starts_on: 2024-03-01, ends_on: 2024-03-31, closes_on: 2024-04-03,
     fx_on: 2024-04-02, pays_on: 2024-04-20, budget: 250000.00}
  - {key: april, starts_on: 2024-04-01, ends_on: 2024-04-30, closes_on: 2024-05-03,
     fx_on: 2024-05-02, pays_on: 2024-05-20}
terms:
  - version: 1
    effective_from: 2024-03-01
    eligibility:
      account_types: [creator, business]
      markets: [US, JP]
      minimum_age: 18
      content_types: [reel, photo]
      minimum_views: 1000
      maximum_posts: 150
      counts_posts: published_in_window
      excludes: [collab, watermark]
    weights:
      reel: {views: 1, likes: 2, comments: 5, shares: 8.5}
      photo: {views: 0.8}
    audience_value:
      countries: {US: 1.0, DE: 0.7}
      other: 0.25
      floor: 0.1
      ceiling: 1.5
    payout:
      method: rate
      rates: {US: [{up_to: 5000, rate: 0.16}, {up_to: 10000, rate: 0.12}, {rate: 0.08}],
              JP: [{rate: 0.07}]}
      cap: {US: 30000.00}
      milestones: [{content_type: reel, posts: 10, amount: 50.00}]
  - version: 2
    effective_from: 2024-04-10
    eligibility: {account_types: [personal], markets: [JP], content_types: [], counts_posts: any}
    weights: {}
    audience_value: {countries: {}, other: 1}
    payout: {method: pool, pools: {JP: 40000.00}}
terminated_on: 2024-05-31
minimum_payout: {USD: 25.00, JPY: 4000, BHD: 9.5}
withholding:
  - {tax_residence: US, tax_form: w9, brackets: [{rate: 0}]}
  - {tax_residence: US, tax_form: '*', brackets: [{rate: 0.24}]}
  - {tax_residence: '*', tax_form: '*', brackets: [{up_to: 900, rate: 0.1}, {rate: 0.3}]}
"""


def changed(*changes: Change) -> bytes:
    """The program file with the changes made."""
    text = PROGRAM
    for before, after in changes:
        assert text.count(before) == 1, f"{before!r} must stand in the program once"
        text = text.replace(before, after)
    return text.encode()


@pytest.fixture
def accepted() -> Callable[..., Program]:
    """accepted(*changes): the program with these changes, which has to be valid."""
    return lambda *changes: parse_program(changed(*changes), "program.yaml")


@pytest.fixture
def problems() -> Callable[..., list[Problem]]:
    """problems(*changes): what is wrong with the program after these changes."""

    def problems_of(*changes: Change) -> list[Problem]:
        with pytest.raises(ProgramFileError) as refused:
            parse_program(changed(*changes), "program.yaml")
        return refused.value.problems

    return problems_of


@pytest.fixture
def refused_at(problems: Callable[..., list[Problem]]) -> Callable[..., list[str]]:
    """refused_at(*changes): the key paths at which these changes are refused."""
    return lambda *changes: [key_path(problem.path) for problem in problems(*changes)]
