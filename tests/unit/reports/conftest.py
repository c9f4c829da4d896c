"""A home with periods that were published by hand, without a run: names and ids in it are hostile."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from expectations.suite import GateResult, Result
from orchestration.foundations.cursors import scratch_database
from orchestration.pipeline.home import Home
from orchestration.pipeline.settling import period_totals
from orchestration.pipeline.versions import finish_version, write_tables
from orchestration.publishing.tables import PUBLISHED_TABLES
from orchestration.records import Inputs, RunRecord
from tests.contract import COUNTS

MARKET = "<i>US</i>"
CONTENT = "<script>alert('reel')</script>"
POST = 'post"><img src=x onerror=alert(1)>'
CREATOR = "right\u202eto\u2066left\x85"
STARTER = "ada <script>\u202e"

PROGRAM = f"""\
program: spring-bonus
currency: USD
markets: {{"{MARKET}": {{timezone: UTC}}, JP: {{timezone: Asia/Tokyo}}}}
periods:
  - {{key: march, starts_on: 2024-03-01, ends_on: 2024-03-31, closes_on: 2024-04-03,
     fx_on: 2024-04-02, pays_on: 2024-04-20}}
  - {{key: april, starts_on: 2024-04-01, ends_on: 2024-04-30, closes_on: 2024-05-03,
     fx_on: 2024-05-02, pays_on: 2024-05-20, budget: 500.00}}
terms:
  - version: 1
    effective_from: 2024-03-01
    eligibility: {{account_types: [creator], markets: [JP], content_types: ["{CONTENT}"],
                  counts_posts: any}}
    weights: {{"{CONTENT}": {{views: 1}}}}
    audience_value: {{countries: {{}}, other: 1}}
    payout: {{method: rate, rates: {{JP: [{{rate: 0.10}}]}}, cap: {{JP: 1500}}}}
  - version: 2
    effective_from: 2024-04-10
    eligibility: {{account_types: [creator], markets: [JP], content_types: ["{CONTENT}"],
                  counts_posts: any, minimum_views: 7}}
    weights: {{"{CONTENT}": {{views: 1, likes: 2.5}}}}
    audience_value: {{countries: {{}}, other: 1}}
    payout: {{method: rate, rates: {{JP: [{{rate: 0.20}}]}}}}
withholding:
  - {{tax_residence: '*', tax_form: '*', brackets: [{{rate: 0}}]}}
"""

INPUTS = Inputs(
    program_file="/somewhere/<b>program.yaml",
    program_sha256=hashlib.sha256(PROGRAM.encode()).hexdigest(),
    landing="/somewhere/landing",
    landing_sha256="a" * 64,
    code="c" * 64,
    fingerprint="d" * 64,
)

DATA = {
    "datasets": [
        {
            "dataset": "posts",
            "files": 2,
            "rows_read": 1200,
            "rows_loaded": 1192,
            "rows_quarantined": 1,
            "rows_deleted": 7,
            "files_quarantined": 0,
        }
    ],
    "posts_in_play": 200,
    "posts_late": 1,
    "posts_falling": dict.fromkeys(COUNTS, 0) | {"views": 3},
}

GATES = {
    "staging": GateResult(
        "staging",
        (
            Result("keys_are_unique", "stg_posts", "error", "a key comes twice", "held"),
            Result(
                "few_posts_lose_counts",
                "stg_posts",
                "warn",
                "over 1 % have <less>",
                "failed",
                3,
                ({"views_last": "1", "post_id": POST},),
            ),
        ),
    )
}

# What the totals of a run look at beside the published tables; nothing of it is on a page.
MARKET_SHARES = (
    "create table market_shares (market varchar, amount_minor hugeint, market_minor hugeint,"
    " previous_amount_minor hugeint, previous_market_minor hugeint)"
)

Row = Mapping[str, Any]


@dataclass
class HandMade:
    """A program whose periods are published row by row; columns that a row lacks are 0, '' or null."""

    home: Home
    program: str = "spring-bonus"
    content: bytes = field(default=PROGRAM.encode())

    def publish(self, period: str, **tables: Sequence[Row]) -> Path:
        """Publishes a period with these rows of these tables; gives the version's folder."""
        store = self.home.store(self.program)
        folder = store.new_version(period)
        with scratch_database() as connection:
            for name, table in PUBLISHED_TABLES.items():
                columns = ", ".join(f'"{column}" {kind}' for column, kind in table.columns.items())
                connection.execute(f"create table {name} ({columns})")
                rows = [
                    [
                        row.get(column, _default(column, kind))
                        for column, kind in table.columns.items()
                    ]
                    for row in tables.get(name, ())
                ]
                marks = ", ".join(f"cast(? as {kind})" for kind in table.columns.values())
                for first in range(0, len(rows), 100):  # a statement takes longer than its rows
                    some = rows[first : first + 100]
                    values = ", ".join([f"({marks})"] * len(some))
                    connection.execute(f"insert into {name} values {values}", list(chain(*some)))
            write_tables(connection, PUBLISHED_TABLES.values(), folder)
            connection.execute(MARKET_SHARES)
            totals = period_totals(connection)
        inputs = {**INPUTS.to_json(), "program_sha256": hashlib.sha256(self.content).hexdigest()}
        record = RunRecord(
            **inputs, program=self.program, period=period, run_id="run-1", by=STARTER,
            published_at="2024-05-04T10:30:00+00:00", gates=GATES, totals=totals, data=DATA,
        )  # fmt: skip
        finish_version(folder, self.content, record)
        store.switch({period: folder}, {})
        return folder


