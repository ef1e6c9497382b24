"""HTTP out: a client for the network, a client for the same process, and `run_flow`."""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

from cooee.clocks.clock import Clock
from cooee.core.errors import PermanentFailure, ProviderFailure
from cooee.core.http_messages import Flow, Request, Response
from cooee.net.network_failures import (
    connect_error,
    describe_error,
    no_answer_error,
    not_connected_error,
)
from cooee.net.proxies import Proxies
from cooee.net.ssrf_guard import AddressRefused, SSRFGuard

if TYPE_CHECKING:
    from cooee.net.connections import Connections

T = TypeVar("T")

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger("cooee.net")
_DEFAULT_PORTS = {"http": 80, "https": 443}

HANG_UP_EXTENSION = "cooee.hang_up"
"""The ASGI extension that drops the connection without an answer: call it, then return."""


class Transport(Protocol):
    """A client for HTTP requests: a call makes a request and returns the response."""

    async def __call__(self, request: Request) -> Response:
        """Make the request.

        Raises:
            TemporaryFailure: nothing was sent, or the request was `safe` to repeat.
            OutcomeUnknown: it was sent, and no whole answer came.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


async def run_flow(flow: Flow[T], transport: Callable[[Request], Awaitable[Response]]) -> T:
    """Run a flow to its end; a network failure is raised inside the flow, at its `yield`."""
    try:
        request = next(flow)
        while True:
            try:
                response = await transport(request)
            except ProviderFailure as failure:
                request = flow.throw(failure)
            else:
                request = flow.send(response)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        flow.close()


_PLAIN_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


class HTTPClient:
    """An HTTP client that keeps its connections for 15 s: shorter than most servers do.

    Requests go over `Connections`. Those through a proxy, and the downloads of a client with a
    guard or a limit, go by aiohttp, imported late: most of cooee's work needs none of it.

    Args:
        clock: the time of responses.
        timeout: seconds that a request and its whole response may take.
        max_bytes: bytes that a response may have. Responses then stay compressed as they came, and
            a larger one is a `PermanentFailure` as soon as that is known.
        guard: the addresses that may be connected to, for URLs from outside; any other is a
            `PermanentFailure`.
        proxies: the proxies to call through. Not beside a guard: a proxy looks names up itself.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        timeout: float = 30,
        max_bytes: int | None = None,
        guard: SSRFGuard | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        self._clock = clock
        self._proxies = proxies or Proxies()
        self._timeout, self._max_bytes, self._guard = timeout, max_bytes, guard
        self._connect_timeout = min(10, timeout / 2)  # so that the error says which time was up
        self._connections: Connections | None = None
        self._session: Any = None

    async def __call__(self, request: Request) -> Response:
        """Make a request; a redirect is an answer like any other.

        Following it would hand a text and its credentials to another host.

        Raises:
            TemporaryFailure: nothing was sent, or the request was `safe` to repeat.
            OutcomeUnknown: it was sent, and no whole answer came.
            PermanentFailure: the guard refuses its address, or the answer is too large.
        """
        is_plain = self._guard is None and self._max_bytes is None
        if not is_plain or request.method not in _PLAIN_METHODS:
            return await self._call_by_aiohttp(request, self._proxies.find(request.url))
        if (proxy := self._proxies.find(request.url)) is not None:
            return await self._call_by_aiohttp(request, proxy)
        if self._connections is None:
            from cooee.net.connections import (  # noqa: PLC0415 -- TLS, which only senders pay for
                Connections,
            )

            self._connections = Connections(
                timeout=self._timeout, connect_timeout=self._connect_timeout
            )
        answer = await self._connections.fetch(request)
        return Response(
            status=answer.status, headers=answer.headers, body=answer.body, at=self._clock.now()
        )

    async def _call_by_aiohttp(self, request: Request, proxy: str | None) -> Response:
        if "aiohttp" not in sys.modules:
            await asyncio.to_thread(importlib.import_module, "aiohttp")
        import aiohttp  # noqa: PLC0415 -- a quarter of a second that only some pay
        import yarl  # noqa: PLC0415 -- aiohttp's reading of a URL, so that no two readings differ

        session = self._open_session(aiohttp)
        try:
            url = yarl.URL(request.url)
        except ValueError as error:
            raise not_connected_error(request, "that is no URL") from error
        try:
            if self._guard is not None:
                self._guard.check_host(url.host or "", url.port or 0)
            async with session.request(
                request.method,
                url,
                headers=dict(request.headers),
                data=request.body or None,
                allow_redirects=False,
                proxy=proxy,
            ) as response:
                body = await self._read_body(response)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Response(
                    status=response.status, headers=headers, body=body, at=self._clock.now()
                )
        except (
            aiohttp.ClientConnectorError,
            aiohttp.ConnectionTimeoutError,
            aiohttp.InvalidURL,
            AddressRefused,
        ) as error:
            cause = getattr(error, "os_error", error)
            # aiohttp wraps what the resolver raises in its own connection error.
            if isinstance(cause, AddressRefused):
                raise PermanentFailure(str(cause)) from error
            is_refused = isinstance(cause, ConnectionRefusedError)
            raise connect_error(request, cause if is_refused else error) from error
        except (aiohttp.ClientError, OSError) as error:  # a time-out is an OSError
            raise no_answer_error(request, describe_error(error)) from error

    async def _read_body(self, response: Any) -> bytes:
        if self._max_bytes is None:
            return bytes(await response.read())
        body = bytearray()
        # The declared length is only a hint: a server may declare less, or nothing.
        if (response.content_length or 0) <= self._max_bytes:
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > self._max_bytes:
                    break
            else:
                return bytes(body)
        response.close()
        raise PermanentFailure(f"It has more than {self._max_bytes:,} bytes.", code="too-large")

    def _open_session(self, aiohttp: Any) -> Any:
        if self._session is None:
            resolver_option = {} if self._guard is None else {"resolver": self._guard}
            identity_header = {} if self._max_bytes is None else {"Accept-Encoding": "identity"}
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(keepalive_timeout=15, limit=0, **resolver_option),
                timeout=aiohttp.ClientTimeout(total=self._timeout, connect=self._connect_timeout),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "cooee", **identity_header},
                auto_decompress=not identity_header,
            )
            # It would repeat a GET whose answer was lost, and so lose what a reading removes.
            self._session._retry_connection = False  # noqa: SLF001 -- there is no public switch
        return self._session

    async def close(self) -> None:
        """Close the connections; the next request opens others."""
        if self._connections is not None:
            self._connections.close()
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()


