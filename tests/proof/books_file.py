"""The books of a program as a file (§14), added up again by beancount: what it says, and what the file lacks."""

from __future__ import annotations

from pathlib import Path

from beancount import loader
from beancount.core.data import Balance, Transaction

from orchestration.foundations.cursors import scratch_database
from orchestration.payments.beancount import export_beancount
from orchestration.pipeline.books import order_as_published
from orchestration.pipeline.home import Home
from orchestration.terms.model import Program


def faults(home: Home, program: Program, period: str, out: Path) -> list[str]:
    """What bean-check says of a period's books, and what they lack of the journal and the ledger."""
    path, *_ = export_beancount(home, program, period, out)
    entries, errors, _ = loader.load_file(str(path))
    found = [f"{period}: {error.message}" for error in errors]
    published = home.store(program.program).published()
    ledger = published[period].pattern("payout_ledger")
    with scratch_database() as connection:
        opened = connection.execute(
            "select count(*) from read_parquet($1) where closing_balance_minor <> 0", [ledger]
        ).fetchone()
        journals = [entry.pattern("journal") for entry in published.values()]
        known = connection.execute(
            "select txn_id, count(*) from read_parquet($1, union_by_name = true) group by all",
            [journals],
        ).fetchall()
    balances = [entry for entry in entries if isinstance(entry, Balance)]
    if len(balances) != opened[0] or any(entry.tolerance != 0 for entry in balances):
        found.append(f"{period}: {len(balances)} balances, {opened[0]} open payables")
    legs = {
        entry.meta["txn_id"]: len(entry.postings)
        for entry in entries
        if isinstance(entry, Transaction)
    }
    if not legs.items() <= dict(known).items():
        found.append(f"{period}: transactions that the journals do not have")
    if period == order_as_published(home, program, published.values())[-1] and legs != dict(known):
        found.append(f"{period}: the last period lacks transactions of the journals")
    return found
