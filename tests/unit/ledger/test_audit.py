"""§7: the checks of `bonus verify` over the rows of published books, each seen to fail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestration.ledger.audit import Balance, Entry, PeriodBooks, book_faults

# March: ann earns 500 and is paid with 50 withheld; bo earns 30, which is carried.
# April: bo earns 100, is adjusted by -5 for March, and is paid 125.
MARCH = PeriodBooks(
    "march",
    [
        Balance("ann", "USD", "paid", 500, 0, 0, 0, 500, 50, 450, 0),
        Balance("bo", "USD", "carried", 30, 0, 0, 0, 30, 0, 0, 30),
    ],
    [
        Entry("1-1", "1", "earning", "ann", "expense:bonus", "USD", 500),
        Entry("1-2", "1", "earning", "ann", "payable:ann", "USD", -500),
        Entry("2-1", "2", "payout", "ann", "payable:ann", "USD", 500),
        Entry("2-2", "2", "payout", "ann", "clearing:payout", "USD", -450),
        Entry("2-3", "2", "payout", "ann", "withheld:US", "USD", -50),
        Entry("3-1", "3", "earning", "bo", "expense:bonus", "USD", 30),
        Entry("3-2", "3", "earning", "bo", "payable:bo", "USD", -30),
    ],
)
APRIL = PeriodBooks(
    "april",
    [
        Balance("ann", "USD", "none", 0, 0, 0, 0, 0, 0, 0, 0),
        Balance("bo", "USD", "paid", 100, 30, -5, 0, 125, 0, 125, 0),
    ],
    [
        Entry("4-1", "4", "earning", "bo", "expense:bonus", "USD", 100),
        Entry("4-2", "4", "earning", "bo", "payable:bo", "USD", -100),
        Entry("5-1", "5", "adjustment", "bo", "expense:bonus", "USD", -5),
        Entry("5-2", "5", "adjustment", "bo", "payable:bo", "USD", 5),
        Entry("6-1", "6", "payout", "bo", "payable:bo", "USD", 125),
        Entry("6-2", "6", "payout", "bo", "clearing:payout", "USD", -125),
    ],
)


def test_whole_books_have_no_faults() -> None:
    assert book_faults([MARCH, APRIL]) == []


@pytest.mark.parametrize("taken", range(len(MARCH.journal)))
def test_an_entry_out_of_the_journal_is_named(taken: int) -> None:
    journal = [entry for place, entry in enumerate(MARCH.journal) if place != taken]
    txn_id = MARCH.journal[taken].txn_id
    faults = book_faults([replace(MARCH, journal=journal), APRIL])
    assert any(f"march: transaction {txn_id} sums to" in fault for fault in faults)


def test_a_whole_transaction_out_of_the_journal_is_named() -> None:
    journal = [entry for entry in MARCH.journal if entry.txn_id != "2"]
    faults = book_faults([replace(MARCH, journal=journal), APRIL])
    assert faults == [
        "march: journal posts 0 USD as payout of ann, expected -500",
        "march: account payable:ann stands at 500 USD over all periods, "
        "but its closing balance is 0",
        "april: account payable:ann stands at 500 USD over all periods, "
        "but its closing balance is 0",
    ]


def test_an_entry_of_nothing_is_named() -> None:
    journal = [*MARCH.journal, Entry("9-1", "9", "payout", "bo", "payable:bo", "USD", 0)]
    assert book_faults([replace(MARCH, journal=journal)]) == [
        "march: journal entry 9-1 has amount 0"
    ]


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
    assert any(said in fault for fault in book_faults([MARCH, books]))


def test_a_balance_that_vanished_is_named() -> None:
    april = replace(APRIL, ledger=APRIL.ledger[:1], journal=[])
    assert book_faults([MARCH, april]) == [
        "april: payout_ledger bo USD: opening balance is 0, expected 30, the closing balance before",
        "april: account payable:bo stands at 30 USD over all periods, but its closing balance is 0",
    ]


def test_who_comes_and_goes_with_nothing_is_no_fault() -> None:
    march = replace(
        MARCH, ledger=[*MARCH.ledger, Balance("cy", "USD", "none", 0, 0, 0, 0, 0, 0, 0, 0)]
    )
    assert book_faults([march, replace(APRIL, ledger=APRIL.ledger[1:])]) == []


def test_a_balance_out_of_nothing_is_named() -> None:
    april = replace(
        APRIL, ledger=[*APRIL.ledger, Balance("cy", "USD", "carried", 0, 5, 0, 0, 5, 0, 0, 5)]
    )
    assert book_faults([MARCH, april]) == [
        "april: payout_ledger cy USD: opening balance is 5, expected 0, the closing balance before",
        "april: account payable:cy stands at 0 USD over all periods, but its closing balance is 5",
    ]


def test_entries_of_a_creator_without_a_row_are_named() -> None:
    journal = [
        *APRIL.journal,
        Entry("7-1", "7", "earning", "cy", "expense:bonus", "USD", 4),
        Entry("7-2", "7", "earning", "cy", "payable:cy", "USD", -4),
    ]
    assert book_faults([MARCH, replace(APRIL, journal=journal)]) == [
        "april: journal posts 4 USD as earning of cy, expected 0",
        "april: account payable:cy stands at 4 USD over all periods, but its closing balance is 0",
    ]


def test_a_fault_says_where_and_how_much() -> None:
    assert book_faults([MARCH, with_row("bo", payable_minor=124, closing_balance_minor=-1)]) == [
        "april: payout_ledger bo USD: payable is 124, expected 125",
        "april: account payable:bo stands at 0 USD over all periods, but its closing balance is -1",
    ]
    journal = MARCH.journal[1:]
    assert book_faults([replace(MARCH, journal=journal)]) == [
        "march: transaction 1 sums to -500 USD, expected 0"
    ]
