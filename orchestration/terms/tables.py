"""A program as tables for the SQL models to join (contract §1, §3, §7).

Terms come to SQL as data, not as template variables: so the SQL reads the same for every program,
and what a run was told can be looked up in its work file. Numbers are whole: `_e4` and `_e6` are
the value x 10^4 and x 10^6, exact. Instants are naive UTC. `version_no` is the place in `terms`,
from 0.

A calendar is the days of a market. The calendar '' is UTC, for creators whose market is unknown or
none of the program's. So is the market '' in `market_currencies`, which has all markets with a
currency of their own, the program's or not: §7 speaks of the creator's market, not of the program's.

Earnings and settlement read the model itself; their rates and brackets are not here.
"""

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from orchestration.terms.calendar import day_starts_at
from orchestration.terms.counts import COUNTS
from orchestration.terms.currencies import (
    CURRENCIES,
    MARKETS_WITH_A_CURRENCY,
    default_payout_currency,
    is_withdrawn,
    minor_unit_decimals,
)
from orchestration.terms.exact import scaled
from orchestration.terms.model import Period, Program, TermsVersion, Weights

if TYPE_CHECKING:
    import pyarrow as pa

UNKNOWN_MARKET: Final = ""
RATE: Final = "decimal128(38, 10)"
"""The type of an exchange rate, for which Arrow has no alias."""

Row = tuple[object, ...]

# Arrow types by column. Null may be only terminated_at, minimum_age, maximum_posts, floor_e6 and
# ceiling_e6, each where the program has none.
COLUMNS: Final[dict[str, dict[str, str]]] = {
    "period": {
        "program": "string",
        "period": "string",
        "currency": "string",
        "currency_decimals": "int32",
        "starts_on": "date32",
        "ends_on": "date32",
        "closes_at": "timestamp[us]",
        "pays_at": "timestamp[us]",
        "fx_on": "date32",
        "last_day": "date32",
        "last_version_no": "int32",
    },
    "program_periods": {"period": "string"},
    "calendars": {
        "calendar": "string",
        "starts_at": "timestamp[us]",
        "ends_at": "timestamp[us]",
        "terminated_at": "timestamp[us]",
    },
    "market_currencies": {"market": "string", "currency": "string"},
    "withdrawn_currencies": {"currency": "string"},
    "fx_confirmed": {
        "base_currency": "string",
        "quote_currency": "string",
        "rate": RATE,
    },
    "terms_versions": {
        "version_no": "int32",
        "version": "int64",
        "effective_from": "date32",
        "minimum_age": "int32",
        "minimum_views": "int64",
        "maximum_posts": "int64",
        "counts_any": "bool",
        "excludes_branded_content": "bool",
        "excludes_collab": "bool",
        "excludes_watermark": "bool",
        "excludes_not_original": "bool",
        "other_value_e6": "int64",
        "floor_e6": "int64",
        "ceiling_e6": "int64",
    },
    "terms_effective": {
        "version_no": "int32",
        "calendar": "string",
        "effective_from": "date32",
        "effective_at": "timestamp[us]",
    },
    "terms_account_types": {"version_no": "int32", "account_type": "string"},
    "terms_markets": {"version_no": "int32", "market": "string"},
    "terms_content_types": {"version_no": "int32", "content_type": "string"},
    "terms_weights": {
        "version_no": "int32",
        "content_type": "string",
        **{f"{count}_e4": "int64" for count in COUNTS},
    },
    "terms_countries": {"version_no": "int32", "country": "string", "value_e6": "int64"},
}
TERMS_TABLE_NAMES: Final = tuple(COLUMNS)


