"""An app that uses the whole public API: it is checked by type checkers, and never run."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any, Literal, Unpack, assert_type
from zoneinfo import ZoneInfo

import cooee
from cooee import (
    App,
    AppClient,
    AskOptions,
    Birthday,
    CannotGoBack,
    Chat,
    CooeeError,
    Email,
    Encoding,
    HistoryEntry,
    Inbound,
    Keyword,
    Media,
    MountableApp,
    NoReply,
    NotSendable,
    OnceFailed,
    OnceUnknown,
    OptedOut,
    Outbound,
    Pattern,
    PhoneNumber,
    Reaction,
    Receipt,
    Refusal,
    Reply,
    Restart,
    ResultLost,
    Routes,
    Segments,
    Status,
    Suggestion,
    TooLong,
    TooManyAttempts,
    days,
    fold_text,
    hours,
    minutes,
    split_into_segments,
)

Tea = Enum("Tea", ["GREEN", "BLACK"])


@dataclass
class Guest:
    name: str = ""
    visits: int = 0
    log: list[str] = field(default_factory=list[str])


class Desk:
    async def reserve(self, name: str, *, token: str) -> int:
        return len(name + token)

    def count(self) -> int:
        return 1


@asynccontextmanager
async def desk() -> AsyncGenerator[Desk, None]:
    yield Desk()


app = App(
    state=Guest,
    lifespan=desk,
    sorry="Sorry.",
    unknown="resend",
    help="Ring us. {word} ends this.",
    smart=True,
    most_segments=3,
    long_texts="split",
    quiet=("21:00", "08:00"),
    timezone="Australia/Sydney",
    no_reply="Bye.",
    too_many="Too many.",
    version="1",
)
routes = Routes()
plain_app = App()


# Handlers


@app.on("HELLO", "HI", always=True)
def hello(chat: Chat[Guest, Desk]) -> str:
    chat.state.visits += 1
    assert_type(chat.services, Desk)
    assert_type(chat.message, Inbound)
    assert_type(chat.now, datetime)
    return f"{chat.ours} {chat.theirs} {chat.text} {chat.token} {chat.services.count()}"


@app.on("ADD {n:d}", re.compile("PLUS (?P<n>[0-9]+)"))
async def add(chat: Chat[Guest, Desk], n: Any) -> Reply:
    assert_type(await chat.history(5), Sequence[HistoryEntry])
    await app.send(chat.theirs, f"{n}", at=chat.now, good_for=hours(1), key="added")
    return Reply("Added", media=["https://example.com/a.png"])


@routes.on("BACK", always=True)
def back(chat: Chat[Guest]) -> str | None:
    try:
        chat.back()
    except CannotGoBack:
        return "There is nothing to take back."
    return None if chat.leave() else chat.question


@app.otherwise
def otherwise(chat: Chat[Guest, Desk]) -> None:
    chat.say(None)
    chat.say("Hm?", key="hm")
    chat.say(Reply("?"))


# Hooks


@app.on_start
async def announce() -> None:
    try:
        assert_type(await app.send("+61491570156", "online", key="online"), str)
    except (OptedOut, NotSendable, TooLong) as error:
        assert_type(str(error), str)
    await app.start(book, "+61491570156", ours="+61491570006", key="first", table=4)
    await app.start("book", "+61491570156", at=datetime(2026, 1, 1))  # noqa: DTZ001 -- its type


@app.around
async def timed(chat: Chat[Guest, Desk], proceed: Callable[[], Awaitable[Any]]) -> Any:
    return await proceed()


@app.on_error
def on_error(chat: Chat[Guest, Desk], error: Exception) -> str:
    return f"{chat.theirs}: {error}"


@app.on_reaction
def on_reaction(chat: Chat[Guest, Desk], reaction: Reaction) -> None:
    chat.say(None if reaction.removed else reaction.emoji)


@app.on_refused
def on_refused(chat: Chat[Guest, Desk], refusal: Refusal) -> str:
    return f"{chat.theirs}: {refusal.code} {refusal.reason} {refusal.text} {refusal.is_awaited}"


@app.on_failed
def on_failed(outbound: Outbound) -> None:
    assert_type(outbound.recipient, str)


@app.on_delivered
async def on_delivered(outbound: Outbound) -> None:
    assert_type(outbound.id, str)


# Dialogues


async def ask_name(chat: Chat[Guest, Desk], **options: Unpack[AskOptions]) -> str:
    with chat.part("name"):
        return await chat.ask("Your name?", **options)


def shout(text: str) -> bytes:
    return text.upper().encode()


@app.dialogue("BOOK {table:d}", busy="replace", name="book", was="reserve")
async def book(chat: Chat[Guest, Desk], table: int = 1) -> str | Restart:
    assert_type(await ask_name(chat, timeout=days(1), remind=minutes(5)), str)
    assert_type(await chat.ask("How many?", int, retry="A number?", attempts=3), int)
    assert_type(await chat.ask("How many more?", int, default=None), int | None)
    assert_type(await chat.ask("How long?", float), float)
    assert_type(await chat.ask("How much?", Decimal), Decimal)
    assert_type(await chat.ask("Which day?", date), date)
    assert_type(await chat.ask("What time?", time), time)
    assert_type(await chat.ask("When?", datetime), datetime)
    born: Birthday = await chat.ask("Born?", Birthday)
    number: PhoneNumber = await chat.ask("Number?", PhoneNumber)
    mail: Email = await chat.ask("Mail?", Email)
    assert_type(await chat.ask("Zone?", ZoneInfo), ZoneInfo)
    assert_type(await chat.ask("Shout?", shout), bytes)
    assert_type(await chat.ask("Why?", key="why", was="Reason?", fresh=True), str)
    await chat.ask("Red or blue?", Literal["red", "blue"])
    await chat.ask("Which tea?", Tea)
    assert_type(await chat.choose("Tea?", ["green", "black"], timeout=hours(1)), str)
    assert_type(await chat.choose("Milk?", ["yes", "no"], default=None), str | None)
    assert_type(await chat.confirm("Sure?"), bool)
    assert_type(await chat.receive(settle=4, key="burst"), str)
    remind: list[tuple[timedelta, str]] = [(hours(1), "Well?")]
    assert_type(await chat.receive(timeout=days(1), remind=remind, default=0), str | int)
    await chat.sleep(hours(1), key="nap")
    await chat.sleep(until=chat.now)
    chat.zone = ZoneInfo("Australia/Perth")
    try:
        await chat.ask("Anything else?", timeout=minutes(1))
    except (NoReply, TooManyAttempts):
        chat.end("Bye.")
    if chat.random.random() < chat.state.visits:
        return chat.restart()
    return f"Table {table} {born:%d} {number} {mail}"


# Whatever a once may be


async def fetch(x: int) -> str:
    return str(x)


async def fetch_maybe(x: int) -> str | None:
    return str(x) or None


async def fetch_nothing() -> None: ...


def compute(x: int) -> bytes:
    return bytes(x)


def later(x: int) -> Awaitable[float]:
    raise NotImplementedError(x)


class Fetcher:
    async def __call__(self, x: int) -> list[int]:
        return [x]


class Computer:
    def __call__(self, x: int) -> set[int]:
        return {x}

    @staticmethod
    async def static() -> int:
        return 1

    @classmethod
    async def of_class(cls) -> int:
        return 1


@app.dialogue()
async def effects(chat: Chat[Guest, Desk]) -> None:
    assert_type(await chat.once(fetch, 1), str)
    assert_type(await chat.once(fetch_maybe, 1), str | None)
    await chat.once(fetch_nothing)
    assert_type(await chat.once(compute, 1), bytes)
    assert_type(await chat.once(later, 1), float)
    assert_type(await chat.once(Fetcher(), 1), list[int])
    assert_type(await chat.once(Computer(), 1), set[int])
    assert_type(await chat.once(Computer.static), int)
    assert_type(await chat.once(Computer().of_class), int)
    assert_type(await chat.once(partial(fetch, 1)), str)
    assert_type(await chat.once(partial(compute, 1), key="computed"), bytes)
    assert_type(await chat.once(lambda: 3, key="three"), int)
    reserved = await chat.once(chat.services.reserve, "Anna", token=chat.token, unknown="raise")
    assert_type(reserved, int)
    assert_type(await chat.once(chat.history, 10), Sequence[HistoryEntry])
    told = partial(app.send, key=f"told-{reserved}")
    assert_type(await chat.once(told, "+61491570157", "Hello"), str)
    assert_type(await chat.once(app.send, "+61491570157", "Hello", key="told", was="tell"), str)
    await chat.once(app.start, book, "+61491570157", key="theirs")
    try:
        await chat.once(fetch, 2, key="2", was=())
    except OnceUnknown:
        return
    except (ResultLost, OnceFailed) as error:
        chat.say(str(error))


# The rest


app.include(routes)
app.retire("gone", say=Reply("We no longer take bookings."))


async def elsewhere() -> None:
    client = cooee.connect("http://127.0.0.1:8000", token="word")
    assert_type(client, AppClient)
    assert_type(await client.send("+61491570156", "Hello", key="k"), str)
    try:
        mounted: MountableApp = app.asgi()
        async with app.lifespan(), mounted.lifespan():
            pass
    except CooeeError:
        pass


def texts(media: Media, receipt: Receipt) -> tuple[Encoding, Sequence[Suggestion]]:
    found: Segments = split_into_segments(fold_text("Héllo"))
    assert_type(receipt.status, Status)
    assert_type(media.content_type, str)
    print(Keyword("STOP"), Pattern("ADD {n:d}"), app.time_zone_of("+61491570156"), plain_app)
    return found.encoding, found.suggestions
