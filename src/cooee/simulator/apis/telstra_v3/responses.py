"""The JSON of Telstra's API v3, key by key: responses, lists and pushes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from cooee.simulator.apis.telstra_v3.requests import TelstraV3SendRequest

_GREGORIAN_OFFSET = 0x01B21DD213814000  # 1582-10-15 to 1970, in 100 ns
_UUID_NODE = 0x0242C00EE000


class TelstraV3Message(msgspec.Struct, kw_only=True, eq=False):
    """A message in the log, incoming or outgoing; its numbers as ``+61…``."""

    id: str
    direction: str
    sender: str
    recipient: str
    text: str | None
    created_at: datetime
    status: str
    tags: tuple[str, ...] = ()
    request: TelstraV3SendRequest | None = None
    sent_at: datetime | None = None
    received_at: datetime | None = None
    was_read: bool = False


def make_uuid(serial: int) -> str:
    """Return a UUID of version 1 for a serial number of microseconds since 1970."""
    ticks = serial * 10 + _GREGORIAN_OFFSET
    low, mid, high = ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF
    return str(UUID(fields=(low, mid, high | 0x1000, 0x84, 0x56, _UUID_NODE)))


def is_uuid(id: str) -> bool:
    """Return whether an id is a UUID of version 1."""
    try:
        return UUID(id).version == 1
    except ValueError:
        return False


def format_utc(time: datetime) -> str:
    """Return a time in Telstra's form: UTC, 24 characters."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_national(number: str) -> str:
    """Return ``+614…`` as ``04…``, and any other number unchanged."""
    return f"0{number[3:]}" if number.startswith("+614") else number


def message_json(message: TelstraV3Message) -> dict[str, Any]:
    """Return a message's JSON."""
    timestamps = {
        "createTimestamp": message.created_at,
        "sentTimestamp": message.sent_at,
        "receivedTimestamp": message.received_at,
    }
    content = {
        "messageId": message.id,
        "status": message.status,
        **{name: format_utc(time) for name, time in timestamps.items() if time},
        "to": to_national(message.recipient),
        "from": to_national(message.sender),
        "messageContent": message.text,
        "direction": message.direction,
        "tags": list(message.tags) or None,
        **(_send_request_json(message.request) if message.request else {}),
    }
    return _without_none(content)


def accepted_response(
    send_request: TelstraV3SendRequest, messages: Sequence[TelstraV3Message]
) -> dict[str, Any]:
    """Return the JSON of an accepted send: strings for a single recipient, lists for a list."""
    ids = [message.id for message in messages]
    to = [to_national(message.recipient) for message in messages]
    content = {
        "messageId": ids if send_request.is_list else ids[0],
        "status": "queued",
        "to": to if send_request.is_list else to[0],
        "from": to_national(messages[0].sender),
        "messageContent": send_request.text,
        "tags": list(send_request.tags) or None,
        **_send_request_json(send_request),
    }
    return _without_none(content)


def status_callback(message: TelstraV3Message, time: datetime) -> dict[str, str]:
    """Return the JSON of a pushed status."""
    return {
        "to": to_national(message.recipient),
        "from": to_national(message.sender),
        "timestamp": format_utc(time),
        "messageId": message.id,
        "status": message.status,
    }


def reply_callback(message: TelstraV3Message) -> dict[str, Any]:
    """Return the JSON of a pushed reply. `from` is the person, as the names say (an assumption)."""
    return {
        "to": to_national(message.recipient),
        "from": to_national(message.sender),
        "timestamp": format_utc(message.sent_at or message.created_at),
        "messageId": message.id,
        "messageContent": message.text,
    }


def _send_request_json(send_request: TelstraV3SendRequest) -> dict[str, Any]:
    media = [
        {"type": item["type"], "fileName": item.get("fileName")} for item in send_request.media
    ]
    return {
        "multimedia": media or None,
        "retryTimeout": send_request.retry_minutes,
        "scheduleSend": send_request.send_at and format_utc(send_request.send_at),
        "deliveryNotification": send_request.delivery_notification,
        "statusCallbackUrl": send_request.status_callback_url,
        "queuePriority": send_request.priority,
    }


def _without_none(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if value is not None}
