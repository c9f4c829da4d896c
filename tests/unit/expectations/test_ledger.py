"""The gate after the ledger (§8): each threshold from both sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import duckdb
import pytest

from orchestration.pipeline.settling import LEDGER_TOTALS
from tests.unit.expectations.conftest import Failing, Given


@pytest.fixture
def ledger(work: duckdb.DuckDBPyConnection) -> Callable[..., None]:
    """ledger(earned, paid_out, before): totals of this period, and by (total, currency) of the one before."""

    def write(
        earned: int, paid_out: Mapping[str, int], before: Mapping[tuple[str, str], int]
    ) -> None:
        work.execute(
            "create table ledger_period as select cast($1 as hugeint) as total_minor", [earned]
        )
        work.execute("create table payout_ledger (payout_currency varchar, payout_minor bigint)")
        for currency, minor in paid_out.items():
            # In two rows, since it is their sum that counts.
            work.execute(
                "insert into payout_ledger values ($1, $2), ($1, 1)", [currency, minor - 1]
            )
        work.execute(
            "create table previous_totals (total varchar, currency varchar, previous_minor hugeint)"
        )
        for (total, currency), minor in {("earned", "USD"): 0, **before}.items():
            work.execute(
                "insert into previous_totals values ($1, $2, $3)", [total, currency, minor]
            )
        work.execute(LEDGER_TOTALS)

    return write


@pytest.mark.parametrize(
    ("now", "before", "turned"),
    [
        (500, 100, False),
        (501, 100, True),
        (20, 100, False),
        (19, 100, True),
        (100, 100, False),
        (100, 0, False),  # nothing to compare with
        (10**18, 2 * 10**17, False),
        (10**18 + 1, 2 * 10**17, True),
    ],
)
@pytest.mark.parametrize("total", ["earned", "paid out"])
def test_a_total_against_the_period_before(
    total: str,
    now: int,
    before: int,
    turned: bool,
    ledger: Callable[..., None],
    failing: Failing,
) -> None:
    """0.2x and 5x are still like before; a unit beyond is not."""
    if total == "earned":
        ledger(now, {}, {("earned", "USD"): before})
    else:
        ledger(0, {"USD": now}, {("paid out", "USD"): before})
    rows = failing("ledger", "the_total_is_like_the_period_before", "warn")
    expected = {
        "total": total,
        "currency": "USD",
        "total_minor": str(now),
        "previous_minor": str(before),
    }
    assert rows == [expected] * turned


def test_each_payout_currency_is_compared_with_its_own_total_before(
    ledger: Callable[..., None], failing: Failing
) -> None:
    ledger(
        100,
        {"JPY": 10_000, "KRW": 5_000, "GBP": 7},
        {
            ("earned", "USD"): 100,
            ("paid out", "JPY"): 1_000,
            ("paid out", "KRW"): 5_000,
            ("paid out", "CHF"): 300,
        },
    )
    rows = failing("ledger", "the_total_is_like_the_period_before", "warn")
    assert [(row["currency"], row["total_minor"], row["previous_minor"]) for row in rows] == [
        ("CHF", "0", "300"),
        ("JPY", "10000", "1000"),
    ]


@pytest.mark.parametrize(
    ("amount", "cap", "turned"), [(100, 100, False), (101, 100, True), (101, None, False)]
)
def test_no_amount_is_above_its_cap(
    amount: int, cap: int | None, turned: bool, given: Given, failing: Failing
) -> None:
    columns = "creator_id varchar, program_amount_minor bigint, cap_minor bigint"
    given("creator_earnings", columns, ("ann", amount, cap))
    rows = failing("ledger", "no_amount_is_above_its_cap", "error")
    assert [row["creator_id"] for row in rows] == ["ann"] * turned


@pytest.mark.parametrize(
    ("total", "budget", "turned"), [(100, 100, False), (101, 100, True), (101, None, False)]
)
def test_the_sum_is_within_the_budget(
    total: int, budget: int | None, turned: bool, given: Given, failing: Failing
) -> None:
    given(
        "ledger_period",
        "period varchar, total_minor bigint, budget_minor bigint",
        ("p", total, budget),
    )
    assert len(failing("ledger", "the_sum_is_within_the_budget", "error")) == turned


@pytest.mark.parametrize(
    ("amounts", "turned"), [((5, -5), False), ((5, -4), True), ((5, -6), True)]
)
def test_a_transaction_sums_to_0_in_its_currency(
    amounts: tuple[int, int], turned: bool, given: Given, failing: Failing
) -> None:
    """The other currency of the transaction balances by itself, and hides nothing."""
    given(
        "journal",
        "txn_id varchar, currency varchar, amount_minor bigint",
        *[("t", "USD", amount) for amount in amounts],
        ("t", "JPY", 1),
        ("t", "JPY", -1),
    )
    rows = failing("ledger", "transactions_balance", "error")
    assert [row["currency"] for row in rows] == ["USD"] * turned


LEDGER = {
    "opening_balance_minor": 10,
    "earnings_minor": 20,
    "adjustments_minor": 3,
    "returns_minor": 4,
    "payable_minor": 37,
    "withheld_minor": 7,
    "payout_minor": 30,
    "closing_balance_minor": 0,
}
"""A row of the ledger that is paid, and rolls forward."""
CARRIED = {"withheld_minor": 0, "payout_minor": 0, "closing_balance_minor": 37}


@pytest.mark.parametrize(
    ("status", "changed", "turned"),
    [
        ("paid", {}, False),
        ("carried", CARRIED, False),
        *[("paid", {name: LEDGER[name] + 1}, True) for name in LEDGER],
        *[("paid", {name: LEDGER[name] - 1}, True) for name in LEDGER],
        ("carried", {}, True),  # something is paid all the same
        ("paid", CARRIED, True),  # nothing is
        ("paid", {"withheld_minor": -1, "payout_minor": 38}, True),
        ("paid", {"withheld_minor": 38, "payout_minor": -1}, True),
    ],
)
def test_balances_roll_forward(
    status: str, changed: Mapping[str, int], turned: bool, given: Given, failing: Failing
) -> None:
    row = LEDGER | changed
    columns = ", ".join(f"{name} bigint" for name in row)
    given(
        "payout_ledger",
        f"creator_id varchar, payout_currency varchar, status varchar, {columns}",
        ("ann", "USD", status, *row.values()),
    )
    rows = failing("ledger", "balances_roll_forward", "error")
    assert [row["creator_id"] for row in rows] == ["ann"] * turned


@pytest.mark.parametrize(
    ("units", "turned"),
    [
        # 10 units over 1, 1 and 1 points are 3 1/3 each: the first by its id gets the unit left over.
        ({"a": (4, 1), "b": (3, 0), "c": (3, 0)}, False),
        ({"a": (3, 0), "b": (4, 1), "c": (3, 0)}, True),
        ({"a": (4, 0), "b": (3, 0), "c": (3, 0)}, True),
        ({"a": (3, 1), "b": (3, 0), "c": (4, 0)}, True),
    ],
)
def test_a_post_s_amount_is_its_floor_and_its_unit(
    units: Mapping[str, tuple[int, int]], turned: bool, given: Given, failing: Failing
) -> None:
    _amounts(given, 10, dict.fromkeys(units, "1"), units)
    assert bool(failing("ledger", "posts_amounts_follow_from_points", "error")) == turned


def test_the_greatest_remainder_gets_the_unit(given: Given, failing: Failing) -> None:
    """10 units over 1 and 2 points are 3 1/3 and 6 2/3."""
    points = {"a": "1", "b": "2"}
    name = "posts_amounts_follow_from_points"
    _amounts(given, 10, points, {"a": (3, 0), "b": (7, 1)})
    assert failing("ledger", name, "error") == []
    _amounts(given, 10, points, {"a": (4, 1), "b": (6, 0)})
    assert [row["post_id"] for row in failing("ledger", name, "error")] == ["a", "b"]


def _amounts(
    given: Given,
    performance: int,
    points: Mapping[str, str],
    units: Mapping[str, tuple[int, int]],
) -> None:
    """ann's posts with their points, and what each got: the amount, and a unit of it or not."""
    given("creator_earnings", "creator_id varchar, performance_minor bigint", ("ann", performance))
    given("post_scores", "post_id varchar, points decimal(38,4)", *points.items())
    given(
        "post_earnings",
        "post_id varchar, creator_id varchar, amount_minor bigint, rounding_unit bigint",
        *[(post, "ann", amount, unit) for post, (amount, unit) in units.items()],
    )


@pytest.mark.parametrize(
    ("difference", "turned"), [(3, False), (-3, True), (4, True), (None, True)]
)
def test_a_difference_is_computed_less_posted(
    difference: int | None, turned: bool, given: Given, failing: Failing
) -> None:
    given(
        "restatement",
        "creator_id varchar, payout_currency varchar, posted_minor bigint, computed_minor bigint,"
        " difference_minor bigint",
        ("ann", "USD", 7, 10, difference),
    )
    rows = failing("restatement", "differences_are_computed_less_posted", "error")
    assert [row["creator_id"] for row in rows] == ["ann"] * turned
