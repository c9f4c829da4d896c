"""The changes between the tables of before and after (§13), in pandas and exact.

Amounts are whole minor units: nullable Int64 where they are compared, Python's own whole numbers
(dtype object) where they are summed or subtracted, since a sum may be greater than 64 bits hold.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from orchestration.foundations.cursors import scratch_database
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import CONTRACT_TABLES
from orchestration.reports.distribution import gini
from orchestration.simulation.simulate import Simulated
from orchestration.terms.currencies import minor_units

if TYPE_CHECKING:
    import pandas as pd

AMOUNTS: Final = (
    "program_amount_minor",
    "earnings_minor",
    "payout_minor",
    "closing_balance_minor",
)
SIDES: Final = ("before", "after")
CLASSES: Final = ("loses over 5 %", "loses", "same", "gains", "gains over 5 %")
LARGEST: Final = 20
_KEY: Final = ["creator_id", "payout_currency"]
_BOTH: Final = [f"{name}_{side}" for name in AMOUNTS for side in SIDES]
_LEDGER: Final = f"select {', '.join([*_KEY, 'status_reason', *AMOUNTS])} from {{payout_ledger}}"
_MARKETS: Final = (
    f"select market, payout_currency, {', '.join(f'cast(sum({name}) as varchar) as {name}' for name in AMOUNTS)}"
    " from {payout_ledger} group by all"
)
_CREATORS: Final = (
    "select creator_id, any_value(market) as market,"
    " cast(sum(program_amount_minor) as bigint) as amount from {payout_ledger} group by creator_id"
)
_CONTENT: Final = (
    "select posts.creator_id, scores.content_type, cast(sum(posts.amount_minor) as bigint) as amount"
    " from {post_earnings} as posts"
    " inner join {post_scores} as scores on posts.post_id = scores.post_id"
    " group by all"
)
_EARNINGS: Final = "select program_amount_minor, rounded_minor, capped from {creator_earnings}"


def differences(period: str, pair: Simulated) -> pd.DataFrame:
    """The rows of differences.csv of one period, sorted by key."""
    merged = _merged(pair, _LEDGER, _KEY)
    differs = merged["_merge"] != "both"
    for name in AMOUNTS:
        differs |= (merged[f"{name}_before"] != merged[f"{name}_after"]).fillna(True)
    found = merged[differs].sort_values(_KEY)
    found.insert(0, "period", period)
    return found[["period", *_KEY, *_BOTH]]


def summary(period: str, pair: Simulated, currency: str) -> dict[str, Any]:
    """One period in summary.json. Amounts in minor units; `currency` is the program's.

    Gains and losses are of program_amount_minor. A decile is one of those who earned before, 1 the
    least; decile, market and content type are null where there is none.
    """
    creators = _with_change(_merged(pair, _CREATORS, ["creator_id"]))
    creators["market"] = creators["market_after"].combine_first(creators["market_before"])
    creators["decile"] = deciles(creators)
    content = _with_change(_merged(pair, _CONTENT, ["creator_id", "content_type"]))
    sides = {"before": pair.before, "after": pair.after}
    return {
        "period": period,
        "creators": len(creators),
        "program_amount_minor": _sums(creators),
        "gini": {side: _gini(version) for side, version in sides.items()},
        "budget": {side: _budget(version) for side, version in sides.items()},
        "capped_creators": {side: _capped(version) for side, version in sides.items()},
        "markets": _markets(pair),
        "classes": [
            *_classes(creators, "all", None),
            *_classes(creators, "market", "market"),
            *_classes(creators, "decile", "decile"),
            *_classes(content, "content_type", "content_type"),
        ],
        "below_minimum": _below_minimum(pair),
        "largest_losses": _largest(creators, -1),
        "largest_gains": _largest(creators, 1),
    }


def share_class(before: int, after: int) -> str:
    """Which of CLASSES a change is; from 0 to more is over 5 %, exactly 5 % is not."""
    if after == before:
        return "same"
    is_over = abs(after - before) * 20 > before
    side = "gains" if after > before else "loses"
    return f"{side} over 5 %" if is_over else side


def deciles(creators: pd.DataFrame) -> pd.Series[Any]:
    """The decile of each creator that earned something before, by place: amount, then id; else null.

    Deciles are as even as whole creators allow; 1 has the least amounts.
    """
    import pandas as pd

    earned = creators[creators["before"] > 0].sort_values(["before", "creator_id"]).index
    found = {index: place * 10 // len(earned) + 1 for place, index in enumerate(earned)}
    return pd.Series([found.get(index) for index in creators.index], creators.index, dtype="Int64")


def gini_text(value: Fraction | None) -> str | None:
    """Half-even to 6 decimals; None where nobody has anything."""
    if value is None:
        return None
    digits = f"{round(value * 10**6):07}"
    return f"{digits[:-6]}.{digits[-6:]}"


def _read(publication: Publication, sql: str) -> pd.DataFrame:
    """The rows of a query, in which each table is named in braces; whole numbers as Int64."""
    import pandas as pd
    import pyarrow as pa

    relations = {
        name: publication.relation(table)
        for name, table in CONTRACT_TABLES.items()
        if f"{{{name}}}" in sql
    }
    with scratch_database() as connection:
        rows = connection.sql(sql.format(**relations)).to_arrow_table()
    frame: pd.DataFrame = rows.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return frame


def _merged(pair: Simulated, sql: str, key: list[str]) -> pd.DataFrame:
    """The rows of both sides by key; other columns twice, null where a side has no row."""
    before, after = _read(pair.before, sql), _read(pair.after, sql)
    return before.merge(after, "outer", key, suffixes=("_before", "_after"), indicator=True)


def _whole(values: pd.Series[Any]) -> pd.Series[Any]:
    """Python's whole numbers, 0 where there is none."""
    import pandas as pd

    whole = [0 if pd.isna(value) else int(value) for value in values]
    return pd.Series(whole, values.index, dtype=object)


