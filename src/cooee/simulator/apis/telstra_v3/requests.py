"""What a caller asks Telstra v3 to send, read and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cooee.simulator.apis.telstra_v3 import fields
from cooee.simulator.apis.telstra_v3.errors import Refusal, invalid

FIELDS = (
    *("to", "from", "messageContent", "multimedia", "retryTimeout", "scheduleSend"),
    *("deliveryNotification", "statusCallbackUrl", "tags", "queuePriority"),
)
LONGEST, FURTHEST = 1600, timedelta(days=10)
MOST, MOST_IN_TRIAL = 500, 5


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Texts to send: `recipients` as ``+61…``, `sender` as it was written."""

    recipients: tuple[str, ...]
    sender: str
    content: str | None
    media: Sequence[Mapping[str, str]]
    minutes: int
    send_at: datetime | None
    notified: bool
    callback: str | None
    tags: tuple[str, ...]
    priority: int
    several: bool  # a list was given, so lists are answered

    @property
    def words(self) -> str:
        """What a phone in the box shows: it has no pictures, so their names."""
        names = [f"[{one.get('fileName') or one['type']}]" for one in self.media]
        return " ".join(filter(None, [self.content, *names]))


def order(asked: Mapping[str, Any], now: datetime, *, trial: bool, single: bool = False) -> Order:
    """Read what ``POST /messages`` is given, or PUT, which takes a `single` recipient.

    Raises:
        Refusal: something is missing or wrong.
    """
    to = asked.get("to")
    if single and isinstance(to, list):
        raise invalid("to", "a single number")
    recipients = fields.people(to, "to", MOST_IN_TRIAL if trial else MOST)
    if trial and not all(one.startswith("+614") for one in recipients):
        raise Refusal("FREE_TRIAL_INTERNATIONAL_ERR", "A free trial is for Australia", "to")
    notified = fields.flag(asked, "deliveryNotification")
    if trial and notified:
        # That it is refused, and by this code, is an assumption: it is "a paid feature".
        issue = "deliveryNotification is a paid feature"
        raise Refusal("RATE_PLAN_ERR", issue, "deliveryNotification")
    content, media = _content(asked), fields.media(asked)
    if content is None and not media:
        raise Refusal("FIELD_MISSING", "messageContent or multimedia", "messageContent")
    return Order(
        recipients=recipients,
        sender=_sender(asked.get("from")),
        content=content,
        media=media,
        minutes=fields.whole(asked, "retryTimeout", 10, range(1, 1441)),
        send_at=_schedule(asked, now),
        notified=notified,
        callback=fields.url(asked, "statusCallbackUrl"),
        tags=fields.tags(asked),
        priority=fields.whole(asked, "queuePriority", 2, range(1, 4)),
        several=isinstance(to, list),
    )


def _content(asked: Mapping[str, Any]) -> str | None:
    content = asked.get("messageContent")
    if content is not None and not isinstance(content, str):
        raise invalid("messageContent", "a string")
    if content is not None and not 1 <= len(content) <= LONGEST:
        issue = f"messageContent: 1 to {LONGEST} characters"
        raise Refusal("FIELD_LENGTH_ERR", issue, "messageContent")
    return content


def _sender(sender: object) -> str:
    if sender is None:
        raise Refusal("FIELD_MISSING", "from is missing", "from")
    if not isinstance(sender, str):
        raise invalid("from", "a virtual number or a sender name")
    if not 1 <= len(sender) <= 13:
        raise Refusal("FIELD_LENGTH_ERR", "from: 1 to 13 characters", "from")
    return sender


def _schedule(asked: Mapping[str, Any], now: datetime) -> datetime | None:
    send_at = fields.moment(asked.get("scheduleSend"), "scheduleSend")
    if send_at is not None and not now < send_at <= now + FURTHEST:
        raise invalid("scheduleSend", "a time within the next 10 days")
    return send_at
