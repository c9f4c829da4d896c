"""Adjustments by hand and returned payments: what an open period posts of them (contract §7)."""

from dataclasses import dataclass
from datetime import datetime

from .days import begin_utc
from .exact import unit
from .landing import in_force
from .names import compared
from .program import Period, Program


@dataclass(frozen=True)
class Posting:
    """One transaction that is not an earning nor a payout: `amount_minor` is what it adds to what is payable."""

    kind: str  # adjustment, manual or return
    origin_period: str
    creator_id: str
    currency: str
    amount_minor: int
    lines: tuple  # (account, minor units)
    adjustment_id: str | None = None


def expense(
    kind: str, origin: str, creator_id: str, currency: str, minor: int, adjustment_id=None
) -> Posting:
    """§7: "debit `expense:bonus`, credit `payable:<creator_id>`; adjustment and manual: likewise, with their sign"."""
    lines = (("expense:bonus", minor), (f"payable:{creator_id}", -minor))
    return Posting(kind, origin, creator_id, currency, minor, lines, adjustment_id)


def existing(rows: list, key: str, closes: datetime, was_posted) -> list:
    """§2: "taken in force at the closes_on of the period that posts them, but an adjustment or return none of whose
    rows has updated_at <= closes_on does not exist yet, unless an earlier published period has posted it ...: then the
    row with the least updated_at counts"."""
    return [
        row
        for row in in_force(rows, key, closes).values()
        if row["updated_at"] <= closes or was_posted(row)
    ]


def is_approved(row: dict) -> bool:
    """§7: "it has an approved_by, which is not its requested_by (names are compared as for a close)"; §2: an
    approved_by "that is refused there" is "none"."""
    approver = row["approved_by"] and compared(row["approved_by"])
    return bool(approver) and approver != compared(row["requested_by"])


def by_hand(program: Program, period: Period, rows: list, earlier: list) -> list:
    """§7: "A period that is not closed posts what is due in it less what the published periods before it, closed or
    not, have posted for the same (adjustment_id, creator_id, currency), if that is not 0: ...; its origin_period is the
    row's period or, where the amount due is 0, the origin_period of the latest posting". `rows` are those of this
    program, `earlier` the postings of the published periods before, in their order."""
    posted, origins = {}, {}
    for posting in earlier:
        if posting.kind == "manual":
            key = (posting.adjustment_id, posting.creator_id, posting.currency)
            posted[key] = posted.get(key, 0) + posting.amount_minor
            origins[key] = posting.origin_period
    known = {adjustment_id for adjustment_id, _, _ in posted}
    keys = [earlier_or_same.key for earlier_or_same in program.up_to(period)]
    due = {}
    for row in existing(
        rows,
        "adjustment_id",
        begin_utc(period.closes_on),
        lambda row: row["adjustment_id"] in known,
    ):
        amount = int(row["amount"] * unit(row["currency"]))
        if amount and is_approved(row) and row["period"] in keys:
            key = (row["adjustment_id"], row["creator_id"], row["currency"])
            due[key], origins[key] = amount, row["period"]
    postings = []
    for key in sorted(due.keys() | posted.keys()):
        minor = due.get(key, 0) - posted.get(key, 0)
        if minor:
            adjustment_id, creator_id, currency = key
            postings.append(
                expense("manual", origins[key], creator_id, currency, minor, adjustment_id)
            )
    return postings


def returned(period: Period, rows: list, earlier: list, payouts: dict) -> list:
    """§7: "The payout of a closed period is then owed again as a whole: a later period that is not closed posts the
    transaction of the payout with all signs turned"; "A payout is returned or not, however many rows say so: a period
    posts what is due in it (the payout, or nothing) less what the published periods before it, closed or not, have
    posted as returns of it". `payouts` are those of closed periods: {(period, creator_id, currency): its lines}."""
    given_back = {}
    for posting in earlier:
        if posting.kind == "return":
            name = (posting.origin_period, posting.creator_id, posting.currency)
            given_back[name] = given_back.get(name, 0) + (1 if posting.amount_minor > 0 else -1)
    said = {
        payout_of(row)
        for row in existing(
            rows,
            "return_id",
            begin_utc(period.closes_on),
            lambda row: payout_of(row) in given_back,
        )
        if row["status"] == "returned"
    }
    postings = []
    for name in sorted(payouts):
        turn = (name in said) - given_back.get(name, 0)
        if turn:
            origin, creator_id, currency = name
            lines = tuple((account, -turn * minor) for account, minor in payouts[name])
            payable = turn * payouts[name][0][1]
            postings.append(Posting("return", origin, creator_id, currency, payable, lines))
    return postings


def payout_of(row: dict) -> tuple:
    """§7: a row of `payment_returns` speaks of "the payout of its period, to this creator in this currency"."""
    return row["period"], row["creator_id"], row["currency"]
