"""The JSON of Telstra's API v2, key by key: sends, polled and pushed replies, statuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from cooee.simulator.network import SimulatedText

AEST = timezone(timedelta(hours=10))
"""Every sample has +10:00, in daylight time too: a clock that stays on standard time."""

_COUNTRY_CODES = {"+61": "AUS", "+64": "NZL", "+44": "GBR", "+65": "SGP", "+91": "IND", "+1": "USA"}


def format_aest(time: datetime) -> str:
    """Return a time in Telstra's form: whole seconds, at +10:00."""
    return time.astimezone(AEST).replace(microsecond=0).isoformat()


def format_aest_without_offset(time: datetime) -> str:
    """Return a time in a reply's push: the same, without the offset."""
    return format_aest(time).removesuffix("+10:00")


def unix_millis(time: datetime) -> int:
    """Return Unix time in milliseconds: a number where its neighbours are strings."""
    return round((time - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def slashed_message_id(message_id: str) -> str:
    """Return a message id in a delivery push's form: `/x/126…` for `x-126…`."""
    return "/" + message_id.replace("-", "/")


def plain_message_id(message_id: str) -> str:
    """Return a message id in the send's form, from any form in a path."""
    return message_id.strip("/").replace("/", "-")


def count_countries(recipients: Sequence[str]) -> list[dict[str, int]]:
    """Return the key `Country` (with a capital): the number of recipients in each."""
    counts = Counter(
        next(
            (code for prefix, code in _COUNTRY_CODES.items() if recipient.startswith(prefix)), "UNK"
        )
        for recipient in recipients
    )
    return [{code: count} for code, count in counts.items()]


def accepted_response(
    messages: Sequence[Any], recipients: Sequence[str], segment_count: int
) -> dict[str, Any]:
    """Return the JSON of an accepted send, an item for each recipient."""
    return {
        "messages": messages,
        "Country": count_countries(recipients),
        "messageType": "SMS",
        "numberSegments": segment_count,
    }


def accepted_item(recipient: str, message_id: str, base_url: str) -> dict[str, str]:
    """Return the item of a recipient whose text was accepted."""
    return {
        "to": recipient,
        "deliveryStatus": "MessageWaiting",
        "messageId": message_id,
        "messageStatusURL": f"{base_url}/messages/sms/{message_id}/status",
    }


def invalid_recipient_item(recipient: str, base_url: str, message: str) -> dict[str, str]:
    """Return the item of a recipient without a number: a success with an error inside."""
    return {
        "to": recipient,
        "deliveryStatus": "DeliveryImpossible",
        "messageStatusURL": f"{base_url}/messages/sms//status",
        "status": "400",
        "code": "TO-MSISDN-NOT-VALID",
        "message": message,
    }


def polled_reply(text: SimulatedText, message_id: str) -> dict[str, str]:
    """Return a reply in polling's form, with an empty id for a reply to the number itself."""
    return {
        "status": "RECEIVED",
        "destinationAddress": text.recipient,
        "senderAddress": text.sender,
        "message": text.text,
        "messageId": message_id,
        "apiMsgId": "",
        "sentTimestamp": format_aest(text.sent_at),
    }


def pushed_reply(text: SimulatedText, message_id: str) -> dict[str, str]:
    """Return the same reply in a push's form: different keys, an id, and a time without offset."""
    return {
        "to": text.recipient,
        "from": text.sender,
        "body": text.text,
        "sentTimestamp": format_aest_without_offset(text.sent_at),
        "messageId": message_id,
    }


def message_status(
    recipient: str, sent_at: datetime, ended_at: datetime, delivery_status: str
) -> dict[str, str]:
    """Return a delivery status; received after sent, as in real responses, unlike the pages."""
    return {
        "to": recipient,
        "sentTimestamp": format_aest(sent_at),
        "receivedTimestamp": format_aest(ended_at),
        "deliveryStatus": delivery_status,
    }
