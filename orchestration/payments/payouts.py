"""The payouts of a closed period (§14): the rows of its ledger, looked at before they are believed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Final, Literal

from orchestration.foundations.cursors import scratch_database
from orchestration.ledger.closing import chain_faults
from orchestration.pipeline.books import demand_periods_stay, open_books
from orchestration.pipeline.close_log import CloseLog
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.publishing.integrity import file_faults
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import CONTRACT_TABLES
from orchestration.terms.load import LoadedProgram

_PAYOUTS: Final = """
    select payout_currency, creator_id, payout_minor from {ledger}
    where payout_minor > 0 order by payout_currency, creator_id
"""
_SUMS: Final = """
    select payout_currency, count(*), sum(payout_minor) from {ledger}
    where payout_minor > 0 group by payout_currency order by payout_currency
"""

IdOf = Literal["message", "payment", "transaction"]


@dataclass(frozen=True, slots=True)
class Payout:
    """An amount that a creator is to be paid, in minor units of the currency; above 0."""

    creator_id: str
    currency: str
    minor: int


@dataclass(frozen=True, slots=True)
class Due:
    """All payouts of a closed period, by currency; `sums` are their number and sum, added by the engine."""

    program: str
    period: str
    pays_on: date
    closed_at: str  # UTC, to the second, as the close log has it
    payouts: Mapping[str, list[Payout]]
    sums: Mapping[str, tuple[int, int]]

    def id_of(self, what: IdOf, currency: str, creator_id: str = "") -> str:
        """The id that a message, payment or transaction has in every file: 33 letters and digits.

        It hangs on program, period, currency and creator alone, so that a bank which sees a payout
        twice can tell. SHA-256 over canonical JSON: no two of them share a text.
        """
        import rfc8785

        text = rfc8785.dumps([what, self.program, self.period, currency, creator_id])
        return what[0].upper() + hashlib.sha256(text).hexdigest()[:32]


def payouts_due(home: Home, loaded: LoadedProgram, period: str) -> Due:
    """The payouts of a closed period.

    Refused if it is not closed, if the program file takes back what is published (§7 "Periods stay"),
    or if a file, the close log or the seal is not as the close has left it.
    """
    program = loaded.program.program
    with home.program_lock(program):
        publication, closed_at = _closed(home, loaded, period)
        with scratch_database() as connection:
            ledger = publication.relation(CONTRACT_TABLES["payout_ledger"])
            rows = connection.execute(_PAYOUTS.format(ledger=ledger)).fetchall()
            sums = connection.execute(_SUMS.format(ledger=ledger)).fetchall()
    by_currency = {
        currency: [Payout(creator, currency, minor) for _, creator, minor in group]
        for currency, group in groupby(rows, key=lambda row: row[0])
    }
    pays_on = publication.program().period(period).pays_on
    return Due(
        program,
        period,
        pays_on,
        closed_at,
        by_currency,
        {currency: (count, int(total)) for currency, count, total in sums},
    )


def demand_own(others: Sequence[Path]) -> None:
    """Refused for files that lie where a period's go, and say something else: they are not written over."""
    if others:
        raise Refused(
            f"{', '.join(map(str, others))} is no file of this program and period, or says something"
            " else; nothing is written. Name another folder with --out, or move it away"
        )


def _closed(home: Home, loaded: LoadedProgram, period: str) -> tuple[Publication, str]:
    """The version that was closed, compared with what the close wrote down, and the instant of the close."""
    program = loaded.program.program
    demand_periods_stay(home, loaded)
    lines = CloseLog(home.path, program).lines()
    if faults := chain_faults(program, lines):
        raise _changed(faults)
    books = open_books(home, program)
    entry = books.closed.get(period)
    if entry is None:
        what = "not closed yet" if period in books.published else "not published yet"
        raise Refused(
            f"{period} is {what}, and what is not closed may still change; only closed periods are paid."
            f" After its last run: bonus close {period} --by NAME"
        )
    publication = books.published[period]
    faults = list(file_faults(period, publication, closed_with=entry.files))
    if publication.seal not in lines:
        faults.append(f"{period}: the close log has another line than the one that closed it")
    if faults:
        raise _changed(faults)
    return publication, entry.closed_at


def _changed(faults: list[str]) -> Refused:
    return Refused(
        "\n".join(faults) + "\nnothing is paid from it; see bonus verify, and bring the files back"
        " from a backup"
    )
