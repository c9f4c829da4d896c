"""What several values of a program decide: each rule from both sides of its boundary."""

from collections.abc import Callable

import pytest

from orchestration.terms.model import Program
from orchestration.terms.problems import Problem
from orchestration.terms.rules import RULES

Accepted = Callable[..., Program]
RefusedAt = Callable[..., list[str]]

MARCH = "starts_on: 2024-03-01, ends_on: 2024-03-31, closes_on: 2024-04-03"
US_RATES = "US: [{up_to: 5000, rate: 0.16}, {up_to: 10000, rate: 0.12}, {rate: 0.08}]"


@pytest.mark.parametrize(
    ("before", "good", "bad", "path"),
    [
        pytest.param(
            "starts_on: 2024-04-01, ends_on: 2024-04-30",
            "starts_on: 2024-04-30, ends_on: 2024-04-30",
            "starts_on: 2024-04-30, ends_on: 2024-04-29",
            "periods[1].ends_on",
            id="starts_on <= ends_on",
        ),
        pytest.param(
            "closes_on: 2024-05-03",
            "closes_on: 2024-05-01",
            "closes_on: 2024-04-30",
            "periods[1].closes_on",
            id="ends_on < closes_on",
        ),
        pytest.param(
            "closes_on: 2024-05-03",
            "closes_on: 2024-05-20",
            "closes_on: 2024-05-21",
            "periods[1].pays_on",
            id="closes_on <= pays_on",
        ),
        pytest.param(
            "fx_on: 2024-05-02",
            "fx_on: 2024-05-20",
            "fx_on: 2024-05-21",
            "periods[1].pays_on",
            id="fx_on <= pays_on",
        ),
        pytest.param(
            "starts_on: 2024-04-01",
            "starts_on: 2024-04-02",  # a gap is no overlap
            "starts_on: 2024-03-31",
            "periods[1].starts_on",
            id="periods in order, not overlapping",
        ),
        pytest.param(
            "key: april", "key: march-2", "key: march", "periods[1].key", id="period keys differ"
        ),
        pytest.param(
            "version: 2", "version: 3", "version: 1", "terms[1].version", id="versions differ"
        ),
        pytest.param(
            "effective_from: 2024-04-10",
            "effective_from: 2024-03-02",
            "effective_from: 2024-03-01",
            "terms[1].effective_from",
            id="terms ascend by effective_from",
        ),
        pytest.param(
            "effective_from: 2024-03-01",
            "effective_from: 2024-02-29",
            "effective_from: 2024-03-02",
            "terms[0].effective_from",
            id="the first terms cover the first period",
        ),
        pytest.param(
            "terminated_on: 2024-05-31",
            "terminated_on: 2024-03-02",
            "terminated_on: 2024-03-01",
            "terminated_on",
            id="terminated after the first starts_on",
        ),
        pytest.param(
            "up_to: 10000",
            "up_to: 5000.000001",
            "up_to: 5000",
            "terms[0].payout.rates.US[1].up_to",
            id="up_to above the one before",
        ),
        pytest.param(
            "{rate: 0.08}",
            "{up_to: null, rate: 0.08}",
            "{up_to: 10001, rate: 0.08}",
            "terms[0].payout.rates.US[2].up_to",
            id="the last bracket has no up_to",
        ),
        pytest.param(
            "{up_to: 5000, rate: 0.16}",
            "{up_to: 1, rate: 0.16}",
            "{rate: 0.16}",
            "terms[0].payout.rates.US[0].up_to",
            id="only the last bracket has no up_to",
        ),
        pytest.param(
            "{up_to: 900, rate: 0.1}",
            "{up_to: 0.5, rate: 0.1}",
            "{rate: 0.1}",
            "withholding[2].brackets[0].up_to",
            id="withholding brackets likewise",
        ),
        pytest.param(
            "markets: [JP]",
            "markets: [US]",
            "markets: [KR]",
            "terms[1].eligibility.markets[0]",
            id="known market in eligibility",
        ),
        pytest.param(
            "JP: [{rate: 0.07}]",
            '"JP": [{rate: 0.07}]',
            "KR: [{rate: 0.07}]",
            "terms[0].payout.rates.KR",
            id="known market in rates",
        ),
        pytest.param(
            "pools: {JP: 40000.00}",
            "pools: {US: 40000.00}",
            "pools: {jp: 40000.00}",
            "terms[1].payout.pools.jp",
            id="known market in pools",
        ),
        pytest.param(
            "cap: {US: 30000.00}",
            "cap: {JP: 30000.00}",
            "cap: {KR: 30000.00}",
            "terms[0].payout.cap.KR",
            id="known market in cap",
        ),
        pytest.param(
            "budget: 250000.00",
            "budget: 250000.010",
            "budget: 250000.001",
            "periods[0].budget",
            id="decimals of the budget",
        ),
        pytest.param(
            "JP: 40000.00",
            "JP: 40000.50",
            "JP: 40000.005",
            "terms[1].payout.pools.JP",
            id="decimals of a pool, in program currency whatever the market",
        ),
        pytest.param(
            "US: 30000.00",
            "US: 0.01",
            "US: 0.001",
            "terms[0].payout.cap.US",
            id="decimals of a cap",
        ),
        pytest.param(
            "amount: 50.00",
            "amount: 50.01",
            "amount: 5001e-3",
            "terms[0].payout.milestones[0].amount",
            id="decimals of a milestone",
        ),
        pytest.param(
            "JPY: 4000", "JPY: 4000.000", "JPY: 4000.5", "minimum_payout.JPY", id="JPY has none"
        ),
        pytest.param(
            "BHD: 9.5", "BHD: 9.125", "BHD: 9.1255", "minimum_payout.BHD", id="BHD has three"
        ),
        pytest.param(
            "floor: 0.1",
            "floor: 1.50",
            "floor: 1.500001",
            "terms[0].audience_value.floor",
            id="floor <= ceiling",
        ),
        pytest.param(
            "pools: {JP: 40000.00}",
            "pools: {}",
            "pools: null",
            "terms[1].payout.pools",
            id="method pool needs pools",
        ),
        pytest.param(
            "cap: {US: 30000.00}",
            "pools: null",
            "pools: {US: 1}",
            "terms[0].payout.pools",
            id="method rate has no pools",
        ),
        pytest.param(
            "pools: {JP: 40000.00}",
            "pools: {JP: 40000.00}, rates: null",
            "pools: {JP: 40000.00}, rates: {JP: [{rate: 1}]}",
            "terms[1].payout.rates",
            id="method pool has no rates",
        ),
        pytest.param(
            "pools: {JP: 40000.00}",
            "pools: {JP: 40000.00}, milestones: []",
            "pools: {JP: 40000.00}, milestones: [{content_type: reel, posts: 1, amount: 1}]",
            "terms[1].payout.milestones",
            id="method pool has no milestones",
        ),
        pytest.param(
            "excludes: [collab, watermark]",
            "excludes: [watermark, collab]",
            "excludes: [collab, collab]",
            "terms[0].eligibility.excludes[1]",
            id="excludes do not repeat",
        ),
        pytest.param(
            "account_types: [creator, business]",
            "account_types: [business, creator]",
            "account_types: [business, business]",
            "terms[0].eligibility.account_types[1]",
            id="account types do not repeat",
        ),
        pytest.param(
            "content_types: [reel, photo]",
            "content_types: [reel, Reel]",
            "content_types: [reel, 'reel']",
            "terms[0].eligibility.content_types[1]",
            id="content types do not repeat",
        ),
        pytest.param(
            "tax_residence: '*', tax_form: '*'",
            'tax_residence: "*", tax_form: "*"',
            "tax_residence: '*', tax_form: none",
            "withholding[2].tax_form",
            id="the last row matches any form",
        ),
        pytest.param(
            "tax_residence: '*', tax_form: '*'",
            'tax_residence: "*", tax_form: "*"',
            "tax_residence: JP, tax_form: '*'",
            "withholding[2].tax_residence",
            id="the last row matches any residence",
        ),
    ],
)
def test_rule(
    accepted: Accepted, refused_at: RefusedAt, before: str, good: str, bad: str, path: str
) -> None:
    accepted((before, good))
    assert refused_at((before, bad)) == [path]


