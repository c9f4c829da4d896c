"""The name that a person gives where no proxy knows it: asked once, and kept in the browser.

A name in a cookie proves nothing, and need not: without a login, names are what people say of
themselves. It is signed all the same, since a page on another port of this machine can set cookies
here too, and could otherwise put a name into another one's mouth.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers

from orchestration.foundations.files import replace_file
from orchestration.terms.people import is_person

SAID: ContextVar[str | None] = ContextVar("said", default=None)
"""What the one who asks has said that he is called; None where he has not."""

COOKIE: Final = "bonus_name"
KEPT_SECONDS: Final = 365 * 24 * 3600
_KEY_BYTES = 32


def key_of(home: Path) -> bytes:
    """The key that names are signed with; made on first use, readable by the home's owner only."""
    path = home / "cache" / "ui.key"
    with suppress(FileNotFoundError):
        found = path.read_bytes()
        if len(found) == _KEY_BYTES:
            return found
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = secrets.token_bytes(_KEY_BYTES)
    replace_file(path, key, mode=0o600)
    return key


class Visitors:
    """Signs and reads names, and the tokens of forms."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def cookie(self, name: str) -> str:
        """A cookie's value that says a name."""
        # Hexadecimal, since a cookie with anything else in it is quoted by some and not by others.
        text = name.encode().hex()
        return f"{text}.{self._signature('name', text)}"

    def said(self, headers: Headers) -> str | None:
        """The name that a request's cookies say, if one of them is ours."""
        for header in headers.getlist("cookie"):
            for pair in header.split(";"):
                key, _, value = pair.strip().partition("=")
                text, _, signature = value.partition(".")
                if key == COOKIE and self._is_signed("name", text, signature):
                    name = bytes.fromhex(text).decode()
                    return name if is_person(name) else None
        return None

    def token(self, form: str) -> str:
        """The token that the form of an address must send back; only the page with the form has it."""
        return self._signature("form", form)

    def is_token(self, form: str, token: str) -> bool:
        """True if a form has sent back its own token."""
        return self._is_signed("form", form, token)

    def _signature(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()

    def _is_signed(self, purpose: str, text: str, signature: str) -> bool:
        expected = self._signature(purpose, text)
        return hmac.compare_digest(expected.encode(), signature.encode())
