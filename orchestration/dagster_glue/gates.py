"""The gates as blocking asset checks: one on each table of a stage, all from one run of its suite."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import dagster as dg

from expectations.suite import ROWS_OF_DATASET, Expectation, GateResult, Result, Stake
from expectations.suites import SUITES
from orchestration.dagster_glue.assets.asset_metadata import HOLDS, table_value
from orchestration.dagster_glue.failures import as_failures
from orchestration.dagster_glue.partitions import PERIODS
from orchestration.dagster_glue.report_files import gates_of, reports_of
from orchestration.dagster_glue.resources import HomeResource
from orchestration.ingest.datasets import DATASETS
from orchestration.pipeline.gating import check
from orchestration.pipeline.refusals import at_stake

CHECK_NAME = "gate"


def check_spec(asset: str) -> dg.AssetCheckSpec:
    """The gate's check on one table; blocking, one verdict a period."""
    return dg.AssetCheckSpec(
        CHECK_NAME,
        asset=asset,
        blocking=True,
        partitions_def=PERIODS,
        description="Holds when every expectation of the stage's suite about this table holds.",
    )


def build_gate(stage: str, tables: Sequence[str]) -> dg.AssetChecksDefinition:
    """The gate behind a stage: runs its suite once, records the verdict, and checks each table.

    A table of which the suite says nothing has no check: it would be green whatever happens.
    """
    tables = [table for table in tables if table in _spoken_of(SUITES[stage])]

    @dg.multi_asset_check(
        name=f"gate_{stage}", specs=[check_spec(table) for table in tables], can_subset=True
    )
    def gate(
        context: dg.AssetCheckExecutionContext, home: HomeResource
    ) -> Iterable[dg.AssetCheckResult]:
        run = home.period_run(context)
        with as_failures():
            result = check(run, stage)
        if not result.held:
            reports_of(context, run.home, run.program, [run.period])  # they tell of this run, too
        selected = {key.asset_key.to_user_string() for key in context.selected_asset_check_keys}
        page = gates_of(run.program, run.period)
        yield from check_results(result, [table for table in tables if table in selected], page)

    return gate


def _spoken_of(suite: Sequence[Expectation]) -> set[str]:
    """The tables about which a suite may have something to say."""
    datasets = DATASETS if any(expectation.by_dataset for expectation in suite) else ()
    return {expectation.table for expectation in suite} | {dataset.table for dataset in datasets}


def check_results(
    result: GateResult, tables: Sequence[str], page: str
) -> Iterator[dg.AssetCheckResult]:
    """One check result a table, which turns red if one of its own expectations blocks.

    `page` is the address of our own page of the gates, which one that does not hold leads to.

    What is about landing data goes to the raw tables of the datasets that its rows name. Results
    about tables that are not checked here count for the first: where a gate has not held, some
    table is red, and a red one ends the run.
    """
    of_table: dict[str, list[Result]] = {table: [] for table in tables}
    for row in result.results:
        for table, part in _by_table(row):
            of_table[table if table in of_table else tables[0]].append(part)
    for table in tables:
        yield _check_result(table, of_table[table], result.stake, page)


def _by_table(result: Result) -> Iterator[tuple[str, Result]]:
    """A result as that of its table, or in parts: of each dataset that its rows name."""
    names = sorted({row["dataset"] for row in result.rows if "dataset" in row})
    if not names:
        yield result.table, result
    for name in names:
        rows = tuple(row for row in result.rows if row["dataset"] == name)
        # Every dataset has a row among those that are shown, so with one name all rows are its.
        count = int(rows[0].get(ROWS_OF_DATASET, len(rows))) if names[1:] else result.failing_rows
        yield f"raw_{name}", replace(result, failing_rows=count, rows=rows)


def _check_result(
    table: str, results: Sequence[Result], stake: Stake | None, page: str
) -> dg.AssetCheckResult:
    failing = [row for row in results if row.state != "held"]
    blocking = [row for row in failing if row.blocks]
    severity = (
        dg.AssetCheckSeverity.ERROR if blocking or not failing else dg.AssetCheckSeverity.WARN
    )
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(table),
        check_name=CHECK_NAME,
        passed=not failing,
        severity=severity,
        description="; ".join(_said(row) for row in failing) or f"{len(results)} expectations hold",
        metadata=({"rows": dg.MetadataValue.url(page)} if failing else {})
        | _metadata(results)
        | ({"at_stake": dg.MetadataValue.text(at_stake(stake))} if stake and blocking else {}),
    )


def _said(row: Result) -> str:
    if row.state == "failed":
        return f"{row.name}: {row.counted}: {row.means}"
    # The problem stands in the table of results: an engine's message may quote a value.
    return f"{row.name}: could not be evaluated"


def _in_words(row: Result) -> str:
    """The outcome of an expectation: that it holds, or what is wrong."""
    if row.state == "held":
        return HOLDS
    if row.state == "failed":
        return row.means
    return f"could not be evaluated: {row.problem or ''}"


def _metadata(results: Sequence[Result]) -> dict[str, dg.MetadataValue]:
    metadata: dict[str, dg.MetadataValue] = {
        "expectations": dg.MetadataValue.int(len(results)),
        "failed": dg.MetadataValue.int(sum(row.state != "held" for row in results)),
        "failing_rows_count": dg.MetadataValue.int(sum(row.failing_rows for row in results)),
    }
    if results:
        metadata["results"] = table_value(
            ("expectation", "result", "rows", "severity"),
            (
                (
                    row.name,
                    _in_words(row),
                    row.counted if row.state == "failed" else "",
                    row.severity,
                )
                for row in results
            ),
        )
    for row in results:
        if row.rows:
            metadata[f"first_rows_of_{row.name}"] = dg.MetadataValue.table(
                records=[dg.TableRecord(dict(shown)) for shown in row.shown],
                schema=dg.TableSchema([dg.TableColumn(name) for name in row.shown[0]]),
            )
    return metadata
