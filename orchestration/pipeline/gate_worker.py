"""Runs a gate's suite in the worker process, which is started early since it takes seconds to import."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

from expectations.suite import GateResult
from orchestration.pipeline.engine_limits import EngineLimits


class GateWorker:
    """One worker process for Great Expectations, for as long as this object lives."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Starts the process, so that it imports while ingest runs; nothing if it runs already."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "expectations.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            # Drained, or a chatty library would block on a full pipe.
            self._errors: list[str] = []
            threading.Thread(target=self._drain, args=(self._process,), daemon=True).start()

    def run(self, suite: str, database: Path, limits: EngineLimits) -> GateResult:
        """The result of a suite over a DuckDB file, within limits; RuntimeError if the worker died."""
        request = {
            "suite": suite,
            "database": str(database),
            "settings": {"threads": limits.threads, "memory_limit": limits.memory},
        }
        with self._lock:
            self.start()
            process = self._process
            assert process is not None and process.stdin and process.stdout
            try:
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
                answer = process.stdout.readline()
            except BrokenPipeError:
                answer = ""
            if not answer:
                raise RuntimeError(
                    "the process that runs the gates has died; nothing was published. "
                    + "".join(self._errors[-5:])
                )
            return GateResult.from_json(json.loads(answer))

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None and self._process.poll() is None:
            assert self._process.stdin
            self._process.stdin.close()
            self._process.wait(timeout=30)
        self._process = None

    def _drain(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr
        for line in process.stderr:
            self._errors.append(line)
            del self._errors[:-50]


WORKER = GateWorker()
"""The one of this process."""


def run_gate(suite: str, database: Path, limits: EngineLimits | None = None) -> GateResult:
    """Runs a suite in this process's worker; a plain function, since Dagster copies what holds it.

    Without `limits` they follow from the machine.
    """
    return WORKER.run(suite, database, limits or EngineLimits.of({}))
