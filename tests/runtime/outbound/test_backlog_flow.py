"""Texts pushed faster than a provider takes replies: what is acknowledged, and what leaves, counted.

On a clock of our own: each push takes 50 ms, and each call to the provider 200 ms.
"""

import asyncio
from collections import Counter

import pytest

from cooee import App
from cooee.clocks.clock import VirtualClock
from cooee.core.http_messages import Request, Response
from cooee.core.messages import Inbound
from cooee.net.http_client import InProcessClient
from cooee.providers import Accepted, Credentials, Features, Received, Subscription
from cooee.runtime.outbound.backlog import Backlog
from cooee.runtime.service import Service
from cooee.runtime.web.webhook_urls import WEBHOOK_SECRET_NAME
from cooee.runtime.wiring import ServiceOptions
from cooee.storage.sqlite.store import SQLite

OURS, PUBLIC, PUSHERS, PLACES = "+61491570006", "https://texts.example.com", 32, 8


class Company:
    """A provider that pushes texts, and takes 200 ms to accept a reply."""

    name = "company"
    settings = ()
    features = Features(polling=None, push=True, receipts="none", max_text=1600)

    def __init__(self, clock):
        self.clock, self.begun_at, self.left = clock, clock.now(), Counter()

    def login(self):
        return Credentials("none")
        yield

    def subscribe(self, credentials, webhook_url, *, keep_direction=False):
        return Subscription(OURS, webhook_url)
        yield

    def receive(self, request, subpath, at):
        sender, number = request.body.decode().split()
        text = Inbound(sender=sender, recipient=OURS, text="hi", received_at=at, key=number)
        return Received([text], response=Response(status=200))

    def send(self, outbound, credentials):
        yield Request(method="POST", url="https://company.example")
        return Accepted(outbound.id)

    async def __call__(self, request):
        self.left[self.second()] += 1
        await self.clock.sleep(0.2)
        return Response(status=200)

    def second(self):
        return int((self.clock.now() - self.begun_at).total_seconds())

    async def close(self):
        pass


def echo():
    app = App()

    @app.otherwise
    def answer(chat):
        return "hello"

    return app


async def push_for_a_while(tmp_path, *, places, seconds, push_s=0.05):
    """Have pushers go round; return the texts acknowledged, and the replies left, by second."""
    clock = VirtualClock()
    company, acked = Company(clock), Counter()
    store = await SQLite.open(tmp_path / "flow.db", now=clock.now)
    options = ServiceOptions(public_url=PUBLIC, concurrency=places)
    async with Service(echo(), company, store, company, clock, options=options) as service:
        await service.connect()
        [secret, *_] = await store.secrets(WEBHOOK_SECRET_NAME)
        network = InProcessClient(clock, {PUBLIC: service.endpoints})
        url = f"{PUBLIC}/company/{secret}/text"

        async def push(pusher):
            number = 0
            await clock.sleep(push_s * pusher / PUSHERS)
            while company.second() < seconds:
                number += 1
                body = f"+6149157{pusher * 1000 + number:06} {pusher}-{number}".encode()
                await network(Request(method="POST", url=url, body=body))
                acked[company.second()] += 1
                await clock.sleep(push_s)

        pushing = [clock.spawn(push(pusher)) for pusher in range(PUSHERS)]
        while not all(task.done() for task in pushing):
            await clock.advance(1)
        await asyncio.gather(*pushing)
        await clock.advance(1)
    return acked, company.left


async def test_at_saturation_no_second_acknowledges_much_more_than_leaves(tmp_path):
    acked, left = await push_for_a_while(tmp_path, places=PLACES, seconds=8)
    for second in range(1, 8):
        assert left[second] >= 0.8 * acked[second]
        assert left[second] == PLACES * 5, "nor is a place ever empty"
    assert acked[0] - left[0] <= PUSHERS, "what was pushed until we knew"


async def test_without_the_rule_the_queue_between_grows(tmp_path, monkeypatch):
    async def wait_for_nothing(self):
        pass

    monkeypatch.setattr(Backlog, "wait_for_room", wait_for_nothing)
    acked, left = await push_for_a_while(tmp_path, places=PLACES, seconds=1, push_s=0.1)
    assert acked[0] > 5 * left[0]


@pytest.mark.parametrize("places", [None, PLACES])
async def test_below_saturation_nobody_is_held(tmp_path, places, monkeypatch):
    held = []
    wait = Backlog.wait_for_room

    async def watched(self):
        began = self._clock.now()
        await wait(self)
        held.append(self._clock.now() > began)

    monkeypatch.setattr(Backlog, "wait_for_room", watched)
    acked, left = await push_for_a_while(tmp_path, places=places, seconds=4, push_s=1)
    assert sum(acked.values()) == sum(left.values()) == len(held) >= 4 * PUSHERS
    assert not any(held)
