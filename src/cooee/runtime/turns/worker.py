"""The worker: claims conversations, runs their turns, commits the results."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

from cooee.clocks.clock import Clock, monotonic
from cooee.core.errors import StoreUnavailable
from cooee.runtime import events
from cooee.runtime.log import error_location, log_event
from cooee.runtime.next_look import NextLook
from cooee.runtime.store_retry import retry_until_available
from cooee.runtime.task_group import TROUBLE_SHOWN_S, TaskGroup, is_being_cancelled
from cooee.runtime.turns.claim_ends import ClaimEnds, FinishClaims
from cooee.runtime.turns.claim_turns import run_claim
from cooee.runtime.turns.context import TurnContext
from cooee.runtime.turns.effects import HandlerCall
from cooee.runtime.turns.handed_claims import HandedClaims
from cooee.runtime.turns.handler_calls import HandlerCalls
from cooee.runtime.turns.places import Places
from cooee.runtime.turns.thread_call import LateCall, ThreadCall, stack_of_thread
from cooee.runtime.turns.timer_hold import TimerHold
from cooee.runtime.turns.timer_sweep import TimerSweep
from cooee.runtime.turns.turn_thread import Step, TurnRunner, run_all
from cooee.storage import Checkpoint, Claim, ClaimResult, Store

PrepareClaims: TypeAlias = Callable[[Sequence[Claim]], Awaitable[Sequence[Claim]]]

_OVERDUE_PAUSE = timedelta(seconds=0.1)  # before another look for a turn that is overdue
_SECOND_THREAD_AFTER_S = 0.05  # then another thread takes over the claims that still wait


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
        finish: commits turns; the store's `finish` by default.
        prepare: returns the claims that can be run now, and looks after the others.

    Attributes:
        handed_claims: where the receiver hands over the claims that came with their texts.
    """

    def __init__(
        self,
        context: TurnContext,
        store: Store,
        clock: Clock,
        *,
        finish: FinishClaims | None = None,
        prepare: PrepareClaims = _all_claims,
    ) -> None:
        self._look = NextLook(clock)
        self.timer_hold = TimerHold(clock, self._look.now)
        self._context, self._store, self._clock = context, store, clock
        self._prepare, self._handler_timeout_s = prepare, context.handler_timeout_s
        self._calls = HandlerCalls(context, clock)
        self._tasks = TaskGroup(clock, "turn", self._look_after_task)
        self._places = Places(self._tasks, self._end_dropped)
        self._ends = ClaimEnds(
            context,
            store,
            clock,
            finish or store.finish,
            places=self._places,
            tasks=self._tasks,
            next_look=self._look,
        )
        self.handed_claims = HandedClaims(lambda: len(self._places), self._look.wake)
        self._sweep = TimerSweep(context, store, clock, self._places.of)
        self._stopping = False
        self._publish = context.events.publish
        self._last_trouble: tuple[float, str] = (-TROUBLE_SHOWN_S, "")

    async def run(self) -> None:
        """Run turns until `stop`; then wait for the turns under way."""
        try:
            while not self._stopping:
                try:
                    await self._claim()
                    await self._look.wait()
                except StoreUnavailable as error:
                    log_event("store-unavailable", logging.ERROR, error=str(error), during="claim")
                    await self._look.rest()
                except BaseException as error:  # a worker that dies answers nobody
                    if is_being_cancelled():
                        raise
                    log_event("worker-failed", logging.CRITICAL, error=error_location(error))
                    self._last_trouble = (monotonic(), f"claims failed: {error_location(error)}")
                    await self._look.rest()
            await self._release_handed()
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
        self.handed_claims.is_lending = False
        self._look.wake()

    def wake(self) -> None:
        """Look at the store now; from any thread."""
        self._look.now()

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
                self._look.now()
            else:
                self._end_dropped([claim], TimeoutError(f"Stuck: {words}."))

    # A claim's way

    async def _claim(self) -> None:
        """Have the claims run that were handed over and, if it is time to look, those due."""
        while claims := self.handed_claims.take() or await self._claim_due():
            try:
                self._places.take(claims)
                self._places.carry(claims, self._run_claims(claims))
            except BaseException as error:
                self._end_dropped(claims, error)
                raise

    async def _claim_due(self) -> Sequence[Claim]:
        """Claim conversations for the free places, where it is time to look."""
        if not self._look.begin():
            return ()
        free_count = self._free_count
        if not free_count:
            # delivery rule 31: whoever waits for a place goes before those who text now
            self.handed_claims.is_lending = False
            return ()
        with_timers = not self.timer_hold.remaining_s()
        claims = await self._store.claim(free_count, with_timers=with_timers)
        claims = claims or (await self._sweep.claim(free_count) if with_timers else ())
        is_behind = len(claims) >= free_count
        self.handed_claims.is_lending = not is_behind and not self._stopping
        if claims:
            self._look.now()
        else:
            self._look.by(await self._next_due())
        return claims

    def _look_after_task(self) -> None:
        """Look soon, since nothing is known of; or now, where others wait for a place."""
        if self.handed_claims.is_lending:
            self._look.soon()
        else:
            self._look.now()

    @property
    def _free_count(self) -> int:
        return max(self._places.free_count - self.handed_claims.count, 0)

    async def _release_handed(self) -> None:
        """Give the leases of claims back that were handed over and not begun."""
        if claims := self.handed_claims.take():
            await retry_until_available(self._clock, "release", lambda: self._store.release(claims))

    async def _next_due(self) -> datetime | None:
        """Return when a turn, or a step of the sweep, is next due."""
        held_s = self.timer_hold.remaining_s()
        due = (await self._store.next_due(outbound=False, with_timers=not held_s)).turn
        now, pause_s = self._clock.now(), held_s or self._sweep.pause_s
        # where it is overdue, a turn under way has it
        moments = [
            now + _OVERDUE_PAUSE if due is not None and due <= now else due,
            None if pause_s is None else now + timedelta(seconds=pause_s),
        ]
        return min(filter(None, moments), default=None)

    async def _run_claims(self, claims: Sequence[Claim]) -> None:
        """Run new claims, without those that are not ready."""
        ready = await self._prepare([self._ends.shortened(claim) for claim in claims])
        ready_leases = {claim.lease_id for claim in ready}
        for claim in claims:
            if claim.lease_id not in ready_leases:
                self._places.free(claim)
                self._look.now()
        for claim in ready:
            self._publish(events.ConversationClaimed(claim))
        if ready:
            await self._run_batch(ready)

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
            await self._ends.commit(finished)

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
            await self._ends.commit([step])
        elif step is None:
            self._places.free(claim)
            self._look.now()
        else:
            await self._ends.fail(claim, step)

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

    def _end_dropped(self, claims: Sequence[Claim], error: BaseException) -> None:
        self._ends.drop(claims, error)


def _note_step(move: Callable[[str], None], step: Step) -> None:
    if isinstance(step, HandlerCall):
        move(f"the call of {step.handler.name}")
    else:
        move("a checkpoint" if isinstance(step, Checkpoint) else "its last turn")
