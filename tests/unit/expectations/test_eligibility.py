"""The gate after eligibility (§8): every creator and post is decided once, with its reasons."""

from __future__ import annotations

import pytest

from tests.unit.expectations.conftest import Failing, Given


def test_every_creator_with_a_deal_is_decided(given: Given, failing: Failing) -> None:
    given("int_windows", "creator_id varchar", ("ann",), ("bo",))
    given("creator_eligibility", "creator_id varchar", ("ann",), ("cy",))
    rows = failing("eligibility", "every_creator_with_a_deal_is_decided", "error")
    assert rows == [{"creator_id": "bo"}]


@pytest.mark.parametrize(
    ("published_at", "is_seen", "is_decided", "turned"),
    [
        # Published in the period, whose end is outside it.
        ("2024-04-01 07:00:00", None, False, True),
        ("2024-04-01 06:59:59.999999", None, False, False),
        ("2024-05-01 06:59:59.999999", None, False, True),
        ("2024-05-01 07:00:00", None, False, False),
        # Seen in the period, whenever it was published.
        ("2023-01-01 00:00:00", True, False, True),
        ("2023-01-01 00:00:00", False, False, False),
        ("2024-06-01 00:00:00", True, False, True),
        # Decided.
        ("2024-04-01 07:00:00", True, True, False),
    ],
)
def test_every_post_of_the_period_is_decided(
    published_at: str,
    is_seen: bool | None,
    is_decided: bool,
    turned: bool,
    given: Given,
    failing: Failing,
) -> None:
    given(
        "int_posts",
        "post_id varchar, creator_id varchar, published_at timestamp,"
        " period_starts_at timestamp, period_ends_at timestamp",
        ("p", "ann", published_at, "2024-04-01 07:00:00", "2024-05-01 07:00:00"),
    )
    seen = [] if is_seen is None else [("p", is_seen)]
    given("int_post_intervals", "post_id varchar, has_snapshot_in_period boolean", *seen)
    decided = [("p",)] if is_decided else [("of_another_creator",)]
    given("post_eligibility", "post_id varchar", *decided)
    rows = failing("eligibility", "every_post_of_the_period_is_decided", "error")
    assert rows == [{"post_id": "p", "creator_id": "ann"}] * turned


@pytest.mark.parametrize("subject", ["creator", "post"])
@pytest.mark.parametrize(
    ("eligible", "reasons", "turned"),
    [
        (True, "", False),
        (False, "MARKET", False),
        (True, "MARKET", True),
        (False, "", True),
        (None, "", True),
        (None, "MARKET", True),
        (False, None, True),
        (True, None, True),
    ],
)
def test_eligible_means_without_a_reason(
    subject: str,
    eligible: bool | None,
    reasons: str | None,
    turned: bool,
    given: Given,
    failing: Failing,
) -> None:
    columns = f"{subject}_id varchar, eligible boolean, reasons varchar"
    given(f"{subject}_eligibility", columns, ("one", eligible, reasons), ("two", True, ""))
    name = f"{subject}_eligibility_is_eligible_just_without_a_reason"
    rows = failing("eligibility", name, "error")
    assert [row[f"{subject}_id"] for row in rows] == ["one"] * turned


def test_any_conflict_of_deciding_snapshots_turns(given: Given, failing: Failing) -> None:
    columns = "post_id varchar, observed_at timestamp"
    given("int_deciding_conflicts", columns)
    assert failing("eligibility", "deciding_snapshots_agree", "error") == []
    given("int_deciding_conflicts", columns, ("p", "2024-04-01 00:00:00"))
    rows = failing("eligibility", "deciding_snapshots_agree", "error")
    assert rows == [{"post_id": "p", "observed_at": "2024-04-01 00:00:00"}]
