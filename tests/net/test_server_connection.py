"""The server's connections, byte by byte: what is read, what is refused, what is written."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from uvicorn import Config
from uvicorn.server import ServerState

from cooee.net import server_connection
from cooee.net.http_client import Receive, Scope, Send
from cooee.net.server_connection import MAX_HEAD_BYTES, ServerConnection

App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Line:
    """A transport that keeps what is written, and what the connection wants of it."""

    def __init__(self) -> None:
        self.written, self.closed, self.paused = b"", False, False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_extra_info(self, name: str) -> None:
        return None


class Peer:
    """A client of one connection, whose app `app` is."""

    def __init__(self, app: App) -> None:
        self.asked: list[tuple[str, str]] = []
        self.app, self.line = app, Line()
        config = Config(self, interface="asgi3", log_config=None, proxy_headers=False)
        config.load()
        self.connection = ServerConnection(config, ServerState(), {}, header_timeout=60)
        self.connection.connection_made(self.line)  # type: ignore[arg-type]  # no whole transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append((scope["method"], scope["path"]))
        await self.app(scope, receive, send)

    async def say(self, *pieces: bytes) -> bytes:
        """Send pieces, and return what has been written when nothing goes on any more."""
        for piece in pieces:
            if not self.line.closed:
                self.connection.data_received(piece)
            for _ in range(8):
                await asyncio.sleep(0)
        return self.line.written

    def leave(self) -> None:
        self.connection.connection_lost(None)


async def body_of(receive: Receive) -> bytes:
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    return body


def begin(status: int = 200, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def end(body: bytes = b"") -> dict[str, Any]:
    return {"type": "http.response.body", "body": body}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = scope["path"].encode() + b"|" + await body_of(receive)
    await send(begin(200, (b"content-length", b"%d" % len(body))))
    await send(end(body))


OK = b"HTTP/1.1 200 OK\r\n"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def post(path: str, body: bytes, chunk: int) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\n".encode()
    if not chunk:
        return head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    parts = [body[at : at + chunk] for at in range(0, len(body), chunk)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    at = sorted({place % (len(stream) + 1) for place in places} | {0, len(stream)})
    return [stream[one:other] for one, other in pairwise(at)]


requests = st.tuples(
    st.from_regex("/[a-z]{0,9}", fullmatch=True), st.binary(max_size=40), st.integers(0, 9)
)


@given(st.lists(requests, min_size=1, max_size=5), st.lists(st.integers(0, 2_000), max_size=12))
def test_however_requests_are_cut_each_gets_its_own_response_in_order(
    made: list[tuple[str, bytes, int]], places: list[int]
) -> None:
    async def say() -> bytes:
        return await Peer(echo).say(*cut(b"".join(post(*one) for one in made), places), b"")

    bodies = [f"{path}|".encode() + body for path, body, _ in made]
    expected = [b"%bcontent-length: %d\r\n\r\n%b" % (OK, len(body), body) for body in bodies]
    assert asyncio.run(say()) == b"".join(expected)


@settings(max_examples=200)
@example([b"GET / HTTP/1.1\r\nA: b\r\nContent-Length: 3\r\n\r\nab", b"\xff"])
@given(st.lists(st.one_of(st.binary(max_size=30), st.sampled_from([GET[:20], GET, b"\r\n", b"0"]))))
def test_no_bytes_upset_it(pieces: list[bytes]) -> None:
    async def say() -> bytes:
        return await Peer(echo).say(*pieces)

    assert re.match(rb"\Z|HTTP/1.1 (200|400) ", asyncio.run(say()))


HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
SMUGGLED = {
    "two lengths": b"Content-Length: 0\r\nContent-Length: 33\r\n\r\n",
    "two lengths in one": b"Content-Length: 0, 33\r\n\r\n",
    "a length and chunks": b"Content-Length: 33\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": b"Transfer-Encoding: chunked\r\nContent-Length: 33\r\n\r\n0\r\n\r\n",
    "another coding": b"Transfer-Encoding: xchunked\r\n\r\n",
    "a coding behind chunks": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a space in the name": b"Content-Length : 33\r\n\r\n",
    "a signed length": b"Content-Length: +0\r\n\r\n",
    "a length of another base": b"Content-Length: 0x0\r\n\r\n",
    "a folded header": b"X: a\r\n Content-Length: 33\r\n\r\n",
    "a bare line feed": b"X: a\nContent-Length: 33\r\n\r\n",
    "a bare carriage return": b"X: a\rContent-Length: 33\r\n\r\n",
    "a zero byte": b"X: a\0b\r\n\r\n",
    "a chunk without a size": b"Transfer-Encoding: chunked\r\n\r\n\r\n\r\n",
    "a chunk of a negative size": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "a chunk of a huge size": b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "an upgrade": b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n",
}


@pytest.mark.parametrize("head", SMUGGLED.values(), ids=SMUGGLED)
async def test_no_request_hides_behind_another(head: bytes) -> None:
    peer = Peer(echo)
    await peer.say(b"POST /open HTTP/1.1\r\nHost: a\r\n" + head + HIDDEN)
    await peer.say(HIDDEN)
    assert ("GET", "/hidden") not in peer.asked
    assert peer.line.closed


async def test_an_upgrade_is_not_made_and_the_request_is_answered() -> None:
    peer = Peer(echo)
    said = await peer.say(b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert said.startswith(OK)
    assert b"connection: close" in said
    assert peer.line.closed


async def test_a_request_waits_for_the_response_before_it_and_nothing_more_is_read() -> None:
    gate = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        await echo(scope, receive, send)

    peer = Peer(slow)
    assert await peer.say(post("/one", b"1", 0) + post("/two", b"2", 0)) == b""
    assert (peer.asked, peer.line.paused) == ([("POST", "/one")], True)
    gate.set()
    assert re.findall(rb"/\w+\|\d", await peer.say(b"")) == [b"/one|1", b"/two|2"]
    assert not peer.line.paused


@pytest.mark.parametrize("piece", [b"X-Long: " + b"a" * 1_000 + b"\r\n", b"a" * 500])
async def test_headers_without_end_are_refused(piece: bytes) -> None:
    peer = Peer(echo)
    count = MAX_HEAD_BYTES // len(piece) + 1
    said = await peer.say(b"GET / HTTP/1.1\r\nX: ", *[piece] * count, *[piece] * 3)
    assert said.startswith(b"HTTP/1.1 431 ")
    assert peer.line.closed
    assert peer.asked == []


async def test_a_long_body_is_no_part_of_the_headers_behind_it() -> None:
    peer = Peer(echo)
    said = await peer.say(post("/", b"x" * 2 * MAX_HEAD_BYTES, 0) + GET[:20], GET[20:])
    assert said.count(OK) == 2
    assert not peer.line.closed


async def test_headers_that_began_before_a_response_are_timed_from_their_beginning() -> None:
    gate = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        await echo(scope, receive, send)

    peer = Peer(slow)
    await peer.say(GET, GET[:20])
    deadline = peer.connection._deadline
    gate.set()
    assert (await peer.say(b"")).startswith(OK)
    assert deadline is not None
    assert peer.connection._deadline == deadline


async def test_a_large_body_is_read_no_faster_than_the_app_takes_it() -> None:
    gate = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        await send(begin(200, (b"content-length", b"0")))
        assert len(await body_of(receive)) == 100_000
        await send(end())

    peer = Peer(slow)
    head = b"POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n"
    await peer.say(head + b"x" * 70_000)
    assert peer.line.paused
    gate.set()
    await peer.say(b"")
    assert not peer.line.paused
    assert (await peer.say(b"x" * 30_000)).startswith(OK)


async def test_a_client_that_reads_slowly_is_waited_for() -> None:
    peer = Peer(echo)
    peer.connection.pause_writing()
    assert await peer.say(GET) == b""
    peer.connection.resume_writing()
    assert (await peer.say(b"")).endswith(b"\r\n\r\n/|")


async def test_a_response_before_the_whole_body_ends_the_request() -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await send(begin(413, (b"content-length", b"0")))
        await send(end())

    peer = Peer(refuse)
    await peer.say(b"POST /long HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc")
    peer.app = echo
    assert re.findall(rb" \d{3} ", await peer.say(b"def", b"ghi" + GET)) == [b" 413 ", b" 200 "]


# Responses


async def said_by(app: App, request: bytes = GET) -> tuple[bytes, Line]:
    peer = Peer(app)
    return await peer.say(request), peer.line


@pytest.mark.parametrize(
    ("request_line", "status"),
    [("HEAD / HTTP/1.1", 200), *[("GET / HTTP/1.1", n) for n in (204, 304)]],
)
async def test_some_responses_have_no_body(request_line: str, status: int) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send(begin(status, (b"x", b"y")))
        await send(end(b"no"))

    said, line = await said_by(answer, f"{request_line}\r\n\r\n".encode())
    assert said.endswith(b"x: y\r\n\r\n")
    assert not line.closed


async def in_parts(scope: Scope, receive: Receive, send: Send) -> None:
    await send(begin())
    for part in (b"one", b"", b"two"):
        await send({**end(part), "more_body": True})
    await send(end())


async def test_a_response_of_unknown_length_goes_in_chunks() -> None:
    said, line = await said_by(in_parts)
    assert said == OK + b"transfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    assert not line.closed


async def test_an_older_client_gets_no_chunks_but_the_end_of_the_connection() -> None:
    said, line = await said_by(in_parts, b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert said == OK + b"connection: close\r\n\r\nonetwo"
    assert line.closed


@pytest.mark.parametrize("value", [b"a\r\nSet-Cookie: b", b"a\nb", b"a\rb", b"a\0b"])
async def test_no_header_splits_a_response(value: bytes) -> None:
    async def splitting(scope: Scope, receive: Receive, send: Send) -> None:
        await send(begin(200, (b"location", value)))

    said, line = await said_by(splitting)
    assert said.startswith(b"HTTP/1.1 500 ")
    assert b"location" not in said
    assert line.closed


@pytest.mark.parametrize("body", [b"four", b"a long one"])
async def test_a_body_of_another_length_ends_the_connection(body: bytes) -> None:
    async def mistaken(scope: Scope, receive: Receive, send: Send) -> None:
        await send(begin(200, (b"content-length", b"5")))
        await send(end(body))

    assert (await said_by(mistaken))[1].closed


async def test_an_app_without_a_response_is_a_500() -> None:
    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        pass

    assert (await said_by(silent))[0].startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize("ending", [b"Connection: close\r\n", b"Connection: x, Close\r\n"])
async def test_a_client_that_wants_no_more_gets_no_more(ending: bytes) -> None:
    said, line = await said_by(echo, GET[:-2] + ending + b"\r\n" + GET)
    assert said.count(OK) == 1
    assert b"connection: close\r\n" in said
    assert line.closed


async def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    head = b"POST / HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"
    peer = Peer(echo)
    assert await peer.say(head) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert (await peer.say(b"x")).endswith(b"/|x")


# The end


async def test_a_caller_sees_at_once_what_is_there_and_hears_of_the_end() -> None:
    seen = []

    async def look(scope: Scope, receive: Receive, send: Send) -> None:
        dropped = receive()
        assert dropped.done()  # type: ignore[attr-defined]  # a future, on our own server
        left = receive()
        left.cancel()  # type: ignore[attr-defined]  # as above; it takes nothing with it
        seen.append(await receive())

    peer = Peer(look)
    await peer.say(GET)
    assert seen == []
    peer.leave()
    await peer.say()
    await asyncio.sleep(0)
    assert seen == [{"type": "http.disconnect"}]


async def test_it_ends_when_the_server_does_or_behind_the_response_under_way() -> None:
    gate = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        await echo(scope, receive, send)

    idle, busy = Peer(echo), Peer(slow)
    await busy.say(GET)
    for peer in (idle, busy):
        peer.connection.shutdown()
    assert (idle.line.closed, busy.line.closed) == (True, False)
    gate.set()
    assert b"connection: close\r\n" in await busy.say(b"")
    assert busy.line.closed


async def test_an_idle_connection_is_ended_and_one_timer_serves_many_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_connection, "_IDLE_TIMEOUT_S", 0.05)
    peer = Peer(echo)
    timers = []
    call_later = peer.connection.loop.call_later
    monkeypatch.setattr(
        peer.connection.loop, "call_later", lambda *args: timers.append(1) or call_later(*args)
    )
    for _ in range(20):
        await peer.say(GET)
    assert len(timers) < 20
    async with asyncio.timeout(60):
        while not peer.line.closed:
            await asyncio.sleep(0.01)
