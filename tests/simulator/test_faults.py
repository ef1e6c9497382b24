"""What can be made to go wrong, at each provider and on each kind of clock."""

from __future__ import annotations

import asyncio
import http.client
import json
import time

import pytest

from cooee.clocks.clock import RealClock, VirtualClock
from cooee.core.errors import OutcomeUnknown, TemporaryFailure
from cooee.net.http_client import InProcessClient
from cooee.simulator import Simulator, run_simulator
from cooee.simulator.faults import FAULT_NAMES, parse_fault

from .conftest import SIMULATOR_URL, Customer

ANNA = "+61491570156"


@pytest.fixture(params=["telstra-v2", "simulated"])
async def api(request, simulator, transport, telstra):
    """A way to send and to read at either provider, with the name of its API."""
    if request.param == "telstra-v2":
        await telstra.subscribe()
        telstra.name = request.param
        return telstra
    customer = Simulated(transport, SIMULATOR_URL + "/simulated/v1")
    customer.headers["authorization"] = "Bearer simulated"
    customer.number = (await customer.ask("GET", "/numbers")).json()[0]["number"]
    customer.name = request.param
    return customer


class Simulated(Customer):
    async def send(self, to, body="Hello"):
        order = {"from": self.number, "to": to, "text": body}
        return await self.ask("POST", "/texts", order)


@pytest.fixture
def break_it(controls, api):
    async def break_it(name, count=1, **asked):
        content = {"face": api.name, "fault": name, "count": count, **asked}
        answer = await controls.ask("POST", "/faults", content)
        assert answer.status == 201, answer.body

    return break_it


def shown(simulator):
    return [entry.text.text for entry in simulator.network.phone_screen(ANNA)]


async def test_a_lost_answer_is_work_done_without_a_word(api, break_it, simulator):
    await break_it("lose-answer", 2)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await api.send(ANNA)
    assert shown(simulator) == ["Hello", "Hello"]
    assert (await api.send(ANNA)).status == 201


async def test_an_api_that_is_down_does_nothing(api, break_it, simulator):
    await break_it("carrier-down")
    with pytest.raises(OutcomeUnknown):
        await api.send(ANNA)
    assert shown(simulator) == []
    assert (await api.send(ANNA)).status == 201


@pytest.mark.parametrize(("name", "status"), [("error-500", 500), ("error-503", 503)])
async def test_an_error_has_the_providers_own_shape_and_nothing_is_done(
    api, break_it, simulator, name, status
):
    await break_it(name, 3)
    for _ in range(3):
        answer = await api.send(ANNA)
        assert answer.status == status
        keys = {"telstra-v2": {"status", "code", "message"}, "simulated": {"error", "message"}}
        assert set(answer.json()) == keys[api.name]
    assert shown(simulator) == []
    assert (await api.send(ANNA)).status == 201


async def test_throttling_is_said_as_each_provider_says_it(api, break_it, simulator):
    await break_it("throttle")
    answer = await api.send(ANNA)
    if api.name == "telstra-v2":
        assert (answer.status, answer.json()["code"]) == (429, "Too Many Requests")
        await break_it("throttle")
        answer = await api.ask("GET", "/messages/sms")
        assert (answer.status, answer.json()["code"]) == (403, "SpikeArrest")
    else:
        assert (answer.status, answer.json()["error"]) == (429, "throttled")
        assert int(answer.headers["retry-after"]) > 0
    assert shown(simulator) == []


async def test_an_ended_token_is_refused(api, break_it, simulator):
    await break_it("expire-token")
    assert (await api.send(ANNA)).status == 401
    assert shown(simulator) == []
    if api.name == "telstra-v2":
        assert (await api.send(ANNA)).status == 401, "it has ended for good"
        await api.log_in()
    assert (await api.send(ANNA)).status == 201


async def test_garbage_is_a_200_that_is_no_json_and_nothing_is_done(api, break_it, simulator):
    await break_it("garbage")
    answer = await api.send(ANNA)
    assert (answer.status, answer.json()) == (200, None)
    assert shown(simulator) == []


async def test_a_delay_does_the_work_at_once_and_answers_later(api, break_it, simulator, clock):
    await break_it("delay:30")
    asked = clock.spawn(api.send(ANNA))
    await clock.advance(29)
    assert shown(simulator) == ["Hello"]
    assert not asked.done()
    await clock.advance(1)
    assert (await asked).status == 201


