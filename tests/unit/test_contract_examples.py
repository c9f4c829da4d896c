"""The worked examples of docs/contract come out by the rules that carry them out.

Each value was worked out by hand where it stands; here the code is held against it.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from orchestration.described.contract_docs import CONTRACT, doc_tables, table_under
from orchestration.ledger.apportion import largest_remainder
from orchestration.ledger.earnings import (
    CreatorScore,
    bracket_sum,
    period_earnings,
    share_pool,
)
from orchestration.ledger.money import half_even_div
from orchestration.terms.calendar import day_starts_at
from orchestration.terms.model import Payout


def section(name: str) -> str:
    return (CONTRACT / name).read_text(encoding="utf-8")


def minor(text: str) -> int:
    """An amount with two decimals, in minor units."""
    return int(Decimal(text.replace(",", "")) * 100)


def test_half_even() -> None:
    rows = table_under(section("README.md"), "Rules that hold everywhere").rows
    assert len(rows) == 5
    for row in rows:
        exact = Fraction(row["amount in cents"])
        rounded = half_even_div(exact.numerator, exact.denominator)
        assert rounded == int(row["rounded half-even"]) == round(exact)


def test_days_begin_in_the_time_zone_of_the_market() -> None:
    rows = table_under(section("01-program-file.md"), "Days and instants").rows
    assert len(rows) == 3
    for row in rows:
        zone = row["market"].partition(", ")[2]
        began = day_starts_at(date.fromisoformat(row["day"]), zone)
        assert began == datetime.fromisoformat(row["begins at (UTC)"].removesuffix("Z"))


def test_brackets() -> None:
    *parts, whole = table_under(section("01-program-file.md"), "Brackets").rows
    points = int(whole["points"].replace(",", ""))
    brackets = [(200_000, minor("0.30")), (None, minor("0.15"))]
    assert bracket_sum(points, brackets) == minor(whole["amount"]) * 1000
    assert sum(minor(row["amount"]) for row in parts) == minor(whole["amount"])


def test_a_pool_under_caps() -> None:
    points = {"ana": 600, "ben": 300, "cho": 100}
    caps = {"ana": minor("450.00"), "ben": minor("400.00"), "cho": None}
    pool = share_pool(minor("1000.00"), points, caps)
    assert pool.amounts == {"ana": minor("450.00"), "ben": minor("400.00"), "cho": minor("150.00")}
    assert pool.capped == {"ana", "ben"}
    assert "So ana gets 450.00, ben 400.00 and cho 150.00." in section("06-earnings.md")


def test_a_budget() -> None:
    assert largest_remainder(10_000, {"cho": 5000, "ana": 5000, "ben": 5000}).shares == {
        "ana": minor("33.34"),
        "ben": minor("33.33"),
        "cho": minor("33.33"),
    }
    assert "ana 33.34, ben\n33.33, cho 33.33" in section("06-earnings.md")


def test_parts_before_the_cap() -> None:
    """90.00 of performance and 50.00 of milestones under a cap of 100.00."""
    payout = Payout(
        method="rate",
        rates={"FR": [{"rate": Decimal("0.30")}]},
        cap={"FR": Decimal("100.00")},
        milestones=[{"content_type": "reel", "posts": 8, "amount": Decimal("50.00")}],
    )
    score = CreatorScore("ana", "FR", 300_000 * 10**4, {"reel": 8}, None)
    (ana,) = period_earnings([score], payout, None, 2).creators
    assert (ana.performance_minor, ana.milestone_minor, ana.capped) == (6429, 3571, True)
    assert "64.29 and 35.71" in section("06-earnings.md")


def test_largest_remainder() -> None:
    assert largest_remainder(10, {"b": 3, "a": 3, "c": 1}).shares == {"a": 4, "b": 4, "c": 2}
    assert "a 4, b 4, c 2" in section("06-earnings.md")


def test_a_cross_rate_and_what_is_earned_by_it() -> None:
    rate_e10 = half_even_div(15927 * 10**10 * 100, 10321)
    assert rate_e10 == 1543164422052
    assert half_even_div(1000 * rate_e10, 100 * 10**10) == 1543
    assert half_even_div(10**14, 10321) == 9688983626
    text = section("07-settlement.md")
    assert "154.3164422052" in text and "so 1543." in text and "0.9688983626" in text


def test_marginal_withholding() -> None:
    *parts, whole = table_under(section("07-settlement.md"), "Paid and withheld").rows
    withheld_e4 = bracket_sum(1_234_567, [(1_000_000, 1021), (None, 2042)])
    assert withheld_e4 == 1_499_985_814
    assert whole["withheld"] == "149,998.5814, so 149,998"
    assert sum(Decimal(row["withheld"].replace(",", "")) for row in parts) == Decimal("149998.5814")
    assert f"The payout is {1_234_567 - withheld_e4 // 10**4:,}." in section("07-settlement.md")


def test_the_transaction_of_a_payout_sums_to_0() -> None:
    (entries,) = (
        table
        for table in doc_tables(section("07-settlement.md"))
        if table.columns == ("account", "amount_minor")
    )
    assert sum(int(row["amount_minor"].replace(",", "")) for row in entries.rows) == 0


def test_an_audience_value_and_points() -> None:
    rows = table_under(section("05-scoring.md"), "Audience value").rows
    *countries, together = rows
    products = [int(row["accounts"]) * Decimal(row["value"]) for row in countries]
    assert products == [Decimal(row["product"]) for row in countries]
    assert sum(products) == int(together["product"])
    value_e6 = half_even_div(int(together["product"]) * 10**6, int(together["accounts"]))
    assert value_e6 == 757143 and "which is 0.757143." in section("05-scoring.md")
    first = (1000 * 1 + 70 * 2) * value_e6
    assert half_even_div(first + 500 * 10**6, 100) == 13631430
    assert "The points are 1363.1430." in section("05-scoring.md")