def test_method_rate_needs_rates(refused_at: RefusedAt) -> None:
    rates = f"rates: {{{US_RATES},\n              JP: [{{rate: 0.07}}]}}"
    assert refused_at((rates, "rates: null")) == ["terms[0].payout.rates"]


def test_a_method_without_markets_is_allowed(accepted: Accepted) -> None:
    """§6: "a market without rates or pool earns none"."""
    accepted((f"{{{US_RATES},\n              JP: [{{rate: 0.07}}]}}", "{}"))


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("JP: [{rate: 0.07}]", "JP: []", "terms[0].payout.rates.JP"),
        ("brackets: [{rate: 0.24}]", "brackets: []", "withholding[1].brackets"),
    ],
)
def test_brackets_may_not_be_empty(
    refused_at: RefusedAt, before: str, after: str, path: str
) -> None:
    assert refused_at((before, after)) == [path]


def test_markets_periods_terms_and_withholding_may_not_be_empty(refused_at: RefusedAt) -> None:
    import re

    from .conftest import PROGRAM

    for key, empty in (
        ("markets", "{}"),
        ("periods", "[]"),
        ("terms", "[]"),
        ("withholding", "[]"),
    ):
        (block,) = re.findall(rf"^{key}:.*?(?=^\w|\Z)", PROGRAM, re.MULTILINE | re.DOTALL)
        assert refused_at((block, f"{key}: {empty}\n")) == [key]


