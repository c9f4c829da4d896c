"""The home as a Dagster resource: it holds the period for as long as a run lasts."""

import os
import pwd
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    MULTIDIMENSIONAL_PARTITION_PREFIX,
    PARTITION_NAME_TAG,
)

from orchestration.dagster_glue.dead_runs import fail_dead_run
from orchestration.dagster_glue.failures import EXIT_STATUS
from orchestration.dagster_glue.partitions import split_partition_key
from orchestration.dagster_glue.run_ends import say_not_asked, say_what_blocks, say_where
from orchestration.ingest.bucket import Bucket, NoBucket, NotReachable
from orchestration.ingest.file_cache import MOST_BYTES
from orchestration.ingest.landing_place import Landing
from orchestration.pipeline.engine_limits import EngineLimits
from orchestration.pipeline.engines import DUCKDB, engine_named
from orchestration.pipeline.gate_worker import WORKER, Gate, run_gate
from orchestration.pipeline.home import Busy, Home, Registration
from orchestration.pipeline.mirror import mirror, mirror_of
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.refusals import Refused
from orchestration.pipeline.run_state import last_run

BY_TAG = "by"

CLOSE_JOB = "close"
"""The job that closes a period."""

WITHDRAW_JOB = "withdraw"
"""The job that takes an estimate out of what is published."""

SIMULATE_JOB = "simulate"
"""The job that says what other terms would have paid."""

EXPLAIN_JOB = "explain"
"""The job that says how a creator's numbers came about."""

STATEMENTS_JOB = "statements"
"""The job that writes statements."""

PROPOSE_JOB = "propose_adjustment"
"""The job by which one person asks for an adjustment by hand."""

APPROVE_JOB = "approve_adjustment"
"""The job by which another person approves it."""

WITHOUT_GATES = {STATEMENTS_JOB, EXPLAIN_JOB, PROPOSE_JOB, APPROVE_JOB}
"""The jobs that ask no gate, so that none of its process need be started."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """The watcher of a run, who is told of its progress beside the log: the terminal on which it was started."""

    tell: Callable[[str], None] | None = None


class HomeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """A home folder, the engine that its periods are run by, and who watches what is run in it."""

    path: str
    engine: str = DUCKDB.name
    # A resource of its own: Dagster copies the fields of a resource, and hands this one on as it is.
    watcher: dg.ResourceDependency[Watcher] = Watcher()  # type: ignore[assignment]

    @property
    def home(self) -> Home:
        return Home(Path(self.path), on_wait=self.watcher.tell)

    @property
    def gate(self) -> Gate:
        """The way to ask a gate in this process."""
        return partial(run_gate, limits=_limits())

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["HomeResource"]:
        """Starts the gate worker, which takes seconds to import, where it is asked; holds the period's lock."""
        run = context.run
        if run is None:
            yield self
            return
        _demand_nothing_of_the_environment(run.run_config)
        _mirror_place()
        key = _partition_of(run.tags)
        if run.job_name not in WITHOUT_GATES:
            WORKER.start()
        if key is None:
            yield self
            return
        try:
            program, period = split_partition_key(key)
        except ValueError as error:
            raise dg.Failure(str(error)) from None
        self.registration(program)
        _complete_tags(context.instance, run, program, period)
        if context.instance is not None:
            fail_dead_run(context.instance, self.home, program, period)
        try:
            with self.home.period_lock(program, period, run.run_id):
                try:
                    yield self
                finally:
                    self._tell_end(context, run, program, period)
        except Busy as error:
            raise dg.Failure(str(error)) from None

    def _tell_end(
        self, context: dg.InitResourceContext, run: dg.DagsterRun, program: str, period: str
    ) -> None:
        """Ends the log of a run: with where to look, and of one that did not come to its end why not."""
        last = None
        with suppress(Refused):  # its record is damaged, which the run has said
            last = last_run(self.home, program, period)
        instance, log = context.instance, context.log
        if instance is None or log is None:
            return
        gates = last.gates if last is not None and last.run_id == run.run_id else {}
        red = {stage: verdict for stage, verdict in gates.items() if not verdict.held}
        why = f"the {', '.join(red)} gate has not held" if red else "the run ended before"
        say_not_asked(instance, run, why)
        for stage, verdict in red.items():
            say_what_blocks(
                instance, run, log, (program, period), stage, verdict, self.home.options(program)
            )
        if not red:
            say_where(instance, run, program, period)

    def registration(self, program: str) -> Registration:
        """The places of a program's files; Failure for a partition of no known program."""
        registrations = self.home.registrations()
        if program not in registrations:
            raise dg.Failure(
                f"{program!r} is no program of this home; known: "
                f"{', '.join(registrations) or 'none'}. Register one with bonus run or bonus ui"
            )
        return registrations[program]

    @staticmethod
    def partition(context: "dg.OpExecutionContext | dg.AssetExecutionContext") -> tuple[str, str]:
        """Program and period that a step is about."""
        return split_partition_key(context.partition_key)

    def period_run(
        self, context: "dg.AssetExecutionContext | dg.AssetCheckExecutionContext"
    ) -> PeriodRun:
        """The run of the partition that a step is about."""
        program, period = split_partition_key(context.partition_key)
        run = context.run
        return PeriodRun(
            home=self.home,
            program=program,
            period=period,
            run_id=run.run_id,
            by=started_by(run.tags),
            gate=self.gate,
            engine=engine_named(self.engine, os.environ),
            cache_bytes=_cache_bytes(),
            progress=self._told(context.log.info),
        )

    def show_in_mirror(self, program: str, log: Callable[[str], None]) -> None:
        """Brings the mirror of BONUS_MIRROR up to what is published now, if one is named.

        Failure where it cannot be; what is published in the home stays as it is.
        """
        place = _mirror_place()
        if place is None:
            return
        tell = self._told(log)
        try:
            done = mirror(self.home, program, place, tell)
        except (NotReachable, Refused) as error:
            raise dg.Failure(
                f"what was to be done is done in the home, but its mirror is not up to date: {error}. Then bonus"
                f" mirror --to {place} does what is left",
                metadata={EXIT_STATUS: 1},
                allow_retries=False,
            ) from None
        tell(f"mirror: {done.address} is up to date, {done.sent:,} files sent")

    def _told(self, log: Callable[[str], None]) -> Callable[[str], None]:
        """Progress into the run's log, and to who watches it."""
        watch = self.watcher.tell
        if watch is None:
            return log

        def tell(text: str) -> None:
            log(text)
            watch(text)

        return tell


