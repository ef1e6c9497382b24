"""The app's process: loads a version of the app, and obeys the page's process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from cooee.clocks.offset import OffsetClock
from cooee.core.app.app import App
from cooee.phone.app_runner import run_app
from cooee.phone.inspector.app_error import describe_error
from cooee.phone.inspector.dialogue_monitor import DialogueMonitor
from cooee.phone.inspector.recorder import Recorder
from cooee.phone.inspector.source_lines import SourceFiles
from cooee.phone.ipc_messages import (
    AdvanceClock,
    AppBroken,
    AppCommand,
    AppFailed,
    AppLoaded,
    AppMessage,
    AppNotes,
    AppStarted,
    AppStopped,
    ClockAdvanced,
    DatabaseOpened,
    PastText,
    StartApp,
    StartArgs,
    StopApp,
    encode_message,
)
from cooee.phone.simulated_provider import SIMULATED_CREDENTIAL
from cooee.runtime.app_loop import AppThread
from cooee.runtime.events import Event, TurnsCommitted
from cooee.runtime.service import Service
from cooee.runtime.turns.own_modules import read_own_modules
from cooee.storage import ConversationSummary, Store
from cooee.storage.dialects import default_media_location, open_store

LoadApp = Callable[[str], App[Any, Any]]

_MAX_TEXTS_PER_PERSON, _MAX_PEOPLE = 40, 12  # texts shown again of each of so many people
_command_decoder: msgspec.json.Decoder[AppCommand] = msgspec.json.Decoder(AppCommand)


def run_app_process(args: StartArgs, load_app: LoadApp) -> None:
    """Load an app, and handle the channel's commands until the channel's other end closes."""
    import uvloop  # noqa: PLC0415 -- only what runs for long needs it

    folder = _app_folder(args.app)
    app_thread = AppThread(uvloop.new_event_loop)  # delivery rule 24
    app, load_report = app_thread.call(lambda: _load_app(args.app, load_app, folder))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve_channel(args, app, app_thread, load_report, folder))


def _load_app(
    name: str, load_app: LoadApp, folder: Path
) -> tuple[App[Any, Any] | None, AppMessage]:
    try:
        app = load_app(name)
    except BaseException as error:  # a module may even end the process; it is an error of the app
        located = describe_error(error, folder)
        return None, AppBroken(located, [*_own_files(), located.file])
    return app, AppLoaded(_own_files())


def _app_folder(name: str) -> Path:
    path = name.rpartition(":")[0] or name
    return Path(path).resolve().parent if path.endswith(".py") else Path.cwd()


def _own_files() -> list[str]:
    """Return the files of the user's own modules, those too that are imported later."""
    return [module.file for module in read_own_modules().values() if module.file]


async def _serve_channel(
    args: StartArgs,
    app: App[Any, Any] | None,
    app_thread: AppThread,
    load_report: AppMessage,
    folder: Path,
) -> None:
    channel = socket.socket(fileno=args.channel_fd)
    reader, writer = await asyncio.open_connection(sock=channel, limit=1 << 20)
    send_message = _make_sender(writer)
    send_message(load_report)
    controller = None if app is None else AppController(args, app, app_thread, folder, send_message)
    while (line := await reader.readline()) and controller is not None:
        await controller.handle(_command_decoder.decode(line))
    if controller is not None:
        await controller.stop()
    writer.close()


def _make_sender(writer: asyncio.StreamWriter) -> Callable[[AppMessage], None]:
    def send_message(message: AppMessage) -> None:
        if not writer.is_closing():
            writer.write(encode_message(message))

    return send_message


