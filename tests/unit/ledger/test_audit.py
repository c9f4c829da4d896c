"""§7: the checks of `bonus verify` over the rows of published books, each seen to fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from orchestration.ledger.audit import Balance, Entry, PeriodBooks, book_faults
from orchestration.ledger.decisions import Adjustment, Return

ORDER = ("march", "april", "may")

# March: ann earns 500 and is paid with 50 withheld; bo earns 30, which is carried.
# April: bo earns 100, is adjusted by -5 for March, and is paid 125.
MARCH = PeriodBooks(
    "march",
    datetime(2024, 4, 3),
    ORDER,
    [
        Balance("ann", "USD", "paid", 500, 0, 0, 0, 500, 50, 450, 0),
        Balance("bo", "USD", "carried", 30, 0, 0, 0, 30, 0, 0, 30),
    ],
    [
        Entry("1-1", "1", "earning", "march", None, "ann", "expense:bonus", "USD", 500),
        Entry("1-2", "1", "earning", "march", None, "ann", "payable:ann", "USD", -500),
        Entry("2-1", "2", "payout", "march", None, "ann", "payable:ann", "USD", 500),
        Entry("2-2", "2", "payout", "march", None, "ann", "clearing:payout", "USD", -450),
        Entry("2-3", "2", "payout", "march", None, "ann", "withheld:US", "USD", -50),
        Entry("3-1", "3", "earning", "march", None, "bo", "expense:bonus", "USD", 30),
        Entry("3-2", "3", "earning", "march", None, "bo", "payable:bo", "USD", -30),
    ],
)
APRIL = PeriodBooks(
    "april",
    datetime(2024, 5, 3),
    ORDER,
    [
        Balance("ann", "USD", "none", 0, 0, 0, 0, 0, 0, 0, 0),
        Balance("bo", "USD", "paid", 100, 30, -5, 0, 125, 0, 125, 0),
    ],
    [
        Entry("4-1", "4", "earning", "april", None, "bo", "expense:bonus", "USD", 100),
        Entry("4-2", "4", "earning", "april", None, "bo", "payable:bo", "USD", -100),
        Entry("5-1", "5", "adjustment", "march", None, "bo", "expense:bonus", "USD", -5),
        Entry("5-2", "5", "adjustment", "march", None, "bo", "payable:bo", "USD", 5),
        Entry("6-1", "6", "payout", "april", None, "bo", "payable:bo", "USD", 125),
        Entry("6-2", "6", "payout", "april", None, "bo", "clearing:payout", "USD", -125),
    ],
)


def faults_of(periods: list[PeriodBooks]) -> list[str]:
    """March is closed."""
    return book_faults(periods, ["march"])


def test_whole_books_have_no_faults() -> None:
    assert faults_of([MARCH, APRIL]) == []


@pytest.mark.parametrize("taken", range(len(MARCH.journal)))
def test_an_entry_out_of_the_journal_is_named(taken: int) -> None:
    journal = [entry for place, entry in enumerate(MARCH.journal) if place != taken]
    txn_id = MARCH.journal[taken].txn_id
    faults = faults_of([replace(MARCH, journal=journal), APRIL])
    assert any(f"march: transaction {txn_id} sums to" in fault for fault in faults)


def test_a_whole_transaction_out_of_the_journal_is_named() -> None:
    journal = [entry for entry in MARCH.journal if entry.txn_id != "2"]
    faults = faults_of([replace(MARCH, journal=journal), APRIL])
    assert faults == [
        "march: journal posts 0 USD as payout of ann, expected -500",
        "march: account payable:ann stands at 500 USD over all periods, "
        "but its closing balance is 0",
        "april: account payable:ann stands at 500 USD over all periods, "
        "but its closing balance is 0",
    ]


def test_an_entry_of_nothing_is_named() -> None:
    journal = [
        *MARCH.journal,
        Entry("9-1", "9", "payout", "april", None, "bo", "payable:bo", "USD", 0),
    ]
    assert faults_of([replace(MARCH, journal=journal)]) == ["march: journal entry 9-1 has amount 0"]


def with_row(creator: str, **changes: int | str) -> PeriodBooks:
    ledger = [
        replace(row, **changes) if row.creator_id == creator else row  # type: ignore[arg-type]
        for row in APRIL.ledger
    ]
    return replace(APRIL, ledger=ledger)


@pytest.mark.parametrize(
    ("books", "said"),
    [
        (with_row("bo", payable_minor=124), "payable is 124, expected 125"),
        (with_row("bo", returns_minor=1), "payable is 125, expected 126"),
        (with_row("bo", closing_balance_minor=1), "closing balance is 1, expected 0"),
        (with_row("bo", status="held"), "is held, yet 125 was paid out"),
        (with_row("bo", opening_balance_minor=29), "opening balance is 29, expected 30"),
        (with_row("bo", earnings_minor=99), "posts 100 USD as earning of bo, expected 99"),
        (with_row("bo", adjustments_minor=5), "posts -5 USD as adjustment of bo, expected 5"),
    ],
)
def test_a_changed_row_is_named(books: PeriodBooks, said: str) -> None:
    assert any(said in fault for fault in faults_of([MARCH, books]))


def test_a_balance_that_vanished_is_named() -> None:
    april = replace(APRIL, ledger=APRIL.ledger[:1], journal=[])
    assert faults_of([MARCH, april]) == [
        "april: payout_ledger bo USD: opening balance is 0, expected 30, the closing balance before",
        "april: account payable:bo stands at 30 USD over all periods, but its closing balance is 0",
    ]


def test_who_comes_and_goes_with_nothing_is_no_fault() -> None:
    march = replace(
        MARCH, ledger=[*MARCH.ledger, Balance("cy", "USD", "none", 0, 0, 0, 0, 0, 0, 0, 0)]
    )
    assert faults_of([march, replace(APRIL, ledger=APRIL.ledger[1:])]) == []


def test_a_balance_out_of_nothing_is_named() -> None:
    april = replace(
        APRIL, ledger=[*APRIL.ledger, Balance("cy", "USD", "carried", 0, 5, 0, 0, 5, 0, 0, 5)]
    )
    assert faults_of([MARCH, april]) == [
        "april: payout_ledger cy USD: opening balance is 5, expected 0, the closing balance before",
        "april: account payable:cy stands at 0 USD over all periods, but its closing balance is 5",
    ]


def test_entries_of_a_creator_without_a_row_are_named() -> None:
    journal = [
        *APRIL.journal,
        Entry("7-1", "7", "earning", "april", None, "cy", "expense:bonus", "USD", 4),
        Entry("7-2", "7", "earning", "april", None, "cy", "payable:cy", "USD", -4),
    ]
    assert faults_of([MARCH, replace(APRIL, journal=journal)]) == [
        "april: journal posts 4 USD as earning of cy, expected 0",
        "april: account payable:cy stands at 4 USD over all periods, but its closing balance is 0",
    ]


def test_a_fault_says_where_and_how_much() -> None:
    assert faults_of([MARCH, with_row("bo", payable_minor=124, closing_balance_minor=-1)]) == [
        "april: payout_ledger bo USD: payable is 124, expected 125",
        "april: account payable:bo stands at 0 USD over all periods, but its closing balance is -1",
    ]
    journal = MARCH.journal[1:]
    assert faults_of([replace(MARCH, journal=journal)]) == [
        "march: transaction 1 sums to -500 USD, expected 0"
    ]


# May, after March was closed: ann's payout of March came back, and bo gets 7 by hand.
BY_HAND = Adjustment("a1", "bo", "may", "USD", 7, "ann", "cy", datetime(2024, 5, 1))
RETURNED = Return("r1", "ann", "march", "USD", "returned", datetime(2024, 5, 1))
MAY = PeriodBooks(
    "may",
    datetime(2024, 6, 3),
    ORDER,
    [
        Balance("ann", "USD", "paid", 0, 0, 0, 500, 500, 60, 440, 0),
        Balance("bo", "USD", "carried", 0, 0, 7, 0, 7, 0, 0, 7),
    ],
    [
        Entry("7-1", "7", "return", "march", None, "ann", "payable:ann", "USD", -500),
        Entry("7-2", "7", "return", "march", None, "ann", "clearing:payout", "USD", 450),
        Entry("7-3", "7", "return", "march", None, "ann", "withheld:US", "USD", 50),
        Entry("8-1", "8", "payout", "may", None, "ann", "payable:ann", "USD", 500),
        Entry("8-2", "8", "payout", "may", None, "ann", "clearing:payout", "USD", -440),
        Entry("8-3", "8", "payout", "may", None, "ann", "withheld:US", "USD", -60),
        Entry("9-1", "9", "manual", "may", "a1", "bo", "expense:bonus", "USD", 7),
        Entry("9-2", "9", "manual", "may", "a1", "bo", "payable:bo", "USD", -7),
    ],
    [BY_HAND],
    [RETURNED],
)


def faults_of_three(may: PeriodBooks, closed: list[str]) -> list[str]:
    return book_faults([MARCH, APRIL, may], closed)


def test_what_people_decided_is_computed_again() -> None:
    assert faults_of_three(MAY, ["march"]) == []
    assert faults_of_three(replace(MAY, adjustments=[]), ["march"]) == [
        "may: journal posts -7 USD to payable:bo as manual may of adjustment a1 of bo, expected 0"
    ]
    more = replace(BY_HAND, amount_minor=8)
    assert faults_of_three(replace(MAY, adjustments=[more]), ["march"]) == [
        "may: journal posts -7 USD to payable:bo as manual may of adjustment a1 of bo, expected -8"
    ]


def test_a_return_posted_of_a_period_that_is_not_closed_is_named() -> None:
    assert faults_of_three(MAY, []) == [
        "may: journal posts 450 USD to clearing:payout as return march of ann, expected 0",
        "may: journal posts -500 USD to payable:ann as return march of ann, expected 0",
        "may: journal posts 50 USD to withheld:US as return march of ann, expected 0",
    ]


def test_rows_that_an_earlier_period_has_read_count_for_a_later_one() -> None:
    earlier = replace(APRIL, adjustments=[BY_HAND], returns=[RETURNED])
    later = replace(MAY, adjustments=[], returns=[])
    # April closes before the return was known, so it is May that posts it.
    early = replace(earlier, closes_at=datetime(2024, 4, 30))
    assert book_faults([MARCH, early, later], ["march"]) == []


def test_a_leg_of_a_return_to_another_account_is_named() -> None:
    journal = [
        replace(entry, account="withheld:JP") if entry.entry_id == "7-3" else entry
        for entry in MAY.journal
    ]
    assert faults_of_three(replace(MAY, journal=journal), ["march"]) == [
        "may: journal posts 50 USD to withheld:JP as return march of ann, expected 0",
        "may: journal posts 0 USD to withheld:US as return march of ann, expected 50",
    ]


def test_a_ledger_row_that_does_not_tell_a_return_is_named() -> None:
    ledger = [replace(MAY.ledger[0], returns_minor=400), MAY.ledger[1]]
    faults = faults_of_three(replace(MAY, ledger=ledger), ["march"])
    assert faults == [
        "may: payout_ledger ann USD: payable is 500, expected 400",
        "may: journal posts 500 USD as return of ann, expected 400",
    ]
