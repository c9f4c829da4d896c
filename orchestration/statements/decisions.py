"""The reasons that people gave for adjustments and returned payments, out of a published version.

Of each decision the row of the creator itself that is in force at closes_on (§2), so no reason that
was given about somebody else is shown.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Final

from orchestration.foundations.cursors import scratch_database
from orchestration.publishing.creators import Creators
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import DECISION_TABLES
from orchestration.statements.figures import Reasons

# The latest row by then, else the earliest; a row may give no reason.
_IN_FORCE: Final = """
    select creator_id, {key}, coalesce(
        arg_max(coalesce(reason, ''), updated_at) filter (where updated_at <= {closes_at}),
        arg_min(coalesce(reason, ''), updated_at)
    )
    from {table} as source where {condition} group by all
"""


def reasons_of(
    publication: Publication, creators: Creators, closes_at: datetime
) -> defaultdict[str, Reasons]:
    """The reasons by creator; one without any has none. `closes_at` is naive, in UTC."""
    found: defaultdict[str, Reasons] = defaultdict(lambda: Reasons({}, {}))
    with scratch_database() as connection:

        def rows(name: str, key: str) -> list[tuple[str, ...]]:
            query = _IN_FORCE.format(
                key=key,
                table=publication.relation(DECISION_TABLES[name]),
                condition=creators.condition,
                closes_at=f"timestamp '{closes_at.isoformat(sep=' ')}'",
            )
            return connection.execute(query, list(creators.given)).fetchall()

        for creator_id, adjustment_id, reason in rows("settlement_adjustments", "adjustment_id"):
            found[creator_id].adjustments[adjustment_id] = reason
        for creator_id, period, currency, reason in rows("settlement_returns", "period, currency"):
            found[creator_id].returns[period, currency] = reason
    return found
