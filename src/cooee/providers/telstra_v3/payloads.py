"""Telstra v3's JSON, read with all its quirks, and written."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from cooee.core.errors import RequestRefused
from cooee.core.messages import Inbound, Media, Outbound, Receipt, fingerprint, outbound_place
from cooee.providers import Accepted, Subscription
from cooee.providers.json_fields import address, stamp, string, word
from cooee.providers.telstra_v3.errors import standing

_AUSTRALIAN = re.compile(r"(?:\+?61|0)(4[0-9]{8})")
_MINUTES = 10, 24 * 60  # the least and the most of `retryTimeout` that every source allows
_TRIAL, _PAID = timedelta(days=30), timedelta(days=548)  # until an idle number is taken away
_WARNED = timedelta(days=7)
_MOST_MEDIA = 5  # in one message


# Numbers


def national(number: str) -> str:
    """A number as Telstra v3 wants it: ``04…`` for Australian mobiles, any other as it is."""
    mobile = _AUSTRALIAN.fullmatch(number.strip())
    return f"0{mobile[1]}" if mobile else number


def international(number: str) -> str:
    """A number as cooee has it: ``+614…`` for Australian mobiles, any other as it came."""
    mobile = _AUSTRALIAN.fullmatch(number.strip())
    return f"+61{mobile[1]}" if mobile else number


def virtual(number: str) -> str:
    """A virtual number in national form, however it is written; "" where it is none."""
    mobile = _AUSTRALIAN.fullmatch("".join(number.split()))
    return f"0{mobile[1]}" if mobile else ""


class Held(msgspec.Struct, frozen=True):
    """A virtual number of the account's, in national form, as Telstra tells of it."""

    number: str
    pushes_to: str | None
    tags: Sequence[str]
    used_at: datetime | None

    def told(self, pushes_to: str | None) -> Mapping[str, Any]:
        """The body of the PUT that changes the way alone: what it leaves out is wiped."""
        way = {"replyCallbackUrl": pushes_to} if pushes_to else {}
        return way | ({"tags": self.tags} if self.tags else {})

    def subscription(self, notes: Sequence[str], at: datetime | None) -> Subscription:
        """The same in the contract's words."""
        said = (*notes, *self._ending(at))
        return Subscription(international(self.number), self.pushes_to, notes=said)

    def _ending(self, at: datetime | None) -> Iterator[str]:
        idle = at - self.used_at if at and self.used_at else timedelta(0)
        if idle >= _PAID - 4 * _WARNED:
            yield (
                f"{self.number} has had no traffic since {self.used_at:%d %B %Y}: Telstra takes a"
                " number away after 18 months. Send a text from it to keep it."
            )
        elif idle >= _TRIAL - _WARNED:
            yield (
                f"{self.number} has sent nothing since {self.used_at:%d %B %Y}: if this is a free"
                " trial, Telstra takes it away after 30 days. Send a text from it to keep it."
            )


