"""A bucket as a landing place: its address, its names, what is fetched, and what is refused (contract §2)."""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import pytest

from orchestration.ingest import bucket as bucket_module
from orchestration.ingest.bucket import (
    Bucket,
    Listed,
    NoBucket,
    NotReachable,
    discover_listing,
    listed_at,
)
from orchestration.ingest.discovery import FoundFile, Inventory, RefusedEntry, discover
from orchestration.ingest.fetched import Fetched
from orchestration.ingest.file_cache import sweep
from orchestration.ingest.fingerprint import Hashed, landing_digest
from orchestration.ingest.landing_place import deliver, files_at, landing_at, look_at, take
from orchestration.ingest.quarantine import FileFault
from tests.object_store import KEY_ID, SECRET, ObjectStore


class Place:
    """What a home keeps of landing places, and what it has told."""

    def __init__(self, folder: Path) -> None:
        self.hashes, self.objects = folder / "files.json", folder / "objects"
        self.told: list[str] = []

    def take(self, landing: Bucket | Path, *, anew: bool = False) -> tuple[Inventory, Hashed]:
        return take(landing, self.hashes, self.objects, self.told.append, anew=anew)

    def files(self, landing: Bucket) -> list[Path]:
        return [Path(e.path) for e in self.take(landing)[0].entries if isinstance(e, FoundFile)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def listing(names: Mapping[str, int]) -> dict[str, Listed]:
    return {name: Listed(name, size, f'"{name}"', "") for name, size in names.items()}


def entries(inventory: Inventory) -> list[tuple[str, str]]:
    return [
        (entry.name, entry.reason.value if isinstance(entry, RefusedEntry) else entry.format.value)
        for entry in inventory.entries
    ]


# --- addresses


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("s3://bucket", ("s3", "bucket", "")),
        ("s3://bucket/", ("s3", "bucket", "")),
        ("s3://bucket/a/b/", ("s3", "bucket", "a/b")),
        ("gs://my.bucket/über uns", ("gs", "my.bucket", "über uns")),
        ("az://container/x", ("az", "container", "x")),
    ],
)
def test_an_address_names_a_bucket_and_a_prefix(text: str, found: tuple[str, str, str]) -> None:
    place = landing_at(text)
    assert place == Bucket(*found)
    assert landing_at(str(place)) == place


@pytest.mark.parametrize("text", ["landing", "/a/b", "s3:/a", "./s3://bucket", "a b/c:d"])
def test_all_else_is_a_folder(text: str) -> None:
    assert landing_at(text) == Path(text)


@pytest.mark.parametrize(
    "text",
    [
        f"s3://{KEY_ID}:{SECRET}@bucket/prefix",
        f"az://container/prefix?sig={SECRET}",
        f"https://bucket.s3.amazonaws.com/prefix?X-Amz-Signature={SECRET}",
        "s3://",
        "s3:///prefix",
        "s3://bucket//prefix",
        "s3://bucket/../other",
        "s3://bucket/./x",
        "s3://bucket/a\nb",
        "S3://bucket/x",
        "ftp://host/x",
    ],
)
def test_another_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(NoBucket) as refusal:
        landing_at(text)
    assert not {SECRET, KEY_ID, "bucket", "container"} & set(str(refusal.value).split())
    assert SECRET not in str(refusal.value)


# --- names


def test_a_listing_is_judged_by_the_rules_of_a_folder(tmp_path: Path) -> None:
    """The same names on a disk: the same files, refusals, folders and notes."""
    names = [
        "posts/a.csv", "posts/d=1/x.csv/b.jsonl.gz", "posts/_SUCCESS", "posts/.a.csv", "posts/_x/a.csv",
        "posts/readme.txt", "_staging/a.csv", "payees/x/_delta_log/0.json", "payees/x/a.parquet",
        "payees/x/deep/b.parquet", "fx_rates/metadata/v1.metadata.json", "fx_rates/data/a.parquet",
        "posts/Ünïcode %20#.csv", "posts/*?[a]{b}.csv", "posts/..a.csv", "other/a.csv", "readme.md", "deals",
        "audience/_keep",
    ]  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("12345")
    ours, theirs = discover_listing(listing(dict.fromkeys(names, 5))), discover(tmp_path)
    assert entries(ours) == entries(theirs) != []
    assert [entry.order for entry in ours.entries] == [entry.order for entry in theirs.entries]
    assert (ours.folders, ours.notes) == (theirs.folders, theirs.notes)


