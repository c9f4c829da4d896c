"""The gate after eligibility (§8): one decision a creator and post, each with its reasons."""

from __future__ import annotations

from expectations.suite import Expectation, unique


def _reasons_agree(table: str, key: str) -> Expectation:
    return Expectation(
        f"{table}_is_eligible_just_without_a_reason",
        table,
        f"select {key}, eligible, reasons from {{batch}}"
        f" where eligible is null or reasons is null or eligible <> (reasons = '') order by {key}",
        "ineligible without a reason, or eligible with one",
    )


SUITE = (
    unique("creator_eligibility", "creator_id"),
    unique("post_eligibility", "post_id"),
    Expectation(
        "every_creator_with_a_deal_is_decided",
        "creator_eligibility",
        """
        select creator_id from int_windows
        where creator_id not in (select creator_id from {batch})
        order by creator_id
        """,
        "a creator with a deal has no decision",
    ),
    Expectation(
        "every_post_of_the_period_is_decided",
        "post_eligibility",
        """
        select post_id, creator_id from int_posts
        where (
            (published_at >= period_starts_at and published_at < period_ends_at)
            or post_id in (select post_id from int_post_intervals where has_snapshot_in_period)
        )
        and post_id not in (select post_id from {batch})
        order by post_id
        """,
        "a post that was published or seen in the period has no decision",
    ),
    _reasons_agree("creator_eligibility", "creator_id"),
    _reasons_agree("post_eligibility", "post_id"),
    Expectation(
        "deciding_snapshots_agree",
        "int_deciding_conflicts",
        "select * from {batch} order by post_id, observed_at",
        "a snapshot that decides a value was delivered twice at one instant with different counts;"
        " deliver it anew with a later delivered_at",
    ),
)
