"""`python -m tests.integration.fresh_home FOLDER SAMPLE DYING...`: ten processes make a home at once.

What a command does to a home before its period's run begins is done by ten processes at the same instant:
they are forked from this one, which has imported everything, so nothing but the home keeps them apart.
There is a round for each number DYING, in a fresh home, `FOLDER/home-0` and so on. The first DYING
processes of a round are killed soon after. Says as JSON, for each round, how each of them ended: "well",
"killed", or its traceback.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

import dagster as dg

from orchestration.dagster_glue.period_states import period_states
from orchestration.dagster_glue.run_in_process import register
from orchestration.pipeline.home import Home
from orchestration.terms.load import load_program

PROCESSES = 10
STATUS_ONLY = 5
"""Every fifth only looks, as `bonus status` does; the others make a run, as `bonus run` does."""


@dg.op
def nothing() -> None:
    """Does nothing."""


@dg.job
def a_job() -> None:
    nothing()


def a_command(home: Path, sample: Path, number: int) -> None:
    """What `bonus run` and `bonus status` do first."""
    place, loaded = Home(home), load_program(sample / "program.yaml")
    place.prepare()
    os.environ["DAGSTER_HOME"] = str(place.dagster)
    if number % STATUS_ONLY == STATUS_ONLY - 1:
        period_states(place, loaded)
        return
    instance = register(place, loaded, sample / "landing")
    run = instance.create_run_for_job(a_job)
    instance.report_engine_event("made", run)


def fork(home: Path, sample: Path, number: int, go: int, said: Path) -> int:
    """A process that waits for a byte from `go`, then does it; its number."""
    pid = os.fork()
    if pid:
        return pid
    os.read(go, 1)
    try:
        a_command(home, sample, number)
        ended = "well"
    except BaseException:
        ended = traceback.format_exc()
    said.with_suffix(".part").write_text(ended)
    said.with_suffix(".part").rename(said)
    os._exit(0)


def a_round(home: Path, sample: Path, dying: int) -> list[str]:
    """How each of ten processes ended."""
    go, starter = os.pipe()
    said = [home.with_name(f"{home.name}-said-{number}") for number in range(PROCESSES)]
    pids = []
    for number in range(PROCESSES):
        pids.append(fork(home, sample, number, go, said[number]))
    os.write(starter, b"." * PROCESSES)
    for pid in pids[:dying]:
        time.sleep(random.uniform(0, 0.15))
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        os.waitpid(pid, 0)
    os.close(go)
    os.close(starter)
    return [file.read_text() if file.exists() else "killed" for file in said]


def main() -> None:
    folder, sample = Path(sys.argv[1]), Path(sys.argv[2])
    rounds = enumerate(map(int, sys.argv[3:]))
    print(json.dumps([a_round(folder / f"home-{n}", sample, dying) for n, dying in rounds]))


if __name__ == "__main__":
    main()
