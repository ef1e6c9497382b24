"""Claims texts, has them answered, commits what it came to."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
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
from cooee.runtime.turns.thread_interrupt import InterruptibleCall, dialogue_timeout_error
from cooee.runtime.turns.turn_thread import TurnRunner, as_exception, run_all
from cooee.storage import Checkpoint, Claim, ClaimResult, Store, TurnFailure

T = TypeVar("T")
PrepareClaims: TypeAlias = Callable[[Sequence[Claim]], Awaitable[Sequence[Claim]]]

_MAX_CONVERSATIONS = 256  # conversations under way; a claim asks for what is left of it
_SLOW_HANDLER_S = 0.005  # seconds; a handler that once took longer runs in a thread of its own
_SECOND_THREAD_AFTER_S = (
    0.05  # seconds; after that a second thread takes over what a first one leaves waiting
)
_COMMIT_RETRY_AFTER = timedelta(
    minutes=1
)  # until a turn is tried again whose commit the database refused
_INTERRUPT_AGAIN_AFTER_S = 1.0  # seconds between two tries to end a handler that catches everything
_MAX_THREADS = 256  # a handler that never ends keeps its thread for good


async def _all_claims(claims: Sequence[Claim]) -> Sequence[Claim]:
    return claims


class Worker:
    """Answers texts: in order for one person, side by side across people.

    Handlers that do not wait are run in a thread, many at a time; one that turns out slow gets
    a thread to itself. Handlers that wait are tasks of the event loop.

    Args:
        around: the app and what its turns share.
        store: where texts wait.
        clock: what to sleep on.
        outgoing: rung when replies were queued.
        over: told of turns whose commit has been asked for, before `wake_senders` rings.
        sift: what of the claims can be played now; it sees to the rest.
        limit: seconds a handler may take before its turn has failed.
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
        handler_timeout_s: float = 60,
    ) -> None:
        self.wake_up: WakeUp = clock.create_wake_up()
        self._context, self._store, self._clock = context, store, clock
        self._wake_senders, self._on_finish = wake_senders, on_finish
        self._prepare, self._handler_timeout_s = prepare, handler_timeout_s
        self._slow_handlers: set[str] = set()
        self._threads = ThreadPoolExecutor(_MAX_THREADS, "cooee-handler")
        self._running_count = 0
        self._tasks = TaskGroup(clock, "turn", self.wake_up.set)
        self._stopping = False
        self._publish = context.events.publish
        self._claimed_at: dict[bytes, float] = {}  # by conversation

    async def run(self) -> None:
        """Answer until `stop`; then end what is under way."""
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
        self._threads.shutdown(wait=False, cancel_futures=True)

    def stop(self) -> None:
        """Take nothing new."""
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
        return seconds if seconds > 0 else 0.1  # due, and not to be had: the end of a turn rings

    async def _run_batch(self, claims: Sequence[Claim]) -> None:
        """Play a batch in one thread; what a slow handler holds up goes on in another."""
        runners = [TurnRunner(run_claim(self._context, claim)) for claim in claims]
        queue, started_at = deque(runners), monotonic()
        threads = {self._run_in_thread(run_all, queue, self._may_share_thread, self._run_timed)}
        while runners:
            _, threads = await asyncio.wait(threads, timeout=_SECOND_THREAD_AFTER_S)
            timed_out = monotonic() - started_at > self._handler_timeout_s
            stopped = [game for game in runners if game.idle or timed_out]
            runners = [game for game in runners if not (game.idle or timed_out)]
            await self._settle(stopped)
            for game in list(runners):
                interruptible = game.reclaim()
                if interruptible is not None:
                    runners.remove(game)
                    self._interrupt(interruptible)
                    self._await_rest(game, game.step)
            if queue:
                threads.add(
                    self._run_in_thread(run_all, queue, self._may_share_thread, self._run_timed)
                )

    async def _settle(self, runners: Sequence[TurnRunner]) -> None:
        """Commit what has ended, and await what has to be awaited."""
        steps = [game.step if game.idle else self._abandon(game) for game in runners]
        for game, step in zip(runners, steps, strict=True):
            if not isinstance(step, ClaimResult):
                self._await_rest(game, step)
        finished = [step for step in steps if isinstance(step, ClaimResult)]
        if finished:
            await self._finish_turns(finished)

    def _await_rest(
        self, runner: TurnRunner, step: HandlerCall | Checkpoint | ClaimResult | None
    ) -> None:
        """Let a game go on by itself."""
        self._tasks.start(self._run_one(runner, step))

    def _may_share_thread(self, call: HandlerCall) -> bool:
        """Whether a call may be made in a thread that others share."""
        return (
            call.sync
            and not self._context.app.middleware
            and call.handler.name not in self._slow_handlers
        )

    def _run_timed(self, call: HandlerCall, interruptible: InterruptibleCall) -> Any:
        started_at = monotonic()
        try:
            return interruptible()
        finally:
            if monotonic() - started_at > _SLOW_HANDLER_S:
                self._slow_handlers.add(call.handler.name)

    def _abandon(self, runner: TurnRunner) -> HandlerCall | Checkpoint | ClaimResult | None:
        """What becomes of turns whose thread has taken too long; what it comes to is dropped."""
        call = runner.step
        name = call.handler.name if isinstance(call, HandlerCall) else "A handler"
        return runner.abandon(self._timeout_error(name))

    def _timeout_error(self, name: str) -> TimeoutError:
        return TimeoutError(f"{name} took longer than {self._handler_timeout_s:g} seconds.")

    async def _run_one(
        self, runner: TurnRunner, step: HandlerCall | Checkpoint | ClaimResult | None
    ) -> None:
        """Play one conversation, waiting where its handlers wait."""
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

    async def _write_checkpoint(
        self, runner: TurnRunner, checkpoint: Checkpoint
    ) -> HandlerCall | Checkpoint | ClaimResult | None:
        """Write down what a turn must not lose, before it goes on."""
        self._publish(events.CheckpointStarted(checkpoint))
        try:
            (lease_held,) = await retry_until_available(
                self._clock, "jot", lambda: self._store.checkpoint([checkpoint])
            )
        except StorageError as error:
            return runner.advance(error=error)
        written = events.CheckpointWritten(checkpoint)
        self._publish(written if lease_held else events.LeaseExpired(checkpoint.claim))
        return runner.advance(lease_held)

    async def _call_handler(
        self, runner: TurnRunner, call: HandlerCall
    ) -> HandlerCall | Checkpoint | ClaimResult | None:
        timeout = asyncio.timeout(self._handler_timeout_s)
        try:
            async with timeout:
                reply = await self._call_in_middleware(call)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            timed_out = timeout.expired() and isinstance(error, TimeoutError)
            cause = (
                self._timeout_error(call.handler.name) if timed_out else as_exception(call, error)
            )
            return runner.advance(error=cause)
        return runner.advance(reply)

    async def _call_in_middleware(self, call: HandlerCall) -> Any:
        proceed: Callable[[], Awaitable[Any]] = functools.partial(self._run_call, call)
        for middleware in reversed(self._context.app.middleware):
            proceed = functools.partial(middleware, call.chat, proceed)
        return await proceed()

    async def _run_call(self, call: HandlerCall) -> Any:
        if not call.sync:
            return await call.run()
        started_at, interruptible, timeout = (
            monotonic(),
            InterruptibleCall(call.run),
            asyncio.timeout(call.timeout_s),
        )
        try:
            async with timeout:
                return await self._run_in_thread(interruptible)
        except TimeoutError as error:
            if call.timeout_s is None or not timeout.expired():
                raise
            line = interruptible.current_line
            self._interrupt(interruptible)
            raise dialogue_timeout_error(call.handler.name, call.timeout_s, line) from error
        finally:
            if monotonic() - started_at < _SLOW_HANDLER_S / 5:
                self._slow_handlers.discard(call.handler.name)

    def _interrupt(self, interruptible: InterruptibleCall) -> None:
        """End what runs too long; what catches that is told again, for as long as it runs."""
        if interruptible.interrupt():
            asyncio.get_running_loop().call_later(
                _INTERRUPT_AGAIN_AFTER_S, self._interrupt, interruptible
            )

    def _run_in_thread(self, work: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work, *args)

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
        """Find out whose commit the database refuses, and leave that one alone for a while."""
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
        """Commit turns that are played already; the sender, rung between, shares the commit."""
        commit = asyncio.ensure_future(self._store.finish(finishes))
        self._on_finish(finishes)
        await asyncio.sleep(0)  # it is asked now; who is rung asks next
        if any(finish.drafts for finish in finishes):
            self._wake_senders()
        return await commit


def _failure_event(claim: Claim, failure: TurnFailure) -> events.Event:
    if failure.retry_at is None:
        return events.TurnSetAside(claim, failure.error, failure.code_version, failure.dialogue_id)
    return events.TurnFailed(claim, failure.error, failure.retry_at, failure.dialogue_id)
