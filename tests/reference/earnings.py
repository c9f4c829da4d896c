"""What each creator and each post earned, in the program currency's minor units (contract §6)."""

from fractions import Fraction

from .exact import largest_remainder, marginal, unit
from .landing import group
from .program import Period, Program, Terms


def earn(
    program: Program, period: Period, creators: dict, creator_scores: dict, post_scores: dict
) -> tuple[dict, dict]:
    """§6: "Method, rates, caps, pools and milestones are those of the version in force on the last day"; "Budget: if
    the period's sum exceeds its budget, the budget is apportioned in proportion to the amounts of step 4 by largest
    remainder". Returns earnings by creator id and amounts by post id."""
    terms = program.terms_on(program.last_day(period))
    caps = {
        creator_id: cap_minor(program, terms, creators[creator_id]) for creator_id in creator_scores
    }
    if terms.is_pool:
        before_cap, capped, amounts = earn_by_pool(terms, creator_scores, caps)
    else:
        before_cap, capped, amounts = earn_by_rate(
            program, terms, creator_scores, post_scores, caps
        )
    if period.budget_minor is not None and sum(amounts.values()) > period.budget_minor:
        amounts = largest_remainder(period.budget_minor, amounts)
    return parts(before_cap, capped, amounts, post_scores)


def cap_minor(program: Program, terms: Terms, creator: dict) -> int | None:
    """§6.3: "the lower of deals.cap and the market's cap"; §1: "a market without one has none"."""
    caps = [terms.caps_minor.get(creator["market"])]
    if creator["deal_cap"] is not None:
        caps.append(int(creator["deal_cap"] * unit(program.currency)))
    return min((cap for cap in caps if cap is not None), default=None)


def earn_by_rate(
    program: Program, terms: Terms, creator_scores: dict, post_scores: dict, caps: dict
) -> tuple:
    """§6.1: "brackets over the creator's points, exact; a market without rates or pool earns none" (§1: per 1000
    points); §6.2: "the amount if the creator has at least that many eligible posts of that type"; §6.3: the cap is
    "over performance + milestones"; §6.4: "Round half-even to minor units, per creator"."""
    posts_of = group(post_scores.values(), "creator_id")
    before_cap, capped, amounts = {}, {}, {}
    for creator_id, row in creator_scores.items():
        per_1000 = marginal(row["points"], terms.rates.get(row["market"], []))
        types = [post["content_type"] for post in posts_of.get(creator_id, [])]
        reached = [
            amount
            for content_type, posts, amount in terms.milestones
            if types.count(content_type) >= posts
        ]
        performance, milestone = per_1000 / 1000 * unit(program.currency), Fraction(sum(reached))
        before_cap[creator_id] = {"performance": performance, "milestone": milestone}
        exact, cap = performance + milestone, caps[creator_id]
        capped[creator_id] = cap is not None and exact > cap
        amounts[creator_id] = round(min(exact, cap) if capped[creator_id] else exact)
    return before_cap, capped, amounts


def earn_by_pool(terms: Terms, creator_scores: dict, caps: dict) -> tuple:
    """§6.1: "each market's pool shared in proportion to points, under the cap: while a share exceeds its creator's cap,
    those creators get their cap and the rest of the pool is shared among the others again. A pool without points pays
    nothing"; §6.4: "what the capped leave of a market's pool is apportioned among the others by largest remainder"."""
    capped, amounts = dict.fromkeys(creator_scores, False), dict.fromkeys(creator_scores, 0)
    for market, rows in group(creator_scores.values(), "market").items():
        rest, points = (
            terms.pools_minor.get(market, 0),
            {row["creator_id"]: row["points"] for row in rows},
        )
        while True:
            whole = sum(points.values())
            over = [c for c in points if caps[c] is not None and rest * points[c] > caps[c] * whole]
            if not over:
                break
            for creator_id in over:
                capped[creator_id], amounts[creator_id] = True, caps[creator_id]
                rest -= caps[creator_id]
                del points[creator_id]
        amounts.update(largest_remainder(rest, points))
    before_cap = {
        creator_id: {"performance": row["points"]} for creator_id, row in creator_scores.items()
    }
    return before_cap, capped, amounts


def parts(before_cap: dict, capped: dict, amounts: dict, post_scores: dict) -> tuple[dict, dict]:
    """§6.6: "each creator's amount is split into performance and milestone in proportion to steps 1 and 2 (before the
    cap), and the performance part over the eligible posts in proportion to points, both by largest remainder". (In a
    pool all is performance, so any weight of it above 0 does.)"""
    posts_of = group(post_scores.values(), "creator_id")
    earnings, post_amounts = {}, {}
    for creator_id, amount in amounts.items():
        split = largest_remainder(amount, before_cap[creator_id])
        earnings[creator_id] = {
            "performance_minor": split["performance"],
            "milestone_minor": split.get("milestone", 0),
            "capped": capped[creator_id],
            "program_amount_minor": amount,
        }
        points = {post["post_id"]: post["points"] for post in posts_of.get(creator_id, [])}
        post_amounts.update(largest_remainder(split["performance"], points))
    return earnings, post_amounts
