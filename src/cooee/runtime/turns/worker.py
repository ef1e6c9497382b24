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

from cooee.clocks.clock import Bell, Clock, stopwatch
from cooee.core.errors import StorageError, StoreUnavailable
from cooee.runtime.log import tell
from cooee.runtime.store_retry import insist
from cooee.runtime.task_group import Crew
from cooee.runtime.turns.claim_turns import turns
from cooee.runtime.turns.context import Surroundings
from cooee.runtime.turns.effects import Call
from cooee.runtime.turns.thread_interrupt import Stretch, too_long
from cooee.runtime.turns.turn_thread import Game, plain, play_all
from cooee.storage import Claim, Finish, Jot, Store

T = TypeVar("T")
Sift: TypeAlias = Callable[[Sequence[Claim]], Awaitable[Sequence[Claim]]]

_AT_ONCE = 256  # conversations under way; a claim asks for what is left of it
_SLOW = 0.005  # seconds; a handler that once took longer runs in a thread of its own
_HELD_UP = 0.05  # seconds; after that a second thread takes over what a first one leaves waiting
_REFUSED = timedelta(minutes=1)  # until a turn is tried again whose commit the database refused
_AGAIN = 1.0  # seconds between two tries to end a handler that catches everything
_THREADS = 256  # a handler that never ends keeps its thread for good


