"""A tiny program and its deliveries, in which a payout failure of others is told in a few lines.

A post earns a point a view, and a thousand points are worth a dollar, so that 740,000 views are
740.00 USD. Periods are the months of 2024, in UTC; what is not said is harmless.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from orchestration.pipeline.flow import run_all
from orchestration.pipeline.publishing import Published
from orchestration.pipeline.refusals import GateFailed
from tests.integration.books import Books as PlainBooks
from tests.proof.cases import Row, as_yaml, write_landing
from tests.proof.product import fast_run, rows_reader

EARLY = "2023-12-01T00:00:00Z"


@dataclass
class World:
    """What is delivered so far; `program` may be changed, too, at any time."""

    folder: Path
    name: str = "bonus"
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    program: dict[str, Any] = field(default_factory=dict)
    _landings: int = 0

    def __post_init__(self) -> None:
        self.program = {
            "program": self.name,
            "currency": "USD",
            "markets": {"US": {"timezone": "UTC"}},
            "periods": [],
            "terms": [terms(1, date(2024, 1, 1))],
            "withholding": [
                {"tax_residence": "*", "tax_form": "*", "brackets": [{"rate": Decimal(0)}]}
            ],
        }
        self.lasts(2)

    def lasts(self, months: int) -> None:
        """How many months the program has."""
        self.program["periods"] = [_month(number) for number in range(1, months + 1)]

    @property
    def terms(self) -> dict[str, Any]:
        """The terms version that came last."""
        version: dict[str, Any] = self.program["terms"][-1]
        return version

    def creator(self, name: str, currency: str = "USD", **deal: Any) -> None:
        """Somebody who takes part and can be paid."""
        known = {"creator_id": name, "updated_at": EARLY}
        self.rows["creators"].append({**known, "account_type": "creator", "market": "US"})
        self.rows["payees"].append(
            {**known, "payout_currency": currency, "tax_residence": "US", "status": "ready"}
        )
        self.rows["deals"].append(
            {
                **known, "deal_id": f"deal-{self.name}-{name}", "program": self.name,
                "invited_at": EARLY, "activated_at": EARLY, "ends_at": "2030-01-01T00:00:00Z",
                **deal,
            }
        )  # fmt: skip

    def post(self, post: str, creator: str, views: int, month: int = 1, **counts: int) -> None:
        """A reel of the 10th of a month, seen on its last day with `views`."""
        flags = ("is_branded_content", "is_collab", "has_watermark")
        self.rows["posts"].append(
            {
                "post_id": post, "creator_id": creator, "content_type": "reel",
                "published_at": f"2024-{month:02}-10T12:00:00Z", **dict.fromkeys(flags, False),
                "is_original": True, "updated_at": EARLY,
            }
        )  # fmt: skip
        self.seen(post, f"{_month(month)['ends_on']}T12:00:00Z", views, **counts)

    def seen(
        self, post: str, at: str, views: int, delivered: str | None = None, **counts: int
    ) -> None:
        """A snapshot of a post; `delivered` later, it stands in the place of the one of that instant."""
        row = {"post_id": post, "observed_at": at, "views": views, **counts}
        self.rows["post_metrics"].append({**row, "delivered_at": delivered} if delivered else row)

    def corrected(self, post: str, views: int, month: int = 1, **counts: int) -> None:
        """What the platform says much later of the last day of a month."""
        at = f"{_month(month)['ends_on']}T12:00:00Z"
        self.seen(post, at, views, "2025-01-01T00:00:00Z", **counts)

    def violation(self, creator: str) -> None:
        """The platform has found a creator out."""
        self.rows["policy_events"].append(
            {
                "event_id": f"event-{creator}", "subject_type": "creator", "subject_id": creator,
                "policy": "fraud", "status": "violated", "effective_at": "2024-01-20T00:00:00Z",
            }
        )  # fmt: skip

    def returned(self, return_id: str, creator: str, month: int = 1) -> None:
        """The bank says that the payout of a month did not arrive."""
        self.rows["payment_returns"].append(
            {
                "program": self.name, "return_id": return_id, "creator_id": creator,
                "period": key(month), "currency": "USD", "status": "returned",
                "updated_at": f"{_month(month)['ends_on']}T12:00:00Z",
            }
        )  # fmt: skip

    def landing(self) -> Path:
        """A landing directory with all that is delivered by now, as JSON lines."""
        self._landings += 1
        return write_landing(self.rows, self.folder / f"{self.name}-landing-{self._landings}")

    def program_file(self) -> Path:
        path = self.folder / f"{self.name}.yaml"
        path.write_text(as_yaml(self.program), encoding="utf-8")
        return path


def three_months(
    folder: Path, *creators: str, views: Sequence[int] = (10_000, 20_000, 30_000)
) -> World:
    """A world whose creators have a post in each of three months, with these views."""
    world = World(folder)
    world.lasts(3)
    for creator in creators:
        world.creator(creator)
        for month, seen in enumerate(views, 1):
            world.post(f"{creator}-{month}", creator, seen, month=month)
    return world


class Books:
    """The books of a world: what is run and closed here is the product's own flow, with its gates."""

    def __init__(self, world: World, home: str = "home") -> None:
        self.world = world
        self.home = world.folder / home

    @property
    def plain(self) -> PlainBooks:
        """The books by the program file as it is now."""
        return PlainBooks(self.home, self.world.program_file(), fast=True)

    def run(self, month: int, by: str = "ada", landing: Path | None = None) -> Published:
        """Runs a month on all that is delivered by now; on files, where `landing` has them."""
        books = self.plain
        period, name = key(month), self.world.name
        self.last = fast_run(books.home, name, period, f"run-{period}-{by}", by)
        reader = None if landing else rows_reader(self.world.rows)
        return run_all(self.last, books.loaded.path, landing or self.world.folder, reader)

    def blocked_by(self, month: int, landing: Path | None = None) -> list[str]:
        """The expectations that block a run of the month; it fails where none does."""
        with pytest.raises(GateFailed) as failure:
            self.run(month, landing=landing)
        return [result.name for result in failure.value.result.results if result.blocks]

    def warnings(self) -> set[str]:
        """The expectations of the run before that warn."""
        last = self.last.state.read()
        assert last
        return {row.name for result in last.gates.values() for row in result.warnings}

    def close(self, month: int, by: str = "grace") -> None:
        self.plain.close(key(month), by)

    def run_and_close(self, *months: int) -> None:
        for month in months:
            self.run(month)
            self.close(month)

    def table(self, month: int, name: str) -> list[dict[str, Any]]:
        """A published table, as rows."""
        rows: list[dict[str, Any]] = pq.read_table(
            self.plain.published[key(month)].table(name)
        ).to_pylist()
        return rows

    def ledger(self, month: int, creator: str) -> dict[str, Any]:
        """The creator's one row of the ledger."""
        (row,) = [row for row in self.table(month, "payout_ledger") if row["creator_id"] == creator]
        return row

    def earned(self, month: int) -> dict[str, int]:
        """Creator -> what was earned in the month, in cents."""
        return {
            row["creator_id"]: row["earnings_minor"] for row in self.table(month, "payout_ledger")
        }

    def posted(self, month: int, kind: str) -> list[tuple[str, str, int]]:
        """(origin, creator, cents) of each transaction of a kind; what is owed more is positive."""
        return sorted(
            (row["origin_period"], row["creator_id"], -row["amount_minor"])
            for row in self.table(month, "journal")
            if row["kind"] == kind and row["account"].startswith("payable:")
        )

    def state(self, month: int) -> str:
        """`closed` or `estimated`."""
        return "closed" if self.plain.published[key(month)].seal else "estimated"


def key(month: int) -> str:
    return f"2024-{month:02}"


def terms(version: int, effective_from: date) -> dict[str, Any]:
    """A terms version: a point a view, a dollar a thousand points."""
    return {
        "version": version,
        "effective_from": effective_from,
        "eligibility": {
            "account_types": ["creator"], "markets": ["US"], "content_types": ["reel"],
            "counts_posts": "published_in_window",
        },
        "weights": {"reel": {"views": Decimal(1)}},
        "audience_value": {"countries": {"US": Decimal(1)}, "other": Decimal(1)},
        "payout": {"method": "rate", "rates": {"US": [{"rate": Decimal(1)}]}},
    }  # fmt: skip


def pool(amount: str) -> dict[str, Any]:
    """A payout by pool."""
    return {"method": "pool", "pools": {"US": Decimal(amount)}}


def _month(number: int) -> dict[str, Any]:
    first = date(2024, number, 1)
    after = date(2024 + number // 12, number % 12 + 1, 1)
    closes = after + timedelta(days=2)
    return {
        "key": key(number), "starts_on": first, "ends_on": after - timedelta(days=1),
        "closes_on": closes, "fx_on": closes, "pays_on": after + timedelta(days=20),
    }  # fmt: skip
