"""App: a state, handlers, and policies for unanswered texts."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta, tzinfo
from typing import Any, Generic, Literal, Protocol, TypeAlias

from typing_extensions import TypeVar

from cooee.core.app.app_checks import check_hook, check_sending, check_switches, check_texts
from cooee.core.app.deeds import key_in_deed
from cooee.core.app.dialogue_start import check_inputs, find_dialogue
from cooee.core.app.quiet_hours import parse_quiet_hours as quiet_hours
from cooee.core.app.routes import BusyPolicy, Dialogue, F, Handler, Routes, handler_of
from cooee.core.app.state_codec import StateCodec
from cooee.core.app.text_policy import LongTexts, TextPolicy
from cooee.core.app.time_zones import load_time_zone, parse_time_zone
from cooee.core.built_in_values import (
    built_in_length,
    built_in_moment,
    built_in_text,
    required_text,
)
from cooee.core.errors import DefinitionError, NotRunning
from cooee.core.messages import Outbound, Reply, as_reply
from cooee.core.phone_numbers import certain_time_zone

S = TypeVar("S", default=Any)
V = TypeVar("V", default=Any)

HELP_TEXT = "These texts are sent by a computer. To get no more of them, reply {word}."
SORRY_TEXT = "Sorry, something went wrong at our end. We are looking into it."

TOO_MANY_ATTEMPTS_TEXT = "Sorry, I still did not understand. Please text us again to start over."

Lifespan: TypeAlias = Callable[[], AbstractAsyncContextManager[V]]
Middleware: TypeAlias = Callable[[Any, Callable[[], Awaitable[Any]]], Awaitable[Any]]
OutboundHandler: TypeAlias = Callable[[Outbound], Any]
ASGICallable: TypeAlias = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]


class Outbox(Protocol):
    """The queue of an app's own texts and dialogues; the runtime provides it."""

    async def send(
        self,
        to: str,
        text: str,
        *,
        ours: str | None,
        at: datetime | None,
        good_for: timedelta | None,
        key: str | None,
    ) -> str:
        """Queue a text and return its id, once the text is on disk."""
        ...

    async def start(
        self,
        dialogue: Dialogue,
        to: str,
        inputs: Mapping[str, Any],
        *,
        ours: str | None,
        at: datetime | None,
        key: str | None,
    ) -> str:
        """Queue the start of a dialogue and return its id, once on disk."""
        ...


class MountableApp(Protocol):
    """An ASGI app to mount inside another web application."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """Run the app's worker, sender and poller for as long as the context is open."""
        ...


