"""The contract of an adapter: a translator between cooee and a provider, without I/O."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from importlib.metadata import entry_points
from typing import Any, ClassVar, Literal, Protocol, cast, runtime_checkable

import msgspec

from cooee.core.errors import SettingError
from cooee.core.http_messages import Flow, Request, Response
from cooee.core.messages import Inbound, Media, Outbound, Receipt
from cooee.providers.settings import Setting

DAY = timedelta(days=1)


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """The limits and semantics of a provider's API; the runtime obeys them.

    Args:
        polling: the semantics of `poll`. *pop*: it removes the texts. *cursor*: it pages through a
            log. *confirm*: texts come again until confirmed. None: there is no `poll`.
        push: True where the provider calls webhooks.
        receipts: *callback*: pushed, with our id in the URL. *poll*: asked for, text by text.
            *none*. A provider with both says *callback* and has `status`.
        max_text: the most characters of one text.
        lookup_settles_after: how long after a send a "no" of `lookup` may still be wrong; None
            without `lookup`.
        idempotency: True where sending the same `Outbound.id` twice sends one text.
        concurrency: the most sends under way at once, per number, that the provider allows; None
            where it names no limit.
        media: True where our texts can carry pictures, by their URLs.
        rate: texts a second, per number; None where the provider names no limit.
        timestamp_offset: the UTC offset of timestamps without one; None for unknown.
        replay_window: how long the provider may repeat a text.
        opt_out_words: the opt-out words that the provider itself obeys, each where it is the
            whole text, in any case: from then on the provider refuses our texts to the sender.
        opt_in_words: the words by which it lifts such an opt-out again, in the same way. To the
            app they are answers like any other while their sender is not opted out.
        help_words: the words that it answers itself; the app hears them too.
        signed: True where webhooks can be verified.
        backfill: True where `poll` (*cursor*) also brings pushed texts, under the same keys. The
            runtime then polls now and then beside the pushes, for texts that no push could bring.
        reply_within: how long the webhook of a text may wait for its turn, so that the response
            carries the replies (`RepliesInWebhook`); None where replies never go that way.
    """

    polling: Literal["pop", "cursor", "confirm"] | None
    push: bool
    receipts: Literal["callback", "poll", "none"]
    max_text: int
    lookup_settles_after: timedelta | None = None
    idempotency: bool = False
    concurrency: int | None = None
    rate: float | None = None
    media: bool = False
    timestamp_offset: timedelta | None = None
    replay_window: timedelta = 35 * DAY
    opt_out_words: frozenset[str] = frozenset()
    opt_in_words: frozenset[str] = frozenset()
    help_words: frozenset[str] = frozenset()
    signed: bool = False
    backfill: bool = False
    reply_within: timedelta | None = None


class Credentials(msgspec.Struct, frozen=True):
    """A secret from a login, and its expiry (None: never)."""

    secret: str
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        return f"<Credentials until {self.expires_at}>"


class Accepted(msgspec.Struct, frozen=True):
    """The provider has our text, under its own id."""

    provider_id: str
    segments: int | None = None


class PollResult(msgspec.Struct, frozen=True):
    """The texts and receipts of a poll.

    `more` says that polling on at once is worth it. `cursor` is where the next poll begins, opaque
    to all but the provider. `confirm` are the ids to confirm once everything is stored.
    """

    inbounds: Sequence[Inbound] = ()
    receipts: Sequence[Receipt] = ()
    more: bool = False
    cursor: str = ""
    confirm: Sequence[str] = ()


class Received(msgspec.Struct, frozen=True):
    """The texts and receipts of a webhook request, and the response after storing both."""

    inbounds: Sequence[Inbound] = ()
    receipts: Sequence[Receipt] = ()
    response: Response = Response(status=204)


class Subscription(msgspec.Struct, frozen=True):
    """A number of ours at the provider: where its texts are pushed, and its expiry."""

    number: str
    push_url: str | None = None
    expires_at: datetime | None = None
    notes: Sequence[str] = ()  # for the operator


class Provider(Protocol):
    """A provider's adapter: flows and pure functions, no I/O, no clock.

    It is made with the values of its `settings`, by name. Every flow raises a
    `ProviderFailure`: `TemporaryFailure`, `PermanentFailure`, `OptedOut`, `Unauthorized` or
    `OutcomeUnknown`.
    """

    name: ClassVar[str]
    features: Features
    settings: ClassVar[Sequence[Setting]]

    def __init__(self, values: Mapping[str, str]) -> None: ...

    def login(self) -> Flow[Credentials]:
        """Get credentials; the runtime runs a single login at a time and shares its result."""
        ...

    def subscribe(
        self, credentials: Credentials, webhook_url: str | None, *, keep_direction: bool = False
    ) -> Flow[Subscription]:
        """Make sure of a number, and of the direction of its texts.

        They are pushed below `webhook_url`, or kept for polling (None); with `keep_direction`
        the setting stays as it is. Safe to repeat; repeated to renew a number that would expire.
        """
        ...

    def send(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted]:
        """Send a text."""
        ...

    def poll(self, credentials: Credentials, cursor: str) -> Flow[PollResult]:
        """Read new texts and receipts; the first cursor is "", from now on."""
        ...

    def confirm(self, credentials: Credentials, ids: Sequence[str]) -> Flow[None]:
        """Confirm the storage of polled texts (*confirm* semantics only)."""
        ...

    def status(self, outbound: Outbound, credentials: Credentials) -> Flow[Receipt | None]:
        """Ask for an accepted text's receipt; None without news."""
        ...

    def lookup(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted | None]:
        """Ask whether a text of unknown outcome had arrived (`lookup_settles_after` only)."""
        ...

    def receive(self, request: Request, subpath: str, at: datetime) -> Received:
        """Verify and read a webhook request.

        Args:
            request: as it came, its URL made public again.
            subpath: the path below our webhook URL, such as ``"reply"`` or ``"status/…"``.
            at: when it came.

        Raises:
            RequestRefused: it is not to be believed or not to be understood.
        """
        ...


