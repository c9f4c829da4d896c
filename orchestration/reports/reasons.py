"""The codes of §4 and §7 in words for a page. The codes are the contract's."""

from __future__ import annotations

from typing import Final

from orchestration.foundations.messages import msgid

CREATOR_REASONS: Final = {
    "UNKNOWN_CREATOR": msgid("No data about the account was delivered."),
    "NOT_ACTIVATED": msgid("No deal was activated."),
    "DEAL_OUTSIDE_PERIOD": msgid("No activated deal takes part in the period."),
    "ACCOUNT_TYPE": msgid("The account type is not one of the terms'."),
    "MARKET": msgid("The market is not one of the terms'."),
    "UNDER_AGE": msgid("Younger than the minimum age when the period started."),
    "POLICY_VIOLATION": msgid("The creator is in violation of a policy."),
}

POST_REASONS: Final = {
    "CREATOR_INELIGIBLE": msgid("The creator is not eligible."),
    "CONTENT_TYPE": msgid("The content type is not one of the terms'."),
    "BRANDED_CONTENT": msgid("Branded content is excluded."),
    "COLLAB": msgid("Collaborations are excluded."),
    "WATERMARK": msgid("Posts with a watermark are excluded."),
    "NOT_ORIGINAL": msgid("Posts that are not original are excluded."),
    "POLICY_VIOLATION": msgid("The post is in violation of a policy."),
    "OUTSIDE_WINDOW": msgid("Published outside the creator's window."),
    "REMOVED": msgid("Removed before the window ended."),
    "BELOW_MINIMUM_VIEWS": msgid("Fewer qualified views than the minimum."),
    "OVER_POST_LIMIT": msgid("Beyond the greatest number of posts that count."),
}

STATUS_REASONS: Final = {
    "CURRENCY_CHANGED": msgid("currency changed"),
    "NEGATIVE_BALANCE": msgid("negative balance"),
    "PAYEE_INCOMPLETE": msgid("payee incomplete"),
    "PAYEE_BLOCKED": msgid("payee blocked"),
    "BELOW_MINIMUM": msgid("below minimum"),
}
