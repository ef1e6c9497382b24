"""One connection of the HTTP server: parses requests, runs the app, writes its responses."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httptools

from cooee.net.http_client import HANG_UP_EXTENSION, ASGIApp, Scope

if TYPE_CHECKING:
    from uvicorn import Config
    from uvicorn.server import ServerState

MAX_HEAD_BYTES = 64 * 1024
"""The most bytes of a request's line and headers."""

_MAX_UNREAD_BYTES = 64 * 1024  # of a body: then the client waits until the app reads
_IDLE_TIMEOUT_S = 30.0  # seconds between a response and the next request
_WITHOUT_BODY = frozenset((*range(100, 200), 204, 304))  # statuses (RFC 9110, section 6.4.1)
_STATUS_LINES = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode() for one in HTTPStatus}
_DISCONNECT = {"type": "http.disconnect"}
_LOG = logging.getLogger(__name__)


class ServerConnection(asyncio.Protocol):
    """A connection, with the interface that `uvicorn.Server` needs of its protocols.

    Requests run one after the other. While one waits for the response to the one before, no more
    bytes are read. Bytes that are no HTTP/1.1, and headers over `MAX_HEAD_BYTES`, are refused,
    and the connection is closed.

    Args:
        config: has the ASGI app.
        server_state: the connections and tasks of the server, and the headers of each response.
        app_state: unused; the app has no lifespan here.
        header_timeout: seconds that a client has for the headers, from its connection or from
            its request's first byte. Bodies are timed by their readers.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002 -- uvicorn hands it over
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        header_timeout: float,
    ) -> None:
        self.loop = _loop or asyncio.get_running_loop()
        self.state, self._app = server_state, config.loaded_app
        self._header_timeout = header_timeout
        self._parser = httptools.HttpRequestParser(self)
        self._url, self._headers = b"", list[tuple[bytes, bytes]]()
        self._awaits_headers, self._head_bytes = True, 0
        self._running: Exchange | None = None  # the request that the app is answering
        self._parsed: Exchange | None = None  # the newest request
        self._waiting = deque[Exchange]()  # requests that the app has not got yet
        self._is_deaf = self._is_reading_paused = False
        self.drained: asyncio.Future[None] | None = None  # while the client reads too slowly
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    # The transport's calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as for every TCP connection
        # An error here, or in connection_lost, would leak the descriptor (tests count them).
        # A connection is known by its protocol: a peer that has reset it has no name any more.
        self.transport = transport
        self.state.connections.add(self)  # type: ignore[arg-type]  # uvicorn's own classes only
        ends = [transport.get_extra_info(name) for name in ("sockname", "peername")]
        self._server, self._client = [tuple(end[:2]) if end else None for end in ends]
        self._expect_within(self._header_timeout)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's interface
        self.state.connections.discard(self)
        self._deadline = None
        if self._timer is not None:
            self._timer.cancel()
        for exchange in (self._running, self._parsed):
            if exchange is not None:
                exchange.disconnect()
        self._waiting.clear()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # what follows may be of another protocol
            self._is_deaf = True
            if self._parsed is not None:
                self._parsed.keep_alive = False
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST)
        if self._awaits_headers and not self._is_deaf:
            self._time_headers(len(data))

    def pause_writing(self) -> None:
        self.drained = self.drained or self.loop.create_future()

    def resume_writing(self) -> None:
        if self.drained is not None:
            self.drained.set_result(None)
            self.drained = None

    # The parser's calls

    def on_message_begin(self) -> None:
        self._url, self._headers = b"", []
        self._awaits_headers = True

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._awaits_headers, self._head_bytes, self._deadline = False, 0, None
        exchange = Exchange(self, self._make_scope(), self._parser.should_keep_alive())
        self._parsed = exchange
        if self._running is None:
            self._run(exchange)
        else:
            self._waiting.append(exchange)
            self.pause_reading()

    def on_body(self, body: bytes) -> None:
        if self._parsed is not None:
            self._parsed.feed(body)

    def on_message_complete(self) -> None:
        if self._parsed is not None:
            self._parsed.end_body()

    # The server's call

    def shutdown(self) -> None:
        """Close the connection, after the response that is under way."""
        if self._running is None:
            self.transport.close()
        else:
            self._running.keep_alive = False

    # The exchanges' calls

    def pause_reading(self) -> None:
        """Read no more for now; the client has to wait."""
        if not self._is_reading_paused:
            self._is_reading_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on, unless a request waits."""
        if self._is_reading_paused and not self._waiting:
            self._is_reading_paused = False
            self.transport.resume_reading()

    def end_exchange(self, exchange: Exchange) -> None:
        """Go on to the next request."""
        self._running = None
        self.state.total_requests += 1
        if not exchange.keep_alive:
            self.transport.close()
            return
        if self._waiting:
            self._run(self._waiting.popleft())
        elif not self._head_bytes:  # else the next headers have begun, and are timed
            self._expect_within(_IDLE_TIMEOUT_S)
        self.resume_reading()

    # Inside

    def _make_scope(self) -> Scope:
        url = httptools.parse_url(self._url)
        path = url.path.decode("ascii")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": self._parser.get_http_version(),
            "method": self._parser.get_method().decode("ascii"),
            "scheme": "http",
            "path": unquote(path) if "%" in path else path,
            "raw_path": url.path,
            "query_string": url.query or b"",
            "root_path": "",
            "headers": self._headers,
            "server": self._server,
            "client": self._client,
        }

    def _run(self, exchange: Exchange) -> None:
        self._running = exchange
        task = self.loop.create_task(exchange.run(self._app))
        self.state.tasks.add(task)
        task.add_done_callback(self.state.tasks.discard)

    def _time_headers(self, byte_count: int) -> None:
        """Limit headers that have come in part, in their length and time."""
        if not self._head_bytes:
            self._head_bytes = 1  # the end of a body may have come in the same piece
            self._expect_within(self._header_timeout)
            return
        self._head_bytes += byte_count
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _refuse(self, status: HTTPStatus) -> None:
        """Read nothing more; answer the request under way, or else with `status`, and close."""
        self._is_deaf = True
        if self._running is None:
            self.transport.write(_closing_response(status))
            self.transport.close()
        elif self._running.is_whole:
            self._running.keep_alive = False
        else:
            self.transport.close()

    def _expect_within(self, seconds: float) -> None:
        """Give the client so many seconds for its next headers; a timer serves many requests."""
        self._deadline = deadline = self.loop.time() + seconds
        if self._timer is not None and self._timer_at > deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer_at = deadline
            self._timer = self.loop.call_later(seconds, self._check_deadline)

    def _check_deadline(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        left_s = self._deadline - self.loop.time()
        if left_s > 0:
            self._expect_within(left_s)
        else:
            self.transport.abort()


class Exchange:
    """A request and its response.

    `receive` returns a future and not a coroutine: so a caller sees what is there already, and
    needs no task to hear of the client's leaving.
    """

    def __init__(self, connection: ServerConnection, scope: Scope, keep_alive: bool) -> None:
        self.keep_alive = keep_alive and scope["http_version"] != "1.0"
        self.is_whole = self.has_ended = False  # the request; the response
        self._connection, self._scope, self._transport = connection, scope, connection.transport
        self._body, self._is_read, self._is_disconnected = bytearray(), False, False
        self._receivers: deque[asyncio.Future[Any]] = deque()
        self._awaits_continue = (b"expect", b"100-continue") in scope["headers"]
        self._has_begun = self._is_chunked = False
        self._has_body = scope["method"] != "HEAD"
        self._left: int | None = None  # bytes of the response's body that its headers promise
        scope["extensions"] = {HANG_UP_EXTENSION: self._transport.abort}

    async def run(self, app: ASGIApp) -> None:
        """Run the app; where it ends without a response, answer 500 or hang up."""
        try:
            await app(self._scope, self.receive, self.send)
        except BaseException:
            _LOG.exception("The app failed to answer a request.")
        if self.has_ended or self._is_disconnected or self._transport.is_closing():
            return
        if not self._has_begun:
            self._transport.write(_closing_response(HTTPStatus.INTERNAL_SERVER_ERROR))
        self._transport.close()

    # The app's calls

    def receive(self) -> Awaitable[Any]:
        """Return the next part of the body, or the end of the exchange."""
        receiver = self._connection.loop.create_future()
        self._receivers.append(receiver)
        if self._awaits_continue and not self.is_whole:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._awaits_continue = False
        self._hand_out()
        return receiver

    async def send(self, message: Any) -> None:
        """Write a part of the response; the client reads it in its own time.

        Raises:
            RuntimeError: the part is not as long as its headers say, or could split the response.
        """
        if self._connection.drained is not None:
            await self._connection.drained
        if self._is_disconnected:
            return
        if not self._has_begun:
            self._begin(message["status"], message.get("headers", ()))
        elif self.has_ended:
            raise RuntimeError("The response has ended before.")
        else:
            self._write_body(message.get("body", b""), is_last=not message.get("more_body"))

    # The connection's calls

    def feed(self, body: bytes) -> None:
        """Take a part of the body."""
        if self.has_ended:
            return
        self._body += body
        self._hand_out()
        if len(self._body) > _MAX_UNREAD_BYTES:
            self._connection.pause_reading()

    def end_body(self) -> None:
        """Note that the body is whole."""
        self.is_whole = True
        self._hand_out()

    def disconnect(self) -> None:
        """Note that the client has left."""
        self._is_disconnected = True
        self._hand_out()

    # Inside

    def _hand_out(self) -> None:
        """Give the receivers what is there for them."""
        while self._receivers:
            if self._receivers[0].done():  # cancelled: nobody would read
                self._receivers.popleft()
            elif (message := self._next_message()) is None:
                return
            else:
                self._receivers.popleft().set_result(message)

    def _next_message(self) -> Any:
        if self.has_ended or self._is_disconnected:
            return _DISCONNECT
        if self._is_read or not (self._body or self.is_whole):
            return None
        body, self._body = bytes(self._body), bytearray()
        self._is_read = self.is_whole
        self._connection.resume_reading()
        return {"type": "http.request", "body": body, "more_body": not self.is_whole}

    def _begin(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self._has_body = self._has_body and status not in _WITHOUT_BODY
        lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
        for name, value in (*self._connection.state.default_headers, *headers):
            lines.append(b"%s: %s\r\n" % (name, value))
            if name == b"content-length":
                self._left = int(value)
            elif name == b"connection" and b"close" in value.lower():
                self.keep_alive = False
        if self._left is None and self._has_body:
            if self._scope["http_version"] == "1.1":
                self._is_chunked = True
                lines.append(b"transfer-encoding: chunked\r\n")
            else:
                self.keep_alive = False  # the end of the connection is the end of the body
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        head = b"".join(lines)
        if not head.count(b"\n") == head.count(b"\r") == len(lines) or b"\0" in head:
            raise RuntimeError("A header of the response has a line break in it.")
        self._has_begun = True
        self._transport.write(head + b"\r\n")

    def _write_body(self, body: bytes, *, is_last: bool) -> None:
        if not self._has_body:
            body = b""
        elif self._is_chunked:
            body = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            body += b"0\r\n\r\n" if is_last else b""
        elif self._left is not None:
            self._left -= len(body)
            if self._left < 0 or (is_last and self._left):
                raise RuntimeError("The response has another length than its headers say.")
        if body:
            self._transport.write(body)
        if is_last:
            self.has_ended = True
            self._hand_out()
            self._connection.end_exchange(self)


def _closing_response(status: HTTPStatus) -> bytes:
    body = status.phrase.encode()
    head = b"content-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n" % len(body)
    return _STATUS_LINES[status] + head + b"\r\n" + body
