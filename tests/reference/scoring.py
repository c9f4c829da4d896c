"""Audience value and points (contract §5)."""

from fractions import Fraction

from .eligibility import total
from .landing import COUNTS, group
from .program import Period, Terms


def rate_audiences(period: Period, landing: dict, creators: dict) -> dict:
    """§5: "Audience value of a creator in a segment"; §9: "`creator_segments` has the segments of all creators with a
    W, numbered from 1". Returns its rows by creator id, each creator's in order."""
    audience = group(
        [row for row in landing["audience"] if row["observed_on"] <= period.ends_on], "creator_id"
    )
    return {
        creator_id: [
            {
                "creator_id": creator_id,
                "segment_no": number,
                "starts_at": start,
                "ends_at": end,
                "terms_version": terms.version,
                "audience_value": audience_value(
                    audience.get(creator_id, []), creator["market"], terms
                ),
            }
            for number, (start, end, terms) in enumerate(creator["segments"], start=1)
        ]
        for creator_id, creator in creators.items()
    }


def post_increments(post_scores: dict) -> list:
    """§9: "`post_increments` has the increments of the eligible posts in all segments of their creator's W, 0
    included"."""
    return [
        {"post_id": post_id, "segment_no": number, "creator_id": post["creator_id"], **grown}
        for post_id, post in post_scores.items()
        for number, grown in enumerate(post["increments"], start=1)
    ]


def score(creators: dict, segments: dict, posts: dict) -> tuple[dict, dict]:
    """§5: "A creator's points are the sum over its eligible posts"; §9: "`post_scores` ... hold the eligible posts,
    `creator_scores` the eligible creators". Returns creator scores by id and post scores by id."""
    eligible = group([post for post in posts.values() if post["eligible"]], "creator_id")
    creator_scores, post_scores = {}, {}
    for creator_id, creator in creators.items():
        if creator["eligible"]:
            values = [segment["audience_value"] for segment in segments[creator_id]]
            own_posts = eligible.get(creator_id, [])
            for post in own_posts:
                counts = {count: total(post, count) for count in COUNTS.values()}
                post_scores[post["post_id"]] = (
                    post | counts | {"points": points(post, creator, values)}
                )
            creator_scores[creator_id] = {
                "creator_id": creator_id,
                "market": creator["market"],
                "eligible_posts": len(own_posts),
                "audience_value": values[-1],
                "points": sum(
                    (post_scores[post["post_id"]]["points"] for post in own_posts), Fraction(0)
                ),
            }
    return creator_scores, post_scores


def audience_value(rows: list, market: str, terms: Terms) -> Fraction:
    """§5: "from the creator's audience rows with its latest observed_on <= the period's ends_on, the mean of the
    countries' values weighted by accounts, clamped to [floor, ceiling], rounded half-even to 6 decimals. With no rows,
    or no accounts in them: the value of the creator's own market, clamped"."""
    latest = max((row["observed_on"] for row in rows), default=None)
    rows = [row for row in rows if row["observed_on"] == latest]
    accounts = sum(row["accounts"] for row in rows)
    if accounts:
        value = (
            sum(row["accounts"] * country_value(row["country"], terms) for row in rows) / accounts
        )
    else:
        value = country_value(market, terms)
    if terms.floor is not None:
        value = max(value, terms.floor)
    if terms.ceiling is not None:
        value = min(value, terms.ceiling)
    return round(value, 6)


def country_value(country: str, terms: Terms) -> Fraction:
    """§1: "audience_value: countries: {US: 1.0, ...}, other: 0.25"."""
    return terms.country_values.get(country, terms.other_value)


def points(post: dict, creator: dict, values: list) -> Fraction:
    """§5: "sum over segments of audience value x sum over (views, likes, comments, shares) of weight x increment, by
    the weights of the segment's version (none for its content type: 0); if negative, 0; rounded half-even to 4
    decimals. Views here are qualified views"."""
    exact = Fraction(0)
    for (_, _, terms), value, grown in zip(
        creator["segments"], values, post["increments"], strict=True
    ):
        weights = terms.weights.get(post["content_type"], {})
        exact += value * sum(weight * grown[COUNTS[name]] for name, weight in weights.items())
    return round(max(exact, Fraction(0)), 4)
