"""The sender: sends the outbox of one number, and settles unknown outcomes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from cooee.clocks.clock import Clock
from cooee.core.backoff import send_backoff
from cooee.core.errors import (
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    ProviderFailure,
    StorageError,
    StoreUnavailable,
    TemporaryFailure,
)
from cooee.core.http_messages import Flow
from cooee.core.messages import Outbound, Status
from cooee.providers import Accepted, Credentials
from cooee.runtime.app_call import as_exception
from cooee.runtime.events import (
    AdapterFailed,
    AttemptFinished,
    AttemptStarted,
    Events,
)
from cooee.runtime.log import error_location, log_event
from cooee.runtime.next_look import NextLook
from cooee.runtime.number_hold import NumberHold
from cooee.runtime.outbound.backlog import Backlog
from cooee.runtime.outbound.concurrency import ConcurrencyLimit, Ticket
from cooee.runtime.outbound.outcome_checks import OutcomeChecks
from cooee.runtime.outbound.quiet_hours import QuietHoursGate
from cooee.runtime.outbound.receipts import ReceiptHandler
from cooee.runtime.outbound.result_recorder import (
    ResultRecorder,
    accepted_result,
    unknown_result,
)
from cooee.runtime.outbound.token_bucket import TokenBucket
from cooee.runtime.provider_session import (
    ACCOUNT_STATUSES,
    ProviderSession,
)
from cooee.runtime.store_retry import retry_until_available
from cooee.runtime.task_group import TaskGroup, is_being_cancelled
from cooee.storage import AttemptResult, NextDue, SendAttempt, Store

_QUICKEST_ANSWER = timedelta(seconds=1)
_OVERDUE_PAUSE = timedelta(seconds=0.1)  # before another look for a text that is overdue
_PAUSE_AFTER_TROUBLE = timedelta(seconds=1)


class Sender:
    """Sends the queued texts of one of our numbers while it holds the number.

    Every attempt is recorded before it is made. One whose end is unknown is settled by a
    receipt, by asking the provider, by its idempotency key, or else by the app's `policy`.

    Args:
        ours: our number.
        hold: whether this process, of many, is the one that sends.
        session: the provider, logged in.
        store: the outbox.
        receipt_handler: where receipts go.
        clock: what to sleep on.
        policy: "hold" or "resend", for what nothing else settles.
        quiet_hours: when bulk texts have to wait.
        max_concurrency: the most sends under way at once.
        backlog: is told whether replies wait too long.
        events: where attempts are published.
    """

    def __init__(
        self,
        ours: str,
        *,
        hold: NumberHold,
        session: ProviderSession,
        store: Store,
        receipt_handler: ReceiptHandler,
        clock: Clock,
        policy: Literal["hold", "resend"],
        quiet_hours: QuietHoursGate,
        max_concurrency: int,
        backlog: Backlog,
        events: Events,
    ) -> None:
        self._look = NextLook(clock)
        self.trouble = ""
        self._ours, self._hold, self._session, self._store = ours, hold, session, store
        self._receipt_handler, self._clock = receipt_handler, clock
        self._quiet_hours, self._backlog, self._events = quiet_hours, backlog, events
        self._features = session.provider.features
        self._rate = TokenBucket(self._features.rate, clock.now())
        self._paused_until = clock.now()
        self._limit = ConcurrencyLimit(max_concurrency)
        self._recorder = ResultRecorder(store, clock, events, self._unrecordable_result)
        self._attempts = TaskGroup(clock, "attempt")  # each rings once its result is recorded
        self._checks = OutcomeChecks(
            ours,
            session=session,
            store=store,
            receipt_handler=receipt_handler,
            clock=clock,
            policy=policy,
            events=events,
            record=lambda result: self._recorder.add(result, self._after_record),
            on_checked=self._look.now,
        )
        self._lent_places = 0  # to turns under commit, which take their first reply with them
        self._is_behind = True  # texts may wait for a place
        self._is_idle = False  # the last look found nothing queued or under way, and nobody woke us
        self._was_woken = False  # since the last look began
        self._stopping = self._is_over = False

    async def run(self) -> None:
        """Send until `stop`; then end the attempts under way."""
        try:
            async with self._hold.kept(self._take_over):
                while not self._stopping:
                    # delivery rule 29: two senders would send at twice the rate
                    if not self._hold.is_held:
                        await self._look.rest(None)
                    elif self._look.begin():
                        self._look.by(await self._send_due())
                    else:
                        await self._look.wait()
                while self._lent_places:  # delivery rule 31: what is taken with a turn is sent
                    await self._look.rest()
        finally:
            self._is_over = self._stopping
        self._backlog.note_idle(self._ours)
        await self._attempts.close()
        await self._checks.close()
        await self._recorder.close()

    def stop(self) -> None:
        """Start no further attempt."""
        self._stopping = True
        self._look.wake()

    def wake(self) -> None:
        """Look at the store now: texts were queued, or are due."""
        self._is_idle, self._was_woken = False, True
        self._look.now()

    def note_settled(self) -> None:
        """Look at the store now, if a text may have waited for an attempt that is settled."""
        if self._is_idle:
            self._look.soon()
            free = self._free_places(self._clock.now())
            self._backlog.note_taken(self._ours, (), free=free, is_idle=self._limit.is_idle)
        else:
            self._look.now()

    def borrow_place(self) -> bool:
        """Lend a place to a turn whose commit takes a reply; False where there is none to lend.

        Whoever borrows calls `send`, with the reply that was taken or with none.
        """
        # delivery rule 31: whoever waits for a place goes before what is said now
        is_lending = self._hold.is_held and not (self._is_behind or self._stopping)
        if not is_lending or self._free_places(self._clock.now()) <= 0:
            return False
        self._lent_places += 1
        return True

    def send(self, attempts: Sequence[SendAttempt]) -> None:
        """Make the attempts that a turn has taken, in the place that was lent to it."""
        self._lent_places -= 1
        if self._is_over:
            self._attempts.start(self._put_back(attempts))
            return
        for one in attempts:
            self._start_attempt(one)
        if not attempts:
            self._look.now()  # the place is free for others

    async def _put_back(self, attempts: Sequence[SendAttempt]) -> None:
        """Queue taken texts again; where the store is closed, the next start finds the doubt."""
        now = self._clock.now()
        with suppress(StorageError):
            await self._store.defer([(attempt.outbound, now) for attempt in attempts])

    def _free_places(self, now: datetime) -> int:
        """Return how many attempts may begin now, by places, rate and the provider's pause."""
        if now < self._paused_until:
            return 0
        return min(self._limit.free, self._rate.available(now)) - self._lent_places

    def _start_attempt(self, attempt: SendAttempt) -> None:
        self._rate.spend(1)
        self._attempts.start(self._run_attempt(attempt, self._limit.begin()))

    def _take_over(self) -> None:
        """Begin as the number's only sender, perhaps right behind another process."""
        self._checks.begin()
        if self._hold.is_shared:  # the other process may have spent this second's tokens
            self._rate = TokenBucket(self._features.rate, self._clock.now(), is_full=False)
        self._look.now()

    async def _send_due(self) -> datetime | None:
        """Start what is due; return when more is, None where nothing is known of."""
        now, self._is_idle, self._was_woken = self._clock.now(), False, False
        try:
            if await self._start_attempts():
                return now
            next_due = await self._store.next_due(turns=False, ours=self._ours)
            check_at = self._checks.next_at(next_due)
            if check_at is not None and check_at <= now and await self._checks.check():
                return now
            is_sending = not self._limit.is_idle or self._lent_places > 0
            is_waiting = next_due.send is not None or next_due.lookup is not None
            self._is_idle = not (is_sending or is_waiting or self._was_woken)
            return self._next_moment(next_due, check_at)
        except StoreUnavailable as error:
            log_event("store-unavailable", logging.ERROR, error=str(error), during="send")
        except BaseException as error:  # a sender that dies sends nothing for anybody
            if is_being_cancelled():
                raise
            log_event("sender-failed", logging.CRITICAL, error=error_location(error))
        return now + _PAUSE_AFTER_TROUBLE

    async def _start_attempts(self) -> bool:
        now = self._clock.now()
        if not self._rate.available(now) or now < self._paused_until:
            self._backlog.note_idle(self._ours)  # no ack could hasten what waits
            return False
        free_slots = self._free_places(now)
        self._is_behind = True
        if free_slots <= 0:
            self._backlog.note_full(self._ours)
            return False
        attempts = await self._store.take(self._ours, free_slots)
        self._is_behind = len(attempts) == free_slots
        is_idle = not attempts and self._limit.is_idle
        free = free_slots - len(attempts)
        self._backlog.note_taken(self._ours, attempts, free=free, is_idle=is_idle)
        ready, later = self._quiet_hours.split(attempts, now)
        if later:
            await retry_until_available(self._clock, "defer", lambda: self._store.defer(later))
        for one in ready:
            self._start_attempt(one)
        return self._is_behind

    def _next_moment(self, next_due: NextDue, check_at: datetime | None) -> datetime | None:
        """Return when an attempt or a status check is due, None if none is."""
        now = self._clock.now()
        times = [check_at]
        if next_due.send is not None and self._limit.free:  # else a recorded result rings
            times.append(max(next_due.send, self._paused_until, self._rate.next_token_at(now)))
        due = min((moment for moment in times if moment is not None), default=None)
        return now + _OVERDUE_PAUSE if due is not None and due <= now else due

    # One attempt

    async def _run_attempt(self, attempt: SendAttempt, ticket: Ticket) -> None:
        outbound = self._session.with_callback(attempt.outbound)
        self._backlog.note_attempt(self._ours, attempt)
        # delivery rule 13: the attempt is recorded; a crash from here on leaves it unknown
        self._events.publish(AttemptStarted(outbound))
        # delivery rule 19: an attempt ends in a result as well, whatever the adapter hands over
        try:
            result = await self._make_attempt(attempt, outbound, ticket)
        except BaseException as error:
            if is_being_cancelled():
                raise
            result = self._unrecordable_result(
                unknown_result(attempt.outbound, None), as_exception("The adapter", error)
            )
        self._recorder.add(result, self._end_attempt)

    async def _make_attempt(
        self, attempt: SendAttempt, outbound: Outbound, ticket: Ticket
    ) -> AttemptResult:
        try:
            accepted = await self._session.call(partial(self._begin_send, outbound))
        except ProviderFailure as failure:
            self._limit.learn(ticket, failure)
            return self._failed_result(attempt, failure)
        except Exception as error:  # the adapter's own mistake: the text may have gone out
            self._events.publish(AdapterFailed(outbound, error))
            return self._failed_result(attempt, OutcomeUnknown("The provider's adapter failed."))
        self._limit.learn(ticket, None)
        self.trouble = ""
        # replay rule 17: a phone may have it, and its person answer, before the provider's response
        # is here; but nobody reads and answers within a second
        accepted_at = self._clock.now() - _QUICKEST_ANSWER
        result = accepted_result(outbound, accepted, max(accepted_at, outbound.at or accepted_at))
        finished = AttemptFinished(outbound, result.status, provider_id=result.provider_id)
        self._events.publish(finished)
        return result

    def _begin_send(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted]:
        # delivery rule 13: where this process stood still, others may have settled the attempt, and
        # have sent the text again.
        if not self._hold.is_held:
            raise TemporaryFailure("Nothing was sent: another process may send for this number.")
        return self._session.provider.send(outbound, credentials)

    def _failed_result(self, attempt: SendAttempt, failure: ProviderFailure) -> AttemptResult:
        """Return the result of a failed attempt: another one, an unknown outcome, or the end."""
        outbound, now = attempt.outbound, self._clock.now()
        status, retry_at = Status.FAILED, None
        if isinstance(failure, OutcomeUnknown):
            status, retry_at = Status.UNKNOWN, now + self._session.unknown_grace
        elif not isinstance(failure, PermanentFailure):
            retry_after = failure.retry_after if isinstance(failure, TemporaryFailure) else None
            pause = send_backoff(outbound.attempt, retry_after)
            if pause is not None:
                status, retry_at = Status.QUEUED, now + pause
            # delivery rule 16: the limit is the number's, so its other texts wait too
            if retry_after is not None:
                self._paused_until = max(
                    self._paused_until, now + timedelta(seconds=min(retry_after, 60))
                )
            self.trouble = str(failure)
        elif failure.status in ACCOUNT_STATUSES and not isinstance(failure, OptedOut):
            self.trouble = str(failure)  # the account is refused, and so will every text be
        self._events.publish(
            AttemptFinished(
                outbound,
                status,
                error=type(failure).__name__,
                code=failure.code,
                http_status=failure.status,
                message=failure.message,
                retry_at=retry_at,
            )
        )
        return AttemptResult(
            outbound=outbound,
            status=status,
            code=failure.code,
            message=failure.message,
            retry_at=retry_at,
            opted_out=isinstance(failure, OptedOut),
        )

    def _unrecordable_result(self, result: AttemptResult, error: Exception) -> AttemptResult:
        """Return the result of an attempt whose own result cannot be had, or recorded."""
        self._events.publish(AdapterFailed(result.outbound, error))
        return unknown_result(result.outbound, self._clock.now() + self._session.unknown_grace)

    def _end_attempt(self, result: AttemptResult) -> None:
        self._limit.free_place()
        self._after_record(result)

    def _after_record(self, result: AttemptResult) -> None:
        if result.status is Status.ACCEPTED:
            self.note_settled()
        else:
            self._look.now()
        if result.status is Status.FAILED:
            self._receipt_handler.report_failure(result.outbound)
