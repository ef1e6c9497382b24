"""A phone for your tests: it texts your app, and holds it to a script."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from cooee.testing.script import Hears, Line, Says, Script, Waits, parse, report

if TYPE_CHECKING:
    from cooee.testing.kit import Kit


class Phone:
    """A person with a phone, in a kit's world; made by `Kit.phone`.

    Attributes:
        number: the person's number, fictional.
    """

    def __init__(self, kit: Kit, number: str) -> None:
        self.number = number
        self._kit = kit
        self._read = 0

    @property
    def inbox(self) -> Sequence[str]:
        """Every text that arrived here, oldest first."""
        shown = self._kit.carrier.network.inbox(self.number)
        return [entry.text.text for entry in shown if entry.direction == "to_phone"]

    def read(self) -> Sequence[str]:
        """The texts that arrived since this phone was last read."""
        inbox = self.inbox
        new, self._read = inbox[self._read :], len(inbox)
        return new

    async def text(self, words: str) -> Sequence[str]:
        """Text the app, wait until all is quiet, and read what came by then (see `Kit.quiet`)."""
        self._kit.send(self, words)
        await self._kit.quiet()
        return self.read()

    async def wait(self, time: timedelta | float) -> None:
        """Let time pass, in seconds or as a timedelta (see `Kit.wait`)."""
        await self._kit.wait(time)

    def another(self) -> Phone:
        """A second person's phone, in the same world."""
        return self._kit.phone()

    async def follow(self, script: str) -> None:
        r"""Hold a conversation as a script has it.

            > START                                     the person texts
            < The timer is running!                     exactly the next text they get
            ... 65 seconds                              time passes
            > TIME
            < The timer stands at 1 minute 5 *          `*` is anything, `\*` a star

        Texts in a row are sent in quick succession. Where replies stand, they are all that has
        come since the phone was last read: neither more nor fewer.

        Raises:
            AssertionError: it went otherwise; the message shows the whole script and where.
            ValueError: the script cannot be read.
        """
        __tracebackhide__ = True  # pytest shows the script, which says more than this code
        read = parse(script)
        last: Line | None = None
        for line in read.lines:
            if isinstance(line, Hears):
                if not isinstance(last, Hears):
                    await self._kit.quiet()
                await self._hear(read, line)
            else:
                if isinstance(last, Hears):
                    await self._expect_no_more(read, last.at)
                await self._act(line)
            last = line
        await self._kit.quiet()
        await self._expect_no_more(read, last.at if last else len(read.written) - 1)

    async def _act(self, line: Says | Waits) -> None:
        if isinstance(line, Says):
            self._kit.send(self, line.text)
        else:
            await self._kit.wait(line.time)

    async def _hear(self, script: Script, line: Hears) -> None:
        __tracebackhide__ = True
        came = self.inbox[self._read :]
        if not came or not line.fits(came[0]):
            raise AssertionError(await self._told(script, line.at, missing=True, came=came))
        self._read += 1

    async def _expect_no_more(self, script: Script, at: int) -> None:
        __tracebackhide__ = True
        came = self.read()
        if came:
            raise AssertionError(await self._told(script, at, missing=False, came=came))

    async def _told(self, script: Script, at: int, *, missing: bool, came: Sequence[str]) -> str:
        self.read()
        words = report(script, at, missing=missing, came=came)
        troubles = await self._kit.troubles(self)
        return "\n".join([words, "", *troubles]) if troubles else words

    def __repr__(self) -> str:
        return f"<Phone {self.number}>"
