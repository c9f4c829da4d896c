"""`bonus ui`: refuses what cannot be served, then watches over Dagster's processes until they end.

Imports nothing of Dagster, which its processes load side by side.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from orchestration.web.claims import Taken, claim_home, claim_port
from orchestration.web.settings import Settings
from orchestration.web.supervisor import Ending, end, meeting_place, start_services, supervise

USAGE, STATE, UNEXPECTED = 2, 4, 1


class NotServed(RuntimeError):
    """The UI was not served, or not to its end; with a status of §10."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def serve_ui(home: Path, files: Sequence[str], port: int, hosts: Sequence[str]) -> None:
    """Serves the UI of BONUS_HOME and DAGSTER_HOME until a signal ends it; NotServed says why not.

    `files` are the program file and the landing directory to make known first, or none; `hosts` are
    names beside those of BONUS_UI_HOSTS.
    """
    os.environ["BONUS_UI_HOSTS"] = " ".join([os.environ.get("BONUS_UI_HOSTS", ""), *hosts])
    try:
        Settings.of(os.environ)
    except ValueError as error:
        raise NotServed(USAGE, str(error)) from None
    # The sensor on deliveries reads every new file once, and big ones take longer than a minute.
    os.environ.setdefault("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "3600")
    ending = Ending()
    try:
        with (
            ending.listen(),
            claim_home(home, port) as lock,
            claim_port(port) as listening,
            meeting_place() as folder,
        ):
            services = []
            try:
                for service in start_services(folder, listening.fileno(), lock, files):
                    services.append(service)
                fault = supervise(services, ending)
            finally:
                end(services, ending)
    except Taken as error:
        raise NotServed(STATE, str(error)) from None
    except PermissionError:
        raise NotServed(
            USAGE, f"port {port} is kept for others; name one above 1023 with --port"
        ) from None
    if fault is not None:
        raise NotServed(UNEXPECTED, f"{fault}, so the others were ended; its last lines say why")
