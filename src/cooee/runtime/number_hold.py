"""NumberHold: one process at a time polls a number, and one sends for it."""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from cooee.clocks.clock import Clock, monotonic
from cooee.core.errors import StorageError
from cooee.runtime.log import log_event
from cooee.storage import Store

_RENEW_S = 1.0  # between two calls: so soon another process has the role of one that died


class NumberHold:
    """A role of one of our numbers, which one process of many holds at a time.

    The hold ends by this process's own scale of durations, counted from before the store was
    asked, so that it ends here before the database gives the role to another process: also where
    this process was stopped meanwhile, or its wall clock was set.

    Args:
        ours: our number.
        role: the work, such as "poller".
        store: gives the role to one process.
        clock: what to sleep on between two renewals.
        elapsed_s: the scale of durations, in seconds.
    """

    def __init__(
        self,
        ours: str,
        role: str,
        store: Store,
        clock: Clock,
        *,
        elapsed_s: Callable[[], float] = monotonic,
    ) -> None:
        self._ours, self._role, self._store, self._clock = ours, role, store, clock
        self._elapsed_s = elapsed_s
        self._held_until = -math.inf

    @property
    def is_held(self) -> bool:
        """Tell whether this process may do the role's work now."""
        return self._elapsed_s() < self._held_until

    @property
    def is_shared(self) -> bool:
        """Tell whether another process may get the role one day."""
        return self._held_until != math.inf

    async def acquire(self) -> bool:
        """Hold the role, or go on holding it; return whether this process has it.

        Raises:
            StorageError: the store did not answer; what was held is held to its end.
        """
        if self.is_shared:
            began_at = self._elapsed_s()
            held_s = await self._store.hold_number(self._ours, self._role)
            # delivery rule 29: counted from before the call, since the database counts from later
            self._held_until = began_at + held_s if held_s else -math.inf
        return self.is_held

    async def is_held_elsewhere(self) -> bool:
        """Tell whether another process holds the role; False where none ever does.

        Raises:
            StorageError: the store did not answer.
        """
        is_held_here = await self.acquire()
        await self.release()
        return not is_held_here

    @asynccontextmanager
    async def kept(self, on_gain: Callable[[], None]) -> AsyncIterator[None]:
        """Hold the role whenever no other process does, and release it at the end.

        Args:
            on_gain: called when this process gets the role.
        """
        stopping = self._clock.create_wake_up()
        keeping = self._clock.spawn(self._keep(on_gain, stopping.wait))
        try:
            yield
        finally:
            stopping.set()
            await keeping
            await self.release()

    async def release(self) -> None:
        """Let another process have the role at once."""
        if self.is_held and self.is_shared:
            self._held_until = -math.inf
            with suppress(StorageError):  # the hold ends by itself
                await self._store.release_number(self._ours, self._role)

    async def _keep(
        self, on_gain: Callable[[], None], is_stopping: Callable[[float], Awaitable[bool]]
    ) -> None:
        while True:
            was_held = self.is_held
            try:
                await self.acquire()
            except StorageError as error:
                log_event("store-unavailable", logging.ERROR, error=str(error), during="hold")
            if self.is_held and not was_held:
                on_gain()
            if not self.is_shared or await is_stopping(_RENEW_S):
                return
