"""§4: why a creator and its posts were left out: the reason, what was found, and what was needed."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.explain.judging import (
    OVER_POST_LIMIT,
    Judge,
    instant,
    published_at,
    reasons_of,
)
from orchestration.explain.rows import CreatorRows, Row
from orchestration.terms.model import Program
from orchestration.terms.reasons import CREATOR_REASONS, POST_REASONS


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
    codes = reasons_of(rows.eligibility) if rows.eligibility else []
    return [CreatorReason(code, CREATOR_REASONS[code].text) for code in codes]


def posts_not_eligible(program: Program, period: str, rows: CreatorRows) -> list[NotEligible]:
    """Every post that is not eligible, once a reason; in the order of published_at, then post_id."""
    if rows.eligibility is None:
        return []
    judge = Judge(program, period, rows.eligibility)
    posts = sorted(
        rows.posts, key=lambda row: (published_at(row), str(row.key["post_id"]).encode())
    )
    found, place = [], 0
    for post in posts:
        codes = reasons_of(post)
        place += codes in ([], [OVER_POST_LIMIT])
        found += [_told(judge, post, code, place) for code in codes]
    return found


def _told(judge: Judge, post: Row, code: str, place: int) -> NotEligible:
    reason = POST_REASONS[code]
    found = str(place) if code == OVER_POST_LIMIT else post.cells.get(reason.found)
    needed: str | None = None
    path: str | None = None
    if reason.limit:
        needed, path = judge.limit(post, reason.limit)
    elif code == "OUTSIDE_WINDOW":
        start = judge.creator.text("window_start")
        is_early = published_at(post) < instant(start)
        needed = start if is_early else judge.creator.text("window_end")
    return NotEligible(str(post.key["post_id"]), code, reason.text, found, needed, path)