def test_a_period_that_overlaps_an_earlier_but_not_the_last_one_is_found(
    refused_at: RefusedAt,
) -> None:
    """The second period is misplaced as well, and that must not hide the third."""
    third = "  - {key: may, starts_on: 2024-03-15, ends_on: 2024-03-16, closes_on: 2024-03-20,\n"
    third += "     fx_on: 2024-03-20, pays_on: 2024-03-20}\nterms:"
    assert refused_at(
        (
            "starts_on: 2024-04-01, ends_on: 2024-04-30",
            "starts_on: 2024-02-01, ends_on: 2024-02-02",
        ),
        ("terms:", third),
    ) == ["periods[1].starts_on", "periods[2].starts_on"]


def test_rules_hold_beside_values_that_cannot_be_read(refused_at: RefusedAt) -> None:
    """One bad value hides no rule that does not need it, not even within its own part."""
    assert refused_at(
        (MARCH, "starts_on: 2024-03-01, ends_on: 2024-04-01, closes_on: 2024-03-01"),
        ("budget: 250000.00", "budget: lots"),
        ("effective_from: 2024-04-10", "effective_from: 2024-03-01"),
        ("weights: {}", "weights: 3"),
        ("up_to: 10000", "up_to: 4000"),
        ("rate: 0.16", "rate: -1"),
    ) == [
        "periods[0].closes_on",
        "periods[0].budget",
        "periods[1].starts_on",
        "terms[0].payout.rates.US[0].rate",
        "terms[0].payout.rates.US[1].up_to",
        "terms[1].effective_from",
        "terms[1].weights",
    ]


def test_an_up_to_that_cannot_be_read_does_not_hide_those_after_it(refused_at: RefusedAt) -> None:
    brackets = "[{up_to: 9, rate: 0}, {up_to: x, rate: 0}, {up_to: 8, rate: 0}, {rate: 0}]"
    assert refused_at(("JP: [{rate: 0.07}]", f"JP: {brackets}")) == [
        "terms[0].payout.rates.JP[1].up_to",
        "terms[0].payout.rates.JP[2].up_to",
    ]


def test_a_message_names_what_was_found_and_expected(
    problems: Callable[..., list[Problem]],
) -> None:
    (problem,) = problems(("starts_on: 2024-04-01", "starts_on: 2024-03-31"))
    assert str(problem) == (
        "program.yaml:7: periods[1].starts_on: found 2024-03-31, "
        "expected a day after 2024-03-31, on which a period above ends"
    )


def test_every_rule_is_in_the_list() -> None:
    import inspect

    from orchestration.terms import rules

    written = [
        function
        for name, function in inspect.getmembers(rules, inspect.isfunction)
        if function.__module__ == rules.__name__ and not name.startswith("_")
    ]
    assert {*RULES, rules.broken_rules} == set(written)
