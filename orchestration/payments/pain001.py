"""The payment file: ISO 20022 pain.001.001.09, written as text and read again by another library (§14).

It is written by hand, element by element, and read by libxml2, against the published schema: a fault
of the one is none of the other.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final
from xml.sax.saxutils import escape

from orchestration.payments.accounts import Party
from orchestration.payments.iso20022 import PREFIX, fault_of
from orchestration.payments.payouts import Due
from orchestration.terms.currencies import amount_text, minor_units

_NAME: Final = "pain.001.001.09"
NAMESPACE: Final = PREFIX + _NAME
_NO_BIC: Final = "NOTPROVIDED"
"""In place of the BIC of a debtor's bank that only an IBAN names; the element must be there."""
MOST_MINOR: Final = 10**18 - 1
"""18 digits: what the schema has room for in a sum."""


class NotAsMeant(RuntimeError):
    """A payment file says something else than the ledger, or breaks the schema; it must not be used."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """A payment as a file has it; `minor` are minor units."""

    end_to_end_id: str
    currency: str
    minor: int
    to: Party


@dataclass(frozen=True, slots=True)
class Message:
    """A payment file as it was read."""

    message_id: str
    payment_id: str
    count: int
    control_sum: Decimal
    executed_on: date
    debtor: Party
    transfers: list[Transfer]


def written(due: Due, currency: str, debtor: Party, accounts: Mapping[str, Party]) -> bytes:
    """The payment file of one currency, in UTF-8; the same payouts and accounts give the same bytes.

    CreDtTm is the instant of the close: since then the message is what it is, whenever it is written
    down. Each creator of the payouts must have an account.
    """
    payouts = due.payouts[currency]
    count = _text("NbOfTxs", str(len(payouts)))
    total = _text("CtrlSum", amount_text(currency, sum(payout.minor for payout in payouts)))
    head = _element(
        "GrpHdr",
        _text("MsgId", due.id_of("message", currency)),
        _text("CreDtTm", due.closed_at),
        count,
        total,
        _element("InitgPty", _text("Nm", debtor.name)),
    )
    payment = (
        _text("PmtInfId", due.id_of("payment", currency)),
        _text("PmtMtd", "TRF"),
        count,
        total,
        _element("ReqdExctnDt", _text("Dt", due.pays_on.isoformat())),
        _element("Dbtr", *_party(debtor)),
        _element("DbtrAcct", _account(debtor)),
        _element("DbtrAgt", _bank(debtor)),
    )
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<Document xmlns="{NAMESPACE}"><CstmrCdtTrfInitn>',
        head,
        "<PmtInf>",
        *payment,
        *(
            _transfer(due, currency, payout.creator_id, payout.minor, accounts[payout.creator_id])
            for payout in payouts
        ),
        "</PmtInf>",
        "</CstmrCdtTrfInitn></Document>",
    ]
    return ("\n".join(lines) + "\n").encode()


def _transfer(due: Due, currency: str, creator_id: str, minor: int, to: Party) -> str:
    its_id = due.id_of("transaction", currency, creator_id)
    amount = f'<InstdAmt Ccy="{currency}">{amount_text(currency, minor)}</InstdAmt>'
    return _element(
        "CdtTrfTxInf",
        _element("PmtId", _text("InstrId", its_id), _text("EndToEndId", its_id)),
        _element("Amt", amount),
        *([_element("CdtrAgt", _bank(to))] if to.bic else []),
        _element("Cdtr", *_party(to)),
        _element("CdtrAcct", _account(to)),
        _element("RmtInf", _text("Ustrd", f"{due.program} {due.period}")),
    )


def _party(party: Party) -> tuple[str, str]:
    """Name and structured address: banks take no other since November 2026."""
    address = (_text("TwnNm", party.town), _text("Ctry", party.country))
    return _text("Nm", party.name), _element("PstlAdr", *address)


def _account(party: Party) -> str:
    if party.iban:
        return _element("Id", _text("IBAN", party.iban))
    return _element("Id", _element("Othr", _text("Id", party.account or "")))


def _bank(party: Party) -> str:
    named = _text("BICFI", party.bic) if party.bic else _element("Othr", _text("Id", _NO_BIC))
    return _element("FinInstnId", named)


def _element(tag: str, *children: str) -> str:
    return f"<{tag}>{''.join(children)}</{tag}>"


def _text(tag: str, text: str) -> str:
    return f"<{tag}>{escape(text)}</{tag}>"


def demand_as_meant(
    content: bytes, due: Due, currency: str, debtor: Party, accounts: Mapping[str, Party]
) -> Message:
    """The message in `content`; NotAsMeant unless it pays what the ledger says, to whom the accounts say."""
    read = read_message(content)
    count, total = due.sums[currency]
    meant = Message(
        due.id_of("message", currency),
        due.id_of("payment", currency),
        count,
        Decimal(amount_text(currency, total)),
        due.pays_on,
        debtor,
        [
            Transfer(
                due.id_of("transaction", currency, payout.creator_id),
                currency,
                payout.minor,
                accounts[payout.creator_id],
            )
            for payout in due.payouts[currency]
        ],
    )
    if read != meant:
        raise NotAsMeant(f"the file for {currency} says something else than the ledger")
    if len({transfer.end_to_end_id for transfer in read.transfers}) != count:
        raise NotAsMeant(f"the file for {currency} has an id twice")
    if sum(transfer.minor for transfer in read.transfers) != total:
        raise NotAsMeant(f"the payments of the file for {currency} do not sum to the ledger's")
    return read


def read_message(content: bytes) -> Message:
    """The message in a payment file of one payment; NotAsMeant if the schema does not hold it."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    root = etree.parse(io.BytesIO(content), parser).getroot()
    if fault := fault_of(root, _NAME):
        raise NotAsMeant(f"a payment file does not hold against its schema: {fault}")
    message = _Finder(root).one("CstmrCdtTrfInitn")
    head, payment = message.one("GrpHdr"), message.one("PmtInf")
    if [head.text("NbOfTxs"), head.text("CtrlSum")] != [
        payment.text("NbOfTxs"),
        payment.text("CtrlSum"),
    ]:
        raise NotAsMeant("message and payment have other sums")
    return Message(
        head.text("MsgId"),
        payment.text("PmtInfId"),
        int(head.text("NbOfTxs")),
        Decimal(head.text("CtrlSum")),
        date.fromisoformat(payment.text("ReqdExctnDt/Dt")),
        payment.party("Dbtr"),
        [_read_transfer(one) for one in payment.all("CdtTrfTxInf")],
    )


