"""The gate after the ledger (§8). The same suite guards later periods that are settled anew.

The run of a closed period publishes nothing; its restatement has a suite of its own.
"""

from __future__ import annotations

from expectations.suite import Expectation, Severity, digits, unique


def _no_decision(
    name: str, faults: tuple[str, ...], means: str, severity: Severity = "error"
) -> Expectation:
    """Expects no note of these faults (`ledger/decisions.py`) on what people decided."""
    listed = ", ".join(f"'{fault}'" for fault in faults)
    return Expectation(
        name,
        "decision_notes",
        f"""
        select fault, decision_id, creator_id, period, currency, amount_minor from {{batch}}
        where fault in ({listed})
        order by decision_id, creator_id, period, currency
        """,
        means,
        severity,
    )


# A version that earlier code published has none of this; where it is settled anew, the tables that
# explain are empty and their columns in other tables null.
EXPLAINED = (
    Expectation(
        "every_eligible_creator_has_its_earnings",
        "creator_earnings",
        """
        select coalesce(scores.creator_id, earnings.creator_id) as creator_id,
            scores.points, earnings.points as points_of_earnings
        from creator_scores as scores
        full outer join {batch} as earnings on scores.creator_id = earnings.creator_id
        where earnings.creator_id is null
        or (
            earnings.rounded_minor is not null
            and (
                scores.points is distinct from earnings.points
                or scores.market is distinct from earnings.market
            )
        )
        order by 1
        """,
        "the creators of creator_earnings, their markets and points are not those of creator_scores",
    ),
    Expectation(
        "amounts_follow_from_points",
        "recount_faults",
        "select creator_id, market, fault from {batch} order by market, creator_id, fault",
        "an amount, a unit or a market's total does not follow from points, terms and caps",
    ),
    Expectation(
        "posts_amounts_follow_from_points",
        "post_earnings",
        f"""
        with weighed as (
            select
                earned.post_id, earned.creator_id, earned.amount_minor, earned.rounding_unit,
                cast(creators.performance_minor as hugeint) as performance_minor,
                cast({digits("scores.points")} as hugeint) as points_e4
            from {{batch}} as earned
            left join post_scores as scores on earned.post_id = scores.post_id
            left join creator_earnings as creators on earned.creator_id = creators.creator_id
        ),
        summed as (
            select *, cast(sum(points_e4) over (partition by creator_id) as hugeint) as whole_e4
            from weighed
        ),
        floored as (
            select
                *,
                coalesce(performance_minor * points_e4 // nullif(whole_e4, 0), 0) as share,
                coalesce(performance_minor * points_e4 % nullif(whole_e4, 0), 0) as remainder
            from summed
        ),
        ranked as (
            select
                *,
                case when whole_e4 = 0 then 0
                    else performance_minor - sum(share) over (partition by creator_id)
                end as units_left,
                row_number() over (partition by creator_id order by remainder desc, post_id) as place
            from floored
        )
        select post_id, creator_id, amount_minor, rounding_unit, points_e4 from ranked
        where rounding_unit is not null
        and (
            points_e4 is null
            or performance_minor is null
            or rounding_unit <> case when place <= units_left then 1 else 0 end
            or amount_minor <> share + rounding_unit
        )
        order by post_id
        """,
        "a post's amount is not the floor of its share and the unit that largest remainder gave it",
    ),
)
"""What the tables that explain say of the tables that they explain (§9): asked of published ones too."""

_EARNINGS = (
    *EXPLAINED,
    unique("market_totals", "market"),
    unique("creator_earnings", "creator_id"),
    unique("post_earnings", "post_id"),
    Expectation(
        "posts_parts_sum_to_the_performance_part",
        "creator_earnings",
        """
        with parts as (
            select creator_id, sum(amount_minor) as amount_minor from post_earnings
            group by creator_id
        )
        select
            coalesce(earnings.creator_id, parts.creator_id) as creator_id,
            earnings.performance_minor, parts.amount_minor as sum_of_posts_minor
        from {batch} as earnings
        full outer join parts on earnings.creator_id = parts.creator_id
        where coalesce(earnings.performance_minor, 0) <> coalesce(parts.amount_minor, 0)
        order by 1
        """,
        "the posts' parts do not sum to the performance part of their creator",
    ),
    Expectation(
        "no_amount_is_above_its_cap",
        "creator_earnings",
        """
        select creator_id, program_amount_minor, cap_minor from {batch}
        where program_amount_minor > cap_minor
        order by creator_id
        """,
        "a creator's amount is above its cap",
    ),
    Expectation(
        "the_sum_is_within_the_budget",
        "ledger_period",
        "select period, total_minor, budget_minor from {batch} where total_minor > budget_minor",
        "the period's sum is above its budget",
    ),
)

