"""Telstra v3's JSON, parsed with all its quirks, and built."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from cooee.providers import (
    Accepted,
    Inbound,
    Media,
    Outbound,
    Receipt,
    RequestRefused,
    Subscription,
    parse_outbound_id,
    text_fingerprint,
)
from cooee.providers.json_fields import get_address, get_ascii_word, get_string, parse_timestamp
from cooee.providers.telstra_v3.errors import telstra_v3_status

_AUSTRALIAN_MOBILE = re.compile(r"(?:\+?61|0)(4[0-9]{8})")
_RETRY_MINUTES_RANGE = (
    10,
    24 * 60,
)  # the least and the most of `retryTimeout` that every source allows
_TRIAL_IDLE_LIMIT, _PAID_IDLE_LIMIT = (
    timedelta(days=30),
    timedelta(days=548),
)  # until an idle number is taken away
_WARN_BEFORE = timedelta(days=7)
_MAX_MEDIA = 5  # in one message


# Numbers


def to_national(number: str) -> str:
    """Return a number in Telstra v3's form: ``04…`` for Australian mobiles, any other as it is."""
    mobile = _AUSTRALIAN_MOBILE.fullmatch(number.strip())
    return f"0{mobile[1]}" if mobile else number


def to_e164(number: str) -> str:
    """Return a number in E.164: ``+614…`` for Australian mobiles, any other number unchanged."""
    mobile = _AUSTRALIAN_MOBILE.fullmatch(number.strip())
    return f"+61{mobile[1]}" if mobile else number


def to_virtual_number(number: str) -> str:
    """Return a virtual number in national form; "" for any other text."""
    mobile = _AUSTRALIAN_MOBILE.fullmatch("".join(number.split()))
    return f"0{mobile[1]}" if mobile else ""


class OwnVirtualNumber(msgspec.Struct, frozen=True):
    """A virtual number of the account, in national form."""

    number: str
    push_url: str | None
    tags: Sequence[str]
    last_used_at: datetime | None

    def update_body(self, push_url: str | None) -> Mapping[str, Any]:
        """Build the body of the PUT to change the push URL; left-out fields are wiped."""
        webhook = {"replyCallbackUrl": push_url} if push_url else {}
        return webhook | ({"tags": self.tags} if self.tags else {})

    def to_subscription(self, notes: Sequence[str], at: datetime | None) -> Subscription:
        """Return the number as a subscription."""
        all_notes = (*notes, *self._expiry_notes(at))
        return Subscription(to_e164(self.number), self.push_url, notes=all_notes)

    def _expiry_notes(self, at: datetime | None) -> Iterator[str]:
        idle = at - self.last_used_at if at and self.last_used_at else timedelta(0)
        if idle >= _PAID_IDLE_LIMIT - 4 * _WARN_BEFORE:
            yield (
                f"{self.number} has had no traffic since {self.last_used_at:%Y-%m-%d}: Telstra"
                " takes a number away after 18 months. Send a text from it to keep it."
            )
        elif idle >= _TRIAL_IDLE_LIMIT - _WARN_BEFORE:
            yield (
                f"{self.number} has sent nothing since {self.last_used_at:%Y-%m-%d}: if this is a"
                " free trial, Telstra takes it away after 30 days. Send a text from it to keep it."
            )


