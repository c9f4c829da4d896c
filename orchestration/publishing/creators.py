"""Some of a period's creators, as a condition on the column creator_id of its tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Creators:
    """A condition in SQL on `source.creator_id`, and what is given for its places."""

    condition: str = "true"
    given: Sequence[Any] = ()

    @classmethod
    def named(cls, creator_ids: Sequence[str]) -> Creators:
        """Those with these ids, one at least."""
        places = ", ".join(f"${number}" for number in range(1, len(creator_ids) + 1))
        return cls(f"source.creator_id in ({places})", list(creator_ids))

    @classmethod
    def between(cls, first: str, last: str) -> Creators:
        """Those from `first` to `last`, both included, bytewise: so tables that are sorted are read in part."""
        return cls("source.creator_id between $1 and $2", [first, last])


EVERYONE = Creators()
