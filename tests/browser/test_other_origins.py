"""A page of another site, open in the operator's browser, tries what it can; nothing happens.

The other site is served on another port, by the UI's own host name and by a foreign one, and as an
attacker does who points a name of his own at this machine (DNS rebinding). Last, the same request
from the UI's own page is let in, so that it is the door that has refused it before.
"""

from __future__ import annotations

import http.server
import json
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, Response

from orchestration.dagster_glue.partitions import partition_key
from orchestration.terms.load import load_program
from tests.browser.conftest import PATIENCE_MS, Desk
from tests.served_ui import REPOSITORY_SELECTOR

MUTATION = (
    "mutation($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename } }"
)
REFUSED = {403, 405, 415}

# Each tries one way to send the query, and says how it ended as far as the page can know.
ATTEMPTS = """
async ({ui, query, link}) => {
    const wait = (ms) => new Promise(resolve => setTimeout(resolve, ms));
    const url = ui + "/graphql";
    const said = {};
    const attempt = async (name, send) => {
        try { said[name] = String(await send()); } catch (error) { said[name] = "failed"; }
    };
    const element = (tag, fields) => Object.assign(document.createElement(tag), fields);
    const loaded = (node) => new Promise(resolve => {
        node.onload = () => resolve("loaded"); node.onerror = () => resolve("failed");
        document.body.append(node); setTimeout(() => resolve("late"), 5000);
    });
    const form = async (method, enctype, fields) => {
        const frame = element("iframe", {name: "frame" + Math.random()});
        document.body.append(frame);
        const form = element("form", {method, enctype, action: url, target: frame.name});
        for (const [name, value] of Object.entries(fields))
            form.append(element("input", {name, value}));
        document.body.append(form);
        form.submit();
        await wait(700);
        try { return frame.contentDocument ? "nothing" : "kept from us"; } catch { return "kept from us"; }
    };
    const post = (mode, type) => async () =>
        (await fetch(url, {method: "POST", mode, body: query, headers: {"Content-Type": type}})).type;
    await attempt("image", () => loaded(element("img", {src: link})));
    await attempt("script", () => loaded(element("script", {src: link})));
    await attempt("frame", () => loaded(element("iframe", {src: link})));
    await attempt("get", async () => (await fetch(link, {mode: "no-cors"})).type);
    await attempt("get cors", async () => (await fetch(link)).status);
    await attempt("plain text", post("no-cors", "text/plain"));
    await attempt("json without cors", post("no-cors", "application/json"));
    await attempt("json", post("cors", "application/json"));
    await attempt("both types", post("no-cors", "text/plain; x=application/json"));
    await attempt("credentials", async () => (await fetch(url, {
        method: "POST", credentials: "include", body: query,
        headers: {"Content-Type": "application/json"}})).status);
    await attempt("beacon", () => navigator.sendBeacon(url, new Blob([query], {type: "text/plain"})));
    await attempt("form get", () => form("get", "", JSON.parse(query)));
    await attempt("form post", () => form("post", "application/x-www-form-urlencoded", JSON.parse(query)));
    await attempt("form multipart", () => form("post", "multipart/form-data", JSON.parse(query)));
    // The name of a field, "=" and its value together are JSON.
    await attempt("form of JSON", () => form("post", "text/plain",
        {[query.slice(0, -1) + ',"x":"']: '"}'}));
    for (const kind of ["materialization", "check", "observation"])
        await attempt("report " + kind, async () => (await fetch(
            ui + "/report_asset_" + kind + "/payout_ledger?check_name=gate&passed=true",
            {method: "POST", mode: "no-cors"})).type);
    await attempt("websocket", () => new Promise(resolve => {
        const socket = new WebSocket(url.replace("http", "ws"), "graphql-ws");
        socket.onopen = () => resolve("open"); socket.onerror = () => resolve("failed");
    }));
    return said;
}
"""

POST_FROM_OWN_PAGE = """
async (query) => (await fetch("/graphql", {
    method: "POST", body: query, headers: {"Content-Type": "application/json"}})).status
"""


