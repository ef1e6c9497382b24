"""Texts that several webhooks bring at a time are stored in one call, and fail each alone."""

import asyncio
from datetime import UTC, datetime

import pytest

from cooee.clocks.clock import RealClock
from cooee.core.app.opt_out import ProviderWords, opt_out_words
from cooee.core.app.routes import Routes
from cooee.core.errors import StorageError, StoreUnavailable
from cooee.core.messages import Inbound
from cooee.providers import Features
from cooee.runtime.events import Events
from cooee.runtime.inbound.receiver import InboundReceiver
from cooee.runtime.turns.handed_claims import HandedClaims
from cooee.storage import Claim, ReceivedText

NOW = datetime(2026, 11, 29, tzinfo=UTC)


class Shelf:
    """A store that keeps the calls, leases what it may, and refuses some texts."""

    def __init__(self, refused=(), error=StorageError):
        self.calls, self.refused, self.error = [], set(refused), error
        self.gate = asyncio.Event()
        self.gate.set()

    async def receive(self, arrivals, *, claim_limit=0):
        texts = [one.inbound.text for one in arrivals]
        self.calls.append((texts, claim_limit))
        await self.gate.wait()
        if self.refused.intersection(texts):
            raise self.error("refused")
        return [
            ReceivedText(text.encode(), is_new=text != "again", claim=lease(text, arrival.inbound))
            for text, arrival in zip(texts, arrivals, strict=True)
        ]


def lease(text, inbound):
    return Claim(text.encode(), inbound.recipient, inbound.sender, 1, 1, None, None, [])


class World:
    def __init__(self, **options):
        self.store, self.tasks, self.handed = (
            Shelf(**options),
            [],
            HandedClaims(lambda: 0, lambda: None),
        )
        self.handed.is_lending = True
        self.receiver = InboundReceiver(
            Features(polling=None, push=True, receipts="callback", max_text=1_600),
            opt_out_words(ProviderWords(), Routes()),
            self.store,
            lambda _: None,
            lambda: "+61491570006",
            clock=RealClock(),
            wake_worker=lambda: None,
            handed_claims=self.handed,
            start_task=lambda work: self.tasks.append(asyncio.ensure_future(work)),
            events=Events(),
        )

    def bring(self, *texts):
        inbounds = [
            Inbound(sender="+61491570156", recipient="+61491570006", text=text, received_at=NOW)
            for text in texts
        ]
        return asyncio.ensure_future(self.receiver.receive(inbounds))


async def test_texts_of_one_moment_share_a_call_and_each_webhook_hears_of_its_own():
    world = World()
    brought = [world.bring("a"), world.bring("b", "again"), world.bring("c")]
    stored = [[one.text for one in await each] for each in brought]
    assert stored == [["a"], ["b"], ["c"]]
    assert world.store.calls == [(["a", "b", "again", "c"], 4)]
    assert [claim.conversation for claim in world.handed.take()] == [b"a", b"b", b"again", b"c"]
    assert world.handed.count == 0
    await world.bring("d")
    assert len(world.store.calls) == 2


async def test_a_text_that_is_refused_takes_no_other_with_it():
    world = World(refused=["bad"])
    fine, bad, other = world.bring("a"), world.bring("bad"), world.bring("b")
    assert [one.text for one in await fine + await other] == ["a", "b"]
    with pytest.raises(StorageError):
        await bad
    assert [texts for texts, _ in world.store.calls] == [["a", "bad", "b"], ["a"], ["bad"], ["b"]]
    assert world.handed.count == len(world.handed.take()) == 2


async def test_a_database_that_is_locked_is_asked_once_and_nobody_is_told_of_success():
    world = World(refused=["a"], error=StoreUnavailable)
    for brought in [world.bring("a"), world.bring("b")]:
        with pytest.raises(StoreUnavailable):
            await brought
    assert len(world.store.calls) == 1
    assert world.handed.count == 0


async def test_who_leaves_early_takes_nothing_with_them():
    world = World()
    world.store.gate.clear()
    leaving, staying = world.bring("a"), world.bring("b")
    await asyncio.sleep(0.01)
    leaving.cancel()
    await asyncio.sleep(0)
    world.store.gate.set()
    assert [one.text for one in await staying] == ["b"]
    assert leaving.cancelled()
    assert [claim.conversation for claim in world.handed.take()] == [b"a", b"b"]


async def test_nobody_is_left_waiting_where_the_service_ends():
    world = World()
    world.store.gate.clear()
    waiting = world.bring("a")
    await asyncio.sleep(0.01)
    world.tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert world.handed.count == 0
