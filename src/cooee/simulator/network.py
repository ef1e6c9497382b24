"""A mobile network: numbers, phones, and what happens to a text between them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Annotated, Literal, Protocol, TypeAlias

import msgspec

from cooee.clocks.clock import Bell, Clock
from cooee.simulator import phone_numbers as numbers
from cooee.simulator.ordered_jobs import Lanes

Status: TypeAlias = Literal["sent", "delivered", "undelivered", "expired", "lost"]
Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class Conditions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The weather in the network.

    Args:
        delay: seconds that a text takes, and that its receipt takes to come back.
        spread: seconds more, by chance; texts between the same two numbers stay in order.
        loss: the share of texts that vanish without news.
        duplicates: the share of texts that arrive twice.
        receipts: whether the network tells what became of a text. Some do not, and then a
            sender never learns of a delivery.
    """

    delay: Seconds = 0.0
    spread: Seconds = 0.0
    loss: Share = 0.0
    duplicates: Share = 0.0
    receipts: bool = True


class Text(msgspec.Struct, kw_only=True, eq=False):
    """One text on its way.

    `status` is what really became of it, which its sender learns later or never, by `news`.
    """

    id: str
    sender: str
    recipient: str
    text: str
    sent_at: datetime
    from_phone: bool
    good_until: datetime | None = None
    news: Callable[[Text], None] | None = None
    status: Status = "sent"
    ended_at: datetime | None = None


class Entry(msgspec.Struct, frozen=True, eq=False):
    """A line on a phone's screen: a text that it sent, or one that arrived."""

    text: Text
    at: datetime

    @property
    def direction(self) -> Literal["to_phone", "from_phone"]:
        """Which way the text went."""
        return "from_phone" if self.text.from_phone else "to_phone"


class Line(Protocol):
    """One of our numbers, at the company that holds it."""

    @property
    def unread(self) -> int:
        """How many texts wait here for somebody to read them."""
        ...

    def arrive(self, text: Text) -> bool:
        """Take a text in; False where the number is not in use any more."""
        ...


