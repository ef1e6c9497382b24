"""When an outcome is asked for; and what the provider says is not lost."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from cooee.clocks.clock import VirtualClock
from cooee.clocks.offset import OffsetClock
from cooee.core.errors import StoreUnavailable
from cooee.core.messages import Outbound, Receipt, Status
from cooee.providers import Credentials, Features
from cooee.runtime.events import Events
from cooee.runtime.outbound.outcome_checks import OutcomeChecks
from cooee.storage import SendAttempt


class Applying:
    """A receipt handler whose store is away for the first calls."""

    def __init__(self, failures):
        self.failures, self.applied = failures, []

    async def apply(self, receipts):
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("away")
        self.applied += receipts


class Due:
    """A store with one text whose status is to be asked for."""

    def __init__(self, clock):
        outbound = Outbound(id="1", sender="+61400000000", recipient="+61491570156", text="hello")
        self._due = [SendAttempt(outbound, clock.now())]

    async def due_lookups(self, ours, limit):
        return []

    async def due_status_checks(self, ours, limit):
        due, self._due = self._due, []
        return due


async def test_a_status_is_recorded_however_long_the_database_is_away(caplog):
    clock, handler = VirtualClock(), Applying(failures=3)

    async def call(_):
        return Receipt(status=Status.DELIVERED, provider_status="DELIVRD", provider_id="p")

    session = SimpleNamespace(
        provider=SimpleNamespace(features=SimpleNamespace(receipts="poll")),
        call=call,
        webhook_base_url=None,
    )
    checks = OutcomeChecks(
        "+61400000000",
        session=session,
        store=Due(clock),
        receipt_handler=handler,
        clock=clock,
        policy="hold",
        events=None,
        record=None,
        on_checked=lambda: None,
    )
    assert await checks.check()
    await clock.advance(timedelta(minutes=5))
    [receipt] = handler.applied
    assert (receipt.outbound_id, receipt.status) == ("1", Status.DELIVERED)
    assert "task-failed" not in caplog.text
    await checks.close()


OURS, ANNA = "+61491570006", "+61491570156"


class World:
    """Checks, their store and a provider that settles after a minute and knows of no text."""

    def __init__(self):
        self.clock, self.unknowns, self.recorded, self.looked_up = (
            OffsetClock(),
            [],
            [],
            [],
        )
        self.provider, self.unknown_grace = self, timedelta(minutes=1)
        self.features = Features(
            polling=None,
            push=True,
            receipts="none",
            max_text=1600,
            lookup_settles_after=self.unknown_grace,
        )
        self.checks = OutcomeChecks(
            OURS,
            session=self,
            store=self,
            receipt_handler=self,
            clock=self.clock,
            policy="hold",
            events=Events(),
            record=self.recorded.append,
            on_checked=lambda: None,
        )

    def doubt(self, at):
        outbound = Outbound(id="1-c1", sender=OURS, recipient=ANNA, text="hello", at=at)
        self.unknowns = [SendAttempt(outbound, at)]

    async def due_lookups(self, ours, limit):
        unknowns, self.unknowns = self.unknowns, []
        return unknowns

    async def call(self, flow):
        self.looked_up.append(flow(Credentials("none")))

    def lookup(self, outbound, credentials):
        return outbound

    async def check(self):
        await self.checks.check()
        await self.checks.close()
        return self.recorded.pop()


@pytest.mark.parametrize("age", [0, 30])
async def test_the_attempt_of_a_process_that_died_is_not_looked_up_before_it_settles(age):
    world = World()
    world.clock.advance(timedelta(hours=1))  # this process has run for long
    at = world.clock.now() - timedelta(seconds=age)
    world.doubt(at)
    result = await world.check()
    assert (result.status, result.retry_at) == (Status.UNKNOWN, at + timedelta(minutes=1))
    assert world.looked_up == []


async def test_an_attempt_of_unknown_end_is_looked_up_once_it_has_settled():
    world = World()
    world.clock.advance(timedelta(hours=1))
    world.doubt(world.clock.now() - timedelta(seconds=60))
    assert (await world.check()).status is Status.QUEUED
    assert len(world.looked_up) == 1


async def test_an_attempt_of_the_last_run_is_looked_up_after_the_start_has_settled():
    world = World()
    world.doubt(world.clock.now() - timedelta(days=1))
    assert (await world.check()).status is Status.UNKNOWN
    assert world.looked_up == []
