"""`bonus run --rehash`: a landing file that was changed in place and looks as it did (contract §10).

A file is told from what it was by size, inode, mtime and ctime. Its owner can set all but ctime, which
takes the clock or the disk itself; here the remembered ctime is set instead.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from orchestration.ingest import fingerprint
from orchestration.ingest.discovery import Identity
from tests.conftest import BonusHere, published_files
from tests.integration.books import Books

PERIOD = "2024-04"
CHANGED = "payees/payees.jsonl has other bytes than when it was hashed, though it looks the same"
NOTHING_NEW = "nothing was new"


@pytest.fixture
def bonus(sample: Path, tmp_path: Path) -> Iterator[BonusHere]:
    """A period that was run, with a landing folder of its own."""
    landing = Path(shutil.copytree(sample / "landing", tmp_path / "landing"))
    bonus = BonusHere(sample / "program.yaml", landing, tmp_path / "home")
    # As if all files had been written long before the run.
    with patch.object(fingerprint, "_SETTLED_NS", -(10**18)):
        Books(bonus.home, bonus.program, fast=True).run(PERIOD, landing)
        yield bonus


def _change_in_place(bonus: BonusHere, old: bytes, new: bytes) -> Path:
    """Changes who is paid in which currency: as many bytes, at the same time."""
    path = bonus.landing / "payees" / "payees.jsonl"
    status, content = path.stat(), path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_ino, after.st_mtime_ns) == (
        status.st_size, status.st_ino, status.st_mtime_ns,
    )  # fmt: skip
    return path


def _forget_ctime(bonus: BonusHere, path: Path) -> None:
    """What is remembered says that the file had its ctime of now all along."""
    cache = bonus.home / "cache" / "files.json"
    remembered = json.loads(cache.read_text())
    (name,) = [name for name in remembered if Path(name) == path.resolve()]
    identity, sha256 = remembered[name]
    identity[Identity._fields.index("changed_ns")] = path.stat().st_ctime_ns
    cache.write_text(json.dumps({**remembered, name: [identity, sha256]}))


def test_what_looks_the_same_is_found_and_named(bonus: BonusHere) -> None:
    first = published_files(bonus.home)
    dollars, yen = b'"USD", "tax_residence": "US"', b'"JPY", "tax_residence": "US"'
    _change_in_place(bonus, dollars, yen)
    noticed = bonus("run", PERIOD, "--by", "ada")  # by its ctime
    assert (noticed.returncode, CHANGED in noticed.stderr) == (0, False), noticed.stderr
    second = published_files(bonus.home)
    assert second != first

    _forget_ctime(bonus, _change_in_place(bonus, yen, dollars))
    unseen = bonus("run", PERIOD, "--by", "ada")
    assert (unseen.returncode, NOTHING_NEW in unseen.stdout) == (0, True), unseen.stderr
    assert published_files(bonus.home) == second

    seen = bonus("run", PERIOD, "--by", "ada", "--rehash", "--json")
    assert seen.returncode == 0, seen.stderr
    assert f"{PERIOD}: ingest (1 of 5): {CHANGED}" in seen.stderr
    assert NOTHING_NEW not in seen.stdout
    assert published_files(bonus.home) == first
