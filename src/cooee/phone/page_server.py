"""The page, over HTTP on loopback: for a browser on this machine, and for nobody's else page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net import asgi as desk
from cooee.net.http_client import Receive, Scope, Send
from cooee.phone.session import BrowserSession

T = TypeVar("T")
PageHandler: TypeAlias = Callable[[Request], Awaitable[Response]]

_KEEP_ALIVE_S = 15.0  # seconds after which a stream says that it is alive
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
    """What a call's JSON may hold."""


class _TextRequest(_PageRequest, frozen=True):
    phone: int
    text: Annotated[str, msgspec.Meta(max_length=2_000)]


class _SwitchRequest(_PageRequest, frozen=True):
    name: str
    on: bool


class _ClockRequest(_PageRequest, frozen=True):
    seconds: float


class PageServer:
    """Serves the page of a show, as plain ASGI.

    Args:
        show: what is on.
        port: where this is served; a call under any other host or origin is refused.
    """

    def __init__(self, session: BrowserSession, port: int) -> None:
        self._session = session
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._post_handlers: Mapping[str, PageHandler] = {
            "/texts": self._post_text,
            "/phones": self._post_phone,
            "/clock": self._post_clock,
            "/switches": self._post_switch,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            request = await desk.read_request(scope, receive)
        except desk.BodyTooLarge:
            await _send_with_headers(send, _error_response(413, "That is too much."))
            return
        if request is None:
            return
        path = desk.path_of(request)
        refusal = self._refuse_other_sites(request, path)
        if refusal is None and request.method == "GET" and path == "/events":
            await self._stream_events(receive, send)
        else:
            await _send_with_headers(send, refusal or await self._route(request, path))

    def _refuse_other_sites(self, request: Request, path: str) -> Response | None:
        """The refusal of a call that another site's page made, or that came under another name.

        A page on the Internet can make a browser call 127.0.0.1, under its own name in Host
        (when that was rebound to here) or in Origin. Only a link to the page itself is allowed.
        """
        if request.headers.get("host") not in self._hosts:
            return _error_response(421, "This page is for 127.0.0.1 and localhost only.")
        origin = request.headers.get("origin")
        if origin is None and request.method != "GET":
            return _error_response(403, "Say where the call comes from, in Origin.")
        if origin is not None and origin not in {f"http://{host}" for host in self._hosts}:
            return _error_response(403, "This is not for other sites' pages.")
        site = request.headers.get("sec-fetch-site", "none")
        link = path == "/" and request.headers.get("sec-fetch-mode") == "navigate"
        if site not in {"same-origin", "none"} and not link:
            return _error_response(403, "This is not for other sites' pages.")
        return None

    async def _route(self, request: Request, path: str) -> Response:
        if request.method in {"GET", "HEAD"} and path in _PAGE_FILES:
            return _file_response(*_PAGE_FILES[path])
        handler = self._post_handlers.get(path) if request.method == "POST" else None
        if handler is None:
            return _error_response(404, f"There is no {request.method} {path}.")
        if request.headers.get("content-type") != "application/json":
            return _error_response(415, "Send JSON, and say so.")
        try:
            return await handler(request)
        except (ValueError, msgspec.DecodeError) as error:
            return _error_response(400, str(error))

    async def _stream_events(self, receive: Receive, send: Send) -> None:
        """What is on the board, and then each change, as server-sent events."""
        headers = {"content-type": "text/event-stream", **_SECURITY_HEADERS}
        await send(
            {"type": "http.response.start", "status": 200, "headers": _encode_headers(headers)}
        )
        writing = asyncio.ensure_future(self._write_events(send))
        disconnect = asyncio.ensure_future(_wait_for_disconnect(receive))
        await asyncio.wait({writing, disconnect}, return_when=asyncio.FIRST_COMPLETED)
        for task in (writing, disconnect):
            task.cancel()
        await asyncio.gather(writing, disconnect, return_exceptions=True)
        await send({"type": "http.response.body", "body": b""})

    async def _write_events(self, send: Send) -> None:
        async for values in self._session.feed.subscribe(_KEEP_ALIVE_S):
            now = round(self._session.clock.now().timestamp() * 1000)
            event = b"data: " + msgspec.json.encode({"now": now, "notes": values}) + b"\n\n"
            await send({"type": "http.response.body", "body": event, "more_body": True})

    # What the page asks for

    async def _post_text(self, request: Request) -> Response:
        posted = _parse_body(request, _TextRequest)
        self._session.send_text(posted.phone, posted.text)
        return Response(status=204)

    async def _post_phone(self, request: Request) -> Response:
        _parse_body(request, _PageRequest)
        return desk.json_response(201, {"phone": self._session.add_phone()})

    async def _post_clock(self, request: Request) -> Response:
        await self._session.advance_clock(_parse_body(request, _ClockRequest).seconds)
        return Response(status=204)

    async def _post_switch(self, request: Request) -> Response:
        posted = _parse_body(request, _SwitchRequest)
        self._session.set_fault(posted.name, on=posted.on)
        return Response(status=204)


def _parse_body(request: Request, kind: type[T]) -> T:
    return msgspec.json.decode(request.body, type=kind)


def _file_response(name: str, kind: str) -> Response:
    body = resources.files("cooee.phone").joinpath("page", name).read_bytes()
    return Response(status=200, headers={"content-type": kind}, body=body)


def _error_response(status: int, message: str) -> Response:
    return desk.json_response(status, {"error": message})


async def _send_with_headers(send: Send, response: Response) -> None:
    secured = Response(
        status=response.status,
        headers={**response.headers, **_SECURITY_HEADERS},
        body=response.body,
    )
    await desk.write_response(send, secured)


def _encode_headers(headers: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


async def _wait_for_disconnect(receive: Receive) -> None:
    """Wait until the reader has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
