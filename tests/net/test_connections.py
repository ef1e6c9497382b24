"""Connections of our own: what is written, what is read, which are used again, and what is in doubt."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cooee.core.errors import OutcomeUnknown, PermanentFailure, TemporaryFailure
from cooee.core.http_messages import Request
from cooee.net import connections as module
from cooee.net.connections import Answer, Connections

FINE = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine"
CERTIFICATE = Path(__file__).parents[1] / "support" / "localhost.pem"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A server that does as it is told with each connection, and counts them."""

    def __init__(self, serve: Serve) -> None:
        self._serve, self.connections = serve, 0
        self._tasks = set[asyncio.Task[None] | None]()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._tasks.add(asyncio.current_task())
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def stop(self) -> None:
        tasks = [task for task in self._tasks if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)


@contextlib.asynccontextmanager
async def served(
    serve: Serve, *, timeout: float = 60, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Connections, Server, str]]:
    told = Server(serve)
    server = await asyncio.start_server(told, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    client = Connections(timeout=timeout, connect_timeout=timeout)
    try:
        yield client, told, f"{'http' if tls is None else 'https'}://localhost:{port}/texts"
    finally:
        client.close()
        server.close()
        await told.stop()


async def read_request(reader: asyncio.StreamReader) -> str:
    head = await reader.readuntil(b"\r\n\r\n")
    length = [line for line in head.split(b"\r\n") if line.startswith(b"content-length: ")]
    body = await reader.readexactly(int(length[0].split()[1])) if length else b""
    return (head + body).decode()


def answering(*pieces: bytes, times: int = 1_000_000) -> Serve:
    """Answer each request of a connection with these bytes, and hang up after some."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(times):
            await read_request(reader)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()

    return serve


def post(url: str, body: bytes = b"x", **options: object) -> Request:
    return Request(method="POST", url=url, body=body, **options)  # type: ignore[arg-type]


# What is written


async def test_a_request_is_written_as_http() -> None:
    got: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await read_request(reader))
        writer.write(FINE)

    async with served(serve) as (client, _, url):
        await client.fetch(post(f"{url}?a=é b", b"Body=1", headers={"accept": "text/plain"}))
    port = url.split(":")[2].partition("/")[0]
    lines = ("POST /texts?a=%C3%A9+b HTTP/1.1", f"host: localhost:{port}", "user-agent: cooee")
    assert got == ["\r\n".join([*lines, "accept: text/plain", "content-length: 6", "", "Body=1"])]


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [("GET", b"", None), ("DELETE", b"", None), ("POST", b"", "0"), ("DELETE", b"ab", "2")],
)
async def test_a_body_has_a_length(method: str, body: bytes, length: str | None) -> None:
    got: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await read_request(reader))
        writer.write(FINE)

    async with served(serve) as (client, _, url):
        await client.fetch(Request(method=method, url=url, body=body))
    lengths = [line for line in got[0].split("\r\n") if line.startswith("content-length")]
    assert lengths == ([] if length is None else [f"content-length: {length}"])


async def test_a_password_in_the_url_is_sent_as_basic_authorization() -> None:
    got: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await read_request(reader))
        writer.write(FINE)

    async with served(serve) as (client, _, url):
        await client.fetch(post(url.replace("//", "//me:p%20w@")))
    assert "\r\nauthorization: Basic bWU6cCB3\r\n" in got[0]
    assert "@" not in got[0]


@pytest.mark.parametrize("broken", ["a\r\nx: y", "a\nb", "a\0b"])
@pytest.mark.parametrize("place", ["name", "value"])
async def test_a_header_cannot_break_a_request_in_two(broken: str, place: str) -> None:
    headers = {broken: "v"} if place == "name" else {"n": broken}
    async with served(answering(FINE)) as (client, server, url):
        with pytest.raises(PermanentFailure, match="line break"):
            await client.fetch(post(url, headers=headers))
        assert server.connections == 0


# What is read


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (FINE, b"fine"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n1\r\n!\r\n0\r\n\r\n", b"one!"),
        (b"HTTP/1.1 100 Continue\r\nx: y\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: z\r\n\r\n" + FINE, b"fine"),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nold", b"old"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + gzip.compress(b"packed", mtime=0), b"packed"),
    ],
)  # fmt: skip
async def test_every_way_to_end_a_response(raw: bytes, body: bytes) -> None:
    async with served(answering(raw, times=1)) as (client, _, url):
        answer = await client.fetch(post(url))
    assert (answer.status, answer.body) == (200, body)
    assert "x" not in answer.headers


@settings(max_examples=60, deadline=None)
@given(
    bodies=st.lists(st.binary(max_size=20), min_size=1, max_size=3),
    chunked=st.booleans(),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=10),
)
def test_a_response_is_the_same_in_whatever_pieces_it_comes(
    bodies: list[bytes], chunked: bool, sizes: list[int]
) -> None:
    """Each body is a response of its own, on one connection."""
    answers = []
    for body in bodies:
        raw = b"HTTP/1.1 201 Created\r\nX-Kind: \xe9\r\n"
        if chunked:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            raw += b"transfer-encoding: chunked\r\n\r\n" + chunk + b"0\r\n\r\n"
        else:
            raw += b"content-length: %d\r\n\r\n" % len(body) + body
        answers.append(asyncio.run(fed(raw, sizes)))
    assert [(one.status, one.body, one.keeps_alive) for one in answers] == [
        (201, body, True) for body in bodies
    ]
    assert {one.headers["x-kind"] for one in answers} == {"\udce9"}


class NoTransport(asyncio.Transport):
    """A transport that writes nowhere."""

    def write(self, data: object) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None: ...


async def fed(raw: bytes, sizes: list[int]) -> Answer:
    connection = module._Connection(set())
    connection.connection_made(NoTransport())
    waiting = asyncio.ensure_future(
        connection.exchange(b"", asyncio.get_running_loop().time() + 60)
    )
    await asyncio.sleep(0)
    at, turn = 0, 0
    while at < len(raw):
        size = sizes[turn % len(sizes)]
        connection.data_received(raw[at : at + size])
        at, turn = at + size, turn + 1
    return await waiting


# Which connections are used again


async def test_a_connection_is_used_again_and_two_at_once_are_two() -> None:
    async with served(answering(FINE)) as (client, server, url):
        for _ in range(5):
            await client.fetch(post(url))
        assert server.connections == 1
        await asyncio.gather(*[client.fetch(post(url)) for _ in range(3)])
        assert server.connections == 3


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        FINE + b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",  # an answer that nobody asked for
        FINE + b"HTT",
    ],
)
async def test_a_connection_that_ends_or_says_more_is_not_used_again(raw: bytes) -> None:
    async with served(answering(raw)) as (client, server, url):
        for count in range(1, 4):
            await client.fetch(post(url))
            assert server.connections == count


async def test_what_comes_while_a_connection_rests_is_no_answer_to_the_next_request() -> None:
    """Not even where it lies there, unread, as the next request is made."""
    spoken = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(FINE)
        await asyncio.sleep(0)
        writer.write(b"HTTP/1.1 500 Old\r\ncontent-length: 0\r\n\r\n")
        spoken.set()
        await read_request(reader)
        writer.write(FINE)

    async with served(serve) as (client, server, url):
        await client.fetch(post(url))
        await spoken.wait()
        assert (await client.fetch(post(url))).status == 200
        assert server.connections == 2


async def test_a_connection_that_was_closed_as_it_rested_leaves_no_doubt() -> None:
    async with served(answering(FINE, times=1)) as (client, server, url):
        for count in range(1, 6):
            assert (await client.fetch(post(url))).body == b"fine"
            assert server.connections == count
            while client._resting and client._resting[next(iter(client._resting))][0].is_usable():
                await asyncio.sleep(0.001)


async def test_a_close_that_the_event_loop_has_not_seen_yet_is_seen_before_the_writing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = Connections(timeout=60, connect_timeout=60)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        first = asyncio.ensure_future(client.fetch(post(url)))
        await asyncio.sleep(0)
        server, _ = await asyncio.to_thread(listener.accept)
        await asyncio.to_thread(server.recv, 1_000)
        server.sendall(FINE)
        await first
        server.close()  # the loop has no chance to look before the next request
        second = asyncio.ensure_future(client.fetch(post(url)))
        await asyncio.sleep(0)
        with (await asyncio.to_thread(listener.accept))[0] as other:
            await asyncio.to_thread(other.recv, 1_000)
            other.sendall(FINE)
            assert (await second).body == b"fine"
        client.close()


async def test_a_connection_rests_no_longer_than_most_servers_keep_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_REST_S", 0)
    async with served(answering(FINE)) as (client, server, url):
        await client.fetch(post(url))
        await client.fetch(post(url))
        assert server.connections == 2
        while client._open:
            await asyncio.sleep(0.001)
        assert not client._resting


# What is in doubt


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection by RST, which drops what it still has to send."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize(
    "before", [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nha"]
)
async def test_a_reset_after_the_request_is_a_doubt(before: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(before)
        await writer.drain()
        reset(writer)

    async with served(serve) as (client, server, url):
        with pytest.raises(OutcomeUnknown, match=r"No answer from localhost:\d+: "):
            await client.fetch(post(url))
        with pytest.raises(TemporaryFailure, match="No answer from"):
            await client.fetch(post(url, safe=True))
        assert server.connections == 2


async def test_a_connection_that_ends_before_a_byte_was_written_is_no_doubt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module._Connection, "is_closing", True)
    async with served(answering(FINE)) as (client, _, url):
        with pytest.raises(TemporaryFailure, match="Could not connect to localhost"):
            await client.fetch(post(url))


async def test_a_late_answer_never_answers_another_request() -> None:
    may_answer = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        words = await read_request(reader)
        if words.endswith("slow"):
            await may_answer.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n" + words[-4:].encode())
        await reader.read()

    async with served(serve) as (client, _, url):
        slow = asyncio.ensure_future(client.fetch(post(url, b"slow")))
        while not client._open:
            await asyncio.sleep(0.001)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        may_answer.set()
        assert (await client.fetch(post(url, b"fast"))).body == b"fast"


async def test_time_is_up_for_an_answer_that_drips() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with served(serve, timeout=0.3) as (client, _, url):
        with pytest.raises(OutcomeUnknown, match="it took too long"):
            await client.fetch(post(url))
        while client._open:
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_without_an_end_is_given_up(
    packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_ANSWER_BYTES", 1_000)
    body = gzip.compress(bytes(10_000)) if packed else bytes(10_000)
    head = b"HTTP/1.1 200 OK\r\n" + (b"content-encoding: gzip\r\n" if packed else b"")
    raw = head + b"content-length: %d\r\n\r\n" % len(body) + body
    async with served(answering(raw)) as (client, _, url):
        with pytest.raises(OutcomeUnknown):
            await client.fetch(post(url))


async def test_closing_fails_what_is_under_way() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        asked.set()
        await reader.read()

    asked = asyncio.Event()
    async with served(serve) as (client, _, url):
        waiting = asyncio.ensure_future(client.fetch(post(url)))
        await asked.wait()
        client.close()
        with pytest.raises(OutcomeUnknown, match="the connection was closed"):
            await waiting


# TLS


@pytest.fixture
def tls() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    return context


async def test_a_certificate_is_checked_before_anything_is_sent(tls: ssl.SSLContext) -> None:
    async with served(answering(FINE), tls=tls) as (client, server, url):
        with pytest.raises(TemporaryFailure, match=r"Could not connect to .*certificate"):
            await client.fetch(post(url))
        assert server.connections == 0  # no handshake ended


async def test_requests_go_over_tls(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with served(answering(FINE), tls=tls) as (client, server, url):
        for _ in range(3):
            assert (await client.fetch(post(url))).body == b"fine"
        assert server.connections == 1
        stranger = url.replace("localhost", "127.0.0.1")
        with pytest.raises(TemporaryFailure, match=r"Could not connect to .*certificate"):
            await client.fetch(post(stranger))
