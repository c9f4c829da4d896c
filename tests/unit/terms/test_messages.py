"""What a user reads of a wrong program file: where, what was found, what was expected, to the letter."""

from collections.abc import Callable
from datetime import date

import pytest

from orchestration.foundations.texts import shown
from orchestration.terms.calendar import day_starts_at
from orchestration.terms.draft import Draft, Finding
from orchestration.terms.load import parse_program
from orchestration.terms.model import BrokenRulesError
from orchestration.terms.problems import LONGEST_SHOWN, Problem
from tests.contract import COUNTS

from .conftest import changed

Problems = Callable[..., list[Problem]]

NAME = "a name of 1 to 40 of a-z, 0-9 and -, not beginning with -"
ID = "an id of 1 to 128 characters without control characters"
DAY = "a day, YYYY-MM-DD, from 1900-01-01 to 2999-12-31"
COUNTRY_VALUE = "a number from 0 to 100, at most 6 decimals"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        # single values
        ("program: spring-bonus", "program: Spring", f"program: found Spring, expected {NAME}"),
        ("program: spring-bonus", "program: [x]", f"program: found a list, expected {NAME}"),
        ("program: spring-bonus", "program: []", f"program: found an empty list, expected {NAME}"),
        ("program: spring-bonus", "program: {a: 1}", f"program: found a mapping, expected {NAME}"),
        ("program: spring-bonus", "program:", f"program: found null, expected {NAME}"),
        ("currency: USD", "currency: Won",
         "currency: found Won, expected an ISO 4217 currency code in use, such as USD"),
        ("currency: USD", "currency: {}",
         "currency: found an empty mapping, expected an ISO 4217 currency code in use, such as USD"),
        ("Asia/Tokyo", "Mars/Olympus",
         "markets.JP.timezone: found Mars/Olympus, expected a time zone, such as America/Los_Angeles"),
        ("photo: {views: 0.8}", '"": {views: 0.8}',
         f'terms[0].weights."": found "", expected {ID}'),
        ("content_types: []", "content_types: [[]]",
         f"terms[1].eligibility.content_types[0]: found an empty list, expected {ID}"),
        ("version: 2", "version: 2.0",
         "terms[1].version: found 2.0, expected a whole number from 1 to 1000000000000000,"
         " written without point or exponent"),
        ("rate: 0.24", "rate: 1.5",
         "withholding[1].brackets[0].rate: found 1.5, expected a number from 0 to 1, at most 6 decimals"),
        ("rate: 0.24", "rate: 0.1234567",
         "withholding[1].brackets[0].rate: found 0.1234567, expected a number from 0 to 1,"
         " at most 6 decimals"),
        ("amount: 50.00", "amount: -1",
         "terms[0].payout.milestones[0].amount: found -1, expected a number from 0 to 1000000000000"),
        ("counts_posts: any", "counts_posts: all",
         "terms[1].eligibility.counts_posts: found all, expected published_in_window or any"),
        ("counts_posts: any", "counts_posts: [any]",
         "terms[1].eligibility.counts_posts: found a list, expected published_in_window or any"),
        ("[personal]", "[robot]",
         "terms[1].eligibility.account_types[0]: found robot, expected creator, business or personal"),
        ("other: 0.25", "other: é한",
         f"terms[0].audience_value.other: found é한, expected {COUNTRY_VALUE}"),
        ("DE: 0.7", "'[key]': x",
         f'terms[0].audience_value.countries."[key]": found x, expected {COUNTRY_VALUE}'),
        # the shape of the file
        ("markets: {US: {timezone: America/Los_Angeles}, JP: {timezone: Asia/Tokyo}}",
         "markets: {US: {timezone: America/Los_Angeles}, JP: Tokyo}",
         "markets.JP: found Tokyo, expected a mapping"),
        ("eligibility: {account_types: [personal], markets: [JP]",
         "eligibility: {account_types: personal, markets: [JP]",
         "terms[1].eligibility.account_types: found personal, expected a list"),
        ("weights: {}", "weights: []", "terms[1].weights: found an empty list, expected a mapping"),
        (", other: 1}", "}",
         "terms[1].audience_value.other: found nothing, expected this key, which is required"),
        ("photo: {views: 0.8}", "photo: {clicks: 0.8}",
         "terms[0].weights.photo.clicks: found the unknown key clicks,"
         f" expected one of the keys {', '.join(COUNTS)}"),
        ("photo: {views: 0.8}", "photo: {vews: 0.8}",
         "terms[0].weights.photo.vews: found the unknown key vews,"
         f" expected one of the keys {', '.join(COUNTS)}; perhaps views"),
        # the rules
        ("brackets: [{rate: 0.24}]", "brackets: []",
         "withholding[1].brackets: found an empty list, expected at least one entry"),
        ("ends_on: 2024-04-30", "ends_on: 2024-03-31",
         "periods[1].ends_on: found 2024-03-31, expected 2024-04-01 or later (starts_on)"),
        ("closes_on: 2024-05-03", "closes_on: 2024-04-30",
         "periods[1].closes_on: found 2024-04-30, expected a day after 2024-04-30 (ends_on)"),
        ("pays_on: 2024-05-20", "pays_on: 2024-05-02",
         "periods[1].pays_on: found 2024-05-02, expected 2024-05-03 or later (closes_on)"),
        ("starts_on: 2024-04-01", "starts_on: 2024-03-31",
         "periods[1].starts_on: found 2024-03-31, expected a day after 2024-03-31,"
         " on which a period above ends"),
        ("key: april", "key: march",
         "periods[1].key: found march, expected a key that no period above has"),
        ("version: 2", "version: 1",
         "terms[1].version: found 1, expected a version above 1, which terms above have"),
        ("version: 1", "version: 3",
         "terms[1].version: found 2, expected a version above 3, which terms above have"),
        ("effective_from: 2024-04-10", "effective_from: 2024-03-01",
         "terms[1].effective_from: found 2024-03-01, expected a day after 2024-03-01,"
         " from which terms above are effective"),
        ("effective_from: 2024-03-01", "effective_from: 2024-03-02",
         "terms[0].effective_from: found 2024-03-02, expected 2024-03-01 or earlier:"
         " the first terms cover the first period"),
        ("terminated_on: 2024-05-31", "terminated_on: 2024-03-01",
         "terminated_on: found 2024-03-01, expected a day after 2024-03-01, the first of all"),
        ("{rate: 0.08}]", "{up_to: 20000, rate: 0.08}]",
         "terms[0].payout.rates.US[2].up_to: found 20000, expected no up_to in the last bracket"),
        ("{up_to: 5000, rate: 0.16}", "{rate: 0.16}",
         "terms[0].payout.rates.US[0].up_to: found nothing,"
         " expected an up_to: only the last bracket has none"),
        ("up_to: 10000", "up_to: 5000",
         "terms[0].payout.rates.US[1].up_to: found 5000, expected a number above 5000, the up_to before it"),
        ("markets: [JP]", "markets: [KR]",
         "terms[1].eligibility.markets[0]: found KR, expected a market of the program"),
        ("cap: {US: 30000.00}", "cap: {KR: 30000.00}",
         "terms[0].payout.cap.KR: found KR, expected a market of the program"),
        ("budget: 250000.00", "budget: 250000.001",
         "periods[0].budget: found 250000.001, expected at most 2 decimals, as USD has"),
        ("budget: 250000.00", "fx_confirmed: {USDJPY: 150}",
         "periods[0].fx_confirmed.USDJPY: found USDJPY,"
         " expected two ISO 4217 currency codes, base first, such as USD/JPY"),
        ("budget: 250000.00", "fx_confirmed: {USD/JPY: 0}",
         'periods[0].fx_confirmed."USD/JPY": found 0,'
         " expected a number above 0, up to 1000000000000000, at most 10 decimals"),
        ("JPY: 4000", "JPY: 4000.5",
         "minimum_payout.JPY: found 4000.5, expected at most 0 decimals, as JPY has"),
        ("ceiling: 1.5", "ceiling: 0.05",
         "terms[0].audience_value.floor: found 0.1, expected at most 0.05, the ceiling"),
        ("payout: {method: pool, pools: {JP: 40000.00}}", "payout: {method: pool}",
         "terms[1].payout.pools: found nothing, expected pools, which method pool pays by"),
        ("pools: {JP: 40000.00}}", "pools: {JP: 40000.00}, rates: {JP: [{rate: 1}]}}",
         "terms[1].payout.rates: found a mapping, expected no rates with method pool"),
        ("excludes: [collab, watermark]", "excludes: [collab, collab]",
         "terms[0].eligibility.excludes[1]: found collab, expected each once"),
        ("markets: [US, JP]", "markets: [US, US]",
         "terms[0].eligibility.markets[1]: found US, expected each once"),
        ("tax_residence: '*', tax_form: '*', brackets: [{up_to: 900",
         "tax_residence: KR, tax_form: '*', brackets: [{up_to: 900",
         "withholding[2].tax_residence: found KR, expected '*': the last row matches all"),
    ],
)  # fmt: skip
def test_message(problems: Problems, before: str, after: str, message: str) -> None:
    (problem,) = problems((before, after))
    assert str(problem) == f"program.yaml:{problem.line}: {message}"


