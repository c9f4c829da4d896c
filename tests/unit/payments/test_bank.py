"""A simulated bank answers as it likes: what the product makes of it is what the bank has decided, to the last unit."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from orchestration.payments.accounts import Party
from orchestration.payments.answers import read_answers
from orchestration.payments.pain001 import written
from orchestration.payments.payouts import Due, Payout
from orchestration.payments.reconcile import Clearing, Reconciled, reconciled
from orchestration.payments.returns import Answered, judged, return_rows
from tests.unit.payments.bank import Bank

ANA = Party("Ana", "Madrid", "ES", iban="ES9121000418450200051332")


def drawn(seed: int) -> Due:
    """Up to sixty payouts in up to four currencies, some in two of them to one creator."""
    draw = random.Random(seed)
    payouts: dict[str, list[Payout]] = {}
    for currency in draw.sample(["USD", "JPY", "KWD", "EUR"], draw.randint(1, 4)):
        ids = sorted(draw.sample(range(40), draw.randint(1, 15)))
        payouts[currency] = [Payout(f"c{one}", currency, draw.randint(1, 10**7)) for one in ids]
    sums = {
        currency: (len(rows), sum(row.minor for row in rows)) for currency, rows in payouts.items()
    }
    return Due(
        "bonus", "2024-01", date(2024, 2, 21), "2024-02-03T10:00:00Z", dict(sorted(payouts.items())), sums
    )  # fmt: skip


def asked(due: Due, seed: int) -> Bank:
    bank = Bank(seed)
    for currency, payouts in due.payouts.items():
        bank.takes(written(due, currency, ANA, {one.creator_id: ANA for one in payouts}))
    return bank


def heard(due: Due, messages: list[bytes], folder: Path) -> Answered:
    answers = []
    for number, content in enumerate(messages):
        path = folder / f"{number}.xml"
        path.write_bytes(content)
        found, fault = read_answers(path)
        assert fault is None
        answers += found
    return judged(due, answers)


def differences(seed: int, folder: Path) -> list[str]:
    """All in which the product says something else than the bank has decided."""
    due = drawn(seed)
    bank = asked(due, seed)
    messages = bank.answers()
    answered = heard(due, messages, folder)
    found = []
    ids = {due.id_of("transaction", one.currency, one.creator_id): one for one in answered.outcomes}
    for its_id, truth in bank.truth.items():
        if (said := answered.outcomes[ids[its_id]]) != truth:
            found.append(f"{seed}: {its_id} is {truth}, not {said}")
    returned = {ids[its_id] for its_id, truth in bank.truth.items() if truth == "returned"}
    rows = return_rows(due, answered)
    if {(row[2], row[4]) for row in rows} != {(one.creator_id, one.currency) for one in returned}:
        found.append(f"{seed}: rows of other payouts than have come back")
    if len({row[1] for row in rows}) != len(rows):
        found.append(f"{seed}: a return_id twice")
    turned = heard(due, [*reversed(messages), *messages[:2]], folder)
    if return_rows(due, turned) != rows or turned.outcomes != answered.outcomes:
        found.append(f"{seed}: the order of messages, or one read twice, changes what is said")
    if any("OTHER" not in one for one in answered.unknown):
        found.append(f"{seed}: ids of ours are not known: {answered.unknown}")
    # The books of later periods have posted some of the returns.
    posted = {
        (one.creator_id, one.currency): one.minor
        for one in sorted(returned, key=lambda one: (one.creator_id, one.currency))
        if hash(one.minor) % 2
    }
    cleared = {currency: total for currency, (_, total) in due.sums.items()}
    told = reconciled(due, answered, Clearing(cleared, posted))
    found += [f"{seed}: {one}" for one in told.differences]
    for currency, sums in told.sums.items():
        truths = {"paid": 0, "returned": 0, "open": 0}
        for its_id, truth in bank.truth.items():
            if ids[its_id].currency == currency:
                truths[truth] += ids[its_id].minor
        if (sums.paid_minor, sums.returned_minor, sums.unanswered_minor) != tuple(truths.values()):
            found.append(f"{seed}: {currency}: {sums} is not {truths}")
    return found


@pytest.mark.parametrize("tenth", range(5))
def test_fifty_banks(tenth: int, tmp_path: Path) -> None:
    for seed in range(tenth * 10, tenth * 10 + 10):
        assert differences(seed, tmp_path) == []


@pytest.mark.long
def test_a_thousand_banks(tmp_path: Path) -> None:
    assert [one for seed in range(1000) for one in differences(seed, tmp_path)] == []


def test_the_banks_do_all_that_they_can() -> None:
    """Each fate occurs among the fifty, and messages of each kind."""
    from tests.unit.payments.bank import CAMT_054, FATES, PAIN_002

    banks = [asked(drawn(seed), seed) for seed in range(50)]
    fates = {fate for bank in banks for fate in bank.fates.values()}
    assert fates == {*FATES, "rejected whole", "settled whole", "booked whole"}
    messages = b"".join(content for bank in banks for content in bank.answers())
    assert all(version.encode() in messages for version in (*PAIN_002, *CAMT_054))
    assert b"OTHER-" in messages and b"<Btch>" in messages


# What is not in agreement is seen.


@pytest.fixture
def due() -> Due:
    return next(one for one in map(drawn, range(100)) if len(one.payouts.get("USD", [])) > 3)


def compared(due: Due, answered: Answered, **books: object) -> Reconciled:
    cleared = {currency: total for currency, (_, total) in due.sums.items()}
    return reconciled(due, answered, replace(Clearing(cleared, {}), **books))


def test_a_unit_more_in_the_journal_is_seen(due: Due) -> None:
    cleared = {currency: total + 1 for currency, (_, total) in due.sums.items()}
    said = compared(due, judged(due, []), cleared=cleared).differences
    assert len(said) == len(due.sums) and all("see bonus verify" in one for one in said)
    cleared["XAF"] = 7
    said = compared(due, judged(due, []), cleared=cleared).differences
    assert (
        "XAF: the journal has 7 in clearing:payout, and the payouts are 0; see bonus verify" in said
    )


def test_a_return_in_the_books_that_the_bank_does_not_say_is_seen(due: Due, tmp_path: Path) -> None:
    first, second, *_ = due.payouts["USD"]
    bank = asked(due, 0)
    of = {order.its_id: order for order in bank.orders}
    order = of[due.id_of("transaction", "USD", first.creator_id)]
    answered = heard(due, [bank.status([order], "RJCT", "AC04")], tmp_path)
    account = (first.creator_id, "USD")
    assert compared(due, answered, posted={account: first.minor}).differences == []
    (said,) = compared(due, answered, posted={account: first.minor - 1}).differences
    assert "which is no payout of the period" in said
    other = (second.creator_id, "USD")
    (said,) = compared(due, answered, posted={other: second.minor}).differences
    assert "no answer that was given says so" in said
    (said,) = compared(due, answered, posted={("nobody", "USD"): 1}).differences
    assert "which is no payout of the period" in said


@pytest.mark.parametrize(
    ("first", "second", "is_told"),
    [
        ("rejected", "settled", True),
        ("settled", "rejected", True),
        ("rejected", "debit", True),
        ("debit", "credit", False),
        ("settled", "credit", False),
    ],
)
def test_two_messages_of_one_instant(
    first: str, second: str, is_told: bool, due: Due, tmp_path: Path
) -> None:
    """Rejected and paid at once cannot be; paid and then booked back is an honest return."""
    bank = asked(due, 0)
    order = [bank.orders[0]]
    say = {
        "rejected": lambda: bank.status(order, "RJCT", "AC04"),
        "settled": lambda: bank.status(order, "ACSC"),
        "debit": lambda: bank.booking(order, "DBIT"),
        "credit": lambda: bank.booking(order, "CRDT", "AC01"),
    }
    messages = [
        re.sub(b"<CreDtTm>[^<]*", b"<CreDtTm>2024-02-21T08:00:00", say[one]())
        for one in (first, second)
    ]
    answered = heard(due, messages, tmp_path)
    assert [len(rows) for rows in answered.returns.values()] == [1]
    assert bool(answered.remarks) is is_told
    assert all("ask the bank" in remark for remark in answered.remarks)


def test_two_messages_of_one_id_are_two(due: Due, tmp_path: Path) -> None:
    """Banks count the ids of pain.002 and of camt.054 apart, so neither hides what the other one says."""
    bank = asked(due, 0)
    orders = [one for one in bank.orders if one.currency == bank.orders[0].currency]
    messages = [
        re.sub(
            b"<MsgId>[^<]*",
            b"<MsgId>1",
            re.sub(b"<CreDtTm>[^<]*", b"<CreDtTm>2024-02-21T08:00:00", one),
        )
        for one in (
            bank.status(orders, "RJCT", "AC04", scope="message"),
            bank.booking(orders, "DBIT"),
        )
    ]
    answered = heard(due, messages, tmp_path)
    assert len(answered.returns) == len(answered.remarks) == len(orders) > 3
    assert all("ask the bank" in remark for remark in answered.remarks)


def test_other_amounts_and_a_payment_after_a_rejection_are_seen(due: Due, tmp_path: Path) -> None:
    bank = asked(due, 0)
    order = next(one for one in bank.orders if one.currency == "USD")
    less = replace(order, amount="0.00")
    said = heard(due, [bank.booking([less], "CRDT", "AC01")], tmp_path)
    assert len(said.returns) == 1 and f"and the ledger USD {order.amount}" in said.remarks[0]
    messages = [bank.status([order], "RJCT", "AC04"), bank.booking([order], "DBIT")]
    (remark,) = heard(due, messages, tmp_path).remarks
    assert "did not arrive by the message of 2024-02-21, and was paid by message" in remark
    # The other way round it went out and came back.
    messages = [bank.booking([order], "DBIT"), bank.booking([order], "CRDT", "AC01")]
    assert heard(due, messages, tmp_path).remarks == []
    batch = [one for one in bank.orders if one.currency == "USD"]
    (remark,) = heard(due, [bank.batch(batch[1:])], tmp_path).remarks
    assert remark.startswith("all of USD: message")
