"""Runs that begin with everything imported: each is forked off a process that has done nothing but import.

Dagster's code server starts a process for every run, which then imports Dagster, dbt and Great Expectations
anew: six seconds of a core. Here Python's own fork server (`multiprocessing`) imports them once. A run is
still a process of its own, with its gates' process beside, so none can fail for another.

Belongs here: what the fork server imports, and how the code server is told of it. Does not: what a run does.
"""

from __future__ import annotations

import os
from multiprocessing import forkserver, process
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any, Final

from orchestration.pipeline.gate_worker import WORKER

_IMPORTS: Final = "orchestration.web.warm_imports"

# Threads do not outlive a fork. Two libraries begin one as they are imported, unless they are told not to.
_ONE_THREAD: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}


class _Process(ForkServerProcess):
    """A run, which forks its gates' process off while it has one thread, then does what it is for."""

    def run(self) -> None:
        WORKER.fork()
        super().run()


class WarmContext(ForkServerContext):
    """The context by which `multiprocessing` makes processes, in place of Dagster's `spawn`."""

    Process = _Process


def prepare(folder: Path) -> None:
    """Has the fork server's socket in a folder that is this user's alone, and all imported in it."""
    for name, value in _ONE_THREAD.items():
        os.environ.setdefault(name, value)
    process.current_process()._config["tempdir"] = str(folder)  # type: ignore[attr-defined]
    WarmContext().set_forkserver_preload([_IMPORTS])


def begin() -> None:
    """Starts the fork server, so that it has imported all before the first run."""
    forkserver.ensure_running()


def use_for_runs() -> None:
    """From now on Dagster's code server, which is made afterwards, takes its processes from here."""
    from dagster._grpc import server

    class Server(server.DagsterApiServer):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._mp_ctx = WarmContext()  # type: ignore[assignment]

    server.DagsterApiServer = Server  # type: ignore[misc]
