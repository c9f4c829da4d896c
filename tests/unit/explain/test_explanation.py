"""Steps of a creator made by hand; the expected numbers are worked out on paper."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from orchestration.explain.explanation import Explanation, explain
from orchestration.explain.page import page
from orchestration.explain.rows import Contradiction, CreatorRows, Row
from orchestration.explain.steps import path_text
from tests.contract import SCORED_COUNTS
from tests.explained import at_path, evaluate
from tests.unit.explain.creators import POOL, RATE, creator, ledger, program, row

SCORED = {"creator_id": "ana"}


def increments(post: str, segment: int, *counts: int) -> Row:
    cells = dict.fromkeys(SCORED_COUNTS, 0) | dict(
        zip(SCORED_COUNTS[: len(counts)], counts, strict=True)
    )
    return row("post_increments", post_id=post, segment_no=segment, **SCORED, **cells)


def segment(number: int, version: int, value: str) -> Row:
    at = {"starts_at": "2024-04-01T04:00:00Z", "ends_at": "2024-04-16T04:00:00Z"}
    told = {"terms_version": version, "audience_value": value}
    return row("creator_segments", creator_id="ana", segment_no=number, **at, **told)


def entry(number: int, kind: str, account: str, currency: str, amount: int) -> Row:
    cells = {"kind": kind, "account": account, "currency": currency, "amount_minor": amount}
    return row("journal", entry_id=f"e{number}", creator_id="ana", **cells)


# p1: 0.925 x (1500 + 2 x 10) + 1 x 8 x 2 = 1422; p2: 0.925 x 0.5 x 333 = 154.0125, and no weights in
# version 3. 1000 x 10 + 500.5 x 5 + 75.5125 x 1 = 12578.0125 for 1000 points: 12.5780125 USD. With a
# milestone of 5.00 that is 1757.80125 cents, above the cap of 17.00. Of 1700 the milestone part is
# 850000 / 1757.80125 = 483.558..., so 484; p1 gets 1216 x 1422 / 1576.0125 = 1097.16...
EARNED: dict[str, Any] = {
    "eligibility": row("creator_eligibility", creator_id="ana", market="US", eligible="true"),
    "segments": [segment(1, 1, "0.925"), segment(2, 3, "1")],
    "post_scores": [
        row("post_scores", post_id="p1", content_type="reel", points="1422"),
        row("post_scores", post_id="p2", content_type="photo reel", points="154.0125"),
    ],
    "increments": [
        increments("p1", 1, 1500, 10, 7, 9),
        increments("p1", 2, 300, 0, 0, 2),
        increments("p2", 1, 333, 5, 5, 5),
        increments("p2", 2, 10, 5, 5, 5),
    ],
    "markets": [
        row("market_totals", market="JP", rounded_minor=300, shared_minor=0, shared_points="0"),
        row(
            "market_totals",
            market="US",
            rounded_minor=3000,
            pool_minor=5000,
            shared_minor=5000,
            shared_points="4728.0375",
        ),
    ],
    "earnings": row(
        "creator_earnings",
        creator_id="ana",
        market="US",
        points="1576.0125",
        milestones_minor=500,
        cap_minor=1700,
        capped="true",
        rounded_minor=1700,
        rounding_unit=0,
        program_amount_minor=1700,
        budget_unit=0,
        performance_minor=1216,
        milestone_minor=484,
    ),
    "post_earnings": [
        row("post_earnings", post_id="p1", amount_minor=1097, rounding_unit=0),
        row("post_earnings", post_id="p2", amount_minor=119, rounding_unit=1),
    ],
    "party": row("settlement_parties", creator_id="ana", payout_currency="USD", tax_residence="FR"),
    "rates": [row("settlement_rates", payout_currency="USD", fx_rate="1")],
}
# 17.00 + 4.80 given back - 2.00 from before + 0.20 adjusted = 20.00; of that 10 at 0.1 and 10 at 0.2.
PAID: dict[str, Any] = {
    "points": "1576.0125",
    "performance_minor": 1216,
    "milestone_minor": 484,
    "program_amount_minor": 1700,
    "fx_rate": "1",
    "earnings_minor": 1700,
    "opening_balance_minor": -200,
    "adjustments_minor": 20,
    "returns_minor": 480,
    "payable_minor": 2000,
    "withheld_minor": 300,
    "payout_minor": 1700,
    "status": "paid",
}
SETTLED: dict[str, Any] = {
    "ledger": [
        ledger(
            "JPY", opening_balance_minor=5, payable_minor=5, closing_balance_minor=5, status="held"
        ),
        ledger("USD", **PAID),
    ],
    "journal": [
        entry(1, "adjustment", "expense:bonus", "USD", 30),
        entry(2, "adjustment", "payable:ana", "USD", -30),
        entry(3, "manual", "expense:bonus", "USD", -10),
        entry(4, "return", "payable:ana", "USD", -480),
        entry(5, "return", "clearing:payout", "USD", 480),
        entry(6, "manual", "expense:bonus", "EUR", 99),
        entry(7, "earning", "expense:bonus", "USD", 1700),
        entry(8, "payout", "payable:ana", "USD", 2000),
    ],
    "before": [
        ledger("JPY", closing_balance_minor=5),
        ledger("USD", closing_balance_minor=-200),
    ],
}
SETTLED["before"] = [replace(each, period="march") for each in SETTLED["before"]]


def explained(rows: CreatorRows, payout: str = RATE, budget: str = "") -> Explanation:
    return explain(program(payout, budget), "april", "estimated", rows)


def step(found: Explanation, step_id: str) -> dict[str, Any]:
    (wanted,) = (one.to_json() for one in found.steps if one.id == step_id)
    return wanted


def changed(**cells: Any) -> dict[str, Any]:
    """EARNED with other cells in creator_earnings."""
    told = EARNED["earnings"]
    texts = {name: None if value is None else str(value) for name, value in cells.items()}
    return EARNED | {"earnings": replace(told, cells=told.cells | texts)}


def test_every_expression_gives_its_value() -> None:
    found = explained(creator(**EARNED, **SETTLED))
    assert len(found.steps) > 20
    for one in found.steps:
        inputs = {name: Fraction(source.value) for name, source in one.inputs.items()}
        assert evaluate(one.expression, inputs) == Fraction(one.value), one.id


def test_points_start_from_increments() -> None:
    told = step(explained(creator(**EARNED, **SETTLED)), "points:p1")
    assert (told["section"], told["unit"], told["value"]) == ("5", "points", "1422")
    assert told["expression"] == (
        "half_even(max(a1 * (wv1 * v1 + wl1 * l1) + a2 * ws2 * s2, 0), 4)"
    )
    assert told["inputs"]["a1"] == {"value": "0.925", "step": "audience:1"}
    assert told["inputs"]["wl1"] == {"value": "2", "program": "terms[0].weights.reel.likes"}
    assert told["inputs"]["ws2"] == {"value": "8", "program": "terms[1].weights.reel.shares"}
    assert told["inputs"]["v1"] == {
        "value": "1500",
        "table": "post_increments",
        "key": {"post_id": "p1", "segment_no": 1},
        "column": "qualified_views",
    }


def test_a_weight_that_is_not_given_and_a_type_without_weights_add_nothing() -> None:
    told = step(explained(creator(**EARNED, **SETTLED)), "points:p2")
    assert told["expression"] == "half_even(max(a1 * wv1 * v1, 0), 4)"
    assert told["inputs"]["wv1"]["program"] == 'terms[0].weights["photo reel"].views'


def test_the_cap_takes_what_lies_above_it() -> None:
    found = explained(creator(**EARNED, **SETTLED))
    assert step(found, "performance")["value"] == "1257.80125"
    told = step(found, "rounded")
    assert told["expression"] == "half_even(min(x + m, cap), 0)"
    assert told["inputs"]["cap"]["column"] == "cap_minor"
    rounded = changed(cap_minor=1758, capped="false", rounded_minor=1758)
    with pytest.raises(Contradiction, match="1700 is published, but it comes to 1758"):
        explained(creator(**rounded, **SETTLED))


def test_two_parts_of_an_amount() -> None:
    found = explained(creator(**EARNED, **SETTLED))
    told = step(found, "milestone_part")
    assert (told["expression"], told["value"]) == ("floor(a * m / (m + x) + 0.5)", "484")
    assert step(found, "amount:p2")["expression"] == "floor(a * p / all) + unit"


def test_a_budget_that_is_exceeded_is_shared_and_one_that_is_reached_is_not() -> None:
    """33.00 USD in both markets: 17.00 of them get 1699.48... of a budget of 32.99."""
    exceeded = changed(program_amount_minor=1700, budget_unit=1)
    told = step(explained(creator(**exceeded, **SETTLED), budget="32.99"), "program_amount")
    assert told["expression"] == "floor(budget * 100 * x / (t1 + t2)) + unit"
    assert told["inputs"]["budget"] == {"value": "32.99", "program": "periods[0].budget"}
    assert told["inputs"]["t2"]["key"] == {"market": "US"}
    reached = explained(creator(**EARNED, **SETTLED), budget="33.00")
    assert step(reached, "program_amount")["expression"] == "x"


def test_a_share_of_a_pool_and_a_cap_in_it() -> None:
    """1576.0125 of 4728.0375 points: 1666.67 of 50.00, with the unit that was left over."""
    none = {"milestones_minor": 0, "milestone_minor": 0, "cap_minor": None, "capped": "false"}
    amounts = dict.fromkeys(("rounded_minor", "program_amount_minor", "performance_minor"), 1667)
    posts = [
        row("post_earnings", post_id="p1", amount_minor=1504, rounding_unit=0),
        row("post_earnings", post_id="p2", amount_minor=163, rounding_unit=1),
    ]
    shared = changed(**none, **amounts, rounding_unit=1) | {"post_earnings": posts}
    found = explain(program(POOL), "april", "closed", creator(**shared))
    told = step(found, "rounded")
    assert told["expression"] == "floor(pool * p / shared) + unit"
    assert told["inputs"]["shared"]["column"] == "shared_points"
    capped = changed(milestones_minor=0, milestone_minor=0, performance_minor=1700)
    posts = [  # 1533.87... and 166.12...
        row("post_earnings", post_id="p1", amount_minor=1534, rounding_unit=1),
        row("post_earnings", post_id="p2", amount_minor=166, rounding_unit=0),
    ]
    told = step(explained(creator(**capped | {"post_earnings": posts}), POOL), "rounded")
    assert told["expression"] == "cap"


def test_a_market_that_pays_nothing() -> None:
    nothing = dict.fromkeys(
        (
            "milestones_minor",
            "rounded_minor",
            "program_amount_minor",
            "performance_minor",
            "milestone_minor",
        ),
        0,
    )
    posts = [
        row("post_earnings", post_id=post, amount_minor=0, rounding_unit=0) for post in ("p1", "p2")
    ]
    earned = changed(market="JP", cap_minor=None, capped="false", **nothing)
    found = explained(creator(**earned | {"post_earnings": posts}))
    assert step(found, "performance")["expression"] == "0"
    assert step(found, "milestone_part")["value"] == "0"  # 0 / 0


def test_each_column_of_the_ledger_names_its_step() -> None:
    found = explained(creator(**EARNED, **SETTLED))
    values = {column: step(found, one)["value"] for column, one in found.ledger["USD"].items()}
    expected = {column: str(value) for column, value in PAID.items() if column != "status"}
    assert values == expected | {"closing_balance_minor": "0"}


def test_another_currency_has_its_balance_and_no_rate() -> None:
    found = explained(creator(**EARNED, **SETTLED))
    assert "fx_rate" not in found.ledger["JPY"]
    values = {column: step(found, one)["value"] for column, one in found.ledger["JPY"].items()}
    assert values.pop("opening_balance_minor") == values.pop("payable_minor") == "5"
    assert values.pop("closing_balance_minor") == "5"
    assert set(values.values()) == {"0"}
    assert step(found, "opening:JPY")["inputs"]["o"] == {
        "value": "5",
        "table": "payout_ledger",
        "key": {"creator_id": "ana", "payout_currency": "JPY"},
        "column": "closing_balance_minor",
        "period": "march",
    }


def test_adjustments_and_returns_are_cells_of_the_journal() -> None:
    found = explained(creator(**EARNED, **SETTLED))
    told = step(found, "adjustments:USD")
    assert told["expression"] == "j1 + j2"
    assert [source["key"] for source in told["inputs"].values()] == [
        {"entry_id": "e1"},
        {"entry_id": "e3"},
    ]
    assert step(found, "returns:USD")["expression"] == "-j1"


def test_withheld_is_by_brackets_in_the_smallest_unit_rounded_down() -> None:
    told = step(explained(creator(**EARNED, **SETTLED)), "withheld:USD")
    assert told["expression"] == (
        "floor(min(p, u0 * 100) * r0 + max(min(p, u1 * 100) - u0 * 100, 0) * r1"
        " + max(p - u1 * 100, 0) * r2)"
    )
    assert told["inputs"]["u1"] == {
        "value": "20.5",
        "program": "withholding[1].brackets[1].up_to",
    }


def test_a_rate_makes_whole_yen_out_of_cents() -> None:
    """16.50 USD at 150.0303030303 are 2475.5 JPY less 5 millionths: 2475, not 2476."""
    ineligible = {
        "eligibility": row("creator_eligibility", creator_id="ana", reasons="NOT_ACTIVATED"),
        "party": row("settlement_parties", creator_id="ana", payout_currency="JPY"),
        "rates": [row("settlement_rates", payout_currency="JPY", fx_rate="150.0303030303")],
        "ledger": [ledger("JPY", fx_rate="150.0303030303")],
    }
    found = explained(creator(**ineligible))
    told = step(found, "earnings:JPY")
    assert told["expression"] == "half_even(a * r / 100, 0)"
    values = {name: Fraction(source["value"]) for name, source in told["inputs"].items()}
    assert evaluate(told["expression"], values | {"a": Fraction(1650)}) == 2475
    assert [reason.reason for reason in found.creator_reasons] == ["NOT_ACTIVATED"]
    assert found.one_more_point is None


@pytest.mark.parametrize(
    "column", ["points", "fx_rate", "earnings_minor", "payable_minor", "withheld_minor"]
)
def test_a_ledger_that_says_something_else_is_a_contradiction(column: str) -> None:
    told = ledger("USD", **PAID)
    other = replace(told, cells=told.cells | {column: "7"})
    with pytest.raises(Contradiction, match="7 is published"):
        explained(creator(**EARNED, **SETTLED | {"ledger": [other]}))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("terms", 0, "weights", "reel", "views"), "terms[0].weights.reel.views"),
        (("terms", 10, "payout", "rates", "a.b"), 'terms[10].payout.rates["a.b"]'),
        (("markets", 'say "x"\\'), 'markets["say \\"x\\"\\\\"]'),
        (("markets", "日本", "x-y_1"), 'markets["日本"].x-y_1'),
    ],
    ids=["plain", "dot", "quotes", "other letters"],
)
def test_a_path_names_keys_and_places(path: tuple[str | int, ...], text: str) -> None:
    assert path_text(*path) == text
    found: Any = "1"
    for part in reversed(path):
        found = [found] * (part + 1) if isinstance(part, int) else {part: found}
    assert at_path(found, text) == "1"


def test_the_page_has_sums_under_each_other_and_every_formula() -> None:
    text = page(explained(creator(**EARNED, **SETTLED)))
    lines = text.splitlines()
    assert lines[:2] == ["Bonus of ana", "spring, period april, estimated"]
    assert "USD: paid; paid out 17.00 USD" in lines and "JPY: held; paid out 0 JPY" in lines
    (first,) = (line for line in lines if line.startswith("  Points of post p1 "))
    (second,) = (line for line in lines if line.startswith("  Points of post p2 "))
    (both,) = (line for line in lines if line.startswith("  Points of the creator "))
    end = first.index("1,422") + len("1,422")
    assert second[end - 3 : end + 5] == "154.0125"
    assert both[end - 5 : end + 5] == "1,576.0125"
    assert "      = floor(1700 * 500 / (500 + 1257.80125) + 0.5)" in lines
    assert "      = -200 + 1700 + 20 + 480" in lines


def test_the_page_says_of_each_post_that_earns_nothing_why_and_what_would_have_changed_it() -> None:
    reasons = "BELOW_MINIMUM_VIEWS|COLLAB"
    told = {"published_at": "2024-04-05T00:00:00Z", "reasons": reasons, "qualified_views": 999}
    post = row("post_eligibility", post_id="p3", creator_id="ana", content_type="reel", **told)
    window = {"window_start": "2024-04-01T04:00:00Z", "window_end": "2024-05-01T04:00:00Z"}
    own = row("creator_eligibility", creator_id="ana", market="US", eligible="true", **window)
    given = EARNED | SETTLED | {"posts": [post], "eligibility": own}
    text = page(explained(creator(**given), payout=RATE))
    assert text.endswith(
        """
