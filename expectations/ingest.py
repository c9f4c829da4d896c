"""The gate after ingest (§8): all was delivered, in the grammar of §2, and does not contradict itself."""

from __future__ import annotations

from expectations.suite import ROWS_IN_ALL, ROWS_OF_DATASET, Expectation, Severity


def _no_conflict(dataset: str, *version: str) -> Expectation:
    """§2: "Rows with the same key and version that differ are a conflict"."""
    columns = ", ".join(version)
    has_version = version[-1] in ("updated_at", "delivered_at")
    return Expectation(
        f"{dataset}_rows_of_one_version_agree",
        f"raw_{dataset}",
        f"select {columns}, count(*) as different_rows"
        " from (select distinct * exclude (file_no, row_no) from {batch})"
        f" group by {columns} having count(*) > 1 order by {columns}",
        "rows with the same key and version differ; deliver a corrected row with a later version"
        if has_version
        else "rows with the same key differ, and no version says which one is right; take the wrong"
        " row, or its file, out of the landing directory",
    )


def _nothing(
    name: str,
    table: str,
    columns: str,
    where: str,
    means: str,
    severity: Severity = "error",
    *,
    in_all: str = "",
) -> Expectation:
    """Expects no such row of any dataset. The first row of each dataset comes first, so that among
    the rows that are shown every dataset has one. `in_all`: the column of `ingest_datasets` that says
    how many rows, bad ones too, a dataset has."""
    of = f", (select {in_all} from ingest_datasets as told where told.dataset = bad.dataset)"
    return Expectation(
        name,
        table,
        f"""
        select dataset, {columns}, count(*) over (partition by dataset) as {ROWS_OF_DATASET}
        {f"{of} as {ROWS_IN_ALL}" if in_all else ""}
        from (select * from {{batch}}) as bad
        where {where}
        order by row_number() over (partition by dataset order by {columns}), dataset
        """,
        means,
        severity,
        by_dataset=True,
    )


def _early_snapshots(name: str, where: str, means: str, severity: Severity) -> Expectation:
    """Shows the posts with the most such snapshots."""
    return Expectation(
        name,
        "early_posts",
        f"""
        select 'post_metrics' as dataset, post_id, published_at, first_observed_at, snapshots,
        (select before_publication from known_snapshots) as {ROWS_OF_DATASET},
        (select snapshots from known_snapshots) as {ROWS_IN_ALL}
        from {{batch}}
        where exists (select 1 from known_snapshots where {where})
        order by snapshots desc, post_id
        """,
        means,
        severity,
        by_dataset=True,
    )


MAY_BE_ABSENT = "'adjustments', 'payment_returns'"
"""§2: "The folders of `adjustments` and `payment_returns` may be absent"."""

