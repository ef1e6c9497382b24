"""What one account has at Twilio: a number, a log of texts, and a list of who opted out."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from cooee.core.http_messages import Response
from cooee.simulator.apis.twilio import responses as shapes
from cooee.simulator.apis.twilio.errors import Refusal
from cooee.simulator.apis.twilio.opt_outs import Heard, OptOuts
from cooee.simulator.apis.twilio.requests import Order, Wanted
from cooee.simulator.apis.twilio.responses import Message, Number
from cooee.simulator.apis.twilio.twiml import Saying, sayings
from cooee.simulator.apis.twilio.webhooks import Webhooks
from cooee.simulator.network import Network, Text
from cooee.simulator.segments import segments

UNKNOWN_TOKEN = "0" * 32
"""What signs for an account that only API keys have called yet."""
PATIENCE = 72 * 3600.0
"""Seconds that the networks behind Twilio try a phone that is off: an assumption."""
_ENDS = {
    "delivered": ("delivered", None),
    "undelivered": ("undelivered", 30005),
    "expired": ("undelivered", 30003),
}

log = logging.getLogger(__name__)


class Account:
    """One account's belongings; the number is there from the start, and pushes nowhere."""

    def __init__(self, sid: str, network: Network, webhooks: Webhooks) -> None:
        self.sid, self.token = sid, UNKNOWN_TOKEN
        self.service: str | None = None  # the messaging service that the number is in
        self.redacted = False
        self.opted_out = OptOuts()
        self._network, self._webhooks = network, webhooks
        self._log: list[Message] = []
        self.number = Number(
            sid=self._new("PN"),
            account=sid,
            number=network.free_number(),
            created_at=network.clock.now(),
        )
        network.lines[self.number.number] = self

    @property
    def unread(self) -> int:
        """How many texts to us are neither pushed nor listed yet."""
        if self.number.sms_url:
            return 0
        return sum(text.inbound and not text.listed for text in self._log)

    # --- texts to us

    def arrive(self, text: Text) -> bool:
        """Take a text in: log it, act on Twilio's own words, and call the customer."""
        one = self._write("inbound", text.sender, text.recipient, text.text, service=self.service)
        one.status, one.sent_at = "received", one.created_at
        heard = self.opted_out.hear(text.sender, text.text)
        if heard and heard.reply:  # Twilio's own replies are in no log
            self._network.send(self.number.number, text.sender, heard.reply)
        if self.number.sms_url:
            self._push(one, heard)
        return True

    def _push(self, one: Message, heard: Heard | None) -> None:
        pairs = shapes.pushed(one, heard and heard.kind)
        main, fallback = self.number.sms_url, self.number.sms_fallback_url

        def then(answer: Response | None) -> None:
            if answer is not None and answer.status < 400:
                self._obey(one, answer)
            elif fallback:
                again = [*pairs, ("ErrorCode", "11200"), ("ErrorUrl", main)]
                self._webhooks.call(
                    one.sender,
                    fallback,
                    again,
                    token=self.token,
                    heard=lambda late: self._obey(one, late),
                )

        self._webhooks.call(one.sender, main, pairs, token=self.token, heard=then)

    def _obey(self, one: Message, answer: Response | None) -> None:
        """Do what an answer's TwiML says."""
        try:
            asked = [] if answer is None or answer.status >= 400 else sayings(answer)
        except ValueError as error:
            log.warning("TwiML not understood: %s", error)
            return
        for saying in asked:
            self._reply(one, saying)

    def _reply(self, one: Message, saying: Saying) -> None:
        order = Order(
            recipient=saying.to or one.sender,
            sender=one.recipient,
            body=saying.body,
            media=saying.media,
            callback=saying.callback,
        )
        try:
            self.send(order, "outbound-reply")
        except (Refusal, ValueError) as refusal:
            log.warning("TwiML's message not sent: %s", refusal)

    # --- texts of ours

    def send(self, order: Order, direction: str = "outbound-api") -> dict[str, object]:
        """Accept a text; the answer tells how it was at that moment, before it set out.

        Raises:
            Refusal: this person has opted out.
        """
        if order.recipient in self.opted_out:
            raise Refusal(21610)
        one = self._write(
            direction, order.sender, order.recipient, order.body, service=order.service
        )
        one.media, one.callback = order.media, order.callback
        one.status = "accepted" if order.service else "queued"
        answer = shapes.message(one)
        self._tell(one, "sent")
        one.sent_at = one.created_at
        self._network.send(
            one.sender,
            one.recipient,
            one.body,
            good_for=PATIENCE,
            news=lambda text: self._tell(one, *_ENDS[text.status]),
        )
        return answer

    def _tell(self, one: Message, status: str, error: int | None = None) -> None:
        """News of a text: it is remembered and, where it was asked for, pushed."""
        one.status, one.error_code = status, error
        one.updated_at = self._network.clock.now()
        if one.callback:
            pairs = shapes.reported(one)
            self._webhooks.call(one.sid, one.callback, pairs, token=self.token)

    # --- the log

    def find(self, sid: str) -> Message:
        """A text of the log.

        Raises:
            Refusal: there is none.
        """
        for one in self._log:
            if one.sid == sid:
                return one
        raise Refusal(20404, shapes.path(self.sid, "Messages", sid))

    def forget(self, sid: str) -> None:
        """Delete a text of the log.

        Raises:
            Refusal: there is none.
        """
        self._log.remove(self.find(sid))

    def shown(self, one: Message) -> dict[str, object]:
        """A text as the log shows it."""
        return shapes.message(one) | ({"body": ""} if self.redacted else {})

    def page(self, wanted: Wanted) -> tuple[Sequence[Message], bool]:
        """A page of the log, youngest first, and whether there is another one behind it."""
        fitting = [one for one in reversed(self._log) if wanted.fits(one)]
        if wanted.behind:
            fitting = [one for one in fitting if one.sid[2:] < wanted.behind[2:]]
        found = fitting[: wanted.size]
        for one in found:
            one.listed = True
        return found, len(fitting) > wanted.size

    def _write(
        self, direction: str, sender: str, recipient: str, body: str, *, service: str | None
    ) -> Message:
        now = self._network.clock.now()
        one = Message(
            sid=self._new("SM"),
            account=self.sid,
            direction=direction,
            sender=sender,
            recipient=recipient,
            body=body,
            status="queued",
            created_at=now,
            updated_at=now,
            segments=segments(body),
            service=service,
        )
        self._log.append(one)
        return one

    def _new(self, kind: str) -> str:
        return f"{kind}{self._network.serial():032x}"
