"""What the bank answers (§14): pain.002, the status of payments, and camt.054, what was booked.

Both are read by the local names of their elements, since versions of these messages (pain.002.001.03
and later, camt.054.001.02 and later) differ in namespaces and in elements that nothing here asks for.
A file from outside is hostile: document types, and so entities of whatever kind, are refused.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, Literal

from orchestration.foundations.texts import shown

MOST_BYTES: Final = 256 * 1024 * 1024
LONGEST_REASON: Final = 500
"""§2: a reason has at most 500 characters."""

Outcome = Literal["paid", "returned", "open"]
Scope = Literal["message", "payment", "transaction"]

_OUTCOMES: Final[dict[str, Outcome]] = {
    "ACSC": "paid",  # settled on the debtor's account
    "ACCC": "paid",  # settled on the creditor's account
    "RJCT": "returned",
    "CANC": "returned",
}
"""By status of ISO 20022; any other one is a stage on the way."""
_DOUBLES: Final = {"AM05", "DUPL", "DU01", "DU02", "DU03", "DU04", "DU05"}
"""Reasons that say: we have this already. What became of the first one, another answer says."""


class NoAnswer(ValueError):
    """A file that is no message of the bank; says which and why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one message says of a payment, or of all payments of a message or payment of ours.

    `its_id` is ours: of the message, of the payment, or end-to-end. `at` is the instant of the bank's
    message, in UTC. `amount` is what was booked, where the message says it.
    """

    message_id: str
    at: datetime
    scope: Scope
    its_id: str
    outcome: Outcome
    reason: str = ""
    amount: tuple[str, Decimal] | None = None


def read_answers(path: Path) -> list[Answer]:
    """All that a message of the bank says, in its order; NoAnswer if the file is none."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise NoAnswer(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise NoAnswer(f"{path}: more than {MOST_BYTES} bytes")
    try:
        return list(_answers(_parsed(content)))
    except NoAnswer as error:
        raise NoAnswer(f"{path}: {error}") from None


def _parsed(content: bytes) -> _Node:
    from lxml import etree

    # Before it is parsed: a document type in the usual encoding costs nothing then.
    if b"<!DOCTYPE" in content:
        raise NoAnswer("a document type (DOCTYPE), which no bank sends; it may be an attack")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        tree = etree.parse(io.BytesIO(content), parser)
    except etree.XMLSyntaxError as error:
        raise NoAnswer(f"no XML ({shown(str(error.msg), 200)})") from None
    if tree.docinfo.doctype or tree.docinfo.internalDTD is not None:
        raise NoAnswer("a document type (DOCTYPE), which no bank sends; it may be an attack")
    return _Node(tree.getroot())


def _answers(root: _Node) -> Iterator[Answer]:
    if report := root.first("CstmrPmtStsRpt"):
        yield from _statuses(report)
    elif notification := root.first("BkToCstmrDbtCdtNtfctn"):
        yield from _bookings(notification)
    else:
        found = shown(" of ".join([one.name for one in [*root.all("*"), root]][:2]), 80)
        raise NoAnswer(
            f"neither pain.002 (CstmrPmtStsRpt) nor camt.054 (BkToCstmrDbtCdtNtfctn), but {found}"
        )


@dataclass(frozen=True, slots=True)
class _Said:
    """Of a message: its id and its instant."""

    message_id: str
    at: datetime

    @classmethod
    def of(cls, message: _Node) -> _Said:
        message_id, made = message.text("GrpHdr/MsgId"), message.text("GrpHdr/CreDtTm")
        if not message_id:
            raise NoAnswer("no GrpHdr/MsgId, by which the message could be told from others")
        try:
            at = datetime.fromisoformat(made)
        except ValueError:
            found = shown(made, 40)
            raise NoAnswer(f"GrpHdr/CreDtTm is '{found}', expected an instant") from None
        return cls(message_id, at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC))

    def answer(self, scope: Scope, its_id: str, status: str, reason: str) -> Answer:
        outcome = _OUTCOMES.get(status, "open")
        if outcome == "returned" and reason.split(" ")[0] in _DOUBLES:
            outcome = "open"
        return Answer(self.message_id, self.at, scope, its_id, outcome, reason)


