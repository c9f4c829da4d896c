"""The proofs of a period's statements (§12): the tree over what it has published, and its root.

Belongs here: from a published version to its tree. Does not: the tree itself (`ledger/proofs.py`),
and what a statement looks like (`statements`).
"""

from __future__ import annotations

from orchestration.ledger.proofs import Sealing, Tree
from orchestration.pipeline.home import Home
from orchestration.pipeline.statement_key import KEY_FILE, key_fault, statement_key
from orchestration.publishing.facts import statement_facts
from orchestration.publishing.store import Publication
from orchestration.records import CloseEntry


def sealing_of(home: Home, program: str, publication: Publication, state: str) -> Sealing:
    """The parts of the salts of a period's statements; Refused if the key is lost."""
    key = statement_key(home)
    return Sealing(key, program, publication.period, state, publication.revision)


def statement_tree(publication: Publication, sealing: Sealing) -> Tree:
    """The tree over the statements of all creators with a ledger row.

    Takes the memory of one creator's facts, and some 100 bytes a creator.
    """
    found = statement_facts(publication, sealing.program, sealing.state)
    return Tree(sealing.leaf(facts) for facts in found)


def closing_tree(home: Home, program: str, publication: Publication) -> Tree | None:
    """The tree of a period that is being closed; its statements are `closed` once its line is written.

    None where earlier code published it without the tables of §9: it has no statements.
    """
    if not publication.explains:
        return None
    return statement_tree(publication, sealing_of(home, program, publication, "closed"))


def root_fault(home: Home, publication: Publication, entry: CloseEntry) -> str | None:
    """In words: how the root that a line of the close log has is not that of what is published.

    None if it is, and where the line has none.
    """
    if entry.statements_root is None or not publication.explains:
        return None
    if (fault := key_fault(home)) is not None:
        return f"{entry.period}: its statements cannot be proved: {fault}"
    tree = closing_tree(home, entry.program, publication)
    assert tree is not None
    return tree_fault(tree, entry)


def tree_fault(tree: Tree, entry: CloseEntry) -> str | None:
    """In words: how a tree is not that of a line of the close log; None if it is, or the line has none."""
    found, expected = (tree.size, tree.root.hex()), (entry.statements, entry.statements_root)
    if entry.statements_root is None or found == expected:
        return None
    return (
        f"{entry.period}: {found[0]} statements have the root {found[1]}, but the close log says"
        f" {expected[0]} and {expected[1]}: what is published, {KEY_FILE} or the line was changed"
    )
