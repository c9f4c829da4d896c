"""The typed program: what is required, what bounds hold, and what it answers (§1, §7)."""

import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from orchestration.terms.model import Program, UnknownPeriodError

Accepted = Callable[..., Program]
RefusedAt = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("program: spring-bonus\n", "program"),
        ("currency: USD\n", "currency"),
        ("timezone: America/Los_Angeles", "markets.US.timezone"),
        ("key: march, ", "periods[0].key"),
        ("starts_on: 2024-03-01, ", "periods[0].starts_on"),
        ("ends_on: 2024-03-31, ", "periods[0].ends_on"),
        (", closes_on: 2024-05-03", "periods[1].closes_on"),
        ("fx_on: 2024-05-02, ", "periods[1].fx_on"),
        (", pays_on: 2024-05-20", "periods[1].pays_on"),
        ("effective_from: 2024-03-01", "terms[0].effective_from"),
        ("account_types: [personal], ", "terms[1].eligibility.account_types"),
        ("markets: [JP], ", "terms[1].eligibility.markets"),
        ("content_types: [], ", "terms[1].eligibility.content_types"),
        (", counts_posts: any", "terms[1].eligibility.counts_posts"),
        ("weights: {}", "terms[1].weights"),
        ("countries: {}, ", "terms[1].audience_value.countries"),
        (", other: 1", "terms[1].audience_value.other"),
        ("method: pool, ", "terms[1].payout.method"),
        ("content_type: reel, ", "terms[0].payout.milestones[0].content_type"),
        ("posts: 10, ", "terms[0].payout.milestones[0].posts"),
        (", amount: 50.00", "terms[0].payout.milestones[0].amount"),
        (", rate: 0.16", "terms[0].payout.rates.US[0].rate"),
        (", tax_form: w9", "withholding[0].tax_form"),
        (", brackets: [{rate: 0.24}]", "withholding[1].brackets"),
    ],
)
def test_required_keys(refused_at: RefusedAt, key: str, path: str) -> None:
    assert refused_at((key, "")) == [path]


@pytest.mark.parametrize(
    ("key", "null", "value"),
    [
        (", budget: 250000.00", ", budget: null", lambda p: p.periods[0].budget is None),
        ("minimum_age: 18", "minimum_age: ~", lambda p: p.terms[0].eligibility.minimum_age is None),
        (
            "minimum_views: 1000",
            "minimum_views:",
            lambda p: p.terms[0].eligibility.minimum_views == 0,
        ),
        (
            "maximum_posts: 150",
            "maximum_posts: null",
            lambda p: p.terms[0].eligibility.maximum_posts is None,
        ),
        (
            "excludes: [collab, watermark]",
            "excludes: null",
            lambda p: p.terms[0].eligibility.excludes == (),
        ),
        ("views: 0.8", "views: null", lambda p: p.terms[0].weights["photo"].views == 0),
        ("floor: 0.1", "floor: null", lambda p: p.terms[0].audience_value.floor is None),
        ("ceiling: 1.5", "ceiling: null", lambda p: p.terms[0].audience_value.ceiling is None),
        ("cap: {US: 30000.00}", "cap: null", lambda p: p.terms[0].payout.cap == {}),
        (
            "milestones: [{content_type: reel, posts: 10, amount: 50.00}]",
            "milestones: null",
            lambda p: p.terms[0].payout.milestones == (),
        ),
        (
            "minimum_payout: {USD: 25.00, JPY: 4000, BHD: 9.5}",
            "minimum_payout: null",
            lambda p: p.minimum_payout == {},
        ),
        ("terminated_on: 2024-05-31", "terminated_on: null", lambda p: p.terminated_on is None),
        (
            ", budget: 250000.00",
            ", fx_confirmed: null",
            lambda p: p.periods[0].budget is None and p.periods[0].fx_confirmed == {},
        ),
    ],
)
def test_optional_keys_may_be_absent_or_null(
    accepted: Accepted, key: str, null: str, value: Callable[[Program], bool]
) -> None:
    assert value(accepted((key, "")))
    assert value(accepted((key, null)))
    assert not value(accepted())


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("currency: USD\n", "currency: null\n", "currency"),
        ("weights: {}", "weights: null", "terms[1].weights"),
        ("cap: {US: 30000.00}", "cap: {US: null}", "terms[0].payout.cap.US"),
        ("markets: [JP]", "markets: [JP, null]", "terms[1].eligibility.markets[1]"),
    ],
)
def test_null_is_no_value_elsewhere(
    refused_at: RefusedAt, before: str, after: str, path: str
) -> None:
    assert refused_at((before, after)) == [path]


