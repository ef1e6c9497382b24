from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from cooee.clocks.clock import VirtualClock
from cooee.core.errors import OutcomeUnknown, PermanentFailure, TemporaryFailure
from cooee.core.http_messages import Flow, Request, Response
from cooee.net.http_client import (
    HANG_UP_EXTENSION,
    ASGIApp,
    HTTPClient,
    InProcessClient,
    Receive,
    Scope,
    Send,
    Transport,
    run_flow,
)
from cooee.net.http_server import serve_app

CLOCK = VirtualClock()

Wire = Callable[[ASGIApp], contextlib.AbstractAsyncContextManager[tuple[Transport, str]]]


@contextlib.asynccontextmanager
async def in_process(app: ASGIApp) -> AsyncIterator[tuple[Transport, str]]:
    yield InProcessClient(CLOCK, {"http://box.example": app}), "http://box.example"


@contextlib.asynccontextmanager
async def over_http(app: ASGIApp) -> AsyncIterator[tuple[Transport, str]]:
    network = HTTPClient(CLOCK, timeout=60)
    async with serve_app(app) as port:
        try:
            yield network, f"http://127.0.0.1:{port}"
        finally:
            await network.close()


both = pytest.mark.parametrize("wire", [in_process, over_http])


async def read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def answer(
    send: Send, status: int = 200, body: bytes = b"", *headers: tuple[bytes, bytes]
) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-length", b"%d" % len(body)), *headers],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def mirror(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the request it got."""
    body = await read(receive)
    seen = {
        "method": scope["method"],
        "scheme": scope["scheme"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "headers": {name.decode(): value.decode() for name, value in scope["headers"]},
        "body": body.decode("latin-1"),
    }
    await answer(send, 201, json.dumps(seen).encode(), (b"X-Kind", b"Mirror"))


class Counting:
    """An app that counts its requests and then does as it is told."""

    def __init__(self, work: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.work, self.count = work, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.count += 1
        await read(receive)
        await self.work(scope, receive, send)


async def hanging_up(scope: Scope, receive: Receive, send: Send) -> None:
    scope["extensions"][HANG_UP_EXTENSION]()


# What both ways have in common


@both
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
async def test_a_request_arrives_as_it_was_made(wire: Wire, method: str) -> None:
    async with wire(mirror) as (transport, base):
        response = await transport(
            Request(
                method=method,
                url=f"{base}/a%20b/%C3%A9?x=1&y=%26",
                headers={"x-one": "1", "authorization": "Bearer t"},
                body=b'{"a":1}',
            )
        )
    seen = response.json()
    assert (seen["method"], seen["scheme"], seen["path"], seen["query"]) == (
        method,
        "http",
        "/a b/é",
        "x=1&y=%26",
    )
    assert seen["body"] == '{"a":1}'
    assert seen["headers"]["x-one"] == "1"
    assert seen["headers"]["authorization"] == "Bearer t"
    assert seen["headers"]["content-length"] == "7"
    assert seen["headers"]["host"] == urllib.parse.urlsplit(base).netloc
    assert (response.status, response.headers["x-kind"], response.at) == (
        201,
        "Mirror",
        CLOCK.now(),
    )


@both
async def test_a_url_without_a_path_asks_for_the_root(wire: Wire) -> None:
    async with wire(mirror) as (transport, base):
        assert (await transport(Request(method="GET", url=base))).json()["path"] == "/"
        seen = (await transport(Request(method="GET", url=f"{base}?a=1"))).json()
        assert (seen["path"], seen["query"]) == ("/", "a=1")


@both
@pytest.mark.parametrize("status", [204, 301, 400, 401, 404, 429, 500, 503])
async def test_every_status_is_an_answer_and_no_redirect_is_followed(
    wire: Wire, status: int
) -> None:
    async def telling(scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"Location", b"/elsewhere"),
                    (b"Retry-After", b"7"),
                    (b"content-length", b"0"),
                ]
                if status != 204
                else [(b"Location", b"/elsewhere"), (b"Retry-After", b"7")],
            }
        )
        await send({"type": "http.response.body"})

    app = Counting(telling)
    async with wire(app) as (transport, base):
        response = await transport(Request(method="POST", url=f"{base}/x"))
    assert (response.status, response.headers["location"], response.retry_after) == (
        status,
        "/elsewhere",
        7,
    )
    assert app.count == 1


@both
async def test_a_body_in_pieces_comes_whole(wire: Wire) -> None:
    async def dripping(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"one ", b"", b"two"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})

    async with wire(dripping) as (transport, base):
        assert (await transport(Request(method="GET", url=base))).body == b"one two"


@both
async def test_bytes_of_any_kind_come_back_as_they_went(wire: Wire) -> None:
    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, 200, await read(receive))

    every = bytes(range(256)) * 2_000
    async with wire(echo) as (transport, base):
        assert (await transport(Request(method="POST", url=base, body=every))).body == every


