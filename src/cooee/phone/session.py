"""The browser session: the simulator, the app's process, and the feed of the page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec

from cooee.clocks.clock import monotonic
from cooee.clocks.offset import OffsetClock
from cooee.core.errors import SettingError
from cooee.net.http_client import load_client
from cooee.net.http_server import bind_socket
from cooee.phone.app_process import AppProcess, UnaskedMessage
from cooee.phone.bubbles import make_bubbles
from cooee.phone.fault_switches import FaultSwitches
from cooee.phone.inspector.consents import Consents
from cooee.phone.inspector.story import Story
from cooee.phone.inspector.timeline import Timeline
from cooee.phone.ipc_messages import (
    AppFailed,
    AppNotes,
    DatabaseOpened,
    DialogueStates,
    PastText,
    StartArgs,
)
from cooee.phone.phone_numbers import MAX_PHONES, number_of_phone
from cooee.phone.reloader import AppStatus, Reloader, SpawnApp
from cooee.phone.simulated_provider import ProviderConnection, make_simulated_provider
from cooee.phone.state_feed import StateFeed
from cooee.runtime.opt_outs import provider_words
from cooee.simulator import Simulator, run_simulator

_REFRESH_INTERVAL_S = 0.2  # between two refreshes, for changes that the simulator makes by itself
_MAX_SHOWN_EXCHANGES = 12  # exchanges shown that belong to no text


class BrowserSession:
    """A simulator with an app, and the page's deeds.

    Attributes:
        feed: the values that pages show.
        clock: the simulator's clock; the app's shows the same time.
        app_status: the status of the app.
    """

    def __init__(
        self,
        app: str,
        connection: ProviderConnection,
        simulator: Simulator,
        clock: OffsetClock,
    ) -> None:
        self.feed, self.clock, self.app_status = StateFeed(), clock, AppStatus()
        self._id = token_hex(8)  # a page of an earlier session has other texts by the same names
        self._app, self._connection, self._simulator = app, connection, simulator
        provider = connection.provider
        api = next(api for api in simulator.apis if api.name == provider)
        self._switches = FaultSwitches(simulator.network, api, is_pushed=connection.is_pushed)
        words = provider_words(make_simulated_provider(provider, "http://127.0.0.1"))
        self._timeline = Timeline(Consents(provider, words))
        self._phone_count = 2
        self._notes = list[str]()
        self._past_texts: Sequence[PastText] | None = None
        self._our_number = ""
        self._reloader: Reloader | None = None
        self._refresh_timer: asyncio.TimerHandle | None = None
        self.refresh()

    # What the page can do

    def send_text(self, phone: int, text: str) -> None:
        """Send a text from a phone to the app.

        Raises:
            ValueError: there is no such phone, no text, or no app yet.
        """
        self._check_phone(phone)
        if not text.strip():
            raise ValueError("A text needs words.")
        if not self._our_number:
            raise ValueError("The app has no number yet. Wait until it is connected.")
        number, at = number_of_phone(phone), monotonic()
        sent = self._simulator.network.send_from_phone(number, self._our_number, text)
        self._timeline.note_text_sent(number, text, at, sent.id)
        self.refresh()

    def add_phone(self) -> int:
        """Add a phone to the page; return its place, from 1.

        Raises:
            ValueError: the page has all phones.
        """
        if self._phone_count >= MAX_PHONES:
            raise ValueError(f"There are {MAX_PHONES} phones at most.")
        self._phone_count += 1
        self.refresh()
        return self._phone_count

    async def advance_clock(self, seconds: float) -> None:
        """Advance both clocks: the app's first, so that no simulator's stamp is from its future.

        Raises:
            ValueError: `seconds` is negative, or more than a year.
        """
        if not 0 <= seconds <= 366 * 86_400:
            raise ValueError("Advance the clock by 0 seconds to a year.")
        if self._reloader is not None:
            await self._reloader.advance_clock(seconds)
        self.clock.advance(timedelta(seconds=seconds))
        self.refresh()

    def set_fault(self, switch: str, *, on: bool) -> None:
        """Turn a fault on or off; see `FaultSwitches.set_switch`."""
        self._switches.set_switch(switch, on=on)
        self.refresh()

    # What happens

    async def run(self, spawn: SpawnApp, app_file: Path | None, stop_event: asyncio.Event) -> None:
        """Keep the app running and the feed fresh, until `stop_event`."""
        reloader = Reloader(spawn, self._clock_offset_s, app_file, self._on_app_status)
        self._reloader = reloader
        refreshing = asyncio.create_task(self._refresh_forever())
        loading = asyncio.create_task(asyncio.to_thread(load_client))
        try:
            await reloader.run(stop_event)
        finally:
            refreshing.cancel()
            await loading
            self.feed.close()

    def on_message(self, message: UnaskedMessage) -> None:
        """Publish a message of the app's process."""
        if isinstance(message, DatabaseOpened):
            self._publish_stories(self._timeline.stop_turns())
            self._timeline.consents.set_opted_out(message.opted_out)
            ahead = timedelta(seconds=message.offset) - self.clock.offset
            self.clock.advance(max(ahead, timedelta()))
            if self._past_texts is None:
                self._past_texts = message.past_texts
                self._restore_phones(message.past_texts)
        elif isinstance(message, AppNotes):
            self._notes = [*message.notes]
        elif isinstance(message, DialogueStates):
            shown = {"dialogues": _to_json_types(message.dialogues)} if message.dialogues else None
            self.feed.publish(f"waiting {message.theirs}", shown)
        elif isinstance(message, AppFailed):
            if self._reloader is not None:
                self._reloader.show_failure(message.error)
        else:
            self._publish_stories(self._timeline.add_record(message))
            while self._timeline.dropped_ids:
                self.feed.publish(f"story {self._timeline.dropped_ids.pop()}", None)
        self._refresh_soon()

    def _publish_stories(self, stories: Sequence[Story]) -> None:
        for story in stories:
            self.feed.publish(f"story {story.id}", _story_view(story))

    def refresh(self) -> None:
        """Publish the present status, phones and exchanges."""
        self.feed.publish("status", self._status_view())
        for phone in range(1, self._phone_count + 1):
            self.feed.publish(f"phone {phone}", self._phone_view(phone))
        self.feed.publish("latency", _to_json_types(self._timeline.reply_times.view()))
        others = self._timeline.exchanges.others()[-_MAX_SHOWN_EXCHANGES:]
        self.feed.publish("traffic", [{"times": n, **_to_json_types(one)} for one, n in others])

    def _clock_offset_s(self) -> float:
        return self.clock.offset.total_seconds()

    def _refresh_soon(self) -> None:
        """Refresh once for all messages of the next moment."""
        if self._refresh_timer is None:
            self._refresh_timer = asyncio.get_running_loop().call_later(0.004, self._refresh_now)

    def _refresh_now(self) -> None:
        self._refresh_timer = None
        self.refresh()

    async def _refresh_forever(self) -> None:
        while True:
            await asyncio.sleep(_REFRESH_INTERVAL_S)
            self.refresh()

    def _on_app_status(self, status: AppStatus) -> None:
        self.app_status = status
        if status.started is not None and status.started.ours:
            self._our_number = status.started.ours
        self.refresh()

    # What is shown

    def _status_view(self) -> dict[str, Any]:
        return {
            "session": self._id,
            "app": Path(self._app.rpartition(":")[0] or self._app).name,
            "provider": self._connection.provider,
            "pushed": self._connection.is_pushed,
            "ours": self._our_number,
            "phase": self.app_status.phase,
            "version": self.app_status.version,
            "error": _to_json_types(self.app_status.error),
            "notes": self._notes,
            "started": _to_json_types(self.app_status.started),
            "offset": round(self.clock.offset.total_seconds() * 1000),
            "switches": _to_json_types(self._switches.list_switches()),
        }

    def _phone_view(self, phone: int) -> dict[str, Any]:
        number = number_of_phone(phone)
        bubbles = make_bubbles(
            [
                text
                for text in self._past_texts or ()
                if text.theirs == number and text.status in _SHOWN_STATUSES
            ],
            self._simulator.network.phone_screen(number),
            self._timeline.story_ids,
            self._timeline.stories,
            [outbound for outbound in self._timeline.outbounds if outbound.theirs == number],
        )
        return {"number": number, "bubbles": _to_json_types(bubbles)}

    def _restore_phones(self, past_texts: Sequence[PastText]) -> None:
        """Show the phones of earlier sessions."""
        used = [
            n for n in range(1, 9) if number_of_phone(n) in {text.theirs for text in past_texts}
        ]
        self._phone_count = max(self._phone_count, *used, 2)

    def _check_phone(self, phone: int) -> None:
        if not 1 <= phone <= self._phone_count:
            raise ValueError(f"There is no phone {phone}.")


