"""What the reference reads (contract §2), by hand: how values are written, and what a source has deleted."""

import json
import uuid
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.reference.landing import count, flag, instant, read_dataset, text

AT = datetime(2024, 3, 29, 7, tzinfo=UTC)
HALF = timedelta(microseconds=500_000)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("2024-03-29T07:00:00Z", AT),
        ("2024-03-29 07:00:00 UTC", AT),
        ("2024-03-29 07:00:00.5Z", AT + HALF),
        ("2024-03-29T07:00:00.500000 UTC", AT + HALF),
        ("2024-03-29T16:00:00+09:00", AT),
        ("2024-03-29T16:00:00+0900", AT),
        ("2024-03-29T00:00:00.000-07", AT),
        (AT.replace(tzinfo=None), AT),  # Parquet: without a zone it is UTC
        (AT.astimezone(timezone(timedelta(hours=9))), AT),
    ],
)
def test_an_instant(raw, value: datetime) -> None:
    """§2: "then `Z`, ` UTC`, `±HH:MM`, `±HHMM` or `±HH`"."""
    assert instant(raw) == value


def test_counts_flags_and_ids() -> None:
    """§2: "at most a point with one zero or more (`80.0`...)"; "in any mix of upper and lower case"; "its digits, or
    its text in lower case"."""
    assert [count(raw) for raw in ("80", "80.0", "0080.000", 80.0, 80)] == [80] * 5
    assert [flag(raw) for raw in ("true", "TRUE", "tRue", True)] == [True] * 4
    assert [flag(raw) for raw in ("false", "FALSE", False)] == [False] * 3
    assert text(12) == "12"
    assert text(uuid.UUID("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"))[:8] == "a0eebc99"


def read(folder: Path, dataset: str, rows: list) -> list:
    """§2: the rows of a dataset that is one file of JSON lines."""
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_dataset(folder, dataset)


def test_a_deleted_row_takes_the_versions_up_to_its_own_with_it(tmp_path: Path) -> None:
    """§2: "is left out, and with it every row of its key that has no greater updated_at"; of it "only these, its key
    and its version are read"."""
    key = {"creator_id": "c", "market": "US", "account_type": "creator"}
    day = "2024-03-0{}T00:00:00Z".format
    rows = [key | {"updated_at": day(n)} for n in (1, 2, 3)]
    gone = {"creator_id": "c", "birth_date": "?", "updated_at": day(2), "_fivetran_deleted": "TRUE"}
    other = key | {"creator_id": "d", "updated_at": day(1), "__deleted": "false"}
    left = read(tmp_path, "creators", [*rows, gone, other])
    assert [(row["creator_id"], row["updated_at"].day) for row in left] == [("c", 3), ("d", 1)]


def test_a_deleted_row_without_a_version_takes_every_row_of_its_key(tmp_path: Path) -> None:
    """§2: "(every row, where there is no version)"; a version that is not given "takes the default"."""
    event = {"event_id": "e", "subject_type": "post", "subject_id": "p", "policy": "spam"}
    events = [event | {"status": "violated", "effective_at": "2024-03-29T07:00:00Z"}] * 2
    gone = {"event_id": "e", "_ab_cdc_deleted_at": "2024-01-01T00:00:00Z"}
    kept = [events[0] | {"event_id": "f", "_ab_cdc_deleted_at": None}]
    assert [row["event_id"] for row in read(tmp_path, "policy_events", [*events, gone, *kept])] == [
        "f"
    ]
    seen = {"post_id": "p", "observed_at": "2024-03-29T07:00:00Z", "views": "1"}
    again = seen | {"views": "2", "delivered_at": "2024-03-29T07:00:00.000001Z"}
    deleted = {"post_id": "p", "observed_at": "2024-03-29T07:00:00Z", "__deleted": True}
    left = read(tmp_path, "post_metrics", [seen, again, deleted])
    assert [row["views"] for row in left] == [2]
