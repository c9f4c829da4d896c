"""What tests share: the worked cases beside the repository, a small sample, and the command line."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, settings

from orchestration.foundations.collector import collect_seldom

if TYPE_CHECKING:
    from tests.object_store import ObjectStore

collect_seldom()


def pytest_collection_finish() -> None:
    """Processes that tests start write no bytecode; pytest's own, started before, keep that of the tests.

    One that dies on a full disk would leave half a module's bytecode, which no other can import.
    """
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"


def _flush_nothing(descriptor: int) -> None:
    """No power is cut while a test runs, and waiting for the disk took a sixth of a run in memory."""
    os.fstat(descriptor)  # a file that is closed is an error all the same


# In this process alone: those that a test starts flush as they do for a user.
os.fsync = _flush_nothing

_read_migrations = ScriptDirectory.from_config
_migrations: dict[str | None, ScriptDirectory] = {}


def _read_migrations_once(config: Config) -> ScriptDirectory:
    """Dagster reads its migrations anew twice for each database that it makes: a third of a fresh home."""
    place = config.get_main_option("script_location")
    if place not in _migrations:
        _migrations[place] = _read_migrations(config)
    return _migrations[place]


# In this process alone, too.
ScriptDirectory.from_config = _read_migrations_once  # type: ignore[method-assign]

# The clock decides nothing here: a busy machine is no defect.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("BONUS_SHARED", ROOT.parent / "shared"))


@dataclass(frozen=True)
class Bonus:
    """`bonus` over one program, landing directory and home, as a user runs it: a process each."""

    program: Path
    landing: Path
    home: Path

    @property
    def places(self) -> dict[str, str]:
        """The three, as variables of the environment."""
        return {
            "BONUS_PROGRAM": str(self.program),
            "BONUS_LANDING": str(self.landing),
            "BONUS_HOME": str(self.home),
        }

    def __call__(
        self, *arguments: str, timeout: float = 600, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "orchestration.command_line.app", *arguments],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=timeout,
            env={**os.environ, **self.places, **environment},
        )

    def json(self, *arguments: str) -> Any:
        done = self(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


class BonusHere(Bonus):
    """The same in this process, with its environment: what it imports is imported once for all tests.

    For tests of what a command does and says. What a process does (signals, limits, several at once)
    takes `Bonus`.
    """

    def __call__(
        self, *arguments: str, timeout: float = 600, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        from orchestration.command_line.app import main
        from orchestration.pipeline.gate_worker import WORKER

        said, told = io.StringIO(), io.StringIO()
        status: object = 0
        mask = os.umask(0o022)
        with (
            patch.dict(os.environ, {**self.places, **environment}),
            patch.object(sys, "argv", ["bonus", *arguments]),
            patch.object(WORKER, "close"),  # it serves the next command, too
            chdir(ROOT),
            redirect_stdout(said),
            redirect_stderr(told),
        ):
            try:
                main()
            except SystemExit as end:
                status = end.code
            finally:
                os.umask(mask)
        return subprocess.CompletedProcess(
            ["bonus", *arguments], int(str(status or 0)), said.getvalue(), told.getvalue()
        )


@pytest.fixture
def shared() -> Path:
    """The worked cases beside the repository; the test is skipped where they are not."""
    if not SHARED.is_dir():
        pytest.skip(f"the worked cases are not at {SHARED}")
    return SHARED


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStore]:
    """An S3 server of the tests' own, in the environment for as long as a module's tests use it."""
    from tests.object_store import serve_objects

    with serve_objects() as served:
        yield served


@pytest.fixture
def store(server: ObjectStore) -> ObjectStore:
    """An empty bucket there."""
    server.empty()
    return server


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small sample: program.yaml and landing/, two periods; not to be changed."""
    from orchestration.sample import write_sample

    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, creators=80, periods=2)
    return folder


def published_files(home: Path) -> dict[str, bytes]:
    """The bytes of all published Parquet files, by path below `published`."""
    published = home / "published"
    return {
        str(path.relative_to(published)): path.read_bytes()
        for program in published.glob("program=*")
        for period in program.glob("period=*")
        for path in period.glob("*/*.parquet")
    }
