"""The counts of a post that earn points (§3, §5), in the order in which all tables have them.

dbt's models take the same list from `dbt_project/macros/counts.sql`; a test holds the two together, and
holds the weights of the program file against this one.
"""

from typing import Final, NamedTuple

from orchestration.foundations.messages import msgid


class Count(NamedTuple):
    """One count: what it is called, and where."""

    name: str
    """As a snapshot reports it and as a program file weighs it."""
    scored: str
    """As it is scored and published: the column of its increments."""
    letter: str
    """In an expression, as in the example of §11."""
    heading: str
    """Over a column of a page."""


QUALIFIED_VIEWS: Final = "qualified_views"
"""Views without ineligible ones: what is scored in the place of views (§3)."""

ALL_COUNTS: Final = (
    Count("views", QUALIFIED_VIEWS, "v", msgid("Qualified views")),
    Count("likes", "likes", "l", msgid("Likes")),
    Count("comments", "comments", "c", msgid("Comments")),
    Count("shares", "shares", "s", msgid("Shares")),
)

COUNTS: Final = tuple(count.name for count in ALL_COUNTS)
INCREMENTS: Final = tuple(count.scored for count in ALL_COUNTS)
