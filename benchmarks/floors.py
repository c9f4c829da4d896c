"""What a run is measured against: `bare`, one query as a user would write it, and `script`, all of §3 to §6.

`python -m benchmarks.floors bare FOLDER` or `script FOLDER`; FOLDER holds program.yaml and landing/.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from benchmarks.data import PERIOD

# Last value per post, weights, audience, one rate, one row a creator; in floating point.
BARE = """
with last as (
    select post_id, arg_max(views - ineligible_views, observed_at) as views,
        arg_max(likes, observed_at) as likes, arg_max(comments, observed_at) as comments,
        arg_max(shares, observed_at) as shares
    from read_parquet('{landing}/post_metrics/*.parquet')
    where observed_at < timestamp '2024-05-01'
    group by post_id
),
audience as (
    select creator_id, sum(accounts * case country when 'US' then 1.0 when 'JP' then 0.8
        when 'KR' then 0.7 else 0.25 end) / sum(accounts) as value
    from read_parquet('{landing}/audience/*.parquet') group by creator_id
)
select posts.creator_id, sum((views * case content_type when 'photo' then 0.8 else 1 end
    + coalesce(likes, 0) * 2 + comments * 5 + shares * 8) * value) * 0.16 / 1000 as amount
from last join read_parquet('{landing}/posts/*.parquet') as posts using (post_id)
join audience using (creator_id)
group by posts.creator_id
"""


def bare(folder: Path) -> int:
    """Creators paid by the bare query."""
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        query = BARE.format(landing=folder / "landing")
        connection.execute(f"create table amounts as {query}")
        return _count(connection, "amounts")


def script(folder: Path, home: Path) -> int:
    """Creators paid by one script with §3 to §6: the compiled models of a work file, and earnings.

    The work file must have been made by a run in `home`; nothing is ingested, gated or published.
    """
    from orchestration.pipeline import earning
    from orchestration.pipeline.home import Home
    from orchestration.pipeline.work_file import WorkFile
    from orchestration.terms.load import load_program

    loaded = load_program(folder / "program.yaml")
    work = WorkFile(Home(home).work_folder(loaded.program.program, PERIOD))
    models = {
        path.stem: (stage, path.read_text(encoding="utf-8"))
        for stage in ("staging", "eligibility", "scoring")
        for path in (work.folder / "dbt" / "compiled").rglob(f"models/{stage}/*.sql")
    }
    with work.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        done: set[str] = set()
        while len(done) < len(models):
            ready = [name for name in models if name not in done and not _waits(name, models, done)]
            for name in ready:
                connection.execute(f'create or replace table "{name}" as {models[name][1]}')
                done.add(name)
    earning.write_earnings(work, loaded, PERIOD)
    with work.connect() as connection:
        return _count(connection, "creator_earnings")


def _waits(name: str, models: dict[str, tuple[str, str]], done: set[str]) -> bool:
    return any(
        f'"{other}"' in models[name][1] for other in models if other not in done and other != name
    )


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    assert row is not None
    return int(row[0])


if __name__ == "__main__":
    what, where = sys.argv[1], Path(sys.argv[2])
    print(bare(where) if what == "bare" else script(where, Path(sys.argv[3])))
