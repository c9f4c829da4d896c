"""Terms as tables: columns and types are an agreement with the SQL models, values from §1 and §3."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from orchestration.terms.currencies import CURRENCIES, CURRENT_CURRENCIES
from orchestration.terms.model import Program, UnknownPeriodError
from orchestration.terms.tables import TERMS_TABLE_NAMES, terms_tables
from tests.contract import COUNTS

Accepted = Callable[..., Program]

TEXT, DAY, INSTANT = pa.string(), pa.date32(), pa.timestamp("us")

SCHEMAS = {
    "period": [
        *[
            ("program", TEXT),
            ("period", TEXT),
            ("currency", TEXT),
            ("currency_decimals", pa.int32()),
        ],
        *[("starts_on", DAY), ("ends_on", DAY), ("closes_at", INSTANT), ("pays_at", INSTANT)],
        *[("fx_on", DAY), ("last_day", DAY), ("last_version_no", pa.int32())],
    ],
    "program_periods": [("period", TEXT)],
    "calendars": [
        *[("calendar", TEXT), ("starts_at", INSTANT), ("ends_at", INSTANT)],
        ("terminated_at", INSTANT),
    ],
    "market_currencies": [("market", TEXT), ("currency", TEXT)],
    "withdrawn_currencies": [("currency", TEXT)],
    "fx_confirmed": [
        *[("base_currency", TEXT), ("quote_currency", TEXT), ("rate", pa.decimal128(38, 10))]
    ],
    "terms_versions": [
        *[("version_no", pa.int32()), ("version", pa.int64()), ("effective_from", DAY)],
        *[
            ("minimum_age", pa.int32()),
            ("minimum_views", pa.int64()),
            ("maximum_posts", pa.int64()),
        ],
        *[("counts_any", pa.bool_()), ("excludes_branded_content", pa.bool_())],
        *[("excludes_collab", pa.bool_()), ("excludes_watermark", pa.bool_())],
        *[("excludes_not_original", pa.bool_()), ("other_value_e6", pa.int64())],
        *[("floor_e6", pa.int64()), ("ceiling_e6", pa.int64())],
    ],
    "terms_effective": [
        *[("version_no", pa.int32()), ("calendar", TEXT), ("effective_from", DAY)],
        ("effective_at", INSTANT),
    ],
    "terms_account_types": [("version_no", pa.int32()), ("account_type", TEXT)],
    "terms_markets": [("version_no", pa.int32()), ("market", TEXT)],
    "terms_content_types": [("version_no", pa.int32()), ("content_type", TEXT)],
    "terms_weights": [
        *[("version_no", pa.int32()), ("content_type", TEXT)],
        *[(f"{count}_e4", pa.int64()) for count in COUNTS],
    ],
    "terms_countries": [("version_no", pa.int32()), ("country", TEXT), ("value_e6", pa.int64())],
}


def rows(program: Program, period: str, table: str) -> list[tuple[Any, ...]]:
    found = terms_tables(program, period)[table]
    return [tuple(row.values()) for row in found.to_pylist()]


def test_tables_and_columns(accepted: Accepted) -> None:
    tables = terms_tables(accepted(), "march")
    assert tuple(tables) == TERMS_TABLE_NAMES
    assert {name: table.schema for name, table in tables.items()} == {
        name: pa.schema(columns) for name, columns in SCHEMAS.items()
    }


def test_an_empty_table_keeps_its_columns(accepted: Accepted) -> None:
    program = accepted(
        ("countries: {US: 1.0, DE: 0.7}", "countries: {}"),
        ("content_types: [reel, photo]", "content_types: []"),
    )
    tables = terms_tables(program, "march")
    for name in ("terms_countries", "terms_content_types"):
        assert tables[name].num_rows == 0
        assert tables[name].schema == pa.schema(SCHEMAS[name])


def test_an_unknown_period(accepted: Accepted) -> None:
    with pytest.raises(UnknownPeriodError):
        terms_tables(accepted(), "may")


def test_period(accepted: Accepted) -> None:
    """closes_on and pays_on begin at 00:00 UTC, whatever the markets' time zones."""
    assert rows(accepted(), "april", "period") == [
        (
            *("spring-bonus", "april", "USD", 2, date(2024, 4, 1), date(2024, 4, 30)),
            *(datetime(2024, 5, 3), datetime(2024, 5, 20), date(2024, 5, 2)),
            *(date(2024, 4, 30), 1),
        )
    ]


def test_the_last_version_is_the_one_in_force_on_the_last_day(accepted: Accepted) -> None:
    """The program ends on 9 April; the second version would begin on the 10th."""
    program = accepted(("terminated_on: 2024-05-31", "terminated_on: 2024-04-10"))
    assert rows(program, "april", "period")[0][-2:] == (date(2024, 4, 9), 0)


def test_calendars_are_the_markets_days_and_utc(accepted: Accepted) -> None:
    """Los Angeles changes to summer time on 10 March; it is UTC-8 before and UTC-7 after."""
    assert rows(accepted(), "march", "calendars") == [
        ("US", datetime(2024, 3, 1, 8), datetime(2024, 4, 1, 7), datetime(2024, 5, 31, 7)),
        ("JP", datetime(2024, 2, 29, 15), datetime(2024, 3, 31, 15), datetime(2024, 5, 30, 15)),
        ("", datetime(2024, 3, 1), datetime(2024, 4, 1), datetime(2024, 5, 31)),
    ]


