"""The ledger: earnings (§6), then settlement, its gate and the publishing of the period (§7, §9).

Settlement, gate and switch are one step, since they share the program's lock: no one can publish an
earlier period in between, so no opening balance is stale.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from orchestration.failures import EXIT_STATUS, as_failures
from orchestration.gates import CHECK_NAME, check_results, check_spec
from orchestration.partitions import PERIODS, partition_key
from orchestration.pipeline.workfile import GateFailed
from orchestration.report_files import reports_of
from orchestration.resources import HomeResource

SETTLED = ("payout_ledger", "journal")
PUBLISHED = "published_period"
RESTATEMENT = "restatement"


@dg.multi_asset(
    name="earnings",
    specs=[
        dg.AssetSpec(
            "creator_earnings",
            group_name="ledger",
            kinds={"python", "duckdb"},
            deps=[
                "creator_scores",
                "creator_eligibility",
                "int_post_points",
                "int_windows",
                "terms",
            ],
            description="Grain: a creator with a deal. What it earned, in the program currency.",
        ),
        dg.AssetSpec(
            "post_earnings",
            group_name="ledger",
            kinds={"python", "duckdb"},
            deps=["creator_earnings", "int_post_points"],
            description="Grain: an eligible post. Its part of what its creator earned.",
        ),
    ],
    partitions_def=PERIODS,
    can_subset=False,
)
def earnings(
    context: dg.AssetExecutionContext, home: HomeResource
) -> Iterable[dg.MaterializeResult]:
    with as_failures():
        rows = home.period_run(context).earn()
    for table in ("creator_earnings", "post_earnings"):
        yield dg.MaterializeResult(asset_key=table, metadata={"rows": rows[table]})


@dg.multi_asset(
    name="publication",
    specs=[
        dg.AssetSpec(
            "payout_ledger",
            group_name="ledger",
            kinds={"python", "duckdb"},
            deps=["creator_earnings", "stg_payees", "stg_creators", "int_fx_rates", "terms"],
            description="Grain: a creator and currency. What is paid, carried or held.",
            skippable=True,
        ),
        dg.AssetSpec(
            "journal",
            group_name="ledger",
            kinds={"python", "duckdb"},
            deps=["payout_ledger"],
            description="Grain: an entry. Double entry; a transaction sums to 0 in its currency.",
            skippable=True,
        ),
        dg.AssetSpec(
            RESTATEMENT,
            group_name="ledger",
            kinds={"python", "duckdb"},
            deps=["creator_earnings", "stg_payees", "stg_creators", "int_fx_rates", "terms"],
            description="Grain: a creator and currency of a closed period that was run again. What"
            " was posted for the period, what it would come to now, and the difference, which"
            " the earliest open period posts as an adjustment.",
            skippable=True,
        ),
        dg.AssetSpec(
            PUBLISHED,
            group_name="publish",
            kinds={"parquet"},
            deps=[
                "creator_eligibility",
                "post_eligibility",
                "post_scores",
                "creator_scores",
                "post_earnings",
                "payout_ledger",
                "journal",
            ],
            description="All tables of the period as Parquet, replaced together.",
            skippable=True,
        ),
    ],
    check_specs=[check_spec(table) for table in (*SETTLED, RESTATEMENT)],
    partitions_def=PERIODS,
    can_subset=False,
)
def publication(
    context: dg.AssetExecutionContext, home: HomeResource
) -> Iterable[dg.MaterializeResult | dg.AssetCheckResult]:
    """An open period is settled and published; of a closed one only its restatement is made."""
    run = home.period_run(context)
    try:
        with as_failures_but_gates():
            published = run.publish()
    except GateFailed as error:
        tables = (RESTATEMENT,) if error.result.suite == RESTATEMENT else SETTLED
        yield from check_results(error.result, tables)
        raise dg.Failure(str(error), metadata={EXIT_STATUS: 3}, allow_retries=False) from None
    reports = reports_of(context, run.home, run.program, [run.period, *published.settled_anew])
    for period, totals in published.settled_anew.items():
        _tell(context, partition_key(run.program, period), totals, reports.get(period, {}))
    report = reports.get(run.period, {})
    if published.is_restatement:
        yield from check_results(published.gate, (RESTATEMENT,))
        yield from _not_asked(SETTLED, "the period is closed: what was published stays")
        yield dg.MaterializeResult(
            asset_key=RESTATEMENT, metadata={**_plotted(published.totals), **report}
        )
        return
    yield from check_results(published.gate, SETTLED)
    yield from _not_asked((RESTATEMENT,), "the period is open: there is nothing to restate")
    for asset in (*SETTLED, PUBLISHED):
        yield dg.MaterializeResult(
            asset_key=asset, metadata={**_plotted(published.totals), **report}
        )


def _not_asked(tables: Iterable[str], why: str) -> Iterable[dg.AssetCheckResult]:
    """Dagster wants a result of every check of the step, also of tables that this run leaves alone."""
    for table in tables:
        yield dg.AssetCheckResult(
            asset_key=dg.AssetKey(table), check_name=CHECK_NAME, passed=True, description=why
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
    context: dg.AssetExecutionContext,
    key: str,
    totals: Mapping[str, Any],
    report: Mapping[str, dg.MetadataValue],
) -> None:
    """Tells Dagster of a later period that was settled anew by this run."""
    for asset in (*SETTLED, PUBLISHED):
        context.log_event(
            dg.AssetMaterialization(
                asset,
                partition=key,
                description="settled anew after an earlier period was published",
                metadata={**_plotted(totals), **report},
            )
        )
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


def _plotted(totals: Mapping[str, Any]) -> dict[str, int]:
    """The totals as numbers that the UI plots over periods."""
    numbers = {name: value for name, value in totals.items() if isinstance(value, int)}
    for currency, amounts in totals["currencies"].items():
        numbers |= {f"{name}_{currency}": value for name, value in amounts.items()}
    return numbers