Posts that do not count (§4)
  p3
      Fewer qualified views than the minimum. (BELOW_MINIMUM_VIEWS) Found 999, needed 1000.
      Collaborations are excluded. (COLLAB)
      It would count if all of this held:
        - It has at least 1000 qualified views."""
    )


def one_more(payout: str = RATE, budget: str = "", **cells: Any) -> tuple[Fraction, str]:
    """What one more point pays of EARNED with other cells of creator_earnings, and in which words."""
    rows = creator(**changed(**cells) | {"post_earnings": []})
    told = explained(rows, payout, budget).one_more_point
    assert told is not None
    inputs = {name: Fraction(source.value) for name, source in told.inputs.items()}
    assert evaluate(told.expression, inputs) == Fraction(told.value)
    return Fraction(told.value), told.text.removeprefix("What one more point would have paid")


# 1757.80125 cents, of which 500 are the milestone part: 1758 and 500 after rounding.
FREE = {"cap_minor": 1758, "capped": "false", "rounded_minor": 1758}
FREE |= {"program_amount_minor": 1758, "performance_minor": 1258, "milestone_minor": 500}


def test_one_more_point_pays_by_the_last_rate_up_to_the_cap() -> None:
    """1.00 USD for 1000 points: 0.1 cents a point; from 1757.80125 to 1757.85 are 0.04875."""
    assert one_more(**FREE | {"cap_minor": None}) == (Fraction("0.1"), "")
    assert one_more(**FREE) == (Fraction("0.1"), "")
    assert one_more(**FREE | {"cap_minor": "1757.85"}) == (Fraction("0.04875"), "")
    assert one_more() == (0, ": the amount is at its cap")
    at_it = FREE | {"cap_minor": "1757.80125"}
    assert one_more(**at_it) == (0, ": the amount is at its cap")


def test_of_one_more_point_a_budget_that_is_exceeded_pays_a_part() -> None:
    """With all amounts at 33.00: B (x + d) / (T + d) - B x / T is B d (T - x) / (T (T + d))."""
    paid, said = one_more(
        budget="32.99",
        **FREE | {"program_amount_minor": 1757, "budget_unit": 0} | {"performance_minor": 1257},
    )
    exact = Fraction(3299) * Fraction("0.1") * (3300 - 1758) / (3300 * Fraction("3300.1"))
    assert (paid, said) == (round(exact, 10), ": the budget is exceeded")
    # At 33.00 it is reached: only what one more point brings exceeds it.
    paid, said = one_more(budget="33.00", **FREE)
    exact = 3300 * Fraction("1758.1") / Fraction("3300.1") - 1758
    assert (paid, said) == (round(exact, 10), ": the budget is exceeded")
    assert one_more(budget="33.01", **FREE) == (Fraction("0.1"), "")


def test_of_a_pool_one_more_point_pays_a_greater_share() -> None:
    """S (p + 1) / (Q + 1) - S p / Q is S (Q - p) / (Q (Q + 1))."""
    shared = dict.fromkeys(("rounded_minor", "program_amount_minor", "performance_minor"), 1667)
    shared |= {"milestones_minor": 0, "milestone_minor": 0, "rounding_unit": 1}
    own, all_of_them = Fraction("1576.0125"), Fraction("4728.0375")
    exact = 5000 * (all_of_them - own) / (all_of_them * (all_of_them + 1))
    said = ", others' points being as they are"
    assert one_more(POOL, **shared, cap_minor=None, capped="false") == (round(exact, 10), said)
    assert one_more(POOL, **shared, cap_minor=5000, capped="false") == (round(exact, 10), said)
    at_cap = shared | dict.fromkeys(("rounded_minor", "program_amount_minor"), 1700)
    at_cap |= {"performance_minor": 1700, "cap_minor": 1700, "capped": "true"}
    assert one_more(POOL, **at_cap) == (0, ": the amount is at its cap")


def test_of_a_pool_that_nobody_shares_one_more_point_gets_what_the_capped_have_left() -> None:
    nothing = dict.fromkeys(
        ("points", "rounded_minor", "program_amount_minor", "performance_minor"), 0
    )
    nothing |= {"milestones_minor": 0, "milestone_minor": 0, "rounding_unit": 0}
    alone = {
        "shared_points": "0",
        "shared_minor": "0",
        "pool_minor": "5000",
        "capped_minor": "4000",
    }
    market = EARNED["markets"][1]
    rows = changed(**nothing, cap_minor=None, capped="false") | {
        "markets": [replace(market, cells=market.cells | alone)],
        "post_scores": [],
        "post_earnings": [],
    }
    told = explained(creator(**rows), POOL).one_more_point
    assert told is not None and told.value == "1000"
