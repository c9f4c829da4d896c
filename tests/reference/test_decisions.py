"""Adjustments by hand and returned payments (contract §7), by hand: what is rare in the worked cases."""

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest

from tests.reference.decisions import Posting, by_hand, is_approved, returned
from tests.reference.names import compared
from tests.reference.program import Period, Program

MAY, JUNE, JULY = (
    Period(f"2024-{n:02}", *(date(2024, n, d) for d in (1, 20, 25, 25, 28)), budget_minor=None)
    for n in (5, 6, 7)
)
PROGRAM = Program("p", "USD", {}, [MAY, JUNE, JULY], [], None, {}, [])


def asked(day: datetime, **changes) -> dict:
    """§2: a row of `adjustments`, approved."""
    return {
        "program": "p",
        "adjustment_id": "a",
        "creator_id": "c",
        "period": "2024-05",
        "currency": "USD",
        "amount": Fraction("12.5"),
        "requested_by": "ana",
        "approved_by": "bo",
        "updated_at": day,
    } | changes


def at(month: int, day: int, microsecond: int = 0) -> datetime:
    """§2: an updated_at."""
    return datetime(2024, month, day, 0, 0, 0, microsecond, tzinfo=UTC)


def posted(origin: str, minor: int, **changes) -> Posting:
    """§7: a posting of kind `manual` of an earlier period."""
    return Posting(
        **{
            "kind": "manual",
            "origin_period": origin,
            "creator_id": "c",
            "currency": "USD",
            "amount_minor": minor,
            "lines": (),
            "adjustment_id": "a",
            **changes,
        }
    )


def brief(postings: list) -> list:
    """§9: the columns of the journal that tell postings apart."""
    return [(p.origin_period, p.creator_id, p.currency, p.amount_minor) for p in postings]


def test_a_row_counts_from_its_period_on_and_from_its_updated_at_on() -> None:
    """§7: "its period is this one or an earlier one of the program"; §2: "none of whose rows has updated_at <=
    closes_on does not exist yet"."""
    row = asked(at(5, 25), period="2024-06")
    assert by_hand(PROGRAM, MAY, [row], []) == []
    assert brief(by_hand(PROGRAM, JUNE, [row], [])) == [("2024-06", "c", "USD", 1250)]
    assert brief(by_hand(PROGRAM, MAY, [asked(at(5, 25))], [])) == [("2024-05", "c", "USD", 1250)]
    assert by_hand(PROGRAM, MAY, [asked(at(5, 25, 1))], []) == []


def test_what_an_earlier_period_has_posted_exists() -> None:
    """§2: "unless an earlier published period has posted it ...: then the row with the least updated_at counts"."""
    rows = [asked(at(6, 25, 2), amount=Fraction(1)), asked(at(6, 25, 1))]
    assert by_hand(PROGRAM, JUNE, rows, []) == []
    assert by_hand(PROGRAM, JUNE, rows, [posted("2024-05", 1250)]) == []
    assert brief(by_hand(PROGRAM, JUNE, rows, [posted("2024-05", 1)])) == [
        ("2024-05", "c", "USD", 1249)
    ]


def test_what_is_taken_back_has_the_origin_of_the_latest_posting() -> None:
    """§7: "its origin_period is the row's period or, where the amount due is 0, the origin_period of the latest
    posting"."""
    earlier = [posted("2024-05", 1250), posted("2024-06", 50)]
    withdrawn = asked(at(5, 1), period="2024-07", approved_by=None)
    zero = asked(at(5, 1), period="2024-07", amount=Fraction(0))
    for row in (withdrawn, zero):
        assert brief(by_hand(PROGRAM, JULY, [row], earlier)) == [("2024-06", "c", "USD", -1300)]
    other = asked(at(5, 1), currency="JPY", amount=Fraction(7))
    assert brief(by_hand(PROGRAM, JULY, [other], earlier)) == [
        ("2024-05", "c", "JPY", 7),
        ("2024-06", "c", "USD", -1300),
    ]


@pytest.mark.parametrize(
    ("requested_by", "approved_by", "approved"),
    [
        ("ana", "bo", True),
        ("ana", None, False),
        ("José ", " JOSÉ", False),  # é as one code point and as two
        ("ana", "«ANA».", False),
        ("ana", "a\u200bna", False),
        ("ana", "ａｎａ", False),
        ("ana", "a-na", True),
        ("ana", "…", False),  # nothing is left
        ("ana", "bо", False),  # a Cyrillic letter
        ("ana", "βo", False),
        ("ana", "Bo 山田タロウ", True),
        ("ana", "김 Lee", True),
        ("ana", "김タ", False),
        ("ana", "ㄅ李 Lee", True),
        ("ana", "бо", True),
    ],
)
def test_who_has_approved(requested_by: str, approved_by: str | None, approved: bool) -> None:
    """§7: "Names are compared in NFKC, case-folded, ..."; "mix by the level "highly restrictive""."""
    row = {"requested_by": requested_by, "approved_by": approved_by}
    assert is_approved(row) is approved


def test_a_name_as_it_is_compared() -> None:
    """§7: "without blanks and punctuation at their ends and without code points that Unicode calls
    default-ignorable"."""
    assert compared("  (Ｓtraße\u00ad-Ⅳ) \u2060. ") == "strasse-iv"
    assert compared("\u200b . ") is None


PAID = {
    ("2024-05", "c", "USD"): [("payable:c", 1000), ("clearing:payout", -700), ("withheld:US", -300)]
}
TURNED = (("payable:c", -1000), ("clearing:payout", 700), ("withheld:US", 300))


def say(return_id: str, status: str, day: datetime) -> dict:
    """§2: a row of `payment_returns`."""
    paid = {"period": "2024-05", "creator_id": "c", "currency": "USD"}
    return {"return_id": return_id, "status": status, "updated_at": day} | paid


def test_a_payout_is_returned_as_a_whole_and_once() -> None:
    """§7: "posts the transaction of the payout with all signs turned"; "A payout is returned or not, however many rows
    say so"; "Where no row says so any more, that turns the signs once more"."""
    rows = [say("r", "returned", at(6, 1)), say("s", "returned", at(6, 2))]
    (turned,) = returned(JUNE, rows, [], PAID)
    assert (turned.lines, turned.amount_minor, turned.origin_period) == (TURNED, 1000, "2024-05")
    assert returned(JULY, rows, [turned], PAID) == []
    rows.append(say("r", "withdrawn", at(7, 1)))
    assert returned(JULY, rows, [turned], PAID) == []
    rows.append(say("s", "withdrawn", at(7, 1)))
    (back,) = returned(JULY, rows, [turned], PAID)
    assert (list(back.lines), back.amount_minor) == (PAID["2024-05", "c", "USD"], -1000)
    assert returned(JUNE, rows, [], {}) == []  # nothing of it is closed yet


def test_a_return_that_an_earlier_period_has_posted_exists() -> None:
    """§2: "(a return: one of its period, creator and currency)"."""
    (turned,) = returned(JUNE, [say("r", "returned", at(6, 1))], [], PAID)
    late = [say("s", "returned", at(7, 26))]
    assert brief(returned(JULY, [], [turned], PAID)) == [("2024-05", "c", "USD", -1000)]
    assert returned(JULY, late, [turned], PAID) == []
    assert returned(JULY, late, [], PAID) == []