def held(body: Any) -> Held | None:
    """The number that an answer tells of; None where it tells of none."""
    number = virtual(address(body, "virtualNumber"))
    if not number:
        return None
    tags = body.get("tags")
    used = stamp(string(body, "lastUse"))
    return Held(
        number,
        string(body, "replyCallbackUrl") or None,
        [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else [],
        used.replace(tzinfo=UTC) if used else None,
    )


def all_held(body: Any) -> Sequence[Held] | None:
    """The numbers of a list, the lowest first; None where it is no list."""
    match body:
        case {"virtualNumbers": [*items]}:
            found = filter(None, map(held, items))
            return sorted(found, key=lambda one: one.number)
        case {"virtualNumbers": None}:
            return []
    return None


# Texts of ours


def message(outbound: Outbound, *, notified: bool) -> Mapping[str, Any]:
    """The body that sends a text, with our id as its tag.

    What is half a character goes as "?": UTF-8 has no halves. Left alone, Telstra gives up on
    a text after 10 minutes; without a `good_until` it is asked to try for a day, the most there
    is. Less than 10 minutes is asked for as 10: later specifications refuse less, and a text
    that is late by minutes is better than one that is refused (an assumption).
    """
    body: dict[str, Any] = {
        "to": national(outbound.recipient),
        "from": national(outbound.sender),
        "messageContent": outbound.text.encode(errors="replace").decode(),
        "retryTimeout": _retry_for(outbound),
        "tags": [outbound.id],
    }
    if notified:
        body["deliveryNotification"] = True
        if outbound.callback:
            body["statusCallbackUrl"] = outbound.callback
    return body


def _retry_for(outbound: Outbound) -> int:
    least, most = _MINUTES
    if not (outbound.good_until and outbound.at):
        return most
    return min(max((outbound.good_until - outbound.at) // timedelta(minutes=1), least), most)


def accepted(body: Any) -> Accepted | None:
    """The id in an answer; to a list of recipients it would be a list. None where there is none."""
    if isinstance(body, dict) and isinstance(ids := body.get("messageId"), list):
        body = {"messageId": next(iter(ids), None)}
    found = word(body, "messageId")
    return Accepted(found) if found else None


def messages(body: Any) -> Sequence[Any] | None:
    """The items of a page of messages; None where it is no page."""
    match body:
        case {"messages": [*items]}:
            return items
        case {"messages": None}:
            return []
    return None


def tagged(items: Sequence[Any], tag: str) -> Accepted | None:
    """The message that bears our tag, compared whole: whether Telstra's filter is, is unsaid."""
    for item in items:
        tags = item.get("tags") if isinstance(item, dict) else None
        if isinstance(tags, list) and tag in tags and (found := accepted(item)):
            return found
    return None


def receipt(body: Any, outbound: str) -> Receipt | None:
    """News of a text, polled or pushed; None where it says no status, or names no text."""
    said, provider_id = word(body, "status"), word(body, "messageId")
    if not said or not (outbound or provider_id):
        return None
    names = ("timestamp", "receivedTimestamp", "sentTimestamp")
    moments = [stamp(string(body, name)) for name in names]
    at = next((moment.replace(tzinfo=UTC) for moment in moments if moment), None)
    return Receipt(
        status=standing(said), word=said, outbound=outbound, provider_id=provider_id, at=at
    )


def reported(body: Any, name: str) -> Receipt:
    """The receipt that a push to ``status/name`` brings, where the name is our id of the text.

    Raises:
        RequestRefused: it names no text, or says no status.
    """
    if name and outbound_place(name) is None:
        raise RequestRefused("The path names no text of ours.", 404)
    found = receipt(body, name)
    if found is None:
        raise RequestRefused("A status pushed by Telstra is JSON with messageId and status.")
    return found


# Texts to us


def incoming(body: Any, ours: str, at: datetime) -> Inbound | None:
    """A text to `ours` (E.164, "" for unknown), polled or pushed; None where it is none.

    Which end is which is decided by our number: Telstra's samples show `to` and `from` the
    same way round for texts of both directions, so one of them has to be wrong. Where our
    number is at neither end, or unknown, the names are believed.

    A picture message may come without words; it is then an empty text, so that the person is
    answered.
    """
    ends = [international(_end(body, name)) for name in ("to", "from")]
    recipient, sender = reversed(ends) if ours and ends[0] != ours and ends[1] == ours else ends
    media = _media(body.get("multimedia")) if isinstance(body, dict) else ()
    text = string(body, "messageContent")
    if not sender or not recipient or (text is None and not media):
        return None
    sent = string(body, "sentTimestamp", "timestamp", "createTimestamp") or ""
    name = word(body, "messageId")
    return Inbound(
        sender=sender,
        recipient=recipient,
        text=text or "",
        received_at=at,
        sent_at=stamp(sent),
        provider_id=name,
        key=name or fingerprint(sender, recipient, text or "", sent),
        media=media,
    )


def _media(said: Any) -> tuple[Media, ...]:
    """What came with a text: a list, or in Telstra's sample of a push a single object."""
    several = said if isinstance(said, list) else [said]
    return tuple(
        _medium(one) for one in several[:_MOST_MEDIA] if isinstance(one, dict) and any(one.values())
    )


def _medium(said: Any) -> Media:
    """One of the media. A push brings it in base64; the log only says that there was one."""
    kind, name = word(said, "type"), address(said, "fileName")
    payload = string(said, "payload")
    try:
        content = b64decode(payload or "", validate=True)
    except ValueError:
        return Media(content_type=kind, name=name, error="Telstra sent it as broken base64.")
    why = "" if content else "Telstra's log has no media, only their names. A push brings them."
    return Media(content_type=kind, name=name, content=content, error=why)


def pushed(body: Any, ours: str, at: datetime) -> Inbound:
    """The text that a push to ``reply`` brings.

    Raises:
        RequestRefused: it has no sender, no recipient, or neither text nor media.
    """
    found = incoming(body, ours, at)
    if found is None:
        raise RequestRefused(
            "A reply pushed by Telstra is JSON with from, to and messageContent; this is not."
        )
    return found


def _end(body: Any, name: str) -> str:
    """One end of a text: a string, or a list of one."""
    if isinstance(body, dict) and isinstance(several := body.get(name), list) and len(several) == 1:
        body = {name: several[0]}
    return address(body, name)


def optouts(body: Any) -> Sequence[str] | None:
    """Who opted out, as E.164 numbers; None where it is no page of opt-outs."""
    match body:
        case {"recipientOptouts": [*items]}:
            found = (international(address(item, "optoutNumber")) for item in items)
            return [number for number in found if number]
        case {"recipientOptouts": None}:
            return []
    return None
