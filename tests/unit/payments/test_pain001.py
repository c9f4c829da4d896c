"""pain.001.001.09 (§14): what is written is valid, says what was meant, and any other file is refused."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import date

import pytest

from orchestration.payments.accounts import Party
from orchestration.payments.pain001 import MOST_MINOR, NotAsMeant, demand_as_meant, written
from orchestration.payments.payouts import Due, Payout

DEBTOR = Party("Studio <& Söhne>", "Bonn", "DE", iban="DE89370400440532013000")
HOSTILE = Party("]]></Nm><!-- \u200c'\"&lt;", "Åre & <b>", "SE", bic="BOTKJPJT", account="0012/3")


def due(currency: str, *amounts: int) -> Due:
    payouts = [Payout(f"c{number}", currency, minor) for number, minor in enumerate(amounts)]
    return Due(
        "bonus",
        "2024-01",
        date(2024, 2, 21),
        "2024-02-03T10:00:00Z",
        {currency: payouts},
        {currency: (len(payouts), sum(amounts))},
    )


def parties(whole: Due) -> dict[str, Party]:
    iban = Party("Ana", "Madrid", "ES", iban="ES9121000418450200051332", bic="CAIXESBB")
    return {
        payout.creator_id: HOSTILE if number % 2 else iban
        for payouts in whole.payouts.values()
        for number, payout in enumerate(payouts)
    }


@pytest.mark.parametrize(
    ("currency", "amounts", "texts"),
    [
        ("USD", (1, 250_000), ["0.01", "2500.00"]),
        ("JPY", (5, 4_000), ["5", "4000"]),
        ("KWD", (1, 12_345), ["0.001", "12.345"]),
        ("UYW", (1,), ["0.0001"]),
        ("JPY", (MOST_MINOR,), ["999999999999999999"]),
        ("USD", (MOST_MINOR - 10, 10), ["9999999999999999.89", "0.10"]),
    ],
    ids=["cents", "no decimals", "three", "four", "eighteen digits", "eighteen digits of cents"],
)
def test_what_is_written_is_valid_and_says_what_was_meant(
    currency: str, amounts: tuple[int, ...], texts: list[str]
) -> None:
    whole = due(currency, *amounts)
    content = written(whole, currency, DEBTOR, parties(whole))
    read = demand_as_meant(content, whole, currency, DEBTOR, parties(whole))
    assert re.findall(f'<InstdAmt Ccy="{currency}">([^<]*)<', content.decode()) == texts
    assert [transfer.minor for transfer in read.transfers] == list(amounts)
    assert read.count == len(amounts)
    assert written(whole, currency, DEBTOR, parties(whole)) == content


def test_one_more_digit_breaks_the_schema() -> None:
    whole = due("JPY", MOST_MINOR + 1)
    with pytest.raises(NotAsMeant, match="schema"):
        demand_as_meant(
            written(whole, "JPY", DEBTOR, parties(whole)), whole, "JPY", DEBTOR, parties(whole)
        )


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("<NbOfTxs>2</NbOfTxs>", "<NbOfTxs>3</NbOfTxs>"),
        ("<CtrlSum>15.00</CtrlSum>", "<CtrlSum>15.01</CtrlSum>"),
        (">5.00<", ">5.01<"),
        ('Ccy="USD"', 'Ccy="EUR"'),
        ("<IBAN>ES91", "<IBAN>ES19"),
        ("<Id>0012/3<", "<Id>0012/4<"),
        ("CAIXESBB", "CAIXESB2"),
        ("<Nm>Ana<", "<Nm>Anna<"),
        ("<TwnNm>Madrid<", "<TwnNm>Paris<"),
        ("<Ctry>SE<", "<Ctry>NO<"),
        ("<Ctry>SE</Ctry>", ""),
        ("2024-02-21", "2024-02-22"),
        ("<EndToEndId>T", "<EndToEndId>U"),
        ("<IBAN>DE89", "<IBAN>DE98"),
        ("<PmtMtd>TRF", "<PmtMtd>XXX"),
        ("<ReqdExctnDt>", "<Extra/><ReqdExctnDt>"),
    ],
    ids=lambda value: value,
)
def test_a_file_that_says_anything_else_is_refused(was: str, becomes: str) -> None:
    """Once for each thing that could be wrong, in the first place where it stands."""
    whole = due("USD", 10_00, 5_00)
    text = written(whole, "USD", DEBTOR, parties(whole)).decode()
    assert was in text
    for count in (1, -1):
        changed = text.replace(was, becomes, count).encode()
        with pytest.raises(NotAsMeant):
            demand_as_meant(changed, whole, "USD", DEBTOR, parties(whole))


def test_the_schemas_sums_are_held_against_those_of_the_engine() -> None:
    whole = due("USD", 10_00, 5_00)
    content = written(whole, "USD", DEBTOR, parties(whole))
    with pytest.raises(NotAsMeant, match="something else than the ledger"):
        demand_as_meant(
            content, replace(whole, sums={"USD": (2, 15_01)}), "USD", DEBTOR, parties(whole)
        )


def test_ids_hang_on_program_period_creator_and_currency_alone() -> None:
    whole = due("USD", 1)
    same = replace(due("USD", 999), closed_at="2030-01-01T00:00:00Z", pays_on=date(2030, 1, 1))
    others = [replace(whole, program="bonus2"), replace(whole, period="2024-02")]
    assert whole.id_of("transaction", "USD", "c0") == same.id_of("transaction", "USD", "c0")
    found = [
        one.id_of(what, currency, creator)
        for one in (whole, *others)
        for what, creator in (("message", ""), ("payment", ""), ("transaction", "c0"), ("transaction", "c1"))
        for currency in ("USD", "JPY")
    ]  # fmt: skip
    assert len(set(found)) == len(found) == 24
    assert all(re.fullmatch("[A-Z][0-9a-f]{32}", one) for one in found)
    # Computed apart: what is written here stays, or a bank takes a payout for another one.
    text = '["transaction","bonus","2024-01","USD","c0"]'
    assert found[4] == "T" + hashlib.sha256(text.encode()).hexdigest()[:32]
