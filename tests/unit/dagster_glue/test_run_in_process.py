"""A job in this process: somebody's Ctrl-C is told from a step that failed, whatever it was at."""

from __future__ import annotations

import os
import signal

import dagster as dg
import pytest

from orchestration.dagster_glue.run_in_process import _executed


@pytest.mark.parametrize("is_hidden", [False, True], ids=["Dagster ends it", "the step fails"])
def test_an_interrupt_is_one(is_hidden: bool) -> None:
    """As dbt, DuckDB and the gates do, a step may make an error of its own of it."""

    @dg.op
    def interrupted() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            signal.pause()
        except BaseException as error:
            if is_hidden:
                raise RuntimeError("Query interrupted") from error
            raise

    @dg.job
    def some_job() -> None:
        interrupted()

    before = signal.set_wakeup_fd(-1)
    with dg.DagsterInstance.ephemeral() as instance, pytest.raises(KeyboardInterrupt):
        _executed(some_job, instance=instance)
    assert signal.set_wakeup_fd(before) == -1


def test_a_failure_is_none() -> None:
    @dg.op
    def failing() -> None:
        raise RuntimeError("of itself")

    @dg.job
    def some_job() -> None:
        failing()

    with dg.DagsterInstance.ephemeral() as instance:
        assert not _executed(some_job, instance=instance).success
