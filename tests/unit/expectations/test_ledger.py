"""The gate after the ledger (§8): each threshold from both sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import duckdb
import pytest

from expectations.suite import Severity
from orchestration.pipeline.settling import LEDGER_TOTALS

Failing = Callable[[str, str, Severity], list[Mapping[str, str]]]


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