def _read_transfer(one: _Finder) -> Transfer:
    amount = one.one("Amt/InstdAmt").node
    currency = amount.get("Ccy")
    return Transfer(
        one.text("PmtId/EndToEndId"),
        currency,
        minor_units(Decimal(amount.text), currency),
        one.party("Cdtr"),
    )


@dataclass(frozen=True, slots=True)
class _Finder:
    """An element of the message, whose paths need no namespace."""

    node: Any

    def all(self, path: str) -> list[_Finder]:
        steps = "/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/"))
        return [_Finder(node) for node in self.node.iterfind(steps)]

    def one(self, path: str) -> _Finder:
        found = self.all(path)
        if len(found) != 1:
            raise NotAsMeant(f"a payment file has {len(found)} of {path} where one is expected")
        return found[0]

    def text(self, path: str) -> str:
        return str(self.one(path).node.text)

    def optional(self, path: str) -> str | None:
        return next((str(found.node.text) for found in self.all(path)), None)

    def party(self, role: str) -> Party:
        """A debtor or creditor with its account and bank, which stand beside it."""
        return Party(
            self.text(f"{role}/Nm"),
            self.text(f"{role}/PstlAdr/TwnNm"),
            self.text(f"{role}/PstlAdr/Ctry"),
            self.optional(f"{role}Acct/Id/IBAN"),
            self.optional(f"{role}Agt/FinInstnId/BICFI"),
            self.optional(f"{role}Acct/Id/Othr/Id"),
        )
