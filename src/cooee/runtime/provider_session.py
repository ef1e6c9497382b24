"""Our standing with a provider: one login for everybody, and numbers that stay ours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import msgspec

from cooee.clocks.clock import Clock
from cooee.core.errors import PermanentFailure, ProviderFailure, TemporaryFailure, Unauthorized
from cooee.core.http_messages import Flow, Request, Response
from cooee.core.messages import Outbound
from cooee.net.http_client import Transport, carry
from cooee.providers import Credentials, Provider, Subscription
from cooee.runtime.log import tell
from cooee.runtime.redaction import Discretion

T = TypeVar("T")

PATIENCE = timedelta(minutes=10)
"""How long a receipt may settle an attempt of unknown end."""
_MARGIN = timedelta(seconds=60)  # credentials are renewed this long before they end
_WATCH = 6 * 3600  # seconds between two looks at the subscription
_RETRY = 30  # seconds until a failed look is repeated


class Account:
    """Runs a provider's flows with credentials that are good, and watches over our number.

    Args:
        provider: the company.
        transport: how requests get there.
        clock: what credentials' ends are measured on.
        hook: the URL below which the company may call us; None to read instead.
        keep: leave the direction at the company as it is.
        discretion: what no failure may say: the provider's secrets, and those of each login.
    """

    def __init__(
        self,
        provider: Provider,
        transport: Transport,
        clock: Clock,
        *,
        hook: str | None = None,
        keep: bool = False,
        discretion: Discretion,
    ) -> None:
        self.provider, self.hook = provider, hook
        self.subscription: Subscription | None = None
        self._transport, self._clock, self._keep = transport, clock, keep
        self._credentials: Credentials | None = None
        self._discretion = discretion
        self._login = asyncio.Lock()
        self._bell = clock.bell()
        self._left = False

    async def ask(
        self, flow: Callable[[Credentials], Flow[T]], transport: Transport | None = None
    ) -> T:
        """Run a flow with good credentials, and once more with new ones after a 401.

        Args:
            flow: what to do.
            transport: another way for its requests than the provider's own.

        Raises:
            ProviderFailure: as the flow does. A login that failed is a `TemporaryFailure`: what
                was asked is not at fault, and nothing of it was done.
        """
        credentials, way = await self._good(), transport or self._transport
        try:
            return await self._carry(flow(credentials), way)
        except Unauthorized:
            renewed = await self._good(instead_of=credentials)
        try:
            return await self._carry(flow(renewed), way)
        except Unauthorized as error:
            words = f"{self.provider.name} refused fresh credentials: {error}"
            raise TemporaryFailure(words, status=error.status, retry_after=60) from error

    async def login(self) -> None:
        """Get credentials now, to learn at once whether they are good."""
        async with self._login:
            await self._log_in()

    async def subscribe(self) -> Subscription:
        """Make sure of our number, and remember it."""
        self.subscription = subscription = await self.ask(
            lambda credentials: self.provider.subscribe(credentials, self.hook, keep=self._keep)
        )
        return subscription

    async def watch(self) -> None:
        """Look after the subscription for as long as we run, so that it never lapses unnoticed."""
        wait: float = _WATCH
        while True:
            await self._bell.wait(wait)
            if self._left:
                return
            try:
                subscription = await self.subscribe()
            except ProviderFailure as error:
                tell("subscription-unsure", logging.WARNING, error=str(error))
                wait = _RETRY
                continue
            for note in subscription.notes:
                tell("subscription", logging.WARNING, note=note)
            wait = _WATCH

    def move(self, hook: str | None) -> None:
        """Have the company call us elsewhere from now on; `watch` tells it."""
        self.hook = hook
        self._bell.ring()

    def addressed(self, outbound: Outbound) -> Outbound:
        """A text with the URL where its news goes, where the company takes one."""
        if self.hook is None or self.provider.features.receipts != "callback":
            return outbound
        return msgspec.structs.replace(outbound, callback=f"{self.hook}/status/{outbound.id}")

    @property
    def first_doubt(self) -> timedelta:
        """How long to wait before an unknown end is settled by more than a receipt."""
        features = self.provider.features
        if features.lookup_settles is not None:
            return features.lookup_settles
        if features.idempotency:
            return timedelta(0)
        awaits = features.receipts == "callback" and self.hook is not None
        return PATIENCE if awaits else timedelta(0)

    def leave(self) -> None:
        """End `watch`."""
        self._left = True
        self._bell.ring()

    async def _good(self, instead_of: Credentials | None = None) -> Credentials:
        """Credentials that will last; those of one login for all who wait for it."""
        async with self._login:
            held = self._credentials
            if held is None or held is instead_of or self._ending(held):
                try:
                    held = await self._log_in()
                except (PermanentFailure, Unauthorized) as error:
                    words = f"Cannot log in to {self.provider.name}: {error}"
                    raise TemporaryFailure(
                        words, code=error.code, status=error.status, retry_after=60
                    ) from error
            return held

    async def _log_in(self) -> Credentials:
        held = await self._carry(self.provider.login(), self._transport)
        self._discretion.learn(held.secret, passing=True)
        self._credentials = held
        return held

    async def _carry(self, flow: Flow[T], way: Transport) -> T:
        """Run a flow; what it raises says nothing secret, whatever the company echoed."""

        async def noted(request: Request) -> Response:
            shown = request.headers.get("authorization", "").rpartition(" ")[2]
            self._discretion.learn(shown, passing=True)
            return await way(request)

        try:
            return await carry(flow, noted)
        except ProviderFailure as failure:
            self._discretion.tame(failure)
            raise

    def _ending(self, credentials: Credentials) -> bool:
        ends = credentials.expires_at
        return ends is not None and self._clock.now() >= ends - _MARGIN
