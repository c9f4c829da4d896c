"""§4: why a creator and its posts were left out: the reason, what was found, and what was needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from orchestration.explain.rows import CreatorRows, Row
from orchestration.explain.steps import path_text
from orchestration.reports.reasons import CREATOR_REASONS, POST_REASONS
from orchestration.terms.calendar import day_starts_at
from orchestration.terms.model import Program

_OVER_POST_LIMIT = "OVER_POST_LIMIT"


@dataclass(frozen=True, slots=True)
class NotEligible:
    """A post and one of its reasons; found, needed and the path of what was needed are null where none is."""

    post_id: str
    reason: str
    text: str
    found: str | None = None
    needed: str | None = None
    program: str | None = None


@dataclass(frozen=True, slots=True)
class CreatorReason:
    """One of the creator's own reasons."""

    reason: str
    text: str


def creator_reasons(rows: CreatorRows) -> list[CreatorReason]:
    """The reasons of the creator; none of one that has no row in creator_eligibility."""
    codes = _reasons(rows.eligibility) if rows.eligibility else []
    return [CreatorReason(code, CREATOR_REASONS[code]) for code in codes]


def posts_not_eligible(program: Program, period: str, rows: CreatorRows) -> list[NotEligible]:
    """Every post that is not eligible, once a reason; in the order of published_at, then post_id."""
    if rows.eligibility is None:
        return []
    judge = _Judge(program, period, rows.eligibility)
    posts = sorted(
        rows.posts, key=lambda row: (_published_at(row), str(row.key["post_id"]).encode())
    )
    found, place = [], 0
    for post in posts:
        codes = _reasons(post)
        place += codes in ([], [_OVER_POST_LIMIT])
        found += [_told(judge, post, code, place) for code in codes]
    return found


@dataclass(frozen=True, slots=True)
class _Judge:
    """The program and the creator's window, by which a post is judged."""

    program: Program
    period: str
    creator: Row

    def version_no(self, post: Row) -> int:
        """§4: the version in force on min(max(own day, first day), last day), as its place in `terms`.

        A local day is on or after effective_from just when its first instant is.
        """
        period = self.program.period(self.period)
        market = self.program.markets.get(self.creator.cells["market"] or "")
        zone = market.timezone if market else "UTC"
        start = self.creator.cells["window_start"]
        first = _instant(start) if start else day_starts_at(period.starts_on, zone)
        judged_at = max(_published_at(post), first)
        last_day = self.program.last_day(period)
        in_force = [
            no
            for no, terms in enumerate(self.program.terms)
            if terms.effective_from <= last_day
            and day_starts_at(terms.effective_from, zone) <= judged_at
        ]
        return max(in_force, default=0)

    def limit(self, post: Row, key: str) -> tuple[str | None, str | None]:
        """A limit of the version that judges a post: its value, and its path where the file gives it."""
        version_no = self.version_no(post)
        eligibility = self.program.terms[version_no].eligibility
        value = getattr(eligibility, key)
        is_given = key in eligibility.model_fields_set
        path = path_text("terms", version_no, "eligibility", key) if is_given else None
        return None if value is None else str(value), path


def _told(judge: _Judge, post: Row, code: str, place: int) -> NotEligible:
    found: str | None = None
    needed: str | None = None
    path: str | None = None
    if code == "BELOW_MINIMUM_VIEWS":
        found = post.cells["qualified_views"]
        needed, path = judge.limit(post, "minimum_views")
    elif code == _OVER_POST_LIMIT:
        found = str(place)
        needed, path = judge.limit(post, "maximum_posts")
    elif code == "OUTSIDE_WINDOW":
        found = post.text("published_at")
        start = judge.creator.text("window_start")
        is_early = _published_at(post) < _instant(start)
        needed = start if is_early else judge.creator.text("window_end")
    return NotEligible(str(post.key["post_id"]), code, POST_REASONS[code], found, needed, path)


def _reasons(row: Row) -> list[str]:
    reasons = row.cells["reasons"]
    return reasons.split("|") if reasons else []


def _published_at(post: Row) -> datetime:
    return _instant(post.text("published_at"))


def _instant(text: str) -> datetime:
    """An exported instant, naive UTC, as the calendar has them."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
