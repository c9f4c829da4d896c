"""Applies what `bonus explain` says would have changed it, and decides anew by the reference.

A post counts once all its conditions hold, and does not while one of them lacks a unit: a view, a
microsecond, a day, a post. One more point pays what is said, before amounts are rounded. A post that
counts and earns nothing earns something with what is said to be missing, and nothing with a view less.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

from tests.explained import Explained, evaluate
from tests.reference.earnings import earn
from tests.reference.eligibility import decide
from tests.reference.landing import COUNTS
from tests.reference.program import Period, Program, Terms
from tests.reference.scoring import points as points_of
from tests.reference.scoring import rate_audiences, score

Landing = dict[str, list[dict[str, Any]]]
Condition = Mapping[str, Any]
MICROSECOND = timedelta(microseconds=1)
FLAGS = {
    "BRANDED_CONTENT": ("is_branded_content", False),
    "COLLAB": ("is_collab", False),
    "WATERMARK": ("has_watermark", False),
    "NOT_ORIGINAL": ("is_original", True),
}
MANY = 1000
"""Points that are added beside one, so that what they pay is more than a rounding."""
GREATEST = 10**15
"""§2: the greatest count."""


@dataclass(frozen=True)
class Case:
    """One creator's landing rows, and what is decided of it."""

    program: Program
    period: Period
    creator_id: str
    landing: Landing

    def decided(self) -> tuple[dict, dict]:
        return decide(self.program, self.period, self.landing)

    def with_rows(self, dataset: str, key: str, name: str, **values: Any) -> Case:
        """The same with values in all rows of a key."""
        rows = [row | values if row[key] == name else row for row in self.landing[dataset]]
        return replace(self, landing=self.landing | {dataset: rows})

    def with_last(self, dataset: str, rows: list) -> Case:
        return replace(self, landing=self.landing | {dataset: [*self.landing[dataset], *rows]})

    def without(self, dataset: str, key: str, names: set[str]) -> Case:
        rows = [row for row in self.landing[dataset] if row[key] not in names]
        return replace(self, landing=self.landing | {dataset: rows})


def of_creator(program: Program, period: Period, creator_id: str, landing: Landing) -> Case:
    """The rows that decide about one creator; a post or a deal may have been somebody else's."""
    posts = {row["post_id"] for row in landing["posts"] if row["creator_id"] == creator_id}
    deals = {row["deal_id"] for row in landing["deals"] if row["creator_id"] == creator_id}
    subjects = {("creator", creator_id), *(("post", post) for post in posts)}
    rows = {
        "creators": [row for row in landing["creators"] if row["creator_id"] == creator_id],
        "deals": [row for row in landing["deals"] if row["deal_id"] in deals],
        "posts": [row for row in landing["posts"] if row["post_id"] in posts],
        "post_metrics": [row for row in landing["post_metrics"] if row["post_id"] in posts],
        "policy_events": [
            row
            for row in landing["policy_events"]
            if (row["subject_type"], row["subject_id"]) in subjects
        ],
    }
    return Case(program, period, creator_id, rows)


def wrong_changes(explained: Explained, case: Case, reached: Counter[str]) -> Iterator[str]:
    """Every condition that does not turn what it says, and every one that is not needed."""
    creators, posts = case.decided()
    told = explained["would_count"]
    creator = creators.get(case.creator_id)
    left_out = {
        post_id
        for post_id, post in posts.items()
        if post["reasons"] and post["creator_id"] == case.creator_id
    }
    if told["posts"].keys() != left_out:
        yield f"would_count has {sorted(told['posts'])}, left out are {sorted(left_out)}"
        return
    if (told["creator"] is None) != (creator is None or creator["eligible"]):
        yield f"would_count.creator is {told['creator']}"
    if told["creator"] is not None:
        yield from _wrong(told["creator"], None, case, told, creator, reached)
    for post_id, change in told["posts"].items():
        yield from _wrong(change, post_id, case, told, creator, reached)


def _wrong(
    change: Mapping[str, Any],
    post_id: str | None,
    case: Case,
    told: Mapping[str, Any],
    creator: Mapping[str, Any],
    reached: Counter[str],
) -> Iterator[str]:
    subject, outcome, conditions = post_id or "the creator", change["outcome"], change["conditions"]
    reached.update([outcome, *(one["about"] for one in conditions)])
    if (outcome == "nothing") != (not conditions):
        yield f"{subject}: {change}"
    if outcome == "nothing":
        if not any(
            terms.maximum_posts == 0 or not terms.content_types or not terms.account_types
            for terms in case.program.terms
        ):
            yield f"{subject}: nothing would have changed it, but the terms let some count"
        return
    if (outcome == "unknown") != (creator["deal_id"] is None):
        yield f"{subject}: {outcome}, window of {creator['deal_id']}"
    if outcome == "unknown":
        return
    if not _counts(case, post_id, conditions, None, told):
        yield f"{subject}: does not count by {conditions}"
    for lacking in conditions:
        if _counts(case, post_id, conditions, lacking, told):
            yield f"{subject}: counts without {lacking} of {conditions}"


