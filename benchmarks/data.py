"""Made landing data of any size: 33 posts a creator, 30 daily snapshots a post, 1 % redelivered.

Sizes are snapshots. Each post is published in the period's first hour that all markets share, and seen
after it. The data is made by DuckDB from hashes of row numbers, so the same size gives
the same rows on any machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb

POSTS: Final = 33  # of a creator
DAYS: Final = 30  # snapshots of a post
PERIOD: Final = "2024-04"
BY_POSTS: Final = "posts.parquet"
ROWS_OF_A_FILE: Final = 5_000_000

PROGRAM: Final = """\
program: benchmark
currency: USD
markets:
  US: {timezone: America/Los_Angeles}
  JP: {timezone: Asia/Tokyo}
  KR: {timezone: Asia/Seoul}
periods:
  - {key: 2024-04, starts_on: 2024-04-01, ends_on: 2024-04-30, closes_on: 2024-05-03,
     fx_on: 2024-05-03, pays_on: 2024-05-21}
terms:
  - version: 1
    effective_from: 2024-04-01
    eligibility:
      account_types: [creator, business]
      markets: [US, JP, KR]
      content_types: [reel, carousel, photo]
      minimum_views: 1000
      counts_posts: published_in_window
    weights:
      reel:     {views: 1, likes: 2, comments: 5, shares: 8}
      carousel: {views: 1, likes: 2, comments: 5, shares: 8}
      photo:    {views: 0.8, likes: 2, comments: 5, shares: 8}
    audience_value:
      countries: {US: 1.0, JP: 0.8, KR: 0.7}
      other: 0.25
      floor: 0.1
      ceiling: 1.5
    payout:
      method: rate
      rates:
        US: [{up_to: 1000000, rate: 0.16}, {rate: 0.08}]
        JP: [{up_to: 1000000, rate: 0.14}, {rate: 0.07}]
        KR: [{rate: 0.12}]
      cap: {US: 30000.00, JP: 20000.00, KR: 20000.00}
minimum_payout: {USD: 25.00, JPY: 4000, KRW: 35000}
withholding:
  - {tax_residence: '*', tax_form: '*', brackets: [{rate: 0.3}]}
