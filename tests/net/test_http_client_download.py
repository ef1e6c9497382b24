"""What a stranger's URL may bring, and how much, over real sockets."""

import asyncio
import gzip

import pytest

from cooee.clocks.clock import RealClock
from cooee.core.errors import PermanentFailure, TemporaryFailure
from cooee.core.http_messages import Request
from cooee.net.http_client import HTTPClient
from cooee.net.ssrf_guard import SSRFGuard

LARGEST = 10_000


class Raw:
    """A server that answers with the bytes it is told, and remembers the requests."""

    def __init__(self, *pieces, pause=0.0):
        self.pieces, self.pause, self.asked = pieces, pause, []

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/picture"
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def _serve(self, reader, writer):
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        try:
            for piece in self.pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(self.pause)
        except ConnectionError:
            pass
        finally:
            writer.close()


async def download(url, *, trusted=(), lookup=None, timeout=60):
    network = HTTPClient(
        RealClock(),
        timeout=timeout,
        max_bytes=LARGEST,
        guard=SSRFGuard(trusted, lookup_host=lookup),
    )
    try:
        return await network(Request(method="GET", url=url, safe=True))
    finally:
        await network.close()


def head(*lines):
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode()


async def test_a_body_within_the_limit_comes_whole():
    async with Raw(head(f"Content-Length: {LARGEST}"), b"x" * LARGEST) as server:
        answer = await download(server.url, trusted=[f"127.0.0.1:{server.port}"])
    assert (answer.status, len(answer.body)) == (200, LARGEST)
    assert "accept-encoding: identity" in server.asked[0].lower()


async def test_a_body_that_is_announced_as_huge_is_not_read():
    async with Raw(head("Content-Length: 999999999"), b"x") as server:
        with pytest.raises(PermanentFailure, match="more than 10,000 bytes"):
            await download(server.url, trusted=["127.0.0.1"])


async def test_a_huge_body_without_a_length_is_cut_off_as_it_grows():
    async with Raw(head("Connection: close"), *[b"x" * 4000] * 10_000) as server:
        with pytest.raises(PermanentFailure, match="more than 10,000 bytes"):
            await download(server.url, trusted=["127.0.0.1"])


async def test_a_huge_chunked_body_is_cut_off_as_it_grows():
    chunk = b"fa0\r\n" + b"x" * 4000 + b"\r\n"
    async with Raw(head("Transfer-Encoding: chunked"), *[chunk] * 10_000) as server:
        with pytest.raises(PermanentFailure, match="more than 10,000 bytes"):
            await download(server.url, trusted=["127.0.0.1"])


async def test_a_body_shorter_than_its_announced_length_is_no_answer():
    async with Raw(head("Content-Length: 100"), b"half") as server:
        with pytest.raises(TemporaryFailure):
            await download(server.url, trusted=["127.0.0.1"])


async def test_nothing_is_unpacked():
    bomb = gzip.compress(b"\0" * 5_000_000)
    lines = ("Content-Encoding: gzip", f"Content-Length: {len(bomb)}")
    async with Raw(head(*lines), bomb) as server:
        answer = await download(server.url, trusted=["127.0.0.1"])
    assert answer.body == bomb


async def test_a_slow_body_is_given_up_in_time():
    async with Raw(head("Content-Length: 1000"), *[b"x"] * 1000, pause=0.05) as server:
        with pytest.raises(TemporaryFailure):
            async with asyncio.timeout(60):
                await download(server.url, trusted=["127.0.0.1"], timeout=0.5)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0.0.0.0"])
async def test_this_machine_is_never_asked(host):
    async with Raw(head("Content-Length: 0")) as server:
        with pytest.raises((PermanentFailure, TemporaryFailure)) as caught:
            await download(f"http://{host}:{server.port}/")
    assert server.asked == []
    if host != "2130706433":  # which aiohttp itself may refuse to read as a host
        assert isinstance(caught.value, PermanentFailure)


async def test_a_name_that_leads_to_a_private_address_is_never_asked():
    async def lookup(host, port):
        return ["127.0.0.1"]

    async with Raw(head("Content-Length: 0")) as server:
        with pytest.raises(PermanentFailure, match="not public"):
            await download(f"http://pictures.example:{server.port}/", lookup=lookup)
    assert server.asked == []


async def test_a_name_is_looked_up_once_and_the_answer_is_what_is_connected_to():
    looked_up = []

    async def lookup(host, port):
        looked_up.append(host)
        return ["127.0.0.1"] if len(looked_up) == 1 else ["10.255.255.1"]

    async with Raw(head("Content-Length: 2"), b"ok") as server:
        host = f"pictures.example:{server.port}"
        answer = await download(f"http://{host}/", trusted=[host], lookup=lookup)
    assert (answer.body, looked_up) == (b"ok", ["pictures.example"])
    assert f"Host: {host}" in server.asked[0]


async def test_a_name_that_nobody_knows_may_be_known_later():
    async def lookup(host, port):
        raise OSError("no such name")

    with pytest.raises(TemporaryFailure):
        await download("https://pictures.example/", lookup=lookup)