def demand_landing(landing: Landing | None) -> Landing:
    """The landing directory of a registration; Refused where it is not known."""
    if landing is None:
        raise Refused("the landing directory is not known in this home; run a period first")
    return landing


def _limits() -> EngineLimits:
    """The limits that the environment of this process sets."""
    return EngineLimits.of(os.environ)


def _mirror_place() -> Bucket | None:
    """The mirror that BONUS_MIRROR names, if any; Failure where it is no good address."""
    try:
        return mirror_of(os.environ)
    except NoBucket as error:
        raise dg.Failure(str(error), metadata={EXIT_STATUS: 2}, allow_retries=False) from None


def _cache_bytes() -> int:
    """The bytes that the cache of a home may take, by BONUS_CACHE_GIB; Failure where that is no number."""
    said = os.environ.get("BONUS_CACHE_GIB", "")
    if not said:
        return MOST_BYTES
    if not said.isdecimal():
        raise dg.Failure(
            f"BONUS_CACHE_GIB is {said!r}; give a whole number of GiB, 0 to keep nothing"
        )
    return int(said) << 30


def started_by(tags: Mapping[str, str]) -> str:
    """§7: "run tag `by`, from `--by` or the launch dialog, else the operating system's user"."""
    return tags.get(BY_TAG, "").strip() or system_user()


def system_user() -> str:
    """The operating system's user of this process, whatever LOGNAME and USER say."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container may give its user no name
        return f"uid-{os.geteuid()}"


_OTHER_WAYS: Final = (
    MULTIDIMENSIONAL_PARTITION_PREFIX,
    ASSET_PARTITION_RANGE_START_TAG,
    ASSET_PARTITION_RANGE_END_TAG,
)
"""How tags begin by which Dagster's steps find a partition, too, some of them before the usual tag."""


def _partition_of(tags: Mapping[str, str]) -> str | None:
    """The partition that every step of a run works on, so that its lock is held; None if it has none.

    Failure for tags that say a partition in another way: a launch may give any tags, and its steps
    would work on a period that is not held, or on another one than is.
    """
    if others := sorted(tag for tag in tags if tag.startswith(_OTHER_WAYS)):
        raise dg.Failure(
            f"a run is of one period, which the tag {PARTITION_NAME_TAG} names, and has no tag "
            f"{', '.join(others)}. Launch a run for each period (no single run for a range)",
            allow_retries=False,
        )
    return tags.get(PARTITION_NAME_TAG)


def _demand_nothing_of_the_environment(config: object) -> None:
    """Failure for {env: NAME} in a run's configuration: Dagster puts in what this process has there.

    That may be a secret, and would stand in logs and files.
    """
    if isinstance(config, Mapping):
        if set(config) == {"env"} and isinstance(config["env"], str):
            raise dg.Failure(
                "the run's configuration asks for a variable of the server's environment ({env: ...});"
                " give the text itself",
                allow_retries=False,
            )
        for value in config.values():
            _demand_nothing_of_the_environment(value)
    elif isinstance(config, list | tuple):
        for value in config:
            _demand_nothing_of_the_environment(value)


def _complete_tags(
    instance: dg.DagsterInstance | None, run: dg.DagsterRun, program: str, period: str
) -> None:
    """A run launched in the UI has the partition for a tag only, or others that say something else: puts in
    program, period and by."""
    wanted = {"program": program, "period": period, BY_TAG: started_by(run.tags)}
    other = {name: value for name, value in wanted.items() if run.tags.get(name) != value}
    if instance is not None and other:
        instance.add_run_tags(run.run_id, other)
