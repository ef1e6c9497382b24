"""The process of an app: it loads one version of it, plays it when told, and tells of it."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from cooee.clocks.offset import OffsetClock
from cooee.core.app.app import App
from cooee.phone.app_runner import performing
from cooee.phone.inspector.app_error import is_own, trouble
from cooee.phone.inspector.dialogue_monitor import Lookout
from cooee.phone.inspector.recorder import Observing
from cooee.phone.inspector.source_lines import Source
from cooee.phone.ipc_messages import (
    Advance,
    Advanced,
    Broken,
    Loaded,
    Opened,
    Order,
    Past,
    Play,
    Playing,
    Report,
    Rest,
    Resting,
    Role,
)
from cooee.phone.simulated_provider import SECRET
from cooee.storage.sqlite.change_feed import Change
from cooee.storage.sqlite.store import SQLite

Load = Callable[[str], App[Any, Any]]

_PAST, _PEOPLE = 40, 12  # texts shown again of each of so many people
_orders: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)


def act(role: Role, load: Load) -> None:
    """Load an app, and then do what is ordered on the channel, until its other end closes."""
    import uvloop  # noqa: PLC0415 -- only what runs for long needs it

    folder = _folder(role.app)
    app, first = _loaded(role.app, load, folder)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_live(role, app, first, folder))


def _loaded(name: str, load: Load, folder: Path) -> tuple[App[Any, Any] | None, Report]:
    try:
        app = load(name)
    except BaseException as error:  # a module may even end the process; it is an error of the app
        wrong = trouble(error, folder)
        return None, Broken(wrong, [*_files(folder), wrong.file])
    return app, Loaded(_files(folder))


def _folder(name: str) -> Path:
    place = name.rpartition(":")[0] or name
    return Path(place).resolve().parent if place.endswith(".py") else Path.cwd()


def _files(folder: Path) -> list[str]:
    """The app's own files, as far as they were read."""
    files = [getattr(module, "__file__", None) for module in [*sys.modules.values()]]
    return [file for file in files if file and is_own(Path(file), folder)]


async def _live(role: Role, app: App[Any, Any] | None, first: Report, folder: Path) -> None:
    channel = socket.socket(fileno=role.channel)
    reader, writer = await asyncio.open_connection(sock=channel, limit=1 << 20)
    tell = _teller(writer)
    tell(first)
    actor = None if app is None else Actor(role, app, folder, tell)
    while (line := await reader.readline()) and actor is not None:
        await actor.obey(_orders.decode(line))
    if actor is not None:
        await actor.rest()
    writer.close()


def _teller(writer: asyncio.StreamWriter) -> Callable[[Report], None]:
    def tell(report: Report) -> None:
        if not writer.is_closing():
            writer.write(msgspec.json.encode(report) + b"\n")

    return tell


class Actor:
    """An app that plays and rests when told; between the two it keeps its place in memory.

    So that the last good version can go on at once where the next one cannot start.
    """

    def __init__(
        self, role: Role, app: App[Any, Any], folder: Path, tell: Callable[[Report], None]
    ) -> None:
        self._role, self._app, self._folder, self._tell = role, app, folder, tell
        self._clock = OffsetClock()
        self._stack = AsyncExitStack()
        self._door = socket.socket(fileno=role.door)
        self._source = Source(_files(folder))

    async def obey(self, order: Order) -> None:
        """Do what is ordered, and report it."""
        match order:
            case Play():
                await self._play(order.offset)
            case Advance():
                self._clock.advance(timedelta(seconds=order.seconds))
                self._tell(Advanced())
            case Rest():
                await self.rest()
                self._tell(Resting())

    async def rest(self) -> None:
        """End what is under way, and let go of the database."""
        await self._stack.aclose()

    async def _play(self, offset: float) -> None:
        self._advance_to(offset)
        try:
            self._tell(await self._begin())
        except BaseException as error:
            await self._stack.aclose()
            self._tell(Broken(trouble(error, self._folder), _files(self._folder)))
            if not isinstance(error, Exception):
                raise

    async def _begin(self) -> Playing:
        observing = Observing(self._tell, self._folder, [SECRET], self._clock.now)
        lookout = Lookout(self._tell, self._folder, self._source)

        def watch(changes: Sequence[Change]) -> None:
            observing.write(changes)
            lookout.wrote(changes)

        store = await SQLite.open(self._role.database, now=self._clock.now, watch=watch)
        observing.keep_secret(await store.secret("webhook-path"))
        self._tell(await self._opened(store))
        work = performing(
            self._app,
            store,
            self._clock,
            provider=self._role.provider,
            base=self._role.base,
            door=self._door.dup(),
            poll_interval=self._role.poll_interval,
            observing=observing,
        )
        logger = logging.getLogger("cooee")
        logger.setLevel(logging.DEBUG)
        logger.addHandler(observing)
        self._stack.callback(logger.removeHandler, observing)
        service = await self._stack.enter_async_context(work)
        looking = asyncio.create_task(lookout.watch(store, service.around))
        self._stack.push_async_callback(_end, looking)
        await service.connect()
        subscription = service.subscription
        if subscription is None:  # the carrier is down: it goes on trying, and answers what it has
            return Playing()
        return Playing(subscription.number, subscription.pushes_to is not None)

    async def _opened(self, store: SQLite) -> Opened:
        """What is in the database; the clock goes on from its last moment, if that is ahead."""
        past = await _past(store)
        latest = max((text.at for text in past), default=self._clock.now())
        if latest > self._clock.now():
            self._clock.advance(latest - self._clock.now())
        return Opened(self._clock.offset.total_seconds(), past)

    def _advance_to(self, offset: float) -> None:
        ahead = timedelta(seconds=offset) - self._clock.offset
        self._clock.advance(max(ahead, timedelta()))


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _past(store: SQLite) -> Sequence[Past]:
    threads = await store.threads(limit=_PEOPLE)
    return [
        Past(thread.theirs, entry.direction == "out", entry.text, entry.at, entry.status)
        for thread in threads
        if thread.theirs
        for entry in await store.history(thread.ours, thread.theirs, _PAST)
    ]