def _default(column: str, kind: str) -> Any:
    if kind == "BOOLEAN":
        return False
    if kind == "BIGINT" or column == "points":
        return 0
    return "" if column == "reasons" else None


@pytest.fixture
def books(tmp_path: Path) -> HandMade:
    """A fresh home."""
    return HandMade(Home(tmp_path / "home"))


@pytest.fixture
def march(books: HandMade) -> HandMade:
    """March with three creators: two eligible ones, who earned 1.00 and 3.00, and one who is not."""
    books.publish(
        "march",
        creator_eligibility=[
            {"creator_id": CREATOR, "market": "JP", "eligible": True},
            {"creator_id": "b", "market": "JP", "eligible": True},
            {"creator_id": "c", "market": MARKET, "reasons": "MARKET|UNDER_AGE"},
        ],
        creator_earnings=[
            {"creator_id": CREATOR, "market": "JP", "points": "10", "program_amount_minor": 100,
             "performance_minor": 100},
            {"creator_id": "b", "market": "JP", "points": "32.5", "program_amount_minor": 300,
             "performance_minor": 250, "milestone_minor": 50, "capped": True},
        ],
        creator_scores=[
            {"creator_id": CREATOR, "market": "JP", "points": "10"},
            {"creator_id": "b", "market": "JP", "points": "32.5"},
        ],
        post_eligibility=[
            {"post_id": POST, "creator_id": CREATOR, "content_type": CONTENT, "eligible": True,
             "qualified_views": 1000},
            {"post_id": "q", "creator_id": "b", "content_type": CONTENT, "eligible": True,
             "qualified_views": 3000},
            {"post_id": "r", "creator_id": "c", "content_type": "photo",
             "reasons": "CREATOR_INELIGIBLE"},
        ],
        post_scores=[
            {"post_id": POST, "creator_id": CREATOR, "content_type": CONTENT, "points": "10"},
            {"post_id": "q", "creator_id": "b", "content_type": CONTENT, "points": "32.5"},
        ],
        post_earnings=[
            {"post_id": POST, "creator_id": CREATOR, "amount_minor": 100},
            {"post_id": "q", "creator_id": "b", "amount_minor": 250},
        ],
        payout_ledger=[
            {"creator_id": CREATOR, "payout_currency": "JPY", "status": "carried",
             "status_reason": "BELOW_MINIMUM", "earnings_minor": 151, "payable_minor": 151,
             "closing_balance_minor": 151, "program_amount_minor": 100},
            {"creator_id": "b", "payout_currency": "USD", "status": "paid", "earnings_minor": 300,
             "returns_minor": 1000, "payable_minor": 1300, "withheld_minor": 130,
             "payout_minor": 1170, "program_amount_minor": 300},
            {"creator_id": "c", "payout_currency": "USD", "status": "none"},
        ],
    )  # fmt: skip
    return books
