"""A few creators made up for a new program: one is paid in each market, one is carried, one earns nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from orchestration.new_program.answers import Answers

Rows = Sequence[Mapping[str, object]]

PAID_VIEWS, SMALL_VIEWS = 60_000, 1_200
"""Views of who is paid: 60.00 with the rate of 1 per 1000 points, most of a market's pool with a pool;
and of who is carried: 1.20, or 19.61 of a pool of 1000, both below the minimum of 25."""


def example_rows(answers: Answers) -> dict[str, Rows]:
    """Rows by dataset, for the first period; values as they stand in CSV."""
    home = next(iter(answers.markets))
    paid = [f"paid-{market}" for market in answers.markets]
    creators = {**dict(zip(paid, answers.markets, strict=True)), "small": home, "waiting": home}
    before = f"{answers.first - timedelta(days=20)}T09:00:00Z"
    after = f"{answers.first + timedelta(days=3650)}T00:00:00Z"
    published = f"{answers.first + timedelta(days=7)}T12:00:00Z"
    observed = f"{answers.months()[0][1] - timedelta(days=1)}T12:00:00Z"
    views = {name: SMALL_VIEWS if name == "small" else PAID_VIEWS for name in creators}
    return {
        "creators": [
            {
                "creator_id": name, "account_type": "creator", "market": market,
                "birth_date": "1990-01-01", "updated_at": before,
            }
            for name, market in creators.items()
        ],
        "payees": [
            {
                "creator_id": name, "payout_currency": answers.currency, "tax_residence": market,
                "status": "ready", "updated_at": before,
            }
            for name, market in creators.items()
        ],
        "deals": [
            {
                "deal_id": f"deal-{name}", "program": answers.program, "creator_id": name,
                "invited_at": before, "activated_at": "" if name == "waiting" else before,
                "ends_at": after, "updated_at": before,
            }
            for name in creators
        ],
        "posts": [
            {
                "post_id": f"post-{name}", "creator_id": name, "content_type": "reel",
                "published_at": published, "is_branded_content": "false", "is_collab": "false",
                "has_watermark": "false", "is_original": "true", "updated_at": published,
            }
            for name in creators
        ],
        "post_metrics": [
            {"post_id": f"post-{name}", "observed_at": observed, "views": views[name]}
            for name in creators
        ],
    }  # fmt: skip
