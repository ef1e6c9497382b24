"""A client's account at Telstra v3: numbers, a log of messages, opt-outs and reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from cooee.simulator.apis.telstra_v3 import responses as shapes
from cooee.simulator.apis.telstra_v3.errors import TelstraV3APIError
from cooee.simulator.apis.telstra_v3.fields import to_e164
from cooee.simulator.apis.telstra_v3.reports import MessageReport
from cooee.simulator.apis.telstra_v3.requests import TelstraV3SendRequest
from cooee.simulator.apis.telstra_v3.responses import TelstraV3Message
from cooee.simulator.apis.telstra_v3.virtual_numbers import VirtualNumber
from cooee.simulator.network import MobileNetwork, SimulatedText
from cooee.simulator.webhook_sender import WebhookSender

MESSAGE_RETENTION = timedelta(days=30)
MAX_NUMBERS, MAX_NUMBERS_IN_TRIAL = 100, 1
MAX_TRIAL_RECIPIENTS, MAX_AUTO_REGISTERED = 10, 5
"""A free trial's recipients, and how many of them are added by being texted."""
OPT_OUT_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "QUIT", "END", "CANCEL"})
OPT_IN_WORDS = frozenset({"START", "UNSTOP"})
"""That a word brings a person back, and which, is an assumption."""
_FINAL_STATUSES = {"delivered": "delivered", "undelivered": "undeliverable", "expired": "expired"}


class TelstraV3OptOut(msgspec.Struct, frozen=True):
    """A person's opt-out from a number, with its message and its time."""

    number: str
    person: str
    message_id: str
    created_at: datetime


