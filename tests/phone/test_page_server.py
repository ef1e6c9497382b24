"""The page is for a browser on this machine: any other host, origin or kind of call is refused."""

import json

import pytest

from cooee.clocks.clock import RealClock
from cooee.clocks.offset import OffsetClock
from cooee.core.http_messages import Request
from cooee.net.http_client import InProcessClient
from cooee.phone.page_server import make_page_app
from cooee.phone.session import BrowserSession
from cooee.phone.simulated_provider import ProviderConnection
from cooee.simulator import Simulator

HERE = "http://127.0.0.1:8410"
JSON = {"content-type": "application/json", "origin": HERE}


@pytest.fixture
async def session():
    clock = OffsetClock()
    return BrowserSession(
        "app.py",
        ProviderConnection("simulated", is_pushed=True, poll_interval=1),
        Simulator(clock, InProcessClient(clock, {})),
        clock,
    )


@pytest.fixture
async def ask(session):
    page = make_page_app(session, 8410)

    async def call(method, path, body=b"", base=HERE, **headers):
        transport = InProcessClient(RealClock(), {base: page})
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = Request(method=method, url=base + path, headers=named, body=body)
        return await transport(request)

    return call


@pytest.mark.parametrize("path", ["/", "/style.css", "/script.js", "/icon.svg"])
async def test_its_files_come_whole_uncached_and_under_a_strict_policy(ask, path):
    answer = await ask("GET", path)
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert b"http://" not in answer.body.replace(b"http://www.w3.org/2000/svg", b"")
    assert b"https://" not in answer.body
    assert b"innerHTML" not in answer.body


@pytest.mark.parametrize(
    "base", ["http://evil.example:8410", "http://127.0.0.1:8411", "http://[::1]:8410"]
)
async def test_a_call_under_another_host_is_refused_as_a_rebound_name_would_come(ask, base):
    for path in ("/", "/events", "/script.js"):
        assert (await ask("GET", path, base=base)).status == 421


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:8411", "https://127.0.0.1:8410", ""]
)
async def test_a_call_from_another_sites_page_is_refused(ask, session, origin):
    body = b'{"name": "provider-down", "on": true}'
    answer = await ask("POST", "/switches", body, content_type="application/json", origin=origin)
    assert answer.status == 403
    assert (await ask("GET", "/events", origin=origin)).status == 403
    assert not any(switch["is_on"] for switch in session.feed._values["status"]["switches"])


async def test_a_call_that_changes_something_says_where_it_is_from_and_is_json(ask):
    body = b'{"name": "delay", "on": true}'
    assert (await ask("POST", "/switches", body, content_type="application/json")).status == 403
    assert (
        await ask("POST", "/switches", body, content_type="text/plain", origin=HERE)
    ).status == 415
    assert (await ask("POST", "/switches", body, **JSON)).status == 204


async def test_a_page_elsewhere_may_link_to_it_and_load_nothing_of_it(ask):
    cross = {"sec_fetch_site": "cross-site"}
    assert (await ask("GET", "/", sec_fetch_mode="navigate", **cross)).status == 200
    assert (await ask("GET", "/script.js", sec_fetch_mode="no-cors", **cross)).status == 403
    assert (await ask("GET", "/events", sec_fetch_mode="navigate", **cross)).status == 403
    assert (await ask("GET", "/events", sec_fetch_site="same-site")).status == 403


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/texts", {"phone": 1, "text": "hi"}, "no number yet"),
        ("/texts", {"phone": 9, "text": "hi"}, "no phone 9"),
        ("/texts", {"phone": 1, "text": "  "}, "needs words"),
        ("/texts", {"phone": 1, "text": "x" * 2001}, "2000"),
        ("/texts", {"phone": "1"}, "Expected"),
        ("/clock", {"seconds": -1}, "0 seconds"),
        ("/clock", {"seconds": 1e12}, "a year"),
        ("/switches", {"name": "lose-everything", "on": True}, "no switch"),
        ("/phones", {"how_many": 5}, "unknown field"),
    ],
)
async def test_what_cannot_be_done_is_said_in_words(ask, path, body, words):
    answer = await ask("POST", path, json.dumps(body).encode(), **JSON)
    assert answer.status == 400
    assert words in answer.json()["error"]


async def test_what_is_not_there_is_not_found(ask):
    assert (await ask("GET", "/../secrets")).status == 404
    assert (await ask("GET", "/page/index.html")).status == 404
    assert (await ask("DELETE", "/phones", origin=HERE)).status == 404
    assert (await ask("POST", "/texts", b"{", **JSON)).status == 400
    assert (await ask("POST", "/texts", b"x" * 3_000_000, **JSON)).status == 413


async def test_what_the_page_asks_for_is_done(ask, session):
    assert (await ask("POST", "/phones", b"{}", **JSON)).json() == {"phone": 3}
    assert (await ask("POST", "/clock", b'{"seconds": 3600}', **JSON)).status == 204
    assert session.clock.offset.total_seconds() == 3600
    for on in (True, False):
        for name in ("provider-down", "lose-answer", "duplicate", "delay"):
            body = json.dumps({"name": name, "on": on}).encode()
            assert (await ask("POST", "/switches", body, **JSON)).status == 204
        shown = session.feed._values["status"]["switches"]
        assert [switch["is_on"] for switch in shown] == [on] * 4
