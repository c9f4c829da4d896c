"""The statistical creators of the sample: who they are, how they are paid, what they agreed to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from orchestration.sample.program import PROGRAM, Period
from orchestration.sample.tables import NEVER, numbered, rows_of, table_of, together

DAY = 86_400
MARKETS = ("US", "JP", "KR", "BR")
CURRENCIES = ("USD", "JPY", "KRW", "USD")
LAUNCH = (date(2024, 3, 29) - date(1970, 1, 1)).days * DAY
FAR = (date(2027, 1, 1) - date(1970, 1, 1)).days * DAY


@dataclass(frozen=True)
class Population:
    """Columns of one entry a creator."""

    ids: Any
    market: Any  # index into MARKETS
    reach: Any  # how far the posts go, 1 is the median
    pace: Any  # posts a period


def population(rng: Any, size: int) -> Population:
    """Draws creators: reach is lognormal, pace a gamma, so that a few make most of both."""
    import numpy as np

    return Population(
        ids=numbered("c", np.arange(1, size + 1)),
        market=rng.choice(4, size, p=[0.50, 0.255, 0.23, 0.015]),
        reach=rng.lognormal(0, 1.0, size),
        pace=rng.gamma(1.2, 1.7, size),
    )


def _pick(values: Any, at: Any) -> Any:
    import numpy as np

    return np.asarray(values, dtype=object)[at]


def creators_table(rng: Any, people: Population, periods: list[Period]) -> Any:
    """One row each; some were personal accounts before, and have an older row that says so."""
    import numpy as np

    size = len(people.market)
    kind = rng.choice(3, size, p=[0.71, 0.26, 0.03])
    age_days = (19 * 365 + rng.gamma(2.0, 2200, size)).astype(np.int64)
    minors = rng.random(size) < 0.015
    age_days[minors] = rng.integers(15 * 365, 17 * 365, int(minors.sum()))
    born = LAUNCH // DAY - age_days
    born[rng.random(size) < 0.15] = NEVER
    updated = LAUNCH - rng.integers(30 * DAY, 400 * DAY, size)
    rows = _creator_rows(people, slice(None), kind, born, updated)
    changed = np.flatnonzero(rng.random(size) < 0.05)
    when = LAUNCH + rng.integers(0, 30 * len(periods) * DAY, len(changed))
    later = _creator_rows(people, changed, np.zeros_like(kind), born, when)
    return together(rows, later)


def _creator_rows(people: Population, at: Any, kind: Any, born: Any, updated: Any) -> Any:
    import numpy as np

    at = np.arange(len(people.market))[at]
    return table_of(
        "creators",
        creator_id=people.ids.take(at),
        account_type=_pick(["creator", "business", "personal"], kind[at]),
        market=_pick(MARKETS, people.market[at]),
        birth_date=born[at],
        updated_at=updated,
    )


def payees_table(rng: Any, people: Population, periods: list[Period]) -> Any:
    """Most are ready; some complete it later, some change the currency, some have no row."""
    import numpy as np

    size = len(people.market)
    status = rng.choice(3, size, p=[0.94, 0.045, 0.015])
    abroad = rng.choice(3, size, p=[0.96, 0.025, 0.015])
    form = rng.random(size) < 0.85
    present = np.flatnonzero(rng.random(size) >= 0.02)
    updated = LAUNCH - rng.integers(5 * DAY, 60 * DAY, size)
    first = _payee_rows(people, present, status, abroad, form, updated)

    # Of those with a row, some fix their status, some take euros from then on.
    luck = rng.random(len(present))
    later = present[((luck < 0.5) & (status[present] == 1)) | (luck > 0.98)]
    changed = np.where(status == 0, 1, abroad)
    when = LAUNCH + rng.integers(20 * DAY, (30 * len(periods) + 20) * DAY, size)
    second = _payee_rows(people, later, np.zeros_like(status), changed, form, when)
    return together(first, second)


def _payee_rows(
    people: Population, at: Any, status: Any, abroad: Any, form: Any, updated: Any
) -> Any:
    import numpy as np

    home = _pick(CURRENCIES, people.market[at])
    residence = _pick(MARKETS, people.market[at])
    away = abroad[at]
    residence = np.where(away > 0, _pick(["", "DE", "GB"], away), residence)
    w9 = (residence == "US") & form[at]
    return table_of(
        "payees",
        creator_id=people.ids.take(at),
        payout_currency=np.where(away > 0, _pick(["", "EUR", "GBP"], away), home),
        tax_residence=residence,
        tax_form=_pick([None, "w8ben", "w9"], np.where(w9, 2, form[at].astype(int))),
        status=_pick(["ready", "incomplete", "blocked"], status[at]),
        updated_at=updated[at],
    )


def deals_table(rng: Any, people: Population, periods: list[Period]) -> Any:
    """Invitations: most are accepted before the launch, some late, some never; some end early."""
    import numpy as np

    size, span = len(people.market), 30 * len(periods) * DAY
    invited = LAUNCH - rng.integers(6 * DAY, 40 * DAY, size)
    late = rng.random(size) < 0.12
    invited[late] = LAUNCH + rng.integers(0, span, int(late.sum()))
    activated = invited + 3600 + rng.exponential(2.0 * DAY, size).astype(np.int64)
    activated[rng.random(size) < 0.04] = NEVER
    ends = np.full(size, FAR)
    short = np.flatnonzero((rng.random(size) < 0.03) & ~late)
    ends[short] = LAUNCH + rng.integers(0, span, len(short))
    cap = _pick(
        [None, "50.00", "200.00", "500.00"], rng.choice(4, size, p=[0.96, 0.01, 0.02, 0.01])
    )
    dealt = np.flatnonzero(rng.random(size) >= 0.04)
    ours = _deal_rows(people, dealt, "d", PROGRAM, invited, activated, ends, cap)

    # Those whose deal ended early are invited again, ten days after.
    again = ends + 10 * DAY
    renewed = _deal_rows(
        people, short[::2], "r", PROGRAM, again, again + 2 * DAY, np.full(size, FAR), cap
    )
    other = np.flatnonzero(rng.random(size) < 0.03)
    others = _deal_rows(
        people, other, "x", "facebook-reels-bonus", invited, activated, np.full(size, FAR), cap
    )
    return together(ours, renewed, others)


def _deal_rows(
    people: Population,
    at: Any,
    prefix: str,
    program: str,
    invited: Any,
    activated: Any,
    ends: Any,
    cap: Any,
) -> Any:
    """A row when it was sent, and another one when it was accepted."""
    import numpy as np

    accepted = at[activated[at] != NEVER]
    both = np.concatenate([at, accepted])
    is_first = np.arange(len(both)) < len(at)
    return table_of(
        "deals",
        deal_id=numbered(prefix, both + 1),
        program=np.full(len(both), program, dtype=object),
        creator_id=people.ids.take(both),
        invited_at=invited[both],
        activated_at=np.where(is_first, NEVER, activated[both]),
        ends_at=ends[both],
        cap=cap[both],
        updated_at=np.where(is_first, invited[both], activated[both]),
    )


def creator_events(rng: Any, people: Population, periods: list[Period]) -> Any:
    """Policy events of creators: half of those in violation are cleared some weeks later."""
    import numpy as np

    bad = np.flatnonzero(rng.random(len(people.market)) < 0.012)
    when = LAUNCH + rng.integers(-20 * DAY, 30 * len(periods) * DAY, len(bad))
    cleared = np.arange(len(bad)) % 2 == 0
    after = when[cleared] + rng.integers(8 * DAY, 45 * DAY, int(cleared.sum()))
    subjects = people.ids.take(bad)
    return together(
        events_table("ev-c", "creator", subjects, "violated", when),
        events_table("ev-d", "creator", people.ids.take(bad[cleared]), "cleared", after),
    )


def events_table(prefix: str, kind: str, subjects: Any, status: str, when: Any) -> Any:
    """Events of one kind, numbered."""
    import numpy as np

    size = len(subjects)
    return table_of(
        "policy_events",
        event_id=numbered(prefix, np.arange(size)),
        subject_type=[kind] * size,
        subject_id=subjects,
        policy=["community-guidelines"] * size,
        status=[status] * size,
        effective_at=when,
    )


def audience_table(rng: Any, people: Population, period: Period) -> Any:
    """The countries where followers live: mostly at home, some in countries that no term names."""
    import numpy as np

    countries = ("US", "JP", "KR", "BR", "GB", "ID")
    size = len(people.market)
    weights = np.array([0.5, 0.2, 0.2, 0.3, 0.2, 0.3]) * np.ones((size, 1))
    weights[np.arange(size), people.market] = 6.0
    accounts = np.floor(rng.gamma(weights) * people.reach[:, None] * 4_000).astype(np.int64)
    counted = rng.random(size) >= 0.03  # of some, nothing is known
    who, where = np.nonzero((accounts > 0) & counted[:, None])
    day = (period.ends_on - date(1970, 1, 1)).days - 5
    size = len(who)
    delivered = day * DAY + rng.integers(3 * 3600, 9 * 3600, size)
    columns = {
        "creator_id": people.ids.take(who),
        "observed_on": np.full(size, day, dtype=np.int64),
        "country": _pick(countries, where),
        "accounts": accounts[who, where],
    }
    table = table_of("audience", **columns, delivered_at=delivered)
    again = table.take(np.flatnonzero(rng.random(size) < 0.01))
    fixed = np.asarray(again["accounts"]) + 5  # counted anew a day later
    late = np.asarray(again["delivered_at"].cast("int64")) + DAY
    names = ("creator_id", "observed_on", "country")
    corrected = {name: again[name].combine_chunks() for name in names}
    corrections = table_of("audience", **corrected, accounts=fixed, delivered_at=late)
    return together(table, corrections)


def fx_table(rng: Any, periods: list[Period]) -> Any:
    """A central bank's rates: euros to others, on weekdays only."""
    import numpy as np

    first = np.datetime64("2024-03-15")
    days = np.arange(first, np.datetime64(periods[-1].pays_on) + np.timedelta64(1, "D"))
    days = days[np.is_busday(days)].astype(np.int64)
    walks = np.cumsum(rng.normal(0, 0.003, (4, len(days))), axis=1)
    rows = []
    for quote, start, walk in zip(
        ("USD", "JPY", "KRW", "GBP"), (1.0800, 163.00, 1455.0, 0.8550), walks, strict=True
    ):
        for day, rate in zip(days.tolist(), (start * np.exp(walk)).tolist(), strict=True):
            rows.append(
                {
                    "rate_date": date.fromordinal(719_163 + day),
                    "base_currency": "EUR",
                    "quote_currency": quote,
                    "rate": f"{rate:.4f}",
                }
            )
    return rows_of("fx_rates", rows)
