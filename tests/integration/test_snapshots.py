"""§3 over hostile snapshots: the one pass of the models against the rules, told one snapshot at a time.

Redelivered, withdrawn and conflicting snapshots, hidden counts, posts older than the window, windows
of several segments, landed as Parquet in place and as CSV.
"""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expectations.suite import GateResult
from expectations.suites import SUITES
from orchestration.pipeline.building import build
from orchestration.pipeline.gating import check
from orchestration.pipeline.home import Home
from orchestration.pipeline.ingesting import ingest
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.refusals import Refused
from tests.contract import COUNTS, SCORED_COUNTS
from tests.proof.product import CompiledModels, models_of_stages

PERIOD = "2024-04"
W_START, W_END, CUT = datetime(2024, 4, 1), datetime(2024, 5, 1), datetime(2024, 4, 16)

PROGRAM = """
program: p
currency: USD
markets: {GB: {timezone: UTC}}
periods:
  - {key: 2024-04, starts_on: 2024-04-01, ends_on: 2024-04-30, closes_on: 2024-05-03,
     fx_on: 2024-05-03, pays_on: 2024-05-21}
terms:
"""
VERSION = """
  - version: %d
    effective_from: %s
    eligibility: {account_types: [creator], markets: [GB], content_types: [reel], counts_posts: any}
    weights: {reel: {views: 1, likes: 2, comments: 5, shares: 8}}
    audience_value: {countries: {GB: 1}, other: 1}
    payout: {method: rate, rates: {GB: [{rate: 1}]}}
"""
END = """
withholding: [{tax_residence: '*', tax_form: '*', brackets: [{rate: 0}]}]
"""

Row = dict[str, Any]


def _rows(seed: int) -> tuple[list[Row], list[Row]]:
    """Posts, and their snapshots in all the ways in which they can come."""
    dice = random.Random(seed)
    posts, metrics = [], []
    for number in range(120):
        post = f"p{number:03}"
        published = dice.choice([datetime(2024, 3, 1), W_START, datetime(2024, 4, 10)])
        posts.append({"post_id": post, "published_at": published})
        begins = dice.choice([datetime(2024, 3, 20), W_START - timedelta(hours=1), W_START, CUT])
        hides = dice.choice([0.0, 0.0, 0.3, 0.9])
        for step in range(dice.randint(0, 8)):
            observed = begins + timedelta(hours=dice.choice([1, 5, 24, 60]) * step)
            for _ in range(dice.choice([1, 1, 1, 2, 3])):
                lag = dice.choice([0, 0, 2, 30])
                row = {
                    "post_id": post,
                    "observed_at": observed,
                    "views": dice.randint(10, 14),
                    "ineligible_views": dice.randint(0, 2),
                    "delivered_at": observed + timedelta(hours=lag),
                }
                for count in COUNTS[1:]:
                    row[count] = None if dice.random() < hides else dice.randint(0, 3)
                metrics.append(row)
    # Some come twice with the same cells: that is no conflict.
    return posts, metrics + random.Random(f"again {seed}").sample(metrics, 60)


def _deliveries(metrics: list[Row]) -> dict[str, dict[datetime, list[Row]]]:
    """By post and instant, the different rows of the last delivery."""
    last: dict[str, dict[datetime, list[Row]]] = defaultdict(dict)
    for row in metrics:
        rows = last[row["post_id"]].setdefault(row["observed_at"], [])
        if rows and row["delivered_at"] > rows[0]["delivered_at"]:
            rows.clear()
        if not rows or (row["delivered_at"] == rows[0]["delivered_at"] and row not in rows):
            rows.append(row)
    return last


def _deciding(snapshots: dict[datetime, list[Row]], count: str, at: datetime, older: bool) -> Any:
    """The instant of the snapshot that decides the value of a count at an instant; None if it is 0."""
    reporting = sorted(
        instant
        for instant, rows in snapshots.items()
        if any(row[count] is not None for row in rows)
    )
    by_then = [instant for instant in reporting if instant <= at]
    if by_then:
        return by_then[-1]
    return reporting[0] if older and reporting else None


