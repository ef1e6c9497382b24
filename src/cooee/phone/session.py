"""Everything behind the page: the box, the app's process, and what is shown of both."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from cooee.clocks.clock import stopwatch
from cooee.clocks.offset import OffsetClock
from cooee.core.errors import SettingError
from cooee.net.http_client import load_client
from cooee.net.http_server import listening
from cooee.phone.app_process import AppProcess, Told
from cooee.phone.bubbles import screen
from cooee.phone.fault_switches import Switches
from cooee.phone.inspector.story import Story
from cooee.phone.inspector.timeline import Panel
from cooee.phone.ipc_messages import Opened, Past, Role, Stands
from cooee.phone.phone_numbers import PHONES, number_of
from cooee.phone.reloader import Reloading, Standing, Start
from cooee.phone.simulated_provider import in_the_box, is_pushed
from cooee.phone.state_feed import Board
from cooee.simulator import Carrier, box

_LOOK = 0.2  # seconds between two looks at what the box does by itself
_TRAFFIC = 12  # exchanges shown that belong to no text


class Show:
    """What is on, and what the page can do with it.

    Attributes:
        board: what pages show.
        clock: the box's, and the app's too.
        standing: how the app stands.
    """

    def __init__(self, app: str, provider: str, carrier: Carrier, clock: OffsetClock) -> None:
        self.board, self.clock, self.standing = Board(), clock, Standing()
        self._app, self._provider, self._carrier = app, provider, carrier
        face = next(face for face in carrier.faces if face.name == provider)
        self._switches = Switches(carrier.network, face, pushed=is_pushed(provider))
        self._panel = Panel()
        self._phones = 2
        self._past: Sequence[Past] | None = None
        self._ours = ""
        self._reloading: Reloading | None = None
        self._due: asyncio.TimerHandle | None = None
        self.refresh()

    # What the page can do

    def text(self, phone: int, words: str) -> None:
        """A phone texts the app.

        Raises:
            ValueError: there is no such phone, no words, or no app yet.
        """
        self._check(phone)
        if not words.strip():
            raise ValueError("A text needs words.")
        if not self._ours:
            raise ValueError("The app has no number yet. Wait until it is connected.")
        self._panel.texted(number_of(phone), words, stopwatch())
        self._carrier.network.text(number_of(phone), self._ours, words)
        self.refresh()

    def add_phone(self) -> int:
        """Take out another phone; which one it is.

        Raises:
            ValueError: there are no more.
        """
        if self._phones >= PHONES:
            raise ValueError(f"There are {PHONES} phones at most.")
        self._phones += 1
        self.refresh()
        return self._phones

    async def advance(self, seconds: float) -> None:
        """Move the time of box and app ahead: the app's first, so that no stamp is from its future.

        Raises:
            ValueError: it is less than nothing, or more than a year.
        """
        if not 0 <= seconds <= 366 * 86_400:
            raise ValueError("Advance the clock by 0 seconds to a year.")
        if self._reloading is not None:
            await self._reloading.advance(seconds)
        self.clock.advance(timedelta(seconds=seconds))
        self.refresh()

    def turn(self, switch: str, *, on: bool) -> None:
        """Turn one of the box's faults on or off; see `Switches.turn`."""
        self._switches.turn(switch, on=on)
        self.refresh()

    # What happens

    async def run(self, start: Start, file: Path | None, leave: asyncio.Event) -> None:
        """Keep the app at work, and look at the box, until `leave`."""
        reloading = Reloading(start, self._ahead, file, self._stands)
        self._reloading = reloading
        looking = asyncio.create_task(self._look())
        loading = asyncio.create_task(asyncio.to_thread(load_client))
        try:
            await reloading.run(leave)
        finally:
            looking.cancel()
            await loading
            self.board.close()

    def hear(self, news: Told) -> None:
        """Take in what the app's process tells."""
        if isinstance(news, Opened):
            ahead = timedelta(seconds=news.offset) - self.clock.offset
            self.clock.advance(max(ahead, timedelta()))
            if self._past is None:
                self._past = news.past
                self._take_out(news.past)
        elif isinstance(news, Stands):
            shown = {"dialogues": _plain(news.dialogues)} if news.dialogues else None
            self.board.put(f"waiting {news.theirs}", shown)
        else:
            for story in self._panel.hear(news):
                self.board.put(f"story {story.id}", _shown(story))
            while self._panel.forgotten:
                self.board.put(f"story {self._panel.forgotten.pop()}", None)
        self._soon()

    def refresh(self) -> None:
        """Bring the board up to date."""
        self.board.put("status", self._status())
        for phone in range(1, self._phones + 1):
            self.board.put(f"phone {phone}", self._phone(phone))
        traffic = self._panel.traffic()[-_TRAFFIC:]
        self.board.put("traffic", [{"times": n, **_plain(one)} for one, n in traffic])

    def _ahead(self) -> float:
        return self.clock.offset.total_seconds()

    def _soon(self) -> None:
        """Refresh once for all that comes in the next moment."""
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(0.004, self._now)

    def _now(self) -> None:
        self._due = None
        self.refresh()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            self.refresh()

    def _stands(self, standing: Standing) -> None:
        self.standing = standing
        if standing.playing is not None and standing.playing.ours:
            self._ours = standing.playing.ours
        self.refresh()

    # What is shown

    def _status(self) -> dict[str, Any]:
        return {
            "app": Path(self._app.rpartition(":")[0] or self._app).name,
            "provider": self._provider,
            "pushed": is_pushed(self._provider),
            "ours": self._ours,
            "mood": self.standing.mood,
            "version": self.standing.version,
            "trouble": _plain(self.standing.trouble),
            "offset": round(self.clock.offset.total_seconds() * 1000),
            "switches": _plain(self._switches.shown()),
        }

    def _phone(self, phone: int) -> dict[str, Any]:
        number = number_of(phone)
        bubbles = screen(
            [text for text in self._past or () if text.theirs == number and text.status in _SEEN],
            self._carrier.network.inbox(number),
            [story for story in self._panel.stories.values() if story.theirs == number],
            [letter for letter in self._panel.letters.values() if letter.theirs == number],
        )
        return {"number": number, "bubbles": _plain(bubbles)}

    def _take_out(self, past: Sequence[Past]) -> None:
        """Take out again the phones that were in use."""
        used = [n for n in range(1, 9) if number_of(n) in {text.theirs for text in past}]
        self._phones = max(self._phones, *used, 2)

    def _check(self, phone: int) -> None:
        if not 1 <= phone <= self._phones:
            raise ValueError(f"There is no phone {phone}.")


