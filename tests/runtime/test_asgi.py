"""An app inside Starlette and FastAPI: its webhooks answer, its worker runs."""

import asyncio
import contextlib
import io
import json
import logging
import re

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from cooee import App
from cooee.clocks.clock import RealClock
from cooee.core.http_messages import Request
from cooee.net.http_client import HTTPClient, InProcessClient
from cooee.net.http_server import serve_app
from cooee.runtime.event_log import write_event_to_log
from cooee.runtime.events import HandlerRan
from cooee.runtime.log import log_event
from cooee.simulator import Simulator
from cooee.storage import Claim

ANNA = "+61491570156"
CLAIM = Claim(b"\xc1", "+61491570006", ANNA, 1, 3, None, b"{}", [])


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


@contextlib.contextmanager
def unconfigured_logging():
    """The logger of cooee as a process has it where nobody configured logging."""
    logger, root = logging.getLogger("cooee"), logging.getLogger()
    kept = root.handlers[:], logger.handlers[:], logger.level
    root.handlers[:], logger.handlers[:] = [], []
    logger.setLevel(logging.NOTSET)
    yield logger
    root.handlers[:], logger.handlers[:] = kept[0], kept[1]
    logger.setLevel(kept[2])


async def test_the_log_of_a_mounted_app_keeps_its_fields_without_any_configuration(told, capsys):
    told(1, 1)
    with unconfigured_logging() as logger:
        async with living(echo().asgi()):
            log_event("answered", seq=3, private={"text": "hello"})
        assert (logger.handlers, logger.filters, logger.level) == ([], [], 0)
    assert " INFO cooee: answered seq=3\n" in capsys.readouterr().err


async def test_a_configured_log_gets_message_and_fields_and_no_secret(told, monkeypatch):
    told(1, 1)
    monkeypatch.setenv("SIMULATED_KEY", "s3cret-key")
    lines, records = io.StringIO(), []
    handler = logging.StreamHandler(lines)
    handler.setFormatter(logging.Formatter("%(name)s|%(message)s"))
    handler.addFilter(lambda record: records.append(record) or True)
    with unconfigured_logging():
        logging.getLogger().addHandler(handler)
        async with living(echo().asgi()):
            log_event("answered", seq=3, note="a s3cret-key", private={"text": "hello"})
    assert 'cooee|answered seq=3 note="a [secret]"' in lines.getvalue()
    (record,) = [each for each in records if getattr(each, "event", "") == "answered"]
    assert record.fields["seq"] == 3


@pytest.mark.parametrize("has_access_log", [True, False])
async def test_an_access_log_that_prints_the_secret_is_warned_of(told, caplog, has_access_log):
    told(1, 1)
    access_log = logging.getLogger("uvicorn.access")
    kept = access_log.handlers[:], access_log.level
    access_log.handlers[:] = [logging.NullHandler()] if has_access_log else []
    access_log.setLevel(logging.INFO)
    try:
        async with living(echo().asgi()):
            pass
    finally:
        access_log.handlers[:], access_log.level = kept
    assert ("access-log-shows-secret" in caplog.text) == has_access_log


async def test_what_a_handler_raises_has_its_lines_in_the_log(told, capsys):
    app = App()

    @app.otherwise
    def fail(chat):
        raise KeyError("tea")

    event = HandlerRan(CLAIM, None, None, None, _raised(fail))
    told(1, 1)
    with unconfigured_logging():
        async with living(app.asgi()):
            write_event_to_log(event)
    (line,) = [x for x in capsys.readouterr().err.splitlines() if "handler-raised" in x]
    assert "error=KeyError" in line
    assert re.search(rf"at=\"{re.escape(__file__)}:\d+ fail < ", line)
    assert "tea" not in line


def _raised(function):
    try:
        function(None)
    except KeyError as error:
        return error
    raise AssertionError
