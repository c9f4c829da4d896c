"""One program over time: runs, closes and restatements (contract §7)."""

import itertools
from collections import Counter
from dataclasses import dataclass

from .days import begin_utc
from .decisions import by_hand, expense, returned
from .earnings import earn
from .eligibility import decide
from .landing import in_force
from .program import Period, Program
from .scoring import post_increments, rate_audiences, score
from .settlement import convert, demand_rates, exchange_rate, parties, payee_of, rates, settle


@dataclass(frozen=True)
class Run:
    """What one run found (§3 to §6), and the inputs that settling it (§7) needs."""

    creators: dict
    posts: dict
    segments: dict
    creator_scores: dict
    post_scores: dict
    earnings: dict
    post_earnings: dict
    market_totals: dict
    markets: dict  # creator_id -> market, of all creators
    payees: dict  # creator_id -> payees row in force at pays_on
    fx_rates: list
    decisions: dict  # adjustments and payment_returns of this program, as they were read


def compute(program: Program, period: Period, landing: dict) -> Run:
    """§2: "`creators`, `deals`, `posts` are taken in force at the period's closes_on; `payees` at its pays_on"."""
    creators, posts = decide(program, period, landing)
    segments = rate_audiences(period, landing, creators)
    creator_scores, post_scores = score(creators, segments, posts)
    earnings, post_earnings, market_totals = earn(
        program, period, creators, creator_scores, post_scores
    )
    known = in_force(landing["creators"], "creator_id", begin_utc(period.closes_on))
    run = Run(
        creators=creators,
        posts=posts,
        segments=segments,
        creator_scores=creator_scores,
        post_scores=post_scores,
        earnings=earnings,
        post_earnings=post_earnings,
        market_totals=market_totals,
        markets={creator_id: row["market"] for creator_id, row in known.items()},
        payees=in_force(landing["payees"], "creator_id", begin_utc(period.pays_on)),
        fx_rates=landing["fx_rates"],
        decisions=decisions_of(program, landing),
    )
    demand_rates(program, period, run)
    return run


def decisions_of(program: Program, landing: dict) -> dict:
    """§7: "A row of `adjustments` that is of this program"; "A row of `payment_returns` of this program"."""
    return {
        dataset: [row for row in landing[dataset] if row["program"] == program.name]
        for dataset in ("adjustments", "payment_returns")
    }


