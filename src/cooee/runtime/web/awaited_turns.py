"""The webhooks that wait for the turns of their texts, and the replies that are taken for them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from cooee.clocks.clock import Clock
from cooee.clocks.loop_calls import call_in_loop
from cooee.core.errors import StoreUnavailable
from cooee.core.messages import Outbound
from cooee.runtime.log import log_event
from cooee.storage import Claim, ClaimResult, Store

_MAX_INLINE_REPLIES = 10  # in one response; the sender sends further replies after them


class AwaitedTurn:
    """The turn of one text, awaited by the webhook that brought it.

    `wake_up` wakes the webhook; `replies` are those taken for it, None until then.
    """

    def __init__(self, provider_id: str, clock: Clock) -> None:
        self.provider_id, self.wake_up = provider_id, clock.create_wake_up()
        self.replies: Sequence[Outbound] | None = None
        self.has_left = False


class AwaitedTurns:
    """The awaited turns, by the provider's id of their texts.

    The worker takes the replies, since its commit is the moment from which the sender would take
    them; the webhook is in another thread, and would come too late (delivery rule 24). Whoever
    removes a turn from the dictionary decides: the worker takes, or the webhook has left before.

    Args:
        store: the outbox.
        clock: the clock that webhooks wait on.
        on_unwanted: called with taken replies whose webhook has left.
    """

    def __init__(
        self, store: Store, clock: Clock, on_unwanted: Callable[[Sequence[Outbound]], None]
    ) -> None:
        self._store, self._clock, self._on_unwanted = store, clock, on_unwanted
        self._edge = asyncio.get_running_loop()
        self._turns: dict[str, AwaitedTurn] = {}

    def expect(self, provider_id: str) -> AwaitedTurn | None:
        """Await the turn of a text; return None where another webhook awaits it."""
        if provider_id in self._turns:
            return None
        turn = self._turns[provider_id] = AwaitedTurn(provider_id, self._clock)
        return turn

    def turns_finished(self, finishes: Sequence[ClaimResult]) -> None:
        """Take the replies of finished turns for their webhooks; called in the worker's loop."""
        if not self._turns:
            return
        for finish in finishes:
            for pending in finish.claim.texts:
                turn = self._turns.pop(pending.inbound.provider_id, None)
                if turn is not None:
                    self._clock.spawn(self._take(finish.claim, turn))

    async def replies(
        self, turn: AwaitedTurn, timeout_s: float, has_hung_up: Callable[[], bool]
    ) -> Sequence[Outbound]:
        """Wait for the replies of a turn; none if they come too late or the provider hung up."""
        await turn.wake_up.wait(timeout_s)
        if self._withdraw(turn):
            return ()
        while turn.replies is None:
            await turn.wake_up.wait()
        replies, turn.replies = turn.replies, ()
        if replies and has_hung_up():
            self._on_unwanted(replies)
            return ()
        return replies

    def leave(self, turn: AwaitedTurn) -> None:
        """Await a turn no more; what was taken meanwhile, or is being taken, is unwanted."""
        self._withdraw(turn)
        turn.has_left = True
        if turn.replies:
            self._on_unwanted(turn.replies)

    def _withdraw(self, turn: AwaitedTurn) -> bool:
        """Remove a turn; return False where the worker has removed it."""
        is_waiting = self._turns.get(turn.provider_id) is turn
        return is_waiting and self._turns.pop(turn.provider_id, None) is turn

    async def _take(self, claim: Claim, turn: AwaitedTurn) -> None:
        replies: Sequence[Outbound] = ()
        try:
            attempts = await self._store.take_replies(claim.ours, claim.theirs, _MAX_INLINE_REPLIES)
            replies = [attempt.outbound for attempt in attempts]
        except StoreUnavailable as error:
            log_event("store-unavailable", logging.ERROR, error=str(error), during="answer")
        finally:
            call_in_loop(self._edge, self._hand_over, turn, replies)

    def _hand_over(self, turn: AwaitedTurn, replies: Sequence[Outbound]) -> None:
        if turn.has_left and replies:
            self._on_unwanted(replies)
        else:
            turn.replies = replies
            turn.wake_up.set()
