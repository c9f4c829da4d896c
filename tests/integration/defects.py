"""What is wrong with a work file when an expectation turns red: SQL by the name of the expectation."""

from __future__ import annotations

from expectations.suite import Expectation


def twice(table: str) -> str:
    """The first row comes a second time."""
    return f"insert into {table} select * from {table} limit 1"


def changed(table: str, assignment: str, where: str = "true") -> str:
    """One row is changed."""
    return (
        f"update {table} set {assignment}"
        f" where rowid = (select min(rowid) from {table} where {where})"
    )


def conflict(dataset: str, column: str, value: str) -> str:
    """A row is delivered again in the same version, with another value."""
    return (
        f"insert into raw_{dataset} select * replace ({value} as {column}) from raw_{dataset}"
        f" where {column} is distinct from {value} limit 1"
    )


def decided(dataset: str, **values: str) -> str:
    """SQL of a row for `stg_adjustments` or `stg_payment_returns`, of which the sample has none."""
    columns, texts = ", ".join(values), ", ".join(f"'{value}'" for value in values.values())
    return f"insert into stg_{dataset} ({columns}) values ({texts})"


def two_versions_alike(dataset: str, name: str) -> str:
    """Two rows of one version, of which the second names another period."""
    filled = {"adjustments": "amount, reason, requested_by", "payment_returns": "status"}[dataset]
    values = {"adjustments": "1, 'x', 'ada'", "payment_returns": "'returned'"}[dataset]
    rows = ", ".join(
        f"('p', 'd1', 'c1', 'period {row}', 'USD', {values}, timestamp '2024-01-01', 1, {row})"
        for row in (1, 2)
    )
    return (
        f"insert into raw_{dataset} (program, {name}, creator_id, period, currency, {filled},"
        f" updated_at, file_no, row_no) values {rows}"
    )


def noted(fault: str) -> str:
    return f"insert into decision_notes values ('{fault}', 'd1', 'c1', '1999', 'USD', null)"


ALL_UNKNOWN = "update {table} set {column} = 'nobody'"

EARLY = (
    "update known_snapshots set before_publication = snapshots // {more_than_one_in} + 1;"
    " insert into early_posts select post_id, published_at, 1, published_at from known_posts limit 1"
)