class TelstraV3Account:
    """A client id's account."""

    def __init__(
        self, network: MobileNetwork, webhook_sender: WebhookSender, *, is_trial: bool
    ) -> None:
        self.network, self.webhook_sender, self.is_trial = network, webhook_sender, is_trial
        self.numbers: dict[str, VirtualNumber] = {}
        self.messages: dict[str, TelstraV3Message] = {}
        self.opt_outs: dict[tuple[str, str], TelstraV3OptOut] = {}
        self.registered_recipients: list[str] = []
        self.reports: dict[str, MessageReport] = {}

    @property
    def now(self) -> datetime:
        """The network's time."""
        return self.network.clock.now()

    def new_id(self) -> str:
        """Return a new UUID of version 1."""
        return shapes.make_uuid(self.network.next_serial())

    # --- numbers

    def assigned_numbers(self) -> list[VirtualNumber]:
        """Return the assigned numbers, oldest first."""
        return [number for number in self.numbers.values() if number.is_assigned]

    def assign_number(self, reply_url: str | None, tags: tuple[str, ...]) -> VirtualNumber:
        """Assign another number.

        Raises:
            TelstraV3APIError: there are as many as there may be.
        """
        if len(self.assigned_numbers()) >= (MAX_NUMBERS_IN_TRIAL if self.is_trial else MAX_NUMBERS):
            raise TelstraV3APIError(
                "ACCOUNT_LIMIT_ERROR", "There are no more virtual numbers for you"
            )
        number = VirtualNumber(
            self.network,
            is_trial=self.is_trial,
            on_text=self.receive_text,
            count_unread=self._count_unread,
        )
        number.set_details(reply_url, tags)
        self.numbers[number.number] = number
        return number

    def get_number(self, number: str) -> VirtualNumber:
        """Return an assigned number.

        Raises:
            TelstraV3APIError: the number never was assigned, or is no longer.
        """
        found = self.numbers.get(number)
        if found is None:
            raise TelstraV3APIError("VIRTUAL_NUM_UNKNOWN", "Unknown", "virtual-number", "path")
        if not found.is_assigned:
            raise TelstraV3APIError(
                "VIRTUAL_NUM_UNASSIGNED", "Unassigned", "virtual-number", "path"
            )
        return found

    def register_recipients(self, people: Sequence[str]) -> list[str]:
        """Add to the allowed numbers of a free trial; no number can be removed again."""
        new = [
            person for person in dict.fromkeys(people) if person not in self.registered_recipients
        ]
        if len(self.registered_recipients) + len(new) > MAX_TRIAL_RECIPIENTS:
            raise TelstraV3APIError(
                "FREE_TRIAL_ERR", "A free trial has ten recipients", "freeTrialNumbers"
            )
        self.registered_recipients += new
        return self.registered_recipients

    # --- outgoing texts

    def send(self, send_request: TelstraV3SendRequest) -> list[TelstraV3Message]:
        """Accept a request, as a message to each recipient.

        Raises:
            TelstraV3APIError: the account may not, or a recipient has opted out.
                Nothing is sent then.
        """
        number = self._check_allowed(send_request)
        messages = [
            self._log_message(send_request, number, recipient)
            for recipient in send_request.recipients
        ]
        for message in messages:
            self._send_when_due(message, send_request)
        return messages

    def update_message(self, message: TelstraV3Message, send_request: TelstraV3SendRequest) -> None:
        """Replace a scheduled message.

        Raises:
            TelstraV3APIError: the message is sent, or the account may not send the new one.
        """
        if not self._is_scheduled(message):
            raise TelstraV3APIError("UPDATE_INVALID_MSG_SENT", "The message is sent")
        message.sender = self._check_allowed(send_request)
        (message.recipient,) = send_request.recipients
        message.text, message.tags, message.request = (
            send_request.screen_text,
            send_request.tags,
            send_request,
        )
        self._send_when_due(message, send_request)

    def delete_message(self, message: TelstraV3Message) -> None:
        """Delete a scheduled message.

        Raises:
            TelstraV3APIError: the message is sent.
        """
        if not self._is_scheduled(message):
            raise TelstraV3APIError("DELETE_INVALID_MSG_SENT", "The message is sent")
        message.request = None
        del self.messages[message.id]

    def get_message(self, id: str) -> TelstraV3Message:
        """Return a message of the last 30 days, incoming or outgoing.

        Raises:
            TelstraV3APIError: there is none of that id, or it is older: 400, by the specification.
        """
        if not shapes.is_uuid(id):
            raise TelstraV3APIError("ID_INVALID", "Not an id of ours", "messageId", "path")
        found = self.messages.get(id)
        if found is None:
            raise TelstraV3APIError("ID_NOT_ASSIGNED", "No such message", "messageId", "path")
        if found.created_at < self.now - MESSAGE_RETENTION:
            raise TelstraV3APIError("TIMEFRAME_ERR", "Too old", "messageId", "path")
        return found

    # --- incoming texts

    def receive_text(self, number: VirtualNumber, text: SimulatedText) -> None:
        """Log an incoming text, apply its opt-out word, and push the text where replies are pushed.

        Three assumptions: a pushed text is in the log as well; a text with the opt-out word comes
        through like any other; and the word has to be the whole text.
        """
        message = TelstraV3Message(
            id=self.new_id(),
            direction="incoming",
            sender=text.sender,
            recipient=text.recipient,
            text=text.text,
            created_at=self.now,
            status="delivered",  # which status it has is stated nowhere
            sent_at=text.sent_at,
            received_at=self.now,
        )
        self.messages[message.id] = message
        self._apply_opt_out_word(message)
        if number.reply_url is not None:
            body = msgspec.json.encode(shapes.reply_callback(message))
            self.webhook_sender.post(text.sender, number.reply_url, body)

    def _apply_opt_out_word(self, message: TelstraV3Message) -> None:
        keyword = (message.text or "").strip(" \t\r\n.!").upper()
        key = message.recipient, message.sender
        if keyword in OPT_OUT_WORDS:
            self.opt_outs.setdefault(key, TelstraV3OptOut(*key, message.id, self.now))
        elif keyword in OPT_IN_WORDS:
            self.opt_outs.pop(key, None)

    def _count_unread(self, number: str) -> int:
        return sum(
            message.direction == "incoming" and message.recipient == number and not message.was_read
            for message in self.messages.values()
        )

    # --- on its way

    def _check_allowed(self, send_request: TelstraV3SendRequest) -> str:
        """Return the number to send a request from; raise for a number not of the account."""
        if not send_request.sender.isdigit():
            issue = "No sender name is approved; email us"
            raise TelstraV3APIError("SENDERNAME_ERR", issue, "from")
        number = to_e164(send_request.sender)
        virtual_number = self.numbers.get(number)
        if virtual_number is None or not virtual_number.is_assigned:
            raise TelstraV3APIError(
                "VIRTUAL_NUM_UNASSIGNED", "Not a virtual number of yours", "from"
            )
        if any((number, person) in self.opt_outs for person in send_request.recipients):
            raise TelstraV3APIError("RECIPIENT_OPTOUT", "The recipient has opted out", "to")
        if self.is_trial:
            self._auto_register(send_request.recipients)
        return number

    def _auto_register(self, people: Sequence[str]) -> None:
        """Register a free trial's first five recipients, who are registered by being texted."""
        new = [
            person for person in dict.fromkeys(people) if person not in self.registered_recipients
        ]
        if new and len(self.registered_recipients) + len(new) > MAX_AUTO_REGISTERED:
            raise TelstraV3APIError("FREE_TRIAL_ERR", "Not one of your free trial numbers", "to")
        self.registered_recipients += new

    def _log_message(
        self, send_request: TelstraV3SendRequest, number: str, recipient: str
    ) -> TelstraV3Message:
        message = TelstraV3Message(
            id=self.new_id(),
            direction="outgoing",
            sender=number,
            recipient=recipient,
            text=send_request.text,
            created_at=self.now,
            status="queued",
            tags=send_request.tags,
            request=send_request,
        )
        self.messages[message.id] = message
        return message

    def _is_scheduled(self, message: TelstraV3Message) -> bool:
        return bool(message.request and message.request.send_at and message.status == "queued")

    def _send_when_due(self, message: TelstraV3Message, send_request: TelstraV3SendRequest) -> None:
        if send_request.send_at is None:
            self._send_now(message, send_request)
            return
        delay_s = (send_request.send_at - self.now).total_seconds()

        async def later() -> None:
            await self.network.clock.sleep(delay_s)
            if message.request is send_request:  # neither changed nor deleted meanwhile
                self._send_now(message, send_request)

        self.network.jobs.add(("scheduled", message.id, object()), later)

    def _send_now(self, message: TelstraV3Message, send_request: TelstraV3SendRequest) -> None:
        self.numbers[message.sender].mark_used()
        message.status, message.sent_at = "sent", self.now
        self._push_status(message, send_request)
        self.network.send_from_number(
            message.sender,
            message.recipient,
            send_request.screen_text,
            validity_s=60.0 * send_request.retry_minutes,
            on_receipt=lambda text: self._record_receipt(message, send_request, text),
        )

    def _record_receipt(
        self, message: TelstraV3Message, send_request: TelstraV3SendRequest, text: SimulatedText
    ) -> None:
        """Store a receipt's status. Delivery notifications are a paid feature."""
        status = _FINAL_STATUSES[text.status]
        if not send_request.delivery_notification and status != "expired":
            return
        message.status = status
        message.received_at = (text.ended_at or self.now) if status == "delivered" else None
        self._push_status(message, send_request)

    def _push_status(self, message: TelstraV3Message, send_request: TelstraV3SendRequest) -> None:
        if send_request.delivery_notification and send_request.status_callback_url:
            body = msgspec.json.encode(shapes.status_callback(message, self.now))
            self.webhook_sender.post(message.id, send_request.status_callback_url, body)
