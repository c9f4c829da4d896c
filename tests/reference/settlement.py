"""Exchange rates, the payout ledger and the journal of one period (contract §7)."""

import json
from datetime import timedelta
from fractions import Fraction
from math import floor

from .exact import marginal, unit
from .program import Period, Program

MARKET_CURRENCY = {"US": "USD", "JP": "JPY", "KR": "KRW"}
NOTHING = {"performance_minor": 0, "milestone_minor": 0, "capped": False, "program_amount_minor": 0}


def exchange_rate(
    program: Program, period: Period, fx_rates: list, currency: str
) -> Fraction | None:
    """§7: "of the rows with base = program currency and quote = payout currency the one with the latest rate_date from
    fx_on - 7 days to fx_on; if there is none, EUR to the payout currency over EUR to the program currency, each found
    likewise, rounded half-even to 10 decimals (EUR to EUR is 1). The same currency is 1"."""
    if currency == program.currency:
        return Fraction(1)
    direct = quoted(period, fx_rates, program.currency, currency)
    if direct is not None:
        return direct
    to_payout, to_program = (
        quoted(period, fx_rates, "EUR", quote) for quote in (currency, program.currency)
    )
    return round(to_payout / to_program, 10) if to_payout and to_program else None


def quoted(period: Period, fx_rates: list, base: str, quote: str) -> Fraction | None:
    """§7: "the one with the latest rate_date from fx_on - 7 days to fx_on"; "EUR to EUR is 1"."""
    if base == quote:
        return Fraction(1)
    found = [
        (row["rate_date"], row["rate"])
        for row in fx_rates
        if (row["base_currency"], row["quote_currency"]) == (base, quote)
        and period.fx_on - timedelta(days=7) <= row["rate_date"] <= period.fx_on
    ]
    return max(found)[1] if found else None


def convert(program: Program, amount_minor: int, rate: Fraction, currency: str) -> int:
    """§7: "earnings = program amount x rate, rounded half-even", from minor units to minor units."""
    return round(amount_minor * rate * unit(currency) / unit(program.currency))


def payee_of(program: Program, run, creator_id: str) -> dict:
    """§7: "No payees row: the market's currency (US USD, JP JPY, KR KRW; else the program's), status `incomplete`"."""
    default = MARKET_CURRENCY.get(run.markets.get(creator_id), program.currency)
    nobody = {
        "payout_currency": default,
        "tax_residence": None,
        "tax_form": None,
        "status": "incomplete",
    }
    return run.payees.get(creator_id, nobody)


def parties(program: Program, run, ledger: list) -> list:
    """§9: "`settlement_parties` has at least the creators of the ledger (where there is no payees row: the currency of
    §7, status `incomplete`, tax columns null)"."""
    return [
        payee_of(program, run, creator_id)
        | {"creator_id": creator_id, "market": run.markets.get(creator_id)}
        for creator_id in sorted({row["creator_id"] for row in ledger})
    ]


def rates(program: Program, period: Period, run, paid_to: list) -> list:
    """§9: "`settlement_rates` one row for each payout_currency in it [settlement_parties] that has a rate"."""
    found = {
        currency: exchange_rate(program, period, run.fx_rates, currency)
        for currency in sorted({row["payout_currency"] for row in paid_to})
    }
    return [
        {"payout_currency": currency, "fx_rate": rate} for currency, rate in found.items() if rate
    ]


def demand_rates(program: Program, period: Period, run) -> None:
    """§7: "No rate: the run is blocked" (§8: "for the payout currency of a creator with a deal")."""
    for creator_id in run.creators:
        currency = payee_of(program, run, creator_id)["payout_currency"]
        if exchange_rate(program, period, run.fx_rates, currency) is None:
            raise LookupError(
                f"{period.key}: no rate from {program.currency} to {currency}, for {creator_id}"
            )


def settle(
    program: Program, period: Period, run, opening: dict, postings: list
) -> tuple[list, list]:
    """§9: "`payout_ledger` has a row for each creator of creator_eligibility, in its payout currency, and for each
    other open balance, adjustment or return". `opening` is {(creator_id, currency): minor}, `postings` has a Posting
    for each adjustment and return. Returns the ledger and the journal."""
    keys = {
        (creator_id, payee_of(program, run, creator_id)["payout_currency"])
        for creator_id in run.creators
    }
    keys |= {key for key, amount in opening.items() if amount}
    keys |= {(posting.creator_id, posting.currency) for posting in postings}
    ledger, journal = [], []
    for creator_id, currency in sorted(keys):
        own = [p for p in postings if (p.creator_id, p.currency) == (creator_id, currency)]
        before = opening.get((creator_id, currency), 0)
        row = ledger_row(program, period, run, creator_id, currency, before, own)
        ledger.append(row)
        residence = payee_of(program, run, creator_id)["tax_residence"]
        journal += journal_entries(period, row, own, residence)
    return ledger, sorted(journal, key=lambda entry: entry["entry_id"])


