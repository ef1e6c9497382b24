"""FirstAttempts: commits turns, and hands on at once the replies that are taken with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeAlias

from msgspec.structs import replace

from cooee.clocks.loop_calls import call_in_loop
from cooee.core.messages import Priority
from cooee.runtime.outbound.senders import Senders
from cooee.runtime.web.awaited_turns import MAX_INLINE_REPLIES, AwaitedTurns
from cooee.storage import ClaimResult, FinishedClaim, NewOutbound, SendAttempt, Store

Taker: TypeAlias = Callable[[Sequence[SendAttempt]], None]
"""Makes the attempts that were taken for it; called once, with none where the commit failed."""


class FirstAttempts:
    """Commits turns together with the first attempts of their replies (delivery rule 31).

    A webhook that waits for a text gets the replies to it, and else the number's sender gets one,
    if it has a free place. Replies that neither takes are queued, and the senders are woken.

    All of it runs in the loop of the edge: between the commit that records an attempt and the
    attempt itself lies no code of the app (delivery rule 24).

    Args:
        store: commits turns.
        awaited_turns: the webhooks that wait for turns.
        senders: the senders of this process.
        start_task: starts a task that ends before the service does.
    """

    def __init__(
        self,
        store: Store,
        awaited_turns: AwaitedTurns,
        senders: Senders,
        start_task: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._store, self._awaited_turns, self._senders = store, awaited_turns, senders
        self._start_task, self._edge = start_task, asyncio.get_running_loop()

    async def finish(self, results: Sequence[ClaimResult]) -> Sequence[FinishedClaim]:
        """Commit turns, as `Store.finish` does; called in any loop.

        The attempts are handed on whatever becomes of the caller.
        """
        ended: asyncio.Future[Sequence[FinishedClaim]]
        ended = asyncio.get_running_loop().create_future()
        call_in_loop(self._edge, self._begin, results, ended)
        return await ended

    def _begin(
        self, results: Sequence[ClaimResult], ended: asyncio.Future[Sequence[FinishedClaim]]
    ) -> None:
        # delivery rule 31: a task of its own, so that nobody's failure keeps an attempt from going
        self._start_task(self._finish_for(results, ended))

    async def _finish_for(
        self, results: Sequence[ClaimResult], ended: asyncio.Future[Sequence[FinishedClaim]]
    ) -> None:
        """Commit turns, and tell the caller how that ended; where the service ends, nobody asks."""
        finished: Sequence[FinishedClaim] = ()
        error: Exception | None = None
        try:
            finished = await self._finish(results)
        except Exception as caught:
            error = caught
        call_in_loop(ended.get_loop(), _resolve, ended, finished, error)

    async def _finish(self, results: Sequence[ClaimResult]) -> Sequence[FinishedClaim]:
        takers = [self._taker(result) for result in results]
        limited = [
            replace(result, take_limit=limit) if limit else result
            for result, (limit, _) in zip(results, takers, strict=True)
        ]
        finished: Sequence[FinishedClaim] = ()
        try:
            finished = await self._store.finish(limited)
        finally:
            # delivery rule 31: whatever came, a webhook waits no longer, and a place is free again
            attempts = [one.attempts for one in finished] or [()] * len(takers)
            for (_, take), taken in zip(takers, attempts, strict=True):
                take(taken)
        if any(map(_has_more, results, finished)):
            self._senders.wake_all()
        return finished

    def _taker(self, result: ClaimResult) -> tuple[int, Taker]:
        """Return who takes the replies of a turn, and how many at most."""
        turns = self._awaited_turns.finish(result.claim)
        if turns:
            return MAX_INLINE_REPLIES, partial(self._awaited_turns.hand_over, turns)
        if not any(_goes_out_now(draft) for draft in result.drafts):
            return 0, _take_nothing
        sender = self._senders.with_free_place(result.claim.ours)
        return (0, _take_nothing) if sender is None else (1, sender.send)


def _resolve(
    ended: asyncio.Future[Sequence[FinishedClaim]],
    finished: Sequence[FinishedClaim],
    error: Exception | None,
) -> None:
    if ended.done():  # the caller waits no more
        return
    if error is None:
        ended.set_result(finished)
    else:
        ended.set_exception(error)


def _goes_out_now(draft: NewOutbound) -> bool:
    is_reply = draft.priority is Priority.REPLY
    return is_reply and draft.due_at is None and not draft.cancelled


def _has_more(result: ClaimResult, finished: FinishedClaim) -> bool:
    """Tell whether a turn queued more than was taken."""
    return bool(result.hurried_keys) or len(result.drafts) > len(finished.attempts)


def _take_nothing(_: Sequence[SendAttempt]) -> None:
    return
