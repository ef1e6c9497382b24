"""Refuses calls under a foreign Host, and calls from another site's page in a browser."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from cooee.core.http_messages import Response
from cooee.net.asgi import write_response
from cooee.net.http_client import ASGIApp, Receive, Scope, Send

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names of this machine, on any port."""


class OriginGuard:
    """ASGI middleware for a server on loopback without a login.

    A page on the Internet can make a browser call 127.0.0.1. Its call carries the page's own name
    in Host (where the page's name was rebound to 127.0.0.1) or in Origin, or Sec-Fetch-Site says
    that the call crossed sites. Programs such as curl send neither Origin nor Sec-Fetch-Site.

    Args:
        app: the ASGI app to call for requests that pass.
        hosts: names that Host may have; a name without a port allows every port.
        origins: names that Origin may have; `hosts` by default.
        requires_origin: refuse every request but GET and HEAD that has no Origin.
        linked_paths: paths that other sites' pages may link to, and so navigate a browser to.
        headers: headers of each refusal.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str] = LOOPBACK_HOSTS,
        *,
        origins: Collection[str] | None = None,
        requires_origin: bool = False,
        linked_paths: Collection[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._app, self._hosts = app, hosts
        self._origins = hosts if origins is None else origins
        self._requires_origin, self._linked_paths = requires_origin, linked_paths
        self._headers = {"content-type": "application/json", **(headers or {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app, or answer 421 (Host) or 403 (Origin) and ``{"error": …}``."""
        refusal = self.refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, message = refusal
        body = json.dumps({"error": message}).encode()
        await write_response(send, Response(status=status, headers=self._headers, body=body))

    def refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return the status and message to refuse an HTTP call, or None to let the call pass."""
        headers = {n.decode("latin-1"): v.decode("latin-1") for n, v in scope["headers"]}
        if not _is_allowed(headers.get("host", ""), self._hosts):
            return 421, "This server answers calls to 127.0.0.1 and localhost only."
        origin = headers.get("origin")
        if origin is None and self._requires_origin and scope["method"] not in {"GET", "HEAD"}:
            return 403, "Say where the call comes from, in Origin."
        if origin is not None and not _is_allowed_origin(
            origin, scope.get("scheme", "http"), self._origins
        ):
            return 403, "This server takes no calls from other sites' pages."
        # A simple GET from another site's page has no Origin; browsers mark it by Sec-Fetch-Site.
        is_link = (
            scope["path"] in self._linked_paths and headers.get("sec-fetch-mode") == "navigate"
        )
        if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"} and not is_link:
            return 403, "This server takes no calls from other sites' pages."
        return None


def _is_allowed_origin(origin: str, own_scheme: str, origins: Collection[str]) -> bool:
    scheme, _, netloc = origin.partition("://")
    # https on our own port is no page of ours; on another port it may be one of this machine's
    is_secure = scheme == "https" and netloc.lower() not in origins
    return (scheme == own_scheme or is_secure) and _is_allowed(netloc, origins)


def _is_allowed(netloc: str, hosts: Collection[str]) -> bool:
    """Say whether a host, with or without a port, is among the names; case does not matter."""
    netloc = netloc.lower()
    try:
        split = urlsplit(f"//{netloc}")
        name = split.hostname or ""
    except ValueError:  # "[::1", say
        return False
    # "user@127.0.0.1" and "127.0.0.1/x" parse to an allowed name, and are no Host at all
    is_plain = split.netloc == netloc and "@" not in netloc
    return is_plain and (name in hosts or netloc in hosts)
