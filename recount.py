#!/usr/bin/env python3
"""Recounts a bonus period from its export, by Python's standard library alone.

    recount.py EXPORT [EARLIER_EXPORT...]

EXPORT is a folder that `bonus export` has written. The others are exports of earlier periods: balances are
carried on from the latest of them; without any, opening balances are taken as they stand. It starts from the
increments of each post and the program file, and computes every number up to the closing balance. Section
numbers are those of docs/contract. 0: all follows. 5: something differs, each difference is named. 2: usage.
"""

import csv, datetime, json, pathlib, sys  # noqa: E401, I001 - a line for what it needs
from collections import Counter, defaultdict
from fractions import Fraction

ONE = "creator_eligibility post_eligibility post_scores creator_scores market_totals creator_earnings"
ONE += " post_earnings settlement_parties settlement_rates journal"  # tables whose key is one column
TWO = "creator_segments post_increments payout_ledger"
COUNTS = {"views": "qualified_views", "likes": "likes", "comments": "comments", "shares": "shares"}
NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
DECIMALS = dict.fromkeys(NO_DECIMALS.split(), 0) | dict.fromkeys(THREE_DECIMALS.split(), 3) | {"CLF": 4, "UYW": 4}
day = datetime.date.fromisoformat


def unit(currency):  # minor units of a unit
    return 10 ** DECIMALS.get(currency, 2)


def brackets_over(amount, brackets):  # each rate applies to the part between the up_to before it and its own
    total, below = Fraction(0), Fraction(0)
    for bracket in brackets:
        top = min(amount, Fraction(bracket["up_to"])) if bracket.get("up_to") else amount
        total += max(top - below, 0) * Fraction(bracket["rate"])
        below = max(below, top)
    return total


