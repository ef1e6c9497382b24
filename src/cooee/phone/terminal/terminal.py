"""A phone in the terminal: what is typed is texted, what is answered is shown."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from cooee.clocks.clock import stopwatch
from cooee.core.one_line import one_line
from cooee.phone.phone_numbers import PHONES, number_of
from cooee.phone.terminal.session import Stage
from cooee.phone.terminal.stdin_lines import Keyboard
from cooee.simulator import Entry

SCRIPT = ("START", "TIME", "STOP")  # what is played where nobody types anything
HELP = """\
  Type a text and press Enter.
  /phone 2    go on as a second person (1 to 99)
  /wait 1h    let an hour pass (or s, min, d)
  /help       this
  /quit       end; the conversations are kept"""

_UNITS = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_YEAR = timedelta(days=366)
_LOOK = 0.05  # seconds between two looks at the phones
_CALM = 3  # looks in a row that have to find quiet
_LONGEST = 10.0  # seconds to wait for a reply
_SPEECHLESS = 5.0  # seconds without a line until a pipe is taken for one that stays empty


class Terminal:
    """Somebody with phones, and a screen that shows them all.

    Args:
        stage: the app to text with.
        typing: whether a person sees what they type; then it is not shown again.
        write: where what is to be seen goes, as it is.
    """

    def __init__(self, stage: Stage, *, typing: bool, write: Callable[[str], None]) -> None:
        self.phone = 1
        self._stage, self._typing, self._write = stage, typing, write
        self._shown = dict.fromkeys(range(1, PHONES + 1), 0)
        self._last = ""

    async def hold(self, keyboard: Keyboard, leave: asyncio.Event) -> None:
        """Hold the conversation that is typed, until its end or `leave`."""
        watch = asyncio.create_task(self._watch())
        try:
            if self._typing:
                await self._follow(keyboard, leave)
            else:
                await self._play(keyboard, leave)
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            self._show_news()

    # A person

    async def _follow(self, keyboard: Keyboard, leave: asyncio.Event) -> None:
        self._prompt()
        while (line := await keyboard.line()) is not None and not leave.is_set():
            if not self._obey(line):
                return
            self._prompt()
        self._write("\n")

    # A pipe, or nothing

    async def _play(self, keyboard: Keyboard, leave: asyncio.Event) -> None:
        await self._hush(leave)
        said = False
        while (line := await self._next(keyboard, said=said)) is not None and not leave.is_set():
            if not line.strip():
                continue
            said = True
            if not await self._say(line, leave):
                return
        if not said:
            for line in SCRIPT:
                await self._say(line, leave)

    async def _next(self, keyboard: Keyboard, *, said: bool) -> str | None:
        """The next line; None too where a pipe is open and nobody ever writes into it."""
        try:
            async with asyncio.timeout(None if said else _SPEECHLESS):
                return await keyboard.line()
        except TimeoutError:
            return None

    async def _say(self, line: str, leave: asyncio.Event) -> bool:
        """Obey one line and wait for what it brings; whether to go on."""
        if leave.is_set() or not self._obey(line):
            return False
        self._show_news()
        if line.startswith("/wait"):
            await self._hush(leave)
        elif not line.startswith("/"):
            replies = self._replies()
            await self._hush(leave)
            if self._replies() == replies:
                self._line(f"phone {self.phone}   no reply")
        return True

    async def _hush(self, leave: asyncio.Event) -> None:
        """Wait until all is quiet, but not for ever."""
        calm, began = 0, stopwatch()
        while calm < _CALM and stopwatch() - began < _LONGEST and not leave.is_set():
            await asyncio.sleep(_LOOK)
            calm = calm + 1 if await self._stage.quiet() else 0
        self._show_news()

    # Both

    def _obey(self, line: str) -> bool:
        """Do what a line says; whether to go on."""
        words = line.strip()
        match words.split():
            case []:
                pass
            case ["/quit"]:
                return False
            case ["/help"]:
                self._line(HELP)
            case ["/phone", n] if n.isdecimal() and 1 <= int(n) <= PHONES:
                self.phone = int(n)
            case ["/wait", length] if _length(length):
                self._stage.advance(_length(length))
            case ["/wait", *_]:
                self._line("  How long? /wait 90s, /wait 10min, /wait 1h, or up to /wait 366d")
            case ["/phone", *_]:
                self._line(f"  There are phones 1 to {PHONES}: /phone 2")
            case [command, *_] if command.startswith("/"):
                self._line(f"  There is no {one_line(command)}. Type /help.")
            case _:
                self._stage.text(number_of(self.phone), words)
        return True

    async def _watch(self) -> None:
        while True:
            self._show_news()
            await asyncio.sleep(_LOOK)

    def _show_news(self) -> None:
        """Show what has come to any phone (and gone from it, unless that was just typed)."""
        news = [
            (entry, phone)
            for phone, shown in self._shown.items()
            for entry in self._stage.network.inbox(number_of(phone))[shown:]
        ]
        for entry, phone in sorted(news, key=lambda one: one[0].at):
            self._shown[phone] += 1
            if entry.direction == "to_phone" or not self._typing:
                self._line(_said(phone, entry))

    def _replies(self) -> int:
        inbox = self._stage.network.inbox(number_of(self.phone))
        return sum(entry.direction == "to_phone" for entry in inbox)

    def _line(self, line: str) -> None:
        if self._typing:
            self._write(f"\r\x1b[K{line}\n")
            self._prompt()
        else:
            self._write(f"{line}\n")

    def _prompt(self) -> None:
        self._write(f"\r\x1b[Kphone {self.phone} → ")


def _length(words: str) -> timedelta:
    """How long that is; nothing where it is no length, or more than a year."""
    found = re.fullmatch(r"(\d{1,8})(s|min|h|d)", words)
    length = timedelta() if found is None else int(found[1]) * _UNITS[found[2]]
    return length if length <= _YEAR else timedelta()


def _said(phone: int, entry: Entry) -> str:
    arrow = "←" if entry.direction == "to_phone" else "→"
    return f"phone {phone} {arrow} {one_line(entry.text.text)}"


async def converse(stage: Stage, leave: asyncio.Event) -> None:
    """Hold the conversation that standard input brings: a person's, a pipe's, or a script."""
    typing = sys.stdin is not None and sys.stdin.isatty()
    terminal = Terminal(stage, typing=typing, write=_write)
    keyboard = Keyboard(None if sys.stdin is None else sys.stdin.fileno())
    ending = asyncio.create_task(_close_at(leave, keyboard))
    try:
        await terminal.hold(keyboard, leave)
    finally:
        ending.cancel()


async def _close_at(leave: asyncio.Event, keyboard: Keyboard) -> None:
    await leave.wait()
    keyboard.close()


def _write(what: str) -> None:
    sys.stdout.write(what)
    sys.stdout.flush()
