"""Windows, counts and decisions (contract §3 and §4)."""

import itertools
from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from .days import DAY, begin, begin_utc, day_of
from .landing import COUNTS, group, in_force
from .program import Period, Program, Terms

FLAGS = {  # what excludes may name -> (the reason, whether the post's flag says so)
    "branded_content": ("BRANDED_CONTENT", lambda post: post["is_branded_content"]),
    "collab": ("COLLAB", lambda post: post["is_collab"]),
    "watermark": ("WATERMARK", lambda post: post["has_watermark"]),
    "not_original": ("NOT_ORIGINAL", lambda post: not post["is_original"]),
}


def decide(program: Program, period: Period, landing: dict) -> tuple[dict, dict]:
    """§4: "Every creator with a deal (§3) gets one row; every post of such a creator that was published in the period's
    local days, or has a snapshot from their start to their end, both included, gets one row (local days: UTC days,
    where the creator's market is unknown or not the program's)". Returns creators by id and posts by id; each also
    carries what scoring needs."""
    closes = begin_utc(period.closes_on)
    known = in_force(landing["creators"], "creator_id", closes)
    posts_of = group(in_force(landing["posts"], "post_id", closes).values(), "creator_id")
    snapshots_of = snapshots_by_post(landing)
    violations = in_violation(landing["policy_events"], closes)
    creators, posts = {}, {}
    for creator_id, deals in deals_by_creator(program, landing, closes).items():
        row = known.get(creator_id)
        market = row["market"] if row else None
        zone = program.zones.get(market, ZoneInfo("UTC"))
        deal, start, end = window(program, period, market, deals)
        reasons = creator_reasons(program, period, creator_id, row, deals, deal, violations)
        creators[creator_id] = creator = {
            "creator_id": creator_id,
            "market": market,
            "deal_id": deal and deal["deal_id"],
            "window_start": start,
            "window_end": end,
            "eligible": not reasons,
            "reasons": reasons,
            "deal_cap": deal and deal["cap"],
            "segments": segments(program, start, end, zone) if deal else [],
        }
        opens, ends = begin(period.starts_on, zone), begin(period.ends_on + DAY, zone)
        decided = []
        for post in posts_of.get(creator_id, []):
            snapshots = snapshots_of.get(post["post_id"], [])
            if opens <= post["published_at"] < ends or any(
                opens <= snapshot["observed_at"] <= ends for snapshot in snapshots
            ):
                decided.append(
                    decide_post(program, period, creator, zone, post, snapshots, violations)
                )
        limit_posts(decided)
        for post in decided:
            post["eligible"] = not post["reasons"]
            posts[post["post_id"]] = post
    return creators, posts


def deals_by_creator(program: Program, landing: dict, closes: datetime) -> dict:
    """§3: "A creator's deals are those in force at closes_on that are of this program then and have invited_at <
    closes_on; no other deal counts anywhere"."""
    deals = in_force(landing["deals"], "deal_id", closes).values()
    return group(
        [d for d in deals if d["program"] == program.name and d["invited_at"] < closes],
        "creator_id",
    )


def window(program: Program, period: Period, market: str | None, deals: list) -> tuple:
    """§3: "W = [max(start of the period, activated_at), min(end of ends_on, ends_at, start of terminated_on))"; "If
    several take part, the one activated first counts (ties: least deal_id)"; "A creator whose market is unknown or not
    one of the program's has no W". Returns (deal, start, end), or three times None."""
    taking_part = []
    for deal in deals:
        if market in program.zones and deal["activated_at"]:
            zone = program.zones[market]
            start = max(begin(period.starts_on, zone), deal["activated_at"])
            end = min(
                begin(period.ends_on + DAY, zone),
                deal["ends_at"] or datetime.max.replace(tzinfo=UTC),
            )
            if program.terminated_on:
                end = min(end, begin(program.terminated_on, zone))
            if start < end:
                taking_part.append((deal["activated_at"], deal["deal_id"], deal, start, end))
    return min(taking_part)[2:] if taking_part else (None, None, None)


def segments(program: Program, start: datetime, end: datetime, zone: ZoneInfo) -> list:
    """§3: "Terms versions cut W into segments at the local midnight of each effective_from inside it". Returns
    (start, end, terms) of each."""
    effective = [(begin(terms.effective_from, zone), terms) for terms in program.terms]
    cuts = sorted({start, end} | {at for at, _ in effective if start < at < end})
    return [
        (a, b, [terms for at, terms in effective if at <= a][-1])
        for a, b in itertools.pairwise(cuts)
    ]


def snapshots_by_post(landing: dict) -> dict:
    """§3: "Qualified views = views - ineligible_views, of one snapshot". Snapshots of a post in order of
    observed_at."""
    rows = [
        row | {"qualified_views": row["views"] - row["ineligible_views"]}
        for row in landing["post_metrics"]
    ]
    return group(sorted(rows, key=lambda row: row["observed_at"]), "post_id")


def value_at(snapshots: list, count: str, at: datetime, is_older: bool) -> int:
    """§3: "the count in the last snapshot with observed_at <= b that reports it. Where there is none, it is 0 for a post
    published at or after the start of W; for an older post it is the count in the first snapshot that reports it ...,
    or 0"."""
    reporting = [snapshot for snapshot in snapshots if snapshot[count] is not None]
    by_then = [snapshot for snapshot in reporting if snapshot["observed_at"] <= at]
    if by_then:
        return by_then[-1][count]
    return reporting[0][count] if is_older and reporting else 0


