"""The bank's answers (§14): pain.002, the status of payments, and camt.054, what was booked.

A message is read by the local names of its elements: what is asked here has the same names in all
versions. It is also held against the schema of its version. Banks bend their messages, so a fault that
touches nothing of what is asked is told and refuses nothing; what decides about money is demanded here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

from orchestration.foundations.files import read_regular_file
from orchestration.foundations.texts import shown
from orchestration.payments import MOST_BYTES
from orchestration.payments.iso20022 import NoMessage, parsed

KINDS: Final = ("pain.002", "camt.054")
"""The messages that are read."""
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
_DIRECTIONS: Final[dict[str, Outcome]] = {"CRDT": "returned", "DBIT": "paid"}
_NUMBER: Final = re.compile(r"[0-9]{1,18}(\.[0-9]{1,5})?", re.ASCII)
_DOUBLES: Final = {"AM05", "DUPL", "DU01", "DU02", "DU03", "DU04", "DU05"}
"""Reasons that say: we have this already. What became of the first one, another answer says."""


class NoAnswer(ValueError):
    """A file that is no message of the bank; says which and why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of one message about a payment, or about all payments of a message or payment of ours.

    `its_id` is ours: of the message, of the payment, or end-to-end. `at` is the instant of the bank's
    message, in UTC. `amount` is what was booked, where the message says it. `is_booking`: it was booked
    on the account, where other answers are a status of the payment. `file` has the message: ids of
    different kinds of messages, and of careless banks, may be the same.
    """

    message_id: str
    at: datetime
    scope: Scope
    its_id: str
    outcome: Outcome
    reason: str = ""
    amount: tuple[str, Decimal] | None = None
    is_booking: bool = False
    file: str = field(default="", compare=False)


def read_answers(path: Path) -> tuple[list[Answer], str | None]:
    """All that a message of the bank says, in its order, and how it breaks its schema, if it does.

    NoAnswer if the file is none, or lacks what decides: ids, instants, amounts, directions.
    """
    try:
        content = read_regular_file(path, MOST_BYTES + 1)
    except OSError as error:
        raise NoAnswer(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise NoAnswer(f"{path}: more than {MOST_BYTES:,} bytes")
    try:
        root, fault = parsed(content, KINDS)
        answers = list(_answers(_Node(root), str(path)))
    except (NoAnswer, NoMessage) as error:
        raise NoAnswer(f"{path}: {error}") from None
    return answers, fault and f"{path}: {fault}; it was read all the same"


def _answers(root: _Node, file: str) -> Iterator[Answer]:
    if report := root.first("CstmrPmtStsRpt"):
        yield from _statuses(report, _Said.of(report, file))
    elif notification := root.first("BkToCstmrDbtCdtNtfctn"):
        yield from _bookings(notification, _Said.of(notification, file))
    else:
        raise NoAnswer(
            "neither CstmrPmtStsRpt (pain.002) nor BkToCstmrDbtCdtNtfctn (camt.054) is in it"
        )


@dataclass(frozen=True, slots=True)
class _Said:
    """Of a message: its file, its id and its instant."""

    file: str
    message_id: str
    at: datetime

    @classmethod
    def of(cls, message: _Node, file: str) -> _Said:
        message_id, made = message.text("GrpHdr/MsgId"), message.text("GrpHdr/CreDtTm")
        if not message_id:
            raise NoAnswer("no GrpHdr/MsgId, by which the message could be told from others")
        try:
            at = datetime.fromisoformat(made)
            at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        except (ValueError, OverflowError):  # the schema takes hour 24 and years before 1
            found = shown(made, 40)
            raise NoAnswer(f"GrpHdr/CreDtTm is '{found}', expected an instant") from None
        return cls(file, message_id, at)

    def status(self, scope: Scope, its_id: str, status: str, of: _Node) -> Answer:
        """The answer in an element of pain.002; `of` has its reason, and of one payment its amount."""
        reason, outcome = _reason(of), _OUTCOMES.get(status, "open")
        if outcome == "returned" and reason.split(" ")[0] in _DOUBLES:
            outcome = "open"
        amount = _amount(of, "OrgnlTxRef/Amt/InstdAmt")
        which = self.message_id, self.at
        return Answer(*which, scope, its_id, outcome, reason, amount, file=self.file)

    def booking(
        self,
        scope: Scope,
        its_id: str,
        outcome: Outcome,
        reason: str,
        amount: tuple[str, Decimal] | None,
    ) -> Answer:
        """The answer in an entry of camt.054."""
        which = self.message_id, self.at, scope, its_id, outcome, reason, amount
        return Answer(*which, is_booking=True, file=self.file)


def _statuses(report: _Node, said: _Said) -> Iterator[Answer]:
    """pain.002: what is said of a message or payment holds for what is in it, unless that has a status."""
    groups = report.all("OrgnlGrpInfAndSts")
    if not groups:
        raise NoAnswer("no OrgnlGrpInfAndSts: it does not say which message it answers")
    for group in groups:
        if status := group.text("GrpSts"):
            yield said.status("message", group.text("OrgnlMsgId"), status, group)
    for payment in report.all("OrgnlPmtInfAndSts"):
        if status := payment.text("PmtInfSts"):
            yield said.status("payment", payment.text("OrgnlPmtInfId"), status, payment)
        for one in payment.all("TxInfAndSts"):
            its_id = one.text("OrgnlEndToEndId") or one.text("OrgnlInstrId")
            yield said.status("transaction", its_id, one.text("TxSts"), one)


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


def _bookings(notification: _Node, said: _Said) -> Iterator[Answer]:
    """camt.054: a booked debit with our id was paid; a booked credit with it came back."""
    for account in notification.all("Ntfctn"):
        for entry in account.all("Ntry"):
            if (entry.text("Sts/Cd") or entry.text("Sts")) != "BOOK":
                continue  # pending, for information, or a status of the bank's own
            for details in entry.all("NtryDtls"):
                yield from _booked(said, entry, details)


def _booked(said: _Said, entry: _Node, details: _Node) -> Iterator[Answer]:
    single = details.all("TxDtls")
    if not single and (its_id := details.text("Btch/PmtInfId")):
        outcome, amount = _direction(entry), _amount(entry, "Amt")
        yield said.booking("payment", its_id, outcome, "", amount)
    for one in single:
        its_id = one.text("Refs/EndToEndId") or one.text("Refs/InstrId")
        reason = _one_line(
            [
                one.text("RtrInf/Rsn/Cd") or one.text("RtrInf/Rsn/Prtry"),
                *(more.own_text for back in one.all("RtrInf") for more in back.all("AddtlInf")),
            ]
        )
        amount = _amount(one, "Amt", "AmtDtls/TxAmt/Amt")
        if amount is None and len(entry.all("NtryDtls/TxDtls")) == 1:
            amount = _amount(entry, "Amt")
        outcome = _direction(one if one.text("CdtDbtInd") else entry)
        yield said.booking("transaction", its_id, outcome, reason, amount)


def _direction(node: _Node) -> Outcome:
    found = node.text("CdtDbtInd")
    if found not in _DIRECTIONS:
        raise NoAnswer(f"CdtDbtInd is '{shown(found, 40)}', expected CRDT or DBIT")
    return _DIRECTIONS[found]


def _amount(node: _Node, *paths: str) -> tuple[str, Decimal] | None:
    """The first amount that stands at one of the paths, in the form of the schema."""
    amount = next(filter(None, map(node.first, paths)), None)
    if amount is None:
        return None
    currency, text = amount.get("Ccy"), amount.own_text
    if not re.fullmatch("[A-Z]{3}", currency) or not _NUMBER.fullmatch(text):
        found = shown(f"{currency} {text}", 80)
        raise NoAnswer(f"an amount is '{found}', expected as Ccy=\"USD\" and 12.50")
    return currency, Decimal(text)


class _Node:
    """An element, whose children are found by local names."""

    def __init__(self, element: Any) -> None:
        self._element = element

    @property
    def own_text(self) -> str:
        return (self._element.text or "").strip()

    def get(self, attribute: str) -> str:
        return self._element.get(attribute) or ""

    def all(self, path: str) -> list[_Node]:
        steps = "/".join(f"{{*}}{step}" for step in path.split("/"))
        return [_Node(element) for element in self._element.iterfind(steps)]

    def first(self, path: str) -> _Node | None:
        return next(iter(self.all(path)), None)

    def text(self, path: str) -> str:
        found = self.first(path)
        return found.own_text if found else ""
