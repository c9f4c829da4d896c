"""Puts the sample together: personas and population, period by period, into landing files.

Period by period, since the snapshots of a hundred thousand creators do not fit in memory at once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.sample import population, posts
from orchestration.sample.files import write_table
from orchestration.sample.personas import Cast, personas
from orchestration.sample.program import Period, sample_periods
from orchestration.sample.tables import rows_of, together


@dataclass(frozen=True)
class Landing:
    """The landing directory, and how many rows went where."""

    folder: Path
    rows: Counter[str] = field(default_factory=Counter)

    def write(self, table: Any, name: str, file: str) -> None:
        write_table(table, name, self.folder / name / file)
        self.rows[name] += table.num_rows


def write_landing(folder: Path, creators: int, periods: int, seed: int) -> dict[str, int]:
    """Writes all datasets; returns their counts of rows."""
    import numpy as np

    # PCG64 by name: what `default_rng` stands for may change with numpy.
    rng = np.random.Generator(np.random.PCG64(seed))
    months = sample_periods(periods)
    cast = personas(months)
    names = {row["creator_id"] for row in (*cast.creators, *cast.deals)}
    people = population.population(rng, creators - len(names))
    landing = Landing(folder)
    _write_people(rng, landing, people, cast, months)
    events = [
        rows_of("policy_events", cast.policy_events),
        population.creator_events(rng, people, months),
    ]
    for at in range(periods):
        events.append(_write_period(rng, landing, people, cast, months, at))
    landing.write(together(*events), "policy_events", "events.jsonl.gz")
    return dict(sorted(landing.rows.items()))


def _write_people(
    rng: Any, landing: Landing, people: population.Population, cast: Cast, months: list[Period]
) -> None:
    creators = population.creators_table(rng, people, months)
    landing.write(
        together(rows_of("creators", cast.creators), creators), "creators", "creators.csv"
    )
    payees = population.payees_table(rng, people, months)
    landing.write(together(rows_of("payees", cast.payees), payees), "payees", "payees.jsonl")
    deals = population.deals_table(rng, people, months)
    landing.write(together(rows_of("deals", cast.deals), deals), "deals", "deals.parquet")
    landing.write(population.fx_table(rng, months), "fx_rates", "ecb.csv")


def _write_period(
    rng: Any,
    landing: Landing,
    people: population.Population,
    cast: Cast,
    months: list[Period],
    at: int,
) -> Any:
    """Posts, snapshots and audience of a period; returns the policy events of its posts."""
    key, days = months[at].key, posts.bounds(months[at])
    published = posts.period_posts(rng, people, cast, at, key, days)
    # Every other month in CSV, as from a team that moved to Parquet and back.
    suffix = "csv.gz" if at % 2 else "parquet"
    landing.write(posts.posts_table(rng, published), "posts", f"{key}.{suffix}")
    next_ends = posts.bounds(months[at + 1]).ends if at + 1 < len(months) else None
    falling = posts.FALLING_IN_INCIDENT if at in posts.INCIDENTS else posts.FALLING
    metrics = posts.metrics_tables(rng, published, days.ends, next_ends, falling)
    for file, table in metrics.items():
        landing.write(table, "post_metrics", f"{key}/{file}")
    if at % 2 == 0:  # audiences are counted every other month: the latest count holds
        counted = population.audience_table(rng, people, months[at])
        own = _own_audience(cast, months[at])
        landing.write(together(own, counted), "audience", f"{key}.parquet")
    return posts.post_events(rng, published, key)


def _own_audience(cast: Cast, period: Period) -> Any:
    rows = [
        {
            "creator_id": name,
            "observed_on": period.starts_on,
            "country": country,
            "accounts": accounts,
            "delivered_at": None,
        }
        for name, countries in cast.audience_of.items()
        for country, accounts in countries.items()
    ]
    return rows_of("audience", rows)
