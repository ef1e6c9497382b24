"""Example: a provider's responses for successful flows of an adapter, for the suite."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from cooee.core.http_messages import Flow, Request, Response
from cooee.core.messages import Outbound
from cooee.core.public_names import publish_names
from cooee.providers import Credentials, Provider


class Push(msgspec.Struct, frozen=True):
    """A webhook request of the provider, and its path below our webhook URL."""

    subpath: str
    request: Request


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """An adapter, and the provider's responses for the success of each flow.

    Args:
        provider: the adapter, made with settings of a test.
        secrets: every secret in those settings.
        credentials: the login's result.
        login: the responses of a login that succeeds; none where it makes no request.
        subscribe: the responses that make sure of a number.
        send: the responses that accept `outbound`.
        poll: the responses of a poll that brings one text, where there is `poll`.
        confirm: the responses of a confirmation, where texts have to be confirmed.
        status: the responses with the receipt of `outbound`.
        lookup: the responses that find `outbound`, where there is `lookup`.
        pushes: webhook requests, each good.
        sign: signs a changed request anew; returns it unchanged where pushes are not signed.
        stamped: True where a signature carries its time, and is void a day later.
        outbound: the text that is sent and asked for.
        webhook_url: the URL that texts are to be pushed below.
        cursor: the cursor of the poll.
    """

    provider: Provider
    secrets: Sequence[str]
    credentials: Credentials
    login: Sequence[Response]
    subscribe: Sequence[Response]
    send: Sequence[Response]
    poll: Sequence[Response] = ()
    confirm: Sequence[Response] = ()
    status: Sequence[Response] = ()
    lookup: Sequence[Response] = ()
    pushes: Sequence[Push] = ()
    sign: Callable[[Request], Request] = lambda request: request
    stamped: bool = True
    webhook_url: str = "https://cooee.example/hook"
    cursor: str = ""
    outbound: Outbound = Outbound(
        id=f"{'0123456789abcdef' * 2}-7",
        sender="+61491570006",
        recipient="+61491570156",
        text="Your table is booked, Zaphod.",
        provider_id="their-id-of-it",
        callback="https://cooee.example/hook/status/7",
    )

    def flows(self) -> Mapping[str, tuple[Callable[[], Flow[Any]], Sequence[Response]]]:
        """Return every flow with responses, by name; a login even without."""
        provider, credentials = self.provider, self.credentials
        optional: dict[str, tuple[Callable[[], Flow[Any]], Sequence[Response]]] = {
            "subscribe": (
                lambda: provider.subscribe(credentials, self.webhook_url),
                self.subscribe,
            ),
            "send": (lambda: provider.send(self.outbound, credentials), self.send),
            "poll": (lambda: provider.poll(credentials, self.cursor), self.poll),
            "confirm": (lambda: provider.confirm(credentials, ["a", "b"]), self.confirm),
            "status": (lambda: provider.status(self.outbound, credentials), self.status),
            "lookup": (lambda: provider.lookup(self.outbound, credentials), self.lookup),
        }
        return {"login": (provider.login, self.login)} | {
            name: (flow, script) for name, (flow, script) in optional.items() if script
        }

    def steps(self) -> Iterator[tuple[str, Callable[[], Flow[Any]], Sequence[Response], int]]:
        """Yield every flow at each of its requests."""
        for name, (flow, script) in self.flows().items():
            for step in range(len(script)):
                yield name, flow, script, step


publish_names("cooee.testing", globals(), ["Example", "Push"])