# Of an earlier time, what is over; what still waits will be seen as it goes on.
_SEEN = frozenset(
    {"handled", "set aside", "pending", "opt-out", "accepted", "sent", "delivered"}
    | {"undelivered", "failed", "expired"}
)


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def _shown(story: Story) -> dict[str, Any]:
    shown: dict[str, Any] = _plain(story)
    del shown["marks"]
    shown["state"] = [{**_plain(cell), "changed": cell.changed} for cell in story.state]
    shown["steps"] = [{"name": name, "took": took} for name, took in story.took()]
    return shown


@asynccontextmanager
async def on_show(
    app: str,
    *,
    command: Sequence[str],
    provider: str,
    database: Path,
    poll_interval: float,
    leave: asyncio.Event,
) -> AsyncIterator[Show]:
    """Open a box, and put an app to work beside it in a process of its own.

    Args:
        app: as `cooee run` takes it.
        command: what starts a process that calls `actor.act`.
        provider: which company's API the two speak.
        database: the file where the conversations stay.
        poll_interval: seconds to rest after reading nothing.
        leave: set when it is over.

    Raises:
        SettingError: the box does not speak that company's API, or there is no such file.
    """
    in_the_box(provider, "http://127.0.0.1")  # so that a wrong name is said at once
    file = _file(app)
    clock = OffsetClock()
    async with box(clock, port=0) as (carrier, port):
        show = Show(app, provider, carrier, clock)
        with listening("127.0.0.1", 0) as door:
            door.listen(128)  # so that a call waits between two versions, instead of failing
            door.set_inheritable(True)
            base = f"http://127.0.0.1:{port}"
            role = Role(app, provider, base, str(database), poll_interval, 0, door.fileno())
            work = asyncio.create_task(
                show.run(lambda: AppProcess.start(command, role, show.hear), file, leave)
            )
            try:
                yield show
            finally:
                leave.set()
                await work


_FILE = re.compile(r"(.+\.py)(?::\w+)?")


def _file(app: str) -> Path | None:
    found = _FILE.fullmatch(app)
    if found is None:
        return None
    file = Path(found[1]).resolve()
    if not file.is_file():
        raise SettingError(f"There is no file {file}. Name one: cooee phone app.py")
    return file
