"""The mutants of the gates' suites (§8): thresholds moved or gone, conditions lost, joins narrowed.

Killed by the unit tests of the suite alone. `old` stands once in the file.
"""

from __future__ import annotations

from tests.mutation.sql_mutant_list import Mutant

INGEST = "expectations/ingest.py"
STAGING = "expectations/staging.py"
ELIGIBILITY = "expectations/eligibility.py"
SCORING = "expectations/scoring.py"
LEDGER = "expectations/ledger.py"

GATE_MUTANTS = (
    Mutant(
        INGEST,
        "having count(*) > 1 order by {columns}",
        "having count(*) > 2 order by {columns}",
        "two rows of one version may differ",
    ),
    Mutant(
        INGEST,
        "select distinct * exclude (file_no, row_no) from",
        "select * exclude (file_no, row_no) from",
        "a row that comes twice is a conflict with itself",
    ),
    Mutant(
        INGEST,
        'where not has_folder"\n',
        'where true"\n',
        "a dataset with a folder is taken for one without",
    ),
    Mutant(
        INGEST,
        "MAY_BE_ABSENT = \"'adjustments', 'payment_returns'\"",
        "MAY_BE_ABSENT = \"'adjustments'\"",
        "payment_returns must have a folder",
    ),
    Mutant(
        INGEST,
        "dataset not in ('audience', 'policy_events', {MAY_BE_ABSENT})",
        "dataset not in ('policy_events', {MAY_BE_ABSENT})",
        "audience must have rows",
    ),
    Mutant(
        INGEST,
        "where payout_currency <> (select currency from period)",
        "where payout_currency = (select currency from period)",
        "rates are needed where all are paid in the program currency",
    ),
    Mutant(
        INGEST,
        "dataset <> 'post_metrics'\",",
        'true",',
        "one bad row of post_metrics blocks",
    ),
    Mutant(
        INGEST,
        "select sum(line_count) * 1000 > any_value(rows_read)",
        "select sum(line_count) * 1000 >= any_value(rows_read)",
        "0.1 % itself blocks",
    ),
    Mutant(
        INGEST,
        "select sum(line_count) * 1000 > any_value(rows_read)",
        "select sum(line_count) * 100 > any_value(rows_read)",
        "up to 1 % of the snapshots may be bad",
    ),
    Mutant(
        INGEST,
        "rows_loaded + rows_quarantined + rows_deleted <> rows_read",
        "rows_loaded + rows_quarantined > rows_read",
        "a row may vanish",
    ),
    Mutant(INGEST, "where snapshots = 0", "where snapshots < 0", "no post is known"),
    Mutant(
        INGEST,
        '"before_publication * 2 > snapshots"',
        '"before_publication * 2 >= snapshots"',
        "half of the snapshots before publication block",
    ),
    Mutant(
        INGEST,
        '"before_publication * 100 > snapshots"',
        '"before_publication * 100 >= snapshots"',
        "1 % of the snapshots before publication is warned of",
    ),
    Mutant(
        INGEST,
        "where (select count(*) from unknown) * 100 > (select count(*) from {{batch}})",
        "where (select count(*) from unknown) * 100 >= (select count(*) from {{batch}})",
        "1 % of posts without creator is warned of",
    ),
    Mutant(
        INGEST,
        "where (select sum(snapshots) from {{batch}}) * 100 > (",
        "where (select sum(snapshots) from {{batch}}) * 100 >= (",
        "1 % of snapshots without post is warned of",
    ),
    Mutant(
        INGEST,
        "\"form = 'scientific'\"",
        "\"form = 'point zero'\"",
        "an id in scientific notation passes",
    ),
    Mutant(
        STAGING,
        "(rate_e10 > twice_median_e10 or rate_e10 * 4 < twice_median_e10)",
        "(rate_e10 >= twice_median_e10 or rate_e10 * 4 < twice_median_e10)",
        "twice the median itself blocks",
    ),
    Mutant(
        STAGING,
        "(rate_e10 > twice_median_e10 or rate_e10 * 4 < twice_median_e10)",
        "(rate_e10 > twice_median_e10 or rate_e10 * 4 <= twice_median_e10)",
        "half the median itself blocks",
    ),
    Mutant(
        STAGING,
        "where rates_before >= 5 and {where}",
        "where rates_before > 5 and {where}",
        "five rates before are too few",
    ),
    Mutant(
        STAGING,
        "where rates_before >= 5 and {where}",
        "where rates_before >= 4 and {where}",
        "four rates before are enough",
    ),
    Mutant(
        STAGING,
        'f"not is_confirmed and {_FAR_OFF}"',
        'f"{_FAR_OFF}"',
        "a confirmed rate blocks",
    ),
    Mutant(
        STAGING,
        'f"is_confirmed and {_FAR_OFF}"',
        'f"{_FAR_OFF}"',
        "a rate that nobody confirmed is told as confirmed",
    ),
    Mutant(
        STAGING,
        "rate_e10 * 5 > twice_median_e10 * 3",
        "rate_e10 * 5 >= twice_median_e10 * 3",
        "20 % above the median itself is warned of",
    ),
    Mutant(
        STAGING,
        "rate_e10 * 5 < twice_median_e10 * 2)",
        "rate_e10 * 5 <= twice_median_e10 * 2)",
        "20 % below the median itself is warned of",
    ),
    Mutant(
        STAGING,
        "where payout_currency not in (select payout_currency from int_fx_rates)",
        "where false",
        "a creator without a rate passes",
    ),
    Mutant(
        STAGING, "from {batch} where is_own_approval", "from {batch} where false", "own approval"
    ),
    Mutant(
        STAGING,
        "where period not in (select period from program_periods)",
        "where period in (select period from program_periods)",
        "a period of another program passes",
    ),
    Mutant(
        STAGING,
        "where last_observed_at >= window_end - interval 48 hour) * 100",
        "where last_observed_at > window_end - interval 48 hour) * 100",
        "seen just 48 hours before the end is not seen in time",
    ),
    Mutant(
        STAGING,
        "where last_observed_at >= window_end - interval 48 hour) * 100",
        "where last_observed_at >= window_end - interval 2 hour) * 100",
        "a snapshot must be of the last 2 hours",
    ),
    Mutant(STAGING, "< count(*) * 99\n", "<= count(*) * 99\n", "99 % itself is warned of"),
    Mutant(
        STAGING,
        "(select count(*) filter (where {_FALLEN}) * 100 > count(*) from {{batch}})",
        "(select count(*) filter (where {_FALLEN}) * 100 >= count(*) from {{batch}})",
        "1 % of posts that lose counts is warned of",
    ),
    Mutant(
        ELIGIBILITY,
        "eligible <> (reasons = '')",
        "eligible and reasons <> ''",
        "ineligible without a reason passes",
    ),
    Mutant(
        ELIGIBILITY,
        "(published_at >= period_starts_at and published_at < period_ends_at)",
        "(published_at > period_starts_at and published_at < period_ends_at)",
        "a post of the first instant needs no decision",
    ),
    Mutant(
        ELIGIBILITY,
        "(published_at >= period_starts_at and published_at < period_ends_at)",
        "(published_at >= period_starts_at and published_at <= period_ends_at)",
        "a post of the next period needs a decision",
    ),
    Mutant(
        ELIGIBILITY,
        "            or post_id in (select post_id from int_post_intervals where has_snapshot_in_period)\n",
        "",
        "a post that was seen needs no decision",
    ),
    Mutant(
        SCORING,
        "or cut.starts_at >= cut.ends_at",
        "or cut.starts_at > cut.ends_at",
        "an empty segment",
    ),
    Mutant(
        SCORING,
        "or cut.starts_at <> coalesce(cut.ended_at, windows.window_start)\n",
        "",
        "segments may leave a gap",
    ),
    Mutant(
        SCORING,
        "or (cut.place = cut.segments and cut.ends_at <> windows.window_end)\n",
        "",
        "segments may end before the window",
    ),
    Mutant(
        SCORING,
        "max_by(audience_value, segment_no)",
        "min_by(audience_value, segment_no)",
        "the audience value of the first segment",
    ),
    Mutant(
        SCORING,
        "        or summed.segments is distinct from cut.segments\n",
        "",
        "a segment of a post may be missing",
    ),
    Mutant(SCORING, "or twice_off_e10 > 1000000", "or twice_off_e10 > 2000000", "off by one unit"),
    Mutant(
        SCORING,
        "(twice_off_e10 = 1000000 and points_e4 % 2 <> 0)",
        "(twice_off_e10 = 1000000 and points_e4 % 2 = 0)",
        "a half goes to the odd neighbour",
    ),
    Mutant(SCORING, "where points < 0 or points is null", "where points < -1", "points below 0"),
    Mutant(
        SCORING,
        "or creators.eligible_posts is distinct from coalesce(summed.posts, 0)\n",
        "",
        "the number of posts may be wrong",
    ),
    Mutant(
        SCORING,
        "where eligible and post_id not in",
        "where not eligible and post_id not in",
        "an eligible post without score passes",
    ),
    Mutant(
        SCORING,
        "audience_value_e6 > ceiling_e6",
        "audience_value_e6 >= ceiling_e6",
        "the ceiling itself blocks",
    ),
    Mutant(
        LEDGER,
        "where program_amount_minor > cap_minor",
        "where program_amount_minor > cap_minor + 1",
        "one unit above the cap passes",
    ),
    Mutant(
        LEDGER,
        "where total_minor > budget_minor",
        "where total_minor >= budget_minor",
        "the budget itself blocks",
    ),
    Mutant(
        LEDGER,
        "group by txn_id, currency having sum(amount_minor) <> 0",
        "group by txn_id, currency having sum(amount_minor) > 0",
        "a transaction below 0 balances",
    ),
    Mutant(
        LEDGER,
        "<> opening_balance_minor + earnings_minor + adjustments_minor + returns_minor",
        "<> opening_balance_minor + earnings_minor + adjustments_minor",
        "returns are not payable",
    ),
    Mutant(
        LEDGER,
        "        or (status = 'paid') <> (payout_minor + withheld_minor <> 0)\n",
        "",
        "something is paid where the status says it is not",
    ),
    Mutant(
        LEDGER,
        "rounding_unit <> case when place <= units_left then 1 else 0 end",
        "rounding_unit > 1",
        "a unit goes to another post than largest remainder says",
    ),
    Mutant(
        LEDGER,
        "order by remainder desc, post_id",
        "order by remainder, post_id",
        "the smallest remainder gets the unit",
    ),
    Mutant(
        LEDGER,
        "and (total_minor * 5 < previous_minor or total_minor > previous_minor * 5)",
        "and (total_minor * 5 <= previous_minor or total_minor > previous_minor * 5)",
        "a fifth of the period before is warned of",
    ),
    Mutant(
        LEDGER,
        "and (total_minor * 5 < previous_minor or total_minor > previous_minor * 5)",
        "and (total_minor * 5 < previous_minor or total_minor >= previous_minor * 5)",
        "five times the period before is warned of",
    ),
    Mutant(
        LEDGER,
        "where difference_minor is distinct from computed_minor - posted_minor",
        "where difference_minor is distinct from posted_minor - computed_minor",
        "a difference has the other sign",
    ),
)
