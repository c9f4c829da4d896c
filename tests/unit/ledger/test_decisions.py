"""§7 "Adjustments by hand", "Returned payments": what a period posts of what people decide."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orchestration.ledger.decisions import (
    Adjustment,
    Decided,
    DecisionNote,
    Fault,
    ManualPosting,
    Past,
    Return,
    ReturnPosting,
    decide,
    deciding_rows,
    left_due,
    notes_of_unknown,
)

ORDER = ("january", "february", "march", "april")
CLOSES_AT = {period: datetime(2024, number, 3) for number, period in enumerate(ORDER, start=2)}
LONG_BEFORE = datetime(2023, 1, 1)
A_MICROSECOND = timedelta(microseconds=1)

BY_HAND = Adjustment("a1", "ada", "february", "USD", 1_234, "bo", "cy", LONG_BEFORE)
RETURNED = Return("r1", "ada", "january", "USD", "returned", LONG_BEFORE)
PAYOUT = {"payable:ada": 1_000, "clearing:payout": -760, "withheld:US": -240}
BLOCKING = {
    Fault.ROWS_DIFFER,
    Fault.RETURN_NOT_EARLIER,
    Fault.RETURN_NOT_PAID,
    Fault.POSTED_WITHOUT_ROW,
}
NOTHING_BEFORE = Past(ORDER)
JANUARY_CLOSED = Past(ORDER, ["january"], {RETURNED.payout: PAYOUT})


def decided(
    period: str,
    adjustments: list[Adjustment],
    returns: list[Return] | None = None,
    past: Past = NOTHING_BEFORE,
) -> Decided:
    return decide(period, CLOSES_AT[period], adjustments, returns or [], past)


def manual(period: str, *rows: Adjustment, posted: tuple[ManualPosting, ...] = ()) -> list[ManualPosting]:  # fmt: skip
    return list(decided(period, list(rows), past=Past(ORDER, manual=posted)).manual)


def returned(period: str, *rows: Return, past: Past = JANUARY_CLOSED) -> list[ReturnPosting]:
    return list(decided(period, [], list(rows), past).returns)


def faults(period: str, *rows: Adjustment | Return, past: Past = JANUARY_CLOSED) -> list[Fault]:
    adjustments = [row for row in rows if isinstance(row, Adjustment)]
    returns = [row for row in rows if isinstance(row, Return)]
    return [note.fault for note in decided(period, adjustments, returns, past).notes]


POSTED = ManualPosting("a1", "ada", "USD", "february", 1_234)
RETURN_POSTED = ReturnPosting(
    "january", "ada", "USD", {"payable:ada": -1_000, "clearing:payout": 760, "withheld:US": 240}
)


# Adjustments by hand


def test_it_is_due_from_its_period_on() -> None:
    """ "its period is this one or an earlier one of the program" """
    assert manual("january", BY_HAND) == []
    assert manual("february", BY_HAND) == [POSTED]
    assert manual("march", BY_HAND) == [POSTED]


def test_of_a_period_that_is_none_of_the_programs_nothing_is_due() -> None:
    assert manual("march", replace(BY_HAND, period="1999")) == []


def test_less_what_was_posted_before() -> None:
    assert manual("march", BY_HAND, posted=(POSTED,)) == []
    more = replace(BY_HAND, amount_minor=1_300)
    assert manual("march", more, posted=(POSTED,)) == [replace(POSTED, amount_minor=66)]


@pytest.mark.parametrize(
    "row",
    [
        replace(BY_HAND, approved_by=None),
        replace(BY_HAND, approved_by="Bo."),  # who requested it, as names are compared
        replace(BY_HAND, amount_minor=0),
        replace(BY_HAND, period="april"),
    ],
    ids=["waits", "own approval", "nothing", "moved to a later period"],
)
def test_what_is_due_no_more_is_taken_back_with_the_origin_of_the_latest_posting(
    row: Adjustment,
) -> None:
    earlier = replace(POSTED, origin_period="january", amount_minor=34)
    later = replace(POSTED, amount_minor=1_200)
    assert manual("march", row) == []
    assert manual("march", row, posted=(earlier, later)) == [replace(POSTED, amount_minor=-1_234)]


@pytest.mark.parametrize("moved", [{"creator_id": "eve"}, {"currency": "JPY"}])
def test_another_creator_or_currency_gets_it_and_the_first_gives_it_back(
    moved: dict[str, str],
) -> None:
    row = replace(BY_HAND, **moved, period="january")  # type: ignore[arg-type]
    assert sorted(manual("march", row, posted=(POSTED,)), key=lambda one: one.amount_minor) == [
        replace(POSTED, amount_minor=-1_234),
        replace(POSTED, **moved, origin_period="january"),  # type: ignore[arg-type]
    ]


def test_a_row_moved_to_another_period_posts_no_difference() -> None:
    assert manual("march", replace(BY_HAND, period="january"), posted=(POSTED,)) == []


def test_the_row_in_force_at_closes_on_counts() -> None:
    """§2: "the one with the greatest updated_at <= T" """
    at_close = replace(BY_HAND, amount_minor=2, updated_at=CLOSES_AT["march"])
    after = replace(BY_HAND, amount_minor=3, updated_at=CLOSES_AT["march"] + A_MICROSECOND)
    assert manual("march", after, at_close, BY_HAND) == [replace(POSTED, amount_minor=2)]
    assert manual("april", after, at_close, BY_HAND) == [replace(POSTED, amount_minor=3)]


def test_it_does_not_exist_before_its_first_row_but_where_it_was_posted() -> None:
    """§2: "unless an earlier published period has posted it: then the row with the least updated_at
    counts"."""
    first = replace(BY_HAND, updated_at=CLOSES_AT["march"] + A_MICROSECOND, amount_minor=5)
    second = replace(BY_HAND, updated_at=CLOSES_AT["april"], amount_minor=6)
    assert manual("march", second, first) == []
    assert manual("march", second, first, posted=(POSTED,)) == [
        replace(POSTED, amount_minor=5 - 1_234)
    ]
    of_another = replace(POSTED, adjustment_id="a2")
    assert manual("march", second, first, posted=(of_another,)) == [
        replace(of_another, amount_minor=-1_234)  # no row of it is left
    ]


