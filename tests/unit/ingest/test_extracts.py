"""Extracts of snapshot files: what the rules ask of the rows they leave is what they ask of all rows (§3).

The rules are told here over plain rows, one snapshot at a time.
"""

import random
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from orchestration.foundations.cursors import scratch_database
from orchestration.ingest import extracts, file_cache
from orchestration.ingest.discovery import discover
from orchestration.ingest.fingerprint import hash_landing
from orchestration.ingest.landing import Kept, ingest_landing
from orchestration.ingest.parquet_loader import Probe, distrusting_statistics
from orchestration.ingest.text_loader import TextLoader
from tests.contract import COUNTS
from tests.keeping import everything_is_kept
from tests.unit.ingest.conftest import CLOSES_AT

FIRST, LAST = datetime(2024, 4, 1), datetime(2024, 4, 11)
FIGURES = ("known_snapshots", "unknown_posts", "early_posts")

Row = dict[str, Any]


class World:
    """A landing directory, and a cache that runs share."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.landing = folder, folder / "landing"
        self.told: list[str] = []
        self.runs = 0
        self.open = ExitStack()
        for name in ("posts", "post_metrics"):
            (self.landing / name).mkdir(parents=True)

    def land(self, name: str, rows: list[Row]) -> None:
        """Lands snapshots, or posts, as the file of that name."""
        table = pa.Table.from_pylist(rows)
        path = self.landing / name
        if path.suffix == ".parquet":
            pa.parquet.write_table(table, path)
            return
        lines = [",".join(table.column_names)]
        for row in table.to_pylist():
            values = (f"{v.isoformat()}Z" if isinstance(v, datetime) else v for v in row.values())
            lines.append(",".join("" if v is None else str(v) for v in values))
        path.write_text("\n".join(lines) + "\n")

    def publish(self, posts: dict[str, datetime]) -> None:
        """Lands posts, by when they were published."""
        flags = dict.fromkeys(
            ("is_branded_content", "is_collab", "has_watermark", "is_original"), False
        )
        rows = [
            {"post_id": post, "creator_id": "c", "content_type": "reel", "published_at": at}
            | flags
            | {"updated_at": datetime(2024, 1, 1)}
            for post, at in posts.items()
        ]
        self.land("posts/all.parquet", rows)

    def ingest(self, *, keeps: bool = True, program: str = "ours") -> duckdb.DuckDBPyConnection:
        """A run's tables; with or without what runs have kept."""
        self.runs += 1
        scratch, links = (self.folder / f"{name}-{self.runs}" for name in ("scratch", "links"))
        scratch.mkdir()
        inventory = discover(self.landing)
        contents = hash_landing(inventory).contents
        cache = file_cache.FileCache(self.folder / "cache", "code", scratch, self.told.append)
        connection = self.open.enter_context(scratch_database())
        ingest_landing(
            connection,
            inventory,
            program=program,
            currency_decimals=2,
            closes_at=CLOSES_AT,
            scratch=scratch,
            links=links,
            kept=Kept(cache, contents, (FIRST, LAST)) if keeps else None,  # type: ignore[arg-type]
        )
        return connection


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Everything is kept: however small and new a file is, and however little an extract saves.

    Post p is of the period, since it was published in it; what was seen of it before is an odd clock.
    """
    with everything_is_kept(), patch.object(extracts, "_month", lambda at: f"{at:%Y-%m}"):
        world = World(tmp_path)
        world.publish({"p": FIRST})
        with world.open:
            yield world


def rows_of(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    with distrusting_statistics(connection):
        return connection.sql("from raw_post_metrics").to_arrow_table().to_pylist()


def figures(connection: duckdb.DuckDBPyConnection) -> list[Any]:
    """What the ingest gate judges snapshots by."""
    return [connection.execute(f"from {name} order by all").fetchall() for name in FIGURES]


def answers(rows: list[Row]) -> dict[Any, Any]:
    """What §2, §3 and §8 ask of the snapshots of a post, before, between and behind the boundaries.

    Of each count the last and the first snapshot to report it, with all that its last delivery says, and
    the greatest; and the first and the last snapshot of all.
    """
    snapshots: dict[Any, dict[datetime, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        at = row["observed_at"]
        # Between the boundaries each instant is an interval of its own.
        interval = "before" if at < FIRST else "behind" if at > LAST else str(at)
        snapshots[row["post_id"], interval][at].append(row)
    found: dict[Any, Any] = {}
    for key, by_instant in snapshots.items():
        last: dict[datetime, set[Any]] = {}
        for at, deliveries in by_instant.items():
            newest = max(row["delivered_at"] for row in deliveries)
            last[at] = {
                (*(row[count] for count in COUNTS), row["ineligible_views"])
                for row in deliveries
                if row["delivered_at"] == newest
            }
        found[key, "span"] = min(last), max(last)
        for number, count in enumerate(COUNTS):
            reporting = [at for at in last if any(row[number] is not None for row in last[at])]
            if reporting:
                ends = min(reporting), max(reporting)
                # Where a last delivery disagrees with itself, the gate blocks what it decides.
                sure = [last[at] for at in reporting if len(last[at]) == 1]
                greatest = max((row[number] for rows in sure for row in rows), default=None)
                found[key, count] = [(at, last[at]) for at in ends], greatest
    return found


def drawn(dice: random.Random) -> dict[str, list[Row]]:
    """Snapshots of some posts by file; each file has those of some days, and some of any day."""
    files: dict[str, list[Row]] = defaultdict(list)
    for number in range(12):
        counts = dict.fromkeys(COUNTS, 0)
        falls, hides = dice.choice([0, 0, 0, 2]), dice.choice([0, 0, 0, 0.3])
        for hour in range(0, 24 * 40, dice.choice([12, 24])):
            at = datetime(2024, 3, 10) + timedelta(hours=hour)
            for count in COUNTS:
                counts[count] = max(0, counts[count] + dice.choice([0, 1, 5, -falls]))
            lag = dice.choice([0, 0, 0, 0, 30])
            row = {"post_id": f"p{number}", "observed_at": at, "ineligible_views": 0} | {
                count: value if count == "views" or dice.random() >= hides else None
                for count, value in counts.items()
            }
            row["delivered_at"] = at + timedelta(hours=lag)
            file = hour // (24 * 4)
            files[f"{file}.{'csv' if file % 3 else 'parquet'}"].append(row)
            for _ in range(dice.choice([0] * 20 + [1, 2])):
                again = row | {"views": counts["views"] + dice.choice([-1, 0, 1, 1]) % 1000}
                again["delivered_at"] = at + timedelta(hours=dice.choice([lag, 31, 50]))
                files[f"{dice.choice([file, file, file + 1])}.parquet"].append(again)
    return files


@pytest.mark.parametrize("seed", range(3))
def test_what_is_asked_of_an_extract_is_what_is_asked_of_all_rows(world: World, seed: int) -> None:
    dice = random.Random(seed)
    world.publish({f"p{number}": datetime(2024, 3, dice.randint(1, 31)) for number in range(10)})
    for name, rows in drawn(dice).items():
        world.land(f"post_metrics/{name}", rows)
    whole = world.ingest(keeps=False)
    with patch.object(extracts, "_month", lambda at: str(at.toordinal() // dice.choice([4, 4, 9]))):
        cold, warm = world.ingest(), world.ingest()
    for found in (cold, warm):
        assert answers(rows_of(found)) == answers(rows_of(whole))
        assert figures(found) == figures(whole)
        taken, stands_for = found.execute(
            "select (select count(*) from extracted_post_metrics),"
            " (select sum(snapshots) from extracted_posts)"
        ).fetchall()[0]
        assert 0 < taken < stands_for
        assert found.execute("select count(*) from copied_post_metrics").fetchall()[0][0] > 0
    assert world.told == []


def snapshot(day: int, views: int = 5, **values: Any) -> Row:
    at = datetime(2024, 3, day)
    zeros = dict.fromkeys((*COUNTS[1:], "ineligible_views"), 0)
    return {"post_id": "p", "observed_at": at, "delivered_at": at, "views": views} | zeros | values


GROWING = [snapshot(day, views=day) for day in range(1, 9)]


def days_left(connection: duckdb.DuckDBPyConnection) -> list[int]:
    return sorted(row["observed_at"].day for row in rows_of(connection))


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        (GROWING, [1, 8]),
        (GROWING[:1], [1]),
        ([*GROWING, snapshot(4, views=7)], [1, 8]),  # replaced or not, it decides nothing
        ([*GROWING[:-1], snapshot(8, views=6)], [1, 2, 3, 4, 5, 6, 7, 8]),  # it fell
        ([*GROWING[:-1], snapshot(8, views=8, likes=None)], [1, 2, 3, 4, 5, 6, 7, 8]),
        ([snapshot(1, views=1, shares=None), *GROWING[1:]], [1, 2, 3, 4, 5, 6, 7, 8]),
        ([row | {"shares": None} for row in GROWING], [1, 8]),  # none reports it
        ([row | {"ineligible_views": 1 - row["views"] // 8} for row in GROWING], [1, 8]),
        ([*GROWING, snapshot(8, views=9)], [1, 2, 3, 4, 5, 6, 7, 8, 8]),  # the last one comes twice
        ([*GROWING, snapshot(1, views=0)], [1, 1, 2, 3, 4, 5, 6, 7, 8]),
    ],
    ids=[
        "growing",
        "one",
        "twice",
        "fell",
        "last lacks",
        "first lacks",
        "none",
        "ineligible",
        "last",
        "first",
    ],
)
def test_an_extract_has_the_first_and_the_last_where_they_say_all(
    world: World, rows: list[Row], left: list[int]
) -> None:
    world.land("post_metrics/a.parquet", rows)
    assert days_left(world.ingest()) == days_left(world.ingest()) == left


@pytest.mark.parametrize(
    ("other", "is_contested", "where", "suffix"),
    [
        (snapshot(9), False, "another group", "parquet"),
        (snapshot(8), True, "another group", "csv"),
        (snapshot(5), True, "another group", "parquet"),
        (snapshot(5), True, "a file that is cut", "csv"),
        (snapshot(8), True, "a file that is cut", "parquet"),
        (snapshot(5, post_id="q"), False, "a file that is cut", "parquet"),
    ],
    ids=["after", "the last", "between", "cut, between", "cut, the last", "another post"],
)
def test_where_another_file_has_a_snapshot_between_all_rows_are_taken(
    world: World, other: Row, is_contested: bool, suffix: str, where: str
) -> None:
    world.land(f"post_metrics/a.{suffix}", GROWING)
    inside = snapshot(1) | {"post_id": "r", "observed_at": datetime(2024, 4, 5)}
    world.land("post_metrics/b.parquet", [other] if where == "another group" else [other, inside])
    with patch.object(extracts, "_month", str):
        whole = sorted(row["views"] for row in rows_of(world.ingest(keeps=False)))
        for _ in range(2):
            found = sorted(row["views"] for row in rows_of(world.ingest()))
            assert (found == whole) == is_contested


def test_a_file_that_a_boundary_touches_is_read_whole(world: World) -> None:
    """A snapshot at the first boundary is counted at it; one at the last boundary, too."""
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    for begins, is_whole in (
        (FIRST - 2 * hour - minute, False),
        (FIRST - 2 * hour, True),
        (LAST, True),
        (LAST + minute, False),
    ):
        rows = [snapshot(1, observed_at=begins + n * hour, views=n) for n in range(3)]
        world.land("post_metrics/a.parquet", rows)
        assert len(rows_of(world.ingest())) == (3 if is_whole else 2), begins


def test_of_a_post_that_is_surely_none_of_the_period_no_row_is_taken(world: World) -> None:
    """§4 speaks of those published in it, by any of their rows, or seen in it. §8: conflicts of all count."""
    again = snapshot(8, views=9)
    seen = {
        "older": GROWING,
        "in the period": GROWING,
        "of no known post": GROWING,
        "seen in it": [*GROWING, snapshot(1, observed_at=FIRST)],
        "came twice": [*GROWING, again, again | {"likes": 1}],
        "seen behind": [snapshot(1, observed_at=LAST + timedelta(days=1))],
        "seen behind and published at its end": [snapshot(1, observed_at=LAST + timedelta(days=1))],
    }
    before, after = datetime(2024, 3, 1), LAST + timedelta(hours=1)
    world.publish(
        {
            "older": before,
            "in the period": FIRST,
            "seen in it": before,
            "came twice": before,
            "seen behind": after,
            "seen behind and published at its end": LAST,
        }
    )
    for name, begins, ends in (
        ("a.parquet", before, FIRST),
        ("b.csv", FIRST, LAST),
        ("c.parquet", LAST, datetime.max),
    ):
        rows = [
            row | {"post_id": post}
            for post, rows in seen.items()
            for row in rows
            if begins <= row["observed_at"] < ends
        ]
        world.land(f"post_metrics/{name}", rows)
    whole = world.ingest(keeps=False)
    for _ in range(2):
        found = world.ingest()
        assert figures(found) == figures(whole)
        left = {post: sum(row["post_id"] == post for row in rows_of(found)) for post in seen}
        assert left == {
            "older": 0,
            "in the period": 2,
            "of no known post": 0,
            "seen in it": 3,
            "came twice": 10,
            "seen behind": 0,
            "seen behind and published at its end": 1,
        }


def test_a_post_whose_rows_are_all_taken_somewhere_is_taken_everywhere(world: World) -> None:
    """A later row decides whether a conflict among the earlier ones is of the last snapshot."""
    world.publish({"p": datetime(2024, 3, 1)})
    world.land("post_metrics/a.parquet", GROWING[:4])
    world.land("post_metrics/b.parquet", [snapshot(3, views=4)])
    world.land("post_metrics/c.parquet", GROWING[4:])
    with patch.object(extracts, "_month", str):
        for _ in range(2):
            assert days_left(world.ingest()) == [1, 2, 3, 3, 4, 5, 8]


def test_no_extract_is_taken_where_a_source_has_deleted_rows(world: World) -> None:
    """They may take any row of any file with them (§2)."""
    world.land("post_metrics/a.parquet", GROWING)
    world.land("post_metrics/b.parquet", [snapshot(5, views=5, _fivetran_deleted=True)])
    for _ in range(2):
        assert days_left(world.ingest()) == [1, 2, 3, 4, 6, 7, 8]


@pytest.mark.parametrize(
    ("published", "early"),
    [(1, 0), (2, 1), (8, 7), (9, 8)],
    ids=["at the first", "after one", "at the last", "after all"],
)
def test_what_was_observed_before_publication_is_counted(
    world: World, published: int, early: int
) -> None:
    """§8, ingest. Also where the post's row is another one than when the extract was made."""
    world.land("post_metrics/a.parquet", GROWING)
    for day in (5, published):
        world.publish({"p": datetime(2024, 3, day)})
        found = world.ingest()
    assert found.execute("from known_snapshots").fetchall() == [(8, early)]
    assert figures(found) == figures(world.ingest(keeps=False))


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_what_is_damaged_is_found_and_made_anew(world: World, suffix: str) -> None:
    world.land(f"post_metrics/a.{suffix}", GROWING)
    assert days_left(world.ingest()) == [1, 8]
    files = sorted((world.folder / "cache").rglob("*.*"))
    assert {file.name for file in files} == {"entry.json", "rows.parquet", "posts.parquet"}
    for file in files:
        file.write_bytes(_flipped(file.read_bytes()))
        assert days_left(world.ingest()) == [1, 8]
    assert ["damaged" in line for line in world.told] == [True] * len(files)
    for file, line in zip(files, world.told, strict=True):
        assert file.parent.name in line
    world.ingest()
    assert len(world.told) == len(files)


def test_what_is_gone_is_made_anew_and_nothing_is_said(world: World) -> None:
    world.land("post_metrics/a.csv", GROWING)
    world.ingest()
    for entry in (world.folder / "cache").iterdir():
        shutil.rmtree(entry)
        assert days_left(world.ingest()) == [1, 8]
    assert world.told == []


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_what_is_known_is_not_read(world: World, suffix: str) -> None:
    world.land(f"post_metrics/a.{suffix}", GROWING)
    world.ingest()
    not_asked = {"side_effect": AssertionError}
    with (
        patch.object(Probe, "counts", **not_asked),
        patch.object(TextLoader, "load", **not_asked),
        patch.object(extracts.Extracts, "_make", **not_asked),
    ):
        assert days_left(world.ingest()) == [1, 8]
