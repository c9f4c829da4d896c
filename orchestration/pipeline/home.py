"""The home folder: where everything of all programs lies, and who may work in it at a time."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from orchestration import records
from orchestration.foundations.files import replace_file
from orchestration.ingest.datasets import DATASET_NAMES
from orchestration.ingest.discovery import Inventory
from orchestration.ingest.fingerprint import FileFingerprint, Hashed, landing_digest
from orchestration.ingest.landing_place import Landing, landing_at, look_at, take
from orchestration.pipeline.close_log import CloseLog
from orchestration.publishing.store import Store
from orchestration.records import Unreadable

POSTGRES_URL = "BONUS_DAGSTER_POSTGRES_URL"
"""Names the PostgreSQL database of Dagster's storage; without it the storage is SQLite."""

_DAGSTER = """\
# Written by bonus. Queued runs (UI, backfills) go two at a time, one for each period. The daemon looks
# at the queue each second, not each five: a run of the sample takes some ten.
telemetry: {enabled: false}
nux: {enabled: false}
concurrency:
  runs:
    max_concurrent_runs: 2
    tag_concurrency_limits:
      - {key: dagster/partition, value: {applyLimitPerUniqueValue: true}, limit: 1}
run_coordinator:
  module: dagster
  class: QueuedRunCoordinator
  config: {dequeue_interval_seconds: 1}
run_monitoring: {enabled: true}
"""

# Absolute, as Dagster's own default is; a home that was moved or copied gets it anew.
_EVENT_LOG = """\
event_log_storage:
  module: orchestration.dagster_glue.event_log
  class: KeptSqliteEventLog
  config: {base_dir: %s}
"""

# The address stays in the environment, since it holds a password.
POSTGRES_CONFIG = f"""\
{_DAGSTER}storage:
  postgres:
    postgres_url: {{env: {POSTGRES_URL}}}
"""


WAITING = "waiting for"
"""How progress begins that a person wants to see wherever the run is watched."""

LOOKS_THE_SAME = "though it looks the same"
"""How progress ends that a person must read: a landing file that was changed behind our back."""


INSTANCE_PATIENCE_SECONDS = 60
PLACES_PATIENCE_SECONDS = 10


class Unfit(RuntimeError):
    """The home cannot be used as things stand; says what to do."""


def _registration(path: Path) -> Registration:
    try:
        known = records.Registration.read(path.read_bytes())
    except Unreadable as error:
        raise Damaged(
            f"{path} does not say where a program's files are ({error}). Move it away, then run the program"
            " once with --program and --landing"
        ) from None
    return Registration(
        Path(known.program_file), landing_at(known.landing) if known.landing else None
    )


class Busy(RuntimeError):
    """Another process holds what is needed; says which, and what to do."""


class Damaged(RuntimeError):
    """A file that the home needs cannot be read; says what to do."""


_WRITTEN_EVENT_LOG = (
    re.escape(_EVENT_LOG).replace("%s", ".*").replace(r"\.dagster_glue", r"(?:\.dagster_glue)?")
)
"""The event log as this or an earlier version wrote it, wherever it lay."""

_OTHER_STORAGE = re.compile(
    r"(?m)^[\"']?(storage|run_storage|event_log_storage|schedule_storage|instance_class)\b"
)


def sqlite_config(dagster: Path) -> str:
    """Dagster's instance configuration with its storage in SQLite below the folder."""
    return _DAGSTER + _event_log(dagster)


def _event_log(dagster: Path) -> str:
    return _EVENT_LOG % _yaml_text(str(dagster))


def _yaml_text(text: str) -> str:
    """A text in YAML, in ASCII. JSON will not do: it writes code points above U+FFFF in two halves."""
    return '"{}"'.format(
        "".join(
            c if c.isascii() and c.isprintable() and c not in '"\\' else f"\\U{ord(c):08X}"
            for c in text
        )
    )


def _brought_up_to_date(config: str, wanted: str, dagster: Path) -> str:
    """An instance configuration as it should be: what was changed by hand is left alone.

    Also then its event log lies in this home: the configuration of a copied home names the old one.
    """
    if re.fullmatch(f"{re.escape(_DAGSTER)}({_WRITTEN_EVENT_LOG})?", config):
        return wanted
    here = _event_log(dagster)
    return re.sub(f"(?m)^{_WRITTEN_EVENT_LOG}", lambda _: here, config)


