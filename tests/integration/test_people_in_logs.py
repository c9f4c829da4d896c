"""§8 and privacy: ids of people stand on the blocked command's terminal and in check metadata, not in
log lines, exceptions, tags or alerts."""

from __future__ import annotations

import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.dagster_glue.alerts import ADDRESSES
from orchestration.pipeline.home import Home
from orchestration.terms.load import load_program
from tests.conftest import BonusHere

SECRET = "creator-who-must-not-be-named"


@pytest.fixture(scope="module")
def blocked(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Home, list[Any]]:
    """(the command, its home, the alerts it sent) of a run that the ingest gate blocked."""
    folder, alerts = tmp_path_factory.mktemp("people"), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            alerts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    shutil.copytree(sample / "landing", folder / "landing")
    # A row that breaks the grammar, and two that contradict each other.
    (folder / "landing" / "creators" / "late.csv").write_text(
        "creator_id,account_type,market,updated_at\n"
        f"{SECRET},robot,US,2024-01-01T00:00:00Z\n"
        f"{SECRET},creator,US,2024-01-02T00:00:00Z\n"
        f"{SECRET},creator,JP,2024-01-02T00:00:00Z\n"
    )
    home = Home(folder / "home")
    period = load_program(sample / "program.yaml").program.periods[0].key
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            done = BonusHere(sample / "program.yaml", folder / "landing", home.path)(
                "run", period, "--by", "ada",
                **{ADDRESSES: f"json://127.0.0.1:{server.server_port}/"},
            )  # fmt: skip
        finally:
            server.shutdown()
            thread.join()
    return done, home, alerts


def test_the_terminal_shows_the_rows(blocked: tuple[Any, Home, list[Any]]) -> None:
    done, _, _ = blocked
    assert done.returncode == 3, done.stderr
    assert SECRET in done.stderr
    assert "no_row_is_quarantined: 1 of 85 rows of creators" in done.stderr
    assert "creators_rows_of_one_version_agree: 1 rows" in done.stderr


def test_the_alert_names_expectations_only(blocked: tuple[Any, Home, list[Any]]) -> None:
    (alert,) = blocked[2]
    assert "expectation: no_row_is_quarantined: 1 of 85 rows of creators" in alert["message"]
    assert "expectation: creators_rows_of_one_version_agree: 1 rows" in alert["message"]
    assert SECRET not in json.dumps(alert)


def test_dagster_keeps_rows_in_check_metadata_only(blocked: tuple[Any, Home, list[Any]]) -> None:
    with dg.DagsterInstance.from_config(str(blocked[1].dagster)) as instance:
        (run,) = instance.get_runs()
        entries = instance.all_logs(run.run_id)
    assert SECRET not in repr(run.tags)
    said = [entry.user_message for entry in entries]
    assert any("the ingest gate has not held" in text for text in said)
    in_metadata = 0
    for entry in entries:
        event = entry.dagster_event
        assert SECRET not in entry.user_message
        if event is None:
            continue
        assert SECRET not in (event.message or "")
        data = event.event_specific_data
        if isinstance(data, dg.AssetCheckEvaluation):
            in_metadata += SECRET in repr(data.metadata)
            assert SECRET not in (data.description or "")
        elif event.is_step_failure:
            assert SECRET not in repr(event.step_failure_data)
    assert in_metadata > 0


def test_compute_logs_hold_no_rows(blocked: tuple[Any, Home, list[Any]]) -> None:
    """What the steps printed is kept as files in the home."""
    files = [
        path for path in blocked[1].dagster.rglob("*") if path.suffix in {".out", ".err", ".log"}
    ]
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path
