#!/usr/bin/env python3
"""Checks one statement of a bonus, on any machine, by Python's standard library alone.

HEX is the root of all statements of the period (statements_root in its line of the close log), N their
number (statements there), which a root alone does not fix. 0: the facts in the file are those that the
root was made of. 5: they are not, and it says what differs. 2: bad usage.
"""

import argparse, hashlib, json, re, sys  # noqa: E401, I001 - a line for what it needs

HEX = re.compile("[0-9a-f]{64}")
PROOF = {"leaf_index": int, "path": list, "root": str, "salt": str, "tree_size": int}


def canonical(value):
    """The bytes of RFC 8785, for what a statement has: objects, lists, texts, whole numbers, null."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return b"{" + b",".join(canonical(k) + b":" + canonical(value[k]) for k in keys) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(canonical, value)) + b"]"
    if value is not None and type(value) not in (int, str):
        raise ValueError(f"{value!r} has no place in a statement")
    return json.dumps(value, ensure_ascii=False).encode("utf-8")


def root_of(node, index, size, path):
    """RFC 9162, 2.1.3.2: the root that a leaf, its place and the hashes beside its way up lead to."""
    last = size - 1
    for beside in path:
        if last == 0:
            raise ValueError("the path is too long for the tree")
        is_right = index % 2 or index == last
        node = hashlib.sha256(b"\x01" + (beside + node if is_right else node + beside)).digest()
        while is_right and index and not index % 2:  # nodes without a partner went up as they were
            index, last = index // 2, last // 2
        index, last = index // 2, last // 2
    if last:
        raise ValueError("the path is too short for the tree")
    return node.hex()


def check(content, root, size):
    """Ends quietly, or with a ValueError that says what differs."""
    statement = json.loads(content)
    if canonical(statement) + b"\n" != content:
        raise ValueError("its bytes are not those of RFC 8785 and a line feed, so it was changed")
    if type(statement) is not dict or set(statement) != {"facts", "proof"}:
        raise ValueError("a statement has facts and a proof, nothing else")
    facts, proof = statement["facts"], statement["proof"]
    if type(proof) is not dict or {key: type(proof[key]) for key in proof} != PROOF:
        raise ValueError(f"a proof has {', '.join(PROOF)}, each of its kind")
    if not all(isinstance(x, str) and HEX.fullmatch(x) for x in [proof["salt"], *proof["path"]]):
        raise ValueError("salt and path are 64 digits and letters a to f each")
    if proof["root"] != root:
        raise ValueError(f"it has the root {proof['root']}, not {root}")
    if not 0 <= proof["leaf_index"] < proof["tree_size"] or size not in (None, proof["tree_size"]):
        raise ValueError(f"it is leaf {proof['leaf_index']} of {proof['tree_size']}, not of {size}")
    leaf = hashlib.sha256(b"\x00" + bytes.fromhex(proof["salt"]) + canonical(facts)).digest()
    path = map(bytes.fromhex, proof["path"])
    if (found := root_of(leaf, proof["leaf_index"], proof["tree_size"], path)) != root:
        raise ValueError(f"facts, salt and path lead to the root {found}, not to {root}")


usage = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
usage.add_argument("file", metavar="FILE.json", type=argparse.FileType("rb"))
usage.add_argument(
    "--root", metavar="HEX", required=True, type=lambda x: HEX.fullmatch(x.lower())[0]
)
usage.add_argument("--size", metavar="N", type=int)
if __name__ == "__main__":
    given = usage.parse_args()
    try:
        check(given.file.read(), given.root, given.size)
    except (ValueError, RecursionError) as error:
        sys.exit(print(f"{given.file.name}: {error}", file=sys.stderr) or 5)
    print(f"{given.file.name}: proved by the root {given.root}")
