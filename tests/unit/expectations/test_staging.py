"""The gate after staging (§8): each threshold from both sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import duckdb
import pytest

from expectations.suite import Severity

Failing = Callable[[str, str, Severity], list[Mapping[str, str]]]

FAR = "rates_are_within_twice_and_half_of_those_before"
CONFIRMED = "confirmed_rates_are_within_twice_and_half_of_those_before"
NEAR = "rates_are_near_those_before"


@pytest.mark.parametrize(
    ("rate_e10", "twice_median_e10", "turned"),
    [
        # A median of 100: twice is 200, half is 50, 20 % off are 120 and 80.
        (100, 200, None),
        (120, 200, None),
        (121, 200, NEAR),
        (200, 200, NEAR),
        (201, 200, FAR),
        (80, 200, None),
        (79, 200, NEAR),
        (50, 200, NEAR),
        (49, 200, FAR),
        # A median of 100.5, between two rates: 20 % off is 120.6 and 80.4, twice 201, half 50.25.
        (120, 201, None),
        (121, 201, NEAR),
        (81, 201, None),
        (80, 201, NEAR),
        (201, 201, NEAR),
        (202, 201, FAR),
        (51, 201, NEAR),
        (50, 201, FAR),
        # The rates of a currency after a hyperinflation: nothing is rounded on the way.
        (2 * 10**25, 2 * 10**25, NEAR),
        (2 * 10**25 + 1, 2 * 10**25, FAR),
    ],
)
@pytest.mark.parametrize("is_confirmed", [False, True])
def test_a_rate_against_the_median_before(
    rate_e10: int,
    twice_median_e10: int,
    turned: str | None,
    is_confirmed: bool,
    work: duckdb.DuckDBPyConnection,
    failing: Failing,
) -> None:
    _taken(work, rate_e10, twice_median_e10, 5, is_confirmed)
    if is_confirmed and turned == FAR:
        turned = CONFIRMED
    for name, severity in _SEVERITIES.items():
        rows = failing("staging", name, severity)
        assert len(rows) == (name == turned), name
        for row in rows:
            shown = ("base_currency", "quote_currency", "rate_date", "rate", "median_before")
            assert [row[column] for column in shown] == ["USD", "JPY", "2024-05-01", "1.5", "1.25"]


_SEVERITIES: Mapping[str, Severity] = {FAR: "error", CONFIRMED: "warn", NEAR: "warn"}


@pytest.mark.parametrize(("rates_before", "is_judged"), [(0, False), (4, False), (5, True)])
@pytest.mark.parametrize(
    ("name", "rate_e10", "is_confirmed"),
    [(FAR, 1000, False), (CONFIRMED, 1000, True), (NEAR, 150, False)],
)
def test_fewer_than_five_rates_before_judge_nothing(
    rates_before: int,
    is_judged: bool,
    name: str,
    rate_e10: int,
    is_confirmed: bool,
    work: duckdb.DuckDBPyConnection,
    failing: Failing,
) -> None:
    _taken(work, rate_e10, 200 if rates_before else None, rates_before, is_confirmed)
    assert bool(failing("staging", name, _SEVERITIES[name])) == is_judged


def _taken(
    work: duckdb.DuckDBPyConnection,
    rate_e10: int,
    twice_median_e10: int | None,
    rates_before: int,
    is_confirmed: bool,
) -> None:
    """One row is taken; what is shown of it is apart from what is compared."""
    work.execute(
        "create table int_fx_rates_taken as select 'USD' as base_currency, 'JPY' as quote_currency,"
        " date '2024-05-01' as rate_date, 1.5 as rate, 1.25 as median_before,"
        " cast($1 as hugeint) as rate_e10, cast($2 as hugeint) as twice_median_e10,"
        " $3 as rates_before, $4 as is_confirmed",
        [rate_e10, twice_median_e10, rates_before, is_confirmed],
    )


def test_every_creator_with_a_deal_has_a_rate(
    work: duckdb.DuckDBPyConnection, failing: Failing
) -> None:
    work.execute(
        "create table int_payout_currencies as select * from"
        " (values ('ann', 'USD'), ('bo', 'CHF'), ('cy', 'JPY')) as t(creator_id, payout_currency)"
    )
    work.execute(
        "create table int_fx_rates as select * from (values ('USD'), ('JPY')) as t(payout_currency)"
    )
    rows = failing("staging", "every_creator_with_a_deal_has_a_rate", "error")
    assert rows == [{"creator_id": "bo", "payout_currency": "CHF"}]
