"""What each creator and each post earned, in the program currency's minor units (contract §6), and the tables of §9
that say how it came about: creator_earnings, market_totals and post_earnings."""

from fractions import Fraction

from .exact import largest_remainder, marginal, unit
from .landing import group
from .program import Period, Program, Terms


def earn(
    program: Program, period: Period, creators: dict, creator_scores: dict, post_scores: dict
) -> tuple[dict, dict, dict]:
    """§6: "Method, rates, caps, pools and milestones are those of the version in force on the last day". Returns
    creator_earnings by creator id, post_earnings by post id and market_totals by market, each row with all columns."""
    terms = program.terms_on(program.last_day(period))
    posts_of = group(post_scores.values(), "creator_id")
    rows = {
        creator_id: {
            "creator_id": creator_id,
            "market": score["market"],
            "points": score["points"],
            "milestones_minor": 0,
            "cap_minor": cap_minor(program, terms, creators[creator_id]),
            "capped": False,
            "rounded_minor": 0,
            "rounding_unit": 0,
        }
        for creator_id, score in creator_scores.items()
    }
    totals = {market: market_total(terms, market, rows) for market in program.zones}
    if terms.is_pool:
        earn_by_pool(totals, rows)
        weights = {creator_id: {"performance": row["points"]} for creator_id, row in rows.items()}
    else:
        weights = earn_by_rate(program, terms, posts_of, rows)
    for row in rows.values():
        totals[row["market"]]["rounded_minor"] += row["rounded_minor"]
    cut_to_budget(period, rows)
    return rows, split(weights, posts_of, rows), totals


def cap_minor(program: Program, terms: Terms, creator: dict) -> int | None:
    """§6.3: "the lower of deals.cap and the market's cap"; §1: "a market without one has none"."""
    caps = [terms.caps_minor.get(creator["market"])]
    if creator["deal_cap"] is not None:
        caps.append(int(creator["deal_cap"] * unit(program.currency)))
    return min((cap for cap in caps if cap is not None), default=None)


def market_total(terms: Terms, market: str, rows: dict) -> dict:
    """§9: "eligible creators and the sum of their points; in a pool pool_minor (null where the market has none)"; "with
    `rate` pool_minor is null and those four are 0"."""
    points = [row["points"] for row in rows.values() if row["market"] == market]
    return {
        "market": market,
        "eligible_creators": len(points),
        "points": sum(points, Fraction(0)),
        "pool_minor": terms.pools_minor.get(market) if terms.is_pool else None,
        "capped_creators": 0,
        "capped_minor": 0,
        "shared_minor": 0,
        "shared_points": Fraction(0),
        "rounded_minor": 0,
    }


def earn_by_rate(program: Program, terms: Terms, posts_of: dict, rows: dict) -> dict:
    """§6.1: "brackets over the creator's points, exact; a market without rates or pool earns none" (§1: per 1000
    points); §6.2: "the amount if the creator has at least that many eligible posts of that type"; §6.3: the cap is
    "over performance + milestones"; §6.4: "Round half-even to minor units, per creator". Returns what step 6 weighs
    by."""
    weights = {}
    for creator_id, row in rows.items():
        per_1000 = marginal(row["points"], terms.rates.get(row["market"], []))
        types = [post["content_type"] for post in posts_of.get(creator_id, [])]
        row["milestones_minor"] = sum(
            amount
            for content_type, posts, amount in terms.milestones
            if types.count(content_type) >= posts
        )
        performance, milestone = per_1000 / 1000 * unit(program.currency), row["milestones_minor"]
        weights[creator_id] = {"performance": performance, "milestone": Fraction(milestone)}
        exact, cap = performance + milestone, row["cap_minor"]
        row["capped"] = cap is not None and exact > cap
        row["rounded_minor"] = cap if row["capped"] else round(exact)
    return weights


def earn_by_pool(totals: dict, rows: dict) -> None:
    """§6.1: "each market's pool shared in proportion to points, under the cap: while a share exceeds its creator's cap,
    those creators get their cap and the rest of the pool is shared among the others again. A pool without points pays
    nothing"; §6.4: "what the capped leave of a market's pool is apportioned among the others by largest remainder".
    §9: "the creators that got their cap and the sum of what they got, what was shared among the others (0 where nobody
    with points was left) and the points it was shared over"."""
    for market, total in totals.items():
        others = {c: row["points"] for c, row in rows.items() if row["market"] == market}
        rest = total["pool_minor"] or 0
        while over := [c for c in others if exceeds_cap(rest, others, c, rows[c]["cap_minor"])]:
            for creator_id in over:
                row = rows[creator_id]
                row["capped"], row["rounded_minor"] = True, row["cap_minor"]
                total["capped_creators"] += 1
                total["capped_minor"] += row["cap_minor"]
                rest -= row["cap_minor"]
                del others[creator_id]
        total["shared_points"] = sum(others.values(), Fraction(0))
        total["shared_minor"] = rest if total["shared_points"] else 0
        parts, units = largest_remainder(rest, others)
        for creator_id in others:
            rows[creator_id]["rounded_minor"] = parts[creator_id]
            rows[creator_id]["rounding_unit"] = units[creator_id]


def exceeds_cap(rest: int, points: dict, creator_id: str, cap: int | None) -> bool:
    """§6.1: "while a share exceeds its creator's cap"."""
    return cap is not None and rest * points[creator_id] > cap * sum(points.values())


def cut_to_budget(period: Period, rows: dict) -> None:
    """§6.5: "if the period's sum exceeds its budget, the budget is apportioned in proportion to the amounts of step 4
    by largest remainder"."""
    amounts = {creator_id: row["rounded_minor"] for creator_id, row in rows.items()}
    units = dict.fromkeys(amounts, 0)
    if period.budget_minor is not None and sum(amounts.values()) > period.budget_minor:
        amounts, units = largest_remainder(period.budget_minor, amounts)
    for creator_id, row in rows.items():
        row["program_amount_minor"], row["budget_unit"] = amounts[creator_id], units[creator_id]


def split(weights: dict, posts_of: dict, rows: dict) -> dict:
    """§6.6: "each creator's amount is split into performance and milestone in proportion to steps 1 and 2 (before the
    cap), and the performance part over the eligible posts in proportion to points, both by largest remainder". (In a
    pool all is performance, so any weight of it above 0 does.) Returns post_earnings."""
    posts = {}
    for creator_id, row in rows.items():
        parts, _ = largest_remainder(row["program_amount_minor"], weights[creator_id])
        row["performance_minor"] = parts["performance"]
        row["milestone_minor"] = parts.get("milestone", 0)
        points = {post["post_id"]: post["points"] for post in posts_of.get(creator_id, [])}
        amounts, units = largest_remainder(row["performance_minor"], points)
        for post_id in points:
            posts[post_id] = {
                "post_id": post_id,
                "creator_id": creator_id,
                "amount_minor": amounts[post_id],
                "rounding_unit": units[post_id],
            }
    return posts