@pytest.mark.parametrize(
    ("before", "path"),
    [
        ("currency: USD", "surprise"),
        ("{timezone: America/Los_Angeles", "markets.US.surprise"),
        ("{key: march", "periods[0].surprise"),
        ("version: 2", "terms[1].surprise"),
        ("{account_types: [personal]", "terms[1].eligibility.surprise"),
        ("{views: 0.8", "terms[0].weights.photo.surprise"),
        ("{countries: {}", "terms[1].audience_value.surprise"),
        ("{method: pool", "terms[1].payout.surprise"),
        ("{up_to: 5000", "terms[0].payout.rates.US[0].surprise"),
        ("{content_type: reel", "terms[0].payout.milestones[0].surprise"),
        ("{tax_residence: US, tax_form: w9", "withholding[0].surprise"),
        ("{up_to: 900", "withholding[2].brackets[0].surprise"),
    ],
)
def test_unknown_keys(refused_at: RefusedAt, before: str, path: str) -> None:
    between = ", " if before.startswith("{") else "\n" + "    " * before.startswith("version")
    assert refused_at((before, f"{before}{between}surprise: null")) == [path]


@pytest.mark.parametrize(
    ("before", "good", "bad"),
    [
        ("version: 2", ["version: 1000000000000000"], ["version: 0", "version: 2.0"]),
        ("minimum_age: 18", ["minimum_age: 0", "minimum_age: 150"], ["minimum_age: 151"]),
        ("minimum_age: 18", ["minimum_age: 18"], ["minimum_age: 18.0", "minimum_age: '18'"]),
        ("minimum_views: 1000", ["minimum_views: 0"], ["minimum_views: -1", "minimum_views: 1e3"]),
        ("maximum_posts: 150", ["maximum_posts: 0"], ["maximum_posts: -1", "maximum_posts: 1.5"]),
        ("posts: 10", ["posts: 1"], ["posts: 0"]),
        ("views: 0.8", ["views: 0", "views: 10000"], ["views: -0.0001", "views: 10000.0001"]),
        ("views: 0.8", ["views: 0.00010"], ["views: 0.00001", "views: '0.8'"]),
        ("DE: 0.7", ["DE: 0", "DE: 100"], ["DE: -1", "DE: 100.000001", "DE: 0.0000001"]),
        ("floor: 0.1", ["floor: 0"], ["floor: -0.1"]),
        ("ceiling: 1.5", ["ceiling: 100"], ["ceiling: 100.1", "ceiling: .inf", "ceiling: .nan"]),
        ("rate: 0.16", ["rate: 0", "rate: 1000000"], ["rate: -1", "rate: 1000000.1"]),
        ("rate: 0.16", ["rate: 0.000001"], ["rate: 0.0000001", "rate: 1e999999999"]),
        ("rate: 0.24", ["rate: 0", "rate: 1"], ["rate: 1.000001", "rate: -0.1"]),
        ("up_to: 900", ["up_to: 0.000001", "up_to: 1000000000000000"], ["up_to: 0", "up_to: -1"]),
        ("up_to: 900", ["up_to: 1e15"], ["up_to: 1000000000000000.1", "up_to: 0.0000001"]),
        ("amount: 50.00", ["amount: 0", "amount: 1000000000000"], ["amount: 1000000000000.01"]),
        ("amount: 50.00", ["amount: 0.01"], ["amount: -0.01", "amount: 'x'"]),
        ("program: spring-bonus", ["program: 2024"], ["program: Spring", "program: a_b"]),
        ("key: april", ["key: 2024", "key: 2024-04"], ["key: -4", "key: 'a b'"]),
        ("currency: USD", ["currency: EUR", "currency: 'EUR'"], ["currency: usd", "currency: XAU"]),
        ("JPY: 4000", ["KRW: 4000"], ["ZZZ: 4000", "jpy: 4000"]),
        ("Asia/Tokyo", ["UTC", "Etc/GMT+12"], ["Asia/Tokio", "../../etc/passwd", "localtime"]),
        ("counts_posts: any", ["counts_posts: published_in_window"], ["counts_posts: all"]),
        ("[personal]", ["[creator, business, personal]", "[]"], ["[robot]", "personal", "{}"]),
        ("[collab, watermark]", ["[not_original, branded_content]"], ["[music]", "[COLLAB]"]),
        ("method: pool", ["method: 'pool'"], ["method: both", "method: [pool]"]),
        ("tax_form: w9", ["tax_form: 'null'", "tax_form: NO"], ["tax_form: null", "tax_form: ''"]),
        ("DE: 0.7", ["NO: 0.7", "'': 0.7"][:1], ["'': 0.7", '"\\n": 0.7', f"{'x' * 129}: 0.7"]),
        ("fx_on: 2024-05-02", ["fx_on: '2024-05-02'"], ["fx_on: 2024-02-30", "fx_on: 20240502"]),
        ("fx_on: 2024-05-02", ["fx_on: 1900-01-01"], ["fx_on: 0001-01-01"]),
        *[
            ("budget: 250000.00", [f"fx_confirmed: {{{good}}}"], [f"fx_confirmed: {{{bad}}}"])
            for good, bad in [
                ("USD/JPY: 0.0000000001", "USD/JPY: 0"),
                ("USD/JPY: 150.12345678900", "USD/JPY: 150.12345678901"),
                ("USD/JPY: 1000000000000000", "USD/JPY: 1000000000000000.1"),
                ("USD/JPY: 150", "USD/JPY: '150'"),
                ("EUR/USD: 1.1, EUR/JPY: 160", "EUR/EUR: 1"),
                ("EUR/CHF: 1", "EUR/XAU: 1"),
                ("'EUR/CHF': 1", "XAU/EUR: 1"),
                ("JPY/USD: 1", "jpy/usd: 1"),
                ("JPY/USD: 1", "USDJPY: 1"),
                ("JPY/USD: 1", "JPY/USD/EUR: 1"),
            ]
        ],
    ],
)
def test_bounds(
    accepted: Accepted, refused_at: RefusedAt, before: str, good: list[str], bad: list[str]
) -> None:
    for after in good:
        accepted((before, after))
    for after in bad:
        assert len(refused_at((before, after))) == 1, after


