"""What a publish sweeps away, and what nothing deletes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestration.publishing.store import RUN_FILE, SEAL_FILE, Store


def _publish(store: Store, *periods: str) -> None:
    folders = {period: store.new_version(period) for period in periods}
    for folder in folders.values():
        (folder / RUN_FILE).write_text("{}")
    store.switch(folders, {})


def _versions(home: Path) -> list[str]:
    return sorted(
        str(path.relative_to(home / "store/program=p")) for path in home.glob("store/*/*/*")
    )


def test_the_generation_before_and_what_it_links_stays(tmp_path: Path) -> None:
    store = Store(tmp_path, "p")
    for _ in range(3):
        _publish(store, "may")
    (tmp_path / "store/program=p/period=june/00000009").mkdir(
        parents=True
    )  # died before its switch
    _publish(store, "june")
    assert _versions(tmp_path) == ["period=june/00000004", "period=may/00000003"]
    _publish(store, "may")
    assert _versions(tmp_path) == [
        "period=june/00000004",
        "period=may/00000003",
        "period=may/00000005",
    ]
    generations = sorted(os.listdir(tmp_path / "generations/program=p"))
    assert generations == ["00000004", "00000005", "current"]


def test_a_closed_version_is_deleted_by_nothing(tmp_path: Path) -> None:
    """Not even where what is published was lost: it is all that is left of the books."""
    store = Store(tmp_path, "p")
    _publish(store, "may", "june")
    store.seal(store.published()["may"], b"line")
    (tmp_path / "generations/program=p/current").unlink()
    with pytest.raises(FileExistsError, match="it was closed"):
        _publish(store, "may")
    for _ in range(3):
        _publish(store, "july")
    assert (tmp_path / "store/program=p/period=may/00000001" / SEAL_FILE).read_bytes() == b"line"


def test_a_version_of_another_home_is_not_published(tmp_path: Path) -> None:
    own, other = Store(tmp_path / "own", "p"), Store(tmp_path / "other", "p")
    _publish(own, "may")
    folder = other.new_version("june")
    (folder / RUN_FILE).write_text("{}")
    with pytest.raises(OSError, match="no version of this home"):
        own.switch({"june": folder}, {})
    assert list(own.published()) == ["may"]
