"""What one client has at Telstra v3: numbers, a log of messages, opt-outs, reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from cooee.simulator.apis.telstra_v3 import responses as shapes
from cooee.simulator.apis.telstra_v3.errors import Refusal
from cooee.simulator.apis.telstra_v3.fields import international
from cooee.simulator.apis.telstra_v3.reports import Report
from cooee.simulator.apis.telstra_v3.requests import Order
from cooee.simulator.apis.telstra_v3.responses import Message
from cooee.simulator.apis.telstra_v3.virtual_numbers import VirtualNumber
from cooee.simulator.network import Network, Text
from cooee.simulator.webhook_sender import Pushes

KEPT = timedelta(days=30)
MOST_NUMBERS, MOST_IN_TRIAL = 100, 1
RECIPIENTS, BY_THEMSELVES = 10, 5
"""A free trial's recipients, and how many of them are added by being texted."""
OUT = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "QUIT", "END", "CANCEL"})
BACK_IN = frozenset({"START", "UNSTOP"})
"""That a word brings a person back, and which, is an assumption."""
_WORDS = {"delivered": "delivered", "undelivered": "undeliverable", "expired": "expired"}


class OptOut(msgspec.Struct, frozen=True):
    """A person who does not want texts from a number, by which message, since when."""

    number: str
    person: str
    message_id: str
    since: datetime


