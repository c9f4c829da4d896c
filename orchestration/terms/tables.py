"""A program as the tables that the dbt models join (contract §1, §3): instead of dbt vars.

`version_no` is the position in `terms`, from 0. A calendar is a market's days; the one named '' is
UTC, for creators whose market is unknown or not the program's (no id is empty). Decimals are whole
numbers with their scale in the name.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from orchestration.terms.calendar import UTC_ZONE, day_starts_at
from orchestration.terms.currencies import default_payout_currency, minor_unit_decimals
from orchestration.terms.model import Program
from orchestration.terms.values import scaled

if TYPE_CHECKING:
    import pyarrow as pa

UTC_CALENDAR = ""


def terms_tables(program: Program, period_key: str) -> dict[str, pa.Table]:
    """The tables of one period, by name; types are fixed, also where a table is empty."""
    import pyarrow as pa

    text, day, instant = pa.string(), pa.date32(), pa.timestamp("us")
    number, count, flag = pa.int32(), pa.int64(), pa.bool_()
    schemas: dict[str, dict[str, pa.DataType]] = {
        "period": {
            "program": text, "period": text, "currency": text, "currency_decimals": number,
            "starts_on": day, "ends_on": day, "closes_at": instant, "pays_at": instant,
            "fx_on": day, "last_day": day, "last_version_no": number,
        },
        "calendars": {
            "calendar": text, "starts_at": instant, "ends_at": instant, "terminated_at": instant,
        },
        "market_currencies": {"calendar": text, "currency": text},
        "terms_versions": {
            "version_no": number, "version": count, "effective_from": day, "minimum_age": number,
            "minimum_views": count, "maximum_posts": count, "counts_any": flag,
            "excludes_branded_content": flag, "excludes_collab": flag, "excludes_watermark": flag,
            "excludes_not_original": flag, "other_value_e6": count, "floor_e6": count,
            "ceiling_e6": count,
        },
        "terms_effective": {
            "version_no": number, "calendar": text, "effective_from": day, "effective_at": instant,
        },
        "terms_account_types": {"version_no": number, "account_type": text},
        "terms_markets": {"version_no": number, "market": text},
        "terms_content_types": {"version_no": number, "content_type": text},
        "terms_weights": {
            "version_no": number, "content_type": text, "views_e4": count, "likes_e4": count,
            "comments_e4": count, "shares_e4": count,
        },
        "terms_countries": {"version_no": number, "country": text, "value_e6": count},
    }
    rows = {**_period_rows(program, period_key), **_version_rows(program)}
    return {
        name: pa.Table.from_pylist(
            [dict(zip(schema, row, strict=True)) for row in rows[name]], schema=pa.schema(schema)
        )
        for name, schema in schemas.items()
    }


def _period_rows(program: Program, period_key: str) -> dict[str, list[tuple[Any, ...]]]:
    period = program.period(period_key)
    last_day = program.last_day(period)
    calendars = {market: entry.timezone for market, entry in program.markets.items()}
    calendars[UTC_CALENDAR] = UTC_ZONE
    return {
        "period": [
            (
                program.program, period.key, program.currency,
                minor_unit_decimals(program.currency), period.starts_on, period.ends_on,
                datetime.combine(period.closes_on, time()),
                datetime.combine(period.pays_on, time()),
                period.fx_on, last_day, program.version_no_in_force(last_day),
            )
        ],
        "calendars": [
            (
                calendar, day_starts_at(period.starts_on, zone),
                day_starts_at(period.ends_on + timedelta(days=1), zone),
                program.terminated_on and day_starts_at(program.terminated_on, zone),
            )
            for calendar, zone in calendars.items()
        ],
        "market_currencies": [
            (calendar, default_payout_currency(calendar or None, program.currency))
            for calendar in calendars
        ],
        "terms_effective": [
            (number, calendar, version.effective_from, day_starts_at(version.effective_from, zone))
            for number, version in enumerate(program.terms)
            for calendar, zone in calendars.items()
        ],
    }


def _version_rows(program: Program) -> dict[str, list[tuple[Any, ...]]]:
    rows: dict[str, list[tuple[Any, ...]]] = {
        name: []
        for name in (
            "terms_versions", "terms_account_types", "terms_markets", "terms_content_types",
            "terms_weights", "terms_countries",
        )
    }
    for number, version in enumerate(program.terms):
        rules, audience = version.eligibility, version.audience_value
        rows["terms_versions"].append(
            (
                number, version.version, version.effective_from, rules.minimum_age,
                rules.minimum_views, rules.maximum_posts, rules.counts_posts == "any",
                *(
                    word in rules.excludes
                    for word in ("branded_content", "collab", "watermark", "not_original")
                ),
                scaled(audience.other, 6),
                *(
                    None if bound is None else scaled(bound, 6)
                    for bound in (audience.floor, audience.ceiling)
                ),
            )
        )
        rows["terms_account_types"] += [(number, kind) for kind in rules.account_types]
        rows["terms_markets"] += [(number, market) for market in rules.markets]
        rows["terms_content_types"] += [(number, kind) for kind in rules.content_types]
        rows["terms_weights"] += [
            (
                number, kind,
                *(
                    scaled(getattr(weights, count), 4)
                    for count in ("views", "likes", "comments", "shares")
                ),
            )
            for kind, weights in version.weights.items()
        ]
        rows["terms_countries"] += [
            (number, country, scaled(value, 6)) for country, value in audience.countries.items()
        ]
    return rows
