"""SIGKILL before every step on disk of publishing, closing and ingest: what is left, and a rerun.

`python -m tests.torture.crashes SCENARIO FOLDER [--every N]` prints the counts as JSON. A scenario is
brought up to the step in question once; then each fault has a copy of that home and a forked child
that takes just this step, so a fault costs a fraction of a second. Gates are taken as held (they only
read), but for the whole reruns, which go from landing to published with the product's own.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dbt.cli.main  # noqa: F401 - imported once, before the forks
import duckdb  # noqa: F401
import pyarrow.parquet  # noqa: F401

import orchestration.ingest.landing  # noqa: F401
from expectations.suite import GateResult
from orchestration.ingest.datasets import DATASETS
from orchestration.pipeline.building import build
from orchestration.pipeline.close_log import CloseLog
from orchestration.pipeline.earning import earn
from orchestration.pipeline.gate_worker import WORKER
from orchestration.pipeline.gating import check
from orchestration.pipeline.ingesting import ingest
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.publishing import publish
from orchestration.pipeline.refusals import Refused
from orchestration.sample import write_sample
from tests.integration.books import Books
from tests.keeping import everything_is_kept
from tests.torture.disk_steps import DiskSteps, unflushed

ALWAYS = {"rename", "symlink", "link"}
"""Steps that are tried whatever `--every` says: where what others see may change."""
WHOLE_RERUN_EVERY = 100
RANDOM_KILLS = 12

View = dict[str, str]
"""Path -> hash or meaning of all that a reader of the home relies on."""


@dataclass
class Stage:
    """The sample, a corrected delivery of it, and the home that a scenario works in."""

    folder: Path
    home: Path

    @property
    def books(self) -> Books:
        """With gates that DuckDB is asked itself: Great Expectations takes seconds to start, for each fault."""
        return Books(self.home, self.folder / "program.yaml", fast=True)

    def landing(self, corrected: bool = False) -> Path:
        return self.folder / ("corrected" if corrected else "landing")

    def up_to_publish(self, period: int, corrected: bool = False) -> PeriodRun:
        """A run of a period that has all behind it but publishing."""
        run = self.run(period)
        ingest(run, self.folder / "program.yaml", self.landing(corrected))
        check(run, "ingest")
        for stage in ("staging", "eligibility", "scoring"):
            build(run, stage)
            check(run, stage)
        earn(run)
        return run

    def run(self, period: int) -> PeriodRun:
        books = self.books
        key = books.periods[period]
        return PeriodRun(books.home, books.program.program, key, f"run-{key}", "ada", gate=_holds)


def _holds(suite: str, _: Path) -> GateResult:
    return GateResult(suite, ())


@dataclass(frozen=True)
class Scenario:
    """How to get there, the step that is killed, and a whole rerun by the product's own means."""

    prepare: Callable[[Stage], object]
    act: Callable[[Stage], object]
    whole: Callable[[Stage], object]


def _published(stage: Stage, *periods: int) -> None:
    for period in periods:
        publish(stage.up_to_publish(period))


def _three_and_a_correction(stage: Stage, *, closed: bool) -> None:
    _published(stage, 0, 1, 2)
    if closed:
        stage.books.close(stage.books.periods[0])
    stage.up_to_publish(0, corrected=True)


def _close(stage: Stage, period: int) -> None:
    """The close and, where it was in the log already, what says so."""
    try:
        stage.books.close(stage.books.periods[period])
    except Refused as error:
        if "closed already" not in str(error):
            raise


def _dead_close(stage: Stage) -> None:
    """The first of two published periods is in the close log, but not sealed."""
    _published(stage, 0, 1)
    books = stage.books
    from orchestration.publishing.store import Store

    def dies(*_: object) -> None:
        raise SystemExit

    real, Store.seal = Store.seal, dies  # type: ignore[method-assign,assignment]
    with contextlib.suppress(SystemExit):
        books.close(books.periods[0])
    Store.seal = real  # type: ignore[method-assign]


