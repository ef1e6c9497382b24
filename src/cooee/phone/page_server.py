"""Serves the phone's page and its event stream on loopback, to this machine's browsers alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from importlib import resources
from typing import Annotated, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cooee.net.http_client import ASGIApp, Message, Receive, Scope, Send
from cooee.net.origin_guard import OriginGuard
from cooee.phone.session import BrowserSession

T = TypeVar("T")

_KEEP_ALIVE_S = 15.0  # seconds after which a stream without changes sends an empty one
_MAX_BODY_BYTES = 64 * 1024
_SECURITY_HEADERS: Mapping[str, str] = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_PAGE_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/script.js": ("script.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


class _PageRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON of a POST from the page."""


class _TextRequest(_PageRequest, frozen=True):
    phone: int
    text: Annotated[str, msgspec.Meta(max_length=2_000)]


class _SwitchRequest(_PageRequest, frozen=True):
    name: str
    on: bool


class _ClockRequest(_PageRequest, frozen=True):
    seconds: float


def make_page_app(session: BrowserSession, port: int) -> ASGIApp:
    """Return the ASGI app of a session's page.

    Args:
        session: the session that the page shows and drives.
        port: the port of the page; a request under any other host or origin is refused.
    """
    endpoints = _PageEndpoints(session)
    guard = Middleware(
        OriginGuard,
        hosts={f"127.0.0.1:{port}", f"localhost:{port}"},
        requires_origin=True,
        linked_paths={"/"},
        headers=_SECURITY_HEADERS,
    )
    return Starlette(
        routes=[
            *(Route(path, _send_page_file) for path in _PAGE_FILES),
            Route("/events", endpoints.stream_events),
            Route("/texts", endpoints.send_text, methods=["POST"]),
            Route("/phones", endpoints.add_phone, methods=["POST"]),
            Route("/clock", endpoints.advance_clock, methods=["POST"]),
            Route("/switches", endpoints.set_switch, methods=["POST"]),
        ],
        middleware=[guard, Middleware(_SecurityHeaders)],
        exception_handlers={
            HTTPException: _answer_http_error,
            ValueError: _answer_bad_request,
            msgspec.DecodeError: _answer_bad_request,
        },
    )


class _PageEndpoints:
    """The requests of the page to its session."""

    def __init__(self, session: BrowserSession) -> None:
        self._session = session

    async def stream_events(self, _: Request) -> Response:
        """Stream the session's feed as server-sent events: every value, then each change."""
        return StreamingResponse(self._events(), media_type="text/event-stream")

    async def _events(self) -> AsyncIterator[bytes]:
        async for values in self._session.feed.subscribe(_KEEP_ALIVE_S):
            now = round(self._session.clock.now().timestamp() * 1000)
            yield b"data: " + msgspec.json.encode({"now": now, "values": values}) + b"\n\n"

    async def send_text(self, request: Request) -> Response:
        posted = await _read_json(request, _TextRequest)
        self._session.send_text(posted.phone, posted.text)
        return Response(status_code=204)

    async def add_phone(self, request: Request) -> Response:
        await _read_json(request, _PageRequest)
        return _json_response(201, {"phone": self._session.add_phone()})

    async def advance_clock(self, request: Request) -> Response:
        posted = await _read_json(request, _ClockRequest)
        await self._session.advance_clock(posted.seconds)
        return Response(status_code=204)

    async def set_switch(self, request: Request) -> Response:
        posted = await _read_json(request, _SwitchRequest)
        self._session.set_fault(posted.name, on=posted.on)
        return Response(status_code=204)


class _SecurityHeaders:
    """ASGI middleware to add the security headers to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                secured = [
                    (key.encode(), value.encode()) for key, value in _SECURITY_HEADERS.items()
                ]
                message = {**message, "headers": [*message.get("headers", ()), *secured]}
            await send(message)

        await self._app(scope, receive, send_secured)


async def _send_page_file(request: Request) -> Response:
    name, content_type = _PAGE_FILES[request.url.path]
    content = resources.files("cooee.phone").joinpath("page", name).read_bytes()
    return Response(content, headers={"content-type": content_type})


async def _read_json(request: Request, kind: type[T]) -> T:
    """Read a request's body.

    Raises:
        HTTPException: the body is too large, or is not declared to be JSON.
        msgspec.DecodeError: the body is not as `kind` says.
    """
    if request.headers.get("content-type") != "application/json":
        raise HTTPException(415, "Send JSON, and say so.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            raise HTTPException(413, "The body is too large.")
    return msgspec.json.decode(body, type=kind)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in {404, 405}:
        return _json_response(404, {"error": f"There is no {request.method} {request.url.path}."})
    return _json_response(error.status_code, {"error": error.detail})


async def _answer_bad_request(_: Request, error: Exception) -> Response:
    return _json_response(400, {"error": str(error)})


def _json_response(status: int, content: object) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
