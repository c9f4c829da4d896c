"""Dagster's storage in PostgreSQL: a real server, that the test starts and ends."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.pipeline.home import POSTGRES_URL, Home
from orchestration.terms.load import load_program
from tests.conftest import Bonus

pytestmark = pytest.mark.long

PASSWORD = "pa55-of-the-test"


def programs() -> Path | None:
    """Where the server's programs are; Debian keeps them out of the PATH."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), None)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an empty PostgreSQL database, with a password."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL's server is not installed: there is no initdb")
    if os.getuid() == 0 and not any(entry.pw_name == "postgres" for entry in pwd.getpwall()):
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    # The server runs as another user where we are root: that user must get into the folder.
    data = Path(tempfile.mkdtemp(prefix="bonus-postgres-"))
    secret = data / "password"
    secret.write_text(PASSWORD)
    as_user: list[str] = []
    if os.getuid() == 0:
        as_user = ["runuser", "-u", "postgres", "--"]
        subprocess.run(["chown", "-R", "postgres", data], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def call(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*as_user, str(folder / program), *arguments],
            cwd=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout

    call(
        "initdb", "-D", str(data / "db"), "-U", "bonus", "--auth=scram-sha-256", "--no-sync",
        f"--pwfile={secret}",
    )  # fmt: skip
    options = (
        f"-c listen_addresses=127.0.0.1 -p {port} -c unix_socket_directories={data} -c fsync=off"
    )
    call("pg_ctl", "-D", str(data / "db"), "-l", str(data / "log"), "-w", "-o", options, "start")
    try:
        yield f"postgresql://bonus:{PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        call("pg_ctl", "-D", str(data / "db"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(data)


def test_runs_are_kept_in_postgres(server: str, sample: Path, tmp_path: Path) -> None:
    bonus = Bonus(sample / "program.yaml", sample / "landing", tmp_path / "home")
    first = load_program(sample / "program.yaml").program.periods[0].key
    done = bonus("run", first, "--by", "ada", **{POSTGRES_URL: server})
    assert done.returncode == 0, done.stderr
    status = bonus("status", **{POSTGRES_URL: server})
    assert "success, by ada" in status.stdout
    # The runs are there and nowhere else, and the password is in no file of the home.
    import psycopg2

    with psycopg2.connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("select partition, status from runs")
        (row,) = cursor.fetchall()
    assert row == (f"instagram-spring-bonus:{first}", "SUCCESS")
    home = Home(tmp_path / "home")
    assert not list(home.dagster.rglob("*.db"))
    for path in home.path.rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path
    # Without the address nothing is kept elsewhere instead.
    refused = bonus("status")
    assert refused.returncode == 2
    assert POSTGRES_URL in refused.stderr
    # A wrong password is told without it.
    wrong = bonus("status", **{POSTGRES_URL: server.replace(PASSWORD, "wrong-pa55")})
    assert wrong.returncode == 1
    assert "password authentication failed" in wrong.stderr
    assert "wrong-pa55" not in wrong.stderr
