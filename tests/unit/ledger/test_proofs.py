"""Salts, leaves and the tree of §12, held against another's tree, and the checker against both."""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from orchestration.ledger.proofs import Sealing, Tree, canonical
from tests.conftest import ROOT

CHECKER = ROOT / "check_statement.py"
KEY = bytes(range(32))
SEALING = Sealing(KEY, "spring", "2024-04", "closed", 3)


def checker():
    spec = importlib.util.spec_from_file_location("check_statement", CHECKER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHECK = checker()


def facts_of(creator_id: str) -> dict:
    return {
        "program": "spring",
        "period": "2024-04",
        "creator_id": creator_id,
        "state": "closed",
        "ledger": {"USD": {"payout_minor": "12", "status_reason": None}},
        "posts": {"p\U0001f600": {"points": "1.5"}, "p\uffee": {"points": "0"}},
    }


def statement(tree: Tree, facts: dict) -> bytes:
    index = tree.index(SEALING.leaf(facts))
    proof = {
        "salt": SEALING.salt(facts["creator_id"]).hex(),
        "leaf_index": index,
        "tree_size": tree.size,
        "path": [node.hex() for node in tree.path(index)],
        "root": tree.root.hex(),
    }
    return canonical({"facts": facts, "proof": proof}) + b"\n"


def tree_of(size: int) -> tuple[Tree, list[dict]]:
    all_facts = [facts_of(f"creator-{number}") for number in range(size)]
    return Tree(SEALING.leaf(facts) for facts in all_facts), all_facts


def run(path: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-I", "-S", str(CHECKER), str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_salt_and_leaf_are_those_of_the_contract() -> None:
    """ "HMAC-SHA256(key, canonical JSON of [program, period, state, revision, creator_id])"; "leaf
    SHA-256(0x00 ‖ d)", d being "salt (32 bytes), then the facts in canonical JSON" """
    message = '["spring","2024-04","closed",3,"é\\""]'.encode()
    salt = hmac.new(KEY, message, hashlib.sha256).digest()
    assert SEALING.salt('é"') == salt
    facts = {"creator_id": 'é"', "b": None, "a": "1"}
    text = '{"a":"1","b":null,"creator_id":"é\\""}'.encode()
    assert SEALING.leaf(facts) == hashlib.sha256(b"\x00" + salt + text).digest()


def test_the_root_of_none_is_sha256_of_nothing() -> None:
    assert Tree([]).size == 0
    assert Tree([]).root.hex() == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


@pytest.mark.parametrize("size", [*range(1, 18), 31, 33, 100])
def test_root_and_paths_are_those_of_pymerkle(size: int) -> None:
    """Its leaves are hashed by itself, so they are hashed from data here; then in bytewise order."""
    data = sorted(
        (str(number).encode() for number in range(size)),
        key=lambda entry: hashlib.sha256(b"\x00" + entry).digest(),
    )
    theirs = InmemoryTree(algorithm="sha256")
    for entry in data:
        theirs.append_entry(entry)
    leaves = [hashlib.sha256(b"\x00" + entry).digest() for entry in data]
    ours = Tree(reversed(leaves))
    assert (ours.size, ours.root) == (size, theirs.get_root())
    for index, leaf in enumerate(leaves):
        assert ours.index(leaf) == index
        # Their path begins with the leaf itself.
        path = theirs.prove_inclusion(index + 1).path[1:]
        assert ours.path(index) == path
        assert CHECK.root_of(leaf, index, size, ours.path(index)) == ours.root.hex()


def test_a_leaf_of_another_tree_has_no_place() -> None:
    tree, _ = tree_of(5)
    with pytest.raises(LookupError):
        tree.index(b"\xff" * 32)
    with pytest.raises(LookupError):
        tree.index(b"\x00" * 32)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_each_statement_is_proved(size: int) -> None:
    tree, all_facts = tree_of(size)
    for facts in all_facts:
        CHECK.check(statement(tree, facts), tree.root.hex(), size)


@pytest.mark.parametrize(
    "bytes_tried",
    [
        pytest.param(lambda byte: [byte ^ 1 << bit for bit in range(8)], id="each-bit"),
        pytest.param(
            lambda byte: [other for other in range(256) if other != byte],
            id="each-byte",
            marks=pytest.mark.long,
        ),
    ],
)
def test_every_single_byte_change_is_found(bytes_tried) -> None:
    tree, all_facts = tree_of(2)
    root, whole = tree.root.hex(), statement(tree, all_facts[0])
    CHECK.check(whole, root, None)
    for place in range(len(whole)):
        for byte in bytes_tried(whole[place]):
            changed = whole[:place] + bytes([byte]) + whole[place + 1 :]
            with pytest.raises((ValueError, RecursionError)):
                CHECK.check(changed, root, None)


def test_a_root_does_not_fix_the_number_but_size_does() -> None:
    """The way up from the first leaf of three is that from the first of four."""
    tree, all_facts = tree_of(3)
    first = next(facts for facts in all_facts if tree.index(SEALING.leaf(facts)) == 0)
    other = statement(tree, first).replace(b'"tree_size":3', b'"tree_size":4')
    CHECK.check(other, tree.root.hex(), None)
    with pytest.raises(ValueError, match="leaf 0 of 4, not of 3"):
        CHECK.check(other, tree.root.hex(), 3)


@given(st.recursive(
    st.none() | st.text() | st.integers(-(2**53) + 1, 2**53 - 1),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
))  # fmt: skip
def test_its_canonical_json_is_that_of_the_library(value: object) -> None:
    assert CHECK.canonical(value) == canonical(value)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param(lambda text: text[:-1], "not those of RFC 8785", id="no-line-feed"),
        pytest.param(lambda text: text + b"\n", "not those of RFC 8785", id="two-line-feeds"),
        pytest.param(lambda text: b" " + text, "not those of RFC 8785", id="blank"),
        pytest.param(
            lambda text: json.dumps(json.loads(text)).encode() + b"\n",
            "not those of RFC 8785",
            id="other-form",
        ),
        pytest.param(lambda text: text.replace(b'"12"', b'"13"'), "lead to the root", id="fact"),
        pytest.param(lambda text: text.replace(b'"12"', b"1.5"), "no place", id="float"),
        pytest.param(lambda text: text.replace(b'"12"', b"true"), "no place", id="flag"),
        pytest.param(lambda _: b"[" * 100_000, "", id="deep"),
        pytest.param(lambda _: b"\xff\n", "", id="no-text"),
        pytest.param(lambda _: b"null\n", "facts and a proof", id="null"),
    ],
)
def test_the_checker_says_what_differs(changed, said: str, tmp_path: Path) -> None:
    tree, all_facts = tree_of(3)
    file = tmp_path / "statement.json"
    file.write_bytes(changed(statement(tree, all_facts[1])))
    done = run(file, "--root", tree.root.hex())
    assert (done.returncode, done.stdout) == (5, "")
    assert said in done.stderr and "Traceback" not in done.stderr


def test_the_checker_ends_with_its_statuses(tmp_path: Path) -> None:
    tree, all_facts = tree_of(3)
    file, root = tmp_path / "statement.json", tree.root.hex()
    file.write_bytes(statement(tree, all_facts[1]))
    assert run(file, "--root", root).returncode == 0
    assert run(file, "--root", root.upper(), "--size", "3").returncode == 0
    assert run(file, "--root", "0" * 64).returncode == 5
    assert run(file, "--root", root, "--size", "4").returncode == 5
    for arguments in ([], ["--root"], ["--root", "abc"], ["--root", root, "more"]):
        assert run(file, *arguments).returncode == 2
    assert run(tmp_path / "absent.json", "--root", root).returncode == 2
    assert "Traceback" not in run(file, "--root", "abc").stderr


def test_the_checker_is_short_and_needs_the_standard_library_alone() -> None:
    assert len(CHECKER.read_text("utf-8").splitlines()) <= 80
