"""The home folder: where everything of all programs lies, and who may work in it at a time."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from orchestration.publishing.store import Store

DAGSTER_CONFIG = """\
# Written by bonus. Queued runs (UI, backfills) go two at a time, one for each period.
telemetry: {enabled: false}
nux: {enabled: false}
concurrency:
  runs:
    max_concurrent_runs: 2
    tag_concurrency_limits:
      - {key: dagster/partition, value: {applyLimitPerUniqueValue: true}, limit: 1}
run_monitoring: {enabled: true}
"""


class Busy(RuntimeError):
    """Another run holds the same period."""


@dataclass(frozen=True, slots=True)
class Registration:
    """Where the files of a program were last seen: what a run from the UI reads."""

    program_file: Path
    landing: Path


class Home:
    """A home folder; made on first use, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def prepare(self) -> None:
        """Makes the folder and Dagster's instance configuration in it, if they are not there yet."""
        self._folder(self.path)
        config = self._folder(self.dagster) / "dagster.yaml"
        if not config.exists():
            fresh = config.with_name(f".dagster.yaml.{os.getpid()}")
            fresh.write_text(DAGSTER_CONFIG, encoding="utf-8")
            fresh.replace(config)

    @property
    def dagster(self) -> Path:
        """DAGSTER_HOME: the instance that command line and UI share."""
        return self.path / "dagster"

    def store(self, program: str) -> Store:
        """The published periods of a program."""
        return Store(self.path, program)

    def work_folder(self, program: str, period: str) -> Path:
        """Where a period's run works; kept after it, replaced whole by the next ingest."""
        return self._folder(self.path / "work" / program / period)

    def quarantine_folder(self, program: str, period: str) -> Path:
        """§9: where a period's quarantined rows lie."""
        return self.path / "quarantine" / f"program={program}" / f"period={period}"

    def register(self, program: str, program_file: Path, landing: Path) -> None:
        """Remembers where a program's files are, for runs that are started in the UI."""
        folder = self._folder(self.path / "programs")
        fresh = folder / f".{program}.{os.getpid()}"
        fresh.write_text(
            json.dumps(
                {"program_file": str(program_file.resolve()), "landing": str(landing.resolve())}
            ),
            encoding="utf-8",
        )
        fresh.replace(folder / f"{program}.json")

    def registrations(self) -> dict[str, Registration]:
        """All programs that live in this home, by name."""
        return {
            path.stem: Registration(Path(entry["program_file"]), Path(entry["landing"]))
            for path in sorted((self.path / "programs").glob("*.json"))
            if (entry := json.loads(path.read_text(encoding="utf-8")))
        }

    @contextmanager
    def period_lock(self, program: str, period: str, run_id: str) -> Iterator[None]:
        """Holds a period against other runs of it; Busy, naming the holder, if one is under way.

        Within one process the same run may take it again.
        """
        lock_file = self._folder(self.path / "locks") / f"{program}.{period}.lock"
        holder_file = lock_file.with_suffix(".json")
        lock = FileLock(lock_file, timeout=0, thread_local=False, is_singleton=True)
        if lock.is_locked and _holder(holder_file).get("run_id") != run_id:
            raise Busy(_busy_text(program, period, _holder(holder_file)))
        try:
            lock.acquire()
        except Timeout:
            raise Busy(_busy_text(program, period, _holder(holder_file))) from None
        try:
            holder_file.write_text(
                json.dumps({"run_id": run_id, "pid": os.getpid(), "since": int(time.time())}),
                encoding="utf-8",
            )
            yield
        finally:
            lock.release()

    @contextmanager
    def program_lock(
        self, program: str, on_wait: Callable[[str], None] | None = None
    ) -> Iterator[None]:
        """Holds the books of a program: settlement, its gate and the switch; waits for others."""
        lock = FileLock(self._folder(self.path / "locks") / f"{program}.lock", timeout=2)
        while True:
            try:
                lock.acquire()
                break
            except Timeout:
                if on_wait:
                    on_wait(f"waiting for another run to publish {program}")
        try:
            yield
        finally:
            lock.release()

    @staticmethod
    def _folder(path: Path) -> Path:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path


def _holder(path: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded


def _busy_text(program: str, period: str, holder: dict[str, Any]) -> str:
    return (
        f"{program} {period} is being run by run {holder.get('run_id', 'unknown')} "
        f"(process {holder.get('pid', 'unknown')}); wait for it to end, then run again"
    )
