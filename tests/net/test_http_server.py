from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import uvloop

from cooee.clocks.clock import RealClock
from cooee.core.errors import OutcomeUnknown, SettingError, TemporaryFailure
from cooee.core.http_messages import Request
from cooee.net.http_client import HANG_UP_EXTENSION, HTTPClient, Receive, Scope, Send
from cooee.net.http_server import serve_app


async def fine(scope: Scope, receive: Receive, send: Send) -> None:
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"ok"})


async def hanging_up(scope: Scope, receive: Receive, send: Send) -> None:
    scope["extensions"][HANG_UP_EXTENSION]()
    scope["extensions"][HANG_UP_EXTENSION]()  # twice is once


def get(port: int, **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method="GET", url=f"http://127.0.0.1:{port}/", headers=named)


async def test_a_free_port_is_found_and_given_back() -> None:
    network = HTTPClient(RealClock())
    async with serve_app(fine) as port:
        assert (await network(get(port))).body == b"ok"
    with pytest.raises(TemporaryFailure):
        await network(get(port))
    async with serve_app(fine, port=port) as again:
        assert again == port
    await network.close()


async def test_a_taken_port_is_named_with_what_to_do() -> None:
    async with serve_app(fine) as port:
        with pytest.raises(
            SettingError,
            match=rf"Cannot listen on 127\.0\.0\.1:{port} \(Address already in use\)\. Choose",
        ):
            async with serve_app(fine, port=port):
                pass


@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", 70_000), ("no.such.host.invalid", 0), ("203.0.113.1", 0)]
)
async def test_a_place_that_cannot_be_listened_on_is_a_setting_to_mend(
    host: str, port: int
) -> None:
    with pytest.raises(SettingError, match="Cannot listen on"):
        async with serve_app(fine, host=host, port=port):
            pass


