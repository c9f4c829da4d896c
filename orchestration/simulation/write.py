"""The files of `bonus simulate` (§13)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.publishing.export import export_tables
from orchestration.reports.page import render
from orchestration.simulation.changes import differences, summary
from orchestration.simulation.page import simulation_page
from orchestration.simulation.simulate import Simulated
from orchestration.terms.model import Program

if TYPE_CHECKING:
    import pandas as pd


def write_simulation(program: Program, pairs: Mapping[str, Simulated], out: Path) -> dict[str, Any]:
    """Writes tables, differences.csv, classes.csv, summary.json and index.html; gives the summary.

    OSError if the folder cannot be written.
    """
    import pandas as pd

    for period, pair in pairs.items():
        export_tables(pair.after, out / period)
    rows = pd.concat([differences(period, pair) for period, pair in pairs.items()])
    _write_csv(rows, out / "differences.csv")
    periods = [summary(period, pair, program.currency) for period, pair in pairs.items()]
    told: dict[str, Any] = {
        "program": program.program,
        "currency": program.currency,
        "state": "simulated",
        "periods": periods,
    }
    classes = [{"period": entry["period"], **row} for entry in periods for row in entry["classes"]]
    _write_csv(pd.DataFrame(classes, dtype=object), out / "classes.csv")
    text = json.dumps(told, indent=1, ensure_ascii=False)
    (out / "summary.json").write_text(text + "\n", encoding="utf-8")
    (out / "index.html").write_text(render(simulation_page(told, len(rows))), encoding="utf-8")
    return told


def _write_csv(rows: pd.DataFrame, path: Path) -> None:
    """As tables are exported (§9): header, UTF-8, LF, empty = null."""
    rows.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
