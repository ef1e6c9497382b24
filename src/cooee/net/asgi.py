"""ASGI requests read whole, routed, and answered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net.http_client import Receive, Scope, Send

MAX_BODY_BYTES = 2 * 1024 * 1024
"""Bytes of a request's body, at most; an MMS is the largest thing anybody sends."""

H = TypeVar("H")


class BodyTooLarge(Exception):
    """A request's body has more than `MAX_BODY_BYTES`."""

    def __init__(self) -> None:
        super().__init__(f"The body has more than {MAX_BODY_BYTES:,} bytes.")


async def read_request(scope: Scope, receive: Receive) -> Request | None:
    """Read a request whole; None where the caller left.

    Raises:
        TooLarge: its body is.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge
        if not message.get("more_body", False):
            break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get("host", "")
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    url = f"{scope['scheme']}://{host}{path}" + (f"?{query}" if query else "")
    return Request(method=scope["method"], url=url, headers=headers, body=bytes(body))


async def write_response(send: Send, response: Response) -> None:
    """Write a response; every answer in plain ASGI is written here."""
    headers = {**response.headers, "content-length": str(len(response.body))}
    if response.status == 204:
        del headers["content-length"]  # RFC 9110, section 8.6: never with 204
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    await send({"type": "http.response.body", "body": response.body})


def json_response(status: int, content: Any, **headers: str) -> Response:
    """Return a response in JSON; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        status=status,
        headers={"content-type": "application/json", **named},
        body=msgspec.json.encode(content),
    )


def host_of(url: object) -> str | None:
    """Return the host of an HTTP URL; None for text of another form."""
    try:
        split = urlsplit(url if isinstance(url, str) else "")
    except ValueError:
        return None
    return split.hostname if split.scheme in {"http", "https"} else None


def path_of(request: Request) -> str:
    """Return the path of a request, decoded."""
    return unquote(urlsplit(request.url).path)


def query_of(request: Request) -> dict[str, str]:
    """Return the query of a request, the last value of each name."""
    return dict(parse_qsl(urlsplit(request.url).query))


class Router(Generic[H]):
    """Routes: pairs of ``"GET /texts/{id}"`` and a handler.

    `{name}` stands for one segment of the path, `{name*}` for one or more.
    """

    def __init__(self, routes: Sequence[tuple[str, H]]) -> None:
        self._compiled_routes = [(*_compile_route(route), endpoint) for route, endpoint in routes]

    def match_request(self, method: str, path: str) -> tuple[H, dict[str, str]] | None:
        """Return a request's handler, and the values in its path; None without a route."""
        for verb, pattern, endpoint in self._compiled_routes:
            match = pattern.fullmatch(path) if verb == method else None
            if match:
                return endpoint, match.groupdict()
        return None

    def allowed_methods(self, path: str) -> list[str]:
        """Return the methods of a path."""
        return [verb for verb, pattern, _ in self._compiled_routes if pattern.fullmatch(path)]


def _compile_route(route: str) -> tuple[str, re.Pattern[str]]:
    method, _, path = route.partition(" ")
    with_tails = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+?)", path)
    return method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", with_tails))
