"""Connections: HTTP/1.1 requests over connections that are kept for the next request."""

from __future__ import annotations

import asyncio
import re
import select
import socket
import ssl
import zlib
from base64 import b64encode
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

import aiohappyeyeballs
import httptools
import msgspec
import yarl

from cooee.core.errors import PermanentFailure
from cooee.core.http_messages import Request
from cooee.net.network_failures import (
    connect_error,
    describe_error,
    no_answer_error,
    not_connected_error,
)

_REST_S = 15  # shorter than most servers keep a connection, so that few texts meet a closed one
_FIRST_ADDRESS_S = 0.25  # until a name's next address is tried as well (RFC 8305, 5)
_MAX_ANSWER_BYTES = 64 * 1024 * 1024
_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})  # methods that say so where their body is empty
_LINE_BREAK = re.compile(r"[\r\n\0]")
_READABLE = select.POLLIN if hasattr(select, "poll") else 0

Origin: TypeAlias = tuple[str, str, int]
"""The scheme, host and port that a connection leads to."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A response as it came; `keeps_alive` says whether its connection takes another request."""

    status: int
    headers: dict[str, str]
    body: bytes
    keeps_alive: bool


class Connections:
    """Makes requests, each over a connection that rests, or else a new one.

    Args:
        timeout: seconds that a request and its whole response may take.
        connect_timeout: seconds of them that a new connection may take.
    """

    def __init__(self, *, timeout: float, connect_timeout: float) -> None:
        self._timeout, self._connect_timeout = timeout, connect_timeout
        self._resting: defaultdict[Origin, list[_Connection]] = defaultdict(list)  # latest last
        self._open = set[_Connection]()
        self._tls: ssl.SSLContext | None = None
        self._sweep: asyncio.TimerHandle | None = None

    async def fetch(self, request: Request) -> Answer:
        """Make a request, and return its whole response.

        Raises:
            TemporaryFailure: nothing was sent, or the request was `safe` to repeat.
            OutcomeUnknown: it was sent, and no whole response came.
            PermanentFailure: it cannot be written as HTTP.
        """
        try:
            target = _parse_target(request.url)
        except ValueError as error:
            raise not_connected_error(request, "that is no URL") from error
        origin, data = target.origin, _encode_request(request, target)
        loop = asyncio.get_running_loop()
        until = loop.time() + self._timeout
        connection = self._take_resting(origin, loop.time())
        if connection is None:
            connection = await self._connect(origin, request)
            if connection.is_closing:  # before a byte was written, so nothing is in doubt
                raise not_connected_error(request, "the connection was closed at once")
        try:
            answer = await connection.exchange(data, until)
        except OSError as error:  # a time-out is one
            raise no_answer_error(request, describe_error(error)) from error
        finally:
            if connection.answer is not None:  # no whole response: whatever comes is not for us
                connection.close()
        if answer.keeps_alive:
            self._let_rest(origin, connection, loop)
        else:
            connection.close()
        return answer

    def close(self) -> None:
        """Close every connection; those that are waited for fail."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for connection in list(self._open):
            connection.close()
        self._resting.clear()

    # New connections

    async def _connect(self, origin: Origin, request: Request) -> _Connection:
        scheme, host, port = origin
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_timeout):
                infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                sock = await aiohappyeyeballs.start_connection(
                    infos, happy_eyeballs_delay=_FIRST_ADDRESS_S, interleave=1, loop=loop
                )
                tls = self._tls_context() if scheme == "https" else None
                try:
                    _, connection = await loop.create_connection(
                        lambda: _Connection(self._open),
                        sock=sock,
                        ssl=tls,
                        server_hostname=host if tls is not None else None,
                    )
                except BaseException:
                    sock.close()
                    raise
        except TimeoutError as error:
            words = f"it took longer than {self._connect_timeout:g} seconds"
            raise not_connected_error(request, words) from error
        except (OSError, UnicodeError) as error:  # TLS as well, and a name that is none
            raise connect_error(request, error) from error
        return connection

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    # Connections that rest

    def _take_resting(self, origin: Origin, now: float) -> _Connection | None:
        resting = self._resting[origin]
        while resting:
            connection = resting.pop()
            if now - connection.rests_since < _REST_S and connection.is_usable():
                return connection
            connection.close()
        return None

    def _let_rest(
        self, origin: Origin, connection: _Connection, loop: asyncio.AbstractEventLoop
    ) -> None:
        connection.rests_since = loop.time()
        self._resting[origin].append(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(_REST_S, self._close_rested, loop)

    def _close_rested(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close the connections that have rested long enough, and look again while others rest."""
        since = loop.time() - _REST_S
        for origin, resting in list(self._resting.items()):
            for connection in resting:
                if connection.rests_since <= since:
                    connection.close()
            self._resting[origin] = [one for one in resting if one.rests_since > since]
            if not self._resting[origin]:
                del self._resting[origin]
        self._sweep = loop.call_later(_REST_S, self._close_rested, loop) if self._resting else None