def _ingest(stage: Stage) -> None:
    ingest(stage.run(0), stage.folder / "program.yaml", stage.landing(corrected=True))


def _raw_rows(stage: Stage) -> str:
    """A hash of all that an ingest of the corrected delivery leaves in raw tables, with what runs have kept."""
    with everything_is_kept():
        _ingest(stage)
    digest = hashlib.sha256()
    with stage.run(0).work.connect() as connection:
        for dataset in DATASETS:
            rows = connection.execute(f"from {dataset.table} order by all").fetchall()
            digest.update(repr(rows).encode())
    return digest.hexdigest()


def _ingest_by_what_is_kept(stage: Stage) -> None:
    """RuntimeError if the rows are others than where nothing had been kept before."""
    if _raw_rows(stage) != (stage.folder / "expected").read_text():
        raise RuntimeError("ingest has left other rows")


def _half_kept(stage: Stage) -> None:
    """Of the files that are read next, about half are known."""
    _published(stage, 0)
    (stage.folder / "expected").write_text(_raw_rows(stage))
    for entry in stage.run(0).home.kept_files.iterdir():
        if entry.name < "8":
            shutil.rmtree(entry)


def _again(stage: Stage) -> None:
    """A run for which nothing is new: it takes on the tables of the one before."""
    publish(stage.up_to_publish(0))


def _ready_to_take_on(stage: Stage) -> None:
    _published(stage, 0)
    _again(stage)
    last = stage.run(0).state.read()
    assert last is not None
    assert last.taken_from is not None


def _whole_run(corrected: bool) -> Callable[[Stage], object]:
    def whole(stage: Stage) -> None:
        WORKER.start()
        books = Books(stage.home, stage.folder / "program.yaml")
        books.run(books.periods[0], stage.landing(corrected))
        WORKER.close()

    return whole


SCENARIOS: dict[str, Scenario] = {
    "first publish": Scenario(
        lambda stage: stage.up_to_publish(0),
        lambda stage: publish(stage.run(0)),
        _whole_run(corrected=False),
    ),
    "republish, two later periods settled anew": Scenario(
        lambda stage: _three_and_a_correction(stage, closed=False),
        lambda stage: publish(stage.run(0)),
        _whole_run(corrected=True),
    ),
    "restatement of a closed period, two open ones after it": Scenario(
        lambda stage: _three_and_a_correction(stage, closed=True),
        lambda stage: publish(stage.run(0)),
        _whole_run(corrected=True),
    ),
    "close": Scenario(
        lambda stage: _published(stage, 0, 1),
        lambda stage: _close(stage, 0),
        lambda stage: _close(stage, 0),
    ),
    "close after a dead close": Scenario(
        _dead_close,
        lambda stage: _close(stage, 1),
        lambda stage: _close(stage, 1),
    ),
    "ingest replaces the work file": Scenario(
        lambda stage: _published(stage, 0),
        _ingest,
        _ingest,
    ),
    "ingest by what is kept": Scenario(
        _half_kept,
        _ingest_by_what_is_kept,
        _ingest_by_what_is_kept,
    ),
    "a run with nothing new": Scenario(
        _ready_to_take_on,
        _again,
        _whole_run(corrected=False),
    ),
}


PUBLISHING = {"first publish", "republish", "restatement of a closed period"}
"""Scenarios after which readers of the tables see something new; else a mix could not be told."""


def _hash(path: Path) -> str:
    if path.name == "run.json":
        record = json.loads(path.read_bytes())
        of_its_own = dict.fromkeys(
            ("run_id", "ingested_by", "attempt", "published_at", "gates")
        )  # each run has others
        return json.dumps({**record, **of_its_own}, sort_keys=True)
    if path.name == "close.json":
        return "a seal"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _view(home: Path) -> View:
    """What readers see: the published and restated files of all periods, as reached by path."""
    return {
        str(path.relative_to(home)): _hash(path)
        for shelf in ("published", "restated")
        for period in sorted((home / shelf).glob("program=*/period=*"))
        for path in (*period.glob("*.*"), *period.glob("*/*.*"))
    }


