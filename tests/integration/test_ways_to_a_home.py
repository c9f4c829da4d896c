"""A home is one, whatever leads to it: no way there makes a run delete what is published."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.incidents.landing import Books, World, key, three_months


def _by_a_folder_beside(home: Path, folder: Path) -> Path:
    (folder / "work").mkdir()
    return folder / "work" / ".." / home.relative_to(folder)


def _link(name: str, deeper: bool = False) -> Callable[[Path, Path], Path]:
    def made(home: Path, folder: Path) -> Path:
        link = folder / ("deep/er" if deeper else ".") / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(home)
        return link

    return made


def _link_of_the_folder_above(home: Path, folder: Path) -> Path:
    (folder / "z").symlink_to(home.parent)
    return folder / "z" / home.name


def _filled(folder: Path) -> World:
    return three_months(folder, "ann", views=(10_000, 10_000, 10_000))


@pytest.fixture(scope="module")
def closed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which three months were run, the last one twice, and the first is closed."""
    books = Books(_filled(tmp_path_factory.mktemp("closed")))
    books.run(1)
    books.run(2)
    books.close(1)
    for _ in range(2):
        books.run(3)
    return books.home


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(lambda home, _: home, id="by its name"),
        pytest.param(_by_a_folder_beside, id="by .."),
        pytest.param(_link("a"), id="by a link that sorts before it"),
        pytest.param(_link("z"), id="by a link that sorts after it"),
        pytest.param(_link("a", deeper=True), id="by a deeper link that sorts before it"),
        pytest.param(_link("z", deeper=True), id="by a deeper link that sorts after it"),
        pytest.param(_link_of_the_folder_above, id="by a link of the folder above"),
    ],
)
def test_a_run_deletes_nothing_of_what_is_published(
    way: Callable[[Path, Path], Path], closed_once: Path, tmp_path: Path
) -> None:
    world = _filled(tmp_path)
    shutil.copytree(closed_once, tmp_path / "homes" / "home", symlinks=True)
    books = Books(world, "homes/home")
    closed = books.plain.files(key(1))

    elsewhere = Books(world, str(way(books.home, tmp_path)))
    elsewhere.run(3)  # the third run deletes what the first has published
    elsewhere.run(1)  # a restatement
    elsewhere.close(2)
    for seen in (books, elsewhere):
        assert sorted(seen.plain.published) == [key(1), key(2), key(3)]
        assert seen.plain.files(key(1)) == closed
        assert seen.plain.differences == []
        assert seen.earned(2) == {"ann": 10_00}