def test_an_object_of_no_bytes_without_a_format_is_a_folder() -> None:
    """As consoles make one; the listing of obstore has no slash at its end any more."""
    found = discover_listing(
        listing({"audience": 0, "posts/2024": 0, "posts/2024/a.csv": 3, "payees/a.csv": 0})
    )
    assert found.folders == {"audience", "posts", "payees"}
    assert entries(found) == [("payees/a.csv", ".csv"), ("posts/2024/a.csv", ".csv")]


def test_a_name_may_be_a_file_and_a_folder() -> None:
    found = discover_listing(listing({"posts/a.csv": 3, "posts/a.csv/b.csv": 3, "posts": 2}))
    assert entries(found) == [("posts/a.csv", ".csv"), ("posts/a.csv/b.csv", ".csv")]
    assert [(note.kind, note.subject) for note in found.notes] == [("beside_datasets", "posts")]


def test_no_name_of_a_bucket_is_a_path_here(tmp_path: Path) -> None:
    """Whatever a listing may say: what is fetched lies by hashes."""
    names = ["posts/../../../etc/a.csv", "posts/%2e%2e/a.csv", "posts/" + "n" * 900 + ".csv", "posts/A.csv", "posts/a.csv"]  # fmt: skip
    told = listing(dict.fromkeys(names, 1))

    class Told(Bucket):
        def read(self, listed: Listed, to: BinaryIO) -> None:
            to.write(b"x")

    found = Fetched(tmp_path / "objects").at_hand(Told("s3", "b"), told, discover_listing(told))
    paths = [Path(e.path) for e in found.inventory.entries]
    assert len(set(paths)) == len(names) - 1  # a folder `..` begins with a dot, so it is skipped
    for path in paths:
        assert path.parent.parent == tmp_path / "objects"
        assert path.name == hashlib.sha256(b"x").hexdigest() + ".csv"
    assert [p.name for p in tmp_path.iterdir()] == ["objects"]


HOSTILE = [
    "p/posts//a.csv", "p/posts/../a.csv", "p/../a.csv", "p/posts/./a.csv", "p/posts/\x01.csv",
]  # fmt: skip


@pytest.mark.parametrize("key", HOSTILE)
def test_a_key_that_can_be_no_file_stops_the_look(
    store: ObjectStore, place: Place, key: str
) -> None:
    store.put("p/posts/a.csv")
    store.put(key)
    with pytest.raises(NotReachable, match="the name of an object cannot be a file's") as refusal:
        look_at(store.at("p"), place.hashes)
    assert str(refusal.value).isprintable()
    with pytest.raises(NotReachable):
        place.take(store.at("p"))


def test_two_keys_of_one_name_stop_the_look(store: ObjectStore, place: Place) -> None:
    store.put("p/posts/a.csv", b"one")
    store.put("p/posts/a.csv/", b"other")
    with pytest.raises(NotReachable, match=r"two objects that go by the name posts/a\.csv"):
        look_at(store.at("p"), place.hashes)


def test_a_key_that_can_only_be_listed_is_a_refused_file(store: ObjectStore, place: Place) -> None:
    store.put("p/posts/a.csv/", b"with a slash at its end")
    inventory, _ = place.take(store.at("p"))
    assert entries(inventory) == [("posts/a.csv", "CHANGED_WHILE_READ")]


# --- looking and fetching


def test_only_what_lies_below_the_prefix_is_seen(store: ObjectStore, place: Place) -> None:
    for key in ("p/posts/a.csv", "p/", "pq/posts/b.csv", "posts/c.csv", "/p/posts/d.csv"):
        store.put(key, b"" if key == "p/" else b"x")
    inventory, _ = place.take(store.at("p"))
    assert entries(inventory) == [("posts/a.csv", ".csv")]
    inventory, _ = place.take(store.at())
    assert entries(inventory) == [("posts/c.csv", ".csv")]


