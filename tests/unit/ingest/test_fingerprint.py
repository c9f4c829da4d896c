"""The fingerprint of the inputs, which a close records (contract §7)."""

import hashlib
import json
import os
import shutil
from pathlib import Path
from unittest.mock import patch

import pytest

from orchestration.ingest import fingerprint
from orchestration.ingest.discovery import discover
from orchestration.ingest.fingerprint import FileFingerprint, Hashed, hash_landing, landing_digest

LONG_AGO_NS = 1_700_000_000_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "landing"
    (path / "posts" / "sub").mkdir(parents=True)
    (path / "posts" / "b.csv").write_bytes(b"one")
    (path / "posts" / "sub" / "a.csv").write_bytes(b"two")
    return path


@pytest.fixture
def settled() -> object:
    """As if all files had been written long before."""
    with patch.object(fingerprint, "_SETTLED_NS", -(10**18)) as patched:
        yield patched


def digest(root: Path) -> str:
    return landing_digest(hash_landing(discover(root)).files)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_path_size_and_hash_of_every_file_in_order(root: Path) -> None:
    assert hash_landing(discover(root)).files == [
        FileFingerprint("posts/b.csv", 3, sha256(b"one")),
        FileFingerprint("posts/sub/a.csv", 3, sha256(b"two")),
    ]


def test_what_is_refused_has_its_reason_for_a_hash(root: Path) -> None:
    (root / "posts" / "c.txt").write_bytes(b"12345")
    os.mkfifo(root / "posts" / "d.csv")
    assert hash_landing(discover(root)).files[1:3] == [
        FileFingerprint("posts/c.txt", 5, "UNKNOWN_FORMAT"),
        FileFingerprint("posts/d.csv", 0, "UNREADABLE"),
    ]


def test_the_digest_does_not_depend_on_where_or_when(root: Path, tmp_path: Path) -> None:
    before = digest(root)
    for path in root.rglob("*"):
        os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
    (root / "posts" / "_ignored").write_bytes(b"x")
    root.rename(tmp_path / "moved")
    assert digest(tmp_path / "moved") == before


def test_the_digest_changes_with_whatever_ingest_would_see(root: Path) -> None:
    digests = [digest(root)]
    (root / "posts" / "b.csv").write_bytes(b"One")
    digests.append(digest(root))
    (root / "posts" / "b.csv").rename(root / "posts" / "c.csv")
    digests.append(digest(root))
    (root / "deals").mkdir()
    digests.append(digest(root))
    (root / "posts" / "d.txt").touch()
    digests.append(digest(root))
    (root / "_kept").mkdir()
    (root / "_kept" / "e.csv").write_bytes(b"three")
    (root / "posts" / "linked").symlink_to("../_kept")
    digests.append(digest(root))
    (root / "_kept" / "e.csv").write_bytes(b"Three")
    digests.append(digest(root))
    assert len(set(digests)) == len(digests)


def test_names_cannot_imitate_other_files(tmp_path: Path) -> None:
    one = [FileFingerprint('a", 1, "b', 1, "x")]
    two = [FileFingerprint("a", 1, "b"), FileFingerprint("b", 1, "x")]
    assert landing_digest(one) != landing_digest(two)


def test_unchanged_files_are_not_read_again(root: Path, tmp_path: Path, settled: object) -> None:
    cache = tmp_path / "state" / "hashes.json"
    first = hash_landing(discover(root), cache).files
    with patch.object(fingerprint, "_hash", side_effect=AssertionError):
        assert hash_landing(discover(root), cache).files == first


def test_landing_directories_that_share_a_cache_do_not_forget_each_other(
    root: Path, tmp_path: Path, settled: object
) -> None:
    cache, other = tmp_path / "hashes.json", tmp_path / "other"
    shutil.copytree(root, other)
    (other / "posts" / "b.csv").write_bytes(b"six")
    found = [hash_landing(discover(folder), cache).files for folder in (root, other)]
    assert found[0] != found[1]
    with patch.object(fingerprint, "_hash", side_effect=AssertionError):
        assert [hash_landing(discover(folder), cache).files for folder in (root, other)] == found


def test_a_changed_file_is_read_again_whatever_its_times_say(
    root: Path, tmp_path: Path, settled: object
) -> None:
    cache = tmp_path / "hashes.json"
    path = root / "posts" / "b.csv"
    hash_landing(discover(root), cache)
    status = path.stat()
    path.write_bytes(b"eno")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert hash_landing(discover(root), cache).files[0].sha256 == sha256(b"eno")


def test_a_file_written_just_now_is_not_remembered(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "hashes.json"
    hash_landing(discover(root), cache)
    assert not cache.exists() or json.loads(cache.read_text()) == {}


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"posts/b.csv": 5}', '{"posts/b.csv": [[1], "x"]}', "\0"]
)
def test_a_cache_that_makes_no_sense_is_ignored(root: Path, tmp_path: Path, content: str) -> None:
    cache = tmp_path / "hashes.json"
    cache.write_text(content)
    assert hash_landing(discover(root), cache).files == hash_landing(discover(root)).files


def test_all_files_can_be_hashed_anew_and_what_differs_is_named(
    root: Path, tmp_path: Path, settled: object
) -> None:
    """A disk that has lost bytes changes neither size nor times."""
    cache = tmp_path / "hashes.json"
    right = hash_landing(discover(root), cache)
    assert right.differing == []
    path = str(root / "posts" / "b.csv")
    remembered = json.loads(cache.read_text())
    remembered[path][1] = sha256(b"as it was")
    cache.write_text(json.dumps(remembered))
    assert hash_landing(discover(root), cache).contents[path] == sha256(b"as it was")
    found = hash_landing(discover(root), cache, anew=True)
    assert found == Hashed(right.files, right.contents, ["posts/b.csv"])
    assert hash_landing(discover(root), cache) == right


def test_only_of_a_settled_file_is_the_content_sure(root: Path) -> None:
    assert hash_landing(discover(root)).contents == {}
