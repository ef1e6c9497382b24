"""Checks the provider: our credentials, our number, and its clock beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from cooee.clocks.clock import Clock
from cooee.core.errors import PermanentFailure, ProviderFailure, Unauthorized
from cooee.core.http_messages import Request, Response
from cooee.net.http_client import Transport, run_flow
from cooee.providers import Credentials, Provider, Subscription
from cooee.runtime.checks import Finding

_MAX_GOOD_SKEW, _MAX_NOTED_SKEW = timedelta(seconds=5), timedelta(seconds=60)
_EXPIRY_NOTICE = timedelta(days=7)


class ClockComparer:
    """A transport that compares the clocks by the responses' Date (RFC 9110, 6.6.1)."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport, self._clock = transport, clock
        self.clock_offset: timedelta | None = None  # how far our clock goes before theirs

    async def __call__(self, request: Request) -> Response:
        sent_at = self._clock.now()
        response = await self._transport(request)
        theirs = _response_time(response)
        if theirs is not None:
            midpoint = sent_at + (self._clock.now() - sent_at) / 2
            self.clock_offset = midpoint - theirs
        return response

    async def close(self) -> None:
        """Do nothing: the inner transport is closed by its maker."""


async def check_provider(
    provider: Provider, transport: Transport, clock: Clock, public_url: str | None
) -> Sequence[Finding]:
    """Log in, look at our number and compare clocks, without a change at the provider."""
    comparer = ClockComparer(transport, clock)
    findings = []
    try:
        credentials = await run_flow(provider.login(), comparer)
    except ProviderFailure as failure:
        findings.append(_login_failure_finding(provider, failure))
    else:
        findings.append(Finding("credentials", "ok", f"{provider.name} accepts them."))
        findings.append(await _check_number(provider, credentials, comparer, clock, public_url))
    return [*findings, _clock_finding(provider, comparer.clock_offset)]


def _login_failure_finding(provider: Provider, failure: ProviderFailure) -> Finding:
    if isinstance(failure, PermanentFailure | Unauthorized):
        return Finding("credentials", "wrong", f"{provider.name} does not accept them: {failure}")
    return Finding(
        "credentials",
        "wrong",
        f"{provider.name} could not be asked: {failure} Look at the network, a firewall, and at"
        " the setting that ends in BASE_URL.",
    )


class _WouldWriteError(Exception):
    """A flow yielded a request that would change something."""


class _ReadOnlyTransport:
    """A transport that refuses every request but GET."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def __call__(self, request: Request) -> Response:
        if request.method != "GET":
            raise _WouldWriteError
        return await self._transport(request)

    async def close(self) -> None:
        """Do nothing: the inner transport is closed by its maker."""


async def _check_number(
    provider: Provider,
    credentials: Credentials,
    transport: Transport,
    clock: Clock,
    public_url: str | None,
) -> Finding:
    try:
        subscription = await run_flow(
            provider.subscribe(credentials, None, keep_direction=True),
            _ReadOnlyTransport(transport),
        )
    except _WouldWriteError:
        problem = f"{provider.name} has no number for us, or it ends soon."
        return Finding("number", "note", f"{problem} `cooee run` gets one, or renews it.")
    except ProviderFailure as failure:
        return Finding("number", "wrong", f"Our number cannot be found: {failure}")
    time_left = None if subscription.expires_at is None else subscription.expires_at - clock.now()
    if time_left is not None and time_left <= timedelta():
        problem = (
            f"{subscription.number} ended on {subscription.expires_at:%Y-%m-%d}."
            f" See {provider.name}'s account."
        )
        return Finding("number", "wrong", problem)
    return _number_finding(provider, subscription, time_left, public_url)


def _number_finding(
    provider: Provider,
    subscription: Subscription,
    time_left: timedelta | None,
    public_url: str | None,
) -> Finding:
    notes = [*subscription.notes]
    if time_left is not None and time_left < _EXPIRY_NOTICE:
        notes.append(f"It ends in {time_left.days} days; `cooee run` renews what can be renewed.")
    is_elsewhere = subscription.push_url is not None and not subscription.push_url.startswith(
        public_url or "\0"
    )
    if is_elsewhere:
        notes.append("Its texts are pushed to another address than COOEE_PUBLIC_URL.")
    elif public_url and subscription.push_url is None:
        notes.append(f"{provider.name} does not push yet, or does not say; `cooee run` sees to it.")
    return Finding(
        "number", "note" if notes else "ok", " ".join([f"{subscription.number}.", *notes])
    )


def _clock_finding(provider: Provider, clock_offset: timedelta | None) -> Finding:
    if clock_offset is None:
        return Finding("clock", "note", f"{provider.name} sends no Date to compare it with.")
    seconds = abs(clock_offset.total_seconds())
    if seconds <= _MAX_GOOD_SKEW.total_seconds():
        return Finding("clock", "ok", f"It agrees with {provider.name}'s.")
    direction = "ahead of" if clock_offset > timedelta() else "behind"
    return Finding(
        "clock",
        "wrong" if seconds > _MAX_NOTED_SKEW.total_seconds() else "note",
        f"This machine's is {seconds:.0f} seconds {direction} {provider.name}'s. Signatures and"
        " times go by it: let it be set over the network (timedatectl set-ntp true).",
    )


def _response_time(response: Response) -> datetime | None:
    try:
        moment = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None
