"""Who may come in: the cases of a browser, a program, a proxy, and of those who pretend to be one."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from orchestration.web.door import USER, Door
from orchestration.web.settings import Settings
from orchestration.web.visitor import COOKIE, SAID, Visitors
from tests.unit.web.asking import Headers, ask, shake_hands

VISITORS = Visitors(b"key")
HOST = ("Host", "127.0.0.1:3000")
OWN = ("Origin", "http://127.0.0.1:3000")
JSON = ("Content-Type", "application/json")
VISIT = (("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"))
BEHIND_PROXY = Settings.of(
    {
        "BONUS_UI_HOSTS": "bonus.example.com",
        "BONUS_UI_USER_HEADER": "X-Forwarded-User",
        "BONUS_UI_PROXY": "127.0.0.1 10.0.0.0/8",
    }
)
PROXIED = ("Host", "bonus.example.com")


class Inside:
    """What stands behind the door: says who came in."""

    def __init__(self) -> None:
        self.users: list[str | None] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.users.append(USER.get())
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
        else:
            await PlainTextResponse("inside")(scope, receive, send)


def _status(
    method: str, path: str, *headers: tuple[str, str], settings: Settings | None = None
) -> int:
    """The answer's status; nothing may have come in where it is not 200."""
    inside = Inside()
    answer = ask(Door(inside, settings or Settings(), VISITORS), method, path, headers)
    assert bool(inside.users) == (answer.status == 200), answer.text
    return answer.status


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost:3000", "LOCALHOST", "[::1]:3000"])
def test_this_machine_has_three_names(host: str) -> None:
    assert _status("GET", "/", ("Host", host)) == 200


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (["evil.example:3000"], 403),
        (["localhost.evil.example"], 403),
        (["127.0.0.1.evil.example"], 403),
        (["localhost."], 403),
        (["127.0.0.2"], 403),
        (["evil.example@localhost"], 400),
        (["localhost:3000@evil.example"], 400),
        (["localhost:30000000"], 400),
        (["localhost, evil.example"], 400),
        ([""], 400),
        ([], 400),
        (["localhost", "evil.example"], 400),
        (["localhost", "localhost"], 400),
    ],
)
def test_a_name_that_someone_else_points_here_is_refused(hosts: list[str], status: int) -> None:
    headers = [("Host", host) for host in hosts]
    assert _status("GET", "/", *headers) == status
    assert _status("POST", "/graphql", *headers, JSON) == status


def test_a_proxy_s_name_is_let_in_where_it_is_set() -> None:
    settings = Settings.of({"BONUS_UI_HOSTS": "Bonus.Example.com, other.example"})
    for host in ("bonus.example.com", "bonus.example.com:8443", "other.example", "localhost"):
        assert _status("GET", "/", ("Host", host), settings=settings) == 200
    assert _status("GET", "/", ("Host", "evil.example"), settings=settings) == 403


def test_a_program_that_is_no_browser_may_ask_by_post_with_json() -> None:
    assert _status("POST", "/graphql", HOST, JSON) == 200
    assert (
        _status("POST", "/graphql", HOST, ("Content-Type", "Application/JSON; charset=utf-8"))
        == 200
    )


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("localhost:3000", "http://LOCALHOST:3000"),
        ("localhost", "http://localhost:80"),
        ("[::1]:3000", "http://[::1]:3000"),
        # A proxy has ended TLS, and passes the Host header on with or without the usual port.
        ("localhost", "https://localhost"),
        ("localhost:443", "https://localhost"),
        ("localhost", "https://localhost:443"),
    ],
)
def test_our_own_pages_may_ask(host: str, origin: str) -> None:
    headers = (("Host", host), ("Origin", origin), ("Sec-Fetch-Site", "same-origin"))
    assert _status("POST", "/graphql", *headers, JSON) == 200
    assert (
        shake_hands(Door(Inside(), Settings(), VISITORS), "/graphql", headers) == "websocket.accept"
    )


