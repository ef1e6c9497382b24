"""Our number at the provider, known from the moment at which the provider says it."""

from __future__ import annotations

from cooee.clocks.clock import Clock
from cooee.runtime.provider_session import ProviderSession
from cooee.storage import Store


class OurNumber:
    """Our number at the provider.

    Args:
        session: has our number once it is connected.
        store: has the number of the last run.
        clock: makes the wake-up of those who wait, in whichever event loop.
    """

    def __init__(self, session: ProviderSession, store: Store, clock: Clock) -> None:
        self._session, self._store = session, store
        self.is_connected = False
        self._connected = clock.create_wake_up()

    def set_connected(self) -> None:
        """Let everybody go on who waits for our number."""
        self.is_connected = True
        self._connected.set()

    def known(self) -> str:
        """Return our number, "" while the provider has not said it."""
        subscription = self._session.subscription
        return subscription.number if subscription else ""

    async def wait(self) -> str:
        """Return our number as the provider says it; before that, our only number of last time."""
        if not self.known():
            numbers = await self._store.our_numbers()
            if len(numbers) == 1:
                return numbers[0]
            while not self.is_connected:
                await self._connected.wait()
        return self.known()
