"""The meaning, in words, of an optional column that a file lacks (contract §2, §3, §4, §7)."""

from typing import Final

from orchestration.terms.counts import COUNTS

ABSENT: Final = {
    ("creators", "birth_date"): "nobody is found to be too young",
    ("payees", "tax_form"): "every tax_form is `none`",
    ("deals", "activated_at"): "no deal is activated, so nobody will be eligible",
    ("deals", "cap"): "no deal has a cap of its own",
    ("posts", "removed_at"): "no post counts as removed",
    ("post_metrics", "ineligible_views"): "all views count as eligible",
    **{
        ("post_metrics", count): f"no {count} are reported, so none earn points"
        for count in COUNTS
        if count != "views"
    },
    ("post_metrics", "delivered_at"): "each snapshot counts as delivered at its observed_at",
    ("audience", "delivered_at"): "each row counts as delivered at 00:00 UTC of its observed_on",
    ("adjustments", "approved_by"): "no adjustment is approved, so all of them wait",
    ("payment_returns", "reason"): "no reason is kept",
}