SUITE = (
    Expectation(
        "every_dataset_has_a_folder",
        "ingest_datasets",
        "select dataset from {batch} where not has_folder"
        f" and dataset not in ({MAY_BE_ABSENT}) order by dataset",
        "a dataset has no folder in the landing directory; a dataset without rows has an empty one",
        by_dataset=True,
    ),
    Expectation(
        "datasets_have_rows",
        "ingest_datasets",
        f"""
        select dataset, files, rows_read, rows_loaded from {{batch}}
        where has_folder and rows_loaded = 0
        and dataset not in ('audience', 'policy_events', {MAY_BE_ABSENT})
        and not (
            dataset = 'fx_rates'
            and not exists (
                select 1 from raw_payees
                where payout_currency <> (select currency from period)
            )
        )
        order by dataset
        """,
        "a dataset that must have rows has none",
        by_dataset=True,
    ),
    _nothing(
        "no_file_is_quarantined",
        "quarantine_files",
        "file, reason, detail",
        "true",
        "a file could not be read, or is none that is expected; repair or remove it",
    ),
    _nothing(
        "no_row_is_quarantined",
        "quarantine_rows",
        "file, row_no, column_name, reason, found, expected, raw_text",
        "dataset <> 'post_metrics'",
        "a row breaks the grammar of its dataset; deliver it anew",
        in_all="rows_read",
    ),
    _nothing(
        "few_rows_of_post_metrics_are_quarantined",
        "quarantine_rows",
        "file, row_no, column_name, reason, found, expected, raw_text",
        """dataset = 'post_metrics'
        and (
            select sum(line_count) * 1000 > any_value(rows_read)
            from {batch}, (
                select sum(rows_read) as rows_read from ingest_datasets
                where dataset = 'post_metrics'
            )
            where dataset = 'post_metrics'
        )""",
        "more than 0.1 % of the snapshots break the grammar; deliver them anew",
        in_all="rows_read",
    ),
    _nothing(
        "every_row_is_loaded_quarantined_or_deleted",
        "ingest_files",
        "file, rows_read, rows_loaded, rows_quarantined, rows_deleted",
        "reason is null and rows_loaded + rows_quarantined + rows_deleted <> rows_read",
        "rows were lost on the way in; this is a defect of the pipeline, please report it",
    ),
    _no_conflict("creators", "creator_id", "updated_at"),
    _no_conflict("payees", "creator_id", "updated_at"),
    _no_conflict("deals", "deal_id", "updated_at"),
    _no_conflict("posts", "post_id", "updated_at"),
    _no_conflict("audience", "creator_id", "observed_on", "country", "delivered_at"),
    _no_conflict("policy_events", "event_id"),
    _no_conflict("fx_rates", "rate_date", "base_currency", "quote_currency"),
    _no_conflict("adjustments", "program", "adjustment_id", "updated_at"),
    _no_conflict("payment_returns", "program", "return_id", "updated_at"),
    _nothing(
        "no_id_is_in_scientific_notation",
        "spreadsheet_ids",
        "column_name, id, row_count, file, row_no",
        "form = 'scientific'",
        "a spreadsheet has taken an id for a number and lost its digits: several ids may have become"
        " one; export the ids as text and deliver them anew",
    ),
    _nothing(
        "no_row_says_that_it_is_deleted",
        "deletion_flags",
        "file, column_name, row_count",
        "true",
        "an unknown column says that rows are deleted, and they would count; leave such rows out of"
        " the delivery, or give the column another name if it means something else",
    ),
    Expectation(
        "known_posts_have_snapshots",
        "known_snapshots",
        "select snapshots from {batch} where snapshots = 0",
        "no snapshot is of a post that is among the posts; are their ids written alike?",
    ),
    _early_snapshots(
        "most_snapshots_are_from_after_publication",
        "before_publication * 2 > snapshots",
        "over half of the snapshots of known posts were observed before their post was published;"
        " one of the two is in another time zone, or of other posts",
        "error",
    ),
    _early_snapshots(
        "few_snapshots_are_from_before_publication",
        "before_publication * 100 > snapshots",
        "over 1 % of the snapshots of known posts were observed before their post was published",
        "warn",
    ),
    Expectation(
        "posts_have_known_creators",
        "raw_posts",
        f"""
        with unknown as (
            select post_id, creator_id from {{batch}}
            where creator_id not in (select creator_id from raw_creators)
        )
        select distinct post_id, creator_id,
        (select count(*) from unknown) as {ROWS_OF_DATASET},
        (select count(*) from {{batch}}) as {ROWS_IN_ALL}
        from unknown
        where (select count(*) from unknown) * 100 > (select count(*) from {{batch}})
        order by post_id, creator_id
        """,
        "over 1 % of the posts have a creator that is not among the creators",
        "warn",
    ),
    Expectation(
        "metrics_have_known_posts",
        "unknown_posts",
        f"""
        select 'post_metrics' as dataset, post_id, snapshots,
        cast((select sum(snapshots) from {{batch}}) as bigint) as {ROWS_OF_DATASET},
        (select rows_loaded from ingest_datasets where dataset = 'post_metrics') as {ROWS_IN_ALL}
        from {{batch}}
        where (select sum(snapshots) from {{batch}}) * 100 > (
            select rows_loaded from ingest_datasets where dataset = 'post_metrics'
        )
        order by post_id
        """,
        "over 1 % of the snapshots are of a post that is not among the posts",
        "warn",
        by_dataset=True,
    ),
    _nothing(
        "no_id_ends_in_point_zero",
        "spreadsheet_ids",
        "column_name, id, row_count, file, row_no",
        "form = 'point zero'",
        "ids of digits that end in .0: some tool has taken them for numbers",
        "warn",
    ),
    Expectation(
        "nothing_was_passed_over",
        "ingest_notes",
        f"""
        select dataset, kind, subject, count(*) as places, min(detail) as first_place,
        count(*) over (partition by dataset) as {ROWS_OF_DATASET}
        from {{batch}}
        group by dataset, kind, subject
        order by row_number() over (partition by dataset order by kind, subject), dataset
        """,
        "columns or files in the landing directory that nothing reads",
        "warn",
        by_dataset=True,
    ),
)
