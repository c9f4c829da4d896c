"""Settlement, its gate and the switch of what is published, under one lock of the program (§7, §9).

A period that is published settles all later open periods anew, "in order, from the inputs of their
own last run", so balances are right whatever the order of runs. All of them pass the ledger gate
before any of them is seen.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.suite import GateResult
from orchestration.ledger.journal import JournalEntry, journal_entries
from orchestration.ledger.money import bigint
from orchestration.ledger.settlement import Earned, LedgerRow, Party, settle
from orchestration.pipeline.workfile import GateFailed
from orchestration.publishing.parquet import sync_folder, write_table
from orchestration.publishing.store import PROGRAM_FILE, RUN_FILE, Publication
from orchestration.publishing.tables import PUBLISHED_TABLES
from orchestration.terms.currencies import minor_unit_decimals
from orchestration.terms.exact import scaled
from orchestration.terms.load import parse_program
from orchestration.terms.model import Program

if TYPE_CHECKING:
    import duckdb

    from orchestration.pipeline.period_run import PeriodRun

Gate = Callable[[str, Path], GateResult]
"""(suite, database) -> what became of it."""

SETTLED_TABLES = ("payout_ledger", "journal")
"""The tables that change when a period is settled anew; all others stay as its run made them."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a publish did: the period's gate and totals, and the later periods settled anew."""

    period: str
    gate: GateResult
    totals: Mapping[str, Any]
    settled_anew: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Settled:
    """A settled period that waits for the switch: its gate and its figures."""

    gate: GateResult
    totals: dict[str, Any]


def publish(run: PeriodRun) -> Published:
    """Settles the run's period and all later published ones, gates them, and publishes them together.

    Raises GateFailed, with everything published left as it was, if any of them does not hold.
    """
    with run.home.program_lock(run.program, run.progress):
        meta = run.work.require("publish")
        loaded = run.recorded_program()
        order = [period.key for period in loaded.program.periods]
        store = run.home.store(run.program)
        published = store.published()
        earlier = [published[key] for key in order[: order.index(run.period)] if key in published]
        later = [published[key] for key in order[order.index(run.period) + 1 :] if key in published]

        with run.work.connect() as connection:
            own = _settle(connection, loaded.program, run.period, _closing(earlier), earlier)
        gate = run.check("ledger")
        if not gate.held:
            raise GateFailed("ledger", gate)

        versions = {run.period: store.new_version(run.period)}
        with run.work.connect() as connection:
            for table in PUBLISHED_TABLES.values():
                write_table(connection, table, table.name, versions[run.period])
            totals = _totals(connection)
        gates = {**run.work.verdicts(), "ledger": gate}
        _write_run(
            versions[run.period],
            loaded.content,
            {
                **meta,
                "run_id": run.run_id,
                "by": run.by,
                "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "gates": {stage: result.to_json() for stage, result in gates.items()},
                "totals": totals,
            },
        )

        anew: dict[str, _Settled] = {}
        before = Publication(run.period, versions[run.period])
        for publication in later:
            run.progress(f"settling {publication.period} anew")
            versions[publication.period] = store.new_version(publication.period)
            anew[publication.period] = _settle_anew(
                run, publication, versions[publication.period], before
            )
            before = Publication(publication.period, versions[publication.period])
        del own
        store.switch(versions)
    return Published(
        run.period, gate, totals, {key: settled.totals for key, settled in anew.items()}
    )


def _settle_anew(
    run: PeriodRun, publication: Publication, version: Path, before: Publication
) -> _Settled:
    """Settles a later period from the inputs of its own last run into a new version of it."""
    import duckdb

    program = parse_program(publication.program_file.read_bytes(), str(publication.program_file))
    scratch = run.work.folder / f"settling-{publication.period}.duckdb"
    for leftover in (scratch, scratch.with_suffix(".duckdb.wal")):
        leftover.unlink(missing_ok=True)
    try:
        with duckdb.connect(scratch) as connection:
            for name in PUBLISHED_TABLES:
                if name not in SETTLED_TABLES:
                    source = str(publication.table(name)).replace("'", "''")
                    connection.execute(
                        f"create view \"{name}\" as select * from read_parquet('{source}')"
                    )
            _settle(connection, program, publication.period, _closing([before]), [before])
        gate = run.gate("ledger", scratch)
        if not gate.held:
            raise GateFailed("ledger", gate)
        with duckdb.connect(scratch) as connection:
            for name in PUBLISHED_TABLES:
                if name in SETTLED_TABLES:
                    write_table(connection, PUBLISHED_TABLES[name], name, version)
                else:
                    _carry_over(publication.table(name), version / name)
            totals = _totals(connection)
    finally:
        scratch.unlink(missing_ok=True)
    record = publication.run
    record["gates"]["ledger"] = gate.to_json()
    record["totals"] = totals
    _write_run(version, publication.program_file.read_bytes(), record)
    return _Settled(gate, totals)


def _settle(
    connection: duckdb.DuckDBPyConnection,
    program: Program,
    period_key: str,
    openings: Mapping[tuple[str, str], int],
    earlier: list[Publication],
) -> None:
    """Makes payout_ledger, journal and ledger_period in a database that holds the earnings."""
    period = program.period(period_key)
    earned = [
        Earned(creator, market, int(points_e4), performance, milestone, capped)
        for creator, market, points_e4, performance, milestone, capped in connection.execute(
            "select creator_id, market, replace(cast(points as varchar), '.', ''),"
            " performance_minor, milestone_minor, capped from creator_earnings"
        ).fetchall()
    ]
    parties = {
        creator: Party(*party)
        for creator, *party in connection.execute(
            "select creator_id, market, payout_currency, tax_residence, tax_form, status"
            " from settlement_parties"
        ).fetchall()
    }
    rates_e10 = {
        currency: scaled(rate, 10)
        for currency, rate in connection.execute(
            "select payout_currency, fx_rate from settlement_rates"
        ).fetchall()
    }
    rows = settle(program, period, earned, parties, rates_e10, openings, {})
    _write_ledger(connection, rows)
    _write_journal(connection, journal_entries(program.program, period_key, period.pays_on, rows))
    _write_ledger_period(connection, program, period_key, earlier)