# What is wrong with the work file when the expectation turns red.
DEFECTS: dict[str, str] = {
    "every_dataset_has_a_folder": changed("ingest_datasets", "has_folder = false"),
    "datasets_have_rows": changed("ingest_datasets", "rows_loaded = 0", "dataset = 'creators'"),
    "no_file_is_quarantined": "insert into quarantine_files values ('posts', 'a', 'UNREADABLE', '')",
    "no_row_is_quarantined": (
        "insert into quarantine_rows values ('posts', 'a.csv', 2, 'post_id', 'NULL', '', 1, '', '')"
    ),
    "few_rows_of_post_metrics_are_quarantined": (
        "insert into quarantine_rows select 'post_metrics', 'a.csv', range, 'views', 'NULL', '', 1, '', ''"
        " from range((select rows_read // 1000 + 1 from ingest_datasets"
        " where dataset = 'post_metrics'))"
    ),
    "every_row_is_loaded_quarantined_or_deleted": changed(
        "ingest_files", "rows_loaded = rows_loaded - 1"
    ),
    "creators_rows_of_one_version_agree": conflict("creators", "account_type", "'personal'"),
    "payees_rows_of_one_version_agree": conflict("payees", "status", "'blocked'"),
    "deals_rows_of_one_version_agree": conflict("deals", "program", "'other'"),
    "posts_rows_of_one_version_agree": conflict("posts", "content_type", "'other'"),
    "audience_rows_of_one_version_agree": conflict("audience", "accounts", "0"),
    "policy_events_rows_of_one_version_agree": conflict("policy_events", "policy", "'other'"),
    "fx_rates_rows_of_one_version_agree": conflict("fx_rates", "rate", "9"),
    "adjustments_rows_of_one_version_agree": two_versions_alike("adjustments", "adjustment_id"),
    "payment_returns_rows_of_one_version_agree": two_versions_alike("payment_returns", "return_id"),
    "stg_adjustments_has_one_row_a_key": "; ".join(
        2 * [decided("adjustments", adjustment_id="a1")]
    ),
    "stg_payment_returns_has_one_row_a_key": "; ".join(
        2 * [decided("payment_returns", return_id="r1")]
    ),
    "adjustments_are_approved_by_somebody_else": decided(
        "adjustments", adjustment_id="a1", is_own_approval="true"
    ),
    "adjustments_are_of_a_period_of_the_program": decided(
        "adjustments", adjustment_id="a1", period="1999"
    ),
    "returns_are_of_a_period_of_the_program": decided(
        "payment_returns", return_id="r1", period="1999"
    ),
    "posts_have_known_creators": ALL_UNKNOWN.format(table="raw_posts", column="creator_id"),
    "metrics_have_known_posts": (
        "insert into unknown_posts select 'nobody', rows_loaded from ingest_datasets"
        " where dataset = 'post_metrics'"
    ),
    "no_id_is_in_scientific_notation": (
        "insert into spreadsheet_ids values ('posts', 'post_id', '1.7E+16', 'scientific', 2, 'a', 1)"
    ),
    "no_id_ends_in_point_zero": (
        "insert into spreadsheet_ids values ('posts', 'post_id', '17.0', 'point zero', 2, 'a', 1)"
    ),
    "no_row_says_that_it_is_deleted": (
        "insert into deletion_flags values ('posts', 'posts/a.csv', 'is_deleted', 1)"
    ),
    "known_posts_have_snapshots": "update known_snapshots set snapshots = 0",
    "most_snapshots_are_from_after_publication": EARLY.format(more_than_one_in="2"),
    "few_snapshots_are_from_before_publication": EARLY.format(more_than_one_in="100"),
    "nothing_was_passed_over": "insert into ingest_notes values ('unknown_column', 'posts', 'x', '')",
    "every_creator_with_a_deal_has_a_rate": "delete from int_fx_rates where payout_currency = 'JPY'",
    "nobody_is_paid_in_a_withdrawn_currency": changed(
        "int_payout_currencies", "is_withdrawn = true"
    ),
    "rates_are_within_twice_and_half_of_those_before": changed(
        "int_fx_rates_taken", "rate_e10 = twice_median_e10 + 1, rates_before = 5"
    ),
    "confirmed_rates_are_within_twice_and_half_of_those_before": changed(
        "int_fx_rates_taken", "rate_e10 = 1, rates_before = 5, is_confirmed = true"
    ),
    "rates_are_near_those_before": changed(
        "int_fx_rates_taken", "rate_e10 = twice_median_e10 * 2 // 5 - 1, rates_before = 5"
    ),
    "posts_in_play_were_seen_at_the_end": (
        "update int_posts_in_play set last_observed_at = timestamp '2000-01-01'"
    ),
    "few_posts_lose_counts": (
        "update int_posts_in_play set greatest_shares = last_shares + 1 where last_shares is not null"
    ),
    "posts_have_no_more_likes_than_views": changed(
        "int_posts_in_play", "last_likes = last_views + 1", "last_likes is not null"
    ),
    "old_posts_do_not_double_after_their_window": (
        "update int_post_intervals set last_views = 1000000000000 where not is_before_window_end"
    ),
    "deciding_snapshots_agree": (
        "insert into int_deciding_conflicts"
        " select post_id, published_at, published_at, 1, 2 from int_posts limit 1"
    ),
    "every_creator_with_a_deal_is_decided": (
        "delete from creator_eligibility where creator_id ="
        " (select min(creator_id) from creator_eligibility)"
    ),
    "every_post_of_the_period_is_decided": (
        "delete from post_eligibility where post_id = (select min(post_id) from post_eligibility)"
    ),
    "creator_eligibility_is_eligible_just_without_a_reason": changed(
        "creator_eligibility", "reasons = 'MARKET'", "eligible"
    ),
    "post_eligibility_is_eligible_just_without_a_reason": changed(
        "post_eligibility", "reasons = ''", "not eligible"
    ),
    "views_of_a_market_and_day_are_like_the_days_before": (
        "update post_eligibility set qualified_views = qualified_views * 100000"
        " where cast(published_at as date) = (select max(cast(published_at as date))"
        " from post_eligibility where eligible)"
    ),
    "post_scores_points_are_not_negative": changed("post_scores", "points = -1"),
    "creator_scores_points_are_not_negative": changed("creator_scores", "points = -1"),
    "posts_points_sum_to_their_creators": changed("creator_scores", "points = points + 1"),
    "every_eligible_post_is_scored": (
        "delete from post_scores where post_id = (select min(post_id) from post_scores)"
    ),
    "audience_value_lies_between_floor_and_ceiling": changed(
        "int_audience_value", "audience_value_e6 = floor_e6 - 1", "floor_e6 is not null"
    ),
    "segments_cut_the_window": changed("creator_segments", "ends_at = ends_at - interval 1 second"),
    "creators_have_the_audience_value_of_their_last_segment": changed(
        "creator_scores", "audience_value = audience_value + 0.000001"
    ),
    "increments_sum_to_the_counts": changed("post_increments", "shares = shares - 1"),
    "points_follow_from_the_increments": changed("post_scores", "points = points + 0.0001"),
    "every_eligible_creator_has_its_earnings": (
        "delete from creator_earnings where creator_id = (select min(creator_id) from creator_earnings)"
    ),
    "amounts_follow_from_points": (
        "insert into recount_faults select creator_id, market, 'rounded_minor is 1, expected 2'"
        " from creator_earnings limit 1"
    ),
    "posts_amounts_follow_from_points": changed(
        "post_earnings", "rounding_unit = 1 - rounding_unit"
    ),
    "posts_parts_sum_to_the_performance_part": changed(
        "post_earnings", "amount_minor = amount_minor + 1"
    ),
    "no_amount_is_above_its_cap": changed(
        "creator_earnings", "program_amount_minor = cap_minor + 1", "cap_minor is not null"
    ),
    "the_sum_is_within_the_budget": "update ledger_period set budget_minor = total_minor - 1",
    "transactions_balance": changed("journal", "amount_minor = amount_minor + 1"),
    "ledger_rows_carry_the_earnings": changed(
        "payout_ledger", "program_amount_minor = program_amount_minor + 1", "fx_rate is not null"
    ),
    "balances_roll_forward": changed("payout_ledger", "payable_minor = payable_minor + 1"),
    "the_journal_says_what_the_ledger_says": (
        "delete from journal where txn_id = (select min(txn_id) from journal)"
    ),
    "returned_payouts_were_paid_before": noted("RETURN_NOT_PAID"),
    "postings_of_decisions_have_their_rows": noted("POSTED_WITHOUT_ROW"),
    "decisions_of_one_version_agree": noted("ROWS_DIFFER"),
    "no_adjustment_waits_for_approval": noted("WAITS_FOR_APPROVAL"),
    "returned_payouts_are_of_closed_periods": noted("RETURN_NOT_CLOSED"),
    "adjustments_are_of_known_creators": noted("CREATOR_UNKNOWN"),
    "the_total_is_like_the_period_before": changed(
        "ledger_totals", "previous_minor = total_minor * 5 + 1"
    ),
    "no_creator_takes_far_more_of_a_market_than_any_before": (
        "update market_shares set previous_amount_minor = 1, previous_market_minor = 1000000000"
    ),
    "differences_are_computed_less_posted": changed(
        "restatement", "difference_minor = difference_minor + 1"
    ),
    "the_restatement_carries_the_earnings": changed(
        "restatement", "program_amount_minor = program_amount_minor + 1"
    ),
}


def defect_of(expectation: Expectation) -> str:
    """Its own, or for one row a key, a row that comes twice."""
    if expectation.name not in DEFECTS and expectation.name.endswith("_has_one_row_a_key"):
        return twice(expectation.table)
    return DEFECTS[expectation.name]