def ledger_row(
    program: Program,
    period: Period,
    run,
    creator_id: str,
    currency: str,
    opening: int,
    postings: list,
) -> dict:
    """§7: "payable = opening balance + earnings + adjustments + returns"; "paid: withheld = brackets over payable, rounded down;
    payout = payable - withheld; closing balance 0. Otherwise closing balance = payable"; a balance,
    adjustment or return in another currency "stays in its currency as a row of its own, ...; its fx_rate is null"; §9: "fx_rate is null also
    where there is no rate and nothing was earned"."""
    payee = payee_of(program, run, creator_id)
    is_own = currency == payee["payout_currency"]
    earned = run.earnings.get(creator_id, NOTHING) if is_own else NOTHING
    rate = exchange_rate(program, period, run.fx_rates, currency) if is_own else None
    earnings = (
        0 if rate is None else convert(program, earned["program_amount_minor"], rate, currency)
    )
    returns = sum(posting.amount_minor for posting in postings if posting.kind == "return")
    adjustments = sum(posting.amount_minor for posting in postings) - returns
    payable = opening + earnings + adjustments + returns
    status, reason = status_of(program, period, payee, currency, payable)
    withheld = withholding(program, payee, currency, payable) if status == "paid" else 0
    is_scored = is_own and creator_id in run.creator_scores
    return {
        "creator_id": creator_id,
        "payout_currency": currency,
        "market": run.markets.get(creator_id),
        "status": status,
        "status_reason": reason,
        "points": run.creator_scores[creator_id]["points"] if is_scored else Fraction(0),
        **{column: earned[column] for column in NOTHING},
        "fx_rate": rate,
        "earnings_minor": earnings,
        "opening_balance_minor": opening,
        "adjustments_minor": adjustments,
        "returns_minor": returns,
        "payable_minor": payable,
        "withheld_minor": withheld,
        "payout_minor": payable - withheld if status == "paid" else 0,
        "closing_balance_minor": 0 if status == "paid" else payable,
    }


def status_of(program: Program, period: Period, payee: dict, currency: str, payable: int) -> tuple:
    """§7: "The first line that holds gives the row's status and status_reason (null for `none` and `paid`)"; the
    minimum is "0 where none is given, and in every period with ends_on >= terminated_on - 1 day"."""
    is_last = program.terminated_on and period.ends_on >= program.terminated_on - timedelta(days=1)
    minimum = 0 if is_last else program.minimum_payout_minor.get(currency, 0)
    if payable == 0:
        return "none", None
    if currency != payee["payout_currency"]:
        return "held", "CURRENCY_CHANGED"
    if payable < 0:
        return "carried", "NEGATIVE_BALANCE"
    if payee["status"] == "incomplete":
        return "held", "PAYEE_INCOMPLETE"
    if payee["status"] == "blocked":
        return "held", "PAYEE_BLOCKED"
    if payable < minimum:
        return "carried", "BELOW_MINIMUM"
    return "paid", None


def withholding(program: Program, payee: dict, currency: str, payable: int) -> int:
    """§1: "first row that matches wins; '*' matches anything"; "Withholding brackets are in the payout currency"; §7:
    "withheld = brackets over payable, rounded down"."""
    brackets = next(
        brackets
        for residence, form, brackets in program.withholding
        if residence in ("*", payee["tax_residence"]) and form in ("*", payee["tax_form"])
    )
    return floor(marginal(Fraction(payable, unit(currency)), brackets) * unit(currency))


def journal_entries(period: Period, row: dict, postings: list, tax_residence: str) -> list:
    """§7: "earning: debit `expense:bonus`, credit `payable:<creator_id>`"; the postings as they are; "payout: debit `payable:<creator_id>` with payable, credit `clearing:payout` with the payout and `withheld:<tax_residence>`
    with what was withheld. No entry has amount 0"; §9: "a payout's origin_period is its own period"."""
    payable = f"payable:{row['creator_id']}"
    earned = row["earnings_minor"]
    transactions = [("earning", period.key, None, [("expense:bonus", earned), (payable, -earned)])]
    transactions += [(p.kind, p.origin_period, p.adjustment_id, p.lines) for p in postings]
    if row["status"] == "paid":
        lines = [(payable, row["payable_minor"]), ("clearing:payout", -row["payout_minor"])]
        lines.append((f"withheld:{tax_residence}", -row["withheld_minor"]))
        transactions.append(("payout", period.key, None, lines))
    entries = []
    for kind, origin, adjustment_id, lines in transactions:
        name = [kind, period.key, origin, adjustment_id, row["creator_id"], row["payout_currency"]]
        txn_id = json.dumps(name)  # an id may hold any separator
        for number, (account, amount) in enumerate(lines, start=1):
            if amount:
                entries.append(
                    {
                        "entry_id": f"{txn_id}:{number}",
                        "txn_id": txn_id,
                        "kind": kind,
                        "origin_period": origin,
                        "adjustment_id": adjustment_id,
                        "posted_on": period.pays_on,
                        "creator_id": row["creator_id"],
                        "account": account,
                        "currency": row["payout_currency"],
                        "amount_minor": amount,
                    }
                )
    return entries
