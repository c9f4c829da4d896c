"""A mirror of what is published, in a bucket: whole at every instant, never another's, and nobody is misled by it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from pyarrow import parquet

from orchestration.ingest.bucket import Bucket, Listed, NotReachable
from orchestration.pipeline.mirror import Mirrored, differences, mirror
from orchestration.pipeline.refusals import Refused
from tests.conftest import ROOT, BonusHere
from tests.integration.books import Books
from tests.object_store import KEY_ID, SECRET, TOKEN, ObjectStore

PREFIX = "shown"


@pytest.fixture
def books(begun: Books, tmp_path: Path) -> Books:
    """The first period of the sample, published."""
    return begun.copy(tmp_path / "home")


@pytest.fixture(scope="module")
def rerun(begun: Books, tmp_path_factory: pytest.TempPathFactory, sample: Path) -> list[Books]:
    """The same home after its first period was run anew by carol, by dave and by erin."""
    homes = [begun]
    for by in ("carol", "dave", "erin"):
        homes.append(homes[-1].copy(tmp_path_factory.mktemp(by) / "home"))
        homes[-1].run(begun.periods[0], sample / "landing", by=by)
    return homes[1:]


def goes_on(books: Books, to: Books) -> None:
    """The home comes to where a copy of it has come: as by its runs, which are made once for all tests."""
    for folder in to.home.path.iterdir():
        if folder.is_dir():
            shutil.rmtree(books.home.path / folder.name)
    to.copy(books.home.path)


class Killed(BaseException):
    """A process that ends here and now."""


def brought(books: Books, store: ObjectStore) -> Mirrored:
    return mirror(books.home, books.program.program, store.at(PREFIX))


def compared(books: Books, store: ObjectStore) -> list[str]:
    return differences(books.home, books.program.program, store.at(PREFIX))


def key(books: Books, name: str) -> str:
    return f"{PREFIX}/program={books.program.program}/{name}"


def manifest(books: Books, store: ObjectStore) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(store.get(key(books, "manifest.json")))
    return found


def keys(store: ObjectStore) -> set[str]:
    found = store.client.list_objects_v2(Bucket=store.name).get("Contents", [])
    return {each["Key"] for each in found}


def as_read(
    books: Books, store: ObjectStore, shelf: str = "published"
) -> dict[str, dict[str, bytes]]:
    """What a reader finds who knows docs/object-storage.md only: files by period and path."""
    return {
        period: {
            path: store.get(key(books, file["object"])) for path, file in version["files"].items()
        }
        for period, version in manifest(books, store)[shelf].items()
    }


def as_published(books: Books) -> dict[str, dict[str, bytes]]:
    return {period: books.files(period) for period in books.published}


def test_a_reader_finds_every_file_as_it_is_published(books: Books, store: ObjectStore) -> None:
    done = brought(books, store)
    read = as_read(books, store)
    assert read == as_published(books)
    assert read.keys() == {books.periods[0]}
    assert done.sent == len(
        {hashlib.sha256(data).digest() for data in read[books.periods[0]].values()}
    )
    assert compared(books, store) == []


def test_the_reader_of_the_docs_finds_the_ledger(books: Books, store: ObjectStore) -> None:
    brought(books, store)
    text = (ROOT / "docs" / "object-storage.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    place = f'"{store.name}", prefix="{PREFIX}/program={books.program.program}"'
    asked = code.replace('"bucket", prefix="published/program=instagram-spring-bonus"', place)
    assert asked != code
    found: dict[str, Any] = {}
    exec(asked.replace("2024-04", books.periods[0]), found)
    published = parquet.read_table(books.published[books.periods[0]].table("payout_ledger"))
    assert found["ledger"].equals(published)
    assert published.num_rows > 0


def test_again_nothing_is_sent_and_later_only_what_is_new(
    books: Books, store: ObjectStore, ran: Books
) -> None:
    first = brought(books, store)
    store.asked.clear()
    assert brought(books, store).sent == 0
    assert {method for method, _ in store.asked} == {"GET"}
    goes_on(books, ran)
    books.close(books.periods[0])
    second = brought(books, store)
    # Of the first period a close adds its line, and nothing of it is sent again.
    assert second.sent < first.sent + 3
    assert as_read(books, store) == as_published(books)
    states = {period: each["state"] for period, each in manifest(books, store)["published"].items()}
    assert states == {books.periods[0]: "closed", books.periods[1]: "estimated"}


def test_a_restatement_is_shown_beside(books: Books, store: ObjectStore, sample: Path) -> None:
    books.close(books.periods[0])
    books.run(books.periods[0], sample / "landing", by="carol")
    brought(books, store)
    (restated,) = as_read(books, store, "restated").values()
    assert restated.keys() > {"run.json", "program.yaml"}
    folder = books.restated[books.periods[0]].folder
    assert restated == {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


class Memory:
    """A bucket in memory, in which every request that changes it may be the last before a kill."""

    scheme, bucket, prefix = "s3", "memory", ""

    def __init__(self, held: Mapping[str, bytes], requests: int) -> None:
        self.held = dict(held)
        self.left = requests

    def below(self, name: str) -> Memory:
        return self

    def objects(self) -> dict[str, Listed]:
        return {
            name: Listed(name, len(data), hashlib.md5(data).hexdigest(), "")
            for name, data in self.held.items()
        }

    def content(self, listed: Listed) -> bytes:
        return self.held[listed.name]

    def send(self, name: str, parts: Iterator[bytes]) -> None:
        self.step(lambda: self.held.update({name: b"".join(parts)}))

    def replace(self, name: str, content: bytes, known: Listed | None) -> bool:
        assert self.objects().get(name) == known
        self.step(lambda: self.held.update({name: content}))
        return True

    def delete(self, names: Collection[str]) -> None:
        for name in names:
            self.step(lambda name=name: self.held.pop(name))

    def step(self, change: Callable[[], object]) -> None:
        if not self.left:
            raise Killed
        self.left -= 1
        change()

    def shown(self) -> dict[str, dict[str, bytes]]:
        found = json.loads(self.held["manifest.json"])
        return {
            period: {path: self.held[file["object"]] for path, file in version["files"].items()}
            for period, version in found["published"].items()
        }


def test_whenever_it_is_killed_a_reader_finds_the_old_or_the_new(
    books: Books, rerun: list[Books], sample: Path
) -> None:
    """Killed before each request that changes the bucket; each time doing it again completes it."""

    def bring(bucket: Memory) -> None:
        mirror(books.home, books.program.program, cast("Bucket", bucket))

    begun = Memory({}, 1000)
    for each in rerun[:2]:
        goes_on(books, each)
        bring(begun)
    old = begun.shown()
    books.run(books.periods[1], sample / "landing")
    new = as_published(books)
    whole = Memory(begun.held, 1000)
    bring(whole)
    requests = 1000 - whole.left
    seen = []
    for number in range(requests):
        bucket = Memory(begun.held, number)
        with pytest.raises(Killed):
            bring(bucket)
        assert bucket.shown() in (old, new)
        seen.append(bucket.shown() == new)
        bucket.left = 1000
        bring(bucket)
        assert bucket.shown() == new
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (False, True), "some objects are deleted after the switch"


def test_who_is_in_the_middle_of_reading_comes_to_the_end(
    books: Books, store: ObjectStore, rerun: list[Books]
) -> None:
    brought(books, store)
    before = manifest(books, store)
    goes_on(books, rerun[0])
    brought(books, store)
    for version in before["published"].values():
        for file in version["files"].values():
            data = store.get(key(books, file["object"]))
            assert hashlib.sha256(data).hexdigest() == file["sha256"]
    goes_on(books, rerun[1])
    assert brought(books, store).deleted > 0
    named = [manifest(books, store), before]
    files = [
        {
            file["object"]
            for version in each["published"].values()
            for file in version["files"].values()
        }
        for each in named
    ]
    there = {name.removeprefix(key(books, "")) for name in keys(store)}
    assert files[0] <= there
    assert files[1] - files[0] - there, "what two generations ago had is gone"


def test_what_others_keep_there_stays(books: Books, store: ObjectStore, rerun: list[Books]) -> None:
    others = {key(books, name) for name in ("README", "files/notes.txt", "files/ab.parquet")}
    for name in others:
        store.put(name, b"theirs")
    for each in rerun:
        goes_on(books, each)
        brought(books, store)
    assert others <= keys(store)


def test_another_homes_mirror_is_left_alone(
    books: Books, store: ObjectStore, ran: Books, tmp_path: Path
) -> None:
    brought(books, store)
    before = as_read(books, store)
    other = ran.copy(tmp_path / "other")  # no mirror was made from there
    with pytest.raises(Refused, match="the mirror of another home"):
        brought(other, store)
    assert "the mirror of another home" in compared(other, store)[0]
    assert as_read(books, store) == before


def test_an_earlier_copy_of_the_home_shows_nothing(
    books: Books, store: ObjectStore, ran: Books, tmp_path: Path
) -> None:
    brought(books, store)
    earlier = books.copy(tmp_path / "earlier")
    goes_on(books, ran)
    brought(books, store)
    with pytest.raises(Refused, match="earlier copy of the home"):
        brought(earlier, store)
    assert as_read(books, store) == as_published(books)


def test_a_copy_that_has_not_closed_takes_no_mirror_over(
    books: Books, store: ObjectStore, rerun: list[Books], tmp_path: Path
) -> None:
    """The copy goes on by itself, so that its generation is ahead."""
    brought(books, store)
    copy = books.copy(tmp_path / "copy")
    books.close(books.periods[0])
    brought(books, store)
    before = as_read(books, store)
    goes_on(copy, rerun[-1])
    name = books.program.program
    assert copy.home.store(name).generation() > books.home.store(name).generation()
    with pytest.raises(Refused, match=f"shows {books.periods[0]} as closed, and it is not"):
        brought(copy, store)
    assert "Is this a copy of the home" in compared(copy, store)[0]
    assert as_read(books, store) == before


def test_a_manifest_that_changes_meanwhile_is_not_written_over(
    books: Books, store: ObjectStore, ran: Books
) -> None:
    brought(books, store)
    goes_on(books, ran)
    theirs = b'{"of": "somebody else"}'

    def between(method: str, name: str) -> None:
        if method == "PUT" and "/files/" in name:
            store.put(key(books, "manifest.json"), theirs)

    store.before = between
    with pytest.raises(Refused, match="changed by somebody else"):
        brought(books, store)
    store.before = lambda *_: None
    assert store.get(key(books, "manifest.json")) == theirs
    with pytest.raises(Refused, match="cannot be read"):
        brought(books, store)


@pytest.mark.parametrize("name", ["journal/part-0.parquet", "run.json"])
def test_a_file_that_was_changed_in_the_home_is_not_shown(
    books: Books, store: ObjectStore, ran: Books, name: str
) -> None:
    brought(books, store)
    before = as_read(books, store)
    goes_on(books, ran)
    path = books.published[books.periods[1]].folder / name
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(Refused, match=r"bonus verify says"):
        brought(books, store)
    assert as_read(books, store) == before
    path.write_bytes(content)
    brought(books, store)
    assert as_read(books, store) == as_published(books)


def test_a_file_that_is_gone_is_said(books: Books, store: ObjectStore) -> None:
    (books.published[books.periods[0]].table("journal")).unlink()
    with pytest.raises(Refused, match="is missing"):
        brought(books, store)
    assert keys(store) == set()


def test_a_version_that_is_swept_while_it_is_sent_is_begun_anew(
    books: Books, store: ObjectStore, sample: Path
) -> None:
    times = []

    def between(method: str, name: str) -> None:
        if method == "PUT" and not times:
            times.append(name)
            for by in ("carol", "dave", "erin"):
                books.run(books.periods[0], sample / "landing", by=by)

    store.before = between
    brought(books, store)
    assert as_read(books, store) == as_published(books)


def test_each_difference_is_named(books: Books, store: ObjectStore, ran: Books) -> None:
    assert "has no manifest.json" in compared(books, store)[0]
    brought(books, store)
    files = manifest(books, store)["published"][books.periods[0]]["files"]
    changed, gone = (
        files[f"{table}/part-0.parquet"]["object"] for table in ("journal", "payout_ledger")
    )
    data = store.get(key(books, changed))
    store.put(key(books, changed), data[:-1] + bytes([data[-1] ^ 1]))
    store.delete(key(books, gone))
    found = compared(books, store)
    assert len(found) == 2
    assert any(changed in text and "other bytes" in text for text in found)
    assert any(gone in text and "is not there" in text for text in found)
    # What is gone is sent again; what has the right size is told only, as it takes a look at every byte.
    brought(books, store)
    assert [changed in text for text in compared(books, store)] == [True]
    store.delete(key(books, changed))
    brought(books, store)
    assert compared(books, store) == []
    goes_on(books, ran)
    assert [books.periods[1] in text for text in compared(books, store)] == [True]


def test_a_manifest_that_says_two_things_is_named_and_written_anew(
    books: Books, store: ObjectStore
) -> None:
    """Some readers take the first of two keys, others the last."""
    brought(books, store)
    right = store.get(key(books, "manifest.json"))
    other = json.dumps({books.periods[0]: {"state": "closed", "revision": 9, "files": {}}})
    store.put(
        key(books, "manifest.json"),
        right.replace(b"{", b'{"published": ' + other.encode() + b",", 1),
    )
    assert ["is not as it was written" in text for text in compared(books, store)] == [True]
    brought(books, store)
    assert store.get(key(books, "manifest.json")) == right
    assert compared(books, store) == []


def test_a_mirror_is_not_put_among_deliveries(books: Books, store: ObjectStore) -> None:
    name = books.program.program
    for landing in ("", "shown", "shown/landing"):
        books.home.register(name, books.loaded.path, store.at(landing))
        with pytest.raises(Refused, match="lie in each other"):
            brought(books, store)
    books.home.register(name, books.loaded.path, store.at("shown-landing"))
    brought(books, store)


def test_a_bucket_that_does_not_answer_is_said(
    books: Books, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(NotReachable, match="AWS_ACCESS_KEY_ID is not set"):
        brought(books, store)


def test_runs_and_closes_show_it_themselves(
    begun: Books, books: Books, store: ObjectStore, sample: Path
) -> None:
    """And where the bucket is not there, what was published stays, and the command says what is left to do."""
    bonus = BonusHere(sample / "program.yaml", sample / "landing", books.home.path)
    address, period = f"s3://{store.name}/{PREFIX}", books.periods[1]
    ran = bonus("run", period, "--by", "ada", BONUS_MIRROR=address)
    assert ran.returncode == 0, ran.stderr
    assert as_read(books, store) == as_published(books)
    wrong = f"s3://{store.name}-not/{PREFIX}"
    closed = bonus("close", books.periods[0], "--by", "grace", BONUS_MIRROR=wrong)
    assert (closed.returncode, "is closed by grace" in closed.stdout) == (0, True)
    assert "there is no such bucket" in closed.stdout + closed.stderr
    assert f"bonus mirror --to {wrong}" in closed.stdout + closed.stderr
    checked = bonus("mirror", "--check", "--json", BONUS_MIRROR=address)
    assert (checked.returncode, len(json.loads(checked.stdout)["differences"])) == (5, 2)
    assert bonus("mirror", "--to", address).returncode == 0
    assert as_read(books, store) == as_published(books)
    assert bonus("mirror", "--to", address, "--check").returncode == 0
    for path in books.home.path.rglob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            assert [word for word in (SECRET, TOKEN, KEY_ID) if word.encode() in data] == []


@pytest.mark.long
def test_a_rerun_and_a_withdrawal_show_it_too(
    ran: Books, tmp_path: Path, store: ObjectStore, sample: Path
) -> None:
    books = ran.copy(tmp_path / "home")
    bonus = BonusHere(sample / "program.yaml", sample / "landing", books.home.path)
    period = books.periods[1]
    rerun = bonus("run", period, "--by", "ada", BONUS_MIRROR=f"s3://{store.name}-not/{PREFIX}")
    assert rerun.returncode == 1
    assert "its mirror is not up to date" in rerun.stderr
    address = f"s3://{store.name}/{PREFIX}"
    withdrawn = bonus("withdraw", period, "--by", "ada", BONUS_MIRROR=address)
    assert withdrawn.returncode == 0, withdrawn.stderr
    assert as_read(books, store) == as_published(books)
    assert as_published(books).keys() == {books.periods[0]}


@pytest.mark.parametrize("address", ["/a/folder", "s3://bucket/a?b", "http://bucket"])
def test_a_wrong_address_is_said_before_anything_is_done(
    books: Books, sample: Path, address: str
) -> None:
    bonus = BonusHere(sample / "program.yaml", sample / "landing", books.home.path)
    before = books.files(books.periods[0])
    ran = bonus("run", books.periods[0], "--by", "carol", BONUS_MIRROR=address)
    assert ran.returncode == 2
    assert "BONUS_MIRROR" in ran.stderr
    assert books.files(books.periods[0]) == before
    assert bonus("mirror", "--to", address).returncode == 2


def test_nothing_published_is_said(sample: Path, tmp_path: Path) -> None:
    bonus = BonusHere(sample / "program.yaml", sample / "landing", tmp_path / "home")
    said = bonus("mirror", "--to", "s3://bucket/p")
    assert (said.returncode, "nothing published" in said.stderr) == (4, True)
    assert bonus("mirror").returncode == 2
