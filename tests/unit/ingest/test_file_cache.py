"""What runs keep: entries whole or not there, damaged ones found, and bounded."""

import os
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from orchestration.ingest.file_cache import FileCache

FACTS = {"rows": 3}


def write(folder: Path) -> Collection[str]:
    (folder / "rows.parquet").write_bytes(b"0123456789" * 100)
    return ["rows"]


class Place:
    """A cache, and runs that use it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "cache" / "landing"
        self.told: list[str] = []
        self._above = folder
        self._runs = 0

    def run(self, code: str = "code", most_bytes: int = 10**6, *, anew: bool = False) -> FileCache:
        self._runs += 1
        scratch = self._above / f"scratch-{self._runs}"
        scratch.mkdir()
        return FileCache(self.folder, code, scratch, self.told.append, most_bytes, anew)

    @property
    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_another_run_finds_what_one_has_kept(place: Place) -> None:
    one, two = place.run(), place.run()
    key = one.key("file", "abc")
    assert two.take(key) is None
    one.put(key, FACTS, write)
    entry = two.take(two.key("file", "abc"))
    assert entry is not None
    assert entry.facts == FACTS
    assert entry.parts["rows"].read_bytes() == b"0123456789" * 100
    assert place.told == []


def test_other_code_finds_nothing(place: Place) -> None:
    one, other = place.run(), place.run(code="other")
    one.put(one.key("abc"), FACTS, write)
    assert other.take(other.key("abc")) is None
    assert one.take(one.key("abc")) is not None


def test_keys_cannot_imitate_each_other(place: Place) -> None:
    run = place.run()
    assert run.key("a", "b") != run.key("a b") != run.key('a", "b')


def test_the_first_of_two_that_keep_the_same_stays(place: Place) -> None:
    one, two = place.run(), place.run()
    one.put("key", FACTS, write)
    two.put("key", {"rows": 4}, write)
    entry = place.run().take("key")
    assert entry is not None
    assert entry.facts == FACTS
    assert place.names == {"key"}
    assert place.told == []


def test_what_was_taken_outlives_its_entry(place: Place) -> None:
    run = place.run()
    run.put("key", FACTS, write)
    entry = run.take("key")
    place.run(most_bytes=0).sweep()
    assert place.names == set()
    assert entry is not None
    assert entry.parts["rows"].read_bytes() == b"0123456789" * 100


def _without_part(entry: Path) -> None:
    (entry / "rows.parquet").unlink()


def _without_facts(entry: Path) -> None:
    (entry / "entry.json").unlink()


def _cut(entry: Path) -> None:
    os.truncate(entry / "rows.parquet", 999)


def _other_facts(entry: Path) -> None:
    path = entry / "entry.json"
    path.write_text(path.read_text().replace("3", "4", 1))


def _no_object(entry: Path) -> None:
    (entry / "entry.json").write_text("[]")


def _no_json(entry: Path) -> None:
    (entry / "entry.json").write_bytes(b"\xff{")


@pytest.mark.parametrize(
    "damage",
    [_without_part, _without_facts, _cut, _other_facts, _no_object, _no_json],
    ids=lambda damage: damage.__name__.strip("_"),
)
def test_a_damaged_entry_is_told_and_dropped(place: Place, damage: Callable[[Path], None]) -> None:
    run = place.run()
    run.put("key", FACTS, write)
    damage(place.folder / "key")
    assert run.take("key") is None
    assert place.told == [f"{place.folder / 'key'} is damaged; it is made anew"]
    assert place.names == set()
    run.put("key", FACTS, write)
    assert run.take("key") is not None


def test_the_one_used_longest_ago_goes_first(place: Place) -> None:
    run = place.run()
    for second, key in enumerate(("a", "b", "c")):
        run.put(key, FACTS, write)
        os.utime(place.folder / key, (second, second))
    assert run.take("a") is not None
    size = sum(file.stat().st_size for file in (place.folder / "a").iterdir())
    place.run(most_bytes=2 * size).sweep()
    assert place.names == {"a", "c"}
    place.run(most_bytes=2 * size - 1).sweep()
    assert place.names == {"a"}


def test_what_a_run_that_died_has_begun_goes_after_a_day(place: Place) -> None:
    run = place.run()
    run.put("key", FACTS, write)
    for name, age in ((".new-young", 23), (".new-old", 25), (".gone-old", 25)):
        (place.folder / name).mkdir()
        (place.folder / name / "rows.parquet").write_bytes(b"1")
        begun = (place.folder / "key").stat().st_mtime - age * 3600
        os.utime(place.folder / name, (begun, begun))
    run.sweep()
    assert place.names == {"key", ".new-young"}


def test_a_cache_that_cannot_be_written_fails_nothing(place: Place) -> None:
    place.folder.parent.write_text("in its place")
    run = place.run()
    run.put("key", FACTS, write)
    assert run.take("key") is None
    run.sweep()
    assert place.told == [f"{place.folder} cannot be written: Not a directory; nothing is kept"]


def test_anew_what_an_earlier_run_has_kept_is_dropped(place: Place) -> None:
    place.run().put("key", FACTS, write)
    anew = place.run(anew=True)
    assert anew.take("key") is None
    anew.put("key", {"rows": 4}, write)
    for run in (anew, place.run()):
        entry = run.take("key")
        assert entry is not None
        assert entry.facts == {"rows": 4}
    assert place.told == []
