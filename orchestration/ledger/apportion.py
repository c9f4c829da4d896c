"""Largest remainder (§6): whole units out of exact shares, to the last unit.

One rule in two forms: here for creators and parts, in `pipeline/earning.py` as SQL for posts, of which
there are too many for a loop; `tests/unit/ledger/test_post_earnings.py` holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Apportioned(NamedTuple):
    """The units of each id, and the ids that got one beyond the floor of their exact share."""

    shares: dict[str, int]
    lifted: frozenset[str]


def largest_remainder(total: int, weights: Mapping[str, int]) -> Apportioned:
    """Apportions `total` >= 0 units over `weights` (id -> whole weight >= 0, at any common scale).

    §6: "floor each exact share, then give the units left over to the largest remainders (weights
    that sum to 0: each gets 0); ties go to the least id", bytewise.

    >>> largest_remainder(10, {"b": 1, "a": 1, "c": 1})
    Apportioned(shares={'b': 3, 'a': 4, 'c': 3}, lifted=frozenset({'a'}))
    """
    if total < 0 or any(weight < 0 for weight in weights.values()):
        raise ValueError("only amounts and weights from 0 can be apportioned")
    whole = sum(weights.values())
    if whole == 0:
        return Apportioned(dict.fromkeys(weights, 0), frozenset())
    shares: dict[str, int] = {}
    remainders: list[tuple[int, bytes, str]] = []
    for key, weight in weights.items():
        shares[key], remainder = divmod(total * weight, whole)
        remainders.append((-remainder, key.encode(), key))
    left = total - sum(shares.values())
    remainders.sort()
    lifted = frozenset(key for _, _, key in remainders[:left])
    for key in lifted:
        shares[key] += 1
    return Apportioned(shares, lifted)
