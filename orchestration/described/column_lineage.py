"""Column lineage: of which columns of other tables the values of a column are made.

For dbt's models it is read out of their compiled SQL by sqlglot; for the ledger, most of which Python
makes, it is declared here. What a value is computed from counts, conditions in it included; what only
joins, filters or groups does not, so a count of rows has no source. A source is `table.column`; for the
tables of the program file the table is `terms`, and the column a field of the program's model or
`table.column`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from orchestration.ingest.datasets import DATASETS
from orchestration.pipeline.dbt_runner import compiled_models, manifest_path
from orchestration.publishing.tables import DECISION_TABLES
from orchestration.terms.tables import COLUMNS as TERMS_COLUMNS

Lineage = Mapping[str, Mapping[str, Sequence[str]]]
"""By table and column, the sources."""

_CURRENCY: Final = (
    "stg_payees.payout_currency", "stg_creators.market", "creator_eligibility.market",
    "terms.currency",
)  # fmt: skip
_PROGRAM_AMOUNT: Final = ("creator_earnings.performance_minor", "creator_earnings.milestone_minor")
# Both currencies say how many decimals a minor unit stands for.
_EARNINGS: Final = (*_PROGRAM_AMOUNT, "int_fx_rates.rate_e10", *_CURRENCY)
# The ledger is fed by what is published of other periods, too: balances, restatements, what was posted.
_OPENING: Final = ("payout_ledger.closing_balance_minor",)
_POSTED: Final = ("journal.amount_minor", "payout_ledger.earnings_minor")
# Of decisions what says whether they count, and for whom.
_BY_HAND: Final = tuple(
    f"raw_adjustments.{name}"
    for name in (
        "adjustment_id", "creator_id", "period", "currency", "amount", "requested_by",
        "approved_by", "updated_at",
    )
)  # fmt: skip
_RETURNS: Final = (
    "journal.amount_minor",
    *(
        f"raw_payment_returns.{name}"
        for name in ("return_id", "creator_id", "period", "currency", "status", "updated_at")
    ),
)
_ADJUSTMENTS: Final = ("restatement.computed_minor", *_POSTED, *_BY_HAND)
# Each source once: Dagster refuses one that comes twice.
_PAYABLE: Final = tuple(dict.fromkeys((*_EARNINGS, *_OPENING, *_ADJUSTMENTS, *_RETURNS)))
_STATUS: Final = (*_PAYABLE, "stg_payees.status", "terms.minimum_payout")
_WITHHELD: Final = (
    *_STATUS, "stg_payees.tax_residence", "stg_payees.tax_form", "terms.withholding",
)  # fmt: skip
_BEFORE_BUDGET: Final = (
    "int_post_points.points_e4", "int_post_points.content_type", "creator_scores.market",
    "int_windows.deal_cap", "terms.payout", "terms.currency",
)  # fmt: skip
_CAP: Final = (
    "creator_scores.market", "int_windows.deal_cap", "terms.payout", "terms.currency",
)  # fmt: skip
_AMOUNT: Final = (*_BEFORE_BUDGET, "terms.budget")
_POST_AMOUNT: Final = (
    "creator_earnings.performance_minor", "int_post_points.creator_id",
    "int_post_points.points_e4", "int_post_points.post_id",
)  # fmt: skip
_ACCOUNTS: Final = (
    "creator_eligibility.creator_id", "payout_ledger.creator_id", "journal.creator_id",
)  # fmt: skip
_ACCOUNT_CURRENCIES: Final = (*_CURRENCY, "payout_ledger.payout_currency", "journal.currency")
_DECIDED_CREATORS: Final = ("raw_adjustments.creator_id", "raw_payment_returns.creator_id")
_DECIDED_CURRENCIES: Final = ("raw_adjustments.currency", "raw_payment_returns.currency")
_TRANSACTION: Final = ("payout_ledger.creator_id", "payout_ledger.payout_currency")

DECLARED: Final[Lineage] = {
    "creator_earnings": {
        "creator_id": ("creator_scores.creator_id",),
        "market": ("creator_scores.market",),
        "points": ("int_post_points.points_e4",),
        "milestones_minor": ("int_post_points.content_type", "terms.payout", "terms.currency"),
        "cap_minor": _CAP,
        "capped": _BEFORE_BUDGET,
        "rounded_minor": _BEFORE_BUDGET,
        "rounding_unit": _BEFORE_BUDGET,
        "program_amount_minor": _AMOUNT,
        "budget_unit": _AMOUNT,
        "performance_minor": _AMOUNT,
        "milestone_minor": _AMOUNT,
    },
    "market_totals": {
        "market": ("terms.markets",),
        "eligible_creators": (),
        "points": ("int_post_points.points_e4",),
        "pool_minor": ("terms.payout", "terms.currency"),
        "capped_creators": _BEFORE_BUDGET,
        "capped_minor": _BEFORE_BUDGET,
        "shared_minor": _BEFORE_BUDGET,
        "shared_points": _BEFORE_BUDGET,
        "rounded_minor": _BEFORE_BUDGET,
    },
    "post_earnings": {
        "post_id": ("int_post_points.post_id",),
        "creator_id": ("int_post_points.creator_id",),
        "amount_minor": _POST_AMOUNT,
        "rounding_unit": _POST_AMOUNT,
    },
    "settlement_parties": {
        "creator_id": (
            "creator_eligibility.creator_id", "stg_creators.creator_id", "stg_payees.creator_id",
        ),
        "market": ("stg_creators.market",),
        "payout_currency": (
            "stg_payees.payout_currency", "terms.market_currencies.currency", "terms.period.currency",
        ),
        "tax_residence": ("stg_payees.tax_residence",),
        "tax_form": ("stg_payees.tax_form",),
        "status": ("stg_payees.status",),
    },
    "settlement_rates": {
        "payout_currency": ("int_fx_rates.payout_currency",),
        "fx_rate": ("int_fx_rates.rate_e10",),
    },
    **{
        f"settlement_{name}": {
            column: (f"raw_{dataset}.{column}",)
            for column in DECISION_TABLES[f"settlement_{name}"].columns
        }
        for name, dataset in (("adjustments", "adjustments"), ("returns", "payment_returns"))
    },
    "payout_ledger": {
        "creator_id": (*_ACCOUNTS, "restatement.creator_id", *_DECIDED_CREATORS),
        "payout_currency": (
            *_ACCOUNT_CURRENCIES, "restatement.payout_currency", *_DECIDED_CURRENCIES,
        ),
        "market": ("creator_eligibility.market", "stg_creators.market"),
        "status": _STATUS,
        "status_reason": _STATUS,
        "points": ("creator_earnings.points",),
        "performance_minor": ("creator_earnings.performance_minor",),
        "milestone_minor": ("creator_earnings.milestone_minor",),
        "capped": ("creator_earnings.capped",),
        "program_amount_minor": _PROGRAM_AMOUNT,
        "fx_rate": ("int_fx_rates.rate_e10",),
        "earnings_minor": _EARNINGS,
        "opening_balance_minor": _OPENING,
        "adjustments_minor": _ADJUSTMENTS,
        "returns_minor": _RETURNS,
        "payable_minor": _PAYABLE,
        "withheld_minor": _WITHHELD,
        "payout_minor": _WITHHELD,
        "closing_balance_minor": _STATUS,
    },
    "journal": {
        "entry_id": _TRANSACTION,
        "txn_id": _TRANSACTION,
        "kind": (),
        "origin_period": (),
        "adjustment_id": ("raw_adjustments.adjustment_id",),
        "posted_on": ("terms.pays_on",),
        "creator_id": ("payout_ledger.creator_id",),
        "account": ("payout_ledger.creator_id", "stg_payees.tax_residence"),
        "currency": ("payout_ledger.payout_currency",),
        "amount_minor": (
            "payout_ledger.earnings_minor", "payout_ledger.adjustments_minor",
            "payout_ledger.returns_minor", "payout_ledger.payable_minor", "payout_ledger.payout_minor",
            "payout_ledger.withheld_minor",
        ),
    },
    "restatement": {
        "creator_id": _ACCOUNTS,
        "payout_currency": _ACCOUNT_CURRENCIES,
        "program_amount_minor": _PROGRAM_AMOUNT,
        "fx_rate": ("payout_ledger.fx_rate", "int_fx_rates.rate_e10"),
        "posted_minor": _POSTED,
        "computed_minor": (*_EARNINGS, "payout_ledger.fx_rate"),
        "difference_minor": (*_EARNINGS, "payout_ledger.fx_rate", *_POSTED),
    },
}  # fmt: skip
"""Of the ledger's tables, as `ledger/` and `pipeline/earning.py` make them."""


