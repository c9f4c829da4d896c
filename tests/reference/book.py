"""One program over time: runs, closes and restatements (contract §7)."""

from collections import Counter
from dataclasses import dataclass

from .days import begin_utc
from .earnings import earn
from .eligibility import decide
from .landing import in_force
from .program import Period, Program
from .scoring import score
from .settlement import convert, demand_rates, exchange_rate, payee_of, settle


@dataclass(frozen=True)
class Run:
    """What one run found (§3 to §6), and the inputs that settling it (§7) needs."""

    creators: dict
    posts: dict
    creator_scores: dict
    post_scores: dict
    earnings: dict
    post_amounts: dict
    markets: dict  # creator_id -> market, of all creators
    payees: dict  # creator_id -> payees row in force at pays_on
    fx_rates: list


def compute(program: Program, period: Period, landing: dict) -> Run:
    """§2: "`creators`, `deals`, `posts` are taken in force at the period's closes_on; `payees` at its pays_on"."""
    creators, posts = decide(program, period, landing)
    creator_scores, post_scores = score(period, landing, creators, posts)
    earnings, post_amounts = earn(program, period, creators, creator_scores, post_scores)
    known = in_force(landing["creators"], "creator_id", begin_utc(period.closes_on))
    run = Run(
        creators=creators,
        posts=posts,
        creator_scores=creator_scores,
        post_scores=post_scores,
        earnings=earnings,
        post_amounts=post_amounts,
        markets={creator_id: row["market"] for creator_id, row in known.items()},
        payees=in_force(landing["payees"], "creator_id", begin_utc(period.pays_on)),
        fx_rates=landing["fx_rates"],
    )
    demand_rates(program, period, run)
    return run


class Book:
    def __init__(self, program: Program):
        """§7: "A period is `estimated` until it is closed"; "Nothing ever rewrites a closed period"."""
        self.program = program
        self.closed = []  # period keys, in order
        self.runs = {}  # period key -> the run whose tables are published
        self.restated = {}  # closed period key -> its last run since
        self.ledgers = {}  # period key -> published payout_ledger
        self.journals = {}  # period key -> published journal
        self.adjustments = {}  # period key -> [(creator_id, currency, origin period, minor)] that it posts

    def run(self, key: str, landing: dict) -> None:
        """§7: "When a period is published, the later published periods that are not closed are settled anew"; a closed
        one: "Running it again computes a restatement, kept beside it"."""
        run = compute(self.program, self.program.period(key), landing)
        (self.restated if key in self.closed else self.runs)[key] = run
        self.settle_anew()

    def settle_anew(self) -> None:
        """§7: "the later published periods that are not closed are settled anew, in order, from the inputs of their own
        last run, with new opening balances and adjustments". (Settling an earlier open period anew as well changes
        nothing in it, unless its adjustments changed.)"""
        opening, pending = {}, self.differences()
        for period in self.program.periods:
            if period.key in self.runs:
                if period.key not in self.closed:
                    self.adjustments[period.key], pending = pending, []
                    self.ledgers[period.key], self.journals[period.key] = settle(
                        self.program,
                        period,
                        self.runs[period.key],
                        opening,
                        self.adjustments[period.key],
                    )
                opening = closing_balances(self.ledgers[period.key])

    def close(self, key: str) -> None:
        """§7: "Earlier periods must be closed first"; "In the same step the later published periods are settled anew, as
        after a publication"."""
        assert key in self.runs and key == self.program.periods[len(self.closed)].key
        self.closed.append(key)
        self.settle_anew()

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
                        found.append((creator_id, currency, origin, amount))
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
            for creator_id, currency, of, amount in self.adjustments[key]:
                if of == origin:
                    posted[creator_id, currency] += amount
        return posted

    def tables(self, key: str) -> dict:
        """§9: "What is published": each table's rows, in order of the key; rows may hold more than its columns."""
        run = self.runs[key]
        post_earnings = [
            {
                "post_id": post_id,
                "creator_id": run.posts[post_id]["creator_id"],
                "amount_minor": amount,
            }
            for post_id, amount in run.post_amounts.items()
        ]
        return {
            "creator_eligibility": by(run.creators.values(), "creator_id"),
            "post_eligibility": by(run.posts.values(), "post_id"),
            "post_scores": by(run.post_scores.values(), "post_id"),
            "creator_scores": by(run.creator_scores.values(), "creator_id"),
            "post_earnings": by(post_earnings, "post_id"),
            "payout_ledger": self.ledgers[key],
            "journal": self.journals[key],
        }


def closing_balances(ledger: list) -> dict:
    """§7: "The opening balance is the closing balance of the latest earlier period of the program that is published,
    per creator and currency (0 if none)"."""
    return {
        (row["creator_id"], row["payout_currency"]): row["closing_balance_minor"] for row in ledger
    }


def by(rows, key: str) -> list:
    """§9: "rows sorted by key"."""
    return sorted(rows, key=lambda row: row[key])
