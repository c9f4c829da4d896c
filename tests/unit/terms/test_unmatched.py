"""What matches nothing is warned of by value and count; what is just another value is not."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration.terms.load import parse_program
from orchestration.terms.model import Program
from orchestration.terms.unmatched import MOST_TOLD, Values, unmatched

PROGRAM = """\
program: my-rate
currency: USD
markets: {US: {timezone: UTC}, DE: {timezone: UTC}}
periods:
  - {key: march, starts_on: 2024-03-01, ends_on: 2024-03-31, closes_on: 2024-04-03,
     fx_on: 2024-04-02, pays_on: 2024-04-20}
terms:
  - version: 1
    effective_from: 2024-03-01
    eligibility: {account_types: [creator], markets: [US, DE], content_types: [reel, photo, carousel, loop],
                  counts_posts: any}
    weights: {reel: {views: 1}, photo: {views: 1}, carousels: {views: 1}}
    audience_value: {countries: {}, other: 1}
    payout: {method: rate, rates: {US: [{rate: 0.10}], DE: [{rate: 0.10}]}}
minimum_payout: {USD: 25.00}
withholding:
  - {tax_residence: US, tax_form: '*', brackets: [{rate: 0}]}
  - {tax_residence: DE, tax_form: '*', brackets: [{rate: 0}]}
  - {tax_residence: '*', tax_form: '*', brackets: [{rate: 0.3}]}
"""


@pytest.fixture(scope="module")
def program() -> Program:
    return parse_program(PROGRAM.encode(), "program.yaml")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"markets": {"de": 3, "US": 9, "BR": 4}},
            [
                "3 creators are of the market 'de', which the program does not have, so they earn"
                " nothing; perhaps DE"
            ],
        ),
        ({"markets": {"BR": 4, "US": 1}}, []),
        (
            {"programs": {"my_rate": 1200, "other": 7}},
            [
                "1,200 deals are of the program 'my_rate', which the program does not have, so they"
                " earn nothing; perhaps my-rate"
            ],
        ),
        ({"programs": {"my-rate": 2, "another": 5}}, []),
        (
            {"content_types": {"reels": 8, "photo": 1}},
            [
                "8 posts are of the content type 'reels', which the program does not have, so they"
                " earn nothing; perhaps reel",
            ],
        ),
        ({"content_types": {"photo": 1, "reel": 1, "story": 5}}, []),
        (
            {"content_types": {"carousel": 5, "loop": 3}},
            [
                "5 posts are of the content type 'carousel', which has no weights, so they earn"
                " nothing; perhaps carousels",
                "3 posts are of the content type 'loop', which has no weights, so they earn nothing",
            ],
        ),
        (
            {"residences": {"Germany": 3, "us": 1, "DE": 5, "FR": 8}},
            [
                "3 creators have the tax residence 'Germany', which only '*' of withholding matches",
                "1 creator has the tax residence 'us', which only '*' of withholding matches;"
                " perhaps US",
            ],
        ),
        (
            {"currencies": {"EUR": 12, "GBP": 1}},
            [
                "nobody is paid in USD, which has a minimum payout; there is none for EUR"
                " (12 creators), GBP (1 creators)"
            ],
        ),
        ({"currencies": {"EUR": 12, "USD": 1}}, []),
        ({"currencies": {"USD": 1}}, []),
        ({}, []),
    ],
    ids=[
        "market in small letters", "another market", "program with another sign", "another program",
        "content type in the plural", "a content type of no program",
        "content types without weights", "residence in words", "minimum for nobody", "minimum for some", "minimum for all", "nothing",
    ],
)  # fmt: skip
def test_what_looks_meant_is_told(values: dict[str, Any], said: list[str], program: Program) -> None:  # fmt: skip
    assert [found.said for found in unmatched(program, Values(**values))] == said


def test_of_a_column_so_many_are_told(program: Program) -> None:
    many = {"j" + "-" * number + "p": 1 for number in range(3000)}
    residences = {f"Germany {number:04}": 1 for number in range(3000)}
    us = {"u" + "-" * number + "s": number for number in range(1, 3000)}
    found = unmatched(program, Values(markets=us | many, residences=residences))
    assert [row.dataset for row in found] == ["creators"] * MOST_TOLD + ["payees"] * MOST_TOLD
    assert found[0].message.startswith("2,999 creators")


def test_where_only_the_star_stands_every_residence_is_meant(program: Program) -> None:
    star = program.model_copy(update={"withholding": program.withholding[-1:]})
    assert unmatched(star, Values(residences={"Germany": 3})) == []