def _closes(home: Path, books: Books) -> list[dict[str, Any]]:
    return [
        {"period": entry.period, "files": dict(entry.files), "by": entry.approved_by}
        for entry, _ in CloseLog(home, books.program.program).entries()
    ]


def _without_seals(view: View) -> View:
    return {path: what for path, what in view.items() if not path.endswith("close.json")}


def _faults_now(stage: Stage, olds: View, new: View) -> list[str]:
    """After a kill: differences of verify, and anything a reader sees that is neither old nor new."""
    faults = [f"verify: {line}" for line in stage.books.differences]
    view = _view(stage.home)
    if _without_seals(view) not in (_without_seals(olds), _without_seals(new)):
        faults.append(f"readers see a mix: {sorted(set(view.items()) ^ set(new.items()))[:3]}")
    missing = [path for path in olds if path.endswith("close.json") and path not in view]
    return faults + [f"{path} is gone" for path in missing]


def _faults_after_rerun(stage: Stage, new: View, closes: list[dict[str, Any]]) -> list[str]:
    faults = [f"verify after the rerun: {line}" for line in stage.books.differences]
    view = _view(stage.home)
    if view != new:
        faults.append(
            f"the rerun ends otherwise: {sorted(set(view.items()) ^ set(new.items()))[:3]}"
        )
    if _closes(stage.home, stage.books) != closes:
        faults.append("the close log ends otherwise")
    for entry in closes:
        (version,) = {
            path.resolve()
            for path in (stage.home / "published").glob(f"program=*/period={entry['period']}")
        }
        writable = [
            path.name for path in (version, *version.rglob("*")) if path.stat().st_mode & 0o222
        ]
        if writable:
            faults.append(f"closed, but writable: {writable}")
    return faults + _leftovers(stage.home)


def _leftovers(home: Path) -> list[str]:
    work = [
        str(path)
        for pattern in ("new-*", "scratch-*", "settling-*")
        for path in (home / "work").rglob(pattern)
    ]
    linked = {link.resolve() for link in (home / "generations").glob("program=*/*/*/period=*")}
    versions = set((home / "store").glob("program=*/*=*/*"))
    dangling = [str(link) for link in linked if not link.exists()]
    return work + [str(path) for path in versions - linked] + dangling


def _child(action: Callable[[], object], out: Path) -> int:
    """Runs an action in a fork, its result as JSON in `out`; the fork's status as of `waitpid`."""
    process = os.fork()
    if process:
        return os.waitpid(process, 0)[1]
    try:
        out.write_text(json.dumps(action()), encoding="utf-8")
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _asked(action: Callable[[], object], out: Path) -> Any:
    status = _child(action, out)
    if status != 0:
        raise RuntimeError(f"an undisturbed step ended with {status}")
    return json.loads(out.read_text(encoding="utf-8"))


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["rm", "-rf", str(target)], check=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


