"""SSRFGuard: a URL from outside leads to public addresses only, each name resolved once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, TypeAlias
from urllib.parse import urlsplit

HostLookup: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Finds the IP addresses of a host's name, for a port."""

# What libraries call global although it is a cloud's own service, or reserved.
_NON_PUBLIC_NETWORKS = tuple(
    map(ip_network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "::/96"))
)
_NAT64_NETWORK = ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits


class AddressRefused(OSError):
    """A host refused by cooee."""


class SSRFGuard:
    """Decides about connections: none to private addresses.

    Private, loopback, link-local, multicast and reserved addresses are refused, those of a
    cloud's metadata service too, and IPv6 addresses that carry such an IPv4 address. A name is
    looked up once for each connection, all of its addresses are checked, and the connection is
    made to a checked address: a second lookup could return another one (DNS rebinding).

    Args:
        trusted_hosts: hosts (``"media.example"``, or with a port ``"127.0.0.1:8400"``) that may be
            anywhere, and need no https.
        lookup_host: resolves a name; by default with the system's resolver.
    """

    def __init__(
        self, trusted_hosts: Collection[str] = (), lookup_host: HostLookup | None = None
    ) -> None:
        self._trusted_hosts = frozenset(host.lower() for host in trusted_hosts)
        self._lookup_host = lookup_host or _system_lookup

    def is_trusted(self, host: str, port: int) -> bool:
        """Return True for a host named as trusted."""
        return not self._trusted_hosts.isdisjoint((host.lower(), f"{host.lower()}:{port}"))

    def may_request(self, url: str) -> bool:
        """Return True for an https URL, or a trusted host."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return False
        if parts.scheme == "https":
            return bool(host)
        return parts.scheme == "http" and self.is_trusted(host, port or 80)

    def check_host(self, host: str, port: int) -> None:
        """Check a host written as an address; names are checked by `resolve`.

        Raises:
            AddressRefused: it is not to be connected to.
        """
        if (":" in host or host.replace(".", "").isdigit()) and not self.is_trusted(host, port):
            _refuse_private(host, host)

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        """Resolve a name, as aiohttp's resolvers do.

        Raises:
            AddressRefused: it has an address that is not to be connected to.
        """
        rows = [
            _resolver_row(host, port, address) for address in await self._lookup_host(host, port)
        ]
        # Every address is checked, since the connection may be made to any of them.
        if not self.is_trusted(host, port):
            for row in rows:
                _refuse_private(row["host"], host)
        return [one for one in rows if family in (0, one["family"])]

    async def close(self) -> None:
        """Return at once: no connection is open."""


def is_public(address: str) -> bool:
    """Return True for an IP address open to the whole world."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return all(_is_global(one) for one in _effective_addresses(ip))


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    # The own list comes first: Python calls these networks global.
    if any(address.version == net.version and address in net for net in _NON_PUBLIC_NETWORKS):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _effective_addresses(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """Return the address, and its IPv4 addresses behind a translator."""
    if isinstance(address, IPv4Address):
        return [address]
    # A translator carries the packets on to the IPv4 address inside: that one decides.
    if address in _NAT64_NETWORK:
        return [IPv4Address(int(address) & 0xFFFF_FFFF)]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    embedded = [address.sixtofour, *(address.teredo or ())]
    return [address, *(one for one in embedded if one is not None)]


def _refuse_private(address: str, host: str) -> None:
    if not is_public(address):
        raise AddressRefused(f"{host} is at an address that is not public.")


def _resolver_row(host: str, port: int, address: str) -> dict[str, Any]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    numeric_flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    row = {"hostname": host, "host": address, "port": port, "family": family}
    return {**row, "proto": 0, "flags": numeric_flags}


async def _system_lookup(host: str, port: int) -> Sequence[str]:
    results = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in results))