async def _all(claims: Sequence[Claim]) -> Sequence[Claim]:
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
        over: told of turns whose commit has been asked for, before `outgoing` rings.
        sift: what of the claims can be played now; it sees to the rest.
        limit: seconds a handler may take before its turn has failed.
    """

    def __init__(
        self,
        around: Surroundings,
        store: Store,
        clock: Clock,
        outgoing: Callable[[], None],
        *,
        over: Callable[[Sequence[Finish]], None] = lambda _: None,
        sift: Sift = _all,
        limit: float = 60,
    ) -> None:
        self.bell: Bell = clock.bell()
        self._around, self._store, self._clock = around, store, clock
        self._outgoing, self._over = outgoing, over
        self._sift, self._limit = sift, limit
        self._slow: set[str] = set()
        self._threads = ThreadPoolExecutor(_THREADS, "cooee-handler")
        self._under_way = 0
        self._crew = Crew(clock, "turn", self.bell.ring)
        self._stopping = False

    async def run(self) -> None:
        """Answer until `stop`; then end what is under way."""
        while not self._stopping:
            wait: float | None = None
            try:
                claims = await self._claim()
                if claims:
                    self._under_way += len(claims)
                    self._crew.start(self._several(claims))
                    continue
                wait = await self._until_due()
            except StoreUnavailable as error:
                tell("store-unavailable", logging.ERROR, error=str(error), during="claim")
                wait = 1
            await self.bell.wait(wait)
        await self._crew.end()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def stop(self) -> None:
        """Take nothing new."""
        self._stopping = True
        self.bell.ring()

    async def _claim(self) -> Sequence[Claim]:
        room = _AT_ONCE - self._under_way
        if room <= 0:
            return []
        claims = await self._sift(await self._store.claim(room))
        for claim in claims:
            tell("claimed", logging.DEBUG, turn=claim.turn, attempt=claim.attempts)
        return claims

    async def _until_due(self) -> float | None:
        due = (await self._store.alarms()).turn
        if due is None or self._under_way >= _AT_ONCE:
            return None
        left = (due - self._clock.now()).total_seconds()
        return left if left > 0 else 0.1  # due, and not to be had: the end of a turn rings

    async def _several(self, claims: Sequence[Claim]) -> None:
        """Play a batch in one thread; what a slow handler holds up goes on in another."""
        games = [Game(turns(self._around, claim)) for claim in claims]
        left, began = deque(games), stopwatch()
        threads = {self._in_thread(play_all, left, self._is_here, self._begin)}
        while games:
            _, threads = await asyncio.wait(threads, timeout=_HELD_UP)
            late = stopwatch() - began > self._limit
            done = [game for game in games if game.rested or late]
            games = [game for game in games if not (game.rested or late)]
            await self._hand_on(done)
            for game in list(games):
                stretch = game.take_back()
                if stretch is not None:
                    games.remove(game)
                    self._end(stretch)
                    self._go_on(game, game.step)
            if left:
                threads.add(self._in_thread(play_all, left, self._is_here, self._begin))

    async def _hand_on(self, games: Sequence[Game]) -> None:
        """Commit what has ended, and await what has to be awaited."""
        steps = [game.step if game.rested else self._taken_away(game) for game in games]
        for game, step in zip(games, steps, strict=True):
            if not isinstance(step, Finish):
                self._go_on(game, step)
        finished = [step for step in steps if isinstance(step, Finish)]
        if finished:
            await self._finish(finished)

    def _go_on(self, game: Game, step: Call | Jot | Finish | None) -> None:
        """Let a game go on by itself."""
        self._crew.start(self._one(game, step))

    def _is_here(self, call: Call) -> bool:
        """Whether a call may be made in a thread that others share."""
        return call.sync and not self._around.app.arounds and call.handler.name not in self._slow

    def _begin(self, call: Call, stretch: Stretch) -> Any:
        began = stopwatch()
        try:
            return stretch()
        finally:
            if stopwatch() - began > _SLOW:
                self._slow.add(call.handler.name)

    def _taken_away(self, game: Game) -> Call | Jot | Finish | None:
        """What becomes of turns whose thread has taken too long; what it comes to is dropped."""
        call = game.step
        name = call.handler.name if isinstance(call, Call) else "A handler"
        return game.take_away(self._too_long(name))

    def _too_long(self, name: str) -> TimeoutError:
        return TimeoutError(f"{name} took longer than {self._limit:g} seconds.")

    async def _one(self, game: Game, step: Call | Jot | Finish | None) -> None:
        """Play one conversation, waiting where its handlers wait."""
        while isinstance(step, Call | Jot):
            step = await (
                self._jot(game, step) if isinstance(step, Jot) else self._call(game, step)
            )
        if step is not None:
            await self._finish([step])
        else:
            self._under_way -= 1

    async def _jot(self, game: Game, jot: Jot) -> Call | Jot | Finish | None:
        """Write down what a turn must not lose, before it goes on."""
        tell("jotting", logging.DEBUG, turn=jot.claim.turn)
        try:
            (held,) = await insist(self._clock, "jot", lambda: self._store.jot([jot]))
        except StorageError as error:
            return game.move(error=error)
        tell("jotted" if held else "lease-lost", logging.DEBUG, turn=jot.claim.turn)
        return game.move(held)

    async def _call(self, game: Game, call: Call) -> Call | Jot | Finish | None:
        limit = asyncio.timeout(self._limit)
        try:
            async with limit:
                reply = await self._wait(call)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            late = limit.expired() and isinstance(error, TimeoutError)
            why = self._too_long(call.handler.name) if late else plain(call, error)
            return game.move(error=why)
        return game.move(reply)

    async def _wait(self, call: Call) -> Any:
        proceed: Callable[[], Awaitable[Any]] = functools.partial(self._proceed, call)
        for around in reversed(self._around.app.arounds):
            proceed = functools.partial(around, call.chat, proceed)
        return await proceed()

    async def _proceed(self, call: Call) -> Any:
        if not call.sync:
            return await call.run()
        began, stretch, limit = stopwatch(), Stretch(call.run), asyncio.timeout(call.limit)
        try:
            async with limit:
                return await self._in_thread(stretch)
        except TimeoutError as error:
            if call.limit is None or not limit.expired():
                raise
            line = stretch.line
            self._end(stretch)
            raise too_long(call.handler.name, call.limit, line) from error
        finally:
            if stopwatch() - began < _SLOW / 5:
                self._slow.discard(call.handler.name)

    def _end(self, stretch: Stretch) -> None:
        """End what runs too long; what catches that is told again, for as long as it runs."""
        if stretch.end():
            asyncio.get_running_loop().call_later(_AGAIN, self._end, stretch)

    def _in_thread(self, work: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work, *args)

    async def _finish(self, finishes: Sequence[Finish]) -> None:
        for finish in finishes:
            tell("finishing", logging.DEBUG, turn=finish.claim.turn)
            if finish.failure is not None:
                _tell_failure(finish)
        try:
            done = await insist(self._clock, "finish", lambda: self._commit(finishes))
        except StorageError as error:
            await self._refused(finishes, error)
            return
        self._under_way -= len(finishes)
        for finish, kept in zip(finishes, done, strict=True):
            turn = finish.claim.turn
            tell(
                "finished" if kept else "lease-lost",
                logging.DEBUG if kept else logging.WARNING,
                turn=turn,
            )

    async def _refused(self, finishes: Sequence[Finish], error: StorageError) -> None:
        """Find out whose commit the database refuses, and leave that one alone for a while."""
        if len(finishes) > 1:
            for finish in finishes:
                await self._finish([finish])
            return
        claim = finishes[0].claim
        tell("commit-refused", logging.CRITICAL, turn=claim.turn, error=str(error))
        until = self._clock.now() + _REFUSED
        await insist(self._clock, "postpone", lambda: self._store.postpone([claim], until))
        self._under_way -= 1

    async def _commit(self, finishes: Sequence[Finish]) -> Sequence[bool]:
        """Commit turns that are played already; the sender, rung between, shares the commit."""
        asked = asyncio.ensure_future(self._store.finish(finishes))
        self._over(finishes)
        await asyncio.sleep(0)  # it is asked now; who is rung asks next
        if any(finish.drafts for finish in finishes):
            self._outgoing()
        return await asked


def _tell_failure(finish: Finish) -> None:
    failure = finish.failure
    assert failure is not None
    tell(
        "turn-failed" if failure.retry_at else "turn-set-aside",
        logging.ERROR,
        turn=finish.claim.turn,
        attempt=finish.claim.attempts,
        error=failure.error.partition(":")[0],
        again_at=failure.retry_at and failure.retry_at.isoformat(timespec="seconds"),
        private={"theirs": finish.claim.theirs, "words": failure.error},
    )