"""

# Heavy tails: a post's final views are 200 / u^0.8 for u evenly in (0, 1], at most 10^8.
_TABLES: Final = {
    "creators": """
        select 'c' || lpad(cast(i as varchar), 8, '0') as creator_id,
            ['creator', 'business'][1 + i % 2] as account_type,
            ['US', 'JP', 'KR'][1 + i % 3] as market,
            date '1990-01-01' + cast(i % 3000 as integer) as birth_date,
            timestamp '2024-03-01' as updated_at
        from range($creators) as made(i)
    """,
    "payees": """
        select 'c' || lpad(cast(i as varchar), 8, '0') as creator_id,
            ['USD', 'JPY', 'KRW'][1 + i % 3] as payout_currency,
            ['US', 'JP', 'KR'][1 + i % 3] as tax_residence, 'w9' as tax_form, 'ready' as status,
            timestamp '2024-03-01' as updated_at
        from range($creators) as made(i)
    """,
    "deals": """
        select 'd' || lpad(cast(i as varchar), 8, '0') as deal_id, 'benchmark' as program,
            'c' || lpad(cast(i as varchar), 8, '0') as creator_id,
            timestamp '2024-03-01' as invited_at,
            timestamp '2024-03-20' + to_hours(i % 400) as activated_at,
            timestamp '2024-06-01' as ends_at, cast(null as decimal(18, 2)) as cap,
            timestamp '2024-03-01' as updated_at
        from range($creators) as made(i)
    """,
    "posts": """
        select 'p' || lpad(cast(i as varchar), 10, '0') as post_id,
            'c' || lpad(cast(i // $posts as varchar), 8, '0') as creator_id,
            ['reel', 'carousel', 'photo'][1 + i % 3] as content_type,
            timestamp '2024-04-01 07:00:00' + to_seconds(hash(i) % 3600) as published_at,
            i % 50 = 7 as is_branded_content, i % 60 = 7 as is_collab,
            i % 70 = 7 as has_watermark, i % 40 <> 7 as is_original,
            cast(null as timestamp) as removed_at, timestamp '2024-03-01' as updated_at
        from range($creators * $posts) as made(i)
    """,
    "audience": """
        select 'c' || lpad(cast(i as varchar), 8, '0') as creator_id, date '2024-04-15' as observed_on,
            country, cast(hash(i, country) % 100000 as bigint) as accounts
        from range($creators) as made(i), unnest(['US', 'JP', 'KR', 'DE']) as of(country)
    """,
    "policy_events": """
        select 'e' || cast(i as varchar) as event_id, 'creator' as subject_type,
            'c' || lpad(cast(i * 101 as varchar), 8, '0') as subject_id, 'spam' as policy,
            'violated' as status, timestamp '2024-04-10' as effective_at
        from range($creators // 101) as made(i)
    """,
    "fx_rates": """
        select date '2024-05-02' as rate_date, 'USD' as base_currency, quote_currency, rate
        from (values ('JPY', cast(155.5 as decimal(18, 4))), ('KRW', cast(1370.25 as decimal(18, 4))))
            as of(quote_currency, rate)
    """,
}

_DAY: Final = """
    with seen as (
        select i,
            cast(least(200 / power((hash(i, 1) % 1000000 + 1) / 1000000, 0.8), 1e8)
                * ($day + 1) / 30 as bigint) as views,
            timestamp '2024-04-01 08:00:00' + to_days($day) + to_seconds(hash(i) % 57000) as observed_at
        from range($creators * $posts) as made(i)
    ),
    counted as (
        select i, views, views // 100 as ineligible_views,
            case when i % 50 <> 3 then views // 12 end as likes,
            views // 150 as comments, views // 90 as shares, observed_at
        from seen
    )
    select 'p' || lpad(cast(i as varchar), 10, '0') as post_id, observed_at, views, ineligible_views,
        likes, comments, shares, observed_at as delivered_at
    from counted
    union all
    select 'p' || lpad(cast(i as varchar), 10, '0') as post_id, observed_at, views - views // 50,
        ineligible_views, likes, comments, shares, observed_at + interval 30 hour as delivered_at
    from counted
    where hash(i, $day, 2) % 100 = 0
"""


def write_landing(folder: Path, snapshots: int, suffix: str = "parquet") -> int:
    """Writes program.yaml and landing/ with about `snapshots` rows of post_metrics; returns how many.

    `suffix` is that of post_metrics: parquet or csv.gz, a file a day; or posts.parquet, files of some
    5 million rows in the order of posts. The others are Parquet.
    """
    creators = max(1, snapshots // (POSTS * DAYS))
    (folder / "landing").mkdir(parents=True)
    (folder / "program.yaml").write_text(PROGRAM, encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        for name, query in _TABLES.items():
            _copy(connection, query, folder / "landing" / name / "all.parquet", creators)
        for day in range(DAYS):
            file = folder / "landing" / "post_metrics" / f"day-{day:02}.{suffix}"
            _copy(connection, _DAY.replace("$day", str(day)), file, creators)
        if suffix == BY_POSTS:
            _by_posts(connection, folder / "landing" / "post_metrics", creators * POSTS)
    return creators * POSTS * DAYS


def replace_day(landing: Path) -> None:
    """Gives the last day's file other content: later counts of the same posts."""
    file = landing / "post_metrics" / f"day-{DAYS - 1:02}.parquet"
    duckdb.execute(
        "copy (select * replace (views + 1 as views, delivered_at + interval 1 hour as delivered_at)"
        f" from '{file}') to '{file}.new' (format parquet)"
    )
    Path(f"{file}.new").rename(file)


def _by_posts(connection: duckdb.DuckDBPyConnection, folder: Path, posts: int) -> None:
    """In place of a file a day, files of neighbouring posts, in their order and that of time."""
    days = sorted(folder.iterdir())
    step = ROWS_OF_A_FILE // DAYS
    for number, first in enumerate(range(0, posts, step)):
        ends = [f"'p{at:010}'" for at in (first, first + step)]
        connection.execute(
            f"copy (select * from read_parquet({[str(day) for day in days]})"
            f" where post_id >= {ends[0]} and post_id < {ends[1]} order by post_id, observed_at)"
            f" to '{folder}/posts-{number:03}.parquet' (format parquet)"
        )
    for day in days:
        day.unlink()


def _copy(connection: duckdb.DuckDBPyConnection, query: str, file: Path, creators: int) -> None:
    file.parent.mkdir(exist_ok=True)
    sql = query.replace("$creators", str(creators)).replace("$posts", str(POSTS))
    options = (
        "format parquet"
        if file.name.endswith(".parquet")
        else "format csv, header, compression gzip, timestampformat '%Y-%m-%dT%H:%M:%SZ'"
    )
    connection.execute(f"copy ({sql}) to '{file}' ({options})")
