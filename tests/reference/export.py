"""Published tables as CSV (contract §9, `bonus export`)."""

import csv
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

from .landing import COUNTS

GAINED = " ".join(COUNTS.values())
COLUMNS = {
    "creator_eligibility": "creator_id market deal_id window_start window_end eligible reasons",
    "post_eligibility": "post_id creator_id content_type published_at qualified_views eligible reasons",
    "post_scores": f"post_id creator_id content_type {GAINED} points",
    "creator_segments": "creator_id segment_no starts_at ends_at terms_version audience_value",
    "post_increments": f"post_id segment_no creator_id {GAINED}",
    "creator_scores": "creator_id market eligible_posts audience_value points",
    "market_totals": "market eligible_creators points pool_minor capped_creators capped_minor shared_minor"
    " shared_points rounded_minor",
    "creator_earnings": "creator_id market points milestones_minor cap_minor capped rounded_minor rounding_unit"
    " program_amount_minor budget_unit performance_minor milestone_minor",
    "post_earnings": "post_id creator_id amount_minor rounding_unit",
    "settlement_parties": "creator_id market payout_currency tax_residence tax_form status",
    "settlement_rates": "payout_currency fx_rate",
    "payout_ledger": "creator_id payout_currency market status status_reason points performance_minor milestone_minor"
    " capped program_amount_minor fx_rate earnings_minor opening_balance_minor adjustments_minor returns_minor"
    " payable_minor withheld_minor payout_minor closing_balance_minor",
    "journal": "entry_id txn_id kind origin_period adjustment_id posted_on creator_id account currency"
    " amount_minor",
}


def export(tables: dict, folder: Path) -> None:
    """§9: "`<out>/<table>.csv` (header, UTF-8, LF, rows sorted by key, ...)"."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for table, names in COLUMNS.items():
        columns = names.split()
        with open(Path(folder) / f"{table}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([cell(row[column]) for column in columns] for row in tables[table])


def cell(value) -> str:
    """§9: "timestamps in UTC as `2024-03-29T07:00:00Z`; true/false; empty = null"; §4: reasons are "joined by `|`"."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "|".join(value)
    if isinstance(value, datetime):
        fraction = f".{value.microsecond:06}".rstrip("0").rstrip(".")
        return (
            value.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + fraction + "Z"
        )
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Fraction):
        return plain(value)
    return str(value)


def plain(value: Fraction) -> str:
    """§9: "decimals in plain notation without zeros at their end, and without a point where nothing follows"; no published number has more than 10 decimals, and none is rounded here."""
    scaled = value * 10**10
    assert scaled.denominator == 1
    whole, decimals = divmod(abs(scaled.numerator), 10**10)
    return f"{'-' if value < 0 else ''}{whole}.{decimals:010}".rstrip("0").rstrip(".")
