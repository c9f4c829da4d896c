"""`python -m tests.integration.warm_probe FOLDER`: runs of `bonus ui` without a UI, told as one JSON object.

The definitions' home is BONUS_HOME.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from orchestration.pipeline.gate_worker import WORKER, run_gate
from orchestration.web import warm_runs

HEAVY = {"dagster", "dbt.cli.main", "great_expectations", "pyarrow"}


def threads(process: int) -> int:
    return len(os.listdir(f"/proc/{process}/task"))


def lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def told(answers: Connection, database: str) -> None:
    """A run: says what it has, asks a gate, then waits to be told to end."""
    imported, worker = HEAVY & sys.modules.keys(), WORKER._process
    result = run_gate("ledger", Path(database))
    answers.send(
        {
            "imported": sorted(imported),
            "threads_of_server": threads(os.getppid()),
            "server": os.getppid(),
            "process": os.getpid(),
            "gates": worker.pid,
            "states": sorted({row.state for row in result.results}),
        }
    )
    answers.recv()


def run_in(context: warm_runs.WarmContext, database: Path) -> tuple[Any, Connection, Any]:
    here, there = context.Pipe()
    process = context.Process(target=told, args=(there, str(database)))
    process.start()
    there.close()
    if not here.poll(120):
        raise TimeoutError("a run says nothing")
    return process, here, here.recv()


def gone(process: int) -> bool:
    until = time.monotonic() + 30
    while lives(process) and time.monotonic() < until:
        time.sleep(0.05)
    return not lives(process)


def main(folder: Path) -> None:
    warm_runs.prepare(folder)
    warm_runs.begin()
    context = warm_runs.WarmContext()
    killed, _, first = run_in(context, folder.parent / "none.duckdb")
    other, to_other, second = run_in(context, folder.parent / "none.duckdb")
    os.kill(killed.pid, signal.SIGKILL)
    killed.join()
    first["gates_gone"], second["lives_on"] = gone(first["gates"]), other.is_alive()
    to_other.send("end")
    other.join(30)
    second["gates_gone"] = gone(second["gates"])
    statuses = [killed.exitcode, other.exitcode]
    sockets = [path.name.partition("-")[0] for path in folder.iterdir()]
    print(json.dumps({"runs": [first, second], "statuses": statuses, "sockets": sockets}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
