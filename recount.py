#!/usr/bin/env python3
"""recount.py EXPORT [EARLIER_EXPORT...]: recounts a bonus period, by Python's standard library alone.

EXPORT is a folder that `bonus export` has written. The others are exports of earlier periods: balances are carried on
from the latest of them; without any, opening balances are taken as they stand. It starts from the increments of each
post and program.json, and computes every number up to the closing balance. Sections are those of docs/contract.
0: every number follows. 5: something differs, each difference is named. 2: usage."""
import csv, datetime, json, pathlib, sys  # noqa: E401, I001 - all that it needs
from collections import Counter, defaultdict
from fractions import Fraction
KEY_OF_TWO_COLUMNS = ("creator_segments", "post_increments", "payout_ledger")
COUNTS = {"views": "qualified_views", "likes": "likes", "comments": "comments", "shares": "shares"}
DECIMALS = {"BHD IQD JOD KWD LYD OMR TND": 3, "CLF UYW": 4}
DECIMALS["BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"] = 0
def minor_units(currency):  # of one unit of the currency
    return 10 ** next((decimals for currencies, decimals in DECIMALS.items() if currency in currencies.split()), 2)
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
def shared(pool, points, caps):  # who gets its cap, what the others share, and their points
    got, whole = {}, sum(points.values())
    while over := {one: caps[one] for one, own in points.items() if one in caps and pool * own > caps[one] * whole}:
        got, pool = got | over, pool - sum(over.values())
        points = {one: own for one, own in points.items() if one not in over}
        whole = sum(points.values())
    return (got, pool, points) if whole else (got, 0, {})
def eligible(rows):
    return [(key, row) for key, row in rows.items() if row["eligible"] == "true"]
def read(path):  # a table: {key: row}
    with path.open(encoding="utf-8", newline="") as file:
        return {tuple(row.values())[: 1 + (path.stem in KEY_OF_TWO_COLUMNS)]: row for row in csv.DictReader(file)}