# Returned payments


def test_a_returned_payout_is_turned_with_all_its_accounts() -> None:
    assert returned("february", RETURNED) == [RETURN_POSTED]
    assert RETURN_POSTED.payable_minor == 1_000


def test_it_is_returned_or_not_however_many_rows_say_so() -> None:
    twice = replace(RETURNED, return_id="r2")
    withdrawn = replace(RETURNED, return_id="r3", status="withdrawn")
    assert returned("february", RETURNED, twice, withdrawn) == [RETURN_POSTED]
    once = replace(JANUARY_CLOSED, returns=(RETURN_POSTED,))
    assert returned("march", twice, withdrawn, past=once) == []


def test_where_no_row_says_so_any_more_the_signs_are_turned_once_more() -> None:
    withdrawn = replace(RETURNED, status="withdrawn")
    once = replace(JANUARY_CLOSED, returns=(RETURN_POSTED,))
    (back,) = returned("march", withdrawn, past=once)
    assert back == replace(RETURN_POSTED, legs=PAYOUT)
    assert back.payable_minor == -1_000
    both = replace(once, returns=(RETURN_POSTED, back))
    assert returned("april", withdrawn, past=both) == []
    assert returned("april", RETURNED, past=both) == [RETURN_POSTED]


def test_the_row_of_a_return_in_force_counts() -> None:
    after = replace(RETURNED, status="withdrawn", updated_at=CLOSES_AT["february"] + A_MICROSECOND)
    assert returned("february", RETURNED, after) == [RETURN_POSTED]
    assert returned("march", RETURNED, after) == []