def test_no_is_norway(accepted: Accepted) -> None:
    program = accepted(("DE: 0.7", "NO: 0.7"))
    assert program.terms[0].audience_value.countries["NO"] == Decimal("0.7")


def test_a_program_cannot_be_changed(accepted: Accepted) -> None:
    program: Any = accepted()
    with pytest.raises(ValidationError):
        program.currency = "EUR"
    with pytest.raises(TypeError):
        program.markets["KR"] = program.markets["US"]
    with pytest.raises(TypeError):
        program.terms[1].payout.cap["US"] = Decimal(1)


def test_no_value_is_a_float(accepted: Accepted) -> None:
    def leaves(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [leaf for part in value.values() for leaf in leaves(part)]
        if isinstance(value, list | tuple):
            return [leaf for part in value for leaf in leaves(part)]
        return [value]

    kinds = {type(leaf) for leaf in leaves(accepted().model_dump())}
    assert kinds == {str, int, date, Decimal, type(None)}


def test_a_program_made_in_code_is_held_to_the_same_rules(accepted: Accepted) -> None:
    values = accepted().model_dump()
    assert Program.model_validate(values) == accepted()
    with pytest.raises(ValidationError, match=r"terminated_on: found 2024-03-01, expected a day"):
        Program.model_validate({**values, "terminated_on": date(2024, 3, 1)})


def test_the_model_is_imported_without_anything_heavy() -> None:
    import subprocess

    heavy = ["pyarrow", "duckdb", "pandas", "dagster", "dbt", "great_expectations"]
    code = "import sys, orchestration.terms.load, orchestration.terms.tables\n"
    code += f"print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_period_by_key(accepted: Accepted) -> None:
    program = accepted()
    assert program.period("april") is program.periods[1]
    with pytest.raises(UnknownPeriodError, match="'may'; the program has march, april"):
        program.period("may")


@pytest.mark.parametrize(
    ("terminated_on", "last_day"),
    [
        ("null", "2024-04-30"),
        ("2024-05-02", "2024-04-30"),
        ("2024-05-01", "2024-04-30"),
        ("2024-04-30", "2024-04-29"),
        ("2024-03-02", "2024-03-01"),  # ended before the period began
    ],
)
def test_last_day_is_the_earlier_of_ends_on_and_the_day_before_terminated_on(
    accepted: Accepted, terminated_on: str, last_day: str
) -> None:
    program = accepted(("terminated_on: 2024-05-31", f"terminated_on: {terminated_on}"))
    assert program.last_day(program.period("april")) == date.fromisoformat(last_day)


@pytest.mark.parametrize(
    ("day", "version_no"),
    [("2024-03-01", 0), ("2024-04-09", 0), ("2024-04-10", 1), ("2999-01-01", 1)],
)
def test_version_in_force(accepted: Accepted, day: str, version_no: int) -> None:
    program = accepted()
    assert program.version_no_in_force(date.fromisoformat(day)) == version_no
    assert program.version_in_force(date.fromisoformat(day)) is program.terms[version_no]


def test_no_version_is_in_force_before_the_first(accepted: Accepted) -> None:
    with pytest.raises(LookupError):
        accepted().version_in_force(date(2024, 2, 29))


@pytest.mark.parametrize(
    ("residence", "form", "row"),
    [("US", "w9", 0), ("US", "none", 1), ("JP", "w9", 2), ("us", "w9", 2)],
)
def test_the_first_withholding_row_that_matches_wins(
    accepted: Accepted, residence: str, form: str, row: int
) -> None:
    program = accepted()
    assert program.withholding_rule(residence, form) is program.withholding[row]


def test_a_row_for_all_hides_those_below_it(accepted: Accepted) -> None:
    """The contract asks for a last row that matches all; it does not forbid one before."""
    program = accepted(("tax_residence: US, tax_form: w9", "tax_residence: '*', tax_form: '*'"))
    assert program.withholding_rule("US", "w9") is program.withholding[0]


@pytest.mark.parametrize(
    ("currency", "minor"), [("USD", 2500), ("JPY", 4000), ("BHD", 9500), ("KRW", 0)]
)
def test_minimum_payout_in_minor_units(accepted: Accepted, currency: str, minor: int) -> None:
    program = accepted()
    assert program.minimum_payout_minor(currency, program.period("april")) == minor


@pytest.mark.parametrize(
    ("terminated_on", "minor"), [("null", 2500), ("2024-05-02", 2500), ("2024-05-01", 0)]
)
def test_no_minimum_payout_when_ends_on_is_not_before_the_last_day_of_the_program(
    accepted: Accepted, terminated_on: str, minor: int
) -> None:
    program = accepted(("terminated_on: 2024-05-31", f"terminated_on: {terminated_on}"))
    assert program.minimum_payout_minor("USD", program.period("april")) == minor
    assert program.minimum_payout_minor("USD", program.period("march")) == 2500