@cache
def column_lineage() -> Lineage:
    """The lineage of every dbt model and of every table of the ledger.

    Reading the SQL takes seconds, so it is done once for a state of the dbt project, of sqlglot and
    of this module, and kept beside the manifest.
    """
    reader = hashlib.sha256(Path(__file__).read_bytes() + version("sqlglot").encode()).hexdigest()
    file = manifest_path().with_name(f"column_lineage-{reader[:16]}.json")
    if not file.exists():
        with FileLock(file.with_suffix(".lock")):
            if not file.exists():
                fresh = file.with_suffix(f".{os.getpid()}")
                fresh.write_text(json.dumps(_of_models()), encoding="utf-8")
                fresh.rename(file)
    return {**json.loads(file.read_text(encoding="utf-8")), **DECLARED}


def _of_models() -> Lineage:
    models = sorted(compiled_models(), key=lambda model: model.name)
    columns_of: dict[str, Iterable[str]] = {
        **{dataset.table: dataset.column_names for dataset in DATASETS},
        **TERMS_COLUMNS,
        "people": ("name", "compared_as"),
        **{model.name: model.columns for model in models},
    }
    schema = {table: dict.fromkeys(columns, "text") for table, columns in columns_of.items()}
    return {
        model.name: {
            column: sorted({asset for source in sources for asset in _of_assets(source)})
            for column, sources in sources_in(
                model.compiled_code or "", list(model.columns), {"work": {"main": schema}}
            ).items()
        }
        for model in models
    }


def _of_assets(source: str) -> tuple[str, ...]:
    """The column of an asset that a column is; `people` are the names in raw_adjustments."""
    table = source.partition(".")[0]
    if table == "people":
        return ("raw_adjustments.approved_by", "raw_adjustments.requested_by")
    return (f"terms.{source}" if table in TERMS_COLUMNS else source,)


def sources_in(sql: str, columns: Sequence[str], schema: Mapping[str, Any]) -> dict[str, set[str]]:
    """By column of a SELECT the sources of its values, as `table.column`.

    `schema` has the columns of the tables that are read: catalog, schema, table, column to type.
    """
    from sqlglot import exp, parse_one
    from sqlglot.lineage import lineage

    query = parse_one(sql, dialect="duckdb")
    found: dict[str, set[str]] = {}
    for column in columns:
        leaves = [
            node
            for node in lineage(column, query, schema=dict(schema), dialect="duckdb").walk()
            if not node.downstream and isinstance(node.expression, exp.Table)
        ]
        found[column] = {
            f"{node.expression.name}.{exp.to_column(node.name).name}" for node in leaves
        }
    return found