def _land(folder: Path, posts: list[Row], metrics: list[Row], cuts: bool, suffix: str) -> None:
    text = (
        PROGRAM + VERSION % (1, "2024-04-01") + (VERSION % (2, "2024-04-16") if cuts else "") + END
    )
    (folder / "program.yaml").write_text(text, encoding="utf-8")
    early = datetime(2024, 3, 1)
    datasets = {
        "creators": [
            {"creator_id": "c", "account_type": "creator", "market": "GB", "updated_at": early}
        ],
        "payees": [
            {
                "creator_id": "c",
                "payout_currency": "USD",
                "tax_residence": "GB",
                "status": "ready",
                "updated_at": early,
            }
        ],
        "deals": [
            {
                "deal_id": "d",
                "program": "p",
                "creator_id": "c",
                "invited_at": early,
                "activated_at": early,
                "ends_at": datetime(2025, 1, 1),
                "updated_at": early,
            }
        ],
        "posts": [
            post
            | {"creator_id": "c", "content_type": "reel", "updated_at": early}
            | dict.fromkeys(("is_branded_content", "is_collab", "has_watermark"), False)
            | {"is_original": True}
            for post in posts
        ],
        "post_metrics": metrics,
        "audience": [],
        "policy_events": [],
        "fx_rates": [],
    }
    for name, rows in datasets.items():
        (folder / "landing" / name).mkdir(parents=True)
        for half in (0, 1):
            part = rows[half::2]
            if not part:
                continue
            file = folder / "landing" / name / f"{half}.{suffix}"
            if suffix == "parquet":
                pq.write_table(pa.Table.from_pylist(part), file)
                continue
            with file.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, list(part[0]))
                writer.writeheader()
                writer.writerows({key: _text(value) for key, value in row.items()} for row in part)