@dataclass(frozen=True, slots=True)
class Registration:
    """The places where a program's files were last seen. A run from the UI reads them there."""

    program_file: Path
    landing: Landing | None  # None: only closed here so far, after what was known was lost


class Home:
    """A home folder; made on first use, readable by its owner only.

    `objects` may be those of another home. `on_wait` is told where others hold the books for long.
    """

    def __init__(
        self,
        path: Path,
        objects: Path | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> None:
        self.path = path.absolute()
        self.on_wait = on_wait
        self.objects = objects or self.path / "cache" / "objects"
        """Objects that were fetched from buckets; may be deleted while nothing runs."""

    def prepare(self) -> None:
        """Makes the folder and Dagster's instance configuration in it, if they are not there yet.

        A configuration that was changed by hand is left alone. Unfit if it names PostgreSQL and the
        environment does not: runs would otherwise be kept in two places; or if the home's name is
        one that Dagster or DuckDB would not take for it.
        """
        self._demand_plain_name()
        self._folder(self.path)
        config = self._folder(self.dagster) / "dagster.yaml"
        found = config.read_text(encoding="utf-8") if config.exists() else None
        if os.environ.get(POSTGRES_URL):
            _demand_postgres_driver()
        elif found and POSTGRES_URL in found:
            raise Unfit(
                f"{self.path} keeps Dagster's runs in PostgreSQL: set {POSTGRES_URL} to its address"
            )
        wanted = POSTGRES_CONFIG if os.environ.get(POSTGRES_URL) else sqlite_config(self.dagster)
        right = wanted if not found else _brought_up_to_date(found, wanted, self.dagster)
        if right != found:
            replace_file(config, right.encode())

    def _demand_plain_name(self) -> None:
        """Unfit for a name in which Dagster finds no settings, and so takes its own (telemetry on).

        It reads `dagster.yaml` by a pattern; after a question mark DuckDB looks for settings.
        """
        name = str(self.path)
        if found := sorted(set(name) & set("*?[")):
            raise Unfit(
                f"{name} has a {' and a '.join(found)} in its name, which Dagster and DuckDB take for"
                " a pattern, so that they miss their settings and files. Name another home; one that"
                " is in use may be moved (mv)"
            )
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            raise Unfit(
                f"{name!r} is no UTF-8, so DuckDB cannot open it; name another home"
            ) from None

    def has_own_databases(self) -> bool:
        """True if Dagster's runs, events and schedules lie in SQLite where this module puts them.

        False where PostgreSQL keeps them, or a storage that was configured by hand.
        """
        config = (self.dagster / "dagster.yaml").read_text(encoding="utf-8")
        return _OTHER_STORAGE.search(config.replace(_event_log(self.dagster), "")) is None

    def keeps_output(self) -> bool:
        """True if somebody has said in Dagster's configuration where it keeps what steps print."""
        config = (self.dagster / "dagster.yaml").read_text(encoding="utf-8")
        return re.search(r"(?m)^[\"']?compute_logs\b", config) is not None

    @property
    def dagster(self) -> Path:
        """DAGSTER_HOME: the instance that command line and UI share."""
        return self.path / "dagster"

    def store(self, program: str) -> Store:
        """The published periods of a program."""
        return Store(self.path, program, CloseLog(self.path, program).lines_by_period)

    def work_folder(self, program: str, period: str) -> Path:
        """The folder in which a period's run works; it stays after the run, and the next ingest replaces it whole."""
        return self._folder(self.path / "work" / program / period)

    def last_run_folder(self, program: str, period: str) -> Path:
        """The folder with the record of a period's last run; it outlives the work file."""
        return self.path / "last_runs" / f"program={program}" / f"period={period}"

    def quarantine_folder(self, program: str, period: str) -> Path:
        """§9: where a period's quarantined rows lie."""
        return self.path / "quarantine" / f"program={program}" / f"period={period}"

    @property
    def kept_files(self) -> Path:
        """The folder of what runs keep of landing files for later ones; may be deleted at any time."""
        return self.path / "cache" / "landing"

    @property
    def _hashes(self) -> Path:
        return self.path / "cache" / "files.json"

    def take(
        self, landing: Landing, tell: Callable[[str], None], *, by: str, anew: bool = False
    ) -> tuple[Inventory, Hashed]:
        """All that lies at a landing place, at hand to be read, and its fingerprints; OSError where that fails.

        Files that look as they did are hashed once, and fetched once for the person `by`, unless all are to be `anew`.
        """
        return take(landing, self._hashes, self.objects, tell, by=by, anew=anew)

    def fingerprints(self, landing: Landing) -> list[FileFingerprint]:
        """The fingerprints of what lies there now, in the order of paths; OSError likewise."""
        return look_at(landing, self._hashes)

    def landing_digest(self, landing: Landing) -> str:
        """One hash over all of it."""
        return landing_digest(self.fingerprints(landing))

    def register(
        self,
        program: str,
        program_file: Path,
        landing: Landing | None,
        *,
        known_stays: bool = False,
    ) -> None:
        """Remembers where a program's files are, for runs that are started in the UI.

        Without a landing directory the known one stays. With `known_stays` all that is known does. Busy if
        another process is about to write that for long.
        """
        folder = self._folder(self.path / "programs")
        known = self.registrations().get(program)
        if known_stays and known and (known.landing or landing is None):
            return  # who has nothing to say keeps nobody from saying it
        with self._places_lock(program):
            known = self.registrations().get(program)
            if known and known_stays:
                program_file, landing = known.program_file, known.landing or landing
            elif known and landing is None:
                landing = known.landing
            entry = records.Registration(
                program_file=str(program_file.resolve()),
                landing=None if landing is None else str(landing.resolve()),
            )
            replace_file(folder / f"{program}.json", entry.content())

    def _places_lock(self, program: str) -> AbstractContextManager[None]:
        # No period's lock has this name: keys have no underscore.
        return self._held(
            f"{program}._places.lock",
            PLACES_PATIENCE_SECONDS,
            f"another process has been about to write where the files of {program} are for"
            f" {PLACES_PATIENCE_SECONDS} seconds; end it if it is stopped, or try again",
        )

    def registrations(self) -> dict[str, Registration]:
        """All programs that live in this home, by name; Damaged if a file there is none of a program."""
        paths = sorted((self.path / "programs").glob("*.json"))
        return {path.stem: _registration(path) for path in paths}

    def apart(self, program_file: Path | None = None, landing: Landing | None = None) -> list[Path]:
        """The places where no command puts a file that somebody asks for: the home, program files, and the
        folders of datasets; those of the programs in this home, and of a command's own options."""
        known = self.registrations().values()
        files = [program_file, *(one.program_file for one in known)]
        landings = [landing, *(one.landing for one in known)]
        return [
            self.path,
            *(file for file in files if file is not None),
            *(one / name for one in landings if isinstance(one, Path) for name in DATASET_NAMES),
        ]

    def options(self, program: str) -> str:
        """The options with which a command that is shown works on a program, wherever it is pasted."""
        known = self.registrations().get(program)
        places = {"program": known.program_file} if known else {}
        return "".join(
            f" --{name} {shlex.quote(str(path))}"
            for name, path in {**places, "home": self.path}.items()
        )

    @contextmanager
    def period_lock(self, program: str, period: str, run_id: str) -> Iterator[None]:
        """Holds a period against other runs of it; Busy, naming the holder, if one is under way.

        Within one process the same run may take it again.
        """
        lock_file = self._folder(self.path / "locks") / f"{program}.{period}.lock"
        holder_file = self._holder_file(program, period)
        lock = FileLock(lock_file, timeout=0, thread_local=False, is_singleton=True)
        if lock.is_locked and _holder(holder_file).get("run_id") != run_id:
            raise Busy(_busy_text(program, period, _holder(holder_file)))
        try:
            lock.acquire()
        except Timeout:
            raise Busy(_busy_text(program, period, _holder(holder_file))) from None
        holder = {
            "run_id": run_id,
            "pid": os.getpid(),
            "started": process_started(os.getpid()),
            "host": socket.gethostname(),
            "since": int(time.time()),
        }
        try:
            holder_file.write_text(json.dumps(holder), encoding="utf-8")
            yield
        finally:
            if lock.lock_counter == 1:  # else the same run holds it still
                # On a full disk it is said to be held until its process ends.
                with suppress(OSError):
                    holder_file.write_text(json.dumps({**holder, "ended": True}), encoding="utf-8")
            lock.release()

    def dead_holder(self, program: str, period: str) -> str | None:
        """The run that held the period last, if its process is gone; None if it lives.

        A run that ended as it should leaves a holder too, so a caller asks what became of the run.
        Of a run on another machine nothing is known, so it counts as alive.
        """
        holder = _holder(self._holder_file(program, period))
        return str(holder["run_id"]) if _is_dead(holder) else None

    def living_holder(self, program: str, period: str) -> str | None:
        """The run that holds the period now, as far as that is known; None if none does. Holds nothing."""
        holder = _holder(self._holder_file(program, period))
        is_held = "started" in holder and not holder.get("ended") and not _is_dead(holder)
        return str(holder["run_id"]) if is_held else None

    def _holder_file(self, program: str, period: str) -> Path:
        return self.path / "locks" / f"{program}.{period}.json"

    def instance_lock(self) -> AbstractContextManager[None]:
        """Holds the making of Dagster's databases, and of partitions in them: seconds at most.

        Busy where another process holds it for a minute. No program's name begins with a dot.
        """
        name = ".dagster.lock"
        return self._held(
            name,
            INSTANCE_PATIENCE_SECONDS,
            f"another process makes Dagster's databases in {self.dagster}, and has not ended within"
            f" {INSTANCE_PATIENCE_SECONDS} s; if it hangs, end it (fuser {self.path / 'locks' / name}), then run again",
        )

    @contextmanager
    def _held(self, name: str, seconds: int, busy: str) -> Iterator[None]:
        """Holds a lock of the home; Busy, with these words, where another process holds it for so long."""
        lock = FileLock(self._folder(self.path / "locks") / name, timeout=seconds)
        try:
            lock.acquire()
        except Timeout:
            raise Busy(busy) from None
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def program_lock(
        self, program: str, on_wait: Callable[[str], None] | None = None, *, waits: bool = True
    ) -> Iterator[None]:
        """Holds the books of a program: settlement, its gate and the switch; waits for others.

        Busy after a short while where it `waits` not: for who only looks.
        """
        lock = FileLock(self._folder(self.path / "locks") / f"{program}.lock", timeout=2)
        try:
            lock.acquire()
        except Timeout:
            if not waits:
                raise Busy(
                    f"another run is publishing {program}; look again when it has ended"
                ) from None
            if tell := on_wait or self.on_wait:
                tell(f"{WAITING} another run to publish {program}")
            lock.acquire(timeout=-1)
        try:
            yield
        finally:
            lock.release()

    @staticmethod
    def _folder(path: Path) -> Path:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path


def _demand_postgres_driver() -> None:
    if importlib.util.find_spec("dagster_postgres") is None:
        raise Unfit(
            f"{POSTGRES_URL} is set, but the driver is not installed; "
            "install creator-bonus[postgres]"
        )


def process_started(pid: int) -> str | None:
    """The start of a process, as its kernel has it; None if there is none, or only its remains.

    With it a process number that was given out anew is told from the one that was meant. Where there
    is no /proc it is "?" for every living process.
    """
    if not Path("/proc/self/stat").exists():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            pass
        return "?"
    try:
        # The name in parentheses may hold blanks, so what comes after the last one counts.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, started = fields[0], fields[19]
    return None if state in ("Z", "X") else started


def _holder(path: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded


def _is_dead(holder: Mapping[str, Any]) -> bool:
    if "started" not in holder or holder.get("host") != socket.gethostname():
        return False
    return bool(process_started(int(holder["pid"])) != holder["started"])


def _busy_text(program: str, period: str, holder: dict[str, Any]) -> str:
    return (
        f"{program} {period} is being run by run {holder.get('run_id', 'unknown')} "
        f"(process {holder.get('pid', 'unknown')}); wait for it to end, then run again"
    )
