"""Two versions of an app run side by side on a PostgreSQL, and the new one is rolled back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from cooee import App
from cooee.clocks.clock import RealClock
from cooee.core.messages import Inbound
from cooee.net.http_client import InProcessClient
from cooee.runtime.roles import Role
from cooee.runtime.service import Service
from cooee.runtime.wiring import ServiceOptions
from cooee.storage import open_store
from cooee.testing.kit_provider import make_provider

pytestmark = pytest.mark.slow
OURS = "+61491570006"


def booking(version):
    """An app whose second version asks one thing more; each text says by which it was asked."""
    app = App(version=version)

    @app.dialogue("BOOK")
    async def book(chat):
        await chat.ask(f"{version} name?", key="name")
        if version == "new":
            await chat.ask(f"{version} day?", key="day")
        await chat.ask(f"{version} how many?", key="count")
        return f"{version} done"

    return app


@asynccontextmanager
async def process(app, url):
    """A process that runs turns, and neither sends nor polls."""
    clock = RealClock()
    store = await open_store(url, now=clock.now, forget_key="ab" * 32)
    service = Service(
        app,
        make_provider("simulated", (), {}),
        store,
        InProcessClient(clock, {}),
        clock,
        options=ServiceOptions(roles=frozenset({Role.WORKER}), shared=True),
    )
    async with service:
        yield service


class Person:
    """Somebody who books; what they were told is in order, since each text waits for the last."""

    def __init__(self, number):
        self.number, self.told = number, []

    async def text(self, service, words):
        now = service.clock.now()
        inbound = Inbound(sender=self.number, recipient=OURS, text=words, received_at=now)
        await service.parts.inbound_receiver.receive([inbound])
        while True:
            entries = await service.store.history(OURS, self.number, 50)
            told = [entry.text for entry in entries if entry.direction == "out"]
            if len(told) > len(self.told):
                self.told = told
                return
            await asyncio.sleep(0.02)

    async def finish(self, service):
        while not self.told[-1].endswith("done"):
            await self.text(service, "an answer")

    @property
    def versions(self):
        return [text.split()[0] for text in self.told]


async def test_what_new_code_has_moved_is_played_by_new_code_until_it_is_rolled_back(migrated_url):
    people = [Person(f"+6149158{number:04}") for number in range(8)]

    async def everybody(deed):
        await asyncio.gather(*map(deed, people))

    async with process(booking("old"), migrated_url) as old:
        await everybody(lambda one: one.text(old, "BOOK"))
        async with process(booking("new"), migrated_url) as new:
            await everybody(lambda one: one.finish(old))
            for one in people:
                assert one.versions == sorted(one.versions, reverse=True)  # never old behind new
                assert len(one.told) == len(set(one.told))  # nothing is asked twice
                one.told = []
            people[:] = [Person(f"+6149159{number:04}") for number in range(8)]
            await everybody(lambda one: one.text(new, "BOOK"))
            await everybody(lambda one: one.text(new, "Anna"))
            in_the_middle = [one for one in people if one.told[-1] == "new day?"]
        # rolled back: whoever is in the middle goes on with the old code
        await everybody(lambda one: one.finish(old))
        for one in people:
            assert one.told[-1] == "old done"
        for one in in_the_middle:
            assert one.told[-2:] == ["old how many?", "old done"]