async def test_a_doubled_push_is_the_same_push_twice(api, break_it, simulator, clock, webhook):
    if api.name == "telstra-v2":
        number = (await api.subscribe(notifyURL="https://example.com/r")).json()
        number = number["destinationAddress"]
    else:
        number = api.number
        asked = {"number": number, "url": "https://example.com/r"}
        await api.ask("PUT", "/webhook", asked)
    await break_it("duplicate-push")
    for text in ["One", "Two"]:
        simulator.network.send_from_phone(ANNA, number, text)
    await clock.advance(3600)
    assert len(webhook.pushed) == 3
    assert webhook.pushed[0] == webhook.pushed[1] != webhook.pushed[2]


async def test_a_fault_can_wait_for_one_kind_of_call(api, break_it, simulator):
    verb = "POST /messages/sms" if api.name == "telstra-v2" else "POST /texts"
    await break_it("error-500", on=verb)
    path = "/messages/sms" if api.name == "telstra-v2" else "/numbers"
    assert (await api.ask("GET", path)).status == 200
    assert (await api.send(ANNA)).status == 500


async def test_faults_happen_in_the_order_they_were_asked_for(api, break_it, controls):
    await break_it("error-500")
    await break_it("error-503", 2)
    left = (await controls.ask("GET", "/faults")).json()
    assert [(one["fault"], one["count"]) for one in left] == [("error-500", 1), ("error-503", 2)]
    assert [(await api.send(ANNA)).status for _ in range(4)] == [500, 503, 503, 201]


async def test_deleting_the_faults_ends_them_all(api, break_it, controls):
    for name in FAULT_NAMES:
        await break_it(name.replace("SECONDS", "3"), 9)
    assert (await controls.ask("DELETE", "/faults")).status == 204
    assert (await api.send(ANNA)).status == 201
    assert (await controls.ask("GET", "/faults")).json() == []


async def test_a_fault_of_one_provider_leaves_the_other_alone(api, break_it, transport):
    await break_it("error-500", 5)
    other = {
        "telstra-v2": "/simulated/v1/numbers",
        "simulated": "/telstra/v2/messages/sms/healthcheck",
    }
    customer = Customer(transport, SIMULATOR_URL)
    answer = await customer.ask("GET", other[api.name], authorization="Bearer x")
    assert answer.status == 200


@pytest.mark.parametrize(
    "words", ["", "delay", "delay:", "delay:x", "delay:-1", "delay:SECONDS", "fire"]
)
def test_an_unknown_fault_is_refused_with_those_there_are(words):
    with pytest.raises(ValueError, match="lose-answer, carrier-down, error-500") as refused:
        parse_fault(words)
    assert repr(words) in str(refused.value)


async def test_a_lost_answer_on_a_real_clock_and_real_http():
    async with run_simulator(RealClock(), port=0) as (simulator, port):

        def call(method, path, content=None):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                headers = {"Authorization": "Bearer k", "Content-Type": "application/json"}
                connection.request(method, path, json.dumps(content), headers)
                return connection.getresponse().status
            finally:
                connection.close()

        def script():
            faults = [("carrier-down", 1), ("lose-answer", 1), ("delay:0.3", 1)]
            for name, count in faults:
                asked = {"face": "simulated", "fault": name, "count": count}
                assert call("POST", "/control/faults", asked) == 201
            order = {"from": "+61491570006", "to": ANNA, "text": "Hello"}
            for _ in range(2):
                with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
                    call("POST", "/simulated/v1/texts", order)
            begun = time.monotonic()
            assert call("POST", "/simulated/v1/texts", order) == 201
            assert time.monotonic() - begun >= 0.3

        await asyncio.to_thread(script)
        assert shown(simulator) == ["Hello", "Hello"]


async def test_a_closed_simulator_drops_every_call_and_can_open_again():
    clock = VirtualClock()
    transport = InProcessClient(clock, {})
    simulator = Simulator(clock, transport)
    transport.apps[SIMULATOR_URL] = simulator.app
    customer = Customer(transport, SIMULATOR_URL + "/telstra/v2")
    await simulator.close()
    with pytest.raises(TemporaryFailure):
        await customer.ask("GET", "/messages/sms/healthcheck")
    await simulator.start()
    assert (await customer.ask("GET", "/messages/sms/healthcheck")).status == 200
