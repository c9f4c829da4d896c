"""The key of a home's statements (§12): 32 random bytes, made once, and written nowhere else.

Who has it can guess what a statement says from its proof, so only its owner may read the file. With
another key no root of a closed period could be computed again: a key that is lost stops closes and
statements until it comes back from a backup.
"""

from __future__ import annotations

import secrets
from typing import Final

from orchestration.foundations.files import make_file
from orchestration.ledger.proofs import KEY_BYTES
from orchestration.pipeline.close_log import CloseLog
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.records import CloseEntry, Unreadable

KEY_FILE: Final = "statement.key"


def statement_key(home: Home) -> bytes:
    """The key, which is made if there is none yet; Refused if it is lost, or is none.

    Several processes may ask at once: all get the same key. It is on disk when this returns.
    """
    fault = key_fault(home)
    if fault is not None:
        raise Refused(fault)
    path = home.path / KEY_FILE
    if not path.exists():
        make_file(path, secrets.token_bytes(KEY_BYTES), mode=0o600)
    return path.read_bytes()


def key_fault(home: Home) -> str | None:
    """In words: why no statement can be proved in this home; None if it can."""
    path = home.path / KEY_FILE
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        proved = _closed_with_a_root(home)
        if proved is None:
            return None
        return (
            f"{path} is lost, and {proved} was closed with a root of statements, which only that"
            " key can compute again; put the file back from a backup of the home"
        )
    if size != KEY_BYTES:
        return (
            f"{path} has {size} bytes, expected {KEY_BYTES}; put the file back from a backup of"
            " the home"
        )
    return None


def _closed_with_a_root(home: Home) -> str | None:
    """A closed period of any program of the home whose line has a root; None if there is none."""
    for folder in sorted((home.path / "closed").glob("program=*")):
        program = folder.name.removeprefix("program=")
        for line in CloseLog(home.path, program).lines():
            try:
                entry = CloseEntry.from_line(line)
            except Unreadable:
                continue  # bonus verify names it
            if entry.statements_root is not None:
                return f"{entry.period} of {program}"
    return None