def test_the_bytes_at_hand_are_those_of_the_object(store: ObjectStore, place: Place) -> None:
    content = {
        "posts/é b+%20#?&=.csv": b"one",
        "posts/b.csv.gz": os.urandom(100_000),
        "posts/c.csv": b"",
    }
    for name, data in content.items():
        store.put(f"p/{name}", data)
    inventory, hashed = place.take(store.at("p"))
    read = {entry.name: Path(entry.path) for entry in inventory.entries}
    assert {name: path.read_bytes() for name, path in read.items()} == content
    for name, path in read.items():
        assert hashed.contents[str(path)] == hashlib.sha256(content[name]).hexdigest()
        assert path.stat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0
    assert place.told == ["3 objects fetched, 100,003 bytes"]


def test_a_large_object_is_read_in_parts(
    store: ObjectStore, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_module, "PART_BYTES", 10)
    store.put("p/posts/a.csv", b"0123456789abcdefghij!")
    (path,) = place.files(store.at("p"))
    assert path.read_bytes() == b"0123456789abcdefghij!"
    assert len(store.fetched) == 3


def test_what_was_fetched_once_is_not_fetched_again(store: ObjectStore, place: Place) -> None:
    store.put("p/posts/a.csv", b"a")
    store.put("p/posts/b.csv", b"b")
    first, looked = place.take(store.at("p")), look_at(store.at("p"), place.hashes)
    store.asked.clear()
    again = place.take(store.at("p"))
    assert again[0] == first[0]
    assert again[1].files == first[1].files == looked
    assert store.asked == [("GET", "")]  # the listing
    store.put("p/posts/c.csv", b"c")
    place.take(store.at("p"))
    assert store.fetched == ["p/posts/c.csv"]


def test_a_look_fetches_nothing(store: ObjectStore, place: Place) -> None:
    store.put("p/posts/a.csv")
    look_at(store.at("p"), place.hashes)
    assert store.fetched == []
    assert not place.objects.exists()


def change(store: ObjectStore) -> None:
    store.put("p/posts/a.csv", b"other")


def same_size(store: ObjectStore) -> None:
    store.put("p/posts/a.csv", b"sa-e bytes")


def gone(store: ObjectStore) -> None:
    store.delete("p/posts/a.csv")


def more(store: ObjectStore) -> None:
    store.put("p/posts/b.csv", b"more")


def marker(store: ObjectStore) -> None:
    store.put("p/audience/", b"")


@pytest.mark.parametrize("happens", [change, same_size, gone, more, marker])
def test_the_fingerprint_is_another_one_after(
    store: ObjectStore, place: Place, happens: Callable[[ObjectStore], None]
) -> None:
    store.put("p/posts/a.csv", b"same bytes")
    store.put("p/payees/a.csv", b"same bytes")
    before = landing_digest(look_at(store.at("p"), place.hashes))
    happens(store)
    assert landing_digest(look_at(store.at("p"), place.hashes)) != before


def test_the_fingerprint_stays_for_the_same_bytes_and_for_what_is_skipped(
    store: ObjectStore, place: Place
) -> None:
    store.put("p/posts/a.csv", b"same bytes")
    before = landing_digest(look_at(store.at("p"), place.hashes))
    store.put("p/posts/a.csv", b"same bytes")
    store.put("p/posts/_temporary/0.csv", b"half of it")
    assert landing_digest(look_at(store.at("p"), place.hashes)) == before


@pytest.mark.parametrize("happens", [change, same_size, gone])
@pytest.mark.parametrize("is_versioned", [False, True])
def test_what_changes_between_listing_and_reading_is_refused(
    store: ObjectStore,
    place: Place,
    happens: Callable[[ObjectStore], None],
    is_versioned: bool,
) -> None:
    if is_versioned:
        store.client.put_bucket_versioning(
            Bucket=store.name, VersioningConfiguration={"Status": "Enabled"}
        )
    store.put("p/posts/a.csv", b"same bytes")
    store.before = lambda method, key: happens(store) if key else None
    inventory, _ = place.take(store.at("p"))
    assert entries(inventory) == [("posts/a.csv", "CHANGED_WHILE_READ")]
    assert [*place.objects.iterdir()] == []