def _text(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    return str(value).lower() if isinstance(value, bool) else value


def _run(folder: Path) -> PeriodRun:
    """Through ingest, staging and eligibility, whatever the gates would say."""
    home = Home(folder / "home")
    home.prepare()
    run = PeriodRun(
        home, "p", PERIOD, "run", "ada", gate=lambda suite, _: GateResult(suite),
        engine=CompiledModels(),
    )  # fmt: skip
    ingest(run, folder / "program.yaml", folder / "landing")
    for stage in ("staging", "eligibility"):
        check(run, "ingest" if stage == "staging" else "staging")
        build(run, stage)
    return run


@pytest.fixture(
    scope="module", params=[(1, False, "parquet"), (2, True, "parquet"), (3, True, "csv")]
)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Posts, their snapshots, whether there are two segments, and the tables, which are only read."""
    seed, cuts, suffix = request.param
    folder = tmp_path_factory.mktemp("snapshots")
    posts, metrics = _rows(seed)
    _land(folder, posts, metrics, cuts, suffix)
    run = _run(folder)
    with run.work.connect() as connection:
        yield posts, _deliveries(metrics), cuts, connection


def test_values_and_conflicts_are_those_of_the_rules(case: Any) -> None:
    """§3 "value", and §2 "the rows that decide a value", of every post at every boundary."""
    posts, snapshots, cuts, connection = case
    boundaries = [W_START, CUT, W_END] if cuts else [W_START, W_END]
    values, conflicts, unsure, without_row = {}, set(), set(), set()
    for post in posts:
        seen = snapshots[post["post_id"]]
        older = post["published_at"] < W_START
        if older and not any(W_START <= instant <= W_END for instant in seen):
            without_row.add(post["post_id"])
        for number, at in enumerate(boundaries):
            row = []
            for count in COUNTS:
                instant = _deciding(seen, count, at, older)
                rows = seen.get(instant, [])
                if len(rows) > 1:
                    conflicts.add((post["post_id"], instant))
                    unsure.add((post["post_id"], number))
                value = rows[0][count] if rows else 0
                row.append(
                    value - rows[0]["ineligible_views"] if count == "views" and rows else value
                )
            values[post["post_id"], number] = tuple(row)
    found = {
        (post, number): tuple(row)
        for post, number, *row in connection.execute(
            f"select post_id, boundary_no, {', '.join(SCORED_COUNTS)} from int_counts_at"
        ).fetchall()
    }
    # A conflict is looked for in every post, a value is taken of those that §4 speaks of.
    assert without_row
    values = {key: row for key, row in values.items() if key[0] not in without_row}
    # What a conflict decides has no value: the gate blocks it.
    assert {key: row for key, row in found.items() if key not in unsure} == {
        key: row for key, row in values.items() if key not in unsure
    }
    assert found.keys() == values.keys()
    blocked = connection.execute(
        "select post_id, observed_at from int_deciding_conflicts"
    ).fetchall()
    assert set(blocked) == conflicts
    assert len(blocked) == len(conflicts) > 5
    assert len(values) - len(unsure) > 100


def test_what_posts_in_play_lost_is_that_of_the_snapshots_that_count(case: Any) -> None:
    """§8 "a last views, likes, comments or shares below an earlier one": replaced deliveries apart."""
    posts, snapshots, _, connection = case
    expected = {}
    for post in posts:
        seen = {
            instant: rows[0]
            for instant, rows in sorted(snapshots[post["post_id"]].items())
            if instant <= W_END and len(rows) == 1
        }
        before_end = [instant for instant in snapshots[post["post_id"]] if instant <= W_END]
        is_in_play = post["published_at"] >= W_START or any(
            instant >= W_START for instant in before_end
        )
        if is_in_play and len(seen) == len(before_end):  # no conflict
            row: list[Any] = [max(before_end, default=None)]
            for count in COUNTS:
                reported = [row[count] for row in seen.values() if row[count] is not None]
                row += [reported[-1], max(reported)] if reported else [None, None]
            expected[post["post_id"]] = tuple(row)
    columns = ", ".join(f"last_{count}, greatest_{count}" for count in COUNTS)
    found = {
        post: tuple(row)
        for post, *row in connection.execute(
            f"select post_id, last_observed_at, {columns} from int_posts_in_play"
        ).fetchall()
    }
    assert {post: found.get(post) for post in expected} == expected
    assert len(expected) > 30


def test_a_post_seen_at_an_edge_of_the_local_days_has_a_row(tmp_path: Path) -> None:
    """§4 "has a snapshot from their start to their end, both included"; a microsecond beyond is not."""
    tick = timedelta(microseconds=1)
    seen = {
        "before": W_START - tick,
        "at-start": W_START,
        "at-end": W_END,
        "after": W_END + tick,
    }
    posts = [{"post_id": name, "published_at": datetime(2024, 3, 1)} for name in seen]
    metrics = [
        {"post_id": name, "observed_at": at, "delivered_at": at, "views": 5, "ineligible_views": 0}
        for name, at in seen.items()
    ]
    # What the one at the end gained since it was last seen, before the period, counts (CHANGELOG).
    metrics[2] |= {"views": 2000}
    metrics.append(metrics[2] | {"views": 500, "observed_at": W_START - timedelta(days=9)})
    _land(tmp_path, posts, metrics, cuts=True, suffix="csv")
    with _run(tmp_path).work.connect() as connection:
        for table in ("post_eligibility", "int_posts_in_play"):
            found = connection.execute(f"select post_id from {table} order by 1").fetchall()
            assert found == [("at-end",), ("at-start",)], table
        gained = "select qualified_views from post_eligibility where post_id = 'at-end'"
        assert connection.execute(gained).fetchall() == [(1500,)]


def test_deliveries_are_taken_one_by_one_only_where_they_must_be(case: Any) -> None:
    """Both ways are in use, so neither is tested for nothing."""
    *_, connection = case
    ways = dict(
        connection.execute(
            "select is_ambiguous, count(*) from int_post_aggregates group by all"
        ).fetchall()
    )
    assert ways[True] > 20
    assert ways[False] > 20


def _lying(file: Path, truth: int, lie: int) -> None:
    """Makes the footer say `lie` where it says `truth`; the values stay as they are."""
    data = file.read_bytes()
    start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    told = truth.to_bytes(8, "little", signed=True)
    assert told in data[start:]
    footer = data[start:].replace(told, lie.to_bytes(8, "little", signed=True))
    file.write_bytes(data[:start] + footer)


def _snapshot(post: str, day: int, views: int) -> Row:
    at = datetime(2024, 4, day)
    zeros = dict.fromkeys(("ineligible_views", *COUNTS[1:]), 0)
    return {"post_id": post, "observed_at": at, "delivered_at": at, "views": views, **zeros}


def _two_posts(folder: Path) -> Path:
    """Lands two posts with two snapshots each; gives a file of them."""
    posts = [{"post_id": post, "published_at": W_START} for post in ("p1", "p2")]
    metrics = [_snapshot(post, day, 777_777_000 + day) for post in ("p1", "p2") for day in (2, 9)]
    _land(folder, posts, metrics, cuts=False, suffix="parquet")
    return folder / "landing" / "post_metrics" / "0.parquet"


def test_a_conflict_of_the_first_snapshot_decides_of_an_older_post_alone(tmp_path: Path) -> None:
    """§3: an older post starts from its first snapshot, another one from 0. Nothing else is unsure here."""
    posts = [
        {"post_id": "older", "published_at": datetime(2024, 3, 1)},
        {"post_id": "newer", "published_at": W_START},
    ]
    metrics = [
        _snapshot(str(post["post_id"]), day, views)
        for post in posts
        for day, views in ((2, 5), (2, 6), (9, 9))
    ]
    _land(tmp_path, posts, metrics, cuts=False, suffix="parquet")
    with _run(tmp_path).work.connect() as connection:
        conflicts = "select post_id, observed_at from int_deciding_conflicts"
        assert connection.execute(conflicts).fetchall() == [("older", datetime(2024, 4, 2))]
        ambiguous = "select count(*) from int_post_aggregates where is_ambiguous"
        assert connection.execute(ambiguous).fetchall() == [(0,)]


def test_a_footer_that_lies_about_instants_and_counts_changes_no_value(tmp_path: Path) -> None:
    """It says that no snapshot lies before the end of W, and that counts are small."""
    file = _two_posts(tmp_path)
    for truth, lie in ((datetime(2024, 4, 2), datetime(2031, 1, 1)), (777_777_002, 5)):
        if isinstance(truth, datetime) and isinstance(lie, datetime):
            epoch = datetime(1970, 1, 1)
            _lying(file, *((at - epoch) // timedelta(microseconds=1) for at in (truth, lie)))
        else:
            _lying(file, truth, lie)
    with _run(tmp_path).work.connect() as connection:
        found = connection.execute(
            "select post_id, boundary_no, qualified_views from int_counts_at order by all"
        ).fetchall()
    assert found == [(p, b, v) for p in ("p1", "p2") for b, v in ((0, 0), (1, 777_777_009))]


def test_a_file_that_changes_after_ingest_is_refused(tmp_path: Path) -> None:
    """Also one that says just the same: what was checked is no longer what would be read."""
    file = _two_posts(tmp_path)
    run = _run(tmp_path)
    check(run, "ingest")
    file.write_bytes(file.read_bytes())
    with pytest.raises(Refused, match=r"changed after ingest: post_metrics/0\.parquet"):
        build(run, "staging")


def test_a_run_reads_the_snapshots_twice_and_copies_none(tmp_path: Path) -> None:
    """By counts, not by the clock: once to check every value, once to aggregate.

    Deliveries that must be compared are fetched by a third read, which is spared where there are none.
    """
    _two_posts(tmp_path)
    run = _run(tmp_path)
    models = {model.name: model.sql for model in models_of_stages()["staging"]}
    readers = sorted(name for name, sql in models.items() if '"raw_post_metrics"' in sql)
    assert readers == ["int_post_aggregates", "int_suspect_deliveries"]
    with run.work.connect() as connection:
        copied = connection.execute("select count(*) from copied_post_metrics").fetchall()
        plan = connection.execute("explain " + models["int_post_aggregates"]).fetchall()[0][1]
        compared = connection.execute("select count(*) from int_suspect_deliveries").fetchall()
    assert copied == compared == [(0,)]
    assert plan.count("READ_PARQUET") == 1


def test_no_gate_reads_the_snapshots() -> None:
    queries = [(row.name, row.table, row.query) for suite in SUITES.values() for row in suite]
    assert len(queries) > 40
    assert [
        name for name, table, sql in queries if "raw_post_metrics" in (table, *sql.split())
    ] == []
