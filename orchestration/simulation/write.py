"""The files of `bonus simulate` (§13)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from orchestration.publishing.export import export_tables
from orchestration.reports.page import Page, render
from orchestration.simulation.changes import differences, summary
from orchestration.simulation.page import simulation_page, variants_page
from orchestration.simulation.simulate import Simulated
from orchestration.terms.load import LoadedProgram

if TYPE_CHECKING:
    import pandas as pd

SIMULATED_PROGRAM: Final = "simulated-program.yaml"
"""Not program.yaml: who writes beside the program file must not lose it."""


def write_simulation(
    other: LoadedProgram, settings: Sequence[str], pairs: Mapping[str, Simulated], out: Path
) -> dict[str, Any]:
    """Writes the files of a simulation by the program file `other`; gives the summary.

    `settings` are the values that were set in it, for people to see.

    OSError if the folder cannot be written.
    """
    import pandas as pd

    out.mkdir(parents=True, exist_ok=True)
    (out / SIMULATED_PROGRAM).write_bytes(other.content)
    program = other.program
    for period, pair in pairs.items():
        export_tables(pair.after, out / period)
    rows = pd.concat([differences(period, pair) for period, pair in pairs.items()])
    _write_csv(rows, out / "differences.csv")
    periods = [summary(period, pair, program.currency) for period, pair in pairs.items()]
    told: dict[str, Any] = {
        "program": program.program,
        "currency": program.currency,
        "state": "simulated",
        "file": str(other.path),
        "set": list(settings),
        "periods": periods,
    }
    classes = [{"period": entry["period"], **row} for entry in periods for row in entry["classes"]]
    _write_csv(pd.DataFrame(classes, dtype=object), out / "classes.csv")
    _write_page(told, simulation_page(told, len(rows)), out)
    return told


def write_variants(variants: Sequence[Mapping[str, Any]], out: Path) -> dict[str, Any]:
    """Writes the summary and the page of several simulations side by side; gives the summary.

    A variant is what `write_simulation` gives, with its folder below `out`.
    """
    first = variants[0]
    told = {
        "program": first["program"],
        "currency": first["currency"],
        "state": first["state"],
        "variants": [
            {name: each[name] for name in ("variant", "file", "set", "periods")}
            for each in variants
        ],
    }
    _write_page(told, variants_page(told), out)
    return told


def _write_page(told: Mapping[str, Any], page: Page, out: Path) -> None:
    text = json.dumps(told, indent=1, ensure_ascii=False)
    (out / "summary.json").write_text(text + "\n", encoding="utf-8")
    (out / "index.html").write_text(render(page), encoding="utf-8")


def _write_csv(rows: pd.DataFrame, path: Path) -> None:
    """As tables are exported (§9): header, UTF-8, LF, empty = null."""
    rows.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
