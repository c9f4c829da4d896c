"""The ledger: earnings (§6), then settlement, its gate and the publishing of the period (§7, §9).

Settlement, gate and switch are one step, since they share the program's lock: no one can publish an
earlier period in between, so no opening balance is stale.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from orchestration.dagster_glue.assets.asset_metadata import (
    share_percent,
    spec,
    table_metadata,
    table_value,
)
from orchestration.dagster_glue.assets.ingest import INPUT_FILES
from orchestration.dagster_glue.failures import EXIT_STATUS, as_failures
from orchestration.dagster_glue.gates import CHECK_NAME, check_results, check_spec
from orchestration.dagster_glue.partitions import PERIODS, partition_key
from orchestration.dagster_glue.report_files import Report, gates_of, reports_of
from orchestration.dagster_glue.resources import HomeResource
from orchestration.pipeline.earning import earn
from orchestration.pipeline.home import Home
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.publishing import publish
from orchestration.pipeline.refusals import GateFailed
from orchestration.records import Totals
from orchestration.reports.remarks import remarks_on
from orchestration.reports.text import money
from orchestration.terms.currencies import amount_text

SETTLED = ("payout_ledger", "journal")
PUBLISHED = "published_period"
RESTATEMENT = "restatement"
CHECKED = (*SETTLED, RESTATEMENT)
OPEN = "the period is open: there is nothing to restate"
OPEN_SAID = "The period is open: there is nothing to restate."
SETTLED_FROM = (
    "creator_eligibility", "creator_earnings", "stg_payees", "stg_creators", "int_fx_rates", "terms",
)  # fmt: skip


@dg.multi_asset(
    name="earnings",
    specs=[
        spec(
            "creator_earnings",
            "ledger",
            {"python", "duckdb"},
            "Grain: an eligible creator. What it earned by points and milestones before and after"
            " cap, rounding and budget, in the program currency.",
            ["creator_scores", "int_post_points", "int_windows", "terms"],
        ),
        spec(
            "market_totals",
            "ledger",
            {"python", "duckdb"},
            "Grain: a market of the program. Its eligible creators and their points, and how its"
            " pool was shared, in the program currency.",
            ["creator_scores", "int_post_points", "int_windows", "terms"],
        ),
        spec(
            "post_earnings",
            "ledger",
            {"python", "duckdb"},
            "Grain: an eligible post. Its part of what its creator earned by points, to the last"
            " unit, in the program currency.",
            ["creator_earnings", "int_post_points"],
        ),
    ],
    partitions_def=PERIODS,
    can_subset=False,
)
def earnings(
    context: dg.AssetExecutionContext, home: HomeResource
) -> Iterable[dg.MaterializeResult[None]]:
    run = home.period_run(context)
    started = time.monotonic()
    with as_failures():
        earn(run)
    seconds = round(time.monotonic() - started, 2)
    with run.work.connect() as connection:
        for table in ("creator_earnings", "market_totals", "post_earnings"):
            yield dg.MaterializeResult(
                asset_key=table,
                metadata={**table_metadata(connection, table), "seconds": seconds},
            )


@dg.multi_asset(
    name="publication",
    specs=[
        spec(
            "payout_ledger",
            "ledger",
            {"python", "duckdb"},
            "Grain: a creator and payout currency. What it earned, what was open before, and what is"
            " paid, withheld, carried or held, with the reason.",
            [*SETTLED_FROM, "raw_adjustments", "raw_payment_returns"],
            skippable=True,
        ),
        spec(
            "journal",
            "ledger",
            {"python", "duckdb"},
            "Grain: an entry. Double entry of all that the ledger says; the entries of a transaction"
            " sum to 0 in their currency.",
            ["payout_ledger", "stg_payees", "terms", "raw_adjustments"],
            skippable=True,
        ),
        spec(
            RESTATEMENT,
            "ledger",
            {"python", "duckdb"},
            "Grain: a creator and currency of a closed period that was run again. What was posted for"
            " the period, what it would come to now, and the difference, which the earliest open"
            " period posts as an adjustment.",
            SETTLED_FROM,
            skippable=True,
        ),
        spec(
            PUBLISHED,
            "publish",
            {"python", "parquet"},
            "Grain: a period. All its published tables as Parquet files, replaced together or not at"
            " all, along with later periods that are settled anew.",
            [
                "creator_eligibility",
                "post_eligibility",
                "post_scores",
                "creator_segments",
                "post_increments",
                "creator_scores",
                "market_totals",
                "creator_earnings",
                "post_earnings",
                "payout_ledger",
                "journal",
                INPUT_FILES,  # looked at again before the switch; so a period that they left is shown as stale
            ],
            skippable=True,
        ),
    ],
    check_specs=[check_spec(table) for table in CHECKED],
    partitions_def=PERIODS,
    can_subset=False,
)
def publication(
    context: dg.AssetExecutionContext, home: HomeResource
) -> Iterable[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """An open period is settled and published; of a closed one only its restatement is made."""
    run = home.period_run(context)
    yield from _published(context, run)
    home.show_in_mirror(run.program, context.log.info)


def _published(
    context: dg.AssetExecutionContext, run: PeriodRun
) -> Iterable[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    page = gates_of(run.program, run.period)
    started = time.monotonic()
    try:
        with as_failures_but_gates():
            published = publish(run)
    except GateFailed as error:
        tables = (RESTATEMENT,) if error.result.suite == RESTATEMENT else SETTLED
        yield from check_results(error.result, tables, page)
        others = [table for table in CHECKED if table not in tables]
        why = f"not asked: the gate of {tables[0]} has not held"
        yield from _not_asked(others, why, is_held=False)
        reports_of(context, run.home, run.program, [run.period])  # they tell of this run, too
        raise dg.Failure(str(error), metadata={EXIT_STATUS: 3}, allow_retries=False) from None
    seconds = round(time.monotonic() - started, 2)
    report = show(context, run.home, run.program, run.period, published.settled_anew)
    if published.is_restatement:
        yield from check_results(published.gate, (RESTATEMENT,), page)
        yield from _not_asked(SETTLED, "the period is closed: what was published stays")
        with run.work.connect() as connection:
            shown = table_metadata(connection, RESTATEMENT)
        yield dg.MaterializeResult(
            asset_key=RESTATEMENT,
            metadata={**shown, **_by_currency(published.totals), **report},
        )
        return
    yield from check_results(published.gate, SETTLED, page)
    yield from _not_asked((RESTATEMENT,), OPEN)
    # Told of each period, so that one which lacks nothing is shown as complete.
    yield dg.MaterializeResult(
        asset_key=RESTATEMENT, metadata={"what_happened": dg.MetadataValue.md(OPEN_SAID)}
    )
    plotted = {
        "seconds": seconds,
        **_plotted(published.totals),
        **report,
    }
    with run.work.connect() as connection:
        for asset in SETTLED:
            yield dg.MaterializeResult(
                asset_key=asset, metadata={**table_metadata(connection, asset), **plotted}
            )
    yield dg.MaterializeResult(asset_key=PUBLISHED, metadata=plotted)
    # Last, so that whoever opens the run's page sees them: its log is shown from its end.
    store = run.home.store(run.program)
    for remark in remarks_on(store.published(), store.restated(), run.period):
        context.log.warning(remark)


def show(
    context: dg.AssetExecutionContext | dg.OpExecutionContext,
    home: Home,
    program: str,
    period: str,
    settled_anew: Mapping[str, Totals],
) -> Report:
    """Writes the page of a period, and tells of the later ones that were settled anew: pages, and totals to Dagster."""
    reports = reports_of(context, home, program, [period, *settled_anew])
    for later, totals in settled_anew.items():
        _tell(context, partition_key(program, later), totals, reports.get(later, {}))
    return reports.get(period, {})


def _not_asked(
    tables: Iterable[str], why: str, *, is_held: bool = True
) -> Iterable[dg.AssetCheckResult]:
    """Dagster wants a result of every check of the step, also of tables that this run leaves alone.

    It is a warning where the run is blocked, as for the checks of steps that have not begun.
    """
    for table in tables:
        yield dg.AssetCheckResult(
            asset_key=dg.AssetKey(table),
            check_name=CHECK_NAME,
            passed=is_held,
            severity=dg.AssetCheckSeverity.WARN,
            description=why,
        )


class as_failures_but_gates:
    """`as_failures`, but GateFailed passes: its rows are shown as check results first."""

    def __enter__(self) -> None:
        self._inner = as_failures()
        self._inner.__enter__()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> Any:
        if isinstance(error, GateFailed):
            return False
        return self._inner.__exit__(kind, error, trace)


def _tell(
    context: dg.AssetExecutionContext | dg.OpExecutionContext,
    key: str,
    totals: Totals,
    report: Mapping[str, dg.MetadataValue],
) -> None:
    """Tells Dagster of a later period that was settled anew by this run: a publish, a close or a withdrawal."""
    for asset in (*SETTLED, PUBLISHED):
        context.log_event(
            dg.AssetMaterialization(
                asset,
                partition=key,
                description="settled anew after a step of an earlier period",
                metadata={**_plotted(totals), **report},
            )
        )
    if not isinstance(context, dg.AssetExecutionContext):
        return  # a job of one op has no checks
    for asset in SETTLED:
        # As an event of this run: without a run a second one for the same period is refused.
        context.log_event(
            dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey(asset),
                check_name=CHECK_NAME,
                passed=True,
                metadata={},
                partition=key,
            )
        )


def _plotted(totals: Totals) -> dict[str, Any]:
    """Metadata of a run: two sentences, the money by currency, and the few numbers that are worth a plot."""
    counts = totals.statuses
    said = (
        f"{totals.eligible_creators:,} of {totals.creators:,} creators were eligible with "
        f"{totals.eligible_posts:,} posts. Of the ledger's rows {counts.get('paid', 0):,} are "
        f"paid, {counts.get('carried', 0):,} carried, {counts.get('held', 0):,} held."
    )
    return {
        "what_happened": dg.MetadataValue.md(said),
        **_by_currency(totals),
        "eligible_creators": totals.eligible_creators,
        "eligible_posts": totals.eligible_posts,
        "eligible_share_percent": share_percent(totals.eligible_creators, totals.creators),
    }


def _by_currency(totals: Totals) -> dict[str, Any]:
    """The payout of each currency, for a plot, and a table of all its amounts."""
    if not totals.currencies:
        return {}
    names = sorted({name for amounts in totals.currencies.values() for name in amounts})
    amounts_of = [name for name in names if name.endswith("_minor")]
    return {
        "money": table_value(
            [name.removesuffix("_minor") for name in amounts_of],
            (
                [money(amounts.get(name, 0), currency) for name in amounts_of]
                for currency, amounts in sorted(totals.currencies.items())
            ),
        ),
        **{
            f"payout_{currency}": _plot(amounts["payout_minor"], currency)
            for currency, amounts in sorted(totals.currencies.items())
            if "payout_minor" in amounts
        },
    }


def _plot(minor: int, currency: str) -> float:
    """An amount as a plot takes it, for the eye only: nothing is computed from it."""
    return float(amount_text(currency, minor))
