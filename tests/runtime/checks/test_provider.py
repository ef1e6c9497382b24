"""Keys, number and clock, tried on a provider that fails in each way."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from cooee.clocks.clock import VirtualClock
from cooee.net.http_client import InProcessClient, run_flow
from cooee.providers import find_provider
from cooee.providers.simulator import simulated_providers, simulator_settings
from cooee.runtime.checks.provider import check_provider
from cooee.simulator import Simulator
from cooee.simulator.faults import parse_fault

SIMULATOR_URL = "http://127.0.0.1:8400"


class World:
    """A simulator whose clock may be another than ours, and every request that is made to it."""

    def __init__(self, provider, off=timedelta(), dated=True, **keys):
        self.clock = VirtualClock(datetime(2026, 5, 1, tzinfo=UTC))
        self.simulator = Simulator(self.clock, InProcessClient(self.clock, {}), **keys)
        self.provider = find_provider(provider)(simulator_settings(provider, SIMULATOR_URL))
        self.asked, self._off, self._dated = [], off, dated
        self._wire = InProcessClient(self.clock, {SIMULATOR_URL: self.simulator.app})

    async def __call__(self, request):
        self.asked.append(request)
        answer = await self._wire(request)
        theirs = format_datetime(self.clock.now() + self._off, usegmt=True)
        dated = {**answer.headers, "date": theirs} if self._dated else answer.headers
        return type(answer)(status=answer.status, headers=dated, body=answer.body, at=answer.at)

    async def close(self):
        pass

    def api(self):
        (api,) = (api for api in self.simulator.apis if api.name == self.provider.name)
        return api

    async def check(self, public_url=None):
        found = await check_provider(self.provider, self, self.clock, public_url)
        return {one.name: (one.verdict, one.words) for one in found}


@pytest.mark.parametrize("provider", simulated_providers())
async def test_a_provider_that_works_is_found_well_and_nothing_is_changed_there(provider):
    world = World(provider)
    found = await world.check()
    assert found["credentials"][0] == "ok"
    assert found["clock"][0] == "ok"
    assert found["number"][0] in {"ok", "note"}
    changes = [request for request in world.asked if request.method != "GET"]
    assert all("oauth/token" in request.url for request in changes)


@pytest.mark.parametrize("provider", ["telstra-v2", "telstra-v3"])
async def test_wrong_keys_are_named(provider):
    found = await World(provider, client_id="other", client_secret="other").check()
    verdict, words = found["credentials"]
    assert verdict == "wrong"
    assert f"{provider} does not accept them" in words
    assert "number" not in found


async def test_a_provider_that_is_not_there_is_no_matter_of_keys():
    world = World("telstra-v2")
    world._wire.apps.clear()
    verdict, words = (await world.check())["credentials"]
    assert verdict == "wrong"
    assert "could not be asked" in words
    assert "BASE_URL" in words


@pytest.mark.parametrize("name", ["error-500", "error-503", "garbage", "throttle"])
@pytest.mark.parametrize("provider", simulated_providers())
async def test_whatever_fails_is_told_in_words(provider, name):
    world = World(provider)
    world.api().faults.add(parse_fault(name, 9))
    found = await world.check()
    assert any(verdict == "wrong" for verdict, _ in found.values())
    assert all(words.strip() for _, words in found.values())


async def test_a_number_that_ended_is_told_of_and_not_bought_again():
    world = World("telstra-v2")
    before = await world.check()
    assert before["number"] == (
        "note",
        "telstra-v2 has no number for us, or it ends soon. `cooee run` gets one, or renews it.",
    )
    assert list(world.api().numbers_in_use()) == []
    await subscribe(world)
    assert (await world.check())["number"] == ("ok", "+61491570006.")
    await world.clock.advance(timedelta(days=31))
    assert (await world.check())["number"][0] == "note"
    assert [request.method for request in world.asked if "provisioning" in request.url].count(
        "POST"
    ) == 1


async def subscribe(world):
    credentials = await run_flow(world.provider.login(), world)
    await run_flow(world.provider.subscribe(credentials, None), world)
    await world.clock.advance(61)  # a new number is not found for a minute


@pytest.mark.parametrize(
    ("seconds", "verdict", "side"),
    [
        (0, "ok", "agrees"),
        (-4, "ok", "agrees"),
        (20, "note", "20 seconds behind"),
        (-20, "note", "20 seconds ahead of"),
        (95, "wrong", "95 seconds behind"),
        (-7200, "wrong", "7200 seconds ahead of"),
    ],
)
async def test_a_clock_that_is_off_is_told_by_how_much(seconds, verdict, side):
    found = await World("simulated", off=timedelta(seconds=seconds)).check()
    assert found["clock"][0] == verdict
    assert side in found["clock"][1]


async def test_without_a_date_clocks_are_not_compared():
    found = await World("simulated", dated=False).check()
    assert found["clock"] == ("note", "simulated sends no Date to compare it with.")


async def test_a_push_to_another_address_is_told_of():
    world = World("telstra-v2")
    credentials = await run_flow(world.provider.login(), world)
    await run_flow(world.provider.subscribe(credentials, "https://other.example/x"), world)
    await world.clock.advance(61)
    assert "another address" in (await world.check("https://ours.example"))["number"][1]
    assert "another address" in (await world.check())["number"][1]
    assert (await world.check("https://other.example"))["number"][0] == "ok"
