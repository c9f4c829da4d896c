"""The door of the UI: it lets in requests to our own host, from our own pages.

The UI has no login, so a page of any other site that is open in the same browser could speak to it.
What decides, for HTTP and WebSocket alike:

- the host must be one of ours: a name that an attacker points at this machine is none;
- a request that says where it comes from (`Origin`, else `Sec-Fetch-Site`) comes from our own
  origin. Links of others may lead to a page, and nothing else;
- what changes something is a POST with JSON, which no form and no plain request of another site can
  send. Forms are for our own pages, which check a token of their own;
- where a proxy has a login, everything comes from that proxy, and names a person.

A program that is no browser sends neither Origin nor Sec-Fetch-Site, and is let in. No page of ours
can be framed or read by another origin.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestration.terms.people import MOST_OF_A_NAME, is_person
from orchestration.web.settings import HOSTS, Settings
from orchestration.web.visitor import SAID, Visitors

USER: ContextVar[str | None] = ContextVar("user", default=None)
"""Who the proxy says is asking; None where there is no login."""

OWN_PAGES: Final = "/bonus"
"""Below it are our own pages, the only ones with forms."""

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_AUTHORITY = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?"
_DEFAULT_PORT = {"http": "80", "https": "443"}

# Each for every answer; a policy of Dagster's own page stands beside ours, and both hold.
_ANSWER_HEADERS = (
    ("content-security-policy", "frame-ancestors 'none'"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why a request is not let in."""

    status: int
    text: str


class Door:
    """ASGI middleware: lets in what the module's text says, and refuses the rest in plain words."""

    def __init__(self, app: ASGIApp, settings: Settings, visitors: Visitors) -> None:
        self._app = app
        self._settings = settings
        self._visitors = visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        user, refusal = _user(scope, headers, self._settings)
        refusal = _foreign(scope, headers, self._settings) or _unfit(scope, headers) or refusal
        if refusal is None:
            token, said = USER.set(user), SAID.set(self._visitors.said(headers))
            try:
                await self._app(scope, receive, _closed_to_others(send))
            finally:
                USER.reset(token)
                SAID.reset(said)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.text[:100]})
        else:
            answer = PlainTextResponse(
                f"{refusal.text}\n", refusal.status, {"Allow": "GET, HEAD, POST"}
            )
            await answer(scope, receive, _closed_to_others(send))


def _foreign(scope: Scope, headers: Headers, settings: Settings) -> Refusal | None:
    """Refuses another host than ours, and what comes from another origin."""
    hosts = headers.getlist("host")
    match = re.fullmatch(_AUTHORITY, hosts[0]) if len(hosts) == 1 else None
    if match is None:
        return Refusal(400, "expected one Host header with the name of a host")
    if match[1].lower() not in settings.hosts:
        return Refusal(
            403,
            f"{match[1]} is no name of this UI. Behind a proxy, set {HOSTS} to the name that"
            " browsers use, and let the proxy pass the Host header on (docs/security.md)",
        )
    origins, site = headers.getlist("origin"), headers.get("sec-fetch-site")
    if origins:
        is_own = len(origins) == 1 and _is_origin_of(origins[0], match)
    else:
        is_own = site in (None, "same-origin") or _is_visit(scope, headers)
    return None if is_own else Refusal(403, "this comes from a page of another site")


def _is_origin_of(origin: str, host: re.Match[str]) -> bool:
    """True if an origin is of the host. Its scheme is not looked at: a proxy may have ended TLS."""
    match = re.fullmatch(rf"(https?)://{_AUTHORITY}", origin)
    if match is None:
        return False
    scheme, name, port = match.groups()
    usual = _DEFAULT_PORT[scheme]
    return (name.lower(), port or usual) == (host[1].lower(), host[2] or usual)


def _is_visit(scope: Scope, headers: Headers) -> bool:
    """True if somebody opens a page in a tab of its own: by typing, a bookmark, or a link."""
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _unfit(scope: Scope, headers: Headers) -> Refusal | None:
    """Refuses what changes something in another form than a POST with JSON."""
    if scope["type"] == "websocket" or scope["method"] in ("GET", "HEAD"):
        return None
    if scope["method"] != "POST":
        return Refusal(405, f"{scope['method']} is not used here")
    types = headers.getlist("content-type")
    found = types[0].partition(";")[0].strip().lower() if len(types) == 1 else ""
    wanted = (_JSON, _FORM) if scope["path"].startswith(f"{OWN_PAGES}/") else (_JSON,)
    if found in wanted:
        return None
    return Refusal(415, f"expected Content-Type: {' or '.join(wanted)}")


def _user(scope: Scope, headers: Headers, settings: Settings) -> tuple[str | None, Refusal | None]:
    """The person who asks, by the proxy's word; a refusal where there is a login and it names nobody."""
    if settings.user_header is None:
        return None, None
    client = scope.get("client")
    if not settings.is_proxy(client[0] if client else None):
        return None, Refusal(403, "come in by the proxy, which asks who you are")
    values = headers.getlist(settings.user_header)
    if len(values) != 1:
        return None, Refusal(
            403, f"the proxy sent {len(values)} {settings.user_header} headers, expected one"
        )
    try:
        # Starlette reads bytes as Latin-1; proxies send UTF-8.
        name = values[0].encode("latin-1").decode("utf-8").strip()
    except UnicodeDecodeError:
        name = ""
    if "," in name:  # a proxy that adds to a header joins both by a comma
        return None, Refusal(
            403,
            f"{settings.user_header} has a comma, so it may be two names; let the proxy write the"
            " header in place of what a browser sends",
        )
    if not is_person(name):
        return None, Refusal(
            403,
            f"the name in {settings.user_header} is none of 1 to {MOST_OF_A_NAME} printable"
            " characters",
        )
    return name, None


def _closed_to_others(send: Send) -> Send:
    async def closed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _ANSWER_HEADERS:
                if value not in headers.getlist(name):
                    headers.append(name, value)
        await send(message)

    return closed
