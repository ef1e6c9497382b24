"""Law 3: in order for one person, side by side across people."""

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from cooee import App
from cooee.clocks.clock import RealClock, VirtualClock
from cooee.core.messages import Inbound
from cooee.net.http_client import InProcessClient
from cooee.providers.telstra_v2.adapter import TelstraV2
from cooee.runtime.service import Service
from cooee.storage import NewInbound
from cooee.storage.sqlite.store import SQLite

OURS = "+61491570006"
VALUES = {
    "TELSTRA_CLIENT_ID": "id",
    "TELSTRA_CLIENT_SECRET": "s",
    "TELSTRA_BASE_URL": "https://x.test",
}


@dataclass
class Heard:
    texts: list[str] = field(default_factory=list)


def remembering(app, wait):
    @app.on("SLOW {n:d}")
    async def slow(chat, n):
        chat.state.texts.append(chat.text)
        await wait()
        return f"{n} slow"

    @app.on("FAST {n:d}")
    def fast(chat, n):
        chat.state.texts.append(chat.text)
        return f"{n} fast"


def person(n):
    return f"+6149157{n:04}"


async def answered(store, count):
    while (await store.counts()).pending:
        await asyncio.sleep(0.01)
    return {n: await store.history(OURS, person(n), 100) for n in range(count)}


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_hundred_people_texting_twenty_times_at_once_stay_in_order(tmp_path, seed):
    chance = random.Random(seed)
    app = App(state=Heard)
    remembering(app, lambda: asyncio.sleep(chance.random() / 500))
    clock = RealClock()
    store = await SQLite.open(tmp_path / "order.db", now=clock.now)
    async with Service(app, TelstraV2(VALUES), store, InProcessClient(clock, {}), clock) as service:
        texts = [
            (n, f"{chance.choice(['SLOW', 'FAST'])} {turn}")
            for turn in range(20)
            for n in range(100)
        ]

        async def receive(batch):
            await service.parts.inbound_receiver.receive(
                [
                    Inbound(sender=person(n), recipient=OURS, text=text, received_at=clock.now())
                    for n, text in batch
                ]
            )

        await asyncio.gather(*[receive(texts[at : at + 50]) for at in range(0, len(texts), 50)])
        histories = await answered(store, 100)
    for entries in histories.values():
        replies = [entry.text for entry in entries if entry.direction == "out"]
        assert [int(reply.split()[0]) for reply in replies] == list(range(20))


async def test_a_person_whose_handler_waits_holds_up_nobody_else(tmp_path):
    gate = asyncio.Event()
    app = App(state=Heard)
    remembering(app, gate.wait)
    clock = RealClock()
    store = await SQLite.open(tmp_path / "gate.db", now=clock.now)
    async with Service(app, TelstraV2(VALUES), store, InProcessClient(clock, {}), clock) as service:
        for n, text in [(0, "SLOW 0"), (0, "FAST 1"), (1, "FAST 0")]:
            await service.parts.inbound_receiver.receive(
                [Inbound(sender=person(n), recipient=OURS, text=text, received_at=clock.now())]
            )
        while (await store.counts()).pending > 2:
            await asyncio.sleep(0.01)
        assert [e.text for e in await store.history(OURS, person(1), 9)] == ["FAST 0", "0 fast"]
        assert len(await store.history(OURS, person(0), 9)) == 2
        gate.set()
        await answered(store, 1)
        entries = await store.history(OURS, person(0), 9)
        assert [e.text for e in entries if e.direction == "out"] == ["0 slow", "1 fast"]


async def test_a_lease_that_was_lost_commits_nothing(tmp_path):
    clock = VirtualClock()
    store = await SQLite.open(tmp_path / "fence.db", now=clock.now)
    from cooee.storage import ClaimResult, NewOutbound

    inbound = Inbound(sender=person(1), recipient=OURS, text="hi", received_at=clock.now())
    await store.receive([NewInbound(inbound)])
    (stalled,) = await store.claim(1)
    await store.release([stalled])
    (fresh,) = await store.claim(1)
    late = ClaimResult(claim=stalled, handled_seq=1, drafts=[NewOutbound(text="late")])
    good = ClaimResult(claim=fresh, handled_seq=1, drafts=[NewOutbound(text="good")])
    finished = await store.finish([late, good])
    assert [one.is_committed for one in finished] == [False, True]
    entries = await store.history(OURS, person(1), 9)
    assert [entry.text for entry in entries] == ["hi", "good"]
    await store.close()