@both
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_lost_answer_is_a_doubt_and_asked_for_once(wire: Wire, method: str) -> None:
    app = Counting(hanging_up)
    async with wire(app) as (transport, base):
        with pytest.raises(OutcomeUnknown, match="No answer from "):
            await transport(Request(method=method, url=f"{base}/messages"))
    assert app.count == 1


@both
async def test_a_lost_answer_to_what_is_safe_to_repeat_is_a_plain_failure(wire: Wire) -> None:
    app = Counting(hanging_up)
    async with wire(app) as (transport, base):
        with pytest.raises(TemporaryFailure, match="No answer from "):
            await transport(Request(method="GET", url=base, safe=True))
    assert app.count == 1


@both
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_lost_on_a_connection_used_before_is_also_asked_for_once(
    wire: Wire, method: str
) -> None:
    async def forgetful(scope: Scope, receive: Receive, send: Send) -> None:
        if app.count == 2:
            await hanging_up(scope, receive, send)
        else:
            await answer(send, 200, b"fine")

    app = Counting(forgetful)
    async with wire(app) as (transport, base):
        request = Request(method=method, url=base)
        assert (await transport(request)).body == b"fine"
        with pytest.raises(OutcomeUnknown):
            await transport(request)
        assert app.count == 2
        assert (await transport(request)).body == b"fine"


@both
async def test_an_answer_cut_short_is_a_doubt(wire: Wire) -> None:
    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]}
        )
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        await asyncio.sleep(0.01)
        scope["extensions"][HANG_UP_EXTENSION]()

    async with wire(half) as (transport, base):
        with pytest.raises(OutcomeUnknown):
            await transport(Request(method="POST", url=base))