class Torture:
    """One scenario under all its faults."""

    def __init__(self, name: str, folder: Path, *, with_whole_reruns: bool) -> None:
        self.name = name
        self.scenario = SCENARIOS[name]
        self.with_whole_reruns = with_whole_reruns
        self.stage = Stage(folder, folder / "home")
        self.base = folder / "base"
        self.out = folder / "out.json"
        self.failures: list[str] = []
        self.counts: Counter[str] = Counter()

    def prepare(self) -> list[tuple[str, str]]:
        """The base home, old and new views, and the steps of an undisturbed action."""
        write_deliveries(self.stage.folder)
        _asked(lambda: self.scenario.prepare(self.stage) and None, self.out)
        _copy(self.stage.home, self.base)
        self.old = _asked(lambda: _view(self.stage.home), self.out)
        steps: list[tuple[str, str]] = _asked(self._traced, self.out)
        started = time.monotonic()
        _copy(self.base, self.stage.home)
        _asked(lambda: self.scenario.act(self.stage) and None, self.out)
        self.seconds = time.monotonic() - started
        self.new = _asked(lambda: _view(self.stage.home), self.out)
        changes_what_is_published = self.name.split(",")[0] in PUBLISHING
        assert (_without_seals(self.old) != _without_seals(self.new)) == changes_what_is_published
        self.closes = _asked(lambda: _closes(self.stage.home, self.stage.books), self.out)
        return steps

    def _traced(self) -> list[tuple[str, str]]:
        steps = DiskSteps(self.stage.home)
        steps.watch()
        self.scenario.act(self.stage)
        return list(steps.seen)

    def fault(self, kind: str, at: int | None, *, torn: bool = False) -> None:
        """One kill, what is left of it, and the rerun."""
        _copy(self.base, self.stage.home)
        status = self._killed(at, torn)
        print(kind, at, file=sys.stderr, flush=True)
        if status != signal.SIGKILL:
            self.failures.append(f"{kind} {at}: not killed, but {status}")
            return
        self.counts[kind] += 1
        self._look(
            f"{kind} {at}", lambda: _faults_now(self.stage, self.old, self.new), "after the kill"
        )
        self._look(f"{kind} {at}", self._rerun, "after the rerun")

    def _killed(self, at: int | None, torn: bool) -> int:
        if at is not None:
            steps = DiskSteps(self.stage.home, at, torn=torn)

            def watched() -> None:
                steps.watch()
                self.scenario.act(self.stage)

            return _child(watched, self.out)
        process = os.fork()
        if process == 0:
            self.scenario.act(self.stage)
            signal.pause()
        time.sleep(random.uniform(0.02, self.seconds))
        os.kill(process, signal.SIGKILL)
        return os.waitpid(process, 0)[1]

    def _rerun(self) -> list[str]:
        if self.with_whole_reruns and self.counts.total() % WHOLE_RERUN_EVERY == 1:
            self.scenario.whole(self.stage)
            self.counts["whole reruns"] += 1
        else:
            # What the stages before would leave, since they make the work file anew.
            _copy(self.base / "work", self.stage.home / "work")
            self.scenario.act(self.stage)
        return _faults_after_rerun(self.stage, self.new, self.closes)

    def _look(self, where: str, action: Callable[[], list[str]], when: str) -> None:
        status = _child(action, self.out)
        found = json.loads(self.out.read_text()) if status == 0 else [f"ended with {status}"]
        self.failures += [f"{where}, {when}: {line}" for line in found]


def write_deliveries(folder: Path) -> None:
    """A sample of three periods, and a later delivery by which some creators are in violation."""
    if (folder / "corrected").exists():
        return
    write_sample(folder, creators=60, periods=3)
    shutil.copytree(folder / "landing", folder / "corrected")
    with (folder / "landing" / "creators" / "creators.csv").open(encoding="utf-8") as file:
        creators = sorted({row["creator_id"] for row in csv.DictReader(file)})
    events = "".join(
        f"late-{creator},creator,{creator},spam,violated,2024-01-01T00:00:00Z\n"
        for creator in creators[::4]
    )
    (folder / "corrected" / "policy_events" / "late.csv").write_text(
        f"event_id,subject_type,subject_id,policy,status,effective_at\n{events}", encoding="utf-8"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario", choices=list(SCENARIOS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torture = Torture(
        options.scenario, options.folder.resolve(), with_whole_reruns=options.every <= 30
    )
    steps = torture.prepare()
    torture.failures += [f"not flushed: {step}" for step in unflushed(steps)]
    started = time.monotonic()
    for at, (kind, _) in enumerate(steps):
        if at % options.every == 0 or kind in ALWAYS:
            torture.fault(kind, at)
            if kind == "write":
                torture.fault("torn write", at, torn=True)
    random.seed(6)
    for _ in range(RANDOM_KILLS // options.every):
        torture.fault("random", None)
    print(
        json.dumps(
            {
                "scenario": torture.name,
                "steps": len(steps),
                "counts": dict(torture.counts),
                "failures": torture.failures,
                "seconds": round(time.monotonic() - started, 1),
            }
        )
    )
    sys.exit(bool(torture.failures))


if __name__ == "__main__":
    main()