# Of earlier sessions, the texts that are over; a waiting text shows once it goes on.
_SHOWN_STATUSES = frozenset(
    {"handled", "set aside", "pending", "opt-out", "accepted", "sent", "delivered"}
    | {"undelivered", "failed", "expired"}
)


def _to_json_types(value: Any) -> Any:
    return msgspec.to_builtins(value)


def _story_view(story: Story) -> dict[str, Any]:
    shown: dict[str, Any] = _to_json_types(story)
    del shown["step_times"]
    shown["reply_ms"] = story.reply_ms
    shown["state"] = [{**_to_json_types(cell), "changed": cell.changed} for cell in story.state]
    shown["steps"] = [
        {"name": name, "duration_ms": duration_ms} for name, duration_ms in story.step_durations()
    ]
    return shown


@asynccontextmanager
async def run_browser_session(
    app: str,
    *,
    command: Sequence[str],
    connection: ProviderConnection,
    database: str,
    stop_event: asyncio.Event,
) -> AsyncIterator[BrowserSession]:
    """Run the simulator, and an app beside it in a process of its own.

    Args:
        app: the app's name, as `cooee run` takes it.
        command: starts a process that calls `run_app_process`.
        connection: the provider's API between app and simulator, and its direction.
        database: the URL or path of the conversations.
        stop_event: set to end the session.

    Raises:
        SettingError: the simulator does not play that provider, or there is no such file.
    """
    make_simulated_provider(
        connection.provider, "http://127.0.0.1"
    )  # so that a wrong name is refused at once
    app_file = _find_app_file(app)
    clock = OffsetClock()
    async with run_simulator(clock, port=0) as (simulator, port):
        session = BrowserSession(app, connection, simulator, clock)
        with bind_socket("127.0.0.1", 0) as webhook_socket:
            # A call between two versions waits in the backlog, instead of failing.
            webhook_socket.listen(128)
            webhook_socket.set_inheritable(True)
            simulator_url = f"http://127.0.0.1:{port}"
            args = StartArgs(
                app,
                connection,
                simulator_url,
                database,
                0,
                webhook_socket.fileno(),
            )
            work = asyncio.create_task(
                session.run(
                    lambda: AppProcess.spawn(command, args, session.on_message),
                    app_file,
                    stop_event,
                )
            )
            try:
                yield session
            finally:
                stop_event.set()
                await work


_APP_FILE = re.compile(r"(.+\.py)(?::\w+)?")


def _find_app_file(app: str) -> Path | None:
    found = _APP_FILE.fullmatch(app)
    if found is None:
        return None
    file = Path(found[1]).resolve()
    if not file.is_file():
        raise SettingError(f"There is no file {file}. Name one: cooee phone app.py")
    return file
