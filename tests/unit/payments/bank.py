"""A bank for tests: takes payment files, decides what becomes of each payment, and answers as banks do.

It reads pain.001 and writes pain.002 and camt.054 by the standard library, and knows nothing of what
reads its answers. What it has decided is the truth that the product is held against.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from xml.etree import ElementTree
from xml.sax.saxutils import escape

PAIN_002 = ("pain.002.001.03", "pain.002.001.10")
CAMT_054 = ("camt.054.001.02", "camt.054.001.04", "camt.054.001.08")
STATUSES_OF_03 = ("ACTC", "RJCT", "PDNG", "ACCP", "ACSP", "ACSC", "ACWC")
FATES = ("settled", "booked", "rejected", "cancelled", "came back", "on its way", "silent")
TRUTH = {
    "settled": "paid", "booked": "paid", "rejected": "returned", "cancelled": "returned",
    "came back": "returned", "on its way": "open", "silent": "open",
}  # fmt: skip


@dataclass(frozen=True)
class Order:
    """A payment that the bank was asked for; `amount` as the file has it."""

    message_id: str
    payment_id: str
    its_id: str
    currency: str
    amount: str


@dataclass
class Bank:
    """A bank with a seed; `fates` are what has become of each order."""

    seed: int
    orders: list[Order] = field(default_factory=list)
    fates: dict[Order, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self._messages = 0
        self._at = datetime(2024, 2, 21, 8)

    def takes(self, content: bytes) -> None:
        """Reads a payment file; sometimes it refuses or settles all of it."""
        root = ElementTree.fromstring(content)
        text = {_local(element): element.text or "" for element in root.iter()}
        orders = []
        for element in root.iter():
            if _local(element) == "CdtTrfTxInf":
                its_id = next(one for one in element.iter() if _local(one) == "EndToEndId").text
                amount = next(one for one in element.iter() if _local(one) == "InstdAmt")
                orders.append(
                    Order(text["MsgId"], text["PmtInfId"], its_id, amount.get("Ccy"), amount.text)
                )
        whole = self.random.choice([None] * 4 + ["rejected whole", "settled whole", "booked whole"])
        for order in orders:
            self.fates[order] = whole or self.random.choice(FATES)
        self.orders += orders

    @property
    def truth(self) -> dict[str, str]:
        """End-to-end id -> paid, returned or open."""
        return {
            order.its_id: TRUTH[fate.removesuffix(" whole")] for order, fate in self.fates.items()
        }

    def answers(self) -> list[bytes]:
        """Messages in any order, some twice, some about payments of others."""
        messages = list(self._messages_of_all())
        messages += self.random.sample(messages, len(messages) // 3)
        self.random.shuffle(messages)
        return messages

    def _messages_of_all(self) -> Iterator[bytes]:
        by_fate: dict[tuple[str, str], list[Order]] = defaultdict(list)
        for order, fate in self.fates.items():
            by_fate[order.message_id, fate].append(order)
        for (_, fate), orders in by_fate.items():
            self.random.shuffle(orders)
            cut = self.random.randint(0, len(orders))
            parts = [orders] if fate.endswith("whole") else [orders[:cut], orders[cut:]]
            for part in filter(None, parts):
                yield from self._told(fate, part)

    def _told(self, fate: str, orders: list[Order]) -> Iterator[bytes]:
        if fate == "settled":
            yield self.status(orders, self.random.choice(["ACSC", "ACCC"]))
        elif fate == "booked":
            yield self.booking(orders, "DBIT")
        elif fate == "rejected":
            yield self.status(orders, "RJCT", "AC04", others=True)
            if self.random.random() < 0.3:  # once more, by another message
                yield self.status(orders[:1], "RJCT", "AC04")
        elif fate == "cancelled":
            yield self.status(orders, "CANC")
        elif fate == "came back":
            if self.random.random() < 0.7:
                yield self.booking(orders, "DBIT")
            yield self.booking(orders, "CRDT", "AC01", others=True)
        elif fate == "on its way":
            yield self.status(orders, self.random.choice(["ACCP", "ACSP", "PDNG", "RCVD", "ACTC"]))
            yield self.status(orders, "RJCT", "AM05")  # the same file, sent once more
            yield self.booking(orders, "CRDT", "AC01", status="PDNG")
        elif fate == "rejected whole":
            scope = self.random.choice(["message", "payment"])
            yield self.status(orders[:1], "RJCT", "FF01", scope=scope)
        elif fate == "settled whole":
            yield self.status(orders[:1], "ACSC", scope="message")
        elif fate == "booked whole":
            yield self.batch(orders)

    def _head(self) -> str:
        self._messages += 1
        self._at += timedelta(hours=1)
        return _element(
            "GrpHdr",
            _text("MsgId", f"B{self.seed}-{self._messages}"),
            _text("CreDtTm", self._at.isoformat() + self.random.choice(["", "Z", "+00:00"])),
        )

    def _others(self) -> str:
        return f"OTHER-{self.random.randint(1, 99)}"

    def status(
        self,
        orders: Iterable[Order],
        status: str,
        reason: str = "",
        *,
        scope: str = "transaction",
        others: bool = False,
    ) -> bytes:
        """pain.002 with one status for all of `orders`, which are of one message."""
        first, *_ = orders = list(orders)
        why = _element("StsRsnInf", _element("Rsn", _text("Cd", reason))) if reason else ""
        theirs = [replace(first, its_id=self._others())] * others
        lines = [_one_status(order, status, why) for order in [*orders, *theirs]]
        whole = {"message": "", "payment": ""} | {scope: status}
        group = _element(
            "OrgnlGrpInfAndSts",
            _text("OrgnlMsgId", first.message_id),
            _text("OrgnlMsgNmId", "pain.001.001.09"),
            _text("GrpSts", whole["message"]) + why * (scope == "message")
            if whole["message"]
            else "",
        )
        payment = _element(
            "OrgnlPmtInfAndSts",
            _text("OrgnlPmtInfId", first.payment_id),
            _text("PmtInfSts", whole["payment"]) + why if whole["payment"] else "",
            *(lines if scope == "transaction" else []),
        )
        body = self._head() + group + (payment if scope != "message" else "")
        versions = PAIN_002 if status in STATUSES_OF_03 else PAIN_002[1:]
        return _document(self.random.choice(versions), "CstmrPmtStsRpt", body)

    def booking(
        self,
        orders: Iterable[Order],
        direction: str,
        reason: str = "",
        *,
        status: str = "BOOK",
        others: bool = False,
    ) -> bytes:
        """camt.054 with an entry for each of `orders`."""
        version = self.random.choice(CAMT_054)
        entries = [
            self._entry(
                version, order.its_id, order.currency, order.amount, direction, reason, status
            )
            for order in orders
        ]
        if others:
            entries.append(
                self._entry(version, self._others(), "USD", "1.00", direction, reason, status)
            )
        return self._notified(version, *entries)

    def _notified(self, version: str, *entries: str) -> bytes:
        head = self._head()
        account = _element("Acct", _element("Id", _element("Othr", _text("Id", "1"))))
        made = head[head.index("<CreDtTm>") : head.index("</GrpHdr>")]
        told = _element("Ntfctn", _text("Id", "1"), made, account, *entries)
        return _document(version, "BkToCstmrDbtCdtNtfctn", head + told)

    def batch(self, orders: list[Order]) -> bytes:
        """camt.054 with one entry for a whole payment."""
        from decimal import Decimal

        version = self.random.choice(CAMT_054)
        total = str(sum(Decimal(order.amount) for order in orders))
        details = _element("NtryDtls", _element("Btch", _text("PmtInfId", orders[0].payment_id)))
        entry = _entry(version, orders[0].currency, total, "DBIT", "BOOK", details)
        return self._notified(version, entry)

    def _entry(
        self, version: str, its_id: str, currency: str, amount: str, direction: str, reason: str, status: str
    ) -> str:  # fmt: skip
        why = _element("RtrInf", _element("Rsn", _text("Cd", reason))) if reason else ""
        booked = f'<Amt Ccy="{currency}">{amount}</Amt>' + _text("CdtDbtInd", direction)
        must, may = version == "camt.054.001.04", version > "camt.054.001.04"
        has_amount = must or (may and self.random.random() < 0.5)
        details = _element(
            "TxDtls", _element("Refs", _text("EndToEndId", its_id)), booked * has_amount, why
        )
        return _entry(version, currency, amount, direction, status, _element("NtryDtls", details))


def _entry(
    version: str, currency: str, amount: str, direction: str, status: str, details: str
) -> str:
    as_code = version <= "camt.054.001.04"
    booked = _text("Sts", status) if as_code else _element("Sts", _text("Cd", status))
    money = f'<Amt Ccy="{currency}">{amount}</Amt>'
    code = _element("BkTxCd", _element("Prtry", _text("Cd", "NTRF")))
    return _element("Ntry", money, _text("CdtDbtInd", direction), booked, code, details)


def _one_status(order: Order, status: str, why: str) -> str:
    amount = f'<Amt><InstdAmt Ccy="{order.currency}">{order.amount}</InstdAmt></Amt>'
    return _element(
        "TxInfAndSts",
        _text("OrgnlEndToEndId", order.its_id),
        _text("TxSts", status),
        why,
        _element("OrgnlTxRef", amount),
    )


def _document(version: str, tag: str, body: str) -> bytes:
    namespace = f"urn:iso:std:iso:20022:tech:xsd:{version}"
    return f'<Document xmlns="{namespace}">{_element(tag, body)}</Document>'.encode()


def _element(tag: str, *children: str) -> str:
    return f"<{tag}>{''.join(children)}</{tag}>"


def _text(tag: str, text: str) -> str:
    return f"<{tag}>{escape(text)}</{tag}>"


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
