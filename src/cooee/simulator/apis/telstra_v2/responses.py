"""Telstra's JSON, key by key: what is sent, polled, pushed and told of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from cooee.simulator.network import Text

AEST = timezone(timedelta(hours=10))
"""Every sample has +10:00, in daylight time too: a clock that stays on standard time."""

_COUNTRIES = {"+61": "AUS", "+64": "NZL", "+44": "GBR", "+65": "SGP", "+91": "IND", "+1": "USA"}


def stamp(moment: datetime) -> str:
    """A time as Telstra writes it: whole seconds, at +10:00."""
    return moment.astimezone(AEST).replace(microsecond=0).isoformat()


def naive(moment: datetime) -> str:
    """A time as a reply's push has it: the same clock, its offset left out."""
    return stamp(moment).removesuffix("+10:00")


def milliseconds(moment: datetime) -> int:
    """Unix time in milliseconds, a number where its neighbours are strings."""
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def slashed(message_id: str) -> str:
    """A message's id as delivery pushes write it: `/x/126…` for the `x-126…` of the answer."""
    return "/" + message_id.replace("-", "/")


def plain(message_id: str) -> str:
    """A message's id as it was given out, however a path wrote it."""
    return message_id.strip("/").replace("/", "-")


def countries(recipients: Sequence[str]) -> list[dict[str, int]]:
    """The key `Country` (with a capital): how many recipients in which."""
    counted = Counter(
        next((code for prefix, code in _COUNTRIES.items() if one.startswith(prefix)), "UNK")
        for one in recipients
    )
    return [{code: count} for code, count in counted.items()]


def sent(messages: Sequence[Any], recipients: Sequence[str], segments: int) -> dict[str, Any]:
    """The answer to a send, one item for each recipient."""
    return {
        "messages": messages,
        "Country": countries(recipients),
        "messageType": "SMS",
        "numberSegments": segments,
    }


def waiting(recipient: str, message_id: str, base: str) -> dict[str, str]:
    """The item of a recipient whose text was accepted."""
    return {
        "to": recipient,
        "deliveryStatus": "MessageWaiting",
        "messageId": message_id,
        "messageStatusURL": f"{base}/messages/sms/{message_id}/status",
    }


def impossible(recipient: str, base: str, words: str) -> dict[str, str]:
    """The item of a recipient who is none: the shape of a success, with an error in it."""
    return {
        "to": recipient,
        "deliveryStatus": "DeliveryImpossible",
        "messageStatusURL": f"{base}/messages/sms//status",
        "status": "400",
        "code": "TO-MSISDN-NOT-VALID",
        "message": words,
    }


def polled(text: Text, message_id: str) -> dict[str, str]:
    """A reply as reading gives it. To the number itself, its id is empty."""
    return {
        "status": "RECEIVED",
        "destinationAddress": text.recipient,
        "senderAddress": text.sender,
        "message": text.text,
        "messageId": message_id,
        "apiMsgId": "",
        "sentTimestamp": stamp(text.sent_at),
    }


def pushed(text: Text, message_id: str) -> dict[str, str]:
    """The same reply as a push gives it: other keys, an id, and a stamp without offset."""
    return {
        "to": text.recipient,
        "from": text.sender,
        "body": text.text,
        "sentTimestamp": naive(text.sent_at),
        "messageId": message_id,
    }


def status(recipient: str, sent_at: datetime, ended_at: datetime, word: str) -> dict[str, str]:
    """How a text fares. Received after sent, as live answers had it and the pages have not."""
    return {
        "to": recipient,
        "sentTimestamp": stamp(sent_at),
        "receivedTimestamp": stamp(ended_at),
        "deliveryStatus": word,
    }
