"""HTTP proxies that the environment names: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import msgspec

from cooee.core.errors import SettingError
from cooee.core.setting_values import clean_value


class Proxies(msgspec.Struct, frozen=True):
    """The proxy of each scheme (``"https"``, ``"http"``), and the hosts called directly."""

    by_scheme: Mapping[str, str] = {}
    direct: tuple[str, ...] = ()

    def find(self, url: str) -> str | None:
        """Return the proxy for a URL; None where the host is called directly.

        This machine itself is always called directly.
        """
        if not self.by_scheme:
            return None
        parts = urlsplit(url)
        host, proxy = (parts.hostname or "").rstrip("."), self.by_scheme.get(parts.scheme)
        if proxy is None or _is_loopback(host):
            return None
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return None if any(_covers(one, host, port) for one in self.direct) else proxy

    def __repr__(self) -> str:
        return f"<Proxies for {', '.join(self.by_scheme) or 'nothing'}>"  # they hold passwords


def read_proxies(environment: Mapping[str, str]) -> Proxies:
    """Read the proxies from environment variables; lower-case names come first.

    Raises:
        SettingError: a proxy is not an HTTP proxy.
    """
    by_scheme = {}
    for scheme in ("https", "http"):
        name, value = _read_first(environment, f"{scheme}_proxy", "all_proxy")
        if value:
            by_scheme[scheme] = _check_proxy(name, value)
    _, direct = _read_first(environment, "no_proxy")
    return Proxies(
        by_scheme, tuple(one.strip().lower() for one in direct.split(",") if one.strip())
    )


def _read_first(environment: Mapping[str, str], *names: str) -> tuple[str, str]:
    for name in [each for lower in names for each in (lower, lower.upper())]:
        if value := clean_value(name, environment.get(name, "")):
            return name, value
    return "", ""


def _check_proxy(name: str, value: str) -> str:
    url = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(url)
        is_good = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise SettingError(
            f"{name} names a proxy of the kind {url.partition('://')[0]:.20}://, and cooee speaks"
            " through http proxies alone. Type: export HTTPS_PROXY=http://HOST:PORT, or unset"
            f" {name}."
        )
    return url


def _covers(entry: str, host: str, port: int) -> bool:
    """Tell whether an entry of NO_PROXY (`*`, a host, a domain, an address, a network) fits."""
    if entry == "*":
        return True
    try:
        return ip_address(host.strip("[]")) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    name, colon, number = entry.rpartition(":")
    if colon and number.isdigit() and "]" not in number:
        if int(number) != port:
            return False
        entry = name
    entry = entry.strip("[]").removeprefix("*").removeprefix(".")
    return bool(entry) and (host == entry or host.endswith(f".{entry}"))


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
