"""What one client has at Telstra: a number, unread replies, sent texts, threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cooee.simulator.apis.telstra_v2 import requests as orders
from cooee.simulator.apis.telstra_v2 import responses as shapes
from cooee.simulator.apis.telstra_v2.errors import Refusal, invalid
from cooee.simulator.apis.telstra_v2.requests import Order
from cooee.simulator.apis.telstra_v2.subscription import Subscription
from cooee.simulator.apis.telstra_v2.threads import Threads
from cooee.simulator.network import Network, Text
from cooee.simulator.webhook_sender import Pushes

STATUS_AFTER, STATUS_KEPT = timedelta(seconds=2), timedelta(days=7)
"""When a status can be read. Not at once: Telstra's own tests try five times. How soon it can is
an assumption."""
ALLOWANCE, REGISTERED = 100, 5
"""A free trial's texts, and the numbers they may go to."""


class Sent(msgspec.Struct, eq=False):
    """A text that was accepted, and what Telstra has heard of it."""

    id: str
    recipient: str
    order: Order
    accepted_at: datetime
    reply_address: str | None = None
    word: str | None = None
    ended_at: datetime | None = None


_WORDS = {"delivered": "DELIVRD", "undelivered": "UNDVBL", "expired": "EXPIRED"}


class Account:
    """One client id's belongings."""

    def __init__(self, network: Network, pushes: Pushes, *, trial: bool = False) -> None:
        self.network, self.pushes = network, pushes
        self.trial = trial
        self.subscription: Subscription | None = None
        self.registered: list[str] = []
        self.unread: deque[tuple[Text, str]] = deque()
        self._sent: dict[str, Sent] = {}
        self._threads = Threads(network, self.take_in)

    # --- the number

    def in_use(self) -> Subscription:
        """The number, which everything else needs.

        Raises:
            Refusal: there never was one, or it was deleted (400); or it has expired, which
                has the same 404 as a wrong URL.
        """
        held = self.subscription
        if held is None or held.deleted:
            raise Refusal(400, "NOT-PROVISIONED")
        if not held.active:
            raise Refusal(404, "RESOURCE-NOT-FOUND")
        return held

    def provision(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Get a number, or change the one there is.

        `notifyURL` has three states: a string pushes, null polls, and its absence changes
        nothing, which at first is polling.
        """
        days = None if self.trial else asked.get("activeDays")
        if days is not None and (isinstance(days, bool) or not isinstance(days, int)):
            raise invalid("'activeDays': a whole number is expected")
        changed = {"url": orders.callback(asked["notifyURL"])} if "notifyURL" in asked else {}
        held = self.subscription
        if held is None or held.lapsed:
            held = Subscription(self.network, self.take_in, self.unread)
        answer = held.extend(30 if days is None else days, once=self.trial)
        held.notify_url = changed.get("url", held.notify_url)
        self.subscription = held
        return answer

    # --- replies

    def take_in(self, text: Text, message_id: str = "") -> None:
        """A reply came: push it, or keep it until it is read.

        What no push could deliver is kept as well, and read once pushing ends (an assumption;
        the pages are silent, and this loses no text).
        """
        url = self.subscription.notify_url if self.subscription else None
        if url is None:
            self.unread.append((text, message_id))
            return
        shape = shapes.pushed(text, message_id or f"DMASApiA{int(text.id):010}")
        self.pushes.post(
            text.sender,
            url,
            msgspec.json.encode(shape),
            given_up=lambda: self.unread.append((text, message_id)),
        )

    def next_reply(self) -> dict[str, str]:
        """The earliest unread reply, which is gone with the reading; or EMPTY.

        While replies are pushed, reading "will not provide any useful information" (S2.2.9):
        EMPTY is assumed.
        """
        if self.in_use().notify_url is not None or not self.unread:
            return {"status": "EMPTY"}
        return shapes.polled(*self.unread.popleft())

    # --- texts of ours

    def send(self, wanted: Sequence[Order]) -> list[Sent]:
        """Send texts, one for each recipient of each order.

        Raises:
            Refusal: the account may not, and nothing was sent.
        """
        number = self.in_use().number
        for order in wanted:
            self._check(order)
        texts = sum(len(order.recipients) for order in wanted)
        if self.trial and len(self._sent) + texts > ALLOWANCE:
            raise Refusal(403, "SpikeArrest")
        return [
            self._send(order, recipient, number)
            for order in wanted
            for recipient in order.recipients
        ]

    def status(self, message_id: str) -> dict[str, str]:
        """How a text fares.

        Raises:
            Refusal: it cannot be read yet, or no more, or never could be.
        """
        now = self.network.clock.now()
        sent = self._sent.get(shapes.plain(message_id))
        if sent is None or not sent.order.receipts:
            raise Refusal(404, "OLD-NONEXISTANT-MESSAGE-ID")
        if not sent.accepted_at + STATUS_AFTER <= now < sent.accepted_at + STATUS_KEPT:
            raise Refusal(404, "OLD-NONEXISTANT-MESSAGE-ID")
        return shapes.status(
            sent.recipient, sent.accepted_at, sent.ended_at or sent.accepted_at, self._word(sent)
        )

    def register(self, numbers: Sequence[str]) -> list[str]:
        """Add to the numbers that a free trial may text; none can be taken away again."""
        new = [number for number in dict.fromkeys(numbers) if number not in self.registered]
        if len(self.registered) + len(new) > REGISTERED:
            raise Refusal(400, "FREE-TRIAL-MAX-BNUM")
        self.registered += new
        return self.registered

    def _check(self, order: Order) -> None:
        sender = order.sender
        is_number = sender is not None and sender.lstrip("+").isdigit()
        if is_number and sender not in self._threads.numbers:
            raise Refusal(400, "DELIVERY-IMPOSSIBLE", "Invalid 'from' address specified")
        if not self.trial:
            return
        if order.thread or sender is not None:
            raise Refusal(400, "DELIVERY-IMPOSSIBLE", "Not available in a free trial")
        if not self.registered:
            raise Refusal(400, "FREE-TRIAL-NO-BNUM")
        if not set(order.recipients) <= set(self.registered):
            raise Refusal(400, "FREE-TRIAL-INVALID-BNUM")

    def _send(self, order: Order, recipient: str, number: str) -> Sent:
        id = f"{self.network.serial():040x}-12{recipient.lstrip('+')}"
        sent = Sent(id, recipient, order, self.network.clock.now())
        if order.thread:
            sent.reply_address = self._threads.begin(recipient, id)
        self._sent[id] = sent
        self.network.send(
            sent.reply_address or order.sender or number,
            recipient,
            order.body,
            wait=order.wait,
            good_for=order.good_for,
            news=lambda text: self._hear(sent, text),
        )
        return sent

    def _hear(self, sent: Sent, text: Text) -> None:
        """A receipt came: remember it, and push it once, since it is final."""
        sent.word, sent.ended_at = _WORDS[text.status], text.ended_at or text.sent_at
        if sent.order.notify_url is not None:
            shape = shapes.status(sent.recipient, sent.accepted_at, sent.ended_at, sent.word)
            body = msgspec.json.encode({**shape, "messageId": shapes.slashed(sent.id)})
            self.pushes.post(sent.id, sent.order.notify_url, body)

    def _word(self, sent: Sent) -> str:
        """The status: PEND until it sets out, and for good where a network gives no receipts."""
        sets_out = sent.accepted_at + timedelta(seconds=sent.order.wait)
        pending = self.network.clock.now() < sets_out or not self.network.conditions.receipts
        return sent.word or ("PEND" if pending else "SENT")