class _Blank(http.server.BaseHTTPRequestHandler):
    """The other site: an empty page, whatever is asked for."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"<!DOCTYPE html><title>another site</title><body></body>")

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def other_port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Blank)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def close_query(desk: Desk) -> str:
    """A launch of the close job, as JSON. It would be refused for its approver, but a run is made."""
    program = load_program(desk.bonus.program).program
    # The last one, which nobody closes afterwards.
    key = partition_key(program.program, program.periods[-1].key)
    params = {
        "selector": {**REPOSITORY_SELECTOR, "jobName": "close"},
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": key}]},
        "runConfigData": {"ops": {"close_period": {"config": {"approver": "ada"}}}},
    }
    return json.dumps({"query": MUTATION, "variables": {"params": params}})


def _link(ui: str, query: str) -> str:
    asked = json.loads(query)
    asked["variables"] = json.dumps(asked["variables"])
    return f"{ui}/graphql?{urllib.parse.urlencode(asked)}"


def _books(desk: Desk) -> tuple[list[str], list[str], int]:
    """What an attack could have changed: runs, states of periods, what assets are said to be."""
    events = desk.ui.query(
        '{ assetOrError(assetKey: {path: ["payout_ledger"]}) { ... on Asset {'
        " assetMaterializations(limit: 1000) { timestamp } assetObservations(limit: 1000)"
        " { timestamp } } } }"
    )["assetOrError"]
    return (
        [run["runId"] for run in desk.ui.runs()],
        [row["state"] for row in desk.bonus.json("status")["periods"]],
        sum(map(len, events.values())),
    )


class _Traffic:
    """What goes from a page to the UI: the number of requests, and the answers that the page may see."""

    def __init__(self, page: Page, port: int) -> None:
        self._port = port
        self.asked = 0
        self.statuses: set[int] = set()
        page.on("request", self._ask)
        page.on("response", self._answer)

    def _is_ours(self, url: str) -> bool:
        return urllib.parse.urlsplit(url).port == self._port

    def _ask(self, request: Request) -> None:
        self.asked += self._is_ours(request.url)

    def _answer(self, response: Response) -> None:
        if self._is_ours(response.url):
            self.statuses.add(response.status)


@pytest.mark.parametrize("site", ["127.0.0.1", "localhost", "evil.example"])
def test_a_page_of_another_site_changes_nothing(
    desk: Desk, browser: Browser, other_port: int, close_query: str, site: str
) -> None:
    before = _books(desk)
    port = int(desk.ui.url.rpartition(":")[2])
    with browser.new_context() as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        traffic = _Traffic(page, port)
        page.goto(f"http://{site}:{other_port}/")
        said = page.evaluate(
            ATTEMPTS,
            {"ui": desk.ui.url, "query": close_query, "link": _link(desk.ui.url, close_query)},
        )
        assert said["websocket"] == "failed"
        assert said["json"] == said["get cors"] == said["credentials"] == "failed"
        # The browser has sent them, and where it shows the UI's answer, that is a refusal.
        assert traffic.asked >= 15, said
        assert 403 in traffic.statuses
        assert traffic.statuses <= REFUSED
        # A link that somebody follows leads to a page, and asks for nothing.
        opened = page.goto(_link(desk.ui.url, close_query))
        assert opened is not None
        assert opened.status == 405
        page.goto(f"http://{site}:{other_port}/")
        page.evaluate("link => { location = link }", f"{desk.ui.url}/runs")
        page.wait_for_url(f"{desk.ui.url}/runs**")
    assert _books(desk) == before


def test_a_foreign_name_for_this_machine_is_no_way_in(
    desk: Desk, browser: Browser, close_query: str
) -> None:
    before = _books(desk)
    port = int(desk.ui.url.rpartition(":")[2])
    rebound = f"http://evil.example:{port}"
    with browser.new_context() as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        traffic = _Traffic(page, port)
        page.goto(rebound)
        # Its origin is now that of the UI as the browser sees it, so nothing is sent cross-origin.
        assert page.evaluate(POST_FROM_OWN_PAGE, close_query) == 403
        said = page.evaluate(
            ATTEMPTS, {"ui": rebound, "query": close_query, "link": _link(rebound, close_query)}
        )
        assert said["websocket"] == "failed"
        assert traffic.asked >= 15, said
        assert 403 in traffic.statuses
        assert traffic.statuses <= REFUSED
    assert _books(desk) == before


def test_the_ui_s_own_page_is_let_in(desk: Desk, page: Page, close_query: str) -> None:
    """The control of the tests above: the same query, from where it may come."""
    before = _books(desk)[0]
    page.goto("/runs")
    assert page.evaluate(POST_FROM_OWN_PAGE, close_query) == 200
    assert len(desk.ui.runs()) == len(before) + 1
    opened = page.evaluate(
        """() => new Promise(resolve => {
            const socket = new WebSocket(location.origin.replace("http", "ws") + "/graphql", "graphql-ws");
            socket.onopen = () => resolve("open"); socket.onerror = () => resolve("failed");
        })"""
    )
    assert opened == "open"
