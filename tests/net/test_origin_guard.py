"""A server on loopback answers programs and its own pages, and no other site's page."""

import json

import pytest

from cooee.net.origin_guard import OriginGuard

pytestmark = pytest.mark.asyncio


async def call(guard_options, method="GET", path="/", **headers):
    """Return the status that a guarded app's caller gets, and the error."""
    sent = []

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    raw = [(n.replace("_", "-").encode(), v.encode("latin-1")) for n, v in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw}
    await OriginGuard(app, **guard_options)(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"]).get("error", "")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8400", "LOCALHOST:1", "[::1]:8400"])
async def test_a_program_on_this_machine_passes(host):
    assert await call({}, host=host) == (200, "")
    assert await call({}, "POST", host=host) == (200, "")


@pytest.mark.parametrize(
    "host", ["evil.example", "", "127.0.0.1.evil.example", "a@127.0.0.1", "127.0.0.1/x", "[::1"]
)
async def test_a_foreign_host_is_refused(host):
    status, error = await call({}, host=host)
    assert (status, "127.0.0.1" in error) == (421, True)


async def test_a_host_with_a_port_allows_that_port_alone():
    options = {"hosts": {"127.0.0.1:8410"}}
    assert (await call(options, host="127.0.0.1:8410"))[0] == 200
    assert (await call(options, host="127.0.0.1:8411"))[0] == 421
    assert (await call(options, host="127.0.0.1"))[0] == 421


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8400", 200),
        ("http://localhost", 200),
        ("http://evil.example", 403),
        ("null", 403),
        ("file://localhost", 403),
        ("http://a@localhost", 403),
    ],
)
async def test_the_origin_is_this_machine_or_refused(origin, status):
    assert (await call({}, "POST", host="localhost", origin=origin))[0] == status


async def test_origins_may_be_fewer_than_hosts():
    options = {"hosts": {"localhost", "api.example"}, "origins": {"localhost"}}
    assert (await call(options, host="api.example"))[0] == 200
    assert (await call(options, host="api.example", origin="https://api.example"))[0] == 403


async def test_a_change_may_have_to_say_its_origin():
    options = {"requires_origin": True}
    assert (await call(options, "POST", host="localhost"))[0] == 403
    assert (await call(options, "POST", host="localhost", origin="http://localhost"))[0] == 200
    assert (await call(options, host="localhost"))[0] == 200


@pytest.mark.parametrize(
    ("path", "site", "mode", "status"),
    [
        ("/", "none", "navigate", 200),
        ("/", "same-origin", "cors", 200),
        ("/", "cross-site", "navigate", 200),
        ("/", "cross-site", "no-cors", 403),
        ("/state", "cross-site", "navigate", 403),
        ("/state", "same-site", "no-cors", 403),
    ],
)
async def test_other_sites_pages_may_link_to_some_paths_and_no_more(path, site, mode, status):
    fetch = {"sec_fetch_site": site, "sec_fetch_mode": mode}
    assert (await call({"linked_paths": {"/"}}, path=path, host="localhost", **fetch))[0] == status


async def test_refusals_carry_the_headers_of_the_server():
    sent = []

    async def send(message):
        sent.append(message)

    guard = OriginGuard(None, headers={"cache-control": "no-store"})
    await guard({"type": "http", "method": "GET", "path": "/", "headers": []}, None, send)
    assert (b"cache-control", b"no-store") in sent[0]["headers"]