def _closing(earlier: list[Publication]) -> dict[tuple[str, str], int]:
    """§7: opening balances are the closing ones "of the latest earlier period that is published"."""
    import duckdb

    if not earlier:
        return {}
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select creator_id, payout_currency, closing_balance_minor from read_parquet($1)"
            " where closing_balance_minor <> 0",
            [str(earlier[-1].table("payout_ledger"))],
        ).fetchall()
    return {(creator, currency): balance for creator, currency, balance in rows}


def _write_ledger(connection: duckdb.DuckDBPyConnection, rows: Iterable[LedgerRow]) -> None:
    import pyarrow as pa

    listed = list(rows)
    columns: dict[str, Any] = {}
    for column in fields(LedgerRow):
        values = [getattr(row, column.name) for row in listed]
        if column.name == "adjustments_by_origin":
            continue
        if column.name in {"points_e4", "fx_rate_e10"}:
            columns[column.name] = pa.array(
                [None if value is None else str(value) for value in values], pa.string()
            )
        elif column.name == "capped":
            columns[column.name] = pa.array(values, pa.bool_())
        elif column.name.endswith("_minor"):
            columns[column.name] = pa.array(
                [bigint(value, f"payout_ledger.{column.name}") for value in values], pa.int64()
            )
        else:
            columns[column.name] = pa.array(values, pa.string())
    connection.register("ledger_rows", pa.table(columns))
    connection.execute(
        "create or replace table payout_ledger as select * exclude (points_e4, fx_rate_e10),"
        " cast(cast(points_e4 as decimal(34, 0)) * cast(0.0001 as decimal(4, 4)) as decimal(38, 4))"
        " as points,"
        " cast(cast(fx_rate_e10 as decimal(28, 0)) * cast(0.0000000001 as decimal(10, 10))"
        " as decimal(38, 10)) as fx_rate from ledger_rows"
    )
    connection.unregister("ledger_rows")


def _write_journal(connection: duckdb.DuckDBPyConnection, entries: list[JournalEntry]) -> None:
    import pyarrow as pa

    kinds = {"amount_minor": pa.int64(), "posted_on": pa.date32()}
    table = pa.table(
        {
            column.name: pa.array(
                [getattr(entry, column.name) for entry in entries],
                kinds.get(column.name, pa.string()),
            )
            for column in fields(JournalEntry)
        }
    )
    connection.register("journal_rows", table)
    connection.execute("create or replace table journal as select * from journal_rows")
    connection.unregister("journal_rows")


def _write_ledger_period(
    connection: duckdb.DuckDBPyConnection,
    program: Program,
    period_key: str,
    earlier: list[Publication],
) -> None:
    """One row with what the gate compares a period with: its budget and the total before it."""
    budget = program.period(period_key).budget
    previous = None
    if earlier:
        previous = earlier[-1].run["totals"]["program_amount_minor"]
    connection.execute(
        "create or replace table ledger_period as select cast($1 as varchar) as period,"
        " coalesce(sum(program_amount_minor), 0) as total_minor,"
        " cast($2 as hugeint) as budget_minor, cast($3 as hugeint) as previous_total_minor"
        " from creator_earnings",
        [
            period_key,
            None if budget is None else scaled(budget, minor_unit_decimals(program.currency)),
            previous,
        ],
    )


def _totals(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What an operator wants to see of a period: counts, and money by currency and status."""
    counts = connection.execute(
        "select (select count(*) from creator_eligibility),"
        " (select count(*) from creator_eligibility where eligible),"
        " (select count(*) from post_eligibility),"
        " (select count(*) from post_eligibility where eligible),"
        " (select coalesce(sum(program_amount_minor), 0) from creator_earnings)"
    ).fetchone()
    assert counts is not None
    currencies = connection.execute(
        "select payout_currency, count(*) filter (where status = 'paid'),"
        " sum(earnings_minor), sum(withheld_minor), sum(payout_minor),"
        " coalesce(sum(closing_balance_minor) filter (where status = 'carried'), 0),"
        " coalesce(sum(closing_balance_minor) filter (where status = 'held'), 0)"
        " from payout_ledger group by payout_currency order by payout_currency"
    ).fetchall()
    statuses = connection.execute(
        "select status, count(*) from payout_ledger group by status order by status"
    ).fetchall()
    names = (
        "paid_rows",
        "earnings_minor",
        "withheld_minor",
        "payout_minor",
        "carried_minor",
        "held_minor",
    )
    return {
        "creators": counts[0],
        "eligible_creators": counts[1],
        "posts": counts[2],
        "eligible_posts": counts[3],
        "program_amount_minor": int(counts[4]),
        "currencies": {
            currency: dict(zip(names, map(int, values), strict=True))
            for currency, *values in currencies
        },
        "statuses": dict(statuses),
    }


def _write_run(folder: Path, program_content: bytes, record: Mapping[str, Any]) -> None:
    for name, content in (
        (PROGRAM_FILE, program_content),
        (RUN_FILE, json.dumps(record, indent=1, sort_keys=True, default=str).encode()),
    ):
        with (folder / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    sync_folder(folder)


def _carry_over(source: Path, folder: Path) -> None:
    """The same file in a new version: a link where the file system has them, else a copy."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, folder / source.name)
    except OSError:
        shutil.copyfile(source, folder / source.name)
    sync_folder(folder)
