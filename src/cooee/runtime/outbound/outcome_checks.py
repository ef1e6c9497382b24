"""OutcomeChecks: settles unknown outcomes, and asks for receipts that no provider pushes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec

from cooee.clocks.clock import Clock
from cooee.core.errors import ProviderFailure
from cooee.core.messages import Outbound, Receipt, Status
from cooee.runtime.events import AttemptHeld, Events, LookupFailed, StatusCheckFailed
from cooee.runtime.outbound.receipts import ReceiptHandler
from cooee.runtime.outbound.result_recorder import accepted_result, unknown_result
from cooee.runtime.provider_session import RECEIPT_TIMEOUT, ProviderSession
from cooee.runtime.store_retry import retry_until_available
from cooee.runtime.task_group import TaskGroup
from cooee.storage import AttemptResult, NextDue, SendAttempt, Store


class OutcomeChecks:
    """The look-ups and status checks of one number's texts.

    Args:
        ours: our number.
        session: the provider, logged in.
        store: the outbox.
        receipt_handler: where receipts go.
        clock: what tells the time.
        policy: "hold" or "resend", for what nothing else settles.
        events: where checks are published.
        record: records a result.
        on_checked: called when a check has ended.
    """

    def __init__(
        self,
        ours: str,
        *,
        session: ProviderSession,
        store: Store,
        receipt_handler: ReceiptHandler,
        clock: Clock,
        policy: Literal["hold", "resend"],
        events: Events,
        record: Callable[[AttemptResult], None],
        on_checked: Callable[[], None],
    ) -> None:
        self._ours, self._session, self._store = ours, session, store
        self._receipt_handler, self._clock, self._policy = receipt_handler, clock, policy
        self._events, self._record = events, record
        self._features = session.provider.features
        self._started_at = clock.now()
        self._checks = TaskGroup(clock, "check", on_checked)

    def begin(self) -> None:
        """Begin anew: attempts of another process have no known age."""
        self._started_at = self._clock.now()

    async def close(self) -> None:
        """Wait for the checks under way."""
        await self._checks.close()

    def next_at(self, next_due: NextDue) -> datetime | None:
        """Return when the provider is next to be asked for an outcome or a status."""
        times = [
            next_due.lookup,
            next_due.status_check if self._features.receipts != "none" else None,
        ]
        return min((moment for moment in times if moment is not None), default=None)

    async def check(self) -> bool:
        """Settle unknown outcomes and ask for the receipts that are due; say if any was due."""
        unknowns = await self._store.due_lookups(self._ours, 16)
        for attempt in unknowns:
            self._checks.start(self._resolve_unknown(attempt))
        if self._features.receipts == "none":
            return bool(unknowns)
        unreported = await self._store.due_status_checks(self._ours, 16)
        for attempt in unreported:
            if self._should_ask_status(attempt.outbound):
                self._checks.start(self._ask_status(attempt.outbound))
        return bool(unknowns or unreported)

    def _should_ask_status(self, outbound: Outbound) -> bool:
        """Tell whether to ask for a receipt: none is pushed to us, or the pushed one got lost."""
        if self._features.receipts == "poll" or self._session.webhook_base_url is None:
            return True
        return outbound.at is None or self._clock.now() - outbound.at > RECEIPT_TIMEOUT

    async def _resolve_unknown(self, attempt: SendAttempt) -> None:
        outbound, features, now = attempt.outbound, self._features, self._clock.now()
        # delivery rule 14: in its order. An attempt of the last run has no known age; that of a
        # process that died meanwhile is as young as its record.
        began_at = max(self._started_at, outbound.at or self._started_at)
        resolve_at = began_at + self._session.unknown_grace
        if now < resolve_at and (features.lookup_settles_after or features.receipts == "callback"):
            self._record(unknown_result(outbound, resolve_at))
        elif features.lookup_settles_after is not None:
            await self._look_up(outbound)
        elif features.idempotency or self._policy == "resend":
            self._record(AttemptResult(outbound=outbound, status=Status.QUEUED, retry_at=now))
        else:
            self._events.publish(AttemptHeld(outbound))
            self._record(unknown_result(outbound, None))

    async def _look_up(self, outbound: Outbound) -> None:
        try:
            accepted = await self._session.call(
                lambda credentials: self._session.provider.lookup(outbound, credentials)
            )
        except ProviderFailure as failure:
            self._events.publish(LookupFailed(outbound, failure))
            return  # the store has it due again
        if accepted is None:
            retry = AttemptResult(
                outbound=outbound, status=Status.QUEUED, retry_at=self._clock.now()
            )
            self._record(retry)
        else:
            # replay rule 16: it went out with the attempt, long before it was found
            self._record(accepted_result(outbound, accepted, outbound.at))

    async def _ask_status(self, outbound: Outbound) -> None:
        try:
            receipt: Receipt | None = await self._session.call(
                lambda credentials: self._session.provider.status(outbound, credentials)
            )
        except ProviderFailure as failure:
            self._events.publish(StatusCheckFailed(outbound, failure))
            return
        if receipt is not None:
            reported = [msgspec.structs.replace(receipt, outbound_id=outbound.id)]
            # delivery rule 15: a provider that was asked may not say it again.
            await retry_until_available(
                self._clock, "receipts", lambda: self._receipt_handler.apply(reported)
            )
