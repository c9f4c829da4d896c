"""Rows that their source has deleted are left out, with what they take with them (contract §2)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from orchestration.ingest import text_loader
from orchestration.ingest.datasets import BY_NAME, DELETION_FLAGS, DELETION_INSTANT, READ_BESIDE
from tests.unit.ingest.conftest import Ingested, Landing

MARKERS = (*DELETION_FLAGS, DELETION_INSTANT)
FORMATS = ("csv", "jsonl", "parquet")
EARLY, MIDDLE, LATE = (f"2024-01-0{day}T00:00:00Z" for day in (1, 2, 3))

Row = dict[str, Any]


def snapshot(post_id: str, delivered_at: str | None = None, **others: Any) -> Row:
    return {
        "post_id": post_id,
        "observed_at": EARLY,
        "views": 1,
        "delivered_at": delivered_at,
        **others,
    }


def write(landing: Landing, name: str, rows: Sequence[Row]) -> None:
    """The rows in the format of the file's name; what a row has not is null."""
    form = name.rsplit(".", 1)[1]
    names = list(dict.fromkeys(name for row in rows for name in row))
    if form == "jsonl":
        landing.write(name, "\n".join(map(json.dumps, rows)))
    elif form == "csv":
        lines = [",".join(_csv(row.get(name)) for name in names) for row in rows]
        landing.write(name, "\n".join((",".join(names), *lines)))
    else:
        path = landing.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = {name: [row.get(name) for row in rows] for name in names}
        parquet.write_table(pa.table(columns), str(path))


