"""Dagster's own routes behind the door: whatever can change something is under the same rule."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from dagster_graphql.implementation.utils import UserFacingGraphQLError
from starlette.routing import Route

from orchestration.dagster_glue.origin import LOCATION
from orchestration.pipeline.home import Home
from orchestration.web.server import BonusWebserver, BonusWorkspace
from orchestration.web.service import DEFINITIONS
from orchestration.web.settings import Settings
from tests.conftest import ROOT
from tests.unit.web.asking import ask

HOST = ("Host", "127.0.0.1:3000")
JSON = ("Content-Type", "application/json")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The app over no instance: what is let in has nothing to work with, and fails."""
    home = Home(tmp_path_factory.mktemp("home"))
    return BonusWebserver(None, Settings(), home).create_asgi_app()  # type: ignore[arg-type]


def _changing(app: Any) -> list[str]:
    return [
        route.path.replace("{asset_key:path}", "payout_ledger")
        for route in app.routes
        if isinstance(route, Route) and (route.methods or set()) - {"GET", "HEAD"}
    ]


def test_dagster_s_changing_routes_are_known(app: Any) -> None:
    """A new one in a later version is looked at before it is served."""
    assert _changing(app) == [
        "/bonus/name",
        "/bonus/periods/{program}/{period}/run",
        "/bonus/periods/{program}/{period}/close",
        "/bonus/programs/{program}/run",
        "/bonus/periods/{program}/{period}/adjustments/propose",
        "/bonus/periods/{program}/{period}/adjustments/approve",
        "/graphql",
        "/report_asset_materialization/payout_ledger",
        "/report_asset_check/payout_ledger",
        "/report_asset_observation/payout_ledger",
    ]


def test_a_changing_route_takes_json_from_our_own_pages_only(app: Any) -> None:
    for path in _changing(app)[1:]:
        assert ask(app, "POST", path, [HOST, JSON, ("Origin", "http://evil.example")]).status == 403
        assert ask(app, "POST", path, [("Host", "evil.example"), JSON]).status == 403
        assert ask(app, "POST", path, [HOST, ("Content-Type", "text/plain")]).status == 415
        assert ask(app, "POST", path, [HOST]).status == 415


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
@pytest.mark.parametrize("query", ["mutation{reloadWorkspace{__typename}}", "{version}"])
def test_graphql_is_not_asked_by_a_link(app: Any, query: str, accept: str) -> None:
    answer = ask(app, "GET", f"/graphql?query={query}", [HOST, ("Accept", accept)])
    assert (answer.status, answer.headers["allow"]) == (405, ["POST"])
    assert ask(app, "HEAD", f"/graphql?query={query}", [HOST]).status == 405


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", json.dumps([{"query": "{version}"}]).encode(), b'"x"', b"\xff"]
)
def test_a_query_is_one_json_object(app: Any, body: bytes) -> None:
    assert ask(app, "POST", "/graphql?query={version}", [HOST, JSON], body).status == 400


def test_dagster_s_own_pages_cannot_be_framed(app: Any) -> None:
    assert ask(app, "GET", "/server_info", [HOST]).headers["x-frame-options"] == ["DENY"]


def test_dagster_s_own_commands_find_the_same_definitions() -> None:
    (location,) = yaml.safe_load((ROOT / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    assert location == {
        "python_module": {"module_name": DEFINITIONS, "location_name": LOCATION},
    }


def test_no_query_ends_the_code_server() -> None:
    """All of `bonus ui` would end with it, and everybody's runs."""
    workspace = object.__new__(BonusWorkspace)
    with pytest.raises(UserFacingGraphQLError) as refused:
        workspace.shutdown_code_location(LOCATION)
    assert refused.value.error.message == f"{LOCATION} ends with bonus ui, by Ctrl-C"
