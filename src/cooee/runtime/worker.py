"""Claims texts, has them answered, commits what it came to."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cooee.core.errors import StoreUnavailable
from cooee.runtime.log import blame, tell
from cooee.runtime.turns import Call, Surroundings, Turns, turns
from cooee.storage import Claim, Finish, Store
from cooee.wire.clock import Bell, Clock, stopwatch

_AT_ONCE = 256  # conversations under way; a claim asks for what is left of it
_SLOW = 0.005  # seconds; a handler that once took longer runs in a thread of its own


class Worker:
    """Answers texts: in order for one person, side by side across people.

    Handlers that do not wait are run in a thread, many at a time; one that turns out slow gets
    a thread to itself. Handlers that wait are tasks of the event loop.

    Args:
        around: the app and what its turns share.
        store: where texts wait.
        clock: what to sleep on.
        outgoing: rung when replies were queued.
        limit: seconds a handler may take before its turn has failed.
    """

    def __init__(
        self,
        around: Surroundings,
        store: Store,
        clock: Clock,
        outgoing: Callable[[], None],
        *,
        limit: float = 60,
    ) -> None:
        self.bell: Bell = clock.bell()
        self._around, self._store, self._clock = around, store, clock
        self._outgoing, self._limit = outgoing, limit
        self._slow: set[str] = set()
        self._threads = ThreadPoolExecutor(32, "cooee-handler")
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def run(self) -> None:
        """Answer until `stop`; then end what is under way."""
        while not self._stopping:
            wait: float | None = None
            try:
                claims = await self._claim()
                if claims:
                    self._start(self._several(claims), len(claims))
                    continue
                wait = await self._until_due()
            except StoreUnavailable as error:
                tell("store-unavailable", logging.ERROR, error=str(error), during="claim")
                wait = 1
            await self.bell.wait(wait)
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def stop(self) -> None:
        """Take nothing new."""
        self._stopping = True
        self.bell.ring()

    async def _claim(self) -> Sequence[Claim]:
        room = _AT_ONCE - self._under_way
        if room <= 0:
            return []
        claims = await self._store.claim(room)
        for claim in claims:
            tell("claimed", logging.DEBUG, turn=claim.texts[0].id.hex(), attempt=claim.attempts)
        return claims

    async def _until_due(self) -> float | None:
        due = (await self._store.alarms()).turn
        if due is None or self._under_way >= _AT_ONCE:
            return None
        left = (due - self._clock.now()).total_seconds()
        return left if left > 0 else 0.1  # due, and not to be had: the end of a turn rings

    def _start(self, work: Any, count: int) -> None:
        self._under_way += count
        task = self._clock.spawn(work)
        self._tasks.add(task)
        task.add_done_callback(functools.partial(self._ended, count))

    def _ended(self, count: int, task: asyncio.Task[None]) -> None:
        self._under_way -= count
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            tell("worker-failed", logging.CRITICAL, error=blame(error))
        self.bell.ring()

    async def _several(self, claims: Sequence[Claim]) -> None:
        """Play a batch: what needs no waiting in one thread, all else as tasks."""
        games = [turns(self._around, claim) for claim in claims]
        here = asyncio.get_running_loop().run_in_executor(self._threads, self._play, games)
        steps = await here
        finished = [step for step in steps if isinstance(step, Finish)]
        for game, step in zip(games, steps, strict=True):
            if isinstance(step, Call):
                self._start(self._one(game, step), 1)
        if finished:
            await self._finish(finished)

    def _play(self, games: Sequence[Turns]) -> list[Call | Finish]:
        return [self._play_on(game, _step(game)) for game in games]

    def _play_on(self, game: Turns, step: Call | Finish) -> Call | Finish:
        """Go on as long as nothing has to be awaited."""
        while isinstance(step, Call) and step.handler.sync and not self._apart(step):
            step = self._call(game, step)
        return step

    def _apart(self, call: Call) -> bool:
        return bool(self._around.app.arounds) or call.handler.name in self._slow

    def _call(self, game: Turns, call: Call) -> Call | Finish:
        began = stopwatch()
        try:
            reply = call.begin()
        except BaseException as error:
            return _step(game, error=_plain(call, error))
        finally:
            took = stopwatch() - began
            (self._slow.add if took > _SLOW else self._slow.discard)(call.handler.name)
        return _step(game, reply)

    async def _one(self, game: Turns, step: Call | Finish) -> None:
        """Play one conversation, waiting where its handlers wait."""
        while isinstance(step, Call):
            name = step.handler.name
            try:
                async with asyncio.timeout(self._limit):
                    step = await self._wait(game, step)
            except TimeoutError:  # a thread goes on, and what it comes to is dropped
                words = f"{name} took longer than {self._limit:g} seconds."
                step = _step(game, error=TimeoutError(words))
        await self._finish([step])

    async def _wait(self, game: Turns, call: Call) -> Call | Finish:
        proceed: Callable[[], Awaitable[Any]] = functools.partial(self._proceed, call)
        for around in reversed(self._around.app.arounds):
            proceed = functools.partial(around, call.chat, proceed)
        try:
            reply = await proceed()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            return _step(game, error=_plain(call, error))
        return _step(game, reply)

    async def _proceed(self, call: Call) -> Any:
        if not call.handler.sync:
            return await call.begin()
        began = stopwatch()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call.begin)
        finally:
            if stopwatch() - began < _SLOW / 5:
                self._slow.discard(call.handler.name)

    async def _finish(self, finishes: Sequence[Finish]) -> None:
        for finish in finishes:
            tell("finishing", logging.DEBUG, turn=finish.claim.texts[0].id.hex())
            if finish.failure is not None:
                _tell_failure(finish)
        done = await self._commit(finishes)
        for finish, kept in zip(finishes, done, strict=True):
            turn = finish.claim.texts[0].id.hex()
            tell(
                "finished" if kept else "lease-lost",
                logging.DEBUG if kept else logging.WARNING,
                turn=turn,
            )

    async def _commit(self, finishes: Sequence[Finish]) -> Sequence[bool]:
        """Commit, however long the database takes to come back: the turns are played already."""
        pause = 0.5
        while True:
            try:
                asked = asyncio.ensure_future(self._store.finish(finishes))
                await asyncio.sleep(
                    0
                )  # asked; the sender, rung now, asks next: one commit for both
                if any(finish.drafts for finish in finishes):
                    self._outgoing()
                return await asked
            except StoreUnavailable as error:
                tell("store-unavailable", logging.ERROR, error=str(error), during="finish")
                await self._clock.sleep(pause)
                pause = min(pause * 2, 10)


def _step(game: Turns, reply: Any = None, error: Exception | None = None) -> Call | Finish:
    """Move a claim's turns on to their next call, or to their end."""
    try:
        return game.send(reply) if error is None else game.throw(error)
    except StopIteration as done:
        finish: Finish = done.value
        return finish


def _plain(call: Call, error: BaseException) -> Exception:
    """A handler's exception; one that would end the process ends only its turn."""
    if isinstance(error, Exception):
        return error
    return RuntimeError(f"{call.handler.name} raised {type(error).__name__}")


def _tell_failure(finish: Finish) -> None:
    failure = finish.failure
    assert failure is not None
    tell(
        "turn-failed" if failure.retry_at else "turn-set-aside",
        logging.ERROR,
        turn=finish.claim.texts[0].id.hex(),
        attempt=finish.claim.attempts,
        error=failure.error.partition(":")[0],
        again_at=failure.retry_at and failure.retry_at.isoformat(timespec="seconds"),
        private={"theirs": finish.claim.theirs, "words": failure.error},
    )
