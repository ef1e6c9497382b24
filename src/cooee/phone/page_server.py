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
from cooee.phone.session import Show

T = TypeVar("T")
Handler: TypeAlias = Callable[[Request], Awaitable[Response]]

_PAUSE = 15.0  # seconds after which a stream says that it is alive
_SAFE: Mapping[str, str] = {
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
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/script.js": ("script.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a call's JSON may hold."""


class _Text(_Asked, frozen=True):
    phone: int
    text: Annotated[str, msgspec.Meta(max_length=2_000)]


class _Turn(_Asked, frozen=True):
    name: str
    on: bool


class _Advance(_Asked, frozen=True):
    seconds: float


class Page:
    """Serves the page of a show, as plain ASGI.

    Args:
        show: what is on.
        port: where this is served; a call under any other host or origin is refused.
    """

    def __init__(self, show: Show, port: int) -> None:
        self._show = show
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._posts: Mapping[str, Handler] = {
            "/texts": self._text,
            "/phones": self._add_phone,
            "/clock": self._advance,
            "/switches": self._turn,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            request = await desk.read(scope, receive)
        except desk.TooLarge:
            await _answer(send, _error(413, "That is too much."))
            return
        if request is None:
            return
        path = desk.path_of(request)
        refused = self._stranger(request, path)
        if refused is None and request.method == "GET" and path == "/events":
            await self._stream(receive, send)
        else:
            await _answer(send, refused or await self._reply(request, path))

    def _stranger(self, request: Request, path: str) -> Response | None:
        """The refusal of a call that another site's page made, or that came under another name.

        A page on the Internet can make a browser call 127.0.0.1, under its own name in Host
        (when that was rebound to here) or in Origin. Only a link to the page itself is allowed.
        """
        if request.headers.get("host") not in self._hosts:
            return _error(421, "This page is for 127.0.0.1 and localhost only.")
        origin = request.headers.get("origin")
        if origin is None and request.method != "GET":
            return _error(403, "Say where the call comes from, in Origin.")
        if origin is not None and origin not in {f"http://{host}" for host in self._hosts}:
            return _error(403, "This is not for other sites' pages.")
        site = request.headers.get("sec-fetch-site", "none")
        link = path == "/" and request.headers.get("sec-fetch-mode") == "navigate"
        if site not in {"same-origin", "none"} and not link:
            return _error(403, "This is not for other sites' pages.")
        return None

    async def _reply(self, request: Request, path: str) -> Response:
        if request.method in {"GET", "HEAD"} and path in _FILES:
            return _file(*_FILES[path])
        handler = self._posts.get(path) if request.method == "POST" else None
        if handler is None:
            return _error(404, f"There is no {request.method} {path}.")
        if request.headers.get("content-type") != "application/json":
            return _error(415, "Send JSON, and say so.")
        try:
            return await handler(request)
        except (ValueError, msgspec.DecodeError) as error:
            return _error(400, str(error))

    async def _stream(self, receive: Receive, send: Send) -> None:
        """What is on the board, and then each change, as server-sent events."""
        headers = {"content-type": "text/event-stream", **_SAFE}
        await send({"type": "http.response.start", "status": 200, "headers": _raw(headers)})
        writing = asyncio.ensure_future(self._write(send))
        leaving = asyncio.ensure_future(_left(receive))
        await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        for task in (writing, leaving):
            task.cancel()
        await asyncio.gather(writing, leaving, return_exceptions=True)
        await send({"type": "http.response.body", "body": b""})

    async def _write(self, send: Send) -> None:
        async for notes in self._show.board.read(_PAUSE):
            now = round(self._show.clock.now().timestamp() * 1000)
            event = b"data: " + msgspec.json.encode({"now": now, "notes": notes}) + b"\n\n"
            await send({"type": "http.response.body", "body": event, "more_body": True})

    # What the page asks for

    async def _text(self, request: Request) -> Response:
        asked = _read(request, _Text)
        self._show.text(asked.phone, asked.text)
        return Response(status=204)

    async def _add_phone(self, request: Request) -> Response:
        _read(request, _Asked)
        return desk.json(201, {"phone": self._show.add_phone()})

    async def _advance(self, request: Request) -> Response:
        await self._show.advance(_read(request, _Advance).seconds)
        return Response(status=204)

    async def _turn(self, request: Request) -> Response:
        asked = _read(request, _Turn)
        self._show.turn(asked.name, on=asked.on)
        return Response(status=204)


def _read(request: Request, kind: type[T]) -> T:
    return msgspec.json.decode(request.body, type=kind)


def _file(name: str, kind: str) -> Response:
    body = resources.files("cooee.phone").joinpath("page", name).read_bytes()
    return Response(status=200, headers={"content-type": kind}, body=body)


def _error(status: int, words: str) -> Response:
    return desk.json(status, {"error": words})


async def _answer(send: Send, response: Response) -> None:
    safe = Response(
        status=response.status, headers={**response.headers, **_SAFE}, body=response.body
    )
    await desk.answer(send, safe)


def _raw(headers: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


async def _left(receive: Receive) -> None:
    """Wait until the reader has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
