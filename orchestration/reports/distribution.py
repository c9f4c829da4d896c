"""The distribution of amounts: Gini's coefficient and the bins of a histogram, both exact."""

from __future__ import annotations

from fractions import Fraction


def gini(count: int, total: int, ranked_total: int) -> Fraction | None:
    """Gini's coefficient of amounts of 0 and above; None where nobody has anything.

    `ranked_total` is the sum of place x amount, places from 1 for the least amount. 0 if all have
    the same, (count - 1) / count if one has all.
    """
    if total <= 0:
        return None
    return Fraction(2 * ranked_total, count * total) - Fraction(count + 1, count)


def bin_edges(least: int, greatest: int, most_bins: int = 16) -> list[int]:
    """Edges of bins [edge, next edge) that hold all amounts from `least` to `greatest`, both above 0.

    Edges are 1, 2 and 5 times powers of ten; powers of ten only where that gives too many bins.
    """
    for steps in ((1, 2, 5), (1,)):
        edges = [1]
        power = 1
        while edges[-1] <= greatest:
            edges += [step * power for step in steps if step * power > edges[-1]]
            power *= 10
        first = max(no for no, edge in enumerate(edges) if edge <= least)
        last = min(no for no, edge in enumerate(edges) if edge > greatest)
        if last - first <= most_bins:
            break
    return edges[first : last + 1]
