"""The phone in a terminal: sends each typed line as a text, and shows the replies."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from cooee.clocks.clock import monotonic
from cooee.core.one_line import to_one_line
from cooee.phone.phone_numbers import MAX_PHONES, number_of_phone, phone_with_number
from cooee.phone.terminal.session import TerminalSession
from cooee.phone.terminal.stdin_lines import StdinLines
from cooee.simulator import ScreenEntry

DEMO_TEXTS = ("START", "TIME", "STOP")  # what is played where nobody types anything
COMMAND_HELP = """\
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
_MAX_WAIT = timedelta(days=366)
_POLL_INTERVAL_S = 0.05  # seconds between two looks at the phones
_QUIET_POLLS = 3  # looks in a row that have to find quiet
_REPLY_TIMEOUT_S = 10.0  # seconds to wait for a reply
_FIRST_LINE_TIMEOUT_S = 5.0  # seconds without a line until a pipe is taken for one that stays empty


class Terminal:
    """The phones of a terminal; a person types on a single phone at a time.

    Args:
        session: the simulator with the app.
        is_interactive: whether a person sees their own typing, which is then not shown again.
        write: writes to the terminal.
    """

    def __init__(
        self, session: TerminalSession, *, is_interactive: bool, write: Callable[[str], None]
    ) -> None:
        self.phone = 1
        self._session, self._is_interactive, self._write = session, is_interactive, write
        self._shown_counts = dict.fromkeys(range(1, MAX_PHONES + 1), 0)
        self._shown_news = 0  # of the session's news of consents

    async def run(self, lines: StdinLines, stop_event: asyncio.Event) -> None:
        """Send each line as a text, until the last line or `stop_event`."""
        polling = asyncio.create_task(self._show_forever())
        try:
            if self._is_interactive:
                await self._run_interactive(lines, stop_event)
            else:
                await self._run_piped(lines, stop_event)
        finally:
            polling.cancel()
            with suppress(asyncio.CancelledError):
                await polling
            self._show_new_entries()

    # A person

    async def _run_interactive(self, lines: StdinLines, stop_event: asyncio.Event) -> None:
        self._print_prompt()
        while (line := await lines.next_line()) is not None and not stop_event.is_set():
            if not self._execute_line(line):
                return
            self._print_prompt()
        self._write("\n")

    # A pipe, or nothing

    async def _run_piped(self, lines: StdinLines, stop_event: asyncio.Event) -> None:
        await self._wait_until_quiet(stop_event)
        has_input = False
        while (
            line := await self._next_line(lines, has_input=has_input)
        ) is not None and not stop_event.is_set():
            if not line.strip():
                continue
            has_input = True
            if not await self._run_line(line, stop_event):
                return
        if not has_input:
            for line in DEMO_TEXTS:
                await self._run_line(line, stop_event)

    async def _next_line(self, lines: StdinLines, *, has_input: bool) -> str | None:
        """Return the next line; None too for an open pipe whose first line does not come."""
        try:
            async with asyncio.timeout(None if has_input else _FIRST_LINE_TIMEOUT_S):
                return await lines.next_line()
        except TimeoutError:
            return None

    async def _run_line(self, line: str, stop_event: asyncio.Event) -> bool:
        """Execute a line and wait for the replies; return whether to go on."""
        seen_before = self._count_replies(), len(self._session.consent_news)
        if stop_event.is_set() or not self._execute_line(line):
            return False
        self._show_new_entries()
        if line.startswith("/wait"):
            await self._wait_until_quiet(stop_event)
        elif not line.startswith("/"):
            await self._wait_until_quiet(stop_event)
            if (self._count_replies(), len(self._session.consent_news)) == seen_before:
                self._print_line(f"phone {self.phone}   no reply")
        return True

    async def _wait_until_quiet(self, stop_event: asyncio.Event) -> None:
        """Wait until the session is quiet, or `_REPLY_TIMEOUT_S` at most."""
        quiet_polls, started_at = 0, monotonic()
        while (
            quiet_polls < _QUIET_POLLS
            and monotonic() - started_at < _REPLY_TIMEOUT_S
            and not stop_event.is_set()
        ):
            await asyncio.sleep(_POLL_INTERVAL_S)
            quiet_polls = quiet_polls + 1 if await self._session.is_quiet() else 0
        self._show_new_entries()

    # Both

    def _execute_line(self, line: str) -> bool:
        """Execute a command or send a text; return whether to go on."""
        text = line.strip()
        match text.split():
            case []:
                pass
            case ["/quit"]:
                return False
            case ["/help"]:
                self._print_line(COMMAND_HELP)
            case ["/phone", n] if n.isdecimal() and 1 <= int(n) <= MAX_PHONES:
                self.phone = int(n)
            case ["/wait", duration] if _parse_duration(duration):
                self._session.advance_clock(_parse_duration(duration))
            case ["/wait", *_]:
                self._print_line(
                    "  How long? /wait 90s, /wait 10min, /wait 1h, or up to /wait 366d"
                )
            case ["/phone", *_]:
                self._print_line(f"  There are phones 1 to {MAX_PHONES}: /phone 2")
            case [command, *_] if command.startswith("/"):
                self._print_line(f"  There is no {to_one_line(command)}. Type /help.")
            case _:
                self._session.send_text(number_of_phone(self.phone), text)
        return True

    async def _show_forever(self) -> None:
        while True:
            self._show_new_entries()
            await asyncio.sleep(_POLL_INTERVAL_S)

    def _show_new_entries(self) -> None:
        """Show new texts to any phone; also a phone's own texts, unless just typed."""
        entries = [
            (entry, phone)
            for phone, shown in self._shown_counts.items()
            for entry in self._session.network.phone_screen(number_of_phone(phone))[shown:]
        ]
        for entry, phone in sorted(entries, key=lambda one: one[0].shown_at):
            self._shown_counts[phone] += 1
            if entry.direction == "to_phone" or not self._is_interactive:
                self._print_line(_format_entry(phone, entry))
        while self._shown_news < len(self._session.consent_news):
            number, words = self._session.consent_news[self._shown_news]
            self._shown_news += 1
            self._print_line(f"phone {phone_with_number(number) or number}   {words}")

    def _count_replies(self) -> int:
        inbox = self._session.network.phone_screen(number_of_phone(self.phone))
        return sum(entry.direction == "to_phone" for entry in inbox)

    def _print_line(self, line: str) -> None:
        if self._is_interactive:
            self._write(f"\r\x1b[K{line}\n")
            self._print_prompt()
        else:
            self._write(f"{line}\n")

    def _print_prompt(self) -> None:
        self._write(f"\r\x1b[Kphone {self.phone} → ")


