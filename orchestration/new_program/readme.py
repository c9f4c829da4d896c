"""The README of a new program: what is where, what to deliver, how to run it."""

from __future__ import annotations

import re
from typing import Final

from orchestration.described.contract_docs import CONTRACT, LANDING_DATA, DocTable, doc_tables
from orchestration.ingest.datasets import DATASETS
from orchestration.new_program.answers import Answers

_START: Final = """\
# {program}

Written by `bonus init`. All here is yours to change. Commands are typed in this folder.

| what | is |
| --- | --- |
| `program.yaml` | the rules: who earns, for what, how much, when. Every amount is a proposal |
| `landing/` | where deliveries go, a folder for each dataset |
| `example/landing/` | a few creators made up, to see a run. Delete it when you have seen it |
| `schemas/` | JSON Schemas: of the program file, by which an editor completes it, and of a row of each dataset |

## Try it

```
{command}
```

`paid-{market}` is paid, `small` earned less than `minimum_payout` and is carried to the next period, `waiting` has no
activated deal and earns nothing.

## Your own data

1. Go through `program.yaml`, and decide on each amount and rule.
2. Deliver into `landing/`, as below.
3. Check what you delivered, run a period, look at it, and have somebody else close it:

```
export BONUS_PROGRAM=program.yaml BONUS_LANDING=landing BONUS_HOME=home
bonus check
bonus run {period} --by ada
bonus export {period} --out export
bonus close {period} --by grace
```

`bonus` on its own says what can be done next.

## What to deliver

- Each dataset is a folder in `landing/`. It holds any number of files. Their names end in `.csv`, `.jsonl`, `.parquet`
  (CSV and JSON lines also with `.gz` or `.zst` behind). A name that begins with `_` or `.` is skipped: copy
  `_header.csv` under another name to begin a CSV file.
- Columns go by name, in any order. An optional column may be left out, or a value in it empty; then its default counts.
- Instants are written as `2025-01-05T08:00:00Z`, days as `2025-01-05`, flags as `true` and `false`.
- Nothing is changed in a file that was delivered: a correction is a further row with a later version (`updated_at`,
  `delivered_at`).
- A dataset without rows keeps its folder. That is possible for {may_be_empty}, and for fx_rates where all is in
  {currency}.
"""

_MAY_BE_EMPTY: Final = ("audience", "policy_events")


def readme(answers: Answers, command: str) -> str:
    """The whole text; `command` runs the example, typed in the folder of the README."""
    start = _START.format(
        program=answers.program,
        command=command,
        market=next(iter(answers.markets)),
        period=f"{answers.first:%Y-%m}",
        may_be_empty=" and ".join(_MAY_BE_EMPTY),
        currency=answers.currency,
    )
    return start + "".join(_dataset(name) for name in (dataset.name for dataset in DATASETS))


def _dataset(name: str) -> str:
    """The contract's part about a dataset: its sentences and its table of columns."""
    text = (CONTRACT / LANDING_DATA).read_text(encoding="utf-8")
    part = text.split(f"\n### {name}\n", 1)[1].split("\n### ", 1)[0]
    sentences = part.split("\n|", 1)[0].strip()
    (table,) = doc_tables(f"{part.split('```', 1)[0]}\n")
    return f"\n### {name}\n\n{_plain(sentences)}\n\n{_table(table)}"


def _table(table: DocTable) -> str:
    rows = [table.columns, ("---",) * len(table.columns), *(row.values() for row in table.rows)]
    return "".join(f"| {' | '.join(_plain(cell) for cell in row)} |\n" for row in rows)


def _plain(text: str) -> str:
    """Without links and sections of the contract, which is not beside this file."""
    return re.sub(r" \(§[^)]*\)|\[([^]]*)\]\([^)]*\)", lambda found: found[1] or "", text)
