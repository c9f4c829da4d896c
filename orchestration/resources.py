"""The home as a Dagster resource: it holds the period for as long as a run lasts."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from orchestration.partitions import split_partition_key
from orchestration.pipeline.gate_worker import WORKER, run_gate
from orchestration.pipeline.home import Busy, Home, Registration
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.publish import Gate

BY_TAG = "by"
CLOSE_JOB = "close"
"""The job that closes a period; it runs no gates."""


class HomeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """A home folder, and the gate runner that the steps of this process share."""

    path: str
    _gate: Gate | None = PrivateAttr(default=None)

    @property
    def home(self) -> Home:
        return Home(Path(self.path))

    def with_gate(self, gate: Gate) -> "HomeResource":
        """The same home with another runner of gates: for tests."""
        self._gate = gate
        return self

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["HomeResource"]:
        """Starts the gate worker, which takes seconds to import, and holds the period's lock."""
        run = context.run
        if self._gate is None and (run is None or run.job_name != CLOSE_JOB):
            WORKER.start()
        key = run.tags.get("dagster/partition") if run else None
        if run is None or key is None:
            yield self
            return
        try:
            program, period = split_partition_key(key)
        except ValueError as error:
            raise dg.Failure(str(error)) from None
        self.registration(program)
        try:
            with self.home.period_lock(program, period, run.run_id):
                yield self
        except Busy as error:
            raise dg.Failure(str(error)) from None

    def registration(self, program: str) -> Registration:
        """Where a program's files are; Failure for a partition of no known program."""
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
            by=run.tags.get(BY_TAG) or getpass.getuser(),
            gate=self._gate or run_gate,
            progress=context.log.info,
        )