class Book:
    def __init__(self, program: Program):
        """§7: "A period is `estimated` until it is closed"; "Nothing ever rewrites a closed period"."""
        self.program = program
        self.closed = []  # period keys, in order
        self.runs = {}  # period key -> the run whose tables are published
        self.restated = {}  # closed period key -> its last run since
        self.ledgers = {}  # period key -> published payout_ledger
        self.journals = {}  # period key -> published journal
        self.postings = {}  # period key -> the adjustments of both kinds and the returns that it posts

    def run(self, key: str, landing: dict) -> None:
        """§7: "When a period is published, the later published periods that are not closed are settled anew"; a closed
        one: "Running it again computes a restatement, kept beside it"."""
        self.publish(key, compute(self.program, self.program.period(key), landing))

    def publish(self, key: str, run: Run) -> None:
        """§7: what a run has computed becomes the period's tables or, of a closed one, its restatement."""
        (self.restated if key in self.closed else self.runs)[key] = run
        self.settle_anew()

    def settle_anew(self) -> None:
        """§7: "the later published periods that are not closed are settled anew, in order, from the inputs of their own
        last run, with new opening balances and adjustments". (Settling an earlier open period anew as well changes
        nothing in it, unless its adjustments changed.)"""
        opening, pending, published = {}, self.differences(), []
        for period in self.program.periods:
            if period.key in self.runs:
                published.append(period.key)
                if period.key not in self.closed:
                    self.postings[period.key] = pending + self.decided(period, published)
                    pending = []
                    self.ledgers[period.key], self.journals[period.key] = settle(
                        self.program,
                        period,
                        self.runs[period.key],
                        opening,
                        self.postings[period.key],
                    )
                opening = closing_balances(self.ledgers[period.key])

    def close(self, key: str) -> None:
        """§7: "Earlier periods must be closed first"; "In the same step the later published periods are settled anew, as
        after a publication"."""
        assert key in self.runs and key == self.program.periods[len(self.closed)].key
        self.closed.append(key)
        self.settle_anew()

    def decided(self, period: Period, published: list) -> list:
        """§7: "Of the two datasets a period uses the rows that its own last run has read, together with those that the
        runs whose rows are published of the periods before it have read". `published` are the periods up to this."""
        rows = {
            dataset: [row for key in published for row in self.runs[key].decisions[dataset]]
            for dataset in ("adjustments", "payment_returns")
        }
        earlier = [posting for key in published[:-1] for posting in self.postings[key]]
        return by_hand(self.program, period, rows["adjustments"], earlier) + returned(
            period, rows["payment_returns"], earlier, self.payouts()
        )

    def payouts(self) -> dict:
        """§7: "The payout of a closed period": {(period, creator_id, currency): [(account, minor units)]}, what was
        payable first."""
        found = {}
        for key in self.closed:
            for entry in self.journals[key]:
                if entry["kind"] == "payout":
                    name = (key, entry["creator_id"], entry["currency"])
                    found.setdefault(name, []).append((entry["account"], entry["amount_minor"]))
        return found

    def differences(self) -> list:
        """§7: "Differences other than 0 are the adjustments of the earliest period that is published or run later and
        not closed, at once if there is one; each has its origin period, and is posted once": what a closed period has
        posted counts as posted, what an open one has is computed anew each time."""
        found = []
        for origin in self.closed:
            if origin in self.restated:
                due, posted = self.due(origin), self.posted(origin)
                for creator_id, currency in sorted(due.keys() | posted.keys()):
                    amount = due[creator_id, currency] - posted[creator_id, currency]
                    if amount:
                        found.append(expense("adjustment", origin, creator_id, currency, amount))
        return found

    def due(self, origin: str) -> Counter:
        """§7: "the newly computed program amount, rounded half-even into the currency, at the rate, of the creator's
        own row in the closed ledger (not a `CURRENCY_CHANGED` row; a creator without one: the currency and rate that §7
        gives for the origin period now)"."""
        period, run, due = self.program.period(origin), self.restated[origin], Counter()
        own = {row["creator_id"]: row for row in self.ledgers[origin] if row["fx_rate"] is not None}
        for creator_id, earned in run.earnings.items():
            if creator_id in own:
                currency, rate = own[creator_id]["payout_currency"], own[creator_id]["fx_rate"]
            else:
                currency = payee_of(self.program, run, creator_id)["payout_currency"]
                rate = exchange_rate(self.program, period, run.fx_rates, currency)
            due[creator_id, currency] = convert(
                self.program, earned["program_amount_minor"], rate, currency
            )
        return due

    def posted(self, origin: str) -> Counter:
        """§7: "less all that was posted for that origin period in that currency (its earnings, and adjustments of
        kind `adjustment` with that origin in closed periods)"."""
        posted = Counter()
        for row in self.ledgers[origin]:
            posted[row["creator_id"], row["payout_currency"]] += row["earnings_minor"]
        for key in self.closed:
            for posting in self.postings[key]:
                if (posting.kind, posting.origin_period) == ("adjustment", origin):
                    posted[posting.creator_id, posting.currency] += posting.amount_minor
        return posted

    def tables(self, key: str) -> dict:
        """§9: "What is published": each table's rows, in order of the key; rows may hold more than its columns."""
        run, ledger = self.runs[key], self.ledgers[key]
        paid_to = parties(self.program, run, ledger)
        return {
            "creator_eligibility": by(run.creators.values(), "creator_id"),
            "post_eligibility": by(run.posts.values(), "post_id"),
            "post_scores": by(run.post_scores.values(), "post_id"),
            "creator_scores": by(run.creator_scores.values(), "creator_id"),
            "creator_segments": by(itertools.chain(*run.segments.values()), "creator_id"),
            "post_increments": by(post_increments(run.post_scores), "post_id"),
            "market_totals": by(run.market_totals.values(), "market"),
            "creator_earnings": by(run.earnings.values(), "creator_id"),
            "post_earnings": by(run.post_earnings.values(), "post_id"),
            "settlement_parties": paid_to,
            "settlement_rates": rates(self.program, self.program.period(key), run, paid_to),
            "payout_ledger": ledger,
            "journal": self.journals[key],
        }


def closing_balances(ledger: list) -> dict:
    """§7: "The opening balance is the closing balance of the latest earlier period of the program that is published,
    per creator and currency (0 if none)"."""
    return {
        (row["creator_id"], row["payout_currency"]): row["closing_balance_minor"] for row in ledger
    }


def by(rows, key: str) -> list:
    """§9: "rows sorted by key" (segments of a creator or a post come in their order)."""
    return sorted(rows, key=lambda row: row[key])
