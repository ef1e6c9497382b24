"""Kit: runs an app in a world of its own: phones, a network, a database, and time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from cooee.clocks.clock import VirtualClock
from cooee.core.app.app import App
from cooee.net.http_client import InProcessClient
from cooee.net.ssrf_guard import SSRFGuard
from cooee.runtime.inbound.media import MediaConfig
from cooee.runtime.inbound.media_storage import MediaStorage
from cooee.runtime.operations import open_dialogues
from cooee.runtime.service import Service
from cooee.runtime.wiring import ServiceOptions
from cooee.simulator import Simulator
from cooee.simulator.faults import parse_fault
from cooee.storage import Store, open_store
from cooee.testing.kit_provider import SIMULATOR_URL, find_api, make_provider
from cooee.testing.script import (
    ExpectStep,
    Script,
    ScriptStep,
    SendStep,
    WaitStep,
    format_failure,
    parse_script,
)
from cooee.testing.troubles import describe_troubles

_PUBLIC_URL = "https://app.example"
_QUIET_TIMEOUT = timedelta(minutes=1)
_NO_TIME, _END_OF_TIME = timedelta(), datetime.max.replace(tzinfo=UTC)


class Kit:
    """Runs an app as for people, in a single process and on the test's own clock.

        async with Kit(app) as kit:
            anna, ben = kit.phone(), kit.phone()
            assert await anna.text("START") == ["The timer is running!"]

    The service, the store (a temporary file), the provider's adapter and its HTTP API in
    the simulator are the real ones; only sockets are left out. Nothing waits for real
    time. Tasks that a handler starts behind cooee's back are not waited for.

    Args:
        app: the app to run.
        provider: the provider whose API is between the app and the phones: ``"simulated"``,
            ``"telstra-v2"``, ``"telstra-v3"`` or ``"twilio"``.
        switches: features of the simulated provider, such as ``["cursor", "lookup"]``.
        settings: further settings of the provider, by name.
        push: whether texts are pushed to the app; otherwise the app polls them. Long waits
            are much faster without a poll every second.
        poll_interval: seconds between two polls that bring no text.
        start: the first moment on the clock, in UTC; the first of 2026 by default.

    Attributes:
        clock: the world's only clock.
        media: web servers of media: ``kit.media.apps["https://pictures.example"] = some_asgi_app``.
        simulator: the simulator; ``kit.simulator.network.conditions`` has its delay and loss.
        service: the app's service.
        store: the store of the app's conversations.
    """

    __module__ = "cooee.testing"  # where users import it from

    service: Service
    store: Store

    def __init__(
        self,
        app: App[Any, Any],
        *,
        provider: str = "simulated",
        switches: Sequence[str] = (),
        settings: Mapping[str, str] = {},
        push: bool = True,
        poll_interval: float = 1,
        start: datetime | None = None,
    ) -> None:
        self.app = app
        self.clock = VirtualClock(start)
        self._webhook_client = InProcessClient(self.clock, {})
        self.media = InProcessClient(self.clock, {})
        self.simulator = Simulator(self.clock, self._webhook_client)
        self._api = find_api(self.simulator, provider)
        self._provider = make_provider(provider, switches, settings)
        if switches:
            self._api.set_switches(switches)
        self._push, self._poll_interval = push, poll_interval
        self._free_numbers = _fictional_numbers()
        self._time_waited = _NO_TIME
        self._running = False
        self._exit_stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            folder = stack.enter_context(TemporaryDirectory(prefix="cooee-", dir=_memory_folder()))
            self._database_path = Path(folder) / "cooee.db"
            stack.push_async_callback(self.simulator.close)
            await self.start()
            stack.push_async_callback(self.stop)
            self._exit_stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit_stack.aclose()

    # The app's life

    async def start(self) -> None:
        """Start the app, as a new process on the same database; entering the kit did it once.

        Raises:
            StartFailed: a function below `@app.on_start` raised.
        """
        self.store = await open_store(str(self._database_path), now=self.clock.now)
        self.service = Service(
            self.app,
            self._provider,
            self.store,
            InProcessClient(self.clock, {SIMULATOR_URL: self.simulator.app}),
            self.clock,
            options=ServiceOptions(
                public_url=_PUBLIC_URL if self._push else None,
                poll_interval=self._poll_interval,
                media_config=MediaConfig(
                    self.media, SSRFGuard(), MediaStorage(f"{self._database_path}-media")
                ),
                strict=True,
            ),
        )
        try:
            await self.service.open()
        except BaseException:
            await self.store.close()
            raise
        self._running, self._webhook_client.apps[_PUBLIC_URL] = True, self.service.endpoints
        try:
            await self._connect()
            await self.quiet()
            self._raise_failure()
        except BaseException:
            await self.stop()
            raise

    def _raise_failure(self) -> None:
        if self.service.failure is not None:
            raise self.service.failure

    async def _connect(self) -> None:
        """Connect, however long the provider takes to answer."""
        connecting = self.clock.spawn(self.service.connect())
        await self.clock.wait_until_idle()
        while not connecting.done() and await self.clock.jump_to_next_timer(_END_OF_TIME):
            pass
        await connecting

    async def stop(self) -> None:
        """End the app as SIGTERM does; no text arrives until `start`."""
        if self._running:
            self._running = False
            del self._webhook_client.apps[_PUBLIC_URL]
            await self.service.close()

    async def restart(self) -> None:
        """Stop and start: a new service, on a new connection to the same database."""
        await self.stop()
        await self.start()

    async def deploy(self, app: App[Any, Any]) -> None:
        """Stop, and start another version of the app on the same database.

        Everybody who is in the middle of a dialogue goes on with it by the new code. Where one
        function makes both versions, tell them apart: ``App(version="2")``.
        """
        await self.stop()
        self.app = app
        await self.start()

    # People

    def phone(self) -> Phone:
        """Return a new phone, with the next fictional number."""
        return Phone(self, next(self._free_numbers))

    @property
    def number(self) -> str:
        """Return the app's own number."""
        subscription = self.service.subscription
        assert subscription is not None, "The app is not connected, so it has no number yet."
        return subscription.number

    def send(self, phone: Phone, words: str) -> None:
        """Let a phone text the app, at this very moment, without a wait."""
        self.simulator.network.send_from_phone(phone.number, self.number, words)
        self._time_waited = _NO_TIME

    def fault(self, name: str, count: int = 1, *, on: str = "") -> None:
        """Let the provider's API fail, as in ``kit.fault("lose-answer")``.

        Args:
            name: one of the simulator's faults: error-500, lose-answer, throttle, refuse, …
            count: how many times.
            on: only calls with this beginning, such as ``"POST /texts"``.
        """
        self._api.faults.add(parse_fault(name, count, on))

    # Time

    async def quiet(self) -> None:
        """Wait until all is quiet; let time pass only as far as needed.

        Under way is a task that works, a text between a phone and the app (on the network, or
        waiting to be read), and a turn or a send that is due by now. While there is any, the
        clock goes on from timer to timer, for a minute at most. Anything planned for later (a
        reminder, another try of a handler that failed) is not waited for. With pushes and no
        delay on the network no time passes at all.
        """
        started_at = self.clock.now()
        await self.clock.wait_until_idle()
        while await self._is_busy() and await self.clock.jump_to_next_timer(
            started_at + _QUIET_TIMEOUT
        ):
            pass
        self._time_waited += self.clock.now() - started_at

    async def wait(self, time: timedelta | float) -> None:
        """Let time pass, in seconds or as a timedelta.

        The time that passed while `quiet` waited for replies is part of it. So a text, a wait of 65
        seconds and a second text are 65 seconds apart, however long the first reply took.
        """
        time = time if isinstance(time, timedelta) else timedelta(seconds=time)
        await self.clock.advance(max(time - self._time_waited, _NO_TIME))
        self._time_waited = max(self._time_waited - time, _NO_TIME)

    async def _is_busy(self) -> bool:
        if not self.simulator.network.is_idle:
            return True
        if not self._running:
            return False
        next_due, now = await self.store.next_due(), self.clock.now()
        return any(due is not None and due <= now for due in (next_due.turn, next_due.send))

    # What went wrong

    async def troubles(self, phone: Phone) -> Sequence[str]:
        """Describe a conversation's failed turns, of texts and of timers, and its lost texts."""
        if not self._running:
            return ["The app is not running."]
        history = await self.store.history(self.number, phone.number, 50)
        dialogues = await open_dialogues(self.store, self.number, phone.number)
        return describe_troubles(history, dialogues)