def test_a_return_exists_from_its_first_row_on_or_where_its_payout_was_returned_before() -> None:
    later = replace(RETURNED, updated_at=CLOSES_AT["february"] + A_MICROSECOND)
    assert returned("february", later) == []
    assert returned("march", later) == [RETURN_POSTED]
    once = replace(JANUARY_CLOSED, returns=(RETURN_POSTED,))
    assert returned("february", later, past=once) == []  # it stays returned


@pytest.mark.parametrize("field", ["creator_id", "currency"])
def test_a_return_of_no_payout_posts_nothing(field: str) -> None:
    assert returned("february", replace(RETURNED, **{field: "EUR"})) == []  # type: ignore[arg-type]


# What the gate says (§8)


def test_a_return_of_this_or_a_later_period() -> None:
    assert faults("february", replace(RETURNED, period="january")) == []
    for period in ("february", "march", "1999"):
        assert faults("february", replace(RETURNED, period=period)) == [Fault.RETURN_NOT_EARLIER]


def test_a_return_of_a_payout_that_was_not_paid_or_is_not_closed_yet() -> None:
    unpaid = replace(RETURNED, creator_id="eve")
    assert faults("march", unpaid) == [Fault.RETURN_NOT_PAID]
    assert faults("march", replace(unpaid, status="withdrawn")) == []
    assert faults("march", replace(RETURNED, period="february")) == [Fault.RETURN_NOT_CLOSED]


def test_an_adjustment_of_this_or_an_earlier_period_that_waits() -> None:
    waits = replace(BY_HAND, approved_by=None)
    assert faults("january", waits) == []
    assert faults("february", waits) == [Fault.WAITS_FOR_APPROVAL]
    assert faults("march", replace(BY_HAND, approved_by="bo")) == [Fault.WAITS_FOR_APPROVAL]
    assert faults("march", BY_HAND) == []
    not_there_yet = replace(waits, updated_at=CLOSES_AT["march"] + A_MICROSECOND)
    assert faults("march", not_there_yet) == []


def test_a_posting_for_which_there_is_no_row_at_all_any_more() -> None:
    past = replace(JANUARY_CLOSED, manual=(POSTED,), returns=(RETURN_POSTED,))
    assert faults("march", BY_HAND, RETURNED, past=past) == []
    # Whatever the row says now, it is one of its adjustment, or of its payout.
    other = replace(BY_HAND, creator_id="eve", approved_by="dan")
    withdrawn = replace(RETURNED, return_id="r9", status="withdrawn")
    assert faults("march", other, withdrawn, past=past) == []
    assert faults("march", RETURNED, past=past) == [Fault.POSTED_WITHOUT_ROW]
    assert faults("march", BY_HAND, past=past) == [Fault.POSTED_WITHOUT_ROW]


def test_rows_of_one_version_that_contradict_each_other() -> None:
    """Read by runs of different days: each landing directory may have been whole."""
    other = replace(BY_HAND, amount_minor=1)
    assert faults("march", BY_HAND, other) == [Fault.ROWS_DIFFER]
    reworded = replace(RETURNED, return_id="r1", status="withdrawn")
    assert faults("march", RETURNED, reworded) == [Fault.ROWS_DIFFER]
    # A later row, in force now, decides alone.
    later = replace(BY_HAND, updated_at=CLOSES_AT["march"])
    assert faults("march", BY_HAND, other, later) == []
    assert faults("march", BY_HAND, replace(BY_HAND, requested_by="dan")) == []


def test_a_posting_to_a_creator_unknown() -> None:
    assert notes_of_unknown([POSTED], {"ada"}) == []
    assert notes_of_unknown([POSTED], {"eve"}) == [
        DecisionNote(Fault.CREATOR_UNKNOWN, "a1", "ada", "february", "USD", 1_234)
    ]


# Over all periods

