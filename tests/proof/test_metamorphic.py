"""What must stay, and what must change, when the same program comes in another way (contract, top, §2, §7).

Each relation is over drawn programs, with the product alone: no second implementation is needed to
say that two of its answers must be one. "The same bytes" is said of all published Parquet files.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.conftest import ROOT, published_files
from tests.contract import COUNTS, SCORED_COUNTS
from tests.proof.campaign import SEED, SHARE_OF_A_RELATION, Verdict, is_long, over, share
from tests.proof.cases import FORMATS, Case, Landing, Layout, Row, as_yaml
from tests.proof.compare import differences, published_rows
from tests.proof.programs import any_cases, cases, one_run_each
from tests.proof.proof import computed

Bytes = dict[str, bytes]
Rows = dict[str, dict[str, list[dict[str, Any]]]]


def files_of(case: Case, layout: Layout | None = None, threads: int = 1) -> Bytes:
    """The published files once all steps are done, by path; with a layout through real ingest."""
    with computed(case, layout, threads) as product:
        return published_files(product.files.home)


def rows_of(case: Case) -> Rows:
    """The published rows once all steps are done: period -> table -> rows."""
    with computed(case) as product:
        published = product.home.store(product.program).published()
        return {key: published_rows(publication) for key, publication in published.items()}


def over_programs(
    relation: str, found: Callable[[Case], list[str]], strategy: st.SearchStrategy[Case]
) -> None:
    """A relation over the share of programs that it gets; a failure shrinks and is shown whole."""
    verdict = Verdict()
    over(
        strategy,
        share(SHARE_OF_A_RELATION),
        lambda case: verdict.demand(case, found(case)),
        name=f"{SEED} {relation}",
    )


def other_files(first: Bytes, second: Bytes, what: str) -> list[str]:
    """The published files that are not the same bytes."""
    if not first:
        return ["nothing is published"]
    return [
        f"{what}: {path} is not the same bytes"
        for path in sorted(first.keys() | second.keys())
        if first.get(path) != second.get(path)
    ]


def other_rows(first: Rows, second: Rows) -> list[str]:
    """The rows that are not the same; the journal by content."""
    if first.keys() != second.keys():
        return [f"published are {sorted(first)} and {sorted(second)}"]
    return [line for key in first for line in differences(key, second[key], first[key])]


PROGRAMS = any_cases() if is_long() else cases().map(one_run_each)

LAYOUTS = [
    Layout(formats=("csv",), rows_a_file=1),
    *(Layout(formats=(form,), rows_a_file=4, seed=5) for form in FORMATS),
    Layout(formats=FORMATS, rows_a_file=2, seed=7),
]


def test_files_split_merged_shuffled_and_in_another_format() -> None:
    """§2: stays, the published bytes. May change: the fingerprint of the landing data, in run.json."""

    def found(drawn: tuple[Case, Layout]) -> list[str]:
        case, layout = drawn
        return other_files(files_of(case, Layout()), files_of(case, layout), str(layout))

    verdict = Verdict()
    over(
        st.tuples(PROGRAMS, st.sampled_from(LAYOUTS)),
        share(SHARE_OF_A_RELATION),
        lambda drawn: verdict.demand(drawn[0], found(drawn)),
        name=f"{SEED} layouts",
    )


def test_every_delivery_twice() -> None:
    """§2 "Rows identical in every known column, after defaults, count as one": stays, the bytes."""

    def found(case: Case) -> list[str]:
        twice = Layout(formats=("csv.gz", "parquet"), rows_a_file=7, seed=3, times=2)
        return other_files(files_of(case, Layout()), files_of(case, twice), "twice")

    over_programs("twice", found, PROGRAMS)


def test_threads() -> None:
    """ "whatever the number of threads": stays, the bytes."""

    def found(case: Case) -> list[str]:
        alone = files_of(case)
        return [
            line
            for threads in (2, 8)
            for line in other_files(alone, files_of(case, threads=threads), f"{threads} threads")
        ]

    over_programs("threads", found, PROGRAMS)


def test_a_period_is_run_again() -> None:
    """A rerun on the same inputs: stays, the bytes of all open periods."""

    def found(case: Case) -> list[str]:
        again = replace(case, steps=(*case.steps, *case.steps[-1:]))
        return other_files(files_of(case), files_of(again), "run again")

    over_programs("again", found, cases() if is_long() else PROGRAMS)


def test_periods_in_every_order() -> None:
    """§7 "a backfill may run periods in any order, or side by side, and ends in the same data":
    stays, the bytes, once all periods have been run on the same inputs."""

    def found(case: Case) -> list[str]:
        case = one_run_each(case)
        first = files_of(case)
        return [
            line
            for order in itertools.permutations(case.steps)
            for line in other_files(first, files_of(replace(case, steps=order)), str(order))
        ]

    over_programs("orders", found, cases())


# Renaming.

_IDS = {
    "creator_id": "creator",
    "deal_id": "deal",
    "post_id": "post",
    "event_id": "event",
}


def _kind_of(column: str, row: Row) -> str | None:
    return str(row["subject_type"]) if column == "subject_id" else _IDS.get(column)


def _ids(case: Case) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for landing in case.landings:
        for rows in landing.values():
            for row in rows:
                for column, value in row.items():
                    if kind := _kind_of(column, row):
                        found.setdefault(kind, set()).add(value)
    return {kind: sorted(ids, key=str.encode) for kind, ids in found.items()}


def _renamed(case: Case, names: Mapping[str, Mapping[str, str]]) -> Case:
    def rename(row: Row) -> Row:
        kinds = {column: _kind_of(column, row) for column in row}
        return {
            column: names[kind][value] if (kind := kinds[column]) else value
            for column, value in row.items()
        }

    def change(landing: Landing) -> Landing:
        return {dataset: [rename(row) for row in rows] for dataset, rows in landing.items()}

    return case.with_landing(change)


def _renamed_rows(rows: Rows, names: Mapping[str, Mapping[str, str]]) -> Rows:
    def rename(row: dict[str, Any]) -> dict[str, Any]:
        new = {
            column: names[_IDS[column]].get(value, value) if column in _IDS and value else value
            for column, value in row.items()
        }
        if "account" in row and row["account"] == f"payable:{row['creator_id']}":
            new["account"] = f"payable:{new['creator_id']}"
        return new

    return {
        period: {table: [rename(row) for row in found] for table, found in tables.items()}
        for period, tables in rows.items()
    }


def test_ids_renamed_in_their_order() -> None:
    """Stays: every row, but for the ids in it. Changes: those ids, and the ids of the journal.

    Ids decide by their bytewise order only (§6: ties; §3: least deal_id; §4: then post_id).
    """

    def found(case: Case) -> list[str]:
        names = {
            kind: {old: f"{kind}-{place:04}" for place, old in enumerate(ids)}
            for kind, ids in _ids(case).items()
        }
        before = _renamed_rows(rows_of(case), names)
        after = rows_of(_renamed(case, names))
        entries = {row["entry_id"] for tables in before.values() for row in tables["journal"]}
        kept = [
            row["entry_id"]
            for tables in after.values()
            for row in tables["journal"]
            if row["entry_id"] in entries
        ]
        return other_rows(before, after) + [f"entry {entry} has its old id" for entry in kept]

    over_programs("renamed", found, PROGRAMS)


# Somebody who earns nothing.

STRANGER = "\U0010fffe stranger"


def test_an_ineligible_creator_is_added() -> None:
    """Stays: every row of all others. Changes: the stranger has rows, with its reasons and 0."""

    def found(case: Case) -> list[str]:
        noons = _noons(case)
        grown = case.with_landing(lambda landing: _with_stranger(landing, noons))
        before, after = rows_of(case), rows_of(grown)
        lines = []
        for period, tables in after.items():
            own = {
                table: [row for row in rows if row.get("creator_id") == STRANGER]
                for table, rows in tables.items()
            }
            shown = {table for table, rows in own.items() if rows}
            expected = {"creator_eligibility", "post_eligibility", "payout_ledger"}
            if shown != expected | {"settlement_parties"}:
                lines.append(f"{period}: the stranger is in {sorted(shown)}")
            lines += [
                f"{period}: the stranger has {row}"
                for row in own["payout_ledger"]
                if row["status"] != "none" or row["payable_minor"]
            ]
            for table, rows in own.items():
                tables[table] = [row for row in tables[table] if row not in rows]
        return lines + other_rows(before, after)

    over_programs("stranger", found, PROGRAMS)


def _with_stranger(landing: Landing, noons: list[str]) -> Landing:
    """Adds a creator of an account type that is known nowhere to a deal, with a post of great counts."""
    early = "2000-01-01T00:00:00Z"
    deal = landing["deals"][0]
    programs = sorted({row["program"] for row in landing["deals"]} - {"another"})
    assume(programs)
    added: dict[str, list[Row]] = {
        "creators": [
            {
                "creator_id": STRANGER,
                "account_type": "personal",
                "market": "no market",
                "updated_at": early,
            }
        ],
        "deals": [
            {
                "deal_id": STRANGER,
                "program": programs[0],
                "creator_id": STRANGER,
                "invited_at": early,
                "activated_at": early,
                "ends_at": deal["ends_at"],
                "updated_at": early,
            }
        ],
        "posts": [
            {
                "post_id": STRANGER,
                "creator_id": STRANGER,
                "content_type": "reel",
                "published_at": early,
                "is_branded_content": False,
                "is_collab": False,
                "has_watermark": False,
                "is_original": True,
                "updated_at": early,
            }
        ],
        "post_metrics": [
            {"post_id": STRANGER, "observed_at": day, "views": number * 10**12, "likes": number}
            for number, day in enumerate(noons)
        ],
    }
    return {dataset: [*rows, *added.get(dataset, [])] for dataset, rows in landing.items()}


def _noons(case: Case) -> list[str]:
    """A noon in each period."""
    program = YAML(typ="base").load(case.program)
    return [f"{period['starts_on']}T12:00:00Z" for period in program["periods"]]


# Scaling.

TIMES = 10


def _program_changed(case: Case, change: Callable[[dict[str, Any]], None]) -> Case:
    program = _numbered(YAML(typ="base").load(case.program))
    change(program)
    return replace(case, program=as_yaml(program))


def _numbered(value: Any) -> Any:
    """What `as_yaml` takes: numbers out of their texts."""
    if isinstance(value, dict):
        return {key: _numbered(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_numbered(entry) for entry in value]
    is_number = value.replace(".", "", 1).isdigit() and value.isascii()
    return Decimal(value) if is_number else value


def _weights(program: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    return [
        (weights, count)
        for terms in program["terms"]
        for weights in terms["weights"].values()
        for count in weights
    ]


def _to_three_decimals(program: dict[str, Any]) -> None:
    for weights, count in _weights(program):
        weights[count] = weights[count].quantize(Decimal("0.001"))


def _scaled(program: dict[str, Any]) -> None:
    for weights, count in _weights(program):
        weights[count] /= TIMES
    for terms in program["terms"]:
        if "minimum_views" in terms["eligibility"]:
            terms["eligibility"]["minimum_views"] *= TIMES


_COUNTS = (*COUNTS, "ineligible_views")
_PUBLISHED_COUNTS = {
    "post_eligibility": ("qualified_views",),
    "post_scores": SCORED_COUNTS,
    "post_increments": SCORED_COUNTS,
}


def _more(landing: Landing) -> Landing:
    rows = [
        {column: value * TIMES if column in _COUNTS else value for column, value in row.items()}
        for row in landing["post_metrics"]
    ]
    return {**landing, "post_metrics": rows}


def test_counts_and_thresholds_scaled_together() -> None:
    """All counts and minimum_views times 10, all weights by 10: points are exactly what they were.

    Stays: every decision, points, amounts, ledger and journal. Changes: the published counts, which
    are 10 times what they were.
    """

    def found(case: Case) -> list[str]:
        greatest = max(row["views"] for landing in case.landings for row in landing["post_metrics"])
        assume(greatest <= 10**14)
        case = _program_changed(case, _to_three_decimals)
        before = rows_of(case)
        after = rows_of(_program_changed(case.with_landing(_more), _scaled))
        for tables in before.values():
            for table, columns in _PUBLISHED_COUNTS.items():
                for row in tables[table]:
                    row |= {name: row[name] * TIMES for name in columns if row[name] is not None}
        return other_rows(before, after)

    over_programs("scaled", found, PROGRAMS)


# The machine.

ENVIRONMENTS = (
    {"TZ": "UTC", "LC_ALL": "C"},
    {"TZ": "Pacific/Apia", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    {"TZ": "America/St_Johns", "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"},
)


@pytest.mark.long  # a process for each
def test_time_zone_and_locale_of_the_machine(tmp_path: Path) -> None:
    """Stays: the bytes. Each environment is a process of its own, over the same programs."""
    drawn: list[Case] = []
    over(PROGRAMS, share(SHARE_OF_A_RELATION), drawn.append, name=f"{SEED} machine")
    for number, case in enumerate(drawn):
        (tmp_path / f"{number}.json").write_text(case.to_json(), encoding="utf-8")
    hashes = []
    for environment in ENVIRONMENTS:
        done = subprocess.run(
            [sys.executable, "-m", "tests.proof.replay", str(tmp_path)],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        hashes.append(json.loads(done.stdout))
    assert len(hashes[0]) == len(drawn)
    for environment, found in zip(ENVIRONMENTS[1:], hashes[1:], strict=True):
        verdict = Verdict()
        for number, case in enumerate(drawn):
            own, other = hashes[0][str(number)], found[str(number)]
            assert own
            lines = [f"{environment}: {path}" for path in own if own[path] != other.get(path)]
            verdict.demand(case, lines)
