"""The worker: claims conversations, runs their turns, commits the results."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeAlias, TypeVar

from cooee.clocks.clock import Clock, WakeUp, monotonic
from cooee.core.errors import StorageError, StoreUnavailable
from cooee.runtime import events
from cooee.runtime.log import log_event
from cooee.runtime.store_retry import retry_until_available
from cooee.runtime.task_group import TaskGroup
from cooee.runtime.turns.claim_turns import run_claim
from cooee.runtime.turns.context import TurnContext
from cooee.runtime.turns.effects import HandlerCall
from cooee.runtime.turns.thread_call import LateCall, ThreadCall, handler_timeout_error
from cooee.runtime.turns.turn_thread import (
    Step,
    TurnRunner,
    as_exception,
    run_all,
    timeout_error,
)
from cooee.storage import Checkpoint, Claim, ClaimResult, Store, TurnFailure

T = TypeVar("T")
PrepareClaims: TypeAlias = Callable[[Sequence[Claim]], Awaitable[Sequence[Claim]]]

_MAX_CONVERSATIONS = 256  # claimed at a time
_SLOW_HANDLER_S = 0.005  # a handler that once took longer runs in a thread of its own
_SECOND_THREAD_AFTER_S = 0.05  # then another thread takes over the claims that still wait
_COMMIT_RETRY_AFTER = timedelta(minutes=1)  # until a claim is tried again whose commit was refused


async def _all_claims(claims: Sequence[Claim]) -> Sequence[Claim]:
    return claims


class Worker:
    """Runs turns: in order for one person, side by side across people.

    Plain handlers run in a thread, many after each other; a handler that turns out slow gets a
    thread to itself. Async handlers run as tasks of the event loop.

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
        self._context, self._store, self._clock = context, store, clock
        self._wake_senders, self._on_finish = wake_senders, on_finish
        self._prepare, self._handler_timeout_s = prepare, context.handler_timeout_s
        self._slow_handlers: set[str] = set()
        self._late_calls: dict[ThreadCall[Any], str] = {}  # given up, with the handler's name
        self._running_count = 0
        self._tasks = TaskGroup(clock, "turn", self.wake_up.set)
        self._stopping = False
        self._publish = context.events.publish
        self._claimed_at: dict[bytes, float] = {}  # by conversation

    async def run(self) -> None:
        """Run turns until `stop`; then wait for the turns under way."""
        while not self._stopping:
            timeout: float | None = None
            try:
                claims = await self._claim()
                if claims:
                    self._running_count += len(claims)
                    self._tasks.start(self._run_batch(claims))
                    continue
                timeout = await self._seconds_until_due()
            except StoreUnavailable as error:
                log_event("store-unavailable", logging.ERROR, error=str(error), during="claim")
                timeout = 1
            await self.wake_up.wait(timeout)
        await self._tasks.close()

    @property
    def trouble(self) -> str:
        """The handlers that took too long and still run; "" where there is none."""
        names = [name for thread, name in self._late_calls.items() if thread.is_alive]
        if not names:
            return ""
        handlers = ", ".join(sorted(set(names)))
        return f"{len(names)} threads do not come back from {handlers}"

    def stop(self) -> None:
        """Claim nothing new."""
        self._stopping = True
        self.wake_up.set()

    async def _claim(self) -> Sequence[Claim]:
        room = _MAX_CONVERSATIONS - self._running_count
        if room <= 0:
            return []
        claims = await self._prepare(await self._store.claim(room))
        for claim in claims:
            self._claimed_at[claim.conversation] = monotonic()
            self._publish(events.ConversationClaimed(claim))
        return claims

    async def _seconds_until_due(self) -> float | None:
        due = (await self._store.next_due()).turn
        if due is None or self._running_count >= _MAX_CONVERSATIONS:
            return None
        seconds = (due - self._clock.now()).total_seconds()
        return seconds if seconds > 0 else 0.1  # a turn under way has what is due

    async def _run_batch(self, claims: Sequence[Claim]) -> None:
        """Run claims in one thread; those that a slow handler holds up continue in another."""
        runners = [TurnRunner(run_claim(self._context, claim)) for claim in claims]
        queue, threads = deque(runners), dict[asyncio.Future[None], ThreadCall[None]]()
        while runners:
            # delivery rule 5: another thread takes the claims that wait behind a slow handler
            if queue:
                thread = ThreadCall(run_all, queue, self._may_share_thread, self._call_timed)
                threads[asyncio.wrap_future(thread.future)] = thread
            await asyncio.wait(threads, timeout=_SECOND_THREAD_AFTER_S)
            threads = {future: one for future, one in threads.items() if not future.done()}
            stopped = [runner for runner in runners if runner.idle]
            runners = [runner for runner in runners if not runner.idle]
            await self._settle(stopped)
            late = [(runner, runner.reclaim(self._handler_timeout_s)) for runner in runners]
            for runner, late_call in late:
                # delivery rule 10: the turn fails, and its thread is given up
                if late_call is not None:
                    runners.remove(runner)
                    thread = next(
                        one for one in threads.values() if one.thread_id == late_call.thread_id
                    )
                    self._give_up(thread, late_call)
                    self._await_rest(runner, runner.step)

    async def _settle(self, runners: Sequence[TurnRunner]) -> None:
        """Commit the claims that have ended; await what the others have to await."""
        finished = [runner.step for runner in runners if isinstance(runner.step, ClaimResult)]
        for runner in runners:
            if not isinstance(runner.step, ClaimResult):
                self._await_rest(runner, runner.step)
        if finished:
            await self._finish_turns(finished)

    def _await_rest(self, runner: TurnRunner, step: Step) -> None:
        """Run the rest of a claim in a task of its own."""
        self._tasks.start(self._run_one(runner, step))

    def _may_share_thread(self, call: HandlerCall) -> bool:
        """Tell whether a call may be made in a thread that other claims share."""
        return (
            call.sync
            and not self._context.app.middleware
            and call.handler.name not in self._slow_handlers
        )

    def _call_timed(self, call: HandlerCall) -> Any:
        started_at = monotonic()
        try:
            return call.run()
        finally:
            if monotonic() - started_at > _SLOW_HANDLER_S:
                self._slow_handlers.add(call.handler.name)

    def _give_up(self, thread: ThreadCall[Any], late_call: LateCall) -> None:
        """Leave a thread to itself: nothing can stop it without harm, and nobody waits for it."""
        self._late_calls = {one: name for one, name in self._late_calls.items() if one.is_alive}
        self._late_calls[thread] = late_call.handler
        self._publish(
            events.HandlerAbandoned(late_call.handler, late_call.timeout_s, late_call.stack)
        )

    async def _run_one(self, runner: TurnRunner, step: Step) -> None:
        """Run one claim, awaiting its calls and its checkpoints."""
        while isinstance(step, HandlerCall | Checkpoint):
            step = await (
                self._write_checkpoint(runner, step)
                if isinstance(step, Checkpoint)
                else self._call_handler(runner, step)
            )
        if step is not None:
            await self._finish_turns([step])
        else:
            self._running_count -= 1

    async def _write_checkpoint(self, runner: TurnRunner, checkpoint: Checkpoint) -> Step:
        """Store a dialogue's journal before a call that must not be made twice."""
        self._publish(events.CheckpointStarted(checkpoint))
        try:
            (lease_held,) = await retry_until_available(
                self._clock, "checkpoint", lambda: self._store.checkpoint([checkpoint])
            )
        except StorageError as error:
            return runner.advance(error=error)
        written = events.CheckpointWritten(checkpoint)
        self._publish(written if lease_held else events.LeaseExpired(checkpoint.claim))
        return runner.advance(lease_held)

    async def _call_handler(self, runner: TurnRunner, call: HandlerCall) -> Step:
        timeout, late_calls = asyncio.timeout(self._handler_timeout_s), list[LateCall]()
        try:
            async with timeout:
                reply = await self._call_in_middleware(call, late_calls)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            is_late = timeout.expired() and isinstance(error, TimeoutError)
            if is_late:
                stack = late_calls[0].stack if late_calls else ""
                name, timeout_s = call.handler.name, self._handler_timeout_s
                return runner.advance(error=handler_timeout_error(name, timeout_s, stack))
            return runner.advance(error=as_exception(call, error))
        return runner.advance(reply)

    async def _call_in_middleware(self, call: HandlerCall, late_calls: list[LateCall]) -> Any:
        proceed: Callable[[], Awaitable[Any]] = partial(self._run_call, call, late_calls)
        for middleware in reversed(self._context.app.middleware):
            proceed = partial(middleware, call.chat, proceed)
        return await proceed()

    async def _run_call(self, call: HandlerCall, late_calls: list[LateCall]) -> Any:
        """Await a call, or make it in a thread; one that is given up is added to `late_calls`."""
        if not call.sync:
            return await call.run()
        started_at, thread = monotonic(), ThreadCall(call.run)
        own_timeout = asyncio.timeout(call.timeout_s)
        try:
            async with own_timeout:
                return await asyncio.wrap_future(thread.future)
        except (TimeoutError, asyncio.CancelledError) as error:
            if not thread.is_alive:
                raise
            timeout_s = call.timeout_s if own_timeout.expired() else None
            late_calls.append(
                thread.late_call(call.handler.name, timeout_s or self._handler_timeout_s)
            )
            self._give_up(thread, late_calls[-1])
            if not own_timeout.expired():
                raise
            raise timeout_error(call, late_calls[-1]) from error
        finally:
            if monotonic() - started_at < _SLOW_HANDLER_S / 5:
                self._slow_handlers.discard(call.handler.name)

    async def _finish_turns(self, finishes: Sequence[ClaimResult]) -> None:
        for finish in finishes:
            self._publish(events.TurnsFinished(finish))
            if finish.failure is not None:
                self._publish(_failure_event(finish.claim, finish.failure))
        try:
            committed = await retry_until_available(
                self._clock, "finish", lambda: self._commit(finishes)
            )
        except StorageError as error:
            await self._isolate_refused(finishes, error)
            return
        self._running_count -= len(finishes)
        for finish, is_committed in zip(finishes, committed, strict=True):
            self._publish_commit(finish, is_committed)

    def _publish_commit(self, finish: ClaimResult, is_committed: bool) -> None:
        claim = finish.claim
        claimed_at = self._claimed_at.pop(claim.conversation, None)
        if not is_committed:
            self._publish(events.LeaseExpired(claim))
            return
        duration_s = 0.0 if claimed_at is None else monotonic() - claimed_at
        self._publish(events.TurnsCommitted(finish, duration_s))
        for update in finish.dialogue_updates:
            if update.end_reason:
                ended = events.DialogueEnded(claim, update.id, update.handler, update.end_reason)
                self._publish(ended)

    async def _isolate_refused(self, finishes: Sequence[ClaimResult], error: StorageError) -> None:
        """Find the claim whose commit the database refuses, and try it again later."""
        # delivery rule 11: each alone, since one conversation's refusal is no other's trouble
        if len(finishes) > 1:
            for finish in finishes:
                await self._finish_turns([finish])
            return
        claim = finishes[0].claim
        self._publish(events.CommitRefused(claim, error))
        until = self._clock.now() + _COMMIT_RETRY_AFTER
        await retry_until_available(
            self._clock, "postpone", lambda: self._store.postpone([claim], until)
        )
        self._running_count -= 1

    async def _commit(self, finishes: Sequence[ClaimResult]) -> Sequence[bool]:
        """Commit turns, and wake the senders so early that their attempts share the commit."""
        commit = asyncio.ensure_future(self._store.finish(finishes))
        self._on_finish(finishes)
        await asyncio.sleep(0)  # lets the store take the commit first: no attempt comes before it
        if any(finish.drafts for finish in finishes):
            self._wake_senders()
        return await commit


def _failure_event(claim: Claim, failure: TurnFailure) -> events.Event:
    if failure.retry_at is None:
        return events.TurnSetAside(claim, failure.error, failure.code_version, failure.dialogue_id)
    return events.TurnFailed(claim, failure.error, failure.retry_at, failure.dialogue_id)
