"""§4 turned round: what must hold together so that a creator or a post that was left out would count.

Each condition is needed: by one unit less (a view, a microsecond, a day, a post) the row stays left out.
A post keeps the instant at which it was published, unless that lies outside the creator's window: then it
is moved to the nearest instant inside. `tests/proof/test_would_count.py` applies every change and decides
anew.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from orchestration.explain.judging import (
    OVER_POST_LIMIT,
    Judge,
    instant,
    published_at,
    reasons_of,
)
from orchestration.explain.rows import CreatorRows, Row
from orchestration.foundations.messages import msgid
from orchestration.terms.model import Eligibility, Program
from orchestration.terms.reasons import CREATOR_REASONS, POST_REASONS

Kind = Literal["number", "day", "moment", "names", "account types"]
Outcome = Literal["turns", "unknown", "nothing"]

OUTCOMES: Final[Mapping[Outcome, str]] = {
    "turns": msgid("It would count if all of this held:"),
    "unknown": msgid(
        "At least this would have to hold. What else it takes cannot be said, since without a window"
        " no views are counted:"
    ),
    "nothing": msgid("Nothing would have changed it: the terms that judge it let none count."),
}
_EXCLUSIONS: Final = {
    "branded_content": "BRANDED_CONTENT",
    "collab": "COLLAB",
    "watermark": "WATERMARK",
    "not_original": "NOT_ORIGINAL",
}
_OF_OTHERS: Final = {"CREATOR_INELIGIBLE", OVER_POST_LIMIT}
"""Reasons of a post that are not its own."""
_WITHOUT_WINDOW: Final = {"UNKNOWN_CREATOR", "NOT_ACTIVATED", "DEAL_OUTSIDE_PERIOD"}
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that must hold: a code of §4 or its edge, a text, and the values that are needed.

    `needed` has plain texts, as exported, of the kind that is named; none where the text says it all.
    """

    about: str
    message: str
    kind: Kind = "names"
    needed: Sequence[str] = ()

    @property
    def text(self) -> str:
        """The condition in English."""
        return self.message % {"needed": ", ".join(self.needed)} if self.needed else self.message


@dataclass(frozen=True, slots=True)
class WouldCount:
    """The conditions that it takes together: `turns`; at the least (`unknown`); or none, since `nothing` does."""

    outcome: Outcome
    conditions: Sequence[Condition] = ()

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "outcome": self.outcome,
            "conditions": [
                {"about": one.about, "text": one.text, "needed": list(one.needed)}
                for one in self.conditions
            ],
        }


NOTHING: Final = WouldCount("nothing")


class _NoSuchPost(Exception):
    """By the terms no post, or no creator, can count."""


def creator_change(program: Program, period: str, rows: CreatorRows) -> WouldCount | None:
    """The change that would make the creator eligible; null for one that is, or that has no deal."""
    if rows.eligibility is None or not (codes := reasons_of(rows.eligibility)):
        return None
    try:
        found = [_of_creator(code, program, period, rows.eligibility) for code in codes]
    except _NoSuchPost:
        return NOTHING
    return WouldCount("turns" if rows.eligibility.cells["window_start"] else "unknown", found)


def post_changes(program: Program, period: str, rows: CreatorRows) -> dict[str, WouldCount]:
    """The change that would make each post count that does not, by post_id."""
    if rows.eligibility is None:
        return {}
    judge = Judge(program, period, rows.eligibility)
    fine = sorted(_place(post) for post in rows.posts if not set(reasons_of(post)) - _OF_OTHERS)
    creator = creator_change(program, period, rows)
    return {
        str(post.key["post_id"]): NOTHING
        if creator == NOTHING
        else _Post(judge, post, codes, fine).change()
        for post in rows.posts
        if (codes := reasons_of(post))
    }


