"""`bonus pay` (§14): a payment file for each currency of a closed period, all of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.foundations.files import folder_held, replace_files
from orchestration.foundations.texts import shown
from orchestration.payments.accounts import Party, Unpayable, read_accounts, read_debtor
from orchestration.payments.pain001 import (
    MOST_MINOR,
    Message,
    NotAsMeant,
    demand_as_meant,
    read_message,
    written,
)
from orchestration.payments.payouts import Due, demand_own
from orchestration.terms.currencies import amount_text, money_text


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """A payment file that was written; `minor` is its control sum in minor units."""

    path: Path
    currency: str
    message_id: str
    transactions: int
    minor: int


@dataclass(frozen=True, slots=True)
class Paid:
    """The files that `bonus pay` has written, and whose name or town some banks take only by arrangement."""

    files: list[PaymentFile]
    other_letters: list[str]

    def lines(self, due: Due) -> list[str]:
        """The files in words, for a person."""
        if not self.files:
            return [f"{due.period} pays nobody: no file is written"]
        return [
            f"{file.path}: {file.transactions:,} payment{'s' if file.transactions > 1 else ''}, {file.currency} "
            f"{money_text(file.currency, file.minor)}, to be executed on {due.pays_on}"
            for file in self.files
        ]

    def about_letters(self) -> str:
        """The warning that goes with `other_letters`, ids and all."""
        return (
            f"{len(self.other_letters):,} names or towns have other characters than A-Z a-z 0-9 and"
            " / - ? : ( ) . , ' +, or over 70; ask your bank whether it takes them: "
            + ", ".join(shown(one, 80) for one in self.other_letters)
        )

    def to_json(self, due: Due) -> dict[str, Any]:
        """The same for a machine; sums as the files have them."""
        return {
            "executed_on": due.pays_on.isoformat(),
            "files": [
                {
                    "path": str(file.path),
                    "currency": file.currency,
                    "message_id": file.message_id,
                    "transactions": file.transactions,
                    "control_sum": amount_text(file.currency, file.minor),
                }
                for file in self.files
            ],
            "other_letters": self.other_letters,
        }


def write_payments(
    due: Due, accounts: Path, debtor: Path, out: Path, *, outside: Sequence[Path] = ()
) -> Paid:
    """Writes `<out>/<period>-<currency>.xml` for each currency in which something is paid.

    Unpayable, with all faults, if the files of accounts do not allow it; NotAsMeant if what would be
    written does not hold against schema and ledger; Refused if a file lies there that pays something else, as
    that of another program or home, whose payees nobody would pay. Nothing is written then. The files are for their
    owner alone, since account numbers stand in them. OSError where they cannot be written, or where `out`
    lies in one of `outside`.
    """
    payer, parties = _parties(due, accounts, debtor)
    contents, files, messages = {}, [], {}
    for currency in due.payouts:
        path = out / f"{due.period}-{currency}.xml"
        content = written(due, currency, payer, parties)
        message = demand_as_meant(content, due, currency, payer, parties)
        contents[path] = content
        messages[path] = message
        _, total = due.sums[currency]
        files.append(PaymentFile(path, currency, message.message_id, message.count, total))
    if files:
        with folder_held(out, outside=outside, mode=0o700) as held:
            demand_own(
                [
                    path
                    for path, message in messages.items()
                    if (there := held / path.name).is_file() and not _pays_the_same(there, message)
                ]
            )
            replace_files(
                {held / path.name: content for path, content in contents.items()}, mode=0o600
            )
    return Paid(files, sorted(one for one, party in parties.items() if not party.is_plain_latin))


def _pays_the_same(path: Path, message: Message) -> bool:
    """True for a file of this message: of a closed period the amounts stay, while accounts may change."""
    try:
        there = read_message(path.read_bytes())
    except (NotAsMeant, SyntaxError, ValueError):  # no XML, or no such message
        return False
    return there.message_id == message.message_id and (
        [(one.end_to_end_id, one.minor) for one in there.transfers]
        == [(one.end_to_end_id, one.minor) for one in message.transfers]
    )


def _parties(due: Due, accounts: Path, debtor: Path) -> tuple[Party, dict[str, Party]]:
    """The payer, and the paid by creator; Unpayable with every fault of both files and of the sums."""
    payer, faults = read_debtor(debtor)
    paid = {payout.creator_id for payouts in due.payouts.values() for payout in payouts}
    parties, more = read_accounts(accounts, paid)
    faults += more
    faults += [
        f"{due.period}: {currency} {money_text(currency, total)} is more than the bank's format has room for"
        for currency, (_, total) in due.sums.items()
        if total > MOST_MINOR
    ]
    if payer is None or faults:
        raise Unpayable(faults)
    return payer, parties
