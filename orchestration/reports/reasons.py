"""The codes of §4 and §7 in words for a page. The codes are the contract's."""

from __future__ import annotations

from typing import Final

CREATOR_REASONS: Final = {
    "UNKNOWN_CREATOR": "There is no creators row for it.",
    "NOT_ACTIVATED": "None of its deals was activated.",
    "DEAL_OUTSIDE_PERIOD": "No activated deal takes part in the period.",
    "ACCOUNT_TYPE": "Its account type is not one of the terms'.",
    "MARKET": "Its market is not one of the terms'.",
    "UNDER_AGE": "Younger than the minimum age when the period started.",
    "POLICY_VIOLATION": "The creator is in violation of a policy.",
}

POST_REASONS: Final = {
    "CREATOR_INELIGIBLE": "Its creator is not eligible.",
    "CONTENT_TYPE": "Its content type is not one of the terms'.",
    "BRANDED_CONTENT": "Branded content is excluded.",
    "COLLAB": "Collaborations are excluded.",
    "WATERMARK": "Posts with a watermark are excluded.",
    "NOT_ORIGINAL": "Posts that are not original are excluded.",
    "POLICY_VIOLATION": "The post is in violation of a policy.",
    "OUTSIDE_WINDOW": "Published outside the creator's window.",
    "REMOVED": "Removed before the window ended.",
    "BELOW_MINIMUM_VIEWS": "Fewer qualified views than the minimum.",
    "OVER_POST_LIMIT": "Beyond the greatest number of posts that count.",
}

STATUS_REASONS: Final = {
    "CURRENCY_CHANGED": "currency changed",
    "NEGATIVE_BALANCE": "negative balance",
    "PAYEE_INCOMPLETE": "payee incomplete",
    "PAYEE_BLOCKED": "payee blocked",
    "BELOW_MINIMUM": "below minimum",
}
