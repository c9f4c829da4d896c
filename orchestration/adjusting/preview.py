"""The change that an adjustment would make (§7): a ledger row as published, and as the next run would make it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from orchestration.adjusting.proposals import Row
from orchestration.foundations.cursors import scratch_database
from orchestration.ledger.decisions import decide
from orchestration.ledger.settlement import Earned, Party, settle
from orchestration.pipeline.deciding import History, past_of, rows_used
from orchestration.pipeline.home import Home
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import CONTRACT_TABLES
from orchestration.terms.currencies import money_text
from orchestration.terms.exact import scaled
from orchestration.terms.model import Program

if TYPE_CHECKING:
    import duckdb

SHOWN: Final = (
    "opening_balance_minor", "earnings_minor", "adjustments_minor", "returns_minor", "payable_minor",
    "withheld_minor", "payout_minor", "closing_balance_minor",
)  # fmt: skip

_LEDGER: Final = (
    "market", "points", "performance_minor", "milestone_minor", "capped", "fx_rate", "status", *SHOWN,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preview:
    """The period that would post a row; None: no open one could. `before` is None where there is no
    ledger row yet, `after` where the period is not published yet. Both have `SHOWN` and the status."""

    period: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    def lines(self, currency: str) -> list[str]:
        """For people: before and after, figure by figure where they differ."""
        if self.period is None:
            return ["no open period could post it: it is later than the last closes_on"]
        if self.after is None:
            return [f"{self.period} posts it when it is run"]
        before = self.before or dict.fromkeys(SHOWN, 0) | {"status": "no row"}
        found = [
            f"  {name.removesuffix('_minor').replace('_', ' ')}: {money_text(currency, before[name])}"
            f" -> {money_text(currency, self.after[name])}"
            for name in SHOWN
            if before[name] != self.after[name]
        ]
        found.append(f"  status: {before['status']} -> {self.after['status']}")
        return [f"what the next run of {self.period} changes, in {currency}:", *found]


def previewed(home: Home, program: Program, rows: Sequence[Row], row: Row) -> Preview:
    """The creator's account in the currency of `row`, as the next run of the period that would post it makes it.

    `rows` are all that lie in the landing folder; what else of them waits for that run is in it, too.
    """
    published = home.store(program.program).published()
    order = [period.key for period in program.periods]
    posts = next(
        (
            period
            for period in program.periods[order.index(row.period) :]
            if (period.key not in published or published[period.key].state == "estimated")
            and row.updated_at <= datetime.combine(period.closes_on, time())
        ),
        None,
    )
    if posts is None or posts.key not in published:
        return Preview(posts.key if posts else None)
    closed = [key for key in order if key in published and published[key].state == "closed"]
    earlier = [published[key] for key in order[: order.index(posts.key)] if key in published]
    with scratch_database() as connection:
        known = {one.decides for one in (*rows, row)} | set(
            rows_used(connection, earlier).adjustments
        )
        past = past_of(connection, History(order, earlier, closed), [])
        closes_at = datetime.combine(posts.closes_on, time())
        manual = decide(posts.key, closes_at, known, [], past).manual_of()
        account = (row.creator_id, row.currency)
        minor = sum(posting.amount_minor for posting in manual.get(account, []))
        return _settled(connection, published[posts.key], account, minor)


def _settled(
    connection: duckdb.DuckDBPyConnection,
    publication: Publication,
    account: tuple[str, str],
    manual_minor: int,
) -> Preview:
    """The account before, and with so much by hand instead of what was posted by hand so far."""
    creator, currency = account
    rows = partial(_rows, connection, publication, account)
    found = rows("payout_ledger", ", ".join(_LEDGER), "payout_currency = $2")
    ledger = dict(zip(_LEDGER, found[0], strict=True)) if found else dict.fromkeys(SHOWN, 0)
    ((posted,),) = rows(
        "journal",
        "coalesce(sum(amount_minor), 0)",
        "currency = $2 and kind = 'manual' and account = 'expense:bonus'",
    )
    earned = _earned(creator, ledger)
    of_party = "creator_id, market, payout_currency, tax_residence, tax_form, status"
    parties = {one: Party(*party) for one, *party in rows("settlement_parties", of_party, "true")}
    other = ledger["adjustments_minor"] + ledger["returns_minor"] - int(posted) + manual_minor
    program = publication.program()
    settled = settle(
        program,
        program.period(publication.period),
        earned,
        parties,
        {currency: scaled(ledger["fx_rate"], 10)} if earned else {},
        {account: ledger["opening_balance_minor"]},
        {account: {"": other}},
    )
    (after,) = (one for one in settled if one.payout_currency == currency)
    told = {name: getattr(after, name) for name in (*SHOWN, "status")}
    told["returns_minor"] = ledger["returns_minor"]
    told["adjustments_minor"] = other - ledger["returns_minor"]
    before = {name: ledger[name] for name in (*SHOWN, "status")} if found else None
    return Preview(publication.period, before, told)


def _rows(
    connection: duckdb.DuckDBPyConnection,
    publication: Publication,
    account: tuple[str, str],
    table: str,
    columns: str,
    condition: str,
) -> list[tuple[Any, ...]]:
    """Rows of the account's creator in a published table; its currency is `$2` in the condition."""
    creator, currency = account
    relation = publication.relation(CONTRACT_TABLES[table])
    return connection.execute(
        f"select {columns} from {relation} where creator_id = $1 and {condition}",
        [creator, *([currency] if "$2" in condition else [])],
    ).fetchall()


def _earned(creator: str, ledger: Mapping[str, Any]) -> list[Earned]:
    """The earnings in a ledger row; none where it has no rate: nothing was earned in its currency."""
    if ledger.get("fx_rate") is None:
        return []
    points = scaled(ledger["points"], 4)
    parts = (ledger["performance_minor"], ledger["milestone_minor"], ledger["capped"])
    return [Earned(creator, ledger["market"], points, *parts)]
