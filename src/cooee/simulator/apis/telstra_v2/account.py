"""A client's account at Telstra v2: a number, unread replies, sent texts, reply threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cooee.simulator.apis.telstra_v2 import requests as orders
from cooee.simulator.apis.telstra_v2 import responses as shapes
from cooee.simulator.apis.telstra_v2.errors import TelstraV2APIError, invalid_parameter
from cooee.simulator.apis.telstra_v2.requests import TelstraV2SendRequest
from cooee.simulator.apis.telstra_v2.subscription import TelstraV2Subscription
from cooee.simulator.apis.telstra_v2.threads import ReplyThreads
from cooee.simulator.network import MobileNetwork, SimulatedText
from cooee.simulator.webhook_sender import WebhookSender

STATUS_READABLE_AFTER, STATUS_RETENTION = timedelta(seconds=2), timedelta(days=7)
"""When a status can be read. Not at once: Telstra's own tests try five times. How soon it can is
an assumption."""
MAX_TRIAL_TEXTS, MAX_TRIAL_NUMBERS = 100, 5
"""A free trial's texts, and the numbers they may go to."""


class TelstraV2SentText(msgspec.Struct, eq=False):
    """An accepted text and its latest delivery status."""

    id: str
    recipient: str
    request: TelstraV2SendRequest
    accepted_at: datetime
    reply_address: str | None = None
    delivery_status: str | None = None
    ended_at: datetime | None = None


_DELIVERY_STATUSES = {"delivered": "DELIVRD", "undelivered": "UNDVBL", "expired": "EXPIRED"}


