"""The company: our keys, our number, and its clock beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from cooee.clocks.clock import Clock
from cooee.core.errors import PermanentFailure, ProviderFailure, Unauthorized
from cooee.core.http_messages import Request, Response
from cooee.net.http_client import Transport, carry
from cooee.providers import Credentials, Provider, Subscription
from cooee.runtime.checks import Finding

_SKEW, _WRONG_SKEW = timedelta(seconds=5), timedelta(seconds=60)
_SOON = timedelta(days=7)


class Watching:
    """Carries requests, and compares the clocks by the answers' Date (RFC 9110, 6.6.1)."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport, self._clock = transport, clock
        self.ahead: timedelta | None = None  # how far our clock goes before theirs

    async def __call__(self, request: Request) -> Response:
        asked = self._clock.now()
        response = await self._transport(request)
        theirs = _date(response)
        if theirs is not None:
            between = asked + (self._clock.now() - asked) / 2
            self.ahead = between - theirs
        return response

    async def close(self) -> None:
        """What was handed in is closed by whoever made it."""


async def company(
    provider: Provider, transport: Transport, clock: Clock, public_url: str | None
) -> Sequence[Finding]:
    """Log in, look at our number, and compare clocks; nothing is changed at the company."""
    watching = Watching(transport, clock)
    found = []
    try:
        credentials = await carry(provider.login(), watching)
    except ProviderFailure as failure:
        found.append(_refused(provider, failure))
    else:
        found.append(Finding("credentials", "ok", f"{provider.name} accepts them."))
        found.append(await _number(provider, credentials, watching, clock, public_url))
    return [*found, _clock(provider, watching.ahead)]


def _refused(provider: Provider, failure: ProviderFailure) -> Finding:
    if isinstance(failure, PermanentFailure | Unauthorized):
        return Finding("credentials", "wrong", f"{provider.name} does not accept them: {failure}")
    return Finding(
        "credentials",
        "wrong",
        f"{provider.name} could not be asked: {failure} Look at the network, a firewall, and at"
        " the setting that ends in BASE_URL.",
    )


class _WouldChangeError(Exception):
    """A flow came to a request that changes something."""


class _Looking:
    """Carries requests that only look."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def __call__(self, request: Request) -> Response:
        if request.method != "GET":
            raise _WouldChangeError
        return await self._transport(request)

    async def close(self) -> None:
        """What was handed in is closed by whoever made it."""


async def _number(
    provider: Provider,
    credentials: Credentials,
    transport: Transport,
    clock: Clock,
    public_url: str | None,
) -> Finding:
    try:
        held = await carry(provider.subscribe(credentials, None, keep=True), _Looking(transport))
    except _WouldChangeError:
        words = f"{provider.name} has no number for us, or it ends soon."
        return Finding("number", "note", f"{words} `cooee run` gets one, or renews it.")
    except ProviderFailure as failure:
        return Finding("number", "wrong", f"Our number cannot be found: {failure}")
    left = None if held.expires_at is None else held.expires_at - clock.now()
    if left is not None and left <= timedelta():
        words = f"{held.number} ended on {held.expires_at:%Y-%m-%d}. See {provider.name}'s account."
        return Finding("number", "wrong", words)
    return _held(provider, held, left, public_url)


def _held(
    provider: Provider, held: Subscription, left: timedelta | None, public_url: str | None
) -> Finding:
    notes = [*held.notes]
    if left is not None and left < _SOON:
        notes.append(f"It ends in {left.days} days; `cooee run` renews what can be renewed.")
    elsewhere = held.pushes_to is not None and not held.pushes_to.startswith(public_url or "\0")
    if elsewhere:
        notes.append("Its texts are pushed to another address than COOEE_PUBLIC_URL.")
    elif public_url and held.pushes_to is None:
        notes.append(f"{provider.name} does not push yet, or does not say; `cooee run` sees to it.")
    return Finding("number", "note" if notes else "ok", " ".join([f"{held.number}.", *notes]))


def _clock(provider: Provider, ahead: timedelta | None) -> Finding:
    if ahead is None:
        return Finding("clock", "note", f"{provider.name} sends no Date to compare it with.")
    seconds = abs(ahead.total_seconds())
    if seconds <= _SKEW.total_seconds():
        return Finding("clock", "ok", f"It agrees with {provider.name}'s.")
    side = "ahead of" if ahead > timedelta() else "behind"
    return Finding(
        "clock",
        "wrong" if seconds > _WRONG_SKEW.total_seconds() else "note",
        f"This machine's is {seconds:.0f} seconds {side} {provider.name}'s. Signatures and times"
        " go by it: let it be set over the network (timedatectl set-ntp true).",
    )


def _date(response: Response) -> datetime | None:
    try:
        moment = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None
