"""Fills a database with dialogues that wait, and says what a service on it takes.

python waiting.py fill FILE 100000        python waiting.py measure FILE
"""

import asyncio
import gc
import json
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import uvloop

from cooee import App, Chat
from cooee.clocks.clock import RealClock
from cooee.core.messages import Inbound
from cooee.net.http_client import InProcessClient
from cooee.providers import Accepted, Credentials, Features, Subscription
from cooee.runtime.service import Service
from cooee.storage import ClaimResult, DialogueUpdate, NewInbound
from cooee.storage.sqlite.store import SQLite

OURS = "+61491570006"
ANSWERED = 10
SLICE = 256
YEAR = timedelta(days=365)

app = App()


@app.dialogue("SURVEY")
async def survey(chat: Chat) -> str:
    for n in range(1, 1_000):
        await chat.ask(f"Question {n}?", timeout=YEAR)
    return "Thank you."


class Instant:
    """A provider without a network: every text is accepted before it is sent."""

    name, settings = "instant", ()
    features = Features(polling=None, push=True, receipts="none", max_text=1600, concurrency=64)

    def login(self):
        return Credentials("none")
        yield

    def subscribe(self, credentials, webhook_url, *, keep_direction=False):
        return Subscription(OURS, "elsewhere")
        yield

    def send(self, outbound, credentials):
        return Accepted(outbound.id)
        yield


def person(n):
    return f"+6149{n:07}"


def texts(numbers, words, now):
    return [
        NewInbound(Inbound(sender=person(n), recipient=OURS, text=words, received_at=now))
        for n in numbers
    ]


# Filling


async def fill(path, count):
    """Play one person's dialogue, and have as many others stand at the same question."""
    clock = RealClock()
    store = await SQLite.open(path, now=clock.now)
    service = Service(app, Instant(), store, InProcessClient(clock, {}), clock)
    async with service:
        await service.connect()
        for n in range(1 + ANSWERED):
            await text(service, 0, "SURVEY" if n == 0 else f"answer {n}")
        (stands,) = [talk.dialogue for talk in await store.dialogues()]
    store = await SQLite.open(path, now=clock.now)
    for first in range(1, count, SLICE):
        numbers = range(first, min(first + SLICE, count))
        await store.receive(texts(numbers, "SURVEY", clock.now()))
        claims = await store.claim(SLICE)
        await store.finish(
            [
                ClaimResult(
                    claim=one, handled_seq=1, is_asking=True, dialogue_updates=[as_stored(stands)]
                )
                for one in claims
            ]
        )
    await store.close()


def as_stored(stands):
    return DialogueUpdate(
        id=stands.id,
        handler=stands.handler,
        stored_count=0,
        entries=stands.entries,
        head=stands.head,
        due_at=stands.due_at,
    )


async def text(service, n, words):
    """Text, and wait for the answer."""
    before = len(await said_to(service.store, n))
    (arrival,) = texts([n], words, service.clock.now())
    await service.parts.inbound_receiver.receive([arrival.inbound])
    while len(await said_to(service.store, n)) == before:
        await asyncio.sleep(0.0005)


async def said_to(store, n):
    history = await store.history(OURS, person(n), 100)
    return [entry for entry in history if entry.direction == "out"]


# Measuring


def memory():
    """What of this process is in memory, in MB, but for what is mapped from files."""
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("RssAnon")]
    return int(line.split()[1]) / 1024


async def measure(path):
    clock = RealClock()
    gc.collect()
    store = await SQLite.open(path, now=clock.now)
    service = Service(app, Instant(), store, InProcessClient(clock, {}), clock)
    async with service:
        await service.connect()
        await asyncio.sleep(0.5)
        found = {
            "memory": memory(),
            "tasks": len(asyncio.all_tasks()),
            "threads": threading.active_count(),
        }
        found["idle"] = await idle(1.5)
        found["answer"] = await answering(service)
        await asyncio.sleep(0.3)
        found["tasks_after"] = len(asyncio.all_tasks())
        found["memory_after"] = memory()
        found["waiting"] = (await store.counts()).open_dialogues
        print(json.dumps(found))


async def idle(seconds):
    """The share of a core that it takes to wait."""
    before = time.process_time()
    await asyncio.sleep(seconds)
    return (time.process_time() - before) / seconds


async def answering(service):
    """Seconds from a text's arrival to the commit of its answer, the least of some people's.

    The least, since a busy machine makes any of them slow, and hardly all of them.
    """
    took = []
    for n in range(0, 60, 2):
        began = time.perf_counter()
        await text(service, n, "blue")
        took.append(time.perf_counter() - began)
    return min(took)


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        uvloop.run(fill(Path(sys.argv[2]), int(sys.argv[3])))
    else:
        uvloop.run(measure(Path(sys.argv[2])))
