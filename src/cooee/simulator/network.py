"""A simulated mobile network: numbers, phones, and the texts between numbers and phones."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Annotated, Literal, Protocol, TypeAlias

import msgspec

from cooee.clocks.clock import Clock, WakeUp
from cooee.simulator import phone_numbers
from cooee.simulator.ordered_jobs import OrderedJobs

DeliveryStatus: TypeAlias = Literal["sent", "delivered", "undelivered", "expired", "lost"]
Probability: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class NetworkConditions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The network's conditions.

    Args:
        delay: seconds that a text takes, and seconds that its receipt takes to come back.
        spread: seconds more, by chance; texts between the same two numbers stay in order.
        loss: the share of texts that vanish without a receipt.
        duplicates: the share of texts that arrive twice.
        receipts: whether the network sends delivery receipts. Some real networks send none, and
            then a sender never learns of a delivery.
    """

    delay: Seconds = 0.0
    spread: Seconds = 0.0
    loss: Probability = 0.0
    duplicates: Probability = 0.0
    receipts: bool = True


class SimulatedText(msgspec.Struct, kw_only=True, eq=False):
    """A text on the network.

    `status` is the text's real outcome, which its sender learns later, or never, by `on_receipt`.
    """

    id: str
    sender: str
    recipient: str
    text: str
    sent_at: datetime
    from_phone: bool
    expires_at: datetime | None = None
    on_receipt: Callable[["SimulatedText"], None] | None = None
    status: DeliveryStatus = "sent"
    ended_at: datetime | None = None


class ScreenEntry(msgspec.Struct, frozen=True, eq=False):
    """An entry on a phone's screen: a sent text or an arrived text."""

    text: SimulatedText
    shown_at: datetime

    @property
    def direction(self) -> Literal["to_phone", "from_phone"]:
        """The direction of the text."""
        return "from_phone" if self.text.from_phone else "to_phone"


class ProviderNumber(Protocol):
    """A provider's number, kept by the provider's API."""

    @property
    def unread_count(self) -> int:
        """The number of texts waiting here to be polled."""
        ...

    def receive(self, text: SimulatedText) -> bool:
        """Take a text in, and return True; return False where the number is no longer in use."""
        ...