class Recount:
    def __init__(self, folder, earlier):
        self.table = defaultdict(dict, {path.stem: read(path) for path in folder.glob("*.csv")})
        self.expected, self.found = defaultdict(dict), []  # table: {key: {column: value}}; what differs beside
        self.program = json.loads((folder / "program.json").read_text("utf-8"))
        keys = [json.loads((one / "run.json").read_text("utf-8"))["period"] for one in (folder, *earlier)]
        own, *places = ([period["key"] for period in self.program["periods"]].index(key) for key in keys)
        before = {place: one for place, one in zip(places, earlier) if place < own}  # noqa: B905 - one each
        self.before = read(before[max(before)] / "payout_ledger.csv") if before else None
        self.period = self.program["periods"][own]
        after = str(datetime.date.fromisoformat(self.period["ends_on"]) + datetime.timedelta(days=1))
        ended = self.program.get("terminated_on") or "9999-12-31"
        self.is_last = after >= ended
        in_force = [one for one in self.program["terms"] if one["effective_from"] < min(after, ended)]
        self.payout, self.unit = in_force[-1]["payout"], minor_units(self.program["currency"])

    def points(self):  # section 5: from the increments of posts to points
        terms, segments = {str(one["version"]): one for one in self.program["terms"]}, defaultdict(dict)
        for (creator, number), row in self.table["creator_segments"].items():
            segments[creator][number] = row
        increments, nothing = self.table["post_increments"], dict.fromkeys(COUNTS.values(), 0)
        self.posts, self.types = defaultdict(dict), defaultdict(Counter)  # of a creator: {post: points}, {type: posts}
        for (post,), row in eligible(self.table["post_eligibility"]):
            creator, kind, total = row["creator_id"], row["content_type"], Fraction(0)
            gained = {number: increments.get((post, number), nothing) for number in segments[creator]}
            for number, counts in gained.items():
                self.expected["post_increments"][post, number] = {"creator_id": creator}
                weights = terms[segments[creator][number]["terms_version"]]["weights"].get(kind, {})
                weighed = sum(Fraction(weights.get(name, 0)) * int(counts[column]) for name, column in COUNTS.items())
                total += Fraction(segments[creator][number]["audience_value"]) * weighed
            points = Fraction(round(max(total, 0) * 10**4), 10**4)
            self.posts[creator][post], self.types[creator][kind] = points, self.types[creator][kind] + 1
            sums = {column: sum(int(counts[column]) for counts in gained.values()) for column in COUNTS.values()}
            self.expected["post_scores"][post,] = dict(creator_id=creator, content_type=kind, points=points, **sums)
        for (creator,), row in eligible(self.table["creator_eligibility"]):
            points, last = self.posts[creator].values(), segments[creator][max(segments[creator], key=int)]
            self.expected["creator_scores"][creator,] = dict(
                market=row["market"], eligible_posts=len(points), points=sum(points, Fraction(0)),
                audience_value=Fraction(last["audience_value"]))

    def earnings(self):  # section 6: from points to amounts, in minor units of the program currency
        caps = {one: int(r["cap_minor"]) for (one,), r in self.table["creator_earnings"].items() if r["cap_minor"]}
        is_pool = self.payout["method"] == "pool"
        pools, rates = (self.payout["pools"], {}) if is_pool else ({}, self.payout["rates"])
        exact, milestones, rounded, capped, scores = {}, {}, {}, {}, self.expected["creator_scores"]
        for market in self.program["markets"]:
            points = {creator: row["points"] for (creator,), row in scores.items() if row["market"] == market}
            pool = int(Fraction(pools[market]) * self.unit) if market in pools else None
            got, left, rest = shared(pool or 0, points, caps) if is_pool else ({}, 0, {})
            whole, parts = sum(rest.values()), apportioned(left, rest)
            for creator, own in points.items():
                of_pool = got[creator] if creator in got else left * rest[creator] / whole if creator in rest else 0
                exact[creator] = of_pool + brackets_over(own, rates.get(market, [])) / 1000 * self.unit
                milestones[creator] = sum(
                    int(Fraction(row["amount"]) * self.unit) for row in self.payout.get("milestones") or []
                    if self.types[creator][row["content_type"]] >= int(row["posts"]))
                both = exact[creator] + milestones[creator]
                capped[creator] = creator in got or both > caps.get(creator, both)
                rounded[creator] = parts.get(creator, (round(min(both, caps.get(creator, both))), 0))
            self.expected["market_totals"][market,] = dict(
                eligible_creators=len(points), points=sum(points.values()), pool_minor=pool, capped_creators=len(got),
                capped_minor=sum(got.values()), shared_minor=left, shared_points=whole,
                rounded_minor=sum(rounded[creator][0] for creator in points))
        before, budget = {creator: amount for creator, (amount, _) in rounded.items()}, self.period.get("budget")
        most = sum(before.values()) if budget is None else int(Fraction(budget) * self.unit)
        self.earned = {}
        for creator, (amount, budget_unit) in apportioned(min(most, sum(before.values())), before).items():
            score = scores[creator,]
            parts = apportioned(amount, {"performance": exact[creator], "milestone": Fraction(milestones[creator])})
            self.earned[creator] = dict(
                points=score["points"], capped=capped[creator], program_amount_minor=amount,
                performance_minor=parts["performance"][0], milestone_minor=parts["milestone"][0])
            self.expected["creator_earnings"][creator,] = dict(
                market=score["market"], milestones_minor=milestones[creator], rounded_minor=before[creator],
                rounding_unit=rounded[creator][1], budget_unit=budget_unit, **self.earned[creator])
            cap = (self.payout.get("cap") or {}).get(score["market"])  # its deal may have a lower one
            if cap is not None and (creator not in caps or caps[creator] > Fraction(cap) * self.unit):
                self.found.append(f"creator_earnings {creator}: cap_minor is above the cap of {score['market']}")
            for post, (part, given) in apportioned(parts["performance"][0], self.posts[creator]).items():
                self.expected["post_earnings"][post,] = dict(creator_id=creator, amount_minor=part, rounding_unit=given)

    def ledger(self):  # section 7: from amounts to the closing balance, and the journal that says the same
        parties, rates = self.table["settlement_parties"], self.table["settlement_rates"]
        posted, sums = defaultdict(Counter), Counter()
        for row in self.table["journal"].values():
            account = "payable" if row["account"] == f"payable:{row['creator_id']}" else row["account"]
            posted[row["creator_id"], row["currency"]][row["kind"], account] += int(row["amount_minor"])
            sums[row["txn_id"], row["currency"]] += int(row["amount_minor"])
            self.expected["journal"][row["entry_id"],] = {"posted_on": self.period["pays_on"]}
        self.found += [f"journal {txn}: it does not sum to 0 in {unit}" for (txn, unit), left in sums.items() if left]
        column = "opening_balance_minor" if self.before is None else "closing_balance_minor"
        known = self.table["payout_ledger"] if self.before is None else self.before
        opened = {key: int(row[column]) for key, row in known.items()}
        rows = {key for key, balance in opened.items() if balance or self.before is None} | posted.keys()
        rows |= {(creator, parties[creator,]["payout_currency"]) for (creator,) in self.table["creator_eligibility"]}
        nothing = dict(points=0, performance_minor=0, milestone_minor=0, program_amount_minor=0, capped=False)
        for creator, currency in rows:
            party, entries, opening = parties[creator,], posted[creator, currency], opened.get((creator, currency), 0)
            is_own, minor = party["payout_currency"] == currency, minor_units(currency)
            rate = Fraction(rates[currency,]["fx_rate"]) if is_own and (currency,) in rates else None
            earned = self.earned.get(creator, nothing) if is_own else nothing
            earnings = round(Fraction(earned["program_amount_minor"], self.unit) * (rate or 0) * minor)
            adjusted = entries["adjustment", "expense:bonus"] + entries["manual", "expense:bonus"]
            returned = -entries["return", "payable"]
            payable = opening + earnings + adjusted + returned
            minimum = Fraction((self.program.get("minimum_payout") or {}).get(currency, 0)) * minor
            status, reason = next(outcome for holds, outcome in (
                (payable == 0, ("none", None)),
                (not is_own, ("held", "CURRENCY_CHANGED")),
                (payable < 0, ("carried", "NEGATIVE_BALANCE")),
                (party["status"] != "ready", ("held", f"PAYEE_{party['status'].upper()}")),
                (payable < minimum and not self.is_last, ("carried", "BELOW_MINIMUM")),
                (True, ("paid", None))) if holds)
            paid = payable if status == "paid" else 0
            rule = next(row for row in self.program["withholding"]
                        if all(row[name] in ("*", party[name]) for name in ("tax_residence", "tax_form")))
            withheld = brackets_over(Fraction(paid, minor), rule["brackets"]) * minor // 1
            self.expected["payout_ledger"][creator, currency] = dict(
                market=party["market"], status=status, status_reason=reason, fx_rate=rate, earnings_minor=earnings,
                opening_balance_minor=opening, adjustments_minor=adjusted, returns_minor=returned,
                payable_minor=payable, withheld_minor=withheld, payout_minor=paid - withheld,
                closing_balance_minor=payable - paid, **earned)
            meant = {("earning", "expense:bonus"): earnings, ("earning", "payable"): -earnings,
                     ("payout", "clearing:payout"): withheld - paid, ("payout", "payable"): paid,
                     ("payout", f"withheld:{party['tax_residence']}"): -withheld}
            there = {entry: amount for entry, amount in entries.items() if entry[0] in ("earning", "payout")}
            if there != {entry: amount for entry, amount in meant.items() if amount}:
                self.found.append(f"journal {creator}, {currency}: {there or 'nothing'} is posted, recounted {meant}")

    def differences(self):  # each cell that is not as recounted; numbers are compared as numbers
        for table, rows in self.expected.items():
            for key in sorted(self.table[table].keys() ^ rows.keys()):
                yield f"{table} {', '.join(key)}: the row is missing, or must not be"
            for key in self.table[table].keys() & rows.keys():
                for column, value in rows[key].items():
                    cell = self.table[table][key][column]
                    value = "" if value is None else str(value).lower() if isinstance(value, bool) else value
                    if cell != value and not (cell and not isinstance(value, str) and Fraction(cell) == value):
                        yield f"{table} {', '.join(key)}: {column} is {cell or 'empty'}, recounted {value}"
        yield from self.found

def main(arguments):
    folders = [pathlib.Path(name) for name in arguments]
    if not folders or not all((folder / "run.json").is_file() for folder in folders):
        print(__doc__, file=sys.stderr)
        return 2
    recount = Recount(folders[0], folders[1:])
    try:
        recount.points(), recount.earnings(), recount.ledger()
    except (KeyError, ValueError) as error:  # what comes after it cannot be recounted either
        recount.found.append(f"no number can be recounted from here on: {error!r}")
    found = list(recount.differences())
    print(*found or [f"{recount.period['key']}: every number follows"], sep="\n")
    return 5 if found else 0
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