class _Connection(asyncio.Protocol):
    """One connection: writes a request, and parses its response.

    `answer` is the response that is waited for; None while the connection rests.
    """

    def __init__(self, open_connections: set[_Connection]) -> None:
        self.rests_since = 0.0
        self.answer: asyncio.Future[Answer] | None = None
        self._open_connections = open_connections
        self._transport: asyncio.Transport
        self._poll: select.poll | None = None
        self._start_response()

    def _start_response(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._status, self._size, self._until_end = 0, 0, False
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    async def exchange(self, data: bytes, until: float) -> Answer:
        """Write a request; return its response.

        Raises:
            OSError: the connection ended first, or time was up, or what came is no response.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self.answer = answer
        timer = loop.call_at(until, self._time_out)
        try:
            self._transport.write(data)
            return await answer
        finally:
            timer.cancel()

    @property
    def is_closing(self) -> bool:
        """True where the connection is known to be over."""
        return self._transport.is_closing()

    def is_usable(self) -> bool:
        """Tell whether a request can be written: the other side has neither closed nor spoken."""
        if self.is_closing:
            return False
        # What came since the event loop last looked: mostly the end of the connection.
        return self._poll is None or not self._poll.poll(0)

    def close(self) -> None:
        """Close the connection now, whatever is still to be written."""
        self._transport.abort()

    # Called by the event loop

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as for every TCP connection
        self._transport = transport
        self._open_connections.add(self)
        sock = transport.get_extra_info("socket")
        if _READABLE and sock is not None:
            self._poll = select.poll()
            self._poll.register(sock.fileno(), _READABLE)

    def data_received(self, data: bytes) -> None:
        self._size += len(data)
        if self.answer is None or self._size > _MAX_ANSWER_BYTES:  # nobody asked, or it never ends
            self._fail(ConnectionError("more came than an answer"))
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(ConnectionError(f"what came is no HTTP response ({error})"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._open_connections.discard(self)
        if self._until_end and exc is None:
            try:
                self._finish(keeps_alive=False)
            except zlib.error as error:
                self._fail(error)
        else:
            self._fail(exc or ConnectionError("the connection was closed"))

    # Called by the parser

    def on_message_begin(self) -> None:
        if self.answer is None:  # a second response to one request
            self._transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[_decode(name).lower()] = _decode(value)

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        has_length = "content-length" in self._headers or "transfer-encoding" in self._headers
        self._until_end = not has_length and self._status not in {204, 304}

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if 100 <= self._status < 200:
            self._headers, self._until_end = {}, False
        elif self.answer is not None:
            is_written = not self._transport.get_write_buffer_size()
            self._finish(keeps_alive=self._parser.should_keep_alive() and is_written)

    # The end of a request

    def _finish(self, *, keeps_alive: bool) -> None:
        body = b"".join(self._body)
        if self._headers.get("content-encoding", "").lower() in _COMPRESSED:
            body = _decompress(body)
        answer, self.answer = self.answer, None
        if answer is not None and not answer.done():
            answer.set_result(Answer(self._status, self._headers, body, keeps_alive))
        self._status, self._size, self._until_end = 0, 0, False
        self._headers, self._body = {}, []

    def _time_out(self) -> None:
        self._fail(TimeoutError("it took too long"))

    def _fail(self, error: Exception) -> None:
        if self.answer is not None and not self.answer.done():
            lost = error if isinstance(error, OSError) else ConnectionError(describe_error(error))
            self.answer.set_exception(lost)
        self._transport.abort()


_ANY_FORMAT = 32 + zlib.MAX_WBITS  # of gzip and zlib, whichever the body is


def _decompress(body: bytes) -> bytes:
    """Return a compressed body's bytes.

    Raises:
        zlib.error: it is damaged, cut short, or larger than any provider's.
    """
    decompressor = zlib.decompressobj(_ANY_FORMAT)
    plain = decompressor.decompress(body, _MAX_ANSWER_BYTES)
    if body and not decompressor.eof:
        raise zlib.error("its compressed body has no end")
    return plain


class _Target(msgspec.Struct, frozen=True):
    """Where a URL leads to, its path and query, and the headers of each request for it."""

    origin: Origin
    path: str
    headers: Mapping[str, str]


@lru_cache(maxsize=64)
def _parse_target(url: str) -> _Target:
    """Parse a URL.

    Raises:
        ValueError: it is no URL of a server.
    """
    parsed = yarl.URL(url)  # the reading of the client for proxies: no two readings differ
    host, port, scheme = parsed.raw_host, parsed.port, parsed.scheme
    address = parsed.host_port_subcomponent
    if not host or not port or not address or scheme not in {"http", "https"}:
        raise ValueError(url)
    headers = {"host": address, "user-agent": "cooee", "accept": "*/*"}
    if parsed.user is not None:
        words = f"{parsed.user}:{parsed.password or ''}"
        headers["authorization"] = f"Basic {b64encode(words.encode()).decode()}"
    return _Target((scheme, host, port), parsed.raw_path_qs, headers)


def _encode_request(request: Request, target: _Target) -> bytes:
    headers, body = {**target.headers, **request.headers}, request.body
    if body or request.method in _WITH_BODY:
        headers["content-length"] = str(len(body))
    lines = [f"{name}: {value}" for name, value in headers.items()]
    if any(map(_LINE_BREAK.search, lines)):
        raise PermanentFailure("A header of the request has a line break, which HTTP cannot send.")
    first = f"{request.method} {target.path} HTTP/1.1"
    return "\r\n".join((first, *lines, "", "")).encode(errors="surrogateescape") + body


def _decode(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")