def apportioned(whole, weights):  # largest remainder: {id: (amount, unit)}; ties go to the least id, bytewise
    total = sum(weights.values())
    if not total:
        return dict.fromkeys(weights, (0, 0))
    exact = {name: Fraction(whole) * weight / total for name, weight in weights.items()}
    left = whole - sum(share // 1 for share in exact.values())
    order = sorted(exact, key=lambda name: (-(exact[name] % 1), name.encode()))
    return {name: (exact[name] // 1 + (at < left), int(at < left)) for at, name in enumerate(order)}


def read(folder, name):  # {key: row}
    with open(folder / f"{name}.csv", encoding="utf-8", newline="") as file:
        width = 2 if name in TWO.split() else 1
        return {tuple(list(row.values())[:width]): row for row in csv.DictReader(file)}


class Recount:
    def __init__(self, folder, earlier):
        self.found = []  # the differences
        self.tables = {name: read(folder, name) for name in f"{ONE} {TWO}".split()}
        self.program = program = json.loads((folder / "program.json").read_text("utf-8"))
        order = [period["key"] for period in program["periods"]]
        at, *before = (
            order.index(json.loads((one / "run.json").read_text("utf-8"))["period"]) for one in (folder, *earlier)
        )
        latest = max((pair for pair in zip(before, earlier) if pair[0] < at), default=None)  # noqa: B905 - one each
        self.before = read(latest[1], "payout_ledger") if latest else None
        self.period, ended = program["periods"][at], program.get("terminated_on")
        last = day(ended) - datetime.timedelta(days=1) if ended else datetime.date.max
        self.is_last, last_day = (
            day(self.period["ends_on"]) >= last,
            min(last, day(self.period["ends_on"])),
        )
        self.versions = {int(term["version"]): term for term in program["terms"]}
        self.payout = [t for t in program["terms"] if day(t["effective_from"]) <= last_day][-1]["payout"]
        self.unit = unit(program["currency"])

    def same(self, table, *key, **expected):  # a row has these values; numbers are compared as numbers
        row = self.tables[table].get(key)
        for column, value in expected.items() if row else [("row", "there")]:
            found = row[column] if row else "missing"
            value = str(value).lower() if isinstance(value, bool) else "" if value is None else value
            if (Fraction(found) if found and not isinstance(value, str) else found) != value:
                self.found.append(f"{table} {', '.join(key)}: {column} is {found or 'empty'}, recounted {value}")

    def only(self, table, keys):  # a table has these rows and no others
        other = sorted(self.tables[table].keys() ^ set(keys))
        self.found += [f"{table} {', '.join(key)}: the row is missing, or must not be" for key in other]

    def points(self):
        """Section 5: from the increments of posts to points."""
        segments, increments, numbers = (
            self.tables["creator_segments"],
            self.tables["post_increments"],
            defaultdict(list),
        )
        for creator, number in segments:
            numbers[creator].append(number)
        for name in ("post", "creator"):
            rows = self.tables[f"{name}_eligibility"].items()
            self.only(f"{name}_scores", [key for key, row in rows if row["eligible"] == "true"])
        self.types, self.posts, self.owners, self.earned_points = (
            defaultdict(Counter),
            defaultdict(dict),
            {},
            {},
        )
        for (post,), row in self.tables["post_scores"].items():
            creator, kind, total, counts = (
                row["creator_id"],
                row["content_type"],
                Fraction(0),
                Counter(),
            )
            for number in numbers[creator]:
                seen = increments.get((post, number), dict.fromkeys(COUNTS.values(), 0))
                weights = self.versions[int(segments[creator, number]["terms_version"])]["weights"].get(kind, {})
                parts = (Fraction(weights.get(name, 0)) * int(seen[column]) for name, column in COUNTS.items())
                total += Fraction(segments[creator, number]["audience_value"]) * sum(parts)
                counts.update({column: int(seen[column]) for column in COUNTS.values()})
            points = self.posts[creator][post] = Fraction(round(max(total, Fraction(0)) * 10**4), 10**4)
            self.same(
                "post_scores",
                post,
                points=points,
                **{column: counts[column] for column in COUNTS.values()},
            )
            self.owners[post], self.types[creator][kind] = creator, self.types[creator][kind] + 1
        self.only(
            "post_increments",
            [(post, number) for post, owner in self.owners.items() for number in numbers[owner]],
        )
        for (creator,), _ in self.tables["creator_scores"].items():
            points = self.earned_points[creator] = sum(self.posts[creator].values(), Fraction(0))
            value = Fraction(segments[creator, max(numbers[creator], key=int)]["audience_value"])
            market = self.tables["creator_eligibility"][creator,]["market"]
            self.same(
                "creator_scores",
                creator,
                market=market,
                eligible_posts=len(self.posts[creator]),
                points=points,
                audience_value=value,
            )

    def pool(self, pool, members, caps):
        """Section 6, step 1: the creators that get their cap, what is left, and the points it is shared over."""
        got = {}
        while True:
            rest = {creator: points for creator, points in members.items() if creator not in got}
            left, whole = pool - sum(got.values()), sum(rest.values())
            over = [one for one, points in rest.items() if whole and one in caps and left * points / whole > caps[one]]
            if not over:
                return got, left if whole else 0, rest if whole else {}
            got |= {one: caps[one] for one in over}

    def earnings(self):
        """Section 6: from points to amounts, in minor units of the program currency."""
        earned, scores = self.tables["creator_earnings"], self.tables["creator_scores"]
        caps = {creator: int(row["cap_minor"]) for (creator,), row in earned.items() if row["cap_minor"]}
        exact, milestones, rounded, capped, markets = {}, {}, {}, {}, defaultdict(dict)
        for (creator,), row in scores.items():
            markets[row["market"]][creator] = self.earned_points[creator]
        pools = self.payout["pools"] if self.payout["method"] == "pool" else {}
        rates = self.payout["rates"] if self.payout["method"] == "rate" else {}
        for market in self.program["markets"]:
            members, pool = (
                markets[market],
                int(Fraction(pools[market]) * self.unit) if market in pools else None,
            )
            got, left, rest = ({}, 0, {}) if pool is None else self.pool(pool, members, caps)
            whole, parts = sum(rest.values()), apportioned(left, rest)
            for creator, points in members.items():
                by_pool = got.get(creator) or (left * rest[creator] / whole if creator in rest else Fraction(0))
                exact[creator] = by_pool + brackets_over(points, rates.get(market, [])) / 1000 * self.unit
                reached = [
                    row
                    for row in self.payout.get("milestones") or []
                    if self.types[creator][row["content_type"]] >= int(row["posts"])
                ]
                milestones[creator] = sum(int(Fraction(row["amount"]) * self.unit) for row in reached)
                both = exact[creator] + milestones[creator]
                capped[creator] = creator in got or both > caps.get(creator, both)
                rounded[creator] = parts.get(creator, (round(Fraction(min(both, caps.get(creator, both)))), 0))
            amounts = sum(rounded[creator][0] for creator in members)
            self.same(
                "market_totals",
                market,
                eligible_creators=len(members),
                points=sum(members.values()),
                pool_minor=pool,
                capped_creators=len(got),
                capped_minor=sum(got.values()),
                shared_minor=left,
                shared_points=whole,
                rounded_minor=amounts,
            )
        self.only("market_totals", [(market,) for market in self.program["markets"]])
        self.only("creator_earnings", scores)
        before, budget = (
            {creator: amount for creator, (amount, _) in rounded.items()},
            Fraction(self.period.get("budget") or -1) * self.unit,
        )
        paid = (
            apportioned(int(budget), before)
            if 0 <= budget < sum(before.values())
            else {one: (amount, 0) for one, amount in before.items()}
        )
        self.earned, posts = {}, {}
        for creator, (amount, budget_unit) in paid.items():
            parts = apportioned(amount, {"performance": exact[creator], "milestone": Fraction(milestones[creator])})
            self.earned[creator] = {
                "performance_minor": parts["performance"][0],
                "milestone_minor": parts["milestone"][0],
                "program_amount_minor": amount,
                "capped": capped[creator],
            }
            market, unit_given = scores[creator,]["market"], rounded[creator][1]
            self.same(
                "creator_earnings",
                creator,
                market=market,
                points=self.earned_points[creator],
                milestones_minor=milestones[creator],
                rounded_minor=before[creator],
                rounding_unit=unit_given,
                budget_unit=budget_unit,
                **self.earned[creator],
            )
            cap = (self.payout.get("cap") or {}).get(market)  # its deal may have a lower one
            if cap and caps.get(creator, Fraction(cap) * self.unit + 1) > Fraction(cap) * self.unit:
                self.found.append(f"creator_earnings {creator}: cap_minor is above the cap of {market}")
            posts |= apportioned(parts["performance"][0], self.posts[creator])
        self.only("post_earnings", [(post,) for post in posts])
        for post, (amount, unit_given) in posts.items():
            self.same(
                "post_earnings",
                post,
                creator_id=self.owners[post],
                amount_minor=amount,
                rounding_unit=unit_given,
            )

    def ledger(self):
        """Section 7: from amounts to the closing balance, and the journal that says the same."""
        parties, rates, accounts, sums = (
            self.tables["settlement_parties"],
            self.tables["settlement_rates"],
            defaultdict(Counter),
            Counter(),
        )
        for row in self.tables["journal"].values():
            account = "payable" if row["account"] == f"payable:{row['creator_id']}" else row["account"]
            accounts[row["creator_id"], row["currency"]][row["kind"], account] += int(row["amount_minor"])
            sums[row["txn_id"], row["currency"]] += int(row["amount_minor"])
            self.same("journal", row["entry_id"], posted_on=self.period["pays_on"])
        self.found += [
            f"journal {txn}: it does not sum to 0 in {currency}" for (txn, currency), left in sums.items() if left
        ]
        opened = {key: int(row["closing_balance_minor"]) for key, row in (self.before or {}).items()}
        must = {key for key, balance in opened.items() if balance} | accounts.keys()
        must |= {(creator, parties[creator,]["payout_currency"]) for (creator,) in self.tables["creator_eligibility"]}
        self.only(
            "payout_ledger",
            must if self.before is not None else must | self.tables["payout_ledger"].keys(),
        )
        nothing = {
            "performance_minor": 0,
            "milestone_minor": 0,
            "program_amount_minor": 0,
            "capped": False,
        }
        for (creator, currency), row in self.tables["payout_ledger"].items():
            party, posted = parties[creator,], accounts[creator, currency]
            is_own = party["payout_currency"] == currency
            rate = rates[currency,]["fx_rate"] if is_own and (currency,) in rates else None
            earned = self.earned.get(creator, nothing) if is_own else nothing
            earnings = round(Fraction(earned["program_amount_minor"], self.unit) * Fraction(rate or 0) * unit(currency))
            opening = (
                opened.get((creator, currency), 0) if self.before is not None else int(row["opening_balance_minor"])
            )
            adjusted = posted["adjustment", "expense:bonus"] + posted["manual", "expense:bonus"]
            returned = -posted["return", "payable"]
            payable = opening + earnings + adjusted + returned
            status, reason = self.status(party, currency, payable)
            paid = payable if status == "paid" else 0
            withheld = self.withheld(party, paid, currency)
            self.same(
                "payout_ledger",
                creator,
                currency,
                market=party["market"],
                points=self.earned_points.get(creator, 0) if is_own else 0,
                fx_rate=Fraction(rate) if rate else None,
                earnings_minor=earnings,
                opening_balance_minor=opening,
                adjustments_minor=adjusted,
                returns_minor=returned,
                payable_minor=payable,
                status=status,
                status_reason=reason,
                withheld_minor=withheld,
                payout_minor=paid - withheld,
                closing_balance_minor=payable - paid,
                **earned,
            )
            expected = Counter(
                {
                    ("earning", "expense:bonus"): earnings,
                    ("earning", "payable"): -earnings,
                    ("payout", "payable"): paid,
                    ("payout", "clearing:payout"): withheld - paid,
                    ("payout", f"withheld:{party['tax_residence']}"): -withheld,
                }
            )
            for kind, account in {key for key in posted if key[0] in ("earning", "payout")} | expected.keys():
                found, meant = posted[kind, account], expected[kind, account]
                if found != meant:
                    where = f"journal {creator}, {currency}: {kind} on {account}"
                    self.found.append(f"{where} is {found}, recounted {meant}")

    def status(self, party, currency, payable):
        minimum = Fraction((self.program.get("minimum_payout") or {}).get(currency, 0)) * unit(currency)
        if payable == 0:
            return "none", ""
        if party["payout_currency"] != currency:
            return "held", "CURRENCY_CHANGED"
        if payable < 0:
            return "carried", "NEGATIVE_BALANCE"
        if party["status"] != "ready":
            return "held", f"PAYEE_{party['status'].upper()}"
        return ("carried", "BELOW_MINIMUM") if payable < minimum and not self.is_last else ("paid", "")

    def withheld(self, party, paid, currency):
        fits = (
            r
            for r in self.program["withholding"]
            if r["tax_residence"] in ("*", party["tax_residence"]) and r["tax_form"] in ("*", party["tax_form"])
        )
        return brackets_over(Fraction(paid, unit(currency)), next(fits)["brackets"]) * unit(currency) // 1


def main(arguments):
    folders = [pathlib.Path(name) for name in arguments]
    if not folders or not all((folder / "run.json").is_file() for folder in folders):
        print(__doc__, file=sys.stderr)
        return 2
    recount = Recount(folders[0], folders[1:])
    for step in (recount.points, recount.earnings, recount.ledger):
        try:
            step()
        except (KeyError, ValueError) as error:  # what comes after it cannot be recounted either
            recount.found.append(f"no number can be recounted from here on: {error!r}")
            break
    print(*recount.found or [f"{recount.period['key']}: every number follows"], sep="\n")
    return 5 if recount.found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
