"""TimerSweep: after a deploy, claims everybody who waits once, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from cooee.clocks.clock import Clock
from cooee.runtime.number_hold import NumberHold
from cooee.runtime.store_retry import retry_until_available
from cooee.runtime.turns.context import TurnContext
from cooee.runtime.turns.newer_code import NewerCode
from cooee.runtime.turns.places import Place
from cooee.runtime.turns.timer_fits import has_outdated_timers
from cooee.storage import Claim, Store

SLICE = 50
PAUSE = timedelta(seconds=0.25)
"""At most 50 people in a quarter of a second: 200 a second, and none while a text waits."""
_LOOK = timedelta(seconds=1)  # between two looks whether another process has swept
_MAX_PAGES = 20  # looked at in one go, where nobody on them is to be run


class TimerSweep:
    """Brings those who wait into a claim, in which their timers are fitted to today's code.

    The first person in each dialogue goes alone, so that a handler which hangs is found before
    others run it. The sweep is over once all have had a claim, and the store notes for which
    version of the code. A process that is killed before looks at all again, and runs the others.
    Of several processes one sweeps, and none while newer code runs beside it.

    Args:
        context: the app, and the version of its code.
        store: where they wait.
        clock: the time.
        place_of: returns the place of a claim; None once the claim has ended.
    """

    def __init__(
        self,
        context: TurnContext,
        store: Store,
        clock: Clock,
        place_of: Callable[[Claim], Place | None],
    ) -> None:
        self._context, self._store, self._clock = context, store, clock
        self._place_of = place_of
        self._hold = NumberHold("", "timer sweep", store, clock)
        self._newer_code = NewerCode(context, store, clock)
        self._version = ""
        self._after: bytes | None = None  # None: not begun
        self._is_done = False
        self._next_at: datetime | None = None
        self._pause = PAUSE
        self._last_claims: Sequence[Claim] = ()
        self._known_handlers: set[str] = set()

    @property
    def pause_s(self) -> float | None:
        """Seconds until the next few; None where all are done."""
        return None if self._is_done else self._pause.total_seconds()

    async def claim(self, limit: int) -> Sequence[Claim]:
        """Lease the next few who wait; or nobody, where it is too early, or all are done."""
        now = self._clock.now()
        is_early = self._next_at is not None and now < self._next_at
        if self._is_done or is_early or any(map(self._place_of, self._last_claims)):
            return ()
        self._last_claims, self._pause = (), _LOOK
        if await self._is_on():
            self._last_claims, self._pause = await self._next_few(min(limit, SLICE)), PAUSE
        self._next_at = now + self._pause
        return self._last_claims

    async def _is_on(self) -> bool:
        """Begin or go on, unless all timers are those of today's code, or not for this process."""
        if self._after is None:
            self._version = self._context.code_version()
            self._is_done = await self._store.are_timers_of(self._version)
            # replay rule 19: beside newer code, the timers are the newer code's
            if self._is_done or await self._newer_code.runs_elsewhere():
                return False
        if not await self._hold.acquire():
            self._after = None  # another process sweeps, or has come to the end
            return False
        if self._after is None:
            # a deploy that is rolled back before all have had theirs is a deploy of its own
            await self._store.save_timers_of("")
            self._after = b""
        return True

    async def _next_few(self, limit: int) -> Sequence[Claim]:
        """Lease the next few whose timers are of other code, past many that have had theirs."""
        for _ in range(_MAX_PAGES):
            page = await self._store.claim_waiting(self._after or b"", limit)
            if not page:
                await self._store.save_timers_of(self._version)
                self._is_done = True
                await self._hold.release()
                return ()
            few, self._after = self._split_off(page)
            kept = {claim.conversation for claim in few}
            await self._release([one for one in page if one.conversation not in kept])
            if few:
                return few
        return ()

    async def _release(self, claims: Sequence[Claim]) -> None:
        await retry_until_available(self._clock, "release", lambda: self._store.release(claims))

    def _split_off(self, page: Sequence[Claim]) -> tuple[Sequence[Claim], bytes]:
        """Return the claims to run, up to the first of a new handler, and where to go on."""
        few = list[Claim]()
        for claim in page:
            if not self._is_outdated(claim):
                continue
            few.append(claim)
            handlers = {dialogue.handler for dialogue in claim.dialogues}
            if not handlers <= self._known_handlers:
                self._known_handlers |= handlers
                return few, claim.conversation
        return few, page[-1].conversation

    def _is_outdated(self, claim: Claim) -> bool:
        try:
            return has_outdated_timers(self._context, claim)
        except Exception:  # its own turn says what is wrong, and the lease ends with it
            return True