class Account:
    """One client id's belongings."""

    def __init__(self, network: Network, pushes: Pushes, *, trial: bool) -> None:
        self.network, self.pushes, self.trial = network, pushes, trial
        self.numbers: dict[str, VirtualNumber] = {}
        self.messages: dict[str, Message] = {}
        self.optouts: dict[tuple[str, str], OptOut] = {}
        self.registered: list[str] = []
        self.reports: dict[str, Report] = {}

    @property
    def now(self) -> datetime:
        """The network's time."""
        return self.network.clock.now()

    def identify(self) -> str:
        """A new UUID of version 1."""
        return shapes.uuid(self.network.serial())

    # --- numbers

    def held(self) -> list[VirtualNumber]:
        """The numbers that are assigned, oldest first."""
        return [number for number in self.numbers.values() if number.assigned]

    def assign(self, reply_url: str | None, tags: tuple[str, ...]) -> VirtualNumber:
        """Get another number.

        Raises:
            Refusal: there are as many as there may be.
        """
        if len(self.held()) >= (MOST_IN_TRIAL if self.trial else MOST_NUMBERS):
            raise Refusal("ACCOUNT_LIMIT_ERROR", "There are no more virtual numbers for you")
        number = VirtualNumber(
            self.network, trial=self.trial, take_in=self.take_in, waiting=self._waiting
        )
        number.change(reply_url, tags)
        self.numbers[number.number] = number
        return number

    def number(self, wanted: str) -> VirtualNumber:
        """A number that is assigned.

        Raises:
            Refusal: it never was, or is no longer.
        """
        found = self.numbers.get(wanted)
        if found is None:
            raise Refusal("VIRTUAL_NUM_UNKNOWN", "Unknown", "virtual-number", "path")
        if not found.assigned:
            raise Refusal("VIRTUAL_NUM_UNASSIGNED", "Unassigned", "virtual-number", "path")
        return found

    def register(self, people: Sequence[str]) -> list[str]:
        """Add to the numbers that a free trial may text; none can be taken away again."""
        new = [one for one in dict.fromkeys(people) if one not in self.registered]
        if len(self.registered) + len(new) > RECIPIENTS:
            raise Refusal("FREE_TRIAL_ERR", "A free trial has ten recipients", "freeTrialNumbers")
        self.registered += new
        return self.registered

    # --- texts of ours

    def send(self, order: Order) -> list[Message]:
        """Take an order, for one message to each recipient.

        Raises:
            Refusal: the account may not, or somebody does not want it, and nothing was sent.
        """
        number = self._check(order)
        made = [self._log(order, number, recipient) for recipient in order.recipients]
        for message in made:
            self._begin(message, order)
        return made

    def update(self, message: Message, order: Order) -> None:
        """Replace a message that is still waiting for its time.

        Raises:
            Refusal: it is sent, or the new one may not be.
        """
        if not self._is_waiting(message):
            raise Refusal("UPDATE_INVALID_MSG_SENT", "The message is sent")
        message.sender = self._check(order)
        (message.recipient,) = order.recipients
        message.content, message.tags, message.order = order.words, order.tags, order
        self._begin(message, order)

    def delete(self, message: Message) -> None:
        """Forget a message that is still waiting for its time.

        Raises:
            Refusal: it is sent.
        """
        if not self._is_waiting(message):
            raise Refusal("DELETE_INVALID_MSG_SENT", "The message is sent")
        message.order = None
        del self.messages[message.id]

    def message(self, id: str) -> Message:
        """A message of the last 30 days, whichever way it went.

        Raises:
            Refusal: there is none of that id, or it is older. Not 404: that is how it is.
        """
        if not shapes.is_uuid(id):
            raise Refusal("ID_INVALID", "Not an id of ours", "messageId", "path")
        found = self.messages.get(id)
        if found is None:
            raise Refusal("ID_NOT_ASSIGNED", "No such message", "messageId", "path")
        if found.created_at < self.now - KEPT:
            raise Refusal("TIMEFRAME_ERR", "Too old", "messageId", "path")
        return found

    # --- texts to us

    def take_in(self, number: VirtualNumber, text: Text) -> None:
        """A text came: log it, let it opt out or in, and push it where replies are pushed.

        That what is pushed is in the log as well, that the word that opts out comes through
        like any other, and that it has to be the whole text, are assumptions.
        """
        message = Message(
            id=self.identify(),
            direction="incoming",
            sender=text.sender,
            recipient=text.recipient,
            content=text.text,
            created_at=self.now,
            status="delivered",  # which status it has is stated nowhere
            sent_at=text.sent_at,
            received_at=self.now,
        )
        self.messages[message.id] = message
        self._opt(message)
        if number.reply_url is not None:
            body = msgspec.json.encode(shapes.reply(message))
            self.pushes.post(text.sender, number.reply_url, body)

    def _opt(self, message: Message) -> None:
        word = (message.content or "").strip(" \t\r\n.!").upper()
        key = message.recipient, message.sender
        if word in OUT:
            self.optouts.setdefault(key, OptOut(*key, message.id, self.now))
        elif word in BACK_IN:
            self.optouts.pop(key, None)

    def _waiting(self, number: str) -> int:
        return sum(
            message.direction == "incoming"
            and message.recipient == number
            and not message.handed_out
            for message in self.messages.values()
        )

    # --- on its way

    def _check(self, order: Order) -> str:
        """The number that an order goes out from, once it may."""
        if not order.sender.isdigit():
            issue = "No sender name is approved; email us"
            raise Refusal("SENDERNAME_ERR", issue, "from")
        number = international(order.sender)
        held = self.numbers.get(number)
        if held is None or not held.assigned:
            raise Refusal("VIRTUAL_NUM_UNASSIGNED", "Not a virtual number of yours", "from")
        if any((number, person) in self.optouts for person in order.recipients):
            raise Refusal("RECIPIENT_OPTOUT", "The recipient has opted out", "to")
        if self.trial:
            self._admit(order.recipients)
        return number

    def _admit(self, people: Sequence[str]) -> None:
        """A free trial's first five recipients are registered by being texted."""
        new = [one for one in dict.fromkeys(people) if one not in self.registered]
        if new and len(self.registered) + len(new) > BY_THEMSELVES:
            raise Refusal("FREE_TRIAL_ERR", "Not one of your free trial numbers", "to")
        self.registered += new

    def _log(self, order: Order, number: str, recipient: str) -> Message:
        message = Message(
            id=self.identify(),
            direction="outgoing",
            sender=number,
            recipient=recipient,
            content=order.content,
            created_at=self.now,
            status="queued",
            tags=order.tags,
            order=order,
        )
        self.messages[message.id] = message
        return message

    def _is_waiting(self, message: Message) -> bool:
        return bool(message.order and message.order.send_at and message.status == "queued")

    def _begin(self, message: Message, order: Order) -> None:
        if order.send_at is None:
            self._set_out(message, order)
            return
        wait = (order.send_at - self.now).total_seconds()

        async def later() -> None:
            await self.network.clock.sleep(wait)
            if message.order is order:  # neither changed nor deleted meanwhile
                self._set_out(message, order)

        self.network.lanes.add(("scheduled", message.id, object()), later)

    def _set_out(self, message: Message, order: Order) -> None:
        self.numbers[message.sender].use()
        message.status, message.sent_at = "sent", self.now
        self._report(message, order)
        self.network.send(
            message.sender,
            message.recipient,
            order.words,
            good_for=60.0 * order.minutes,
            news=lambda text: self._hear(message, order, text),
        )

    def _hear(self, message: Message, order: Order, text: Text) -> None:
        """A receipt came. Whether it arrived is told only to those who pay to know."""
        word = _WORDS[text.status]
        if not order.notified and word != "expired":
            return
        message.status = word
        message.received_at = (text.ended_at or self.now) if word == "delivered" else None
        self._report(message, order)

    def _report(self, message: Message, order: Order) -> None:
        if order.notified and order.callback:
            body = msgspec.json.encode(shapes.status(message, self.now))
            self.pushes.post(message.id, order.callback, body)
