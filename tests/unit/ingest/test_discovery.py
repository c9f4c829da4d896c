"""Which files there are, and what is no file to read (contract §2, first paragraph)."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from orchestration.ingest.discovery import Format, FoundFile, Inventory, RefusedEntry, discover


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "landing"
    (path / "posts").mkdir(parents=True)
    return path


def touch(path: Path, content: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def found(inventory: Inventory) -> list[str]:
    return [entry.name for entry in inventory.entries if isinstance(entry, FoundFile)]


def refused(inventory: Inventory) -> list[tuple[str, str]]:
    entries = [entry for entry in inventory.entries if isinstance(entry, RefusedEntry)]
    return [(entry.name, entry.reason.value) for entry in entries]


def notes(inventory: Inventory) -> list[tuple[str, str]]:
    return [(note.kind, note.subject) for note in inventory.notes]


def test_files_of_every_format_at_any_depth(root: Path) -> None:
    for form in Format:
        touch(root / "posts" / f"a{form.value}")
    touch(root / "posts" / "d=1" / "x.csv" / "b.jsonl")  # a folder may have any name
    inventory = discover(root)
    expected = sorted([f"posts/a{form.value}" for form in Format] + ["posts/d=1/x.csv/b.jsonl"])
    assert found(inventory) == expected
    assert refused(inventory) == []
    assert inventory.folders == {"posts"}


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "a.CSV",
        "a.Parquet",
        "a.csv.bz2",
        "a.json",
        "a.txt",
        "a.gz",
        "a.csv~",
        "a.csv ",
        "a.zst",
    ],
)
def test_any_other_file_is_refused(root: Path, name: str) -> None:
    touch(root / "posts" / name, "12345")
    (entry,) = discover(root).entries
    assert isinstance(entry, RefusedEntry)
    assert (entry.reason, entry.size_bytes) == ("UNKNOWN_FORMAT", 5)


def test_names_with_a_dot_or_underscore_in_front_are_skipped(root: Path) -> None:
    for name in (".a.csv", "_a.csv", "_SUCCESS", ".csv", "_x/a.csv", ".x/a.csv", "x/_y/a.csv"):
        touch(root / "posts" / name)
    touch(root / "_staging" / "a.csv")
    touch(root / ".hidden")
    assert discover(root) == Inventory(frozenset({"posts"}), (), ())


def test_what_is_beside_the_datasets_is_reported(root: Path) -> None:
    touch(root / "Posts" / "a.csv")
    touch(root / "readme.txt")
    inventory = discover(root)
    assert notes(inventory) == [("beside_datasets", "Posts"), ("beside_datasets", "readme.txt")]
    assert found(inventory) == []


def test_a_file_with_the_name_of_a_dataset_is_no_folder(root: Path) -> None:
    touch(root / "creators")
    inventory = discover(root)
    assert inventory.folders == {"posts"}
    assert notes(inventory) == [("beside_datasets", "creators")]


def test_the_landing_directory_may_be_a_link(root: Path, tmp_path: Path) -> None:
    touch(root / "posts" / "a.csv")
    link = tmp_path / "link"
    link.symlink_to(root)
    assert discover(link) == discover(root)


def test_there_must_be_a_landing_directory(tmp_path: Path) -> None:
    for path in (tmp_path / "none", touch(tmp_path / "file")):
        with pytest.raises(NotADirectoryError):
            discover(path)


def test_links_within_the_landing_directory_are_followed(root: Path) -> None:
    touch(root / "_store" / "v2" / "a.csv")
    (root / "posts" / "current").symlink_to("../_store/v2")
    (root / "posts" / "single.csv").symlink_to(root / "_store" / "v2" / "a.csv")
    (root / "creators").symlink_to("_store")
    inventory = discover(root)
    assert found(inventory) == ["creators/v2/a.csv", "posts/current/a.csv"]
    assert notes(inventory) == [("read_once", "posts/single.csv")]
    assert inventory.folders == {"creators", "posts"}


def test_a_link_out_of_the_landing_directory_is_refused(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "landing-2"  # begins with the same letters, but is another
    touch(outside / "a.csv")
    (root / "posts" / "file.csv").symlink_to(outside / "a.csv")
    (root / "posts" / "folder").symlink_to(outside)
    (root / "posts" / "up").symlink_to("../..")
    (root / "payees").symlink_to(outside)
    # two steps: in, then out
    (root / "_step").symlink_to(outside)
    (root / "posts" / "steps").symlink_to("../_step")
    inventory = discover(root)
    assert refused(inventory) == [
        (name, "OUTSIDE_LANDING")
        for name in ("payees", "posts/file.csv", "posts/folder", "posts/steps", "posts/up")
    ]
    assert found(inventory) == []
    assert inventory.folders == {"posts"}


def test_links_that_run_in_circles_end(root: Path) -> None:
    touch(root / "posts" / "sub" / "a.csv")
    (root / "posts" / "sub" / "self").symlink_to(".")
    (root / "posts" / "sub" / "up").symlink_to("..")
    (root / "posts" / "loop.csv").symlink_to("loop.csv")
    inventory = discover(root)
    assert found(inventory) == ["posts/sub/a.csv"]
    assert refused(inventory) == [("posts/loop.csv", "UNREADABLE")]
    assert notes(inventory) == [("read_once", "posts/sub/self"), ("read_once", "posts/sub/up")]


def test_a_dataset_that_is_a_link_to_itself_or_to_all(root: Path) -> None:
    (root / "deals").symlink_to("deals")
    (root / "payees").symlink_to(".")
    touch(root / "posts" / "a.csv")
    inventory = discover(root)
    assert refused(inventory) == [("deals", "UNREADABLE"), ("payees/deals", "UNREADABLE")]
    assert found(inventory) == ["payees/posts/a.csv", "posts/a.csv"]
    assert inventory.folders == {"payees", "posts"}


def test_a_file_goes_by_its_plain_name_before_that_of_a_link(root: Path) -> None:
    touch(root / "posts" / "z" / "a.csv")
    (root / "posts" / "a.csv").symlink_to("z/a.csv")
    (root / "posts" / "b").symlink_to("z")
    inventory = discover(root)
    assert found(inventory) == ["posts/z/a.csv"]
    assert notes(inventory) == [("read_once", "posts/a.csv"), ("read_once", "posts/b")]


def test_two_datasets_may_share_a_file(root: Path) -> None:
    touch(root / "posts" / "a.csv")
    (root / "creators").symlink_to("posts")
    assert found(discover(root)) == ["creators/a.csv", "posts/a.csv"]


def test_links_that_lead_nowhere(root: Path) -> None:
    (root / "posts" / "a.csv").symlink_to("gone.csv")
    (root / "deals").symlink_to("gone")
    inventory = discover(root)
    assert refused(inventory) == [("deals", "UNREADABLE"), ("posts/a.csv", "UNREADABLE")]
    assert inventory.folders == {"posts"}


def test_pipes_sockets_and_devices_are_refused_without_opening_them(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(root / "posts" / "pipe.csv")
    (root / "posts" / "null.csv").symlink_to("/dev/null")
    os.mkfifo(root / "creators")
    monkeypatch.chdir(root / "posts")  # the address of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jsonl")
        inventory = discover(root)
    assert refused(inventory) == [
        ("posts/null.csv", "OUTSIDE_LANDING"),
        ("posts/pipe.csv", "UNREADABLE"),
        ("posts/socket.jsonl", "UNREADABLE"),
    ]
    assert notes(inventory) == [("beside_datasets", "creators")]


def test_a_folder_that_cannot_be_listed_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(root / "posts" / "closed" / "a.csv")
    touch(root / "posts" / "open" / "a.csv")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    inventory = discover(root)
    assert refused(inventory) == [("posts/closed", "UNREADABLE")]
    assert found(inventory) == ["posts/open/a.csv"]


def test_names_are_made_safe_to_show_and_stay_apart(root: Path) -> None:
    names = [
        b"\xff.csv",
        b"\\xff.csv",
        "\u202e.csv".encode(),
        b"a\nb.csv",
        b"\x1b[2J.csv",
        "é 🎬.csv".encode(),
    ]
    for name in names:
        (root / "posts" / os.fsdecode(name)).touch()
    assert set(found(discover(root))) == {
        "posts/\\xff.csv",
        "posts/\\\\xff.csv",
        "posts/\\u202e.csv",
        "posts/a\\u000ab.csv",
        "posts/\\u001b[2J.csv",
        "posts/é 🎬.csv",
    }


def test_entries_are_in_the_order_of_their_bytes(root: Path) -> None:
    for name in ("b.csv", "B.csv", "a/z.csv", "a-.csv", "a.txt", "é.csv", "z.csv"):
        touch(root / "posts" / name)
    names = [entry.name for entry in discover(root).entries]
    assert names == [f"posts/{name}" for name in
                     ("B.csv", "a-.csv", "a.txt", "a/z.csv", "b.csv", "z.csv", "é.csv")]  # fmt: skip


# Files of a table, which are not the table

TABLE_LOGS = ["_delta_log/00000.json", ".hoodie/hoodie.properties", "metadata/v1.metadata.json"]


@pytest.mark.parametrize("log", TABLE_LOGS)
@pytest.mark.parametrize("table", ["posts", "posts/daily", "posts/a/b"])
def test_each_file_in_or_below_the_folder_of_a_table_is_refused(
    root: Path, table: str, log: str
) -> None:
    touch(root / table / log)
    for name in ("a.parquet", "d=1/e=2/b.parquet", "c.txt", ".d.csv", "_e.csv"):
        touch(root / table / name, "123")
    touch(root / "deals" / "beside.csv")
    inventory = discover(root)
    assert found(inventory) == ["deals/beside.csv"]
    names = sorted(f"{table}/{name}" for name in ("a.parquet", "d=1/e=2/b.parquet", "c.txt"))
    log_files = [f"{table}/{log}"] if log.startswith("metadata") else []
    assert refused(inventory) == [(name, "TABLE_FORMAT") for name in sorted(names + log_files)]
    details = {entry.detail for entry in inventory.entries if isinstance(entry, RefusedEntry)}
    assert all(f"{table}/{log.split('/')[0]}" in detail for detail in details)


@pytest.mark.parametrize(
    "name",
    [
        "metadata/v1.metadata.jsonl",
        "metadata.json",
        "v1.metadata.json",
        "metadata/x/v1.metadata.json",
        "delta_log/0.json",
        "hoodie/x",
    ],
)
def test_what_only_looks_like_the_log_of_a_table_refuses_nothing_else(
    root: Path, name: str
) -> None:
    touch(root / "posts" / name)
    touch(root / "posts" / "a.csv")
    inventory = discover(root)
    assert "posts/a.csv" in found(inventory)
    assert "TABLE_FORMAT" not in dict(refused(inventory)).values()


def test_folders_beside_and_above_a_table_are_read(root: Path) -> None:
    touch(root / "posts" / "table" / "_delta_log" / "0.json")
    touch(root / "posts" / "table" / "a.parquet")
    touch(root / "posts" / "above.csv")
    touch(root / "posts" / "tabled" / "beside.csv")
    inventory = discover(root)
    assert found(inventory) == ["posts/above.csv", "posts/tabled/beside.csv"]
    assert refused(inventory) == [("posts/table/a.parquet", "TABLE_FORMAT")]


def test_a_landing_directory_that_is_a_table_is_refused_as_a_whole(root: Path) -> None:
    touch(root / "_delta_log" / "0.json")
    touch(root / "posts" / "a.csv")
    assert refused(discover(root)) == [("posts/a.csv", "TABLE_FORMAT")]


def test_links_make_no_table_plain_files(root: Path) -> None:
    """Neither a link into a table, nor one that stands in its folder."""
    table = root / "_lake" / "table"
    touch(table / "_delta_log" / "0.json")
    touch(table / "data" / "a.parquet")
    (root / "posts" / "into").symlink_to(table / "data")
    (root / "posts" / "one.parquet").symlink_to(table / "data" / "a.parquet")
    touch(root / "deals" / ".hoodie" / "x")
    touch(root / "_plain" / "sub" / "b.csv")
    (root / "deals" / "out").symlink_to(root / "_plain")
    assert refused(discover(root)) == [
        ("deals/out/sub/b.csv", "TABLE_FORMAT"),
        ("posts/into/a.parquet", "TABLE_FORMAT"),
        ("posts/one.parquet", "TABLE_FORMAT"),
    ]


def test_a_table_far_down_is_found(root: Path) -> None:
    """Deeper than Python would call itself."""
    folder = root / "posts"
    for _ in range(1500):
        folder /= "d"
        folder.mkdir()
    touch(folder / "_delta_log" / "0.json")
    touch(folder / "a.csv")
    try:
        ((_, reason),) = refused(discover(root))
    finally:  # pytest could not: it does call itself
        subprocess.run(["rm", "-rf", root / "posts"], check=True)
    assert reason == "TABLE_FORMAT"