class Network:
    """Phones and numbers, and the texts under way between them.

    Every number that nobody holds can be a phone. What happens by chance is drawn from `seed`,
    and what takes time takes it on `clock`.
    """

    def __init__(
        self, clock: Clock, *, seed: int = 0, conditions: Conditions | None = None
    ) -> None:
        self.clock = clock
        self.chance = Random(seed)  # noqa: S311 -- weather and test tokens, not secrets
        self.conditions = conditions or Conditions()
        self.lanes = Lanes(clock)
        self.lines: dict[str, Line] = {}
        self._free_numbers = numbers.ours()
        self._phones: dict[str, list[Entry]] = {}
        self._off: dict[str, Bell] = {}
        self._serial = int(clock.now().timestamp() * 1e6)  # a box started again repeats none

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight: no text, receipt or push, and nothing unread."""
        return self.lanes.idle and not any(line.unread for line in self.lines.values())

    def text(self, sender: str, recipient: str, text: str) -> Text:
        """A phone texts one of our numbers.

        Raises:
            ValueError: the sender or the recipient is no number, and no name either.
        """
        message = self._write(_address(sender), recipient, text, from_phone=True)
        self._show(message.sender, message)
        self._dispatch(message)
        return message

    def send(
        self,
        sender: str,
        recipient: str,
        text: str,
        *,
        wait: float = 0,
        good_for: float | None = None,
        news: Callable[[Text], None] | None = None,
    ) -> Text:
        """One of our numbers texts a phone, or another of our numbers.

        Args:
            sender: one of our numbers, or a sender's name, as it is.
            recipient: anybody's number.
            text: the words.
            wait: seconds before it sets out.
            good_for: seconds that the network keeps trying, once it has set out.
            news: called when the receipt comes back, if it does.

        Raises:
            ValueError: the recipient is no number, and no name either.
        """
        message = self._write(sender, recipient, text, from_phone=False)
        message.news = news
        if good_for is not None:
            message.good_until = message.sent_at + timedelta(seconds=wait + good_for)
        if wait:
            self.lanes.add(("waits", message.id), lambda: self._set_out(message, wait))
        else:
            self._dispatch(message)
        return message

    def inbox(self, number: str) -> list[Entry]:
        """What a phone shows, sent and arrived, oldest first."""
        return list(self._phones.get(numbers.address(number) or "", ()))

    def switch(self, number: str, *, on: bool) -> None:
        """Switch a phone on or off; texts wait for one that is off, as long as they are good."""
        phone = numbers.address(number) or number
        if on and phone in self._off:
            self._off.pop(phone).ring()
        elif not on:
            self._off.setdefault(phone, self.clock.bell())

    def free_number(self) -> str:
        """The next number to give out; the first is always the same."""
        return next(self._free_numbers)

    def serial(self) -> int:
        """A number that was never given before, in this box or in one that ran earlier."""
        self._serial += 1
        return self._serial

    async def close(self) -> None:
        """Drop whatever is still in flight."""
        await self.lanes.close()

    def _write(self, sender: str, recipient: str, text: str, *, from_phone: bool) -> Text:
        return Text(
            id=str(self.serial()),
            sender=sender,
            recipient=_address(recipient),
            text=text,
            sent_at=self.clock.now(),
            from_phone=from_phone,
        )

    async def _set_out(self, text: Text, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self._dispatch(text)

    def _dispatch(self, text: Text) -> None:
        """Send a text on its way; at once where nothing holds it up."""
        if self.chance.random() < self.conditions.loss:
            text.status, text.ended_at = "lost", self.clock.now()
            return
        delay = self._delay()
        lane = text.sender, text.recipient
        if not delay and self.lanes.free(lane) and text.recipient not in self._off:
            self._arrive(text)
        else:
            due = self.clock.now() + timedelta(seconds=delay)
            self.lanes.add(lane, lambda: self._carry(text, due))

    async def _carry(self, text: Text, due: datetime) -> None:
        if (left := self._seconds_until(due)) > 0:
            await self.clock.sleep(left)
        while text.recipient in self._off and not self._expired(text):
            good = None if text.good_until is None else self._seconds_until(text.good_until)
            await self._off[text.recipient].wait(good)
        if self._expired(text):
            self._end(text, "expired")
        else:
            self._arrive(text)

    def _arrive(self, text: Text) -> None:
        copies = 2 if self.chance.random() < self.conditions.duplicates else 1
        arrived = [self._hand_over(text) for _ in range(copies)]
        self._end(text, "delivered" if arrived[0] else "undelivered")

    def _hand_over(self, text: Text) -> bool:
        line = self.lines.get(text.recipient)
        if line is not None:
            return line.arrive(text)
        if text.from_phone:
            return False  # it dialled a number that is none of ours
        self._show(text.recipient, text)
        return True

    def _show(self, phone: str, text: Text) -> None:
        self._phones.setdefault(phone, []).append(Entry(text, self.clock.now()))

    def _end(self, text: Text, status: Status) -> None:
        text.status, text.ended_at = status, self.clock.now()
        if text.news is not None and self.conditions.receipts:
            self.lanes.add(("receipt", text.id), lambda: self._report(text, self._delay()))

    async def _report(self, text: Text, seconds: float) -> None:
        if seconds:
            await self.clock.sleep(seconds)
        if text.news is not None:
            text.news(text)

    def _delay(self) -> float:
        return self.conditions.delay + self.chance.random() * self.conditions.spread

    def _seconds_until(self, moment: datetime) -> float:
        return (moment - self.clock.now()).total_seconds()

    def _expired(self, text: Text) -> bool:
        return text.good_until is not None and self._seconds_until(text.good_until) <= 0


def _address(words: str) -> str:
    number = numbers.address(words)
    if number is None:
        raise ValueError(f"{words!r} is not a number. Write it as +61491570156 or 0491570156.")
    return number
