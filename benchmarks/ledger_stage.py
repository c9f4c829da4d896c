"""How long the ledger stage takes: `python benchmarks/ledger_stage.py [CREATORS] [POSTS_EACH]`.

Makes a work file with scores of made creators (100,000 with 7 posts each by default), then times
what the stage does with it: earnings (§6), the split over the posts, settlement, journal (§7),
the recount of what it says (§9), and the files. No gates; the rules and statements are the product's.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import duckdb

from orchestration.pipeline.earning import write_earnings
from orchestration.pipeline.recounting import write_recount
from orchestration.pipeline.settling import settle_period
from orchestration.pipeline.versions import write_tables
from orchestration.pipeline.work_file import WorkFile
from orchestration.publishing.tables import SETTLED_TABLES
from orchestration.terms.load import load_program
from orchestration.terms.tables import terms_tables

PROGRAM = Path(__file__).resolve().parents[1] / "programs" / "instagram-spring-bonus.yaml"

# Heavy tails come out of a hash, so that every run has the same amounts.
MADE = """
create table creators as
select 'c' || lpad(range::varchar, 7, '0') as creator_id,
    (['US', 'JP', 'KR'])[1 + range % 3] as market, range as n from range({creators});
create table creator_eligibility as
select creator_id, market, true as eligible from creators;
create table int_post_points as
select creator_id || '-' || post as post_id, creator_id,
    (['reel', 'carousel', 'photo'])[1 + post % 3] as content_type,
    (1000000000000 // (1 + hash(n, post) % 1000003))::hugeint as points_e4
from creators cross join range({posts}) as posts(post);
create table post_scores as
select post_id, creator_id, content_type,
    cast(cast(points_e4 as decimal(34, 0)) * cast(0.0001 as decimal(4, 4)) as decimal(38, 4)) as points
from int_post_points;
create table creator_scores as select creator_id, market from creators;
create table int_windows as
select creator_id, null::decimal(38, 4) as deal_cap from creators;
create table stg_creators as select creator_id, market from creators;
create table stg_payees as
select creator_id, case market when 'US' then 'USD' when 'JP' then 'JPY' else 'KRW' end as payout_currency,
    market as tax_residence, 'none' as tax_form, 'ready' as status from creators;
create table int_fx_rates as select * from (values
    ('USD', 10000000000::hugeint), ('JPY', 1515000000000), ('KRW', 13456700000000)
) as rates(payout_currency, rate_e10);
"""


def main(creators: int = 100_000, posts: int = 7) -> None:
    """Prints the seconds of each step, and their sum."""
    loaded = load_program(PROGRAM)
    period = loaded.program.periods[0].key
    with tempfile.TemporaryDirectory() as folder:
        work = WorkFile(Path(folder))
        with duckdb.connect(work.path) as connection:
            connection.execute(MADE.format(creators=creators, posts=posts))
            for name, terms in terms_tables(loaded.program, period).items():
                connection.register("terms_table", terms)
                connection.execute(f'create table "{name}" as select * from terms_table')
        steps = {}
        started = time.perf_counter()
        write_earnings(work, loaded, period)
        steps["earnings, split over posts"] = time.perf_counter() - started
        started = time.perf_counter()
        with work.connect() as connection:
            settle_period(connection, loaded.program, period, None, {})
            rows = connection.execute("select count(*) from journal").fetchall()[0][0]
        steps["settlement, journal"] = time.perf_counter() - started
        started = time.perf_counter()
        with work.connect() as connection:
            write_recount(connection, loaded.program, period)
        steps["recount"] = time.perf_counter() - started
        started = time.perf_counter()
        with work.connect() as connection:
            write_tables(connection, SETTLED_TABLES.values(), Path(folder) / "version")
        steps["files"] = time.perf_counter() - started
    print(
        f"DuckDB {duckdb.__version__}: {creators:,} creators, {creators * posts:,} posts,"
        f" {rows:,} journal entries"
    )
    for step, seconds in {**steps, "whole": sum(steps.values())}.items():
        print(f"{step:30} {seconds:6.1f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