INSTANTS = st.sampled_from(
    [LONG_BEFORE, *CLOSES_AT.values(), *(at + A_MICROSECOND for at in CLOSES_AT.values())]
)
ADJUSTMENTS = st.builds(
    Adjustment,
    adjustment_id=st.sampled_from(["a1", "a2"]),
    creator_id=st.sampled_from(["ada", "eve"]),
    period=st.sampled_from(ORDER),
    currency=st.sampled_from(["USD", "JPY"]),
    amount_minor=st.integers(-3, 3),
    requested_by=st.just("bo"),
    approved_by=st.sampled_from([None, "cy", "cy", "Bo "]),
    updated_at=INSTANTS,
)
RETURNS = st.builds(
    Return,
    return_id=st.sampled_from(["r1", "r2"]),
    creator_id=st.sampled_from(["ada", "eve"]),
    period=st.sampled_from(ORDER),
    currency=st.just("USD"),
    status=st.sampled_from(["returned", "withdrawn"]),
    updated_at=INSTANTS,
)
PAYOUTS = {
    (period, creator, "USD"): {
        f"payable:{creator}": 10 * number,
        "clearing:payout": -7 * number,
        "withheld:US": -3 * number,
    }
    for number, period in enumerate(ORDER, start=1)
    for creator in ("ada", "eve")
    if (period, creator) != ("february", "eve")
}


def due_by_hand(period: str, rows: list[Adjustment], posted: set[str]) -> dict[tuple[str, str, str], int]:  # fmt: skip
    """What §7 calls due, told another way: row by row."""
    found = {}
    for adjustment_id in {row.adjustment_id for row in rows}:
        own = [row for row in rows if row.adjustment_id == adjustment_id]
        there = [row for row in own if row.updated_at <= CLOSES_AT[period]]
        if there:
            row = max(there, key=lambda one: one.updated_at)
        elif adjustment_id in posted:
            row = min(own, key=lambda one: one.updated_at)
        else:
            continue
        if row.approved_by == "cy" and ORDER.index(row.period) <= ORDER.index(period):
            found[adjustment_id, row.creator_id, row.currency] = row.amount_minor
    return {key: amount for key, amount in found.items() if amount}


@given(
    st.lists(
        st.lists(
            ADJUSTMENTS, max_size=6, unique_by=lambda row: (row.adjustment_id, row.updated_at)
        ),
        min_size=len(ORDER),
        max_size=len(ORDER),
    )
)
def test_what_all_periods_post_sums_to_what_is_due_in_the_last(
    read: list[list[Adjustment]],
) -> None:
    """Whatever each period has read: corrections, withdrawals, moves, rows that are gone again."""
    rows: dict[tuple[str, datetime], Adjustment] = {}
    posted: list[ManualPosting] = []
    for period, new in zip(ORDER, read, strict=True):
        # What an earlier run has read is not said otherwise by a later one in the same version.
        for row in new:
            rows.setdefault((row.adjustment_id, row.updated_at), row)
        used = list(rows.values())
        found = decided(period, used, past=Past(ORDER, manual=tuple(posted)))
        assert all(posting.amount_minor for posting in found.manual)
        due = due_by_hand(period, used, {posting.adjustment_id for posting in posted})
        posted += found.manual
        sums: dict[tuple[str, str, str], int] = {}
        for posting in posted:
            key = (posting.adjustment_id, posting.creator_id, posting.currency)
            sums[key] = sums.get(key, 0) + posting.amount_minor
        assert {key: total for key, total in sums.items() if total} == due