SUITE = (
    *_EARNINGS,
    unique("payout_ledger", "creator_id", "payout_currency"),
    unique("journal", "entry_id"),
    Expectation(
        "transactions_balance",
        "journal",
        """
        select txn_id, currency, sum(amount_minor) as sum_minor from {batch}
        group by txn_id, currency having sum(amount_minor) <> 0
        order by txn_id, currency
        """,
        "a transaction does not sum to 0 in its currency",
    ),
    Expectation(
        "ledger_rows_carry_the_earnings",
        "payout_ledger",
        """
        select
            coalesce(ledger.creator_id, earnings.creator_id) as creator_id,
            earnings.program_amount_minor as earned_minor,
            ledger.program_amount_minor as in_ledger_minor
        from creator_earnings as earnings
        full outer join (
            select creator_id, sum(program_amount_minor) as program_amount_minor
            from {batch} group by creator_id
        ) as ledger on earnings.creator_id = ledger.creator_id
        where ledger.creator_id is null
        or coalesce(earnings.program_amount_minor, 0) <> ledger.program_amount_minor
        order by 1
        """,
        "what a creator earned is not what its ledger row says",
    ),
    Expectation(
        "balances_roll_forward",
        "payout_ledger",
        """
        select
            creator_id, payout_currency, opening_balance_minor, earnings_minor, adjustments_minor,
            returns_minor, payable_minor, withheld_minor, payout_minor, closing_balance_minor
        from {batch}
        where payable_minor
            <> opening_balance_minor + earnings_minor + adjustments_minor + returns_minor
        or closing_balance_minor <> payable_minor - withheld_minor - payout_minor
        or (status = 'paid') <> (payout_minor + withheld_minor <> 0)
        or withheld_minor < 0 or payout_minor < 0
        order by creator_id, payout_currency
        """,
        "closing is not opening + earnings + adjustments + returns - what was paid out or withheld",
    ),
    Expectation(
        "the_journal_says_what_the_ledger_says",
        "payout_ledger",
        """
        with posted as (
            select
                creator_id, currency as payout_currency,
                -sum(amount_minor) filter (
                    where account = 'payable:' || creator_id
                ) as payable_minor
            from journal group by creator_id, currency
        )
        select
            coalesce(ledger.creator_id, posted.creator_id) as creator_id,
            coalesce(ledger.payout_currency, posted.payout_currency) as payout_currency,
            posted.payable_minor as posted_minor
        from {batch} as ledger
        full outer join posted
            on ledger.creator_id = posted.creator_id
            and ledger.payout_currency = posted.payout_currency
        where coalesce(posted.payable_minor, 0)
            <> coalesce(ledger.closing_balance_minor - ledger.opening_balance_minor, 0)
        order by 1, 2
        """,
        "a payee's account in the journal does not move as its balance does",
    ),
    _no_decision(
        "returned_payouts_were_paid_before",
        ("RETURN_NOT_EARLIER", "RETURN_NOT_PAID"),
        "a returned payout is of this or a later period, or nothing was paid there; deliver the row"
        " with the right period, creator and currency, or with status withdrawn",
    ),
    _no_decision(
        "postings_of_decisions_have_their_rows",
        ("POSTED_WITHOUT_ROW",),
        "an earlier period has posted a decision of which there is no row any more; deliver it again,"
        " and withdraw it by a later row if it does not hold",
    ),
    _no_decision(
        "decisions_of_one_version_agree",
        ("ROWS_DIFFER",),
        "a decision was delivered with other values in the same version than an earlier run has read;"
        " deliver the correction as a row with a later updated_at",
    ),
    _no_decision(
        "no_adjustment_waits_for_approval",
        ("WAITS_FOR_APPROVAL",),
        "an adjustment of this or an earlier period waits for approval; it is not posted until then",
        "warn",
    ),
    _no_decision(
        "returned_payouts_are_of_closed_periods",
        ("RETURN_NOT_CLOSED",),
        "a returned payout is of a period that is not closed yet; it is owed again once that is closed",
        "warn",
    ),
    _no_decision(
        "adjustments_are_of_known_creators",
        ("CREATOR_UNKNOWN",),
        "an adjustment is posted to a creator without a deal here and without a ledger row before",
        "warn",
    ),
    Expectation(
        "the_total_is_like_the_period_before",
        "ledger_totals",
        """
        select total, currency, total_minor, previous_minor from {batch}
        where previous_minor > 0
        and (total_minor * 5 < previous_minor or total_minor > previous_minor * 5)
        order by total, currency
        """,
        "what was earned in the program currency, or is paid out in a payout currency, is under"
        " 0.2x or over 5x that of the period before",
        "warn",
    ),
)

RESTATEMENT_SUITE = (
    *_EARNINGS,
    unique("restatement", "creator_id", "payout_currency"),
    Expectation(
        "differences_are_computed_less_posted",
        "restatement",
        """
        select creator_id, payout_currency, posted_minor, computed_minor, difference_minor
        from {batch}
        where difference_minor is distinct from computed_minor - posted_minor
        order by creator_id, payout_currency
        """,
        "a difference is not what is computed now less what was posted",
    ),
    Expectation(
        "the_restatement_carries_the_earnings",
        "restatement",
        """
        select
            earnings.creator_id, earnings.program_amount_minor as earned_minor,
            restated.program_amount_minor as restated_minor
        from creator_earnings as earnings
        left join (
            select creator_id, sum(program_amount_minor) as program_amount_minor
            from {batch} group by creator_id
        ) as restated on earnings.creator_id = restated.creator_id
        where earnings.program_amount_minor <> coalesce(restated.program_amount_minor, 0)
        order by earnings.creator_id
        """,
        "what a creator would earn now is not what its restatement says",
    ),
)
