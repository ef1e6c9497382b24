"""Hands our texts over, attempt by attempt, and finds out what became of them."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from cooee.clocks.clock import Bell, Clock
from cooee.core.backoff import send_after
from cooee.core.errors import (
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    ProviderFailure,
    StoreUnavailable,
    TemporaryFailure,
)
from cooee.core.messages import Outbound, Receipt, Status
from cooee.providers import Accepted
from cooee.runtime.log import blame, tell
from cooee.runtime.outbound.quiet_hours import Night
from cooee.runtime.outbound.receipts import Newsroom
from cooee.runtime.provider_session import PATIENCE, Account
from cooee.runtime.store_retry import insist
from cooee.runtime.task_group import Crew
from cooee.storage import Alarms, Outcome, Store, Taken


class Sender:
    """Sends what is queued for one number of ours.

    Every attempt is recorded before it is made. One whose end is unknown is settled by a
    receipt, by asking the provider, by its idempotency key, or else by the app's `policy`.

    Args:
        ours: our number.
        account: the provider, logged in.
        store: the outbox.
        newsroom: where receipts go.
        clock: what to sleep on.
        policy: "hold" or "resend", for what nothing else settles.
        night: when what we start has to wait.
    """

    def __init__(
        self,
        ours: str,
        *,
        account: Account,
        store: Store,
        newsroom: Newsroom,
        clock: Clock,
        policy: Literal["hold", "resend"],
        night: Night,
    ) -> None:
        self.bell: Bell = clock.bell()
        self.trouble = ""
        self._ours, self._account, self._store = ours, account, store
        self._newsroom, self._clock, self._policy = newsroom, clock, policy
        self._night = night
        self._features = account.provider.features
        self._rate = _Rate(self._features.rate, clock.now())
        self._since = clock.now()
        self._rest_until = clock.now()
        self._crew = Crew(clock, "attempt", self.bell.ring)
        self._stopping = False

    async def run(self) -> None:
        """Send until `stop`; then end the attempts under way."""
        while not self._stopping:
            wait: float | None = 1
            try:
                if await self._take():
                    continue
                alarms = await self._store.alarms()
                if self._past(self._next_question(alarms)) and await self._ask_around():
                    continue
                wait = self._until_due(alarms)
            except StoreUnavailable as error:
                tell("store-unavailable", logging.ERROR, error=str(error), during="send")
            except Exception as error:  # a sender that dies sends nothing for anybody
                tell("sender-failed", logging.CRITICAL, error=blame(error))
            await self.bell.wait(wait)
        await self._crew.end()

    def stop(self) -> None:
        """Take nothing new."""
        self._stopping = True
        self.bell.ring()

    async def _take(self) -> bool:
        now = self._clock.now()
        room = min(self._features.concurrency - len(self._crew), self._rate.allowed(now))
        if room <= 0 or now < self._rest_until:
            return False
        taken = await self._store.take(self._ours, room)
        ready, later = self._night.sort(taken, now)
        if later:
            await insist(self._clock, "defer", lambda: self._store.defer(later))
        self._rate.spend(len(ready))
        for one in ready:
            self._crew.start(self._attempt(one))
        return len(taken) == room

    def _until_due(self, alarms: Alarms) -> float | None:
        """Seconds until something is due; a moment where what is due is not ours to do."""
        now = self._clock.now()
        full = len(self._crew) >= self._features.concurrency  # then the end of an attempt rings
        times = [self._next_question(alarms)]
        if alarms.send is not None and not full:
            times.append(max(alarms.send, self._rest_until, self._rate.ready(now)))
        due = min((moment for moment in times if moment is not None), default=None)
        if due is None:
            return None
        return (due - now).total_seconds() if due > now else 0.1

    def _next_question(self, alarms: Alarms) -> datetime | None:
        """When the provider is next to be asked about a text: where it is, or how it fares."""
        times = [alarms.check, alarms.report if self._features.receipts != "none" else None]
        return min((moment for moment in times if moment is not None), default=None)

    def _past(self, moment: datetime | None) -> bool:
        return moment is not None and moment <= self._clock.now()

    # One attempt

    async def _attempt(self, taken: Taken) -> None:
        outbound = self._account.addressed(taken.outbound)
        tell("sending", logging.DEBUG, id=outbound.id, attempt=outbound.attempt)
        try:
            accepted = await self._account.ask(
                lambda credentials: self._account.provider.send(outbound, credentials)
            )
        except ProviderFailure as failure:
            outcome = self._failed(taken, failure)
        except Exception as error:  # the adapter's own mistake: the text may have gone out
            tell("provider-failed", logging.CRITICAL, id=outbound.id, error=blame(error))
            outcome = self._failed(taken, OutcomeUnknown("The provider's adapter failed."))
        else:
            self.trouble = ""
            outcome = _accepted(outbound, accepted)
        tell("sent", logging.DEBUG, id=outbound.id, status=outcome.status.name.lower())
        await self._keep(outcome)
        tell("recorded", logging.DEBUG, id=outbound.id)

    def _failed(self, taken: Taken, failure: ProviderFailure) -> Outcome:
        """What a failure makes of a text: another attempt, a doubt, or its end."""
        outbound, now = taken.outbound, self._clock.now()
        tell(
            "send-failed",
            logging.WARNING,
            id=outbound.id,
            attempt=outbound.attempt,
            failure=type(failure).__name__,
            code=failure.code or None,
            status=failure.status or None,
            private={"theirs": outbound.recipient, "words": failure.message},
        )
        status, retry_at = Status.FAILED, None
        if isinstance(failure, OutcomeUnknown):
            status, retry_at = Status.UNKNOWN, now + self._account.first_doubt
        elif not isinstance(failure, PermanentFailure):
            asked = failure.retry_after if isinstance(failure, TemporaryFailure) else None
            pause = send_after(outbound.attempt, asked)
            if pause is not None:
                status, retry_at = Status.QUEUED, now + pause
            if asked is not None:
                self._rest_until = max(self._rest_until, now + timedelta(seconds=min(asked, 60)))
            self.trouble = str(failure)
        return Outcome(
            outbound=outbound,
            status=status,
            code=failure.code,
            words=failure.message,
            retry_at=retry_at,
            opted_out=isinstance(failure, OptedOut),
        )

    async def _keep(self, outcome: Outcome) -> None:
        await insist(self._clock, "record", lambda: self._store.record([outcome]))
        if outcome.status is Status.FAILED:
            await self._newsroom.failed(outcome.outbound)

    # Attempts of unknown end, and news of accepted texts

    async def _ask_around(self) -> bool:
        """Settle doubts and ask for news that are due; whether there were any."""
        doubtful = await self._store.doubtful(self._ours, 16)
        for taken in doubtful:
            self._crew.start(self._settle(taken))
        if self._features.receipts == "none":
            return bool(doubtful)
        unreported = await self._store.unreported(self._ours, 16)
        for taken in unreported:
            if self._is_to_ask(taken.outbound):
                self._crew.start(self._inquire(taken.outbound))
        return bool(doubtful or unreported)

    def _is_to_ask(self, outbound: Outbound) -> bool:
        """Whether to ask for news: where none is pushed to us, or what was pushed got lost."""
        if self._features.receipts == "poll" or self._account.hook is None:
            return True
        return outbound.at is None or self._clock.now() - outbound.at > PATIENCE

    async def _settle(self, taken: Taken) -> None:
        outbound, features, now = taken.outbound, self._features, self._clock.now()
        # an attempt of the last run has no known age
        ripe = self._since + self._account.first_doubt
        if now < ripe and (features.lookup_settles or features.receipts == "callback"):
            await self._keep(_doubt(outbound, ripe))
        elif features.lookup_settles is not None:
            await self._look_up(outbound)
        elif features.idempotency or self._policy == "resend":
            await self._keep(Outcome(outbound=outbound, status=Status.QUEUED, retry_at=now))
        else:
            tell("send-on-hold", logging.WARNING, id=outbound.id, attempt=outbound.attempt)
            await self._keep(_doubt(outbound, None))

    async def _look_up(self, outbound: Outbound) -> None:
        try:
            found = await self._account.ask(
                lambda credentials: self._account.provider.lookup(outbound, credentials)
            )
        except ProviderFailure as failure:
            tell("lookup-failed", logging.WARNING, id=outbound.id, error=str(failure))
            return  # it comes again by itself
        if found is None:
            retry = Outcome(outbound=outbound, status=Status.QUEUED, retry_at=self._clock.now())
            await self._keep(retry)
        else:
            await self._keep(_accepted(outbound, found))

    async def _inquire(self, outbound: Outbound) -> None:
        try:
            receipt: Receipt | None = await self._account.ask(
                lambda credentials: self._account.provider.status(outbound, credentials)
            )
        except ProviderFailure as failure:
            tell("status-failed", logging.DEBUG, id=outbound.id, error=str(failure))
            return
        if receipt is not None:
            await self._newsroom.settle([msgspec.structs.replace(receipt, outbound=outbound.id)])


class _Rate:
    """A bucket of a second's texts that fills by itself."""

    def __init__(self, rate: float | None, now: datetime) -> None:
        self._rate, self._tokens, self._at = rate, max(rate or 0, 1.0), now

    def allowed(self, now: datetime) -> int:
        if self._rate is None:
            return 1 << 16
        passed = (now - self._at).total_seconds()
        self._tokens = min(max(self._rate, 1), self._tokens + passed * self._rate)
        self._at = now
        return int(self._tokens)

    def spend(self, count: int) -> None:
        self._tokens -= count

    def ready(self, now: datetime) -> datetime:
        if self._rate is None or self._tokens >= 1:
            return now
        return now + timedelta(seconds=(1 - self._tokens) / self._rate)


def _accepted(outbound: Outbound, accepted: Accepted) -> Outcome:
    return Outcome(outbound=outbound, status=Status.ACCEPTED, provider_id=accepted.provider_id)


def _doubt(outbound: Outbound, until: datetime | None) -> Outcome:
    return Outcome(outbound=outbound, status=Status.UNKNOWN, retry_at=until)
