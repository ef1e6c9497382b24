"""Requests to Telstra's API v3 to send messages, with Telstra's checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cooee.simulator.apis.telstra_v3 import fields
from cooee.simulator.apis.telstra_v3.errors import TelstraV3APIError, invalid_field

SEND_FIELDS = (
    *("to", "from", "messageContent", "multimedia", "retryTimeout", "scheduleSend"),
    *("deliveryNotification", "statusCallbackUrl", "tags", "queuePriority"),
)
MAX_TEXT_CHARS, MAX_SCHEDULE_AHEAD = 1600, timedelta(days=10)
MAX_RECIPIENTS, MAX_RECIPIENTS_IN_TRIAL = 500, 5


class TelstraV3SendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Texts to send: `recipients` as ``+61…``, `sender` as written."""

    recipients: tuple[str, ...]
    sender: str
    text: str | None
    media: Sequence[Mapping[str, str]]
    retry_minutes: int
    send_at: datetime | None
    delivery_notification: bool
    status_callback_url: str | None
    tags: tuple[str, ...]
    priority: int
    is_list: bool  # a list was given, so lists are answered

    @property
    def screen_text(self) -> str:
        """The text on a phone's screen; phones here show no pictures, so their names."""
        path_params = [f"[{item.get('fileName') or item['type']}]" for item in self.media]
        return " ".join(filter(None, [self.text, *path_params]))


def parse_message_request(
    body: Mapping[str, Any], now: datetime, *, is_trial: bool, is_single: bool = False
) -> TelstraV3SendRequest:
    """Parse the body of ``POST /messages``, or of PUT, for a single recipient.

    Raises:
        TelstraV3APIError: a field is missing or wrong.
    """
    to = body.get("to")
    if is_single and isinstance(to, list):
        raise invalid_field("to", "a single number")
    recipients = fields.parse_person_numbers(
        to, "to", MAX_RECIPIENTS_IN_TRIAL if is_trial else MAX_RECIPIENTS
    )
    if is_trial and not all(recipient.startswith("+614") for recipient in recipients):
        raise TelstraV3APIError(
            "FREE_TRIAL_INTERNATIONAL_ERR", "A free trial is for Australia", "to"
        )
    delivery_notification = fields.get_flag(body, "deliveryNotification")
    if is_trial and delivery_notification:
        # That it is refused, and by this code, is an assumption: it is "a paid feature".
        issue = "deliveryNotification is a paid feature"
        raise TelstraV3APIError("RATE_PLAN_ERR", issue, "deliveryNotification")
    text, media = _get_text(body), fields.get_media(body)
    if text is None and not media:
        raise TelstraV3APIError("FIELD_MISSING", "messageContent or multimedia", "messageContent")
    return TelstraV3SendRequest(
        recipients=recipients,
        sender=_check_sender_field(body.get("from")),
        text=text,
        media=media,
        retry_minutes=fields.get_whole_number(body, "retryTimeout", 10, range(1, 1441)),
        send_at=_get_send_at(body, now),
        delivery_notification=delivery_notification,
        status_callback_url=fields.get_url(body, "statusCallbackUrl"),
        tags=fields.get_tags(body),
        priority=fields.get_whole_number(body, "queuePriority", 2, range(1, 4)),
        is_list=isinstance(to, list),
    )


def _get_text(body: Mapping[str, Any]) -> str | None:
    text = body.get("messageContent")
    if text is not None and not isinstance(text, str):
        raise invalid_field("messageContent", "a string")
    if text is not None and not 1 <= len(text) <= MAX_TEXT_CHARS:
        issue = f"messageContent: 1 to {MAX_TEXT_CHARS} characters"
        raise TelstraV3APIError("FIELD_LENGTH_ERR", issue, "messageContent")
    return text


def _check_sender_field(sender: object) -> str:
    if sender is None:
        raise TelstraV3APIError("FIELD_MISSING", "from is missing", "from")
    if not isinstance(sender, str):
        raise invalid_field("from", "a virtual number or a sender name")
    if not 1 <= len(sender) <= 13:
        raise TelstraV3APIError("FIELD_LENGTH_ERR", "from: 1 to 13 characters", "from")
    return sender


def _get_send_at(body: Mapping[str, Any], now: datetime) -> datetime | None:
    send_at = fields.parse_utc_time(body.get("scheduleSend"), "scheduleSend")
    if send_at is not None and not now < send_at <= now + MAX_SCHEDULE_AHEAD:
        raise invalid_field("scheduleSend", "a time within the next 10 days")
    return send_at
