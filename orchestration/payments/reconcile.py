"""`bonus pay --reconcile` (§14): what the books have put into `clearing:payout` against what the bank says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestration.foundations.cursors import scratch_database
from orchestration.foundations.texts import shown
from orchestration.ledger.journal import CLEARING
from orchestration.payments.payouts import Due
from orchestration.payments.returns import Answered, Sums
from orchestration.pipeline.home import Home
from orchestration.publishing.tables import CONTRACT_TABLES
from orchestration.terms.currencies import money_text

# The credits of the payouts themselves: what was paid by hand or not at all, the bank has to say.
_CLEARED: Final = """
    select currency, -sum(amount_minor) from {journal}
    where account = $clearing and kind = 'payout' group by currency
"""
# What later periods have posted back, less what they have taken back of that.
_POSTED: Final = """
    select creator_id, currency, sum(amount_minor) from {journal}
    where account = $clearing and kind = 'return' and origin_period = $period
    group by all
"""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """By currency what became of the payouts; `differences` are all that do not agree, in words."""

    sums: Mapping[str, Sums]
    differences: list[str]


@dataclass(frozen=True, slots=True)
class Clearing:
    """The balances of `clearing:payout` for the payouts of a period, in minor units.

    `cleared`: by currency what their own period has put there. `posted`: by creator and currency
    what later periods have posted as returned, less what they have taken back; none is 0.
    """

    cleared: Mapping[str, int]
    posted: Mapping[tuple[str, str], int]


def clearing_of(home: Home, due: Due) -> Clearing:
    """Reads the journals that are published now."""
    cleared: dict[str, int] = {}
    posted: dict[tuple[str, str], int] = {}
    with home.program_lock(due.program), scratch_database() as connection:
        for key, publication in home.store(due.program).published().items():
            journal = publication.relation(CONTRACT_TABLES["journal"])
            named = {"clearing": CLEARING}
            if key == due.period:
                rows = connection.execute(_CLEARED.format(journal=journal), named).fetchall()
                cleared = {currency: int(minor) for currency, minor in rows}
            named["period"] = due.period
            rows = connection.execute(_POSTED.format(journal=journal), named).fetchall()
            for creator, currency, minor in rows:
                posted[creator, currency] = posted.get((creator, currency), 0) + int(minor)
    return Clearing(cleared, {account: minor for account, minor in posted.items() if minor})


def reconciled(due: Due, answered: Answered, clearing: Clearing) -> Reconciled:
    """Compares what the books say with what the bank says, to the last unit.

    Differences: the sum of a currency in the journal of the period is not that of its payouts; a
    later period has posted a payout as returned of which the bank does not say so, or in another
    amount; remarks on the bank's answers.
    """
    differences = [*answered.remarks, *_posted_otherwise(answered, clearing.posted)]
    sums = {}
    for currency in sorted(clearing.cleared.keys() | due.payouts.keys()):
        cleared = clearing.cleared.get(currency, 0)
        one = sums[currency] = _sums(currency, cleared, answered, clearing.posted)
        told = one.paid_minor + one.returned_minor + one.unanswered_minor
        if told != one.payouts_minor:
            differences.append(
                f"{currency}: the journal has {money_text(currency, one.payouts_minor)} in {CLEARING},"
                f" and the payouts are {money_text(currency, told)}; see bonus verify"
            )
    return Reconciled(sums, differences)


def _sums(
    currency: str, cleared: int, answered: Answered, posted: Mapping[tuple[str, str], int]
) -> Sums:
    by_outcome = {"paid": 0, "returned": 0, "open": 0}
    for payout, outcome in answered.outcomes.items():
        if payout.currency == currency:
            by_outcome[outcome] += payout.minor
    back = sum(minor for (_, its_currency), minor in posted.items() if its_currency == currency)
    return Sums(cleared, by_outcome["paid"], by_outcome["returned"], back, by_outcome["open"])


def _posted_otherwise(answered: Answered, posted: Mapping[tuple[str, str], int]) -> list[str]:
    """Returns in the books that the bank's answers do not have, or not in that amount."""
    known = {(payout.creator_id, payout.currency): payout for payout in answered.outcomes}
    found = []
    for (creator, currency), minor in sorted(posted.items()):
        payout = known.get((creator, currency))
        said = f"'{shown(creator, 80)}' {currency}: the books have {money_text(currency, minor)} as returned"
        if payout is None or payout.minor != minor:
            found.append(f"{said}, which is no payout of the period")
        elif answered.outcomes[payout] != "returned":
            found.append(f"{said}, and no answer that was given says so")
    return found
