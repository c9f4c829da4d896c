"""The process that runs gates (§8): an answer is taken for its own question only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.pipeline import dbt_runner
from orchestration.pipeline.engine_limits import EngineLimits
from orchestration.pipeline.gate_worker import GateWorker

# Answers each question with the name of the database that was asked about, in place of the suite's.
ECHO = """
import json, sys
for line in sys.stdin:
    print(json.dumps({"suite": json.loads(line)["database"], "results": [], "stake": None}), flush=True)
"""


def _start(worker: GateWorker) -> None:
    if worker._process is None:
        worker._process = subprocess.Popen(
            [sys.executable, "-S", "-c", ECHO],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


def test_an_answer_that_nobody_waited_for_is_none_to_the_next_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else each period after it in the process would be judged by the gate before, the last one by none."""
    monkeypatch.setattr(GateWorker, "start", _start)
    faults = iter([OSError("the disk is full")])

    def warm_up() -> None:
        for fault in faults:
            raise fault

    monkeypatch.setattr(dbt_runner, "warm_up", warm_up)
    worker, limits = GateWorker(), EngineLimits.of({})
    with pytest.raises(OSError, match="the disk is full"):
        worker.run("ingest", Path("first"), limits)
    try:
        assert worker.run("ingest", Path("second"), limits).suite == "second"
        assert worker.run("staging", Path("third"), limits).suite == "third"
    finally:
        worker.close()


def test_no_file_of_the_working_directory_answers_for_a_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever could write where somebody runs, as in a folder of deliveries, said so that every gate holds."""
    package = tmp_path / "expectations"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "worker.py").write_text(ECHO, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    worker = GateWorker()
    try:
        result = worker.run("staging", tmp_path / "no.duckdb", EngineLimits.of({}))
        assert (result.suite, result.held) == ("staging", False)
    finally:
        worker.close()
