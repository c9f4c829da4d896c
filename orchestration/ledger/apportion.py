"""Largest remainder (§6): whole units out of exact shares, to the last unit.

One rule in two forms: here for creators and parts, in `pipeline/earning.py` as SQL for posts, of which
there are too many for a loop; `tests/unit/ledger/test_post_earnings.py` holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping


def largest_remainder(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Apportions `total` >= 0 units over `weights` (id -> whole weight >= 0, at any common scale).

    §6: "floor each exact share, then give the units left over to the largest remainders (weights
    that sum to 0: each gets 0); ties go to the least id", bytewise.

    >>> largest_remainder(10, {"b": 1, "a": 1, "c": 1})
    {'b': 3, 'a': 4, 'c': 3}
    """
    if total < 0 or any(weight < 0 for weight in weights.values()):
        raise ValueError("only amounts and weights from 0 can be apportioned")
    whole = sum(weights.values())
    if whole == 0:
        return dict.fromkeys(weights, 0)
    shares: dict[str, int] = {}
    remainders: list[tuple[int, bytes, str]] = []
    for key, weight in weights.items():
        shares[key], remainder = divmod(total * weight, whole)
        remainders.append((-remainder, key.encode(), key))
    left = total - sum(shares.values())
    remainders.sort()
    for _, _, key in remainders[:left]:
        shares[key] += 1
    return shares
