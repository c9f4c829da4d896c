"""Lists of the contract that several tests ask for; written from its words."""

# §3, §5
COUNTS = ("views", "likes", "comments", "shares")
SCORED_COUNTS = ("qualified_views", *COUNTS[1:])

# §4
CREATOR_REASONS = {
    "UNKNOWN_CREATOR",
    "NOT_ACTIVATED",
    "DEAL_OUTSIDE_PERIOD",
    "ACCOUNT_TYPE",
    "MARKET",
    "UNDER_AGE",
    "POLICY_VIOLATION",
}
POST_REASONS = {
    "CREATOR_INELIGIBLE",
    "CONTENT_TYPE",
    "BRANDED_CONTENT",
    "COLLAB",
    "WATERMARK",
    "NOT_ORIGINAL",
    "POLICY_VIOLATION",
    "OUTSIDE_WINDOW",
    "REMOVED",
    "BELOW_MINIMUM_VIEWS",
    "OVER_POST_LIMIT",
}