class MobileNetwork:
    """Phones, the providers' numbers, and the texts under way.

    Every number that no provider has allocated can be a phone. Chance is drawn from `seed`, and
    delays pass on `clock`.
    """

    def __init__(
        self, clock: Clock, *, seed: int = 0, conditions: NetworkConditions | None = None
    ) -> None:
        self.clock = clock
        self.random = Random(seed)  # noqa: S311 -- weather and test tokens, not secrets
        self.conditions = conditions or NetworkConditions()
        self.jobs = OrderedJobs(clock)
        self.our_numbers: dict[str, ProviderNumber] = {}
        self._unused_numbers = phone_numbers.allocatable_numbers()
        self._phones: dict[str, list[ScreenEntry]] = {}
        self._switched_off: dict[str, WakeUp] = {}
        self._last_serial = int(
            clock.now().timestamp() * 1e6
        )  # a simulator started again repeats none

    @property
    def is_idle(self) -> bool:
        """True where no text, receipt or push is in flight, and no text waits to be polled."""
        return self.jobs.is_idle and not any(
            number.unread_count for number in self.our_numbers.values()
        )

    def send_from_phone(self, sender: str, recipient: str, text: str) -> SimulatedText:
        """Send a text from a phone to a provider's number.

        Raises:
            ValueError: the sender or the recipient is no number, and no name either.
        """
        sent = self._make_text(_require_address(sender), recipient, text, from_phone=True)
        self._show_on_phone(sent.sender, sent)
        self._dispatch(sent)
        return sent

    def send_from_number(
        self,
        sender: str,
        recipient: str,
        text: str,
        *,
        delay_s: float = 0,
        validity_s: float | None = None,
        on_receipt: Callable[[SimulatedText], None] | None = None,
    ) -> SimulatedText:
        """Send a text from a provider's number to a phone, or to a provider's number.

        Args:
            sender: one of the providers' numbers, or a sender's name, as it is.
            recipient: any number.
            text: the text's words.
            delay_s: seconds before it sets out.
            validity_s: seconds that the network keeps trying to deliver it, once it has set out.
            on_receipt: called when the receipt comes back, if one does.

        Raises:
            ValueError: the recipient is no number, and no name either.
        """
        sent = self._make_text(sender, recipient, text, from_phone=False)
        sent.on_receipt = on_receipt
        if validity_s is not None:
            sent.expires_at = sent.sent_at + timedelta(seconds=delay_s + validity_s)
        # A lane of its own: a text with a delay must not hold up the later texts of its sender.
        if delay_s:
            self.jobs.add(("waits", sent.id), lambda: self._dispatch_later(sent, delay_s))
        else:
            self._dispatch(sent)
        return sent

    def phone_screen(self, number: str) -> list[ScreenEntry]:
        """Return a phone's texts, sent and arrived, oldest first."""
        return list(self._phones.get(phone_numbers.parse_address(number) or "", ()))

    def switch_phone(self, number: str, *, on: bool) -> None:
        """Switch a phone on or off; texts to a switched-off phone wait until their expiry."""
        phone = phone_numbers.parse_address(number) or number
        if on and phone in self._switched_off:
            self._switched_off.pop(phone).set()
        elif not on:
            self._switched_off.setdefault(phone, self.clock.create_wake_up())

    def allocate_number(self) -> str:
        """Return the next number to allocate; the first is always the same."""
        return next(self._unused_numbers)

    def next_serial(self) -> int:
        """Return a number never returned before, by this simulator or an earlier simulator."""
        self._last_serial += 1
        return self._last_serial

    async def close(self) -> None:
        """Drop every text, receipt and push in flight."""
        await self.jobs.close()

    def _make_text(
        self, sender: str, recipient: str, text: str, *, from_phone: bool
    ) -> SimulatedText:
        return SimulatedText(
            id=str(self.next_serial()),
            sender=sender,
            recipient=_require_address(recipient),
            text=text,
            sent_at=self.clock.now(),
            from_phone=from_phone,
        )

    async def _dispatch_later(self, text: SimulatedText, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self._dispatch(text)

    def _dispatch(self, text: SimulatedText) -> None:
        """Put a text on its way; deliver the text at once without delay and queue."""
        if self.random.random() < self.conditions.loss:
            text.status, text.ended_at = "lost", self.clock.now()
            return
        delay = self._draw_delay()
        lane = text.sender, text.recipient
        # A text must not overtake an earlier one between the same two numbers, so it is delivered
        # at once only where the lane is free.
        if not delay and self.jobs.is_free(lane) and text.recipient not in self._switched_off:
            self._deliver(text)
        else:
            due = self.clock.now() + timedelta(seconds=delay)
            self.jobs.add(lane, lambda: self._deliver_later(text, due))

    async def _deliver_later(self, text: SimulatedText, due: datetime) -> None:
        if (remaining_s := self._seconds_until(due)) > 0:
            await self.clock.sleep(remaining_s)
        # The phone may be switched off and on several times before the text expires.
        while text.recipient in self._switched_off and not self._is_expired(text):
            validity_s = None if text.expires_at is None else self._seconds_until(text.expires_at)
            await self._switched_off[text.recipient].wait(validity_s)
        if self._is_expired(text):
            self._record_outcome(text, "expired")
        else:
            self._deliver(text)

    def _deliver(self, text: SimulatedText) -> None:
        copies = 2 if self.random.random() < self.conditions.duplicates else 1
        accepted = [self._deliver_copy(text) for _ in range(copies)]
        self._record_outcome(text, "delivered" if accepted[0] else "undelivered")

    def _deliver_copy(self, text: SimulatedText) -> bool:
        our_number = self.our_numbers.get(text.recipient)
        if our_number is not None:
            return our_number.receive(text)
        if text.from_phone:
            return False  # the phone dialled a number that no provider has
        self._show_on_phone(text.recipient, text)
        return True

    def _show_on_phone(self, phone: str, text: SimulatedText) -> None:
        self._phones.setdefault(phone, []).append(ScreenEntry(text, self.clock.now()))

    def _record_outcome(self, text: SimulatedText, status: DeliveryStatus) -> None:
        text.status, text.ended_at = status, self.clock.now()
        if text.on_receipt is not None and self.conditions.receipts:
            self.jobs.add(
                ("receipt", text.id), lambda: self._send_receipt(text, self._draw_delay())
            )

    async def _send_receipt(self, text: SimulatedText, seconds: float) -> None:
        if seconds:
            await self.clock.sleep(seconds)
        if text.on_receipt is not None:
            text.on_receipt(text)

    def _draw_delay(self) -> float:
        return self.conditions.delay + self.random.random() * self.conditions.spread

    def _seconds_until(self, time: datetime) -> float:
        return (time - self.clock.now()).total_seconds()

    def _is_expired(self, text: SimulatedText) -> bool:
        return text.expires_at is not None and self._seconds_until(text.expires_at) <= 0


def _require_address(written: str) -> str:
    number = phone_numbers.parse_address(written)
    if number is None:
        raise ValueError(f"{written!r} is not a number. Write it as +61491570156 or 0491570156.")
    return number
