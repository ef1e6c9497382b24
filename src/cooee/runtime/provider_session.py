"""The session with a provider: its login, its subscription, and every call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from cooee.clocks.clock import Clock
from cooee.core.errors import PermanentFailure, ProviderFailure, TemporaryFailure, Unauthorized
from cooee.core.http_messages import Flow, Request, Response
from cooee.core.messages import Outbound
from cooee.net.http_client import Transport, run_flow
from cooee.providers import Credentials, Provider, Subscription
from cooee.runtime.app_call import as_exception
from cooee.runtime.log import log_event
from cooee.runtime.login_pace import LoginPace
from cooee.runtime.redaction import Redactor
from cooee.runtime.task_group import is_being_cancelled

T = TypeVar("T")

ACCOUNT_STATUSES = frozenset({401, 402, 403})
"""Unauthorised, unpaid, forbidden (RFC 9110, 15.5): every call is refused until that is mended."""
RECEIPT_TIMEOUT = timedelta(minutes=10)
"""How long a receipt may settle an attempt of unknown end."""
_RENEW_BEFORE_EXPIRY = timedelta(seconds=60)  # credentials are renewed this long before they end
_SUBSCRIPTION_CHECK_S = 6 * 3600  # seconds between two looks at the subscription
_SUBSCRIPTION_RETRY_S = 30  # seconds until a failed look is repeated


class ProviderSession:
    """Runs a provider's flows with valid credentials, and keeps our number subscribed.

    Args:
        provider: the provider.
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
        webhook_base_url: str | None = None,
        keep_direction: bool = False,
        redactor: Redactor,
    ) -> None:
        self.provider, self.webhook_base_url = provider, webhook_base_url
        self.subscription: Subscription | None = None
        self._transport, self._clock, self._keep_direction = transport, clock, keep_direction
        self._credentials: Credentials | None = None
        self._renew_at: datetime | None = None
        self._refused: Credentials | None = None
        self._pace = LoginPace(clock)
        self._redactor = redactor
        self._login_lock = asyncio.Lock()
        self._wake_up = clock.create_wake_up()
        self._stopped = False
        self.trouble = ""

    async def call(
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
        credentials, used_transport = await self._valid_credentials(), transport or self._transport
        try:
            return await self._run_flow(flow(credentials), used_transport)
        except Unauthorized:
            new_credentials = await self._valid_credentials(instead_of=credentials)
        try:
            return await self._run_flow(flow(new_credentials), used_transport)
        except Unauthorized as error:
            message = f"{self.provider.name} refused fresh credentials: {error}"
            raise TemporaryFailure(message, status=error.status, retry_after=60) from error

    async def login(self) -> None:
        """Get credentials now, to learn at once whether they are good."""
        async with self._login_lock:
            await self._log_in()

    async def subscribe(self) -> Subscription:
        """Subscribe our number, and remember the subscription."""
        self.subscription = subscription = await self.call(
            lambda credentials: self.provider.subscribe(
                credentials, self.webhook_base_url, keep_direction=self._keep_direction
            )
        )
        return subscription

    async def keep_subscribed(self) -> None:
        """Check the subscription until `stop`, so that it never lapses unnoticed."""
        pause: float = _SUBSCRIPTION_CHECK_S
        while True:
            await self._wake_up.wait(pause)
            if self._stopped:
                return
            try:
                subscription = await self.subscribe()
            except ProviderFailure as error:
                log_event("subscription-unsure", logging.WARNING, error=str(error))
                self.trouble = str(error)
                pause = _SUBSCRIPTION_RETRY_S
                continue
            self.trouble = ""
            for note in subscription.notes:
                log_event("subscription", logging.WARNING, note=note)
            pause = _SUBSCRIPTION_CHECK_S

    def set_webhook(self, webhook_base_url: str | None) -> None:
        """Have the provider call another URL from now on; `keep_subscribed` says so to it."""
        self.webhook_base_url = webhook_base_url
        self._wake_up.set()

    def with_callback(self, outbound: Outbound) -> Outbound:
        """Return a text with the URL for its receipts, where the provider takes one."""
        if self.webhook_base_url is None or self.provider.features.receipts != "callback":
            return outbound
        return msgspec.structs.replace(
            outbound, callback=f"{self.webhook_base_url}/status/{outbound.id}"
        )

    @property
    def unknown_grace(self) -> timedelta:
        """The time in which only a receipt settles an unknown outcome."""
        features = self.provider.features
        if features.lookup_settles_after is not None:
            return features.lookup_settles_after
        if features.idempotency:
            return timedelta(0)
        awaits_receipt = features.receipts == "callback" and self.webhook_base_url is not None
        return RECEIPT_TIMEOUT if awaits_receipt else timedelta(0)

    def stop(self) -> None:
        """End `keep_subscribed`."""
        self._stopped = True
        self._wake_up.set()

    async def _valid_credentials(self, instead_of: Credentials | None = None) -> Credentials:
        """Return credentials that stay valid; all callers share one login."""
        async with self._login_lock:
            credentials = self._credentials
            if credentials is not None and credentials is instead_of is not self._refused:
                self._refused = instead_of
                self._pace.note_refusal()
            if credentials is None or credentials is instead_of or self._is_to_be_renewed():
                try:
                    # delivery rule 30: whoever comes in the pause hears of the failure
                    self._pace.check()
                    credentials = await self._log_in()
                except (PermanentFailure, Unauthorized) as error:
                    message = f"Cannot log in to {self.provider.name}: {error}"
                    raise TemporaryFailure(
                        message, code=error.code, status=error.status, retry_after=60
                    ) from error
            return credentials

    async def _log_in(self) -> Credentials:
        try:
            credentials = await self._run_flow(self.provider.login(), self._transport)
        except ProviderFailure as failure:
            self._pace.note_failure(failure)
            raise
        self._pace.note_login()
        self._redactor.add_secret(credentials.secret, temporary=True)
        self._credentials, expires_at = credentials, credentials.expires_at
        if expires_at is None:
            self._renew_at = None
        else:  # in its second half at the earliest, however short its life is
            self._renew_at = max(
                expires_at - _RENEW_BEFORE_EXPIRY,
                expires_at - (expires_at - self._clock.now()) / 2,
            )
        return credentials

    async def _run_flow(self, flow: Flow[T], transport: Transport) -> T:
        """Run a flow; redact its errors, whatever the provider echoed."""

        async def send_redacted(request: Request) -> Response:
            token = request.headers.get("authorization", "").rpartition(" ")[2]
            self._redactor.add_secret(token, temporary=True)
            return await transport(request)

        try:
            return await run_flow(flow, send_redacted)
        except ProviderFailure as failure:
            self._redactor.redact_error(failure)
            raise
        except BaseException as error:
            if isinstance(error, Exception) or is_being_cancelled():
                raise
            # delivery rule 19: an adapter that lets CancelledError out ends no sender, no poller
            raise as_exception(self.provider.name, error) from error

    def _is_to_be_renewed(self) -> bool:
        return self._renew_at is not None and self._clock.now() >= self._renew_at
