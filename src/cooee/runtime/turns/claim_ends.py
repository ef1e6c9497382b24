"""The ends of claims: committed, tried again, set aside, or given back."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import count
from typing import TypeAlias

from msgspec.structs import replace

from cooee.clocks.clock import Clock, monotonic
from cooee.core.backoff import Backoff
from cooee.core.errors import StorageError
from cooee.runtime import events
from cooee.runtime.app_call import as_exception
from cooee.runtime.log import error_location, log_event
from cooee.runtime.next_look import NextLook
from cooee.runtime.store_retry import retry_until_available
from cooee.runtime.task_group import TaskGroup, is_loop_over
from cooee.runtime.turns.claim_turns import failed_claim_result
from cooee.runtime.turns.context import TurnContext
from cooee.runtime.turns.places import Places
from cooee.storage import Claim, ClaimResult, FinishedClaim, Store, TurnFailure

FinishClaims: TypeAlias = Callable[[Sequence[ClaimResult]], Awaitable[Sequence[FinishedClaim]]]
"""Commits turns, as `Store.finish`."""

_REFUSED_RETRY_AFTER = timedelta(minutes=1)  # until a claim whose failure was refused too
_GIVE_BACK_BACKOFF = Backoff.doubling(1, 60)  # between two tries to give a lease back


class ClaimEnds:
    """Ends claims, and frees their places.

    Args:
        context: the app, and what its turns share.
        store: where texts wait.
        clock: what to sleep on.
        finish: commits turns.
        places: the places of the claims under way.
        tasks: the tasks of the worker.
        next_look: the worker's next look at the store.
    """

    def __init__(
        self,
        context: TurnContext,
        store: Store,
        clock: Clock,
        finish: FinishClaims,
        *,
        places: Places,
        tasks: TaskGroup,
        next_look: NextLook,
    ) -> None:
        self._context, self._store, self._clock, self._finish = context, store, clock, finish
        self._places, self._tasks, self._next_look = places, tasks, next_look
        self._alone: set[bytes] = set()  # conversations whose next claim has one text
        self._publish = context.events.publish

    def shortened(self, claim: Claim) -> Claim:
        """Return a claim; its first text alone, where the last claim failed as a whole."""
        if claim.conversation not in self._alone:
            return claim
        self._alone.discard(claim.conversation)
        return replace(claim, texts=claim.texts[:1])

    async def commit(self, finishes: Sequence[ClaimResult]) -> None:
        """Commit turns; each alone, where the database refuses them together."""
        for finish in finishes:
            self._publish(events.TurnsFinished(finish))
            if finish.failure is not None:
                self._publish(_failure_event(finish.claim, finish.failure))
        try:
            committed = await retry_until_available(
                self._clock, "finish", lambda: self._finish(finishes)
            )
        except Exception as error:
            # delivery rule 11: each alone, since one conversation's refusal is no other's trouble
            if len(finishes) == 1:
                self._publish(events.CommitRefused(finishes[0].claim, error))
                await self.fail(finishes[0].claim, error)
                return
            for finish in finishes:
                await self.commit([finish])
            return
        for finish, finished in zip(finishes, committed, strict=True):
            self._end_committed(finish, finished)

    def drop(self, claims: Sequence[Claim], error: BaseException) -> None:
        """End claims whose task is over, or stuck."""
        if self._tasks.is_cancelling:  # our own stop: the next process runs them
            for claim in claims:
                self._places.free(claim)
            return
        cause = as_exception("A turn", error)
        for claim in claims:
            self._places.carry([claim], self.fail(claim, cause))

    async def fail(self, claim: Claim, error: Exception) -> None:
        """End a claim that could not be run or committed; free its place, whatever happens."""
        # delivery rule 19: the claim is failed, or postponed, or given back; one of them holds.
        place = self._places.of(claim)
        if place is not None:
            place.is_failing = True
            place.move("its failure")
        try:
            self._publish(events.ClaimFailed(claim, error))
            await self._write_failure(claim, error)
        except BaseException as refused:
            if self._tasks.is_cancelling or is_loop_over():
                raise
            log_event("claim-not-ended", logging.CRITICAL, error=error_location(refused))
            self._tasks.start(self._give_back(claim))
        finally:
            self._places.free(claim)
            self._next_look.now()

    def _end_committed(self, finish: ClaimResult, finished: FinishedClaim) -> None:
        claim, place = finish.claim, self._places.free(finish.claim)
        if _may_be_due(finish, finished):
            self._next_look.now()
        if not finished.is_committed:
            self._publish(events.LeaseExpired(claim))
            return
        duration_s = 0.0 if place is None else monotonic() - place.claimed_at
        self._publish(events.TurnsCommitted(finish, duration_s))
        if finish.withdrawn:
            self._publish(events.TextsCancelled(finish.withdrawn_outbounds, "no longer asked"))
        for one in finish.dialogue_updates:
            if one.end_reason:
                self._publish(events.DialogueEnded(claim, one.id, one.handler, one.end_reason))

    async def _write_failure(self, claim: Claim, error: Exception) -> None:
        if len(claim.texts) > 1:  # which of them is to blame shows when each runs by itself
            self._alone.add(claim.conversation)
            await self._postpone(claim, timedelta())
            return
        finish = failed_claim_result(self._context, claim, error)
        if finish.failure is not None:
            self._publish(_failure_event(claim, finish.failure))
        try:
            (finished,) = await retry_until_available(
                self._clock, "finish", lambda: self._finish([finish])
            )
        except StorageError as refused:
            self._publish(events.CommitRefused(claim, refused))
            await self._postpone(claim, _REFUSED_RETRY_AFTER)
        else:
            self._end_committed(finish, finished)

    async def _postpone(self, claim: Claim, pause: timedelta) -> None:
        until = self._clock.now() + pause
        await retry_until_available(
            self._clock, "postpone", lambda: self._store.postpone([claim], until)
        )

    async def _give_back(self, claim: Claim) -> None:
        """Give a lease back, however often that fails: nobody else could ever claim it."""
        for attempt in count(1):
            await self._clock.sleep(_GIVE_BACK_BACKOFF.pause_s(attempt))
            try:
                await self._store.release([claim])
            except Exception as error:
                log_event("lease-not-given-back", logging.ERROR, error=error_location(error))
            else:
                return


def _may_be_due(finish: ClaimResult, finished: FinishedClaim) -> bool:
    """Tell whether the conversation may be due again, by a text, a retry or a timer."""
    had_timers = any(one.due_at for one in finish.claim.dialogues)
    has_timers = had_timers or any(one.due_at for one in finish.dialogue_updates)
    return bool(finished.has_pending or finish.failure or has_timers or not finished.is_committed)


def _failure_event(claim: Claim, failure: TurnFailure) -> events.Event:
    if failure.retry_at is None:
        return events.TurnSetAside(claim, failure.error, failure.code_version, failure.dialogue_id)
    return events.TurnFailed(claim, failure.error, failure.retry_at, failure.dialogue_id)
