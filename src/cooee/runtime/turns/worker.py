"""The worker: claims conversations, runs their turns, commits the results."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from itertools import count
from typing import TypeAlias

from msgspec.structs import replace

from cooee.clocks.clock import Clock, WakeUp, monotonic
from cooee.core.backoff import Backoff
from cooee.core.errors import StorageError, StoreUnavailable
from cooee.runtime import events
from cooee.runtime.app_call import as_exception, call_app
from cooee.runtime.log import error_location, log_event
from cooee.runtime.store_retry import retry_until_available
from cooee.runtime.task_group import TROUBLE_SHOWN_S, TaskGroup, is_being_cancelled
from cooee.runtime.turns.claim_turns import failed_claim_result, run_claim
from cooee.runtime.turns.context import TurnContext
from cooee.runtime.turns.effects import HandlerCall
from cooee.runtime.turns.handler_calls import HandlerCalls
from cooee.runtime.turns.places import Places
from cooee.runtime.turns.thread_call import LateCall, ThreadCall, stack_of_thread
from cooee.runtime.turns.timer_hold import TimerHold
from cooee.runtime.turns.timer_sweep import TimerSweep
from cooee.runtime.turns.turn_thread import Step, TurnRunner, run_all
from cooee.storage import Checkpoint, Claim, ClaimResult, FinishedClaim, Store, TurnFailure

PrepareClaims: TypeAlias = Callable[[Sequence[Claim]], Awaitable[Sequence[Claim]]]

_SECOND_THREAD_AFTER_S = 0.05  # then another thread takes over the claims that still wait
_REFUSED_RETRY_AFTER = timedelta(minutes=1)  # until a claim whose failure was refused too
_GIVE_BACK_BACKOFF = Backoff.doubling(1, 60)  # between two tries to give a lease back


async def _all_claims(claims: Sequence[Claim]) -> Sequence[Claim]:
    return claims


class Worker:
    """Runs turns: in order for one person, side by side across people.

    Plain handlers run in a thread, many after each other; a handler that turns out slow gets a
    thread to itself. Async handlers run as tasks of the event loop.

    Each claim has a place, and a task that carries it. However that task ends, the claim ends:
    committed, to be tried again, or set aside with its error (delivery rule 19).

    Args:
        context: the app, and what its turns share.
        store: where texts wait.
        clock: what to sleep on.
        wake_senders: called when replies were queued.
        on_finish: called with turns whose commit was asked for, before `wake_senders`.
        prepare: returns the claims that can be run now, and looks after the others.
    """

    def __init__(
        self,
        context: TurnContext,
        store: Store,
        clock: Clock,
        wake_senders: Callable[[], None],
        *,
        on_finish: Callable[[Sequence[ClaimResult]], None] = lambda _: None,
        prepare: PrepareClaims = _all_claims,
    ) -> None:
        self.wake_up: WakeUp = clock.create_wake_up()
        self.timer_hold = TimerHold(clock, self.wake_up.set)
        self._context, self._store, self._clock = context, store, clock
        self._wake_senders, self._on_finish = wake_senders, on_finish
        self._prepare, self._handler_timeout_s = prepare, context.handler_timeout_s
        self._calls = HandlerCalls(context, clock)
        self._tasks = TaskGroup(clock, "turn", self.wake_up.set)
        self._places = Places(self._tasks, self._end_dropped)
        self._sweep = TimerSweep(context, store, clock, self._places.of)
        self._alone: set[bytes] = set()  # conversations whose next claim has one text
        self._stopping = False
        self._publish = context.events.publish
        self._last_trouble: tuple[float, str] = (-TROUBLE_SHOWN_S, "")

    async def run(self) -> None:
        """Run turns until `stop`; then wait for the turns under way."""
        try:
            while not self._stopping:
                try:
                    if not await self._claim():
                        await self.wake_up.wait(await self._seconds_until_due())
                except StoreUnavailable as error:
                    log_event("store-unavailable", logging.ERROR, error=str(error), during="claim")
                    await self.wake_up.wait(1)
                except BaseException as error:  # a worker that dies answers nobody
                    if is_being_cancelled():
                        raise
                    log_event("worker-failed", logging.CRITICAL, error=error_location(error))
                    self._last_trouble = (monotonic(), f"claims failed: {error_location(error)}")
                    await self.wake_up.wait(1)
            await self._tasks.close()
        finally:
            if self._stopping:  # out of time: the next process runs what is left
                await self._tasks.close(0)
                await self._calls.close()

    @property
    def trouble(self) -> str:
        """Handlers that took too long and still run, and the last failure of ours; "" for none."""
        happened_at, words = self._last_trouble
        is_recent = monotonic() - happened_at < TROUBLE_SHOWN_S
        return "; ".join(filter(None, [self._calls.trouble, words if is_recent else ""]))

    def stop(self) -> None:
        """Claim nothing new."""
        self._stopping = True
        self.wake_up.set()

    def check_places(self) -> None:
        """End the claims that make no step any more, and free their places."""
        # delivery rule 20: whatever holds a claim, its place is free for another
        for place in self._places.overdue(self._context.claim_timeout_s):
            claim, held_s = place.claim, place.held_s
            self._publish(events.ClaimStuck(claim, place.step, held_s))
            words = f"a claim made no step for {held_s:.0f} seconds after {place.step}"
            self._last_trouble = (monotonic(), words)
            if place.is_failing:  # its end hangs as well
                self._places.free(claim)
                self.wake_up.set()
            else:
                self._end_dropped([claim], TimeoutError(f"Stuck: {words}."))

    # A claim's way

    async def _claim(self) -> bool:
        """Claim conversations for the free places, and have them run; tell if more may be due."""
        free_count = self._places.free_count
        if not free_count:
            return False
        with_timers = not self.timer_hold.remaining_s()
        claims = await self._store.claim(free_count, with_timers=with_timers)
        claims = claims or (await self._sweep.claim(free_count) if with_timers else ())
        if not claims:
            return False
        try:
            self._places.take(claims)
            self._places.carry(claims, self._run_claims(claims))
        except BaseException as error:
            self._end_dropped(claims, error)
            raise
        return len(claims) >= free_count

    async def _seconds_until_due(self) -> float | None:
        held_s = self.timer_hold.remaining_s()
        due = (await self._store.next_due(outbound=False, with_timers=not held_s)).turn
        if not self._places.free_count:
            return None
        # where it is overdue, a turn under way has it
        due_s = None if due is None else max((due - self._clock.now()).total_seconds(), 0) or 0.1
        return min(filter(None, [held_s or self._sweep.pause_s, due_s]), default=None)

    async def _run_claims(self, claims: Sequence[Claim]) -> None:
        """Run new claims, without those that are not ready."""
        ready = await self._prepare([self._shortened(claim) for claim in claims])
        ready_leases = {claim.lease_id for claim in ready}
        for claim in claims:
            if claim.lease_id not in ready_leases:
                self._places.free(claim)
        for claim in ready:
            self._publish(events.ConversationClaimed(claim))
        if ready:
            await self._run_batch(ready)

    def _shortened(self, claim: Claim) -> Claim:
        """Return a claim; its first text alone, where the last claim failed as a whole."""
        if claim.conversation not in self._alone:
            return claim
        self._alone.discard(claim.conversation)
        return replace(claim, texts=claim.texts[:1])

    async def _run_batch(self, claims: Sequence[Claim]) -> None:
        """Run claims in one thread; those that a slow handler holds up continue in another."""
        under_way = {self._make_runner(claim): claim for claim in claims}
        queue, threads = deque(under_way), dict[asyncio.Future[None], ThreadCall[None]]()
        while under_way:
            # delivery rule 5: another thread takes the claims that wait behind a slow handler
            if queue:
                thread = ThreadCall(
                    run_all, queue, self._calls.may_share_thread, self._calls.call_here
                )
                threads[asyncio.wrap_future(thread.future)] = thread
            await asyncio.wait(threads, timeout=_SECOND_THREAD_AFTER_S)
            threads = {future: one for future, one in threads.items() if not future.done()}
            stopped = [runner for runner in under_way if runner.idle]
            await self._settle([(under_way.pop(runner), runner) for runner in stopped])
            for runner, claim in list(under_way.items()):
                self._reclaim(runner, claim, under_way, threads.values())

    def _make_runner(self, claim: Claim) -> TurnRunner:
        place = self._places.of(claim)
        on_step = (lambda _: None) if place is None else partial(_note_step, place.move)
        return TurnRunner(run_claim(self._context, claim), on_step)

    def _reclaim(
        self,
        runner: TurnRunner,
        claim: Claim,
        under_way: dict[TurnRunner, Claim],
        threads: Iterable[ThreadCall[None]],
    ) -> None:
        """Take a claim from a thread that takes too long, and give the thread up."""
        late_call = runner.reclaim(self._handler_timeout_s)
        is_stuck = not self._places.carried_by_this_task(claim)  # `check_places` has ended it
        if late_call is None and not is_stuck:
            return
        del under_way[runner]
        runner.detach()
        for thread in threads:
            if thread.thread_id == runner.thread_id:
                stack = stack_of_thread(thread.thread_id)
                self._calls.give_up(
                    thread, late_call or LateCall("a turn", 0, stack, thread.thread_id)
                )
        # delivery rule 10: the turn fails, and its thread is given up
        if late_call is not None:
            self._await_rest(claim, runner)

    async def _settle(self, runners: Sequence[tuple[Claim, TurnRunner]]) -> None:
        """Commit the claims that have ended; await what the others have to await."""
        finished = [one.step for _, one in runners if isinstance(one.step, ClaimResult)]
        for claim, runner in runners:
            if not isinstance(runner.step, ClaimResult):
                self._await_rest(claim, runner)
        if finished:
            await self._finish_turns(finished)

    def _await_rest(self, claim: Claim, runner: TurnRunner) -> None:
        """Run the rest of a claim in a task of its own."""
        self._places.carry([claim], self._run_one(claim, runner))

    async def _run_one(self, claim: Claim, runner: TurnRunner) -> None:
        """Run one claim, awaiting its calls and its checkpoints."""
        step = runner.step
        while isinstance(step, HandlerCall | Checkpoint):
            if isinstance(step, Checkpoint):
                step = await self._write_checkpoint(runner, step)
            else:
                outcome = await self._calls.call(step)
                step = runner.advance(outcome.value, outcome.error)
        if isinstance(step, ClaimResult):
            await self._finish_turns([step])
        elif step is None:
            self._places.free(claim)
        else:
            await self._end_failed(claim, step)

    async def _write_checkpoint(self, runner: TurnRunner, checkpoint: Checkpoint) -> Step:
        """Store a dialogue's journal before a call that must not be made twice."""
        self._publish(events.CheckpointStarted(checkpoint))
        try:
            (lease_held,) = await retry_until_available(
                self._clock, "checkpoint", lambda: self._store.checkpoint([checkpoint])
            )
        except Exception as error:
            return runner.advance(error=error)
        written = events.CheckpointWritten(checkpoint)
        self._publish(written if lease_held else events.LeaseExpired(checkpoint.claim))
        return runner.advance(lease_held)

    # The end of a claim

    async def _finish_turns(self, finishes: Sequence[ClaimResult]) -> None:
        for finish in finishes:
            self._publish(events.TurnsFinished(finish))
            if finish.failure is not None:
                self._publish(_failure_event(finish.claim, finish.failure))
        try:
            committed = await retry_until_available(
                self._clock, "finish", lambda: self._commit(finishes)
            )
        except Exception as error:
            # delivery rule 11: each alone, since one conversation's refusal is no other's trouble
            if len(finishes) == 1:
                self._publish(events.CommitRefused(finishes[0].claim, error))
                await self._end_failed(finishes[0].claim, error)
                return
            for finish in finishes:
                await self._finish_turns([finish])
            return
        for finish, finished in zip(finishes, committed, strict=True):
            self._end_committed(finish, is_committed=finished.is_committed)

    def _end_committed(self, finish: ClaimResult, *, is_committed: bool) -> None:
        claim, place = finish.claim, self._places.free(finish.claim)
        if not is_committed:
            self._publish(events.LeaseExpired(claim))
            return
        duration_s = 0.0 if place is None else monotonic() - place.claimed_at
        self._publish(events.TurnsCommitted(finish, duration_s))
        if finish.withdrawn:
            self._publish(events.TextsCancelled(finish.withdrawn_outbounds, "no longer asked"))
        for one in finish.dialogue_updates:
            if one.end_reason:
                self._publish(events.DialogueEnded(claim, one.id, one.handler, one.end_reason))

    async def _commit(self, finishes: Sequence[ClaimResult]) -> Sequence[FinishedClaim]:
        """Commit turns, and wake the senders so early that their attempts share the commit."""
        commit = asyncio.ensure_future(self._store.finish(finishes))
        self._tell(self._on_finish, finishes)
        await asyncio.sleep(0)  # lets the store take the commit first: no attempt comes before it
        if any(finish.drafts for finish in finishes):
            self._tell(self._wake_senders)
        return await commit

    def _tell(self, listener: Callable[..., None], *args: object) -> None:
        """Call a listener of commits; the commit is under way, whatever it raises."""
        error = call_app("on_finish", listener, *args).error
        if error is not None:
            log_event("listener-failed", logging.ERROR, error=error_location(error))

    # The end of a claim that comes to nothing

    def _end_dropped(self, claims: Sequence[Claim], error: BaseException) -> None:
        """End claims whose task is over, or stuck."""
        if self._tasks.is_cancelling:  # our own stop: the next process runs them
            for claim in claims:
                self._places.free(claim)
            return
        cause = as_exception("A turn", error)
        for claim in claims:
            self._places.carry([claim], self._end_failed(claim, cause))

    async def _end_failed(self, claim: Claim, error: Exception) -> None:
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
            if self._tasks.is_cancelling:
                raise
            log_event("claim-not-ended", logging.CRITICAL, error=error_location(refused))
            self._tasks.start(self._give_back(claim))
        finally:
            self._places.free(claim)

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
                self._clock, "finish", lambda: self._store.finish([finish])
            )
        except StorageError as refused:
            self._publish(events.CommitRefused(claim, refused))
            await self._postpone(claim, _REFUSED_RETRY_AFTER)
        else:
            self._end_committed(finish, is_committed=finished.is_committed)

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


def _note_step(move: Callable[[str], None], step: Step) -> None:
    if isinstance(step, HandlerCall):
        move(f"the call of {step.handler.name}")
    else:
        move("a checkpoint" if isinstance(step, Checkpoint) else "its last turn")


def _failure_event(claim: Claim, failure: TurnFailure) -> events.Event:
    if failure.retry_at is None:
        return events.TurnSetAside(claim, failure.error, failure.code_version, failure.dialogue_id)
    return events.TurnFailed(claim, failure.error, failure.retry_at, failure.dialogue_id)