def _parse_duration(text: str) -> timedelta:
    """Parse a duration; 0 s where the text is none, or means more than a year."""
    found = re.fullmatch(r"(\d{1,8})(s|min|h|d)", text)
    duration = timedelta() if found is None else int(found[1]) * _UNITS[found[2]]
    return duration if duration <= _MAX_WAIT else timedelta()


def _format_entry(phone: int, entry: ScreenEntry) -> str:
    arrow = "←" if entry.direction == "to_phone" else "→"
    return f"phone {phone} {arrow} {to_one_line(entry.text.text)}"


async def run_terminal(session: TerminalSession, stop_event: asyncio.Event) -> None:
    """Send the lines of standard input as texts; without any line, the texts of a demo."""
    is_interactive = sys.stdin is not None and sys.stdin.isatty()
    terminal = Terminal(session, is_interactive=is_interactive, write=_write_stdout)
    lines = StdinLines(None if sys.stdin is None else sys.stdin.fileno())
    closing = asyncio.create_task(_close_on_stop(stop_event, lines))
    try:
        await terminal.run(lines, stop_event)
    finally:
        closing.cancel()


async def _close_on_stop(stop_event: asyncio.Event, lines: StdinLines) -> None:
    await stop_event.wait()
    lines.close()


def _write_stdout(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
