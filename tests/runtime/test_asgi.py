"""An app inside Starlette and FastAPI: its webhooks answer, its worker runs."""

import asyncio
import contextlib
import json

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from cooee import App
from cooee.clocks.clock import RealClock
from cooee.core.http_messages import Request
from cooee.net.http_client import HTTPClient, InProcessClient
from cooee.net.http_server import serve_app
from cooee.simulator import Simulator

ANNA = "+61491570156"


def starlette(app):
    return Starlette(routes=[Mount("/sms", app.asgi())], lifespan=app.lifespan)


def fastapi(app):
    web = FastAPI(lifespan=app.lifespan)
    web.mount("/sms", app.asgi())
    return web


def echo():
    app = App()

    @app.otherwise
    def back(chat):
        return f"You said {chat.text}"

    return app


@contextlib.asynccontextmanager
async def living(web):
    """Run an ASGI app's lifespan as a server does."""
    said, heard = asyncio.Queue(), asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    life = asyncio.create_task(web(scope, said.get, heard.put))
    await said.put({"type": "lifespan.startup"})
    message = await heard.get()
    assert message["type"] == "lifespan.startup.complete", message
    yield
    await said.put({"type": "lifespan.shutdown"})
    assert (await heard.get())["type"] == "lifespan.shutdown.complete"
    await life


@pytest.fixture
def told(monkeypatch, tmp_path):
    def tell(port, simulator_port):
        monkeypatch.setenv("COOEE_DATABASE", f"sqlite:///{tmp_path / 'mounted.db'}")
        monkeypatch.setenv("COOEE_PROVIDER", "simulated")
        monkeypatch.setenv("COOEE_PUBLIC_URL", f"http://127.0.0.1:{port}/sms")
        monkeypatch.setenv("SIMULATED_BASE_URL", f"http://127.0.0.1:{simulator_port}/simulated/v1")

    return tell


async def pushed_to(simulator):
    wire = InProcessClient(RealClock(), {"http://127.0.0.1": simulator.app})
    answer = await wire(Request(method="GET", url="http://127.0.0.1/control/numbers"))
    return [number for number in answer.json() if number["notifyURL"]]


@pytest.mark.parametrize("outer", [starlette, fastapi])
async def test_a_mounted_app_hears_a_push_and_answers(outer, told):
    clock = RealClock()
    wire = HTTPClient(clock)
    simulator = Simulator(clock, wire)
    await simulator.start()
    web = outer(echo())
    async with serve_app(simulator.app) as simulator_port, serve_app(web) as port:
        told(port, simulator_port)
        async with living(web):
            for _ in range(200):
                if await pushed_to(simulator):
                    break
                await asyncio.sleep(0.02)
            simulator.network.send_from_phone(
                ANNA, next(iter(simulator.network.our_numbers)), "hello"
            )
            for _ in range(200):
                if len(simulator.network.phone_screen(ANNA)) > 1:
                    break
                await asyncio.sleep(0.02)
            said = [entry.text.text for entry in simulator.network.phone_screen(ANNA)]
            assert said == ["hello", "You said hello"]
            health = await wire(Request(method="GET", url=f"http://127.0.0.1:{port}/sms/health"))
            assert (health.status, json.loads(health.body)["status"]) == (200, "ok")
    await simulator.close()
    await wire.close()


async def test_mounted_without_its_lifespan_it_says_what_is_missing():
    web = Starlette(routes=[Mount("/sms", echo().asgi())])
    wire = InProcessClient(RealClock(), {"http://web.test": web})
    answer = await wire(Request(method="GET", url="http://web.test/sms/health"))
    assert answer.status == 503
    assert b"app.lifespan" in answer.body


async def test_served_alone_its_own_lifespan_runs(told):
    told(1, 1)
    app = echo()
    async with living(app.asgi()):
        wire = InProcessClient(RealClock(), {"http://web.test": app.asgi()})
        answer = await wire(Request(method="GET", url="http://web.test/health"))
        assert answer.json()["database"] == "ok"
