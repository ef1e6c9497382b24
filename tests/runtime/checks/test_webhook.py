"""Whether the world reaches us: a proxy that does, one that does not, and none."""

import contextlib

import pytest

from cooee.clocks.clock import RealClock
from cooee.core.http_messages import Response
from cooee.net.http_client import HTTPClient
from cooee.net.http_server import bind_socket, serve_app
from cooee.net.network_failures import not_connected_error
from cooee.providers import find_provider
from cooee.runtime.checks.webhook import check_webhook

SIMULATED = find_provider("simulated")({})


@contextlib.asynccontextmanager
async def network():
    world = HTTPClient(RealClock(), timeout=60)
    try:
        yield world
    finally:
        await world.close()


def free_port():
    with bind_socket("127.0.0.1", 0) as door:
        return door.getsockname()[1]


def answering(status, body):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return app


async def test_an_address_that_leads_here_is_found_well():
    port = free_port()
    async with network() as world:
        found = await check_webhook(SIMULATED, f"http://127.0.0.1:{port}", "127.0.0.1", port, world)
    assert found.verdict == "ok"
    assert "leads here" in found.words


async def test_an_address_where_nobody_answers():
    closed, ours = free_port(), free_port()
    async with network() as world:
        found = await check_webhook(
            SIMULATED, f"http://127.0.0.1:{closed}", "127.0.0.1", ours, world
        )
    assert found.verdict == "wrong"
    assert f"Nobody answers at http://127.0.0.1:{closed}" in found.words
    assert f"127.0.0.1:{ours}" in found.words


@pytest.mark.parametrize("body", [b"<h1>It works!</h1>", b"", b'{"status": "ok"}'])
async def test_an_address_that_leads_to_something_else(body):
    async with serve_app(answering(200, body)) as port, network() as world:
        found = await check_webhook(SIMULATED, f"http://127.0.0.1:{port}", "127.0.0.1", 0, world)
        assert found.verdict == "wrong"
        assert "answers 200, and not as cooee does. It is not led here" in found.words
        found = await check_webhook(SIMULATED, f"http://127.0.0.1:{port}", "127.0.0.1", port, world)
        assert found.verdict == "wrong"
        assert f"What listens on 127.0.0.1:{port} is no cooee" in found.words


@pytest.mark.parametrize("status", [200, 503])
async def test_a_cooee_that_runs_is_recognised(status):
    health = b'{"status": "failing", "polling": "ok", "sending": "ok", "database": "ok"}'
    async with serve_app(answering(status, health)) as port, network() as world:
        found = await check_webhook(SIMULATED, f"http://127.0.0.1:{port}", "127.0.0.1", port, world)
    assert found.verdict == "ok"
    assert "the cooee that runs" in found.words


async def test_without_a_public_address_there_is_nothing_to_call():
    found = await check_webhook(SIMULATED, None, "127.0.0.1", 0, None)
    assert (found.verdict, found.words) == ("ok", "Texts are read: COOEE_PUBLIC_URL is not set.")


class Only:
    """A company that can do one of the two."""

    name = "one-way"

    def __init__(self, *, polling, push):
        import msgspec

        self.features = msgspec.structs.replace(SIMULATED.features, polling=polling, push=push)


async def test_a_company_that_cannot_do_it_that_way_is_told_of():
    async def nobody(request):
        raise not_connected_error(request, "closed")

    found = await check_webhook(Only(polling=None, push=True), None, "127.0.0.1", 0, nobody)
    assert (found.verdict, "cannot be read" in found.words) == ("wrong", True)
    found = await check_webhook(Only(polling="pop", push=False), "https://x.example", "", 0, nobody)
    assert (found.verdict, "cannot push" in found.words) == ("wrong", True)
    assert Response(status=200).json() is None  # what an empty answer is read as