def load_client() -> None:
    """Import the connections now, in any thread, before the first request waits for the import."""
    import cooee.net.connections  # noqa: F401, PLC0415 -- see above


class InProcessClient:
    """A client for ASGI apps of the same process, chosen by the URL's beginning.

    As over HTTP, an app that raises is a 500, and an answer that is cut short is none.
    """

    def __init__(self, clock: Clock, apps: Mapping[str, ASGIApp]) -> None:
        self._clock = clock
        self.apps = dict(apps)

    async def __call__(self, request: Request) -> Response:
        for base in sorted(self.apps, key=len, reverse=True):
            if _is_below(request.url, base):
                return await self._call_app(self.apps[base], request)
        raise not_connected_error(request, "nobody is there")

    async def _call_app(self, app: ASGIApp, request: Request) -> Response:
        call = _ASGICall(request)
        try:
            await app(_asgi_scope(request, call.hang_up), call.receive, call.send)
        except Exception:
            _log.exception("The app behind %s failed.", urlsplit(request.url).netloc)
            if call.status == 0 and not call.hung_up:
                return Response(status=500, body=b"Internal Server Error", at=self._clock.now())
        if call.hung_up or not call.finished.is_set():
            raise no_answer_error(request, "the connection was closed")
        return Response(
            status=call.status,
            headers=call.headers,
            body=bytes(call.body),
            at=self._clock.now(),
        )

    async def close(self) -> None:
        """Return at once: no connection is open."""


class _ASGICall:
    """A request and its response, seen by an ASGI server."""

    def __init__(self, request: Request) -> None:
        self._unread_messages: list[Message] = [{"type": "http.request", "body": request.body}]
        self.finished = asyncio.Event()
        self.hung_up = False
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()

    async def receive(self) -> Message:
        if self._unread_messages:
            return self._unread_messages.pop()
        await self.finished.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            raw_headers = message.get("headers", ())
            self.headers = {
                _decode_header(name).lower(): _decode_header(value) for name, value in raw_headers
            }
        else:
            self.body += message.get("body", b"")
            if not message.get("more_body"):
                self.finished.set()

    def hang_up(self) -> None:
        self.hung_up = True
        self.finished.set()


def _decode_header(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")  # as aiohttp reads headers


def _is_below(url: str, base: str) -> bool:
    base = base.rstrip("/")
    return url.startswith(base) and url[len(base) : len(base) + 1] in {"", "/", "?"}


def _asgi_scope(request: Request, hang_up: Callable[[], None]) -> Scope:
    url = urlsplit(request.url)
    path = url.path or "/"
    headers = {"host": url.netloc, "content-length": str(len(request.body)), **request.headers}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": url.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 0),
        "server": (url.hostname or "", url.port or _DEFAULT_PORTS.get(url.scheme, 0)),
        "extensions": {HANG_UP_EXTENSION: hang_up},
        "state": {},
    }