def test_terms_with_an_unknown_method_do_not_hide_what_others_lack(problems: Problems) -> None:
    found = problems(
        ("method: rate", "method: luck"),
        ("payout: {method: pool, pools: {JP: 40000.00}}", "payout: {method: pool}"),
    )
    assert [str(problem) for problem in found] == [
        "program.yaml:30: terms[0].payout.method: found luck, expected rate or pool",
        "program.yaml:40: terms[1].payout.pools: found nothing,"
        " expected pools, which method pool pays by",
    ]


def test_a_bad_day_is_told_by_the_days_there_are(problems: Problems) -> None:
    (problem,) = problems(("terminated_on: 2024-05-31", "terminated_on: tomorrow"))
    assert str(problem) == f"program.yaml:41: terminated_on: found tomorrow, expected {DAY}"


@pytest.mark.parametrize("length", [LONGEST_SHOWN - 1, LONGEST_SHOWN, LONGEST_SHOWN + 1])
def test_what_is_longer_than_may_be_shown_is_cut(length: int) -> None:
    text = "x" * length
    whole = length <= LONGEST_SHOWN
    assert shown(text, LONGEST_SHOWN) == (text if whole else "x" * (LONGEST_SHOWN - 1) + "…")


def test_a_finding_about_the_whole_has_no_path() -> None:
    whole = Finding((), "a list", "a mapping")
    part = Draft("x").part("terms").finding("a list")
    assert str(whole) == "found a list, expected a mapping"
    assert str(part) == "terms: found nothing, expected a list"
    assert str(BrokenRulesError([whole, part])) == f"{whole}; {part}"


def test_a_day_before_all_terms_is_named() -> None:
    program = parse_program(changed(), "program.yaml")
    with pytest.raises(
        LookupError, match=r"^no terms on 2024-02-29: the first are effective from a"
    ):
        program.version_no_in_force(date(2024, 2, 29))


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(ValueError, match=r"^unknown time zone: 'Mars/Olympus'$"):
        day_starts_at(date(2024, 1, 1), "Mars/Olympus")