class App(Generic[S, V]):
    """An app: handlers over a person's state.

    Args:
        state: the class of each person's state (a dataclass, msgspec Struct,
            TypedDict or pydantic model, made without arguments); None for nothing.
        lifespan: an async context manager around the app's life; its value is
            `chat.services`.
        sorry: the reply where a handler has failed for good; None for none.
        unknown: the end of an outbound whose attempt was cut off, where the provider cannot be
            asked whether it arrived: "hold" keeps it for a person to look at and sends nothing
            twice; "resend" sends it again, perhaps twice.
        help: the answer to HELP where no handler has that word; {word} is the word that ends all
            texts. None leaves HELP to `otherwise`.
        smart: write curly quotes, dashes and such as plain ones where that makes a text GSM-7,
            which holds more than twice as much in a segment.
        most_segments: how many segments one text of ours may need. A longer one fails its turn
            at once, without another try, and makes `send` raise `TooLong`: what is cut might
            be the price, or half of a link. None sets no limit.
        long_texts: what becomes of a text that is longer than the provider takes (1,600
            characters, say): "refuse" fails its turn as with `most_segments`, and makes `send`
            raise `TooLong`; "split" sends it as several texts, in order, divided between words.
            `most_segments` counts for the whole.
        quiet: hours such as ``("21:00", "08:00")``, on the person's own clock, in which nothing
            leaves that we start. It waits until they are over in all time zones that the number
            may be in; replies pass.
        timezone: where your people are, such as ``"Australia/Sydney"``: in it "tomorrow 3pm" is
            read, and a dialogue sleeps until a time of day. It is not asked where a number can
            be in one time zone only. UTC by default.
        no_reply: the text at a question's timeout, where the dialogue does not catch `NoReply`;
            None for none.
        too_many: the text after the last attempt to answer, where the dialogue does not catch
            `TooManyAttempts`; None for none.
        version: a part of the code version beside the user's own code, such as a hash of the
            file that its questions come from, or the release where no Python can read the code.
            Another version is an edit: answers are checked against today's types and options,
            and texts that were set aside are tried again.
    """

    def __init__(
        self,
        state: type[S] | None = None,
        *,
        lifespan: Lifespan[V] | None = None,
        sorry: str | None = SORRY_TEXT,
        unknown: Literal["hold", "resend"] = "hold",
        help: str | None = HELP_TEXT,
        smart: bool = False,
        most_segments: int | None = None,
        long_texts: LongTexts = "refuse",
        quiet: tuple[str, str] | None = None,
        timezone: str | None = None,
        no_reply: str | None = None,
        too_many: str | None = TOO_MANY_ATTEMPTS_TEXT,
        version: str = "",
    ) -> None:
        if unknown not in {"hold", "resend"}:
            raise DefinitionError(f'unknown={unknown!r} means nothing. Write "hold" or "resend".')
        check_texts(sorry=sorry, help=help, no_reply=no_reply, too_many=too_many, version=version)
        check_switches(smart=smart)
        if lifespan is not None:
            check_hook("lifespan", lifespan)
        self.state_codec: StateCodec[S] = StateCodec(state)
        self.services_lifespan = lifespan
        self.sorry = built_in_text(sorry)
        self.unknown = unknown
        self.help = built_in_text(help)
        self.text_policy = TextPolicy(smart, most_segments, long_texts)
        self.quiet_hours = quiet_hours(quiet)
        self.timezone = parse_time_zone(timezone)
        self.no_reply = built_in_text(no_reply)
        self.too_many = built_in_text(too_many)
        self.version = built_in_text(version)
        self.retired_dialogues: dict[str, Reply | None] = {}
        self.routes = Routes()
        self.start_hooks: list[Callable[[], Any]] = []
        self.middleware: list[Middleware] = []
        self.error_handler: Handler | None = None
        self.reaction_handler: Handler | None = None
        self.refusal_handler: Handler | None = None
        self.failed_handlers: list[OutboundHandler] = []
        self.delivered_handlers: list[OutboundHandler] = []
        self.outbox: Outbox | None = None
        self._mounted_app: MountableApp | None = None

    # What it answers

    def on(self, *specs: str | re.Pattern[str], always: bool = False) -> Callable[[F], F]:
        """Answer the texts of `specs`; see `Routes.on`."""
        return self.routes.on(*specs, always=always)

    def dialogue(
        self,
        *specs: str | re.Pattern[str],
        always: bool = False,
        busy: BusyPolicy = "return",
        name: str | None = None,
        was: str | Sequence[str] = (),
    ) -> Callable[[F], F]:
        """Let a handler ask, and wait for the answers; see `Routes.dialogue`."""
        return self.routes.dialogue(*specs, always=always, busy=busy, name=name, was=was)

    def retire(self, name: str, say: str | Reply | None = None) -> None:
        """End a removed dialogue, for every person in the middle of it.

        Args:
            name: its name.
            say: their last text; none by default.

        Raises:
            DefinitionError: the app still has it.
        """
        name = required_text(name, "The name of a dialogue")
        if self.routes.dialogue_named(name) is not None:
            raise DefinitionError(f"The app has a dialogue {name!r}. Remove it, then retire it.")
        self.retired_dialogues[name] = as_reply(say)

    def otherwise(self, function: F) -> F:
        """Answer every text without another handler."""
        return self.routes.otherwise(function)

    def include(self, routes: Routes) -> None:
        """Take over the handlers collected in another file."""
        self.routes.include(routes)

    # What surrounds the answers

    def on_start(self, function: F) -> F:
        """Call a function whenever the app has started and can send.

        What it raises ends `cooee run`, with its words (`StartFailed`): catch there what may fail.
        """
        check_hook("on_start", function)
        self.start_hooks.append(function)
        return function

    def around(self, function: F) -> F:
        """Wrap every turn: ``async def timed(chat, proceed): return await proceed()``."""
        check_hook("around", function, "chat", "proceed")
        self.middleware.append(function)
        return function

    def on_error(self, function: F) -> F:
        """Write the reply where a handler has failed for good: ``(chat, error)``."""
        if self.error_handler is not None:
            raise DefinitionError("There is an on_error already. Put both into one function.")
        check_hook("on_error", function, "chat", "error")
        self.error_handler = handler_of(function)
        return function

    def on_reaction(self, function: F) -> F:
        """Answer a reaction (tapback) to a text of ours: ``(chat, reaction)``."""
        if self.reaction_handler is not None:
            raise DefinitionError("There is an on_reaction already. Put both into one function.")
        check_hook("on_reaction", function, "chat", "reaction")
        self.reaction_handler = handler_of(function)
        return function

    def on_refused(self, function: F) -> F:
        """Answer a text of ours that the provider refused for good: ``(chat, refusal)``.

        The handler runs in a turn of its own, and what it returns is sent in place of `sorry`.
        """
        if self.refusal_handler is not None:
            raise DefinitionError("There is an on_refused already. Put both into one function.")
        check_hook("on_refused", function, "chat", "refusal")
        self.refusal_handler = handler_of(function)
        return function

    def on_failed(self, function: F) -> F:
        """Call a function with every undelivered outbound, at most once each."""
        check_hook("on_failed", function, "outbound")
        self.failed_handlers.append(function)
        return function

    def on_delivered(self, function: F) -> F:
        """Call a function with every delivered outbound, at most once each."""
        check_hook("on_delivered", function, "outbound")
        self.delivered_handlers.append(function)
        return function

    # What we write first

    async def send(
        self,
        to: str,
        text: str,
        *,
        ours: str | None = None,
        at: datetime | None = None,
        good_for: timedelta | None = None,
        key: str | None = None,
    ) -> str:
        """Send a proactive text; return its id (the last part's) once it is safely queued.

        Args:
            to: the person's number, international or as dialled from our own number's country.
            text: the words.
            ours: which of our numbers it comes from; the only one by default.
            at: not before this moment.
            good_for: not later than this long after `at` (or now); then it expires.
            key: makes it idempotent: one text per person and key, however often this is called.
                In a handler or a `once` it is so without a key, for every attempt of the turn.

        Raises:
            NotRunning: no runtime is behind the app.
            NotSendable: `to` is no number, or the text has no words.
            OptedOut: this person wants no more texts. The text is kept, cancelled.
            TooLong: it needs more than `most_segments`, or is longer than the provider takes and
                is not to be split (`long_texts`).
        """
        if self.outbox is None:
            raise NotRunning("The app is not running, so it cannot send. Start it: cooee run APP")
        # delivery rule 22: a store and a database get exact built-in values, and nothing else
        to, text = required_text(to, "A number"), required_text(text, "A text")
        check_sending(ours, at, good_for)
        key = checked_key(key) or key_in_deed("send", to, text)
        return await self.outbox.send(
            to,
            text,
            ours=built_in_text(ours),
            at=built_in_moment(at),
            good_for=built_in_length(good_for),
            key=key,
        )

    async def start(
        self,
        dialogue: Callable[..., Any] | str,
        to: str,
        *,
        ours: str | None = None,
        at: datetime | None = None,
        key: str | None = None,
        **inputs: Any,
    ) -> str:
        """Start a dialogue with a person and return its id: ``await app.start(book, to, table=4)``.

        It begins as soon as that is safely stored, in a turn of its own.

        Args:
            dialogue: the function, as it is or as it was registered (bound, decorated, partial),
                or its name.
            to: the person's number, as with `send`.
            ours: which of our numbers it speaks from; the only one by default.
            at: not before this moment.
            key: makes it idempotent, as with `send`: begun once for each person and key.
            inputs: its parameters, which are stored.

        Raises:
            NotRunning: no runtime is behind the app.
            NotSendable: `to` is no number.
            OptedOut: this person wants no more texts; nothing is begun.
            DefinitionError: it is no dialogue of the app, does not take these inputs, or `key` is
                no text.
            Unstorable: an input cannot be written down.
        """
        if self.outbox is None:
            raise NotRunning("The app is not running, so it cannot ask. Start it: cooee run APP")
        found = find_dialogue(self.routes, dialogue)
        check_inputs(found, inputs)
        to, moment = required_text(to, "A number"), built_in_moment(at)
        check_sending(ours, at)
        key = checked_key(key) or key_in_deed("start", found.name, to)
        return await self.outbox.start(
            found, to, inputs, ours=built_in_text(ours), at=moment, key=key
        )

    def time_zone_of(self, theirs: str) -> tzinfo:
        """Return a person's time zone: the only one of their number, or the app's."""
        name = certain_time_zone(theirs)
        return (name and load_time_zone(name)) or self.timezone

    # Inside somebody else's server

    def asgi(self) -> MountableApp:
        """Return the app's webhooks as an ASGI app, to mount under the path of COOEE_PUBLIC_URL.

        A mounted app's own lifespan does not run: hand `app.lifespan` to the outer one.
        """
        if self._mounted_app is None:
            assert _mount_factory is not None, "import cooee, not cooee.core"
            self._mounted_app = _mount_factory(self)
        return self._mounted_app

    def lifespan(self, _outer: object = None) -> AbstractAsyncContextManager[None]:
        """Run the worker, the sender and the poller: ``Starlette(lifespan=app.lifespan)``."""
        return self.asgi().lifespan()


def checked_key(given: Any) -> str | None:
    """Return the key of a text or a dialogue's start as a built-in text.

    Raises:
        DefinitionError: the key is no text, is empty or is too long.
    """
    key: Any = built_in_text(given)
    if key is not None and not (isinstance(key, str) and 0 < len(key) <= _MAX_KEY_CHARS):
        raise DefinitionError(
            f"key={key!r:.80} is no name. Write a text of up to {_MAX_KEY_CHARS:,} characters, like"
            ' key="invoice-7".'
        )
    return key


_MAX_KEY_CHARS = 1_000


_mount_factory: Callable[[App[Any, Any]], MountableApp] | None = None


def set_mount_factory(factory: Callable[[App[Any, Any]], MountableApp]) -> None:
    """Set the function behind `App.asgi`; `cooee/__init__.py` does: core knows no server."""
    global _mount_factory  # noqa: PLW0603 -- set once, at import, by the one front door
    _mount_factory = factory
