"""An ASGI app asked as a server would ask it, with exactly the headers that are given."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """What came back; a header that came more than once has all its values."""

    status: int
    headers: Mapping[str, Sequence[str]]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(
    app: Any,
    method: str,
    path: str,
    headers: Headers = (),
    body: bytes = b"",
    client: str = "127.0.0.1",
) -> Answer:
    """One request; `path` may have a query."""
    sent: list[Any] = []
    asyncio.run(_asked(app, "http", method, path, headers, body, client, sent))
    start, *parts = sent
    values: dict[str, list[str]] = {}
    for name, value in start["headers"]:
        values.setdefault(name.decode().lower(), []).append(value.decode())
    return Answer(start["status"], values, b"".join(part.get("body", b"") for part in parts))


def shake_hands(app: Any, path: str, headers: Headers, client: str = "127.0.0.1") -> str:
    """What a WebSocket's handshake came to: the type of the first message back."""
    sent: list[Any] = []
    asyncio.run(_asked(app, "websocket", "GET", path, headers, b"", client, sent))
    kind: str = sent[0]["type"]
    return kind


async def _asked(
    app: Any,
    kind: str,
    method: str,
    path: str,
    headers: Headers,
    body: bytes,
    client: str,
    sent: list[Any],
) -> None:
    plain, _, query = path.partition("?")
    scope = {
        "type": kind, "method": method, "path": plain, "raw_path": plain.encode(),
        "query_string": query.encode(), "scheme": "http", "http_version": "1.1", "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "client": (client, 50000), "server": ("127.0.0.1", 3000), "subprotocols": [],
        "asgi": {"version": "3.0"}, "state": {},
    }  # fmt: skip
    messages = (
        [{"type": "http.request", "body": body, "more_body": False}]
        if kind == "http"
        else [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]
    )

    async def receive() -> Any:
        if not messages:
            await asyncio.Event().wait()  # the other end stays, and says no more
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
