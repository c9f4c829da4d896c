"""Runs a gate's suite in the worker process, which is started early since it takes seconds to import."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Protocol

from expectations.suite import GateResult
from orchestration.pipeline.engine_limits import EngineLimits

Gate = Callable[[str, Path], GateResult]
"""(suite, database) -> what became of it."""

BEFORE_MODELS: Final = "ingest"
"""The suite behind which models are built: by dbt, which takes a second or two to import."""


class _Process(Protocol):
    """The process of a worker, as `subprocess.Popen` has it."""

    @property
    def stdin(self) -> IO[str] | None: ...
    @property
    def stdout(self) -> IO[str] | None: ...
    @property
    def stderr(self) -> IO[str] | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...


class GateWorker:
    """One worker process for Great Expectations, for as long as this object lives."""

    def __init__(self) -> None:
        self._process: _Process | None = None
        self._lock = threading.Lock()
        self._errors: list[str] = []
        self._is_drained = False

    def start(self) -> None:
        """Starts the process, so that it imports while ingest runs; nothing if it runs already."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                # -P: else a folder `expectations` where somebody stands would be the gates.
                [sys.executable, "-P", "-m", "expectations.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            self._is_drained = False

    def fork(self) -> None:
        """Forks the process off this one, which has one thread and has imported what it needs."""
        self._process = _Forked()
        self._is_drained = False

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
            self._drain()
            try:
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
                if suite == BEFORE_MODELS:
                    # The worker may still be importing, and meanwhile so does this process.
                    from orchestration.pipeline.dbt_runner import warm_up

                    warm_up()
                answer = process.stdout.readline()
            except BrokenPipeError:
                answer = ""
            except BaseException:
                self._leave(process)
                raise
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

    def _leave(self, process: _Process) -> None:
        """Leaves a process that still owes an answer, and so ends it: the next question would get that one."""
        self._process = None
        for end in (process.stdin, process.stdout):
            with suppress(OSError):
                if end is not None:
                    end.close()

    def _drain(self) -> None:
        """From now on reads what the worker says, or a chatty library would block on a full pipe."""
        if self._process is None or self._is_drained:
            return
        said = self._process.stderr
        errors: list[str] = []

        def read() -> None:
            for line in said or ():
                errors.append(line)
                del errors[:-50]

        threading.Thread(target=read, daemon=True).start()
        self._errors, self._is_drained = errors, True


class _Forked:
    """A worker that was forked off this process."""

    def __init__(self) -> None:
        requests, answers, errors = os.pipe(), os.pipe(), os.pipe()
        self.pid = os.fork()
        if not self.pid:
            _work([requests[0], answers[1], errors[1]], [requests[1], answers[0], errors[0]])
        for end in (requests[0], answers[1], errors[1]):
            os.close(end)
        self.stdin: IO[str] = os.fdopen(requests[1], "w", encoding="utf-8")
        self.stdout: IO[str] = os.fdopen(answers[0], encoding="utf-8")
        self.stderr: IO[str] = os.fdopen(errors[0], encoding="utf-8", errors="replace")
        self._status: int | None = None

    def poll(self) -> int | None:
        """Its exit status; None as long as it lives."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        """Waits until it has ended; it has closed its output before, so that is soon."""
        self.stdout.read()
        until = time.monotonic() + (timeout or 0)
        while (status := self.poll()) is None:
            if timeout is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired("expectations.worker", timeout)
            time.sleep(0.01)
        return status


def _work(own: list[int], others: list[int]) -> None:
    """Is the worker, in a process that was forked for it; does not return."""
    try:
        # Who ends a run ends its standard input; Ctrl-C, which reaches all, is for the run to see to.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for end in others:
            os.close(end)
        for number, end in enumerate(own):
            os.dup2(end, number)
            os.close(end)
        sys.stdin, sys.stdout = os.fdopen(0, encoding="utf-8"), os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8")
        from expectations.worker import main

        main()
    finally:
        os._exit(1)


WORKER = GateWorker()
"""The one of this process."""


def run_gate(suite: str, database: Path, limits: EngineLimits | None = None) -> GateResult:
    """Runs a suite in this process's worker; a plain function, since Dagster copies what holds it.

    Without `limits` they follow from the machine.
    """
    return WORKER.run(suite, database, limits or EngineLimits.of({}))
