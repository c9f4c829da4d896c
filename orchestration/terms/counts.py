"""The counts of a post that earn points (§3, §5), in the order in which all tables have them.

dbt's models take the same list from `dbt_project/macros/counts.sql`; a test holds the two together, and
holds the weights of the program file against this one.
"""

from typing import Final

COUNTS: Final = ("views", "likes", "comments", "shares")
"""As a snapshot reports them and as a program file weighs them."""

QUALIFIED_VIEWS: Final = "qualified_views"
"""Views without ineligible ones: what is scored in the place of views (§3)."""

INCREMENTS: Final = tuple(QUALIFIED_VIEWS if count == "views" else count for count in COUNTS)
"""As they are scored and published."""

SCORED: Final = dict(zip(COUNTS, INCREMENTS, strict=True))
"""By the name of the weight, the column of increments that it weighs."""