def _of_creator(code: str, program: Program, period_key: str, creator: Row) -> Condition:
    period = program.period(period_key)
    text = CREATOR_REASONS[code].turned
    if code in _WITHOUT_WINDOW:
        return Condition(code, text)
    if code == "POLICY_VIOLATION":
        return Condition(code, text, "day", [str(period.closes_on)])
    if code == "MARKET":
        return Condition(code, text, "names", [creator.text("market")])
    last_day = max(program.last_day(period), program.terms[0].effective_from)
    eligibility = program.version_in_force(last_day).eligibility
    if code == "ACCOUNT_TYPE":
        if not eligibility.account_types:
            raise _NoSuchPost
        return Condition(code, text, "account types", eligibility.account_types)
    assert eligibility.minimum_age is not None, "somebody is under it"
    if eligibility.minimum_age >= period.starts_on.year:
        raise _NoSuchPost  # there is no such birthday
    born = _years_before(period.starts_on, eligibility.minimum_age)
    return Condition(code, text, "day", [str(born)])


def _years_before(day: date, years: int) -> date:
    """The latest birthday of somebody who is so old on the day; §4: 29 February counts as 1 March."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February, in a year that has none
        return date(day.year - years, 2, 28)


@dataclass(frozen=True, slots=True)
class _Post:
    """A post that does not count; `fine` are the places of those of its creator with no reason of their own."""

    judge: Judge
    post: Row
    codes: Sequence[str]
    fine: Sequence[tuple[datetime, bytes]]

    def change(self) -> WouldCount:
        start, end = (self.judge.creator.cells[name] for name in ("window_start", "window_end"))
        try:
            if start is None or end is None:
                at = published_at(self.post)
                return WouldCount("unknown", [*self._creator(), *self._kind(at)])
            return WouldCount("turns", list(self._in_window(start, end)))
        except _NoSuchPost:
            return NOTHING

    def _in_window(self, start: str, end: str) -> Iterator[Condition]:
        at = published_at(self.post)
        yield from self._creator()
        if "OUTSIDE_WINDOW" in self.codes:
            is_early = at < instant(start)
            at = instant(start) if is_early else instant(end) - _MICROSECOND
            outside = POST_REASONS["OUTSIDE_WINDOW"]
            if is_early:
                yield Condition("PUBLISHED_FROM", outside.turned, "moment", [start])
            else:
                yield Condition("PUBLISHED_BEFORE", outside.turned_if_late, "moment", [end])
        yield from self._kind(at)
        if "REMOVED" in self.codes:
            yield _turned("REMOVED", "moment", [end])
        eligibility = self.judge.eligibility(at)
        yield from self._views(eligibility)
        yield from self._place(at, eligibility)

    def _creator(self) -> Iterator[Condition]:
        if "CREATOR_INELIGIBLE" in self.codes:
            yield _turned("CREATOR_INELIGIBLE")

    def _kind(self, at: datetime) -> Iterator[Condition]:
        """The outcome by the version that judges it, published then, for the post as it is.

        Whether the post is something that only that version excludes is not published: so it is named.
        """
        then, now = self.judge.eligibility(at), self.judge.eligibility(published_at(self.post))
        if not then.content_types:
            raise _NoSuchPost
        if self.post.text("content_type") not in then.content_types:
            yield _turned("CONTENT_TYPE", "names", then.content_types)
        for name, code in _EXCLUSIONS.items():
            if name in then.excludes and (code in self.codes or name not in now.excludes):
                yield _turned(code)
        if "POLICY_VIOLATION" in self.codes:
            closes_on = self.judge.program.period(self.judge.period).closes_on
            yield _turned("POLICY_VIOLATION", "day", [str(closes_on)])

    def _views(self, eligibility: Eligibility) -> Iterator[Condition]:
        if int(self.post.text("qualified_views")) < eligibility.minimum_views:
            yield _turned("BELOW_MINIMUM_VIEWS", "number", [str(eligibility.minimum_views)])

    def _place(self, at: datetime, eligibility: Eligibility) -> Iterator[Condition]:
        """The place that the post would have, not only the one that it has."""
        limit = eligibility.maximum_posts
        if limit == 0:
            raise _NoSuchPost
        place = (at, str(self.post.key["post_id"]).encode())
        if limit is not None and bisect_left(self.fine, place) >= limit:
            yield _turned(OVER_POST_LIMIT, "number", [str(limit - 1)])


def _turned(code: str, kind: Kind = "names", needed: Sequence[str] = ()) -> Condition:
    """The condition that must hold in the place of a reason of a post."""
    return Condition(code, POST_REASONS[code].turned, kind, needed)


def _place(post: Row) -> tuple[datetime, bytes]:
    return published_at(post), str(post.key["post_id"]).encode()
