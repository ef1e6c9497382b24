"""The simulator's own interface, as people script against it."""

from __future__ import annotations

import asyncio
import http.client
import json

import pytest

from cooee.clocks.clock import RealClock
from cooee.core.errors import SettingError
from cooee.net.http_client import InProcessClient
from cooee.simulator import Simulator, run_simulator

from .conftest import SIMULATOR_URL, Customer

ANNA, BEN = "+61491570156", "+61491570157"


@pytest.mark.parametrize(
    "written", ["+61491570156", "%2B61491570156", "0491570156", "61491570156", "0491%20570%20156"]
)
async def test_a_phone_texts_us_however_its_number_is_written(controls, telstra, number, written):
    answer = await controls.ask("POST", f"/phones/{written}/texts", {"to": number, "text": "START"})
    assert answer.status == 201
    assert isinstance(answer.json()["id"], str)
    assert (await telstra.read())["senderAddress"] == ANNA


async def test_a_phone_shows_both_directions_oldest_first(controls, telstra, number, clock):
    path = f"/phones/{ANNA}/texts"
    await controls.ask("POST", path, {"to": number, "text": "START"})
    await clock.advance(1.5)
    await telstra.send(ANNA, "Running")
    shown = (await controls.ask("GET", path)).json()
    assert [one.pop("id") for one in shown] != [None, None]
    assert shown == [
        {
            "direction": "from_phone",
            "from": ANNA,
            "to": number,
            "text": "START",
            "at": "2026-01-01T00:00:00.000Z",
            "status": "delivered",
        },
        {
            "direction": "to_phone",
            "from": number,
            "to": ANNA,
            "text": "Running",
            "at": "2026-01-01T00:00:01.500Z",
            "status": "delivered",
        },
    ]
    assert (await controls.ask("GET", f"/phones/{BEN}/texts")).json() == []


async def test_a_text_to_no_number_of_ours_is_taken_and_undelivered(controls):
    path = f"/phones/{ANNA}/texts"
    answer = await controls.ask("POST", path, {"to": "+61491570006", "text": "Anybody?"})
    assert (answer.status, answer.json()["status"]) == (201, "undelivered")
    assert (await controls.ask("GET", path)).json()[0]["status"] == "undelivered"


@pytest.mark.parametrize("words", ["", "x" * 2000, "😀 Grüße", "שלום", "nul \x00 inside"])
async def test_any_words_go_through(controls, telstra, number, words):
    asked = {"to": number, "text": words}
    assert (await controls.ask("POST", f"/phones/{ANNA}/texts", asked)).status == 201
    assert (await telstra.read())["message"] == words


async def test_numbers_are_listed_with_their_api_and_url(controls, telstra, number, transport):
    await telstra.subscribe(notifyURL="https://example.com/r")
    simulated = Customer(transport, SIMULATOR_URL + "/simulated/v1")
    (other,) = (await simulated.ask("GET", "/numbers", authorization="Bearer k")).json()
    assert (await controls.ask("GET", "/numbers")).json() == [
        {"number": number, "face": "telstra-v2", "notifyURL": "https://example.com/r"},
        {"number": other["number"], "face": "simulated", "notifyURL": None},
    ]


async def test_a_phone_is_switched_off_and_on(controls, telstra, number, simulator, clock):
    assert (await controls.ask("PUT", f"/phones/{ANNA}", {"on": False})).json() == {"on": False}
    await telstra.send(ANNA)
    await clock.advance(60)
    assert simulator.network.phone_screen(ANNA) == []
    await controls.ask("PUT", f"/phones/{ANNA}", {"on": True})
    await clock.advance(0)
    assert len(simulator.network.phone_screen(ANNA)) == 1


async def test_the_weather_is_told_and_changed(controls, simulator):
    told = (await controls.ask("GET", "/network")).json()
    assert told == {
        "delay": 0.0,
        "spread": 0.0,
        "loss": 0.0,
        "duplicates": 0.0,
        "receipts": True,
        "idle": True,
    }
    changed = await controls.ask("PUT", "/network", {"delay": 2, "loss": 0.5})
    assert changed.status == 200
    assert (simulator.network.conditions.delay, simulator.network.conditions.loss) == (2, 0.5)


async def test_the_virtual_clock_is_advanced(controls, clock):
    before = clock.now()
    answer = await controls.ask("POST", "/clock", {"advance": 90.5})
    assert (answer.status, answer.json()) == (
        200,
        {"now": "2026-01-01T00:01:30.500Z", "virtual": True},
    )
    assert (clock.now() - before).total_seconds() == 90.5


