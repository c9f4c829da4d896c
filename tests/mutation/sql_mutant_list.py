"""The mutants of the SQL: one wrong turn each, and the rule that it breaks.

`old` stands once in the file. The models around post_metrics are in `snapshot_mutant_list.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

STAGING = "dbt_project/models/staging"
ELIGIBILITY = "dbt_project/models/eligibility"
SCORING = "dbt_project/models/scoring"
MACROS = "dbt_project/macros"
EXACT = f"{MACROS}/exact.sql"
EARNING = "orchestration/pipeline/earning.py"


@dataclass(frozen=True)
class Mutant:
    """A file of the repository, what stands in it once, what stands there instead, what that breaks."""

    path: str
    old: str
    new: str
    breaks: str


MUTANTS = (
    # §2 in force
    Mutant(
        f"{MACROS}/in_force.sql",
        "case when updated_at <= {{ instant }} then 0 else 1 end",
        "case when updated_at < {{ instant }} then 0 else 1 end",
        "a row updated at T is not in force",
    ),
    Mutant(
        f"{MACROS}/in_force.sql",
        "then updated_at end desc nulls last",
        "then updated_at end nulls last",
        "the earliest row up to T wins",
    ),
    Mutant(
        f"{MACROS}/in_force.sql",
        "            updated_at,\n            file_no",
        "            updated_at desc,\n            file_no",
        "of later rows the last one wins",
    ),
    Mutant(
        f"{MACROS}/in_force.sql",
        "then 0 else 1 end",
        "then 1 else 0 end",
        "later rows go before earlier ones",
    ),
    Mutant(f"{MACROS}/in_force.sql", ") = 1", ") >= 1", "every row of a key is in force"),
    Mutant(
        f"{STAGING}/stg_creators.sql",
        "period.closes_at",
        "period.pays_at",
        "creators in force at pays_on",
    ),
    Mutant(
        f"{STAGING}/stg_payees.sql",
        "period.pays_at",
        "period.closes_at",
        "payees in force at closes_on",
    ),
    Mutant(
        f"{STAGING}/stg_deals.sql",
        "period.closes_at",
        "period.pays_at",
        "deals in force at pays_on",
    ),
    Mutant(
        f"{STAGING}/stg_deals.sql", "'deal_id'", "'creator_id'", "one deal a creator is in force"
    ),
    Mutant(
        f"{STAGING}/stg_posts.sql",
        "period.closes_at",
        "period.pays_at",
        "posts in force at pays_on",
    ),
    # §2 two rows with one key
    Mutant(
        f"{STAGING}/stg_audience.sql",
        "delivered_at desc",
        "delivered_at",
        "the first delivery wins",
    ),
    Mutant(
        f"{STAGING}/stg_audience.sql",
        "partition by creator_id, observed_on, country",
        "partition by creator_id, country",
        "one row a creator and country",
    ),
    Mutant(
        f"{STAGING}/stg_audience.sql",
        "partition by creator_id, observed_on, country",
        "partition by creator_id, observed_on",
        "one row a creator and day",
    ),
    Mutant(
        f"{STAGING}/stg_policy_events.sql",
        "partition by event_id order",
        "partition by event_id, file_no order",
        "an event that is landed twice counts twice",
    ),
    Mutant(
        f"{STAGING}/stg_policy_events.sql",
        "partition by event_id order",
        "partition by subject_id order",
        "one event a subject",
    ),
    Mutant(
        f"{STAGING}/stg_fx_rates.sql",
        "partition by rate_date, base_currency, quote_currency",
        "partition by base_currency, quote_currency",
        "one rate for all days",
    ),
    Mutant(
        f"{STAGING}/stg_fx_rates.sql",
        "partition by rate_date, base_currency, quote_currency",
        "partition by rate_date, quote_currency",
        "one base currency only",
    ),
    # §7 rate at fx_on
    Mutant(
        f"{STAGING}/int_fx_rates.sql",
        "rates.rate_date <= period.fx_on",
        "rates.rate_date < period.fx_on",
        "the rate of fx_on itself is left out",
    ),
    Mutant(
        f"{STAGING}/int_fx_rates.sql",
        "rates.rate_date >= period.fx_on",
        "rates.rate_date > period.fx_on",
        "seven days before fx_on is too old",
    ),
    Mutant(
        f"{STAGING}/int_fx_rates.sql", "interval 7 day", "interval 8 day", "eight days before count"
    ),
    Mutant(
        f"{STAGING}/int_fx_rates.sql",
        "order by rates.rate_date desc",
        "order by rates.rate_date",
        "the oldest of the eight days wins",
    ),
    Mutant(
        f"{STAGING}/int_fx_rates.sql",
        "where base_currency = 'EUR' and quote_currency <> 'EUR'",
        "where base_currency = 'EUR'",
        "a landed EUR to EUR goes beside 1",
    ),
    Mutant(
        f"{STAGING}/int_fx_rates.sql",
        "when payout_currencies.payout_currency = period.currency then 'same'\n"
        "            when direct.rate_e10 is not null then 'direct'",
        "when direct.rate_e10 is not null then 'direct'\n"
        "            when payout_currencies.payout_currency = period.currency then 'same'",
        "a landed rate goes before 1 for the same currency",
    ),
    Mutant(
        f"{STAGING}/int_fx_rates.sql",
        "when direct.rate_e10 is not null then 'direct'\n"
        "            when payout_leg.rate_e10 is not null and program_leg.rate_e10 is not null\n"
        "                then 'cross'",
        "when payout_leg.rate_e10 is not null and program_leg.rate_e10 is not null\n"
        "                then 'cross'\n"
        "            when direct.rate_e10 is not null then 'direct'",
        "the way through EUR goes before the direct rate",
    ),
    Mutant(
        f"{STAGING}/int_fx_rates.sql",
        "half_even_div('payout_leg_e20', 'program_leg_e10')",
        "floor_div('payout_leg_e20', 'program_leg_e10')",
        "the cross rate is rounded down",
    ),
    Mutant(
        f"{STAGING}/int_fx_rates.sql",
        "period.currency = direct.base_currency\n"
        "            and payout_currencies.payout_currency = direct.quote_currency",
        "period.currency = direct.quote_currency\n"
        "            and payout_currencies.payout_currency = direct.base_currency",
        "base and quote are swapped",
    ),
    Mutant(
        f"{STAGING}/int_fx_rates.sql",
        "on payout_currencies.payout_currency = payout_leg.quote_currency\n"
        "    left join from_euro as program_leg\n"
        "        on period.currency = program_leg.quote_currency",
        "on period.currency = payout_leg.quote_currency\n"
        "    left join from_euro as program_leg\n"
        "        on payout_currencies.payout_currency = program_leg.quote_currency",
        "the cross rate is upside down",
    ),
    Mutant(
        f"{STAGING}/int_fx_rates.sql",
        "    union\n    select currency as payout_currency from period\n",
        "",
        "the program currency has no rate of its own",
    ),
    Mutant(
        f"{STAGING}/int_fx_rates.sql",
        "    union\n    select currency as payout_currency from {{ source('terms', 'market_currencies') }}\n",
        "",
        "a creator without payees row has no rate",
    ),
    # §3 deals and W
    Mutant(
        f"{STAGING}/int_windows.sql",
        "deals.invited_at < period.closes_at",
        "deals.invited_at <= period.closes_at",
        "an invitation at closes_on counts",
    ),
    Mutant(
        f"{STAGING}/int_windows.sql",
        "on deals.program = period.program and deals.invited_at",
        "on deals.invited_at",
        "deals of other programs count",
    ),
    Mutant(
        f"{STAGING}/int_windows.sql",
        "count(activated_at) > 0",
        "count(*) > 0",
        "an invitation counts as activated",
    ),
    Mutant(
        f"{STAGING}/int_windows.sql",
        "greatest(calendars.starts_at, deals.activated_at)",
        "least(calendars.starts_at, deals.activated_at)",
        "W starts at the earlier of period and activation",
    ),
    Mutant(
        f"{STAGING}/int_windows.sql",
        "greatest(calendars.starts_at, deals.activated_at)",
        "calendars.starts_at",
        "W starts with the period whenever the deal was activated",
    ),
    Mutant(
        f"{STAGING}/int_windows.sql",
        "            deals.ends_at,\n            coalesce",
        "            coalesce",
        "the end of the deal does not end W",
    ),
    Mutant(
        f"{STAGING}/int_windows.sql",
        "coalesce(calendars.terminated_at, calendars.ends_at)",
        "calendars.ends_at",
        "termination does not end W",
    ),
    Mutant(
        f"{STAGING}/int_windows.sql",
        "            calendars.ends_at,\n            deals.ends_at",
        "            deals.ends_at",
        "a later termination prolongs the period",
    ),
    Mutant(
        f"{STAGING}/int_windows.sql",
        "where window_start < window_end",
        "where window_start <= window_end",
        "a deal with an empty W takes part",
    ),
    Mutant(
        f"{STAGING}/int_windows.sql",
        "order by activated_at, deal_id",
        "order by activated_at desc, deal_id",
        "the deal activated last counts",
    ),
    Mutant(
        f"{STAGING}/int_windows.sql",
        "order by activated_at, deal_id",
        "order by activated_at, deal_id desc",
        "ties go to the greatest deal_id",
    ),
    Mutant(
        f"{STAGING}/int_windows.sql",
        "order by activated_at, deal_id",
        "order by deal_id, activated_at",
        "the least deal_id goes before the first activation",
    ),
    Mutant(
        f"{STAGING}/int_windows.sql",
        "where creators_with_deal.calendar <> '' and deals.activated_at is not null",
        "where deals.activated_at is not null",
        "a creator of an unknown market has a W in UTC",
    ),
    Mutant(
        f"{STAGING}/int_windows.sql",
        "where creators_with_deal.calendar <> '' and deals.activated_at is not null",
        "where creators_with_deal.calendar <> ''",
        "a deal that was not activated takes part",
    ),
    Mutant(
        f"{STAGING}/int_windows.sql",
        "    left join {{ ref('stg_creators') }} as creators",
        "    inner join {{ ref('stg_creators') }} as creators",
        "a creator without a creators row has no row",
    ),
    Mutant(
        f"{STAGING}/int_windows.sql",
        "left join taking_part",
        "inner join taking_part",
        "a creator without W has no row",
    ),
    # §3 segments, §4 the version that judges
    Mutant(
        f"{STAGING}/int_segments.sql",
        "greatest(windows.window_start, versions.effective_at)",
        "versions.effective_at",
        "a segment begins before W",
    ),
    Mutant(
        f"{STAGING}/int_segments.sql",
        "least(windows.window_end, versions.superseded_at)",
        "windows.window_end",
        "segments overlap",
    ),
    Mutant(
        f"{STAGING}/int_segments.sql",
        "where starts_at < ends_at",
        "where starts_at <= ends_at",
        "a version that is over at the start of W has a segment",
    ),
    Mutant(
        f"{STAGING}/int_segments.sql",
        "order by starts_at desc) = 1 as is_last",
        "order by starts_at) = 1 as is_last",
        "the first segment is called the last",
    ),
    Mutant(
        f"{STAGING}/int_segments.sql",
        "partition by calendar\n",
        "partition by version_no\n",
        "no version is superseded",
    ),
    Mutant(
        f"{STAGING}/int_segments.sql",
        "on windows.calendar = versions.calendar",
        "on versions.calendar = 'US'",
        "segments are cut at another market's midnight",
    ),
    Mutant(
        f"{STAGING}/int_posts.sql",
        "effective.effective_from <= period.last_day",
        "effective.effective_from < period.last_day",
        "a version from the last day on judges nothing",
    ),
    Mutant(
        f"{STAGING}/int_posts.sql",
        "    where effective.effective_from <= period.last_day\n",
        "",
        "a version after the last day judges posts",
    ),
    Mutant(
        f"{STAGING}/int_posts.sql",
        "greatest(\n            posts.published_at",
        "least(\n            posts.published_at",
        "the earlier of publication and first day decides",
    ),
    Mutant(
        f"{STAGING}/int_posts.sql",
        "coalesce(windows.window_start, calendars.starts_at)",
        "calendars.starts_at",
        "the first day is that of the period, not of W",
    ),
    Mutant(
        f"{STAGING}/int_posts.sql",
        "posts.judged_at >= versions.effective_at",
        "posts.judged_at > versions.effective_at",
        "a post at a version's midnight is judged by none",
    ),
    Mutant(
        f"{STAGING}/int_posts.sql",
        "posts.judged_at < versions.superseded_at",
        "posts.judged_at <= versions.superseded_at",
        "a post at a version's midnight is judged twice",
    ),
    # §2 violations
    Mutant(
        f"{ELIGIBILITY}/int_violations.sql",
        "on events.effective_at <= period.closes_at",
        "on events.effective_at < period.closes_at",
        "an event at closes_on is not seen",
    ),
    Mutant(
        f"{ELIGIBILITY}/int_violations.sql",
        "order by events.effective_at desc, events.event_id desc",
        "order by events.effective_at desc, events.event_id",
        "ties go to the least event_id",
    ),
    Mutant(
        f"{ELIGIBILITY}/int_violations.sql",
        "order by events.effective_at desc, events.event_id desc",
        "order by events.event_id desc",
        "the last event_id decides, not the last instant",
    ),
    Mutant(
        f"{ELIGIBILITY}/int_violations.sql",
        "partition by events.subject_type, events.subject_id, events.policy",
        "partition by events.subject_type, events.subject_id",
        "clearing one policy clears all",
    ),
    Mutant(
        f"{ELIGIBILITY}/int_violations.sql",
        "partition by events.subject_type, events.subject_id, events.policy",
        "partition by events.subject_id, events.policy",
        "a creator's event clears a post with the same id",
    ),
    Mutant(
        f"{ELIGIBILITY}/int_violations.sql",
        "where status = 'violated'",
        "where status <> 'violated'",
        "the cleared are in violation",
    ),
    # §4 creators
    Mutant(
        f"{ELIGIBILITY}/creator_eligibility.sql",
        "of_age_on > starts_on",
        "of_age_on >= starts_on",
        "a birthday on starts_on is too late",
    ),
    Mutant(
        f"{ELIGIBILITY}/creator_eligibility.sql",
        "extract(month from windows.birth_date) * 100\n",
        "extract(day from windows.birth_date) * 100\n",
        "day and month of birth are swapped",
    ),
    Mutant(
        f"{ELIGIBILITY}/creator_eligibility.sql",
        "versions.minimum_age * 10000",
        "versions.minimum_age * 10001",
        "the age is a few days too high",
    ),
    Mutant(
        f"{ELIGIBILITY}/creator_eligibility.sql",
        "windows.calendar <> '' as is_program_market",
        "windows.calendar = '' as is_program_market",
        "DEAL_OUTSIDE_PERIOD for the wrong markets",
    ),
    Mutant(
        f"{ELIGIBILITY}/creator_eligibility.sql",
        "when is_program_market and has_activated_deal and window_start is null",
        "when has_activated_deal and window_start is null",
        "DEAL_OUTSIDE_PERIOD where the market is not the program's",
    ),
    Mutant(
        f"{ELIGIBILITY}/creator_eligibility.sql",
        "when is_program_market and has_activated_deal and window_start is null",
        "when is_program_market and window_start is null",
        "DEAL_OUTSIDE_PERIOD beside NOT_ACTIVATED",
    ),
    Mutant(
        f"{ELIGIBILITY}/creator_eligibility.sql",
        "period.last_version_no = account_types.version_no\n            and ",
        "",
        "account types of all versions are accepted",
    ),
    Mutant(
        f"{ELIGIBILITY}/creator_eligibility.sql",
        "period.last_version_no = markets.version_no\n            and ",
        "",
        "markets of all versions are accepted",
    ),
    Mutant(
        f"{ELIGIBILITY}/creator_eligibility.sql",
        "violations.subject_type = 'creator'\n            and ",
        "",
        "a post's violation strikes a creator with the same id",
    ),
    Mutant(
        f"{ELIGIBILITY}/creator_eligibility.sql",
        "when is_known and is_in_violation",
        "when is_in_violation",
        "POLICY_VIOLATION beside UNKNOWN_CREATOR",
    ),
    Mutant(
        f"{ELIGIBILITY}/creator_eligibility.sql",
        "when is_known and not is_accepted_account_type",
        "when not is_accepted_account_type",
        "ACCOUNT_TYPE beside UNKNOWN_CREATOR",
    ),
    Mutant(
        f"{ELIGIBILITY}/creator_eligibility.sql",
        "when is_known and not is_accepted_market",
        "when not is_accepted_market",
        "MARKET beside UNKNOWN_CREATOR",
    ),
    Mutant(
        f"{ELIGIBILITY}/creator_eligibility.sql",
        "when not has_activated_deal then 'NOT_ACTIVATED'",
        "when has_activated_deal then 'NOT_ACTIVATED'",
        "NOT_ACTIVATED for the activated",
    ),
    # §4 posts
    Mutant(
        f"{ELIGIBILITY}/post_eligibility.sql",
        "posts.published_at >= posts.window_end",
        "posts.published_at > posts.window_end",
        "a post at the end of W is inside",
    ),
    Mutant(
        f"{ELIGIBILITY}/post_eligibility.sql",
        "posts.published_at < posts.window_start",
        "posts.published_at <= posts.window_start",
        "a post at the start of W is outside",
    ),
    Mutant(
        f"{ELIGIBILITY}/post_eligibility.sql",
        "not versions.counts_any\n",
        "versions.counts_any\n",
        "counts_posts is turned round",
    ),
    Mutant(
        f"{ELIGIBILITY}/post_eligibility.sql",
        "posts.removed_at < posts.window_end",
        "posts.removed_at <= posts.window_end",
        "removal at the end of W counts",
    ),
    Mutant(
        f"{ELIGIBILITY}/post_eligibility.sql",
        "gained.qualified_views < versions.minimum_views",
        "gained.qualified_views <= versions.minimum_views",
        "just the minimum is below it",
    ),
    Mutant(
        f"{ELIGIBILITY}/post_eligibility.sql",
        "sum(qualified_views) as qualified_views",
        "max(qualified_views) as qualified_views",
        "the best segment counts for the whole of W",
    ),
    Mutant(
        f"{STAGING}/int_period_posts.sql",
        "        where seen.has_snapshot_in_period\n",
        "",
        "a post that was seen at any time has a row",
    ),
    Mutant(
        f"{STAGING}/int_period_posts.sql",
        "posts.published_at >= posts.period_starts_at",
        "posts.published_at > posts.period_starts_at",
        "a post at the start of the period has no row",
    ),
    Mutant(
        f"{STAGING}/int_period_posts.sql",
        "posts.published_at < posts.period_ends_at",
        "posts.published_at <= posts.period_ends_at",
        "a post at the end of the period has a row",
    ),
    Mutant(
        f"{ELIGIBILITY}/post_eligibility.sql",
        "order by published_at, post_id",
        "order by published_at desc, post_id",
        "the limit keeps the last posts",
    ),
    Mutant(
        f"{ELIGIBILITY}/post_eligibility.sql",
        "order by published_at, post_id",
        "order by published_at, post_id desc",
        "ties under the limit go to the greatest post_id",
    ),
    Mutant(
        f"{ELIGIBILITY}/post_eligibility.sql",
        ") > maximum_posts",
        ") >= maximum_posts",
        "the limit is one post less",
    ),
    Mutant(
        f"{ELIGIBILITY}/post_eligibility.sql",
        "not posts.is_original as is_not_original",
        "posts.is_original as is_not_original",
        "NOT_ORIGINAL for the originals",
    ),
    Mutant(
        f"{ELIGIBILITY}/post_eligibility.sql",
        "versions.excludes_collab and posts.is_collab",
        "versions.excludes_collab and posts.is_branded_content",
        "a flag is swapped for another",
    ),
    Mutant(
        f"{ELIGIBILITY}/post_eligibility.sql",
        "versions.excludes_watermark and posts.has_watermark",
        "posts.has_watermark",
        "WATERMARK where the version does not exclude it",
    ),
    Mutant(
        f"{ELIGIBILITY}/post_eligibility.sql",
        "posts.version_no = content_types.version_no\n            and ",
        "",
        "content types of all versions are accepted",
    ),
    Mutant(
        f"{ELIGIBILITY}/post_eligibility.sql",
        "violations.subject_type = 'post'\n            and ",
        "",
        "a creator's violation strikes a post with the same id",
    ),
    Mutant(
        f"{ELIGIBILITY}/post_eligibility.sql",
        "partition by creator_id, reasons = ''",
        "partition by creator_id",
        "a post with another reason takes a place under the limit",
    ),
    Mutant(
        f"{ELIGIBILITY}/post_eligibility.sql",
        "                reasons = ''\n                and row_number()",
        "                row_number()",
        "OVER_POST_LIMIT in the place of another reason",
    ),
    # §5 audience value
    Mutant(
        f"{SCORING}/int_audience_value.sql",
        "audience.observed_on <= period.ends_on",
        "audience.observed_on < period.ends_on",
        "audience of ends_on is not seen",
    ),
    Mutant(
        f"{SCORING}/int_audience_value.sql",
        "audience.observed_on <= period.ends_on",
        "audience.observed_on <= period.last_day",
        "audience is that of the last day, not of ends_on",
    ),
    Mutant(
        f"{SCORING}/int_audience_value.sql",
        "order by audience.observed_on desc",
        "order by audience.observed_on",
        "the oldest audience counts",
    ),
    Mutant(
        f"{SCORING}/int_audience_value.sql",
        "qualify rank() over",
        "qualify row_number() over",
        "one country only",
    ),
    Mutant(
        f"{SCORING}/int_audience_value.sql",
        "coalesce(countries.value_e6, segments.other_value_e6)",
        "coalesce(countries.value_e6, 0)",
        "other countries count for nothing",
    ),
    Mutant(
        f"{SCORING}/int_audience_value.sql",
        "segments.version_no = countries.version_no\n            and ",
        "",
        "countries of all versions are averaged",
    ),
    Mutant(
        f"{SCORING}/int_audience_value.sql",
        "half_even_div('weighted",
        "floor_div('weighted",
        "audience value is rounded down",
    ),
    Mutant(
        f"{SCORING}/int_audience_value.sql",
        "coalesce(own_market.value_e6, segments.other_value_e6)",
        "segments.other_value_e6",
        "without accounts the own market does not count",
    ),
    Mutant(
        f"{SCORING}/int_audience_value.sql",
        "least(value_e6, coalesce(ceiling_e6, value_e6))",
        "value_e6",
        "no ceiling",
    ),
    Mutant(
        f"{SCORING}/int_audience_value.sql",
        "coalesce(floor_e6, {{ whole('0') }})",
        "{{ whole('0') }}",
        "no floor",
    ),
    # §5 points
    Mutant(
        f"{SCORING}/int_post_points.sql",
        "half_even_div('points_e10'",
        "floor_div('points_e10'",
        "points are rounded down",
    ),
    Mutant(
        f"{SCORING}/int_post_points.sql", "'1000000'", "'100000'", "points are ten times as many"
    ),
    Mutant(
        f"{SCORING}/int_post_points.sql",
        "            ),\n            0\n",
        "            ),\n            -100000000000000000000\n",
        "points below 0",
    ),
    Mutant(
        f"{SCORING}/int_post_points.sql",
        "coalesce(weights.{{ count }}_e4, 0)",
        "coalesce(weights.views_e4, 0)",
        "every count weighs as views",
    ),
    Mutant(
        f"{SCORING}/int_post_points.sql",
        "            and increments.segment_no = audience.segment_no\n",
        "",
        "each increment is weighed by every segment",
    ),
    Mutant(
        f"{SCORING}/int_post_points.sql",
        "            audience.version_no = weights.version_no\n            and ",
        "            ",
        "weights of all versions are added",
    ),
    Mutant(
        f"{SCORING}/int_post_points.sql",
        "left join {{ source('terms', 'terms_weights') }}",
        "inner join {{ source('terms', 'terms_weights') }}",
        "a content type without weights has no row",
    ),
    Mutant(
        f"{SCORING}/int_post_points.sql",
        "    where posts.eligible\n",
        "",
        "posts that are not eligible have points",
    ),
    Mutant(
        f"{SCORING}/creator_scores.sql",
        " and audience.is_last\n",
        "\n",
        "a row for each segment",
    ),
    Mutant(
        f"{SCORING}/creator_scores.sql",
        "left join summed",
        "inner join summed",
        "a creator without eligible posts has no row",
    ),
    Mutant(
        f"{SCORING}/creator_scores.sql",
        "where creators.eligible\n",
        "",
        "creators that are not eligible have a row",
    ),
    Mutant(
        f"{SCORING}/creator_scores.sql",
        "sum(points_e4) as points_e4",
        "max(points_e4) as points_e4",
        "the best post counts for all",
    ),
    # exact arithmetic
    Mutant(
        EXACT,
        "when {{ remainder }} > ({{ divisor }}) - {{ remainder }} then 1",
        "when {{ remainder }} >= ({{ divisor }}) - {{ remainder }} then 1",
        "half goes up",
    ),
    Mutant(
        EXACT,
        "and {{ quotient }} % 2 <> 0",
        "and {{ quotient }} % 2 = 0",
        "half goes to the odd side",
    ),
    Mutant(
        EXACT,
        "and {{ quotient }} % 2 <> 0",
        "and false",
        "half goes down",
    ),
    Mutant(
        EXACT,
        "% ({{ divisor }}) < 0 then 1 else 0 end",
        "% ({{ divisor }}) < 0 then 0 else 0 end",
        "a negative quotient is truncated towards 0",
    ),
    Mutant(
        EXACT,
        "cast(0.0001 as",
        "cast(0.0010 as",
        "published points ten times as many",
    ),
    Mutant(
        EXACT,
        "cast(0.000001 as",
        "cast(0.000010 as",
        "published audience value ten times as high",
    ),
    Mutant(
        EXACT,
        "cast(cast({{ expression }} as decimal(38, 10))",
        "cast(cast({{ expression }} as decimal(38, 9))",
        "the tenth decimal of a rate is lost",
    ),
    # §6 step 6 and what settlement reads
    Mutant(
        EARNING,
        "order by remainder desc, post_id)",
        "order by remainder desc, post_id desc)",
        "ties go to the greatest post_id",
    ),
    Mutant(
        EARNING,
        "order by remainder desc, post_id)",
        "order by remainder, post_id)",
        "the least remainders get the units",
    ),
    Mutant(EARNING, "when place <= units_left", "when place < units_left", "a unit is lost"),
    Mutant(
        EARNING,
        "performance_minor - sum(share) over (partition by creator_id)",
        "performance_minor - sum(share) over ()",
        "units left are counted over all creators",
    ),
    Mutant(
        EARNING,
        "row_number() over (partition by creator_id order by",
        "row_number() over (order by",
        "places are counted over all creators",
    ),
    Mutant(
        EARNING,
        "sum(posts.points_e4) over (partition by posts.creator_id)",
        "sum(posts.points_e4) over ()",
        "shares are of all creators' points",
    ),
    Mutant(
        EARNING,
        "case when whole_e4 = 0 then 0 else performance_minor * points_e4 % whole_e4 end",
        "0",
        "no remainders",
    ),
    Mutant(
        EARNING,
        "            when whole_e4 = 0 then 0\n",
        "",
        "posts without points get units",
    ),
    Mutant(
        EARNING,
        "    union\n    select creator_id from stg_payees\n",
        "",
        "a payee without a creators row is unknown to settlement",
    ),
    Mutant(
        EARNING,
        "    select creator_id from stg_creators\n    union\n",
        "",
        "a creator without a payees row is unknown to settlement",
    ),
    Mutant(
        EARNING,
        "    union\n    select creator_id from creator_eligibility\n",
        "",
        "a creator with a deal alone is unknown to settlement",
    ),
    Mutant(
        EARNING,
        "cast(0.0000000001 as decimal(10, 10))",
        "cast(0.0000000010 as decimal(10, 10))",
        "rates ten times as high",
    ),
)