def _counts(
    case: Case,
    post_id: str | None,
    conditions: list[Condition],
    lacking: Condition | None,
    told: Mapping[str, Any],
) -> bool:
    """Whether it counts once all conditions are applied, of `lacking` one unit less."""
    for condition in sorted(conditions, key=lambda one: one["about"] == "OVER_POST_LIMIT"):
        case = _applied(case, post_id, condition, condition is lacking, told)
    creators, posts = case.decided()
    eligible: bool = (creators[case.creator_id] if post_id is None else posts[post_id])["eligible"]
    return eligible


def _applied(
    case: Case, post_id: str | None, condition: Condition, is_less: bool, told: Mapping[str, Any]
) -> Case:
    about, needed = condition["about"], condition["needed"]
    creator = case.creator_id
    if about == "CREATOR_INELIGIBLE":
        for own in [] if is_less else told["creator"]["conditions"]:
            case = _applied(case, None, own, False, told)
        return case
    if about == "ACCOUNT_TYPE":
        value = "none of them" if is_less else needed[-1]
        return case.with_rows("creators", "creator_id", creator, account_type=value)
    if about == "MARKET":
        return case if is_less else replace(case, program=_naming(case, needed[0]))
    if about == "UNDER_AGE":
        born = date.fromisoformat(needed[0]) + timedelta(days=is_less)
        return case.with_rows("creators", "creator_id", creator, birth_date=born)
    if about == "POLICY_VIOLATION":
        return _cleared(
            case, "creator" if post_id is None else "post", post_id or creator, needed[0], is_less
        )
    assert post_id is not None
    change = {"post_id": post_id}
    if about == "CONTENT_TYPE":
        change["content_type"] = "none of them" if is_less else needed[-1]
    elif about in FLAGS:
        name, wanted = FLAGS[about]
        change[name] = wanted != is_less
    elif about in ("PUBLISHED_FROM", "PUBLISHED_BEFORE"):
        edge = _instant(needed[0]) - MICROSECOND
        change["published_at"] = edge + MICROSECOND * ((about == "PUBLISHED_FROM") != is_less)
    elif about == "REMOVED":
        change["removed_at"] = _instant(needed[0]) - MICROSECOND * is_less
    elif about == "BELOW_MINIMUM_VIEWS":
        return _seen(case, post_id, int(needed[0]) - is_less)
    else:
        assert about == "OVER_POST_LIMIT", about
        return _preceded(case, post_id, int(needed[0]) + is_less)
    return case.with_rows("posts", "post_id", post_id, **change)


def _naming(case: Case, market: str) -> Program:
    """The program, whose terms of the last day name the market."""
    judging = case.program.terms_on(case.program.last_day(case.period))
    terms = [
        replace(one, markets=[*one.markets, market]) if one is judging else one
        for one in case.program.terms
    ]
    return replace(case.program, terms=terms)


def _cleared(case: Case, kind: str, subject: str, day: str, is_late: bool) -> Case:
    at = datetime.combine(date.fromisoformat(day), time(), UTC) + MICROSECOND * is_late
    policies = {
        row["policy"]
        for row in case.landing["policy_events"]
        if (row["subject_type"], row["subject_id"]) == (kind, subject)
    }
    event = {"subject_type": kind, "subject_id": subject, "status": "cleared", "effective_at": at}
    last = "\U0010ffff"  # the greatest id: of two events at one instant it is the last
    return case.with_last(
        "policy_events", [event | {"policy": name, "event_id": last + name} for name in policies]
    )


def _seen(case: Case, post_id: str, views: int) -> Case:
    """So many qualified views over the whole window, by a snapshot at each of its ends."""
    creator = case.decided()[0][case.creator_id]
    counts = {"ineligible_views": 0, "likes": None, "comments": None, "shares": None}
    before = max(-views, 0)
    return case.without("post_metrics", "post_id", {post_id}).with_last(
        "post_metrics",
        [
            {"post_id": post_id, "observed_at": at, "delivered_at": at, "views": count, **counts}
            for at, count in (
                (creator["window_start"], before),
                (creator["window_end"], before + views),
            )
        ],
    )


