"""Dagster's webserver behind our door, with our own pages beside Dagster's."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_graphql.implementation.utils import UserFacingGraphQLError
from dagster_graphql.schema.errors import GrapheneUnauthorizedError
from dagster_webserver.version import __version__
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from orchestration.pipeline.home import Home
from orchestration.web.attribution import attribute, fill_in
from orchestration.web.door import USER, Door
from orchestration.web.frame import Frame
from orchestration.web.launching import launcher
from orchestration.web.only_periods import add_only_periods
from orchestration.web.pages import Pages
from orchestration.web.settings import Settings
from orchestration.web.visitor import SAID, Visitors, key_of

# As `dagster dev` has them.
_STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_SECONDS, _POOL_MAX_OVERFLOW = 15_000, 3600, 20
_POLL_MS = 2000


class BonusWorkspace(WorkspaceProcessContext):
    """The code server of `bonus ui`, which no query ends: all of the UI, and the runs, would end with it."""

    def shutdown_code_location(self, name: str) -> None:
        """Raises what Dagster's pages show as a sentence."""
        told = GrapheneUnauthorizedError(f"{name} ends with bonus ui, by Ctrl-C")  # type: ignore[no-untyped-call]
        raise UserFacingGraphQLError(told)


class BonusWebserver(DagsterWebserver):  # type: ignore[type-arg]
    """Dagster's pages and GraphQL, for whom the door lets in."""

    def __init__(self, context: WorkspaceProcessContext, settings: Settings, home: Home) -> None:
        self._settings = settings
        self._visitors = Visitors(key_of(home.path))
        self._pages = Pages(Frame(home, self._visitors, launcher(context)))
        super().__init__(context, live_data_poll_rate=_POLL_MS)

    def build_middleware(self) -> list[Middleware]:
        door = Middleware(Door, settings=self._settings, visitors=self._visitors)
        return [door, *super().build_middleware()]

    def build_routes(self) -> list[BaseRoute]:
        dagsters: list[BaseRoute] = super().build_routes()  # type: ignore[no-untyped-call]
        return [*self._pages.routes(), *dagsters]

    async def graphql_http_endpoint(self, request: Request) -> Response:
        """One query at a time, by POST: a GET could be a link, and changes could hide in a list."""
        if request.method != "POST":
            return PlainTextResponse("GraphQL is asked by POST\n", 405, {"Allow": "POST"})
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return PlainTextResponse("expected one GraphQL query as a JSON object\n", 400)
        answer: Response = await super().graphql_http_endpoint(request)
        return answer


def serve(listening: socket.socket, workspace: Path, settings: Settings, home: Home) -> None:
    """Serves the UI of DAGSTER_HOME's instance on a socket until a signal ends it."""
    with DagsterInstance.get() as instance:
        instance.optimize_for_webserver(
            _STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_SECONDS, _POOL_MAX_OVERFLOW
        )
        if settings.user_header is not None:
            attribute(instance, USER.get)
        else:
            fill_in(instance, SAID.get)
        add_only_periods(instance, home)
        with BonusWorkspace(
            instance,
            version=__version__,
            workspace_load_target=WorkspaceFileTarget([str(workspace)]),
        ) as context:
            app = BonusWebserver(context, settings, home).create_asgi_app(lifespan=_lifespan)
            host, port = listening.getsockname()[:2]
            print(f"The UI is at http://{host}:{port}; Ctrl-C ends it", flush=True)
            # The other end is the one the kernel names, whatever X-Forwarded-For says of it.
            config = uvicorn.Config(
                app,
                log_level="warning",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=2,
            )
            uvicorn.Server(config).run(sockets=[listening])


@contextlib.asynccontextmanager
async def _lifespan(_app: Any) -> AsyncIterator[None]:
    """Says nothing of requests that are cut off when the server ends."""
    with contextlib.suppress(asyncio.CancelledError):
        yield
