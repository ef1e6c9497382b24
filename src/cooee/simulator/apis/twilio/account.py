"""An account at Twilio: a number, a log of messages, and its opt-outs."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from cooee.core.http_messages import Response
from cooee.simulator.apis.twilio import responses as shapes
from cooee.simulator.apis.twilio.errors import TwilioAPIError
from cooee.simulator.apis.twilio.opt_outs import TwilioKeyword, TwilioOptOuts
from cooee.simulator.apis.twilio.requests import MessageQuery, TwilioSendRequest
from cooee.simulator.apis.twilio.responses import TwilioMessage, TwilioNumber
from cooee.simulator.apis.twilio.twiml import TwiMLMessage, parse_twiml
from cooee.simulator.apis.twilio.webhooks import TwilioWebhookSender
from cooee.simulator.network import MobileNetwork, SimulatedText
from cooee.simulator.segments import count_segments

PLACEHOLDER_TOKEN = "0" * 32
"""What signs for an account that only API keys have called yet."""
VALIDITY_S = 72 * 3600.0
"""Seconds that the networks behind Twilio try a phone that is off: an assumption."""
_FINAL_STATUSES = {
    "delivered": ("delivered", None),
    "undelivered": ("undelivered", 30005),
    "expired": ("undelivered", 30003),
}

log = logging.getLogger(__name__)


class TwilioAccount:
    """An account SID's account; its number is there from the start, and has no webhook yet."""

    def __init__(
        self, sid: str, network: MobileNetwork, webhook_sender: TwilioWebhookSender
    ) -> None:
        self.sid, self.auth_token = sid, PLACEHOLDER_TOKEN
        self.service_sid: str | None = None  # the messaging service that the number is in
        self.is_redacted = False
        self.opt_outs = TwilioOptOuts()
        self._network, self._webhooks = network, webhook_sender
        self._log: list[TwilioMessage] = []
        self.number = TwilioNumber(
            sid=self._new_sid("PN"),
            account_sid=sid,
            number=network.allocate_number(),
            created_at=network.clock.now(),
        )
        network.our_numbers[self.number.number] = self

    @property
    def unread_count(self) -> int:
        """The number of inbound messages neither pushed nor listed yet."""
        if self.number.sms_url:
            return 0
        return sum(message.is_inbound and not message.was_listed for message in self._log)

    # --- incoming texts

    def receive(self, text: SimulatedText) -> bool:
        """Take a text in: log, apply Twilio's own keywords, and call the webhook."""
        message = self._log_message(
            "inbound", text.sender, text.recipient, text.text, service_sid=self.service_sid
        )
        message.status, message.sent_at = "received", message.created_at
        keyword = self.opt_outs.apply_keyword(text.sender, text.text)
        if keyword and keyword.reply:  # Twilio's own replies are in no log
            self._network.send_from_number(self.number.number, text.sender, keyword.reply)
        if self.number.sms_url:
            self._push_inbound(message, keyword)
        return True

    def _push_inbound(self, message: TwilioMessage, keyword: TwilioKeyword | None) -> None:
        form = shapes.inbound_form(message, keyword and keyword.opt_out_type)
        url, fallback_url = self.number.sms_url, self.number.sms_fallback_url

        def on_response(response: Response | None) -> None:
            if response is not None and response.status < 400:
                self._run_twiml(message, response)
            elif fallback_url:
                fallback_form = [*form, ("ErrorCode", "11200"), ("ErrorUrl", url)]
                self._webhooks.post(
                    message.sender,
                    fallback_url,
                    fallback_form,
                    token=self.auth_token,
                    on_response=lambda late: self._run_twiml(message, late),
                )

        self._webhooks.post(
            message.sender, url, form, token=self.auth_token, on_response=on_response
        )

    def _run_twiml(self, message: TwilioMessage, response: Response | None) -> None:
        """Send the messages in a webhook's TwiML."""
        try:
            replies = [] if response is None or response.status >= 400 else parse_twiml(response)
        except ValueError as error:
            log.warning("TwiML not understood: %s", error)
            return
        for reply in replies:
            self._send_reply(message, reply)

    def _send_reply(self, message: TwilioMessage, reply: TwiMLMessage) -> None:
        send_request = TwilioSendRequest(
            recipient=reply.recipient or message.sender,
            sender=message.recipient,
            body=reply.body,
            media_urls=reply.media_urls,
            status_callback_url=reply.status_callback_url,
        )
        try:
            self.send(send_request, "outbound-reply")
        except (TwilioAPIError, ValueError) as error:
            log.warning("TwiML's message not sent: %s", error)

    # --- outgoing texts

    def send(
        self, send_request: TwilioSendRequest, direction: str = "outbound-api"
    ) -> dict[str, object]:
        """Accept a message; return its JSON of the moment, before the message set out.

        Raises:
            TwilioAPIError: the recipient has opted out.
        """
        if send_request.recipient in self.opt_outs:
            raise TwilioAPIError(21610)
        message = self._log_message(
            direction,
            send_request.sender,
            send_request.recipient,
            send_request.body,
            service_sid=send_request.service_sid,
        )
        message.media_urls, message.status_callback_url = (
            send_request.media_urls,
            send_request.status_callback_url,
        )
        message.status = "accepted" if send_request.service_sid else "queued"
        response = shapes.message_json(message)
        # The response above tells the status from before; a status callback may overtake it.
        self._set_status(message, "sent")
        message.sent_at = message.created_at
        self._network.send_from_number(
            message.sender,
            message.recipient,
            message.body,
            validity_s=VALIDITY_S,
            on_receipt=lambda text: self._set_status(message, *_FINAL_STATUSES[text.status]),
        )
        return response

    def _set_status(
        self, message: TwilioMessage, status: str, error_code: int | None = None
    ) -> None:
        """Store a message's status, and push the status to the message's status callback."""
        message.status, message.error_code = status, error_code
        message.updated_at = self._network.clock.now()
        if message.status_callback_url:
            form = shapes.status_form(message)
            self._webhooks.post(
                message.sid, message.status_callback_url, form, token=self.auth_token
            )

    # --- the log

    def find_message(self, sid: str) -> TwilioMessage:
        """Return a message of the log.

        Raises:
            TwilioAPIError: there is none of that SID.
        """
        for message in self._log:
            if message.sid == sid:
                return message
        raise TwilioAPIError(20404, shapes.resource_path(self.sid, "Messages", sid))

    def delete_message(self, sid: str) -> None:
        """Delete a message of the log.

        Raises:
            TwilioAPIError: there is none of that SID.
        """
        self._log.remove(self.find_message(sid))

    def message_json(self, message: TwilioMessage) -> dict[str, object]:
        """Return a message's JSON in the log's form."""
        return shapes.message_json(message) | ({"body": ""} if self.is_redacted else {})

    def list_page(self, query: MessageQuery) -> tuple[Sequence[TwilioMessage], bool]:
        """Return a page of the log, youngest first, and whether a further page follows."""
        matching = [message for message in reversed(self._log) if query.matches(message)]
        if query.after_sid:
            matching = [one for one in matching if one.sid[2:] < query.after_sid[2:]]
        page = matching[: query.page_size]
        for one in page:
            one.was_listed = True
        return page, len(matching) > query.page_size

    def _log_message(
        self, direction: str, sender: str, recipient: str, body: str, *, service_sid: str | None
    ) -> TwilioMessage:
        now = self._network.clock.now()
        message = TwilioMessage(
            sid=self._new_sid("SM"),
            account_sid=self.sid,
            direction=direction,
            sender=sender,
            recipient=recipient,
            body=body,
            status="queued",
            created_at=now,
            updated_at=now,
            segment_count=count_segments(body),
            service_sid=service_sid,
        )
        self._log.append(message)
        return message

    def _new_sid(self, kind: str) -> str:
        return f"{kind}{self._network.next_serial():032x}"
