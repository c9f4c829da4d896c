"""Launches a run as Dagster's own launch dialog does: by its GraphQL, in the webserver's process.

So a launch from our pages is in Dagster's record like any other, and names whom `attribution` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from dagster._core.workspace.context import WorkspaceProcessContext

from orchestration.dagster_glue.origin import LOCATION, REPOSITORY

Launch = Callable[[str, str, Mapping[str, Any], Mapping[str, str]], str]
"""(job, partition, configuration, tags) -> the run's id. Raises NotLaunched."""

_LAUNCH: Final = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on Error { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}
"""


class NotLaunched(RuntimeError):
    """Dagster has not taken the launch; says why."""


def launcher(context: WorkspaceProcessContext) -> Launch:
    """A way to launch over the webserver's workspace. It blocks, so it belongs into a thread."""
    from dagster_graphql.cli import execute_query

    def launch(job: str, partition: str, config: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        wanted = {"dagster/partition": partition, **tags}
        params = {
            "selector": {
                "repositoryName": REPOSITORY,
                "repositoryLocationName": LOCATION,
                "jobName": job,
            },
            "runConfigData": config,
            "executionMetadata": {
                "tags": [{"key": key, "value": value} for key, value in wanted.items()]
            },
        }
        answer = execute_query(context, _LAUNCH, {"params": params})
        data = (answer.get("data") or {}).get("launchRun") or {}
        if data.get("__typename") == "LaunchRunSuccess":
            return str(data["run"]["runId"])
        faults = [*data.get("errors", []), *answer.get("errors", [])]
        said = data.get("message") or "; ".join(str(fault.get("message")) for fault in faults)
        raise NotLaunched(said or "Dagster has not said why")

    return launch