FOREIGN: list[Headers] = [
    [("Origin", "http://evil.example")],
    [("Origin", "http://127.0.0.1:3001")],
    [("Origin", "http://localhost:3000")],
    [("Origin", "http://127.0.0.1")],
    [("Origin", "http://127.0.0.1:3000.evil.example")],
    [("Origin", "http://127.0.0.1:3000/")],
    [("Origin", "file://127.0.0.1:3000")],
    [("Origin", "null")],
    [("Origin", "")],
    [OWN, ("Origin", "http://evil.example")],
    [OWN, OWN],
    # What it says of itself cannot be outdone by what its browser says of it.
    [("Origin", "http://evil.example"), ("Sec-Fetch-Site", "same-origin")],
    [("Sec-Fetch-Site", "cross-site")],
    [("Sec-Fetch-Site", "same-site")],
    [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "iframe"),
    ],
    [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image")],
]


@pytest.mark.parametrize("foreign", FOREIGN, ids=str)
def test_a_page_of_another_site_gets_nothing(foreign: Headers) -> None:
    for method, path in (
        ("GET", "/graphql?query=mutation{x}"), ("GET", "/"), ("HEAD", "/"), ("POST", "/graphql"),
        ("POST", "/report_asset_materialization/payout_ledger"), ("GET", "/logs/a/b.out"),
        ("GET", "/download_debug/1"), ("GET", "/bonus"), ("POST", "/bonus/close"),
    ):  # fmt: skip
        assert _status(method, path, HOST, JSON, *foreign) == 403
    answer = shake_hands(Door(Inside(), Settings(), VISITORS), "/graphql", [HOST, *foreign])
    assert answer == "websocket.close"


def test_a_link_of_another_site_leads_to_a_page_and_does_nothing_else() -> None:
    link = (HOST, ("Sec-Fetch-Site", "cross-site"), *VISIT)
    assert _status("GET", "/runs/1", *link) == 200
    assert _status("POST", "/graphql", *link, JSON) == 403
    assert _status("GET", "/runs/1", HOST, ("Sec-Fetch-Site", "none"), *VISIT) == 200
    answer = shake_hands(Door(Inside(), Settings(), VISITORS), "/graphql", link)
    assert answer == "websocket.close"


@pytest.mark.parametrize(
    "types",
    [
        [],
        ["text/plain"],
        ["text/plain; x=application/json"],
        ["text/plain, application/json"],
        ["application/x-www-form-urlencoded"],
        ["multipart/form-data; boundary=application/json"],
        ["application/graphql"],
        ["application/json-patch"],
        ["text/plain", "application/json"],
        ["application/json", "application/json"],
    ],
)
def test_what_a_form_or_a_plain_request_can_send_is_refused(types: list[str]) -> None:
    headers = [("Content-Type", kind) for kind in types]
    for path in ("/graphql", "/report_asset_check/raw_posts", "/bonusbeside", "/"):
        assert _status("POST", path, HOST, *headers) == 415
        assert _status("POST", path, HOST, OWN, *headers) == 415


def test_forms_are_for_our_own_pages() -> None:
    form = ("Content-Type", "application/x-www-form-urlencoded")
    assert _status("POST", "/bonus/close", HOST, OWN, form) == 200
    assert _status("POST", "/bonus/close", HOST, ("Origin", "http://evil.example"), form) == 403
    assert _status("POST", "/bonus/close", HOST, OWN, ("Content-Type", "text/plain")) == 415
    assert _status("POST", "/bonus/../graphql/", HOST, OWN, ("Content-Type", "text/plain")) == 415


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "get"])
def test_other_methods_are_refused(method: str) -> None:
    assert _status(method, "/graphql", HOST, JSON) == 405


def test_no_answer_can_be_framed_or_read_by_another_origin() -> None:
    door = Door(Inside(), Settings(), VISITORS)
    for headers, status in (((HOST,), 200), ((("Host", "evil.example"),), 403)):
        answer = ask(door, "GET", "/", headers)
        assert answer.status == status
        assert answer.headers["content-security-policy"] == ["frame-ancestors 'none'"]
        assert answer.headers["x-frame-options"] == ["DENY"]
        assert answer.headers["cross-origin-resource-policy"] == ["same-origin"]
        assert answer.headers["cross-origin-opener-policy"] == ["same-origin"]
        assert answer.headers["x-content-type-options"] == ["nosniff"]
        assert not [name for name in answer.headers if name.startswith("access-control")]