def parse_virtual_number(body: Any) -> OwnVirtualNumber | None:
    """Return the virtual number in a body, or None."""
    number = to_virtual_number(get_address(body, "virtualNumber"))
    if not number:
        return None
    tags = body.get("tags")
    last_used_at = parse_timestamp(get_string(body, "lastUse"))
    return OwnVirtualNumber(
        number,
        get_string(body, "replyCallbackUrl") or None,
        [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else [],
        last_used_at.replace(tzinfo=UTC) if last_used_at else None,
    )


def parse_virtual_numbers(body: Any) -> Sequence[OwnVirtualNumber] | None:
    """Return the virtual numbers of a list, the lowest first; None for a body of another form."""
    match body:
        case {"virtualNumbers": [*items]}:
            found = filter(None, map(parse_virtual_number, items))
            return sorted(found, key=lambda one: one.number)
        case {"virtualNumbers": None}:
            return []
    return None


# Texts of ours


def build_send_body(outbound: Outbound, *, with_notification: bool) -> Mapping[str, Any]:
    """Build the body of a send, with our id as its tag.

    What is half a character goes as "?": UTF-8 has no halves. Left alone, Telstra gives up on
    a text after 10 minutes; without a `good_until` it is asked to try for a day, the most there
    is. Less than 10 minutes is asked for as 10: later specifications refuse less, and a text
    that is late by minutes is better than one that is refused (an assumption).
    """
    body: dict[str, Any] = {
        "to": to_national(outbound.recipient),
        "from": to_national(outbound.sender),
        "messageContent": outbound.text.encode(errors="replace").decode(),
        "retryTimeout": _retry_minutes(outbound),
        "tags": [outbound.id],
    }
    if with_notification:
        body["deliveryNotification"] = True
        if outbound.callback:
            body["statusCallbackUrl"] = outbound.callback
    return body


def _retry_minutes(outbound: Outbound) -> int:
    min_minutes, max_minutes = _RETRY_MINUTES_RANGE
    if not (outbound.good_until and outbound.at):
        return max_minutes
    return min(
        max((outbound.good_until - outbound.at) // timedelta(minutes=1), min_minutes), max_minutes
    )


def parse_accepted(body: Any) -> Accepted | None:
    """Return the message id, a list for several recipients, or None."""
    if isinstance(body, dict) and isinstance(ids := body.get("messageId"), list):
        body = {"messageId": next(iter(ids), None)}
    message_id = get_ascii_word(body, "messageId")
    return Accepted(message_id) if message_id else None


def parse_message_list(body: Any) -> Sequence[Any] | None:
    """Return the messages of a page; None for a body of another form."""
    match body:
        case {"messages": [*items]}:
            return items
        case {"messages": None}:
            return []
    return None


def find_by_tag(items: Sequence[Any], tag: str) -> Accepted | None:
    """Return the message with our tag, compared whole: whether Telstra's filter does is unsaid."""
    for item in items:
        tags = item.get("tags") if isinstance(item, dict) else None
        if isinstance(tags, list) and tag in tags and (found := parse_accepted(item)):
            return found
    return None


def parse_receipt(body: Any, outbound_id: str) -> Receipt | None:
    """Parse a receipt, polled or pushed; None without a status or an id."""
    status_word, provider_id = get_ascii_word(body, "status"), get_ascii_word(body, "messageId")
    if not status_word or not (outbound_id or provider_id):
        return None
    timestamp_fields = ("timestamp", "receivedTimestamp", "sentTimestamp")
    timestamps = [parse_timestamp(get_string(body, name)) for name in timestamp_fields]
    at = next((timestamp.replace(tzinfo=UTC) for timestamp in timestamps if timestamp), None)
    return Receipt(
        status=telstra_v3_status(status_word),
        provider_status=status_word,
        outbound_id=outbound_id,
        provider_id=provider_id,
        at=at,
    )


def parse_pushed_receipt(body: Any, outbound_id: str) -> Receipt:
    """Parse a push to ``status/name``, where the name is our id of the text.

    Raises:
        RequestRefused: it names no text, or says no status.
    """
    if outbound_id and parse_outbound_id(outbound_id) is None:
        raise RequestRefused("The path names no text of ours.", 404)
    found = parse_receipt(body, outbound_id)
    if found is None:
        raise RequestRefused("A status pushed by Telstra is JSON with messageId and status.")
    return found


# Texts to us


def parse_inbound(body: Any, ours: str, at: datetime) -> Inbound | None:
    """Parse a text to `ours` (E.164, "" for unknown), polled or pushed; None for another body.

    Which end is which is decided by our number: Telstra's samples show `to` and `from` the
    same way round for texts of both directions, so one of them has to be wrong. Where our
    number is at neither end, or unknown, the names are believed.

    A picture message may come without a text; it is then an empty text, so that the person is
    answered.
    """
    ends = [to_e164(_get_end_address(body, message_id)) for message_id in ("to", "from")]
    recipient, sender = reversed(ends) if ours and ends[0] != ours and ends[1] == ours else ends
    media = _parse_media(body.get("multimedia")) if isinstance(body, dict) else ()
    text = get_string(body, "messageContent")
    if not sender or not recipient or (text is None and not media):
        return None
    sent_at = get_string(body, "sentTimestamp", "timestamp", "createTimestamp") or ""
    name = get_ascii_word(body, "messageId")
    return Inbound(
        sender=sender,
        recipient=recipient,
        text=text or "",
        received_at=at,
        sent_at=parse_timestamp(sent_at),
        provider_id=name,
        key=name or text_fingerprint(sender, recipient, text or "", sent_at),
        media=media,
    )


def _parse_media(value: Any) -> tuple[Media, ...]:
    """Parse a text's media: a list, or in Telstra's sample of a push a single object."""
    items = value if isinstance(value, list) else [value]
    return tuple(
        _parse_medium(one)
        for one in items[:_MAX_MEDIA]
        if isinstance(one, dict) and any(one.values())
    )


def _parse_medium(item: Any) -> Media:
    """Parse a medium: from a push in base64, from the log only its name."""
    content_type, name = get_ascii_word(item, "type"), get_address(item, "fileName")
    payload = get_string(item, "payload")
    try:
        content = b64decode(payload or "", validate=True)
    except ValueError:
        return Media(
            content_type=content_type, name=name, error="Telstra sent it as broken base64."
        )
    error = "" if content else "Telstra's log has no media, only their names. A push brings them."
    return Media(content_type=content_type, name=name, content=content, error=error)


def parse_pushed_reply(body: Any, ours: str, at: datetime) -> Inbound:
    """Parse a pushed reply.

    Raises:
        RequestRefused: it has no sender, no recipient, or neither text nor media.
    """
    found = parse_inbound(body, ours, at)
    if found is None:
        raise RequestRefused(
            "A reply pushed by Telstra is JSON with from, to and messageContent; this is not."
        )
    return found


def _get_end_address(body: Any, name: str) -> str:
    """Return an end of a text: a string, or a list of a single string."""
    if (
        isinstance(body, dict)
        and isinstance(addresses := body.get(name), list)
        and len(addresses) == 1
    ):
        body = {name: addresses[0]}
    return get_address(body, name)


def parse_opt_outs(body: Any) -> Sequence[str] | None:
    """Return a page's opt-outs, as E.164 numbers; None for a body of another form."""
    match body:
        case {"recipientOptouts": [*items]}:
            found = (to_e164(get_address(item, "optoutNumber")) for item in items)
            return [number for number in found if number]
        case {"recipientOptouts": None}:
            return []
    return None
