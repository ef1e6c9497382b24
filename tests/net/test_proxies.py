"""Proxies that the environment names: honoured, or refused by name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from cooee.clocks.clock import RealClock
from cooee.core.errors import SettingError
from cooee.core.http_messages import Request
from cooee.net.http_client import HTTPClient
from cooee.net.proxies import read_proxies

TWILIO = "https://api.twilio.com/2010-04-01"
PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, TWILIO, None),
        ({"HTTPS_PROXY": PROXY}, TWILIO, PROXY),
        ({"https_proxy": PROXY}, TWILIO, PROXY),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, TWILIO, PROXY),
        ({"HTTPS_PROXY": f' "{PROXY}"\r\n'}, TWILIO, PROXY),
        ({"HTTPS_PROXY": "proxy.example:3128"}, TWILIO, PROXY),
        ({"HTTPS_PROXY": "http://me:pw@proxy.example:3128"}, TWILIO, "http://me:pw@proxy.example:3128"),
        ({"HTTP_PROXY": PROXY}, TWILIO, None),
        ({"HTTP_PROXY": PROXY}, "http://texts.example/x", PROXY),
        ({"ALL_PROXY": PROXY}, TWILIO, PROXY),
        ({"ALL_PROXY": "socks5://x:1", "HTTPS_PROXY": PROXY, "HTTP_PROXY": PROXY}, TWILIO, PROXY),
        ({"HTTPS_PROXY": ""}, TWILIO, None),
        ({"HTTP_PROXY": PROXY}, "http://127.0.0.1:8400/telstra", None),
        ({"HTTP_PROXY": PROXY}, "http://localhost:8400/telstra", None),
        ({"HTTP_PROXY": PROXY}, "http://[::1]:8400/telstra", None),
    ],
)  # fmt: skip
def test_the_proxy_of_a_url(environment: Mapping[str, str], url: str, proxy: str | None) -> None:
    assert read_proxies(environment).find(url) == proxy


@pytest.mark.parametrize(
    ("direct", "url", "is_direct"),
    [
        ("*", TWILIO, True),
        ("api.twilio.com", TWILIO, True),
        ("twilio.com", TWILIO, True),
        (".twilio.com", TWILIO, True),
        ("*.twilio.com", TWILIO, True),
        ("API.Twilio.com ", TWILIO, True),
        ("lio.com", TWILIO, False),
        ("twilio.com:443", TWILIO, True),
        ("twilio.com:8443", TWILIO, False),
        ("example.org, twilio.com", TWILIO, True),
        ("10.0.0.0/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.1.2.3", "https://10.1.2.3/", True),
        ("fd00::/8", "https://[fd00::1]/", True),
        ("", TWILIO, False),
        (",", TWILIO, False),
    ],
)
def test_no_proxy_names_the_hosts_that_are_called_directly(
    direct: str, url: str, is_direct: bool
) -> None:
    proxies = read_proxies({"HTTPS_PROXY": PROXY, "NO_PROXY": direct})
    assert (proxies.find(url) is None) == is_direct


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    "value", ["socks5://me:s3cret@x:1", "https://me:s3cret@x:1", "http://", "http://x:y"]
)
def test_another_kind_of_proxy_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=rf"{name} names a proxy.*http proxies alone") as caught:
        read_proxies({name: value})
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(read_proxies({"HTTPS_PROXY": "http://me:s3cret@x:1"}))


async def test_a_call_goes_through_the_proxy_with_its_password_and_no_other_way() -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxies = read_proxies({"HTTP_PROXY": f"http://me:pw@127.0.0.1:{port}"})
    network = HTTPClient(RealClock(), proxies=proxies)
    response = await network(Request(method="GET", url="http://no.such.host.invalid/x", safe=True))
    assert response.body == b"ok"
    await network.close()
    server.close()
    assert len(asked) == 1
    assert asked[0].startswith(b"GET http://no.such.host.invalid/x HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6cHc=" in asked[0]