async def test_a_real_clock_cannot_be_advanced_and_says_why():
    transport = InProcessClient(RealClock(), {})
    simulator = Simulator(RealClock(), transport)
    transport.apps[SIMULATOR_URL] = simulator.app
    answer = await Customer(transport, SIMULATOR_URL).ask("POST", "/control/clock", {"advance": 1})
    assert answer.status == 409
    assert "--virtual-clock" in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "content", "words"),
    [
        ("POST", f"/phones/{ANNA}/texts", b"", "truncated"),
        ("POST", f"/phones/{ANNA}/texts", b"to=1&text=2", "malformed"),
        ("POST", f"/phones/{ANNA}/texts", b'{"to": "+61491570006", "text": "\xff"}', "utf-8"),
        (
            "POST",
            f"/phones/{ANNA}/texts",
            b'{"to": "+61491570006", "text": "\\ud800 and more"}',
            "surrogate",
        ),
        ("POST", f"/phones/{ANNA}/texts", [], "object"),
        ("POST", f"/phones/{ANNA}/texts", {"to": "+61491570006"}, "text"),
        ("POST", f"/phones/{ANNA}/texts", {"to": 7, "text": "x"}, "to"),
        ("POST", f"/phones/{ANNA}/texts", {"to": "#", "text": "x"}, "'#' is not a number"),
        ("POST", f"/phones/{ANNA}/texts", {"to": "1234", "text": "x", "more": 1}, "more"),
        ("POST", "/phones/%23/texts", {"to": "1234", "text": "x"}, "'#' is not a number"),
        ("GET", "/phones/%23/texts", None, "'#' is no phone"),
        ("PUT", f"/phones/{ANNA}", {"on": "yes"}, "on"),
        (
            "POST",
            "/faults",
            {"face": "nobody", "fault": "garbage"},
            "telstra-v2, telstra-v3, simulated",
        ),
        ("POST", "/faults", {"face": "simulated", "fault": "fire"}, "lose-answer"),
        ("POST", "/faults", {"face": "simulated", "fault": "garbage", "count": 0}, "count"),
        ("POST", "/clock", {"advance": -1}, "advance"),
        ("POST", "/clock", {"advance": "1"}, "advance"),
        ("POST", "/clock", {}, "advance"),
        ("PUT", "/network", {"loss": 2}, "loss"),
        ("PUT", "/network", {"snow": 1}, "snow"),
        ("PUT", "/switches", {"face": "telstra-v2", "switches": ["x"]}, "'x'"),
    ],
)
async def test_wrong_input_is_a_400_in_words(controls, method, path, content, words):
    answer = await controls.ask(method, path, content)
    assert answer.status == 400
    assert words.lower() in answer.json()["error"].lower()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("PATCH", "/control/numbers", 405), ("GET", "/control/nothing", 404), ("GET", "/", 404)],
)
async def test_what_is_not_there_is_said_so(simulator, transport, method, path, status):
    answer = await Customer(transport, SIMULATOR_URL).ask(method, path)
    assert answer.status == status
    assert path in answer.json()["error"]


async def test_a_huge_body_is_refused(controls):
    answer = await controls.ask("POST", f"/phones/{ANNA}/texts", b" " * 10_000_000)
    assert answer.status == 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1:8400"}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "[::1]:8400"}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example:8400"}, 421),
        ({"host": ""}, 421),
        ({"host": "[::1"}, 421),
        ({"origin": "http://localhost:5173"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://[::1"}, 403),
    ],
)
async def test_only_callers_who_meant_this_machine_are_answered(controls, headers, status):
    assert (await controls.ask("GET", "/numbers", **headers)).status == status


async def test_calls_led_here_under_the_providers_own_name_are_answered(simulator, transport):
    customer = Customer(transport, SIMULATOR_URL + "/v2")
    customer.headers["host"] = "tapi.telstra.com"
    await customer.log_in()
    await customer.subscribe()
    (item,) = (await customer.send(ANNA)).json()["messages"]
    assert item["messageStatusURL"].startswith("http://tapi.telstra.com/v2/messages/sms/")


async def test_given_keys_are_the_only_ones(clock):
    transport = InProcessClient(clock, {})
    simulator = Simulator(clock, transport, client_id="me", client_secret="word", api_key="k")
    transport.apps[SIMULATOR_URL] = simulator.app
    customer = Customer(transport, SIMULATOR_URL + "/telstra/v2")
    for client, secret, status in [("me", "x", 401), ("x", "word", 401), ("me", "word", 200)]:
        assert (await customer.log_in(client, secret)).status == status
    simulated = Customer(transport, SIMULATOR_URL + "/simulated/v1")
    for key, status in [("x", 401), ("é", 401), ("k", 200)]:
        answer = await simulated.ask("GET", "/numbers", authorization=f"Bearer {key}")
        assert answer.status == status


async def test_the_same_seed_is_the_same_chance(clock):
    def arrivals(seed):
        simulator = Simulator(clock, InProcessClient(clock, {}), seed=seed)
        return [simulator.network.random.random() for _ in range(5)]

    assert arrivals(1) == arrivals(1) != arrivals(2)


async def test_a_script_holds_a_conversation_over_real_http():
    async with run_simulator(RealClock(), port=0, delay=0.01) as (_, port):

        def call(method, path, content=None, **headers):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                body = None if content is None else json.dumps(content)
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                read = answer.read()
                return answer.status, json.loads(read) if read else None
            finally:
                connection.close()

        def script():
            key = {"Authorization": "Bearer k"}
            _, [held] = call("GET", "/simulated/v1/numbers", **key)
            path = "/control/phones/+61491570156/texts"
            assert call("POST", path, {"to": held["number"], "text": "Hi"})[0] == 201
            for _ in range(500):
                if texts := call("GET", "/simulated/v1/inbox", **key)[1]["texts"]:
                    return texts[0]["text"]
            return None

        assert await asyncio.to_thread(script) == "Hi"
        assert await asyncio.to_thread(call, "DELETE", "/control/faults") == (204, None)


async def test_a_taken_port_is_said_in_words():
    async with run_simulator(RealClock(), port=0) as (_, port):
        with pytest.raises(SettingError, match="Choose another port"):
            async with run_simulator(RealClock(), port=port):
                pass
