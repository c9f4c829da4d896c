"""Settings from the environment about who may speak to the UI: names of hosts, and a proxy with a login.

All of it is read once, before anything starts; a mistake is a ValueError that says what to do.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

HOSTS: Final = "BONUS_UI_HOSTS"
"""Names that a browser may know the UI by, beside those of this machine; separated by blanks."""

USER_HEADER: Final = "BONUS_UI_USER_HEADER"
"""The header in which a proxy says who has logged in."""

PROXY: Final = "BONUS_UI_PROXY"
"""Addresses or networks of that proxy, separated by blanks; from others the header is no proof."""

OWN_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})

_HOST = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
_HEADER = re.compile(r"[A-Za-z0-9-]+")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Settings:
    """The hosts that are ours, and the proxy whose word is taken for a person's name."""

    hosts: frozenset[str] = OWN_HOSTS
    user_header: str | None = None  # None: there is no login, everybody says who he is
    proxies: tuple[Network, ...] = ()

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """The settings of an environment; ValueError names each variable that is wrong."""
        faults: list[str] = []
        hosts = _hosts(environment.get(HOSTS, ""), faults)
        header = environment.get(USER_HEADER, "").strip() or None
        proxies = _networks(environment.get(PROXY, ""), faults)
        if header is not None and not _HEADER.fullmatch(header):
            faults.append(
                f"{USER_HEADER}: found {header!r}, expected the name of a header,"
                " such as X-Forwarded-User"
            )
        if header is not None and not proxies and not environment.get(PROXY, "").strip():
            faults.append(
                f"{USER_HEADER} is set, but {PROXY} is not: set it to the address that the proxy"
                " comes from, such as 127.0.0.1"
            )
        if header is None and environment.get(PROXY, "").strip():
            faults.append(
                f"{PROXY} is set, but {USER_HEADER} is not: set it to the header in which the"
                " proxy says who has logged in, or unset both"
            )
        if faults:
            raise ValueError("\n".join(faults))
        return cls(OWN_HOSTS | hosts, header, proxies)

    def is_proxy(self, address: str | None) -> bool:
        """True if a request's other end, as the kernel has it, is the proxy."""
        try:
            peer = ipaddress.ip_address(address or "")
        except ValueError:
            return False
        return any(peer in network for network in self.proxies)


def _hosts(text: str, faults: list[str]) -> frozenset[str]:
    names = [word.lower() for word in _words(text)]
    for name in names:
        if not _HOST.fullmatch(name):
            faults.append(
                f"{HOSTS}: found {name!r}, expected names of hosts without scheme and port,"
                " such as bonus.example.com"
            )
    return frozenset(names)


def _networks(text: str, faults: list[str]) -> tuple[Network, ...]:
    networks = []
    for word in _words(text):
        try:
            networks.append(ipaddress.ip_network(word))
        except ValueError:
            faults.append(
                f"{PROXY}: found {word!r}, expected addresses or networks, such as 127.0.0.1"
            )
    return tuple(networks)


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()
