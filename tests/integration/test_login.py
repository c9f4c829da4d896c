"""Behind a proxy with a login: each way in which Dagster lets one launch is by who has logged in.

The webserver's app is asked as the proxy would ask it, over an instance whose queue nobody empties.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget

from orchestration.dagster_glue.definitions import build_definitions
from orchestration.dagster_glue.jobs import NAMED_IN
from orchestration.dagster_glue.origin import LOCATION
from orchestration.dagster_glue.partitions import partition_key
from orchestration.dagster_glue.resources import HomeResource
from orchestration.dagster_glue.run_in_process import register
from orchestration.pipeline.home import Home
from orchestration.terms.load import load_program
from orchestration.web.attribution import attribute, fill_in, run_by
from orchestration.web.door import USER
from orchestration.web.server import BonusWebserver
from orchestration.web.service import DEFINITIONS
from orchestration.web.settings import Settings
from orchestration.web.visitor import COOKIE, SAID
from tests.served_ui import REPOSITORY_SELECTOR
from tests.unit.web.asking import ask

SETTINGS = Settings.of(
    {
        "BONUS_UI_HOSTS": "bonus.example.com",
        "BONUS_UI_USER_HEADER": "X-Forwarded-User",
        "BONUS_UI_PROXY": "127.0.0.1",
    }
)
CLAIMS = [{"key": "by", "value": "mallory"}]
RUN = (
    "{ __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message stack }"
    " ... on RunConfigValidationInvalid { errors { message } } }"
)
RUNS = f"{{ __typename ... on LaunchMultipleRunsResult {{ launchMultipleRunsResult {RUN} }} }}"
BACKFILL = "{ __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message stack } }"
REQUIRED = {
    "approve_adjustment": ["adjustment_id"],
    "propose_adjustment": ["creator_id", "currency", "amount", "reason"],
}
"""By job what its configuration must have beside the name."""
RESUMED = "{ __typename ... on PythonError { message stack } }"


class Desk:
    """A home with a program, and its webserver: behind a proxy, or asked by a browser."""

    def __init__(
        self, app: BonusWebserver, instance: dg.DagsterInstance, keys: list[str], *, proxied: bool
    ) -> None:
        self.visitors = app._visitors
        self.app, self.instance, self.keys = app.create_asgi_app(), instance, keys
        self.host = "bonus.example.com" if proxied else "localhost"
        self.proxied = proxied

    def _says(self, user: str | None) -> list[tuple[str, str]]:
        if user is None:
            return []
        if self.proxied:
            return [("X-Forwarded-User", user)]
        return [("Cookie", f"{COOKIE}={self.visitors.cookie(user)}")]

    def ask(self, user: str | None, field: str, kind: str, argument: str, value: Any) -> Any:
        """What a mutation gives to a user; the status where it was not let in."""
        if "Backfill" in field:
            wanted = RESUMED if field.startswith("resume") else BACKFILL
        else:
            wanted = RUNS if field == "launchMultipleRuns" else RUN
        query = f"mutation($value: {kind}) {{ {field}({argument}: $value) {wanted} }}"
        answer = ask(
            self.app,
            "POST",
            "/graphql",
            [
                ("Host", self.host),
                ("Content-Type", "application/json"),
                ("Origin", f"https://{self.host}"),
                *self._says(user),
            ],
            json.dumps({"query": query, "variables": {"value": value}}).encode(),
        )
        if user is None and self.proxied:
            return answer.status
        body = json.loads(answer.body)
        assert not body.get("errors"), body
        return body["data"][field]

    def launch(
        self, user: str | None, field: str, kind: str, argument: str, value: Any
    ) -> dg.DagsterRun:
        """The run that a mutation makes."""
        launched = self.ask(user, field, kind, argument, value)
        if field == "launchMultipleRuns":
            (launched,) = launched["launchMultipleRunsResult"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run = self.instance.get_run_by_id(launched["run"]["runId"])
        assert run is not None
        return run

    def params(
        self, job: str = "period", claims: Sequence[Any] = CLAIMS, **more: Any
    ) -> dict[str, Any]:
        """A launch that claims to be somebody else's."""
        metadata = {"tags": [*claims, {"key": "dagster/partition", "value": self.keys[0]}]}
        return {
            "selector": {**REPOSITORY_SELECTOR, "jobName": job},
            "runConfigData": {},
            "executionMetadata": {**metadata, **more},
        }