class AppController:
    """A loaded app, started and stopped on command.

    A stopped app stays in memory, so that the last good version is back at once where the next
    version cannot start.
    """

    def __init__(
        self,
        args: StartArgs,
        app: App[Any, Any],
        app_thread: AppThread,
        folder: Path,
        send_message: Callable[[AppMessage], None],
    ) -> None:
        self._app_thread = app_thread
        self._args, self._app, self._folder, self._send_message = args, app, folder, send_message
        self._clock = OffsetClock()
        self._exit_stack = AsyncExitStack()
        self._webhook_socket = socket.socket(fileno=args.webhook_fd)
        self._source_files = SourceFiles(_own_files())

    async def handle(self, command: AppCommand) -> None:
        """Carry out a command, and answer."""
        match command:
            case StartApp():
                await self._start_or_report(command.offset)
            case AdvanceClock():
                self._clock.advance(timedelta(seconds=command.seconds))
                self._send_message(ClockAdvanced())
            case StopApp():
                await self.stop()
                self._send_message(AppStopped())

    async def stop(self) -> None:
        """Close the service and the database."""
        await self._exit_stack.aclose()

    async def _start_or_report(self, offset: float) -> None:
        self._advance_clock_to(offset)
        try:
            self._send_message(await self._start_app())
        except BaseException as error:
            await self._exit_stack.aclose()
            self._send_message(AppBroken(describe_error(error, self._folder), _own_files()))
            if not isinstance(error, Exception):
                raise

    async def _start_app(self) -> AppStarted:
        recorder = Recorder(
            self._send_message, self._folder, [SIMULATED_CREDENTIAL], self._clock.now
        )
        monitor = DialogueMonitor(self._send_message, self._folder, self._source_files)

        store = await open_store(self._args.database, now=self._clock.now)
        recorder.add_secret(await store.secret("webhook-path"))
        self._send_message(await self._database_opened(store))
        running_app = run_app(
            self._app,
            store,
            self._clock,
            connection=self._args.connection,
            simulator_url=self._args.simulator_url,
            webhook_socket=self._webhook_socket.dup(),
            media_location=default_media_location(self._args.database),
            app_thread=self._app_thread,
            recorder=recorder,
        )
        service = await self._exit_stack.enter_async_context(running_app)
        service.events.subscribe(monitor.on_event)
        service.events.subscribe(NoteReporter(service, self._send_message).on_event)
        monitoring = asyncio.create_task(monitor.run(store, service.context))
        self._exit_stack.push_async_callback(_cancel_task, monitoring)
        await service.connect()
        await service.until_started()
        watching = asyncio.create_task(self._report_failure(service))
        self._exit_stack.push_async_callback(_cancel_task, watching)
        matchers = [route.matcher for route in self._app.routes]
        words = [str(matcher) for matcher in matchers if matcher is not None]
        subscription = service.subscription
        if subscription is None:  # the provider is down, and the service goes on trying
            return AppStarted("", False, words, None in matchers)
        is_pushed = subscription.push_url is not None
        return AppStarted(subscription.number, is_pushed, words, None in matchers)

    async def _report_failure(self, service: Service) -> None:
        """Tell the page why the app cannot go on, once that is so: `cooee run` would end."""
        failure = await service.until_failed()
        self._send_message(AppFailed(describe_error(failure, self._folder)))

    async def _database_opened(self, store: Store) -> DatabaseOpened:
        """Return the stored texts; set the clock to the latest, if in the future."""
        conversations = await store.conversations(limit=_MAX_PEOPLE)
        past_texts = await _read_past_texts(store, conversations)
        opted_out = [one.theirs for one in conversations if one.opted_out]
        latest = max((text.at for text in past_texts), default=self._clock.now())
        if latest > self._clock.now():
            self._clock.advance(latest - self._clock.now())
        return DatabaseOpened(self._clock.offset.total_seconds(), past_texts, opted_out)

    def _advance_clock_to(self, offset: float) -> None:
        ahead = timedelta(seconds=offset) - self._clock.offset
        self._clock.advance(max(ahead, timedelta()))


class NoteReporter:
    """Reports the notes of a service now, and again after a turn that added one.

    Args:
        service: the app's service.
        send_message: takes the notes; called in the event loop's thread alone.
    """

    def __init__(self, service: Service, send_message: Callable[[AppNotes], None]) -> None:
        self._service, self._send_message = service, send_message
        self._loop, self._sent = asyncio.get_running_loop(), [""]
        self._report()

    def on_event(self, event: Event) -> None:
        """Report the notes of a turn that is on disk."""
        if isinstance(event, TurnsCommitted) and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._report)

    def _report(self) -> None:
        notes = [*self._service.notes]
        if notes != self._sent:
            self._sent = notes
            self._send_message(AppNotes(notes))


async def _cancel_task(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _read_past_texts(
    store: Store, conversations: Sequence[ConversationSummary]
) -> Sequence[PastText]:
    return [
        PastText(conversation.theirs, entry.direction == "out", entry.text, entry.at, entry.status)
        for conversation in conversations
        if conversation.theirs
        for entry in await store.history(
            conversation.ours, conversation.theirs, _MAX_TEXTS_PER_PERSON
        )
    ]
