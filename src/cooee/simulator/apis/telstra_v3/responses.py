"""Telstra v3's JSON, key by key: what is answered, listed and pushed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from cooee.simulator.apis.telstra_v3.requests import Order

_GREGORIAN = 0x01B21DD213814000  # 1582-10-15 to 1970, in 100 ns
_NODE = 0x0242C00EE000


class Message(msgspec.Struct, kw_only=True, eq=False):
    """One message in the log, whichever way it went; numbers as ``+61…``."""

    id: str
    direction: str
    sender: str
    recipient: str
    content: str | None
    created_at: datetime
    status: str
    tags: tuple[str, ...] = ()
    order: Order | None = None
    sent_at: datetime | None = None
    received_at: datetime | None = None
    handed_out: bool = False


def uuid(serial: int) -> str:
    """A UUID of version 1, of a number of microseconds since 1970: unique where that is."""
    ticks = serial * 10 + _GREGORIAN
    low, mid, high = ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF
    return str(UUID(fields=(low, mid, high | 0x1000, 0x84, 0x56, _NODE)))


def is_uuid(id: str) -> bool:
    """Whether an id is a UUID of version 1."""
    try:
        return UUID(id).version == 1
    except ValueError:
        return False


def stamp(moment: datetime) -> str:
    """A time as Telstra writes it: UTC, 24 characters."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def national(number: str) -> str:
    """``+614…`` as ``04…``; anything else as it is."""
    return f"0{number[3:]}" if number.startswith("+614") else number


def listed(message: Message) -> dict[str, Any]:
    """A message as it is fetched."""
    stamps = {
        "createTimestamp": message.created_at,
        "sentTimestamp": message.sent_at,
        "receivedTimestamp": message.received_at,
    }
    shape = {
        "messageId": message.id,
        "status": message.status,
        **{name: stamp(moment) for name, moment in stamps.items() if moment},
        "to": national(message.recipient),
        "from": national(message.sender),
        "messageContent": message.content,
        "direction": message.direction,
        "tags": list(message.tags) or None,
        **(_wishes(message.order) if message.order else {}),
    }
    return _present(shape)


def sent(order: Order, messages: Sequence[Message]) -> dict[str, Any]:
    """The answer to a send: to one a string, to a list lists."""
    ids = [message.id for message in messages]
    to = [national(message.recipient) for message in messages]
    shape = {
        "messageId": ids if order.several else ids[0],
        "status": "queued",
        "to": to if order.several else to[0],
        "from": national(messages[0].sender),
        "messageContent": order.content,
        "tags": list(order.tags) or None,
        **_wishes(order),
    }
    return _present(shape)


def status(message: Message, moment: datetime) -> dict[str, str]:
    """What a status callback brings."""
    return {
        "to": national(message.recipient),
        "from": national(message.sender),
        "timestamp": stamp(moment),
        "messageId": message.id,
        "status": message.status,
    }


def reply(message: Message) -> dict[str, Any]:
    """What a reply callback brings. `from` is the person, as the names say (an assumption)."""
    return {
        "to": national(message.recipient),
        "from": national(message.sender),
        "timestamp": stamp(message.sent_at or message.created_at),
        "messageId": message.id,
        "messageContent": message.content,
    }


def _wishes(order: Order) -> dict[str, Any]:
    media = [{"type": one["type"], "fileName": one.get("fileName")} for one in order.media]
    return {
        "multimedia": media or None,
        "retryTimeout": order.minutes,
        "scheduleSend": order.send_at and stamp(order.send_at),
        "deliveryNotification": order.notified,
        "statusCallbackUrl": order.callback,
        "queuePriority": order.priority,
    }


def _present(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shape.items() if value is not None}