@contextmanager
def _desk(sample: Path, tmp_path: Path, settings: Settings) -> Iterator[Desk]:
    home = Home(tmp_path / "home")
    home.prepare()
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    loaded = load_program(sample / "program.yaml")
    with register(home, loaded, sample / "landing") as instance:
        origin = InProcessCodeLocationOrigin(
            loadable_target_origin=LoadableTargetOrigin(module_name=DEFINITIONS),
            location_name=LOCATION,
        )
        if settings.user_header:
            attribute(instance, USER.get)
        else:
            fill_in(instance, SAID.get)
        with WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(origin)) as context:
            app = BonusWebserver(context, settings, home)
            keys = [
                partition_key(loaded.program.program, row.key) for row in loaded.program.periods
            ]
            yield Desk(app, instance, keys, proxied=bool(settings.user_header))


@pytest.fixture
def desk(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Behind a proxy with a login."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    with _desk(sample, tmp_path, SETTINGS) as desk:
        yield desk


@pytest.fixture
def browser(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Without a login: a browser keeps a name, or does not."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    with _desk(sample, tmp_path, Settings()) as desk:
        yield desk


def test_every_launch_of_a_run_is_by_the_user(desk: Desk) -> None:
    params = desk.params()
    first = desk.launch("ada", "launchRun", "ExecutionParams!", "executionParams", params)
    assert first.tags["by"] == "ada"
    assert first.tags["dagster/partition"] == desk.keys[0]
    again = {"rootRunId": first.run_id, "parentRunId": first.run_id}
    claims = {"parentRunId": first.run_id, "strategy": "ALL_STEPS", "extraTags": CLAIMS}
    for field, kind, argument, value in (
        ("launchPipelineExecution", "ExecutionParams!", "executionParams", params),
        ("launchMultipleRuns", "[ExecutionParams!]!", "executionParamsList", [params]),
        ("launchRunReexecution", "ExecutionParams", "executionParams", desk.params(**again)),
        ("launchPipelineReexecution", "ExecutionParams", "executionParams", desk.params(**again)),
        # What the parent was by is not taken over.
        ("launchRunReexecution", "ReexecutionParams", "reexecutionParams", claims),
        ("launchPipelineReexecution", "ReexecutionParams", "reexecutionParams", claims),
    ):
        run = desk.launch("grace@example.com", field, kind, argument, value)
        assert run.tags["by"] == "grace@example.com", field


def test_a_close_is_approved_by_the_user(desk: Desk) -> None:
    def approver(run: dg.DagsterRun) -> Any:
        return run.run_config["ops"]["close_period"]["config"]["approver"]  # type: ignore[index]

    claims = {
        "ops": {"close_period": {"config": {"approver": "mallory", "program_file": "p.yaml"}}}
    }
    params = {**desk.params("close"), "runConfigData": claims}
    run = desk.launch("ada", "launchRun", "ExecutionParams!", "executionParams", params)
    assert (run.tags["by"], approver(run)) == ("ada", "ada")
    # The rest of the configuration is as it was asked for.
    assert run.run_config["ops"]["close_period"]["config"]["program_file"] == "p.yaml"  # type: ignore[index]
    claims = {"parentRunId": run.run_id, "strategy": "ALL_STEPS"}
    run = desk.launch(
        "grace", "launchRunReexecution", "ReexecutionParams", "reexecutionParams", claims
    )
    assert (run.tags["by"], approver(run)) == ("grace", "grace")


@pytest.mark.parametrize("job", sorted(NAMED_IN))
def test_a_name_in_a_configuration_is_the_user_s(job: str) -> None:
    """Whatever job asks for a name; a step that reads the name from elsewhere is not covered."""
    op, key = NAMED_IN[job]
    (step,) = build_definitions(HomeResource(path="/nowhere")).resolve_job_def(job).nodes
    assert step.name == op
    config = {"ops": {op: {"config": {key: "mallory", "x": 1}}}}
    run = run_by(dg.DagsterRun(job, run_config=config, tags={"by": "mallory"}), "ada")
    assert (run.tags["by"], run.run_config) == (
        "ada",
        {"ops": {op: {"config": {key: "ada", "x": 1}}}},
    )


def test_a_backfill_s_runs_are_by_the_user(desk: Desk) -> None:
    of_job = {
        "selector": {
            "partitionSetName": "period_partition_set",
            "repositorySelector": REPOSITORY_SELECTOR,
        },
        "partitionNames": desk.keys,
        "tags": CLAIMS,
    }
    of_assets = {
        "assetSelection": [{"path": ["stg_posts"]}],
        "partitionNames": desk.keys,
        "tags": CLAIMS,
    }

    def launch(user: str, field: str, kind: str, argument: str, value: Any) -> str:
        launched = desk.ask(user, field, kind, argument, value)
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        found: str = launched["backfillId"]
        return found

    def by(backfill: str) -> str:
        found = desk.instance.get_backfill(backfill)
        assert found is not None
        return found.tags["by"]

    launched = ("launchPartitionBackfill", "LaunchBackfillParams!", "backfillParams")
    assert by(launch("grace", *launched, of_assets)) == "grace"
    first = launch("ada", *launched, of_job)
    assert by(first) == "ada"
    found = desk.instance.get_backfill(first)
    assert found is not None
    token = USER.set("ada")
    desk.instance.update_backfill(found.with_status(BulkActionStatus.FAILED))
    USER.reset(token)
    claims = {"parentRunId": first, "strategy": "ALL_STEPS"}
    again = ("reexecutePartitionBackfill", "ReexecutionParams", "reexecutionParams")
    assert by(launch("grace", *again, claims)) == "grace"
    assert by(first) == "ada"
    resumed = desk.ask("heidi", "resumePartitionBackfill", "String!", "backfillId", first)
    assert resumed["__typename"] == "ResumeBackfillSuccess", resumed
    assert by(first) == "heidi"


def test_without_a_user_nothing_is_launched(desk: Desk) -> None:
    params = desk.params()
    assert desk.ask(None, "launchRun", "ExecutionParams!", "executionParams", params) == 403
    assert desk.instance.get_runs() == []
    # Nor past the door, were there a way.
    with pytest.raises(RuntimeError, match="by nobody"):
        desk.instance.run_storage.add_run(dg.DagsterRun("period"))
    assert desk.instance.get_runs() == []


def test_without_a_login_the_name_that_a_browser_keeps_is_taken_where_none_is_named(
    browser: Desk,
) -> None:
    def launch(user: str | None, **params: Any) -> dg.DagsterRun:
        value = browser.params(**params)
        return browser.launch(user, "launchRun", "ExecutionParams!", "executionParams", value)

    assert launch("ada").tags["by"] == "mallory"
    assert launch("ada", claims=[{"key": "by", "value": " "}]).tags["by"] == "ada"
    first = launch("ada", claims=[])
    assert first.tags["by"] == "ada"
    assert "by" not in launch(None, claims=[]).tags
    again = ("launchRunReexecution", "ReexecutionParams", "reexecutionParams")
    copied = {"parentRunId": first.run_id, "strategy": "ALL_STEPS"}
    assert browser.launch("grace", *again, copied).tags["by"] == "grace"
    assert browser.launch(None, *again, copied).tags["by"] == "ada"
    claims = {**copied, "extraTags": CLAIMS}
    assert browser.launch("grace", *again, claims).tags["by"] == "mallory"


def test_without_a_login_an_empty_approver_is_the_name_that_a_browser_keeps(browser: Desk) -> None:
    def approver(user: str | None, typed: str) -> tuple[str, str | None]:
        config = {"ops": {"close_period": {"config": {"approver": typed}}}}
        value = {**browser.params("close", claims=[]), "runConfigData": config}
        run = browser.launch(user, "launchRun", "ExecutionParams!", "executionParams", value)
        return run.run_config["ops"]["close_period"]["config"]["approver"], run.tags.get("by")  # type: ignore[index]

    assert approver("grace", "") == ("grace", "grace")
    assert approver("grace", "heidi") == ("heidi", None)  # the close's own step tags it


def test_without_a_login_no_job_that_asks_for_a_name_is_launched_without_one(
    browser: Desk,
) -> None:
    """Dagster would take any text; no run is made, where a name of 128 characters makes one."""

    def launch(job: str, name: str) -> Any:
        op, key = NAMED_IN[job]
        asked = dict.fromkeys(REQUIRED.get(job, ()), "x") | {key: name}
        config = {"ops": {op: {"config": asked}}}
        value = {**browser.params(job, claims=[]), "runConfigData": config}
        return browser.ask(None, "launchRun", "ExecutionParams!", "executionParams", value)

    for job, (_, key) in NAMED_IN.items():
        for typed, said in (
            ("", "no name"),
            (" ", "no name"),
            ("\u200b", "nothing of it can be seen"),
            ("a" * 129, "1 to 128 characters"),
        ):
            refused = launch(job, typed)
            assert refused["__typename"] == "PythonError", refused
            assert "Nothing was launched" in refused["message"]
            assert refused["stack"] == []  # Dagster's page would show it below the sentence
            assert said in refused["message"], (job, typed)
            assert f"Fill in {key} in the launchpad" in refused["message"]
    assert browser.instance.get_runs() == []
    for job in NAMED_IN:
        assert launch(job, "a" * 128)["__typename"] == "LaunchRunSuccess", job


@pytest.mark.parametrize("kind", ["desk", "browser"])
def test_a_launch_is_taken_for_none_of_a_sensor(kind: str, request: pytest.FixtureRequest) -> None:
    """By such tags `deliveries` and `closing_days` would never run a period, and no alert would come."""
    desk: Desk = request.getfixturevalue(kind)
    said = {
        "dagster/run_key": f"{desk.keys[0]}:closes_on",
        "dagster/schedule_name": "closing_days",
        "dagster/sensor_name": "deliveries",
        "alerted": "yes",
    }
    claims = [{"key": name, "value": value} for name, value in said.items()]
    launch = ("launchRun", "ExecutionParams!", "executionParams")
    run = desk.launch("ada", *launch, desk.params(claims=claims))
    assert run.tags["by"] == "ada" and not said.keys() & run.tags.keys()
    backfill = {
        "assetSelection": [{"path": ["stg_posts"]}],
        "partitionNames": desk.keys,
        "tags": claims,
    }
    launch = ("launchPartitionBackfill", "LaunchBackfillParams!", "backfillParams")
    launched = desk.ask("ada", *launch, backfill)
    found = desk.instance.get_backfill(launched["backfillId"])
    assert found is not None
    assert found.tags["by"] == "ada" and not said.keys() & found.tags.keys()


def test_no_other_launch_is_known(desk: Desk) -> None:
    """A mutation of a later Dagster is looked at here before it is served."""
    answer = ask(
        desk.app,
        "POST",
        "/graphql",
        [
            ("Host", "bonus.example.com"),
            ("Content-Type", "application/json"),
            ("X-Forwarded-User", "ada"),
        ],
        b'{"query": "{ __schema { mutationType { fields { name } } } }"}',
    )
    fields = json.loads(answer.body)["data"]["__schema"]["mutationType"]["fields"]
    launching = {
        row["name"] for row in fields if "launch" in row["name"].lower() or "xecut" in row["name"]
    }
    assert launching == {
        "launchPipelineExecution", "launchRun", "launchMultipleRuns", "launchPipelineReexecution",
        "launchRunReexecution", "launchPartitionBackfill", "reexecutePartitionBackfill",
        "terminatePipelineExecution",
    }  # fmt: skip
