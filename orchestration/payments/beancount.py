"""The journal as a beancount file (§14): a plain-text ledger that another program adds up again.

Accounts are named so that no id can break the file; the ids stand as metadata, quoted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestration.foundations.cursors import each_row, scratch_database
from orchestration.foundations.files import files_placed
from orchestration.ledger.journal import CLEARING, EXPENSE
from orchestration.pipeline.books import order_as_published
from orchestration.pipeline.home import Home
from orchestration.publishing.export import export_documents
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import CONTRACT_TABLES
from orchestration.terms.currencies import amount_text
from orchestration.terms.model import Program

if TYPE_CHECKING:
    import duckdb

_PAYABLE, _WITHHELD = "payable:", "withheld:"
_FIXED: Final = {EXPENSE: "Expenses:Bonus", CLEARING: "Assets:Clearing:Payout"}
_ENTRIES: Final = """
    select txn_id, kind, origin_period, adjustment_id, posted_on, account, currency, amount_minor
    from {journal} order by txn_id, entry_id
"""
_OPEN: Final = """
    select creator_id, payout_currency, closing_balance_minor from {ledger}
    where closing_balance_minor <> 0 order by creator_id, payout_currency
"""


def account_of(account: str) -> str:
    """The beancount account of an account of the journal; different ones stay different (§14)."""
    if account.startswith(_PAYABLE):
        return f"Liabilities:Payable:C{_hash(account.removeprefix(_PAYABLE))}"
    if account.startswith(_WITHHELD):
        residence = account.removeprefix(_WITHHELD)
        plain = re.fullmatch("[A-Z]{2}", residence)
        return f"Liabilities:Withheld:{residence if plain else f'T{_hash(residence)}'}"
    return _FIXED[account]


def export_beancount(
    home: Home, program: Program, period: str, out: Path, *, outside: Sequence[Path] = ()
) -> list[Path]:
    """Writes `<out>/<period>.beancount` of a published period, `program.yaml` and `run.json`; returns them.

    `outside` is as `files_placed` has it.
    """
    published = home.store(program.program).published()
    order = order_as_published(home, program, published.values())
    publications = [published[key] for key in order[: order.index(period) + 1]]
    with files_placed(out, outside=outside) as fresh:
        path = fresh / f"{period}.beancount"
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for line in beancount_lines(program.program, publications):
                file.write(f"{line}\n")
        files = [path, *export_documents(published[period], fresh)]
    return [out / file.name for file in files]


def beancount_lines(program: str, publications: Sequence[Publication]) -> Iterator[str]:
    """The lines of the file: the journals of all `publications`, in their order, the period's own last.

    What is open after the last is asserted on the day after its pays_on; where an earlier period is
    paid later than that, on the day after this one.
    """

    *_, last = publications
    with scratch_database() as connection:
        yield f'option "title" {_quoted(f"{program} up to {last.period}")}'
        yield 'option "tolerance_multiplier" "0"'
        yield ""
        yield from _opened(connection, publications)
        for publication in publications:
            yield from _transactions(connection, publication)
        yield from _balances(connection, publications)


def _opened(
    connection: duckdb.DuckDBPyConnection, publications: Iterable[Publication]
) -> Iterator[str]:
    """Every account, open from the day of the first posting of all."""
    journals = " union all ".join(
        f"select account, posted_on from {_relation(one, 'journal')}" for one in publications
    )
    rows = connection.execute(
        "select account, min(min(posted_on)) over () "
        f"from ({journals}) group by account order by account"
    )
    for account, first in each_row(rows):
        yield f"{first} open {account_of(account)}"
        prefix, _, of = account.partition(":")
        if prefix in ("payable", "withheld"):
            yield f"  {'creator_id' if prefix == 'payable' else 'tax_residence'}: {_quoted(of)}"


def _transactions(connection: duckdb.DuckDBPyConnection, publication: Publication) -> Iterator[str]:
    entries = connection.execute(_ENTRIES.format(journal=_relation(publication, "journal")))
    for txn_id, group in groupby(each_row(entries), key=itemgetter(0)):
        legs = list(group)
        _, kind, origin, adjustment, posted_on, *_ = legs[0]
        yield ""
        yield f"{posted_on} * {_quoted(f'{kind} of {origin}')}"
        yield f"  txn_id: {_quoted(txn_id)}"
        yield f"  period: {_quoted(publication.period)}"
        if adjustment is not None:
            yield f"  adjustment_id: {_quoted(adjustment)}"
        for *_, account, currency, amount in legs:
            yield f"  {account_of(account)}  {amount_text(currency, amount)} {currency}"


def _balances(
    connection: duckdb.DuckDBPyConnection, publications: Sequence[Publication]
) -> Iterator[str]:
    """The ledger's open payables, which the journals above must sum to."""
    after = max(map(_pays_on, publications)) + timedelta(days=1)
    ledger = _relation(publications[-1], "payout_ledger")
    yield ""
    for creator, currency, closing in each_row(connection.execute(_OPEN.format(ledger=ledger))):
        amount = amount_text(currency, -closing)  # what is owed is a credit
        yield f"{after} balance {account_of(_PAYABLE + creator)}  {amount} ~ 0 {currency}"


def _pays_on(publication: Publication) -> date:
    return publication.program().period(publication.period).pays_on


def _relation(publication: Publication, table: str) -> str:
    return publication.relation(CONTRACT_TABLES[table])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
