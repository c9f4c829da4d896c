"""The reasons of §4 and §7: a row for each code, with all that is told of it.

The codes are the contract's. When one holds is the rule's to say: in `creator_eligibility.sql` and
`post_eligibility.sql` for §4, in `ledger/settlement.py` for §7. Tests hold the codes of all three, and of
`docs/contract/`, against these rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestration.foundations.messages import msgid


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a creator or a post does not count (§4)."""

    code: str
    text: str
    """The reason in words."""
    turned: str
    """What would have to hold instead; `%(needed)s` stands for what is needed."""
    found: str = ""
    """The published column that was compared, where it is one."""
    limit: str = ""
    """The key of the terms' `eligibility` that it was compared with, where it is one."""
    turned_if_late: str = ""
    """`turned` for what came too late, where `turned` is for what came too early."""


@dataclass(frozen=True, slots=True)
class StatusReason:
    """Why an amount is held or carried (§7)."""

    code: str
    text: str
    """The reason in words."""
    advice: str
    """What a payee can do about it."""


_OF_CREATORS: Final = (
    Reason(
        "UNKNOWN_CREATOR",
        msgid("No data about the account was delivered."),
        msgid("Data about the account was delivered."),
    ),
    Reason("NOT_ACTIVATED", msgid("No deal was activated."), msgid("A deal was activated.")),
    Reason(
        "DEAL_OUTSIDE_PERIOD",
        msgid("No activated deal takes part in the period."),
        msgid("A deal that was activated takes part in the period."),
    ),
    Reason(
        "ACCOUNT_TYPE",
        msgid("The account type is not one of the terms'."),
        msgid("The type of the account is one of: %(needed)s."),
    ),
    Reason(
        "MARKET",
        msgid("The market is not one of the terms'."),
        msgid("The terms name the market %(needed)s."),
    ),
    Reason(
        "UNDER_AGE",
        msgid("Younger than the minimum age when the period started."),
        msgid("The creator was born on %(needed)s or before."),
    ),
    Reason(
        "POLICY_VIOLATION",
        msgid("The creator is in violation of a policy."),
        msgid("No violation of a policy by the account is open when %(needed)s begins (UTC)."),
    ),
)

_OF_POSTS: Final = (
    Reason(
        "CREATOR_INELIGIBLE",
        msgid("The creator is not eligible."),
        msgid("The creator is eligible."),
    ),
    Reason(
        "CONTENT_TYPE",
        msgid("The content type is not one of the terms'."),
        msgid("The content type is one of: %(needed)s."),
    ),
    Reason(
        "BRANDED_CONTENT",
        msgid("Branded content is excluded."),
        msgid("The post is no branded content."),
    ),
    Reason("COLLAB", msgid("Collaborations are excluded."), msgid("The post is no collaboration.")),
    Reason(
        "WATERMARK",
        msgid("Posts with a watermark are excluded."),
        msgid("The post has no watermark."),
    ),
    Reason(
        "NOT_ORIGINAL",
        msgid("Posts that are not original are excluded."),
        msgid("The post is original."),
    ),
    Reason(
        "POLICY_VIOLATION",
        msgid("The post is in violation of a policy."),
        msgid("No violation of a policy by the post is open when %(needed)s begins (UTC)."),
    ),
    Reason(
        "OUTSIDE_WINDOW",
        msgid("Published outside the creator's window."),
        msgid("It was published at %(needed)s or later."),
        found="published_at",
        turned_if_late=msgid("It was published before %(needed)s."),
    ),
    Reason(
        "REMOVED",
        msgid("Removed before the window ended."),
        msgid("It was not removed before %(needed)s."),
    ),
    Reason(
        "BELOW_MINIMUM_VIEWS",
        msgid("Fewer qualified views than the minimum."),
        msgid("It has at least %(needed)s qualified views."),
        found="qualified_views",
        limit="minimum_views",
    ),
    Reason(
        "OVER_POST_LIMIT",
        msgid("Beyond the greatest number of posts that count."),
        msgid(
            "Of the creator's posts that have no other reason, at most %(needed)s come before it."
        ),
        limit="maximum_posts",
    ),
)

_OF_STATUSES: Final = (
    StatusReason(
        "CURRENCY_CHANGED",
        msgid("currency changed"),
        msgid(
            "This amount is in a currency that is not your payout currency any more. It is kept for you;"
            " ask the program's support how it can be paid."
        ),
    ),
    StatusReason(
        "NEGATIVE_BALANCE",
        msgid("negative balance"),
        msgid(
            "More was taken back than was earned. What you earn in later periods is set off against it"
            " first; you need not pay anything."
        ),
    ),
    StatusReason(
        "PAYEE_INCOMPLETE",
        msgid("payee incomplete"),
        msgid(
            "Your payment details are not complete. Complete them: the amount is kept for you and is"
            " paid with a later period."
        ),
    ),
    StatusReason(
        "PAYEE_BLOCKED",
        msgid("payee blocked"),
        msgid(
            "Payments to you are blocked. The amount is kept for you; ask the program's support what is"
            " missing."
        ),
    ),
    StatusReason(
        "BELOW_MINIMUM",
        msgid("below minimum"),
        msgid(
            "The amount is below the minimum payout. It is kept for you and is paid as soon as it"
            " reaches the minimum together with later periods; you need not do anything."
        ),
    ),
)

CREATOR_REASONS: Final[Mapping[str, Reason]] = {reason.code: reason for reason in _OF_CREATORS}
POST_REASONS: Final[Mapping[str, Reason]] = {reason.code: reason for reason in _OF_POSTS}
STATUS_REASONS: Final[Mapping[str, StatusReason]] = {reason.code: reason for reason in _OF_STATUSES}
