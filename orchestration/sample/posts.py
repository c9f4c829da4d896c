"""Posts of a period and what was counted of them: growth curves, sampled as a platform does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from orchestration.sample.personas import FLAGS, Cast
from orchestration.sample.population import DAY, MARKETS, Population, events_table
from orchestration.sample.program import ZONES, Period
from orchestration.sample.tables import NEVER, numbered, table_of, together

TYPES = ("reel", "carousel", "photo", "story")
MEDIAN_VIEWS = (70_000.0, 34_000.0, 24_000.0, 6_000.0)
MARKET_VIEWS = (1.0, 0.85, 0.75, 0.9)
ENGAGEMENT = {"likes": 0.040, "comments": 0.003, "shares": 0.005}  # of the views
ALL_FLAGS = (*FLAGS, "is_original")
FALLING = 0.006  # share of the posts that lose counts; the gate warns of more than 1 %
INCIDENTS = {1: "the platform takes invalid views back from some posts"}
"""By index of a period, what a gate warns of there. All else is quiet, so that a warning is looked at."""
FALLING_IN_INCIDENT = 0.025
SNAPSHOT_DAYS = (0.3, *range(1, 15), 17, 20, 23, 26, 29)


@dataclass(frozen=True)
class Bounds:
    """The begin and end of a period, in seconds, by index of market."""

    starts: Any
    ends: Any


@dataclass(frozen=True)
class Posts:
    """Posts of one period, column by column."""

    ids: Any
    creator_ids: Any
    kind: Any  # index into TYPES
    market: Any  # index into MARKETS
    published: Any
    removed: Any
    views: Any  # what the growth curve goes to
    flags: dict[str, Any]
    is_planned: Any  # a persona's: nothing random may spoil it

    def __len__(self) -> int:
        return len(self.published)


def bounds(period: Period) -> Bounds:
    """Local days of each market; UTC where the program has none."""
    import numpy as np

    from orchestration.terms.calendar import day_starts_at

    def instants(day: Any) -> Any:
        starts = [
            day_starts_at(day, ZONES[market]) if market in ZONES else datetime.combine(day, time())
            for market in MARKETS
        ]
        return np.array([int(start.replace(tzinfo=UTC).timestamp()) for start in starts])

    return Bounds(instants(period.starts_on), instants(period.ends_on + timedelta(days=1)))


def period_posts(
    rng: Any, people: Population, cast: Cast, at: int, key: str, days: Bounds
) -> Posts:
    """The posts published in a period: those of personas, then the others."""
    planned, drawn = _planned(cast, at), _drawn(rng, people, key, days)
    return Posts(
        ids=_joined(planned.ids, drawn.ids),
        creator_ids=_joined(planned.creator_ids, drawn.creator_ids),
        kind=_joined(planned.kind, drawn.kind),
        market=_joined(planned.market, drawn.market),
        published=_joined(planned.published, drawn.published),
        removed=_joined(planned.removed, drawn.removed),
        views=_joined(planned.views, drawn.views),
        flags={flag: _joined(planned.flags[flag], drawn.flags[flag]) for flag in ALL_FLAGS},
        is_planned=_joined(planned.is_planned, drawn.is_planned),
    )


def _joined(one: Any, other: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    parts = [one, other]
    return np.concatenate(parts) if isinstance(one, np.ndarray) else pa.concat_arrays(parts)


def _planned(cast: Cast, at: int) -> Posts:
    import numpy as np
    import pyarrow as pa

    posts = [post for post in cast.posts if post.period == at]
    flags = {flag: np.array([post.flag == flag for post in posts]) for flag in ALL_FLAGS}
    flags["is_original"] = ~flags["is_original"]  # the one flag that is wanted
    return Posts(
        ids=pa.array([post.post_id for post in posts], pa.string()),
        creator_ids=pa.array([post.creator_id for post in posts], pa.string()),
        kind=np.array([TYPES.index(post.content_type) for post in posts]),
        market=np.array([MARKETS.index(post.market) for post in posts]),
        published=np.array([int(post.published_at.timestamp()) for post in posts]),
        removed=np.array([int(p.removed_at.timestamp()) if p.removed_at else NEVER for p in posts]),
        views=np.array([float(post.views) for post in posts]),
        flags=flags,
        is_planned=np.ones(len(posts), dtype=bool),
    )


def _drawn(rng: Any, people: Population, key: str, days: Bounds) -> Posts:
    import numpy as np
    import pyarrow as pa

    who = np.repeat(np.arange(len(people.market)), rng.poisson(people.pace))
    size = len(who)
    market = people.market[who]
    kind = rng.choice(4, size, p=[0.55, 0.22, 0.20, 0.03])
    starts, ends = days.starts[market], days.ends[market]
    published = starts + (rng.random(size) * (ends - starts - 600)).astype(np.int64)
    median = np.array(MEDIAN_VIEWS)[kind] * np.array(MARKET_VIEWS)[market]
    removed = published + rng.integers(3600, 30 * DAY, size)
    removed[rng.random(size) >= 0.015] = NEVER
    chances = (0.03, 0.025, 0.015, 0.02)
    flags = {f: rng.random(size) < p for f, p in zip(ALL_FLAGS, chances, strict=True)}
    flags["is_original"] = ~flags["is_original"]

    # A few are of creators that no feed knows: well below the 1 % of which the gate warns.
    creator = people.ids.take(who).to_numpy(zero_copy_only=False)
    strangers = rng.choice(size, size * 3 // 1000, replace=False)
    creator[strangers] = [f"stranger-{key}-{n}" for n in range(len(strangers))]
    return Posts(
        ids=numbered(f"p-{key}-", np.arange(size)),
        creator_ids=pa.array(creator, pa.string()),
        kind=kind,
        market=market,
        published=published,
        removed=removed,
        views=median * people.reach[who] * rng.lognormal(0, 0.9, size),
        flags=flags,
        is_planned=np.zeros(size, dtype=bool),
    )


def posts_table(rng: Any, posts: Posts) -> Any:
    """Rows of the posts; of removed ones a second row. A few of the others are missing."""
    import numpy as np

    lost = (rng.random(len(posts)) < 0.002) & ~posts.is_planned & (len(posts) > 1_000)
    known = np.flatnonzero(~lost)
    removed = known[posts.removed[known] != NEVER]
    never = np.full(len(posts), NEVER)
    return together(
        _post_rows(posts, known, never, posts.published + 60),
        _post_rows(posts, removed, posts.removed, posts.removed + 30),
    )


def _post_rows(posts: Posts, at: Any, removed: Any, updated: Any) -> Any:
    import numpy as np

    return table_of(
        "posts",
        post_id=posts.ids.take(at),
        creator_id=posts.creator_ids.take(at),
        content_type=np.asarray(TYPES, dtype=object)[posts.kind[at]],
        published_at=posts.published[at],
        removed_at=removed[at],
        updated_at=updated[at],
        **{flag: values[at] for flag, values in posts.flags.items()},
    )


def post_events(rng: Any, posts: Posts, key: str) -> Any:
    """Policy events of posts; some are cleared after an appeal."""
    import numpy as np

    bad = np.flatnonzero((rng.random(len(posts)) < 0.008) & ~posts.is_planned)
    when = posts.published[bad] + rng.integers(3600, 6 * DAY, len(bad))
    won = np.arange(len(bad)) % 3 == 0
    cleared = when[won] + rng.integers(DAY, 10 * DAY, int(won.sum()))
    return together(
        events_table(f"ev-p-{key}-", "post", posts.ids.take(bad), "violated", when),
        events_table(f"ev-q-{key}-", "post", posts.ids.take(bad[won]), "cleared", cleared),
    )


def metrics_tables(
    rng: Any, posts: Posts, ends: Any, next_ends: Any, falling: float = FALLING
) -> dict[str, Any]:
    """Snapshots of the posts by file: `metrics.parquet`, `metrics.csv.gz`, `corrections.jsonl.gz`.

    `next_ends` is None for the last period; `falling` is the share of posts that lose counts.
    """
    import numpy as np

    who, seen = _snapshot_times(rng, posts, ends, next_ends)
    reports = _reports(rng, posts, who, seen, falling)
    size = len(who)
    delivered = seen + rng.integers(60, 7200, size)
    late = rng.random(size) < 0.02
    delivered[late] += rng.integers(DAY, 4 * DAY, int(late.sum()))
    # One of twelve posts comes from an older exporter: CSV, and no word of when it was delivered.
    is_old = who % 12 == 0
    repeated = rng.random(size) < 0.02

    # The first delivery of a corrected snapshot counted too little, so that the one that wins lies
    # on the curve.
    first = reports.table(seen, np.where(is_old, NEVER, delivered), np.where(repeated, 0.98, 1.0))
    again = delivered + rng.integers(DAY, 3 * DAY, size)
    corrections = reports.table(seen, again, np.ones(size)).take(np.flatnonzero(repeated))
    twice = np.flatnonzero(rng.random(size) < 0.003)  # exact duplicates, in the other file too
    return {
        "metrics.parquet": first.take(np.flatnonzero(~is_old)),
        "metrics.csv.gz": together(first.take(np.flatnonzero(is_old)), first.take(twice)),
        "corrections.jsonl.gz": corrections,
    }


def _snapshot_times(rng: Any, posts: Posts, ends: Any, next_ends: Any) -> tuple[Any, Any]:
    """The times at which each post was looked at: daily at first, then less often, and shortly before the end.

    Regular instants are even seconds, the others odd, so no key comes twice by accident.
    """
    import numpy as np

    size, end = len(posts), ends[posts.market]
    ages = np.array(SNAPSHOT_DAYS) * DAY
    jitter = rng.uniform(-0.1, 0.1, (size, len(ages))) * DAY
    regular = (posts.published[:, None] + ages + jitter).astype(np.int64) & ~1
    post, column = np.nonzero(regular < end[:, None])
    left = end - posts.published
    before_end = np.minimum(rng.integers(600, 40_000, size), left // 2)
    last = (end - before_end - 2) | 1
    has_last = (rng.random(size) >= 0.003) | posts.is_planned
    who, seen = [post, np.flatnonzero(has_last)], [regular[post, column], last[has_last]]
    if next_ends is not None:
        # Some are looked at once more in the next period, where they are outside the window.
        stale = np.flatnonzero(rng.random(size) < 0.03)
        who.append(stale)
        seen.append((next_ends[posts.market[stale]] - rng.integers(600, DAY, len(stale))) | 1)
    whose, when = np.concatenate(who), np.concatenate(seen)
    order = np.lexsort((when, whose))
    return whose[order], when[order]


@dataclass(frozen=True)
class Reports:
    """The counts that the platform would report at each snapshot, before they are cut to whole numbers."""

    post_ids: Any
    views: Any
    ineligible: Any  # share of the views; NaN where it is not reported
    engagement: dict[str, Any]  # share of the views; NaN where it is hidden

    def table(self, seen: Any, delivered: Any, scale: Any) -> Any:
        """The rows, with counts that are `scale` of what they should be."""
        import numpy as np

        views = np.floor(self.views * scale)

        def counted(share: Any) -> Any:
            count = np.floor(views * np.nan_to_num(share)).astype(np.int64)
            return np.where(np.isnan(share), NEVER, count)

        return table_of(
            "post_metrics",
            post_id=self.post_ids,
            observed_at=seen,
            views=views.astype(np.int64),
            ineligible_views=counted(self.ineligible),
            delivered_at=delivered,
            **{name: counted(share) for name, share in self.engagement.items()},
        )


def _reports(rng: Any, posts: Posts, who: Any, seen: Any, falling: float) -> Reports:
    """Saturating growth, and for a few posts a fall: invalid views that were taken back."""
    import numpy as np

    size, planned = len(posts), posts.is_planned
    pace = np.where(planned, 2.0, rng.lognormal(0.8, 0.5, size)) * DAY
    views = posts.views[who] * -np.expm1(-(seen - posts.published[who]) / pace[who])
    falls = (rng.random(size) < falling) & ~planned
    fall_at = posts.published + rng.integers(3 * DAY, 14 * DAY, size)
    kept = np.where(falls, rng.uniform(0.75, 0.93, size), 1.0)
    views *= np.where(seen >= fall_at[who], kept[who], 1.0)

    invalid = np.where(rng.random(size) < 0.6, np.nan, rng.beta(1.2, 30, size))
    invalid[planned] = 0.01
    engagement = {}
    for name, share in ENGAGEMENT.items():
        shares = share * rng.lognormal(0, 0.4, size)
        hidden = (rng.random(size) < (0.04 if name == "likes" else 0.01)) & ~planned
        engagement[name] = np.where(hidden, np.nan, np.where(planned, share, shares))[who]
    return Reports(posts.ids.take(who), views, invalid[who], engagement)
