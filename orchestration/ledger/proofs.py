"""Proofs of statements (§12): salts, leaves, and the tree of RFC 9162 §2.1.1 over them.

A statement is proved by its salt, its facts and the hashes beside its way to the root. Belongs here:
values to values. Does not: where facts come from (`publishing/facts.py`) and where the key lies
(`pipeline/statement_key.py`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

HASH_BYTES: Final = 32
KEY_BYTES: Final = 32


def canonical(value: Any) -> bytes:
    """Canonical JSON (RFC 8785)."""
    import rfc8785

    return rfc8785.dumps(value)


@dataclass(frozen=True, slots=True)
class Sealing:
    """The parts of a salt, but for the creator: the key, and whose statements they are."""

    key: bytes
    program: str
    period: str
    state: str
    revision: int

    def salt(self, creator_id: str) -> bytes:
        """§12: "HMAC-SHA256(key, canonical JSON of [program, period, state, revision, creator_id])"."""
        message = canonical([self.program, self.period, self.state, self.revision, creator_id])
        return hmac.digest(self.key, message, "sha256")

    def leaf(self, facts: Mapping[str, Any]) -> bytes:
        """The leaf of a creator's facts: SHA-256(0x00 ‖ salt ‖ the facts in canonical JSON)."""
        salted = self.salt(facts["creator_id"]) + canonical(facts)
        return hashlib.sha256(b"\x00" + salted).digest()


class Tree:
    """The tree over leaf hashes, which it puts into their bytewise order.

    Takes some 64 bytes a leaf. A level is made of pairs of the one below; a last node without a
    partner goes up as it is, which comes to the splits at powers of two of RFC 9162 §2.1.1.
    """

    def __init__(self, leaves: Iterable[bytes]) -> None:
        self._levels = [b"".join(sorted(leaves))]
        while len(self._levels[-1]) > HASH_BYTES:
            below = self._levels[-1]
            pairs = range(0, len(below) - HASH_BYTES, 2 * HASH_BYTES)
            level = b"".join(
                hashlib.sha256(b"\x01" + below[at : at + 2 * HASH_BYTES]).digest() for at in pairs
            )
            if len(below) // HASH_BYTES % 2:
                level += below[-HASH_BYTES:]
            self._levels.append(level)

    @property
    def size(self) -> int:
        """The number of leaves."""
        return len(self._levels[0]) // HASH_BYTES

    @property
    def root(self) -> bytes:
        """The root; of no leaves it is SHA-256 of nothing."""
        return self._levels[-1] or hashlib.sha256().digest()

    def index(self, leaf: bytes) -> int:
        """The place of a leaf, from 0; LookupError if it is none of them."""
        low, high = 0, self.size
        while low < high:
            middle = (low + high) // 2
            if self._at(0, middle) < leaf:
                low = middle + 1
            else:
                high = middle
        if low == self.size or self._at(0, low) != leaf:
            raise LookupError(f"no leaf {leaf.hex()}")
        return low

    def path(self, index: int) -> list[bytes]:
        """The hashes beside the way from a leaf upwards (the audit path of RFC 9162 §2.1.3.1)."""
        found = []
        for number, level in enumerate(self._levels[:-1]):
            beside = index ^ 1
            if beside < len(level) // HASH_BYTES:
                found.append(self._at(number, beside))
            index //= 2
        return found

    def _at(self, level: int, index: int) -> bytes:
        return self._levels[level][index * HASH_BYTES : (index + 1) * HASH_BYTES]


def proof_of(leaf: bytes, salt: bytes, tree: Tree) -> dict[str, Any]:
    """The proof of a statement as its JSON has it (§12); LookupError if the tree has no such leaf."""
    leaf_index = tree.index(leaf)
    return {
        "salt": salt.hex(),
        "leaf_index": leaf_index,
        "tree_size": tree.size,
        "path": [beside.hex() for beside in tree.path(leaf_index)],
        "root": tree.root.hex(),
    }