def _memory_folder() -> str | None:
    """Return a directory in memory, where syncing takes no time, or None."""
    shared = "/dev/shm"  # noqa: S108 -- the directory made in it is ours alone
    return shared if os.access(shared, os.W_OK | os.X_OK) else None


def _fictional_numbers() -> Iterator[str]:
    """Yield numbers kept for fiction; then numbers of this process only."""
    yield from (f"+61491570{end}" for end in (156, 157, 158, 159, 110))
    yield from (f"+6149159{count:04}" for count in range(10_000))


class Phone:
    """A person with a phone, in a kit's world; made by `Kit.phone`.

    Attributes:
        number: the person's number, fictional.
    """

    __module__ = "cooee.testing"  # where users import it from

    def __init__(self, kit: Kit, number: str) -> None:
        self.number = number
        self._kit = kit
        self._read_count = 0

    @property
    def inbox(self) -> Sequence[str]:
        """Return every arrived text of this phone, oldest first."""
        entries = self._kit.simulator.network.phone_screen(self.number)
        return [entry.text.text for entry in entries if entry.direction == "to_phone"]

    def read(self) -> Sequence[str]:
        """Return the texts since this phone was last read."""
        inbox = self.inbox
        new, self._read_count = inbox[self._read_count :], len(inbox)
        return new

    async def text(self, words: str) -> Sequence[str]:
        """Text the app, wait until the kit is quiet (see `Kit.quiet`), and read the replies."""
        self._kit.send(self, words)
        await self._kit.quiet()
        return self.read()

    async def wait(self, time: timedelta | float) -> None:
        """Let time pass, in seconds or as a timedelta (see `Kit.wait`)."""
        await self._kit.wait(time)

    def another(self) -> Phone:
        """Return a second person's phone, in the same kit."""
        return self._kit.phone()

    async def follow(self, script: str) -> None:
        r"""Hold a conversation by a script.

            > START                                     the person texts
            < The timer is running!                     exactly the next text they get
            ... 65 seconds                              time passes
            > TIME
            < The timer stands at 1 minute 5 *          `*` is anything, `\*` a star

        Texts in a row are sent in quick succession. Where replies stand, they are all that has
        come since the phone was last read: neither more nor fewer.

        Raises:
            AssertionError: the app answered otherwise; the message shows the script and the line.
            ValueError: the script cannot be read.
        """
        __tracebackhide__ = True  # pytest shows the script, which says more than this code
        parsed = parse_script(script)
        last_step: ScriptStep | None = None
        for step in parsed.steps:
            if isinstance(step, ExpectStep):
                if not isinstance(last_step, ExpectStep):
                    await self._kit.quiet()
                await self._expect_text(parsed, step)
            else:
                if isinstance(last_step, ExpectStep):
                    await self._expect_no_more(parsed, last_step.line_index)
                await self._run_step(step)
            last_step = step
        await self._kit.quiet()
        await self._expect_no_more(
            parsed, last_step.line_index if last_step else len(parsed.source_lines) - 1
        )

    async def _run_step(self, step: SendStep | WaitStep) -> None:
        if isinstance(step, SendStep):
            self._kit.send(self, step.text)
        else:
            await self._kit.wait(step.duration)

    async def _expect_text(self, script: Script, step: ExpectStep) -> None:
        __tracebackhide__ = True
        texts = self.inbox[self._read_count :]
        if not texts or not step.matches(texts[0]):
            raise AssertionError(
                await self._failure_message(script, step.line_index, is_missing=True, texts=texts)
            )
        self._read_count += 1

    async def _expect_no_more(self, script: Script, line_index: int) -> None:
        __tracebackhide__ = True
        texts = self.read()
        if texts:
            raise AssertionError(
                await self._failure_message(script, line_index, is_missing=False, texts=texts)
            )

    async def _failure_message(
        self, script: Script, line_index: int, *, is_missing: bool, texts: Sequence[str]
    ) -> str:
        self.read()
        message = format_failure(script, line_index, is_missing=is_missing, texts=texts)
        troubles = await self._kit.troubles(self)
        return "\n".join([message, "", *troubles]) if troubles else message

    def __repr__(self) -> str:
        return f"<Phone {self.number}>"
