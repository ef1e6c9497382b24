"""A key's account at the simulated provider: a number, an inbox, sent texts and opt-outs."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from cooee.simulator.apis.simulated.errors import SimulatedAPIError
from cooee.simulator.apis.simulated.inbox import Inbox, InboxText, ReadMode
from cooee.simulator.network import MobileNetwork, SimulatedText
from cooee.simulator.segments import count_segments
from cooee.simulator.webhook_sender import WebhookSender

READ_MODES = ("pop", "cursor", "confirm")
LOOKUP_AFTER = timedelta(seconds=2)
"""How long an accepted text cannot be looked up; the company declares a settling time of 5 s."""
_OPT_OUT_WORDS, _OPT_IN_WORDS = {"STOP", "UNSUBSCRIBE"}, {"START"}


class SimulatedSwitches(msgspec.Struct, frozen=True):
    """The switches of the simulated provider's behaviour."""

    read_mode: ReadMode = "pop"
    lookup: bool = False
    idempotency: bool = False
    optout: bool = False


class SimulatedSendRequest(msgspec.Struct, frozen=True, rename={"sender": "from"}):
    """A text to send, by ``POST /texts``."""

    sender: str
    to: str
    text: str
    reference: str = ""
    callback: str | None = None


class SimulatedSentText(msgspec.Struct, eq=False):
    """An accepted text and its latest status."""

    id: str
    request: SimulatedSendRequest
    status_at: datetime
    accepted_at: datetime
    status: str = "sent"

    def to_json(self) -> dict[str, str]:
        """Return the text's JSON."""
        return {
            "id": self.id,
            "reference": self.request.reference,
            "status": self.status,
            "at": format_utc_millis(self.status_at),
        }


class SimulatedAccount:
    """A key's account; its number is there from the start."""

    def __init__(
        self, network: MobileNetwork, webhook_sender: WebhookSender, switches: SimulatedSwitches
    ) -> None:
        self.switches = switches
        self.number = network.allocate_number()
        self.inbox = Inbox()
        self.webhook_url: str | None = None
        self._network, self._webhook_sender = network, webhook_sender
        self._webhook_secret = ""
        self._sent_texts: dict[str, SimulatedSentText] = {}
        self._responses_by_key: dict[str, dict[str, Any]] = {}
        self._opted_out: set[str] = set()
        network.our_numbers[self.number] = self

    @property
    def unread_count(self) -> int:
        """The number of texts waiting to be polled."""
        return 0 if self.webhook_url else self.inbox.unread_count(self.switches.read_mode)

    def set_webhook(self, url: str | None, secret: str) -> None:
        """Push texts below a URL from now on, or keep new texts for polling."""
        self.webhook_url, self._webhook_secret = url, secret

    def receive(self, text: SimulatedText) -> bool:
        """Take a text in; a text is kept for polling after eight failed pushes."""
        inbox_text = self._inbox_text(text)
        if self.webhook_url is None:
            self.inbox.add(inbox_text)
        else:
            self._push(
                text.sender,
                self.webhook_url.rstrip("/") + "/text",
                inbox_text,
                keep_on_failure=inbox_text,
            )
        return True

    def send(self, send_request: SimulatedSendRequest, idempotency_key: str) -> dict[str, Any]:
        """Accept a text; return the first response again for the same idempotency key.

        Raises:
            SimulatedAPIError: the recipient has opted out.
        """
        if self.switches.idempotency and idempotency_key in self._responses_by_key:
            return self._responses_by_key[idempotency_key]
        if self.switches.optout and send_request.to in self._opted_out:
            raise SimulatedAPIError("opted-out", "This person does not want your texts.")
        now = self._network.clock.now()
        sent = SimulatedSentText(f"out-{self._network.next_serial()}", send_request, now, now)
        self._sent_texts[sent.id] = sent
        response = {
            "id": sent.id,
            "status": "accepted",
            "segments": count_segments(send_request.text),
        }
        if idempotency_key:
            self._responses_by_key[idempotency_key] = response
        self._network.send_from_number(
            self.number,
            send_request.to,
            send_request.text,
            on_receipt=lambda text: self._record_receipt(sent, text),
        )
        return response

    def text_status(self, id: str) -> Mapping[str, str]:
        """Return a text's status.

        Raises:
            SimulatedAPIError: there is no such text.
        """
        if id not in self._sent_texts:
            raise SimulatedAPIError("not-found", f"There is no text {id!r}.")
        return self._sent_texts[id].to_json()

    def find_by_reference(self, reference: str) -> list[Mapping[str, str]]:
        """Return the texts accepted under a reference, `LOOKUP_AFTER` ago or earlier.

        Raises:
            SimulatedAPIError: lookup is not switched on.
        """
        if not self.switches.lookup:
            raise SimulatedAPIError("not-found", "Texts cannot be looked up by reference here.")
        latest = self._network.clock.now() - LOOKUP_AFTER
        return [
            sent.to_json()
            for sent in self._sent_texts.values()
            if sent.request.reference == reference and sent.accepted_at <= latest
        ]

    def _inbox_text(self, text: SimulatedText) -> InboxText:
        inbox_text = {
            "id": f"in-{text.id}",
            "from": text.sender,
            "to": text.recipient,
            "text": text.text,
            "sent_at": format_utc_millis(text.sent_at),
        }
        change = self._apply_opt_out_word(text) if self.switches.optout else None
        return inbox_text | ({"optout": change} if change else {})

    def _apply_opt_out_word(self, text: SimulatedText) -> str | None:
        """Apply a text's keyword to the opt-outs; return "out", "in" or None."""
        keyword = text.text.strip(" \t\r\n.!").upper()
        if keyword in _OPT_OUT_WORDS:
            self._opted_out.add(text.sender)
            return "out"
        if keyword in _OPT_IN_WORDS:
            self._opted_out.discard(text.sender)
            return "in"
        return None

    def _record_receipt(self, sent: SimulatedSentText, text: SimulatedText) -> None:
        sent.status, sent.status_at = text.status, text.ended_at or text.sent_at
        if sent.request.callback is not None:
            self._push(sent.id, sent.request.callback, sent.to_json())

    def _push(
        self,
        lane: str,
        url: str,
        content: Mapping[str, Any],
        keep_on_failure: InboxText | None = None,
    ) -> None:
        body = msgspec.json.encode(content)
        self._webhook_sender.post(
            lane,
            url,
            body,
            headers=lambda: self._signature_header(body),
            on_give_up=None if keep_on_failure is None else lambda: self.inbox.add(keep_on_failure),
        )

    def _signature_header(self, body: bytes) -> dict[str, str]:
        """Return the signature header of a push, made at the time of each attempt."""
        timestamp = str(int(self._network.clock.now().timestamp()))
        digest = hmac.digest(
            self._webhook_secret.encode(), timestamp.encode() + b"." + body, "sha256"
        ).hex()
        return {"x-simulated-signature": f"t={timestamp},v1={digest}"}


def format_utc_millis(time: datetime) -> str:
    """Return a time in this API's form: UTC, in milliseconds."""
    utc = time.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