@given(
    st.lists(
        st.lists(RETURNS, max_size=6, unique_by=lambda row: (row.return_id, row.updated_at)),
        min_size=len(ORDER),
        max_size=len(ORDER),
    ),
    st.integers(0, len(ORDER)),
)
def test_a_payout_is_returned_once_or_not_at_all(read: list[list[Return]], closed: int) -> None:
    """Over the postings of all periods: the payout with its signs turned, or nothing."""
    rows: dict[tuple[str, datetime], Return] = {}
    posted: list[ReturnPosting] = []
    for number, (period, new) in enumerate(zip(ORDER, read, strict=True)):
        for row in new:
            rows.setdefault((row.return_id, row.updated_at), row)
        before = ORDER[: min(number, closed)]
        payouts = {key: legs for key, legs in PAYOUTS.items() if key[0] in before}
        past = Past(ORDER, before, payouts, returns=tuple(posted))
        found = decided(period, [], list(rows.values()), past)
        posted += found.returns
        said = {
            row.payout
            for row in max_by_key(list(rows.values()), period, {one.payout for one in past.returns})
            if row.status == "returned"
        }
        for key, legs in PAYOUTS.items():
            sums = dict.fromkeys(legs, 0)
            for posting in posted:
                if posting.payout == key:
                    assert sum(posting.legs.values()) == 0
                    for account, amount in posting.legs.items():
                        sums[account] += amount
            is_due = key in said and key in payouts
            assert sums == {account: -amount if is_due else 0 for account, amount in legs.items()}


def max_by_key(rows: list[Return], period: str, posted: set[tuple[str, str, str]]) -> list[Return]:
    """The row of each return in force, told another way."""
    found = []
    for return_id in {row.return_id for row in rows}:
        own = [row for row in rows if row.return_id == return_id]
        there = [row for row in own if row.updated_at <= CLOSES_AT[period]]
        first = min(own, key=lambda one: one.updated_at)
        if there:
            found.append(max(there, key=lambda one: one.updated_at))
        elif first.payout in posted:
            found.append(first)
    return found


def test_a_posting_has_the_origin_of_its_row_else_of_the_latest_posting() -> None:
    moved = replace(BY_HAND, period="january", amount_minor=2_000)
    (posting,) = manual("march", moved, posted=(POSTED,))
    assert (posting.origin_period, posting.amount_minor) == ("january", 766)


# What is due and has no open period that could post it.


def left(*rows: Adjustment | Return, past: Past, open_periods: tuple[str, ...]) -> Decided:
    adjustments = [row for row in rows if isinstance(row, Adjustment)]
    returns = [row for row in rows if isinstance(row, Return)]
    still_open = {period: CLOSES_AT[period] for period in open_periods}
    return left_due(adjustments, returns, past, still_open)


ALL_CLOSED = replace(JANUARY_CLOSED, closed=ORDER)
NOTHING = Decided([], [])


def test_nothing_is_left_where_an_open_period_could_post_it() -> None:
    assert left(BY_HAND, RETURNED, past=JANUARY_CLOSED, open_periods=ORDER[1:]) == NOTHING
    assert left(BY_HAND, RETURNED, past=ALL_CLOSED, open_periods=()) == Decided(
        [POSTED], [RETURN_POSTED]
    )
    posted = replace(ALL_CLOSED, manual=[POSTED], returns=[RETURN_POSTED])
    assert left(BY_HAND, RETURNED, past=posted, open_periods=()) == NOTHING


def test_what_comes_after_the_last_closes_on_is_left() -> None:
    """On both sides of the instant; of a correction only the difference."""
    three = replace(JANUARY_CLOSED, closed=ORDER[:3])
    for row in (BY_HAND, RETURNED):
        in_time = replace(row, updated_at=CLOSES_AT["april"])
        late = replace(row, updated_at=CLOSES_AT["april"] + A_MICROSECOND)
        assert left(in_time, past=three, open_periods=("april",)) == NOTHING
        assert left(late, past=three, open_periods=("april",)) != NOTHING
    more = replace(BY_HAND, amount_minor=1_300, updated_at=datetime(2025, 1, 1))
    (posting,) = left(BY_HAND, more, past=three, open_periods=("april",)).manual
    assert posting.amount_minor == 66
    withdrawn = replace(RETURNED, status="withdrawn", updated_at=datetime(2025, 1, 1))
    (back,) = left(RETURNED, withdrawn, past=three, open_periods=("april",)).returns
    assert back.payable_minor == -1_000