@runtime_checkable
class MediaSource(Protocol):
    """A provider whose media need credentials."""

    def media_request(self, media: Media, credentials: Credentials) -> Request:
        """Return the request for a medium of a text; credentials for the provider's host only.

        Where its answer points elsewhere, the runtime goes on without them.
        """
        ...


@runtime_checkable
class RepliesInWebhook(Protocol):
    """A provider whose webhook responses can carry replies (`Features.reply_within`).

    Whatever it carries counts as attempted and of unknown end, since nothing says that an
    answer arrived: so it wants receipts with our id in their URL, or `lookup`.
    """

    def webhook_response(self, replies: Sequence[Outbound]) -> Response:
        """Return the response to a text's webhook, with the replies in order.

        Raises:
            PermanentFailure: one of them cannot go this way; all are sent as usual then.
        """
        ...


@runtime_checkable
class OptOutSource(Protocol):
    """A provider with a readable list of opt-outs."""

    def opt_outs(self, credentials: Credentials) -> Flow[Sequence[str]]:
        """Read the opt-outs of our number, as E.164 numbers."""
        ...


def default_features(provider: type[Provider]) -> Features:
    """Return a provider's features, by the defaults of its settings."""
    declared: Features | None = getattr(provider, "features", None)
    if declared is not None:
        return declared
    return provider({one.name: one.default or "" for one in provider.settings}).features


def provider_names() -> list[str]:
    """Return the names of all installed providers, sorted."""
    return sorted(entry.name for entry in entry_points(group="cooee.providers"))


def find_provider(name: str) -> type[Provider]:
    """Return the adapter called `name`, from any package.

    Raises:
        SettingError: there is none of that name.
    """
    for entry in entry_points(group="cooee.providers", name=name):
        return cast("type[Provider]", cast(Any, entry.load()))
    raise SettingError(
        f"There is no provider {name!r}. Set COOEE_PROVIDER to {_join_with_or(provider_names())}."
    )


def _join_with_or(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
