"""The page of a simulation, in the style of a period's report; it says only what summary.json says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from orchestration.reports import text
from orchestration.reports.page import Card, Link, Page, Section, Table, cell
from orchestration.reports.parts import columns, named
from orchestration.simulation.changes import AMOUNTS, SIDES

_WORDS: Final = {
    "program_amount_minor": "Earned, program currency",
    "earnings_minor": "Earned",
    "payout_minor": "Paid out",
    "closing_balance_minor": "Closing balance",
}
_GROUPS: Final = {
    "all": "All creators",
    "market": "By market",
    "decile": "By decile of what was earned before",
    "content_type": "By content type: creators by what their posts of the type earn",
}


def simulation_page(told: Mapping[str, Any], differing: int) -> Page:
    """The page of a summary; `differing` is the number of rows of differences.csv."""
    currency = told["currency"]
    return Page(
        title="Simulation",
        program=told["program"],
        state="",
        lead=[
            "Simulated: what other terms would have paid. Nothing here is published, and nothing of "
            "it can be closed or paid.",
            f"Before is what is published now; after is what {_source(told)} gives.",
        ],
        cards=[
            Card("Rows that differ", text.count(differing), "differences.csv has each of them"),
            *(_card(entry, currency) for entry in told["periods"]),
        ],
        sections=[section for entry in told["periods"] for section in _sections(entry, currency)],
    )


def _source(told: Mapping[str, Any]) -> str:
    """The program file, and what was set in it."""
    settings = [cell(setting) for setting in told["set"]]
    return cell(told["file"]) + (f" with {', '.join(settings)}" if settings else "")


def variants_page(told: Mapping[str, Any]) -> Page:
    """The page of several simulations, side by side, each with a link to its own."""
    variants, currency = told["variants"], told["currency"]
    periods = [entry["period"] for entry in variants[0]["periods"]]
    return Page(
        title="Simulations side by side",
        program=told["program"],
        state="",
        lead=[
            "Simulated: what other terms would have paid. Nothing here is published, and nothing of "
            "it can be closed or paid.",
            *(f"{each['variant']} is {_source(each)}." for each in variants),
        ],
        cards=[
            Card(
                f"{each['variant']}, change in {currency}",
                _signed(
                    sum(entry["program_amount_minor"]["change"] for entry in each["periods"]),
                    currency,
                ),
            )
            for each in variants
        ],
        sections=[
            Section(
                f"{period}-variants",
                period,
                tables=[
                    _side_by_side(
                        [(each["variant"], each["periods"][place]) for each in variants], currency
                    )
                ],
            )
            for place, period in enumerate(periods)
        ],
        links=[Link(each["variant"], f"{each['variant']}/index.html") for each in variants],
    )


def _side_by_side(entries: Sequence[tuple[str, Mapping[str, Any]]], currency: str) -> Table:
    """The figures of a period: as published, and by each variant."""
    published = _figures(entries[0][1], "before", currency)
    simulated = [_figures(entry, "after", currency) for _, entry in entries]
    names = list(dict.fromkeys(name for each in (published, *simulated) for name in each))
    rows = [[name, *(each.get(name, "–") for each in (published, *simulated))] for name in names]
    headings = columns("Figure", "Published #", *(f"{name} #" for name, _ in entries))
    return Table("Figures side by side", headings, rows)


def _figures(entry: Mapping[str, Any], side: str, currency: str) -> dict[str, str]:
    """The figures of one side of a period, by their names."""
    money = {
        f"Paid out, {named(row['market'])}, {row['payout_currency']}": text.amount(
            row["payout_minor"][side], row["payout_currency"]
        )
        for row in entry["markets"]
    }
    figures = {label: values[SIDES.index(side)] for label, *values in _key_figures(entry, currency)}
    if side == "before":
        return figures | money
    classes = {
        f"Creators: {row['class']}": text.count(row["creators"])
        for row in entry["classes"]
        if row["by"] == "all"
    }
    below = {
        "Rows that fall below the minimum": text.count(len(entry["below_minimum"]["fall_below"]))
    }
    return figures | money | classes | below


def _card(entry: Mapping[str, Any], currency: str) -> Card:
    change = entry["program_amount_minor"]["change"]
    after = text.money(entry["program_amount_minor"]["after"], currency)
    return Card(
        f"{entry['period']}, change in {currency}", _signed(change, currency), f"to {after}"
    )


def _signed(minor: int, currency: str) -> str:
    return text.signed(text.amount(minor, currency))


def _change(amounts: Mapping[str, int], currency: str) -> list[str]:
    return [
        text.amount(amounts["before"], currency),
        text.amount(amounts["after"], currency),
        _signed(amounts["change"], currency),
    ]


def _sections(entry: Mapping[str, Any], currency: str) -> list[Section]:
    period = entry["period"]
    return [
        Section(
            f"{period}-money",
            f"{period}: money",
            _remarks(entry),
            tables=[
                Table(
                    f"Figures, in {currency}",
                    columns("Figure", "Before #", "After #"),
                    _key_figures(entry, currency),
                ),
                _markets(entry, currency),
            ],
        ),
        Section(
            f"{period}-classes",
            f"{period}: who gains, who loses",
            ["Classes are of the change of what a creator earns in the program currency."],
            tables=[_classes(entry, by, currency) for by in _GROUPS],
        ),
        Section(
            f"{period}-largest",
            f"{period}: the largest changes",
            tables=[
                _largest(entry["largest_losses"], "Largest losses", currency),
                _largest(entry["largest_gains"], "Largest gains", currency),
            ],
        ),
    ]


def _remarks(entry: Mapping[str, Any]) -> list[str]:
    below = entry["below_minimum"]
    return [
        f"{text.counted(len(below['fall_below']), 'ledger row')} would fall below the minimum "
        f"payout, {text.count(len(below['no_longer_below']))} would no longer be below it."
    ]


def _key_figures(entry: Mapping[str, Any], currency: str) -> list[list[str]]:
    """Label, before, after."""

    def money(minor: int | None) -> str:
        return "–" if minor is None else text.amount(minor, currency)

    budget = entry["budget"]
    return [
        ["Earned", *(money(entry["program_amount_minor"][side]) for side in SIDES)],
        ["Wanted, before the budget", *(money(budget[side]["wanted_minor"]) for side in SIDES)],
        ["Budget", *(money(budget[side]["budget_minor"]) for side in SIDES)],
        ["Left of the budget", *(money(budget[side]["left_minor"]) for side in SIDES)],
        ["Creators at their cap", *(text.count(entry["capped_creators"][side]) for side in SIDES)],
        ["Gini's coefficient, eligible creators", *(entry["gini"][side] or "–" for side in SIDES)],
    ]


def _markets(entry: Mapping[str, Any], currency: str) -> Table:
    rows = [
        [
            named(row["market"]),
            row["payout_currency"],
            _WORDS[name],
            *_change(row[name], currency if name == AMOUNTS[0] else row["payout_currency"]),
        ]
        for row in entry["markets"]
        for name in AMOUNTS
    ]
    headings = columns("Market", "Currency", "Amount", "Before #", "After #", "Change #")
    return Table("By market and currency", headings, rows)


def _classes(entry: Mapping[str, Any], by: str, currency: str) -> Table:
    rows: list[Sequence[str]] = [
        [
            _group(by, row["group"]),
            row["class"],
            text.count(row["creators"]),
            *_change(row, currency),
        ]
        for row in entry["classes"]
        if row["by"] == by and row["creators"]
    ]
    headings = columns("Group", "Class", "Creators #", "Before #", "After #", "Change #")
    return Table(f"{_GROUPS[by]}, in {currency}", headings, rows)


def _group(by: str, group: str | int | None) -> str:
    if by == "decile":
        return "earned nothing before" if group is None else str(group)
    return "all" if by == "all" else named(None if group is None else str(group))


def _largest(rows: Sequence[Mapping[str, Any]], caption: str, currency: str) -> Table:
    told = [
        [cell(row["creator_id"]), named(row["market"]), *_change(row, currency)] for row in rows
    ]
    headings = columns("Creator", "Market", "Before #", "After #", "Change #")
    return Table(f"{caption}, in {currency}", headings, told)
