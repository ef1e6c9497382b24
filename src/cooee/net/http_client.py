"""HTTP out: one client for the world, one for the same process, and what carries a flow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

from cooee.clocks.clock import Clock
from cooee.core.errors import (
    OutcomeUnknown,
    PermanentFailure,
    ProviderFailure,
    TemporaryFailure,
)
from cooee.core.http_messages import Flow, Request, Response
from cooee.net.ssrf_guard import AddressRefused, Guard

T = TypeVar("T")

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGI: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger("cooee.net")
_PORTS = {"http": 80, "https": 443}

HANG_UP = "cooee.hang_up"
"""The ASGI extension that drops the connection without an answer: call it, then return."""


class Transport(Protocol):
    """Carries one request to wherever it goes, and its response back."""

    async def __call__(self, request: Request) -> Response:
        """Make the request.

        Raises:
            TemporaryFailure: nothing was sent, or the request was `safe` to repeat.
            OutcomeUnknown: it was sent, and no whole answer came.
        """
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...


async def carry(flow: Flow[T], transport: Callable[[Request], Awaitable[Response]]) -> T:
    """Run a flow to its end; a failure of the network is thrown in where the flow waits."""
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


def unanswered(request: Request, why: str) -> ProviderFailure:
    """The failure that a lost answer is: harmless where the request is safe to repeat."""
    words = f"No answer from {urlsplit(request.url).netloc}: {why}."
    return TemporaryFailure(words) if request.safe else OutcomeUnknown(words)


def unreached(request: Request, why: str) -> TemporaryFailure:
    """The failure of a request of which nothing was sent."""
    return TemporaryFailure(f"Could not connect to {urlsplit(request.url).netloc}: {why}.")


class Network:
    """The world, over aiohttp; imported late, since most of what cooee does needs no client.

    Connections rest 15 s at most, shorter than most servers keep them, so that a text is
    rarely written into a connection that the other side has just closed.

    Args:
        clock: when answers came.
        timeout: seconds that a request and its whole answer may take.
        largest: bytes that an answer may have; with it, answers come as they were sent, never
            unpacked, and one that is larger is a `PermanentFailure` as soon as that is known.
        guard: which addresses may be connected to, for URLs that a stranger wrote. An answer
            from anywhere else is a `PermanentFailure`.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        timeout: float = 30,
        largest: int | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._clock = clock
        self._timeout, self._largest, self._guard = timeout, largest, guard
        self._session: Any = None

    async def __call__(self, request: Request) -> Response:
        import aiohttp  # noqa: PLC0415 -- a quarter of a second that only senders pay
        import yarl  # noqa: PLC0415 -- aiohttp's reading of a URL, so that no two readings differ

        session = self._open(aiohttp)
        try:
            url = yarl.URL(request.url)
        except ValueError as error:
            raise unreached(request, "that is no URL") from error
        try:
            if self._guard is not None:
                self._guard.check(url.host or "", url.port or 0)
            async with session.request(
                request.method,
                url,
                headers=dict(request.headers),
                data=request.body or None,
                allow_redirects=False,
            ) as answer:
                body = await self._read(answer)
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Response(
                    status=answer.status, headers=headers, body=body, at=self._clock.now()
                )
        except (
            aiohttp.ClientConnectorError,
            aiohttp.ConnectionTimeoutError,
            aiohttp.InvalidURL,
            AddressRefused,
        ) as error:
            refused = getattr(error, "os_error", error)
            if isinstance(refused, AddressRefused):
                raise PermanentFailure(str(refused)) from error
            raise unreached(request, _why(error)) from error
        except (aiohttp.ClientError, OSError) as error:  # a time-out is an OSError
            raise unanswered(request, _why(error)) from error

    async def _read(self, answer: Any) -> bytes:
        if self._largest is None:
            return bytes(await answer.read())
        body = bytearray()
        if (answer.content_length or 0) <= self._largest:
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > self._largest:
                    break
            else:
                return bytes(body)
        answer.close()
        raise PermanentFailure(f"It has more than {self._largest:,} bytes.", code="too-large")

    def _open(self, aiohttp: Any) -> Any:
        if self._session is None:
            connect = min(10, self._timeout / 2)  # before the whole, else nobody knows which
            guarded = {} if self._guard is None else {"resolver": self._guard}
            plain = {} if self._largest is None else {"Accept-Encoding": "identity"}
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(keepalive_timeout=15, limit=64, **guarded),
                timeout=aiohttp.ClientTimeout(total=self._timeout, connect=connect),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "cooee", **plain},
                auto_decompress=not plain,
            )
            # It would repeat a GET whose answer was lost, and so lose what a reading removes.
            self._session._retry_connection = False  # noqa: SLF001 -- there is no public switch
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()


def load_client() -> None:
    """Load the client now, so that the first request does not wait for it; in any thread."""
    import aiohttp  # noqa: F401, PLC0415 -- see above


class InProcess:
    """The same process: requests go straight to the ASGI app whose URL they begin with.

    As over HTTP, an app that raises is a 500, and an answer that is cut short is none.
    """

    def __init__(self, clock: Clock, apps: Mapping[str, ASGI]) -> None:
        self._clock = clock
        self.apps = dict(apps)

    async def __call__(self, request: Request) -> Response:
        for base in sorted(self.apps, key=len, reverse=True):
            if _lies_below(request.url, base):
                return await self._ask(self.apps[base], request)
        raise unreached(request, "nobody is there")

    async def _ask(self, app: ASGI, request: Request) -> Response:
        exchange = _Exchange(request)
        try:
            await app(_scope(request, exchange.hang_up), exchange.receive, exchange.send)
        except Exception:
            _log.exception("The app behind %s failed.", urlsplit(request.url).netloc)
            if exchange.status == 0 and not exchange.hung_up:
                return Response(status=500, body=b"Internal Server Error", at=self._clock.now())
        if exchange.hung_up or not exchange.over.is_set():
            raise unanswered(request, "the connection was closed")
        return Response(
            status=exchange.status,
            headers=exchange.headers,
            body=bytes(exchange.body),
            at=self._clock.now(),
        )

    async def close(self) -> None:
        """Nothing is held open."""


class _Exchange:
    """One request and its answer, as an ASGI server sees them."""

    def __init__(self, request: Request) -> None:
        self._unread: list[Message] = [{"type": "http.request", "body": request.body}]
        self.over = asyncio.Event()
        self.hung_up = False
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()

    async def receive(self) -> Message:
        if self._unread:
            return self._unread.pop()
        await self.over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            sent = message.get("headers", ())
            self.headers = {_text(name).lower(): _text(value) for name, value in sent}
        else:
            self.body += message.get("body", b"")
            if not message.get("more_body"):
                self.over.set()

    def hang_up(self) -> None:
        self.hung_up = True
        self.over.set()


def _text(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")  # as aiohttp reads headers


def _lies_below(url: str, base: str) -> bool:
    base = base.rstrip("/")
    return url.startswith(base) and url[len(base) : len(base) + 1] in {"", "/", "?"}


def _scope(request: Request, hang_up: Callable[[], None]) -> Scope:
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
        "server": (url.hostname or "", url.port or _PORTS.get(url.scheme, 0)),
        "extensions": {HANG_UP: hang_up},
        "state": {},
    }


def _why(error: BaseException) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__
