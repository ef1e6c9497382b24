"""What a provider was asked and has said is not lost, however long the database is away."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from cooee.clocks.clock import VirtualClock
from cooee.core.errors import StoreUnavailable
from cooee.core.messages import Outbound, Receipt, Status
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