def test_a_program_that_was_not_ended_has_no_terminated_at(accepted: Accepted) -> None:
    program = accepted(("terminated_on: 2024-05-31", "terminated_on: null"))
    assert [row[-1] for row in rows(program, "march", "calendars")] == [None, None, None]


def test_all_periods_of_the_program(accepted: Accepted) -> None:
    program = accepted()
    assert rows(program, "march", "program_periods") == [
        (period.key,) for period in program.periods
    ]


def test_market_currencies(accepted: Accepted) -> None:
    program = accepted(
        ("currency: USD", "currency: EUR"), ("{US: {time", "{DE: {timezone: UTC}, US: {time")
    )
    assert rows(program, "march", "market_currencies") == [
        *[("DE", "EUR"), ("US", "USD"), ("JP", "JPY"), ("", "EUR"), ("KR", "KRW")]
    ]


def test_withdrawn_currencies_are_those_that_a_program_cannot_name(accepted: Accepted) -> None:
    found = {code for (code,) in rows(accepted(), "march", "withdrawn_currencies")}
    assert {"HRK", "BGN", "VEF", "ZWL"} < found
    assert found == set(CURRENCIES) - set(CURRENT_CURRENCIES)


def test_confirmed_rates_are_those_of_the_period(accepted: Accepted) -> None:
    program = accepted(
        ("budget: 250000.00", "fx_confirmed: {USD/JPY: 1500.0000000001, EUR/USD: 2}")
    )
    assert rows(program, "march", "fx_confirmed") == [
        ("USD", "JPY", Decimal("1500.0000000001")),
        ("EUR", "USD", Decimal(2)),
    ]
    assert rows(program, "april", "fx_confirmed") == []


def test_versions(accepted: Accepted) -> None:
    """Decimals are scaled exactly; what a version does not have is null, or its default."""
    assert rows(accepted(), "march", "terms_versions") == [
        (
            *(0, 1, date(2024, 3, 1), 18, 1000, 150, False),
            *(False, True, True, False, 250_000, 100_000, 1_500_000),
        ),
        (
            *(1, 2, date(2024, 4, 10), None, 0, None, True),
            *(False, False, False, False, 1_000_000, None, None),
        ),
    ]


@pytest.mark.parametrize("word", ["branded_content", "collab", "watermark", "not_original"])
def test_each_exclusion_has_its_column(accepted: Accepted, word: str) -> None:
    program = accepted(("excludes: [collab, watermark]", f"excludes: [{word}]"))
    first = terms_tables(program, "march")["terms_versions"].to_pylist()[0]
    assert [key for key in first if key.startswith("excludes_") and first[key]] == [
        f"excludes_{word}"
    ]


def test_versions_begin_at_local_midnight(accepted: Accepted) -> None:
    assert rows(accepted(), "march", "terms_effective") == [
        (0, "US", date(2024, 3, 1), datetime(2024, 3, 1, 8)),
        (0, "JP", date(2024, 3, 1), datetime(2024, 2, 29, 15)),
        (0, "", date(2024, 3, 1), datetime(2024, 3, 1)),
        (1, "US", date(2024, 4, 10), datetime(2024, 4, 10, 7)),
        (1, "JP", date(2024, 4, 10), datetime(2024, 4, 9, 15)),
        (1, "", date(2024, 4, 10), datetime(2024, 4, 10)),
    ]


def test_eligibility_lists(accepted: Accepted) -> None:
    program = accepted()
    assert rows(program, "march", "terms_account_types") == [
        *[(0, "creator"), (0, "business"), (1, "personal")]
    ]
    assert rows(program, "march", "terms_markets") == [(0, "US"), (0, "JP"), (1, "JP")]
    assert rows(program, "march", "terms_content_types") == [(0, "reel"), (0, "photo")]


def test_weights_and_countries_are_scaled_exactly(accepted: Accepted) -> None:
    program = accepted(("DE: 0.7", "DE: 0.000001"))
    names = ("version_no", "content_type", "views_e4", "likes_e4", "comments_e4", "shares_e4")
    found = terms_tables(program, "march")["terms_weights"].select(names).to_pylist()
    assert [tuple(row.values()) for row in found] == [
        (0, "reel", 10_000, 20_000, 50_000, 85_000),
        (0, "photo", 8_000, 0, 0, 0),
    ]
    assert rows(program, "march", "terms_countries") == [(0, "US", 1_000_000), (0, "DE", 1)]


def test_the_largest_values_fit_their_columns(accepted: Accepted) -> None:
    program = accepted(
        ("version: 2", "version: 1000000000000000"),
        ("minimum_views: 1000", "minimum_views: 1000000000000000"),
        ("maximum_posts: 150", "maximum_posts: 1000000000000000"),
        ("views: 0.8", "views: 10000"),
        ("DE: 0.7", "DE: 100"),
    )
    assert rows(program, "march", "terms_weights")[1][2] == 10**8
    assert rows(program, "march", "terms_countries")[1][2] == 10**8