def _preceded(case: Case, post_id: str, posts: int) -> Case:
    """So many posts without another reason before it: the others are taken out of the data."""
    decided = case.decided()[1]
    own = decided[post_id]
    before = sorted(
        (post["published_at"], post["post_id"])
        for post in decided.values()
        if not set(post["reasons"]) - {"OVER_POST_LIMIT"}
        and (post["published_at"], post["post_id"]) < (own["published_at"], post_id)
    )
    return case.without("posts", "post_id", {name for _, name in before[posts:]})


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


class Paying:
    """What the creators of a period earn, and would earn with more points, by the reference."""

    def __init__(self, program: Program, period: Period, landing: Landing) -> None:
        self.program, self.period = program, period
        self.creators, posts = decide(program, period, landing)
        self.segments = rate_audiences(period, landing, self.creators)
        self.scores, self.posts = score(self.creators, self.segments, posts)
        self.now = self._earned(self.scores)

    def _earned(self, scores: dict) -> dict:
        return earn(self.program, self.period, self.creators, scores, self.posts)[0]

    def wrong(self, explained: Explained, reached: Counter[str]) -> Iterator[str]:
        """What is said of one more point, and of many by the same expression, and is not paid."""
        creator_id, told = explained["creator_id"], explained["one_more_point"]
        if (told is None) != (creator_id not in self.scores):
            yield f"one_more_point is {told}"
        if told is None:
            return
        inputs = {name: Fraction(one["value"]) for name, one in told["inputs"].items()}
        if evaluate(told["expression"], inputs) != Fraction(told["value"]):
            yield f"{told['expression']} is not {told['value']}"
        reached.update([told["text"]])
        for more in (1, MANY):
            yield from self._wrong(creator_id, told, inputs, more, reached)

    def _wrong(
        self,
        creator_id: str,
        told: Mapping[str, Any],
        inputs: dict[str, Fraction],
        more: int,
        reached: Counter[str],
    ) -> Iterator[str]:
        score = self.scores[creator_id]
        then = self._earned(self.scores | {creator_id: score | {"points": score["points"] + more}})
        others = [
            [row["capped"] for name, row in rows.items() if name != creator_id]
            for rows in (self.now, then)
        ]
        is_cut = [
            self.period.budget_minor is not None
            and sum(row["rounded_minor"] for row in rows.values()) > self.period.budget_minor
            for rows in (self.now, then)
        ]
        if others[0] != others[1] or (more > 1 and is_cut[0] != is_cut[1]):
            return  # of this nothing is said
        if more > 1 and not inputs and "cap" not in told["text"]:
            return  # nor of where a bracket ends that pays nothing
        exact = re.sub(r"\b(p|shared) \+ 1\b", rf"\1 + {more}", told["expression"])
        exact = re.sub(r"^half_even\((.*), 10\)$", r"\1", exact)
        gain = evaluate(exact, inputs)
        paid = (
            then[creator_id]["program_amount_minor"] - self.now[creator_id]["program_amount_minor"]
        )
        # What is paid is rounded before and after, by less than a unit; before a budget once more.
        most = 1 + is_cut[0] + is_cut[1]
        if abs(gain - paid) > most:
            yield f"{more} more points pay {paid}, not {float(gain)} by {exact}"
        reached.update([f"{more} pay {'much' if abs(gain) > most else 'little'}"])

    def wrong_zeros(self, explained: Explained, reached: Counter[str]) -> Iterator[str]:
        """What is said of posts that count and earn nothing, and is not so."""
        creator_id = explained["creator_id"]
        earned = self._posts_earned()
        nothing = sorted(
            post_id
            for post_id, post in self.posts.items()
            if post["creator_id"] == creator_id and not earned[post_id]
        )
        told = [post["post_id"] for post in explained["earns_nothing"]]
        if told != nothing:
            yield f"told that {told} earn nothing, {nothing} do"
            return
        for post in explained["earns_nothing"]:
            would = post["would_earn"]
            reached.update([post["reason"], f"earns: {would['outcome']}"])
            if Fraction(post["found"]) != self.posts[post["post_id"]]["points"]:
                yield f"{post} has other points"
            if not self._is_reason(post["post_id"], post["reason"]):
                yield f"{post['post_id']}: {post['reason']} is not why it earns nothing"
            yield from self._wrong_gain(creator_id, post)

    def _wrong_gain(self, creator_id: str, post: Mapping[str, Any]) -> Iterator[str]:
        post_id, outcome = post["post_id"], post["would_earn"]["outcome"]
        conditions = post["would_earn"]["conditions"]
        if (len(conditions) == 1) != (outcome in ("turns", "shared")):
            yield f"{post}: conditions"
        elif outcome == "unknown":
            if not (self._terms.is_pool or self.period.budget_minor is not None):
                yield f"{post}: no other creator decides"
        elif outcome == "nothing":
            for number in range(1, len(self.segments[creator_id]) + 1):
                for column in COUNTS.values():
                    if self._gained(post_id, number, column, GREATEST)[post_id]:
                        yield f"{post}: earns with more {column} in segment {number}"
        else:
            (condition,) = conditions
            where = (post_id, condition["segment_no"], condition["about"])
            least = int(condition["needed"][0])
            if self._with(*where, least)[1]["points"] != Fraction(post["needed"]):
                yield f"{post}: has other points then"
            few = {*range(11), *(least * part // 7 for part in range(7)), least - 1}
            for more in sorted({more for more in few if more < least} | {least}):
                earned = self._gained(*where, more, as_now=outcome == "shared")
                if earned is not None and (earned[post_id] > 0) != (more == least):
                    yield f"{post}: earns {earned[post_id]} with {more} more"

    @property
    def _terms(self) -> Terms:
        return self.program.terms_on(self.program.last_day(self.period))

    def _with(self, post_id: str, segment: int, column: str, more: int) -> tuple[dict, dict]:
        """The scores of the creator and of the post, which gained so many more in a segment."""
        post = self.posts[post_id]
        creator_id = post["creator_id"]
        increments = [dict(grown) for grown in post["increments"]]
        increments[segment - 1][column] += more
        values = [one["audience_value"] for one in self.segments[creator_id]]
        changed = post | {"increments": increments}
        changed["points"] = points_of(changed, self.creators[creator_id], values)
        own = self.scores[creator_id]
        return own | {"points": own["points"] - post["points"] + changed["points"]}, changed

    def _gained(
        self, post_id: str, segment: int, column: str, more: int, *, as_now: bool = False
    ) -> dict[str, int] | None:
        """What each post earns; None where it must be `as_now` and its creator's amount is another."""
        creator, post = self._with(post_id, segment, column, more)
        scores = self.scores | {creator["creator_id"]: creator}
        rows, posts, _ = earn(
            *(self.program, self.period, self.creators, scores, self.posts | {post_id: post})
        )
        amounts = [
            found[creator["creator_id"]]["program_amount_minor"] for found in (self.now, rows)
        ]
        if as_now and amounts[0] != amounts[1]:
            return None
        return {name: row["amount_minor"] for name, row in posts.items()}

    def _posts_earned(self, *, with_budget: bool = True, without_cap: str = "") -> dict[str, int]:
        """What each post earns; perhaps without the period's budget, and without the cap of a creator."""
        period = self.period if with_budget else replace(self.period, budget_minor=None)
        program, creators = self.program, self.creators
        if without_cap:
            own = creators[without_cap]
            # In a market of its own it keeps its rates, and no other creator's cap goes.
            terms = [
                replace(
                    one,
                    rates=one.rates | {"uncapped": one.rates.get(own["market"], [])},
                )
                for one in program.terms
            ]
            program = replace(
                program,
                terms=terms,
                zones=program.zones | {"uncapped": program.zones[own["market"]]},
            )
            creators = creators | {without_cap: own | {"market": "uncapped", "deal_cap": None}}
        scores = {
            name: row | {"market": creators[name]["market"]} for name, row in self.scores.items()
        }
        _, posts, _ = earn(program, period, creators, scores, self.posts)
        return {name: row["amount_minor"] for name, row in posts.items()}

    def _is_reason(self, post_id: str, reason: str) -> bool:
        post = self.posts[post_id]
        creator = self.creators[post["creator_id"]]
        weights = [
            terms.weights.get(post["content_type"], {}) for _, _, terms in creator["segments"]
        ]
        has_weights = any(any(each.values()) for each in weights)
        if reason in ("NO_WEIGHT", "NO_AUDIENCE_VALUE"):
            return has_weights == (reason == "NO_AUDIENCE_VALUE") and not post["points"]
        market, terms = creator["market"], self._terms
        rates = [rate for _, rate in terms.rates.get(market, [])]
        pays = terms.pools_minor.get(market) if terms.is_pool else any(rates)
        if reason == "NO_RATE":
            return not pays
        if reason == "NO_POINTS":
            return bool(pays) and not post["points"]
        without_budget = self._posts_earned(with_budget=False)[post_id]
        if reason == "BUDGET":
            return without_budget > 0
        if terms.is_pool:
            return reason == "ROUNDING" and not without_budget
        without_both = self._posts_earned(with_budget=False, without_cap=post["creator_id"])
        return not without_budget and (without_both[post_id] > 0) == (reason == "CAP")
