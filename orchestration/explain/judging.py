"""§4: by which terms version a post is judged, from the published rows of its creator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from orchestration.explain.rows import Row
from orchestration.explain.steps import path_text
from orchestration.terms.calendar import day_starts_at
from orchestration.terms.model import Eligibility, Program

OVER_POST_LIMIT = "OVER_POST_LIMIT"


@dataclass(frozen=True, slots=True)
class Judge:
    """The program and the creator's row of creator_eligibility, by which its posts are judged."""

    program: Program
    period: str
    creator: Row

    def version_no(self, published_at: datetime) -> int:
        """§4: the version in force on min(max(own day, first day), last day), as its place in `terms`.

        A local day is on or after effective_from just when its first instant is.
        """
        period = self.program.period(self.period)
        market = self.program.markets.get(self.creator.cells["market"] or "")
        zone = market.timezone if market else "UTC"
        start = self.creator.cells["window_start"]
        first = instant(start) if start else day_starts_at(period.starts_on, zone)
        judged_at = max(published_at, first)
        last_day = self.program.last_day(period)
        in_force = [
            no
            for no, terms in enumerate(self.program.terms)
            if terms.effective_from <= last_day
            and day_starts_at(terms.effective_from, zone) <= judged_at
        ]
        return max(in_force, default=0)

    def eligibility(self, published_at: datetime) -> Eligibility:
        """The conditions of the version that judges a post published then."""
        return self.program.terms[self.version_no(published_at)].eligibility

    def limit(self, post: Row, key: str) -> tuple[str | None, str | None]:
        """A limit of the version that judges a post: its value, and its path where the file gives it."""
        version_no = self.version_no(published_at(post))
        eligibility = self.program.terms[version_no].eligibility
        value = getattr(eligibility, key)
        is_given = key in eligibility.model_fields_set
        path = path_text("terms", version_no, "eligibility", key) if is_given else None
        return None if value is None else str(value), path


def reasons_of(row: Row) -> list[str]:
    """The codes of a row of creator_eligibility or post_eligibility."""
    reasons = row.cells["reasons"]
    return reasons.split("|") if reasons else []


def published_at(post: Row) -> datetime:
    """When a post was published, naive UTC."""
    return instant(post.text("published_at"))


def instant(text: str) -> datetime:
    """An exported instant, naive UTC, as the calendar has them."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
