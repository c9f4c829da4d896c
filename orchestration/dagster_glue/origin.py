"""Where the definitions are, in Dagster's terms, so that a run is the same to it wherever it was started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

LOCATION: Final = "creator-bonus"
"""The code location of `bonus ui` and of workspace.yaml."""

REPOSITORY: Final = "__repository__"
"""What Dagster calls the definitions of a location that names none."""


def write_as_launched(instance: DagsterInstance) -> None:
    """From now on, runs that this instance writes have the origin that a launch in the UI has.

    Without one Dagster shows a run among all runs only: neither in the timeline nor with its job.
    """
    from dagster._core.remote_origin import (
        RegisteredCodeLocationOrigin,
        RemoteJobOrigin,
        RemoteRepositoryOrigin,
    )
    from dagster._record import copy

    storage: Any = instance.run_storage
    add_run = storage.add_run
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), REPOSITORY)

    def add(run: DagsterRun) -> DagsterRun:
        origin = RemoteJobOrigin(repository, run.job_name)
        written: DagsterRun = add_run(copy(run, remote_job_origin=origin))
        return written

    storage.add_run = add