@both
async def test_an_app_that_fails_is_a_500(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("on purpose")

    async with wire(failing) as (transport, base):
        response = await transport(Request(method="POST", url=base))
    assert (response.status, response.body) == (500, b"Internal Server Error")
    assert "on purpose" in caplog.text


@both
async def test_an_app_that_fails_within_its_answer_leaves_a_doubt(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("on purpose")

    async with wire(failing) as (transport, base):
        with pytest.raises(OutcomeUnknown):
            await transport(Request(method="POST", url=base))
    assert "on purpose" in caplog.text


@both
async def test_an_app_may_listen_for_the_callers_leaving_while_it_works(wire: Wire) -> None:
    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        leaving = asyncio.ensure_future(receive())
        await asyncio.sleep(0.02)
        left = leaving.done()
        await answer(send, 200, b"left" if left else b"stayed")
        leaving.cancel()

    async with wire(Counting(listening)) as (transport, base):
        assert (await transport(Request(method="POST", url=base, body=b"x"))).body == b"stayed"


@both
async def test_many_requests_at_once_get_each_their_own_answer(wire: Wire) -> None:
    async with wire(mirror) as (transport, base):
        answers = await asyncio.gather(
            *(transport(Request(method="POST", url=f"{base}/{n}")) for n in range(100))
        )
    assert [each.json()["path"] for each in answers] == [f"/{n}" for n in range(100)]


# The world


async def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextlib.asynccontextmanager
async def network(timeout: float = 5) -> AsyncIterator[HTTPClient]:
    transport = HTTPClient(CLOCK, timeout=timeout)
    try:
        yield transport
    finally:
        await transport.close()


@contextlib.asynccontextmanager
async def raw(reply: bytes | None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that reads once and says these very bytes, or nothing for ever."""
    got: list[bytes] = []
    held: list[asyncio.StreamWriter] = []

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read(65_536))
        held.append(writer)
        if reply is not None:
            writer.write(reply)
            writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], got
    finally:
        for writer in held:
            writer.close()
        server.close()


@pytest.mark.parametrize("safe", [True, False])
async def test_where_nobody_listens_nothing_was_sent(safe: bool) -> None:
    async with network() as transport:
        with pytest.raises(
            TemporaryFailure, match=r"to 127\.0\.0\.1:\d+: nothing listens there. Start"
        ):
            await transport(
                Request(
                    method="POST",
                    url=f"http://127.0.0.1:{await free_port()}/secret-path",
                    body=b"x",
                    safe=safe,
                )
            )


@pytest.mark.parametrize(
    "url", ["http://nowhere.invalid/", "http:///x", "nonsense", "http://127.0.0.1:99999/"]
)
async def test_what_is_no_place_was_not_reached(url: str) -> None:
    async with network() as transport:
        with pytest.raises(TemporaryFailure, match="Could not connect to"):
            await transport(Request(method="POST", url=url))


async def test_a_connection_without_an_answer_in_time_is_a_doubt() -> None:
    async with raw(None) as (port, got), network(timeout=0.2) as transport:
        with pytest.raises(OutcomeUnknown, match="No answer"):
            await transport(Request(method="POST", url=f"http://127.0.0.1:{port}/", body=b"x"))
        assert len(got) == 1


async def test_a_connection_that_is_never_made_in_time_is_no_doubt() -> None:
    """A full backlog: the listener's machine no longer answers the handshake."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(full.getsockname())
            async with network(timeout=0.4) as transport:
                with pytest.raises(TemporaryFailure, match="Could not connect"):
                    await transport(
                        Request(method="POST", url=f"http://127.0.0.1:{full.getsockname()[1]}/")
                    )
        finally:
            for each in waiting:
                each.close()


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 999999 No\r\n\r\n",
        b"\xff\xfe\x00" * 50,
    ],
)
async def test_an_answer_that_is_none_is_a_doubt(reply: bytes) -> None:
    async with raw(reply) as (port, got), network() as transport:
        with pytest.raises(OutcomeUnknown):
            await transport(Request(method="GET", url=f"http://127.0.0.1:{port}/"))
        assert len(got) == 1


async def test_a_failure_names_the_place_and_neither_path_nor_body() -> None:
    async with network() as transport:
        with pytest.raises(TemporaryFailure) as failed:
            await transport(
                Request(
                    method="POST",
                    url=f"http://127.0.0.1:{await free_port()}/hook/s3cret?token=s3cret",
                    body=b"s3cret",
                )
            )
    assert "s3cret" not in str(failed.value)


async def test_cookies_are_not_kept() -> None:
    async def baking(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(dict(scope["headers"]).get(b"cookie"))
        await answer(send, 200, b"", (b"set-cookie", b"a=1"))

    seen: list[bytes | None] = []
    async with over_http(baking) as (transport, base):
        for _ in range(2):
            await transport(Request(method="GET", url=base.replace("127.0.0.1", "localhost")))
    assert seen == [None, None]


async def test_a_closed_network_opens_again_when_it_is_asked() -> None:
    async with over_http(mirror) as (transport, base):
        await transport(Request(method="GET", url=base))
        await transport.close()
        assert (await transport(Request(method="GET", url=base))).status == 201


def test_the_client_is_not_imported_before_it_is_used() -> None:
    program = "import sys, cooee.net.http_client; assert 'aiohttp' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


# The same process


async def naming(name: str, send: Send) -> None:
    await answer(send, 200, name.encode())


async def test_a_request_goes_to_the_app_whose_url_it_begins_with() -> None:
    def named(name: str) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await answer(send, 200, f"{name} {scope['path']}".encode())

        return app

    transport = InProcessClient(
        CLOCK,
        {
            "http://box": named("short"),
            "http://box.example/": named("long"),
            "http://box/deep": named("deep"),
        },
    )

    async def ask(url: str) -> str:
        return (await transport(Request(method="GET", url=url))).body.decode()

    assert await ask("http://box/a") == "short /a"
    assert await ask("http://box.example/a") == "long /a"
    assert await ask("http://box/deep/a") == "deep /deep/a"
    assert await ask("http://box/deeper") == "short /deeper"
    for stranger in ("http://boxing/a", "http://box:81/a", "https://box/a", "http://other/"):
        with pytest.raises(TemporaryFailure, match=r"Could not connect to .*: nobody is there"):
            await ask(stranger)


async def test_an_app_that_says_nothing_leaves_a_doubt() -> None:
    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        return None

    with pytest.raises(OutcomeUnknown):
        await InProcessClient(CLOCK, {"http://box": silent})(
            Request(method="GET", url="http://box/")
        )


# Flows


def asking(urls: list[str], log: list[Any]) -> Flow[str]:
    try:
        for url in urls:
            try:
                response = yield Request(method="GET", url=url)
                log.append(response.status)
            except TemporaryFailure:
                log.append("again")
                response = yield Request(method="GET", url="http://spare/")
                log.append(response.status)
        return "done"
    finally:
        log.append("closed")


class Scripted:
    """A transport that answers as it is told."""

    def __init__(self, answers: dict[str, Response | BaseException]) -> None:
        self.answers = answers

    async def __call__(self, request: Request) -> Response:
        found = self.answers[request.url]
        if isinstance(found, BaseException):
            raise found
        return found

    async def close(self) -> None: ...


async def test_a_flow_is_carried_to_its_end_and_hears_of_failures_where_it_waits() -> None:
    log: list[Any] = []
    wire = Scripted(
        {
            "a": Response(status=200),
            "b": TemporaryFailure("no"),
            "http://spare/": Response(status=202),
        }
    )
    assert await run_flow(asking(["a", "b", "a"], log), wire) == "done"
    assert log == [200, "again", 202, 200, "closed"]


async def test_a_flow_that_asks_nothing_is_over_at_once() -> None:
    log: list[Any] = []
    assert await run_flow(asking([], log), Scripted({})) == "done"
    assert log == ["closed"]


@pytest.mark.parametrize(
    "failure",
    [
        PermanentFailure("never"),
        OutcomeUnknown("maybe"),
        asyncio.CancelledError(),
        KeyError("a bug"),
    ],
)
async def test_what_a_flow_does_not_catch_ends_it_and_closes_it(failure: BaseException) -> None:
    log: list[Any] = []
    with pytest.raises(type(failure)):
        await run_flow(asking(["a"], log), Scripted({"a": failure}))
    assert log == ["closed"]
