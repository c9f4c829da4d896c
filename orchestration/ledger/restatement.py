"""Restatements (§7): what a closed period would come to now, against what was posted for it.

Nothing here changes a closed period. A difference becomes an adjustment of a later, open one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestration.ledger.money import Account
from orchestration.ledger.settlement import (
    Earned,
    MissingRate,
    Party,
    payout_currency,
    rate_to,
    to_currency,
)
from orchestration.terms.currencies import minor_unit_decimals
from orchestration.terms.model import Program


@dataclass(frozen=True, slots=True)
class Restated:
    """One creator and currency of a closed period, in minor units of that currency."""

    creator_id: str
    payout_currency: str
    program_amount_minor: int  # newly computed, in minor units of the program currency
    fx_rate_e10: int | None  # null where nothing is computed in this currency any more
    posted_minor: int
    computed_minor: int

    @property
    def difference_minor(self) -> int:
        return self.computed_minor - self.posted_minor


def restate(
    program: Program,
    earned: Iterable[Earned],
    own_rows: Mapping[str, tuple[str, int]],
    parties: Mapping[str, Party],
    rates_e10: Mapping[str, int],
    posted: Mapping[Account, int],
) -> list[Restated]:
    """§7 "Close": a row for each creator and currency that is due or was posted, sorted by both.

    `earned` is what the closed period's run computes now; `own_rows` are currency and rate x 10^10
    of each creator's own row in the closed ledger ("not a CURRENCY_CHANGED row"); a creator without
    one takes "the currency and rate that §7 gives for the origin period now", out of `parties` and
    `rates_e10`. `posted` is what was posted for the period so far. Raises MissingRate with every
    currency that has none.
    """
    decimals = minor_unit_decimals(program.currency)
    due: dict[Account, tuple[int, int]] = {}
    missing = set()
    for row in earned:
        currency, rate_e10 = own_rows.get(row.creator_id, (None, None))
        if currency is None:
            currency = payout_currency(row.market, parties.get(row.creator_id), program)
            rate_e10 = rate_to(currency, program, rates_e10)
        if rate_e10 is None:
            if row.program_amount_minor:
                missing.add(currency)
            continue
        due[row.creator_id, currency] = (row.program_amount_minor, rate_e10)
    if missing:
        raise MissingRate(f"no rate from {program.currency} to {', '.join(sorted(missing))}")
    rows = []
    for account in sorted(due.keys() | posted.keys(), key=lambda key: (key[0].encode(), key[1])):
        creator_id, currency = account
        amount, rate_e10 = due.get(account, (0, None))
        computed = (
            0
            if rate_e10 is None
            else to_currency(amount, rate_e10, decimals, minor_unit_decimals(currency))
        )
        rows.append(
            Restated(creator_id, currency, amount, rate_e10, posted.get(account, 0), computed)
        )
    return rows


def adjustments(
    computed: Mapping[str, Mapping[Account, int]], posted: Mapping[str, Mapping[Account, int]]
) -> dict[Account, dict[str, int]]:
    """§7: "Differences other than 0 are the adjustments of the earliest period" that is open.

    Both arguments are by origin period, then by account, in minor units: what the last restatement
    of each closed period computed, and all that was posted for it in closed periods. So a
    difference that a closed period has posted is not posted again, and one that an open period has
    posted is found anew each time. Gives amount by account and origin.
    """
    found: dict[Account, dict[str, int]] = {}
    for origin, amounts in computed.items():
        before = posted.get(origin, {})
        for account in amounts.keys() | before.keys():
            difference = amounts.get(account, 0) - before.get(account, 0)
            if difference:
                found.setdefault(account, {})[origin] = difference
    return found
