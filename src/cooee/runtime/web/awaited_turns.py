"""The webhooks that wait for the turns of their texts, and the replies that are taken for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cooee.clocks.clock import Clock
from cooee.core.messages import Outbound
from cooee.storage import Claim, SendAttempt

MAX_INLINE_REPLIES = 10
"""Replies in one response, at most; the sender sends further replies after them."""


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

    Whoever removes a turn from the dictionary decides: the commit takes its replies, or the
    webhook has left before. Both run in the loop of the edge (delivery rule 24).

    Args:
        clock: the clock that webhooks wait on.
        on_unwanted: called with taken replies whose webhook has left.
    """

    def __init__(self, clock: Clock, on_unwanted: Callable[[Sequence[Outbound]], None]) -> None:
        self._clock, self._on_unwanted = clock, on_unwanted
        self._turns: dict[str, AwaitedTurn] = {}

    def expect(self, provider_id: str) -> AwaitedTurn | None:
        """Await the turn of a text; return None where another webhook awaits it."""
        if provider_id in self._turns:
            return None
        turn = self._turns[provider_id] = AwaitedTurn(provider_id, self._clock)
        return turn

    def finish(self, claim: Claim) -> Sequence[AwaitedTurn]:
        """Return the awaited turns of a claim whose commit begins; `hand_over` follows."""
        if not self._turns:
            return ()
        found = [self._turns.pop(one.inbound.provider_id, None) for one in claim.texts]
        return [turn for turn in found if turn is not None]

    def hand_over(self, turns: Sequence[AwaitedTurn], attempts: Sequence[SendAttempt]) -> None:
        """Give the taken replies to the first webhook, and tell the others that there are none."""
        replies: Sequence[Outbound] = [attempt.outbound for attempt in attempts]
        for turn in turns:
            if turn.has_left and replies:
                self._on_unwanted(replies)
            else:
                turn.replies = replies
                turn.wake_up.set()
            replies = ()

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
        """Remove a turn; return False where its commit has removed it."""
        is_waiting = self._turns.get(turn.provider_id) is turn
        if is_waiting:
            del self._turns[turn.provider_id]
        return is_waiting