def _who(headers: Headers, client: str = "127.0.0.1") -> str | None:
    """Who came in through the proxy; None where nobody did."""
    inside = Inside()
    answer = ask(
        Door(inside, BEHIND_PROXY, VISITORS),
        "POST",
        "/graphql",
        [PROXIED, JSON, *headers],
        b"",
        client,
    )
    assert (answer.status == 200) == bool(inside.users)
    assert answer.status in (200, 403)
    return inside.users[0] if inside.users else None


def test_the_proxy_says_who_somebody_is() -> None:
    assert _who([("X-Forwarded-User", "ada@example.com")]) == "ada@example.com"
    assert _who([("x-forwarded-user", " Zoë ")]) == "Zoë"
    assert _who([("X-Forwarded-User", "ada")], client="10.1.2.3") == "ada"


@pytest.mark.parametrize("client", ["192.0.2.1", "127.0.0.2", "::1", ""])
def test_nobody_else_is_believed(client: str) -> None:
    claim = [
        ("X-Forwarded-User", "ada"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("Forwarded", "for=127.0.0.1"),
    ]
    assert _who(claim, client) is None


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("X-Forwarded-User", "")],
        [("X-Forwarded-User", " ")],
        [("X-Forwarded-User", "a" * 129)],
        [("X-Forwarded-User", "ad\x1ba")],
        [("X-Forwarded-User", "аda")],  # its first letter is Cyrillic
        [("X-Forwarded-User", "ada"), ("X-Forwarded-User", "grace")],
        [("X-Forwarded-User", "ada,grace")],
        [("X-Forwarded_User", "ada")],
        [("by", "ada")],
    ],
)
def test_without_one_name_nobody_comes_in(headers: Headers) -> None:
    assert _who(headers) is None


def test_a_websocket_comes_by_the_proxy_too() -> None:
    door = Door(Inside(), BEHIND_PROXY, VISITORS)
    own = ("Origin", "https://bonus.example.com")
    named = [PROXIED, own, ("X-Forwarded-User", "ada")]
    assert shake_hands(door, "/graphql", named) == "websocket.accept"
    assert shake_hands(door, "/graphql", [PROXIED, own]) == "websocket.close"
    assert shake_hands(door, "/graphql", named, client="192.0.2.1") == "websocket.close"


def test_without_a_login_the_header_means_nothing() -> None:
    inside = Inside()
    answer = ask(
        Door(inside, Settings(), VISITORS), "GET", "/", [HOST, ("X-Forwarded-User", "ada")]
    )
    assert answer.status == 200
    assert inside.users == [None]


def test_the_user_is_forgotten_after_the_request() -> None:
    assert _who([("X-Forwarded-User", "ada")]) == "ada"
    assert USER.get() is None


def test_a_browser_s_own_name_comes_in_with_it() -> None:
    seen: list[str | None] = []

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        seen.append(SAID.get())
        await PlainTextResponse("inside")(scope, receive, send)

    door = Door(inside, Settings(), VISITORS)
    ours = f"{COOKIE}={VISITORS.cookie('Zoë')}"
    forged = f"{COOKIE}={Visitors(b'other').cookie('mallory')}"
    for cookie in (ours, f"a=b; {ours}", f"{forged}; {ours}", f"{ours}; {forged}"):
        assert ask(door, "GET", "/", [HOST, ("Cookie", cookie)]).status == 200
    for cookie in (
        forged,
        "",
        f"{COOKIE}=",
        f"{COOKIE}=ada",
        f"{COOKIE}=.",
        f"x{ours}",
        f"{ours}0",
    ):
        assert ask(door, "GET", "/", [HOST, ("Cookie", cookie)]).status == 200
    assert seen == ["Zoë"] * 4 + [None] * 7
    assert SAID.get() is None