def increments(creator: dict, published_at: datetime, snapshots: list) -> list:
    """§3: "A segment's increment is the value at its end minus the value at its start". One dictionary a segment."""
    is_older = published_at < creator["window_start"]
    return [
        {
            count: value_at(snapshots, count, end, is_older)
            - value_at(snapshots, count, start, is_older)
            for count in COUNTS.values()
        }
        for start, end, _ in creator["segments"]
    ]


def in_violation(events: list, closes: datetime) -> set:
    """§2: "A policy subject is in violation if, for any policy, its last event with effective_at <= closes_on (ties:
    greatest event_id) is `violated`"."""
    last = {}
    for event in sorted(events, key=lambda event: (event["effective_at"], event["event_id"])):
        if event["effective_at"] <= closes:
            last[event["subject_type"], event["subject_id"], event["policy"]] = event["status"]
    return {
        (kind, subject_id) for (kind, subject_id, _), status in last.items() if status == "violated"
    }


def creator_reasons(
    program: Program, period: Period, creator_id, row, deals: list, deal, violations: set
) -> list:
    """§4: "All reasons that hold are listed (sorted ...), not only the first"; "Creators are judged by the version in
    force on the last day"; UNKNOWN_CREATOR: "beside it only NOT_ACTIVATED is given"."""
    terms = program.terms_on(program.last_day(period))
    activated = any(deal["activated_at"] for deal in deals)
    reasons = [] if activated else ["NOT_ACTIVATED"]
    if row is None:
        return [*reasons, "UNKNOWN_CREATOR"]
    if activated and row["market"] in program.zones and deal is None:
        reasons.append("DEAL_OUTSIDE_PERIOD")
    if row["account_type"] not in terms.account_types:
        reasons.append("ACCOUNT_TYPE")
    if row["market"] not in terms.markets:
        reasons.append("MARKET")
    if (
        row["birth_date"]
        and terms.minimum_age is not None
        and age(row["birth_date"], period) < terms.minimum_age
    ):
        reasons.append("UNDER_AGE")
    if ("creator", creator_id) in violations:
        reasons.append("POLICY_VIOLATION")
    return sorted(reasons)


def age(birth_date, period: Period) -> int:
    """§4: "younger than minimum_age on starts_on (29 February: birthday on 1 March in other years)"."""
    on = period.starts_on
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def terms_of_post(
    program: Program, period: Period, creator: dict, zone: ZoneInfo, published_at: datetime
) -> Terms:
    """§4: "the version in force on the day min(max(the local day it was published on, first day), last day), where
    first day is the local day in which W starts (without W: starts_on)"."""
    first_day = day_of(creator["window_start"], zone) if creator["deal_id"] else period.starts_on
    return program.terms_on(
        min(max(day_of(published_at, zone), first_day), program.last_day(period))
    )


def decide_post(
    program, period, creator: dict, zone: ZoneInfo, post: dict, snapshots: list, violations: set
) -> dict:
    """§4: the table of post's reasons; "For a creator without W its posts get `CREATOR_INELIGIBLE` and those of the
    first four lines that hold; their qualified_views are null". OVER_POST_LIMIT is for limit_posts to add."""
    terms = terms_of_post(program, period, creator, zone, post["published_at"])
    reasons = [] if creator["eligible"] else ["CREATOR_INELIGIBLE"]
    if post["content_type"] not in terms.content_types:
        reasons.append("CONTENT_TYPE")
    for name, (reason, holds) in FLAGS.items():
        if name in terms.excludes and holds(post):
            reasons.append(reason)
    if ("post", post["post_id"]) in violations:
        reasons.append("POLICY_VIOLATION")
    decision = {
        "post_id": post["post_id"],
        "creator_id": creator["creator_id"],
        "content_type": post["content_type"],
        "published_at": post["published_at"],
        "qualified_views": None,
        "terms": terms,
        "reasons": reasons,
    }
    if creator["deal_id"]:
        start, end = creator["window_start"], creator["window_end"]
        decision["increments"] = increments(creator, post["published_at"], snapshots)
        decision["qualified_views"] = sum(
            grown["qualified_views"] for grown in decision["increments"]
        )
        if post["published_at"] >= end or (post["published_at"] < start and not terms.counts_any):
            reasons.append("OUTSIDE_WINDOW")
        if post["removed_at"] and post["removed_at"] < end:
            reasons.append("REMOVED")
        if decision["qualified_views"] < terms.minimum_views:
            reasons.append("BELOW_MINIMUM_VIEWS")
    reasons.sort()
    return decision


def limit_posts(posts: list) -> None:
    """§4: OVER_POST_LIMIT: "among the creator's posts with no other reason, in the order of published_at, then post_id,
    its place is beyond the maximum_posts of the version that judges it"."""
    fine = sorted(
        (p for p in posts if not p["reasons"]), key=lambda p: (p["published_at"], p["post_id"])
    )
    for place, post in enumerate(fine, start=1):
        limit = post["terms"].maximum_posts
        if limit is not None and place > limit:
            post["reasons"].append("OVER_POST_LIMIT")


def total(post: dict, count: str) -> Fraction:
    """§9: "Counts in `post_scores` are the increments over W"."""
    return sum(grown[count] for grown in post["increments"])