def terms_tables(program: Program, period_key: str) -> "dict[str, pa.Table]":
    """The tables named in TERMS_TABLE_NAMES for one period, with the columns of COLUMNS.

    Rows are in the order of the file, calendars in that of the markets and then ''. A table without
    rows has its columns all the same. UnknownPeriodError if the program has no such period.
    """
    import pyarrow as pa  # heavy, so not at import: the command line needs the model only

    rows_by_table = _rows(program, program.period(period_key))
    tables = {}
    for name, columns in COLUMNS.items():
        schema = pa.schema(
            [
                (column, pa.decimal128(38, 10) if kind == RATE else pa.type_for_alias(kind))
                for column, kind in columns.items()
            ]
        )
        records = [dict(zip(columns, row, strict=True)) for row in rows_by_table[name]]
        tables[name] = pa.Table.from_pylist(records, schema=schema)
    return tables


def _rows(program: Program, period: Period) -> dict[str, list[Row]]:
    zones = {market: part.timezone for market, part in program.markets.items()}
    zones[UNKNOWN_MARKET] = "UTC"
    versions = list(enumerate(program.terms))
    return {
        "period": [_period_row(program, period)],
        "program_periods": [(each.key,) for each in program.periods],
        "calendars": [_calendar_row(program, period, *item) for item in zones.items()],
        "market_currencies": [
            (market, default_payout_currency(market, program.currency))
            for market in dict.fromkeys((*zones, *MARKETS_WITH_A_CURRENCY))
        ],
        "withdrawn_currencies": [(code,) for code in CURRENCIES if is_withdrawn(code)],
        "fx_confirmed": [(*pair.split("/"), rate) for pair, rate in period.fx_confirmed.items()],
        "terms_versions": [_version_row(no, terms) for no, terms in versions],
        "terms_effective": [
            (no, calendar, terms.effective_from, day_starts_at(terms.effective_from, zone))
            for no, terms in versions
            for calendar, zone in zones.items()
        ],
        "terms_account_types": [
            (no, account_type)
            for no, terms in versions
            for account_type in terms.eligibility.account_types
        ],
        "terms_markets": [
            (no, market) for no, terms in versions for market in terms.eligibility.markets
        ],
        "terms_content_types": [
            (no, content_type)
            for no, terms in versions
            for content_type in terms.eligibility.content_types
        ],
        "terms_weights": [
            _weights_row(no, content_type, weights)
            for no, terms in versions
            for content_type, weights in terms.weights.items()
        ],
        "terms_countries": [
            (no, country, scaled(value, 6))
            for no, terms in versions
            for country, value in terms.audience_value.countries.items()
        ],
    }


def _period_row(program: Program, period: Period) -> Row:
    last_day = program.last_day(period)
    return (
        program.program,
        period.key,
        program.currency,
        minor_unit_decimals(program.currency),
        period.starts_on,
        period.ends_on,
        datetime.combine(period.closes_on, time()),  # 00:00 UTC, whatever the market (§1)
        datetime.combine(period.pays_on, time()),
        period.fx_on,
        last_day,
        program.version_no_in_force(last_day),
    )


def _calendar_row(program: Program, period: Period, calendar: str, zone: str) -> Row:
    ended_on = program.terminated_on
    return (
        calendar,
        day_starts_at(period.starts_on, zone),
        day_starts_at(period.ends_on + timedelta(days=1), zone),
        day_starts_at(ended_on, zone) if ended_on else None,
    )


def _version_row(no: int, terms: TermsVersion) -> Row:
    eligibility, audience_value = terms.eligibility, terms.audience_value
    return (
        no,
        terms.version,
        terms.effective_from,
        eligibility.minimum_age,
        eligibility.minimum_views,
        eligibility.maximum_posts,
        eligibility.counts_posts == "any",
        "branded_content" in eligibility.excludes,
        "collab" in eligibility.excludes,
        "watermark" in eligibility.excludes,
        "not_original" in eligibility.excludes,
        scaled(audience_value.other, 6),
        None if audience_value.floor is None else scaled(audience_value.floor, 6),
        None if audience_value.ceiling is None else scaled(audience_value.ceiling, 6),
    )


def _weights_row(no: int, content_type: str, weights: Weights) -> Row:
    return (no, content_type, *(scaled(getattr(weights, count), 4) for count in COUNTS))