def test_what_changes_between_two_parts_is_refused(
    store: ObjectStore, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_module, "PART_BYTES", 6)
    store.put("p/posts/a.csv", b"same bytes")

    def before(method: str, key: str) -> None:
        if len(store.fetched) == 2:
            same_size(store)

    store.before = before
    inventory, _ = place.take(store.at("p"))
    assert entries(inventory) == [("posts/a.csv", "CHANGED_WHILE_READ")]


def test_a_damaged_copy_is_fetched_anew(store: ObjectStore, place: Place) -> None:
    store.put("p/posts/a.csv", b"right")
    (path,) = place.files(store.at("p"))
    path.write_bytes(b"wrong")
    (path,) = place.files(store.at("p"))
    assert path.read_bytes() == b"right"
    assert any("is damaged" in told for told in place.told)


def test_a_deleted_copy_is_fetched_anew(store: ObjectStore, place: Place) -> None:
    store.put("p/posts/a.csv", b"right")
    (path,) = place.files(store.at("p"))
    path.unlink()
    (path,) = place.files(store.at("p"))
    assert path.read_bytes() == b"right"


def test_anew_fetches_all_and_names_what_has_other_bytes(
    store: ObjectStore, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose ETag does not tell one content from another."""
    monkeypatch.setattr(Listed, "content", property(lambda listed: "the same"))
    store.put("p/posts/a.csv", b"as it was")
    store.put("p/posts/b.csv", b"as ever")
    (first, second) = place.files(store.at("p"))
    store.put("p/posts/a.csv", b"otherwise")
    assert place.files(store.at("p")) == [first, second]
    inventory, hashed = place.take(store.at("p"), anew=True)
    assert hashed.differing == ("posts/a.csv",)
    now, still = (Path(entry.path) for entry in inventory.entries)
    assert (now.read_bytes(), still) == (b"otherwise", second)


def test_a_run_beside_this_one_keeps_its_copy(store: ObjectStore, place: Place) -> None:
    """Two fetch the same object: the first copy stays, the one that was second uses it."""
    store.put("p/posts/a.csv", b"x")
    copies: list[Path] = []

    def before(method: str, key: str) -> None:
        if key and not copies:
            copies.append(Path())  # the run beside is not watched
            copies[0] = place.files(store.at("p"))[0]

    store.before = before
    (path,) = place.files(store.at("p"))
    assert [path] == copies
    assert len([*place.objects.iterdir()]) == 1


def test_copies_not_used_for_a_day_are_dropped_beyond_the_bound(
    store: ObjectStore, place: Place
) -> None:
    for name in ("a", "b", "c"):
        store.put(f"p/posts/{name}.csv", name.encode() * 10)
    first, second, third = place.files(store.at("p"))
    day, now = 24 * 60 * 60, time.time()
    os.utime(first.parent, (now - 3 * day,) * 2)
    os.utime(second.parent, (now - 2 * day,) * 2)
    sweep(place.objects, 20, spared_seconds=day)
    assert [path.exists() for path in (first, second, third)] == [False, True, True]
    sweep(place.objects, 0, spared_seconds=day)
    assert [path.exists() for path in (first, second, third)] == [False, False, True]


def test_files_of_some_datasets_only_are_fetched(store: ObjectStore, tmp_path: Path) -> None:
    store.put("p/posts/a.csv")
    store.put("p/payees/a.csv")
    inventory = files_at(store.at("p"), tmp_path / "o", {"posts"})
    assert (entries(inventory), inventory.folders) == ([("posts/a.csv", ".csv")], {"posts"})
    assert store.fetched == ["p/posts/a.csv"]


def test_a_delivery_is_made_once(store: ObjectStore) -> None:
    assert (
        deliver(store.at("p"), "adjustments/a.csv", b"1")
        == f"s3://{store.name}/p/adjustments/a.csv"
    )
    deliver(store.at("p"), "adjustments/a.csv", b"2")
    assert store.get("p/adjustments/a.csv") == b"1"


# --- what goes wrong


def test_no_such_bucket(store: ObjectStore) -> None:
    with pytest.raises(
        NotReachable, match="s3://no-such-bucket/p cannot be used: there is no such"
    ):
        Bucket("s3", "no-such-bucket", "p").demand_objects()


def test_nothing_below_the_prefix(store: ObjectStore) -> None:
    store.put("other/posts/a.csv")
    for ask in (Bucket.demand_objects, Bucket.listing):
        with pytest.raises(NotReachable, match="holds no objects"):
            ask(store.at("p"))


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1", "does not answer"),
        ("AWS_ALLOW_HTTP", "false", "AWS_ALLOW_HTTP"),
        ("AWS_SECRET_ACCESS_KEY", None, "AWS_SECRET_ACCESS_KEY is not set"),
    ],
)
def test_what_the_environment_lacks_is_said(
    store: ObjectStore,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str | None,
    said: str,
) -> None:
    monkeypatch.setattr(bucket_module, "_RETRIES", {"max_retries": 0})
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)
    with pytest.raises(NotReachable, match=said) as refusal:
        store.at("p").demand_objects()
    assert SECRET not in str(refusal.value)
    assert KEY_ID not in str(refusal.value)


def test_azure_needs_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(NotReachable, match="AZURE_STORAGE_ACCOUNT_NAME is not set"):
        Bucket("az", "container").demand_objects()


def test_access_denied_is_said(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("p/posts/a.csv")
    listed = store.at("p").listing()["posts/a.csv"]
    from obstore.exceptions import PermissionDeniedError

    def denied(*_: object, **__: object) -> None:
        raise PermissionDeniedError(f"403 Forbidden for {KEY_ID}, {SECRET}")

    monkeypatch.setattr("obstore.list", denied)
    monkeypatch.setattr("obstore.get", denied)
    with pytest.raises(NotReachable, match="access is denied") as refusal:
        store.at("p").listing()
    assert SECRET not in str(refusal.value)
    with pytest.raises(FileFault, match="access to it is denied") as fault:
        store.at("p").read(listed, io.BytesIO())
    assert SECRET not in str(fault.value)


def test_a_bucket_without_etags_is_refused(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [[{"path": "posts/a.csv", "size": 1, "e_tag": None, "version": None}]]
    monkeypatch.setattr("obstore.list", lambda *_, **__: iter(told))
    with pytest.raises(NotReachable, match="without ETag"):
        store.at("p").listing()


def test_an_object_is_found_by_its_path() -> None:
    told = listing({"posts/a.csv": 1})
    (entry,) = discover_listing(told).entries
    assert isinstance(entry, FoundFile)
    assert listed_at(told, entry.path) == told["posts/a.csv"]


@pytest.mark.parametrize(
    ("name", "is_another"),
    [
        ("AWS_ENDPOINT_URL", True),
        ("AWS_Endpoint_Url", True),  # obstore takes names in any case of letters
        ("HTTP_PROXY", True),  # who is between may answer with other bytes
        ("https_proxy", True),
        ("AWS_PROXY_URL", True),
        ("SSL_CERT_FILE", True),
        ("GOOGLE_BASE_URL", True),
        ("AWS_SESSION_TOKEN", False),  # another each hour: nothing is fetched anew for it
        ("AWS_ACCESS_KEY_ID", False),
        ("GOOGLE_SERVICE_ACCOUNT_KEY", True),  # it may name an address of its own
        ("LANG", False),
    ],
)
def test_an_object_is_another_where_another_may_have_answered(
    monkeypatch: pytest.MonkeyPatch, name: str, is_another: bool
) -> None:
    place, one = Bucket("s3", "bucket"), Listed("posts/a.csv", 1, '"tag"', "")
    before = place.identity_of(one)
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (place.identity_of(one) != before) == is_another
