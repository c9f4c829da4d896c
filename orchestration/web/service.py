"""`python -m orchestration.web.service NAME ...`: one of the three processes of `bonus ui`.

    code FOLDER [PROGRAM LANDING]   holds the definitions, and starts the runs that are launched
    daemon FOLDER                   schedules, sensors, backfills and the queue of runs
    web FOLDER FD                   answers browsers on a socket that is listening already

They meet at sockets in FOLDER. Each is the leader of a process group, to which its runs and gate
workers belong too. Standard input is a pipe to who started it: when that ends, in whatever way, the
pipe does too, and the group ends itself.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from orchestration.dagster_glue.origin import LOCATION
from orchestration.foundations.collector import collect_seldom

DEFINITIONS: Final = "orchestration.dagster_glue.served"
PATIENCE_SECONDS: Final = 10.0
"""From being asked to end to being killed."""

_LOOK_SECONDS = 0.05
_BACKFILL_SECONDS: Final = 3


def main(arguments: Sequence[str]) -> None:
    """Runs the service of that name until it is asked to end."""
    name, folder, *rest = arguments
    collect_seldom()
    end_with_parent(Path(folder))
    services: dict[str, Callable[..., None]] = {"code": code, "daemon": daemon, "web": web}
    try:
        services[name](Path(folder), *rest)
    except KeyboardInterrupt:
        return
    except Exception as error:
        if os.environ.get("BONUS_TRACEBACK"):
            raise
        from orchestration.foundations.unexpected import unexpected

        print(unexpected(type(error).__name__, str(error)), file=sys.stderr)
        print("(set BONUS_TRACEBACK=1 for the traceback)", file=sys.stderr)
        sys.exit(1)


def end_with_parent(folder: Path) -> None:
    """From now on, ends this process's group, and the folder, once standard input has come to its end."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        shutil.rmtree(folder, ignore_errors=True)
        own = os.getpgid(0)
        os.killpg(own, signal.SIGINT)
        time.sleep(PATIENCE_SECONDS)
        os.killpg(own, signal.SIGKILL)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def code_socket(folder: Path) -> Path:
    """The socket at which the service `code` is asked for definitions and runs."""
    return folder / "code.sock"


def workspace_file(folder: Path) -> Path:
    """Says to Dagster where the code service is."""
    return folder / "workspace.yaml"


def write_workspace(folder: Path) -> None:
    """Writes that file, as JSON, which is YAML too."""
    server = {"location_name": LOCATION, "socket": str(code_socket(folder))}
    workspace_file(folder).write_text(
        json.dumps({"load_from": [{"grpc_server": server}]}), encoding="utf-8"
    )


def code(folder: Path, *files: str) -> None:
    """Makes the instance, and program and periods known to it, before the others look at it."""
    from dagster._cli.api import grpc_command

    from orchestration.dagster_glue.instance import open_instance
    from orchestration.pipeline.home import Home
    from orchestration.web import warm_runs

    home = Home(Path(os.environ["BONUS_HOME"]))
    if files:
        from orchestration.dagster_glue.run_in_process import register
        from orchestration.ingest.landing_place import landing_at
        from orchestration.terms.load import load_program

        program, landing = files
        register(home, load_program(Path(program)), landing_at(landing))
    else:
        open_instance(home)
    if sys.platform == "linux":  # elsewhere libraries of the system may not survive a fork
        warm_runs.prepare(folder)
        warm_runs.use_for_runs()
        threading.Thread(target=_begin_warm, args=(folder,), name="warm", daemon=True).start()
    grpc_command.main(
        [
            "--socket", str(code_socket(folder)), "--module-name", DEFINITIONS,
            "--location-name", LOCATION, "--empty-working-directory",
            "--use-python-environment-entry-point", "--log-level", "warning",
        ],
        standalone_mode=False,
    )  # fmt: skip


def _begin_warm(folder: Path) -> None:
    """Has the imports of runs made once the browser's first page need not wait for it."""
    from orchestration.web import warm_runs

    wait_for_code(folder)
    warm_runs.begin()


def daemon(folder: Path) -> None:
    """Dagster's daemon over the code service."""
    from dagster._daemon.cli import run_command

    look_soon_for_backfills()
    wait_for_code(folder)
    run_command.main(["--workspace", str(workspace_file(folder))], standalone_mode=False)


def look_soon_for_backfills() -> None:
    """Has Dagster's daemon look for new backfills often. It has no setting for that: 30 s, as long as several runs."""
    from dagster._daemon import controller

    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = _BACKFILL_SECONDS


def web(folder: Path, descriptor: str) -> None:
    """The webserver over the code service."""
    from orchestration.pipeline.home import Home
    from orchestration.web.server import serve
    from orchestration.web.settings import Settings

    settings = Settings.of(os.environ)
    wait_for_code(folder)
    home = Home(Path(os.environ["BONUS_HOME"]))
    serve(socket.socket(fileno=int(descriptor)), workspace_file(folder), settings, home)


def wait_for_code(folder: Path) -> None:
    """Returns once the code service can be asked. If it dies before, its supervisor ends us."""
    from dagster._core.errors import DagsterUserCodeUnreachableError
    from dagster._grpc.client import DagsterGrpcClient

    path = code_socket(folder)
    while not path.exists():
        time.sleep(_LOOK_SECONDS)
    while True:
        with suppress(DagsterUserCodeUnreachableError):
            DagsterGrpcClient(socket=str(path)).ping("")
            return
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1:])
