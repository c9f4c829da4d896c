"""The mutants of the models around post_metrics (§2, §3): the one pass, its ambiguous posts, values at b.

Killed by the dbt unit tests of the model, or by `tests/integration/test_snapshots.py`, which tells the rules one
snapshot at a time. `old` stands once in the file. Where a filter keeps nulls from max_by, the mutant takes a
function that lets them decide: DuckDB's max_by leaves nulls out by itself, Spark's does not.
"""

from __future__ import annotations

from tests.mutation.sql_mutant_list import ELIGIBILITY, STAGING, Mutant

AGGREGATES = f"{STAGING}/int_post_aggregates.sql"
INTERVALS = f"{STAGING}/int_post_intervals.sql"
SUSPECTS = f"{STAGING}/int_suspect_deliveries.sql"
DELIVERED = f"{STAGING}/stg_post_metrics.sql"
CONFLICTS = f"{ELIGIBILITY}/int_deciding_conflicts.sql"
COUNTS_AT = f"{ELIGIBILITY}/int_counts_at.sql"
INCREMENTS = f"{ELIGIBILITY}/int_increments.sql"

SNAPSHOT_MUTANTS = (
    Mutant(
        AGGREGATES,
        "posts.published_at < posts.window_start as is_older",
        "posts.published_at <= posts.window_start as is_older",
        "a post of the start of W is an older one",
    ),
    Mutant(
        AGGREGATES,
        "when metrics.observed_at <= posts.window_start then 0",
        "when metrics.observed_at < posts.window_start then 0",
        "a snapshot at the start of W lies in its first segment",
    ),
    Mutant(
        AGGREGATES,
        "when metrics.observed_at <= posts.window_end then 1",
        "when metrics.observed_at < posts.window_end then 1",
        "a snapshot at the end of W lies behind it",
    ),
    Mutant(
        AGGREGATES,
        "and metrics.observed_at > several_segments.starts_at",
        "and metrics.observed_at >= several_segments.starts_at",
        "a snapshot at a boundary lies in both segments",
    ),
    Mutant(
        AGGREGATES,
        "and metrics.observed_at <= several_segments.ends_at",
        "and metrics.observed_at < several_segments.ends_at",
        "a snapshot at a boundary lies in no segment",
    ),
    Mutant(
        AGGREGATES,
        "posts.is_older and metrics.observed_at > posts.window_start as may_be_first",
        "metrics.observed_at > posts.window_start as may_be_first",
        "a post of W starts from its first snapshot, not from 0",
    ),
    Mutant(
        AGGREGATES,
        "metrics.observed_at <= posts.period_ends_at as is_in_period",
        "metrics.observed_at < posts.period_ends_at as is_in_period",
        "a snapshot at the end of the period is not in it",
    ),
    Mutant(
        AGGREGATES,
        "max({{ count }}) as greatest_{{ count }}",
        "min({{ count }}) as greatest_{{ count }}",
        "a count that fell is not noticed",
    ),
    Mutant(
        AGGREGATES,
        "            (last_{{ count }} is null and greatest_{{ count }} is not null)\n            or (",
        "            (",
        "a last row without a count hides what was reported before it",
    ),
    Mutant(
        AGGREGATES,
        "(has_first and first_row.{{ count }} is null and greatest_{{ count }} is not null)",
        "false",
        "a first row without a count hides what was reported after it",
    ),
    Mutant(
        AGGREGATES,
        "last_{{ count }} < greatest_{{ count }}\n",
        "last_{{ count }} > greatest_{{ count }}\n",
        "a greater count that was replaced stays the greatest",
    ),
    Mutant(
        AGGREGATES,
        "bit_or(case when is_late then day_bit else 0 end) as late_days",
        "bit_or(day_bit) as late_days",
        "snapshots of one delivery count as two days, so that nothing comes twice",
    ),
    Mutant(
        AGGREGATES,
        "last_views - last_ineligible_views as last_qualified_views",
        "last_views as last_qualified_views",
        "ineligible views count",
    ),
    Mutant(
        INTERVALS,
        "max_by(snapshots.{{ count }}, snapshots.observed_at)",
        "min_by(snapshots.{{ count }}, snapshots.observed_at)",
        "of an ambiguous post the first count is taken for the last",
    ),
    Mutant(
        INTERVALS,
        "max_by(snapshots.{{ count }}, snapshots.observed_at)\n"
        "            filter (where snapshots.{{ count }} is not null) as last_{{ count }}",
        "arg_max_null(snapshots.{{ count }}, snapshots.observed_at) as last_{{ count }}",
        "a snapshot that does not report a count hides it",
    ),
    Mutant(
        INTERVALS,
        "min_by(snapshots.{{ count }}, snapshots.observed_at)",
        "max_by(snapshots.{{ count }}, snapshots.observed_at)",
        "of an ambiguous older post the last count is taken for the first",
    ),
    Mutant(
        INTERVALS,
        "                and snapshots.observed_at > posts.window_start\n",
        "                and snapshots.observed_at > posts.window_end\n",
        "of an ambiguous older post no first count is known",
    ),
    Mutant(
        INTERVALS,
        "when aggregates.is_ambiguous then one_by_one.greatest_{{ count }}",
        "when aggregates.is_ambiguous then aggregates.greatest_{{ count }}",
        "the greatest count of an ambiguous post is one that was replaced",
    ),
    Mutant(
        SUSPECTS,
        "where is_ambiguous or may_conflict",
        "where is_ambiguous",
        "a conflict is not looked for in posts that are not ambiguous",
    ),
    Mutant(
        SUSPECTS,
        "            or metrics.observed_at = suspects.last_observed_at\n",
        "",
        "a conflict of the last snapshot is not looked at",
    ),
    Mutant(
        SUSPECTS,
        "            or metrics.observed_at = suspects.first_observed_at\n",
        "",
        "a conflict of the first snapshot is not looked at",
    ),
    Mutant(
        SUSPECTS,
        "and metrics.observed_at >= suspects.first_observed_at",
        "and metrics.observed_at > suspects.first_observed_at",
        "the first snapshot of an ambiguous post is left out",
    ),
    Mutant(DELIVERED, "delivered_at desc,", "delivered_at,", "the first delivery wins"),
    Mutant(
        DELIVERED,
        "partition by post_id, observed_at",
        "partition by post_id, observed_at, delivered_at",
        "a delivery that was replaced stays",
    ),
    Mutant(
        DELIVERED,
        "views - ineligible_views as qualified_views",
        "views as qualified_views",
        "ineligible views count in posts that are ambiguous",
    ),
    Mutant(
        CONFLICTS,
        "            and deliveries.delivered_at = winners.delivered_at\n",
        "",
        "deliveries that were replaced are conflicts",
    ),
    Mutant(
        CONFLICTS,
        "having count(*) > 1",
        "having count(*) > 2",
        "two deliveries that differ are none",
    ),
    Mutant(
        CONFLICTS,
        "        select distinct\n            post_id,",
        "        select\n            post_id,",
        "the same delivery twice is a conflict",
    ),
    Mutant(
        CONFLICTS,
        "and conflicts.observed_at <= posts.window_end",
        "and conflicts.observed_at < posts.window_end",
        "a snapshot at the end of W decides nothing",
    ),
    Mutant(
        CONFLICTS,
        "            and later.{{ count }} is not null\n",
        "",
        "a later snapshot without the count takes the decision",
    ),
    Mutant(
        CONFLICTS,
        "            and conflicts.observed_at > posts.window_start\n",
        "",
        "a snapshot before the start of W is the first after it",
    ),
    Mutant(
        CONFLICTS,
        "            and before.last_{{ count }} is not null\n",
        "",
        "an earlier interval without the count takes the decision of the first",
    ),
    Mutant(
        COUNTS_AT,
        "where seen.interval_no <= boundaries.boundary_no",
        "where seen.interval_no < boundaries.boundary_no",
        "a boundary does not see the segment that ends there",
    ),
    Mutant(
        COUNTS_AT,
        "max_by(seen.last_{{ count }}, seen.interval_no)\n"
        "            filter (\n"
        "                where seen.interval_no <= boundaries.boundary_no\n"
        "                and seen.last_{{ count }} is not null\n",
        "arg_max_null(seen.last_{{ count }}, seen.interval_no)\n"
        "            filter (\n"
        "                where seen.interval_no <= boundaries.boundary_no\n",
        "an interval without the count hides the one before",
    ),
    Mutant(
        COUNTS_AT,
        "min_by(seen.first_{{ count }}, seen.interval_no)",
        "max_by(seen.first_{{ count }}, seen.interval_no)",
        "an older post starts from its last interval",
    ),
    Mutant(
        INCREMENTS,
        "segment_end.boundary_no = segment_start.boundary_no + 1",
        "segment_end.boundary_no > segment_start.boundary_no",
        "a segment's increment starts at any boundary before",
    ),
)