def test_what_waits_for_approval_or_is_withdrawn_is_not_due() -> None:
    waiting = replace(BY_HAND, approved_by=None)
    assert left(waiting, past=ALL_CLOSED, open_periods=()) == NOTHING
    posted = replace(ALL_CLOSED, manual=[POSTED])
    (back,) = left(waiting, past=posted, open_periods=()).manual
    assert back == replace(POSTED, amount_minor=-1_234)


def test_periods_that_close_in_another_order_than_they_begin() -> None:
    """What an earlier one has posted counts in a later one that closes before it."""
    late = replace(BY_HAND, updated_at=datetime(2024, 3, 20))
    still_open = {"march": datetime(2024, 4, 3), "april": datetime(2024, 3, 10)}
    past = replace(JANUARY_CLOSED, closed=ORDER[:2])
    assert left_due([late], [], past, still_open) == NOTHING


# Upon which rows something is posted

_INSTANTS = st.integers(0, 9).map(lambda months: LONG_BEFORE + timedelta(days=60 * months))
_READERS = st.sets(st.sampled_from(["own", "bob"]), min_size=1)
_ADJUSTMENT_ROWS = st.builds(
    Adjustment,
    st.just("a1"),
    st.sampled_from(["ada", "eve"]),
    st.sampled_from(ORDER),
    st.sampled_from(["USD", "JPY"]),
    st.sampled_from([10, 20, -10]),
    st.just("bo"),
    st.sampled_from(["dee", None]),
    _INSTANTS,
)
_RETURN_ROWS = st.builds(
    Return,
    st.sampled_from(["r1", "r1", "r2"]),
    st.sampled_from(["ada", "eve"]),
    st.just("january"),
    st.just("USD"),
    st.sampled_from(["returned", "withdrawn"]),
    _INSTANTS,
)
_PAYOUTS = {
    ("january", creator, "USD"): {f"payable:{creator}": 1_000, "clearing:payout": -1_000}
    for creator in ("ada", "eve")
}


def _amounts(found: Decided) -> Counter[object]:
    return Counter(
        [repr((row.adjustment_id, row.creator_id, row.currency, row.amount_minor)) for row in found.manual]
        + [repr((row.payout, row.payable_minor)) for row in found.returns]
    )  # fmt: skip


@settings(max_examples=1000)
@given(
    rows=st.lists(st.tuples(_RETURN_ROWS | _ADJUSTMENT_ROWS, _READERS, st.booleans()), max_size=6),
    posted=st.sampled_from([(), (replace(POSTED, amount_minor=10),)]),
)
def test_who_read_no_row_upon_which_something_is_posted_changes_no_amount(
    rows: list[tuple[Adjustment | Return, set[str], bool]],
    posted: tuple[ManualPosting, ...],
) -> None:
    """§7: whoever has no part in a period brings no amount into it, neither above 0 nor below."""
    turned = {row.payout for row, _, is_posted in rows if isinstance(row, Return) and is_posted}
    returns = [
        ReturnPosting(*payout, {account: -minor for account, minor in _PAYOUTS[payout].items()})
        for payout in sorted(turned)
    ]
    past = Past(ORDER, ["january", "february"], _PAYOUTS, posted, returns)

    def of(readers: set[str]) -> tuple[list[Adjustment], list[Return]]:
        read = [row for row, by, _ in rows if by & readers]
        return (
            [row for row in read if isinstance(row, Adjustment)],
            [row for row in read if isinstance(row, Return)],
        )

    every = of({"own", "bob"})
    found = decide("april", CLOSES_AT["april"], *every, past)
    deciding = deciding_rows(found, CLOSES_AT["april"], *every, past)
    assume(not {note.fault for note in found.notes} & BLOCKING)
    without_bob = of({"own"})
    if deciding <= {row for kind in without_bob for row in kind}:
        alone = decide("april", CLOSES_AT["april"], *without_bob, past)
        assert _amounts(found) - _amounts(alone) == Counter()
