"""What one key has at the simulated company: a number, an inbox, sent texts, opt-outs."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from cooee.simulator.apis.simulated.errors import Refusal
from cooee.simulator.apis.simulated.inbox import Inbox, Incoming, Reading
from cooee.simulator.network import Network, Text
from cooee.simulator.segments import segments
from cooee.simulator.webhook_sender import Pushes

READINGS = ("pop", "cursor", "confirm")
FOUND_AFTER = timedelta(seconds=2)
"""How long an accepted text cannot be looked up; the company declares a settling time of 5 s."""
_OUT, _IN = {"STOP", "UNSUBSCRIBE"}, {"START"}


class Switches(msgspec.Struct, frozen=True):
    """How the company behaves."""

    reading: Reading = "pop"
    lookup: bool = False
    idempotency: bool = False
    optout: bool = False


class Order(msgspec.Struct, frozen=True, rename={"sender": "from"}):
    """A text to send, as ``POST /texts`` has it."""

    sender: str
    to: str
    text: str
    reference: str = ""
    callback: str | None = None


class Sent(msgspec.Struct, eq=False):
    """A text that was accepted, and what is known of it."""

    id: str
    order: Order
    at: datetime
    accepted_at: datetime
    status: str = "sent"

    def shape(self) -> dict[str, str]:
        """Its JSON."""
        return {
            "id": self.id,
            "reference": self.order.reference,
            "status": self.status,
            "at": stamp(self.at),
        }


class Account:
    """One key's belongings; the number is there from the start."""

    def __init__(self, network: Network, pushes: Pushes, switches: Switches) -> None:
        self.switches = switches
        self.number = network.free_number()
        self.inbox = Inbox()
        self.url: str | None = None
        self._network, self._pushes = network, pushes
        self._secret = ""
        self._sent: dict[str, Sent] = {}
        self._answers: dict[str, dict[str, Any]] = {}
        self._opted_out: set[str] = set()
        network.lines[self.number] = self

    @property
    def unread(self) -> int:
        """How many texts wait to be read."""
        return 0 if self.url else self.inbox.unread(self.switches.reading)

    def hook(self, url: str | None, secret: str) -> None:
        """Push texts below a URL from now on, or keep them for reading."""
        self.url, self._secret = url, secret

    def arrive(self, text: Text) -> bool:
        """Take a text in; what eight pushes could not deliver is kept for reading."""
        incoming = self._incoming(text)
        if self.url is None:
            self.inbox.add(incoming)
        else:
            self._push(text.sender, self.url.rstrip("/") + "/text", incoming, keep=incoming)
        return True

    def send(self, order: Order, key: str) -> dict[str, Any]:
        """Accept a text; with the same idempotency key, the first answer again.

        Raises:
            Refusal: this person has opted out.
        """
        if self.switches.idempotency and key in self._answers:
            return self._answers[key]
        if self.switches.optout and order.to in self._opted_out:
            raise Refusal("opted-out", "This person does not want your texts.")
        now = self._network.clock.now()
        sent = Sent(f"out-{self._network.serial()}", order, now, now)
        self._sent[sent.id] = sent
        answer = {"id": sent.id, "status": "accepted", "segments": segments(order.text)}
        if key:
            self._answers[key] = answer
        self._network.send(
            self.number, order.to, order.text, news=lambda text: self._hear(sent, text)
        )
        return answer

    def status(self, id: str) -> Mapping[str, str]:
        """How a text fares.

        Raises:
            Refusal: there is no such text.
        """
        if id not in self._sent:
            raise Refusal("not-found", f"There is no text {id!r}.")
        return self._sent[id].shape()

    def lookup(self, reference: str) -> list[Mapping[str, str]]:
        """The texts that were accepted under a reference, a while ago.

        Raises:
            Refusal: the company cannot be asked.
        """
        if not self.switches.lookup:
            raise Refusal("not-found", "Texts cannot be looked up by reference here.")
        latest = self._network.clock.now() - FOUND_AFTER
        return [
            sent.shape()
            for sent in self._sent.values()
            if sent.order.reference == reference and sent.accepted_at <= latest
        ]

    def _incoming(self, text: Text) -> Incoming:
        incoming = {
            "id": f"in-{text.id}",
            "from": text.sender,
            "to": text.recipient,
            "text": text.text,
            "sent_at": stamp(text.sent_at),
        }
        change = self._opt(text) if self.switches.optout else None
        return incoming | ({"optout": change} if change else {})

    def _opt(self, text: Text) -> str | None:
        """What a text changes for its sender: "out", "in" or nothing."""
        word = text.text.strip(" \t\r\n.!").upper()
        if word in _OUT:
            self._opted_out.add(text.sender)
            return "out"
        if word in _IN:
            self._opted_out.discard(text.sender)
            return "in"
        return None

    def _hear(self, sent: Sent, text: Text) -> None:
        sent.status, sent.at = text.status, text.ended_at or text.sent_at
        if sent.order.callback is not None:
            self._push(sent.id, sent.order.callback, sent.shape())

    def _push(
        self, lane: str, url: str, shape: Mapping[str, Any], keep: Incoming | None = None
    ) -> None:
        body = msgspec.json.encode(shape)
        self._pushes.post(
            lane,
            url,
            body,
            headers=lambda: self._signature(body),
            given_up=None if keep is None else lambda: self.inbox.add(keep),
        )

    def _signature(self, body: bytes) -> dict[str, str]:
        """The header that signs a push, made at the moment of each try."""
        at = str(int(self._network.clock.now().timestamp()))
        digest = hmac.digest(self._secret.encode(), at.encode() + b"." + body, "sha256").hex()
        return {"x-simulated-signature": f"t={at},v1={digest}"}


def stamp(moment: datetime) -> str:
    """A time as this company writes it: UTC, in milliseconds."""
    utc = moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
