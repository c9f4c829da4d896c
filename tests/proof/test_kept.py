"""What runs keep of landing files for later ones changes nothing (docs/architecture.md, "The way of a snapshot").

Two homes go through the same steps: one keeps, and loses now and then what it has kept, the other
keeps nothing. After each step both have the same published bytes, and the same verdicts of all gates.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from orchestration.ingest import file_cache
from orchestration.pipeline.flow import run_all
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import GateFailed, Refused
from orchestration.pipeline.run_state import last_run
from orchestration.terms.load import load_program
from orchestration.terms.model import Period
from tests.conftest import published_files
from tests.contract import COUNTS
from tests.keeping import everything_is_kept
from tests.proof.campaign import PROGRAMS, Verdict, is_long, over, parts
from tests.proof.cases import FORMATS, Case, Landing, Layout, Row, text_of, write_landing
from tests.proof.product import fast_run, new_home
from tests.proof.programs import any_cases

SEQUENCES = min(500, PROGRAMS) if is_long() else 2
SEQUENCES_A_PART = 50
STEPS = 4


def _meddle(kept: Path, dice: random.Random) -> None:
    """Nothing, or: half of the cache is gone, all of it, or a byte of some files is another one."""
    how = dice.choice(["not", "not", "half", "all", "damage"])
    for entry in sorted(kept.iterdir()) if kept.exists() else ():
        if how == "all" or (how == "half" and dice.random() < 0.5):
            shutil.rmtree(entry)
        if how == "damage" and dice.random() < 0.5:
            path = dice.choice(sorted(entry.iterdir()))
            data = bytearray(path.read_bytes())
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            path.write_bytes(bytes(data))


def _add_snapshots(
    landed: Landing,
    landing: Path,
    periods: Sequence[Period],
    dice: random.Random,
    share: float = 1.0,
) -> None:
    """Many snapshots of each post, from before the first period to after the last, files of some days each.

    Counts mostly grow, now and then one falls or is not reported; some snapshots come twice. A `share`
    below 1 delivers some of them anew, later and with other counts.
    """
    first = periods[0].starts_on - timedelta(days=12)
    last = periods[-1].ends_on + timedelta(days=12)
    blocks: dict[int, list[Row]] = defaultdict(list)
    for post in sorted({row["post_id"] for row in landed["posts"]}):
        counts = dict.fromkeys(COUNTS, 0)
        hides = dice.choice([0, 0, 0, 0.2])
        for step in range((last - first).days * 2):
            at = datetime.combine(first, time(), UTC) + timedelta(
                hours=12 * step + dice.choice([0, 0, 5])
            )
            for name in counts:
                counts[name] = max(
                    0, counts[name] + dice.choice([0, 1, 3, 9, 9] + [-2] * (hides > 0))
                )
            if dice.random() > 0.7 * share:
                continue
            late = timedelta(hours=0 if share == 1 else dice.choice([40, 41]))
            row = {"post_id": post, "observed_at": text_of(at), "delivered_at": text_of(at + late)}
            row |= {
                name: n for name, n in counts.items() if name == "views" or dice.random() >= hides
            }
            blocks[step // dice.choice([8, 8, 8, 11])].append(row)
            if dice.random() < 0.02:
                again = row | {
                    "delivered_at": text_of(at + timedelta(hours=30)),
                    "views": counts["views"] + 1,
                }
                blocks[(step + dice.choice([0, 3])) // 8].append(again)
    for number, rows in blocks.items():
        form = dice.choice(FORMATS)
        own = landing.with_name(f"own-{dice.random()}")
        write_landing(
            {"post_metrics": rows}, own, Layout((form,), dice.choice([10**6, 40]), seed=number)
        )
        for file in sorted((own / "post_metrics").rglob("*.*")):
            file.rename(landing / "post_metrics" / f"{own.name}-{number}-{file.name}")


def _outcome(
    home: Home, program: Path, period: str, landing: Path, number: int, cache_bytes: int
) -> Any:
    """What one run leaves: its error, its gates' verdicts, and all that is published."""
    name = load_program(program).program.program
    run = fast_run(home, name, period, f"run-{number}", "ada")
    error = ""
    try:
        run_all(replace(run, cache_bytes=cache_bytes), program, landing)
    except (GateFailed, Refused) as refused:
        error = str(refused).replace(str(home.path), "")
    last = last_run(home, name, period)
    gates = {stage: gate.to_json() for stage, gate in last.gates.items()} if last else {}
    return error, gates, published_files(home.path)


def _differences(case: Case, dice: random.Random) -> list[str]:
    """Deliveries, withdrawals of files, restatements and runs, in any order."""
    with tempfile.TemporaryDirectory(prefix="kept-") as folder, everything_is_kept():
        place = Path(folder)
        program = place / "program.yaml"
        program.write_text(case.program, encoding="utf-8")
        periods = load_program(program).program.periods
        keeping, forgetting = new_home(place / "keeping"), new_home(place / "forgetting")
        landing = place / "landing"
        layout = Layout(
            formats=tuple(dice.sample(FORMATS, 3)), rows_a_file=dice.randint(1, 6), seed=1
        )
        for number in range(STEPS):
            if number == 0 or dice.random() < 0.3:
                shutil.rmtree(landing, ignore_errors=True)
                landed = dice.choice(case.landings)
                write_landing(landed, landing, layout)
                _add_snapshots(landed, landing, periods, dice)
            if dice.random() < 0.3:
                _add_snapshots(dice.choice(case.landings), landing, periods, dice, share=0.1)
            for file in sorted((landing / "post_metrics").rglob("*.*")):
                if dice.random() < 0.1:
                    file.unlink()
            _meddle(keeping.kept_files, dice)
            period = dice.choice(case.periods)
            kept = _outcome(keeping, program, period, landing, number, file_cache.MOST_BYTES)
            fresh = _outcome(forgetting, program, period, landing, number, 0)
            for what, one, two in zip(("error", "gates", "files"), kept, fresh, strict=True):
                if one != two:
                    return [f"step {number}, {period}: other {what}", str(one), str(two)]
    return []


@pytest.mark.parametrize(("seed", "sequences"), parts(SEQUENCES, SEQUENCES_A_PART))
def test_any_sequence_of_runs_gives_what_a_home_that_keeps_nothing_gives(
    seed: str, sequences: int
) -> None:
    verdict = Verdict()
    over(
        st.tuples(any_cases(), st.integers(0, 2**32)),
        sequences,
        lambda drawn: verdict.demand(drawn[0], _differences(drawn[0], random.Random(drawn[1]))),
        name=f"{seed} kept",
        shrink=False,
    )