async def test_hanging_up_drops_that_connection_and_no_other() -> None:
    async def moody(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            await asyncio.sleep(0.05)
            await fine(scope, receive, send)
        else:
            await hanging_up(scope, receive, send)

    network = HTTPClient(RealClock())
    async with serve_app(moody) as port:
        slow = asyncio.ensure_future(
            network(Request(method="GET", url=f"http://127.0.0.1:{port}/slow"))
        )
        await asyncio.sleep(0.01)
        with pytest.raises(OutcomeUnknown):
            await network(get(port))
        assert (await slow).body == b"ok"
    await network.close()


async def test_hanging_up_works_behind_a_proxys_headers() -> None:
    network = HTTPClient(RealClock())
    async with serve_app(hanging_up) as port:
        with pytest.raises(OutcomeUnknown):
            await network(get(port, x_forwarded_for="198.51.100.7", x_forwarded_proto="https"))
    await network.close()


async def test_hanging_up_on_somebody_who_has_left_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hung_up = asyncio.Event()

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        await asyncio.sleep(0.01)
        scope["extensions"][HANG_UP_EXTENSION]()
        hung_up.set()

    async with serve_app(late) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.close()
        await asyncio.wait_for(hung_up.wait(), 60)
    assert caplog.text == ""


async def test_hanging_up_is_not_logged_as_an_error(caplog: pytest.LogCaptureFixture) -> None:
    network = HTTPClient(RealClock())
    async with serve_app(hanging_up) as port:
        with pytest.raises(OutcomeUnknown):
            await network(get(port))
    await network.close()
    assert caplog.text == ""


async def test_a_request_under_way_is_finished_before_the_port_closes() -> None:
    started = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        started.set()
        await asyncio.sleep(0.2)
        await fine(scope, receive, send)

    network = HTTPClient(RealClock())
    async with serve_app(slow, grace=5) as port:
        asking = asyncio.ensure_future(network(get(port)))
        await started.wait()
    assert (await asking).body == b"ok"
    await network.close()


async def test_a_request_that_never_ends_does_not_keep_the_port_open_past_its_grace() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        started.set()
        await asyncio.sleep(60)
        ended.set()

    network = HTTPClient(RealClock())
    async with serve_app(endless, grace=1) as port:
        asking = asyncio.ensure_future(network(get(port)))
        await started.wait()
    assert not ended.is_set(), "the port was closed long before the request's own end"
    answer = (await asyncio.gather(asking, return_exceptions=True))[0]
    assert isinstance(answer, OutcomeUnknown) or getattr(answer, "status", 0) == 500
    await network.close()


async def test_it_listens_on_ipv6_too() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        async with serve_app(hanging_up, host="::1") as port:
            network = HTTPClient(RealClock())
            with pytest.raises(OutcomeUnknown):
                await network(Request(method="GET", url=f"http://[::1]:{port}/"))
            await network.close()
    except SettingError:
        pytest.skip("this machine has no IPv6")


@pytest.mark.parametrize("said", [b"", b"POST / HTTP/1.1\r\nHost: a\r\nX-Slow"])
async def test_who_never_says_what_they_want_is_hung_up_on(said: bytes) -> None:
    async with serve_app(fine, header_timeout=0.2) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        async with asyncio.timeout(60):
            assert await _rest(reader) == b""
        writer.close()


async def test_headers_of_one_piece_need_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, timed = asyncio.get_running_loop(), []
    call_later = loop.call_later

    def count(delay: float, callback: Callable[..., object], *args: object) -> asyncio.TimerHandle:
        timed.append((delay, args))
        return call_later(delay, callback, *args)

    monkeypatch.setattr(loop, "call_later", count)
    network = HTTPClient(RealClock())
    async with serve_app(fine, header_timeout=14.5) as port:
        for _ in range(5):
            assert (await network(get(port))).body == b"ok"
        await network.close()
    assert [delay for delay, _ in timed if delay == 14.5] == [14.5]  # the connection's own


async def test_headers_that_trickle_are_cut_off_in_time() -> None:
    async with serve_app(fine, header_timeout=0.3) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n")
        async with asyncio.timeout(60):
            while not reader.at_eof() and reader.exception() is None:
                writer.write(b"X-Slow: very\r\n")
                await asyncio.sleep(0.05)
        writer.close()


async def test_a_second_request_may_not_trickle_either() -> None:
    async with serve_app(fine, header_timeout=0.3) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        writer.write(b"GET / HTTP/1.1\r\nX-Slow")
        async with asyncio.timeout(60):
            assert await _rest(reader) == b""
        writer.close()


async def test_an_app_may_take_its_time() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.5)
        await fine(scope, receive, send)

    network = HTTPClient(RealClock())
    async with serve_app(slow, header_timeout=0.1) as port:
        assert (await network(get(port))).body == b"ok"
    await network.close()


async def _rest(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionError:
        return b""


def reset(port: int, sent: bytes = b"") -> None:
    """Connect, send, and reset the connection instead of closing it."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sendall(sent)


def leave_half_open(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.shutdown(socket.SHUT_WR)
        client.settimeout(2)
        assert client.recv(10) == b""


TLS_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)
CHECKS = {  # what load balancers, scanners and browsers do to a port
    "reset at once": reset,
    "half-open": leave_half_open,
    "TLS to the plain port": partial(reset, sent=TLS_HELLO),
    "reset within the headers": partial(reset, sent=b"GET / HTTP/1.1\r\nHos"),
    "reset within the body": partial(
        reset, sent=b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"
    ),
    "reset before the response": partial(reset, sent=b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
}


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are counted in /proc")
@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_no_connection_leaves_a_descriptor(
    check: Callable[[int], None],
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async def count() -> None:
        network = HTTPClient(RealClock())
        async with serve_app(fine) as port:
            assert (await network(get(port))).status == 200
            before = descriptors()
            for _ in range(40):
                reset(port)  # while the loop stands still: gone before it was accepted
            await asyncio.to_thread(lambda: [check(port) for _ in range(200)])
            for _ in range(200):
                if descriptors() <= before:
                    break
                await asyncio.sleep(0.01)
            assert descriptors() <= before
            assert (await network(get(port))).status == 200
        await network.close()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(count())
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_an_app_may_be_any_callable() -> None:
    network = HTTPClient(RealClock())
    async with serve_app(lambda *call: fine(*call)) as port:  # noqa: PLW0108 -- no async function
        assert (await network(get(port))).body == b"ok"
    await network.close()