class TelstraV2Account:
    """A client id's account."""

    def __init__(
        self, network: MobileNetwork, webhook_sender: WebhookSender, *, is_trial: bool = False
    ) -> None:
        self.network, self.webhook_sender = network, webhook_sender
        self.is_trial = is_trial
        self.subscription: TelstraV2Subscription | None = None
        self.registered_numbers: list[str] = []
        self.unread: deque[tuple[SimulatedText, str]] = deque()
        self._sent_texts: dict[str, TelstraV2SentText] = {}
        self._threads = ReplyThreads(network, self.receive_reply)

    # --- the number

    def active_subscription(self) -> TelstraV2Subscription:
        """Return the subscription of the account's number, needed by every further request.

        Raises:
            TelstraV2APIError: there never was a number, or it was deleted (400); or it has expired,
                which has the same 404 as a wrong URL.
        """
        subscription = self.subscription
        if subscription is None or subscription.is_deleted:
            raise TelstraV2APIError(400, "NOT-PROVISIONED")
        if not subscription.is_active:
            raise TelstraV2APIError(404, "RESOURCE-NOT-FOUND")
        return subscription

    def provision(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Provision a number, or change the account's number.

        `notifyURL` has three states: a string pushes, null polls, and its absence changes
        nothing, which at first is polling.
        """
        days = None if self.is_trial else body.get("activeDays")
        if days is not None and (isinstance(days, bool) or not isinstance(days, int)):
            raise invalid_parameter("'activeDays': a whole number is expected")
        changes = {"url": orders.check_notify_url(body["notifyURL"])} if "notifyURL" in body else {}
        subscription = self.subscription
        if subscription is None or subscription.is_lapsed:
            subscription = TelstraV2Subscription(self.network, self.receive_reply, self.unread)
        response = subscription.extend(30 if days is None else days, is_trial=self.is_trial)
        subscription.notify_url = changes.get("url", subscription.notify_url)
        self.subscription = subscription
        return response

    # --- replies

    def receive_reply(self, text: SimulatedText, message_id: str = "") -> None:
        """Push a reply, or keep the reply for a poll.

        A reply that no push could deliver is kept as well, and polled once pushing ends (an
        assumption; the pages are silent, and so no text is lost).
        """
        url = self.subscription.notify_url if self.subscription else None
        if url is None:
            self.unread.append((text, message_id))
            return
        content = shapes.pushed_reply(text, message_id or f"DMASApiA{int(text.id):010}")
        self.webhook_sender.post(
            text.sender,
            url,
            msgspec.json.encode(content),
            on_give_up=lambda: self.unread.append((text, message_id)),
        )

    def next_reply(self) -> dict[str, str]:
        """Remove and return the earliest unread reply, or return EMPTY.

        While replies are pushed, polling "will not provide any useful information" (S2.2.9):
        EMPTY is assumed.
        """
        if self.active_subscription().notify_url is not None or not self.unread:
            return {"status": "EMPTY"}
        return shapes.polled_reply(*self.unread.popleft())

    # --- outgoing texts

    def send(self, send_requests: Sequence[TelstraV2SendRequest]) -> list[TelstraV2SentText]:
        """Send texts, to each recipient of each request.

        Raises:
            TelstraV2APIError: the account may not; then nothing is sent.
        """
        number = self.active_subscription().number
        for send_request in send_requests:
            self._check_allowed(send_request)
        text_count = sum(len(order.recipients) for order in send_requests)
        if self.is_trial and len(self._sent_texts) + text_count > MAX_TRIAL_TEXTS:
            raise TelstraV2APIError(403, "SpikeArrest")
        return [
            self._send_one(order, recipient, number)
            for order in send_requests
            for recipient in order.recipients
        ]

    def message_status(self, message_id: str) -> dict[str, str]:
        """Return a text's delivery status.

        Raises:
            TelstraV2APIError: the status cannot be read yet, or no more, or never could be.
        """
        now = self.network.clock.now()
        sent = self._sent_texts.get(shapes.plain_message_id(message_id))
        if sent is None or not sent.request.wants_receipt:
            raise TelstraV2APIError(404, "OLD-NONEXISTANT-MESSAGE-ID")
        if (
            not sent.accepted_at + STATUS_READABLE_AFTER
            <= now
            < sent.accepted_at + STATUS_RETENTION
        ):
            raise TelstraV2APIError(404, "OLD-NONEXISTANT-MESSAGE-ID")
        return shapes.message_status(
            sent.recipient,
            sent.accepted_at,
            sent.ended_at or sent.accepted_at,
            self._current_status(sent),
        )

    def register_numbers(self, numbers: Sequence[str]) -> list[str]:
        """Add to the allowed numbers of a free trial; no number can be removed again."""
        new = [number for number in dict.fromkeys(numbers) if number not in self.registered_numbers]
        if len(self.registered_numbers) + len(new) > MAX_TRIAL_NUMBERS:
            raise TelstraV2APIError(400, "FREE-TRIAL-MAX-BNUM")
        self.registered_numbers += new
        return self.registered_numbers

    def _check_allowed(self, send_request: TelstraV2SendRequest) -> None:
        sender = send_request.sender
        is_number = sender is not None and sender.lstrip("+").isdigit()
        if is_number and sender not in self._threads.numbers:
            raise TelstraV2APIError(400, "DELIVERY-IMPOSSIBLE", "Invalid 'from' address specified")
        if not self.is_trial:
            return
        if send_request.wants_reply_number or sender is not None:
            raise TelstraV2APIError(400, "DELIVERY-IMPOSSIBLE", "Not available in a free trial")
        if not self.registered_numbers:
            raise TelstraV2APIError(400, "FREE-TRIAL-NO-BNUM")
        if not set(send_request.recipients) <= set(self.registered_numbers):
            raise TelstraV2APIError(400, "FREE-TRIAL-INVALID-BNUM")

    def _send_one(
        self, send_request: TelstraV2SendRequest, recipient: str, number: str
    ) -> TelstraV2SentText:
        id = f"{self.network.next_serial():040x}-12{recipient.lstrip('+')}"
        sent = TelstraV2SentText(id, recipient, send_request, self.network.clock.now())
        if send_request.wants_reply_number:
            sent.reply_address = self._threads.open_thread(recipient, id)
        self._sent_texts[id] = sent
        self.network.send_from_number(
            sent.reply_address or send_request.sender or number,
            recipient,
            send_request.body,
            delay_s=send_request.delay_s,
            validity_s=send_request.validity_s,
            on_receipt=lambda text: self._record_receipt(sent, text),
        )
        return sent

    def _record_receipt(self, sent: TelstraV2SentText, text: SimulatedText) -> None:
        """Store a receipt's status, and push the final status once."""
        sent.delivery_status, sent.ended_at = (
            _DELIVERY_STATUSES[text.status],
            text.ended_at or text.sent_at,
        )
        if sent.request.notify_url is not None:
            content = shapes.message_status(
                sent.recipient, sent.accepted_at, sent.ended_at, sent.delivery_status
            )
            body = msgspec.json.encode({**content, "messageId": shapes.slashed_message_id(sent.id)})
            self.webhook_sender.post(sent.id, sent.request.notify_url, body)

    def _current_status(self, sent: TelstraV2SentText) -> str:
        """Return PEND before a text sets out, and for good where the network sends no receipts."""
        sends_at = sent.accepted_at + timedelta(seconds=sent.request.delay_s)
        is_pending = self.network.clock.now() < sends_at or not self.network.conditions.receipts
        return sent.delivery_status or ("PEND" if is_pending else "SENT")