def _csv(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def counts(ingested: Ingested) -> list[tuple[int, int, int, int]]:
    """Rows read, loaded, quarantined and deleted, by file."""
    columns = "rows_read, rows_loaded, rows_quarantined, rows_deleted"
    return ingested.query(f"select {columns} from ingest_files order by file_no")


def posts_left(ingested: Ingested) -> list[str]:
    return [post_id for (post_id,) in ingested.loaded("post_metrics", "post_id")]


# What says that a row is deleted


SAYS_DELETED = {
    **dict.fromkeys(DELETION_FLAGS, (True, "true", "True", "TRUE")),
    DELETION_INSTANT: (LATE, "x", "false"),
}
SAYS_NOTHING = (False, "false", "no", "t", "yes", "1", "true ", None)


def a_file_a_value(
    landing: Landing, form: str, marker: str, values: Sequence[object]
) -> dict[object, tuple[list[str], tuple[int, int, int, int]]]:
    """Two posts in a file of each value, the second without one: posts left, and the file's counts."""
    for number, value in enumerate(values):
        rows = [
            snapshot(f"{number}-p1", **{marker: value}),
            snapshot(f"{number}-p2", **{marker: None}),
        ]
        write(landing, f"post_metrics/{number}.{form}", rows)
    ingested = landing.ingest()
    assert ingested.notes() == []  # the column is read, and its name begins with `_`
    left = posts_left(ingested)
    return {
        value: ([post[2:] for post in left if post.startswith(f"{number}-")], counted)
        for (number, value), counted in zip(enumerate(values), counts(ingested), strict=True)
    }


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("marker", MARKERS)
def test_a_row_that_its_source_has_deleted_is_left_out(
    landing: Landing, form: str, marker: str
) -> None:
    values = SAYS_DELETED[marker]
    assert a_file_a_value(landing, form, marker, values) == dict.fromkeys(
        values, (["p2"], (2, 1, 0, 1))
    )


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("marker", DELETION_FLAGS)
def test_any_other_value_says_nothing(landing: Landing, form: str, marker: str) -> None:
    assert a_file_a_value(landing, form, marker, SAYS_NOTHING) == dict.fromkeys(
        SAYS_NOTHING, (["p1", "p2"], (2, 2, 0, 0))
    )


@pytest.mark.parametrize("marker", MARKERS)
@pytest.mark.parametrize("value", [0, 1, {"a": 1}, [True]])
def test_values_of_other_types(landing: Landing, marker: str, value: object) -> None:
    """A flag that is no flag is not true; of an instant it is enough that it is there."""
    for form in ("jsonl", "parquet"):
        write(landing, f"post_metrics/a.{form}", [snapshot("p1", **{marker: value})])
    expected = [] if marker == DELETION_INSTANT else ["p1", "p1"]
    assert posts_left(landing.ingest()) == expected


def test_parquet_instants_and_bytes(landing: Landing) -> None:
    path = landing.path / "post_metrics"
    path.mkdir()
    for name, values in {
        "instant": pa.array([datetime(2024, 1, 1), None], pa.timestamp("us")),
        "day": pa.array([19000, None], pa.date32()),
        "bytes": pa.array([b"\xff", None]),
    }.items():
        table = pa.table({"post_id": ["p1", "p2"], "observed_at": [EARLY] * 2, "views": [1, 2]})
        table = table.append_column(DELETION_INSTANT, values)
        parquet.write_table(table, str(path / f"{name}.parquet"))
    flags = pa.table(
        {"post_id": ["p3", "p4"], "observed_at": [EARLY] * 2, "views": [1, 2],
         "__deleted": pa.array([b"True", b"\xff"])}
    )  # fmt: skip
    parquet.write_table(flags, str(path / "z.parquet"))
    assert posts_left(landing.ingest()) == ["p2", "p2", "p2", "p4"]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_marker_twice_is_a_fault(landing: Landing, form: str) -> None:
    names = ["post_id", "observed_at", "views", "__deleted", "__deleted"]
    if form == "csv":
        landing.write("post_metrics/a.csv", ",".join(names) + "\n")
    else:
        (landing.path / "post_metrics").mkdir()
        arrays = [pa.array(["x"])] * 5
        table = pa.Table.from_arrays(arrays, names=names)
        parquet.write_table(table, str(landing.path / "post_metrics" / "a.parquet"))
    assert landing.ingest().bad_files() == [(f"post_metrics/a.{form}", "DUPLICATE_COLUMN")]


def test_a_marker_twice_in_a_line_of_json(landing: Landing) -> None:
    line = json.dumps(snapshot("p1"))[:-1] + ', "__deleted": true, "__deleted": false}'
    landing.write("post_metrics/a.jsonl", line)
    assert landing.ingest().bad_rows() == [(1, None, "UNPARSEABLE")]


@pytest.mark.parametrize("marker", READ_BESIDE)
def test_a_marker_that_comes_late_and_behind_names_without_end(
    landing: Landing, marker: str
) -> None:
    rows = [snapshot(f"p{number}", **{f"x{number}": 1}) for number in range(3000)]
    write(landing, "post_metrics/a.jsonl", [*rows, snapshot("gone", **{marker: True})])
    ingested = landing.ingest()
    left = Counter(posts_left(ingested))
    flagged = ingested.query("select column_name, row_count from deletion_flags")
    if marker in MARKERS:
        assert (left["gone"], flagged) == (0, [])
    else:
        assert (left["gone"], flagged) == (1, [(marker, 1)])


# What is read of such a row


@pytest.mark.parametrize("form", FORMATS)
def test_of_a_deleted_row_only_key_and_version_are_read(landing: Landing, form: str) -> None:
    deleted = {"__deleted": True}
    rows = [
        snapshot("p1", views=None, likes="many", **deleted),
        snapshot("p2", views="5", ineligible_views="6", **deleted),
        snapshot("p3", views="x", __deleted=False),
        snapshot("", views="1", **deleted),
        snapshot("p5", views="1", delivered_at="never", **deleted),
        snapshot("p6", views="1", observed_at=None, **deleted),
    ]
    rows = [{"ineligible_views": None, "likes": None, **row} for row in rows]
    write(landing, f"post_metrics/a.{form}", rows)
    ingested = landing.ingest()
    shift = 1 if form == "csv" else 0
    no_id = "NULL" if form == "csv" else "OUT_OF_RANGE"
    assert ingested.bad_rows() == [
        (3 + shift, "views", "UNPARSEABLE"),
        (4 + shift, "post_id", no_id),
        (5 + shift, "delivered_at", "UNPARSEABLE"),
        (6 + shift, "observed_at", "NULL"),
    ]
    assert counts(ingested) == [(6, 0, 4, 2)]
    assert posts_left(ingested) == []


def test_a_line_that_is_ragged_or_not_utf8_says_nothing(landing: Landing) -> None:
    header = b"post_id,observed_at,views,__deleted\n"
    lines = b"p1,2024-01-01T00:00:00Z,1,true,\np1,2024-01-01T00:00:00Z,\xff,true\n"
    landing.write("post_metrics/a.csv", header + lines + b"p1,2024-01-01T00:00:00Z,1,false\n")
    ingested = landing.ingest()
    assert counts(ingested) == [(3, 1, 2, 0)]


# What goes with it


@pytest.mark.parametrize("gone", FORMATS)
@pytest.mark.parametrize("rest", FORMATS)
def test_rows_of_its_key_that_are_no_later_go_with_it(
    landing: Landing, gone: str, rest: str
) -> None:
    """Wherever they are, also where rows are read in place."""
    rows = [snapshot("p1", EARLY), snapshot("p1", MIDDLE), snapshot("p1", LATE, views=7)]
    others = [snapshot("p2", EARLY), snapshot("p1", EARLY, observed_at=LATE)]
    write(landing, f"post_metrics/a.{rest}", rows + others)
    write(landing, f"post_metrics/b.{gone}", [snapshot("p1", MIDDLE, __deleted=True)])
    ingested = landing.ingest()
    assert ingested.loaded("post_metrics", "post_id, views, observed_at") == [
        ("p1", 7, datetime(2024, 1, 1)),
        ("p2", 1, datetime(2024, 1, 1)),
        ("p1", 1, datetime(2024, 1, 3)),
    ]
    assert counts(ingested) == [(5, 3, 0, 2), (1, 0, 0, 1)]
    assert ingested.query(
        "select rows_read, rows_loaded, rows_quarantined, rows_deleted from ingest_datasets"
        " where dataset = 'post_metrics'"
    ) == [(6, 3, 0, 3)]


def test_the_latest_of_several_deletions_counts(landing: Landing) -> None:
    rows = [snapshot("p1", at, __deleted=True) for at in (EARLY, MIDDLE)]
    write(landing, "post_metrics/a.csv", rows)
    write(landing, "post_metrics/b.csv", [snapshot("p1", MIDDLE), snapshot("p1", LATE)])
    ingested = landing.ingest()
    assert counts(ingested) == [(2, 0, 0, 2), (2, 1, 0, 1)]


def test_a_deletion_without_delivered_at_has_that_of_its_snapshot(landing: Landing) -> None:
    write(landing, "post_metrics/a.csv", [snapshot("p1", __deleted=True)])
    write(
        landing, "post_metrics/b.csv", [snapshot("p1"), snapshot("p1", EARLY), snapshot("p1", LATE)]
    )
    assert counts(landing.ingest()) == [(1, 0, 0, 1), (3, 1, 0, 2)]


@pytest.mark.parametrize("form", FORMATS)
def test_without_a_version_every_row_of_the_key_goes(landing: Landing, form: str) -> None:
    def rate(day: str, value: str, deleted: bool) -> Row:
        return {"rate_date": day, "base_currency": "USD", "quote_currency": "JPY", "rate": value,
                "__deleted": deleted}  # fmt: skip

    first, second = "2024-01-01", "2024-01-02"
    rows = [rate(first, "150", False), rate(first, "x", True), rate(second, "151", False)]
    write(landing, f"fx_rates/a.{form}", rows)
    write(landing, "fx_rates/b.csv", [rate(first, "149", False)])
    ingested = landing.ingest()
    assert ingested.query("select count(*), min(rate_date)::text from raw_fx_rates") == [
        (1, second)
    ]
    assert counts(ingested) == [(3, 1, 0, 2), (1, 0, 0, 1)]


def test_each_dataset_goes_by_its_own_key_and_version() -> None:
    """As the table of §2 and the columns have them."""
    read = {
        name: tuple(column.name for column in dataset.read_of_deleted)
        for name, dataset in BY_NAME.items()
    }
    assert {name: dataset.version for name, dataset in BY_NAME.items()}.items() >= {
        ("creators", "updated_at"), ("payees", "updated_at"), ("deals", "updated_at"),
        ("posts", "updated_at"), ("post_metrics", "delivered_at"), ("audience", "delivered_at"),
        ("policy_events", None), ("fx_rates", None),
    }  # fmt: skip
    assert read["deals"] == ("deal_id", "updated_at")
    assert read["audience"] == ("creator_id", "observed_on", "country", "delivered_at")
    assert read["fx_rates"] == ("rate_date", "base_currency", "quote_currency")


@pytest.mark.parametrize(
    ("column", "loaded"), [("__deleted", 1), ("_ab_cdc_deleted_at", 0), ("is_deleted", 1)]
)
def test_half_a_surrogate_pair_is_there_but_is_not_true(
    landing: Landing, column: str, loaded: int
) -> None:
    """JSON may spell one; no text can hold it."""
    write(landing, "post_metrics/a.jsonl", [snapshot("p1", **{column: "\ud800"})])
    assert counts(landing.ingest()) == [(1, loaded, 0, 1 - loaded)]


def test_a_bad_row_of_a_deleted_key_stays_in_quarantine(landing: Landing) -> None:
    write(
        landing, "post_metrics/a.csv", [snapshot("p1", views="x"), snapshot("p1", __deleted=True)]
    )
    assert counts(landing.ingest()) == [(2, 0, 1, 1)]


def test_a_file_that_is_refused_deletes_nothing(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its rows were read before that turned out."""
    monkeypatch.setattr(text_loader, "_BATCH_BYTES", 1)
    row = {"post_id": "p1", "observed_at": EARLY, "Views": 1, "__deleted": True}
    write(landing, "post_metrics/a.jsonl", [row] * 20_000)
    write(landing, "post_metrics/b.csv", [snapshot("p1")])
    ingested = landing.ingest()
    assert ingested.bad_files() == [("post_metrics/a.jsonl", "MISSPELT_COLUMN")]
    assert posts_left(ingested) == ["p1"]
    assert ingested.query("select count(*) from deleted_post_metrics") == [(0,)]


# Any rows, in any files

INSTANTS = [datetime(2024, 1, 1) + timedelta(days=day) for day in range(3)]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(FORMATS),
        st.sampled_from(["p1", "p2"]),
        st.sampled_from(INSTANTS[:2]),
        st.sampled_from([*INSTANTS, None]),
        st.booleans(),
        st.integers(0, 9),
    ),
    max_size=20,
)


@given(ROWS)
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_left_is_what_one_by_one_would_leave(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, datetime, datetime | None, bool, int]],
) -> None:
    landing = Landing(tmp_path_factory.mktemp("deletions"))
    for form in FORMATS:
        chosen = [
            {
                "post_id": post_id,
                "observed_at": f"{observed_at:%Y-%m-%dT%H:%M:%SZ}",
                "views": views,
                "delivered_at": delivered_at and f"{delivered_at:%Y-%m-%dT%H:%M:%SZ}",
                "_fivetran_deleted": deleted,
            }
            for its_form, post_id, observed_at, delivered_at, deleted, views in rows
            if its_form == form
        ]
        if chosen:
            write(landing, f"post_metrics/a.{form}", chosen)
    left, deleted_by_form = [], Counter[str]()
    for form, post_id, observed_at, delivered_at, deleted, views in rows:
        is_out = deleted or any(
            (post_id, observed_at) == (other_id, other_observed)
            and (delivered_at or observed_at) <= (other_delivered or other_observed)
            for _, other_id, other_observed, other_delivered, is_deletion, _ in rows
            if is_deletion
        )
        if is_out:
            deleted_by_form[form] += 1
        else:
            left.append((post_id, observed_at, delivered_at or observed_at, views))
    ingested = landing.ingest()
    columns = "post_id, observed_at, delivered_at, views"
    assert sorted(ingested.loaded("post_metrics", columns)) == sorted(left)
    found = ingested.query("select format, rows_deleted from ingest_files where rows_deleted > 0")
    assert dict(found) == {f".{form}": rows for form, rows in deleted_by_form.items()}
    landing.open.close()