def _with_change(rows: pd.DataFrame) -> pd.DataFrame:
    """With before, after, change and class of the column `amount`."""
    import pandas as pd

    before, after = _whole(rows["amount_before"]), _whole(rows["amount_after"])
    classes = [share_class(*amounts) for amounts in zip(before, after, strict=True)]
    return rows.assign(
        before=before,
        after=after,
        change=after - before,
        **{"class": pd.Series(classes, rows.index, dtype=object)},
    )


def _sums(rows: pd.DataFrame) -> dict[str, int]:
    return {name: sum(rows[name]) for name in ("before", "after", "change")}


def _classes(rows: pd.DataFrame, by: str, column: str | None) -> list[dict[str, Any]]:
    """Creators, and their sums of before, after and change, by group and class; null comes last."""
    import pandas as pd

    groups: dict[Any, pd.DataFrame] = (
        {None: rows} if column is None else dict(iter(rows.groupby(column, dropna=False)))
    )
    return [
        {"by": by, "group": group, "class": each, "creators": len(members), **_sums(members)}
        for name, group_rows in groups.items()
        for group in [None if pd.isna(name) else int(name) if column == "decile" else name]
        for each in CLASSES
        for members in [group_rows[group_rows["class"] == each]]
    ]


def _markets(pair: Simulated) -> list[dict[str, Any]]:
    """Sums of each amount by market and payout currency; market null: not known."""
    import pandas as pd

    merged = _merged(pair, _MARKETS, ["market", "payout_currency"])
    merged = merged.sort_values(["market", "payout_currency"]).assign(
        **{name: _whole(merged[name]) for name in _BOTH}
    )
    return [
        {
            "market": None if pd.isna(row["market"]) else row["market"],
            "payout_currency": row["payout_currency"],
        }
        | {
            name: {
                "before": row[f"{name}_before"],
                "after": row[f"{name}_after"],
                "change": row[f"{name}_after"] - row[f"{name}_before"],
            }
            for name in AMOUNTS
        }
        for row in merged.to_dict("records")
    ]


def _gini(publication: Publication) -> str | None:
    """§13: "Gini's coefficient of program_amount_minor over eligible creators (those with 0 too)"."""
    amounts = sorted(_whole(_read(publication, _EARNINGS)["program_amount_minor"]))
    ranked = sum(place * amount for place, amount in enumerate(amounts, start=1))
    return gini_text(gini(len(amounts), sum(amounts), ranked))


def _budget(publication: Publication) -> dict[str, int | None]:
    """The budget, what was earned before it was applied, and what is left of it; null: no budget."""
    program = publication.program()
    budget = program.period(publication.period).budget
    rows = _read(publication, _EARNINGS)
    wanted, earned = (sum(_whole(rows[name])) for name in ("rounded_minor", "program_amount_minor"))
    whole = None if budget is None else minor_units(budget, program.currency)
    return {
        "budget_minor": whole,
        "wanted_minor": wanted,
        "left_minor": None if whole is None else whole - earned,
    }


def _capped(publication: Publication) -> int:
    return int(_read(publication, _EARNINGS)["capped"].sum())


def _below_minimum(pair: Simulated) -> dict[str, list[dict[str, str]]]:
    """Ledger rows that are carried for BELOW_MINIMUM after and were not before, and the reverse."""
    merged = _merged(pair, _LEDGER, _KEY).sort_values(_KEY)
    was, is_now = ((merged[f"status_reason_{side}"] == "BELOW_MINIMUM") for side in SIDES)
    fall: list[Any] = merged[is_now & ~was][_KEY].to_dict("records")
    rise: list[Any] = merged[was & ~is_now][_KEY].to_dict("records")
    return {"fall_below": fall, "no_longer_below": rise}


def _largest(creators: pd.DataFrame, sign: int) -> list[dict[str, Any]]:
    """The largest twenty gains (1) or losses (-1); ties by id."""
    import pandas as pd

    rows = creators.assign(size=creators["change"] * -sign)
    rows = rows[rows["size"] < 0].sort_values(["size", "creator_id"]).head(LARGEST)
    return [
        {
            "creator_id": row["creator_id"],
            "market": None if pd.isna(row["market"]) else row["market"],
            **{name: row[name] for name in ("before", "after", "change")},
        }
        for row in rows.to_dict("records")
    ]