def _statuses(report: _Node) -> Iterator[Answer]:
    """pain.002: what is said of a message or payment holds for what is in it, unless that has a status."""
    said = _Said.of(report)
    group = report.first("OrgnlGrpInfAndSts")
    if group is None:
        raise NoAnswer("no OrgnlGrpInfAndSts: it does not say which message it answers")
    if status := group.text("GrpSts"):
        yield said.answer("message", group.text("OrgnlMsgId"), status, _reason(group))
    for payment in report.all("OrgnlPmtInfAndSts"):
        if status := payment.text("PmtInfSts"):
            yield said.answer("payment", payment.text("OrgnlPmtInfId"), status, _reason(payment))
        for one in payment.all("TxInfAndSts"):
            its_id = one.text("OrgnlEndToEndId") or one.text("OrgnlInstrId")
            yield said.answer("transaction", its_id, one.text("TxSts"), _reason(one))


def _reason(node: _Node) -> str:
    found = []
    for information in node.all("StsRsnInf"):
        found += [information.text("Rsn/Cd") or information.text("Rsn/Prtry")]
        found += [more.own_text for more in information.all("AddtlInf")]
    return _one_line(found)


def _one_line(texts: list[str]) -> str:
    """A reason as §2 takes it: no control characters, at most 500; an ellipsis where it was cut."""
    joined = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text) for text in texts if text).strip()
    return joined if len(joined) <= LONGEST_REASON else joined[: LONGEST_REASON - 1] + "…"


def _bookings(notification: _Node) -> Iterator[Answer]:
    """camt.054: a booked debit with our id was paid; a booked credit with it came back."""
    said = _Said.of(notification)
    for account in notification.all("Ntfctn"):
        for entry in account.all("Ntry"):
            status = entry.text("Sts/Cd") or entry.text("Sts")
            if status not in ("", "BOOK"):
                continue  # pending, or for information
            for details in entry.all("NtryDtls"):
                yield from _booked(said, entry, details)


def _booked(said: _Said, entry: _Node, details: _Node) -> Iterator[Answer]:
    single = details.all("TxDtls")
    if not single and (its_id := details.text("Btch/PmtInfId")):
        outcome, amount = _direction(entry), _amount(entry)
        yield Answer(said.message_id, said.at, "payment", its_id, outcome, "", amount)
    for one in single:
        its_id = one.text("Refs/EndToEndId") or one.text("Refs/InstrId")
        reason = _one_line(
            [
                one.text("RtrInf/Rsn/Cd") or one.text("RtrInf/Rsn/Prtry"),
                *(more.own_text for back in one.all("RtrInf") for more in back.all("AddtlInf")),
            ]
        )
        amount = _amount(one) or (_amount(entry) if len(single) == 1 else None)
        outcome = _direction(one if one.text("CdtDbtInd") else entry)
        yield Answer(said.message_id, said.at, "transaction", its_id, outcome, reason, amount)


def _direction(node: _Node) -> Outcome:
    return "returned" if node.text("CdtDbtInd") == "CRDT" else "paid"


def _amount(node: _Node) -> tuple[str, Decimal] | None:
    amount = node.first("Amt") or node.first("AmtDtls/TxAmt/Amt")
    if amount is None or not amount.get("Ccy"):
        return None
    try:
        return amount.get("Ccy"), Decimal(amount.own_text)
    except InvalidOperation:
        raise NoAnswer(f"an amount is '{shown(amount.own_text, 40)}'") from None


class _Node:
    """An element, whose children are found by local names."""

    def __init__(self, element: Any) -> None:
        self._element = element

    @property
    def name(self) -> str:
        return str(self._element.tag).rpartition("}")[2]

    @property
    def own_text(self) -> str:
        return (self._element.text or "").strip()

    def get(self, attribute: str) -> str:
        return self._element.get(attribute) or ""

    def all(self, path: str) -> list[_Node]:
        steps = "/".join("*" if step == "*" else f"{{*}}{step}" for step in path.split("/"))
        return [_Node(element) for element in self._element.iterfind(steps)]

    def first(self, path: str) -> _Node | None:
        return next(iter(self.all(path)), None)

    def text(self, path: str) -> str:
        found = self.first(path)
        return found.own_text if found else ""
